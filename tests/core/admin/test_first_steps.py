"""A fresh association leads its administrator; what is done is told by the data."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings
from core.admin import first_steps
from core.commands import operator
from core.organisation import services as organisation
from core.testing import actor_with
from tests.support.people import person, signed_in


def done(session: Session) -> list[bool]:
    return [step_done for _step, step_done in first_steps.open_steps(session, actor_with("core.settings"), demo=False)]


def test_steps_are_done_when_the_data_says_so(session: Session) -> None:
    person(session, "administrator")
    assert done(session)[2:] == [False, False, False, False]

    organisation.save_city(session, name_ar="مكة", actor=operator())
    both = person(session, "crm_manager")
    assert done(session)[:3] == [True, True, False], "one person cannot fill and approve"
    person(session, "crm_employee")
    settings.put(session, "core.holidays", [])
    settings.put(session, "notices.smtp_host", "mail.example.org")
    settings.put(session, "notices.smtp_from", "diwan@example.org")
    assert done(session) == [True, True, True, False, True, True]
    assert both.active


def test_the_card_is_for_who_sets_up_and_can_be_switched_off(session: Session) -> None:
    assert first_steps.open_steps(session, actor_with("customers.read"), demo=False) == []
    assert first_steps.open_steps(session, actor_with("core.settings"), demo=True) == []
    settings.put(session, "core.first_steps", False)
    assert done(session) == []


def test_my_day_of_the_administrator_and_the_empty_register_lead_on(client: FlaskClient, session: Session) -> None:
    signed_in(client, session, "administrator")
    day = client.get("/?lang=en").get_data(as_text=True)
    assert "First steps" in day and 'href="/users/new"' in day
    assert 'btn-sm" href="/users/new"' in day and 'btn-sm" href="/customers/officers/"' not in day, "who may not appoint gets no button"

    empty = client.get("/customers/?lang=en").get_data(as_text=True)
    assert empty.count("No customer is registered yet") == 1 and "Give people their roles" in empty
