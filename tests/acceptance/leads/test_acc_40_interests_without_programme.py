"""ACC-40: an interest that no programme is of is discussed with strategic planning; its answer stays with the donor (LEAD-03, 04)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers.models import Customer
from core.testing import sign_in
from plugins.leads import interests, queries
from plugins.leads.models import Item
from tests.plugins.leads.conftest import SUNDAY, Staff

FEBRUARY = datetime(2026, 2, 16, 7, 0, tzinfo=UTC)


def test_wells_are_discussed_and_the_answer_stays(session: Session, staff: Staff, donor: Customer, item: Item, client: FlaskClient) -> None:
    wells = interests.record(session, customer_number=donor.number, other="حفر آبار", actor=staff.employee.actor, now=SUNDAY)
    interests.record(session, customer_number=donor.number, interest_id=item.interest_id, actor=staff.employee.actor, now=SUNDAY)
    assert [(kind.name_ar, wanted) for kind, wanted in queries.without_programme(session)] == [("حفر آبار", 1)], "for education there is a programme"

    work.commit(session)
    with work.time_at(FEBRUARY):
        sign_in(client, staff.manager.user)
        assert "حفر آبار" in client.get("/leads/discussion/").get_data(as_text=True)
        prefix = f"d{wells.interest_id}-"
        sent = client.post(f"/leads/discussion/{wells.interest_id}",
                           data={f"{prefix}feasible": "no", f"{prefix}discussed_on": "2026-02-15", f"{prefix}remark": "لا توجد جهة منفذة"})
        assert sent.status_code == 302
        page = client.get(f"/customers/{donor.number}").get_data(as_text=True)

    session.expire_all()
    assert queries.without_programme(session) == []
    answer = queries.discussions_of(session, [wells.interest_id])[wells.interest_id]
    assert (answer.feasible, answer.discussed_on, answer.remark) == (False, date(2026, 2, 15), "لا توجد جهة منفذة")
    assert "حفر آبار" in page
    assert "15 فبراير 2026" in page
