"""ACC-41: three successful and two cancelled leads are a rate of 60.0 %; open ones are worth 80000.00 weighted (LEAD-25, 26)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.finance.models import Contribution
from core.i18n import use_language
from core.organisation.models import Programme
from core.reports import services as reporting
from core.reports.domain import as_texts
from core.testing import sign_in
from plugins.leads import queries, reports, services
from plugins.leads.models import Lead
from tests.plugins.leads.conftest import MARCH, Staff, sar

END = datetime(2026, 4, 1, 5, 0, tzinfo=UTC)
PERIOD = {"from_on": date(2026, 3, 1), "to_on": date(2026, 3, 31)}


def test_three_of_five(
    session: Session, staff: Staff, pledged: Callable[..., Lead], lead: Callable[..., Lead], pay: Callable[..., Contribution], programme: Programme,
) -> None:
    manager = staff.manager.actor
    for _n in range(3):
        won = pledged()
        pay(won, "50000")
        services.succeed(session, won, actor=manager, now=MARCH + timedelta(days=4))
    for days in (2, 5):
        services.cancel(session, lead(MARCH), "خارج الميزانية", actor=manager, now=MARCH + timedelta(days=days))
    services.cancel(session, lead(MARCH), "بعد الفترة", actor=manager, now=END)

    report = next(one for one in reports.reports() if one.name == "leads.success")
    with work.time_at(END), use_language("en"):
        found = reporting.run(session, report, as_texts(PERIOD), actor=manager, now=END)
        (row,) = [list(one) for one in found.rows]
        figures = {str(one.label): one.value for one in found.figures}
    span = Decimal((MARCH - datetime(2026, 1, 11, 7, 0, tzinfo=UTC)).days)
    identified = ((Decimal(2) + Decimal(5)) / 5).quantize(Decimal("0.1"))
    assert row[1:] == [3, 2, Decimal("60.0"), identified, span.quantize(Decimal("0.1")), Decimal("4.0")]
    assert figures["Success rate"] == "60.0%"


def test_open_leads_are_worth_their_weighted_values(
    session: Session, staff: Staff, lead: Callable[..., Lead], programme: Programme, client: FlaskClient,
) -> None:
    lead(probability=40, expected=sar("100000"))
    lead(probability=80, expected=sar("50000"))
    assert queries.weighted_by_programme(session) == {programme.id: [sar("80000.00")]}

    sign_in(client, staff.manager.user)
    assert "80,000.00" in client.get("/leads/board").get_data(as_text=True)
