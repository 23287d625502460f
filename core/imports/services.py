"""Stage → check → show → apply → undo. Nothing is applied that was not shown, and only on an explicit choice.

A block of lines is one transaction: it applies and marks its lines together, so that an import that is killed goes on
where it stopped and applies nothing twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.models import User
from core.bulk import insert_rows
from core.database import section
from core.errors import AppError, Conflict, InvalidInput, NotFound, faults
from core.i18n import LazyString, in_both, language, use_language
from core.i18n import lazy_gettext as _l
from core.imports import readers, telling
from core.imports.models import Import, ImportLine, ImportMapping
from core.imports.offers import EVERY_OTHER, Context, Importer, ImportField, Line, Reason, Verdict
from core.sending import made_before

Columns = Mapping[str, str | Sequence[str]]
"""Field key → heading, or the headings whose values are joined."""
BLOCK = 500
"""Lines a transaction: few enough that people who enter a form meanwhile wait well under a second."""
LONGEST_SHOWN = 200
INLINE_LINES = 2000
"""Files up to this many lines are checked and applied while the person waits; larger ones run as a job."""


def receive(
    session: Session, importer: Importer, *, file_name: str, token: str, sha256: str, actor: Actor, now: datetime, operation_key: str | None = None,
) -> Import:
    """Register an uploaded file; audited as an upload with its hash."""
    authorize(session, actor, importer.permission)
    earlier = made_before(session, Import, operation_key)
    if earlier is not None:
        return earlier
    row = Import(kind=importer.name, file_name=file_name[:200], sha256=sha256, token=token, made_by_id=actor.user_id, made_by=actor.label, made_at=now,
                 operation_key=operation_key)
    session.add(row)
    audit.name_action(session, row, "upload")
    session.flush()
    return row


def earlier_with_same_file(session: Session, row: Import) -> Import | None:
    """The last applied import of the very same bytes, for the warning; applying again adds nothing where references match."""
    query = sa.select(Import).where(Import.sha256 == row.sha256, Import.kind == row.kind, Import.id != row.id, Import.state == "applied")
    return session.scalars(query.order_by(Import.id.desc())).first()


def headings_hash(headings: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(headings), ensure_ascii=False).encode()).hexdigest()


def remembered(session: Session, kind: str, headings: Sequence[str]) -> ImportMapping | None:
    """The mapping that was used for a file with these headings before."""
    return session.scalar(sa.select(ImportMapping).where(ImportMapping.kind == kind, ImportMapping.headings_hash == headings_hash(headings)))


def declare(
    session: Session, row: Import, importer: Importer, headings: Sequence[str], *, mapping: Columns, declared: Mapping[str, Any],
    options: Mapping[str, Any], actor: Actor,
) -> None:
    """Store what the person said of the file, and remember it for the next of its kind.

    ``mapping`` is field key → heading, or a list of headings for a field that joins columns. Raises InvalidInput where a
    required field has no column, a heading does not exist, or a field of one column is given several.
    """
    authorize(session, actor, importer.permission)
    if row.state not in ("uploaded", "checked", "failed"):
        raise Conflict(_l("This import is %(state)s; its columns can no longer be changed.", state=row.state))
    _check_mapping(importer, headings, mapping)
    _check_options(importer, options)
    row.mapping, row.declared, row.options = dict(mapping), dict(declared), dict(options)
    kept = remembered(session, row.kind, headings)
    if kept is None:
        kept = ImportMapping(kind=row.kind, headings_hash=headings_hash(headings), mapping={}, declared={})
        session.add(kept)
    kept.mapping, kept.declared = dict(mapping), dict(declared)
    session.flush()


def headings_of(chosen: str | Sequence[str] | None) -> list[str]:
    """The headings that a mapping names for a field."""
    return [] if not chosen else [chosen] if isinstance(chosen, str) else list(chosen)


def _check_mapping(importer: Importer, headings: Sequence[str], mapping: Columns) -> None:
    for one in importer.fields:
        if one.required and not mapping.get(one.key):
            raise InvalidInput(_l("Choose the column that holds “%(field)s”.", field=one.label), field=one.key)
    known = {one.key for one in importer.fields}
    for key, chosen in mapping.items():
        if key not in known:
            raise InvalidInput(_l("There is no field “%(field)s” in this kind of import.", field=key), field=key, value=str(chosen))
        own = headings_of(chosen)
        one = importer.field(key)
        if len(own) > 1 and one.joins is None:
            raise InvalidInput(_l("“%(field)s” is taken from one column. Choose one of: %(columns)s.", field=one.label, columns=", ".join(own)), field=key)
        for heading in own:
            if heading not in headings and not (heading == EVERY_OTHER and one.joins == "\n"):
                raise InvalidInput(_l("The file has no column “%(column)s”.", column=heading), field=key, value=heading)


def _check_options(importer: Importer, options: Mapping[str, Any]) -> None:
    """Options there are, and choices that they know; raises InvalidInput naming what there is."""
    known = {one.key: one for one in importer.options}
    for key, value in options.items():
        if key not in known:
            raise InvalidInput(_l("There is no option “%(option)s” in this kind of import. There are: %(known)s.", option=key, known=", ".join(known) or "–"),
                               field=key, value=str(value))
        codes = list(dict.fromkeys((known[key].choices or {}).values()))
        if value and codes and value not in codes:
            raise InvalidInput(_l("“%(value)s” is no choice of “%(option)s”. Write one of: %(known)s.", value=value, option=known[key].label,
                                  known=", ".join(codes)), field=key, value=str(value))


def declaration(declared: Mapping[str, Any]) -> readers.Declaration:
    known = readers.Declaration.__dataclass_fields__
    return readers.Declaration(**{key: value for key, value in declared.items() if key in known and value not in (None, "")})


def stage_and_check(
    session: Session, row: Import, importer: Importer, path: Path, *, actor: Actor, now: datetime, commit: Callable[[int], None] | None = None,
) -> None:
    """Read the file again from its start, stage every line, judge each, and count outcomes.

    ``commit`` is called after each block, with the lines staged so far, when the work runs as a job; without it all is
    one transaction.
    """
    authorize(session, actor, importer.permission)
    if row.state not in ("uploaded", "checked", "failed", "checking"):
        raise Conflict(_l("This import is %(state)s and cannot be checked again.", state=row.state))
    row.state, row.failure = "checking", None
    with section("imports.staging"):
        session.execute(sa.delete(ImportLine).where(ImportLine.import_id == row.id))
    session.flush()
    saved = declaration(row.declared)
    reading = readers.read(path, saved)
    sources = Sources(importer, reading.headings, row.mapping)
    staged = 0
    for block in _blocks(_staged(reading, importer, sources, saved), BLOCK):
        _judge_block(session, row, importer, block, actor)
        staged += len(block)
        if commit:
            commit(staged)
    row.counts = count_outcomes(session, row.id)
    row.left_out = sources.left_out()
    row.state = "checked"
    session.flush()
    telling.checked(session, row, actor=actor, now=now)


class Sources:
    """Which columns of a file each field is taken from; counts what stands in those that none takes."""

    def __init__(self, importer: Importer, headings: Sequence[str], mapping: Columns) -> None:
        self.headings = headings
        place = {heading: index for index, heading in enumerate(headings)}
        chosen = {key: headings_of(one) for key, one in mapping.items()}
        named = {heading for own in chosen.values() for heading in own}
        rest = [heading for heading in headings if heading not in named]
        takes_rest = any(EVERY_OTHER in own for own in chosen.values())
        self.columns = [(importer.field(key), [place[heading] for heading in _spelled_out(own, rest)]) for key, own in chosen.items() if own]
        self.country, self.currency = (next((places[0] for one, places in self.columns if one.kind == kind), None) for kind in ("country", "currency"))
        self.filled = {} if takes_rest else {place[heading]: 0 for heading in rest}

    def read(self, values: dict[str, Any], reasons: list[Reason], cells: Sequence[readers.Cell], declared: readers.Declaration) -> None:
        """Put the values of a line in, and why one could not be read."""
        own = readers.of_line(declared, *(None if at is None else cells[at] for at in (self.country, self.currency)))
        for one, places in self.columns:
            gap = next((cell for at in places if isinstance(cell := cells[at], readers.Gap)), None)
            if gap is not None:
                reasons.append(Reason(one.key, gap.why))
                values[one.key] = shown(gap)
            elif len(places) == 1:
                _coerce_into(values, reasons, one, cells[places[0]], own)
            else:
                _coerce_into(values, reasons, one, one.joined([(self.headings[at], readers.text_of(cells[at])) for at in places]), own)
        for at in self.filled:
            if cells[at] not in (None, ""):
                self.filled[at] += 1

    def left_out(self) -> dict[str, int]:
        """Headings of columns that hold something and that no field takes, with how many cells."""
        return {self.headings[at]: count for at, count in self.filled.items() if count}


def _spelled_out(own: Sequence[str], rest: Sequence[str]) -> list[str]:
    return [heading for one in own for heading in (rest if one == EVERY_OTHER else (one,))]


def _staged(reading: readers.Reading, importer: Importer, sources: Sources, declared: readers.Declaration) -> Iterator[tuple[Line, list[Reason]]]:
    for line_no, cells in reading.rows:
        if isinstance(cells, readers.Uneven):
            yield Line(line_no, {}), [Reason(None, _uneven(len(cells), len(reading.headings)))]
            continue
        values: dict[str, Any] = {}
        reasons: list[Reason] = []
        sources.read(values, reasons, cells, declared)
        for one in importer.fields:
            if one.required and one.key not in values and not any(reason.field == one.key for reason in reasons):
                reasons.append(Reason(one.key, _l("“%(field)s” is empty; every line needs it.", field=one.label)))
        yield Line(line_no, values), reasons


def _uneven(found: int, width: int) -> LazyString:
    return _l("The others have %(width)s cells, this line has %(found)s. Correct it and send it again: a cell with a comma must stand in quotation marks.",
              found=found, width=width)


def _coerce_into(values: dict[str, Any], reasons: list[Reason], one: ImportField, cell: Any, declared: readers.Declaration) -> None:
    try:
        value = readers.coerce(cell, one.kind, declared, field=one.key, choices=one.choices, labels=one.labels, longest=one.longest)
    except InvalidInput as error:
        reasons.extend(Reason(one.key, fault.message) for fault in faults(error))
        values[one.key] = shown(cell)
        return
    if value not in (None, ""):
        values[one.key] = value


def shown(cell: Any) -> str:
    """What stands in a cell that could not be read, for the page that says so; control characters as spaces."""
    return "".join(ch if ch.isprintable() else " " for ch in str(cell))[:LONGEST_SHOWN]


def context_of(row: Import, actor: Actor) -> Context:
    """What an importer is told besides the lines."""
    return Context(row.id, actor, row.options, row.file_name)


def _judge_block(session: Session, row: Import, importer: Importer, block: list[tuple[Line, list[Reason]]], actor: Actor) -> None:
    readable = [line for line, reasons in block if not reasons]
    context = context_of(row, actor)
    verdicts = dict(zip((line.line_no for line in readable), importer.check(session, readable, context) if readable else (), strict=True))
    rows = []
    for line, reasons in block:
        verdict = verdicts.get(line.line_no) or Verdict("refused", reasons)
        rows.append(_staged_row(row.id, line, verdict))
    with section("imports.staging"):
        insert_rows(session, ImportLine.__table__, rows)


def _staged_row(import_id: int, line: Line, verdict: Verdict) -> dict[str, Any]:
    reasons = {"reasons": [[reason.field, in_both(reason.message)] for reason in verdict.reasons], "lacks": list(verdict.lacks)}
    return {
        "import_id": import_id, "line_no": line.line_no, "cells": {key: to_json(value) for key, value in line.values.items()},
        "outcome": verdict.outcome, "reasons": reasons if verdict.reasons or verdict.lacks else None, "target_id": verdict.target_id, "applied": False,
    }


def to_json(value: Any) -> Any:
    """A coerced value as JSON that ``from_json`` turns back."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"amount": str(value)}
    return value


def from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "moment" in value:
        return datetime.fromisoformat(value["moment"])
    if "date" in value:
        return date.fromisoformat(value["date"])
    return Decimal(value["amount"])


def count_outcomes(session: Session, import_id: int) -> dict[str, int]:
    query = sa.select(ImportLine.outcome, sa.func.count()).where(ImportLine.import_id == import_id).group_by(ImportLine.outcome)
    return {outcome: count for outcome, count in session.execute(query)}


def good(counts: Mapping[str, int]) -> int:
    """How many lines an apply would write."""
    return counts.get("create", 0) + counts.get("update", 0)


def choose_to_apply(session: Session, row: Import, importer: Importer, *, expected: int, leave_out_refused: bool, actor: Actor) -> None:
    """The explicit choice: how many lines, and that refused ones stay out. Raises when what was shown has changed."""
    authorize(session, actor, importer.permission)
    if row.state != "checked":
        raise Conflict(_l("Only a checked import can be applied; this one is %(state)s.", state=row.state))
    if expected != good(row.counts):
        raise Conflict(_l("The check has changed since this page was shown. Look at it again."))
    if row.counts.get("refused") and not leave_out_refused:
        raise InvalidInput(_l("%(n)s lines are refused. Say that the good lines are to be applied without them, or correct the file and send it again.",
                              n=row.counts["refused"]), field="leave_out_refused")
    if not expected:
        raise Conflict(_l("There is nothing to apply: no line is new or changes anything."))
    row.state = "applying"
    audit.name_action(session, row, "apply")
    session.flush()


def apply_block(session: Session, row: Import, importer: Importer, *, actor: Actor, now: datetime) -> bool:
    """Apply the next block of good lines; returns whether there may be more. One transaction, committed by the caller."""
    query = (sa.select(ImportLine.id, ImportLine.line_no, ImportLine.cells, ImportLine.target_id)
             .where(ImportLine.import_id == row.id, ImportLine.outcome.in_(("create", "update")), ImportLine.applied.is_(False))
             .order_by(ImportLine.line_no).limit(BLOCK))
    lines = [Line(line_no, {key: from_json(value) for key, value in cells.items()}, line_id, target_id)
             for line_id, line_no, cells, target_id in session.execute(query)]
    if lines:
        results = importer.apply(session, lines, context_of(row, actor), actor=actor, now=now)
        _mark_applied(session, {line.id: target for line, target in zip(lines, results, strict=True)})
    return len(lines) == BLOCK


def _mark_applied(session: Session, targets: Mapping[int, int | None]) -> None:
    """Mark staged lines, each with what it became, by one statement."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    given = "json_each(:given)" if sqlite else "json_each_text(CAST(:given AS json))"
    statement = (f"UPDATE core_import_line SET applied = :yes, target_id = CAST(target.value AS integer) FROM {given} AS target"  # noqa: S608
                 " WHERE core_import_line.id = CAST(target.key AS integer)")
    with section("imports.staging"):
        session.execute(sa.text(statement), {"given": json.dumps(dict(targets)), "yes": True})
    session.expire_all()


def finish(session: Session, row: Import, importer: Importer, *, actor: Actor, now: datetime) -> None:
    """Mark the import applied after its last block."""
    if importer.finish is not None:
        importer.finish(session, context_of(row, actor), actor=actor, now=now)
    row.state, row.applied_at = "applied", now
    session.flush()
    telling.applied(session, row, actor=actor, now=now)


def undo(session: Session, row: Import, importer: Importer, *, actor: Actor, now: datetime) -> None:
    """Take an applied import back while nothing it made was touched; all or nothing."""
    authorize(session, actor, importer.permission)
    if row.state != "applied" or importer.undo is None:
        raise Conflict(_l("Only an applied import can be undone; this one is %(state)s.", state=row.state))
    query = sa.select(ImportLine.target_id).where(ImportLine.import_id == row.id, ImportLine.applied, ImportLine.outcome == "create")
    importer.undo(session, [one for one in session.scalars(query) if one is not None], context_of(row, actor), actor=actor, now=now)
    row.state = "undone"
    audit.name_action(session, row, "undo")
    session.flush()
    telling.undone(session, row, actor=actor, now=now)


def fail(session: Session, import_id: int, error: Exception, *, now: datetime) -> None:
    """Keep why an import stopped, and tell the person who began it; it can be checked again."""
    row = session.get(Import, import_id)
    if row is not None:
        maker = session.get(User, row.made_by_id) if row.made_by_id else None
        row.state = "failed"
        with use_language(maker.language if maker is not None and maker.language else language()):
            row.failure = str(error) if isinstance(error, AppError) else _unexpected()
        session.flush()
        telling.failed(session, row, now=now)


def _unexpected() -> str:
    return str(_l("It stopped for a reason that is in the log of the server."))


def one_import(session: Session, import_id: int) -> Import:
    row = session.get(Import, import_id)
    if row is None:
        raise NotFound(_l("There is no import %(id)s.", id=import_id))
    return row


def refused_lines(session: Session, import_id: int) -> Iterator[tuple[int, str, str, Mapping[str, Any]]]:
    """(line, field, reason, cells) of every refused line, for the file that goes back: one row a reason."""
    return reasons_of(session, import_id, "refused")


def reasons_of(session: Session, import_id: int, outcome: str) -> Iterator[tuple[int, str, str, Mapping[str, Any]]]:
    """(line, field, reason, cells) of every line of this outcome, one row a reason, in the reader's language."""
    query = sa.select(ImportLine).where(ImportLine.import_id == import_id, ImportLine.outcome == outcome).order_by(ImportLine.line_no)
    for line in session.scalars(query.execution_options(yield_per=1000)):
        for field, reason in line.said:
            yield line.line_no, field or "", reason, line.cells


def _blocks(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    block: list[Any] = []
    for item in items:
        block.append(item)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def run_whole(session: Session, row: Import, importer: Importer, *, actor: Actor, now: datetime) -> None:
    """Apply all blocks in the caller's one transaction; for small files and tests."""
    while apply_block(session, row, importer, actor=actor, now=now):
        pass
    finish(session, row, importer, actor=actor, now=now)


def run_as_job(session: Session, import_id: int, importer: Importer, *, actor: Actor, now: datetime) -> None:
    """Apply block by block, each committed: a killed run goes on where it stopped."""
    more = True
    while more:
        with work.unit_of_work(session):
            session.info["actor"] = actor
            row = one_import(session, import_id)
            more = apply_block(session, row, importer, actor=actor, now=now)
            if not more:
                finish(session, row, importer, actor=actor, now=now)
