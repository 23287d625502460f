"""``diwan customers …`` and ``diwan erase``: forms taken through their steps, each by whom it is for; a customer erased, or written out."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import erasures, work
from core.auth.actor import Actor
from core.auth.queries import user_named
from core.auth.services import actor_for
from core.commands import at_work, check_new_file, chosen, operator
from core.customers import entry, erasure, officers, queries, services
from core.customers import subject_file as subject_files
from core.customers.models import CustomerForm
from core.errors import DiwanError
from core.opening import opened
from core.scrubbing import scrub
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


def erase(options: argparse.Namespace) -> None:
    """Fill, approve and enter the form of an erasure as the people named, or enter one that is approved; then remove what it left."""
    with opened(chosen(options), Deployment.from_environment(), actor=operator()) as (app, session):
        with work.unit_of_work(session) as own:
            form, number = _erasure_form(own, options)
            entry.enter(own, form, actor=_acting(own, options.officer or options.by, "--officer"), now=work.now())
            form_number = form.number
        erasure.finish_now(session)
        association = app.extensions["diwan"].association
    if options.vacuum:
        scrub(association.database_url, (), vacuum=True)
    print(f"{number} is erased by the form {form_number}.")
    print(f"Backups made before still hold the data until they are removed; a restore of one erases again by {erasures.list_file(association.folder)}.\n"
          "Keep a copy of that list with the backups' keys, apart from the backups." + _on_postgresql(association.database_url), file=sys.stderr)


def _on_postgresql(url: str) -> str:
    if not url.startswith("postgresql"):
        return ""
    return "\nPostgreSQL: bytes of former rows may stand in free space until it is used again, in the write-ahead log and in base backups while they are kept."


def _erasure_form(session: Session, options: argparse.Namespace) -> tuple[CustomerForm, str]:
    """The approved form that is named, or one that is filled, reviewed and approved now; with the customer's number."""
    customer = queries.by_number(session, options.customer)
    if customer is None:
        raise DiwanError(f"There is no customer with the number '{options.customer}'.")
    if options.form:
        form = session.scalar(select(CustomerForm).where(CustomerForm.number == options.form, CustomerForm.kind == "erase"))
        if form is None or form.line.customer_id != customer.id:
            raise DiwanError(f"'{options.form}' is no form that erases customer {customer.number}.")
        return form, customer.number
    lacking = [name for name in ("by", "approved_by", "asked_by", "reason") if not getattr(options, name)]
    if lacking:
        raise DiwanError(f"An erasure is filled by one person and approved by another: --{lacking[0].replace('_', '-')} is missing."
                         " Or name an approved form: --form.")
    maker, approver, now = _acting(session, options.by, "--by"), _acting(session, options.approved_by, "--approved-by"), work.now()
    form = erasure.fill_erasure(session, customer, asked_by=options.asked_by, reason=options.reason, actor=maker, now=now)
    services.review(session, form, actor=approver, now=now)
    return services.approve(session, form, actor=approver, now=now), customer.number


def _acting(session: Session, username: str | None, option: str) -> Actor:
    user = user_named(session, username) if username else None
    if user is None:
        raise DiwanError(f"{option}: there is no person with the user name '{username or ''}'.")
    return actor_for(session, user, source="cli")


def subject_file(options: argparse.Namespace) -> None:
    """Write everything held about a customer; it is logged before the file is there."""
    check_new_file(Path(options.out))
    with opened(chosen(options), Deployment.from_environment(), actor=operator(), language=options.language) as (_app, session):
        customer = queries.by_number(session, options.customer)
        if customer is None:
            raise DiwanError(f"There is no customer with the number '{options.customer}'.")
        made = subject_files.subject_file(session, customer, actor=operator(), now=work.now())
        with work.unit_of_work(session) as own:
            subject_files.note(own, customer, made)
        target = Path(options.out)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(made.content)
    print(f"{target}: {made.rows} rows, {made.files} files, sha256 {made.sha256}")


def _enter(session: object, form: CustomerForm, **who: object) -> None:
    act = entry.enter_import if form.kind == "import" else entry.enter
    act(session, form, **who)  # type: ignore[arg-type]
