"""``diwan customers advance``: take waiting forms through their next steps in bulk, each by whom it is for."""

from __future__ import annotations

import argparse
import sys

from sqlalchemy import select

from core import work
from core.auth.actor import Actor
from core.auth.queries import user_named
from core.auth.services import actor_for
from core.commands import at_work, chosen, operator
from core.customers import entry, officers, services
from core.customers.models import CustomerForm
from core.errors import DiwanError
from core.opening import opened
from core.settings import Deployment


def advance(options: argparse.Namespace) -> None:
    """Review and approve as ``--manager``, enter and file as ``--officer``: the same services and rules as the pages."""
    with opened(chosen(options), Deployment.from_environment(), actor=operator()) as (_app, session):

        def somebody(username: str) -> Actor:
            user = user_named(session, username)
            if user is None:
                raise DiwanError(f"There is no person with the user name '{username}'.")
            return actor_for(session, user, source="cli")

        manager, officer = somebody(options.manager), somebody(options.officer)
        unfinished = CustomerForm.state.in_(("filled", "reviewed", "approved", "entering", "entered"))
        forms = list(session.scalars(select(CustomerForm.id).where(unfinished).order_by(CustomerForm.id)))
        for form_id in forms:
            for state, act, actor in (("filled", services.review, manager), ("reviewed", services.approve, manager), ("approved", _enter, officer),
                                      ("entered", services.file_form, officer)):
                with work.unit_of_work(session) as own:
                    own.info["actor"] = actor
                    form = own.get_one(CustomerForm, form_id)
                    if form.state == state:
                        act(own, form, actor=actor, now=work.now())
    print(f"{len(forms)} forms.")


def appoint(options: argparse.Namespace) -> None:
    """Appoint the primary data officer, or with ``--deputy`` the deputy; refused while there is one."""
    with at_work(options) as (_app, session):
        user = user_named(session, options.username)
        if user is None:
            raise DiwanError(f"There is no person with the user name '{options.username}'.")
        kind = "deputy" if options.deputy else "primary"
        officers.appoint(session, user.id, kind, actor=operator(), now=work.now())
        lacking = officers.lacking_right(session, [user.id])
    print(f"{options.username} is {kind} data officer.")
    if lacking:
        role = "customer_data_deputy" if options.deputy else "customer_data_officer"
        print(f"None of the roles of {options.username} may enter forms yet, so nothing can be entered. "
              f"Give the role with: diwan user roles {options.username} --add {role}", file=sys.stderr)


def _enter(session: object, form: CustomerForm, **who: object) -> None:
    act = entry.enter_import if form.kind == "import" else entry.enter
    act(session, form, **who)  # type: ignore[arg-type]
