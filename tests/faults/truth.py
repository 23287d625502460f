"""What was acknowledged against what the database holds: nothing lost, nothing doubled, no number reused, no gap."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from core.customers.models import Customer, CustomerForm, CustomerFormLine
from core.database import make_engine
from core.finance.models import Contribution, FinanceBatch, FinanceBatchRow
from core.numbering import FIRST, VoidRange
from core.settings import Association

AFTER = {"form": ("filled", "reviewed", "approved", "entering", "entered"), "review": ("reviewed", "approved", "entering", "entered"),
         "approve": ("approved", "entering", "entered"), "customer": ("entered",)}
"""States in which a form can be once the act was acknowledged."""
SHOWN = 3


@dataclass(frozen=True)
class Held:
    """What the database holds of a load: forms by id with name, number and state; the forms of customers and the operation
    keys of complaints by number; references, batches, exported rows; and by counter the numbers that a restore made void."""

    forms: dict[int, tuple[str, str, str]]
    customers: dict[str, int]
    references: list[str]
    batches: list[str]
    exported: list[int]
    void: dict[str, set[int]]
    complaints: dict[str, str] = field(default_factory=dict)


def held(session: Session) -> Held:
    form = sa.select(CustomerForm.id, CustomerFormLine.name, CustomerForm.number, CustomerForm.state).join(CustomerFormLine)
    live = sa.select(FinanceBatchRow.contribution_id).where(FinanceBatchRow.live, FinanceBatchRow.contribution_id.is_not(None))
    return Held(
        {row.id: (row.name, row.number, row.state) for row in session.execute(form)},
        {number: form_id for number, form_id in session.execute(sa.select(Customer.number, Customer.form_id))},
        list(session.scalars(sa.select(Contribution.reference))), list(session.scalars(sa.select(FinanceBatch.number))),
        [one for one in session.scalars(live) if one is not None], _void(session), _complaints(session),
    )


def _void(session: Session) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for gap in session.scalars(sa.select(VoidRange)):
        found.setdefault(gap.counter, set()).update(range(gap.first, gap.last + 1))
    return found


def _complaints(session: Session) -> dict[str, str]:
    """By SQL, because the plugin may be absent."""
    if not sa.inspect(session.connection()).has_table("complaints_entry"):
        return {}
    rows = session.execute(sa.text("SELECT number, operation_key FROM complaints_entry"))
    return {number: key for number, key in rows}


def faults(found: Held, acknowledged: Iterable[dict[str, Any]], tried: set[str] | None = None) -> list[str]:
    """Every way in which the database breaks the promise, in words; empty when it keeps it."""
    acts = list(acknowledged)
    return [*lost(found, acts), *doubled(found), *reused(acts), *gaps(found), *strangers(found, tried)]


def lost(found: Held, acts: list[dict[str, Any]]) -> list[str]:
    missing = []
    for one in acts:
        if one["act"] in AFTER:
            form = found.forms.get(one["form"])
            if form is None or form[0] != f"Load {one['key']}" or form[2] not in AFTER[one["act"]]:
                missing.append(f"{one['act']} of form {one['form']}")
        if one["act"] == "customer" and found.customers.get(one["number"]) != one["form"]:
            missing.append(f"customer {one['number']} of form {one['form']}")
        if one["act"] == "complaint" and found.complaints.get(one["number"]) != f"complaint-{one['key']}":
            missing.append(f"complaint {one['number']}")
    references, batches = set(found.references), set(found.batches)
    missing += [f"contribution {one['reference']}" for one in acts if one["act"] == "contribution" and one["reference"] not in references]
    missing += [f"batch {one['number']}" for one in acts if one["act"] == "batch" and one["number"] not in batches]
    return _told("acknowledged and lost", missing)


def doubled(found: Held) -> list[str]:
    names = Counter(name for name, _number, _state in found.forms.values())
    numbers = Counter(number for _name, number, _state in found.forms.values())
    forms = Counter(found.customers.values())
    twice = [f"form {one}" for one, count in (names + numbers).items() if count > 1] + [f"customer of form {one}" for one, count in forms.items() if count > 1]
    twice += [f"contribution {one}" for one, count in Counter(found.references).items() if count > 1]
    twice += [f"exported contribution {one}" for one, count in Counter(found.exported).items() if count > 1]
    return _told("there twice", twice)


def reused(acts: list[dict[str, Any]]) -> list[str]:
    """Numbers that were acknowledged to two different acts, whatever the database holds now."""
    given: dict[tuple[str, str], set[str]] = {}
    for one in acts:
        if one["act"] in ("customer", "batch", "complaint"):
            given.setdefault((one["act"], one["number"]), set()).add(one["key"])
    return _told("given twice", [f"{act} {number}" for (act, number), keys in given.items() if len(keys) > 1])


def gaps(found: Held) -> list[str]:
    given = {"customer": {int(number[:-1]) for number in found.customers}}
    for number in found.complaints:
        _letter, year, running = number.split("-")
        given.setdefault(f"complaints_entry_{year}", set()).add(int(running))
    missing = []
    for counter, numbers in given.items():
        known, first = numbers | found.void.get(counter, set()), FIRST if counter == "customer" else 1
        missing += [f"{counter} {one}" for one in range(first, max(known, default=first)) if one not in known]
    return _told("never given", missing)


def strangers(found: Held, tried: set[str] | None) -> list[str]:
    known = None if tried is None else {f"Load {key}" for key in tried}
    return _told("there and never sent", [name for name, _number, _state in found.forms.values() if known is not None and name not in known])


def _told(what: str, things: list[str]) -> list[str]:
    return [f"{len(things)} {what}: {', '.join(things[:SHOWN])}"] if things else []


def damage(association: Association) -> list[str]:
    """What SQLite finds wrong with its own file."""
    url = make_url(association.database_url)
    if url.get_backend_name() != "sqlite":
        return []
    with closing(sqlite3.connect(url.database or "")) as connection:
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    return ([] if verdict == "ok" else [f"integrity: {verdict}"]) + ([] if orphan is None else [f"a row of {orphan[0]} points at nothing"])


def examine(association: Association, acknowledged: Iterable[dict[str, Any]], tried: set[str] | None = None) -> list[str]:
    """The whole comparison on the association's database as it lies there, without the product's own pages and services."""
    engine = make_engine(association.database_url, pool_size=1)
    try:
        with Session(engine) as session:
            found = held(session)
    finally:
        engine.dispose()
    return [*faults(found, acknowledged, tried), *damage(association)]
