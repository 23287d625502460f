"""The key of a sending: taken whole or refused; what it made is found again, by who it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from core.errors import Conflict, InvalidInput
from core.sending import check_key, made_before


class Base(DeclarativeBase):
    pass


class Letter(Base):
    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_by: Mapped[int]
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True)


@pytest.fixture
def letters() -> Iterator[Session]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Letter(made_by=1, operation_key="first"), Letter(made_by=1)])
        session.flush()
        yield session


def test_a_key_is_taken_whole_or_refused() -> None:
    assert (check_key("k" * 40, 40), check_key("", 40), check_key(None, 40)) == ("k" * 40, None, None)
    with pytest.raises(InvalidInput, match="41"):
        check_key("k" * 41, 40)


def test_what_a_sending_made_is_found_again(letters: Session) -> None:
    found = made_before(letters, Letter, "first", made_by=1)

    assert found is not None and found.operation_key == "first"
    assert made_before(letters, Letter, "second", made_by=1) is None


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_finds_nothing_although_a_row_has_none(letters: Session, key: str | None) -> None:
    assert made_before(letters, Letter, key) is None


def test_nobody_gets_what_somebody_else_sent(letters: Session) -> None:
    with pytest.raises(Conflict):
        made_before(letters, Letter, "first", made_by=2)


def test_a_key_longer_than_any_given_out_is_refused(letters: Session) -> None:
    with pytest.raises(InvalidInput, match="41"):
        made_before(letters, Letter, "k" * 41)
