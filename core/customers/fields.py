"""Optional fields: off until somebody states what they are for (CUST-28)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth.actor import Actor, authorize
from core.customers.domain import CATALOGUE
from core.customers.models import OptionalField
from core.errors import InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.text import check_plain

SETTINGS = "customers.settings"


def seed(session: Session) -> None:
    """The catalogue's optional fields, all off; a second time adds nothing."""
    present = set(session.scalars(select(OptionalField.code)))
    for item in CATALOGUE["optional_fields"]:
        if item["code"] not in present:
            session.add(OptionalField(code=item["code"], name_ar=item["ar"], name_en=item["en"], kind=item["kind"], enabled=False))
    session.flush()


def switch_on(session: Session, field: OptionalField, purpose: str, *, actor: Actor) -> OptionalField:
    """Offer a field on forms; refused without a purpose (ACC-102)."""
    authorize(session, actor, SETTINGS, rule="CUST-28")
    purpose = check_plain(purpose or "", field="purpose").strip()
    if len(purpose) < 3:
        raise InvalidInput(_l("State what the association needs “%(name)s” for. Without a purpose it stays off.", name=Bilingual(field.name_ar, field.name_en)),
                           field="purpose", rule="CUST-28")
    field.purpose, field.enabled = purpose[:500], True
    session.flush()
    return field


def switch_off(session: Session, field: OptionalField, *, actor: Actor) -> OptionalField:
    """Stop asking for a field; what was recorded stays until the customers are changed or erased."""
    authorize(session, actor, SETTINGS, rule="CUST-28")
    field.enabled = False
    session.flush()
    return field


def add(session: Session, *, code: str, name_ar: str, name_en: str, kind: str = "text", actor: Actor) -> OptionalField:
    """Add a field of the association's own; it begins switched off."""
    authorize(session, actor, SETTINGS, rule="CUST-28")
    code = (code or "").strip().lower()
    if not (code.isascii() and code.replace("_", "").isalnum() and len(code) <= 40):
        raise InvalidInput(_l("The short name has small Latin letters, digits and underscores only."), field="code", value=code)
    if session.scalar(select(OptionalField).where(OptionalField.code == code)):
        raise InvalidInput(_l("There is a field “%(code)s” already.", code=code), field="code", value=code)
    name_ar, name_en = check_plain(name_ar, field="name_ar").strip()[:100], check_plain(name_en, field="name_en").strip()[:100]
    if not name_ar or kind not in ("text", "date"):
        raise InvalidInput(_l("The Arabic name is needed."), field="name_ar")
    field = OptionalField(code=code, name_ar=name_ar, name_en=name_en or name_ar, kind=kind, enabled=False)
    session.add(field)
    session.flush()
    return field
