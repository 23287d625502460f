"""Imports and their staged lines. What is staged is judged and shown before anything is applied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonDict
from core.i18n import Bilingual

STATES = ("uploaded", "checking", "checked", "applying", "applied", "undone", "failed")
OUTCOMES = ("staged", "create", "update", "duplicate", "refused")


class Import(Base):
    """One file taken in. ``declared`` and ``mapping`` are what the person said of it; counts are by outcome."""

    __tablename__ = "core_import"
    __table_args__ = (sa.CheckConstraint(f"state IN {STATES}", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(80))
    file_name: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    token: Mapped[str] = mapped_column(sa.String(40))
    state: Mapped[str] = mapped_column(sa.String(20), default="uploaded")
    declared: Mapped[dict[str, Any]] = mapped_column(JsonDict, default=dict)
    mapping: Mapped[dict[str, Any]] = mapped_column(JsonDict, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JsonDict, default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(JsonDict, default=dict)
    left_out: Mapped[dict[str, Any] | None] = mapped_column(JsonDict)
    """Headings of columns that no field takes → how many of their cells hold something; as checked."""
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    made_by: Mapped[str] = mapped_column(sa.String(120), info={"audit": False})
    made_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(sa.Text)
    operation_key: Mapped[str | None] = mapped_column(sa.String(64), unique=True)


class ImportLine(Base):
    """One line of the file as staged. Untracked: it is a copy of the file, which the audit log names by its hash."""

    __tablename__ = "core_import_line"
    __table_args__ = (
        sa.UniqueConstraint("import_id", "line_no"),
        sa.Index(None, "import_id", "outcome", "line_no"),
        sa.CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
    )
    __audit__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("core_import.id"))
    line_no: Mapped[int]
    cells: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    """Coerced values by field key, as JSON; dates ISO, amounts as text."""
    outcome: Mapped[str] = mapped_column(sa.String(20), default="staged")
    reasons: Mapped[dict[str, Any] | None] = mapped_column(JsonDict)
    """``{"reasons": [[field, {language: sentence}], …], "lacks": [key, …]}``; a sentence of before is text in the language of its check."""
    target_id: Mapped[int | None]
    applied: Mapped[bool] = mapped_column(default=False)

    @property
    def said(self) -> list[tuple[str | None, str]]:
        """Field and sentence of each reason, in the reader's language."""
        return [(field, Bilingual.of(text).localized() if isinstance(text, Mapping) else text) for field, text in (self.reasons or {}).get("reasons", ())]


class ImportMapping(Base):
    """A column mapping remembered for files with the same headings."""

    __tablename__ = "core_import_mapping"
    __table_args__ = (sa.UniqueConstraint("kind", "headings_hash"),)
    __audit__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(80))
    headings_hash: Mapped[str] = mapped_column(sa.String(64))
    mapping: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    declared: Mapped[dict[str, Any]] = mapped_column(JsonDict)
