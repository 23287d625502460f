"""The shape of what staff type of calls; what it means is judged by the services."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from core import settings
from core.admin import forms as core_forms
from core.admin.forms import DiwanForm, MomentField, WholeField, choices
from core.auth import queries as staff
from core.i18n import lazy_gettext as _l
from core.text import without_marks
from plugins.callcenter import domain

AUTO, LTR = {"dir": "auto", "autocomplete": "off"}, {"dir": "ltr", "autocomplete": "off"}
Choices = list[SelectChoice]
WAYS = ((domain.IN, domain.DIRECTIONS[domain.IN]), (domain.OUT, domain.DIRECTIONS[domain.OUT]))
KINDS = (("complaint", _l("Complaint")), ("inquiry", _l("Inquiry")), ("suggestion", _l("Suggestion")))


class CallForm(DiwanForm):
    """A call as it is written down. ``looked`` is the caller's field as it was looked up last."""

    caller = StringField(_l("Number or name"), filters=[without_marks], render_kw={**AUTO, "maxlength": 200})
    customer_number, looked, unknown, offered = HiddenField(), HiddenField(), HiddenField(), HiddenField()
    name = StringField(_l("Name"), render_kw={**AUTO, "maxlength": 200})
    direction = RadioField(_l("Direction"), validate_choice=False, choices=choices(WAYS), default=domain.IN)
    subject = SelectField(_l("Subject"), validate_choice=False)
    result = SelectField(_l("Result"), validate_choice=False)
    duration = StringField(_l("Length"), render_kw={**LTR, "inputmode": "numeric", "maxlength": 10})
    note = TextAreaField(_l("Note"), render_kw={"rows": 2, "dir": "auto", "maxlength": domain.LONGEST_NOTE})
    due_at = MomentField(_l("Call back until"), [Optional()])
    callback_to = StringField(_l("At the number"), filters=[without_marks], render_kw={**LTR, "inputmode": "tel"})
    started_at = MomentField(_l("Time of the call"), [Optional()])
    agent_id = SelectField(_l("Who spoke"), validate_choice=False)


def call_form(session: Session, *, others: bool, **data: Any) -> CallForm:
    """The form with today's subjects; ``others``: also of whom a call may be written down."""
    form = CallForm(data=data)
    form.subject.choices, form.result.choices = subject_choices(session), result_choices()
    if others:
        named = sorted(((str(one.id), str(one.name)) for one in staff.people(session)), key=lambda pair: pair[1])
        form.agent_id.choices = choices(named, _l("I did"))
    else:
        del form.agent_id
    return form


def result_choices() -> Choices:
    """Results; that of a promise shows the fields of the call-back."""
    promise = {"class": "dw-by-1"}
    return [SelectChoice("", _l("choose")), *(SelectChoice(code, label, promise if code == "callback" else {}) for code, label in domain.results().items())]


def subject_choices(session: Session) -> Choices:
    known = domain.subjects()
    offered = [code for code in settings.get(session, "callcenter.subjects") or known if code in known]
    return choices(((code, known[code]) for code in offered), _l("choose"))


# --- a call, a call-back ------------------------------------------------------------------------------------------------


class DescribeForm(DiwanForm):
    subject = SelectField(_l("Subject"), validate_choice=False)
    result = SelectField(_l("Result"), validate_choice=False)
    note = TextAreaField(_l("Note"), render_kw={"rows": 3, "dir": "auto"})


class CustomerForm(DiwanForm):
    customer_number = StringField(_l("Customer number"), render_kw=LTR)


class EntryForm(DiwanForm):
    kind = RadioField(_l("Kind"), validate_choice=False, choices=choices(KINDS), default="complaint")
    text = TextAreaField(_l("What the caller said"), render_kw={"rows": 3, "dir": "auto"})


class DoneForm(DiwanForm):
    result = SelectField(_l("Result"), validate_choice=False)
    duration = StringField(_l("Length"), render_kw={**LTR, "inputmode": "numeric", "maxlength": 10})
    subject = SelectField(_l("Subject"), validate_choice=False)
    note = TextAreaField(_l("Note"), render_kw={"rows": 2, "dir": "auto"})


class PostponeForm(DiwanForm):
    due_at = MomentField(_l("Call back until"), [Optional()])


class DropForm(DiwanForm):
    reason = TextAreaField(_l("Reason"), render_kw={"rows": 2, "dir": "auto"})


# --- campaigns and reminders ---------------------------------------------------------------------------------------------


class CampaignForm(DiwanForm):
    """A campaign: a rule with its number, or customers by their numbers."""

    rule = SelectField(_l("Who is called"), validate_choice=False)
    number = WholeField(_l("The rule’s number"), [Optional()],
                        description=_l("Months or days, as the rule says; empty: as proposed there."))
    standing = BooleanField(_l("Ask the rule again every morning"), description=_l("Then the list never ends; whom the rule finds anew is added."))
    numbers = TextAreaField(_l("Customer numbers"), render_kw={"rows": 2, **LTR},
                            description=_l("Where no rule is chosen: divided by blanks, commas or lines."))
    title = StringField(_l("What the calls are about"), render_kw={**AUTO, "maxlength": 200},
                        description=_l("Without names of people. Empty: the rule’s name."))
    script = TextAreaField(_l("What is said"), render_kw={"rows": 4, "dir": "auto"})
    due_at = MomentField(_l("All are called until"), [Optional()])


class RecordForm(DiwanForm):
    """The call of a task."""

    result = SelectField(_l("Result"), validate_choice=False)
    duration = StringField(_l("Length"), render_kw={**LTR, "inputmode": "numeric", "maxlength": 10})
    note = TextAreaField(_l("Note"), render_kw={"rows": 2, "dir": "auto"})
    due_at = MomentField(_l("Call back until"), [Optional()], description=_l("Only where a call-back was promised."))


class SettleForm(DiwanForm):
    how = RadioField(_l("Without a call"), validate_choice=False,
                     choices=choices((("otherwise", _l("He was informed otherwise")), ("given_up", _l("He cannot be reached")))), default="otherwise")
    reason = TextAreaField(_l("How, or why"), render_kw={"rows": 2, "dir": "auto"})


class ReminderForm(DiwanForm):
    customer_number = StringField(_l("Customer number"), [InputRequired()], render_kw=LTR)
    kind = SelectField(_l("What it is about"), [InputRequired()], validate_choice=False)
    channel = RadioField(_l("How to remind"), validate_choice=False, default="phone",
                         choices=choices((("phone", _l("by telephone")), ("email", _l("by e-mail")))))
    about = TextAreaField(_l("What to remind of"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"}, description=_l("In a mail it stands word by word."))
    about_at = MomentField(_l("When it is"), [Optional()], description=_l("The time of the appointment, where there is one."))
    due_at = MomentField(_l("Remind at"), [InputRequired()])


class OutcomeForm(DiwanForm):
    result = SelectField(_l("What came of it"), validate_choice=False)
    duration = StringField(_l("Length of the call"), render_kw={**LTR, "inputmode": "numeric", "maxlength": 10})
    note = TextAreaField(_l("Note"), render_kw={"rows": 2, "dir": "auto"})


TASK_FORMS: dict[str, type[DiwanForm]] = {"record": RecordForm, "settle": SettleForm}
CAMPAIGN_FORMS: dict[str, type[DiwanForm]] = {"close": DropForm}
REMINDER_FORMS: dict[str, type[DiwanForm]] = {"result": OutcomeForm, "drop": DropForm}
CALL_FORMS: dict[str, type[DiwanForm]] = {"entry": EntryForm, "describe": DescribeForm, "customer": CustomerForm}
CALLBACK_FORMS: dict[str, type[DiwanForm]] = {"done": DoneForm, "postpone": PostponeForm, "drop": DropForm}


def form_of(session: Session, forms: dict[str, type[DiwanForm]], act: str, *, sent: bool = False, **known: Any) -> DiwanForm:
    """The form of one act; ``sent``: filled by what this request brings, else with what is known."""
    form = core_forms.form_of(forms, act, sent=sent, **known)
    if "subject" in form:
        form.subject.choices = subject_choices(session)
    if "result" in form:
        left_out = "callback" if act == "done" else ""
        form.result.choices = choices(((code, label) for code, label in domain.results().items() if code != left_out), _l("choose"))
    return form
