"""Who makes a request: one statement finds session, person and the selection's stamp, before any work.

The session lives in the database; the cookie holds a random token and nothing else. Flask's own session is used for CSRF
tokens only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from flask import Flask, Response, g, request
from flask import session as form_session
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin
from sqlalchemy import Date, Select, bindparam, select, update

from core import settings, work
from core.auth import queries, services, signin
from core.auth.actor import system_actor
from core.auth.models import Role, User, UserSession
from core.database import db, section
from core.i18n import Bilingual
from core.notices import queries as notices
from core.plugins.selection import check_stamp, stamp_subquery
from core.state import state

SEEN_EVERY = timedelta(minutes=1)
NO_DATABASE = ("/static/",)
API = "/api/"
"""There a session opens nothing: other systems show tokens (core.rest)."""


class SignedIn(UserMixin):
    """The person of a request, as Flask-Login knows one."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.id = str(user.id)


def install(app: Flask) -> None:
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(lambda _request: SignedIn(g.user) if g.get("user") is not None else None)
    manager.init_app(app)
    app.before_request(identify)
    app.teardown_request(note_seen)


def cookie_name() -> str:
    """One name an association; with the ``__Host-`` prefix over HTTPS at the root, which binds it to this host."""
    plain = f"diwan_{state().association.slug}"
    return f"__Host-{plain}" if request.is_secure and not request.script_root else plain


def identify() -> None:
    """Set ``g.actor``; a changed selection of plugins stops here and the request is dispatched anew."""
    g.actor = system_actor("public", "anonymous")
    if request.path.startswith(NO_DATABASE):
        return
    session = work.real(db.session)
    token = "" if request.path.startswith(API) else request.cookies.get(cookie_name(), "")
    now = work.now()
    work.forget(session)
    known = _load(session, token, now)
    row, user = known.session, known.user
    check_stamp(state().selection, known.stamp)
    settings.keep(session, known.settings)
    g.default_language = settings.get(session, "core.language")
    if row is None or user is None or not signin.is_live(session, row, user, now):
        return
    g.pending_session = row
    if not row.second_factor:
        return
    g.user, g.user_session = user, row
    g.language, g.theme, g.no_keys = user.language, user.theme, not user.single_keys
    g.person_role = known.post
    g.unread = known.unread
    g.actor = services.actor_for(session, user, source="web", now=now, lent=known.lent, own=known.powers, address=request.remote_addr, session_id=row.id)
    session.info["actor"] = g.actor
    g.seen = (row.id, now) if now - row.seen_at > SEEN_EVERY else None


class Known(NamedTuple):
    """What the first statement finds: under which role the person is shown to work, whether anybody may have delegated to them, how many
    notices wait."""

    stamp: int | None
    settings: Mapping[str, Any] | None
    session: UserSession | None = None
    user: User | None = None
    post: Bilingual = Bilingual("", "")
    lent: bool = False
    powers: queries.Powers | None = None
    unread: int = 0


def _load(session: Any, token: str, now: datetime) -> Known:
    if token:
        found = session.execute(_session_of(), {"token": signin.digest(token), "since": now.date() - timedelta(days=1)}).first()
        if found is not None:
            stamp, stored, row, user, ar, en, lent, roles, centres, unread = found
            return Known(stamp, stored, row, user, Bilingual(ar or "", en or ""), lent, queries.Powers.of(roles, centres), unread)
    return Known(*session.execute(_of_nobody()).one())


@cache
def _of_nobody() -> Select[Any]:
    return select(stamp_subquery().label("stamp"), settings.stored_subquery().label("settings"))


@cache
def _session_of() -> Select[Any]:
    """By ``token``; ``since`` is a day that is over in every time zone."""
    return (_of_nobody().add_columns(UserSession, User, queries.first_role(Role.name_ar), queries.first_role(Role.name_en),
                   queries.lent_since(bindparam("since", type_=Date)), *queries.own_powers(), notices.unread_of(User.id))
            .join(User, User.id == UserSession.user_id).where(UserSession.token_hash == bindparam("token")))


def note_seen(error: BaseException | None = None) -> None:
    """Write when the session was last used, after the request's own transaction has ended and at most once a minute."""
    seen: tuple[int, datetime] | None = g.pop("seen", None)
    if seen is None:
        return
    session = work.real(db.session)
    work.rollback(session)
    sessions: Any = UserSession.__table__
    with work.unit_of_work(session), section("last seen"):
        session.execute(update(sessions).where(sessions.c.id == seen[0]).values(seen_at=seen[1]))


def remember(response: Response, token: str) -> Response:
    """Put the session's token in the cookie; nothing of the form session from before signing in is kept."""
    form_session.clear()
    response.set_cookie(cookie_name(), token, **_cookie())
    return response


def forget(response: Response) -> Response:
    form_session.clear()
    response.delete_cookie(cookie_name(), **_cookie())
    return response


def _cookie() -> dict[str, Any]:
    path = f"{request.script_root}/" if request.script_root else "/"
    return {"path": path, "secure": request.is_secure, "httponly": True, "samesite": "Lax"}


def start_test_session(client: FlaskClient, user: User) -> None:
    """Give a test client a live session of ``user``, as signing in with all factors would."""
    session = work.real(db.session)
    work.begin_write(session)
    token = signin.begin_session(session, user, address="127.0.0.1", device="test", now=work.now(), second_factor=True)
    work.commit(session)
    client.set_cookie(f"diwan_{session.info['association'].slug}", token)
