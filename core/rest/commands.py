"""``diwan token add|list|revoke``."""

from __future__ import annotations

import argparse

from sqlalchemy import select

from core import work
from core.commands import at_work, operator, reading
from core.errors import DiwanError
from core.organisation.models import Department
from core.rest import queries, services
from core.rest.models import BEARER, SIGNING


def token_add(options: argparse.Namespace) -> None:
    """Print the token; it is kept nowhere and cannot be printed again."""
    with at_work(options) as (_app, session):
        department = None
        if options.department:
            department = session.scalar(select(Department.id).where(Department.slug == options.department))
            if department is None:
                raise DiwanError(f"There is no department '{options.department}'.")
        made = services.add_token(
            session, name=options.name, permissions=options.permission or [], kind=SIGNING if options.signing else BEARER, days=options.days,
            per_minute=options.per_minute, scope="department" if department else "all", department_id=department, actor=operator(), now=work.now())
        secret, until = made.secret, made.token.expires_at
    print(f"{secret}\nShown once. Valid until {until:%Y-%m-%d}.")


def token_list(options: argparse.Namespace) -> None:
    """Name, open part, state, end, last use, requests and refusals of the last 24 hours, permissions; one a line."""
    with reading(options) as (_app, session):
        for one in queries.tokens(session, work.now()):
            used = f"{one.token.last_used_at:%Y-%m-%d %H:%M}" if one.token.last_used_at else "never"
            print(f"{one.token.name}\t{one.token.prefix}\t{one.state}\t{one.token.expires_at:%Y-%m-%d}\t{used}\t{one.calls}\t{one.refused}\t"
                  f"{' '.join(one.token.names)}")


def token_revoke(options: argparse.Namespace) -> None:
    with at_work(options) as (_app, session):
        token = services.revoke_token(session, services.token_named(session, options.name), actor=operator(), now=work.now())
        name = token.name
    print(f"{name} is shut out from its next request on.")
