"""Pages of the log for staff: the list, the intake, one entry with what can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import work
from core.admin import theme, values
from core.admin.forms import Title
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListFilter, by_id, by_value, from_day, to_day
from core.admin.records import RecordView
from core.admin.views import attempt, current_actor, expose, needs, refuse_without, show_faults, writing
from core.audit import services as audit
from core.auth.actor import Actor
from core.calendar import day_bounds
from core.customers import callers
from core.customers.callers import Caller
from core.customers.queries import PERSONAL as CONTACTS
from core.customers.queries import read_phone
from core.customers.shown import HIDDEN
from core.errors import InvalidInput, NotFound
from core.files.views import download_of
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.organisation.models import Centre, Department
from core.procedures import timing
from core.text import isolate
from plugins.complaints import domain, exports, faq, intake, page, queries, services, training
from plugins.complaints.forms import FORMS, IntakeForm, OutcomeForm, form_of, intake_form
from plugins.complaints.models import Entry
from plugins.complaints.queries import PERSONAL, READ

Act = Callable[[Session, Entry, Any, dict[str, Any]], Any]


# --- the list --------------------------------------------------------------------------------------------------------


def _today() -> tuple[datetime, datetime]:
    """The bounds of this day by the association's clock."""
    return day_bounds(values.today(), values.zone())


def _in_state(statement: sa.Select[Any], value: str) -> sa.Select[Any]:
    return statement.where(Entry.state != domain.CLOSED if value == "open" else Entry.state == value)


class LogView(RecordView):
    """The log: one list of complaints, inquiries and suggestions, the intake, and the page of each entry."""

    model = Entry
    page_url = "/complaints"
    page_endpoint = "complaints_log"
    permission = READ
    permission_create = services.RECORD
    menu_title = _l("Complaints log")
    menu_group = "complaints"
    menu_order = 10
    menu_icon = "message-report"
    title = _l("Complaints log")
    help = Help(
        _l("The log of complaints, inquiries and suggestions, from the caller's first word to the answer."),
        can=_l("Write down what a caller says; find an entry by number, phone or name; open it to study, update, answer or close it."),
        decides=_l("The caller's type decides to which department an entry goes; that department answers it. Quality follows every entry."),
        then=_l("The steps that follow stand in the inbox of the department, each with its due moment; open entries are updated every day."),
    )
    searchable = True
    can_view_details = False
    list_template_own = "complaints/log.html"
    list_sort = "-received_at"
    list_file = exports.LOG
    list_columns = (
        ListColumn("number", _l("Number"), "code", link=RowLink("complaints_log.entry", "id")),
        ListColumn("caller", _l("Caller"), "name", value=lambda row: row.shown.caller, permission=PERSONAL, masked=lambda row: HIDDEN),
        ListColumn("kind", _l("Kind"), "choice", choices=domain.kinds()),
        ListColumn("cause", _l("Cause"), value=lambda row: row.shown.cause),
        ListColumn("place", _l("With"), value=lambda row: row.shown.place),
        ListColumn("received_at", _l("Receipt"), "moment", sort=Entry.received_at),
        ListColumn("state", _l("State"), "state", choices=domain.states()),
        ListColumn("due", _l("Due"), value=lambda row: theme.due_badge(row.shown.step)),
    )
    list_filters = (
        ListFilter("kind", _l("Kind"), by_value(Entry.kind), choices=domain.kinds()),
        ListFilter("state", _l("State"), _in_state, choices=lambda session: [("open", _l("Still open")), *domain.states().items()]),
        ListFilter("department", _l("Department"), by_id(Entry.department_id), choices=lambda session: organisation.choices(session, Department)),
        ListFilter("centre", _l("Centre"), by_id(Entry.centre_id), choices=lambda session: organisation.choices(session, Centre)),
        ListFilter("channel", _l("Channel"), by_value(Entry.channel), choices=domain.channels()),
        ListFilter("cause", _l("Cause"), by_id(Entry.cause_id),
                   choices=lambda session: [(str(one.id), one.name) for one in queries.causes(session, active=False)]),
        ListFilter("from", _l("Received from"), from_day(Entry.received_at), kind="date_from"),
        ListFilter("until", _l("Received until"), to_day(Entry.received_at), kind="date_to"),
        ListFilter("overdue", _l("Overdue"), lambda statement, value: statement.where(queries.overdue(work.now())), kind="yes"),
        ListFilter("quiet", _l("Without update today"), lambda statement, value: statement.where(queries.quiet(*_today())), kind="yes"),
        ListFilter("callback", _l("To be told today"), lambda statement, value: statement.where(queries.callback_by(_today()[1])), kind="yes"),
    )

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        page.describe(session, rows)

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return queries.scope(statement, actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return queries.matching(statement, session, text, actor)

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".entry", id=self.one(request.args.get("id", "")).id))

    # --- the intake -------------------------------------------------------------------------------------------------

    @expose("/new", methods=("GET", "POST"))
    @needs(services.RECORD, rule="CMPL-15")
    def create_view(self) -> Any:
        form = intake_form(self.session_now, **self._begun())
        caller, pressed = self._caller(form), _pressed()
        if request.method == "GET" or pressed[0] in ("look", "choose", "not"):
            return self._intake(form, caller)
        if pressed[0] == "add":
            return self._add_to(pressed[1], form)
        if form.validate() and self._looked_at(form, caller):
            try:
                return self._received(form)
            except InvalidInput as error:
                show_faults(form, error)
        return self._intake(form, caller), 422

    def _begun(self) -> dict[str, Any]:
        """What an address may bring along: the caller's number or phone, as the search and the telephone know it."""
        return {"caller": request.args.get("caller", "")[:200], "promised_at": timing.next_working_day(self.session_now, work.now())}

    @expose("/new/parts", methods=("POST",))
    @needs(services.RECORD, rule="CMPL-15")
    def parts(self) -> Any:
        """What the page says about what is being typed: who calls, what is open, to whom and until when. Nothing is written."""
        form = intake_form(self.session_now)
        return self.show("complaints/_parts.html", **self._seen(form, self._caller(form)))

    def _caller(self, form: IntakeForm) -> Caller:
        """Who is meant: as chosen before, or looked up anew when the field or the button says so."""
        session, actor, (button, value), text = self.session_now, current_actor(), _pressed(), (form.caller.data or "").strip()
        if button == "not":
            found = Caller(unknown=True)
        elif button == "choose":
            found = callers.known_caller(session, value, actor)
        elif button == "look" or text != (form.looked.data or ""):
            found = callers.find_caller(session, text, actor)
        elif form.customer_number.data:
            found = callers.known_caller(session, form.customer_number.data, actor)
        elif form.unknown.data or not text:
            found = Caller(unknown=bool(form.unknown.data))
        else:  # several were shown, and none was chosen
            found = callers.find_caller(session, text, actor)
        _remember(session, form, found, text)
        return found

    def _looked_at(self, form: IntakeForm, caller: Caller) -> bool:
        """Whether the person has seen who was found; what was typed and sent without a look is looked up and shown first."""
        if (form.caller.data or "").strip() == (request.form.get("looked") or "") and not caller.choices:
            return True
        if caller.unknown and form.name.data and (form.phone.data or form.email.data):
            return True
        form.form_errors.append(_("Look at who was found for “%(text)s”, then save again.", text=form.caller.data))
        return False

    def _intake(self, form: IntakeForm, caller: Caller) -> Any:
        return self.show("complaints/intake.html", **self._seen(form, caller))

    def _seen(self, form: IntakeForm, caller: Caller) -> dict[str, Any]:
        session, actor, now, typed = self.session_now, current_actor(), work.now(), form.data
        _offer(form, intake.reached_at(caller.customer, typed, actor))
        customer = caller.customer
        phone = read_phone(session, form.phone.data or "") if customer is None else None
        same = queries.open_of(session, actor, customer_id=customer.id if customer is not None else None, phone=phone)
        page.describe(session, same)
        return {
            "form": form, "caller": caller, "due_badge": theme.due_badge, "same": same, "classes": page.classes(),
            "reach": intake.reached_at(customer, typed, actor),
            "plan": intake.plan(session, typed, customer, now=now), "icons": domain.channel_icons(), "states": domain.states(),
            "kinds": domain.kinds(), "now": now,
            "may_add": actor.may(services.HANDLE), "personal": actor.may(CONTACTS), "untrained": training.is_missing(session, actor),
            "answers": faq.offered(session, form.text.data or "") if (form.text.data or "").strip() else [],
        }

    def _received(self, form: IntakeForm) -> Any:
        with writing() as session:
            made = services.receive(session, form.data, actor=current_actor(), now=work.now(), operation_key=form.operation_key.data or None)
            number, entry_id, code = made.entry.number, made.entry.id, made.code
        entry = services.entry_for(self.session_now, entry_id, current_actor())
        page.describe(self.session_now, [entry])
        runs = page.open_runs(self.session_now, entry)
        return self.show("complaints/received.html", entry=entry, number=number, code=code, runs=runs, kinds=domain.kinds(), states=domain.states())

    def _add_to(self, raw: str, form: IntakeForm) -> Any:
        """What the caller says belongs to an entry that is open already."""
        found, text = self.one(raw), form.text.data or ""
        if text.strip():
            with writing() as session:
                entry = services.entry_for(session, found.id, current_actor())
                services.add_update(session, entry, text, actor=current_actor(), now=work.now(), operation_key=form.operation_key.data or None)
            flash(_("What the caller said is added to %(number)s.", number=isolate(found.number)), "success")
        return redirect(url_for(".entry", id=found.id))

    # --- one entry --------------------------------------------------------------------------------------------------

    @expose("/<int:id>")
    def entry(self, id: int) -> Any:
        return self._entry(services.entry_for(self.session_now, id, current_actor()))

    def _entry(self, entry: Entry, sent: Mapping[str, Any] | None = None, status: int = 200) -> Any:
        """The entry's page; ``sent`` holds the form that was refused, by its act."""
        session, actor, now = self.session_now, current_actor(), work.now()
        page.describe(session, [entry])
        proposed = intake.proposed_callback(session, entry, actor, now)
        forms = {act: form_of(session, act, entry, now=now, **proposed) for act in services.acts(entry, actor)}
        forms.update(sent or {})
        shown = page.entry_page(session, entry, actor, now)
        return self.show("complaints/entry.html", entry=entry, forms=forms, refused=set(sent or ()), titles=TITLES, due_badge=theme.due_badge,
                         outcome=OutcomeForm(formdata=None),
                         kinds=domain.kinds(), channels=domain.channels(), states=domain.states(), classes=page.classes(), **shown), status

    @expose(f"/<int:id>/<any({', '.join(repr(one) for one in FORMS)}):act>", methods=("POST",))
    def do(self, id: int, act: str) -> Any:
        """One act on an entry: its form, then its service; faults stand beside the fields, with what was typed."""
        refuse_without(services.NEEDS[act])
        entry = services.entry_for(self.session_now, id, current_actor())
        form = form_of(self.session_now, act, entry, now=work.now(), sent=True)
        status = attempt(form, lambda: self._done(id, lambda session, own, given: ACTS[act](session, own, form, given)))
        if status is None:
            flash(TOLD[act], "success")
            return self._back(id)
        return self._entry(services.entry_for(self.session_now, id, current_actor()), {act: form}, status)

    @expose("/<int:id>/files/<int:file_id>")
    @needs(PERSONAL, rule="CUST-34")
    def file(self, id: int, file_id: int) -> Response:
        """What the complainant sent with the entry, as a download."""
        entry = services.entry_for(self.session_now, id, current_actor())
        return download_of(self.session_now, entry, file_id)

    def _back(self, id: int) -> Any:
        """To the entry, or to the log where it is no longer among those this person may read: it was handed over."""
        readable = queries.by_id(self.session_now, id, current_actor()) is not None
        return redirect(url_for(".entry", id=id) if readable else url_for(".index_view"))

    @expose("/<int:id>/follow-ups/<int:asked_id>", methods=("POST",))
    def finish(self, id: int, asked_id: int) -> Any:
        """The department answers what quality asked of it."""
        form = OutcomeForm()

        def answer(session: Session, entry: Entry, given: dict[str, Any]) -> None:
            asked = next((one for one in queries.follow_ups_of(session, entry) if one.id == asked_id), None)
            if asked is None:
                raise NotFound(_l("There is no such entry."))
            services.finish_follow_up(session, asked, form.outcome.data or "", **given)

        self._done(id, answer)
        flash(_("Quality sees what was done."), "success")
        return redirect(url_for(".entry", id=id))

    def _done(self, id: int, act: Callable[[Session, Entry, dict[str, Any]], Any]) -> None:
        with writing() as session:
            entry = services.entry_for(session, id, current_actor())
            with audit.about(entry):
                act(session, entry, {"actor": current_actor(), "now": work.now()})


# --- the intake's field of the caller ----------------------------------------------------------------------------------


def _pressed() -> tuple[str, str]:
    """Which button of the intake was pressed, with its value; the button that saves has no name."""
    return next(((name, request.form[name][:40]) for name in ("look", "choose", "not", "add") if name in request.form), ("", ""))


def _remember(session: Session, form: IntakeForm, found: Caller, text: str) -> None:
    """Keep in the page who was found, and put what was typed about somebody unknown where it belongs."""
    form.customer_number.data = found.customer.number if found.customer is not None else ""
    form.unknown.data, form.looked.data = "1" if found.unknown else "", text
    if found.unknown and text and not (form.name.data or form.phone.data or form.email.data):
        for name, value in intake.guessed(session, text).items():
            form[name].data = value


def _offer(form: IntakeForm, reach: list[str]) -> None:
    """Propose the caller's own number for the call-back, as long as nobody wrote another."""
    if not form.callback_to.errors and (form.callback_to.data or "") in ("", form.offered.data or ""):
        form.callback_to.data = form.offered.data = reach[0] if reach else ""


# --- the acts of an entry's page -----------------------------------------------------------------------------------------


TITLES = {
    "promise": Title(_l("Promise a call-back"), _l("Promise it"), "phone-call"), "study": Title(_l("Study"), _l("Save the study"), "search"),
    "ready": Title(_l("A solution is ready"), _l("Solution is ready"), "bulb"), "close": Title(_l("Answer and close"), _l("Close the entry"), "check"),
    "decide": Title(_l("Decide on the suggestion"), _l("Save the decision"), "gavel"),
    "update": Title(_l("Update of the log"), _l("Add the update"), "refresh"),
    "reassign": Title(_l("Hand to another department"), _l("Hand over"), "transfer"), "remark": Title(_l("Remark of quality"), _l("Add the remark"), "note"),
    "follow-up": Title(_l("Ask a department to act"), _l("Ask"), "flag"), "customer": Title(_l("Link with a customer"), _l("Link"), "link"),
}
TOLD = {
    "promise": _l("The call-back stands in the inbox at its hour."), "study": _l("The study is saved."),
    "ready": _l("The solution is saved; the customer is to be told."), "close": _l("The entry is closed."), "decide": _l("The decision is saved."),
    "update": _l("The update is in the log."), "reassign": _l("The entry is with the other department now, due when it was."),
    "remark": _l("The remark is in the log."), "follow-up": _l("The department finds it on the page of the entry."),
    "customer": _l("The entry belongs to the customer now."),
}
ACTS: dict[str, Act] = {
    "promise": lambda session, entry, form, given: services.promise(session, entry, form.promised_at.data, form.callback_to.data or "", **given),
    "study": lambda session, entry, form, given: services.study(
        session, entry, form.analysis.data or "", form.helping_party.data or "", cause_id=form.cause_id.data, **given),
    "ready": lambda session, entry, form, given: services.solution_ready(session, entry, form.text.data or "", **given),
    "close": lambda session, entry, form, given: services.close(
        session, entry, answer=form.answer.data or "", answer_channel=form.answer_channel.data or "", returned_at=form.returned_at.data, **given),
    "decide": lambda session, entry, form, given: services.decide_suggestion(
        session, entry, str(form.decision.data or ""), form.decision_reason.data or "", **given),
    "update": lambda session, entry, form, given: services.add_update(
        session, entry, form.text.data or "", public=form.public.data, operation_key=form.operation_key.data or None, **given),
    "reassign": lambda session, entry, form, given: services.reassign(
        session, entry, form.department_id.data, form.reason.data or "", centre_id=form.centre_id.data, **given),
    "remark": lambda session, entry, form, given: services.remark(session, entry, form.text.data or "", operation_key=form.operation_key.data or None, **given),
    "follow-up": lambda session, entry, form, given: services.follow_up(
        session, entry, form.department_id.data, form.task.data or "", operation_key=form.operation_key.data or None, **given),
    "customer": lambda session, entry, form, given: services.attach(session, entry, form.customer_number.data or "", **given),
}
