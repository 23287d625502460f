"""Pages of reminders: what is planned, and what came of each (CALL-14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session, joinedload
from wtforms import Form

from core import work
from core.admin.forms import DiwanForm, Title, choices, form_of
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import attempt, current_actor, expose, refuse_without, writing
from core.audit import services as audit
from core.auth import queries as staff
from core.auth.actor import Actor
from core.consent import services as consent
from core.customers.queries import PERSONAL as CONTACTS
from core.customers.shown import HIDDEN
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import queries as runs
from plugins.callcenter import domain, queries, reminders, services
from plugins.callcenter.forms import REMINDER_FORMS, ReminderForm
from plugins.callcenter.models import Reminder
from plugins.callcenter.queries import PERSONAL

Act = Callable[[Session, Reminder, Any, dict[str, Any]], Any]


class ReminderView(RecordView):
    """Reminders by their time, the form for a new one, and the page of each."""

    model = Reminder
    page_url, page_endpoint = "/callcenter/reminders", "callcenter_reminders"
    permission, permission_create = queries.READ, services.RECORD
    menu_title = title = _l("Reminders")
    title_new = _l("New reminder")
    menu_group = "customers"
    menu_order = 43
    menu_icon = "bell"
    help = Help(
        _l("What customers are to be reminded of, when and how: appointments, pledges, missing documents."),
        can=_l("Plan a reminder by telephone or e-mail, write down what came of it, and whether the customer came."),
        decides=_l("Whoever plans it. A customer who may not be contacted by this channel is not."),
        then=_l("By telephone it stands in the inbox at its hour; by e-mail it leaves by itself when it is due. Who did not come is found by a call list."),
    )
    can_view_details = False
    empty_text = _l("Nobody is to be reminded.")
    list_sort = "due_at"
    list_columns = (
        ListColumn("customer", _l("Customer"), "name", value=lambda row: row.customer.name, permission=PERSONAL, masked=lambda row: HIDDEN,
                   link=lambda row: url_for("callcenter_reminders.reminder", id=row.id)),
        ListColumn("kind", _l("What it is about"), "choice", choices=domain.reminder_kinds()),
        ListColumn("channel", _l("How to remind"), "choice", choices=reminders.CHANNELS),
        ListColumn("due_at", _l("Remind at"), "moment", sort=Reminder.due_at),
        ListColumn("about_at", _l("When it is"), "moment"),
        ListColumn("state", _l("State"), "state", choices=reminders.STATES),
        ListColumn("result", _l("What came of it"), "choice", choices=domain.reminder_results()),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(Reminder.state), choices=reminders.STATES),
        ListFilter("result", _l("What came of it"), by_value(Reminder.result), choices=domain.reminder_results()),
        ListFilter("kind", _l("What it is about"), by_value(Reminder.kind), choices=domain.reminder_kinds()),
    )
    form_create = ReminderForm
    form_begins = {"customer_number": "customer"}

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return reminders.scope(statement, actor).options(joinedload(Reminder.customer))

    def scoped(self, actor: Actor) -> sa.Select[Any]:
        """Those that wait; the others where a filter asks for them."""
        query = super().scoped(actor)
        return query if request.args.get("f.state") or request.args.get("f.result") else query.where(Reminder.state == domain.OPEN)

    def describe(self, record: Any) -> str:
        return str(domain.reminder_kinds()[(record[0] if isinstance(record, list) else record).kind])

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        form.kind.choices = choices(domain.reminder_kinds().items(), _l("choose"))
        return form

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """As the form of any list; a customer who may not be contacted is said beside the channel, with what was typed."""
        self.refuse_unless(self.permission_create)
        form = self.create_form()
        if request.method == "POST":
            status = attempt(form, lambda: self._planned(form))
            if status is None:
                flash(_("The reminder is planned."), "success")
                return redirect(url_for(".index_view"))
            return self.show("admin/record_form.html", form=form, record=None), status
        return self.show("admin/record_form.html", form=form, record=None)

    def _planned(self, form: Any) -> None:
        with writing() as session:
            reminders.plan(session, {key: form[key].data for key in ("customer_number", "kind", "channel", "about", "about_at", "due_at")},
                           actor=current_actor(), now=work.now(), operation_key=form.operation_key.data or None)

    # --- one reminder -----------------------------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".reminder", id=self.one(request.args.get("id", "")).id))

    @expose("/<int:id>")
    def reminder(self, id: int) -> Any:
        return self._reminder(reminders.reminder_for(self.session_now, id, current_actor()))

    def _reminder(self, one: Reminder, sent: Mapping[str, DiwanForm] | None = None, status: int = 200) -> Any:
        session, actor, now = self.session_now, current_actor(), work.now()
        acts = self._acts(one, actor, now)
        forms = {act: self._form(act, one, now) for act in acts} | dict(sent or {})
        called = one.state == domain.OPEN and one.channel == "phone" and "result" in acts
        objections = consent.objections(session, one.customer_id, "phone", services.PURPOSE, actor=actor, now=now) if called else []
        return self.show(
            "callcenter/reminder.html", reminder=one, who=one.customer, forms=forms, refused=set(sent or ()), titles=TITLES, objections=objections,
            kinds=domain.reminder_kinds(), channels=reminders.CHANNELS, states=reminders.STATES, results=domain.reminder_results(), hidden_words=HIDDEN,
            personal=actor.may(PERSONAL), contacts=actor.may(CONTACTS), agents=staff.names_of(session, [one.made_by_id, one.settled_by_id]),
            next_step=runs.next_in_inbox(session, actor, record_type=one.__tablename__, record_id=one.id)), status

    def _acts(self, one: Reminder, actor: Actor, now: Any) -> list[str]:
        if not actor.may(services.RECORD):
            return []
        return [*(["result"] if reminders.results_for(one, now) else []), *(["drop"] if one.state == domain.OPEN else [])]

    def _form(self, act: str, one: Reminder, now: Any, *, sent: bool = False) -> DiwanForm:
        form = form_of(REMINDER_FORMS, act, sent=sent)
        if act == "result":
            known = reminders.results_for(one, now)
            form.result.choices = choices(((code, domain.reminder_results()[code]) for code in known), _l("choose"))
            if "reminded" not in known:
                del form.duration
        return form

    @expose(f"/<int:id>/<any({', '.join(repr(one) for one in REMINDER_FORMS)}):act>", methods=("POST",))
    def do(self, id: int, act: str) -> Any:
        refuse_without(services.RECORD, rule="CALL-14")
        one = reminders.reminder_for(self.session_now, id, current_actor())
        form = self._form(act, one, work.now(), sent=True)
        status = attempt(form, lambda: self._done(id, act, form))
        if status is None:
            flash(_("It is written down."), "success")
            return redirect(url_for(".reminder", id=id))
        return self._reminder(reminders.reminder_for(self.session_now, id, current_actor()), {act: form}, status)

    def _done(self, id: int, act: str, form: Any) -> None:
        with writing() as session:
            own = reminders.reminder_for(session, id, current_actor())
            with audit.about(own):
                ACTS[act](session, own, form, {"actor": current_actor(), "now": work.now()})


# --- the acts of a reminder's page -------------------------------------------------------------------------------------


TITLES = {"result": Title(_l("What came of it"), _l("Save"), "phone-call"), "drop": Title(_l("Not needed any more"), _l("Take it off the list"), "x")}
ACTS: dict[str, Act] = {
    "result": lambda session, one, form, given: reminders.note_result(
        session, one, {"result": form.result.data, "note": form.note.data, "duration": form.duration.data if "duration" in form else None},
        operation_key=form.operation_key.data or None, **given),
    "drop": lambda session, one, form, given: reminders.drop(session, one, form.reason.data or "", **given),
}
