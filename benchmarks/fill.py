"""Associations of a given size, made through the services and kept between runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.commands import operator
from core.customers import entry, importing, officers, queries, services
from core.customers.models import Customer, CustomerForm
from core.opening import opened
from core.settings import Association, Deployment, find_association
from core.testing import new_association

FIRST = ("أحمد", "محمد", "عبدالله", "خالد", "سارة", "نورة", "فاطمة", "عبدالرحمن", "يوسف", "مريم", "إبراهيم", "هند", "سلطان", "ريم", "آمنة", "طارق")
MIDDLE = ("بن علي", "بن سعد", "بنت محمد", "بن إبراهيم", "بن ناصر", "بنت فهد", "بن صالح", "بنت عبدالله")
LAST = ("العتيبي", "القحطاني", "الشمري", "الحربي", "الدوسري", "المطيري", "الغامدي", "الزهراني", "العنزي", "السبيعي", "الرشيدي", "البلوي")
RARE = "زرقاء اليمامة"
CLASSES = ("donor", "beneficiary", "donor", "beneficiary", "donor")
PEOPLE = {"maker": "crm_employee", "approver": "crm_manager", "officer": "customer_data_officer"}
BLOCK = 5_000


def prepared(deployment: Deployment, size: int, *, server: str | None) -> Association:
    """An association with ``size`` customers; made on the first call, opened on later ones."""
    slug = f"bench-{'postgresql' if server else 'sqlite'}-{size}"
    if (deployment.associations / slug / "association.toml").is_file():
        association = find_association(deployment, slug)
    else:
        association = new_association(deployment, slug, postgres=server)
    with opened(association, deployment) as (_app, session):
        present = session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
    if present < size:
        fill(association, deployment, size - present)
    return association


def team(association: Association, deployment: Deployment) -> dict[str, Actor]:
    """Who fills, who approves and who enters, made on the first call."""
    with opened(association, deployment, actor=operator()) as (_app, session):
        with work.unit_of_work(session):
            users = {username: _person(session, username, role) for username, role in PEOPLE.items()}
            if queries.officer(session, "primary") is None:
                officers.appoint(session, users["officer"].id, "primary", actor=operator(), now=work.now())
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


def rows(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Customers with Arabic names and Saudi mobile numbers, the same at each call; one in a hundred thousand is rare."""
    chance = random.Random(seed)
    for number in range(count):
        name = RARE if number % 100_000 == 77 else f"{chance.choice(FIRST)} {chance.choice(MIDDLE)} {chance.choice(LAST)}"
        yield {"name": name, "customer_class": chance.choice(CLASSES), "registration_origin": "web", "mobile": f"+9665{number % 100_000_000:08d}",
               "email": f"person{number}@example.org" if number % 3 == 0 else None}


def fill(association: Association, deployment: Deployment, count: int) -> None:
    """Enter ``count`` customers by forms of kind import, each reviewed, approved and entered."""
    people = team(association, deployment)
    made = 0
    source = rows(count)
    with opened(association, deployment, actor=people["maker"]) as (_app, session):
        while made < count:
            batch = [row for _n, row in zip(range(min(BLOCK * 10, count - made)), source, strict=False)]
            form = import_form(session, batch, f"bench-{association.slug}-{made}", people, work.now())
            enter_all(session, form, people, work.now())
            made += len(batch)


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
