"""The calls as a file: what this person may see of them, with filter, rows and checksum in the audit log (AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.models import User
from core.customers.models import Customer
from core.exporter.columns import Column
from core.exporter.stream import Outcome, read_all
from core.exporter.text import Options, write_csv
from core.i18n import lazy_gettext as _l
from plugins.callcenter import domain
from plugins.callcenter.models import Call
from plugins.callcenter.queries import PERSONAL

OPEN_COLUMNS = (
    Column("call", _l("Call"), "integer"), Column("direction", _l("Direction")), Column("started_at", _l("Time"), "moment"),
    Column("length", _l("Length")), Column("seconds", _l("Seconds"), "integer"), Column("answered", _l("Answered or not"), "boolean"),
    Column("agent", _l("Agent")), Column("extension", _l("Extension")), Column("subject", _l("Subject")), Column("result", _l("Result")),
    Column("entry", _l("Entry of the log")),
)
PERSONAL_COLUMNS = (Column("who", _l("With whom")), Column("customer_number", _l("Customer number")), Column("phone", _l("Telephone"), "phone"),
                    Column("note", _l("Note")))
BLOCK = 500


def columns_for(actor: Actor) -> tuple[Column, ...]:
    return OPEN_COLUMNS + (PERSONAL_COLUMNS if actor.may(PERSONAL) else ())


def calls_file(session: Session, scoped: sa.Select[Any], actor: Actor) -> tuple[bytes, Outcome]:
    """The calls of ``scoped`` (a select of Call, narrowed by filters and search) as CSV, in the order in which they were recorded."""
    authorize(session, actor, "callcenter.read", rule="CUST-34")
    stream = write_csv(columns_for(actor), _rows(session, scoped, actor), Options(headings=True, zone=settings.time_zone(session)))
    content = read_all(stream)
    assert stream.outcome is not None
    return content, stream.outcome


def _rows(session: Session, scoped: sa.Select[Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    query = (scoped.outerjoin_from(Call, User, User.id == Call.agent_id).outerjoin_from(Call, Customer, Customer.id == Call.customer_id)
             .with_only_columns(Call, User, Customer, maintain_column_froms=True).order_by(None).order_by(Call.id))
    for part in session.execute(query.execution_options(yield_per=BLOCK)).partitions():
        for call, agent, customer in part:
            yield (*_open(call, agent), *(_personal(call, customer) if actor.may(PERSONAL) else ()))


def _open(call: Call, agent: User | None) -> tuple[Any, ...]:
    return (call.id, domain.DIRECTIONS[call.direction], call.started_at, domain.clock_of(call.talk_seconds), call.talk_seconds, call.answered,
            str(agent.name) if agent is not None else None, call.extension, domain.subjects().get(call.subject or ""),
            domain.results().get(call.result or ""), call.entry_number)


def _personal(call: Call, customer: Customer | None) -> tuple[Any, ...]:
    return (customer.name if customer is not None else call.name, customer.number if customer is not None else None, call.phone, call.note)


def note_export(session: Session, filters: Mapping[str, Any], searched: bool, actor: Actor, outcome: Outcome) -> None:
    """Log an export; what was searched for may be a person's name and is not logged, only that there was a search."""
    facts = {"filter": {key: str(value) for key, value in filters.items()}, "personal": actor.may(PERSONAL), "searched": searched,
             "rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole}
    audit.record(session, "export", summary="callcenter.calls", data=facts)
