"""What pages show of customers and forms: masked where the permission is missing, old and new side by side, the track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.auth.queries import names_of
from core.customers import domain, queries, steps
from core.customers.domain import PROCEDURE, STEP_ENTER, Change
from core.customers.models import Customer, CustomerForm, CustomerFormer, CustomerFormLine
from core.customers.officers import user_label
from core.customers.queries import PERSONAL
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, City, Department
from core.phones import format_phone, mask_phone
from core.procedures.models import StepRun

HIDDEN = "•••••"


def mask_email(email: str) -> str:
    """``a•••@example.com``: the first letter and the domain."""
    name, _at, host = email.partition("@")
    return f"{name[:1]}•••@{host}"


def masked(name: str, value: Any) -> Any:
    """A personal value as somebody without the permission sees it (CUST-34)."""
    if not value:
        return None
    if name in ("mobile", "phone"):
        return mask_phone(value)
    return mask_email(value) if name == "email" else HIDDEN


def personal_value(record: Customer | CustomerFormLine, name: str, actor: Actor) -> Any:
    value = getattr(record, name)
    return value if actor.may(PERSONAL) else masked(name, value)


class Words:
    """Stored codes and ids as people call them, each looked up once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seen: dict[tuple[type[Any], int], str] = {}

    def of(self, name: str, value: Any) -> str:
        """The value of a field in words; empty text for nothing."""
        if value in (None, ""):
            return ""
        labels = {"customer_class": domain.classes, "contact_channel": domain.channels, "registration_origin": domain.origins}.get(name)
        if labels is not None:
            return str(labels().get(value, value))
        model = {"city_id": City, "centre_id": Centre, "department_id": Department}.get(name)
        if model is not None:
            return self._named(model, value)
        return format_phone(value) if name in ("mobile", "phone") else str(value)

    def _named(self, model: type[Any], key: int) -> str:
        if (model, key) not in self.seen:
            row = self.session.get(model, key)
            self.seen[model, key] = str(row.name) if row is not None else f"#{key}"
        return self.seen[model, key]


def changes(session: Session, line: CustomerFormLine, actor: Actor) -> list[Change]:
    """Every field of a form's line with the register's value and the proposed one, in words (CUST-13)."""
    return _changes(Words(session), _optional_labels(session), line, actor.may(PERSONAL))


IN_COLUMNS = ("name", "customer_class", "mobile")


def given(session: Session, lines: Sequence[CustomerFormLine], actor: Actor) -> dict[int, list[Change]]:
    """What each line of an import says beside its columns, by the line's id: of a new record every value that was given,
    of a changed one every value that changes, in its columns too (CUST-15: who reviews sees all that will be entered)."""
    words, optional, personal = Words(session), _optional_labels(session), actor.may(PERSONAL)
    found = {}
    for line in lines:
        rows = _changes(words, optional, line, personal)
        found[line.id] = [row for row in rows if (row.changed if line.action == "update" else row.proposed and row.field not in IN_COLUMNS)]
        if line.reference:
            found[line.id].append(Change("reference", _l("Number in the former register"), "", line.reference, False))
    return found


def _optional_labels(session: Session) -> dict[str, Any]:
    return {one.code: Bilingual(one.name_ar, one.name_en) for one in queries.optional_fields(session, enabled_only=False)}


def _changes(words: Words, optional: Mapping[str, Any], line: CustomerFormLine, personal: bool) -> list[Change]:
    base: Mapping[str, Any] = line.base or {}
    found = [_change(words, name, label, base.get(name), getattr(line, name), personal or name not in domain.PERSONAL_FIELDS)
             for name, label in domain.field_labels().items()]
    old, new = base.get("extra") or {}, line.extra or {}
    for code in dict.fromkeys([*old, *new]):
        found.append(_change(words, "extra", optional.get(code, code), old.get(code), new.get(code), personal))
    return found


def _change(words: Words, name: str, label: Any, current: Any, proposed: Any, visible: bool) -> Change:
    if visible:
        return Change(name, label, words.of(name, current), words.of(name, proposed), name in domain.PERSONAL_FIELDS)
    hidden_old, hidden_new = masked(name, current) or "", masked(name, proposed) or ""
    if (current or None) != (proposed or None) and hidden_old == hidden_new:
        hidden_new = str(_l("%(value)s, another than before", value=hidden_new))
    return Change(name, label, hidden_old, hidden_new, True)


@dataclass(frozen=True)
class TrackStep:
    """One cell of the procedure track: number, the manual's words, who and when, due moment."""

    no: int
    title: Any
    who: str = ""
    at: datetime | None = None
    due_at: datetime | None = None
    limit: Any = ""
    state: str = "ahead"
    """``done``, ``late`` (done late), ``now``, ``overdue``, ``refused`` or ``ahead``."""
    action: Any = ""


SHORT = {1: _l("Filling"), 2: _l("Reviewing"), 3: _l("Deciding"), 4: _l("Entering"), 5: _l("Filing away")}
CURRENT = {"draft": 1, "filled": 2, "reviewed": 3, "approved": 4, "entering": 4, "entered": 5, "rejected": 5, "withdrawn": 6, "filed": 6}


def track(session: Session, form: CustomerForm, now: datetime) -> list[TrackStep]:
    """The five steps of the manual's table for one form, with what happened and what is due."""
    acts = {
        1: (form.made_by, form.filled_at), 2: (form.reviewed_by, form.reviewed_at), 3: (form.decided_by, form.decided_at),
        4: (form.entered_by, form.entered_at), 5: (form.filed_by, form.filed_at),
    }
    runs = steps.runs(session, form)
    versions = {one.number: one for one in steps.table(session, now)}
    return [_track_step(session, form, no, acts[no], runs.get(no), versions.get(no), now) for no in acts]


def _track_step(session: Session, form: CustomerForm, no: int, act: tuple[int | None, datetime | None], run: Any, version: Any, now: datetime) -> TrackStep:
    who, at = act
    due_at = run.due_at if run is not None else None
    current = CURRENT[form.state]
    if no == 4 and form.decided_at and form.state in ("rejected", "filed") and form.entered_at is None:
        state = "skipped"
    elif at is not None:
        state = "late" if due_at is not None and at > due_at else "done"
    elif no == current:
        state = "overdue" if due_at is not None and now > due_at else "now"
    else:
        state = "ahead"
    if no == 3 and form.reason is not None and at is not None:
        state = "refused"
    holder = user_label(session, who) if who is not None else _expected(session, no, version)
    return TrackStep(no, SHORT[no], holder, at, due_at, version.duration if version is not None else None, state, version.action if version is not None else "")


def holders(session: Session, runs: Sequence[StepRun]) -> dict[int, str]:
    """Who is to do each of these steps, by the run's id, where it is one person and not whoever holds the role."""
    names = names_of(session, [run.assigned_user_id for run in runs])
    found = {run.id: names[run.assigned_user_id] for run in runs if run.assigned_user_id in names}
    entries = [run.id for run in runs if (run.procedure_code, run.step_number) == (PROCEDURE, STEP_ENTER) and run.id not in found]
    primary = queries.officer(session, "primary") if entries else None
    return found if primary is None else found | dict.fromkeys(entries, user_label(session, primary.user_id))


def _expected(session: Session, no: int, version: Any) -> str:
    primary = queries.officer(session, "primary") if no == 4 else None
    if primary is not None:
        return user_label(session, primary.user_id)
    return str(version.role) if version is not None else ""


@dataclass
class Contact:
    """A contact point as the customer's page shows it."""

    kind: str
    value: Any
    shown: Any
    preferred: bool = False
    masked: bool = False
    label: Any = field(default="")


def former(session: Session, customer: Customer, actor: Actor) -> list[Contact]:
    """Contact points of records that were merged into this one; they find the customer still."""
    open_to = actor.may(PERSONAL)
    found = []
    for one in session.scalars(select(CustomerFormer).where(CustomerFormer.customer_id == customer.id).order_by(CustomerFormer.id)):
        kind = "email" if one.kind == "email" else "phone"
        found.append(Contact(kind, one.value if open_to else None, one.value if open_to else masked(kind, one.value), masked=not open_to,
                             label=domain.field_labels()[kind]))
    return found


def contacts(customer: Customer, actor: Actor) -> list[Contact]:
    """Contact points in the form's order; masked without the permission."""
    open_to = actor.may(PERSONAL)
    found: list[Contact] = []
    channels = {"mobile": ("phone", "sms", "whatsapp"), "phone": ("phone",), "email": ("email",), "address": ("post", "visit")}
    for name in ("mobile", "phone", "email", "address"):
        value = getattr(customer, name)
        if value:
            shown = value if open_to else masked(name, value)
            preferred = customer.contact_channel in channels[name] and not any(one.preferred for one in found)
            found.append(Contact(name, value if open_to else None, shown, preferred, not open_to, domain.field_labels()[name]))
    return found
