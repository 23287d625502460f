"""From what was typed or imported to the values of a form: all faults of a record together, each beside its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from email_validator import EmailNotValidError
from sqlalchemy.orm import Session

from core import settings
from core.customers import domain, queries
from core.customers.models import Customer, OptionalField
from core.emails import normal_email
from core.errors import InvalidInput, InvalidInputs, faults
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, City, Department
from core.phones import parse_phone
from core.text import check_plain

LONGEST = {"name": 300, "other_detail": 200, "address": 500, "remarks": 4000, "email": 254}


class Rules:
    """What values are judged by in one association; made once for a form or an import and asked for each line.

    ``kind`` is ``new``, ``modify``, ``import`` or ``draft``: a new record must say how the customer asked for it
    (CUST-35), a draft may lack anything but the name.
    """

    def __init__(self, session: Session, kind: str = "new") -> None:
        self.session = session
        self.kind = kind
        self._known: dict[tuple[type[Any], int], Any] = {}

    @cached_property
    def region(self) -> str:
        return str(settings.get(self.session, "core.country"))

    @cached_property
    def classes(self) -> dict[str, Bilingual]:
        return classes(self.session)

    @cached_property
    def optional(self) -> dict[str, OptionalField]:
        return {one.code: one for one in queries.optional_fields(self.session)}

    def known(self, model: type[Any], key: int) -> Any:
        at = (model, key)
        if at not in self._known:
            self._known[at] = self.session.get(model, key)
        return self._known[at]


def classes(session: Session) -> dict[str, Bilingual]:
    """The classes this association uses: the manual's five without those switched off (CUST-05, ACC-10)."""
    off = set(settings.get(session, "core.classes_off") or ())
    return {code: label for code, label in domain.classes().items() if code not in off or code == "other"}


def clean(rules: Rules, raw: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All values of a record in their stored form; what ``raw`` does not name keeps its value of ``base``.

    Raises InvalidInputs with every fault. Phones come out in E.164, read by the association's country.
    """
    found: list[InvalidInput] = []
    values: dict[str, Any] = {name: (base or {}).get(name) for name in (*domain.FIELDS, "extra")}

    def take(name: str, judge: Callable[[Any], Any]) -> None:
        if name not in raw:
            return
        try:
            values[name] = judge(raw[name])
        except InvalidInput as fault:
            for one in faults(fault):
                found.append(InvalidInput(one.message, field=one.field or name, value=one.value, rule=one.rule))

    for name in ("name", "other_detail", "address", "remarks"):
        take(name, partial(_text, name))
    for name in ("mobile", "phone"):
        take(name, lambda value: _phone(rules, value))
    take("email", _email)
    for name, model in (("city_id", City), ("centre_id", Centre), ("department_id", Department)):
        take(name, partial(_known, rules, model))
    take("contact_channel", lambda value: _choice(value, domain.channels()))
    take("registration_origin", lambda value: _choice(value, domain.origins()))
    take("customer_class", lambda value: _class(rules, value, (base or {}).get("customer_class")))
    take("extra", lambda value: _extra(rules, value, (base or {}).get("extra")))
    bad = {fault.field for fault in found}
    found += [fault for fault in _judge_together(rules, values) if fault.field not in bad]
    if found:
        raise InvalidInputs(found)
    return values


def _judge_together(rules: Rules, values: dict[str, Any]) -> list[InvalidInput]:
    """What one field alone does not tell; also fills the city from the centre."""
    found = []
    if not values["name"]:
        found.append(InvalidInput(_l("The customer's name is needed."), field="name", rule="CUST-12"))
    if rules.kind == "draft":
        values["customer_class"] = values["customer_class"] or "other"
        return found
    if not values["customer_class"]:
        found.append(InvalidInput(_l("Choose the customer type."), field="customer_class", rule="CUST-03"))
    if values["customer_class"] != "other":
        values["other_detail"] = None
    elif not values["other_detail"]:
        found.append(InvalidInput(_l("Write in a few words what “other” means here."), field="other_detail", rule="CUST-04"))
    if rules.kind == "new" and not values["registration_origin"]:
        found.append(InvalidInput(_l("Choose visit, call, website, event or referral: no record is made without its owner's knowledge."),
                                  field="registration_origin", rule="CUST-35"))
    found += _judge_place(rules, values)
    return found


def _judge_place(rules: Rules, values: dict[str, Any]) -> list[InvalidInput]:
    if not values["centre_id"]:
        return []
    centre = rules.known(Centre, values["centre_id"])
    if values["city_id"] is None:
        values["city_id"] = centre.city_id
    if centre.city_id == values["city_id"]:
        return []
    return [InvalidInput(_l("The centre “%(centre)s” lies in another city. Choose that city, or another centre.", centre=centre.name),
                         field="centre_id", rule="ORG-04")]


def _text(name: str, value: Any) -> str | None:
    text = check_plain(str(value or ""), field=name, multiline=name in ("address", "remarks")).strip()
    if len(text) > LONGEST[name]:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=LONGEST[name], found=len(text)), field=name, value=text)
    if name == "name" and text and not any(letter.isalpha() for letter in text):
        raise InvalidInput(_l("“%(value)s” has no letter; write the customer's name.", value=text), field=name, value=text)
    return text or None


def _phone(rules: Rules, value: Any) -> str | None:
    return parse_phone(str(value), rules.region) if value and str(value).strip() else None


def _email(value: Any) -> str | None:
    text = str(value or "").strip()
    if not text:
        return None
    try:
        return normal_email(text)
    except EmailNotValidError as exc:
        raise InvalidInput(_l("“%(value)s” is no e-mail address. Write it like name@example.com.", value=text), value=text) from exc


def _known(rules: Rules, model: type[Any], value: Any) -> int | None:
    if value in (None, "", 0, "0"):
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18) or rules.known(model, int(text)) is None:
        raise InvalidInput(_l("“%(value)s” is not in the list; choose an entry of it.", value=text), value=text)
    return int(text)


def _choice(value: Any, choices: Mapping[str, Any]) -> str | None:
    if not value:
        return None
    if value not in choices:
        raise InvalidInput(_l("“%(value)s” is not in the list; choose an entry of it.", value=value), value=value)
    return str(value)


def _class(rules: Rules, value: Any, kept: Any) -> str | None:
    if not value:
        return None
    if value not in rules.classes and value != kept:
        title = domain.classes().get(value, value)
        raise InvalidInput(_l("“%(value)s” is not one of the customer types in use here.", value=title), value=value, rule="CUST-03")
    return str(value)


def _extra(rules: Rules, given: Any, base: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Values of optional fields; one that is switched off takes none (CUST-28), what it held stays."""
    values = dict(base or {})
    found: list[InvalidInput] = []
    for code, value in (given or {}).items():
        field = rules.optional.get(code)
        if field is None:
            if value:
                found.append(InvalidInput(_l("The field “%(name)s” is switched off here; it takes no value.", name=code),
                                          field=f"extra_{code}", value=value, rule="CUST-28"))
            continue
        try:
            text = domain.check_optional(field.kind, code, check_plain(str(value or ""), field=f"extra_{code}")[:500])
        except InvalidInput as fault:
            found.append(fault)
            continue
        values[code] = text
    if found:
        raise InvalidInputs(found)
    return {code: value for code, value in values.items() if value} or None


def values_of(customer: Customer) -> dict[str, Any]:
    """The register's values of a customer, as a form's base."""
    return {name: getattr(customer, name) for name in (*domain.FIELDS, "extra")}
