"""Tokens of other systems: made, revoked, recognised, counted; and answers kept so that a repeated request is answered, not done again.

A token acts by itself and for nobody: its name stands in the audit log, its permissions are those it was given.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core import limits
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.services import ROLES
from core.database import section
from core.errors import Conflict, DiwanError, InvalidInput, InvalidInputs, NotFound, NotRecognised
from core.i18n import LazyString, lazy_ngettext
from core.i18n import lazy_gettext as _l
from core.keys import NONCE_BYTES, keys_of, seal_text
from core.limits import Counter
from core.organisation.models import Centre, Department
from core.rest.models import BEARER, LONGEST_KEY, SIGNING, RestAnswer, RestCount, RestToken, RestUse
from core.sending import made_before
from core.text import clean

MANAGE = "rest.tokens"
RULE = "ORG-01"
SCOPES = ("all", "department", "centre")
NAME = re.compile(r"[A-Za-z\u0620-\u064a][\w .()-]{1,58}[\w)]")
KEY = re.compile(f"[!-~]{{1,{LONGEST_KEY}}}")
LONGEST_DAYS, DEFAULT_DAYS = 730, 365
MOST_PER_MINUTE = 6_000
MINUTE = timedelta(minutes=1)
BAD_TOKENS = 20
"""So many unknown tokens an hour from one network are judged."""
SIGNED_WITHIN = timedelta(minutes=5)
ANSWERS_KEPT, USES_KEPT = timedelta(days=30), timedelta(days=90)
PURPOSE_KEY, PURPOSE_ANSWER = "rest.key", "rest.answer"


@dataclass(frozen=True)
class Made:
    """A token just made, with what the other system shows; that is kept nowhere and cannot be shown again."""

    token: RestToken
    secret: str


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# --- made and revoked ---------------------------------------------------------------------------------------------------


def add_token(
    session: Session, *, name: str, permissions: Sequence[str], kind: str = BEARER, scope: str = "all", department_id: int | None = None,
    centre_id: int | None = None, days: int = DEFAULT_DAYS, per_minute: int = 120, operation_key: str | None = None, actor: Actor, now: datetime,
) -> Made:
    """Make a token that may do this and nothing else. Raises InvalidInputs, Conflict, NotAllowed.

    Who makes one hands on only what he may do himself, unless he also changes the permission matrix. Sent a second time it is a
    Conflict: the secret was shown and is not there any more.
    """
    authorize(session, actor, MANAGE)
    if made_before(session, RestToken, operation_key, made_by_id=actor.user_id) is not None:
        raise Conflict(_l("This token was made already. What it is shown with is told once: revoke it and make another if it was not kept."))
    name = _checked(session, name, permissions, kind, scope, department_id, centre_id, days, per_minute)
    for permission in sorted(set(permissions)):
        if not actor.may(permission):
            authorize(session, actor, ROLES)
    prefix, tail = secrets.token_hex(4), secrets.token_urlsafe(32)
    secret = f"diwan_{prefix}_{tail}"
    token = RestToken(
        name=name, kind=kind, prefix=prefix, secret_hash=digest(secret), sealed_key=_sealed(session, PURPOSE_KEY, secret) if kind == SIGNING else None,
        permissions={"names": sorted(set(permissions))}, scope=scope, department_id=department_id if scope == "department" else None,
        centre_id=centre_id if scope == "centre" else None, per_minute=per_minute, expires_at=now + timedelta(days=days), made_at=now,
        made_by_id=actor.user_id, operation_key=operation_key or None,
    )
    session.add(token)
    audit.name_action(session, token, "token_made")
    session.flush()
    return Made(token, secret)


def _checked(session: Session, name: str, permissions: Sequence[str], kind: str, scope: str, department_id: int | None, centre_id: int | None, days: int,
             per_minute: int) -> str:
    faults: list[InvalidInput] = []

    def fault(field: str, message: Any, value: object = None) -> None:
        faults.append(InvalidInput(message, field=field, value=value))

    name = clean(name, "name", longest=200)
    if not NAME.fullmatch(name):
        fault("name", _l("“%(value)s” cannot be a system's name: 3 to 60 letters, digits, spaces, dots, brackets or hyphens, a letter first.",
                         value=name[:60]), name)
    elif session.scalar(sa.select(RestToken.id).where(sa.func.lower(RestToken.name) == name.lower())) is not None:
        fault("name", _l("A token is or was called “%(value)s”, and the audit log has it by that name. Choose another, such as “%(value)s 2”.",
                         value=name), name)
    known = session.info["grantable"]
    for one in permissions:
        if one not in known:
            fault("permissions", _l("“%(value)s” is no permission that a token can have. There are: %(known)s.", value=one[:60], known=", ".join(known)), one)
    if not permissions:
        fault("permissions", _l("Choose at least one permission; without any a token opens nothing."))
    if kind not in (BEARER, SIGNING):
        fault("kind", _l("“%(value)s” is no kind of token. There are: bearer, signing.", value=kind[:20]), kind)
    if scope not in SCOPES:
        fault("scope", _l("“%(value)s” says nothing about whose records are read. There are: all, department, centre.", value=scope[:20]), scope)
    if scope == "department" and (department_id is None or session.get(Department, department_id) is None):
        fault("department_id", _l("Choose the department whose records the token reads."))
    if scope == "centre" and (centre_id is None or session.get(Centre, centre_id) is None):
        fault("centre_id", _l("Choose the centre whose records the token reads."))
    if not 1 <= days <= LONGEST_DAYS:
        fault("days", _l("A token is valid for 1 to %(most)s days.", most=LONGEST_DAYS), days)
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        fault("per_minute", _l("Between 1 and %(most)s requests a minute can be let through.", most=MOST_PER_MINUTE), per_minute)
    if faults:
        raise InvalidInputs(faults)
    return name


def revoke_token(session: Session, token: RestToken, *, actor: Actor, now: datetime) -> RestToken:
    """Shut a token out from the next request on, in every worker. A second time changes nothing."""
    authorize(session, actor, MANAGE)
    session.refresh(token)
    if token.revoked_at is None:
        token.revoked_at, token.revoked_by_id = now, actor.user_id
        audit.name_action(session, token, "token_revoked")
        session.flush()
    return token


def token_named(session: Session, name: str) -> RestToken:
    """By name or by its open part."""
    found = session.scalar(sa.select(RestToken).where(sa.or_(RestToken.name == name.strip(), RestToken.prefix == name.strip())))
    if found is None:
        raise NotFound(_l("There is no token “%(name)s”.", name=name[:60]), value=name)
    return found


# --- recognised ---------------------------------------------------------------------------------------------------------


def actor_of(token: RestToken, *, address: str | None = None) -> Actor:
    """Who acts when this token is shown: nobody of the association, by a name that no person can have."""
    return Actor(
        user_id=None, label=token.name, username=f"api:{token.name}", permissions=frozenset(token.names), source="api", scopes={"*": token.scope},
        department_id=token.department_id, centre_ids=frozenset([token.centre_id] if token.centre_id is not None else ()), address=address,
    )


def bearer(session: Session, secret: str) -> RestToken | None:
    """The token that this secret belongs to, revoked and expired ones too."""
    return session.scalar(sa.select(RestToken).where(RestToken.secret_hash == digest(secret), RestToken.kind == BEARER))


@dataclass(frozen=True)
class Signed:
    """What came with a signed request: the key's open part, the second at which it was signed, and the signature in hexadecimal digits."""

    prefix: str
    timestamp: str
    signature: str
    body: bytes


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over ``timestamp.body`` under the key as it was shown."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signer(session: Session, signed: Signed, now: datetime) -> RestToken | None:
    """The signing token whose signature this is. Raises NotRecognised for a right one of another hour."""
    token = session.scalar(sa.select(RestToken).where(RestToken.prefix == signed.prefix, RestToken.kind == SIGNING))
    if token is None:
        return None
    right = signature_of(_opened(session, PURPOSE_KEY, token.sealed_key), signed.timestamp, signed.body)
    if not hmac.compare_digest(right.encode(), signed.signature.lower().removeprefix("sha256=").encode()):
        return None
    if not (signed.timestamp.isascii() and signed.timestamp.isdigit() and len(signed.timestamp) <= 12
            and abs(int(signed.timestamp) - now.timestamp()) <= SIGNED_WITHIN.total_seconds()):
        raise NotRecognised(_l("The request was signed at another time than now; five minutes are allowed. Set the clock of the sending system, and sign "
                               "anew."), field="X-Diwan-Timestamp", value=signed.timestamp[:20], rule=RULE)
    return token


def refuse_ended(token: RestToken, now: datetime) -> None:
    """Raise NotRecognised for a token that was revoked or has expired."""
    if token.revoked_at is not None:
        raise NotRecognised(_l("The token “%(name)s” was revoked. Ask the administrator for another.", name=token.name), rule=RULE)
    if token.expires_at <= now:
        raise NotRecognised(_l("The token “%(name)s” has expired. Ask the administrator for another.", name=token.name), rule=RULE)


# --- counted ------------------------------------------------------------------------------------------------------------


def _bad(address: str) -> tuple[Counter]:
    return (Counter(f"bad:{limits.network(address)}", BAD_TOKENS),)


def _own(token: RestToken) -> tuple[Counter]:
    return (Counter(f"token:{token.id}", token.per_minute, MINUTE),)


def refuse_guessing(session: Session, address: str, now: datetime) -> None:
    """Raise TooManyAttempts where this network showed too many tokens that are none; reads only."""
    limits.refuse_over(session, RestCount, _bad(address), now, _too_many_bad)


def count_bad(session: Session, address: str, now: datetime) -> None:
    limits.count(session, RestCount, _bad(address), now, _too_many_bad)


def refuse_fast(session: Session, token: RestToken, now: datetime) -> None:
    """Raise TooManyAttempts where the token's minute is full; reads only."""
    limits.refuse_over(session, RestCount, _own(token), now, _too_many)


def count_call(session: Session, token: RestToken, now: datetime) -> None:
    """Count one request, judged with the counter held, over all workers. Raises TooManyAttempts."""
    limits.count(session, RestCount, _own(token), now, _too_many)
    _note(session, token.id, now, calls=1)
    table: Any = RestToken.__table__
    with section("rest counters"):
        session.execute(sa.update(table).where(table.c.id == token.id).values(last_used_at=now))


def count_refused(session: Session, token_id: int, now: datetime) -> None:
    _note(session, token_id, now, refused=1)


def _note(session: Session, token_id: int, now: datetime, *, calls: int = 0, refused: int = 0) -> None:
    table: Any = RestUse.__table__
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    hour = now.replace(minute=0, second=0, microsecond=0)
    statement = dialect.insert(table).values(token_id=token_id, hour_at=hour, calls=calls, refused=refused)
    more = {"calls": table.c.calls + calls, "refused": table.c.refused + refused}
    with section("rest counters"):
        session.execute(statement.on_conflict_do_update(index_elements=["token_id", "hour_at"], set_=more))


def _too_many(minutes: int) -> LazyString:
    return _l("This token has used up its requests of the minute. Wait as long as Retry-After says, or ask the administrator for more.")


def _too_many_bad(minutes: int) -> LazyString:
    return lazy_ngettext("Too many tokens from this address were none. Try again in %(num)s minute.",
                         "Too many tokens from this address were none. Try again in %(num)s minutes.", minutes)


# --- answered once --------------------------------------------------------------------------------------------------------


def request_digest(method: str, path: str, query: Mapping[str, Any], body: Any) -> str:
    """By what two requests are the same: what they say, not how it is written."""
    said = json.dumps([method, path, dict(query), body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def stored_key(token: RestToken, key: str, *, signature: bool = False) -> str:
    """A key as the database holds it unique: each token has its own. Raises InvalidInput for one that no request can have."""
    if not signature and not KEY.fullmatch(key):
        raise InvalidInput(_l("An Idempotency-Key has 1 to %(most)s letters, digits and signs of ASCII, without blanks.", most=LONGEST_KEY),
                           field="Idempotency-Key", value=key[:80])
    return f"{token.id}.{'s' if signature else 'k'}.{key}"


@dataclass(frozen=True)
class Kept:
    """What an earlier request was answered with."""

    status: int
    answer: Any


def answered(session: Session, token: RestToken, key: str, request_sha256: str) -> Kept | None:
    """The answer to this request where it was given already. Raises Conflict for the key of another request."""
    row = made_before(session, RestAnswer, key, token_id=token.id)
    if row is None or row.status is None:
        return None
    if row.request_sha256 != request_sha256:
        raise Conflict(_l("This Idempotency-Key belongs to a request that said something else. Give every new request a key of its own."),
                       field="Idempotency-Key", value=key.rsplit(".", 1)[-1])
    return Kept(row.status, json.loads(_opened(session, PURPOSE_ANSWER, row.sealed)))


def claim(session: Session, token: RestToken, key: str, request_sha256: str, now: datetime) -> bool:
    """Take a key for this request, in its transaction; False where another request has it.

    A second one that comes meanwhile waits here until the first has ended, and then finds its answer.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = dialect.insert(RestAnswer.__table__).values(operation_key=key, token_id=token.id, request_sha256=request_sha256, answered_at=now)
    with section("rest answers"):
        made = session.scalar(row.on_conflict_do_nothing(index_elements=["operation_key"]).returning(RestAnswer.id))
    return made is not None


def keep(session: Session, key: str, status: int, answer: Any) -> None:
    """Write the answer beside the key that was claimed."""
    table: Any = RestAnswer.__table__
    sealed = _sealed(session, PURPOSE_ANSWER, json.dumps(answer, ensure_ascii=False))
    with section("rest answers"):
        session.execute(sa.update(table).where(table.c.operation_key == key).values(status=status, sealed=sealed))


def service_key(key: str) -> str:
    """The same key as services keep theirs, which are shorter."""
    return f"api-{digest(key)[:36]}"


def sweep(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job of each day: answers, counters and uses that nobody needs any more go."""
    limits.sweep(session, RestCount, now - timedelta(days=1))
    tables: list[tuple[Any, Any]] = [(RestAnswer.__table__, RestAnswer.answered_at < now - ANSWERS_KEPT),
                                     (RestUse.__table__, RestUse.hour_at < now - USES_KEPT)]
    with section("rest counters"):
        for table, old in tables:
            session.execute(sa.delete(table).where(old))


# --- under the association's key ------------------------------------------------------------------------------------------


def _sealed(session: Session, purpose: str, text: str) -> str:
    return seal_text(keys_of(session).wrapping, purpose, text)


def _opened(session: Session, purpose: str, token: str | None) -> str:
    try:
        raw = b64decode(str(token), validate=True)
        return keys_of(session).wrapping.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, ValueError) as exc:
        raise DiwanError("A key or kept answer of the API does not open with this association's keys. Revoke the token and make another.") from exc
