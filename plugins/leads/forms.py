"""The shape of what staff type on leads; what it means is judged by the services."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from wtforms import (
    DateField,
    FileField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from core import settings
from core.admin import forms
from core.admin.forms import DiwanForm, MomentField, WholeField, choices, whole
from core.consent.domain import FUNDRAISING, purposes
from core.i18n import lazy_gettext as _l
from core.money import Money, check_currency, currencies, parse_amount, plain_amount
from core.organisation import queries as organisation
from plugins.leads import domain, persons, queries
from plugins.leads.models import Lead

AUTO, LTR = {"dir": "auto", "autocomplete": "off"}, {"dir": "ltr", "autocomplete": "off"}
AMOUNT = {**LTR, "inputmode": "decimal"}
NAMELESS = _l("Without names of people: it stands in the weekly report.")
Choices = list[SelectChoice]
SEPARATORS = re.compile(r"[\s,;،؛]+")


class PercentField(WholeField):
    """A whole number of per cent, in any digits."""

    signs = "%٪ "

    def refusal(self, value: str) -> Any:
        return _l("“%(value)s” is no whole number of per cent.", value=value)


def money(amount: str | None, currency: str | None) -> Money | None:
    """The amount as typed; None where nothing was. Raises InvalidInput."""
    if not (amount or "").strip():
        return None
    code = check_currency(currency or "")
    return Money(parse_amount(str(amount), code), code)


def numbers(text: str | None) -> list[str]:
    """The customer numbers in a field: one a line, or with blanks or commas between."""
    return list(dict.fromkeys(one for one in SEPARATORS.split(text or "") if one))


def currency_field() -> SelectField:
    offered = [SelectChoice(code, title) for code, title in currencies()]
    return SelectField(_l("Currency"), choices=offered, validate_choice=False, render_kw={"data-choose": ""})


def programme_choices(session: Session, keep: int | None = None) -> Choices:
    return choices(((one.id, one.name) for one in organisation.active_programmes(session, keep=keep)), _l("none named"))


def interest_choices(session: Session) -> Choices:
    return choices(((one.id, one.name) for one in queries.interests(session)), _l("None"))


# --- from the study to the lead ----------------------------------------------------------------------------------------


class StudyForm(DiwanForm):
    title = StringField(_l("Which opportunity"), [InputRequired()], render_kw={**AUTO, "maxlength": 200})
    programme_id = SelectField(_l("Programme or activity"), [Optional()], coerce=whole, validate_choice=False)
    text = TextAreaField(_l("Study of all its aspects"), [InputRequired()], render_kw={"rows": 7, "dir": "auto"})


class LeadForm(DiwanForm):
    """What the employee documents from a study."""

    study_id = SelectField(_l("Study of the opportunity"), coerce=whole, validate_choice=False)
    programme_id = SelectField(_l("Programme or activity"), coerce=whole, validate_choice=False)
    donors = TextAreaField(_l("Numbers of the potential donors"), render_kw={"rows": 2, "dir": "ltr"})
    probability = PercentField(_l("Success probability (0–100 per cent)"))
    factors = TextAreaField(_l("Success factors"), render_kw={"rows": 3, "dir": "auto"})
    amount = StringField(_l("Expected amount"), [Optional()], render_kw=AMOUNT)
    currency = currency_field()
    next_action = StringField(_l("Next action"), [Optional()], render_kw={**AUTO, "maxlength": 300}, description=NAMELESS)
    next_action_on = DateField(_l("Day of the next action"), [Optional()], render_kw={"dir": "ltr"})


def lead_form(session: Session, **data: Any) -> LeadForm:
    form = LeadForm(data=data)
    waiting = queries.studies_waiting(session)
    form.study_id.choices = choices(((one.id, f"{one.number} · {one.title}") for one in waiting), _l("None"))
    form.programme_id.choices = programme_choices(session)
    return form


# --- one lead ----------------------------------------------------------------------------------------------------------


class ContactForm(DiwanForm):
    customer_id = SelectField(_l("Donor"), coerce=whole, validate_choice=False)
    channel = SelectField(_l("Contacted by"), validate_choice=False, choices=choices(domain.channels().items()))
    contacted_at = MomentField(_l("Contacted at"), [Optional()])
    summary = TextAreaField(_l("What the donor said"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})
    document = StringField(_l("Document on the programme that he was given"), [Optional()], render_kw={**AUTO, "maxlength": 200})
    file = FileField(_l("That document as a file"))


class EstimateForm(DiwanForm):
    probability = PercentField(_l("Success probability (0–100 per cent)"))
    factors = TextAreaField(_l("Success factors"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})
    amount = StringField(_l("Expected amount"), [Optional()], render_kw=AMOUNT)
    currency = currency_field()
    next_action = StringField(_l("Next action"), [Optional()], render_kw={**AUTO, "maxlength": 300}, description=NAMELESS)
    next_action_on = DateField(_l("Day of the next action"), [Optional()], render_kw={"dir": "ltr"})


class PledgeForm(DiwanForm):
    customer_id = SelectField(_l("Donor who accepted"), coerce=whole, validate_choice=False)
    file = FileField(_l("Written pledge"))
    signed_on = DateField(_l("Signed on"), [Optional()], render_kw={"dir": "ltr"})
    signatory = StringField(_l("Signed by"), render_kw={**AUTO, "maxlength": 200})
    amount = StringField(_l("Pledged amount"), render_kw=AMOUNT)
    currency = currency_field()
    schedule = TextAreaField(_l("Instalments"), [Optional()], render_kw={"rows": 3, "dir": "ltr", "placeholder": "2026-06-01 25000"},
                             description=_l("A line for each: day and amount. Left empty, the whole is one sum without a day."))


class DonorForm(DiwanForm):
    customer_number = StringField(_l("Customer number"), [InputRequired()], render_kw=LTR)


class WithdrawForm(DiwanForm):
    reason = TextAreaField(_l("Why the donor withdrew"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class CancelForm(DiwanForm):
    reason = TextAreaField(_l("Why the lead cannot succeed"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


class SucceedForm(DiwanForm):
    """Nothing is asked: the money is there."""


FORMS: dict[str, type[DiwanForm]] = {
    "contact": ContactForm, "estimate": EstimateForm, "pledge": PledgeForm, "donor": DonorForm, "withdraw": WithdrawForm, "succeed": SucceedForm,
    "cancel": CancelForm,
}


def form_of(session: Session, act: str, lead: Lead, *, now: datetime, sent: bool = False) -> DiwanForm:
    """The form of one act; ``sent``: filled by what this request brings, else with what is known of the lead."""
    expected = lead.expected
    known = {"probability": lead.probability, "factors": lead.factors, "next_action": lead.next_action, "next_action_on": lead.next_action_on,
             "contacted_at": now, "amount": plain_amount(expected.amount, expected.currency) if expected is not None else "",
             "currency": lead.currency or settings.currency(session)}
    form = forms.form_of(FORMS, act, sent=sent, **known)
    if "customer_id" in form:
        form.customer_id.choices = choices((one.id, f"{one.name} · {one.number}") for one in queries.living_donors(session, lead))
    return form


# --- portfolio and interests -------------------------------------------------------------------------------------------


class PortfolioForm(DiwanForm):
    received_on = DateField(_l("Received on"), [Optional()], render_kw={"dir": "ltr"})
    received_from = StringField(_l("Supplied by"), render_kw={**AUTO, "maxlength": 200})
    review = TextAreaField(_l("What the review found"), render_kw={"rows": 4, "dir": "auto"})


class ItemForm(DiwanForm):
    programme_id = SelectField(_l("Programme or activity"), coerce=whole, validate_choice=False)
    interest_id = SelectField(_l("Kind of programmes"), coerce=whole, validate_choice=False)
    amount = StringField(_l("Needed amount"), render_kw=AMOUNT)
    currency = currency_field()
    starts_on = DateField(_l("Begins"), [Optional()], render_kw={"dir": "ltr"})
    ends_on = DateField(_l("Ends"), [Optional()], render_kw={"dir": "ltr"})
    description = TextAreaField(_l("What it is"), [Optional()], render_kw={"rows": 3, "dir": "auto"})


class InterestForm(DiwanForm):
    customer_number = StringField(_l("Customer number"), [InputRequired()], render_kw=LTR)
    interest_id = SelectField(_l("Wants to fund"), [Optional()], coerce=whole, validate_choice=False)
    other = StringField(_l("Or in his own words"), [Optional()], render_kw={**AUTO, "maxlength": 200})
    note = StringField(_l("Remark"), [Optional()], render_kw={**AUTO, "maxlength": 500})


class DiscussionForm(DiwanForm):
    feasible = RadioField(_l("Result"), validate_choice=False, choices=choices((("yes", _l("Feasible")), ("no", _l("Not feasible")))))
    discussed_on = DateField(_l("Discussed on"), [Optional()], render_kw={"dir": "ltr"})
    remark = TextAreaField(_l("Remark"), [Optional()], render_kw={"rows": 2, "dir": "auto"})


class NoteForm(DiwanForm):
    text = TextAreaField(_l("Note"), [Optional()], render_kw={"rows": 4, "dir": "auto"})


# --- the donor's contact person ----------------------------------------------------------------------------------------


class PersonForm(DiwanForm):
    user_id = SelectField(_l("Contact person"), coerce=whole, validate_choice=False)
    reason = StringField(_l("Why he"), [Optional()], render_kw={**AUTO, "maxlength": 500})


class AskForm(DiwanForm):
    purpose = SelectField(_l("Purpose of the contact"), validate_choice=False)
    reason = TextAreaField(_l("Why you yourself have to contact this donor"), [InputRequired()], render_kw={"rows": 2, "dir": "auto"})


def person_form(session: Session, *, sent: bool = False) -> PersonForm:
    form = PersonForm(prefix="person-", **({} if sent else {"formdata": None}))
    form.user_id.choices = choices((one.id, persons.named(one)) for one in persons.candidates(session))
    return form


def ask_form(purpose: str = "", *, sent: bool = False) -> AskForm:
    form = AskForm(prefix="ask-", data={"purpose": purpose or FUNDRAISING}, **({} if sent else {"formdata": None}))
    form.purpose.choices = choices(purposes().items())
    return form


# --- problems, developments, improvement actions -----------------------------------------------------------------------


class ProblemForm(DiwanForm):
    customer_number = StringField(_l("Customer number"), [InputRequired()], render_kw=LTR)
    text = TextAreaField(_l("What happened, and how the donor took it"), [InputRequired()], render_kw={"rows": 4, "dir": "auto"})


class ResolveForm(DiwanForm):
    resolution = TextAreaField(_l("What was done"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})


class DevelopmentForm(DiwanForm):
    kind = RadioField(_l("Kind of development"), validate_choice=False, choices=choices(domain.developments().items()), default=domain.INTERNAL)
    happened_on = DateField(_l("Day of the development"), [InputRequired()], render_kw={"dir": "ltr"})
    text = TextAreaField(_l("What is new"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"},
                         description=_l("Without names of people; donors are named by their numbers."))
    programme_ids = SelectMultipleField(_l("Affected programmes"), [Optional()], coerce=int, validate_choice=False, render_kw={"data-choose": ""})
    donors = TextAreaField(_l("Numbers of the affected donors"), [Optional()], render_kw={"rows": 1, "dir": "ltr"})
    measure = TextAreaField(_l("Measure taken"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})


class ImprovementForm(DiwanForm):
    relation = RadioField(_l("Relation with"), validate_choice=False, choices=choices(domain.relations().items()), default="donors")
    source = StringField(_l("Whence the thought comes"), [InputRequired()], render_kw={**AUTO, "maxlength": 200},
                         description=_l("A complaint, a survey, a review, a development …"))
    action = TextAreaField(_l("Improvement action"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})
    person_id = SelectField(_l("Responsible"), [InputRequired()], coerce=whole, validate_choice=False)
    due_on = DateField(_l("Until"), [InputRequired()], render_kw={"dir": "ltr"})


class ResultForm(DiwanForm):
    result = TextAreaField(_l("What came of it"), [InputRequired()], render_kw={"rows": 3, "dir": "auto"})
