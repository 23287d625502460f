"""The shape of the finance forms; what the values mean is judged by the services."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from core import settings
from core.admin.forms import DiwanForm
from core.finance import queries
from core.finance.domain import CONTENTS, METHODS
from core.finance.layouts import LAYOUTS
from core.i18n import lazy_gettext as _l
from core.money import currencies
from core.organisation.queries import active_programmes

METHOD_CHOICES = [SelectChoice(code, title) for code, title in METHODS.items()]
LTR, AUTO = {"dir": "ltr"}, {"dir": "auto"}
NEEDED = InputRequired(_l("This is needed."))


class MoneyForm(DiwanForm):
    """What contributions and pledges are asked alike."""

    customer_number = StringField(_l("Customer number"), validators=[NEEDED], render_kw=LTR)
    amount = StringField(_l("Amount"), validators=[NEEDED], render_kw={**LTR, "inputmode": "decimal"})
    currency = SelectField(_l("Currency"), choices=[SelectChoice(code, title) for code, title in currencies()], validate_choice=False,
                           render_kw={"data-choose": ""})
    programme_id = SelectField(_l("Programme"), validate_choice=False)
    fund = SelectField(_l("Fund"), validate_choice=False, description=_l("Left empty, the programme's own fund."))
    reference = StringField(_l("Reference"), render_kw=LTR, description=_l("Of the transfer or receipt; left empty, a number is given."))
    memo = StringField(_l("Memo"), render_kw=AUTO)


class ContributionForm(MoneyForm):
    received_on = DateField(_l("Received on"), validators=[InputRequired(_l("Give the day as in 2026-11-22."))], render_kw=LTR)
    method = SelectField(_l("Way of paying"), choices=METHOD_CHOICES)


class PledgeForm(MoneyForm):
    promised_on = DateField(_l("Promised on"), validators=[InputRequired(_l("Give the day as in 2026-11-22."))], render_kw=LTR)
    due_on = DateField(_l("To be given by"), validators=[Optional()], render_kw=LTR)


class RefundForm(DiwanForm):
    amount = StringField(_l("Amount given back"), validators=[NEEDED], render_kw={**LTR, "inputmode": "decimal"})
    received_on = DateField(_l("Given back on"), validators=[InputRequired(_l("Give the day as in 2026-11-22."))], render_kw=LTR)
    method = SelectField(_l("Way of paying"), choices=METHOD_CHOICES)
    reference = StringField(_l("Reference"), render_kw=LTR)
    memo = StringField(_l("Memo"), render_kw=AUTO)


class CompleteForm(DiwanForm):
    """What a batch may lack."""

    programme_id = SelectField(_l("Programme"), validate_choice=False)
    fund = SelectField(_l("Fund"), validate_choice=False)
    method = SelectField(_l("Way of paying"), choices=METHOD_CHOICES)
    memo = StringField(_l("Memo"), render_kw=AUTO)


class BatchForm(DiwanForm):
    """Period, content and layout of a preview; sent by GET, so that a preview has an address."""

    class Meta:
        csrf = False

    from_on = DateField(_l("From"), validators=[InputRequired(_l("Give the day as in 2026-11-22."))], render_kw=LTR)
    until_on = DateField(_l("Until"), validators=[InputRequired(_l("Give the day as in 2026-11-22."))], render_kw=LTR)
    content = SelectField(_l("What"), choices=[SelectChoice(code, title) for code, title in CONTENTS.items()])
    layout = SelectField(_l("Layout"), choices=[SelectChoice(one.code, one.title) for one in LAYOUTS.values()])
    currency = SelectField(_l("Only this currency"), choices=[SelectChoice("", _l("All")), *(SelectChoice(code, title) for code, title in currencies())],
                           validate_choice=False, render_kw={"data-choose": ""})
    fund = SelectField(_l("Only this fund"), validate_choice=False)


class FundForm(DiwanForm):
    code = StringField(_l("Code"), render_kw=LTR, description=_l("Accounts are set by it, so it stays as it is."))
    name_ar = StringField(_l("Arabic name"), validators=[NEEDED], render_kw=AUTO)
    name_en = StringField(_l("English name"), render_kw=LTR)


def fill_choices(form: Any, session: Session, record: Any = None) -> None:
    """Programmes and funds in use, and the association's currency where none is given."""
    if "programme_id" in form:
        programmes = active_programmes(session, keep=record.programme_id if record else None)
        form.programme_id.choices = [SelectChoice("", _l("None")), *(SelectChoice(str(one.id), one.name) for one in programmes)]
    if "fund" in form:
        found = queries.funds(session, keep=record.fund_id if record else None)
        form.fund.choices = [SelectChoice("", _l("All") if isinstance(form, BatchForm) else _l("None")), *(SelectChoice(one.code, one.name) for one in found)]
    if isinstance(form, MoneyForm) and not form.currency.data:
        form.currency.data = settings.currency(session)
