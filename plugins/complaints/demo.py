"""A year of the log for the demo: entries in every state, reviews of its weeks, recommendations, and approved answers."""

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
from core.calendar import day_bounds, local_day, period_of
from core.customers import queries as customers
from core.customers.models import Customer
from core.organisation.models import Department
from core.procedures import recurring
from core.procedures.models import StepPeriod, StepRun
from core.recommendations import services as recommending
from core.reports.offers import Report
from plugins.complaints import contacts, domain, faq, performance, reports, reviews, services, steps, training
from plugins.complaints.models import Cause, Entry

WORDS_FILE = Path(__file__).parent / "demo.json"
ENTRIES, DAYS, STILL_OPEN, WEEKS = 100, 354, 5, 8
"""The customers of the demo were taken in a year ago, in the days before the first entry."""
GROWTH = 0.7
"""Below 1 the entries come closer from month to month, as a log does that people get to know."""
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
            self.entry(place, first + timedelta(days=int(DAYS * (place / ENTRIES) ** GROWTH), hours=self.random.choice((1, 3, 4, 5))))
        self.weeks()
        self.months()
        self.care()
        recurring.open_periods(self.session, {}, self.now)
        steps.open_daily(self.session, {}, self.now)

    @cached_property
    def people(self) -> dict[str, Actor]:
        return {one.username: auth.actor_for(self.session, one, source="demo", now=self.now) for one in self.session.scalars(sa.select(User))}

    @cached_property
    def causes(self) -> dict[str, int]:
        return {one.code: one.id for one in self.session.scalars(sa.select(Cause))}

    def caller(self, customer_class: str) -> tuple[Customer, Actor]:
        """Somebody of this class (of any, where there is none) with the employee of the department that answers, who may read the customer."""
        handler = self.people["centre" if customer_class == "beneficiary" else "employee"]
        readable = customers.scope(sa.select(Customer).where(Customer.mobile.is_not(None)).order_by(Customer.id).limit(200), handler)
        found = self.session.scalars(readable.where(Customer.customer_class == customer_class)).all() or self.session.scalars(readable).all()
        return self.random.choice(found), handler

    def entry(self, place: int, at: datetime) -> None:
        """One entry, and what has become of it by now."""
        words = self.random.choices(self.words["entries"], [3 if one["kind"] == domain.COMPLAINT else 1 for one in self.words["entries"]])[0]
        caller, handler = self.caller(words["class"])
        promised = at + timedelta(hours=52)
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
        sunday = datetime.combine(period_of("week", self.now.date())[0], self.now.timetz())
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
        if weeks % 3 == 1 and week.department_id == self.department("crm"):
            source = recommending.source_of(self.session, week, link=f"/complaints/reviews/{week.id}", decision="complaints.recommendations")
            text = self.words["recommendations"][weeks // 3 % len(self.words["recommendations"])]
            raised = recommending.propose(self.session, text, source=source, actor=manager, now=at)
            if weeks > 1:
                recommending.decide(self.session, raised, True, actor=self.people["secretary"], now=at + timedelta(days=3))
        reviews.finish(self.session, week, self.random.choice(self.words["reviews"]), actor=manager, now=at)

    def months(self) -> None:
        """What the months before asked for is done; of the last one the performance reports wait for the managers."""
        today = local_day(self.now, settings.time_zone(self.session)).replace(day=1)
        last = (today - timedelta(days=1)).replace(day=1)
        monthly = sa.or_(StepPeriod.procedure_code == domain.PERFORMANCE, StepPeriod.step_number.in_((domain.REPEATED, domain.DECIDE)))
        open_months = sa.select(StepPeriod).where(StepPeriod.ends_on < today, monthly).order_by(StepPeriod.starts_on, StepPeriod.id)
        for month in self.session.scalars(open_months).all():
            at = day_bounds(month.ends_on, settings.time_zone(self.session))[0] + timedelta(hours=9)
            if month.procedure_code == domain.PERFORMANCE:
                self.performance(month, month.starts_on == last, at)
            elif month.step_number == domain.REPEATED:
                self.repeated(month, at)
            elif month.step_number == domain.DECIDE:
                reviews.finish(self.session, month, self.words["reviews"][0], actor=self.people["secretary"], now=at)

    def repeated(self, month: StepPeriod, at: datetime) -> None:
        quality = self.people["quality"]
        for line in reviews.prepare_repeated(self.session, month, actor=quality, now=at):
            reviews.propose_solution(self.session, line, **self.words["repeated"], actor=quality, now=at)
        reviews.send_repeated(self.session, month, self.report("complaints.repeated"), actor=quality, now=at)

    def performance(self, month: StepPeriod, unfinished: bool, at: datetime) -> None:
        crm = month.department_id == self.department("crm")
        clerk, manager = (self.people[name] for name in (("employee", "manager") if crm else ("centre", "centres")))
        performance.prepare(self.session, month, self.report("complaints.performance"), "", actor=clerk, now=at)
        if unfinished:
            return
        performance.review(self.session, month, self.words["weak"], actor=manager, now=at + timedelta(hours=20))
        if performance.follow_up(self.session, month, actor=manager, now=at + timedelta(hours=21)):
            for one in performance.left_over(self.session, month):
                recommending.record_cause(self.session, one, self.words["cause"], actor=manager, now=at + timedelta(hours=22))
            performance.investigate(self.session, month, actor=manager, now=at + timedelta(hours=23))
        performance.discuss(self.session, month, self.words["discussion"], actor=self.people["secretary"], now=at + timedelta(hours=70))
        performance.archive(self.session, month, actor=clerk, now=at + timedelta(hours=76))

    def care(self) -> None:
        """Contacts after a visit, the first of which is due by now; one of the two employees has been trained."""
        moment, handler = self.now - timedelta(days=95), self.people["employee"]
        caller, _handler = self.caller("donor")
        contacts.plan(self.session, customer_number=caller.number, event=self.words["event"], event_on=local_day(moment, settings.time_zone(self.session)),
                      months=contacts.MONTHS, actor=handler, now=moment)
        training.record(self.session, user_id=handler.user_id, topic=self.words["training"], held_on=local_day(moment, settings.time_zone(self.session)),
                        actor=self.people["manager"], now=self.now)

    def report(self, name: str) -> Report:
        return next(one for one in reports.reports() if one.name == name)

    def department(self, slug: str) -> int | None:
        return self.session.scalar(sa.select(Department.id).where(Department.slug == slug))

    def answers(self) -> None:
        for place, one in enumerate(self.words["answers"]):
            made = faq.write(self.session, question_ar=one["ar"], question_en=one["en"], answer_ar=one["answer_ar"], answer_en=one["answer_en"],
                             cause_id=self.causes[one["cause"]], actor=self.people["employee"], now=self.now - timedelta(days=90))
            if place < 2:
                faq.approve(self.session, made, actor=self.people["manager"], now=self.now - timedelta(days=89))
                faq.publish(self.session, made, actor=self.people["manager"], now=self.now - timedelta(days=88))
