"""Associations of a given size, made through the services and kept between runs; a filling that was cut short goes on where it stopped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from benchmarks import history
from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import Role, User
from core.commands import operator
from core.customers import entry, importing, officers, queries, services
from core.customers.models import Customer, CustomerForm
from core.opening import opened, seed, upgrade_association
from core.plugins.discovery import installed_plugins
from core.settings import Association, Deployment, find_association
from core.testing import choose_plugins, new_association

FIRST = ("أحمد", "محمد", "عبدالله", "خالد", "سارة", "نورة", "فاطمة", "عبدالرحمن", "يوسف", "مريم", "إبراهيم", "هند", "سلطان", "ريم", "آمنة", "طارق")
MIDDLE = ("بن علي", "بن سعد", "بنت محمد", "بن إبراهيم", "بن ناصر", "بنت فهد", "بن صالح", "بنت عبدالله")
LAST = ("العتيبي", "القحطاني", "الشمري", "الحربي", "الدوسري", "المطيري", "الغامدي", "الزهراني", "العنزي", "السبيعي", "الرشيدي", "البلوي")
RARE = "زرقاء اليمامة"
CLASSES = ("donor", "beneficiary", "donor", "beneficiary", "donor")
PEOPLE = {"maker": "crm_employee", "approver": "crm_manager", "officer": "customer_data_officer", "accountant": "finance_manager"}
BLOCK = 5_000
FORM_LINES = 50_000


def prepared(deployment: Deployment, size: int, *, server: str | None) -> Association:
    """An association with ``size`` customers, their history, and every plugin on; made on the first call, completed on later ones."""
    slug = f"bench-{'postgresql' if server else 'sqlite'}-{size}"
    if (deployment.associations / slug / "association.toml").is_file():
        association = find_association(deployment, slug)
        up_to_date(association, deployment)
    else:
        association = new_association(deployment, slug, postgres=server)
    choose_plugins(association, frozenset(one.info.name for one in installed_plugins(deployment.plugin_path).installed))
    people = team(association, deployment)
    with opened(association, deployment) as (_app, session):
        present = session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
    if present < size:
        begun = perf_counter()
        fill(association, deployment, present, size)
        say(association, "customers", size - present, perf_counter() - begun, "through forms of kind import")
    history.fill(association, deployment, size, people)
    return association


def up_to_date(association: Association, deployment: Deployment) -> None:
    """What ``diwan db upgrade`` does, for an association that an earlier run kept."""
    try:
        upgrade_association(association, deployment)
    except OperationalError as error:
        raise SystemExit(f"{association.slug} was kept, but its database cannot be reached: {error.orig}\n"
                         f"Start the server it was made on, or remove {association.folder} to have it filled anew.") from error
    with opened(association, deployment, actor=operator()) as (app, session), work.unit_of_work(session):
        seed(session, app.extensions["diwan"])


def say(association: Association, what: str, count: int, seconds: float, how: str) -> None:
    print(f"{association.slug}: {count:,} {what} filled in {seconds:,.0f} s, {count / max(seconds, 0.001):,.0f} rows/s, {how}", flush=True)


def team(association: Association, deployment: Deployment) -> dict[str, Actor]:
    """Who fills, who approves, who enters and who keeps the money, made on the first call; whoever reads lists reads all."""
    with opened(association, deployment, actor=operator()) as (_app, session):
        with work.unit_of_work(session):
            users = {username: _person(session, username, role) for username, role in PEOPLE.items()}
            if queries.officer(session, "primary") is None:
                officers.appoint(session, users["officer"].id, "primary", actor=operator(), now=work.now())
            for username in ("approver", "accountant"):
                if session.scalars(sa.select(Role.scope).where(Role.slug == PEOPLE[username])).one() != "all":
                    auth.set_scope(session, PEOPLE[username], "all", actor=operator())
        return {name: everywhere(auth.actor_for(session, user, source="bench")) for name, user in users.items()}


def everywhere(actor: Actor) -> Actor:
    """The same person, who may read every customer."""
    return replace(actor, scopes={"*": "all"})


def _person(session: Session, username: str, role: str) -> User:
    user = session.scalar(sa.select(User).where(User.username == username))
    if user is None:
        user = auth.add_user(session, username=username, name_ar=username, actor=operator(), now=work.now())
        auth.grant_role(session, user, role, actor=operator())
    return user


def rows(count: int, seed: int = 1, first: int = 0) -> Iterator[dict[str, Any]]:
    """Customers with Arabic names and Saudi mobile numbers, the same at each call; one in a hundred thousand is rare."""
    chance = random.Random(f"{seed}/{first}")
    for number in range(first, first + count):
        name = RARE if number % 100_000 == 77 else f"{chance.choice(FIRST)} {chance.choice(MIDDLE)} {chance.choice(LAST)}"
        yield {"name": name, "customer_class": chance.choice(CLASSES), "registration_origin": "web", "mobile": mobile(number),
               "email": f"person{number}@example.org" if number % 3 == 0 else None}


def mobile(number: int) -> str:
    return f"+9665{number % 100_000_000:08d}"


def fill(association: Association, deployment: Deployment, present: int, size: int) -> None:
    """Enter customers up to ``size`` by forms of kind import, each reviewed, approved and entered."""
    people = team(association, deployment)
    with opened(association, deployment, actor=people["maker"]) as (_app, session):
        if enter_left(session, people):
            present = session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
        while present < size:
            batch = list(rows(min(FORM_LINES, size - present), first=present))
            form = import_form(session, batch, f"bench-{association.slug}-{present}-{work.now():%y%m%d%H%M%S}", people, work.now())
            enter_all(session, form, people, work.now())
            present += len(batch)
            print(f"{association.slug}: {present:,} of {size:,} customers", flush=True)


def enter_left(session: Session, people: dict[str, Any]) -> int:
    """Enter what a filling that was cut short had approved; how many forms."""
    half = session.scalars(sa.select(CustomerForm.id).where(CustomerForm.kind == "import", CustomerForm.state.in_(("approved", "entering")))).all()
    for number in half:
        enter_all(session, number, people, work.now())
    return len(half)


def import_form(session: Session, batch: list[dict[str, Any]], key: str, people: dict[str, Any], now: datetime) -> int:
    """An approved form with a line for each row; its id."""
    with work.unit_of_work(session):
        form = importing.begin_import_form(session, source=key, operation_key=key, actor=people["maker"], now=now)
        number = form.id
    for start in range(0, len(batch), BLOCK):
        with work.unit_of_work(session):
            importing.add_lines(session, session.get_one(CustomerForm, number), batch[start:start + BLOCK], actor=people["maker"])
    with work.unit_of_work(session):
        importing.send_import(session, session.get_one(CustomerForm, number), actor=people["maker"], now=now)
        services.review(session, session.get_one(CustomerForm, number), actor=people["approver"], now=now)
        services.approve(session, session.get_one(CustomerForm, number), actor=people["approver"], now=now)
    return number


def enter_all(session: Session, number: int, people: dict[str, Any], now: datetime) -> None:
    with work.unit_of_work(session):
        entry.begin_import(session, session.get_one(CustomerForm, number), actor=people["officer"], now=now)
    left = 1
    while left:
        with work.unit_of_work(session):
            left = entry.enter_block(session, session.get_one(CustomerForm, number), actor=people["officer"], now=now, size=BLOCK)
