"""Background work of the register: entering an approved import block by block, looking for customers registered twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import work
from core.auth.actor import Actor
from core.auth.models import User
from core.auth.services import actor_for
from core.customers import entry, erasure, pairs, services
from core.customers.models import CustomerForm
from core.errors import NotFound
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.jobs.services import enqueue, progress

ENTER_IMPORT = "customers.enter_import"


def start_import_entry(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> int:
    """Begin entering an approved import, or go on with one that stopped: the worker does it on this person's behalf.

    Returns the job's id. Refused like any entry (CUST-10).
    """
    entry.begin_import(session, form, actor=actor, now=now)
    left = entry.open_lines(session, form)
    return enqueue(session, ENTER_IMPORT, {"form_id": form.id, "user_id": actor.user_id}, requested_by=actor.user_id, total=left,
                   unique_key=f"{ENTER_IMPORT}:{form.id}:{left}:{now:%Y%m%dT%H%M%S}")


def bulk_enter(session: Session, forms: Iterable[CustomerForm], *, actor: Actor, now: datetime) -> services.Outcome:
    """Enter many forms, each judged by itself; an import among them is handed to the worker."""

    def one(form: CustomerForm) -> None:
        (entry.enter if form.single else start_import_entry)(session, form, actor=actor, now=now)

    return services.each(session, forms, one)


def enter_import(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Enter the form's lines, a block a transaction; started again after a crash it goes on with the lines left.

    The officer's right is asked anew for every block: an appointment that ends stops the entry where it stands.
    """
    left = None
    while left != 0:
        with work.unit_of_work(session) as own:
            left = _enter_block(own, arguments)


def _enter_block(session: Session, arguments: Mapping[str, Any]) -> int:
    user = session.get(User, arguments["user_id"])
    form = session.get(CustomerForm, arguments["form_id"])
    if user is None or form is None:
        raise NotFound(_l("The form or the person who was to enter it is no longer there."))
    if form.state == "entered":
        return 0
    actor = session.info["actor"] = actor_for(session, user, source="job")
    left = entry.enter_block(session, form, actor=actor, now=work.now())
    progress(session, form.line_count - left, form.line_count)
    return left


def jobs() -> list[Job]:
    return [Job(ENTER_IMPORT, enter_import, title=_l("Entering an import"), commits=True),
            Job(pairs.FIND, pairs.search_register, every="day", at="02:40", title=_l("Looking for customers registered twice"), commits=True),
            Job(erasure.FINISH, erasure.finish, title=_l("Removing what an erasure left"), commits=True)]
