"""Half a year of calls for the demo: by its agents, promised call-backs, a campaign, a reminder, and the totals of the year before."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.consent import services as consent
from core.customers import queries as customers
from core.customers.models import Customer
from plugins.callcenter import campaigns, domain, exchange, queries, reminders, rules, services, totals
from plugins.callcenter.domain import Leg
from plugins.callcenter.models import Task

WORDS_FILE = Path(__file__).parent / "demo.json"
CALLS, DAYS, PROMISES = 160, 180, 5
BEFORE = {"outgoing": 4120, "incoming": 1003, "complaints_received": 149, "complaints_closed": 142}
"""A year of a small association."""
SERVICE = {"number": "1888808", "extension": "1"}
"""As the association in Kuwait prints it."""


def make(session: Session, now: datetime) -> None:
    """Tell it all through the services, as its people would have done it."""
    Day(session, now, random.Random(settings.currency(session))).tell()


@dataclass
class Day:
    session: Session
    now: datetime
    random: random.Random
    words: Mapping[str, Any] = field(default_factory=lambda: json.loads(WORDS_FILE.read_text(encoding="utf-8")))

    def tell(self) -> None:
        if not self.agents or not self.people:
            return
        for place in range(CALLS):
            at = self.now - timedelta(days=DAYS - DAYS * place // CALLS, hours=self.random.choice((0, 1, 2, 3, 4)), minutes=self.random.randrange(60))
            self.call(at if at < self.now else self.now - timedelta(minutes=9 * (CALLS - place)))
        for place in range(PROMISES):
            self.promise(place)
        if self.keeper is not None:
            totals.record(self.session, {"year": self.now.year - 1, **BEFORE}, import_id=None, actor=self.keeper, now=self.now)
            exchange.take_in(self.session, list(self.legs()), import_id=0, actor=self.keeper, now=self.now)
            self.campaigns()
        if settings.get(self.session, "core.country") == "KW":
            for key, value in SERVICE.items():
                settings.put(self.session, f"callcenter.service_{key}", value)

    def legs(self) -> Iterator[Leg]:
        """What the exchange counted this morning: a call that rang at three agents, one that nobody took, one that went out, one inside the house."""
        who, other = (one.mobile or "" for one in (self.people[0], self.people[-1]))
        first, began = self.now - timedelta(minutes=50), {"queue": 0, "missed": 9, "out": 20, "inside": 31}
        ways = [(place, "queue", who, f"20{place}", 20, 0, "NO ANSWER", "") for place in (1, 2)] + [
            (3, "queue", who, "203", 150, 131, "ANSWERED", "q-203.wav"), (4, "missed", other, "201", 25, 0, "NO ANSWER", ""),
            (5, "out", "202", other, 75, 60, "ANSWERED", ""), (6, "inside", "201", "203", 30, 26, "ANSWERED", "")]
        for place, call, source, destination, whole, talk, word, recording in ways:
            yield Leg(f"demo-{self.now:%Y%m%d%H%M}-{place}", f"demo-{self.now:%Y%m%d%H%M}:{call}", first + timedelta(minutes=began[call]), whole, talk,
                      word, source, destination, channel_to=f"SIP/{destination}-{place:08}", application="Dial", recording=recording)

    @cached_property
    def actors(self) -> list[Actor]:
        return [auth.actor_for(self.session, one, source="demo", now=self.now) for one in self.session.scalars(sa.select(User).order_by(User.id))]

    @cached_property
    def agents(self) -> list[Actor]:
        """Who answers the telephone: the agents, else whoever may write calls down."""
        able = [one for one in self.actors if one.may(services.RECORD)]
        return [one for one in able if one.roles & {"call_agent", "donor_service_agent"}] or able

    @cached_property
    def keeper(self) -> Actor | None:
        return next((one for one in self.actors if one.may("callcenter.import")), None)

    @cached_property
    def people(self) -> list[Customer]:
        readable = customers.scope(sa.select(Customer).where(Customer.mobile.is_not(None)).order_by(Customer.id).limit(60), self.agents[0])
        return list(self.session.scalars(readable))

    def call(self, at: datetime) -> None:
        """One call, with a customer or, one time in six, with somebody unknown."""
        words, agent = self.random.choice(self.words["calls"]), self.random.choice(self.agents)
        given = {"direction": words["direction"], "subject": words["subject"], "result": words["result"], "started_at": at,
                 "duration": self.random.randint(*words["seconds"]), "note": self.random.choice(words["note"])}
        given |= self.with_whom()
        called = next((one for one in self.people if one.number == given.get("customer_number")), None)
        if called is not None and not self.may_be_called(called, agent):
            given["direction"] = domain.IN  # whom nobody may call, calls
        services.log_call(self.session, given, actor=agent, now=at + timedelta(minutes=8))

    def campaigns(self) -> None:
        """A notice that is half told, a list of donors who have not given for long, and a reminder for tomorrow."""
        manager = next((one for one in self.actors if one.may(campaigns.MANAGE) and one.roles & {"crm_manager"}), None)
        if manager is None:
            return
        free = islice((one.number for one in self.people if self.may_be_called(one, manager, *self.agents)), 6)
        given = {"numbers": " ".join(free), "title": self.words["notice"], "script": self.words["script"]}
        notice = campaigns.begin(self.session, given, actor=manager, now=self.now - timedelta(hours=3))
        found = self.session.scalars(sa.select(Task).where(Task.campaign_id == notice.id).order_by(Task.id)).all()
        for place, (task, result) in enumerate(zip(found, ("informed", "no_answer", "informed"), strict=False)):
            agent = self.agents[place % len(self.agents)]
            self.session.info["actor"] = agent
            campaigns.record(self.session, task, {"result": result, "duration": 55 if result == "informed" else 0}, actor=agent,
                             now=self.now - timedelta(minutes=90 - 9 * place))
        self.session.info["actor"] = manager
        if self.session.execute(rules.found(self.session, rules.RULES["no_gift"], 6, self.now, actor=manager).limit(1)).first() is not None:
            campaigns.begin(self.session, {"rule": "no_gift", "number": 6}, actor=manager, now=self.now - timedelta(hours=2))
        agent = self.agents[0]
        self.session.info["actor"] = agent
        reminders.plan(self.session, {
            "customer_number": self.people[0].number, "kind": "appointment", "channel": "phone", "about": self.words["reminder"],
            "due_at": self.now + timedelta(hours=20), "about_at": self.now + timedelta(hours=26)}, actor=agent, now=self.now)

    def may_be_called(self, who: Customer, *callers: Actor) -> bool:
        return not any(consent.objections(self.session, who.id, "phone", services.PURPOSE, actor=one, now=self.now, made=True) for one in callers)

    def with_whom(self) -> dict[str, str]:
        if self.random.random() < 1 / 6:
            return {}
        who = self.random.choice(self.people)
        return {"customer_number": who.number, "phone": who.mobile or ""}

    def promise(self, place: int) -> None:
        """A call-back: two that are done, one that is late, two that are still to come."""
        who, agent = self.people[place % len(self.people)], self.agents[place % len(self.agents)]
        at = self.now - timedelta(hours=26 - place)
        due = self.now + timedelta(hours=(-20, -18, -2, 3, 22)[place])
        call = services.log_call(self.session, {
            "direction": "in", "subject": "follow_up", "result": "callback", "duration": 70 + 10 * place, "note": self.words["promise"], "started_at": at,
            "customer_number": who.number, "callback_to": who.mobile, "due_at": due}, actor=agent, now=at + timedelta(minutes=3))
        if place < 2:
            one = self.session.scalars(queries.waiting().where(queries.Callback.call_id == call.id)).one()
            self.session.info["actor"] = agent
            services.complete_callback(self.session, one, {"result": "solved", "duration": 90, "note": ""}, actor=agent, now=due - timedelta(minutes=20))
