"""Contacts some months after an event, as pages (CMPL-27)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session
from wtforms import Form

from core import work
from core.admin import values
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import current_actor
from core.auth.actor import Actor
from core.consent import services as consent
from core.customers.shown import HIDDEN
from core.i18n import lazy_gettext as _l
from plugins.complaints import contacts
from plugins.complaints.forms import PlanForm, SettleForm
from plugins.complaints.models import Contact
from plugins.complaints.queries import PERSONAL, READ


class ContactView(RecordView):
    """Contacts that are planned, each settled on its own page by the department that planned it."""

    model, page_url, page_endpoint = Contact, "/complaints/contacts", "complaints_contacts"
    title = menu_title = _l("Later contacts")
    title_new = _l("Plan contacts")
    menu_group = "complaints"
    menu_order = 15
    menu_icon = "calendar-event"
    help = Help(
        _l("Contacts with a customer 3, 6 and 12 months after an event: an answer, a service, a visit."),
        can=_l("Plan contacts for a customer, see which are due, and write down what the customer said."),
        decides=_l("Whoever studies and answers entries plans them; the department that planned a contact makes it."),
        then=_l("A contact that is due stands on “My day” until it is made, or until somebody writes why it is not needed."),
    )
    permission, permission_create, permission_change = READ, contacts.HANDLE, contacts.HANDLE
    list_columns = (
        ListColumn("due_on", _l("Due"), "date", sort=Contact.due_on),
        ListColumn("customer", _l("Customer"), "name", value=lambda row: row.customer.name, permission=PERSONAL, masked=lambda row: HIDDEN),
        ListColumn("number", _l("Customer number"), "number", value=lambda row: row.customer.number),
        ListColumn("event", _l("After what"), value=lambda row: row.event, permission=PERSONAL, masked=lambda row: HIDDEN),
        ListColumn("months", _l("Months after"), "integer"),
        ListColumn("state", _l("State"), "choice", choices=contacts.STATES),
        ListColumn("outcome", _l("What the customer said, or why it is not needed"), permission=PERSONAL, masked=lambda row: HIDDEN if row.outcome else None),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(Contact.state), choices=contacts.STATES),
        ListFilter("due", _l("Due by today"), lambda statement, value: statement.where(contacts.due(values.today())), kind="yes"),
    )
    list_sort = "due_on"
    empty_text = _l("No contact is planned.")
    form_create, form_change = PlanForm, SettleForm
    form_begins = {"customer_number": "customer"}
    change_with = contacts.settle

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        return contacts.scope(statement, actor)

    def describe(self, record: Any) -> str:
        one = record[0] if isinstance(record, list) else record
        return f"{one.customer.number} · {one.due_on:%Y-%m-%d}"

    def create_record(self, session: Session, form: Any, *, actor: Actor, now: datetime) -> Any:
        chosen = [one for one in contacts.MONTHS if form[f"after_{one}"].data]
        return contacts.plan(session, customer_number=form.customer_number.data, event=form.event.data, event_on=form.event_on.data, months=chosen,
                             operation_key=form.operation_key.data, actor=actor, now=now)

    def edit_form(self, obj: Any = None) -> Form:
        """Before somebody calls, the page says by which channel, the preferred one first, and what speaks against the others (CALL-10, CUST-27)."""
        form = super().edit_form(obj)
        if obj is not None:
            offered = consent.channels_for(self.session_now, obj.customer, contacts.PURPOSE, actor=current_actor(), now=work.now())
            order = {one.channel: place for place, one in enumerate(offered)}
            form.channel.choices = [form.channel.choices[0], *sorted(form.channel.choices[1:], key=lambda one: order.get(one.value, len(order)))]
            form.channel.description = " ".join(f"{one.title}: {reason}" for one in offered for reason in one.objections)
        return form
