"""Whoever made a form hears what became of it, in his language, with a way to it; nobody hears of his own act."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from core.customers import entry, importing, services
from core.errors import NotAllowed
from core.i18n import use_language
from core.notices import queries
from core.notices.services import words
from core.text import plain_text
from tests.core.customers.conftest import NOOR, NOW, People


def told(session: Session, user_id: int, language: str = "en") -> list[tuple[str, str]]:
    """(text, link) of somebody's notices, oldest first."""
    with use_language(language):
        return [(plain_text(words(one)), one.link) for one in reversed(queries.notices_of(session, user_id))]


def test_the_maker_hears_of_approval_and_entry(session, people: People, approved) -> None:
    form = entry.enter(session, approved(), actor=people.officer.actor, now=NOW)
    number = form.line.customer.number

    assert told(session, people.employee.user.id) == [
        ("Your form F-2026-0001 is approved by شخص manager and waits for entry.", f"/customers/forms/{form.id}"),
        (f"Your form F-2026-0001 is entered by شخص officer; the customer's number is {number[:-1]}-{number[-1]}.", f"/customers/forms/{form.id}")]
    assert told(session, people.employee.user.id, "ar")[0][0] == "اعتُمد نموذجك F-2026-0001 وينتظر الإدخال؛ القرار من شخص manager."
    assert queries.unread(session, people.manager.user.id) == queries.unread(session, people.officer.user.id) == 0


def test_the_maker_hears_of_rejection(session, people: People, fill) -> None:
    form = services.review(session, fill(), actor=people.manager.actor, now=NOW)
    services.reject(session, form, "the phone is wrong", actor=people.manager.actor, now=NOW)

    assert [text for text, _link in told(session, people.employee.user.id)] == ["Your form F-2026-0001 is rejected by شخص manager; the reason stands on it."]


def test_a_changed_customer_is_named(session, people: People, customer, approved) -> None:
    known = customer()
    entry.enter(session, approved(known, mobile="0550000009"), actor=people.officer.actor, now=NOW)

    assert told(session, people.employee.user.id)[-1][0].endswith("-".join((known.number[:-1], known.number[-1])) + " is changed.")


def test_of_an_import_the_maker_hears_how_many(session, people: People) -> None:
    rows = [{**NOOR, "name": name, "mobile": None} for name in ("أحمد", "سارة", "ليلى")]
    form = importing.fill_import(session, rows, source="list.csv", operation_key="one", actor=people.employee.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    services.approve(session, form, actor=people.manager.actor, now=NOW)
    entry.enter(session, form, actor=people.officer.actor, now=NOW)

    assert told(session, people.employee.user.id, "ar")[-1][0] == "أُدخل نموذجك F-2026-0001 بيد شخص officer: 3 عملاء."


def test_a_refused_act_tells_nobody(session, people: People, fill) -> None:
    form = services.review(session, fill(), actor=people.manager.actor, now=NOW)
    with pytest.raises(NotAllowed):
        services.approve(session, form, actor=people.employee.actor, now=NOW)

    assert told(session, people.employee.user.id) == []
