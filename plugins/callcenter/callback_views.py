"""The queue of call-backs, and one call-back (CALL-04)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import work
from core.admin import theme, values
from core.admin.forms import DiwanForm, Title
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import attempt, current_actor, expose, refuse_without, writing
from core.audit import services as audit
from core.auth.actor import Actor
from core.calendar import day_bounds
from core.customers.shown import HIDDEN
from core.i18n import lazy_gettext as _l
from core.procedures import queries as runs
from core.procedures import timing
from plugins.callcenter import domain, page, queries, services
from plugins.callcenter.forms import CALLBACK_FORMS, form_of
from plugins.callcenter.models import Callback
from plugins.callcenter.queries import PERSONAL

Act = Callable[[Session, Callback, Any, dict[str, Any]], Any]


def _tonight() -> datetime:
    return day_bounds(values.today(), values.zone())[1]


class CallbackView(RecordView):
    """The queue of promised call-backs, by their hour, and the page of each."""

    model = Callback
    page_url = "/callcenter/callbacks"
    page_endpoint = "callcenter_callbacks"
    permission = queries.READ
    menu_title = title = _l("Call-backs")
    menu_group = "customers"
    menu_order = 41
    menu_icon = "phone-call"
    help = Help(
        _l("Whom the association promised to call back, at which number and until when; what is due first stands first."),
        can=_l("Make the call and write down what came of it; agree on another hour; say why a call is not needed any more."),
        decides=_l("Whoever takes the call. A customer who may not be called now is not."),
        then=_l("The call is recorded as an outgoing one; the call-back leaves the queue and the inbox."),
    )
    can_view_details = False
    empty_text = _l("Nobody waits for a call.")
    list_sort = "due_at"
    list_columns = (
        ListColumn("who", _l("Whom"), "name", value=lambda row: row.shown.who, permission=PERSONAL, masked=lambda row: HIDDEN,
                   link=lambda row: url_for("callcenter_callbacks.callback", id=row.id)),
        ListColumn("phone", _l("At the number"), "phone", permission=PERSONAL),
        ListColumn("subject", _l("Subject"), "choice", choices=domain.subjects()),
        ListColumn("due_at", _l("Call back until"), "moment", sort=Callback.due_at),
        ListColumn("due", _l("Due"), value=lambda row: theme.due_badge(row.shown.step)),
        ListColumn("agent", _l("Promised by"), value=lambda row: row.shown.agent),
        ListColumn("state", _l("State"), "state", choices=domain.CALLBACK_STATES),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(Callback.state), choices=domain.CALLBACK_STATES),
        ListFilter("today", _l("Due by today"), lambda statement, value: statement.where(Callback.state == domain.OPEN, Callback.due_at < _tonight()),
                   kind="yes"),
        ListFilter("mine", _l("Promised by me"), lambda statement, value: statement.where(Callback.promised_by_id == current_actor().user_id), kind="yes"),
    )

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        page.describe(session, rows)

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return queries.scope(statement, Callback, actor)

    def scoped(self, actor: Actor) -> sa.Select[Any]:
        """Those that wait; the others where a filter asks for their state."""
        query = super().scoped(actor)
        return query if request.args.get("f.state") else query.where(Callback.state == domain.OPEN)

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".callback", id=self.one(request.args.get("id", "")).id))

    @expose("/<int:id>")
    def callback(self, id: int) -> Any:
        return self._callback(services.callback_for(self.session_now, id, current_actor()))

    def _callback(self, callback: Callback, sent: Mapping[str, DiwanForm] | None = None, status: int = 200) -> Any:
        session, actor = self.session_now, current_actor()
        page.describe(session, [callback])
        acts = list(CALLBACK_FORMS) if callback.state == domain.OPEN and actor.may(services.RECORD) else []
        known = {"subject": callback.subject, "due_at": timing.next_working_day(session, work.now())}
        forms = {act: form_of(session, CALLBACK_FORMS, act, **known) for act in acts} | dict(sent or {})
        wanted = callback.customer_id if acts else None
        objections = services.objections(session, wanted, actor=actor, now=work.now()) if wanted is not None else []
        tries = queries.tried(session, callback)
        page.describe(session, tries)
        return self.show("callcenter/callback.html", callback=callback, forms=forms, refused=set(sent or ()), titles=TITLES, tries=tries,
                         results=domain.results(), personal=actor.may(PERSONAL), hidden_words=HIDDEN, subjects=domain.subjects(), states=domain.CALLBACK_STATES,
                         due_badge=theme.due_badge, objections=objections,
                         next_step=runs.next_in_inbox(session, actor, record_type=callback.__tablename__, record_id=callback.id)), status

    @expose(f"/<int:id>/<any({', '.join(repr(one) for one in CALLBACK_FORMS)}):act>", methods=("POST",))
    def do(self, id: int, act: str) -> Any:
        refuse_without(services.RECORD, rule="CALL-04")
        services.callback_for(self.session_now, id, current_actor())
        form = form_of(self.session_now, CALLBACK_FORMS, act, sent=True)
        status = attempt(form, lambda: self._done(id, act, form))
        if status is None:
            flash(TOLD[act], "success")
            return redirect(url_for(".callback", id=id))
        return self._callback(services.callback_for(self.session_now, id, current_actor()), {act: form}, status)

    def _done(self, id: int, act: str, form: Any) -> None:
        with writing() as session:
            own = services.callback_for(session, id, current_actor())
            with audit.about(own):
                ACTS[act](session, own, form, {"actor": current_actor(), "now": work.now()})


# --- the acts of a call-back's page ------------------------------------------------------------------------------------


TITLES = {"done": Title(_l("I called"), _l("Save the call"), "phone-call"), "postpone": Title(_l("Another hour"), _l("Postpone"), "clock"),
          "drop": Title(_l("Not needed any more"), _l("Take it out of the queue"), "x")}
TOLD = {"done": _l("The call is written down."), "postpone": _l("The call-back stands at the new hour."), "drop": _l("The call-back left the queue.")}
ACTS: dict[str, Act] = {
    "done": lambda session, callback, form, given: services.complete_callback(
        session, callback, {key: form[key].data or "" for key in ("result", "duration", "subject", "note")},
        operation_key=form.operation_key.data or None, **given),
    "postpone": lambda session, callback, form, given: services.postpone_callback(session, callback, form.due_at.data, **given),
    "drop": lambda session, callback, form, given: services.drop_callback(session, callback, form.reason.data or "", **given),
}
