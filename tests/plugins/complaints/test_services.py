"""The rules of the log: receipt, routing, study, updates, closing, assignments, quality (CMPL-01…29)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import system_actor
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotAllowed, faults
from core.notices.models import Notice
from core.organisation.models import Centre
from core.procedures.models import StepRun
from plugins.complaints import domain, follow, queries, services
from plugins.complaints.models import Assignment, Entry, Update
from tests.plugins.complaints.conftest import MONDAY, Staff, department

Receive = Callable[..., Entry]
DAY = timedelta(days=1)


def runs(session: Session, entry: Entry, number: int | None = None) -> list[StepRun]:
    query = sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id).order_by(StepRun.step_number, StepRun.id)
    return [one for one in session.scalars(query) if number in (None, one.step_number)]


def open_numbers(session: Session, entry: Entry) -> list[int]:
    return [one.step_number for one in runs(session, entry) if one.is_open()]


def refused(act: Callable[[], Any]) -> dict[str, str | None]:
    """The fields that an act refuses, each with its rule."""
    with pytest.raises(InvalidInput) as caught:
        act()
    return {str(one.field): one.rule for one in faults(caught.value)}


# --- receiving -------------------------------------------------------------------------------------------------------


def test_kinds_share_one_running_number(receive: Receive, staff: Staff) -> None:
    numbers = [receive(staff.crm, kind=kind).number for kind in ("complaint", "inquiry", "suggestion")]

    assert [number[:7] for number in numbers] == ["C-2026-"] * 3
    first = int(numbers[0][7:])
    assert [int(number[7:]) for number in numbers] == [first, first + 1, first + 2]


def test_a_beneficiarys_complaint_goes_to_centres_affairs_with_the_centre(
    receive: Receive, staff: Staff, beneficiary: Customer, centre: Centre, session: Session,
) -> None:
    entry = receive(staff.crm, customer_number=beneficiary.number)

    assert (entry.department_id, entry.centre_id) == (department(session, "centres_affairs").id, centre.id)
    assert {run.roles for run in runs(session, entry)} == {"|centres_employee|"}


@pytest.mark.parametrize("given", ["donor", "government", "council_member", "other"])
def test_everybody_elses_goes_to_customer_relations(receive: Receive, staff: Staff, session: Session, given: str) -> None:
    entry = receive(staff.crm, customer_class=given)

    assert (entry.department_id, entry.centre_id) == (department(session, "crm").id, None)


def test_where_the_manual_is_silent_the_association_chooses(receive: Receive, staff: Staff, session: Session) -> None:
    from core import settings

    settings.put(session, "complaints.route_government", "centres_affairs")

    assert receive(staff.crm, customer_class="government").department_id == department(session, "centres_affairs").id
    assert receive(staff.crm, customer_class="donor").department_id == department(session, "crm").id


def test_step_1_is_done_and_the_answer_is_due_at_once(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm)

    assert [(run.step_number, run.is_open(), run.due_at) for run in runs(session, entry) if run.step_number < 4] == [(1, False, MONDAY), (2, True, MONDAY)]


def test_solved_at_once_is_closed_without_study_or_call_back(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm, answer_now="solved", answer="أُرسل الإيصال")

    assert (entry.state, entry.returned_at, entry.answer_channel) == ("closed", entry.received_at, "phone")
    assert open_numbers(session, entry) == []
    assert runs(session, entry, 3) == runs(session, entry, 5) == []


def test_solved_without_an_answer_is_refused(receive: Receive, staff: Staff) -> None:
    assert refused(lambda: receive(staff.crm, answer_now="solved", answer=" ")) == {"answer": "CMPL-19"}


def test_a_promised_call_back_is_due_at_its_hour_and_the_study_after_a_day(receive: Receive, staff: Staff, session: Session) -> None:
    promised = MONDAY + timedelta(hours=30)
    entry = receive(staff.crm, answer_now="callback", promised_at=promised, callback_to="055 999 0000")

    assert (entry.state, entry.callback_to) == ("answered_callback", "+966559990000")
    assert {run.step_number: run.due_at for run in runs(session, entry) if run.is_open()} == {3: MONDAY + DAY, 5: promised}


def test_a_call_back_needs_an_hour_and_a_place(receive: Receive, staff: Staff) -> None:
    assert refused(lambda: receive(staff.crm, answer_now="callback")) == {"promised_at": "CMPL-05", "callback_to": "CMPL-05"}
    assert refused(lambda: receive(staff.crm, answer_now="callback", promised_at=MONDAY, callback_to="a@example.org")) == {"promised_at": "CMPL-05"}


def test_a_complaint_is_not_put_to_study_without_a_promise_but_a_suggestion_is(receive: Receive, staff: Staff, session: Session) -> None:
    assert refused(lambda: receive(staff.crm, answer_now="study")) == {"answer_now": "CMPL-05"}
    assert open_numbers(session, receive(staff.crm, kind="suggestion", answer_now="study")) == [3]


def test_all_faults_are_told_together(receive: Receive, staff: Staff) -> None:
    found = refused(lambda: receive(staff.crm, kind="ticket", channel="smoke", text="", name="", phone="", centre_id="999999", received_at=MONDAY + DAY))

    assert set(found) == {"kind", "channel", "text", "name", "phone", "centre_id", "received_at"}


def test_somebody_unknown_is_reached_by_phone_or_mail(receive: Receive, staff: Staff) -> None:
    assert refused(lambda: receive(staff.crm, phone="")) == {"phone": "CMPL-24"}
    entry = receive(staff.crm, phone="", email="caller@example.org")
    assert (entry.customer_id, entry.name, entry.email) == (None, "متصل", "caller@example.org")


def test_only_who_may_record_records(receive: Receive, staff: Staff) -> None:
    with pytest.raises(NotAllowed):
        receive(staff.quality)


def test_a_repeated_sending_is_one_entry_and_its_code_stays_the_one_that_was_told(session: Session, staff: Staff) -> None:
    given = {"kind": "inquiry", "channel": "phone", "text": "متى؟", "name": "متصل", "phone": "0559990000"}
    first = services.receive(session, given, actor=staff.crm.actor, now=MONDAY, operation_key="k1")
    again = services.receive(session, given, actor=staff.crm.actor, now=MONDAY, operation_key="k1")

    assert again.entry is first.entry
    assert again.code == first.code
    assert follow.find(session, first.entry.number, again.code.lower()) is first.entry


def test_codes_of_different_sendings_differ_and_a_repeated_one_does_not_tell_a_code_that_is_void(session: Session, staff: Staff) -> None:
    given = {"kind": "inquiry", "channel": "phone", "text": "متى؟", "name": "متصل", "phone": "0559990000"}
    first, other = (services.receive(session, given, actor=staff.crm.actor, now=MONDAY, operation_key=key) for key in ("k1", "k2"))
    first.entry.follow_code = follow.hashed(first.entry.number, "23456789AB")

    assert first.code != other.code
    assert services.receive(session, given, actor=staff.crm.actor, now=MONDAY, operation_key="k1").code == ""


def test_the_public_form_leaves_the_answer_to_the_inbox(session: Session, staff: Staff) -> None:
    made = services.receive_from_public(session, {"kind": "complaint", "text": "أُلغيت المحاضرة", "name": "هند", "phone": "0555120348",
                                                  "consent": domain.consent_now()}, actor=system_actor("public"), now=MONDAY)

    assert (made.entry.channel, made.entry.source, made.entry.state, open_numbers(session, made.entry)) == ("website", "public", "received", [2])


@pytest.mark.parametrize(("days", "due"), [(1, MONDAY + DAY), (0, MONDAY)])
def test_what_comes_by_the_public_form_is_answered_within_the_days_of_a_setting(session: Session, staff: Staff, days: int, due: datetime) -> None:
    settings.put(session, "complaints.public_answer", days)
    given = {"kind": "complaint", "text": "أُلغيت المحاضرة", "name": "هند", "phone": "0555120348", "consent": domain.consent_now()}
    made = services.receive_from_public(session, given, actor=system_actor("public"), now=MONDAY)

    assert [run.due_at for run in runs(session, made.entry) if run.step_number == 2] == [due]


# --- handling --------------------------------------------------------------------------------------------------------


@pytest.fixture
def promised(receive: Receive, staff: Staff) -> Entry:
    return receive(staff.crm, answer_now="callback", promised_at=MONDAY + 2 * DAY, callback_to="0559990000")


def test_a_study_in_time_closes_step_3(promised: Entry, staff: Staff, session: Session) -> None:
    services.study(session, promised, "الموعد لم يُبلّغ", "مركز الصفا", actor=staff.crm.actor, now=MONDAY + timedelta(hours=4))

    run = runs(session, promised, 3)[0]
    assert (promised.state, promised.helping_party, run.closed_at, run.is_overdue(MONDAY + DAY)) == (
        "in_study", "مركز الصفا", MONDAY + timedelta(hours=4), False)
    assert open_numbers(session, promised) == [5]


def test_a_study_needs_a_finding_and_a_party(promised: Entry, staff: Staff, session: Session) -> None:
    assert refused(lambda: services.study(session, promised, "", " ", actor=staff.crm.actor, now=MONDAY)) == {
        "analysis": "CMPL-17", "helping_party": "CMPL-17"}


def test_closing_needs_answer_channel_and_time(promised: Entry, staff: Staff, session: Session) -> None:
    def close(**more: Any) -> Entry:
        given = {"answer": "", "answer_channel": "", "returned_at": None, **more}
        return services.close(session, promised, **given, actor=staff.crm.actor, now=MONDAY + DAY)

    assert refused(close) == {"answer": "CMPL-19", "answer_channel": "CMPL-19", "returned_at": "CMPL-09"}
    assert refused(lambda: close(answer="تم", answer_channel="phone", returned_at=MONDAY - timedelta(minutes=75))) == {"returned_at": "CMPL-09"}
    assert refused(lambda: close(answer="تم", answer_channel="phone", returned_at=MONDAY + 2 * DAY)) == {"returned_at": "CMPL-09"}

    assert close(answer="تم", answer_channel="phone", returned_at=MONDAY + timedelta(hours=20)).state == "closed"


def test_the_database_refuses_a_close_that_goes_round(promised: Entry, session: Session) -> None:
    promised.state = "closed"
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_closing_ends_every_open_step(promised: Entry, staff: Staff, session: Session) -> None:
    services.close(session, promised, answer="تم", answer_channel="phone", returned_at=MONDAY + DAY, actor=staff.crm.actor, now=MONDAY + DAY)

    assert open_numbers(session, promised) == []
    assert {run.step_number: run.ended_as for run in runs(session, promised) if run.period is None} == {1: "closed", 2: "closed", 3: "cancelled", 5: "closed"}


def test_a_closed_entry_takes_no_update(promised: Entry, staff: Staff, session: Session) -> None:
    services.close(session, promised, answer="تم", answer_channel="phone", returned_at=MONDAY + DAY, actor=staff.crm.actor, now=MONDAY + DAY)

    with pytest.raises(Conflict):
        services.add_update(session, promised, "شيء", actor=staff.crm.actor, now=MONDAY + DAY)


def test_a_ready_solution_asks_for_the_contact(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm)

    services.solution_ready(session, entry, "يُعاد الموعد", actor=staff.crm.actor, now=MONDAY + timedelta(hours=1))

    assert (entry.state, open_numbers(session, entry)) == ("solution_ready", [5])
    assert runs(session, entry, 5)[0].due_at == MONDAY + timedelta(hours=1) + DAY


def test_a_suggestion_is_declined_with_a_reason_and_without_a_call_back(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm, kind="suggestion", answer_now="study")
    assert refused(lambda: services.decide_suggestion(session, entry, "declined", "", actor=staff.crm.actor, now=MONDAY)) == {"decision_reason": None}

    services.decide_suggestion(session, entry, "declined", "لا تتوفر ميزانية", actor=staff.crm.actor, now=MONDAY + DAY)

    assert (entry.state, entry.decision, open_numbers(session, entry)) == ("closed", "declined", [])


def test_a_suggestion_with_a_call_back_stays_open_until_it_is_made(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm, kind="suggestion", answer_now="callback", promised_at=MONDAY + DAY, callback_to="0559990000")

    services.decide_suggestion(session, entry, "accepted", "يضاف إلى الخطة", actor=staff.crm.actor, now=MONDAY)

    assert (entry.state, entry.decision) == ("answered_callback", "accepted")


def test_a_complaint_is_neither_accepted_nor_declined(promised: Entry, staff: Staff, session: Session) -> None:
    assert refused(lambda: services.decide_suggestion(session, promised, "declined", "x", actor=staff.crm.actor, now=MONDAY)) == {"decision": "CMPL-23"}


# --- the daily update ------------------------------------------------------------------------------------------------


def test_an_open_entry_without_an_update_today_is_listed(receive: Receive, staff: Staff, session: Session) -> None:
    silent, told, closed = (receive(staff.crm) for _n in range(3))
    tuesday = MONDAY.replace(hour=0) + timedelta(hours=21)  # midnight in Makkah
    services.add_update(session, told, "سألنا المركز", actor=staff.crm.actor, now=tuesday + timedelta(hours=9))
    services.close(session, closed, answer="تم", answer_channel="phone", returned_at=MONDAY, actor=staff.crm.actor, now=MONDAY)

    found = session.scalars(queries.scope(sa.select(Entry).where(queries.quiet(tuesday, tuesday + DAY)), staff.crm.actor)).all()
    assert [one for one in found if one in (silent, told, closed)] == [silent]


def test_each_day_opens_one_update_a_record_and_an_update_closes_it(receive: Receive, staff: Staff, session: Session) -> None:
    from plugins.complaints import steps

    entry = receive(staff.crm)
    wednesday = MONDAY + 2 * DAY
    for period in ("2026-02-01", "2026-02-03", "2026-02-04", "2026-02-04"):  # the first is a day before the entry came in
        steps.open_daily(session, {"period": period}, wednesday)
    assert [(run.period.isoformat(), run.is_open()) for run in runs(session, entry, 4) if run.period] == [
        ("2026-02-02", False), ("2026-02-03", True), ("2026-02-04", True)]

    services.add_update(session, entry, "سألنا المركز", actor=staff.crm.actor, now=wednesday)

    assert [run.is_overdue(wednesday) for run in runs(session, entry, 4)] == [False, True, False]
    assert all(not run.is_open() for run in runs(session, entry, 4))


# --- whose entries ---------------------------------------------------------------------------------------------------


def test_the_other_department_does_not_see_it_quality_does(receive: Receive, staff: Staff, donor: Customer, session: Session) -> None:
    entry = receive(staff.crm, customer_number=donor.number, channel="email")

    assert queries.by_id(session, entry.id, staff.centres.actor) is None
    assert queries.by_id(session, entry.id, staff.quality.actor) is entry
    assert queries.by_number(session, entry.number.lower(), staff.crm_manager.actor) is entry


def test_reassigning_needs_a_reason_and_keeps_both_and_the_due_moment(promised: Entry, staff: Staff, session: Session) -> None:
    there = department(session, "centres_affairs").id
    assert refused(lambda: services.reassign(session, promised, there, " ", actor=staff.crm.actor, now=MONDAY)) == {"reason": None}
    assert refused(lambda: services.reassign(session, promised, promised.department_id, "سبب", actor=staff.crm.actor, now=MONDAY)) == {
        "department_id": "CMPL-29"}
    due = {run.step_number: run.due_at for run in runs(session, promised) if run.is_open()}

    services.reassign(session, promised, there, "تخص المركز", actor=staff.crm.actor, now=MONDAY + timedelta(hours=1))

    history = [(one.department_id, one.reason) for one in queries.assignments_of(session, promised)]
    assert history == [(department(session, "crm").id, ""), (there, "تخص المركز")]
    assert {run.step_number: run.due_at for run in runs(session, promised) if run.is_open()} == due
    assert {run.roles for run in runs(session, promised) if run.is_open()} == {"|centres_employee|"}
    assert session.scalar(sa.select(sa.func.count()).select_from(Assignment).where(Assignment.entry_id == promised.id)) == 2


def test_quality_asks_a_department_which_then_sees_the_entry(promised: Entry, staff: Staff, session: Session, people: Any) -> None:
    it = department(session, "it")
    somebody = people.officer
    somebody.user.department_id = it.id
    session.flush()
    from core.auth import services as auth

    actor = auth.actor_for(session, somebody.user, source="web", now=MONDAY)
    assert queries.by_id(session, promised.id, actor) is None

    asked = services.follow_up(session, promised, it.id, "إصلاح الرسائل", actor=staff.quality.actor, now=MONDAY)

    told = session.scalars(sa.select(Notice.user_id).where(Notice.link == f"/complaints/{promised.id}", Notice.text.contains("Quality asks"))).all()
    assert told == ([somebody.user.id] if actor.may("complaints.read") else [])
    assert queries.by_id(session, promised.id, actor) is promised
    services.finish_follow_up(session, asked, "أُصلحت", actor=actor, now=MONDAY + DAY)
    assert (asked.done_at, asked.done_by_id) == (MONDAY + DAY, somebody.user.id)
    with pytest.raises(Conflict):
        services.finish_follow_up(session, asked, "مرة أخرى", actor=actor, now=MONDAY + DAY)


def test_quality_remarks_on_a_closed_entry_too(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm, answer_now="solved", answer="تم")

    line = services.remark(session, entry, "الجواب مقتضب", actor=staff.quality.actor, now=MONDAY + DAY)

    assert (line.kind, line.public, entry.state) == ("remark", False, "closed")
    assert entry.updated_at == MONDAY
    with pytest.raises(NotAllowed):
        services.remark(session, entry, "x", actor=staff.crm.actor, now=MONDAY + DAY)


def test_a_remark_is_not_the_update_of_the_day_and_the_asked_department_is_told(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm, answer_now="callback", promised_at=MONDAY + 2 * DAY, callback_to="0559990000")
    before = entry.updated_at

    services.remark(session, entry, "تأخر الرد", actor=staff.quality.actor, now=MONDAY + DAY)
    services.follow_up(session, entry, entry.department_id, "اتصلوا اليوم", actor=staff.quality.actor, now=MONDAY + DAY)

    assert entry.updated_at == before
    told = set(session.scalars(sa.select(Notice.user_id).where(Notice.text.contains("Quality asks"))))
    assert {staff.crm.user.id, staff.crm_manager.user.id} <= told and staff.centres.user.id not in told
    services.add_update(session, entry, "اتصلنا", actor=staff.crm.actor, now=MONDAY + DAY)
    assert entry.updated_at == MONDAY + DAY


def test_an_unknown_caller_becomes_a_customer_and_keeps_the_route(receive: Receive, staff: Staff, beneficiary: Customer, session: Session) -> None:
    entry = receive(staff.crm)
    before = entry.department_id

    services.attach(session, entry, beneficiary.number, actor=staff.crm.actor, now=MONDAY + DAY)

    assert (entry.customer_id, entry.department_id) == (beneficiary.id, before)
    assert {run.customer_id for run in runs(session, entry)} == {beneficiary.id}
    with pytest.raises(Conflict):
        services.attach(session, entry, beneficiary.number, actor=staff.crm.actor, now=MONDAY + DAY)


def test_open_entries_of_the_same_caller_are_shown(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm)
    receive(staff.crm, answer_now="solved", answer="تم")

    assert list(queries.open_of(session, staff.crm.actor, phone="+966559990000")) == [entry]
    assert queries.open_of(session, staff.crm.actor) == []


def test_every_act_is_in_the_log_without_words_in_clear(promised: Entry, staff: Staff, session: Session) -> None:
    services.study(session, promised, "تحليل سري", "مركز الصفا", actor=staff.crm.actor, now=MONDAY)

    kinds = list(session.scalars(sa.select(Update.kind).where(Update.entry_id == promised.id).order_by(Update.id)))
    assert kinds == ["promise", "study"]


# --- pure rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("closed", "received", "rate"), [
    (1707, 1793, "95.2"), (0, 0, "None"), (1, 8, "12.5"), (1, 16, "6.3"), (3157, 3186, "99.1"), (3093, 3186, "97.1"),
])
def test_the_closing_rate_has_one_decimal_half_up(closed: int, received: int, rate: str) -> None:
    assert str(domain.closing_rate(closed, received)) == rate


def test_response_times_are_averaged_and_halved() -> None:
    assert domain.response_minutes(MONDAY, MONDAY + timedelta(hours=30, minutes=30)) == 1830
    assert domain.span_of([60, 120, 600]) == domain.Span(3, 260, 120)
    assert domain.span_of([]) == domain.Span(0, None, None)
    assert [domain.length_of(hours * 60) for hours in (24, 25, 72, 73, 168, 169)] == ["day", "three", "three", "week", "week", "longer"]


# --- the same sending twice ------------------------------------------------------------------------------------------


def test_an_update_a_remark_and_a_task_sent_twice_are_one_each(receive: Receive, staff: Staff, session: Session) -> None:
    entry, other = receive(staff.crm), receive(staff.crm)
    crm = department(session, "crm").id

    def updated(key: str, one: Entry = entry) -> Update:
        return services.add_update(session, one, "اتصلنا بالمركز", actor=staff.crm.actor, now=MONDAY, operation_key=key)

    def remarked(key: str) -> Update:
        return services.remark(session, entry, "يُتابع", actor=staff.quality.actor, now=MONDAY, operation_key=key)

    def asked(key: str) -> Any:
        return services.follow_up(session, entry, crm, "راجعوا الجدول", actor=staff.quality.actor, now=MONDAY, operation_key=key)

    for act in (updated, remarked, asked):
        assert act(f"{act.__name__}-1") is act(f"{act.__name__}-1")
        assert act(f"{act.__name__}-2") is not act(f"{act.__name__}-1")
    assert [one.kind for one in queries.updates_of(session, entry)].count("note") == 2
    with pytest.raises(Conflict):
        updated("updated-1", other)


def test_an_update_that_arrives_again_after_the_entry_was_closed_is_still_the_one_it_was(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm)
    first = services.add_update(session, entry, "اتصلنا بالمركز", actor=staff.crm.actor, now=MONDAY, operation_key="once")
    services.close(session, entry, answer="تم", answer_channel="phone", returned_at=MONDAY, actor=staff.crm.actor, now=MONDAY)

    assert services.add_update(session, entry, "اتصلنا بالمركز", actor=staff.crm.actor, now=MONDAY, operation_key="once") is first


# --- names of callers who are no customers ---------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "typed"), [("أحمد الغامدي", "احمد"), ("احمد الغامدي", "أَحمـد"), ("فاطمة مصطفى", "مصطفي فاطمه"), ("Hind S.", "HIND")])
def test_somebody_unknown_is_found_by_the_name_in_any_writing(receive: Receive, staff: Staff, session: Session, written: str, typed: str) -> None:
    entry, _other = receive(staff.crm, name=written), receive(staff.crm, name="سالم")

    found = session.scalars(queries.matching(sa.select(Entry), session, typed, staff.crm.actor)).all()

    assert list(found) == [entry]
    assert list(session.scalars(queries.matching(sa.select(Entry), session, typed, staff.secretary.actor))) == []


def test_the_folded_name_follows_the_name(receive: Receive, staff: Staff, session: Session) -> None:
    entry = receive(staff.crm, name="أحمد")
    entry.name = None

    assert entry.name_key is None
