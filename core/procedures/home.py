"""What "My day" shows: figures, the inbox, and how limits were kept; gathered from core and from plugins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, Figure
from core.auth.actor import Actor
from core.auth.models import Role, User
from core.calendar import day_bounds
from core.customers.steps import concerned
from core.i18n import gettext as _
from core.i18n import ngettext
from core.procedures import queries, timing
from core.procedures.models import Procedure, StepRun
from core.procedures.queries import Inbox, Kept
from core.settings import time_zone

log = logging.getLogger(__name__)
WATCHED_ENOUGH = 1


@dataclass(frozen=True)
class ShownCard:
    """A card with its figure; ``failed`` when its owner could not answer."""

    title: Any
    figure: Figure | None
    failed: bool = False


@dataclass(frozen=True)
class KeptLine:
    """One procedure: how many of the steps closed this month were closed in time, in per cent."""

    title: Any
    share: float
    closed: int


def reporting_roles(session: Session, actor: Actor) -> list[str]:
    """Slugs of the roles whose overdue steps this actor sees as their manager (PLUG-10)."""
    mine = set(actor.roles).union(*(one.roles for one in actor.delegators))
    return list(session.scalars(sa.select(Role.slug).where(Role.manager.in_(mine), Role.active))) if mine else []


def team(session: Session, actor: Actor, now: datetime) -> Inbox:
    return queries.overdue_of_team(session, actor, now, reporting_roles(session, actor))


def reader_of(session: Session, actor: Actor) -> Callable[[StepRun], bool]:
    """Says of a step whether this person opens its record: whose step it is, their manager, and who reads all of its owner."""
    reporting = set(reporting_roles(session, actor))

    def opens(run: StepRun) -> bool:
        if not run.link:
            return False
        return queries.has_step(run, actor) or not reporting.isdisjoint(run.role_slugs) or actor.may(f"{run.step.procedure.plugin}.read_all")

    return opens


@dataclass(frozen=True)
class Subject:
    """Whom a step concerns and who prepared its record, as its row in the inbox says it; "" where there is nothing to say."""

    whom: str = ""
    maker: str = ""


def subjects(session: Session, inbox: Inbox, actor: Actor) -> dict[int, Subject]:
    """By the run's id; of customers only what this actor may read."""
    runs = [one.run for steps in inbox.groups.values() for one in steps]
    whom, makers = concerned(session, runs, actor), queries.begun_by(session, runs)
    people = {user.id: str(user.name) for user in session.scalars(sa.select(User).where(User.id.in_({user_id for user_id, _label in makers.values()})))}
    told = {key: people.get(user_id) or label for key, (user_id, label) in makers.items()}
    return {run.id: Subject(whom.get(run.id, ""), told.get((run.record_type, run.record_id), "")) for run in runs}


def own_cards(inbox: Inbox, late_in_team: Inbox) -> list[ShownCard]:
    """Steps waiting, overdue, and overdue in the team; each with what makes it worth reading."""
    cards = [ShownCard(_("Steps waiting for me"), Figure(inbox.count, waiting_words(inbox)))]
    if inbox.count:
        tone = "bad" if inbox.overdue else ""
        cards.append(ShownCard(_("Overdue"), Figure(len(inbox.overdue), _oldest(inbox) or _("everything in time"), "#overdue" if inbox.overdue else "", tone)))
    if late_in_team.count:
        cards.append(ShownCard(_("Overdue in my team"), Figure(late_in_team.count, _oldest(late_in_team), "/procedures/team", "bad")))
    return cards


def waiting_words(inbox: Inbox) -> str:
    """Of how many on behalf of whom, or how many are due today."""
    if inbox.behalves:
        name, count = next(iter(inbox.behalves.items()))
        if len(inbox.behalves) == 1:
            return str(ngettext("%(num)s of them on behalf of %(name)s", "%(num)s of them on behalf of %(name)s", count, name=name))
        return str(ngettext("%(num)s of them on behalf of others", "%(num)s of them on behalf of others", sum(inbox.behalves.values())))
    today = len(inbox.groups.get("today", ()))
    return str(ngettext("%(num)s due today", "%(num)s due today", today) if today else _("none due today"))


def _oldest(inbox: Inbox) -> str:
    return _("the oldest by %(late)s", late=inbox.overdue[0].late) if inbox.overdue else ""


def plugin_cards(session: Session, offered: Iterable[DashboardCard], actor: Actor, now: datetime) -> list[ShownCard]:
    """The cards of areas and plugins that this actor may see, in their order; a failing one is shown as failed."""
    shown = [_ask(session, card, actor, now) for card in sorted(offered, key=lambda one: one.order) if actor.may(card.permission)]
    return [card for card in shown if card.failed or (card.figure is not None and (card.figure.comparison or card.figure.link))]


def _ask(session: Session, card: DashboardCard, actor: Actor, now: datetime) -> ShownCard:
    try:
        with session.begin_nested():
            return ShownCard(card.title, card.figure(session, actor, now))
    except Exception:
        log.exception("the card %s failed", card.name)
        return ShownCard(card.title, None, failed=True)


def kept_this_month(session: Session, now: datetime) -> list[KeptLine]:
    """For each procedure of which a step closed this month: the share closed in time, the worst last."""
    first = timing.local_day(session, now).replace(day=1)
    since = day_bounds(first, time_zone(session))[0]
    by_code: dict[str, list[Kept]] = {}
    for (code, _number), kept in queries.kept(session, now, since=since).items():
        by_code.setdefault(code, []).append(kept)
    names = {one.code: one for one in session.scalars(sa.select(Procedure).where(Procedure.plugin.in_(queries.owners())))}
    lines = []
    for code, parts in by_code.items():
        whole = queries.kept_in_all(parts)
        if whole.share is not None and whole.closed >= WATCHED_ENOUGH and code in names:
            lines.append(KeptLine(names[code].name, whole.share, whole.closed))
    return sorted(lines, key=lambda line: -line.share)
