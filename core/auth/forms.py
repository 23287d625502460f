"""Forms of sign-in and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from core.admin.forms import DiwanForm
from core.auth.passwords import LONGEST
from core.auth.posts import Post
from core.i18n import lazy_gettext as _l


class LoginForm(DiwanForm):
    username = StringField(_l("User name or e-mail"), [InputRequired(_l("Write your user name."))], render_kw={"dir": "ltr", "autocomplete": "username"})
    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password."))], render_kw={"dir": "ltr", "autocomplete": "current-password"})


class CodeForm(DiwanForm):
    code = StringField(_l("Code"), [InputRequired(_l("Write the six digits, or a recovery code."))],
                       render_kw={"dir": "ltr", "autocomplete": "one-time-code", "inputmode": "numeric"})


class NewPasswordForm(DiwanForm):
    password = PasswordField(_l("New password"), [InputRequired(_l("Write a password.")), Length(max=LONGEST)],
                             render_kw={"dir": "ltr", "autocomplete": "new-password"})


class PresentPasswordForm(DiwanForm):
    present = PasswordField(_l("Present password"), [InputRequired(_l("Write your present password."))],
                            render_kw={"dir": "ltr", "autocomplete": "current-password"})


class ChangePasswordForm(NewPasswordForm, PresentPasswordForm):
    """The new one, and the present one before it counts."""


class NewFactorForm(CodeForm, PresentPasswordForm):
    """The first code of a new second factor, and the password."""


class ForgottenForm(DiwanForm):
    username = StringField(_l("User name or e-mail"), [InputRequired(_l("Write your user name."))], render_kw={"dir": "ltr", "autocomplete": "username"})


class PersonForm(DiwanForm):
    """``posts`` are the roles under their headings, for the page; the page's view sets them with the choices."""

    posts: Sequence[tuple[Any, Sequence[Post]]] = ()
    username = StringField(_l("User name"), [InputRequired(_l("Write a user name."))], render_kw={"dir": "ltr"})
    name_ar = StringField(_l("Name in Arabic"), [InputRequired(_l("The person's name is needed."))], render_kw={"dir": "auto"})
    name_en = StringField(_l("Name in English"), render_kw={"dir": "auto"})
    email = EmailField(_l("E-mail"), render_kw={"dir": "ltr"})
    phone = TelField(_l("Phone"), render_kw={"dir": "ltr"})
    kind = SelectField(_l("Employee or volunteer"), choices=[SelectChoice("employee", _l("Employee")), SelectChoice("volunteer", _l("Volunteer"))])
    department_id = SelectField(_l("Department"), validate_choice=False)
    centres = SelectMultipleField(_l("Centres"), validate_choice=False)
    roles = SelectMultipleField(_l("Roles"), validate_choice=False)
    job_description = TextAreaField(_l("Job description"), render_kw={"rows": 4, "dir": "auto"})
    assignment = TextAreaField(_l("Specific assignment"), render_kw={"rows": 3, "dir": "auto"})


class DelegationForm(DiwanForm):
    from_user = SelectField(_l("Who is away"), validate_choice=False)
    to_user = SelectField(_l("Who stands in"), [InputRequired(_l("Choose who stands in."))], validate_choice=False)
    from_on = DateField(_l("From"), [InputRequired(_l("Choose the first day."))], render_kw={"dir": "ltr"})
    until_on = DateField(_l("Until and including"), [InputRequired(_l("Choose the last day."))], render_kw={"dir": "ltr"})
    reason = StringField(_l("Reason"), render_kw={"dir": "auto"})


class TickForm(DiwanForm):
    granted = BooleanField()
