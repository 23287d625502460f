"""Signing in, the second factor, forgotten passwords, invitations, signing out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app, flash, g, make_response, redirect, request, url_for
from sqlalchemy.orm import Session

from core.admin.theme import safe_path
from core.admin.views import PageView, expose
from core.auth import login, queries, signin
from core.auth.forms import CodeForm, ForgottenForm, LoginForm, NewPasswordForm
from core.auth.models import User, UserSession
from core.errors import InvalidInput, TooManyAttempts
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.jobs.services import enqueue
from core.notices import services as notices
from core.state import state

RESET_JOB = "auth.send_reset"


class LoginView(PageView):
    """Open to everybody; each handler decides what it shows."""

    page_url = "/login"
    page_endpoint = "auth_login"
    for_everyone = True

    def is_accessible(self) -> bool:
        return True

    def is_visible(self) -> bool:
        return False

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        form = LoginForm()
        problem: Any = None
        if request.method == "POST" and form.validate():
            try:
                token = self._try(form)
                if token:
                    return self._enter(token)
                problem = signin.WRONG
            except TooManyAttempts as locked:
                problem = locked.message
        personas = demo_personas(self.session) if state().association.demo else []
        page = self.render("auth/login.html", form=form, problem=problem, personas=personas, next=request.values.get("next", "/"))
        return page, 401 if problem else 200

    def _try(self, form: LoginForm) -> str:
        address, device = request.remote_addr or "", request.user_agent.string
        tried = signin.try_password(self.session, form.username.data or "", form.password.data or "", address=address, now=self.now())
        with self.writing() as session:
            return signin.sign_in(session, tried, address=address, device=device, now=self.now())

    def _enter(self, token: str) -> Any:
        found = signin.session_of(self.session, token, self.now())
        target = safe_path(request.values.get("next", "/"))
        if found is not None and not found[0].second_factor:
            return login.remember(make_response(redirect(url_for(".second", next=target))), token)
        return login.remember(make_response(redirect(request.script_root + target)), token)

    @expose("/code", methods=("GET", "POST"))
    def second(self) -> Any:
        pending = g.get("pending_session")
        if pending is None or pending.second_factor:
            return redirect(url_for(".index"))
        form = CodeForm()
        problem: Any = None
        if request.method == "POST" and form.validate():
            try:
                if self._complete(pending.id, form.code.data or ""):
                    return redirect(request.script_root + safe_path(request.values.get("next", "/")))
                problem = _l("This code is not right, or it was used already.")
            except TooManyAttempts as locked:
                problem = locked.message
        return self.render("auth/code.html", form=form, problem=problem, next=request.values.get("next", "/")), 401 if problem else 200

    def _complete(self, session_id: int, code: str) -> bool:
        address = request.remote_addr or ""
        with self.writing() as session:
            row = session.get_one(UserSession, session_id)
            user = session.get_one(User, row.user_id)
            return signin.give_second_factor(session, row, user, code, address=address, now=self.now())

    @expose("/out", methods=("POST",))
    def sign_out(self) -> Any:
        if g.get("user_session") is not None:
            with self.writing() as session:
                signin.sign_out(session, session.get_one(UserSession, g.user_session.id), now=self.now())
            g.seen = None
        return login.forget(make_response(redirect(url_for(".index"))))

    @expose("/forgotten", methods=("GET", "POST"))
    def forgotten(self) -> Any:
        form = ForgottenForm()
        sent = False
        if request.method == "POST" and form.validate():
            sent = True
            self._ask_reset(form.username.data or "")
        return self.render("auth/forgotten.html", form=form, sent=sent)

    def _ask_reset(self, username: str) -> None:
        """The same work and the same answer for everybody: a job finds out whether there is somebody to write to."""
        address, counted = request.remote_addr or "", f"reset {username}"
        signin.refuse_locked(self.session, counted, address, self.now())
        user = queries.user_named(self.session, username)
        with self.writing() as session:
            signin.count_failure(session, counted, address, self.now())
            place = url_for(".link", token="TOKEN", _external=True)
            enqueue(session, RESET_JOB, {"user_id": user.id if user is not None else None, "place": place}, due_at=self.now())

    @expose("/link/<token>", methods=("GET", "POST"))
    def link(self, token: str) -> Any:
        link, user = signin.link_of(self.session, token, self.now())
        form = NewPasswordForm()
        if request.method == "POST" and form.validate():
            try:
                hashed = signin.checked_hash(self.session, user, form.password.data or "")
                with self.writing() as session:
                    signin.use_link(session, token, hashed, now=self.now())
                flash(_("The password is set. Sign in with it."), "success")
                return redirect(url_for(".index"))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.render("auth/link.html", form=form, user=user, purpose=link.purpose), 422 if form.errors else 200

    @expose("/persona", methods=("POST",))
    def persona(self) -> Any:
        """Demo associations only: sign in as another of the demo's people."""
        if not state().association.demo or current_app.config.get("NO_PERSONAS"):
            raise InvalidInput(_l("Only a demo lets one change persons."), rule="ORG-01")
        user = queries.user_named(self.session, request.form.get("username", ""))
        if user is None or not user.active:
            raise InvalidInput(_l("There is no such person in this demo."), field="username")
        address = request.remote_addr or ""
        with self.writing() as session:
            token = signin.begin_session(session, session.get_one(User, user.id), address=address, device="demo", now=self.now(), second_factor=True)
        return login.remember(make_response(redirect(request.script_root + "/")), token)


def demo_personas(session: Session) -> list[tuple[User, str]]:
    """The demo's people with their first role, for the sign-in page of a demo."""
    people = queries.people(session)
    roles = queries.roles_of(session, [one.id for one in people])
    return [(one, str(roles[one.id][0].name) if roles[one.id] else "") for one in people]


def send_reset(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job behind "forgotten password": a mail to the person, where there is one with an address; else nothing."""
    user = session.get(User, arguments["user_id"]) if arguments["user_id"] else None
    if user is None or not user.active or not user.email:
        return
    token = signin.make_link(session, user, "reset", actor=None, now=now)
    subject, body = link_mail("reset", arguments["place"].replace("TOKEN", token))
    notices.mail_user(session, user, subject, body, now=now, secret=True)


def link_mail(purpose: str, address: str) -> tuple[Any, Any]:
    """(subject, body) of the mail with a one-time link, both lazy; the same text can be handed over."""
    if purpose == "invite":
        return _l("Your access to Diwan"), _l(
            "An account was made for you. Choose your password on this page; the link works once and for seven days:\n\n%(address)s", address=address)
    return _l("A new password for Diwan"), _l(
        "Somebody asked for a new password for your account. If it was you, set it on this page; the link works once and for two hours:\n\n%(address)s",
        address=address)
