"""Pages of the call centre for staff: the calls, the page on which one is written down, one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import messages, work
from core.admin import theme
from core.admin.addresses import inside
from core.admin.forms import DiwanForm, Title
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_value, from_day, to_day
from core.admin.records import RecordView
from core.admin.views import attempt, current_actor, expose, needs, show_faults, show_refusal, writing
from core.audit import services as audit
from core.auth.actor import Actor
from core.consent import services as consent
from core.customers import callers
from core.customers.callers import Caller
from core.customers.queries import PERSONAL as CONTACTS
from core.customers.queries import read_phone
from core.customers.shown import HIDDEN
from core.customers.values import classes
from core.errors import AppError, InvalidInput, NotAllowed, NotFound
from core.exporter.responses import attachment
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import timing
from core.state import state
from plugins.callcenter import domain, exports, page, queries, recordings, services
from plugins.callcenter.forms import CALL_FORMS, CallForm, call_form, form_of
from plugins.callcenter.models import Call
from plugins.callcenter.queries import PERSONAL

Act = Callable[[Session, Call, Any, dict[str, Any]], Any]


class CallView(RecordView):
    """Calls: the list, the page on which one is written down in seconds, and the page of each."""

    model = Call
    page_url = "/callcenter"
    page_endpoint = "callcenter_calls"
    permission = queries.READ
    permission_create = services.RECORD
    menu_title = title = _l("Calls")
    menu_group = "customers"
    menu_order = 40
    menu_icon = "phone"
    daily_for = frozenset({"call_agent", "donor_service_agent"})
    help = Help(
        _l("Every call with people outside: written down by who spoke, or counted by the exchange."),
        can=_l("Write a call down, find calls by number or name, say what a call of the exchange was about, make an entry of the log of it."),
        decides=_l("Nobody decides here. What a call asks for is decided where it is entered: in the log, in the register."),
        then=_l("A promised call-back stands in the queue and in the inbox at its hour; calls count in the panel of the month."),
    )
    searchable = True
    can_view_details = False
    list_template_own = "callcenter/calls.html"
    list_sort = "-started_at"
    list_file = exports.CALLS
    list_columns = (
        ListColumn("who", _l("With whom"), "name", value=lambda row: row.shown.who, permission=PERSONAL, masked=lambda row: HIDDEN,
                   link=lambda row: url_for("callcenter_calls.call", id=row.id)),
        ListColumn("direction", _l("Direction"), "choice", choices=domain.DIRECTIONS),
        ListColumn("started_at", _l("Time"), "moment", sort=Call.started_at),
        ListColumn("length", _l("Length"), value=page.length_of, searched=False),
        ListColumn("answered", _l("Answered or not"), value=page.answer_tag, searched=False),
        ListColumn("agent", _l("Agent"), value=lambda row: row.shown.agent),
        ListColumn("subject", _l("Subject"), "choice", choices=domain.subjects()),
        ListColumn("result", _l("Result"), "choice", choices=domain.results()),
    )
    list_filters = (
        ListFilter("direction", _l("Direction"), by_value(Call.direction), choices=domain.DIRECTIONS),
        ListFilter("subject", _l("Subject"), by_value(Call.subject), choices=domain.subjects()),
        ListFilter("result", _l("Result"), by_value(Call.result), choices=domain.results()),
        ListFilter("source", _l("Source"), by_value(Call.source),
                   choices=lambda session: [("staff", _l("written down")), ("exchange", _l("from the exchange"))]),
        ListFilter("from", _l("From"), from_day(Call.started_at), kind="date_from"),
        ListFilter("until", _l("Until"), to_day(Call.started_at), kind="date_to"),
        ListFilter("missed", _l("Missed"), lambda statement, value: statement.where(Call.direction == domain.IN, Call.answered.is_(False)), kind="yes"),
        ListFilter("mine", _l("My calls"), lambda statement, value: statement.where(Call.agent_id == current_actor().user_id), kind="yes"),
        ListFilter("undescribed", _l("Without a subject"), lambda statement, value: statement.where(Call.subject.is_(None), queries.outside()), kind="yes"),
    )

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        page.describe(session, rows)

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return queries.scope(statement, Call, actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return queries.matching(statement, session, text, actor)

    def show(self, template: str, **context: Any) -> str:
        return super().show(template, service_number=page.service_number(self.session_now), **context)

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".call", id=self.one(request.args.get("id", "")).id))

    # --- writing a call down ------------------------------------------------------------------------------------------

    @expose("/new", methods=("GET", "POST"))
    @needs(services.RECORD, rule="CALL-01")
    def create_view(self) -> Any:
        form = self._form(caller=request.args.get("caller", "")[:200], due_at=timing.next_working_day(self.session_now, work.now()))
        who, pressed = self._caller(form), _pressed()
        if request.method == "GET" or pressed[0]:
            return self._intake(form, who)
        if form.validate() and self._looked_at(form, who):
            try:
                return self._recorded(form, who)
            except InvalidInput as error:
                _show(form, error)
            except NotAllowed as refused:
                show_refusal(form, refused)
                return self._intake(form, who), refused.status
        return self._intake(form, who), 422

    def _form(self, **data: Any) -> CallForm:
        return call_form(self.session_now, others=current_actor().may(services.MANAGE), **data)

    @expose("/new/parts", methods=("POST",))
    @needs(services.RECORD, rule="CALL-01")
    def parts(self) -> Any:
        """What the page says about what is being typed: who it is, and what was promised to him. Nothing is written."""
        form = self._form()
        return self.show("callcenter/_parts.html", **self._seen(form, self._caller(form)))

    def _caller(self, form: CallForm) -> Caller:
        """Who is meant: as chosen before, or looked up anew when the field or the button says so."""
        session, actor, (button, value), text = self.session_now, current_actor(), _pressed(), (form.caller.data or "").strip()
        if button == "not":
            found = Caller(unknown=True, phone=read_phone(session, text) or "")
        elif button == "choose":
            found = callers.known_caller(session, value, actor, text)
        elif button == "look" or text != (form.looked.data or ""):
            found = callers.find_caller(session, text, actor)
        elif form.customer_number.data:
            found = callers.known_caller(session, form.customer_number.data, actor, text)
        elif form.unknown.data or not text:
            found = Caller(unknown=bool(form.unknown.data), phone=read_phone(session, text) or "")
        else:  # several were shown, and none was chosen
            found = callers.find_caller(session, text, actor)
        _remember(form, found, text)
        return found

    def _looked_at(self, form: CallForm, who: Caller) -> bool:
        """Whether it is settled who it was: one customer, nobody known, or no number at all. Of several the agent says which."""
        if not who.choices:
            return True
        form.form_errors.append(_("Several customers match “%(text)s”. Say which of them it was, or none of them.", text=form.caller.data))
        return False

    def _intake(self, form: CallForm, who: Caller) -> Any:
        return self.show("callcenter/new.html", **self._seen(form, who))

    def _seen(self, form: CallForm, who: Caller) -> dict[str, Any]:
        session, actor = self.session_now, current_actor()
        reach = page.reached_at(who, (form.caller.data or "").strip() if who.phone else "", actor)
        if not form.callback_to.errors and (form.callback_to.data or "") in ("", form.offered.data or ""):
            form.callback_to.data = form.offered.data = reach
        customer = who.customer
        waiting = queries.waiting_for(session, actor, customer_id=customer.id if customer is not None else None, phone=who.phone or None)
        page.describe(session, waiting)
        called = customer is not None and form.direction.data == domain.OUT
        objections = services.objections(session, customer.id, actor=actor, now=work.now()) if customer is not None and called else []
        return {"form": form, "caller": who, "classes": classes(session), "personal": actor.may(CONTACTS), "waiting": waiting, "due_badge": theme.due_badge,
                "objections": objections, "register": _register(actor), "subjects": domain.subjects()}

    def _recorded(self, form: CallForm, who: Caller) -> Any:
        typed = (form.caller.data or "").strip()
        given = {**form.data, "phone": who.phone or ("" if who.customer is not None or form.name.data else _as_number(typed)),
                 "name": form.name.data or ("" if who.phone or _as_number(typed) else typed)}
        with writing() as session:
            made = services.log_call(session, given, actor=current_actor(), now=work.now(), operation_key=form.operation_key.data or None)
            made_id = made.id
        flash(_("The call is written down."), "success")
        return redirect(url_for(".call", id=made_id) if "then" in request.form else url_for(".create_view"))

    # --- one call -----------------------------------------------------------------------------------------------------

    @expose("/<int:id>")
    def call(self, id: int) -> Any:
        return self._call(services.call_for(self.session_now, id, current_actor()))

    def _call(self, call: Call, sent: Mapping[str, DiwanForm] | None = None, status: int = 200) -> Any:
        """The call's page; ``sent`` holds the form that was refused, by its act."""
        session, actor, now = self.session_now, current_actor(), work.now()
        page.describe(session, [call])
        known = {"subject": call.subject, "result": call.result, "note": call.note if actor.may(PERSONAL) else "",
                 "text": call.note if actor.may(PERSONAL) else "", "kind": "complaint" if call.subject in (None, "complaint") else "inquiry"}
        forms = {act: form_of(session, CALL_FORMS, act, **known) for act in services.acts(session, call, actor)} | dict(sent or {})
        shown = page.call_page(session, call, actor, now)
        return self.show("callcenter/call.html", call=call, forms=forms, refused=set(sent or ()), titles=TITLES, may_listen=actor.may(recordings.LISTEN),
                         **shown), status

    @expose(f"/<int:id>/<any({', '.join(repr(one) for one in CALL_FORMS)}):act>", methods=("POST",))
    @needs(services.RECORD, rule="CALL-01")
    def do(self, id: int, act: str) -> Any:
        """One act on a call: its form, then its service; faults stand beside the fields, with what was typed."""
        call = services.call_for(self.session_now, id, current_actor())
        if act == "entry" and not messages.takes(self.session_now):
            raise NotFound(_l("No log takes this call: the plugin that keeps one is off. Ask the administrator to turn it on."), rule="CALL-09")
        form = form_of(self.session_now, CALL_FORMS, act, sent=True)
        led: list[str] = []
        status = attempt(form, lambda: led.append(self._done(id, act, form)))
        if status is None:
            flash(TOLD[act], "success")
            return redirect(inside(led[0]) if led[0] else url_for(".call", id=id))
        return self._call(call, {act: form}, status)

    def _done(self, id: int, act: str, form: Any) -> str:
        """Do it; answers with where it leads, if elsewhere than to the call."""
        with writing() as session:
            call = services.call_for(session, id, current_actor())
            with audit.about(call):
                made = ACTS[act](session, call, form, {"actor": current_actor(), "now": work.now()})
            return made.link if act == "entry" else ""

    @expose("/<int:id>/stop", methods=("POST",))
    @needs(consent.RECORD, rule="PERM-02")
    def stop(self, id: int) -> Response:
        """The customer does not want to be called: his withdrawal, recorded from the call in which he said so."""
        with writing() as session:
            services.stop_calling(session, services.call_for(session, id, current_actor()), actor=current_actor(), now=work.now())
        flash(_("The withdrawal is recorded. From now on nobody calls this customer."), "success")
        return redirect(url_for(".call", id=id))

    @expose("/<int:id>/recordings/<int:recording_id>", methods=("POST",))
    @needs(recordings.LISTEN, rule="CUST-34")
    def recording(self, id: int, recording_id: int) -> Response:
        """A recording, to be listened to; who did stands in the audit log."""
        with writing() as session:
            call = services.call_for(session, id, current_actor())
            with audit.about(call):
                name, content, media = recordings.listen(session, call, recording_id, state().association.folder, actor=current_actor(), now=work.now())
        return attachment(content, name, media)


# --- the caller's field ------------------------------------------------------------------------------------------------


def _pressed() -> tuple[str, str]:
    """Which button of the caller's field was pressed, with its value; the buttons that save are others."""
    return next(((name, request.form[name][:40]) for name in ("look", "choose", "not") if name in request.form), ("", ""))


def _remember(form: CallForm, found: Caller, text: str) -> None:
    """Keep in the page who was found."""
    form.customer_number.data = found.customer.number if found.customer is not None else ""
    form.unknown.data, form.looked.data = "1" if found.unknown else "", text


def _as_number(text: str) -> str:
    """What was typed, where it was meant as a number, so that the service says what is wrong with it."""
    return text if sum(ch.isdigit() for ch in text) > len(text) / 2 else ""


def _register(actor: Actor) -> bool:
    """Whether the page leads to the form for a new customer."""
    return actor.may("customers.fill")


def _show(form: CallForm, error: AppError) -> None:
    """A fault of the number stands beside the field in which it was typed."""
    show_faults(form, error)
    for fault in getattr(error, "faults", None) or [error]:
        if fault.field in ("phone", "customer_number"):
            form.caller.errors = [*form.caller.errors, str(fault.message)]


# --- the acts of a call's page -----------------------------------------------------------------------------------------


TITLES = {"entry": Title(_l("Make an entry of the log"), _l("Hand it over"), "message-report"),
          "describe": Title(_l("Subject and result"), _l("Save"), "edit"), "customer": Title(_l("Whose call it was"), _l("Link"), "link")}
TOLD = {"entry": _l("The call is in the log."), "describe": _l("Subject and result are saved."), "customer": _l("The call belongs to the customer now.")}
ACTS: dict[str, Act] = {
    "entry": lambda session, call, form, given: services.open_entry(session, call, str(form.kind.data or ""), form.text.data or "", **given),
    "describe": lambda session, call, form, given: services.describe_call(
        session, call, subject=form.subject.data or "", result=form.result.data or "", note=form.note.data or "", **given),
    "customer": lambda session, call, form, given: services.attach(session, call, form.customer_number.data or "", **given),
}
