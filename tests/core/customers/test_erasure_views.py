"""The pages of an erasure: what goes and what stays, the form with its way, the customer afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.customers import services
from core.customers.models import Customer, CustomerForm
from core.database import ERASED
from core.testing import sign_in
from tests.core.customers.conftest import NOW, People

NAME = "نورة أحمد الغامدي"


@pytest.mark.parametrize("language", ["ar", "en"])
def test_an_erasure_goes_its_way_through_the_pages(app: Flask, session: Session, people: People, customer: Callable[..., Customer], language: str) -> None:
    noura = customer(name=NAME, mobile="0551234567")
    number, key = noura.number, noura.id
    for one in (people.employee, people.manager, people.officer):
        one.user.language = language
    work.commit(session)
    employee = sign_in(app.test_client(), people.employee.user)
    assert f"/customers/erasure/{number}" in employee.get(f"/customers/{number}").get_data(as_text=True)
    page = employee.get(f"/customers/erasure/{number}").get_data(as_text=True)
    assert {"ar": "ما يزول", "en": "What goes"}[language] in page

    empty = employee.post(f"/customers/erasure/{number}", data={"asked_by": "", "reason": "x"})
    assert empty.status_code == 422
    assert {"ar": "اختر من طلب المحو", "en": "Choose who asked"}[language] in empty.get_data(as_text=True)
    sent = employee.post(f"/customers/erasure/{number}", data={"asked_by": "guardian", "reason": f"طلب ولي {NAME}"})
    form_page = sent.headers["Location"]
    assert {"ar": "لا يمكن محو البيانات الآن", "en": "cannot be erased now"}[language] in employee.get(f"/customers/erasure/{number}").get_data(as_text=True)

    manager, officer = sign_in(app.test_client(), people.manager.user), sign_in(app.test_client(), people.officer.user)
    assert f"طلب ولي {NAME}" in manager.get(form_page).get_data(as_text=True)
    for client, act in ((manager, "review"), (manager, "approve"), (officer, "enter")):
        assert client.post(f"{form_page}/{act}").status_code == 302
    work.begin_write(session)
    session.expire_all()
    assert session.get_one(Customer, key).name.startswith(ERASED)

    after = manager.get(f"/customers/{number}").get_data(as_text=True)
    assert NAME not in after
    assert {"ar": "مُحيت البيانات الشخصية", "en": "was erased"}[language] in after
    assert "/customers/erasure/" not in after
    assert ERASED not in after
    assert f"<h1><bdi>{dict(ar='مُحي', en='erased')[language]}</bdi>" in after
    assert {"ar": "التواصل مسموح", "en": "contact is allowed"}[language] not in after
    still = officer.get(f"/customers/{number}").get_data(as_text=True)
    assert "influencer_name" not in still
    for place in (form_page, "/customers/", "/customers/forms/", f"/audit/?f.record={number}"):
        shown = manager.get(place)
        assert shown.status_code in (200, 403), place
        assert NAME not in shown.get_data(as_text=True), place
    assert {"ar": "ولي أو وريث", "en": "A guardian or heir"}[language] in manager.get(form_page).get_data(as_text=True)


def test_who_may_not_read_the_customer_finds_no_page(app: Flask, session: Session, people: People) -> None:
    client = sign_in(app.test_client(), people.employee.user)
    assert client.get("/customers/erasure/999999").status_code == 404
    assert client.post("/customers/erasure/999999", data={}).status_code == 404


def test_an_erasures_form_is_not_printed(app: Flask, session: Session, people: People, customer: Callable[..., Customer]) -> None:
    from core.customers import erasure

    form = erasure.fill_erasure(session, customer(name=NAME), asked_by="customer", reason="x", actor=people.employee.actor, now=NOW)
    form_id = form.id
    services.review(session, form, actor=people.manager.actor, now=NOW)
    work.commit(session)
    client = sign_in(app.test_client(), people.manager.user)
    assert client.get(f"/customers/forms/{form_id}/form.pdf").status_code == 404
    assert session.get_one(CustomerForm, form_id).kind == "erase"
