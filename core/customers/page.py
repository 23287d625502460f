"""The customer's page: panels and one timeline from every enabled plugin and from the register itself (CUST-19)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.admin.addresses import path_to
from core.audit.titles import record_title
from core.auth.actor import Actor
from core.customers import domain, queries, steps
from core.customers.belonging import belongings, holders
from core.customers.models import Customer, CustomerForm, CustomerFormLine
from core.customers.offers import CustomerAct, CustomerPanel, SummaryLine, TimelineEntry
from core.customers.officers import user_label
from core.customers.queries import PERSONAL
from core.customers.shown import HIDDEN, SHORT
from core.errors import InvalidInput
from core.i18n import Bilingual, LazyString
from core.i18n import lazy_gettext as _l
from core.state import state

PAGE = 20
log = logging.getLogger(__name__)


@dataclass
class ShownPanel:
    """A panel with its lines; ``failed`` when its plugin could not answer."""

    name: str
    title: Any
    icon: str
    lines: Sequence[SummaryLine] = ()
    failed: bool = False

    @property
    def is_band(self) -> bool:
        return bool(self.lines) and all(one.kind == "money" for one in self.lines)


def offered(actor: Actor) -> list[CustomerPanel]:
    """The panels of areas and enabled plugins that this person may open."""
    return [one for one in state().offered("register_customer_panels") if actor.may(one.permission)]


def panels(session: Session, customer: Customer, actor: Actor) -> list[ShownPanel]:
    """Every panel with something to show; one that fails is named and the others stand."""
    found = []
    for panel in offered(actor):
        if panel.summary is None:
            continue
        try:
            lines = list(panel.summary(session, customer, actor))
        except Exception:
            _log_failure(panel, session)
            found.append(ShownPanel(panel.name, panel.title, panel.icon, failed=True))
            continue
        if lines:
            found.append(ShownPanel(panel.name, panel.title, panel.icon, lines))
    return found


def acts(session: Session, customer: Customer, actor: Actor) -> list[CustomerAct]:
    """What this person can begin with the customer, of every panel; one that fails is left out and logged."""
    found: list[CustomerAct] = []
    for panel in offered(actor):
        try:
            found += panel.acts(session, customer, actor) if panel.acts is not None else ()
        except Exception:
            _log_failure(panel, session)
    return found


@dataclass(frozen=True)
class ShownEntry:
    """An entry with whose it is, in the shape of the timeline macro."""

    entry: TimelineEntry
    owner: Any
    name: str

    @property
    def origin(self) -> Any:
        """Where it came from: whose entry it is, and through which part of the work the customer was met."""
        point = domain.touch_points().get(self.entry.touch_point or "")
        return self.owner if point is None else LazyString(lambda: f"{self.owner} · {point}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)


@dataclass
class Timeline:
    """One page of the timeline, newest first; ``before`` continues it; ``failed`` names panels that could not answer."""

    entries: list[ShownEntry] = field(default_factory=list)
    kinds: list[tuple[str, Any]] = field(default_factory=list)
    kind: str | None = None
    before: str | None = None
    failed: list[Any] = field(default_factory=list)


def timeline(session: Session, customer: Customer, actor: Actor, kind: str | None = None, before: str | None = None) -> Timeline:
    """What happened with a customer, from everybody who offers entries, merged by time; at most about ``PAGE`` entries.

    A page ends between two moments: whatever happened at one moment stands on one page, however much it is.
    """
    moment, size = _moment(before), PAGE
    sources = [one for one in offered(actor) if one.entries is not None]
    kinds = [(one.name, one.title) for one in sources]
    asked = [one for one in sources if kind in (None, "", one.name)]
    while True:
        shown = _merged(session, customer, actor, asked, moment, size)
        shown.kinds, shown.kind = kinds, kind
        if len(shown.entries) <= size:
            return shown
        left_over = shown.entries[size].entry.at
        whole = [one for one in shown.entries[:size] if one.entry.at > left_over]
        if whole:
            shown.entries, shown.before = whole, whole[-1].entry.at.isoformat()
            return shown
        size *= 4


def _merged(session: Session, customer: Customer, actor: Actor, sources: Sequence[CustomerPanel], before: datetime | None, size: int) -> Timeline:
    """The newest entries of all sources; more than ``size`` where there are more."""
    shown = Timeline()
    for panel in sources:
        try:
            entries = panel.entries(session, customer.id, actor, before, size + 1)  # type: ignore[misc]
            shown.entries += [ShownEntry(entry, panel.title, panel.name) for entry in entries]
        except Exception:
            _log_failure(panel, session)
            shown.failed.append(panel.title)
    shown.entries.sort(key=lambda one: one.entry.at, reverse=True)
    return shown


def _moment(before: str | None) -> datetime | None:
    if not before:
        return None
    try:
        moment = datetime.fromisoformat(before.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(_l("This page of the timeline cannot be found. Begin at its newest entry."), field="before", value=before[:40])
    return moment


def _log_failure(panel: CustomerPanel, session: Session) -> None:
    log.exception("the customer panel %s failed", panel.name)
    if not session.is_active:
        session.rollback()


# --- the register's own entries --------------------------------------------------------------------------------------


def form_entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> list[TimelineEntry]:
    """The forms of a customer, each at its entry, or at its filling while it is under way."""
    at = func.coalesce(CustomerForm.entered_at, CustomerForm.filled_at, CustomerForm.made_at)
    query = (select(CustomerForm, CustomerFormLine.registration_origin).join(CustomerFormLine, CustomerFormLine.form_id == CustomerForm.id)
             .where(CustomerFormLine.customer_id == customer_id, CustomerForm.state != "draft").order_by(at.desc(), CustomerForm.id.desc()).limit(limit))
    if before is not None:
        query = query.where(at < before)
    return [_form_entry(session, form, origin) for form, origin in session.execute(query)]


MET_THROUGH = {"web": "website", "event": "marketing", "referral": "partners", "visit": "service", "call": "service"}
"""Origin of a registration → touch point."""


def _form_entry(session: Session, form: CustomerForm, origin: str | None) -> TimelineEntry:
    made, entered = user_label(session, form.made_by), user_label(session, form.entered_by)
    detail = _l("Prepared by %(made)s, entered by %(entered)s", made=made, entered=entered) if form.entered_at else domain.STATE_TITLES[form.state]
    title = _l("Form %(number)s: %(kind)s", number=form.number, kind=domain.kinds().get(form.kind, form.kind))
    return TimelineEntry(form.entered_at or form.filled_at or form.made_at, title, detail, "file-text", path_to("customer_forms.show_form", form_id=form.id),
                         touch_point=MET_THROUGH.get(origin or "") if form.kind == "new" else None)


# --- small parts -----------------------------------------------------------------------------------------------------


def optional_values(session: Session, customer: Customer, actor: Actor) -> list[tuple[Any, str]]:
    """The optional fields in use that this customer has, hidden without the permission."""
    values = customer.extra or {}
    return [(Bilingual(one.name_ar, one.name_en), values[one.code] if actor.may(PERSONAL) else HIDDEN)
            for one in queries.optional_fields(session) if values.get(one.code)]


def what_is_held(session: Session, customer: Customer) -> list[tuple[Any, int]]:
    """Kinds of records that hold something personal of a customer, and how many of each; plugins that are off are among them."""
    mine = belongings(session, customer)
    personal = {one.name for one in holders() if one.personal} | {Customer.__tablename__}
    counted = [(record_title(table), len(keys)) for table, keys in mine.rows.items() if table in personal and keys]
    return sorted(counted, key=lambda one: (-one[1], str(one[0])))


def what_follows(session: Session, now: datetime) -> list[tuple[Any, str, str | None]]:
    """What happens after a form is sent: the step, who does it, its limit (ISO 8601)."""
    primary = queries.officer(session, "primary")
    rows = []
    for step in steps.table(session, now):
        if step.number > 1:
            who = user_label(session, primary.user_id) if step.number == 4 and primary is not None else str(step.role)
            rows.append((SHORT[step.number], who, step.duration))
    return rows
