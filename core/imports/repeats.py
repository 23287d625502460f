"""Lines of one file that say the same thing twice: seen before anything is written, also across the blocks of a check."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.imports.models import ImportLine
from core.imports.offers import Context, Line

KEPT = "imports.repeats"
KeyOf = Callable[[Mapping[str, Any]], Hashable | None]


@dataclass
class Seen:
    """What a check has met so far: the first line of each key, and the last line looked at."""

    import_id: int
    first: dict[Hashable, int] = field(default_factory=dict)
    last: int = 0


def earlier_lines(session: Session, lines: Sequence[Line], context: Context, key_of: KeyOf) -> dict[int, int]:
    """Line number → the number of the first line of this file with the same key, for those of ``lines`` that repeat one.

    ``key_of`` takes a line's values by field key and returns None for a line that cannot repeat another. Blocks come in
    order; after a restart the keys of earlier blocks are read from what was staged.
    """
    seen = session.info.get(KEPT)
    if seen is None or seen.import_id != context.import_id or (lines and lines[0].line_no <= seen.last):
        seen = session.info[KEPT] = _staged_before(session, lines[0].line_no if lines else 0, context, key_of)
    repeated = {}
    for line in lines:
        key = key_of(line.values)
        first = line.line_no if key is None else seen.first.setdefault(key, line.line_no)
        if first != line.line_no:
            repeated[line.line_no] = first
        seen.last = line.line_no
    return repeated


def _staged_before(session: Session, line_no: int, context: Context, key_of: KeyOf) -> Seen:
    seen = Seen(context.import_id)
    query = sa.select(ImportLine.line_no, ImportLine.cells).where(ImportLine.import_id == context.import_id, ImportLine.line_no < line_no)
    for number, cells in session.execute(query.where(ImportLine.outcome.in_(("create", "update"))).order_by(ImportLine.line_no)):
        key = key_of(cells)
        if key is not None:
            seen.first.setdefault(key, number)
    return seen
