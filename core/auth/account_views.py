"""One's own account: password, second factor, sessions."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import segno
from flask import Response, flash, make_response, redirect, request, session, url_for

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.auth import login, passwords, services, signin
from core.auth.devices import device_words
from core.auth.forms import ChangePasswordForm, NewFactorForm, PresentPasswordForm
from core.auth.models import User
from core.errors import InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.state import state

PENDING = "new_second_factor"


class AccountView(PageView):
    page_url = "/account"
    page_endpoint = "auth_account"
    help = Help(
        _l("Your own account: language, appearance, password, second factor, and where you are signed in."),
        can=_l("Change any of these, and sign out everywhere at once."),
        decides=_l("You. Your roles and your name are changed by the administrator."),
        then=_l("A new password ends your other sign-ins."),
    )
    for_everyone = True

    def is_visible(self) -> bool:
        return False

    def me(self) -> User:
        return self.session.get_one(User, self.actor.user_id)

    @expose("/")
    def index(self) -> Any:
        me = self.me()
        return self.render("auth/account.html", me=me, sessions=signin.sessions_of(self.session, me, self.now()), present=self.actor.session_id,
                           device_words=device_words)

    @expose("/password", methods=("GET", "POST"))
    def password(self) -> Any:
        form = ChangePasswordForm()
        if request.method == "POST" and form.validate():
            try:
                return self._change(form)
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.render("auth/password.html", form=form, me=self.me()), 422 if form.errors else 200

    def _change(self, form: ChangePasswordForm) -> Any:
        me = self.me()
        self._ask_password(me, form.present.data or "")
        hashed = signin.checked_hash(self.session, me, form.password.data or "")
        with self.writing() as own:
            signin.change_password(own, own.get_one(User, me.id), hashed)
        response = login.forget(make_response(redirect(url_for("auth_login.index"))))
        flash(_("The password is changed. Sign in with it; all other sessions have ended too."), "success")
        return response

    def _ask_password(self, me: User, present: str) -> None:
        """What lets a person in is changed by the person only, not by whoever finds a signed-in browser."""
        signin.refuse_locked(self.session, me.username, request.remote_addr or "", self.now())
        if not passwords.verify(present, me.password_hash):
            with self.writing() as own:
                signin.count_failure(own, me.username, request.remote_addr or "", self.now())
            raise InvalidInput(_l("The present password is not right."), field="present")

    @expose("/second-factor", methods=("GET", "POST"))
    def second_factor(self) -> Any:
        """Show a new secret as QR and text; it is switched on by its first right code."""
        form = NewFactorForm()
        secret = session.get(PENDING)
        if request.method == "GET" or not secret:
            secret = session[PENDING] = signin.new_secret()
        elif form.validate():
            try:
                self._ask_password(self.me(), form.present.data or "")
                with self.writing() as own:
                    codes = signin.enable_second_factor(own, own.get_one(User, self.actor.user_id), secret, form.code.data or "", now=self.now())
                session.pop(PENDING, None)
                return self.render("auth/recovery.html", codes=codes)
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.render("auth/second_factor.html", form=form, secret=secret, me=self.me()), 422 if form.errors else 200

    @expose("/second-factor/qr.svg")
    def qr(self) -> Any:
        secret = session.get(PENDING)
        if not secret:
            raise NotFound(_l("There is no second factor being set up."))
        uri = signin.provisioning_uri(self.me(), secret, f"Diwan {state().association.slug}")
        picture = BytesIO()
        segno.make(uri).save(picture, kind="svg", scale=5, border=2, light="white")
        return Response(picture.getvalue(), mimetype="image/svg+xml")

    @expose("/recovery-codes", methods=("GET", "POST"))
    def recovery(self) -> Any:
        form = PresentPasswordForm()
        if request.method == "POST" and form.validate():
            try:
                self._ask_password(self.me(), form.present.data or "")
                with self.writing() as own:
                    codes = signin.new_recovery_codes(own, own.get_one(User, self.actor.user_id))
                return self.render("auth/recovery.html", codes=codes)
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.render("auth/new_codes.html", form=form), 422 if form.errors else 200

    @expose("/keys", methods=("POST",))
    def keys(self) -> Any:
        """Whether single keys act in one's pages (WCAG 2.1.4)."""
        with self.writing() as own:
            services.keep_preferences(own, self.actor, single_keys=request.form.get("single_keys") == "1")
        return redirect(url_for(".index"))

    @expose("/sessions/<int:session_id>/end", methods=("POST",))
    def end(self, session_id: int) -> Any:
        with self.writing() as own:
            signin.end_session(own, session_id, actor=self.actor, now=self.now())
        flash(_("The session has ended."), "success")
        return redirect(url_for(".index"))
