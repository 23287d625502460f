"""Signing in: attempts, sessions, second factor, one-time links."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.models import AuditEvent
from core.audit.pending import ledger_of
from core.auth import passwords, services, signin
from core.auth.models import LoginAttempts, OneTimeLink, RecoveryCode, User, UserSession
from core.commands import operator
from core.errors import Conflict, InvalidInput, NotAllowed, TooManyAttempts
from core.testing import actor_with
from tests.core.auth.conftest import HASH, NOW, PASSWORD, MakeUser

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"


def attempt(session: Session, username: str, password: str, *, address: str = HOME, now: object = NOW) -> str:
    tried = signin.try_password(session, username, password, address=address, now=now)  # type: ignore[arg-type]
    return signin.sign_in(session, tried, address=address, device="test", now=now)  # type: ignore[arg-type]


def actions(session: Session) -> list[str]:
    return [entry.action for entry in ledger_of(session).entries]


# --- attempts --------------------------------------------------------------------------------------------------------


def test_right_password_begins_a_live_session_by_name_and_by_address(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura", email="Noura@Example.org")

    by_name, by_address = attempt(session, " Noura ", PASSWORD), attempt(session, "noura@example.ORG", PASSWORD)

    for token in (by_name, by_address):
        found = signin.session_of(session, token, NOW)
        assert found is not None and found[1] is user


def test_token_is_kept_as_a_hash_only(session: Session, make_user: MakeUser) -> None:
    make_user("noura")

    token = attempt(session, "noura", PASSWORD)

    assert session.scalar(sa.select(UserSession.token_hash)) == signin.digest(token) != token


@pytest.mark.parametrize("username", ["noura", "nobody-of-this-name"])
def test_wrong_password_and_unknown_name_are_compared_logged_and_answered_alike(
    session: Session, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch, username: str,
) -> None:
    make_user("noura")
    verified = []
    hasher = passwords._hasher

    class Counting:
        def verify(self, hashed: str, given: str) -> bool:
            verified.append(hashed)
            return bool(hasher.verify(hashed, given))

    monkeypatch.setattr(passwords, "_hasher", Counting())

    token = attempt(session, username, "not this one at all")

    assert token == ""
    assert len(verified) == 1
    assert actions(session)[-1] == "sign_in_failed"
    assert username not in str(ledger_of(session).entries[-1].data)


def test_shut_out_person_is_answered_like_an_unknown_one(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    services.set_active(session, user, False, actor=operator())

    assert attempt(session, "noura", PASSWORD) == ""


def test_five_failures_lock_the_account_even_for_the_right_password(session: Session, make_user: MakeUser) -> None:
    make_user("noura")
    for _time in range(5):
        attempt(session, "noura", "wrong")

    with pytest.raises(TooManyAttempts):
        attempt(session, "noura", PASSWORD, address=ELSEWHERE)

    assert attempt(session, "noura", PASSWORD, now=NOW + timedelta(minutes=2)) != ""


def test_attempts_made_at_once_get_no_more_answers_than_one_after_the_other(session: Session, make_user: MakeUser) -> None:
    make_user("noura")
    burst = [signin.try_password(session, "noura", word, address=HOME, now=NOW) for word in ["a", "b", "c", "d", "e", PASSWORD]]
    for tried in burst[:5]:
        assert signin.sign_in(session, tried, address=HOME, device="", now=NOW) == ""

    with pytest.raises(TooManyAttempts):
        signin.sign_in(session, burst[5], address=HOME, device="", now=NOW)


def test_network_is_locked_after_failures_for_many_names(session: Session, make_user: MakeUser) -> None:
    make_user("noura")
    for number in range(30):
        signin.count_failure(session, f"name{number}", f"192.0.2.{number}", NOW)

    with pytest.raises(TooManyAttempts):
        signin.refuse_locked(session, "noura", "192.0.2.200", NOW)

    signin.refuse_locked(session, "noura", ELSEWHERE, NOW)


def test_success_forgets_the_accounts_failures(session: Session, make_user: MakeUser) -> None:
    make_user("noura")
    for _round in range(3):
        for _time in range(4):
            attempt(session, "noura", "wrong")
        assert attempt(session, "noura", PASSWORD) != ""


def test_lock_grows_and_stays_below_a_day(session: Session) -> None:
    now, longest = NOW, timedelta()
    for _time in range(60):
        signin.count_failure(session, "noura", HOME, now)
        until = max(session.scalars(sa.select(LoginAttempts.locked_until).where(LoginAttempts.locked_until.is_not(None))), default=now)
        longest = max(longest, until - now)
        now = max(now, until) + timedelta(seconds=1)

    assert timedelta(minutes=15) <= longest <= signin.LONGEST_LOCK


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400), timedelta(days=3650)])
def test_jump_of_the_clock_locks_nobody_for_ever(session: Session, make_user: MakeUser, jump: timedelta) -> None:
    make_user("noura")
    for _time in range(9):
        signin.count_failure(session, "noura", HOME, NOW + jump)

    signin.refuse_locked(session, "noura", HOME, NOW)
    assert attempt(session, "noura", PASSWORD) != ""


def test_failure_after_the_clock_was_set_back_begins_a_new_count(session: Session) -> None:
    for _time in range(9):
        signin.count_failure(session, "noura", HOME, NOW + timedelta(days=400))

    signin.count_failure(session, "noura", HOME, NOW)

    assert {row.failures for row in session.scalars(sa.select(LoginAttempts))} == {1}


def test_quiet_hour_forgives(session: Session) -> None:
    for _time in range(4):
        signin.count_failure(session, "noura", HOME, NOW)

    signin.count_failure(session, "noura", HOME, NOW + timedelta(hours=1, minutes=1))

    signin.refuse_locked(session, "noura", HOME, NOW + timedelta(hours=1, minutes=1))


# --- sessions --------------------------------------------------------------------------------------------------------


def live(session: Session, token: str, after: timedelta = timedelta()) -> bool:
    return signin.session_of(session, token, NOW + after) is not None


def test_session_ends_when_idle_and_after_twelve_hours(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    token = signin.begin_session(session, user, address=HOME, device="", now=NOW)
    assert live(session, token, timedelta(minutes=30)) and not live(session, token, timedelta(minutes=31))

    row = session.scalars(sa.select(UserSession)).one()
    row.seen_at = NOW + timedelta(hours=11, minutes=50)

    assert live(session, token, timedelta(hours=12))
    assert not live(session, token, timedelta(hours=12, minutes=1))


def test_idle_setting_of_nought_locks_nobody_out(session: Session, make_user: MakeUser) -> None:
    token = signin.begin_session(session, make_user("noura"), address=HOME, device="", now=NOW)

    settings.put(session, "core.idle_minutes", "0")

    assert live(session, token, timedelta(seconds=30))


def test_signing_out_ends_one_session_and_is_logged(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    first, second = (signin.begin_session(session, user, address=HOME, device="", now=NOW) for _time in range(2))

    signin.sign_out(session, signin.session_of(session, first, NOW)[0], now=NOW)  # type: ignore[index]

    assert not live(session, first) and live(session, second)
    assert actions(session)[-1] == "sign_out"


def test_new_password_ends_all_sessions(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    token = signin.begin_session(session, user, address=HOME, device="", now=NOW)

    signin.change_password(session, user, HASH)

    assert not live(session, token)


def test_changed_role_and_shutting_out_end_all_sessions(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura", "crm_employee")
    for change in (
        lambda: services.grant_role(session, user, "auditor", actor=operator()),
        lambda: services.revoke_role(session, user, "auditor", actor=operator()),
        lambda: services.set_active(session, user, False, actor=operator()),
    ):
        token = signin.begin_session(session, user, address=HOME, device="", now=NOW)
        assert live(session, token)
        change()
        assert not live(session, token)


def test_only_the_own_sessions_can_be_ended(session: Session, make_user: MakeUser) -> None:
    noura, huda = make_user("noura"), make_user("huda")
    token = signin.begin_session(session, noura, address=HOME, device="", now=NOW)
    row = signin.sessions_of(session, noura, NOW)[0]

    with pytest.raises(NotAllowed):
        signin.end_session(session, row.id, actor=actor_with(user_id=huda.id), now=NOW)
    assert live(session, token)

    signin.end_session(session, row.id, actor=actor_with(user_id=noura.id), now=NOW)
    assert not live(session, token)


# --- second factor ---------------------------------------------------------------------------------------------------


def with_factor(session: Session, user: User) -> tuple[str, list[str]]:
    secret = signin.new_secret()
    codes = signin.enable_second_factor(session, user, secret, pyotp.TOTP(secret).at(NOW - timedelta(minutes=5)), now=NOW - timedelta(minutes=5))
    return secret, codes


def pending(session: Session, user: User) -> UserSession:
    token = attempt(session, user.username, PASSWORD)
    return session.scalars(sa.select(UserSession).where(UserSession.token_hash == signin.digest(token))).one()


def test_secret_is_encrypted_and_turned_on_by_a_right_code_only(session: Session, make_user: MakeUser) -> None:
    user, secret = make_user("noura"), signin.new_secret()
    with pytest.raises(InvalidInput):
        signin.enable_second_factor(session, user, secret, "000000" if pyotp.TOTP(secret).at(NOW) != "000000" else "111111", now=NOW)
    assert not user.has_second_factor

    with_factor(session, user)

    assert user.totp_secret is not None and secret not in user.totp_secret
    assert session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == signin.RECOVERY_CODES


def test_password_alone_opens_no_whole_session(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    with_factor(session, user)

    assert pending(session, user).second_factor is False


def test_code_completes_the_session_once(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    secret, _codes = with_factor(session, user)
    first, second = pending(session, user), pending(session, user)
    code = pyotp.TOTP(secret).at(NOW)

    assert signin.give_second_factor(session, first, user, code, address=HOME, now=NOW)
    assert not signin.give_second_factor(session, second, user, code, address=HOME, now=NOW)
    assert (first.second_factor, second.second_factor) == (True, False)


def test_code_in_arabic_digits_half_a_minute_late_is_taken_and_later_not(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    secret, _codes = with_factor(session, user)
    row, code = pending(session, user), pyotp.TOTP(secret).at(NOW)

    assert not signin.give_second_factor(session, row, user, code, address=HOME, now=NOW + timedelta(seconds=75))
    assert signin.give_second_factor(session, row, user, code.translate({ord(str(n)): chr(0x660 + n) for n in range(10)}), address=HOME,
                                     now=NOW + timedelta(seconds=30))


def test_recovery_code_works_once(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    _secret, codes = with_factor(session, user)

    assert signin.give_second_factor(session, pending(session, user), user, f" {codes[3].upper()} ", address=HOME, now=NOW)
    assert not signin.give_second_factor(session, pending(session, user), user, codes[3], address=HOME, now=NOW)


def test_known_password_does_not_reset_the_count_of_guessed_codes(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    with_factor(session, user)

    with pytest.raises(TooManyAttempts):
        for _time in range(6):
            signin.give_second_factor(session, pending(session, user), user, "wrong", address=HOME, now=NOW)


def test_new_recovery_codes_end_the_old_ones(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    _secret, old = with_factor(session, user)

    new = signin.new_recovery_codes(session, user)

    assert not signin.give_second_factor(session, pending(session, user), user, old[0], address=HOME, now=NOW)
    assert signin.give_second_factor(session, pending(session, user), user, new[0], address=HOME, now=NOW)


def test_lost_factor_goes_with_the_approval_of_another_administrator(session: Session, make_user: MakeUser) -> None:
    user, one, two = make_user("noura"), make_user("one", "administrator"), make_user("two", "administrator")
    with_factor(session, user)
    first, second = (services.actor_for(session, each, source="web", now=NOW) for each in (one, two))
    token = signin.begin_session(session, user, address=HOME, device="", now=NOW, second_factor=True)

    report = signin.report_lost_factor(session, user, reason="Came in person with her badge", actor=first, now=NOW)
    with pytest.raises(NotAllowed) as refused:
        signin.decide_lost_factor(session, report, True, actor=first, now=NOW)
    assert refused.value.rule == "ORG-09"
    assert user.has_second_factor

    signin.decide_lost_factor(session, report, True, actor=second, now=NOW)

    assert not user.has_second_factor
    assert user.password_hash is None
    assert not live(session, token)


def test_lost_factor_is_not_decided_by_its_owner_nor_twice_nor_reported_without_reason(session: Session, make_user: MakeUser) -> None:
    user, one, two = make_user("noura", "administrator"), make_user("one", "administrator"), make_user("two", "administrator")
    with_factor(session, user)
    owner, first, second = (services.actor_for(session, each, source="web", now=NOW) for each in (user, one, two))

    with pytest.raises(InvalidInput):
        signin.report_lost_factor(session, user, reason=" ", actor=first, now=NOW)
    with pytest.raises(NotAllowed):
        signin.report_lost_factor(session, user, reason="mine", actor=owner, now=NOW)
    report = signin.report_lost_factor(session, user, reason="badge", actor=first, now=NOW)
    with pytest.raises(NotAllowed):
        signin.decide_lost_factor(session, report, True, actor=owner, now=NOW)
    signin.decide_lost_factor(session, report, False, actor=second, now=NOW)
    with pytest.raises(Conflict):
        signin.decide_lost_factor(session, report, True, actor=second, now=NOW)

    assert user.has_second_factor


# --- one-time links --------------------------------------------------------------------------------------------------


def test_invitation_sets_the_password_once(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    user.password_hash = None
    token = signin.make_link(session, user, "invite", actor=operator(), now=NOW)
    assert token not in {row.token_hash for row in session.scalars(sa.select(OneTimeLink))}

    signin.use_link(session, token, HASH, now=NOW + timedelta(days=6))

    assert attempt(session, "noura", PASSWORD) != ""
    with pytest.raises(Conflict):
        signin.use_link(session, token, HASH, now=NOW + timedelta(days=6))


@pytest.mark.parametrize(("purpose", "valid"), [("invite", timedelta(days=7)), ("reset", timedelta(hours=2))])
def test_link_expires(session: Session, make_user: MakeUser, purpose: str, valid: timedelta) -> None:
    user = make_user("noura")
    token = signin.make_link(session, user, purpose, actor=operator(), now=NOW)

    signin.link_of(session, token, NOW + valid)
    with pytest.raises(Conflict):
        signin.link_of(session, token, NOW + valid + timedelta(seconds=1))


def test_new_link_ends_the_one_before_and_the_shut_out_have_none(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    first = signin.make_link(session, user, "reset", actor=operator(), now=NOW)
    second = signin.make_link(session, user, "reset", actor=operator(), now=NOW)

    with pytest.raises(Conflict):
        signin.link_of(session, first, NOW)
    services.set_active(session, user, False, actor=operator())
    with pytest.raises(Conflict):
        signin.link_of(session, second, NOW)


def test_link_needs_the_permission(session: Session, make_user: MakeUser) -> None:
    with pytest.raises(NotAllowed):
        signin.make_link(session, make_user("noura"), "reset", actor=actor_with("customers.read"), now=NOW)


def test_sweep_forgets_what_is_old_and_keeps_the_rest(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    signin.begin_session(session, user, address=HOME, device="old", now=NOW - timedelta(days=40))
    signin.begin_session(session, user, address=HOME, device="new", now=NOW)
    signin.count_failure(session, "noura", HOME, NOW - timedelta(days=40))

    signin.sweep(session, {}, NOW)

    assert session.scalars(sa.select(UserSession.device)).all() == ["new"]
    assert session.scalar(sa.select(sa.func.count()).select_from(LoginAttempts)) == 0


def test_nothing_secret_stands_in_the_log(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    secret, codes = with_factor(session, user)
    link = signin.make_link(session, user, "reset", actor=operator(), now=NOW)
    signin.use_link(session, link, HASH, now=NOW)
    work.commit(session)

    told = " ".join(str((event.changes, event.data, event.reason, event.record_label, event.actor_label)) for event in session.scalars(sa.select(AuditEvent)))

    for word in (secret, codes[0], link, HASH, "شخص noura"):
        assert word not in told
