"""Signing in: attempts counted in the database, sessions that end when they should, second factor, one-time links.

Passwords are verified before the writing transaction begins. Unknown users cost as much time and get the same answer.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyotp
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth import passwords, queries
from core.auth.actor import Actor, authorize
from core.auth.models import LoginAttempts, LostFactor, OneTimeLink, RecoveryCode, User, UserSession
from core.auth.services import MANAGE, end_all_sessions, refuse_own
from core.database import section
from core.errors import Conflict, InvalidInput, NotAllowed, TooManyAttempts
from core.i18n import lazy_gettext as _l
from core.i18n import lazy_ngettext
from core.keys import Erased, decrypt, encrypt
from core.text import check_plain, digits

ABSOLUTE = timedelta(hours=12)
SHORTEST_IDLE = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=24)
WINDOW = timedelta(hours=1)
# Requests that waited for each other, and hosts that share a database, do not read one clock in order.
CLOCKS_APART = timedelta(minutes=5)
INVITE_VALID, RESET_VALID = timedelta(days=7), timedelta(hours=2)
RECOVERY_CODES = 10
WRONG = _l("User name or password is not right.")


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# --- attempts --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counter:
    """What failures are counted for: free tries first, then a lock that doubles with each failure up to ``longest``."""

    key: str
    free: int
    longest: timedelta


def _counters(username: str, address: str) -> tuple[Counter, Counter]:
    """The account, whether it exists or not, and the network; a whole office may stand behind one address, so that is locked later and shorter."""
    network = ".".join(address.split(".")[:3]) if "." in address else ":".join(address.split(":")[:4])
    return (Counter(f"user:{digest(username.strip().casefold())[:40]}", 5, timedelta(hours=1)), Counter(f"net:{network}"[:80], 30, timedelta(minutes=15)))


def refuse_locked(session: Session, username: str, address: str, now: datetime) -> None:
    """Raise TooManyAttempts while account or network is locked. A lock further off than can be is a clock that jumped: no lock."""
    keys = [one.key for one in _counters(username, address)]
    locks = session.scalars(select(LoginAttempts.locked_until).where(LoginAttempts.key.in_(keys)))
    until = max((lock for lock in locks if lock is not None and now < lock <= now + LONGEST_LOCK), default=None)
    if until is not None:
        minutes = int((until - now).total_seconds() // 60) + 1
        raise TooManyAttempts(lazy_ngettext("Too many failed attempts. Try again in %(num)s minute.", "Too many failed attempts. Try again in %(num)s minutes.",
                                             minutes), rule="AUD-03")


def _hold(session: Session, counters: tuple[Counter, ...], now: datetime) -> dict[str, LoginAttempts]:
    """The rows of these counters, locked until the end of the transaction, so that attempts made at once are judged one after the other."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    absent = dialect.insert(LoginAttempts.__table__).values([{"key": one.key, "failures": 0, "first_at": now} for one in counters])
    with section("sign-in counters"):
        session.execute(absent.on_conflict_do_nothing())
    rows = session.scalars(select(LoginAttempts).where(LoginAttempts.key.in_([one.key for one in counters])).order_by(LoginAttempts.key)
                           .with_for_update().execution_options(populate_existing=True))
    return {row.key: row for row in rows}


def count_failure(session: Session, username: str, address: str, now: datetime) -> None:
    """Count one failure for the account and its network; each failure beyond the free ones doubles the wait."""
    counters = _counters(username, address)
    rows = _hold(session, counters, now)
    for counter in counters:
        _count(rows[counter.key], counter, now)
    session.flush()


def _count(row: LoginAttempts, counter: Counter, now: datetime) -> None:
    recent = -CLOCKS_APART <= now - row.first_at <= LONGEST_LOCK
    if not recent or now > (row.locked_until or row.first_at) + WINDOW:
        row.failures, row.first_at, row.locked_until = 0, now, None
    row.failures += 1
    if row.failures >= counter.free:
        row.locked_until = now + min(timedelta(minutes=2 ** min(row.failures - counter.free, 11)), counter.longest)


def forget_failures(session: Session, username: str, address: str) -> None:
    """A person who got in begins anew; the network's count stands, or one good account would let all others be tried."""
    row = session.get(LoginAttempts, _counters(username, address)[0].key)
    if row is not None:
        session.delete(row)
        session.flush()


# --- signing in ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tried:
    """A password that was compared, outside any writing transaction. ``user_id`` only when it was right."""

    username: str
    user_id: int | None


def try_password(session: Session, username: str, password: str, *, address: str, now: datetime) -> Tried:
    """Read phase: compare the password; equally long for everybody. Raises TooManyAttempts."""
    refuse_locked(session, username, address, now)
    user = queries.user_named(session, username)
    right = passwords.verify(password, user.password_hash if user is not None and user.active else None)
    return Tried(username, user.id if right and user is not None else None)


def sign_in(session: Session, tried: Tried, *, address: str, device: str, now: datetime) -> str:
    """Write phase: begin a session and return its token, or count the failure and return ``""``; the caller commits either way.

    Locks are judged again with the counters held: a burst of attempts gets no more answers than attempts one by one, not
    even by the right password. The failure is logged without what was typed as user name: people type passwords there.
    Raises TooManyAttempts.
    """
    _hold(session, _counters(tried.username, address), now)
    refuse_locked(session, tried.username, address, now)
    user = session.get(User, tried.user_id) if tried.user_id else None
    if user is None or not user.active:
        count_failure(session, tried.username, address, now)
        known = queries.user_named(session, tried.username)
        audit.record(session, "sign_in_failed", record=known, data={"known_user": known is not None}, rule="AUD-03")
        return ""
    if not user.has_second_factor:
        forget_failures(session, tried.username, address)
    return begin_session(session, user, address=address, device=device, now=now)


def begin_session(session: Session, user: User, *, address: str, device: str, now: datetime, second_factor: bool = False) -> str:
    """A new session; a person with a second factor has given only the first one yet."""
    token = secrets.token_urlsafe(32)
    whole = second_factor or not user.has_second_factor
    session.add(UserSession(user_id=user.id, token_hash=digest(token), epoch=user.session_epoch, created_at=now, seen_at=now, device=device[:200],
                            address=address[:60], second_factor=whole))
    if whole:
        _signed_in(session, user)
    session.flush()
    return token


def _signed_in(session: Session, user: User) -> None:
    """Log the sign-in in the person's own name."""
    session.info["actor"] = Actor(user_id=user.id, label=user.label, username=user.username)
    audit.record(session, "sign_in", record=user)


def session_of(session: Session, token: str, now: datetime) -> tuple[UserSession, User] | None:
    """The live session of a token: not ended, of the present epoch, not idle for 30 minutes nor older than 12 hours."""
    found = session.execute(select(UserSession, User).join(User, User.id == UserSession.user_id).where(UserSession.token_hash == digest(token))).first()
    return (found[0], found[1]) if found is not None and is_live(session, found[0], found[1], now) else None


def is_live(session: Session, row: UserSession, user: User, now: datetime) -> bool:
    idle = max(SHORTEST_IDLE, timedelta(minutes=int(settings.get(session, "core.idle_minutes"))))
    return (row.ended_at is None and user.active and row.epoch == user.session_epoch
            and -CLOCKS_APART <= now - row.seen_at <= min(idle, ABSOLUTE) and now - row.created_at <= ABSOLUTE)


def sign_out(session: Session, row: UserSession, *, now: datetime) -> None:
    row.ended_at = now
    user = session.get(User, row.user_id)
    audit.record(session, "sign_out", record=user)
    session.flush()


def sessions_of(session: Session, user: User, now: datetime) -> list[UserSession]:
    """One's own live sessions, the last used first."""
    rows = session.scalars(select(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None), UserSession.epoch == user.session_epoch)
                           .order_by(UserSession.seen_at.desc()))
    return [row for row in rows if is_live(session, row, user, now)]


def end_session(session: Session, session_id: int, *, actor: Actor, now: datetime) -> None:
    """End one of one's own sessions."""
    row = session.get(UserSession, session_id)
    if row is None or row.user_id != actor.user_id:
        raise NotAllowed(_l("This session is not yours."), rule="ORG-01")
    sign_out(session, row, now=now)


# --- second factor -----------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    return pyotp.random_base32()


def provisioning_uri(user: User, secret: str, issuer: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=issuer)


def enable_second_factor(session: Session, user: User, secret: str, code: str, *, now: datetime) -> list[str]:
    """Switch it on with a first right code; returns recovery codes, shown once."""
    step = _matching_step(secret, code, None, now)
    if step is None:
        raise InvalidInput(_l("This code is not right. Look at the clock of the telephone, and type the next code."), field="code")
    user.totp_secret, user.totp_last = encrypt(session, user.subject_id, secret), step
    audit.name_action(session, user, "second_factor_on")
    session.flush()
    return new_recovery_codes(session, user)


def new_recovery_codes(session: Session, user: User) -> list[str]:
    for row in session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == user.id)):
        session.delete(row)
    codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _n in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=digest(code)) for code in codes)
    session.flush()
    return codes


def give_second_factor(session: Session, row: UserSession, user: User, code: str, *, address: str, now: datetime) -> bool:
    """Complete a session with a code or a recovery code; False counts as a failed sign-in. The caller commits either way.

    Raises TooManyAttempts, judged with the counters held like a password's.
    """
    _hold(session, _counters(user.username, address), now)
    refuse_locked(session, user.username, address, now)
    if not (_use_totp(session, user, code, now) or _use_recovery(session, user, code, now)):
        count_failure(session, user.username, address, now)
        audit.record(session, "sign_in_failed", record=user, data={"factor": "second"}, rule="AUD-03")
        return False
    row.second_factor = True
    forget_failures(session, user.username, address)
    _signed_in(session, user)
    session.flush()
    return True


def _use_totp(session: Session, user: User, code: str, now: datetime) -> bool:
    secret = decrypt(session, user.subject_id, user.totp_secret) if user.totp_secret else None
    if secret is None or isinstance(secret, Erased):
        return False
    step = _matching_step(secret, code, user.totp_last, now)
    if step is not None:
        user.totp_last = step
    return step is not None


def _matching_step(secret: str, code: str, last: int | None, now: datetime) -> int | None:
    """The time step whose code this is, half a minute early or late allowed; none at or before ``last``, so each code works once."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // 30
    for step in (present, present - 1, present + 1):
        if (last is None or step > last) and secrets.compare_digest(totp.generate_otp(step), digits(code)):
            return step
    return None


def _use_recovery(session: Session, user: User, code: str, now: datetime) -> bool:
    row = session.scalar(select(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.code_hash == digest(code.strip().lower()),
                                                    RecoveryCode.used_at.is_(None)))
    if row is None:
        return False
    row.used_at = now
    audit.record(session, "recovery_code_used", record=user)
    return True


def report_lost_factor(session: Session, user: User, *, reason: str, actor: Actor, now: datetime) -> LostFactor:
    """First half of taking off a lost second factor: somebody who manages people says why. Nothing changes yet."""
    authorize(session, actor, MANAGE)
    _refuse_own_factor(user, actor)
    reason = check_plain(reason, field="reason").strip()
    if not reason:
        raise InvalidInput(_l("Write how you made sure that it is this person who asks."), field="reason")
    if not user.has_second_factor:
        raise Conflict(_l("This person has no second factor."))
    if lost_factor_of(session, user) is not None:
        raise Conflict(_l("This is reported already and waits for another administrator."))
    row = LostFactor(user_id=user.id, reason=reason[:300], asked_by_id=actor.user_id, asked_at=now)
    session.add(row)
    audit.name_action(session, row, "lost_factor_reported")
    session.flush()
    return row


def lost_factor_of(session: Session, user: User) -> LostFactor | None:
    """The report of this person that waits for a decision."""
    return session.scalar(select(LostFactor).where(LostFactor.user_id == user.id, LostFactor.decided_at.is_(None)))


def decide_lost_factor(session: Session, row: LostFactor, approved: bool, *, actor: Actor, now: datetime) -> None:
    """Second half, by another person than who reported it (ORG-09): approved, the factor, its codes and the password go.

    The password goes too, because a short one was allowed only beside the factor; a one-time link sets a new one.
    """
    authorize(session, actor, MANAGE)
    user = session.get_one(User, row.user_id)
    _refuse_own_factor(user, actor)
    if row.asked_by_id is not None:
        refuse_own(actor, row.asked_by_id)
    if row.decided_at is not None:
        raise Conflict(_l("This is decided already."))
    row.decided_by_id, row.decided_at, row.approved = actor.user_id, now, approved
    audit.name_action(session, row, "approve" if approved else "reject")
    if approved:
        drop_second_factor(session, user, actor=actor)
    session.flush()


def drop_second_factor(session: Session, user: User, *, actor: Actor) -> None:
    """Take a second factor off with its codes and the password. Two administrators do it together, or who runs the server."""
    authorize(session, actor, MANAGE)
    user.totp_secret = user.totp_last = user.password_hash = None
    for row in session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == user.id)):
        session.delete(row)
    end_all_sessions(user)
    audit.name_action(session, user, "second_factor_off")
    session.flush()


def _refuse_own_factor(user: User, actor: Actor) -> None:
    if actor.user_id == user.id:
        raise NotAllowed(_l("Other administrators take off a lost second factor, not its owner."), rule="ORG-09")


# --- passwords and one-time links ----------------------------------------------------------------------------------------------


def change_password(session: Session, user: User, hashed: str) -> None:
    """Set the hash of a checked password; all sessions of the person end."""
    user.password_hash = hashed
    end_all_sessions(user)
    audit.name_action(session, user, "password")
    session.flush()


def checked_hash(session: Session, user: User, password: str) -> str:
    """Check a new password by the rules and hash it; call in the read phase. Raises InvalidInput."""
    association = session.info.get("association")
    words = [user.username, user.name_ar, user.name_en, *((association.name.ar, association.name.en, association.slug) if association else ())]
    passwords.check_password(password, second_factor=user.has_second_factor, words=[word for text in words if text for word in text.split()])
    return passwords.hash_password(password)


def make_link(session: Session, user: User, purpose: str, *, actor: Actor | None, now: datetime) -> str:
    """A one-time token for ``invite`` or ``reset``; earlier ones of the person stop working. ``actor`` None: asked for by mail."""
    if actor is not None:
        authorize(session, actor, MANAGE)
    for row in session.scalars(select(OneTimeLink).where(OneTimeLink.user_id == user.id, OneTimeLink.used_at.is_(None))):
        row.used_at = now
    token = secrets.token_urlsafe(32)
    valid = INVITE_VALID if purpose == "invite" else RESET_VALID
    session.add(OneTimeLink(user_id=user.id, token_hash=digest(token), purpose=purpose, expires_at=now + valid))
    audit.record(session, f"{purpose}_link", record=user)
    session.flush()
    return token


def link_of(session: Session, token: str, now: datetime) -> tuple[OneTimeLink, User]:
    """The valid link of a token and its person. Raises Conflict, the same for every reason."""
    found = session.execute(select(OneTimeLink, User).join(User, User.id == OneTimeLink.user_id).where(OneTimeLink.token_hash == digest(token))).first()
    if found is None or found[0].used_at is not None or found[0].expires_at < now or not found[1].active:
        raise Conflict(_l("This link was used, has expired or was replaced. Ask for a new one."))
    return found[0], found[1]


def use_link(session: Session, token: str, hashed: str, *, now: datetime) -> User:
    """Set the password through a one-time link."""
    link, user = link_of(session, token, now)
    link.used_at = now
    change_password(session, user, hashed)
    return user


def sweep(session: Session, arguments: Any, now: datetime) -> None:
    """Remove sessions, links and counters that nobody needs any more."""
    old = now - timedelta(days=30)
    tables: list[tuple[Any, Any]] = [(UserSession.__table__, UserSession.seen_at), (OneTimeLink.__table__, OneTimeLink.expires_at),
                                     (LoginAttempts.__table__, LoginAttempts.first_at)]
    with section("auth sweep"):
        for table, column in tables:
            session.execute(sa.delete(table).where(column < old))
