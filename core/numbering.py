"""Numbers that are given once: counter rows, check digits, void ranges.

A number is given in the transaction that needs it, from a counter row that the transaction locks: two at once get two
numbers, a rolled-back one leaves no gap, a deleted or merged one is never given again (CUST-06, CUST-07).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column
from stdnum import luhn

from core.database import Base, section

FIRST = 100_001


class Counter(Base):
    """The last value given under a name. Untracked: whatever got the number is in the log."""

    __tablename__ = "core_counter"
    __audit__ = False
    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    value: Mapped[int] = mapped_column(sa.BigInteger)


class VoidRange(Base):
    """Numbers that will never be given: those between a restored counter and the highest one known to have been used."""

    __tablename__ = "core_void_range"
    id: Mapped[int] = mapped_column(primary_key=True)
    counter: Mapped[str] = mapped_column(sa.String(80))
    first: Mapped[int] = mapped_column(sa.BigInteger)
    last: Mapped[int] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(sa.String(200))
    made_at: Mapped[datetime]


def check_digit(body: str) -> str:
    """The Luhn digit that makes a mistyped or swapped digit noticed."""
    return luhn.calc_check_digit(body)


def is_valid(number: str) -> bool:
    """Whether ``number`` (digits with the check digit last) can have been given by this scheme."""
    return number.isascii() and number.isdigit() and len(number) > 1 and luhn.is_valid(number)


def split(number: str) -> tuple[str, str]:
    """(body, check digit), for showing the latter lighter."""
    return number[:-1], number[-1:]


def printed(number: str) -> str:
    """As people read it: the check digit set off, ``104271-2``."""
    return "-".join(split(number))


def next_value(session: Session, name: str, *, first: int = 1, count: int = 1) -> int:
    """Take ``count`` values from a counter; returns the last. The row stays locked until the transaction ends."""
    with section("numbering"):
        taken = session.execute(sa.update(Counter).where(Counter.name == name).values(value=Counter.value + count).returning(Counter.value)
                                .execution_options(synchronize_session=False)).scalar()
        if taken is None:
            taken = _start(session, name, first - 1, count)
    return int(taken)


def _start(session: Session, name: str, before: int, count: int) -> int:
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    made = insert(Counter).values(name=name, value=before + count)
    upsert = made.on_conflict_do_update(index_elements=["name"], set_={"value": Counter.value + count})
    return int(session.execute(upsert.returning(Counter.value)).scalar_one())


def next_number(session: Session, name: str) -> str:
    """The next number of ``name`` with its check digit, e.g. ``1042712``."""
    body = str(next_value(session, name, first=FIRST))
    return body + check_digit(body)


def next_numbers(session: Session, name: str, count: int) -> list[str]:
    """A block of ``count`` numbers, in order."""
    last = next_value(session, name, first=FIRST, count=count)
    return [str(body) + check_digit(str(body)) for body in range(last - count + 1, last + 1)]


def raise_counter(session: Session, name: str, at_least: int, *, reason: str, now: datetime) -> VoidRange | None:
    """Lift a counter above ``at_least`` and record what was skipped; None when it stands above already."""
    current = session.scalar(sa.select(Counter.value).where(Counter.name == name)) or 0
    if current >= at_least:
        return None
    next_value(session, name, first=current + 1, count=at_least - current)
    skipped = VoidRange(counter=name, first=current + 1, last=at_least, reason=reason, made_at=now)
    session.add(skipped)
    session.flush()
    return skipped
