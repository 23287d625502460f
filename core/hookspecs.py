"""THE CONTRACT: every hook through which an area of core or a plugin offers something or is told something.

Core pulls, plugins return: a ``register_…`` hook returns a list of new objects at each call; core orders, checks and
installs them. ``…_objections`` returns reasons, any of which refuses. ``on_…`` is told inside the transaction, after the
change was flushed and before it is committed; raising refuses the whole act and names the plugin.

Implement a hook as a function of the same name in your ``plugin.py``, marked ``@hookimpl``; take only the arguments you
need. A hook of a plugin that is switched off is not called. Every hook here is implemented in ``tests/dummy_plugin``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.plugins.manifest import hookimpl, hookspec

if TYPE_CHECKING:
    from flask import Blueprint
    from flask_admin import BaseView
    from sqlalchemy.orm import Session

    from core.admin.offers import DashboardCard, SearchProvider
    from core.auth.actor import Actor
    from core.customers.offers import CustomerPanel
    from core.imports.offers import Importer
    from core.jobs.offers import Job
    from core.messages import Message, Taken
    from core.reports.offers import Report

__all__ = ["hookimpl", "hookspec"]


@hookspec
def register_admin_views() -> list[BaseView]:  # type: ignore[empty-body]
    """Offer pages for signed-in staff.

    Called once per app. Return NEW view objects each time (a view belongs to one app), subclasses of ``PageView`` or
    ``RecordView`` of ``core.admin``; any other class is refused, because it would be open to everyone. Each names its
    ``permission``, and by ``menu_group``, ``menu_order`` and ``menu_icon`` its place in the side menu: ``marketing``,
    ``complaints``, ``customers`` (the manual's three processes), ``oversight`` or ``administration``. Addresses begin
    with ``/<plugin>/``, endpoints with the plugin's name.

    Example: ``return [NoteView()]``
    """


@hookspec
def register_blueprints() -> list[Blueprint]:  # type: ignore[empty-body]
    """Offer public pages, seen without signing in.

    Called once per app. Core mounts each under ``/p/<plugin>/``, limits and protects it like its own public pages. The
    blueprint's name is the plugin's name. Build a new one at each call.

    Example: ``return [public.blueprint()]``
    """


@hookspec
def register_reports() -> list[Report]:  # type: ignore[empty-body]
    """Offer reports to the report centre of one association (PLUG-05).

    Called once per app. Names begin with the plugin's name (``complaints.monthly``). Core refuses duplicates, shows each
    to holders of its permission only, adds period and centre filters, page, CSV, XLSX and PDF. With ``figures`` and ``chart``
    it shows cards and a picture; with ``every`` and ``role`` it stands in the calendar of due reports (RPT-10), and its
    runs can be kept and sent: ``core.reports.services.keep`` and ``send``.

    Example: ``return [Report("notes.by_day", _l("Notes by day"), permission="notes.read", columns=…, rows=by_day)]``
    """


@hookspec
def register_importers() -> list[Importer]:  # type: ignore[empty-body]
    """Offer kinds of file that can be imported: stage, check, show, apply, undo.

    Called once per app. Names begin with the plugin's name. The importer declares its fields and gives two functions:
    ``check`` judges one staged line without writing, ``apply`` writes checked lines through the plugin's services.

    Example: ``return [Importer("notes.notes", _l("Notes"), permission="notes.import", fields=…, check=…, apply=…)]``
    """


@hookspec
def register_jobs() -> list[Job]:  # type: ignore[empty-body]
    """Offer background work: jobs that are enqueued by name, and periodic ones.

    Called once per app and by the worker. Names begin with the plugin's name. A job takes ``(session, arguments, now)``
    and runs in one unit of work; it may run twice after a crash, so it must be idempotent. Off means that it is not
    claimed; what was enqueued waits until the plugin is on again.

    Example: ``return [Job("notes.digest", send_digest, every="day")]``
    """


@hookspec
def register_customer_panels() -> list[CustomerPanel]:  # type: ignore[empty-body]
    """Offer a part of the customer's page: a panel, its entries on the timeline, or both (CUST-19).

    Called once per app. A panel asks its own permission; a failing one is shown as failed and the page stands.

    Example: ``return [CustomerPanel("notes", _l("Notes"), permission="notes.read", entries=entries_of_customer)]``
    """


@hookspec
def register_dashboard_cards() -> list[DashboardCard]:  # type: ignore[empty-body]
    """Offer figures and lists for "My day". Each has a comparison or a link; a bare figure informs nobody.

    Example: ``return [DashboardCard("notes.open", _l("Open notes"), permission="notes.read", figure=open_notes)]``
    """


@hookspec
def register_search() -> list[SearchProvider]:  # type: ignore[empty-body]
    """Offer hits for the global search, by number, phone or name.

    Called once per app. A provider is given what the input was read as and returns at most ``limit`` hits that this
    actor may see; it is not asked without its permission.

    Example: ``return [SearchProvider("notes", _l("Notes"), permission="notes.read", find=find_notes)]``
    """


@hookspec
def register_demo(session: Session, actor: Actor, now: datetime) -> None:
    """Make demo data through your services, with the clock as given. Called by ``diwan demo`` in order of ``depends``."""


@hookspec
def contact_objections(session: Session, customer_id: int, channel: str, purpose: str, actor: Actor) -> Sequence[Any]:  # type: ignore[empty-body]
    """Say why this person may not be contacted now.

    Asked by ``core.consent.services`` for every message and call of every sender, beside core's own rules; a sender asks
    there and never this hook. Return reasons as lazy texts, each with its way out, or nothing; any reason refuses. A raising
    implementation refuses too. Channels: ``phone``, ``sms``, ``email``, ``whatsapp``, ``post``; purposes: ``service``, ``survey``,
    ``marketing``, ``fundraising``, ``sharing`` (then the channel is ``all``).

    Example: ``return [_l("Asked not to be called before noon.")]``
    """


@hookspec
def on_customer_merged(session: Session, kept_id: int, lost_id: int, actor: Actor, now: datetime) -> None:
    """Two customers became one. Rows that point at the lost one by foreign key were already re-pointed by core.

    Told inside the transaction. Settle what a re-pointed row contradicts, or raise to refuse the merge.
    """


@hookspec
def on_contribution_recorded(session: Session, contribution_id: int, actor: Actor, now: datetime) -> None:
    """A contribution or a refund was recorded, by page, import or command. Told inside the transaction; raise to refuse."""


@hookspec
def on_step_closed(session: Session, step_run_id: int, actor: Actor, now: datetime) -> None:
    """A step of a procedure closed with its output. Told inside the transaction; raise to refuse the closing."""


@hookspec
def take_message(session: Session, message: Message, actor: Actor, now: datetime) -> Taken | None:
    """Take what somebody said into the log in which it is answered, and say which entry that is.

    Called inside the transaction by ``core.messages.hand_over``, which a plugin uses at which people's words arrive (a comment,
    a call). Make the entry through your services, in the actor's name; the same ``source`` and ``reference`` again is the same
    entry. Return None for what you do not take; raise to refuse.

    Example: ``return Taken(entry.number, f"/complaints/{entry.id}")``
    """


@hookspec
def tell_figures(session: Session, name: str, periods: Sequence[tuple[datetime, datetime]], actor: Actor, now: datetime) -> Sequence[Mapping[str, int]] | None:
    """Tell what you count to the panel of another plugin: of each period (from, up to but not with) the figures of this name.

    Asked by ``core.figures.ask`` in a read transaction; the names, each with its figures, stand there. Answer in the order of the
    periods, with as few statements as one period takes. Return None for a name that is not yours, and for who may not read all
    that the figures are made of: a part of them would be taken for the whole.

    Example: ``return [{"received": 12, "closed": 11} for since, until in periods]``
    """
