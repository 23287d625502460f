"""Half a year of the log for the demo: entries in every state, reviews of its weeks, recommendations, and approved answers."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.customers.models import Customer
from core.organisation.models import Department
from core.procedures import recurring
from core.procedures.models import StepPeriod, StepRun
from core.recommendations import services as recommending
from plugins.complaints import domain, faq, reviews, services, steps
from plugins.complaints.models import Cause, Entry

WORDS_FILE = Path(__file__).parent / "demo.json"
ENTRIES, DAYS, STILL_OPEN, WEEKS = 66, 168, 7, 8
ANSWERED_AFTER = (2, 4, 5, 20, 22, 26, 28, 44, 50, 74)
"""Hours until the answer, as they come; about one in four is late."""


def make(session: Session, now: datetime) -> None:
    """Tell it all through the services, as its people would have done it."""
    Log(session, now, random.Random(settings.currency(session))).tell()


@dataclass
class Log:
    session: Session
    now: datetime
    random: random.Random
    words: Mapping[str, Any] = field(default_factory=lambda: json.loads(WORDS_FILE.read_text(encoding="utf-8")))

    def tell(self) -> None:
        self.answers()
        first = self.now - timedelta(days=DAYS)
        for place in range(ENTRIES):
            self.entry(place, first + timedelta(days=place * DAYS / ENTRIES, hours=self.random.choice((1, 3, 4, 5))))
        self.weeks()
        recurring.open_periods(self.session, {}, self.now)
        steps.open_daily(self.session, {}, self.now)

    @cached_property
    def people(self) -> dict[str, Actor]:
        return {one.username: auth.actor_for(self.session, one, source="demo", now=self.now) for one in self.session.scalars(sa.select(User))}

    @cached_property
    def causes(self) -> dict[str, int]:
        return {one.code: one.id for one in self.session.scalars(sa.select(Cause))}

    @cached_property
    def callers(self) -> dict[str, list[Customer]]:
        query = sa.select(Customer).where(Customer.mobile.is_not(None)).order_by(Customer.id).limit(300)
        found: dict[str, list[Customer]] = {}
        for one in self.session.scalars(query):
            found.setdefault(one.customer_class, []).append(one)
        return found

    def entry(self, place: int, at: datetime) -> None:
        """One entry, and what has become of it by now."""
        words = self.random.choice(self.words["entries"])
        caller = self.random.choice(self.callers.get(words["class"]) or next(iter(self.callers.values())))
        handler = self.people["centre" if caller.customer_class == "beneficiary" else "employee"]
        promised = at + timedelta(hours=28)
        at_once = place < ENTRIES - STILL_OPEN and words["kind"] == domain.INQUIRY
        made = services.receive(self.session, {
            "kind": words["kind"], "channel": self.random.choice(("phone", "phone", "phone", "face_to_face", "email")), "text": words["text"],
            "customer_number": caller.number, "cause_id": self.causes[words["cause"]], "received_at": at,
            "answer_now": services.SOLVED if at_once else services.CALLBACK, "answer": words["answer"], "promised_at": promised, "callback_to": caller.mobile,
        }, actor=handler, now=at).entry
        if not at_once:
            self.handle(made, words, place, at, handler)

    def handle(self, entry: Entry, words: Mapping[str, Any], place: int, at: datetime, handler: Actor) -> None:
        """Studied, updated and answered; the last ones are still under way, one of them without a study."""
        hours = self.random.choice(ANSWERED_AFTER)
        if place == ENTRIES - STILL_OPEN:
            return
        if entry.kind == domain.COMPLAINT:
            services.study(self.session, entry, words["analysis"], words["party"], actor=handler, now=at + timedelta(hours=min(hours, 27) - 1))
        if place >= ENTRIES - STILL_OPEN:
            return
        if hours > 24:
            services.add_update(self.session, entry, self.words["update"], actor=handler, now=at + timedelta(hours=23))
        told = at + timedelta(hours=hours)
        services.close(self.session, entry, answer=words["answer"], answer_channel="phone", returned_at=told, actor=handler, now=told)

    def weeks(self) -> None:
        """The last weeks' reviews, closed by their managers; some recommend something, on which the secretary decides."""
        sunday = self.now - timedelta(days=(self.now.weekday() + 1) % 7)
        managers = {self.department("crm"): self.people["manager"], self.department("centres_affairs"): self.people["centres"]}
        for weeks in range(WEEKS, 0, -1):
            at = sunday - timedelta(weeks=weeks)
            recurring.open_periods(self.session, {}, at)
            its_step = sa.and_(StepRun.record_type == StepPeriod.__tablename__, StepRun.record_id == StepPeriod.id)
            open_weeks = sa.select(StepPeriod).join(StepRun, its_step).where(
                StepPeriod.procedure_code == domain.HANDLING, StepPeriod.step_number == domain.WEEKLY, StepRun.ended_at.is_(None))
            for week in self.session.scalars(open_weeks).all():
                self.week(week, weeks, managers[week.department_id], at + timedelta(days=4, hours=3))

    def week(self, week: StepPeriod, weeks: int, manager: Actor, at: datetime) -> None:
        if weeks % 3 == 0 and week.department_id == self.department("crm"):
            source = recommending.source_of(self.session, week, link=f"/complaints/reviews/{week.id}", decision="complaints.recommendations")
            text = self.words["recommendations"][weeks // 3 % len(self.words["recommendations"])]
            raised = recommending.propose(self.session, text, source=source, actor=manager, now=at)
            if weeks > 3:
                recommending.decide(self.session, raised, True, actor=self.people["secretary"], now=at + timedelta(days=3))
        reviews.finish(self.session, week, self.random.choice(self.words["reviews"]), actor=manager, now=at)

    def department(self, slug: str) -> int | None:
        return self.session.scalar(sa.select(Department.id).where(Department.slug == slug))

    def answers(self) -> None:
        for place, one in enumerate(self.words["answers"]):
            made = faq.write(self.session, question_ar=one["ar"], question_en=one["en"], answer_ar=one["answer_ar"], answer_en=one["answer_en"],
                             cause_id=self.causes[one["cause"]], actor=self.people["employee"], now=self.now - timedelta(days=90))
            if place < 2:
                faq.approve(self.session, made, actor=self.people["manager"], now=self.now - timedelta(days=89))
                faq.publish(self.session, made, actor=self.people["manager"], now=self.now - timedelta(days=88))
