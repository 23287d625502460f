"""How many statements an act takes: what a test may ask of the speed of things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session


@contextmanager
def counting(session: Session) -> Iterator[list[str]]:
    """The statements that the session sends inside the block, in their order."""
    counted: list[str] = []

    def note(_conn: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        counted.append(text)

    sa.event.listen(session.connection(), "before_cursor_execute", note)
    try:
        yield counted
    finally:
        sa.event.remove(session.connection(), "before_cursor_execute", note)
