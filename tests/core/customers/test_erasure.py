"""An erasure empties what is personal, keeps number and money, and is refused while something is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import erasures
from core.audit import queries as audit
from core.audit.models import AuditEvent
from core.audit.verify import verify
from core.consent import services as consent
from core.consent.models import Consent
from core.customers import entry, erasure, queries, services
from core.customers.models import Customer, CustomerForm, CustomerFormLine, CustomerSearch
from core.database import ERASED, section
from core.errors import Conflict, InvalidInput, NotAllowed
from core.files import services as files
from core.files.models import StoredFile
from core.finance import services as finance
from core.finance.models import Contribution
from core.imports.models import Import, ImportLine
from core.jobs.models import JobRow
from core.keys import has_key
from core.money import Money
from core.notices.models import Mail, Notice
from core.numbering import printed
from core.procedures import services as procedures
from core.reports import keeping
from core.reports.models import ReportRun
from core.testing import actor_with
from tests.core.customers.conftest import NOW, People

NAME, MOBILE, EMAIL = "نورة أحمد الغامدي", "+966551234567", "noura.g@example.org"
PERSON = {"name": NAME, "customer_class": "donor", "mobile": "0551234567", "email": EMAIL, "address": "حي الروضة", "remarks": "أخت المتبرع", "city_id": None}


@pytest.fixture
def noura(customer: Callable[..., Customer]) -> Customer:
    return customer(**{name: value for name, value in PERSON.items() if value})


@pytest.fixture
def erase(session: Session, people: People) -> Callable[..., CustomerForm]:
    """A form of an erasure on its whole way; ``until`` stops it at that state."""

    def make(customer: Customer, until: str = "entered") -> CustomerForm:
        form = erasure.fill_erasure(session, customer, asked_by="customer", reason=f"طلبت {NAME} محو بياناتها", actor=people.employee.actor, now=NOW)
        if until == "filled":
            return form
        services.review(session, form, actor=people.manager.actor, now=NOW)
        services.approve(session, form, actor=people.manager.actor, now=NOW)
        return form if until == "approved" else entry.enter(session, form, actor=people.officer.actor, now=NOW)

    return make


def everything(session: Session, *tables: str) -> str:
    """All rows of these tables as text."""
    connection = session.connection()
    return "\n".join(str(dict(row)) for table in tables for row in connection.execute(sa.text(f"SELECT * FROM {table}")).mappings())


def test_what_is_personal_goes_and_the_number_stays(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    number, city = noura.number, noura.city_id

    form = erase(noura)

    assert (noura.number, noura.customer_class, noura.city_id, noura.form_id) == (number, "donor", city, form.id)
    assert noura.name == f"{ERASED} {printed(number)}"
    assert [noura.mobile, noura.email, noura.address, noura.remarks, noura.phone, noura.extra] == [None] * 6
    assert queries.by_number(session, number) is noura
    assert form.state == "entered"
    assert form.source == "customer"


def test_forms_search_and_the_erasures_own_reason_hold_nothing_of_the_person(
    session: Session, noura: Customer, erase: Callable[..., CustomerForm], approved: Callable[..., CustomerForm], people: People,
) -> None:
    change = entry.enter(session, approved(noura, address="شارع التحلية"), actor=people.officer.actor, now=NOW)
    services.file_form(session, change, actor=people.manager.actor, now=NOW)

    erase(noura)

    session.flush()
    found = everything(session, "core_customer", "core_customer_form", "core_customer_form_line", "core_customer_search", "core_step_run")
    for trace in (NAME, "الغامدي", "551234567", EMAIL, "التحلية", "الروضة"):
        assert trace not in found
    assert session.scalar(sa.select(CustomerSearch.personal_text).where(CustomerSearch.customer_id == noura.id)) == ""
    actor = actor_with("customers.read", "customers.personal", scopes={"*": "all"})
    assert queries.search(session, "الغامدي", actor).customers == []
    assert queries.search(session, "0551234567", actor).customers == []
    assert queries.search(session, noura.number, actor).customers == [noura]


def test_the_log_is_unreadable_about_the_person_and_still_proves_itself(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    from core import work

    subject = noura.subject_id
    work.commit(session)
    work.begin_write(session)
    before = session.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id == subject, AuditEvent.sealed.is_not(None))).all()
    assert any(NAME in str(one) for one in audit.told(session, before, personal=True).values())

    erase(noura)
    work.commit(session)
    work.begin_write(session)

    events = session.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id == subject).order_by(AuditEvent.id)).all()
    told = audit.told(session, events, personal=True)
    assert not any(NAME in str(one) for one in told.values())
    assert {change.shown for event in before for change in told[event.id].changes if change.field == "name"} == {"erased"}
    assert "erase" in {event.action for event in events}
    assert verify(session.connection(), session.info["keys"].audit, []).sound


def test_a_row_is_only_emptied_and_only_while_its_erasure_is_entered(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    line = session.scalar(sa.select(CustomerFormLine).where(CustomerFormLine.customer_id == noura.id))
    assert line is not None
    empty = sa.text("UPDATE core_customer_form_line SET name = 'x' WHERE id = :id")
    with pytest.raises(sa.exc.DatabaseError, match="CUST-18"), session.begin_nested(), section("test"):
        session.execute(empty, {"id": line.id})

    erase(noura)

    with pytest.raises(sa.exc.DatabaseError, match="CUST-18"), session.begin_nested(), section("test"):
        session.execute(empty, {"id": line.id})


def test_while_an_erasure_is_entered_other_people_and_other_columns_stay_guarded(
    session: Session, noura: Customer, customer: Callable[..., Customer], erase: Callable[..., CustomerForm],
) -> None:
    other = customer(name="سارة العتيبي", mobile="0559999999")
    form = erase(noura, until="approved")
    lines = {one.customer_id: one.id for one in session.scalars(sa.select(CustomerFormLine).where(CustomerFormLine.form_id != form.id))}
    form.state = "entering"
    session.flush()
    from core.keys import destroy_subject_key

    destroy_subject_key(session, noura.subject_id)

    for change, key in (("name = 'x'", lines[other.id]), ("customer_class = 'council'", lines[noura.id])):
        with pytest.raises(sa.exc.DatabaseError, match="CUST-18"), session.begin_nested(), section("test"):
            session.execute(sa.text(f"UPDATE core_customer_form_line SET {change} WHERE id = :id"), {"id": key})
    with section("test"):
        session.execute(sa.text("UPDATE core_customer_form_line SET name = 'x' WHERE id = :id"), {"id": lines[noura.id]})


def test_it_is_a_form_that_its_maker_never_approves(session: Session, noura: Customer, people: People) -> None:
    form = erasure.fill_erasure(session, noura, asked_by="guardian", reason="الوصي", actor=people.manager.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    with pytest.raises(NotAllowed):
        services.approve(session, form, actor=people.manager.actor, now=NOW)
    with pytest.raises(Conflict):
        entry.enter(session, form, actor=people.officer.actor, now=NOW)
    assert has_key(session, noura.subject_id)
    assert noura.name == NAME


@pytest.mark.parametrize(("asked_by", "reason", "field"), [("nobody", "x", "asked_by"), ("customer", "  ", "reason")])
def test_who_asked_and_why_must_be_said(session: Session, noura: Customer, people: People, asked_by: str, reason: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        erasure.fill_erasure(session, noura, asked_by=asked_by, reason=reason, actor=people.employee.actor, now=NOW)
    assert refused.value.field == field


def test_it_is_refused_while_a_form_or_a_step_is_open(
    session: Session, noura: Customer, fill: Callable[..., CustomerForm], people: People, erase: Callable[..., CustomerForm],
) -> None:
    change = fill(noura, address="جديد")
    with pytest.raises(Conflict, match="F-2026-"):
        erase(noura, until="filled")
    services.withdraw(session, change, actor=people.employee.actor, now=NOW)
    procedures.open_step(session, "MAN-CUST", 2, record=noura, now=NOW, customer_id=noura.id)

    with pytest.raises(Conflict, match=f"MAN-CUST {noura.number}"):
        erase(noura, until="filled")


def test_it_is_refused_while_a_plugin_with_tables_here_is_not_loaded(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    with section("a test's table"):
        session.execute(sa.text("CREATE TABLE alembic_version_gone (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_gone_pkc PRIMARY KEY)"))

    with pytest.raises(Conflict) as refused:
        erase(noura, until="filled")
    assert refused.value.value == "gone"


def test_a_step_opened_meanwhile_stops_the_entry(session: Session, noura: Customer, erase: Callable[..., CustomerForm], people: People) -> None:
    form = erase(noura, until="approved")
    procedures.open_step(session, "MAN-CUST", 2, record=noura, now=NOW, customer_id=noura.id)

    with pytest.raises(Conflict, match="MAN-CUST"), session.begin_nested():
        entry.enter(session, form, actor=people.officer.actor, now=NOW)
    session.expire_all()
    assert noura.name == NAME
    assert has_key(session, noura.subject_id)


def test_nothing_is_written_of_an_erased_customer(session: Session, noura: Customer, erase: Callable[..., CustomerForm], people: People) -> None:
    erase(noura)

    with pytest.raises(Conflict, match="مُحي|محيت|was erased"):
        services.fill_form(session, {"name": "عادت"}, actor=people.employee.actor, now=NOW, customer=noura)
    with pytest.raises(Conflict, match="مُحي|محيت|was erased"):
        erasure.fill_erasure(session, noura, asked_by="customer", reason="again", actor=people.employee.actor, now=NOW)
    with pytest.raises(InvalidInput, match="مُحي|محيت|was erased"):
        queries.readable(session, noura.number, people.employee.actor)


def test_money_stays_and_what_was_written_of_it_goes(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    everybody = actor_with(*session.info["permissions"], scopes={"*": "all"})
    given = finance.record_contribution(session, customer_id=noura.id, amount=Money(Decimal("250.50"), "SAR"), received_on=date(2026, 1, 5), method="cash",
                                        memo=f"عن {NAME}", actor=everybody, now=NOW)
    consent.withdraw(session, noura, channel="all", purpose="all", source="call", note=f"قالت {NAME}", actor=everybody, now=NOW)

    erase(noura)

    kept = session.get_one(Contribution, given.id)
    assert (kept.amount_minor, kept.currency, kept.received_on, kept.customer_id) == (25050, "SAR", date(2026, 1, 5), noura.id)
    assert kept.reference
    assert NAME not in str(kept.memo)
    said = session.scalar(sa.select(Consent).where(Consent.customer_id == noura.id))
    assert said is not None
    assert (said.given, said.channel, said.note) == (False, "all", "")


def test_attached_files_are_cut_loose_and_removed_afterwards(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    folder = session.info["association"].files_folder
    stored = files.store(folder, f"{NAME}.pdf", b"%PDF-1.4 a letter")
    row = files.attach(session, stored, session.get_one(CustomerForm, noura.form_id), actor=actor_with(), now=NOW, subject_id=noura.subject_id)

    form = erase(noura)

    assert (row.erased, row.name, row.sha256) == (True, ERASED, "")
    assert files.path_of(folder, stored.token).is_file()  # the transaction may still be rolled back
    job = session.scalar(sa.select(JobRow).where(JobRow.unique_key == f"{erasure.FINISH}:{form.id}"))
    assert job is not None
    assert job.args["tokens"] == [stored.token]
    erasure.remove_files(session.info["association"], job.args["tokens"], ["imports/../../../nothing", "imports/"])
    assert not files.path_of(folder, stored.token).exists()
    assert files.attached_to(session, session.get_one(CustomerForm, noura.form_id)) == []


def test_a_file_that_the_job_never_removed_is_swept(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    folder = session.info["association"].files_folder
    stored = files.store(folder, "letter.pdf", b"%PDF-1.4 a letter")
    files.attach(session, stored, session.get_one(CustomerForm, noura.form_id), actor=actor_with(), now=NOW, subject_id=noura.subject_id)
    erase(noura)

    from core import work

    files.sweep(session, folder, work.now() + timedelta(days=2))
    assert not files.path_of(folder, stored.token).exists()


def test_texts_that_point_at_nobody_are_cleaned(session: Session, noura: Customer, erase: Callable[..., CustomerForm]) -> None:
    document = {"title": {"ar": "كبار المتبرعين", "en": "Top donors"}, "rows": [[noura.number, "نورة أحمد الغامدى", 7], ["999", "سارة العتيبي", 3]]}
    content = keeping.canonical(document)
    run = ReportRun(number="R-1", report="x.top", row_count=2, content=content, sha256=keeping.checksum(content), made_at=NOW, made_by_label="x")
    notice = Notice(user_id=1, text="%(name)s called", args={"name": NAME}, made_at=NOW)
    mail = Mail(user_id=None, to_address=EMAIL, language="ar", subject="شكرا", body=f"إلى {NAME}", message_id="m1", made_at=NOW)
    row = Import(kind="customers.customers", file_name="d.csv", sha256="0" * 64, token="t" * 32, state="applied", made_by="x", made_at=NOW)
    session.add_all([run, notice, mail, row])
    session.flush()
    with section("test"):
        session.execute(sa.insert(ImportLine), [
            {"import_id": row.id, "line_no": 1, "cells": {"name": NAME, "mobile": MOBILE}, "outcome": "create", "applied": True},
            {"import_id": row.id, "line_no": 2, "cells": {"name": "سارة العتيبي", "mobile": "+966559999999"}, "outcome": "create", "applied": True}])

    erase(noura)

    session.refresh(run)
    assert run.document["rows"] == [[noura.number, ERASED, 7], ["999", "سارة العتيبي", 3]]
    assert run.sha256 == keeping.checksum(run.content)
    assert (notice.args, notice.text) == ({"name": ERASED}, "%(name)s called")
    assert (mail.body, mail.state, mail.to_address) == (ERASED, "failed", ERASED)
    lines = session.scalars(sa.select(ImportLine).where(ImportLine.import_id == row.id).order_by(ImportLine.line_no)).all()
    assert [line.cells for line in lines] == [{}, {"name": "سارة العتيبي", "mobile": "+966559999999"}]


def test_the_list_of_erasures_holds_keys_only_and_is_settled_by_what_happened(
    session: Session, noura: Customer, customer: Callable[..., Customer], erase: Callable[..., CustomerForm],
) -> None:
    folder = session.info["association"].folder
    other = customer(name="سارة العتيبي", mobile="0559999999")
    erasures.begin(folder, number=other.number, form="F-1", subjects=[other.subject_id], now=NOW)  # an erasure that was rolled back
    form = erase(noura)
    erasure.settle(session, now=NOW)

    text = erasures.list_file(folder).read_text()
    assert NAME not in text
    assert "55123" not in text
    found = {one.form: one for one in erasures.read(erasures.list_file(folder))}
    assert found["F-1"].outcome == "void"
    mine = found[str(form.number)]
    assert (mine.number, mine.subjects[0], mine.outcome) == (noura.number, noura.subject_id, "done")


def test_a_line_of_the_list_that_a_crash_cut_short_is_no_erasure(tmp_path: Any) -> None:
    key = erasures.begin(tmp_path, number="1000017", form="F-1", subjects=["0" * 36], now=NOW)
    file = erasures.list_file(tmp_path)
    with file.open("a") as out:
        out.write("2026-02-01T06:00:00.000000Z begun id=0123")

    assert [one.id for one in erasures.read(file)] == [key]
    erasures.settle(tmp_path, lambda _subject: True, now=NOW)
    assert [(one.id, one.outcome) for one in erasures.read(file)] == [(key, "done")]
    assert "0123" not in file.read_text().replace(key, "")


def test_rows_of_other_customers_and_their_files_stay(session: Session, noura: Customer, customer: Callable[..., Customer], erase: Callable[..., Any]) -> None:
    other = customer(name="سارة العتيبي", mobile="0559999999", email="sara@example.org")
    kept = files.attach(session, files.Stored("ef" * 16, "s.pdf", "application/pdf", 3, "0" * 64), session.get_one(CustomerForm, other.form_id),
                        actor=actor_with(), now=NOW, subject_id=other.subject_id)

    erase(noura)

    assert (other.name, other.email, has_key(session, other.subject_id)) == ("سارة العتيبي", "sara@example.org", True)
    assert session.get_one(StoredFile, kept.id).name == "s.pdf"
