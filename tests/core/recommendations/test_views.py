"""The pages of recommendations, and the parts that stand on other owners' pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.procedures.models import StepPeriod
from core.recommendations import cards, services
from core.recommendations.domain import Source
from core.recommendations.models import Recommendation
from core.recommendations.parts import Parts, sign, sign_period
from core.testing import NOON, sign_in
from tests.core.recommendations.conftest import LINK, actor_of
from tests.support.people import signed_in

Raise = Callable[..., Recommendation]
LIST = "/recommendations/"


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:3000]
    return answer.get_data(as_text=True)


def actor(session: Session, user: User) -> Actor:
    return auth.actor_for(session, user, source="web", now=NOON)


def all_rows(session: Session) -> list[Recommendation]:
    session.expire_all()
    return list(session.scalars(sa.select(Recommendation).order_by(Recommendation.id)))


@pytest.mark.parametrize("language", ["ar", "en"])
def test_pages_open_in_both_languages(session: Session, client: FlaskClient, raised: Raise, secretary: Actor, manager: Actor, language: str) -> None:
    waiting, followed = raised(why="Three lacked a phone", due_on=date(2026, 3, 1)), raised("Hang up the times")
    services.decide(session, followed, True, reason="As proposed", actor=secretary, now=NOON)
    services.record_cause(session, followed, "The printer was late", actor=manager, now=NOON)
    signed_in(client, session, "subcouncil_secretary", language=language)

    for address in (LIST, f"{LIST}decisions/", f"{LIST}{waiting.id}/", f"{LIST}{followed.id}/"):
        html = page(client, address)
        assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in html
    assert "The printer was late" in page(client, f"{LIST}{followed.id}/")


def test_list_narrows_by_state_and_finds_by_number_and_words(session: Session, client: FlaskClient, raised: Raise, secretary: Actor) -> None:
    raised("Train the desk")
    services.decide(session, raised("Hang up the times"), True, actor=secretary, now=NOON)
    signed_in(client, session, "quality_employee")

    assert "Train the desk" in page(client, LIST) and "Hang up the times" in page(client, LIST)
    adopted, found, numbered = page(client, f"{LIST}?f.state=adopted"), page(client, f"{LIST}?q=times"), page(client, f"{LIST}?q=R-2026-0001")
    assert "Hang up the times" in adopted and "Train the desk" not in adopted
    assert "Hang up the" in found and "Train the desk" not in found
    assert "Train the desk" in numbered and "Hang up" not in numbered


def test_a_manager_does_not_see_another_departments(session: Session, client: FlaskClient, raised: Raise) -> None:
    one = raised()
    signed_in(client, session, "finance_manager")

    assert one.text not in page(client, LIST)
    page(client, f"{LIST}{one.id}/", 404)


def test_pages_are_shut_without_the_permission(session: Session, client: FlaskClient, raised: Raise) -> None:
    one = raised()
    signed_in(client, session, "volunteer")

    for address in (LIST, f"{LIST}decisions/", f"{LIST}new/", f"{LIST}{one.id}/"):
        assert client.get(address).status_code == 403
    for act in ("decide", "done", "cause"):
        assert client.post(f"{LIST}{one.id}/{act}", data={"verdict": "adopt", "cause": "x"}).status_code == 403


# --- raising ----------------------------------------------------------------------------------------------------------


def test_one_is_raised_by_the_form_of_the_list(session: Session, client: FlaskClient) -> None:
    user = signed_in(client, session, "crm_manager")
    form = {"recommendation-text": "Answer within a day", "recommendation-why": "", "recommendation-label": "Meeting of the management",
            "recommendation-department_id": "", "recommendation-due_on": "2030-03-01", "recommendation-operation_key": "once"}

    first, again = (client.post(f"{LIST}new/", data=form) for _time in range(2))

    one, = all_rows(session)
    assert (first.status_code, again.status_code, first.location) == (302, 302, f"{LIST}{one.id}/")
    assert (one.text, one.record_label, one.due_on, one.raised_by_id) == ("Answer within a day", "Meeting of the management", date(2030, 3, 1), user.id)


def test_faults_stand_beside_their_fields_and_input_is_kept(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.post(f"{LIST}new/", data={"recommendation-text": "", "recommendation-why": "kept words"})

    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "recommendation-text-error" in html and "kept words" in html


def test_one_raised_on_a_records_page_returns_there(session: Session, client: FlaskClient, review: StepPeriod) -> None:
    user = signed_in(client, session, "centres_manager")
    token = sign(services.source_of(session, review, link=LINK), actor(session, user))
    work.commit(session)

    answer = client.post(f"{LIST}new/", data={"recommendation-source": token, "recommendation-text": "Train the desk"})

    assert (answer.status_code, answer.location) == (302, LINK)
    one, = all_rows(session)
    assert (one.record_type, one.record_id, one.link, one.period_from) == ("core_step_period", review.id, LINK, date(2026, 1, 25))


@pytest.mark.parametrize("spoil", [lambda token: token + "x", lambda token: "nonsense"])
def test_a_source_that_was_changed_is_refused(session: Session, client: FlaskClient, spoil: Callable[[str], str]) -> None:
    user = signed_in(client, session, "centres_manager")
    token = spoil(sign(Source(label="Review", link=LINK), actor(session, user)))
    work.commit(session)

    assert client.post(f"{LIST}new/", data={"recommendation-source": token, "recommendation-text": "x"}).status_code == 422
    assert all_rows(session) == []


def test_a_source_signed_for_somebody_else_is_refused(session: Session, client: FlaskClient, manager: Actor) -> None:
    token = sign(Source(label="Review", link=LINK), manager)
    signed_in(client, session, "centres_manager")
    work.commit(session)

    assert client.post(f"{LIST}new/", data={"recommendation-source": token, "recommendation-text": "x"}).status_code == 422


# --- deciding and following up ----------------------------------------------------------------------------------------


def test_the_secretary_finds_one_card_each_due_first_and_decides_there(session: Session, client: FlaskClient, raised: Raise) -> None:
    later, soon = raised("Later", due_on=date(2026, 5, 1)), raised("Soon", due_on=date(2026, 3, 1))
    later_id, soon_id = later.id, soon.id
    signed_in(client, session, "subcouncil_secretary")
    work.commit(session)
    html = page(client, f"{LIST}decisions/")
    assert html.index("Soon") < html.index("Later") and html.count("<article") == 2

    adopted = client.post(f"{LIST}{soon_id}/decide", data={"verdict": "adopt", "next": f"{LIST}decisions/"})
    declined = client.post(f"{LIST}{later_id}/decide", data={"verdict": "decline", "reason": "Too dear", "next": f"{LIST}decisions/"})

    assert (adopted.location, declined.location) == (f"{LIST}decisions/", f"{LIST}decisions/")
    assert [(one.state, one.decision_reason) for one in all_rows(session)] == [("declined", "Too dear"), ("adopted", "")]
    assert "<article" not in page(client, f"{LIST}decisions/")


def test_declining_without_a_reason_shows_the_page_again(session: Session, client: FlaskClient, raised: Raise) -> None:
    one = raised()
    ident = one.id
    signed_in(client, session, "subcouncil_secretary")
    work.commit(session)

    answer = client.post(f"{LIST}{ident}/decide", data={"verdict": "decline", "reason": " "})

    assert answer.status_code == 422 and "reason-error" in answer.get_data(as_text=True)
    assert all_rows(session)[0].state == "proposed"


def test_the_way_back_lies_inside_the_association(session: Session, client: FlaskClient, raised: Raise) -> None:
    ident = raised().id
    signed_in(client, session, "subcouncil_secretary")
    work.commit(session)

    answer = client.post(f"{LIST}{ident}/decide", data={"verdict": "adopt", "next": "https://elsewhere.example/"})

    assert "elsewhere" not in (answer.location or "")


def test_who_raised_it_is_not_offered_the_decision(session: Session, client: FlaskClient, raised: Raise) -> None:
    user = signed_in(client, session, "centres_manager", "subcouncil_secretary")
    ident = raised(actor=actor(session, user)).id
    work.commit(session)

    assert "verdict" not in page(client, f"{LIST}{ident}/")
    assert client.post(f"{LIST}{ident}/decide", data={"verdict": "adopt"}).status_code == 403


def test_a_manager_notes_the_cause_and_then_the_carrying_out(session: Session, client: FlaskClient, raised: Raise, secretary: Actor) -> None:
    ident = services.decide(session, raised(), True, actor=secretary, now=NOON).id
    signed_in(client, session, "centres_manager")
    work.commit(session)

    assert client.post(f"{LIST}{ident}/cause", data={"cause": ""}).status_code == 422
    assert client.post(f"{LIST}{ident}/cause", data={"cause": "Ill"}).status_code == 302
    assert all_rows(session)[0].state == "not_carried_out"
    assert client.post(f"{LIST}{ident}/done").location == f"{LIST}{ident}/"
    assert all_rows(session)[0].state == "carried_out"
    assert client.post(f"{LIST}{ident}/done").status_code == 409


def test_a_notice_leads_to_the_page(session: Session, client: FlaskClient, raised: Raise, secretary: Actor) -> None:
    user = signed_in(client, session, "centres_manager")
    one = services.decide(session, raised(actor=actor(session, user)), True, actor=secretary, now=NOON)
    address = f"{LIST}{one.id}/"
    work.commit(session)

    assert f'href="{address}"' in page(client, "/notices/")
    page(client, address)


# --- parts on other pages, cards, search ------------------------------------------------------------------------------


@pytest.fixture
def on_page(app: Flask) -> Iterator[Callable[[Actor], Parts]]:
    """The parts as a template of this person's request finds them, on the page of the review."""
    with app.test_request_context(LINK):
        def of(actor: Actor) -> Parts:
            g.actor = actor
            return Parts()

        yield of


def test_of_a_record_shows_its_own_with_a_form_to_raise_one(
    session: Session, on_page: Callable[[Actor], Parts], raised: Raise, review: StepPeriod, manager: Actor, secretary: Actor,
) -> None:
    raised("Train the desk")
    raised("Elsewhere", source=Source(label="Meeting"))

    html, read_only, without = (on_page(manager).of(review), on_page(secretary).of(review), on_page(manager).of(review, raising=False))

    assert "Train the desk" in html and "Elsewhere" not in html
    assert re.search(r'<form method="post" action="[^"]*/recommendations/new/"', html) and 'name="recommendation-source"' in html
    assert "<form" not in read_only and "<form" not in without


def test_of_a_record_is_nothing_for_who_may_not_read_recommendations(on_page: Callable[[Actor], Parts], review: StepPeriod, session: Session) -> None:
    assert on_page(actor_of(session, "volunteer")).of(review) == ""


def test_waiting_has_a_card_each_for_the_decider_alone(
    session: Session, on_page: Callable[[Actor], Parts], raised: Raise, manager: Actor, secretary: Actor,
) -> None:
    raised("Train the desk")

    assert on_page(secretary).waiting().count("<article") == 1
    assert f'name="next" value="{LINK}"' in on_page(secretary).waiting(plugin="core")
    assert on_page(manager).waiting() == "" and on_page(secretary).waiting(plugin="visits") == ""


def test_followed_offers_what_is_to_be_noted(session: Session, on_page: Callable[[Actor], Parts], raised: Raise, manager: Actor, secretary: Actor) -> None:
    one = services.decide(session, raised("Train the desk"), True, actor=secretary, now=NOON)

    html = on_page(manager).followed(before=date(2026, 2, 1), department_id=one.department_id)
    assert "Train the desk" in html and f"/recommendations/{one.id}/cause" in html and f"/recommendations/{one.id}/done" in html
    assert "<form" not in on_page(secretary).followed()
    assert "Train the desk" not in on_page(manager).followed(before=date(2026, 1, 25))
    assert "Train the desk" not in on_page(actor_of(session, "finance_manager")).followed()


def test_the_page_of_a_plugin_that_is_off_is_no_link(
    session: Session, client: FlaskClient, raised: Raise, review: StepPeriod,
) -> None:
    ident = raised(source=services.source_of(session, review, link="/visits/7", plugin="visits", label="Week 4")).id
    signed_in(client, session, "subcouncil_secretary")
    work.commit(session)

    html = page(client, f"{LIST}{ident}/")

    assert "Week 4" in html and 'href="/visits/7"' not in html


def test_cards_of_my_day_count_what_waits_and_what_is_late(session: Session, on_page: Any, raised: Raise, manager: Actor, secretary: Actor) -> None:
    on_page(secretary)
    assert cards.to_decide(session, secretary, NOON) is None and cards.to_carry_out(session, manager, NOON) is None
    raised(due_on=date(2026, 2, 1))
    services.decide(session, raised(due_on=date(2026, 2, 3)), True, actor=secretary, now=NOON)

    waiting, open_ones = cards.to_decide(session, secretary, NOON), cards.to_carry_out(session, manager, NOON.replace(day=4))

    assert waiting is not None and (waiting.value, waiting.tone, waiting.link) == (1, "", "/recommendations/decisions/")
    assert open_ones is not None and (open_ones.value, open_ones.tone) == (1, "bad")


def test_search_finds_it_by_number(session: Session, client: FlaskClient, raised: Raise) -> None:
    ident = raised("Train the desk").id
    signed_in(client, session, "quality_employee")
    work.commit(session)

    assert f"/recommendations/{ident}/" in page(client, "/search/?q=r-2026-0001")


def test_what_is_left_is_carried_over_into_the_period_of_the_page_once_its_cause_is_known(
    session: Session, on_page: Callable[[Actor], Parts], raised: Raise, manager: Actor, secretary: Actor,
) -> None:
    february = (date(2026, 2, 1), date(2026, 2, 28))
    one = services.decide(session, raised("Train the desk"), True, actor=secretary, now=NOON)
    button = f"/recommendations/{one.id}/carry-over"
    assert button not in on_page(manager).followed(before=february[0], into=february), "no cause yet"

    services.record_cause(session, one, "Ill", actor=manager, now=NOON)
    assert button in on_page(manager).followed(before=february[0], into=february)
    assert button not in on_page(manager).followed(before=february[0])
    assert button not in on_page(secretary).followed(before=february[0], into=february)

    services.carry_over(session, one, first=february[0], last=february[1], actor=manager, now=NOON)
    html = on_page(manager).followed(before=february[0], into=february)
    assert "Train the desk" in html and f"/recommendations/{one.id}/done" in html and button not in html
    services.carry_out(session, one, actor=manager, now=NOON)
    html = on_page(manager).followed(before=february[0], into=february)
    assert "Train the desk" in html and f"/recommendations/{one.id}/done" not in html


def test_the_button_carries_over_and_a_changed_period_is_refused(
    session: Session, client: FlaskClient, raised: Raise, manager: Actor, secretary: Actor,
) -> None:
    ident = services.decide(session, raised(), True, actor=secretary, now=NOON).id
    services.record_cause(session, session.get_one(Recommendation, ident), "Ill", actor=manager, now=NOON)
    assert manager.user_id is not None
    sign_in(client, session.get_one(User, manager.user_id))
    work.commit(session)
    token = sign_period((date(2026, 2, 1), date(2026, 2, 28)), manager)

    for wrong in ("", "x", f"{token}x", sign_period((date(2026, 2, 1), date(2026, 2, 28)), secretary)):
        assert client.post(f"{LIST}{ident}/carry-over", data={"period": wrong}).status_code == 422
    answer = client.post(f"{LIST}{ident}/carry-over", data={"period": token, "next": LINK})

    assert (answer.status_code, answer.headers["Location"].endswith(LINK)) == (302, True)
    one, = all_rows(session)
    assert (one.period_from, one.period_until, one.carried_from) == (date(2026, 2, 1), date(2026, 2, 28), date(2026, 1, 25))
