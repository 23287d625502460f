"""The log as CSV for the auditor (AUD-06)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit import services
from core.audit.models import AuditEvent
from core.audit.queries import PERSONAL, Change, Told, told
from core.audit.titles import action_title, record_title
from core.auth.actor import Actor, authorize
from core.exporter.columns import Column
from core.exporter.stream import Outcome, Stream
from core.exporter.text import Options, write_csv
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l

NAME = "core.audit"
PART = 1_000
COLUMNS = (
    Column("entry", _l("Entry"), "integer"), Column("at", _l("Time"), "moment"), Column("at_utc", _l("Time (UTC)")), Column("action", _l("Action")),
    Column("action_title", _l("Action in words")),
    Column("by", _l("By")), Column("on_behalf_of", _l("On behalf of")), Column("source", _l("Through")), Column("plugin", _l("Plugin")),
    Column("plugin_version", _l("Version")), Column("record_type", _l("Kind of record")), Column("record_id", _l("Record id")),
    Column("record", _l("Record")), Column("form_number", _l("Form")), Column("changes", _l("What changed")), Column("reason", _l("Reason")),
    Column("facts", _l("Facts")), Column("rule", _l("Rule")), Column("request", _l("Reference")),
    Column("address", _l("Address")), Column("code", _l("Fingerprint")),
)


def export_file(session: Session, narrowed: sa.Select[Any], filters: Mapping[str, Any], *, actor: Actor) -> Stream:
    """The entries of ``narrowed`` as CSV, oldest first. Logs the export now, in the caller's transaction, and its end by itself.

    ``filters`` are the chosen filters by key, logged with the export (AUD-05). Raises NotAllowed without ``audit.export``.
    """
    authorize(session, actor, "audit.export", rule="AUD-06")
    services.record(session, "export", summary=NAME, data={"filter": dict(filters), "personal": actor.may(PERSONAL)})
    stream = write_csv(COLUMNS, _rows(session, narrowed, actor.may(PERSONAL)), Options(headings=True, zone=settings.time_zone(session)))
    return stream.finished(lambda outcome: _log_end(session, outcome))


def _log_end(session: Session, outcome: Outcome) -> None:
    work.rollback(session)
    with work.unit_of_work(session) as own:
        services.record(own, "export_end", summary=NAME, data={"rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole})


def _rows(session: Session, narrowed: sa.Select[Any], personal: bool) -> Iterator[tuple[Any, ...]]:
    query = narrowed.order_by(None).order_by(AuditEvent.id).execution_options(yield_per=PART)
    for part in session.scalars(query).partitions():
        shown = told(session, part, personal=personal)
        for event in part:
            yield _row(event, shown[event.id])
            session.expunge(event)  # not expunge_all, which ends the identity map that the rest is read into


def _row(event: AuditEvent, shown: Told) -> tuple[Any, ...]:
    return (
        event.id, event.at, event.at.isoformat().replace("+00:00", "Z"), event.action, str(action_title(event.action)), event.actor_label,
        event.on_behalf_of_label, event.source, event.plugin, event.plugin_version, event.record_type, event.record_id,
        f"{record_title(event.record_type)} {event.record_label or ''}".strip(), event.form_number,
        "; ".join(in_words(change) for change in shown.changes), shown.reason or (hidden(shown.reason_shown) if shown.reason_shown else ""),
        event.data, event.rule, event.request, event.address, event.code,
    )


def in_words(change: Change) -> str:
    """One change as plain text, for a cell of a file."""
    if change.shown != "open":
        return f"{change.title}: {hidden(change.shown)}"
    return f"{change.title}: {_value(change.old)} -> {_value(change.new)}"


def hidden(shown: str) -> str:
    """What stands in place of a value that is not shown."""
    return str({"sealed": _("encrypted"), "erased": _("erased"), "absent": _("not kept"), "unreadable": _("does not open with its key")}[shown])


def _value(value: Any) -> str:
    if value is None or value == "":
        return str(_("empty"))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
