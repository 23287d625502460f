"""The leads as a file: what this person may see of them, with filter, rows and checksum in the audit log (AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.exporter.columns import Column
from core.exporter.stream import Outcome, read_all
from core.exporter.text import Options, write_csv
from core.i18n import lazy_gettext as _l
from plugins.leads import domain, page, queries
from plugins.leads.models import Lead
from plugins.leads.queries import PERSONAL

OPEN_COLUMNS = (
    Column("number", _l("Number")), Column("programme", _l("Programme")), Column("state", _l("State")), Column("probability", _l("Probability %"), "integer"),
    Column("expected", _l("Expected"), "money"), Column("weighted", _l("Weighted value"), "money"), Column("next_action", _l("Next action")),
    Column("next_action_on", _l("Next action on"), "date"),
    Column("reviewed_on", _l("Reviewed"), "date"), Column("updated_at", _l("Updated"), "moment"), Column("documented_at", _l("Documented"), "moment"),
    Column("ended_at", _l("Ended"), "moment"),
)
PERSONAL_COLUMNS = (Column("donors", _l("Donors")), Column("factors", _l("Success factors")), 
                    Column("cancel_reason", _l("Why it was cancelled")))
BLOCK = 500


def columns_for(actor: Actor) -> tuple[Column, ...]:
    return OPEN_COLUMNS + (PERSONAL_COLUMNS if actor.may(PERSONAL) else ())


def leads_file(session: Session, scoped: sa.Select[Any], actor: Actor) -> tuple[bytes, Outcome]:
    """The leads of ``scoped`` (a select of Lead, narrowed by scope, filters and search) as CSV, by number."""
    authorize(session, actor, queries.READ, rule="CUST-34")
    stream = write_csv(columns_for(actor), _rows(session, scoped, actor), Options(headings=True, zone=settings.time_zone(session)))
    content = read_all(stream)
    assert stream.outcome is not None
    return content, stream.outcome


def _rows(session: Session, scoped: sa.Select[Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    leads = session.scalars(scoped.order_by(None).order_by(Lead.id).execution_options(yield_per=BLOCK))
    for part in leads.partitions():
        donors = queries.donors_of(session, [one.id for one in part])
        for lead in part:
            yield (*_open(lead), *(_personal(lead, donors.get(lead.id, [])) if actor.may(PERSONAL) else ()))


def _open(lead: Lead) -> tuple[Any, ...]:
    return (lead.number, str(lead.programme.name), domain.states()[lead.state], lead.probability, lead.expected, page.weighted(lead), lead.next_action or None,
            lead.next_action_on, lead.reviewed_on, lead.updated_at, lead.documented_at, lead.ended_at)


def _personal(lead: Lead, donors: list[Any]) -> tuple[Any, ...]:
    return (" · ".join(f"{one.number} {one.name}" for one in donors), lead.factors, lead.cancel_reason)


def note_export(session: Session, filters: Mapping[str, Any], searched: bool, actor: Actor, outcome: Outcome) -> None:
    """Log an export; what was searched for may be a person's name and is not logged, only that there was a search."""
    facts = {"filter": {key: str(value) for key, value in filters.items()}, "personal": actor.may(PERSONAL), "searched": searched,
             "rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole}
    audit.record(session, "export", summary="leads.list", data=facts)
