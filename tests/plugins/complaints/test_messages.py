"""A message that another plugin hands over becomes an entry of the log: through the contract, without knowing complaints (CMPL-28)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import messages
from core.customers.models import Customer
from core.errors import InvalidInput, NotAllowed, faults
from core.i18n import use_language
from core.messages import Message
from core.procedures.models import StepRun
from core.testing import sign_in
from plugins.complaints import follow, page
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import MONDAY, Staff

COMMENT = Message("social", "comment-4711", "social", "متى تفتح حلقة الصفا؟", said_at=MONDAY - timedelta(minutes=40), name="@hind_s",
                  link="/social/comments/4711")


def hand_over(session: Session, staff: Staff, **changed: Any) -> messages.Taken:
    return messages.hand_over(session, replace(COMMENT, **changed), actor=staff.crm.actor, now=MONDAY)


def made(session: Session, taken: messages.Taken) -> Entry:
    return session.scalars(sa.select(Entry).where(Entry.number == taken.number)).one()


def test_a_comment_is_an_entry_with_one_act_and_its_answer_is_due_at_once(session: Session, staff: Staff) -> None:
    assert messages.takes(session)

    taken = hand_over(session, staff)

    entry = made(session, taken)
    assert (entry.kind, entry.channel, entry.text, entry.name, entry.received_at, entry.registered_by_id) == (
        "inquiry", "social", COMMENT.text, "@hind_s", COMMENT.said_at, staff.crm.user.id)
    assert (entry.source, entry.source_reference, entry.source_link, taken.link) == (
        "social", "comment-4711", "/social/comments/4711", f"/complaints/{entry.id}")
    runs = session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id, StepRun.step_number == 2))
    assert [(run.due_at, run.ended_at) for run in runs] == [(MONDAY, None)]
    assert follow.find(session, taken.number, taken.code) is entry


def test_the_same_comment_handed_over_again_is_the_same_entry_and_its_code_holds(session: Session, staff: Staff) -> None:
    first = hand_over(session, staff)
    again = messages.hand_over(session, COMMENT, actor=staff.centres.actor, now=MONDAY + timedelta(hours=1))

    assert (again.number, again.link, again.code) == (first.number, first.link, "")
    assert follow.find(session, first.number, first.code) is not None
    assert hand_over(session, staff, source="callcenter").number != first.number


def test_a_call_brings_its_customer_and_is_routed_like_any_complaint(session: Session, staff: Staff, beneficiary: Customer) -> None:
    taken = hand_over(session, staff, source="callcenter", channel="phone", kind="complaint", customer_number=beneficiary.number, name="", link="")

    assert (made(session, taken).customer_id, made(session, taken).centre_id) == (beneficiary.id, beneficiary.centre_id)


def test_whoever_is_reached_nowhere_is_not_taken(session: Session, staff: Staff) -> None:
    with pytest.raises(InvalidInput) as refused:
        hand_over(session, staff, link="", text=" ")

    assert {(fault.field, fault.rule) for fault in faults(refused.value)} == {("phone", "CMPL-24"), ("text", "CMPL-07")}


@pytest.mark.parametrize("changed", [{"reference": ""}, {"link": "https://elsewhere.example/1"}])
def test_a_message_says_whence_it_comes_and_leads_back_inside(session: Session, staff: Staff, changed: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        hand_over(session, staff, **changed)


def test_only_who_may_write_entries_down_turns_a_message_into_one(session: Session, staff: Staff) -> None:
    with pytest.raises(NotAllowed):
        messages.hand_over(session, COMMENT, actor=staff.quality.actor, now=MONDAY)


def test_the_entrys_page_says_where_it_came_from_and_links_only_while_that_plugin_is_on(
    client: FlaskClient, session: Session, staff: Staff,
) -> None:
    here = made(session, hand_over(session, staff, source="complaints", link="/complaints/reviews/"))
    away = made(session, hand_over(session, staff))
    sign_in(client, staff.crm.user)

    assert 'href="/complaints/reviews/"' in client.get(f"/complaints/{here.id}").get_data(as_text=True).split("<aside")[-1]
    page = client.get(f"/complaints/{away.id}").get_data(as_text=True)
    assert "social" in page and "/social/comments/4711" not in page


@pytest.mark.parametrize(("source", "called"), [("callcenter", "Call centre"), ("social", "a part of Diwan that is not installed")])
def test_where_an_entry_came_from_is_said_in_words_also_while_that_part_is_off(session: Session, staff: Staff, source: str, called: str) -> None:
    entry = made(session, hand_over(session, staff, source=source))

    with use_language("en"):
        assert [str(one) for one in page.origin(entry) or ()] == [called, ""]
