"""The outbox: wanted, claimed, ended, tried again, and given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.auth.actor import Actor
from core.errors import Conflict, DiwanError, NotAllowed, NotFound
from core.jobs import queries, services
from core.jobs.models import JobRow
from core.jobs.offers import Job
from core.jobs.services import LeaseLost

NOW = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
RIYADH = ZoneInfo("Asia/Riyadh")
NAMES = ["notes.send", "notes.count", "notes.digest"]


def rows(session: Session) -> list[JobRow]:
    session.expire_all()
    return list(session.scalars(sa.select(JobRow).where(JobRow.name.in_(NAMES)).order_by(JobRow.id)))


def take(session: Session, now: datetime = NOW) -> Any:
    return services.claim(session, now, 60, names=NAMES)


def test_enqueue_in_a_read_transaction_is_refused(session: Session) -> None:
    session.info["write"] = False
    try:
        with pytest.raises(DiwanError, match="notes.send"):
            services.enqueue(session, "notes.send")
    finally:
        session.info["write"] = True


def test_same_unique_key_is_one_job(session: Session) -> None:
    first = services.enqueue(session, "notes.send", {"id": 1}, unique_key="notes:1")

    second = services.enqueue(session, "notes.send", {"id": 2}, unique_key="notes:1")

    assert second == first
    assert [row.args for row in rows(session)] == [{"id": 1}]


def test_claim_takes_what_has_been_due_longest(session: Session) -> None:
    services.enqueue(session, "notes.send", {"n": 2}, due_at=NOW - timedelta(minutes=1))
    services.enqueue(session, "notes.send", {"n": 1}, due_at=NOW - timedelta(minutes=2))
    services.enqueue(session, "notes.send", {"n": 3}, due_at=NOW + timedelta(minutes=1))

    taken = [take(session).args["n"] for _time in range(2)]

    assert taken == [1, 2]
    assert take(session) is None


def test_claim_leaves_jobs_of_plugins_that_are_off(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)

    assert services.claim(session, NOW, 60, names=["leads.send"]) is None
    assert rows(session)[0].state == "waiting"


def test_held_job_is_taken_again_only_after_its_lease(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)
    dead_worker = take(session)

    assert take(session, NOW + timedelta(seconds=59)) is None
    second = take(session, NOW + timedelta(seconds=61))

    assert second is not None
    assert (second.id, second.attempts) == (dead_worker.id, 2)
    with pytest.raises(LeaseLost):
        services.finish(session, dead_worker, NOW)
    services.finish(session, second, NOW)
    assert rows(session)[0].state == "done"


def test_extended_lease_keeps_the_job(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)
    held = take(session)

    services.extend_lease(session, held, NOW + timedelta(seconds=50))

    assert take(session, NOW + timedelta(seconds=100)) is None


def test_failure_waits_longer_and_is_given_up_after_five(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)
    moment, waits = NOW, []

    for _attempt in range(5):
        held = take(session, moment)
        dead = services.fail(session, held, DiwanError("the server is away"), moment)
        waits.append(rows(session)[0].due_at - moment)
        moment = rows(session)[0].due_at

    assert dead
    assert waits[:4] == [timedelta(seconds=30), timedelta(seconds=120), timedelta(seconds=600), timedelta(seconds=3600)]
    assert (rows(session)[0].state, rows(session)[0].last_error) == ("dead", "the server is away")
    assert take(session, moment + timedelta(days=9)) is None


def test_failure_message_of_a_surprise_quotes_no_data(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)

    services.fail(session, take(session), ValueError("mobile +966550000001"), NOW, reference="A1B2")

    assert rows(session)[0].last_error == "ValueError; the log has the details [A1B2]"


def test_job_whose_worker_died_five_times_is_a_dead_letter(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)
    for attempt in range(5):
        assert take(session, NOW + timedelta(minutes=2 * attempt)) is not None

    assert take(session, NOW + timedelta(minutes=20)) is None
    assert rows(session)[0].state == "dead"


def test_given_back_job_lost_no_attempt(session: Session) -> None:
    services.enqueue(session, "notes.send", due_at=NOW)

    services.give_back(session, take(session), NOW)

    assert (rows(session)[0].state, rows(session)[0].attempts) == ("waiting", 0)


def test_what_a_clock_ran_ahead_of_is_done_when_it_is_set_back(session: Session) -> None:
    ahead = NOW + timedelta(days=400)
    with work.time_at(ahead):
        held = services.enqueue(session, "notes.send")
        assert take(session, ahead).id == held
        failed = services.enqueue(session, "notes.count")
        services.fail(session, take(session, ahead), DiwanError("the server is away"), ahead)
        wanted = services.enqueue(session, "notes.digest")

    assert {take(session).id for _n in range(3)} == {held, failed, wanted}


def test_a_period_and_a_later_wish_wait_for_their_moment_whatever_the_clock_was(session: Session) -> None:
    ahead = NOW + timedelta(days=400)
    with work.time_at(ahead):
        services.schedule(session, [Job("notes.digest", lambda *_args: None, every="day", at="07:00")], ahead, RIYADH)
    with work.time_at(NOW):
        services.enqueue(session, "notes.send", due_at=NOW + timedelta(days=9))

    assert take(session) is None


def test_progress_is_shown_and_keeps_the_lease(session: Session) -> None:
    services.enqueue(session, "notes.count", due_at=NOW)
    session.info["job"] = take(session)

    services.progress(session, 2_000, 100_000)

    assert queries.summary(rows(session)[0]) == (2_000, 100_000)
    session.info.pop("job")
    services.progress(session, 3_000)  # outside a job: nothing
    assert queries.summary(rows(session)[0]) == (2_000, 100_000)


def test_retry_lets_a_dead_letter_live_again(session: Session) -> None:
    job_id = services.enqueue(session, "notes.send", due_at=NOW)
    for attempt in range(6):
        take(session, NOW + timedelta(minutes=2 * attempt))
    administrator = Actor(1, "admin", frozenset({"jobs.manage"}))

    services.retry(session, job_id, actor=administrator, now=NOW + timedelta(days=1))

    assert take(session, NOW + timedelta(days=1)).attempts == 1
    with pytest.raises(Conflict, match="notes.send"):
        services.retry(session, job_id, actor=administrator, now=NOW)
    with pytest.raises(NotFound):
        services.retry(session, 10**9, actor=administrator, now=NOW)
    with pytest.raises(NotAllowed):
        services.retry(session, job_id, actor=Actor(2, "clerk"), now=NOW)


# --- periodic ----------------------------------------------------------------------------------------------------------


def daily(**more: Any) -> Job:
    return Job("notes.digest", lambda *_: None, every="day", at="07:00", **more)


def periods(session: Session) -> list[tuple[str, str]]:
    return [(row.args["period"], row.state) for row in rows(session)]


def test_schedule_stands_ready_for_this_and_the_next_period(session: Session) -> None:
    added = services.schedule(session, [daily()], NOW, RIYADH)

    assert added == 2
    assert periods(session) == [("2026-02-01", "waiting"), ("2026-02-02", "waiting")]
    assert rows(session)[1].due_at == datetime(2026, 2, 2, 4, 0, tzinfo=UTC)


def test_schedule_by_a_second_worker_adds_nothing(session: Session) -> None:
    services.schedule(session, [daily()], NOW, RIYADH)

    assert services.schedule(session, [daily()], NOW, RIYADH) == 0


def test_schedule_after_a_pause_runs_the_present_period_only(session: Session) -> None:
    services.schedule(session, [daily()], NOW, RIYADH)
    services.finish(session, take(session), NOW)

    services.schedule(session, [daily()], NOW + timedelta(days=3), RIYADH)

    assert periods(session) == [("2026-02-01", "done"), ("2026-02-02", "skipped"), ("2026-02-04", "waiting"), ("2026-02-05", "waiting")]


def test_schedule_after_a_pause_catches_up_where_the_job_says_so(session: Session) -> None:
    job = daily(catch_up=True)
    services.schedule(session, [job], NOW, RIYADH)
    services.finish(session, take(session), NOW)

    services.schedule(session, [job], NOW + timedelta(days=3), RIYADH)
    services.schedule(session, [job], NOW + timedelta(days=3), RIYADH)

    waiting = [period for period, state in sorted(periods(session)) if state == "waiting"]
    assert waiting == ["2026-02-02", "2026-02-03", "2026-02-04", "2026-02-05"]


def test_tidy_forgets_what_ended_a_month_ago_but_the_last_period(session: Session) -> None:
    services.schedule(session, [daily()], NOW, RIYADH)
    services.finish(session, take(session), NOW)
    services.enqueue(session, "notes.send", due_at=NOW)
    services.finish(session, take(session), NOW)

    services.tidy(session, {}, NOW + timedelta(days=31))

    assert [row.name for row in rows(session)] == ["notes.digest"]


def test_health_tells_of_late_and_dead_jobs_and_of_the_worker(session: Session) -> None:
    before = queries.health(session, NOW)
    services.enqueue(session, "notes.send", due_at=NOW - timedelta(hours=1))
    services.beat(session, "host:1", NOW, NOW)
    services.beat(session, "host:1", NOW, NOW + timedelta(minutes=1))

    found = queries.health(session, NOW)

    assert found.late == before.late + 1
    assert found.beat_at == NOW + timedelta(minutes=1)
