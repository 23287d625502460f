"""The shape of the forms; what the values mean is judged by the services."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms import DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from core.admin.forms import DiwanForm
from core.i18n import lazy_gettext as _l
from core.organisation.queries import active_departments

PREFIX = "recommendation"
"""Of the fields of ``ProposeForm``, which stands on other owners' pages beside their own forms."""
LTR = {"dir": "ltr"}


class ProposeForm(DiwanForm):
    """``source`` is a signed token of the record's page; without it the form itself asks where the recommendation comes from."""

    source = HiddenField()
    text = TextAreaField(_l("What is recommended"), validators=[InputRequired(_l("Write what is recommended."))], render_kw={"rows": 3},
                         description=_l("Name no customer or complainant: every reader of recommendations reads this."))
    why = TextAreaField(_l("Why"), render_kw={"rows": 2})
    due_on = DateField(_l("To be carried out by"), validators=[Optional()], render_kw=LTR)
    department_id = SelectField(_l("Department that carries it out"), validate_choice=False)
    label = StringField(_l("Raised in"), description=_l("The meeting, report or review, as “Meeting of the management, 12 November”."))

    def fill_choices(self, session: Session, chosen: int | None) -> None:
        found = active_departments(session, keep=chosen)
        self.department_id.choices = [SelectChoice("", _l("None")), *(SelectChoice(str(one.id), one.name) for one in found)]
        if not self.is_submitted():
            self.department_id.data = str(chosen or "")

    def of_record(self, token: str) -> None:
        """The record says where it comes from: the form asks no more of that."""
        self.source.data = token
        for name in ("department_id", "label"):
            del self[name]


class DecideForm(DiwanForm):
    reason = TextAreaField(_l("Reason"), render_kw={"rows": 2}, description=_l("Needed when declining; whoever raised it reads this."))
    due_on = DateField(_l("To be carried out by"), validators=[Optional()], render_kw=LTR)


class CauseForm(DiwanForm):
    cause = TextAreaField(_l("Why it was not carried out"), validators=[InputRequired(_l("Write why it was not carried out."))], render_kw={"rows": 3})
    due_on = DateField(_l("New day to carry it out by"), validators=[Optional()], render_kw=LTR)


def given_id(field: Any) -> int | None:
    text = str(field.data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
