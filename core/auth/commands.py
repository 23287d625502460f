"""``diwan user …``: people, for whoever has the server."""

from __future__ import annotations

import argparse

from core import work
from core.auth import queries, services, signin
from core.auth.models import User
from core.commands import at_work, chosen, operator
from core.errors import NotFound
from core.i18n import lazy_gettext as _l


def _user(session: object, username: str) -> User:
    user = queries.user_named(session, username)  # type: ignore[arg-type]
    if user is None:
        raise NotFound(_l("There is no person with the user name “%(name)s”.", name=username))
    return user


def _address(options: argparse.Namespace, token: str) -> str:
    association = chosen(options)
    base = f"https://{association.hosts[0]}" if association.hosts else f"http://127.0.0.1:8000/{association.slug}"
    return f"{base}/login/link/{token}"


def add(options: argparse.Namespace) -> None:
    """Add a person, with roles, and print the one-time link with which the password is chosen."""
    with at_work(options) as (_app, session):
        user = services.add_user(session, username=options.username, name_ar=options.name or options.username, name_en=options.name_en or "",
                                 email=options.email, actor=operator(), now=work.now())
        for slug in [*(["admin"] if options.administrator else []), *(options.role or [])]:
            services.grant_role(session, user, slug, actor=operator())
        token = signin.make_link(session, user, "invite", actor=operator(), now=work.now())
    print(f"{options.username} was added. The password is chosen on this page, once and within seven days:\n{_address(options, token)}")


def invite(options: argparse.Namespace) -> None:
    with at_work(options) as (_app, session):
        user = _user(session, options.username)
        token = signin.make_link(session, user, "reset" if user.password_hash else "invite", actor=operator(), now=work.now())
    print(_address(options, token))


def password(options: argparse.Namespace) -> None:
    """Set a password from standard input; it never stands in the list of processes or the shell's history."""
    import getpass
    import sys

    text = sys.stdin.readline().rstrip("\n") if options.stdin else getpass.getpass("Password: ")
    with at_work(options) as (_app, session):
        user = _user(session, options.username)
        hashed = signin.checked_hash(session, user, text)
        signin.change_password(session, user, hashed)
    print(f"The password of {options.username} is set; all sessions have ended.")


def roles(options: argparse.Namespace) -> None:
    with at_work(options) as (_app, session):
        user = _user(session, options.username)
        for slug in options.add or []:
            services.grant_role(session, user, slug, actor=operator())
        for slug in options.remove or []:
            services.revoke_role(session, user, slug, actor=operator())
        held = ", ".join(role.slug for role in queries.roles_of(session, [user.id])[user.id]) or "no role"
    print(f"{options.username}: {held}")
