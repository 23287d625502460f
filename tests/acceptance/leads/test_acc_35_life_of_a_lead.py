"""ACC-35: a lead from 'تحديد' over 'متابعة' and 'إغلاق' to 'ناجحة', each by its gate; then nothing changes it (LEAD-07…13)."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.errors import Conflict, InvalidInputs
from core.files.models import StoredFile
from core.finance.models import Contribution
from core.testing import sign_in
from plugins.leads import domain, queries, services
from plugins.leads.models import Lead
from tests.plugins.leads.conftest import MARCH, PDF, Staff, sar, scan


def test_from_identified_to_successful(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, pay: Callable[..., Contribution],
) -> None:
    one = lead()
    assert (one.state, one.probability, one.factors) == (domain.IDENTIFIED, 30, "اهتمام سابق")
    assert str(domain.states()[one.state].ar) == "تحديد"

    employee, manager = staff.employee.actor, staff.manager.actor
    services.contact(session, one, customer_id=donor.id, channel="phone", summary="أبدى اهتماما", actor=employee, now=MARCH)
    assert one.state == domain.FOLLOW_UP

    given = {"customer_id": donor.id, "signed_on": date(2026, 3, 10), "signatory": "أحمد", "amount": sar("50000.00")}
    with pytest.raises(InvalidInputs) as refused:
        services.pledge(session, one, None, **given, actor=employee, now=MARCH)
    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [("file", "LEAD-10")]
    assert one.state == domain.FOLLOW_UP

    services.pledge(session, one, scan(), **given, actor=employee, now=MARCH)
    assert one.state == domain.CLOSING
    assert one in queries.open_leads(session), "closing is no end: the lead stays open"
    live = queries.live_pledge(session, one)
    assert live is not None
    assert (live.signed_on, str(live.amount)) == (date(2026, 3, 10), "50000.00 SAR")

    with pytest.raises(Conflict) as early:
        services.succeed(session, one, actor=manager, now=MARCH)
    assert early.value.rule == "LEAD-11"

    pay(one, "50000.00")
    services.succeed(session, one, actor=manager, now=MARCH)
    assert (one.state, one.probability) == (domain.SUCCESSFUL, 100)

    for further in (lambda: services.cancel(session, one, "تأخر", actor=manager, now=MARCH),
                    lambda: services.withdraw(session, one, "تراجع", actor=employee, now=MARCH),
                    lambda: services.succeed(session, one, actor=manager, now=MARCH),
                    lambda: services.pledge(session, one, scan(), **given, actor=employee, now=MARCH),
                    lambda: services.estimate(session, one, probability=10, factors="فتور", actor=employee, now=MARCH),
                    lambda: services.contact(session, one, customer_id=donor.id, channel="phone", summary="سؤال", actor=employee, now=MARCH)):
        with pytest.raises(Conflict) as final:
            further()
        assert final.value.rule == "LEAD-13"
    assert [line.state for line in queries.progress_of(session, one)] == ["identified", "follow_up", "closing", "successful"]


def test_the_same_on_the_pages(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, pay: Callable[..., Contribution], client: FlaskClient,
) -> None:
    one = lead()
    address, donor_id = f"/leads/{one.id}", donor.id
    with work.time_at(MARCH):
        sign_in(client, staff.employee.user)
        work.commit(session)
        client.post(f"{address}/contact", data={"contact-customer_id": donor_id, "contact-channel": "phone", "contact-summary": "أبدى اهتماما"})
        filled = {"pledge-customer_id": donor_id, "pledge-signed_on": "2026-03-10", "pledge-signatory": "أحمد", "pledge-amount": "50,000.00",
                  "pledge-currency": "SAR"}
        without = client.post(f"{address}/pledge", data=filled, content_type="multipart/form-data")
        assert without.status_code == 422
        session.refresh(one)
        assert one.state == domain.FOLLOW_UP
        work.commit(session)

        sent = {**filled, "pledge-file": (io.BytesIO(PDF), "تعهد.pdf")}
        assert client.post(f"{address}/pledge", data=sent, content_type="multipart/form-data").status_code == 302
    session.refresh(one)
    assert one.state == domain.CLOSING
    kept = session.scalars(sa.select(StoredFile).where(StoredFile.record_type == "leads_lead", StoredFile.record_id == one.id)).one()
    upload = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "upload").order_by(AuditEvent.id.desc())).first()
    assert upload is not None
    assert kept.sha256 in str(upload.changes), "the hash of the pledge stands in the audit log"

    with work.time_at(MARCH):
        assert client.get(f"{address}/files/{kept.id}").get_data() == PDF
        work.begin_write(session)
        pay(one, "50000")
        work.commit(session)
        sign_in(client, staff.manager.user)
        page = client.get(address).get_data(as_text=True)
        assert f'action="{address}/succeed"' in page
        assert client.post(f"{address}/succeed").status_code == 302
        after = client.get(address).get_data(as_text=True)
    session.refresh(one)
    assert one.state == domain.SUCCESSFUL
    assert f'action="{address}/' not in after, "no act is offered on a lead that has ended"
