"""The shape of the organisation's forms; what the values mean is judged by the services."""

from __future__ import annotations

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired

from core.admin.forms import DiwanForm
from core.i18n import lazy_gettext as _l

AUTO, LTR = {"dir": "auto"}, {"dir": "ltr"}


class NamedForm(DiwanForm):
    name_ar = StringField(_l("Arabic name"), validators=[InputRequired(_l("The Arabic name is needed."))], render_kw=AUTO)
    name_en = StringField(_l("English name"), render_kw=LTR)
    active = BooleanField(_l("In use"), default=True)


class CityForm(NamedForm):
    region_ar = StringField(_l("Region in Arabic"), render_kw=AUTO)
    region_en = StringField(_l("Region in English"), render_kw=LTR)
    external_code = StringField(_l("Code"), render_kw=LTR, description=_l("Tells two cities of one name apart."))


class CentreForm(NamedForm):
    city_id = SelectField(_l("City"), validate_choice=False, validators=[InputRequired(_l("Choose the city of the centre."))])
    external_code = StringField(_l("Code"), render_kw=LTR)


class BranchForm(NamedForm):
    city_id = SelectField(_l("City"), validate_choice=False)


class DepartmentForm(NamedForm):
    slug = StringField(_l("Short name"), render_kw=LTR, description=_l("Small Latin letters; roles and procedures refer to it, so it stays as it is."))


class ProgrammeForm(NamedForm):
    code = StringField(_l("Code"), render_kw=LTR)
    centre_id = SelectField(_l("Centre"), validate_choice=False, description=_l("Empty: of the whole association."))
    fund = SelectField(_l("Fund"), validate_choice=False, description=_l("Its accounts are those of the finance settings; a contribution may name another."))
