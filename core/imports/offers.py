"""What can be imported: an importer's fields and its two functions, offered through ``register_importers``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor

NO_FILE = 0
"""Stands for the import of what came without a file."""
EVERY_OTHER = "*"
"""Stands for every column that no other field takes."""


@dataclass(frozen=True)
class ImportField:
    """A field that a column of the file can be mapped to.

    ``kind``: text, name, date, moment, amount, phone, email, integer, choice, country (ISO 3166, two letters: by it the
    phones of the same line are read) or currency (ISO 4217: by it its amounts are). Values arrive coerced by the declared
    order of date parts, calendar, time zone and country; a value that cannot be read refuses its line with the reason.
    """

    key: str
    label: Any
    kind: str = "text"
    required: bool = False
    choices: Mapping[str, str] | None = None
    """Accepted writing (folded) → stored code, for ``choice``."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Stored code → what people call it, for choices shown on a page."""
    help: Any = ""
    longest: int = 500
    headings: Sequence[str] = ()
    """What registers kept elsewhere call such a column, in any language; proposed when a file has one."""
    joins: str | None = None
    """For text: what stands between the values where a file has it in several columns (first and last name, street and place). A
    line break: each value on a line of its own, with its column's name, and ``EVERY_OTHER`` may be chosen."""
    parts: Sequence[Sequence[str]] = ()
    """Headings of columns that make it up together, proposed where the file has no column for the whole."""

    def joined(self, cells: Sequence[tuple[str, str]]) -> str:
        """One text of (heading, value)s; blank values are passed over."""
        filled = [(heading, text) for heading, text in cells if text.strip()]
        if self.joins == "\n" and len(cells) > 1:
            return "\n".join(f"{heading}: {text}" for heading, text in filled)
        return (self.joins or " ").join(text.strip() for _heading, text in filled)


@dataclass(frozen=True)
class Line:
    """One staged line: its number in the file (the heading is 1) and its coerced values by field key; absent means blank."""

    line_no: int
    values: Mapping[str, Any]
    id: int = 0
    target_id: int | None = None


@dataclass(frozen=True)
class Reason:
    """Why a line is refused or doubtful: which field, and the sentence."""

    field: str | None
    message: Any


@dataclass(frozen=True)
class Verdict:
    """What will happen to a line: create, update, duplicate (already there: nothing will happen) or refused."""

    outcome: str
    reasons: Sequence[Reason] = ()
    target_id: int | None = None
    lacks: Sequence[str] = ()
    """Keys of facts that the source does not hold, so that averages which need them leave the record out."""


@dataclass(frozen=True)
class Context:
    """What check and apply are told besides the lines: who asks, the import's options and its file.

    A record that ``actor`` may not read is none to a check: no line changes it, and no reason says what stands in it.
    """

    import_id: int
    actor: Actor
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Result:
    """What an applied import has led to: a sentence that says what happens next, and where inside the association."""

    sentence: Any
    link: str


@dataclass(frozen=True)
class Proposal:
    """What an importer knows of a file by its looks: which columns hold what (field key → heading), and what else can be said of it."""

    mapping: Mapping[str, str]
    declared: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Importer:
    """One kind of import. ``name`` is ``<owner>.<what>``.

    ``check(session, lines, context)`` judges a block without writing and returns a verdict a line. ``apply(session,
    lines, context, actor=, now=)`` writes a block through services and returns the id made or changed a line; it runs in
    one transaction a block. ``finish`` is told after the last block. ``undo(session, ids, context, actor=, now=)`` takes
    untouched results back or raises Conflict naming the first touched one. ``result(session, context)`` says what an
    applied import has led to. ``propose(path)`` looks into a file before anybody has said something of it, for kinds of file that
    are known by their looks (without headings, for one); None where it is none of them. What it proposes is shown for correction.
    """

    name: str
    title: Any
    permission: str
    fields: Sequence[ImportField]
    check: Callable[[Session, Sequence[Line], Context], Sequence[Verdict]]
    apply: Callable[..., Sequence[int | None]]
    undo: Callable[..., None] | None = None
    finish: Callable[..., None] | None = None
    result: Callable[..., Result | None] | None = None
    record_type: str = ""
    help: Any = ""
    options: Sequence[ImportField] = ()
    propose: Callable[[Path], Proposal | None] | None = None

    def holds(self, *kinds: str) -> bool:
        """Whether a field is of one of these kinds, so that a file must say how it writes them."""
        return any(one.kind in kinds for one in self.fields)

    def field(self, key: str) -> ImportField:
        return next(one for one in self.fields if one.key == key)


@dataclass(frozen=True)
class Declared:
    """What the person says of the file, because it cannot be known from it."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    date_order: str | None = None
    calendar: str = "gregorian"
    time_zone: str | None = None
    decimal: str = "."
    region: str | None = None
