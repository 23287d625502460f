"""Customers for other systems: one by number, some by phone. Masked and bounded as on the pages."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, authorize
from core.customers import domain, queries
from core.customers.models import Customer
from core.customers.shown import masked
from core.errors import NotFound
from core.i18n import lazy_gettext as _l
from core.phones import parse_phone
from core.rest.offers import MOMENT, Call, Resource, maybe, record, text

MOST = 20
CONTACTS = ("mobile", "phone", "email", "address")
CUSTOMER = record({
    "number": text(20), "earlier_numbers": {"type": "array", "items": text(80)}, "name": text(300),
    "class": {"type": "string", "enum": [*domain.classes()]}, "city": maybe(text(400)), "centre": maybe(text(400)), "department": maybe(text(400)),
    **{name: maybe(text(1000)) for name in CONTACTS},
    "masked": {"type": "boolean", "description": "Whether contact points are shown in part only, for want of customers.personal."},
    "changed_at": MOMENT,
}, required=("number", "earlier_numbers", "name", "class", "masked", "changed_at"))


def resources() -> list[Resource]:
    return [
        Resource("customers.customer", "GET", "/customers/{number}", _l("A customer by number"), "customers.read", by_number, answer=CUSTOMER,
                 also=(queries.PERSONAL,),
                 about=_l("By the present number or an earlier one, digits of any kind, with or without hyphen. Contact points are masked without the "
                          "permission to see them.")),
        Resource("customers.by_phone", "GET", "/customers", _l("Customers by phone"), "customers.read", by_phone,
                 query={"phone": text(40, minLength=3, **{"x-required": True})}, also=(queries.PERSONAL,),
                 answer=record({"customers": {"type": "array", "items": CUSTOMER, "maxItems": MOST}}, required=("customers",)),
                 about=_l("In any writing of the number. It needs the permission to see contact points: a hit tells whose phone it is.")),
    ]


def by_number(call: Call) -> dict[str, Any]:
    """One customer. Raises NotFound, the same for one that is not there and one that this system may not read."""
    number = call.path["number"]
    found = queries.by_number(call.session, number)
    if found is None or not queries.may_read(call.session, found.id, call.actor):
        raise NotFound(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                       field="number", value=number)
    return shown(call.session, found, call.actor)


def by_phone(call: Call) -> dict[str, Any]:
    authorize(call.session, call.actor, queries.PERSONAL, rule="CUST-34")
    phone = parse_phone(call.query["phone"], str(settings.get(call.session, "core.country")))
    return {"customers": [shown(call.session, one, call.actor) for one in queries.having_phone(call.session, phone, call.actor, limit=MOST)]}


def shown(session: Session, customer: Customer, actor: Actor) -> dict[str, Any]:
    """A customer as this actor may see it (CUST-34)."""
    open_to = actor.may(queries.PERSONAL)
    contacts = {name: getattr(customer, name) if open_to else masked(name, getattr(customer, name)) for name in CONTACTS}
    places = {name: str(row.name) if row is not None else None
              for name, row in (("city", customer.city), ("centre", customer.centre), ("department", customer.department))}
    return {"number": customer.number, "earlier_numbers": queries.aliases_of(session, customer.id), "name": customer.name,
            "class": customer.customer_class, **places, **{name: value or None for name, value in contacts.items()}, "masked": not open_to,
            "changed_at": customer.changed_at.isoformat()}
