"""Contact persons of donors as pages: the list, and for each donor who speaks with him, since when, and who may once in his place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import work
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import current_actor, expose, needs, show_faults, writing
from core.auth import queries as staff
from core.auth.actor import Actor
from core.consent.domain import purposes
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import AppError, Conflict, InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import row_id
from plugins.leads import domain, page, persons
from plugins.leads.forms import ask_form, person_form
from plugins.leads.models import ContactPerson

READ = "leads.persons"
TONES = {domain.PROPOSED: "act", domain.APPROVED: "good", domain.REJECTED: "bad", domain.ENDED: ""}


class PersonView(RecordView):
    """Who speaks with which donor, and the page of one donor with all that can be done about it."""

    model, page_url, page_endpoint = ContactPerson, "/leads/persons", "leads_persons"
    permission = READ
    title = menu_title = _l("Contact persons")
    menu_group, menu_order = "marketing", 26
    menu_icon = "user-check"
    help = Help(
        _l("Each donor has one approved contact person of customer relations or resource development; nobody else calls, writes to or lists him."),
        can=_l("Propose a contact person; approve or reject one; ask for a permission to contact a donor once, and give it."),
        decides=_l("The secretary of the sub-council approves. A contact by somebody else needs three permissions: of the CRM manager, of resource"
                   " development and of the secretary."),
        then=_l("From the approval on every other contact is refused and logged. A permission is used up by the contact that it was given for."),
    )
    list_columns = (
        ListColumn("customer", _l("Donor"), "name", value=lambda row: row.customer.name, link=lambda row: url_for("leads_persons.donor",
                                                                                                              number=row.customer.number)),
        ListColumn("number", _l("Customer number"), "number", value=lambda row: row.customer.number),
        ListColumn("user", _l("Contact person"), value=lambda row: persons.named(row.user)),
        ListColumn("state", _l("State"), "state", choices=domain.appointments()),
        ListColumn("proposed_at", _l("Proposed"), "moment", sort=ContactPerson.proposed_at),
        ListColumn("decided_at", _l("Decided"), "moment"),
        ListColumn("ended_at", _l("Until"), "moment"),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(ContactPerson.state), choices=domain.appointments()),
        ListFilter("person", _l("Contact person"), lambda statement, value: statement.where(ContactPerson.user_id == (row_id(value) or -1)),
                   choices=lambda session: [(str(one.id), persons.named(one)) for one in persons.candidates(session)]),
    )
    list_sort = "-proposed_at"
    list_template_own = "leads/persons.html"
    empty_text = _l("No donor has a contact person yet.")
    searchable = True
    can_view_details = False

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        """Those of donors whom this person may read; whoever decides reads all."""
        if _decides(actor):
            return statement
        return statement.where(ContactPerson.customer_id.in_(customers.scope(sa.select(Customer.id), actor)))

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return statement.where(customers.whose(session, ContactPerson.customer_id, text, actor))

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".donor", number=self.one(request.args.get("id", "")).customer.number))

    @expose("/find", methods=("GET",))
    def find_donor(self) -> Any:
        """From a number that was typed to the donor's page."""
        try:
            found = customers.readable(self.session_now, request.args.get("number", "").strip(), current_actor())
        except InvalidInput as error:
            flash(str(error.message), "warning")
            return redirect(url_for(".index_view"))
        return redirect(url_for(".donor", number=found.number))

    # --- one donor ----------------------------------------------------------------------------------------------------

    @expose("/<number>")
    def donor(self, number: str) -> Any:
        return self._donor(self._readable(number))

    def _donor(self, customer: Customer, status: int = 200, **sent: Any) -> Any:
        session, actor = self.session_now, current_actor()
        history, requests = persons.history_of(session, customer.id), persons.requests_of(session, customer.id)
        now_it = next((one for one in history if one.state == domain.APPROVED), None)
        proposed = next((one for one in history if one.state == domain.PROPOSED), None)
        grants = persons.grants_of(session, requests)
        people = staff.names_of(session, [*(one.proposed_by_id for one in history), *(one.decided_by_id for one in history),
                                           *(one.refused_by_id for one in requests),
                                           *(grant.given_by_id for parts in grants.values() for grant in parts.values())])
        may_ask = actor.may(persons.ASK) and now_it is not None and now_it.user_id != actor.user_id
        forms = {"person": person_form(session) if actor.may(persons.APPOINT) and proposed is None else None,
                 "ask": ask_form(request.args.get("purpose", "")) if may_ask else None, **sent}
        return self.show("leads/person.html", customer=customer, history=history, now_it=now_it, proposed=proposed, requests=requests, grants=grants,
                         people=people, forms=forms, refused=set(sent), states=domain.appointments(), tones=TONES, purposes=purposes(), named=persons.named,
                         parts=page.parts_of(session), mine={one.id: persons.parts_for(session, one, actor) for one in requests},
                         may_appoint=actor.may(persons.APPOINT), may_decide=proposed is not None and page.may_approve(session, proposed, actor),
                         actor=actor), status

    @expose("/appointments/<int:id>")
    def appointment(self, id: int) -> Any:
        return redirect(url_for(".donor", number=self._readable(persons.person_for(self.session_now, id).customer.number).number))

    @expose("/requests/<int:id>")
    def request_page(self, id: int) -> Any:
        donor = self._readable(persons.request_for(self.session_now, id).customer.number)
        return redirect(url_for(".donor", number=donor.number, _anchor=f"request-{id}"))

    @expose("/<number>/propose", methods=("POST",))
    @needs(persons.APPOINT, rule="LEAD-21")
    def propose(self, number: str) -> Any:
        customer, form = self._readable(number), person_form(self.session_now, sent=True)
        return self._sent(customer, "person", form, _("The proposal waits for the secretary of the sub-council."), lambda session: persons.propose(
            session, customer_number=customer.number, user_id=form.user_id.data, reason=form.reason.data or "",
            operation_key=form.operation_key.data or None, actor=current_actor(), now=work.now()))

    @expose("/<number>/ask", methods=("POST",))
    @needs(persons.ASK, rule="LEAD-22")
    def ask(self, number: str) -> Any:
        customer, form = self._readable(number), ask_form(sent=True)
        return self._sent(customer, "ask", form, _("The request stands in the three inboxes."), lambda session: persons.ask(
            session, customer_number=customer.number, purpose=form.purpose.data or "", reason=form.reason.data or "",
            operation_key=form.operation_key.data or None, actor=current_actor(), now=work.now()))

    def _sent(self, customer: Customer, name: str, form: Any, told: str, act: Callable[[Session], Any]) -> Any:
        """A form of the donor's page: done and told, or shown again with its faults."""
        fault: AppError | None = None
        if form.validate():
            try:
                with writing() as session:
                    act(session)
                flash(told, "success")
                return redirect(url_for(".donor", number=customer.number))
            except (InvalidInput, Conflict) as error:
                show_faults(form, error)
                fault = error
        return self._donor(self._readable(customer.number), fault.status if fault is not None else InvalidInput.status, **{name: form})

    @expose("/appointments/<int:id>/<any(approve, reject):act>", methods=("POST",))
    @needs(persons.APPROVE, rule="LEAD-21")
    def decide(self, id: int, act: str) -> Any:
        with writing() as session:
            one = persons.person_for(session, id)
            given: dict[str, Any] = {"actor": current_actor(), "now": work.now()}
            if act == "approve":
                persons.approve(session, one, **given)
            else:
                persons.reject(session, one, request.form.get("reason", ""), **given)
            number = one.customer.number
        flash(_("The contact person is approved.") if act == "approve" else _("The proposal is rejected."), "success")
        return redirect(url_for(".donor", number=number))

    @expose("/appointments/<int:id>/end", methods=("POST",))
    @needs(persons.APPOINT, rule="LEAD-21")
    def end(self, id: int) -> Any:
        with writing() as session:
            one = persons.end(session, persons.person_for(session, id), request.form.get("reason", ""), actor=current_actor(), now=work.now())
            number = one.customer.number
        flash(_("The appointment is ended; the donor has no contact person now."), "success")
        return redirect(url_for(".donor", number=number))

    @expose("/requests/<int:id>/<any(permit, refuse):act>", methods=("POST",))
    @needs(persons.PERMIT, rule="LEAD-22")
    def answer(self, id: int, act: str) -> Any:
        with writing() as session:
            one = persons.request_for(session, id)
            given: dict[str, Any] = {"actor": current_actor(), "now": work.now()}
            if act == "permit":
                persons.permit(session, one, row_id(request.form.get("part")) or 0, **given)
            else:
                persons.refuse(session, one, request.form.get("reason", ""), **given)
            number, whole = one.customer.number, one.permitted_at is not None
        flash(_("All three permissions are given: the donor may be contacted once.") if whole else _("Your permission is recorded.") if act == "permit"
              else _("The request is refused."), "success")
        return redirect(url_for(".donor", number=number, _anchor=f"request-{id}"))

    def _readable(self, number: str) -> Customer:
        """The donor with this number, for whoever may read him or decides about his contact person."""
        found, actor = customers.by_number(self.session_now, number[:80]), current_actor()
        if found is None or not (_decides(actor) or customers.may_read(self.session_now, found.id, actor)):
            raise NotFound(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                           rule="CUST-37")
        return found


def _decides(actor: Actor) -> bool:
    return actor.may(persons.APPROVE) or actor.may(persons.PERMIT)
