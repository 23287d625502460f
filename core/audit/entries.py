"""An entry of the log while it is being made: of now, by the session's actor, about a record."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, Session

from core import work
from core.audit.pending import Naming, Pending, current
from core.audit.plan import plan_for


def name_entry(entry: Pending, naming: Naming) -> None:
    """Call an entry what the service calls it."""
    entry.named, entry.action = True, naming.action
    entry.reason = naming.reason or entry.reason
    entry.form_number = naming.form_number or entry.form_number


def new_entry(session: Session, kind: str, action: str) -> Pending:
    """An entry of now, by the session's actor, in its innermost savepoint."""
    return Pending(kind=kind, action=action, at=work.now(), actor=session.info.get("actor"), transaction=current(session))


def describe(entry: Pending, mapper: Mapper[Any], target: Any) -> None:
    """Say which record an entry is about."""
    plan = plan_for(mapper)
    entry.obj, entry.plugin, entry.record_type = target, plan.plugin, plan.table
    entry.record_id = identity(mapper, target)
    label = getattr(target, plan.label) if plan.label else None
    entry.record_label = None if label is None else str(label)[:200]
    entry.subject_id = getattr(target, plan.subject) if plan.subject else None


def label_of(target: Any) -> str:
    """What an entry calls another record: its label, else its key."""
    mapper: Mapper[Any] = sa.inspect(target).mapper
    plan = plan_for(mapper)
    label = getattr(target, plan.label) if plan.label else None
    return str(label) if label is not None else f"{plan.table} {identity(mapper, target)}"


def identity(mapper: Mapper[Any], target: Any) -> str | None:
    values = mapper.primary_key_from_instance(target)
    return None if None in values else ",".join(str(value) for value in values)[:80]
