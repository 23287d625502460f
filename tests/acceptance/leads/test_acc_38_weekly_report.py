"""ACC-38: the week's report has every open lead with old and new probability, its change of state, and a flag where nobody wrote (LEAD-14, 15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers.models import Customer
from core.i18n import use_language
from core.reports import services as reporting
from core.reports.domain import as_texts
from core.testing import sign_in
from plugins.leads import domain, reports, services
from plugins.leads.models import Lead
from tests.plugins.leads.conftest import Staff

WEEK = {"from_on": date(2026, 1, 4), "to_on": date(2026, 1, 10)}
END = datetime(2026, 1, 11, 5, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


def rows(session: Session, staff: Staff, parameters: Mapping[str, Any] = WEEK) -> dict[str, dict[str, Any]]:
    report = next(one for one in reports.reports() if one.name == "leads.weekly")
    with work.time_at(END), use_language("en"):
        found = reporting.run(session, report, as_texts(parameters), actor=staff.manager.actor, now=END)
        told = [{column.key: str(cell) if hasattr(cell, "localized") or not isinstance(cell, (int, date, type(None))) else cell
                 for column, cell in zip(found.columns, row, strict=True)} for row in found.rows]
    return {row["number"]: row for row in told}


@pytest.fixture
def three(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer) -> tuple[Lead, Lead, Lead]:
    """Lead 1 goes from 30 % to 50 % in follow-up, lead 2 has nothing new for 9 days, lead 3 is cancelled."""
    first, second, third = lead(THURSDAY), lead(THURSDAY, probability=20, next_action="زيارة", next_action_on=date(2026, 1, 15)), lead(THURSDAY)
    gone = lead(datetime(2025, 12, 20, 8, 0, tzinfo=UTC))
    services.cancel(session, gone, "أُلغيت قبل الأسبوع", actor=staff.manager.actor, now=datetime(2026, 1, 2, 8, 0, tzinfo=UTC))
    services.contact(session, first, customer_id=donor.id, channel="phone", summary="قبول", actor=staff.employee.actor,
                     now=datetime(2026, 1, 2, 9, 0, tzinfo=UTC))
    services.estimate(session, first, probability=50, factors="زيارة ناجحة", actor=staff.employee.actor, now=datetime(2026, 1, 6, 9, 0, tzinfo=UTC))
    services.cancel(session, third, "خارج الميزانية", actor=staff.manager.actor, now=datetime(2026, 1, 7, 9, 0, tzinfo=UTC))
    return first, second, third


def test_three_leads_of_the_week(session: Session, staff: Staff, three: tuple[Lead, Lead, Lead]) -> None:
    first, second, third = three
    found = rows(session, staff)

    assert list(found) == [first.number, second.number, third.number], "what ended before the week is not in it"
    one = found[first.number]
    assert (one["state"], one["probability_before"], one["probability"], one["last_contact_on"]) == ("In follow-up", 30, 50, date(2026, 1, 2))
    assert (one["state_before"], one["flag"]) == (None, None)
    two = found[second.number]
    assert (two["probability_before"], two["probability"], two["flag"]) == (20, 20, "no update for 9 days")
    assert (two["next_action"], two["next_action_on"]) == ("زيارة", date(2026, 1, 15))
    last = found[third.number]
    assert (last["state_before"], last["state"], last["flag"]) == ("Identified", "Cancelled", None)
    assert str(domain.states()[domain.CANCELLED].ar) == "ملغاة"


def test_a_lead_is_flagged_after_more_than_seven_days(session: Session, staff: Staff, three: tuple[Lead, Lead, Lead], client: FlaskClient) -> None:
    """LEAD-15: seven days are not too long, eight are; on the pages too."""
    first, second, _third = three
    assert rows(session, staff, {"from_on": date(2026, 1, 4), "to_on": date(2026, 1, 8)})[second.number]["flag"] is None
    assert rows(session, staff, {"from_on": date(2026, 1, 4), "to_on": date(2026, 1, 9)})[second.number]["flag"] == "no update for 8 days"

    address = f"/leads/{second.id}"
    with work.time_at(END):
        sign_in(client, staff.manager.user)
        listed = client.get("/leads/?f.quiet=1").get_data(as_text=True)
        page = client.get(address).get_data(as_text=True)
    assert second.number in listed
    assert first.number not in listed
    assert "دون تحديث منذ" in page


def test_a_lead_that_is_closing_stays_in_the_report(session: Session, staff: Staff, pledged: Callable[..., Lead]) -> None:
    """ACC-35: closing is no end."""
    one = pledged(datetime(2026, 3, 10, 8, 0, tzinfo=UTC))
    report = next(each for each in reports.reports() if each.name == "leads.weekly")
    later = datetime(2026, 3, 22, 5, 0, tzinfo=UTC)
    with work.time_at(later), use_language("en"):
        found = reporting.run(session, report, as_texts({"from_on": date(2026, 3, 15), "to_on": date(2026, 3, 21)}), actor=staff.manager.actor, now=later)
        (row,) = list(found.rows)
    assert row[0] == one.number
    assert str(row[2]) == "إغلاق" or str(row[2].en) == "Closing (pledged)"
