"""A person's notices, and the page of outgoing mail where a text can be copied when no server is set."""

from __future__ import annotations

from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import flash, g, redirect, request, url_for
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from core.admin.forms import DiwanForm
from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.errors import InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import language
from core.i18n import lazy_gettext as _l
from core.notices import queries, services
from core.notices.domain import STATE_NAMES
from core.notices.models import STATES, Mail

TONES = {"failed": "bad", "queued": "warn", "sent": "good", "sending": "act"}


class NoticesView(PageView):
    """Everybody's own notices."""

    page_url = "/notices"
    page_endpoint = "notices_own"
    help = Help(
        _l("What the system told you: steps that opened or became overdue, and answers to what you sent."),
        can=_l("Open what a notice is about and mark notices as read."),
    )
    for_everyone = True

    @expose("/")
    def index(self) -> Any:
        rows = queries.notices_of(self.session, self.actor.user_id or 0)
        unread = queries.unread(self.session, self.actor.user_id)
        return self.render("notices/index.html", rows=rows, words=services.words, unread=unread)

    @expose("/read", methods=("POST",))
    def read(self) -> Any:
        with self.writing() as session:
            services.read_notices(session, self.actor, now=self.now())
        return redirect(url_for(".index"))


class PasswordForm(DiwanForm):
    password = PasswordField(_l("Password of the mail server"), validators=[Length(max=200)],
                             description=_l("Stored encrypted and never shown. Empty removes it."))


class TestForm(DiwanForm):
    to = StringField(_l("Send a test mail to"), validators=[DataRequired()])


class OutboxView(PageView):
    """Outgoing mail: what waits, what left, what failed and why."""

    page_url = "/settings/outbox"
    page_endpoint = "outbox"
    permission = "notices.outbox"
    menu_title = _l("Outgoing mail")
    menu_group = "administration"
    menu_order = 60
    menu_icon = "mail"
    help = Help(
        _l("Every e-mail that the system wrote, and whether it went out."),
        can=_l("Read a mail, send a failed one again, or pass its text on by hand where no mail server is set up."),
        decides=_l("The system writes the mails; IT sets up the server."),
        then=_l("A mail that fails is tried again by itself before it is shown here as failed."),
    )

    @expose("/")
    def index(self, test: TestForm | None = None, password: PasswordForm | None = None, status: int = 200) -> Any:
        chosen = request.args.get("state") or None
        if chosen is not None and chosen not in STATES:
            raise InvalidInput(_l("“%(value)s” is no state of a mail.", value=chosen[:40]), field="state", value=chosen)
        page = self.render(
            "notices/outbox.html", rows=queries.outbox(self.session, state=chosen), counts=queries.mail_counts(self.session), chosen=chosen, names=STATE_NAMES,
            tones=TONES, server_set=services.mail_is_set(self.session), test=test or TestForm(), password=password or PasswordForm(),
            may_set=self.actor.may("core.settings"),
        )
        return page, status

    @expose("/<int:mail_id>/")
    def mail(self, mail_id: int) -> Any:
        """One mail, its text ready to be copied."""
        row = self.session.get(Mail, mail_id)
        if row is None:
            raise NotFound(_l("There is no mail “%(id)s” in the outbox.", id=mail_id))
        return self.render("notices/mail.html", mail=row, names=STATE_NAMES, tones=TONES, server_set=services.mail_is_set(self.session))

    @expose("/<int:mail_id>/copied", methods=("POST",))
    def copied(self, mail_id: int) -> Any:
        with self.writing() as session:
            services.mark_copied(session, mail_id, actor=self.actor, now=self.now())
        flash(_("Noted: the text was passed on by hand."), "success")
        return redirect(url_for(".index"))

    @expose("/<int:mail_id>/send", methods=("POST",))
    def send(self, mail_id: int) -> Any:
        with self.writing() as session:
            services.send_again(session, mail_id, actor=self.actor, now=self.now())
        flash(_("The mail will be sent in a moment."), "success")
        return redirect(url_for(".index"))

    @expose("/test", methods=("POST",))
    def test(self) -> Any:
        form = TestForm()
        if not form.validate():
            return self.index(test=form, status=422)
        try:
            with self.writing() as session:
                subject, body = _("A test mail from Diwan"), _("If this arrives, outgoing mail works.")
                services.queue_mail(session, to=form.to.data, subject=subject, body=body, language=language(), now=self.now())
        except InvalidInput as error:
            self.show_faults(form, error)
            return self.index(test=form, status=422)
        flash(_("The test mail is in the outbox."), "success")
        return redirect(url_for(".index"))

    @expose("/password", methods=("POST",))
    @needs("core.settings")
    def password(self) -> Any:
        form = PasswordForm()
        if not form.validate():
            return self.index(password=form, status=422)
        with self.writing() as session:
            services.set_password(session, form.password.data or "", actor=self.actor)
        flash(_("The password is stored.") if form.password.data else _("The password is removed."), "success")
        return redirect(url_for(".index"))


def bell() -> PlainBlueprint:
    """No pages: it tells the shell how many notices are unread."""
    blueprint = PlainBlueprint("notices", __name__, url_prefix="/notices")
    blueprint.app_context_processor(lambda: {"unread_notices": unread_notices})
    return blueprint


def unread_notices() -> int:
    """As they were when the request began: whoever reads them is sent to a page of their own."""
    return int(g.get("unread", 0))
