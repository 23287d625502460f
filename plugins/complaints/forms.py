"""The shape of what staff type into the log; what it means is judged by the services."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from core import settings
from core.admin import forms
from core.admin.forms import DiwanForm, MomentField, choices, whole
from core.customers.values import classes
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.text import without_marks
from plugins.complaints import contacts, domain, faq, queries, training
from plugins.complaints.models import Entry

AUTO, LTR = {"dir": "auto", "autocomplete": "off"}, {"dir": "ltr", "autocomplete": "off"}
Choices = list[SelectChoice]
ANSWERS = (("solved", _l("Solved at once")), ("callback", _l("Call-back promised")), ("study", _l("To study")))
DECISIONS = ((domain.ACCEPTED, _l("Accept it")), (domain.DECLINED, _l("Decline it")))


class IntakeForm(DiwanForm):
    """What the caller says, and what was answered. ``looked`` is the caller's field as it was looked up last."""

    caller = StringField(_l("Caller"), filters=[without_marks], render_kw={**AUTO, "maxlength": 200})
    customer_number, looked, unknown, offered = HiddenField(), HiddenField(), HiddenField(), HiddenField()
    name = StringField(_l("Name"), render_kw=AUTO)
    phone = StringField(_l("Telephone"), filters=[without_marks], render_kw={**LTR, "inputmode": "tel"})
    email = StringField(_l("E-mail"), filters=[without_marks], render_kw={**LTR, "inputmode": "email"})
    customer_class = SelectField(_l("Customer type"), validate_choice=False)
    channel = RadioField(_l("Channel"), validate_choice=False)
    kind = RadioField(_l("Kind"), validate_choice=False, choices=choices(domain.kinds().items()), default=domain.COMPLAINT)
    cause_id = SelectField(_l("Cause"), validate_choice=False)
    centre_id = SelectField(_l("Centre"), validate_choice=False)
    programme_id = SelectField(_l("Programme"), validate_choice=False)
    text = TextAreaField(_l("What the caller said"), render_kw={"rows": 4, "dir": "auto"})
    received_at = MomentField(_l("Received at"), [Optional()])
    answer_now = RadioField(_l("Answer now"), validate_choice=False, choices=choices(ANSWERS))
    answer = TextAreaField(_l("Answer that the caller was given"), render_kw={"rows": 3, "dir": "auto"})
    promised_at = MomentField(_l("Call back at"), [Optional()])
    callback_to = StringField(_l("At the number or address"), filters=[without_marks], render_kw=LTR)


def intake_form(session: Session, **data: Any) -> IntakeForm:
    """The form with today's channels, causes and places."""
    form = IntakeForm(data=data)
    offered = settings.get(session, "complaints.channels") or list(domain.channels())[:1]
    form.channel.choices = choices((code, domain.channels()[code]) for code in offered)
    form.channel.data = form.channel.data or offered[0]
    form.customer_class.choices = choices(classes(session).items(), _l("not known"))
    form.cause_id.choices = cause_choices(session)
    form.centre_id.choices = choices(((str(one.id), one.name) for one in organisation.active_centres(session)), _l("none named"))
    form.programme_id.choices = choices(((str(one.id), one.name) for one in organisation.active_programmes(session)), _l("none named"))
    return form


def cause_choices(session: Session) -> Choices:
    return choices(((str(one.id), one.name) for one in queries.causes(session)), _l("not told apart yet"))


# --- one entry -------------------------------------------------------------------------------------------------------


class PromiseForm(DiwanForm):
    promised_at = MomentField(_l("Call back at"), [Optional()])
    callback_to = StringField(_l("At the number or address"), filters=[without_marks], render_kw=LTR)


class StudyForm(DiwanForm):
    analysis = TextAreaField(_l("What the study found"), render_kw={"rows": 3, "dir": "auto"})
    helping_party = StringField(_l("Who helps to solve it"), render_kw=AUTO)
    cause_id = SelectField(_l("Cause"), coerce=whole)


class ReadyForm(DiwanForm):
    text = TextAreaField(_l("The solution"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})


class CloseForm(DiwanForm):
    answer = TextAreaField(_l("Answer that the customer was given"), render_kw={"rows": 3, "dir": "auto"})
    answer_channel = SelectField(_l("Told by"), validate_choice=False, choices=choices(domain.channels().items()))
    returned_at = MomentField(_l("Told at"), [Optional()])


class DecideForm(DiwanForm):
    decision = RadioField(_l("Decision"), validate_choice=False, choices=choices(DECISIONS))
    decision_reason = TextAreaField(_l("Reason"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class UpdateForm(DiwanForm):
    text = TextAreaField(_l("What was done today"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})
    public = BooleanField(_l("The complainant may read it"))


class ReassignForm(DiwanForm):
    department_id = SelectField(_l("Department"), coerce=whole)
    centre_id = SelectField(_l("Centre"), coerce=whole)
    reason = TextAreaField(_l("Reason"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class RemarkForm(DiwanForm):
    text = TextAreaField(_l("Remark"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class FollowUpForm(DiwanForm):
    department_id = SelectField(_l("Department"), coerce=whole)
    task = TextAreaField(_l("What is to be done"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class OutcomeForm(DiwanForm):
    outcome = TextAreaField(_l("What was done, or why not"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class CustomerForm(DiwanForm):
    customer_number = StringField(_l("Customer number"), [InputRequired()], render_kw=LTR)


FORMS: dict[str, type[DiwanForm]] = {
    "promise": PromiseForm, "study": StudyForm, "ready": ReadyForm, "close": CloseForm, "decide": DecideForm, "update": UpdateForm, "reassign": ReassignForm,
    "remark": RemarkForm, "follow-up": FollowUpForm, "customer": CustomerForm,
}


def form_of(session: Session, act: str, entry: Entry, *, now: datetime, sent: bool = False, **proposed: Any) -> DiwanForm:
    """The form of one act; ``sent``: filled by what this request brings, else with what is known of the entry or ``proposed``."""
    known = {**proposed, "cause_id": entry.cause_id, "answer_channel": entry.channel, "returned_at": now, "department_id": entry.department_id,
             "centre_id": entry.centre_id}
    form = forms.form_of(FORMS, act, sent=sent, **known)
    _fill_choices(session, form, entry)
    return form


def _fill_choices(session: Session, form: DiwanForm, entry: Entry) -> None:
    if "cause_id" in form:
        form.cause_id.choices = cause_choices(session)
    if "department_id" in form:
        form.department_id.choices = choices((one.id, one.name) for one in organisation.active_departments(session, keep=entry.department_id))
    if "centre_id" in form:
        form.centre_id.choices = choices(((one.id, one.name) for one in organisation.active_centres(session, keep=entry.centre_id)), _l("none named"))


# --- beside the log -------------------------------------------------------------------------------------------------


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


class TrainingForm(DiwanForm):
    user_id = SelectField(_l("Person"), [InputRequired()], coerce=whole, validate_choice=False)
    topic = StringField(_l("Training"), [InputRequired(), Length(max=training.LONGEST_TOPIC)], render_kw=AUTO)
    held_on = DateField(_l("Day"), [InputRequired()], render_kw={"dir": "ltr"})


class FaqForm(DiwanForm):
    question_ar = StringField(_l("Question in Arabic"), [InputRequired(), Length(max=faq.LONGEST_QUESTION)], render_kw=AUTO)
    answer_ar = TextAreaField(_l("Answer in Arabic"), [InputRequired(), Length(max=faq.LONGEST_ANSWER)], render_kw={**AUTO, "rows": 5})
    question_en = StringField(_l("Question in English"), [Optional(), Length(max=faq.LONGEST_QUESTION)], render_kw=AUTO)
    answer_en = TextAreaField(_l("Answer in English"), [Optional(), Length(max=faq.LONGEST_ANSWER)], render_kw={**AUTO, "rows": 5})
    cause_id = SelectField(_l("Cause"), [Optional()])


class NoteForm(DiwanForm):
    text = TextAreaField(_l("Note"))


class LineForm(DiwanForm):
    solution = TextAreaField(_l("Proposed solution"))
    implementation = TextAreaField(_l("How it is carried out"))
    monitoring = TextAreaField(_l("How that is watched"))
