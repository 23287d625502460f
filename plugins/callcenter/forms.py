"""The shape of what staff type of calls; what it means is judged by the services."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session
from wtforms import DateTimeLocalField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from core import settings
from core.admin import values
from core.admin.forms import DiwanForm
from core.auth import queries as people
from core.i18n import lazy_gettext as _l
from core.text import isolate, normalise_digits, without_marks
from plugins.callcenter import domain

AUTO, LTR = {"dir": "auto", "autocomplete": "off"}, {"dir": "ltr", "autocomplete": "off"}
Choices = list[SelectChoice]
WAYS = ((domain.IN, domain.DIRECTIONS[domain.IN]), (domain.OUT, domain.DIRECTIONS[domain.OUT]))
KINDS = (("complaint", _l("Complaint")), ("inquiry", _l("Inquiry")), ("suggestion", _l("Suggestion")))


class MomentField(DateTimeLocalField):
    """A day and hour by the association's clock; ``data`` is the moment in UTC."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = normalise_digits(" ".join(valuelist[:1])).strip()
        try:
            super().process_formdata([typed] if typed.isascii() else ["-"] if typed else [])
            if isinstance(self.data, datetime) and self.data.tzinfo is None:
                self.data = self.data.replace(tzinfo=values.zone()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.data = None
            raise ValueError(str(_l("“%(value)s” is no day and hour of the Gregorian calendar. Write it like %(example)s.",
                                    value=isolate(typed[:40], "auto"), example=isolate("2026-09-23T14:05")))) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(" ".join(self.raw_data))
        return self.data.astimezone(values.zone()).strftime(self.format[0]) if self.data else ""


def choices(pairs: Iterable[tuple[Any, Any]], none: Any = None) -> Choices:
    """Choices of values with their labels; ``none`` is what the empty one is called, where there is one."""
    return [*([SelectChoice("", none)] if none is not None else []), *(SelectChoice(value, label) for value, label in pairs)]


class CallForm(DiwanForm):
    """A call as it is written down. ``looked`` is the caller's field as it was looked up last."""

    caller = StringField(_l("Number or name"), render_kw={**AUTO, "maxlength": 200})
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
        named = sorted(((str(one.id), str(one.name)) for one in people.people(session)), key=lambda pair: pair[1])
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


CALL_FORMS: dict[str, type[DiwanForm]] = {"entry": EntryForm, "describe": DescribeForm, "customer": CustomerForm}
CALLBACK_FORMS: dict[str, type[DiwanForm]] = {"done": DoneForm, "postpone": PostponeForm, "drop": DropForm}


def form_of(session: Session, forms: dict[str, type[DiwanForm]], act: str, *, sent: bool = False, **known: Any) -> DiwanForm:
    """The form of one act; ``sent``: filled by what this request brings, else with what is known."""
    form = forms[act](prefix=f"{act}-", data=known, **({} if sent else {"formdata": None}))
    if "subject" in form:
        form.subject.choices = subject_choices(session)
    if "result" in form:
        left_out = "callback" if act == "done" else ""
        form.result.choices = choices(((code, label) for code, label in domain.results().items() if code != left_out), _l("choose"))
    return form
