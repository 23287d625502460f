"""The subject's own file: everything held about one customer, as a ZIP of JSON, a PDF to read, and the attached files themselves.

What belongs to the customer is found as for an erasure (``belonging``), in the tables of every owner, on or off, and in the audit
log. Nothing in it is about other people: who works here is "a member of staff", keys of other customers and columns marked
``other_person`` are left out. Free texts stand as they were written; whoever hands the file over reads them first.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import typst
from sqlalchemy.orm import Session

from core import settings
from core.admin import logo
from core.admin.printing import reads_ltr, two_calendars
from core.assets import FONTS
from core.audit import queries as log
from core.audit import services as audit
from core.audit.models import AuditEvent
from core.audit.pending import plain
from core.audit.readable import PEOPLE, choices_of, names_of, target_of
from core.audit.titles import action_title, field_title, model_of, record_title
from core.auth.actor import Actor, authorize
from core.calendar import local_day
from core.customers.belonging import Belongings, belongings, parts
from core.customers.models import Customer, CustomerSearch
from core.customers.pointers import CUSTOMERS, points
from core.database import owner_of
from core.errors import Conflict, NotFound, Unavailable
from core.files import services as files
from core.files.models import StoredFile
from core.i18n import LANGUAGES, direction, in_both, language
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.numbering import printed

PERMISSION = "customers.subject_file"
TEMPLATE = Path(__file__).with_name("printed_subject_file.typ")
LEFT_OUT = frozenset({CustomerSearch.__tablename__, StoredFile.__tablename__, "core_consent_link"})
"""Derived text, what is listed as a file, and a key that opens a page."""
TECHNICAL = frozenset({"id", "subject_id", "operation_key", "follow_code", "token", "name_key", "base", "line_id", "form_id", "position", "key", "group_key",
                       "roles", "link", "record_type", "record_id"})
PRINTED_ENTRIES = 400
"""More entries of the log than that stand in the JSON only."""
CLOSED = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Field:
    """One value: by its column, with what it is called and what it says in either language."""

    name: str
    title: Mapping[str, str]
    value: Any
    words: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The customer's rows in one table."""

    owner: str
    name: str
    title: Mapping[str, str]
    rows: list[list[Field]]


@dataclass
class SubjectFile:
    """The finished ZIP, and what the log says of it."""

    content: bytes
    sha256: str
    rows: int
    files: int
    entries: int


@dataclass
class _Held:
    tables: list[Table] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)


def subject_file(session: Session, customer: Customer, *, actor: Actor, now: datetime) -> SubjectFile:
    """Everything held about ``customer``; the PDF in the reader's language. Reads only; ``note`` logs it before the first byte goes out."""
    authorize(session, actor, PERMISSION, rule="CUST-34")
    if not any(FONTS.glob("*.ttf")):
        raise Unavailable(_l("The fonts for printing are not there. Run: diwan assets"))
    mine = belongings(session, customer)
    held = _Held(tables_of(session, mine), log_of(session, mine))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        held.files = list(_add_files(session, archive, mine))
        facts = {"customer": customer.number, "made_at": now.astimezone(UTC).isoformat(),
                 "tables": [_as_json(one) for one in held.tables], "files": held.files, "log": held.log}
        _add(archive, "data.json", json.dumps(facts, ensure_ascii=False, indent=1).encode())
        _add(archive, "file.pdf", _pdf(session, customer, held, now))
    content = out.getvalue()
    return SubjectFile(content, hashlib.sha256(content).hexdigest(), sum(len(one.rows) for one in held.tables), len(held.files), len(held.log))


def note(session: Session, customer: Customer, made: SubjectFile) -> None:
    """Log that the file was made; in the writing transaction that ends before it is handed out (AUD-05)."""
    audit.record(session, "export", record=customer, summary="core.customers.subject_file",
                 data={"rows": made.rows, "files": made.files, "entries": made.entries, "sha256": made.sha256, "whole": True})


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, CLOSED), content, zipfile.ZIP_DEFLATED)


# --- rows -------------------------------------------------------------------------------------------------------------


def tables_of(session: Session, mine: Belongings) -> list[Table]:
    """The customer's rows of every table, core first, values in words of both languages."""
    found = []
    for name in sorted(mine.rows, key=lambda one: (owner_of(one) != "core", one != CUSTOMERS, one)):
        model = model_of(name)
        if name in LEFT_OUT or model is None:
            continue
        columns = [column for column in model.__table__.c if told(column)]
        rows = [row for part in parts(mine.of(name)) for row in session.execute(
            sa.select(*columns).where(_key(model).in_(part)).order_by(_key(model))).mappings()] if columns else []
        names = _names(session, name, columns, rows)
        shown = [[one for column in columns if (one := _field(name, column, row, names)) is not None] for row in rows]
        if any(shown):
            found.append(Table(owner_of(name), name, in_both(record_title(name)), [row for row in shown if row]))
    return found


def _key(model: Any) -> Any:
    return next(iter(model.__table__.primary_key))


def told(column: Any) -> bool:
    """Whether a column is about the customer: not a key of ours, nobody who works here, no other customer, no secret."""
    if column.name in TECHNICAL or column.info.get("other_person") or column.info.get("secret") or points(column):
        return False
    target = next((key.column.table.name for key in column.foreign_keys), None)
    if target == "core_user" or (PEOPLE.fullmatch(column.name) and isinstance(column.type, sa.Integer)):
        return False
    return not column.name.endswith(("_by", "_by_label", "_of_label"))


def _names(session: Session, table: str, columns: Sequence[Any], rows: Sequence[Mapping[Any, Any]]) -> dict[str, Mapping[str, Any]]:
    """What the records are called that these rows point at, by column."""
    found: dict[str, Mapping[str, Any]] = {}
    for column in columns:
        target = target_of(table, column.name)
        if target is not None:
            found[column.name] = names_of(session, target, {str(row[column.name]) for row in rows if row[column.name] is not None})
    return found


def _field(table: str, column: Any, row: Mapping[Any, Any], names: Mapping[str, Mapping[str, Any]]) -> Field | None:
    value = row[column.name]
    if value in (None, "", {}, []):
        return None
    word = names[column.name].get(str(value)) if column.name in names else choices_of(table, column.name).get(str(value))
    if column.name in names and word is None:
        return None
    if column.name.endswith("_minor") and row.get("currency"):
        return Field(column.name, in_both(_l("Amount")), value, dict.fromkeys(LANGUAGES, str(Money.of_minor(value, row["currency"]))))
    return Field(column.name, in_both(field_title(table, column.name)), plain(value), in_both(word) if word is not None else _said(value))


def _said(value: Any) -> dict[str, str]:
    """A value as people read it, where it is no code."""
    if isinstance(value, bool):
        return in_both(_l("Yes") if value else _l("No"))
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    elif isinstance(value, dict):
        value = "; ".join(f"{key}: {one}" for key, one in value.items() if one not in (None, ""))
    return dict.fromkeys(LANGUAGES, str(value))


def _as_json(table: Table) -> dict[str, Any]:
    rows = [[{"name": one.name, "title": one.title, "value": one.value, "words": one.words} for one in row] for row in table.rows]
    return {"owner": table.owner, "table": table.name, "title": table.title, "rows": rows}


# --- the log ----------------------------------------------------------------------------------------------------------


def log_of(session: Session, mine: Belongings) -> list[dict[str, Any]]:
    """Entries of the audit log about the customer's rows, oldest first; who did it is not told."""
    found: dict[int, AuditEvent] = {}
    for part in parts(sorted(mine.subjects)):
        found.update({one.id: one for one in session.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id.in_(part)))})
    for table, keys in mine.rows.items():
        for part in parts([str(key) for key in sorted(keys)]):
            query = sa.select(AuditEvent).where(AuditEvent.record_type == table, AuditEvent.record_id.in_(part))
            found.update({one.id: one for one in session.scalars(query)})
    events = [found[key] for key in sorted(found)]
    opened = log.told(session, events, personal=True)
    return [_entry(event, opened[event.id]) for event in events]


def _entry(event: AuditEvent, told_by: log.Told) -> dict[str, Any]:
    model = model_of(event.record_type or "")
    columns = model.__table__.c if model is not None else {}
    changes = [{"field": one.field, "title": in_both(one.title), "old": one.old, "new": one.new, "shown": one.shown} for one in told_by.changes
               if one.field not in columns or told(columns[one.field])]
    return {"entry": event.id, "at": event.at.astimezone(UTC).isoformat(), "action": in_both(action_title(event.action)),
            "record": in_both(record_title(event.record_type)), "label": event.record_label, "by": in_both(_who(event)), "changes": changes,
            "reason": told_by.reason}


def _who(event: AuditEvent) -> Any:
    return _l("A member of staff") if event.actor_id is not None else _l("The customer or the system")


# --- files ------------------------------------------------------------------------------------------------------------


def _add_files(session: Session, archive: zipfile.ZipFile, mine: Belongings) -> Iterator[dict[str, Any]]:
    """Put the customer's attachments in; one whose bytes are not as they were stored is named and left out."""
    folder = session.info["association"].files_folder
    for row in attachments(session, mine):
        name = f"files/{row.id}-{row.name}"
        facts = {
            "name": row.name, "title": row.title, "of": in_both(record_title(row.record_type)), "uploaded_at": plain(row.uploaded_at), "sha256": row.sha256,
        }
        try:
            _add(archive, name, files.content_of(folder, row))
            yield {**facts, "file": name}
        except (Conflict, NotFound) as problem:
            yield {**facts, "file": None, "problem": in_both(problem.message)}


def attachments(session: Session, mine: Belongings) -> list[StoredFile]:
    """Files under the customer's subjects, and those of its rows that are under nobody's; without erased ones."""
    wanted = set(mine.of(StoredFile.__tablename__))
    for table, keys in mine.rows.items():
        for part in parts(sorted(keys)):
            wanted.update(session.scalars(sa.select(StoredFile.id).where(StoredFile.record_type == table, StoredFile.record_id.in_(part),
                                                                         StoredFile.subject_id.is_(None))))
    rows: list[StoredFile] = []
    for part in parts(sorted(wanted)):
        rows += session.scalars(sa.select(StoredFile).where(StoredFile.id.in_(part), StoredFile.size_bytes > 0).order_by(StoredFile.id))
    return rows


# --- on paper ---------------------------------------------------------------------------------------------------------


@cache
def _compiler() -> Any:
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=[str(FONTS)], ignore_system_fonts=True)


def _pdf(session: Session, customer: Customer, held: _Held, now: datetime) -> bytes:
    sheet = json.dumps(sheet_of(session, customer, held, now), ensure_ascii=False)
    return _compiler().compile(format="pdf", sys_inputs={"data": sheet}, timestamp=int(now.timestamp()))  # type: ignore[no-any-return]


def sheet_of(session: Session, customer: Customer, held: _Held, now: datetime) -> dict[str, Any]:
    """Everything that stands in the PDF, in words."""
    zone, code = settings.time_zone(session), language()
    association = session.info.get("association")
    picture = logo.picture_of(session, association.files_folder) if association is not None else None
    today = local_day(now, zone)
    return {
        "logo": list(picture[1]) if picture is not None else [], "language": code, "direction": direction(),
        "title": _("What is held about you"), "place": str(association.name) if association is not None else "", "dates": list(two_calendars(today, True)),
        "number_label": _("Customer number"), "number": printed(customer.number), "name": _text(customer.name),
        "tables": [{"title": one.title[code], "rows": [[[_text(cell.title[code]), _text(cell.words[code])] for cell in row] for row in one.rows]}
                   for one in held.tables],
        "files_title": _("Attached files"), "files": [_text(one["name"]) for one in held.files],
        "log_title": _("What was done with it"), "log_heads": [_("When"), _("What"), _("By"), _("Fields")], "log": _log_rows(held.log, code, zone),
        "log_rest": _("Further entries are in data.json.") if len(held.log) > PRINTED_ENTRIES else "",
        "about": _(
            "Names of members of staff and of other people are left out. The same in machine-readable form, with every value of the log, is in data.json."),
        "page": _("Page"), "of": _("of"),
        "foot": _("Printed %(first)s, %(second)s, %(time)s.", first=two_calendars(today)[0], second=two_calendars(today)[1],
                  time=f"{now.astimezone(zone):%H:%M}"),
    }


def _log_rows(entries: Iterable[Mapping[str, Any]], code: str, zone: Any) -> list[list[Any]]:
    rows = []
    for one in list(entries)[-PRINTED_ENTRIES:]:
        at = datetime.fromisoformat(one["at"]).astimezone(zone)
        fields = str(_l(", ")).join(change["title"][code] for change in one["changes"])
        rows.append([_text(f"{at:%Y-%m-%d %H:%M}"), _text(f"{one['action'][code]}: {one['record'][code]}"), _text(one["by"][code]), _text(fields)])
    return rows


def _text(text: str) -> list[Any]:
    """A text, and whether it runs from left to right in every language."""
    return [text, bool(text) and bool(reads_ltr(text))]
