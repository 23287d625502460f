"""Ten years of money and telephone calls for the customers: two contributions and one call each.

They go through the services (contributions recorded as an import, calls taken in as the exchange wrote them) while those
write at least ``SLOW`` rows a second. Where they do not, the rest of a large history is inserted past them, without
entries in the audit log, and this is said. Either way the rows come in order of time and a filling that was cut short
goes on by counting what is there.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import rollups, work
from core.auth.actor import Actor
from core.commands import operator
from core.customers.models import Customer
from core.database import section
from core.finance import services as finance
from core.finance.models import Contribution, Fund
from core.finance.services import Gift
from core.money import Money, minor_units
from core.opening import opened
from core.organisation import services as organisation
from core.organisation.models import Programme
from core.settings import Association, Deployment
from plugins.callcenter import exchange
from plugins.callcenter.domain import Leg
from plugins.callcenter.models import Call

SLOW = 3_000
"""Rows a second below which a large history is not left to the services: two million rows would take them longer than ten minutes."""
FEW = 60_000
"""So many are always left to them."""
BLOCK, STATEMENT = 5_000, 500
"""Rows in a transaction, and in a statement of it: for each statement PostgreSQL adds to the roll-ups."""
YEARS = 10
METHODS = ("bank", "bank", "card", "cash", "online", "sms")
CURRENCIES = ("SAR", "SAR", "SAR", "KWD", "USD")
FUNDS = ("zakat", "sadaqah", "sadaqah_jariyah", "general")
PROGRAMMES = ("كفالة الأيتام", "سقيا الماء", "إفطار الصائمين", "ترميم المنازل", "كسوة الشتاء", "الحقيبة المدرسية", "علاج المرضى", "الأسر المنتجة")
SUBJECTS = ("donation", "project", "complaint", "follow_up")


@dataclass
class Filling:
    """What the makers of both kinds of rows need: who acts, whom it is about, and the span of time."""

    session: Session
    people: dict[str, Actor]
    customers: array[int]
    programmes: list[int]
    funds: dict[str, int]
    until: datetime
    total: int = 0

    def moment(self, place: int, chance: random.Random) -> datetime:
        """When the row at this place of all happened: evenly over the years, by day and in office hours."""
        span = timedelta(days=365 * YEARS)
        day = (self.until - span + span * (place / self.total)).replace(hour=6, minute=0, second=0, microsecond=0)
        return day + timedelta(seconds=chance.randrange(9 * 3600))

    def some(self, chance: random.Random, count: int) -> list[int]:
        return [self.customers[chance.randrange(len(self.customers))] for _n in range(count)]

    def known(self, ids: list[int]) -> dict[int, Any]:
        found = self.session.execute(sa.select(Customer.id, Customer.subject_id, Customer.mobile).where(Customer.id.in_(set(ids))))
        return {row.id: row for row in found}


Maker = Callable[[Filling, int, int], None]


def fill(association: Association, deployment: Deployment, size: int, people: dict[str, Actor]) -> None:
    """Bring contributions and calls up to the amounts that belong to ``size`` customers."""
    wanted: tuple[tuple[str, Any, int, Maker, Maker], ...] = (
        ("contributions", Contribution, 2 * size, record_gifts, insert_gifts), ("calls", Call, size, take_in_calls, insert_calls))
    written = False
    with opened(association, deployment, actor=operator()) as (_app, session):
        programmes = _programmes(session)
        funds = {code: number for number, code in session.execute(sa.select(Fund.id, Fund.code))}
        for name, model, total, by_services, by_inserts in wanted:
            present = session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
            if present >= total:
                continue
            customers = array("q", session.scalars(sa.select(Customer.id).order_by(Customer.id)))
            until = work.now() - timedelta(days=2)
            work.rollback(session)
            filling = Filling(session, people, customers, programmes, funds, until, total)
            _fill(association, filling, name, present, by_services, by_inserts)
            written = True
    if written:
        add_up(association, deployment)
        settle(association)


def _fill(association: Association, filling: Filling, name: str, present: int, by_services: Maker, by_inserts: Maker) -> None:
    begun, done, fastest, bypassed = perf_counter(), present, 0.0, 0
    while done < filling.total:
        count = min(BLOCK, filling.total - done)
        bypass = 0 < fastest < SLOW and filling.total - present > FEW and done - present >= 2 * BLOCK
        started = perf_counter()
        (by_inserts if bypass else by_services)(filling, done, count)
        if bypass:
            bypassed += count
        else:
            fastest = max(fastest, count / (perf_counter() - started))
        done += count
        if (done - present) % (40 * BLOCK) == 0:
            print(f"{association.slug}: {done:,} of {filling.total:,} {name}", flush=True)
    how = f"through the services at {fastest:,.0f} rows/s at best" if fastest else "past the services"
    if bypassed:
        how += f"; {bypassed:,} of them inserted past the services and past the audit log"
    seconds = perf_counter() - begun
    print(f"{association.slug}: {done - present:,} {name} filled in {seconds:,.0f} s, {(done - present) / seconds:,.0f} rows/s, {how}", flush=True)


def _programmes(session: Session) -> list[int]:
    present = dict(session.execute(sa.select(Programme.name_ar, Programme.id)).all())
    if missing := [name for name in PROGRAMMES if name not in present]:
        with work.unit_of_work(session):
            for name in missing:
                organisation.save_programme(session, name_ar=name, actor=operator())
        present = dict(session.execute(sa.select(Programme.name_ar, Programme.id)).all())
    return [present[name] for name in PROGRAMMES]


def add_up(association: Association, deployment: Deployment) -> None:
    """What the hourly job does with roll-ups after so many rows came (core/reports)."""
    begun = perf_counter()
    with opened(association, deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        gone = rollups.compact(own.connection())
    print(f"{association.slug}: roll-ups added up in {perf_counter() - begun:,.1f} s, {gone:,} rows fewer, as the hourly job does", flush=True)


def settle(association: Association) -> None:
    """What an engine's own housekeeping does some minutes after so many rows came: statistics, and the write-ahead log put away."""
    url = sa.make_url(association.database_url)
    if url.get_backend_name() == "postgresql":
        engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        statement = "VACUUM ANALYZE"
    else:
        engine, statement = sa.create_engine(url, isolation_level="AUTOCOMMIT"), "PRAGMA wal_checkpoint(TRUNCATE)"
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


# --- contributions ---------------------------------------------------------------------------------------------------


def _gifts(filling: Filling, first: int, count: int) -> list[Gift]:
    chance = random.Random(f"gifts/{first}")
    donors = filling.some(chance, count)
    return [Gift(donor, _amount(chance), _day(filling.moment(first + place, chance)), chance.choice(METHODS), chance.choice(filling.programmes),
                 chance.choice(FUNDS)) for place, donor in enumerate(donors)]


def _amount(chance: random.Random) -> Money:
    currency = chance.choice(CURRENCIES)
    return Money(Decimal(chance.randint(4, 240) * 5).quantize(Decimal(1).scaleb(-minor_units(currency))), currency)


def _day(moment: datetime) -> date:
    return moment.date()


def record_gifts(filling: Filling, first: int, count: int) -> None:
    actor = filling.people["accountant"]
    with work.unit_of_work(filling.session) as own:
        own.info["actor"] = actor
        finance.record_contributions(own, _gifts(filling, first, count), source="import", source_name="benchmark", imported=True, actor=actor, now=work.now())


def insert_gifts(filling: Filling, first: int, count: int) -> None:
    gifts, now = _gifts(filling, first, count), work.now()
    who = filling.known([one.customer_id for one in gifts])
    work.rollback(filling.session)
    rows = [{"customer_id": one.customer_id, "subject_id": who[one.customer_id].subject_id, "programme_id": one.programme_id,
             "fund_id": filling.funds[str(one.fund)], "amount_minor": one.amount.minor, "currency": one.amount.currency, "reference": f"BENCH-{first + place}",
             "received_on": one.received_on, "method": one.method, "source": "import", "source_name": "benchmark", "imported": True, "recorded_at": now}
            for place, one in enumerate(gifts)]
    _insert(filling.session, Contribution, rows)


# --- calls -----------------------------------------------------------------------------------------------------------


def take_in_calls(filling: Filling, first: int, count: int) -> None:
    """As lines of the exchange, one a call; who is outside is found by the number, as for any file."""
    chance = random.Random(f"calls/{first}")
    ids = filling.some(chance, count)
    who = filling.known(ids)
    work.rollback(filling.session)
    legs = [_leg(filling, chance, first + place, who[one].mobile or "0112345678") for place, one in enumerate(ids)]
    actor = filling.people["approver"]
    with work.unit_of_work(filling.session) as own:
        own.info["actor"] = actor
        exchange.take_in(own, legs, import_id=0, actor=actor, now=work.now())


def _leg(filling: Filling, chance: random.Random, place: int, outside: str) -> Leg:
    talk = chance.randint(20, 400) if chance.random() < 0.85 else 0
    extension, inward = str(chance.randint(201, 212)), chance.random() < 0.6
    ends = (outside, extension) if inward else (extension, outside)
    return Leg(f"bench-{place}", f"bench-{place}:1", filling.moment(place, chance), talk + 12, talk, "ANSWERED" if talk else "NO ANSWER", *ends,
               application="Dial")


def insert_calls(filling: Filling, first: int, count: int) -> None:
    """The calls alone, without the exchange's lines."""
    chance, now = random.Random(f"calls/{first}"), work.now()
    ids = filling.some(chance, count)
    who = filling.known(ids)
    work.rollback(filling.session)
    rows = []
    for place, one in enumerate(ids, first):
        leg = _leg(filling, chance, place, who[one].mobile or "0112345678")
        inward = leg.source == who[one].mobile
        rows.append({"direction": "in" if inward else "out", "started_at": leg.started_at.astimezone(UTC), "duration_seconds": leg.duration,
                     "talk_seconds": leg.talk, "answered": leg.talk > 0, "extension": leg.destination if inward else leg.source, "customer_id": one,
                     "subject_id": who[one].subject_id, "phone": who[one].mobile, "source": "exchange", "group_key": leg.group, "legs": 1, "import_id": 0,
                     "subject": chance.choice(SUBJECTS), "recorded_at": now})
    _insert(filling.session, Call, rows)


def _insert(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    with work.unit_of_work(session) as own, section("benchmark history"):
        for start in range(0, len(rows), STATEMENT):
            own.connection().execute(sa.insert(model.__table__).values(rows[start:start + STATEMENT]))
