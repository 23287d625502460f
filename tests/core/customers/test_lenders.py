"""Whoever prepared a record lends nobody the role by which it is decided, and who sent an import does not approve it (ORG-08, ORG-09)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.customers import importers, services
from core.customers.models import CustomerForm
from core.errors import Conflict, NotAllowed
from core.finance import services as finance
from core.imports import readers
from core.imports import services as imports
from core.recommendations import services as recommendations
from core.recommendations.domain import Source
from tests.core.customers.conftest import ADMIN, People, Person, person
from tests.core.finance.conftest import FINANCE, NOW, sar

VALUES = {"name": "شركة ٩", "customer_class": "donor", "mobile": "0550000009", "registration_origin": "call"}


def lend(session: Session, lender: Person, to: Person) -> Actor:
    auth.delegate(session, lender.user, to.user, NOW.date(), NOW.date() + timedelta(days=9), actor=lender.actor, now=NOW)
    return auth.actor_for(session, to.user, source="web", now=NOW)


def test_a_form_is_not_approved_by_the_role_of_its_maker(session: Session, people: People) -> None:
    work.begin_write(session)
    auth.split_post(session, "crm_rd_manager", actor=ADMIN)
    other = person(session, "rd2", "crm_rd_manager")
    form = services.fill_form(session, VALUES, actor=people.manager.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    assert services.APPROVE in other.actor.permissions
    deputy = lend(session, people.manager, other)

    with pytest.raises(NotAllowed) as refused:
        services.approve(session, form, actor=deputy, now=NOW)

    assert refused.value.rule == "ORG-09"


def test_a_recommendation_is_not_decided_by_the_role_of_who_raised_it(session: Session, people: People) -> None:
    raiser, other = person(session, "both", "subcouncil_secretary", "crm_manager"), person(session, "mgmt", "association_management")
    source = Source(label="x", link="/customers/", record_type="core_customer", record_id=1, plugin="core", decision="recommendations.decide",
                    department_id=None, period=None)
    one = recommendations.propose(session, "do it", source=source, actor=raiser.actor, now=NOW)
    deputy = lend(session, raiser, other)

    with pytest.raises(NotAllowed) as refused:
        recommendations.decide(session, one, True, actor=deputy, now=NOW)

    assert refused.value.rule in ("ORG-09", recommendations.DECIDING)


def test_who_sent_an_import_does_not_approve_it_though_another_applied_it(session: Session, people: People, tmp_path: Path) -> None:
    first, second = people.manager, person(session, "manager2", "crm_manager")
    file = tmp_path / "a.csv"
    file.write_text("name,mobile\nاسم واحد,0551110001\n", encoding="utf-8")
    importer, declared = importers.importers()[0], {"time_zone": "Asia/Riyadh", "region": "SA"}
    row = imports.receive(session, importer, file_name="a.csv", token="0", sha256="0" * 64, actor=first.actor, now=NOW)
    headings = readers.read(file, imports.declaration(declared)).headings
    imports.declare(session, row, importer, headings, mapping={one: one for one in headings}, declared=declared, options={"customer_class": "donor"},
                    actor=first.actor)
    imports.stage_and_check(session, row, importer, file, actor=first.actor, now=NOW)
    imports.choose_to_apply(session, row, importer, expected=1, leave_out_refused=True, actor=second.actor)
    imports.run_whole(session, row, importer, actor=second.actor, now=NOW)
    form = session.scalars(sa.select(CustomerForm).where(CustomerForm.kind == "import")).one()
    services.review(session, form, actor=first.actor, now=NOW)

    for one in (first, second):
        with pytest.raises(NotAllowed):
            services.approve(session, form, actor=one.actor, now=NOW)


def test_a_key_of_somebody_elses_sending_is_refused(session: Session, customer: Any) -> None:
    one, other = customer(), customer(name="غيره", mobile="0551112222")
    given: dict[str, Any] = {"amount": sar("10"), "received_on": NOW.date(), "method": "bank", "operation_key": "k1", "now": NOW}
    first = finance.record_contribution(session, customer_id=one.id, **given, actor=FINANCE)

    assert finance.record_contribution(session, customer_id=one.id, **given, actor=FINANCE) is first
    with pytest.raises(Conflict):
        finance.record_contribution(session, customer_id=other.id, **given, actor=FINANCE)
