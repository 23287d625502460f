"""The form of a new token."""

from __future__ import annotations

from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from core.admin.forms import DiwanForm, WholeField
from core.i18n import lazy_gettext as _l
from core.rest.models import BEARER, SIGNING
from core.rest.services import DEFAULT_DAYS

KINDS = ((BEARER, _l("Token, shown with every request")), (SIGNING, _l("Key, with which requests are signed")))
SCOPES = (("all", _l("of the whole association")), ("department", _l("of one department")), ("centre", _l("of one centre")))


class TokenForm(DiwanForm):
    name = StringField(_l("Name of the other system"), [InputRequired(_l("Write what the other system is called."))],
                       render_kw={"dir": "auto", "maxlength": 60})
    kind = SelectField(_l("How it says who it is"), choices=[SelectChoice(*one) for one in KINDS], default=BEARER)
    permissions = SelectMultipleField(_l("What it may do"), validate_choice=False)
    scope = SelectField(_l("Records it reads"), choices=[SelectChoice(*one) for one in SCOPES], default="all")
    department_id = SelectField(_l("Department"), validate_choice=False)
    centre_id = SelectField(_l("Centre"), validate_choice=False)
    days = WholeField(_l("Valid for (days)"), [InputRequired(_l("Write for how many days it is valid."))], default=DEFAULT_DAYS)
    per_minute = WholeField(_l("Requests a minute at most"), [InputRequired(_l("Write how many requests a minute are let through."))], default=120)
