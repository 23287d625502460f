"""Campaigns of calls: customers who are to be told something, or whom a rule finds, called one after the other until nobody is left (CALL-07, 11, 12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize, system_actor
from core.auth.models import User
from core.auth.services import actor_for
from core.consent import queries as consented
from core.consent import services as consent
from core.consent.domain import PHONE, PURPOSES
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from core.i18n import lazy_gettext as _l
from core.outreach import Outreach, Progress
from core.sending import made_before
from core.text import clean, isolate
from plugins.callcenter import domain, rules, services, tasks
from plugins.callcenter.models import Campaign, Task

MANAGE = "callcenter.campaigns"
HELD_FOR = timedelta(minutes=15)
"""So long a customer is kept for who has him on the page."""
LOOKED_THROUGH = 20
PART = 400
LONGEST_TITLE, LONGEST_SCRIPT = 200, 4_000
PAGE = "/callcenter/campaigns/{id}"
OTHERWISE, GIVEN_UP = "otherwise", "given_up"


# --- what others ask for -----------------------------------------------------------------------------------------------


def take(session: Session, wanted: Outreach, *, actor: Actor, now: datetime) -> Progress:
    """Call these customers for another plugin: one task for each; asked again, the same campaign with those it lacked.

    In the actor's name and without a permission of the call centre: what it takes is that a plugin wants it. Raises InvalidInputs.
    """
    campaign = of_source(session, wanted.source, wanted.reference, lock=True)
    if campaign is None:
        if wanted.purpose not in PURPOSES:
            raise InvalidInput(_l("“%(value)s” is no purpose for which customers are contacted.", value=wanted.purpose[:40]), field="purpose", rule="CALL-07")
        campaign = Campaign(
            kind=domain.NOTICE, title=clean(wanted.title, "title", longest=LONGEST_TITLE, missing=_l("Write what the calls are about.")),
            script=clean(wanted.script, "script", multiline=True, longest=LONGEST_SCRIPT) or None, purpose=wanted.purpose, subject="notice",
            link=wanted.link or None, source=wanted.source, reference=wanted.reference, due_at=wanted.due_at, made_at=now, made_by_id=actor.user_id)
        session.add(campaign)
        session.flush()
    elif campaign.state == domain.ENDED_CLOSED:
        raise Conflict(_l("The call campaign “%(title)s” was closed; nobody can be added to it.", title=campaign.title), rule="CALL-07")
    if _add_ids(session, campaign, wanted.customer_ids):
        _reopened(session, campaign, now)
    tasks.end_if_done(session, campaign, actor=actor, now=now)
    return progress(session, campaign)


def tell(session: Session, source: str, reference: str) -> Progress | None:
    campaign = of_source(session, source, reference)
    return progress(session, campaign) if campaign is not None else None


def of_source(session: Session, source: str, reference: str, *, lock: bool = False) -> Campaign | None:
    query = sa.select(Campaign).where(Campaign.source == source, Campaign.reference == reference)
    return session.scalar(query.with_for_update() if lock else query)


def progress(session: Session, campaign: Campaign) -> Progress:
    found = tasks.counts(session, [campaign.id])[campaign.id]
    return Progress(found[domain.REACHED], found[domain.UNREACHED], found[domain.OPEN], PAGE.format(id=campaign.id), campaign.state == domain.ENDED_CLOSED)


# --- beginning one -----------------------------------------------------------------------------------------------------


def begin(session: Session, values: Mapping[str, Any], *, actor: Actor, now: datetime, operation_key: str | None = None) -> Campaign:
    """Begin a campaign over customers that a rule finds, or that are named by their numbers. Raises InvalidInputs with every fault.

    ``values``: title, script, due_at; ``rule`` with ``number`` (months, days) and ``standing``, or ``numbers``, customer numbers
    divided by blanks, commas or lines.
    """
    authorize(session, actor, MANAGE, rule="CALL-11")
    known = made_before(session, Campaign, operation_key, made_by_id=actor.user_id)
    if known is not None:
        return known
    read = _read(session, values, actor, now)
    campaign = Campaign(**read.fields, state=domain.OPEN, made_at=now, made_by_id=actor.user_id, operation_key=operation_key or None)
    session.add(campaign)
    session.flush()
    added = _add_ids(session, campaign, read.ids) if read.rule is None else add_found(session, campaign, now, actor=actor)
    if not added and not campaign.standing:
        raise InvalidInput(_l("The rule finds nobody now who may be called, so there is nothing to begin. Choose another number, or another rule."),
                           field="rule", rule="CALL-11")
    tasks.begin_step(session, campaign, now)
    return campaign


@dataclass(frozen=True)
class Read:
    fields: dict[str, Any]
    rule: rules.Rule | None
    ids: Sequence[int]


def _read(session: Session, values: Mapping[str, Any], actor: Actor, now: datetime) -> Read:
    faults: list[InvalidInput] = []
    code = str(values.get("rule") or "")
    rule = next((one for one in rules.offered(session) if one.code == code), None)
    if code and rule is None:
        faults.append(InvalidInput(_l("“%(value)s” is no rule of this association.", value=code[:40]), field="rule", value=code[:40], rule="CALL-11"))
    number = _number(values.get("number"), rules.default_number(session, rule), faults) if rule is not None else None
    ids = [] if code else list(_named(session, str(values.get("numbers") or ""), actor, now, faults))
    due_at = values.get("due_at")
    if due_at is not None and due_at <= now:
        faults.append(InvalidInput(_l("Say until when all should be called: a time that is still to come."), field="due_at", rule="CALL-07"))
    title, script = (_text(values, key, longest, faults) for key, longest in (("title", LONGEST_TITLE), ("script", LONGEST_SCRIPT)))
    if not title and not code:
        faults.append(InvalidInput(_l("Write what the calls are about."), field="title", rule="CALL-07"))
    if faults:
        raise InvalidInputs(faults)
    return Read({"kind": domain.LIST if rule is not None else domain.NOTICE, "title": title or str(rule.title if rule is not None else ""),
                 "script": script or None, "purpose": rule.purpose if rule is not None else services.PURPOSE,
                 "subject": rule.subject if rule is not None else "notice", "rule": rule.code if rule is not None else None, "rule_number": number,
                 "standing": bool(values.get("standing")) and rule is not None, "due_at": due_at}, rule, ids)


def _number(given: Any, otherwise: int, faults: list[InvalidInput]) -> int:
    number = otherwise if given in (None, "") else given if isinstance(given, int) else -1
    if not 0 <= number <= rules.LARGEST * 12:
        faults.append(InvalidInput(_l("Write a whole number from 0 to %(most)s.", most=rules.LARGEST * 12), field="number", value=str(given)[:20],
                                   rule="CALL-11"))
    return number


def _text(values: Mapping[str, Any], key: str, longest: int, faults: list[InvalidInput]) -> str:
    try:
        return clean(str(values.get(key) or ""), key, multiline=key == "script", longest=longest)
    except InvalidInput as error:
        faults.append(error)
        return ""


def _named(session: Session, text: str, actor: Actor, now: datetime, faults: list[InvalidInput]) -> Iterator[int]:
    """Customers by the numbers that somebody typed; one that is unknown, may not be read, or may not be called by him is named."""
    wanted = list(dict.fromkeys(text.replace(",", " ").replace("،", " ").split()))
    if not wanted:
        faults.append(InvalidInput(_l("Choose a rule, or write the numbers of the customers who are to be called."), field="numbers", rule="CALL-07"))
    if len(wanted) > PART:
        faults.append(InvalidInput(_l("%(n)s numbers are too many to be typed; %(most)s at a time.", n=len(wanted), most=PART), field="numbers",
                                   rule="CALL-07"))
        return
    for number in wanted:
        try:
            found = customers.readable(session, number, actor, field="numbers")
        except InvalidInput as error:
            faults.append(error)
            continue
        reasons = consent.objections(session, found.id, PHONE, services.PURPOSE, actor=actor, now=now, made=True)
        faults += [InvalidInput(_l("%(number)s is not called: %(reason)s", number=isolate(found.number), reason=reason), field="numbers", value=found.number,
                                rule="CALL-10") for reason in reasons]
        yield found.id


def add_found(session: Session, campaign: Campaign, now: datetime, *, actor: Actor) -> int:
    """Add whom the campaign's rule finds now, of those its beginner may read; how many that were."""
    rule = rules.RULES[str(campaign.rule)]
    return _add(session, campaign, session.execute(customers.scope(rules.found(session, rule, campaign.rule_number or 0, now, actor=actor), actor)))


def find_again(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job of the morning: lists that stand get whom their rule finds today, of those whom who began the list may read now. Nobody acts."""
    session.info["actor"] = actor = system_actor("job", "call lists")
    for campaign in session.scalars(sa.select(Campaign).where(Campaign.standing, Campaign.state == domain.OPEN).order_by(Campaign.id)).all():
        beginner = session.get(User, campaign.made_by_id) if campaign.made_by_id is not None else None
        if campaign.rule in rules.RULES and beginner is not None:
            found = rules.found(session, rules.RULES[campaign.rule], campaign.rule_number or 0, now, actor=actor)
            _add(session, campaign, session.execute(customers.scope(found, actor_for(session, beginner, source="job"))))


def _add_ids(session: Session, campaign: Campaign, ids: Iterable[int]) -> int:
    wanted = list(dict.fromkeys(ids))
    parts = [wanted[start:start + PART] for start in range(0, len(wanted), PART)]
    there = {one for part in parts for one in session.scalars(sa.select(Task.customer_id).where(Task.campaign_id == campaign.id, Task.customer_id.in_(part)))}
    found = [tuple(row) for part in parts for row in session.execute(sa.select(Customer.id, Customer.subject_id).where(Customer.id.in_(part)))]
    unknown = set(wanted) - {one for one, _subject in found}
    if unknown:
        raise InvalidInput(_l("There is no customer with the key %(id)s.", id=min(unknown)), field="customer_ids", rule="CALL-07")
    return _add(session, campaign, (row for row in found if row[0] not in there))


def _add(session: Session, campaign: Campaign, found: Iterable[Any]) -> int:
    rows = [{"campaign_id": campaign.id, "customer_id": one, "subject_id": subject, "state": domain.OPEN, "attempts": 0} for one, subject in found]
    return len(audit.bulk(session, Task, rows)) if rows else 0


def _reopened(session: Session, campaign: Campaign, now: datetime) -> None:
    campaign.state, campaign.ended_at, campaign.ended_by_id, campaign.reason = domain.OPEN, None, None, None
    session.flush()
    tasks.begin_step(session, campaign, now)


# --- calling -----------------------------------------------------------------------------------------------------------


def callable_now(session: Session, campaign: Campaign, actor: Actor, now: datetime) -> sa.Select[Any]:
    """Tasks whose customers may be called now, who was tried least first: none held by others, none tried just before, none who objects (CALL-10)."""
    tried = now - timedelta(hours=int(settings.get(session, "callcenter.retry_hours")))
    query = (sa.select(Task).join(Customer, Customer.id == Task.customer_id).where(
        Task.campaign_id == campaign.id, Task.state == domain.OPEN, sa.or_(Task.tried_at.is_(None), Task.tried_at <= tried),
        sa.or_(Task.held_until.is_(None), Task.held_until <= now, Task.held_by_id == actor.user_id)))
    return customers.scope(consented.contactable(session, query, PHONE, campaign.purpose, actor=actor), actor).order_by(Task.attempts, Task.id)


def barred(session: Session, campaign: Campaign, actor: Actor) -> int:
    """How many of those left ``actor`` can never call: no number, they withdrew, or they speak with somebody else. They are informed otherwise, or not."""
    left = sa.select(sa.func.count(Task.id)).join(Customer, Customer.id == Task.customer_id).where(Task.campaign_id == campaign.id, Task.state == domain.OPEN)
    able = session.scalar(consented.contactable(session, left, PHONE, campaign.purpose, actor=actor)) or 0
    return (session.scalar(left) or 0) - able


def take_next(session: Session, campaign: Campaign, *, actor: Actor, now: datetime) -> Task:
    """Keep the next customer for who asks, so that no colleague calls him too. Raises Conflict where nobody can be called now, and says why."""
    authorize(session, actor, services.RECORD, rule="CALL-07")
    session.refresh(campaign, with_for_update=True)
    _refuse_ended(campaign)
    reasons: list[Any] = []
    for task in session.scalars(callable_now(session, campaign, actor, now).limit(LOOKED_THROUGH)).all():
        reasons = consent.objections(session, task.customer_id, PHONE, campaign.purpose, actor=actor, now=now)
        if not reasons:
            task.held_by_id, task.held_until = actor.user_id, now + HELD_FOR
            session.flush()
            return task
    if reasons:
        raise Conflict(reasons[0], rule="CALL-10")
    raise Conflict(_l("Nobody of this campaign can be called now: those left are held by colleagues, were tried just before, or may not be called."),
                   rule="CALL-10")


def record(session: Session, task: Task, values: Mapping[str, Any], *, actor: Actor, now: datetime, operation_key: str | None = None) -> Task:
    """Write down the call of a task: whoever was spoken to is reached, a promised call-back or no answer leaves him open.

    ``values`` hold result, duration, note; for a call-back also due_at and callback_to. Raises InvalidInputs, Conflict.
    """
    campaign = _held(session, task, actor, operation_key)
    if campaign is None:
        return task
    who = session.get_one(Customer, task.customer_id)
    call = services.log_call(session, {
        **values, "direction": domain.OUT, "subject": campaign.subject, "customer_number": who.number, "phone": who.mobile or who.phone or "",
    }, purpose=campaign.purpose, actor=actor, now=now, operation_key=operation_key)
    task.call_id, task.attempts, task.tried_at = call.id, task.attempts + 1, now
    task.held_by_id = task.held_until = None
    if call.result == "wrong_number":
        tasks.settle(session, task, domain.UNREACHED, actor=actor, now=now, reason=str(domain.results()["wrong_number"].ar), action="unreached")
    elif call.answered and call.result != "callback":
        tasks.settle(session, task, domain.REACHED, actor=actor, now=now, action="reach")
    elif not call.answered and task.attempts >= int(settings.get(session, "callcenter.most_attempts")):
        tasks.settle(session, task, domain.UNREACHED, actor=actor, now=now, action="unreached")
    session.flush()
    return task


def _held(session: Session, task: Task, actor: Actor, operation_key: str | None) -> Campaign | None:
    """The campaign of a task that is still to be called; None where this sending has settled it before."""
    authorize(session, actor, services.RECORD, rule="CALL-07")
    session.refresh(task, with_for_update=True)
    known = made_before(session, services.Call, operation_key, recorded_by_id=actor.user_id)
    if known is not None and known.customer_id == task.customer_id:
        return None
    campaign = session.get_one(Campaign, task.campaign_id)
    _refuse_ended(campaign)
    if task.state != domain.OPEN:
        raise Conflict(_l("This customer is settled already: %(state)s.", state=domain.TASK_STATES[task.state]), rule="CALL-07")
    return campaign


def settle(session: Session, task: Task, how: str, reason: str, *, actor: Actor, now: datetime) -> Task:
    """Without a call: he was informed otherwise (by letter, at the counter), or is given up, for a reason."""
    _held(session, task, actor, None)
    if how not in (OTHERWISE, GIVEN_UP):
        raise InvalidInput(_l("Say whether he was informed otherwise or cannot be reached."), field="how", value=how[:20], rule="CALL-07")
    words = clean(reason, "reason", multiline=True, longest=domain.LONGEST_NOTE, missing=_l("Write how he was informed, or why he cannot be reached."))
    tasks.settle(session, task, domain.REACHED if how == OTHERWISE else domain.UNREACHED, actor=actor, now=now, reason=words, action=how)
    return task


def call_again(session: Session, campaign: Campaign, *, actor: Actor, now: datetime) -> int:
    """Whoever could not be reached is called anew, until all are informed; how many these are."""
    authorize(session, actor, MANAGE, rule="CALL-07")
    session.refresh(campaign, with_for_update=True)
    if campaign.state == domain.ENDED_CLOSED:
        _refuse_ended(campaign)
    found = session.scalars(sa.select(Task).where(Task.campaign_id == campaign.id, Task.state == domain.UNREACHED).order_by(Task.id)).all()
    before = [{"id": one.id, "subject_id": one.subject_id, "state": one.state, "attempts": one.attempts, "settled_at": one.settled_at,
               "settled_by_id": one.settled_by_id, "reason": one.reason} for one in found]
    if before:
        rows = [{"id": one["id"], "state": domain.OPEN, "attempts": 0, "settled_at": None, "settled_by_id": None, "reason": None} for one in before]
        audit.bulk(session, Task, rows, before=before, action="again")
        _reopened(session, campaign, now)
    return len(before)


def close(session: Session, campaign: Campaign, reason: str, *, actor: Actor, now: datetime) -> Campaign:
    """End a campaign although somebody is left, for a reason; nobody of it is called any more."""
    authorize(session, actor, MANAGE, rule="CALL-07")
    session.refresh(campaign, with_for_update=True)
    _refuse_ended(campaign)
    campaign.reason = clean(reason, "reason", multiline=True, longest=domain.LONGEST_NOTE, missing=_l("Say why nobody is called any more."))
    tasks.end(session, campaign, domain.ENDED_CLOSED, actor=actor, now=now)
    return campaign


def _refuse_ended(campaign: Campaign) -> None:
    if campaign.state != domain.OPEN:
        raise Conflict(_l("The campaign “%(title)s” has ended: %(state)s.", title=campaign.title, state=domain.CAMPAIGN_STATES[campaign.state]), rule="CALL-07")


def merged(session: Session, kept_id: int, *, actor: Actor, now: datetime) -> None:
    """Two customers became one, who is called once: of two tasks in one campaign the settled one stays, else the first."""
    found: dict[int, list[Task]] = {}
    for task in session.scalars(sa.select(Task).where(Task.customer_id == kept_id).order_by(Task.id)):
        found.setdefault(task.campaign_id, []).append(task)
    for same in found.values():
        spare = [one for one in same if one.state == domain.OPEN][0 if any(one.state != domain.OPEN for one in same) else 1:]
        for one in spare:
            audit.name_action(session, one, "merged")
            session.delete(one)
        session.flush()
        if spare:
            tasks.end_if_done(session, session.get_one(Campaign, spare[0].campaign_id), actor=actor, now=now)


# --- looking -----------------------------------------------------------------------------------------------------------


def campaign_for(session: Session, campaign_id: int) -> Campaign:
    found = session.get(Campaign, campaign_id)
    if found is None:
        raise NotFound(_l("There is no call campaign %(id)s.", id=campaign_id), rule="CALL-07")
    return found


def task_for(session: Session, task_id: int, actor: Actor) -> Task:
    """The task with this id, for whom its customer may be read by; otherwise NotFound, whether it exists or not (CUST-37)."""
    query = customers.scope(sa.select(Task).join(Customer, Customer.id == Task.customer_id).where(Task.id == task_id), actor)
    found = session.scalar(query)
    if found is None:
        raise NotFound(_l("There is no task %(id)s, or its customer is not among those you may read.", id=task_id), rule="CUST-37")
    return found
