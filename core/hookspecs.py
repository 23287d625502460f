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
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from core.admin.offers import DashboardCard, SearchProvider
    from core.auth.actor import Actor
    from core.customers.offers import CustomerPanel
    from core.imports.offers import Importer
    from core.jobs.offers import Job
    from core.messages import Message, Taken
    from core.outreach import Outreach, Progress
    from core.reports.offers import Report
    from core.rest.offers import Resource

__all__ = ["hookimpl", "hookspec"]


@hookspec
def register_admin_views() -> list[BaseView]:  # type: ignore[empty-body]
    """Offer pages for signed-in staff.

    Called once per app. Return NEW view objects each time (a view belongs to one app), subclasses of ``PageView`` or
    ``RecordView`` of ``core.admin``; any other class is refused, because it would be open to everyone. Each names its
    ``permission``, and by ``menu_group``, ``menu_order`` and ``menu_icon`` its place in the side menu: ``marketing``,
    ``complaints``, ``customers`` (the manual's three processes), ``oversight`` or ``administration``; ``menu_beside`` makes
    it a tab of another's entry. Addresses begin with ``/<plugin>/``, endpoints with the plugin's name.

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

    Called once per app. Names begin with the plugin's name (``notes.by_day``). Core refuses duplicates, shows each
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
def register_api() -> list[Resource]:  # type: ignore[empty-body]
    """Offer what other systems may ask and send under ``/api/v1``.

    Called once per app. Each resource is data: method, path, permission, the JSON Schemas of its request and its answer, and a
    function that takes a ``core.rest.offers.Call`` and goes through your services, as a page does. Names begin with the plugin's
    name; a path is yours alone. Core recognises the token, counts, checks request and answer against the schemas, opens and
    commits the writing transaction, keeps answers by their ``Idempotency-Key``, tells errors as RFC 9457 says, and writes the
    OpenAPI document of the association. The actor is the token: it has a name and no ``user_id``.

    Example: ``return [Resource("notes.read", "GET", "/notes/{number}", _l("A note"), "notes.read", read_note, answer=NOTE)]``
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
    ``marketing``, ``fundraising``, ``sharing`` (then the channel is ``all``). A reason that rests on a rule of its own is a
    ``core.consent.domain.Objection``, so that the refused attempt is logged with that rule. Whoever implements this implements
    ``uncontactable`` with the same answer; the contract suite compares the two.

    Example: ``return [_l("Asked not to be called before noon.")]``
    """


@hookspec
def uncontactable(session: Session, channel: str, purpose: str, actor: Actor) -> Select[Any] | None:
    """Say the same as ``contact_objections`` for a whole list: a select of the ids of the customers that it would refuse.

    Asked by ``core.consent.queries.contactable`` for every mailing list and every file for an outside party, which leaves
    these customers out in the database itself. Select ``core_customer.id`` or a foreign key to it that is never NULL; return
    None where nobody is refused. A raising implementation refuses the list. What depends on the hour belongs in neither.

    Example: ``return select(Remark.customer_id).where(Remark.forbids == channel)``
    """


@hookspec
def on_contact(session: Session, customer_ids: Select[Any], channel: str, purpose: str, actor: Actor, now: datetime) -> None:
    """These customers are contacted, or stand in a file for an outside party: nobody objected.

    ``customer_ids`` selects one id for a single contact (``check_contact``, ``reach``), those of the file otherwise
    (``core.consent.services.note_listed``). Told inside the transaction of the contact. Use up here what allowed it only
    once; raise to refuse.
    """


@hookspec
def on_customer_merged(session: Session, kept_id: int, lost_id: int, actor: Actor, now: datetime) -> None:
    """Two customers became one. Rows that point at the lost one by foreign key were already re-pointed by core.

    Told inside the transaction. Only rows that a unique key does not allow the survivor to have beside its own still point at the lost
    one: end, change or delete one of the two, and core re-points what is left. A model with ``__merge_same__ = True`` needs no
    hook for that: core takes the lost one's row aside. What nobody settles refuses the merge, as raising does. Undoing a merge puts
    back exactly the re-pointed rows and those in conflict, so change no others here.

    Example: ``for wish in open_wishes_of_both(session, kept_id, lost_id): wish.ended_at = now``
    """


@hookspec
def on_contribution_recorded(session: Session, contribution_id: int, actor: Actor, now: datetime) -> None:
    """A contribution or a refund was recorded, by page, import or command. Told inside the transaction; raise to refuse."""


@hookspec
def on_contribution_removed(session: Session, contribution_id: int, actor: Actor, now: datetime) -> None:
    """An import is taken back: this contribution is about to go with it. Told before, inside the transaction; raise to refuse.

    Example: ``if outcome_rests_on(session, contribution_id): raise Conflict(_l("The case was closed with this money."))``
    """


@hookspec
def on_step_closed(session: Session, step_run_id: int, actor: Actor, now: datetime) -> None:
    """A step of a procedure closed with its output. Told inside the transaction; raise to refuse the closing."""


@hookspec
def take_message(session: Session, message: Message, actor: Actor, now: datetime) -> Taken | None:
    """Take what somebody said into the log in which it is answered, and say which entry that is.

    Called inside the transaction by ``core.messages.hand_over``, which a plugin uses at which people's words arrive (a comment,
    a call). Make the entry through your services, in the actor's name; the same ``source`` and ``reference`` again is the same
    entry. Return None for what you do not take; raise to refuse.

    Example: ``return Taken(entry.number, f"/notes/{entry.id}")``
    """


@hookspec
def tell_figures(session: Session, name: str, periods: Sequence[tuple[datetime, datetime]], actor: Actor, now: datetime) -> Sequence[Mapping[str, int]] | None:
    """Tell what you count to the panel of another plugin: of each period (from, up to but not with) the figures of this name.

    Asked by ``core.figures.ask`` in a read transaction; the names, each with its figures, stand there. Answer in the order of the
    periods, with as few statements as one period takes. Return None for a name that is not yours, and for who may not read all
    that the figures are made of: a part of them would be taken for the whole.

    Example: ``return [{"received": 12, "closed": 11} for since, until in periods]``
    """


@hookspec
def take_outreach(session: Session, outreach: Outreach, actor: Actor, now: datetime) -> Progress | None:
    """Take customers who have to be told something by telephone, one task for each, and say how far that is.

    Called inside the transaction by ``core.outreach.ask``, which the plugin uses that wants it (a donation link that did not come
    about). It is taken in the actor's name without asking a permission of yours: that the customers may be called is for whoever
    calls. The same ``source`` and ``reference`` again is the same campaign, with the customers that it lacked. Return None for what
    you do not take; raise to refuse.

    Example: ``return Progress(0, 0, 3, "/notes/rounds/7")``
    """


@hookspec
def tell_outreach(session: Session, source: str, reference: str) -> Progress | None:
    """Say how far an outreach is that you have taken; None for one that you do not know.

    Asked by ``core.outreach.progress`` in a read transaction.

    Example: ``return Progress(2, 0, 1, "/notes/rounds/7")``
    """
