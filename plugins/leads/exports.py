"""The leads as a file: what this person may see of them, with filter, rows and checksum in the audit log (AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.list_file import ListFile
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from plugins.leads import domain, page, queries
from plugins.leads.models import Lead
from plugins.leads.queries import PERSONAL, READ

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


def rows(session: Session, scoped: sa.Select[Any]) -> Iterator[tuple[Any, ...]]:
    leads = session.scalars(scoped.order_by(None).order_by(Lead.id).execution_options(yield_per=BLOCK))
    for part in leads.partitions():
        donors = queries.donors_of(session, [one.id for one in part])
        for lead in part:
            yield (*_open(lead), *_personal(lead, donors.get(lead.id, [])))


def _open(lead: Lead) -> tuple[Any, ...]:
    return (lead.number, str(lead.programme.name), domain.states()[lead.state], lead.probability, lead.expected, page.weighted(lead), lead.next_action or None,
            lead.next_action_on, lead.reviewed_on, lead.updated_at, lead.documented_at, lead.ended_at)


def _personal(lead: Lead, donors: list[Any]) -> tuple[Any, ...]:
    return (" · ".join(f"{one.number} {one.name}" for one in donors), lead.factors, lead.cancel_reason)


LEADS = ListFile("leads.list", _l("leads"), READ, PERSONAL, OPEN_COLUMNS, PERSONAL_COLUMNS, rows)
