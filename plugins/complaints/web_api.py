"""The log for other systems: an entry written down, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.customers.models import Customer
from core.errors import NotFound
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.organisation.models import Centre, Department
from core.rest.offers import MOMENT, Call, Resource, maybe, record, text
from core.text import LARGEST_ID
from plugins.complaints import domain, queries, services
from plugins.complaints.models import Entry

ID = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
PERSONAL = ("name", "phone", "email", "text", "answer")


def resources() -> list[Resource]:
    kind, channel = ({"type": "string", "enum": [*codes]} for codes in (domain.kinds(), domain.channels()))
    open_part = {"number": text(30), "kind": kind, "channel": channel, "state": {"type": "string", "enum": [*domain.states()]}, "department": text(400),
                 "centre": maybe(text(400)), "received_at": MOMENT, "due_at": maybe(MOMENT)}
    own = ("number", "kind", "channel", "state", "department", "received_at")
    return [
        Resource("complaints.file", "POST", "/complaints", _l("Write down a complaint, inquiry or suggestion"), services.RECORD, file,
                 body=record({"kind": kind, "channel": channel, "text": text(domain.LONGEST_TEXT, minLength=1), "customer_number": text(80), "name": text(200),
                              "phone": text(40), "email": text(254), "received_at": MOMENT, "centre_id": ID, "programme_id": ID, "cause_id": ID},
                             required=("kind", "channel", "text")),
                 answer=record({**open_part, "follow_code": text(20)}, required=(*own, "follow_code")), status=201, key=True,
                 about=_l("Of a customer by number, or of somebody with name and phone or e-mail. It is routed and due as one that staff write down. With "
                          "the code the complainant follows it on the association's site.")),
        Resource("complaints.entry", "GET", "/complaints/{number}", _l("What became of an entry"), queries.READ, follow, also=(queries.PERSONAL,),
                 answer=record({**open_part, "answered_at": maybe(MOMENT), "updated_at": MOMENT, "customer_number": maybe(text(20)),
                                **{name: maybe({"type": "string"}) for name in PERSONAL}}, required=(*own, "updated_at")),
                 about=_l("Names, phones, words and answers only with the permission to see them.")),
    ]


def file(call: Call) -> dict[str, Any]:
    """Write the entry down; what is kept of the answer names nobody."""
    values = {**call.body, "received_at": datetime.fromisoformat(call.body["received_at"]) if "received_at" in call.body else None}
    made = services.receive(call.session, values, source=services.Source(queries.API, f"{call.actor.logged_as}/{call.operation_key}"),
                            operation_key=call.operation_key, actor=call.actor, now=call.now)
    return {**_shown(call, made.entry), "follow_code": made.code}


def follow(call: Call) -> dict[str, Any]:
    """An entry that this system may read. Raises NotFound."""
    entry = queries.by_number(call.session, call.path["number"], call.actor)
    if entry is None:
        raise NotFound(_l("There is no entry “%(number)s” in the log, or it is not among those you may read.", number=call.path["number"][:40]), field="number",
                       value=call.path["number"])
    found = {**_shown(call, entry), "answered_at": _iso(entry.returned_at), "updated_at": entry.updated_at.isoformat()}
    return {**found, **_personal(call, entry)} if call.actor.may(queries.PERSONAL) else found


def _shown(call: Call, entry: Entry) -> dict[str, Any]:
    step = queries.next_steps(call.session, [entry.id]).get(entry.id)
    department = organisation.names_of(call.session, Department, {entry.department_id})[entry.department_id]
    centre = organisation.names_of(call.session, Centre, {entry.centre_id}).get(entry.centre_id) if entry.centre_id is not None else None
    return {"number": entry.number, "kind": entry.kind, "channel": entry.channel, "state": entry.state, "department": str(department),
            "centre": str(centre) if centre is not None else None, "received_at": entry.received_at.isoformat(),
            "due_at": _iso(step.due_at) if step is not None else None}


def _personal(call: Call, entry: Entry) -> dict[str, Any]:
    """Of a customer the number alone: the register has the rest."""
    number = call.session.scalar(sa.select(Customer.number).where(Customer.id == entry.customer_id)) if entry.customer_id is not None else None
    return {"customer_number": number, **{name: getattr(entry, name) for name in PERSONAL}}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
