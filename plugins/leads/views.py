"""Pages of the leads: list and board, the study and the new lead, one lead with what can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import settings, work
from core.admin import values
from core.admin.forms import DiwanForm, Title
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListFilter, by_id
from core.admin.records import RecordView
from core.admin.views import attempt, current_actor, expose, needs, refuse_without, show_faults, writing
from core.audit import services as audit
from core.auth.actor import Actor
from core.customers.shown import HIDDEN
from core.errors import InvalidInput, NotAllowed
from core.files.services import Stored
from core.files.views import download_of, stored_upload
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.organisation.models import Programme
from core.text import isolate, row_id
from plugins.leads import domain, exports, page, persons, queries, services
from plugins.leads.forms import FORMS, LeadForm, StudyForm, form_of, lead_form, money, numbers, programme_choices
from plugins.leads.models import Contact, Lead
from plugins.leads.queries import PERSONAL

Act = Callable[[Session, Lead, Any, dict[str, Any], "Stored | None"], Any]


# --- the list --------------------------------------------------------------------------------------------------------


def _in_state(statement: sa.Select[Any], value: str) -> sa.Select[Any]:
    return statement.where(queries.is_open() if value == "open" else Lead.state == value)


def _of_kind(statement: sa.Select[Any], value: str) -> sa.Select[Any]:
    return statement.where(queries.of_interest(row_id(value) or -1))


class LeadView(RecordView):
    """Leads: one list, the same as a board by state, the study and the new lead, and the page of each lead."""

    model = Lead
    page_url = "/leads"
    page_endpoint = "leads_lead"
    permission = queries.READ
    permission_create = services.DOCUMENT
    menu_title = _l("Leads")
    menu_group = "marketing"
    menu_order = 20
    menu_icon = "target"
    title = _l("Leads")
    help = Help(
        _l("Opportunities to have a programme funded by one of its potential donors, from the study to the outcome."),
        can=_l("Find a lead by number, programme or donor; log contacts; bring probability and next action up to date; record the written pledge."),
        decides=_l("The CRM manager finds opportunities and sets their outcome; the employee documents them; CRM and resource development contact donors."),
        then=_l("The first logged contact begins the follow-up, the written pledge the closing; a lead is successful when the money has come."),
    )
    searchable = True
    can_view_details = False
    list_template_own = "leads/list.html"
    list_sort = "-updated_at"
    list_file = exports.LEADS
    list_columns = (
        ListColumn("number", _l("Number"), "code", link=RowLink("leads_lead.lead", "id")),
        ListColumn("programme", _l("Programme"), value=lambda row: row.programme.name),
        ListColumn("donors", _l("Donors"), "name", value=lambda row: row.shown.donors, permission=PERSONAL, masked=lambda row: HIDDEN),
        ListColumn("state", _l("State"), "state", choices=domain.states()),
        ListColumn("probability", _l("Probability %"), "integer", sort=Lead.probability),
        ListColumn("expected", _l("Expected"), "money", value=lambda row: row.expected),
        ListColumn("weighted", _l("Weighted value"), "money", value=lambda row: row.shown.weighted),
        ListColumn("next_action_on", _l("Next action on"), "date"),
        ListColumn("updated_at", _l("Updated"), "moment", sort=Lead.updated_at),
    )
    list_filters = (
        ListFilter("state", _l("State"), _in_state, choices=lambda session: [("open", _l("Open leads")), *domain.states().items()]),
        ListFilter("programme", _l("Programme"), by_id(Lead.programme_id), choices=lambda session: organisation.choices(session, Programme)),
        ListFilter("kind", _l("Kind of programmes"), _of_kind,
                   choices=lambda session: [(str(one.id), one.name) for one in queries.interests(session, active=False)]),
        ListFilter("due", _l("Next action is due"), lambda statement, value: statement.where(queries.is_open(), Lead.next_action_on <= values.today()),
                   kind="yes"),
        ListFilter("quiet", _l("Without an update for more than 7 days"), lambda statement, value: statement.where(queries.quiet(work.now(), values.zone())),
                   kind="yes"),
        ListFilter("funded", _l("The money is there"), lambda statement, value: statement.where(queries.funded()), kind="yes"),
    )

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        page.describe(session, rows, actor)

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return queries.scope(statement, actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return queries.matching(statement, session, text, actor)

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".lead", id=self.one(request.args.get("id", "")).id))

    @expose("/board")
    def board(self) -> Any:
        """The same leads by state, under the same filters; on a phone one state at a time."""
        actor, session = current_actor(), self.session_now
        asked = self.engine.read_request(request.args, actor)
        shown = self.engine.page(session, self.scoped(actor), request.args, actor, size=1)
        columns = page.board(session, self.engine.narrowed(session, self.scoped(actor), asked, actor), actor)
        one = request.args.get("show", "")
        return self.show("leads/board.html", page=shown, columns=columns, one=one if one in domain.states() else domain.IDENTIFIED, actor=actor,
                         filters=self.engine.usable_filters(actor), weighted=page.sums((lead for column in columns for lead in column.leads
                                                                                       if lead.ended_at is None), page.weighted),
                         filter_options={each.key: each.options(session) for each in self.engine.usable_filters(actor)},
                         quiet_words=page.quiet_words, creatable=actor.may(services.DOCUMENT))

    # --- the study and the new lead -----------------------------------------------------------------------------------

    @expose("/identify", methods=("GET", "POST"))
    @needs(services.IDENTIFY, rule="LEAD-17")
    def identify(self) -> Any:
        form = StudyForm()
        form.programme_id.choices = programme_choices(self.session_now)
        if request.method == "POST" and form.validate():
            try:
                with writing() as session:
                    made = services.identify(session, title=form.title.data or "", text=form.text.data or "", programme_id=form.programme_id.data,
                                             operation_key=form.operation_key.data or None, actor=current_actor(), now=work.now())
                    number = made.number
                flash(_("The study %(number)s is saved; the employee finds it in the inbox and documents the lead.", number=isolate(number)), "success")
                return redirect(url_for(".index_view"))
            except InvalidInput as error:
                show_faults(form, error)
        return self.show("leads/identify.html", form=form), 422 if request.method == "POST" else 200

    @expose("/new", methods=("GET", "POST"))
    @needs(services.DOCUMENT, rule="LEAD-18")
    def create_view(self) -> Any:
        """Document a lead from a study; what was documented already is shown."""
        session, actor = self.session_now, current_actor()
        given = row_id(request.args.get("study"))
        study = services.study_for(session, given) if given is not None else None
        if request.method == "GET" and study is not None and (done := queries.lead_of_study(session, study)) is not None:
            return redirect(url_for(".lead", id=done.id))
        form = lead_form(session, **self._begun(study))
        if request.method == "POST" and "look" not in request.form and form.validate():
            try:
                return self._documented(form)
            except InvalidInput as error:
                show_faults(form, error)
        chosen = services.study_for(session, form.study_id.data) if form.study_id.data else None
        proposed = queries.proposed_for(session, form.programme_id.data, actor) if form.programme_id.data else []
        item = queries.newest_item(session, form.programme_id.data) if form.programme_id.data else None
        answered = request.method == "POST" and "look" not in request.form
        return self.show("leads/new.html", form=form, study=chosen, proposed=proposed, item=item, ticked=set(request.form.getlist("donor")),
                         personal=actor.may(PERSONAL), waiting=queries.studies_waiting(session)), 422 if answered else 200

    def _begun(self, study: Any) -> dict[str, Any]:
        """What is known before anybody types: the study's programme and what that needs."""
        programme_id = row_id(request.args.get("programme")) or (study.programme_id if study is not None else None)
        item = queries.newest_item(self.session_now, programme_id) if programme_id is not None else None
        return {"study_id": study.id if study is not None else None, "programme_id": programme_id,
                "amount": str(item.needed.amount) if item is not None else "",
                "currency": item.currency if item is not None else settings.currency(self.session_now)}

    def _documented(self, form: LeadForm) -> Any:
        with writing() as session:
            study = services.study_for(session, form.study_id.data) if form.study_id.data else None
            made = services.document(
                session, study, programme_id=form.programme_id.data, donors=numbers(" ".join([form.donors.data or "", *request.form.getlist("donor")])),
                probability=form.probability.data, factors=form.factors.data or "", expected=money(form.amount.data, form.currency.data),
                next_action=form.next_action.data or "", next_action_on=form.next_action_on.data, operation_key=form.operation_key.data or None,
                actor=current_actor(), now=work.now())
            lead_id, number = made.id, made.number
        flash(_("The lead %(number)s is documented.", number=isolate(number)), "success")
        return redirect(url_for(".lead", id=lead_id))

    # --- one lead -----------------------------------------------------------------------------------------------------

    @expose("/<int:id>")
    def lead(self, id: int) -> Any:
        return self._lead(services.lead_for(self.session_now, id, current_actor()))

    def _lead(self, lead: Lead, sent: Mapping[str, Any] | None = None, status: int = 200, ask: str = "") -> Any:
        """The lead's page; ``sent`` holds the form that was refused, by its act, ``ask`` the donor whom somebody else contacts."""
        session, actor, now = self.session_now, current_actor(), work.now()
        page.describe(session, [lead], actor)
        forms = {act: form_of(session, act, lead, now=now) for act in services.acts(session, lead, actor) if actor.may(PERSONAL) or act not in NAMED}
        forms.update(sent or {})
        return self.show("leads/lead.html", lead=lead, forms=forms, refused=set(sent or ()), asked=request.args.get("act", ""), titles=TITLES,
                         channels=domain.channels(), states=domain.states(), gates=domain.GATES, ask=ask, named=persons.named,
                         **page.lead_page(session, lead, actor)), status

    @expose(f"/<int:id>/<any({', '.join(FORMS)}):act>", methods=("POST",))
    def do(self, id: int, act: str) -> Any:
        """One act on a lead: its form, its file on disk, then its service; faults stand beside the fields, with what was typed."""
        refuse_without(services.NEEDS[act])
        lead = services.lead_for(self.session_now, id, current_actor())
        form = form_of(self.session_now, act, lead, now=work.now(), sent=True)
        status = attempt(form, lambda: self._act(id, act, form))
        if status is None:
            flash(TOLD[act], "success")
            return redirect(url_for(".lead", id=id))
        ask = page.to_be_asked(self.session_now, form, current_actor()) if status == NotAllowed.status else ""
        return self._lead(services.lead_for(self.session_now, id, current_actor()), {act: form}, status, ask)

    def _act(self, id: int, act: str, form: DiwanForm) -> None:
        stored = stored_upload(form.file.data) if "file" in form else None
        self._done(id, lambda session, own, given: ACTS[act](session, own, form, given, stored))

    def _done(self, id: int, act: Callable[[Session, Lead, dict[str, Any]], Any]) -> None:
        with writing() as session:
            lead = services.lead_for(session, id, current_actor())
            with audit.about(lead):
                act(session, lead, {"actor": current_actor(), "now": work.now()})

    @expose("/<int:id>/files/<int:file_id>")
    @needs(PERSONAL, rule="CUST-34")
    def file(self, id: int, file_id: int) -> Response:
        """The written pledge, as a download."""
        lead = services.lead_for(self.session_now, id, current_actor())
        return download_of(self.session_now, lead, file_id)

    @expose("/<int:id>/contacts/<int:contact_id>/<int:file_id>")
    @needs(PERSONAL, rule="CUST-34")
    def handed(self, id: int, contact_id: int, file_id: int) -> Response:
        """What a donor was given to read, as a download."""
        lead = services.lead_for(self.session_now, id, current_actor())
        contact = next((one for one in queries.contacts_of(self.session_now, lead) if one.id == contact_id), None)
        return download_of(self.session_now, contact or Contact(id=0), file_id)


# --- the acts of a lead's page -------------------------------------------------------------------------------------------


NAMED = ("contact", "pledge")
"""Acts whose forms name the donors."""
TITLES = {
    "contact": Title(_l("Log a contact"), _l("Save the contact"), "phone-call"),
    "estimate": Title(_l("Probability and next action"), _l("Save"), "chart-bar"),
    "pledge": Title(_l("Written pledge: closing"), _l("Record the pledge"), "writing-sign"),
    "succeed": Title(_l("The money is there"), _l("Set to successful"), "check"),
    "donor": Title(_l("Another potential donor"), _l("Add the donor"), "heart"),
    "withdraw": Title(_l("The pledge was withdrawn"), _l("Back to follow-up"), "arrow-back-up"),
    "cancel": Title(_l("Cancel the lead"), _l("Cancel the lead"), "ban"),
}
TOLD = {
    "contact": _l("The contact is in the log."), "estimate": _l("The lead is up to date; what it was stays in its history."),
    "pledge": _l("The pledge is recorded; the lead is closing."), "succeed": _l("The lead is successful."), "donor": _l("The donor is added."),
    "withdraw": _l("The pledge is off; the lead is in follow-up again."), "cancel": _l("The lead is cancelled."),
}
ACTS: dict[str, Act] = {
    "contact": lambda session, lead, form, given, stored: services.contact(
        session, lead, customer_id=form.customer_id.data, channel=form.channel.data or "", summary=form.summary.data or "",
        contacted_at=form.contacted_at.data, document=form.document.data or "", stored=stored, operation_key=form.operation_key.data or None, **given),
    "estimate": lambda session, lead, form, given, stored: services.estimate(
        session, lead, probability=form.probability.data, factors=form.factors.data or "", expected=money(form.amount.data, form.currency.data),
        next_action=form.next_action.data or "", next_action_on=form.next_action_on.data, operation_key=form.operation_key.data or None, **given),
    "pledge": lambda session, lead, form, given, stored: services.pledge(
        session, lead, stored, customer_id=form.customer_id.data, signed_on=form.signed_on.data, signatory=form.signatory.data or "",
        amount=money(form.amount.data, form.currency.data), schedule=form.schedule.data or "", operation_key=form.operation_key.data or None, **given),
    "succeed": lambda session, lead, form, given, stored: services.succeed(session, lead, **given),
    "donor": lambda session, lead, form, given, stored: services.add_donor(session, lead, form.customer_number.data or "", **given),
    "withdraw": lambda session, lead, form, given, stored: services.withdraw(session, lead, form.reason.data or "", **given),
    "cancel": lambda session, lead, form, given, stored: services.cancel(session, lead, form.reason.data or "", **given),
}
