"""The audit log's two tables and the triggers that let nobody change them (AUD-01, AUD-02)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.audit.chain import VERSION
from core.database import Base, Derived, UtcDateTime, derive

BigKey = sa.BigInteger().with_variant(sa.Integer, "sqlite")
HEAD_LOCK = 0x44495741_4E  # any constant: the advisory lock that guards the chain's end on PostgreSQL


class AuditEvent(Base):
    """One entry: who did what to which record, when, from where, and what was and is.

    ``changes`` is JSON text ``{field: [old, new]}``; a personal field stands there as ``null`` and its values are in
    ``sealed``, encrypted under the key of ``subject_id``. ``record_type`` is the table, ``record_label`` a number or other
    text that is not personal. ``data`` is JSON text of facts that are no column: filters, counts, a checksum.
    ``offset_minutes`` is what the association's clock was ahead of UTC.
    """

    __tablename__ = "core_audit_event"
    __audit__ = False
    __table_args__ = (
        sa.UniqueConstraint("batch", "position", name="uq_core_audit_event_place"),
        sa.Index("ix_core_audit_event_record", "record_type", "record_id", "id"),
        sa.Index("ix_core_audit_event_actor", "actor_label", "id"),
        sa.Index("ix_core_audit_event_action", "action", "id"),
        sa.Index("ix_core_audit_event_label", "record_label", "id"),
        sa.Index("ix_core_audit_event_plugin", "plugin", "id"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch: Mapped[int] = mapped_column(sa.BigInteger)
    """The id of the first entry of its transaction, or of its block in a bulk act."""
    position: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    offset_minutes: Mapped[int] = mapped_column(sa.SmallInteger)
    action: Mapped[str] = mapped_column(sa.String(40))
    actor_id: Mapped[int | None]
    actor_label: Mapped[str] = mapped_column(sa.String(200))
    on_behalf_of_id: Mapped[int | None]
    on_behalf_of_label: Mapped[str | None] = mapped_column(sa.String(200))
    source: Mapped[str] = mapped_column(sa.String(20))
    plugin: Mapped[str] = mapped_column(sa.String(60))
    """Owner of the record: ``core`` or a plugin's name."""
    plugin_version: Mapped[str | None] = mapped_column(sa.String(40))
    record_type: Mapped[str | None] = mapped_column(sa.String(80))
    record_id: Mapped[str | None] = mapped_column(sa.String(80))
    record_label: Mapped[str | None] = mapped_column(sa.String(200))
    form_number: Mapped[str | None] = mapped_column(sa.String(40))
    subject_id: Mapped[str | None] = mapped_column(sa.String(36))
    changes: Mapped[str | None] = mapped_column(sa.Text)
    sealed: Mapped[str | None] = mapped_column(sa.Text)
    data: Mapped[str | None] = mapped_column(sa.Text)
    reason: Mapped[str | None] = mapped_column(sa.Text)
    rule: Mapped[str | None] = mapped_column(sa.String(40))
    request: Mapped[str | None] = mapped_column(sa.String(40))
    address: Mapped[str | None] = mapped_column(sa.String(60))
    code: Mapped[str] = mapped_column(sa.String(64))
    """HMAC-SHA256 over all the above under ``audit.key``."""

    @property
    def facts(self) -> dict[str, Any]:
        """``data`` as a mapping."""
        return json.loads(self.data) if self.data else {}

    @property
    def fields(self) -> dict[str, Any]:
        """``changes`` as a mapping; personal fields are ``None``."""
        return json.loads(self.changes) if self.changes else {}


class AuditBlock(Base):
    """One row per transaction (or per block of a bulk act), chained to the one before."""

    __tablename__ = "core_audit_block"
    __audit__ = False

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    batch: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    count: Mapped[int]
    entries: Mapped[int] = mapped_column(sa.BigInteger)
    """Entries from the beginning up to and with this block."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(sa.String(64))
    previous: Mapped[str] = mapped_column(sa.String(64))
    code: Mapped[str] = mapped_column(sa.String(64))
    version: Mapped[int] = mapped_column(sa.SmallInteger, default=VERSION)


UNTRACKED = {
    "core_audit_event": "The audit log does not log itself.",
    "core_audit_block": "The chain of the audit log.",
}

REFUSE = """CREATE OR REPLACE FUNCTION core_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' refused', ERRCODE = 'restrict_violation';
END $$"""
# The lock and the read are two statements inside one call: in a single statement the snapshot would be older than the lock.
HEAD = f"""CREATE OR REPLACE FUNCTION core_audit_head() RETURNS TABLE(seq bigint, entries bigint, code varchar) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({HEAD_LOCK});
    RETURN QUERY SELECT b.seq, b.entries, b.code FROM core_audit_block b ORDER BY b.seq DESC LIMIT 1;
END $$"""  # noqa: S608


def _append_only(table: str, *keys: str) -> list[Derived]:
    """Triggers that refuse UPDATE, DELETE, TRUNCATE, and on SQLite an INSERT that would replace a row."""
    known = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {key})" for key in keys)  # noqa: S608
    guards = {
        "no_update": f"BEFORE UPDATE ON {table}", "no_delete": f"BEFORE DELETE ON {table}",
        "no_replace": f"BEFORE INSERT ON {table} WHEN {known}",
    }
    sqlite = [
        Derived(f"{table}_{name}", "trigger", table,
                sqlite=(f"CREATE TRIGGER {table}_{name} {when} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",))
        for name, when in guards.items()
    ]
    on_postgresql = f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION core_audit_refuse()"
    return [*sqlite, Derived(f"{table}_keep", "trigger", table, postgresql=(REFUSE, HEAD, on_postgresql))]


BEHALF = "CREATE INDEX ix_core_audit_event_behalf ON core_audit_event (on_behalf_of_label, id) WHERE on_behalf_of_label IS NOT NULL"
derive(
    Derived("ix_core_audit_event_behalf", "index", "core_audit_event", sqlite=(BEHALF,), postgresql=(BEHALF,)),
    *_append_only("core_audit_event", "id = NEW.id", "batch = NEW.batch AND position = NEW.position"),
    *_append_only("core_audit_block", "seq = NEW.seq", "batch = NEW.batch"),
)
