"""ACC-10: the five classes; "other" needs a detail; without beneficiaries there are four (CUST-03…05)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import settings
from core.customers import services
from core.customers.values import classes
from core.errors import InvalidInputs
from core.i18n import use_language
from tests.acceptance.register import NOOR, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def test_the_list_offers_exactly_the_five_classes(session):
    with use_language("ar"):
        assert [str(label) for label in classes(session).values()] == ["مانح / داعم", "جهة حكومية", "عضو مجلس حي", "مستفيد", "آخر"]


def test_other_without_detail_is_refused(session):
    people = register_people(session, NOW)
    with pytest.raises(InvalidInputs) as refused:
        services.fill_form(session, {**NOOR, "customer_class": "other", "other_detail": " "}, actor=people.employee, now=NOW)
    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [("other_detail", "CUST-04")]


def test_without_beneficiaries_there_are_four(session):
    people = register_people(session, NOW)
    settings.put(session, "core.classes_off", ["beneficiary"])

    assert list(classes(session)) == ["donor", "government", "council_member", "other"]
    with pytest.raises(InvalidInputs):
        services.fill_form(session, {**NOOR, "customer_class": "beneficiary"}, actor=people.employee, now=NOW)
