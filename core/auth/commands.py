"""``diwan roles``, ``diwan user add|invite|password|roles``: people from the command line, the first administrator among them."""

from __future__ import annotations

import argparse
import difflib
import getpass
import sys
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import work
from core.auth import queries, services, signin
from core.auth.models import Role, User
from core.commands import at_work, operator, reading
from core.errors import DiwanError, NotFound
from core.i18n import lazy_gettext as _l
from core.settings import Association, Deployment, local_address


def user_add(options: argparse.Namespace) -> None:
    """Add a person with the given roles and print the one-time link by which they choose their password.

    With ``--password-stdin`` the password is read from standard input instead and no link is made.
    """
    password = _from_stdin() if options.password_stdin else None
    with at_work(options) as (_app, session):
        actor, now = operator(), work.now()
        _refuse_unknown_roles(session, options.role or ())
        user = services.add_user(session, username=options.username, name_ar=options.name_ar or options.name_en or options.username,
                                 name_en=options.name_en or "", email=options.email or "", actor=actor, now=now)
        for slug in [*(["administrator"] if options.administrator else []), *(options.role or ())]:
            services.grant_role(session, user, slug, actor=actor)
        if password is not None:
            signin.change_password(session, user, signin.checked_hash(session, user, password))
            print(f"Added {user.username}; the password is set.")
        else:
            print(f"Added {user.username}. One-time link, valid for seven days:\n{_link(session, user, 'invite')}")


def user_invite(options: argparse.Namespace) -> None:
    """Print a new one-time link for somebody; earlier ones stop working."""
    with at_work(options) as (_app, session):
        user = _named(session, options.username)
        print(_link(session, user, "reset" if user.password_hash else "invite"))


def user_password(options: argparse.Namespace) -> None:
    """Set somebody's password, asked for twice or read from standard input; all their sessions end.

    With ``--drop-second-factor`` a lost second factor goes first: for an association whose only administrator lost it.
    """
    password = _from_stdin() if options.password_stdin else _asked()
    with at_work(options) as (_app, session):
        user = _named(session, options.username)
        if options.drop_second_factor:
            signin.drop_second_factor(session, user, actor=operator())
        signin.change_password(session, user, signin.checked_hash(session, user, password))
        print(f"The password of {user.username} is set; all their sessions have ended.")


def user_roles(options: argparse.Namespace) -> None:
    """Show somebody's roles after giving and taking what was asked for."""
    with at_work(options) as (_app, session):
        user = _named(session, options.username)
        _refuse_unknown_roles(session, [*(options.add or ()), *(options.remove or ())])
        for slug in options.add or ():
            services.grant_role(session, user, slug, actor=operator())
        for slug in options.remove or ():
            services.revoke_role(session, user, slug, actor=operator())
        for role in queries.roles_of(session, [user.id])[user.id]:
            print(f"{role.slug}\t{role.name.en}\t{role.name.ar}")


def user_list(options: argparse.Namespace) -> None:
    """Everybody with state and roles, one a line."""
    with reading(options) as (_app, session):
        people = queries.people(session, active=None)
        roles = queries.roles_of(session, [one.id for one in people])
        for user in people:
            print(f"{user.username}\t{'active' if user.active else 'shut out'}\t{', '.join(role.slug for role in roles[user.id]) or '-'}")


def roles(options: argparse.Namespace) -> None:
    """Every role that can be given: its short name, its name, and how many permissions it has here."""
    with reading(options) as (_app, session):
        held = queries.matrix(session)
        for role in _active_roles(session):
            number = len(held[role.slug])
            print(f"{role.slug}\t{role.name.en}\t{role.name.ar}\t{number} permission{'' if number == 1 else 's'}")


def _active_roles(session: Session) -> list[Role]:
    return list(session.scalars(select(Role).where(Role.active).order_by(Role.slug)))


def _refuse_unknown_roles(session: Session, slugs: Sequence[str]) -> None:
    """Before anything is made: a role that is not there, with those that are."""
    known = {role.slug for role in _active_roles(session)}
    unknown = [slug for slug in slugs if slug not in known and slug != "administrator"]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=3)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise DiwanError(f"There is no role “{unknown[0]}”.{meant} The roles are: {', '.join(sorted(known))}. `diwan roles` says what they are.")


def _named(session: Session, username: str) -> User:
    user = queries.user_named(session, username)
    if user is None:
        raise NotFound(_l("There is no user “%(name)s”.", name=username))
    return user


def _link(session: Session, user: User, purpose: str) -> str:
    token = signin.make_link(session, user, purpose, actor=operator(), now=work.now())
    return f"{base_address(session.info['association'])}/login/link/{token}"


def base_address(association: Association) -> str:
    """Where the association answers: its first host over HTTPS, else where this machine serves."""
    return f"https://{association.hosts[0]}" if association.hosts else f"{local_address(Deployment.from_environment())}{association.slug}"


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _asked() -> str:
    if not sys.stdin.isatty():
        raise DiwanError("No terminal to ask for the password. Give it with --password-stdin on standard input.")
    first = getpass.getpass("New password: ")
    if getpass.getpass("Again: ") != first:
        raise DiwanError("The two passwords differ; nothing was changed.")
    return first
