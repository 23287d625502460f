"""The calls as a file: what this person may see of them, with filter, rows and checksum in the audit log (AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.list_file import ListFile
from core.auth.models import User
from core.customers.models import Customer
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from plugins.callcenter import domain
from plugins.callcenter.models import Call
from plugins.callcenter.queries import PERSONAL, READ

OPEN_COLUMNS = (
    Column("call", _l("Call"), "integer"), Column("direction", _l("Direction")), Column("started_at", _l("Time"), "moment"),
    Column("length", _l("Length")), Column("seconds", _l("Seconds"), "integer"), Column("answered", _l("Answered or not"), "boolean"),
    Column("agent", _l("Agent")), Column("extension", _l("Extension")), Column("subject", _l("Subject")), Column("result", _l("Result")),
    Column("entry", _l("Entry of the log")),
)
PERSONAL_COLUMNS = (Column("who", _l("With whom")), Column("customer_number", _l("Customer number")), Column("phone", _l("Telephone"), "phone"),
                    Column("note", _l("Note")))
BLOCK = 500


def rows(session: Session, scoped: sa.Select[Any]) -> Iterator[tuple[Any, ...]]:
    query = (scoped.outerjoin_from(Call, User, User.id == Call.agent_id).outerjoin_from(Call, Customer, Customer.id == Call.customer_id)
             .with_only_columns(Call, User, Customer, maintain_column_froms=True).order_by(None).order_by(Call.id))
    for part in session.execute(query.execution_options(yield_per=BLOCK)).partitions():
        for call, agent, customer in part:
            yield (*_open(call, agent), *_personal(call, customer))


def _open(call: Call, agent: User | None) -> tuple[Any, ...]:
    return (call.id, domain.DIRECTIONS[call.direction], call.started_at, *_length(call), call.answered,
            str(agent.name) if agent is not None else None, call.extension, domain.subjects().get(call.subject or ""),
            domain.results().get(call.result or ""), call.entry_number)


def _length(call: Call) -> tuple[str, int | None]:
    """How long was talked, as a clock and in seconds; nothing where nobody says."""
    return ("", None) if call.untimed else (domain.clock_of(call.talk_seconds), call.talk_seconds)


def _personal(call: Call, customer: Customer | None) -> tuple[Any, ...]:
    return (customer.name if customer is not None else call.name, customer.number if customer is not None else None, call.phone, call.note)


CALLS = ListFile("callcenter.calls", _l("calls"), READ, PERSONAL, OPEN_COLUMNS, PERSONAL_COLUMNS, rows)
