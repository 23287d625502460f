"""The shape of the pages' input; what it means is judged by ``core.customers.values``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, DateField, FileField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from core.admin.forms import DiwanForm
from core.customers import domain, queries
from core.customers.domain import PERSONAL_FIELDS
from core.customers.values import classes
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.text import without_marks

LTR = {"dir": "ltr"}
AUTO = {"dir": "auto"}


class CustomerEntryForm(DiwanForm):
    """The manual's create/modify form. Choices are filled in by ``entry_form``; faults come from the service."""

    name = StringField(render_kw={**AUTO, "autocomplete": "off", "data-duplicates": "1"})
    customer_class = SelectField(validate_choice=False)
    other_detail = StringField(render_kw={**AUTO, "list": "relations"})
    mobile = StringField(filters=[without_marks], render_kw={**LTR, "inputmode": "tel", "autocomplete": "off", "data-duplicates": "1"})
    phone = StringField(filters=[without_marks], render_kw={**LTR, "inputmode": "tel", "autocomplete": "off", "data-duplicates": "1"})
    email = StringField(render_kw={**LTR, "inputmode": "email", "autocomplete": "off", "data-duplicates": "1"})
    contact_channel = SelectField(validate_choice=False)
    city_id = SelectField(validate_choice=False)
    centre_id = SelectField(validate_choice=False)
    address = StringField(render_kw=AUTO)
    registration_origin = SelectField(validate_choice=False)
    department_id = SelectField(validate_choice=False)
    remarks = TextAreaField(render_kw={**AUTO, "rows": 3})
    not_duplicates = BooleanField()
    loaded_at = HiddenField()


REQUIRED = frozenset({"name", "customer_class", "registration_origin"})


def entry_form(session: Session, *, personal: bool, modify: bool, data: Mapping[str, Any] | None = None, begun: bool = False) -> CustomerEntryForm:
    """The form with today's choices and the optional fields in use; without ``personal`` it lacks the personal fields, so
    that somebody who cannot see them cannot overwrite them unseen when changing a record. ``begun``: it shows ``data``, not what was sent."""
    kept = data or {}
    fields: dict[str, Any] = {}
    for one in queries.optional_fields(session):
        label = Bilingual(one.name_ar, one.name_en)
        fields[f"extra_{one.code}"] = StringField(label, render_kw=LTR if one.kind == "date" else AUTO)
    form = type("CustomerEntryForm", (CustomerEntryForm,), fields)(data=_flat(kept), **({"formdata": None} if begun else {}))
    for name, label in domain.field_labels().items():
        if name in form._fields:
            form[name].label.text = label
    _fill_choices(session, form, kept)
    if modify and not personal:
        for name in [*PERSONAL_FIELDS, *fields]:
            del form[name]
    if modify:
        del form["not_duplicates"]
    return form  # type: ignore[no-any-return]


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    extra = {f"extra_{code}": value for code, value in (data.get("extra") or {}).items()}
    return {**{name: value for name, value in data.items() if name != "extra"}, **extra}


def _fill_choices(session: Session, form: CustomerEntryForm, kept: Mapping[str, Any]) -> None:
    form.customer_class.choices = _with_blank(classes(session).items())
    form.contact_channel.choices = _with_blank(domain.channels().items())
    form.registration_origin.choices = _with_blank(domain.origins().items())
    form.city_id.choices = _with_blank((city.id, city.title) for city in organisation.active_cities(session, keep=_number(kept.get("city_id"))))
    form.centre_id.choices = _with_blank((one.id, one.name) for one in organisation.active_centres(session, keep=_number(kept.get("centre_id"))))
    form.department_id.choices = _with_blank((one.id, one.name) for one in organisation.active_departments(session))


def _number(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _with_blank(items: Iterable[tuple[Any, Any]]) -> list[tuple[str, Any]]:
    return [("", _l("Choose")), *((str(value), label) for value, label in items)]


def typed_values(form: CustomerEntryForm) -> dict[str, Any]:
    """What was typed, by the service's names; fields that the form lacks are not named."""
    values = {name: form[name].data for name in domain.FIELDS if name in form._fields}
    extra = {name.removeprefix("extra_"): field.data for name, field in form._fields.items() if name.startswith("extra_")}
    return {**values, "extra": extra} if extra else values


class ReasonForm(DiwanForm):
    reason = TextAreaField(_l("Reason for rejecting"), render_kw={**AUTO, "rows": 4})


class MergeForm(DiwanForm):
    reason = TextAreaField(_l("Why these two are one"), render_kw={**AUTO, "rows": 3})


class UndoForm(DiwanForm):
    reason = TextAreaField(_l("Why the merge was wrong"), render_kw={**AUTO, "rows": 3})


class ApartForm(DiwanForm):
    one, other = HiddenField(), HiddenField()
    why = StringField(_l("How you know that they are two"), render_kw=AUTO)


class DocumentForm(DiwanForm):
    document = FileField(_l("Supporting document"))


class OfficerForm(DiwanForm):
    kind = SelectField(_l("Appointed as"), choices=[SelectChoice("primary", _l("Primary data officer")), SelectChoice("deputy", _l("Deputy"))])
    user_id = SelectField(_l("Person"), validate_choice=False, validators=[InputRequired()])


class AbsenceForm(DiwanForm):
    from_on = DateField(_l("First day"), validators=[InputRequired()], render_kw=LTR)
    until_on = DateField(_l("Last day"), validators=[InputRequired()], render_kw=LTR)


class OptionalFieldForm(DiwanForm):
    code = StringField(_l("Short name"), validators=[InputRequired()], render_kw=LTR)
    name_ar = StringField(_l("Arabic name"), validators=[InputRequired()], render_kw=AUTO)
    name_en = StringField(_l("English name"), validators=[Optional()], render_kw=AUTO)
    kind = SelectField(_l("Kind of value"), choices=[SelectChoice("text", _l("Plain text")), SelectChoice("date", _l("Date"))])


class InfluenceForm(DiwanForm):
    kind = StringField(_l("Kind of influence"), render_kw=AUTO)
    influencer_number = StringField(_l("Customer number"), render_kw=LTR)
    influencer_name = StringField(_l("Or a name"), render_kw=AUTO)
