"""The subject's own file holds everything about one customer, nothing about others, and is on record before it goes out."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers import entry, services, subject_file
from core.customers.models import Customer, CustomerForm
from core.errors import NotAllowed
from core.files import services as files
from core.i18n import use_language
from core.testing import actor_with, sign_in
from tests.core.customers.conftest import NOW, People

NAME, OTHER = "نورة أحمد الغامدي", "سارة العتيبي"
HANDER = actor_with("customers.subject_file")


@pytest.fixture
def noura(session: Session, customer: Callable[..., Customer], people: People) -> Customer:
    """A customer with a change, a file, an influence and a neighbour in the register."""
    found = customer(name=NAME, mobile="0551234567", email="noura.g@example.org", remarks="تفضل الصباح")
    other = customer(name=OTHER, mobile="0559999999")
    services.add_influence(session, found, kind="زوجها", name="خالد الزهراني", actor=people.officer.actor, now=NOW)
    services.add_influence(session, other, kind="صديقة", influencer=found, actor=people.officer.actor, now=NOW)
    stored = files.store(session.info["association"].files_folder, "request.pdf", b"%PDF-1.4 her request")
    files.attach(session, stored, session.get_one(CustomerForm, found.form_id), actor=actor_with(), now=NOW, subject_id=found.subject_id)
    work.commit(session)
    work.begin_write(session)
    return found


def opened(made: subject_file.SubjectFile) -> tuple[dict[str, bytes], dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return parts, json.loads(parts["data.json"])


def test_it_holds_rows_files_and_log_in_words_of_both_languages(session: Session, noura: Customer) -> None:
    made = subject_file.subject_file(session, noura, actor=HANDER, now=NOW)

    parts, data = opened(made)
    tables = {one["table"]: one for one in data["tables"]}
    values = {one["name"]: one for one in tables["core_customer"]["rows"][0]}
    assert values["name"]["value"] == NAME
    assert values["mobile"]["value"] == "+966551234567"
    assert values["customer_class"]["words"] == {"ar": "مانح / داعم", "en": "Donor / supporter"}
    assert values["remarks"]["title"]["en"] == "Other remarks"
    assert {"core_customer", "core_customer_form_line", "core_customer_influence"} <= set(tables)
    assert [content for name, content in parts.items() if name.startswith("files/")] == [b"%PDF-1.4 her request"]
    assert (made.files, made.rows) == (1, sum(len(one["rows"]) for one in data["tables"]))
    created = next(one for one in data["log"] if one["record"]["en"] == "Customer" and one["action"]["en"] == "Create")
    assert {"name", "mobile"} <= {change["field"] for change in created["changes"]}
    assert next(change["new"] for change in created["changes"] if change["field"] == "name") == NAME
    assert parts["file.pdf"].startswith(b"%PDF-")


def test_nothing_of_other_people_is_in_it(session: Session, noura: Customer, people: People) -> None:
    made = subject_file.subject_file(session, noura, actor=HANDER, now=NOW)

    text = opened(made)[0]["data.json"].decode()
    for other in (OTHER, "0559999999", "559999999", "خالد الزهراني", people.officer.user.name_ar, people.employee.user.username):
        assert other not in text
    assert "زوجها" in text


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_pdf_is_in_the_readers_language(session: Session, noura: Customer, language: str) -> None:
    with use_language(language):
        held = subject_file._Held(subject_file.tables_of(session, subject_file.belongings(session, noura)))
        sheet = subject_file.sheet_of(session, noura, held, NOW)
        assert opened(subject_file.subject_file(session, noura, actor=HANDER, now=NOW))[0]["file.pdf"].startswith(b"%PDF-")

    assert sheet["direction"] == {"ar": "rtl", "en": "ltr"}[language]
    assert sheet["tables"][0]["title"] == {"ar": "عميل", "en": "Customer"}[language]
    assert [[NAME, False] in cell for row in sheet["tables"][0]["rows"] for cell in row].count(True) == 1


def test_it_needs_its_own_permission(session: Session, noura: Customer) -> None:
    with pytest.raises(NotAllowed):
        subject_file.subject_file(session, noura, actor=actor_with("customers.read", "customers.personal", "customers.export"), now=NOW)


def test_the_page_hands_it_out_and_the_log_knows_its_checksum(app: Flask, session: Session, noura: Customer, people: People) -> None:
    number = noura.number
    client: FlaskClient = sign_in(app.test_client(), people.manager.user)
    assert f"/customers/subject-file/{number}" in client.get(f"/customers/{number}").get_data(as_text=True)

    response = client.post(f"/customers/subject-file/{number}")

    assert (response.status_code, response.mimetype) == (200, "application/zip")
    event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert event.record_label == number
    assert event.facts["sha256"] == hashlib.sha256(response.data).hexdigest()
    assert event.facts["whole"] is True


def test_who_lacks_the_permission_sees_no_button_and_is_refused(app: Flask, session: Session, noura: Customer, people: People) -> None:
    number = noura.number
    client = sign_in(app.test_client(), people.employee.user)
    assert "subject-file" not in client.get(f"/customers/{number}").get_data(as_text=True)
    assert client.post(f"/customers/subject-file/{number}").status_code == 403


def test_a_file_whose_bytes_are_gone_is_named_and_the_rest_is_whole(session: Session, noura: Customer) -> None:
    row = subject_file.attachments(session, subject_file.belongings(session, noura))[0]
    files.path_of(session.info["association"].files_folder, row.token).unlink()

    parts, data = opened(subject_file.subject_file(session, noura, actor=HANDER, now=NOW))

    assert [(one["name"], one["file"]) for one in data["files"]] == [("request.pdf", None)]
    assert not [name for name in parts if name.startswith("files/")]


def test_an_erased_customers_file_says_only_what_stayed(session: Session, noura: Customer, people: People) -> None:
    from core.customers import erasure

    form = erasure.fill_erasure(session, noura, asked_by="customer", reason="طلبت", actor=people.employee.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    services.approve(session, form, actor=people.manager.actor, now=NOW)
    entry.enter(session, form, actor=people.officer.actor, now=NOW)

    parts, data = opened(subject_file.subject_file(session, noura, actor=HANDER, now=NOW))

    assert NAME not in parts["data.json"].decode()
    assert data["customer"] == noura.number
    assert data["files"] == []
