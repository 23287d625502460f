"""Models of an owner that exists in these tests only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from core.database import JsonDict, UtcDateTime, owner_base

Base = owner_base("probe")
TABLES = ("probe_tag", "probe_person", "probe_note", "probe_person_tag", "probe_counter")

person_tag = sa.Table(
    "probe_person_tag", Base.metadata,
    sa.Column("person_id", sa.ForeignKey("probe_person.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("probe_tag.id"), primary_key=True),
)


class Tag(Base):
    __tablename__ = "probe_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    people: Mapped[list[Person]] = relationship(secondary=person_tag, back_populates="tags")


class Person(Base):
    __tablename__ = "probe_person"
    __audit_subject__ = "subject_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    subject_id: Mapped[str | None] = mapped_column(sa.String(36))
    name: Mapped[str | None] = mapped_column(info={"personal": True})
    mobile: Mapped[str | None] = mapped_column(info={"personal": True})
    state: Mapped[str] = mapped_column(default="new")
    limit: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonDict)
    remarks: Mapped[str | None] = deferred(mapped_column(sa.Text))
    password: Mapped[str | None] = mapped_column(info={"secret": True})
    search: Mapped[str | None] = mapped_column(info={"audit": False})
    tags: Mapped[list[Tag]] = relationship(secondary=person_tag, back_populates="people")
    notes: Mapped[list[Note]] = relationship(cascade="all, delete-orphan", back_populates="person")


class Note(Base):
    __tablename__ = "probe_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("probe_person.id"))
    body: Mapped[str]
    person: Mapped[Person] = relationship(back_populates="notes")


class Counter(Base):
    __tablename__ = "probe_counter"
    __audit__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]
