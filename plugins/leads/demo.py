"""Leads for the demo: a portfolio, what donors want to fund, and leads in every state, told through the services."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import kinds, settings
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.calendar import local_day, period_of
from core.consent.models import Consent
from core.customers import queries as customers
from core.customers.models import Customer
from core.files import services as files
from core.finance import services as finance
from core.money import Money
from core.organisation.models import Programme
from core.procedures import recurring
from core.procedures.models import StepPeriod, StepRun
from core.state import state
from core.text import fold
from plugins.leads import developments, domain, interests, persons, portfolio, problems, queries, reviews, services
from plugins.leads.models import Interest, Lead, Portfolio, Study

WORDS_FILE = Path(__file__).parent / "demo.json"
DAYS, WEEKS = 75, 4
MOST_LOOKED_AT = 200
SCAN = b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n" \
       b"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
"""A scanned pledge: one empty page."""


def make(session: Session, now: datetime) -> None:
    """Tell it all through the services, as its people would have done it."""
    Story(session, now).tell()


@dataclass
class Story:
    session: Session
    now: datetime
    words: Mapping[str, Any] = field(default_factory=lambda: json.loads(WORDS_FILE.read_text(encoding="utf-8")))

    def tell(self) -> None:
        first = self.now - timedelta(days=DAYS)
        self.interests(first)
        self.portfolio(first)
        for place, words in enumerate(self.words["leads"]):
            self.lead(place, words, self.now - timedelta(days=words["ago"]))
        self.weeks()
        self.relations()
        services.identify(self.session, **self.words["study"], actor=self.people["manager"], now=self.now - timedelta(days=1))

    @cached_property
    def people(self) -> dict[str, Actor]:
        return {one.username: auth.actor_for(self.session, one, source="demo", now=self.now) for one in self.session.scalars(sa.select(User))}

    @cached_property
    def donors(self) -> list[Customer]:
        """Bodies among the donors first, each kind once before any again: they pledge in writing; nobody who ever withdrew a consent."""
        withdrew = sa.select(Consent.customer_id).where(Consent.given.is_(False))
        readable = customers.scope(sa.select(Customer).where(Customer.customer_class == "donor", Customer.id.not_in(withdrew)), self.people["employee"])
        met = Counter[str]()

        def place(one: Customer) -> tuple[bool, int]:
            kind = one.name.rstrip(" 0123456789")
            met[kind] += 1
            return kind == one.name, met[kind]

        found = self.session.scalars(readable.order_by(sa.func.length(Customer.name).desc(), Customer.id).limit(MOST_LOOKED_AT))
        return sorted(found, key=place)[:len(self.words["leads"]) + 6]

    @cached_property
    def kinds(self) -> dict[str, int]:
        return {one.code: one.id for one in self.session.scalars(sa.select(Interest))}

    @cached_property
    def programmes(self) -> list[Programme]:
        return list(self.session.scalars(sa.select(Programme).where(Programme.active).order_by(Programme.id)))

    def money(self, thousands: int) -> Money:
        return Money(Decimal(thousands) * 1000, settings.currency(self.session))

    def day(self, moment: datetime) -> Any:
        return local_day(moment, settings.time_zone(self.session))

    def interests(self, at: datetime) -> None:
        """What donors want to fund; one kind has no programme and waits for strategic planning, another was answered."""
        for place, words in enumerate(self.words["interests"]):
            donor = self.donors[place % len(self.donors)]
            interests.record(self.session, customer_number=donor.number, interest_id=self.kinds.get(words.get("kind", "")), other=words.get("other", ""),
                             note=words.get("note", ""), actor=self.people["employee"], now=at)
        answered = kinds.by_name(self.session, Interest)[fold(self.words["answered"]["kind"])]
        interests.discuss(self.session, answered, feasible=False, discussed_on=self.day(at), remark=self.words["answered"]["remark"],
                          actor=self.people["manager"], now=at)

    def portfolio(self, at: datetime) -> None:
        manager = self.people["manager"]
        made: Portfolio = portfolio.receive(self.session, received_on=self.day(at), received_from=self.words["supplier"], review=self.words["review"],
                                            actor=manager, now=at)
        for programme, words in zip(self.programmes, self.words["items"], strict=False):
            item = portfolio.add_item(self.session, made, programme_id=programme.id, interest_id=self.kinds[words["kind"]], needed=self.money(words["needed"]),
                                      description=words["text"], actor=manager, now=at)
            for donor in queries.donors_wanting(self.session, item.interest_id, manager)[:2]:
                portfolio.list_donor(self.session, item, donor.number, actor=manager, now=at)
        if any(queries.potential_of(self.session, [one.id for one in queries.items_of(self.session, made)])):
            portfolio.close_list(self.session, made, actor=manager, now=at + timedelta(days=2))

    # --- one lead ----------------------------------------------------------------------------------------------------

    def lead(self, place: int, words: Mapping[str, Any], at: datetime) -> None:
        """Studied, documented, and brought as far as its words say."""
        programme, donor = self.programmes[place % len(self.programmes)], self.donors[place % len(self.donors)]
        study: Study = services.identify(self.session, title=words["title"], text=words["study"], programme_id=programme.id,
                                         actor=self.people["manager"], now=at)
        lead = services.document(self.session, study, programme_id=programme.id, donors=[donor.number], probability=words["chances"][0],
                                 factors=words["factors"], expected=self.money(words["amount"]), next_action=words["next"],
                                 next_action_on=self.day(self.now + timedelta(days=words.get("due", 5))), actor=self.people["employee"],
                                 now=at + timedelta(hours=5))
        for number, said in enumerate(words.get("contacts", ())):
            self.contact(lead, donor, said, words["chances"], number, at + timedelta(days=2 + 4 * number))
        self.outcome(lead, donor, words, at + timedelta(days=16))

    def contact(self, lead: Lead, donor: Customer, said: str, chances: list[int], number: int, at: datetime) -> None:
        employee = self.people["employee"]
        services.contact(self.session, lead, customer_id=donor.id, channel=("phone", "visit", "email")[number % 3], summary=said,
                         document=self.words["document"] if number == 1 else "", actor=employee, now=at)
        if number + 1 < len(chances):
            services.estimate(self.session, lead, probability=chances[number + 1], factors=lead.factors, next_action=lead.next_action,
                              next_action_on=lead.next_action_on, actor=employee, now=at + timedelta(hours=2))

    def outcome(self, lead: Lead, donor: Customer, words: Mapping[str, Any], at: datetime) -> None:
        state_wanted = words.get("state")
        if state_wanted == domain.CANCELLED:
            services.cancel(self.session, lead, words["reason"], actor=self.people["manager"], now=at)
        elif state_wanted in (domain.CLOSING, domain.SUCCESSFUL):
            self.pledge(lead, donor, words["amount"], at)
            self.pay(lead, donor, words.get("paid", 2), at + timedelta(days=2))
            if state_wanted == domain.SUCCESSFUL:
                services.succeed(self.session, lead, actor=self.people["manager"], now=at + timedelta(days=3))

    def pledge(self, lead: Lead, donor: Customer, thousands: int, at: datetime) -> None:
        stored = files.store(state().association.files_folder, self.words["scan"], SCAN)
        half = self.money(thousands).amount / 2
        schedule = "\n".join(f"{self.day(at + timedelta(days=days)).isoformat()} {half}" for days in (10, 60))
        services.pledge(self.session, lead, stored, customer_id=donor.id, signed_on=self.day(at), signatory=self.words["signatory"],
                        amount=self.money(thousands), schedule=schedule, actor=self.people["employee"], now=at)

    def pay(self, lead: Lead, donor: Customer, parts: int, at: datetime) -> None:
        """So many of the two instalments come."""
        live = queries.live_pledge(self.session, lead)
        assert live is not None
        for one in queries.instalments_of(self.session, live)[:parts]:
            finance.record_contribution(self.session, customer_id=donor.id, amount=one.pledge.amount, received_on=self.day(at), method="bank",
                                        programme_id=lead.programme_id, pledge_id=one.core_pledge_id, actor=self.people["finance"], now=at)

    def relations(self) -> None:
        """Who speaks with whom, a request that waits for two permissions, problems, developments and improvement actions."""
        people, at = self.people, self.now - timedelta(days=5)
        given = {"user_id": people["employee"].user_id, "actor": people["manager"], "now": at}
        for donor, reason in zip(self.donors, self.words["persons"], strict=False):
            made = persons.propose(self.session, customer_number=donor.number, reason=reason, **given)
            persons.approve(self.session, made, actor=people["secretary"], now=at + timedelta(hours=4))
        persons.propose(self.session, customer_number=self.donors[2].number, reason=self.words["proposed"], **given)
        asked = persons.ask(self.session, customer_number=self.donors[0].number, purpose="service", reason=self.words["ask"], actor=people["agent"],
                            now=self.now - timedelta(hours=5))
        persons.permit(self.session, asked, domain.PARTS[0], actor=people["manager"], now=self.now - timedelta(hours=4))
        for place, words in enumerate(self.words["problems"]):
            problem = problems.record(self.session, customer_number=self.donors[place].number, text=words["text"], actor=people["quality"],
                                      now=self.now - timedelta(hours=3 + 40 * (place == 0)))
            if words.get("done"):
                problems.resolve(self.session, problem, words["done"], actor=people["manager"], now=self.now - timedelta(hours=42))
        for place, words in enumerate(self.words["developments"]):
            day = self.now - timedelta(days=words["ago"])
            developments.record(self.session, kind=words["kind"], text=words["text"], measure=words["measure"], happened_on=self.day(day),
                                programme_ids=[self.programmes[place].id], donors=[self.donors[place + 1].number], actor=people["employee"], now=day)
        for words in self.words["improvements"]:
            plan = developments.plan(self.session, relation=words["relation"], source=words["source"], action=words["action"],
                                     person_id=people["employee"].user_id, due_on=self.day(self.now + timedelta(days=words["days"])),
                                     actor=people["manager"], now=at)
            if words.get("result"):
                developments.finish(self.session, plan, result=words["result"], actor=people["employee"], now=self.now - timedelta(days=1))

    def weeks(self) -> None:
        """The last weeks were reviewed by the manager; this one waits for him."""
        sunday = datetime.combine(period_of("week", self.now.date())[0], self.now.timetz())
        for weeks in range(WEEKS, 0, -1):
            at = sunday - timedelta(weeks=weeks)
            recurring.open_periods(self.session, {}, at)
            its_step = sa.and_(StepRun.record_type == StepPeriod.__tablename__, StepRun.record_id == StepPeriod.id)
            waiting = sa.select(StepPeriod).join(StepRun, its_step).where(
                StepPeriod.procedure_code == domain.CREATION, StepPeriod.step_number == domain.REVIEW, StepRun.ended_at.is_(None),
                StepPeriod.starts_on <= self.day(at))
            for week in self.session.scalars(waiting).all():
                reviews.finish(self.session, week, self.words["note"], actor=self.people["manager"], now=at + timedelta(days=4, hours=2))
        recurring.open_periods(self.session, {}, self.now)
