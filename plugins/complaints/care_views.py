"""Pages beside the log: contacts some months after an event, and who has learnt to handle complaints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import Select
from sqlalchemy.orm import Session
from wtforms import BooleanField, DateField, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from core import settings, work
from core.admin.forms import DiwanForm
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter
from core.admin.records import RecordView
from core.admin.views import current_actor
from core.auth import queries as people
from core.auth.actor import Actor
from core.calendar import local_day
from core.consent import services as consent
from core.database import db
from core.i18n import lazy_gettext as _l
from plugins.complaints import contacts, domain, training
from plugins.complaints.forms import AUTO, LTR, choices, whole
from plugins.complaints.models import Contact, Training
from plugins.complaints.page import HIDDEN
from plugins.complaints.queries import PERSONAL


class PlanForm(DiwanForm):
    """Which customer, after what, and after how many months."""

    customer_number = StringField(_l("Customer number"), [InputRequired()], render_kw=LTR)
    event = StringField(_l("After what"), [InputRequired(), Length(max=contacts.LONGEST_EVENT)], render_kw=AUTO)
    event_on = DateField(_l("Day of the event"), [InputRequired()], render_kw={"dir": "ltr"})
    after_3 = BooleanField(_l("After 3 months"), default=True)
    after_6 = BooleanField(_l("After 6 months"), default=True)
    after_12 = BooleanField(_l("After 12 months"), default=True)


class SettleForm(DiwanForm):
    state = RadioField(_l("What came of it"), validate_choice=False,
                       choices=choices([(contacts.DONE, _l("The customer was contacted")), (contacts.DROPPED, _l("No contact is needed"))]))
    channel = SelectField(_l("Contacted by"), [Optional()], validate_choice=False, choices=choices(domain.channels().items(), _l("None")))
    outcome = TextAreaField(_l("What the customer said, or why it is not needed"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})


def _due(statement: Select[Any], value: str) -> Select[Any]:
    return statement.where(contacts.due(local_day(work.now(), settings.time_zone(work.real(db.session)))))


class ContactsView(RecordView):
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
    permission, permission_create, permission_change = "complaints.read", contacts.HANDLE, contacts.HANDLE
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
        ListFilter("state", _l("State"), lambda query, value: query.where(Contact.state == value), choices=tuple(contacts.STATES.items())),
        ListFilter("due", _l("Due by today"), _due, kind="yes"),
    )
    list_sort = "due_on"
    empty_text = _l("No contact is planned.")
    form_create, form_change = PlanForm, SettleForm
    change_with = staticmethod(contacts.settle)

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        return contacts.scope(statement, actor)

    def describe(self, record: Any) -> str:
        one = record[0] if isinstance(record, list) else record
        return f"{one.customer.number} · {one.due_on:%Y-%m-%d}"

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        if request.method == "GET":
            form.customer_number.data = request.args.get("customer", "")[:80]
        return form

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


class TrainingForm(DiwanForm):
    user_id = SelectField(_l("Person"), [InputRequired()], coerce=whole, validate_choice=False)
    topic = StringField(_l("Training"), [InputRequired(), Length(max=training.LONGEST_TOPIC)], render_kw=AUTO)
    held_on = DateField(_l("Day"), [InputRequired()], render_kw={"dir": "ltr"})


class TrainingView(RecordView):
    """Trainings in handling complaints, with who writes entries down and has none."""

    model, page_url, page_endpoint = Training, "/complaints/training", "complaints_training"
    title = menu_title = _l("Training in handling complaints")
    title_new = _l("Record a training")
    menu_group = "complaints"
    menu_order = 50
    menu_icon = "school"
    help = Help(
        _l("Who has learnt to handle complaints: the manual asks it of whoever writes them down (5.1.9)."),
        can=_l("Record a training of a person, and see who writes entries down without one."),
        decides=_l("Whoever has the permission to keep causes and settings of the log."),
        then=_l("Who writes entries down without a training reads so at the intake; nobody is kept from helping a caller."),
    )
    permission = permission_create = training.MANAGE
    list_columns = (
        ListColumn("person", _l("Person"), "name", value=lambda row: row.person.name), ListColumn("topic", _l("Training"), sort=Training.topic),
        ListColumn("held_on", _l("Day"), "date", sort=Training.held_on),
    )
    list_sort = "-held_on"
    list_template_own = "complaints/training_list.html"
    empty_text = _l("No training is recorded.")
    form_create = TrainingForm
    create_with = staticmethod(training.record)

    def describe(self, record: Any) -> str:
        return f"{record.person.name} · {record.topic}"

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        form.user_id.choices = choices(sorted(((one.id, str(one.name)) for one in people.people(self.session_now)), key=lambda pair: pair[1]), _l("None"))
        return form

    def show(self, template: str, **context: Any) -> str:
        return super().show(template, untrained=training.untrained(self.session_now), **context)
