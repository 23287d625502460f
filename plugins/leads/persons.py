"""Who speaks with a donor: the approved contact person, and the permission for one contact by somebody else (LEAD-21, 22).

Nobody else calls, writes to or lists the donor, whatever plugin he uses: ``objections`` and ``uncontactable`` are asked by
``core.consent`` for every sender, and ``use_up`` is told of every contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth import services as auth
from core.auth.actor import Actor, authorize
from core.auth.models import Role, User, UserRole
from core.consent import domain as consent
from core.consent.domain import Objection
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, InvalidInputs, NotAllowed, NotFound
from core.i18n import LazyString
from core.i18n import lazy_gettext as _l
from core.notices.services import notify
from core.numbering import next_value
from core.organisation.models import Department
from core.procedures import queries as procedures
from core.procedures.models import StepRun
from core.sending import made_before
from core.text import clean, isolate
from plugins.leads import domain, steps
from plugins.leads.models import ContactGrant, ContactPerson, ContactRequest

APPOINT, APPROVE, ASK, PERMIT = "leads.appoint", "leads.appoint_approve", "leads.ask", "leads.permit"
DECISION = "leads.contact_person"
CONTACTING = ("crm", "resource_development")
"""Departments whose people contact donors (LEAD-05, 21)."""
LONGEST = 500


# --- who it is -------------------------------------------------------------------------------------------------------


def person_of(session: Session, customer_id: int) -> ContactPerson | None:
    """The approved contact person of a donor."""
    return session.scalar(sa.select(ContactPerson).where(ContactPerson.customer_id == customer_id, ContactPerson.state == domain.APPROVED))


def persons_of(session: Session, customer_ids: Sequence[int]) -> dict[int, ContactPerson]:
    """The approved contact person of each of these donors that has one."""
    found = session.scalars(sa.select(ContactPerson).where(ContactPerson.customer_id.in_(customer_ids), ContactPerson.state == domain.APPROVED))
    return {one.customer_id: one for one in found}


def history_of(session: Session, customer_id: int) -> Sequence[ContactPerson]:
    return session.scalars(sa.select(ContactPerson).where(ContactPerson.customer_id == customer_id).order_by(ContactPerson.id.desc())).all()


def named(user: User) -> Any:
    """What pages and messages call somebody of the staff."""
    return user.name if user.name_ar or user.name_en else user.label


def page_of(customer: Customer) -> str:
    """The donor's page of contact person and permissions, inside the association."""
    return f"/leads/persons/{customer.number}"


def candidates(session: Session) -> Sequence[User]:
    """Who can be a contact person: active people of customer relations and of resource development."""
    return session.scalars(sa.select(User).where(User.active, _contacting()).order_by(User.id)).all()


def _contacting() -> sa.ColumnElement[bool]:
    """A condition on User: by department or by a role, of customer relations or resource development."""
    home = sa.select(Department.id).where(Department.slug.in_(CONTACTING))
    role = sa.select(UserRole.user_id).join(Role, Role.id == UserRole.role_id).where(Role.department.in_(CONTACTING))
    return sa.or_(User.department_id.in_(home), User.id.in_(role))


# --- appointing (LEAD-21) --------------------------------------------------------------------------------------------


def propose(
    session: Session, *, customer_number: str, user_id: int | None, reason: str = "", operation_key: str | None = None, actor: Actor, now: datetime,
) -> ContactPerson:
    """Propose somebody of customer relations or resource development as a donor's contact person; the secretary of the sub-council decides.

    While somebody else is approved he stays it, until the new one is approved. Raises InvalidInputs, Conflict.
    """
    authorize(session, actor, APPOINT, rule="LEAD-21")
    known = made_before(session, ContactPerson, operation_key, proposed_by_id=actor.user_id)
    if known is not None:
        return known
    customer = customers.readable(session, customer_number, actor, field="customer_number")
    _lock(session, customer.id)
    user = session.scalar(sa.select(User).where(User.id == user_id, User.active, _contacting())) if user_id is not None else None
    reason = clean(reason, "reason", longest=LONGEST)
    if user is None:
        raise InvalidInputs([InvalidInput(_l("The contact person is an employee of customer relations or resource development. Choose one of them."),
                                          field="user_id", value=user_id, rule="LEAD-21")])
    now_it = person_of(session, customer.id)
    if now_it is not None and now_it.user_id == user.id:
        raise Conflict(_l("%(name)s is the contact person of this donor already.", name=named(user)), rule="LEAD-21")
    waiting = session.scalar(sa.select(ContactPerson).where(ContactPerson.customer_id == customer.id, ContactPerson.state == domain.PROPOSED))
    if waiting is not None:
        raise Conflict(_l("%(name)s is proposed already and waits for the secretary of the sub-council. Propose again when that is decided.",
                          name=named(waiting.user)), rule="LEAD-21")
    assert actor.user_id is not None
    made = ContactPerson(customer_id=customer.id, subject_id=customer.subject_id, user_id=user.id, state=domain.PROPOSED, reason=reason, proposed_at=now,
                         proposed_by_id=actor.user_id, operation_key=operation_key or None, customer=customer, user=user)
    session.add(made)
    audit.name_action(session, made, "propose")
    session.flush()
    steps.proposed(session, made, actor=actor, now=now)
    return made


def approve(session: Session, one: ContactPerson, *, actor: Actor, now: datetime) -> ContactPerson:
    """The secretary of the sub-council approves, never who proposed and never the person himself; whoever was approved before is ended."""
    _decide(session, one, actor)
    former = person_of(session, one.customer_id)
    if former is not None:
        _end(session, former, "", actor, now)
    one.state, one.decided_at, one.decided_by_id = domain.APPROVED, now, actor.user_id
    audit.name_action(session, one, "approve")
    session.flush()
    steps.appointed(session, one, actor=actor, now=now)
    notify(session, {one.user_id, one.proposed_by_id, former.user_id if former is not None else None},
           _l("%(name)s is the contact person of the donor %(number)s from now on.", name=named(one.user), number=isolate(one.customer.number)),
           link=page_of(one.customer), now=now)
    return one


def reject(session: Session, one: ContactPerson, reason: str, *, actor: Actor, now: datetime) -> ContactPerson:
    _decide(session, one, actor)
    one.remark = clean(reason, "reason", longest=LONGEST, missing=_l("Say why somebody else should speak with this donor."), rule="LEAD-21")
    one.state, one.decided_at, one.decided_by_id = domain.REJECTED, now, actor.user_id
    audit.name_action(session, one, "reject")
    session.flush()
    steps.appointed(session, one, actor=actor, now=now)
    notify(session, {one.proposed_by_id}, _l("%(name)s was not approved as the contact person of the donor %(number)s.", name=named(one.user),
                                             number=isolate(one.customer.number)), link=page_of(one.customer), now=now)
    return one


def _decide(session: Session, one: ContactPerson, actor: Actor) -> None:
    authorize(session, actor, APPROVE, rule="LEAD-21")
    _lock(session, one.customer_id)
    session.refresh(one)
    deputy = actor.delegator_for(APPROVE)
    for person in (one.proposed_by_id, one.user_id):
        auth.refuse_own(actor, person, rule="LEAD-21", delegator=deputy)
    auth.require_approver(session, DECISION, actor, made_by=[one.proposed_by_id, one.user_id])
    if one.state != domain.PROPOSED:
        raise Conflict(_l("This proposal is decided already."), rule="LEAD-21")


def end(session: Session, one: ContactPerson, reason: str, *, actor: Actor, now: datetime) -> ContactPerson:
    """The donor has no contact person any more; whoever was it stays in the history."""
    authorize(session, actor, APPOINT, rule="LEAD-21")
    _lock(session, one.customer_id)
    session.refresh(one)
    if one.state != domain.APPROVED:
        raise Conflict(_l("%(name)s is not the contact person of this donor now.", name=named(one.user)), rule="LEAD-21")
    return _end(session, one, clean(reason, "reason", longest=LONGEST, missing=_l("Say why the appointment ends."), rule="LEAD-21"), actor, now)


def _end(session: Session, one: ContactPerson, reason: str, actor: Actor, now: datetime) -> ContactPerson:
    one.state, one.ended_at, one.ended_by_id, one.remark = domain.ENDED, now, actor.user_id, reason
    audit.name_action(session, one, "end")
    session.flush()
    return one


# --- permission for one contact (LEAD-22) ----------------------------------------------------------------------------


def ask(
    session: Session, *, customer_number: str, purpose: str, reason: str, operation_key: str | None = None, actor: Actor, now: datetime,
) -> ContactRequest:
    """Ask to contact a donor who has a contact person, once and for one purpose: the request stands in three inboxes.

    The same request again is the one that is open. Raises InvalidInputs, Conflict.
    """
    authorize(session, actor, ASK, rule="LEAD-22")
    customer = customers.readable(session, customer_number, actor, field="customer_number")
    _lock(session, customer.id)
    open_one = open_request(session, customer.id, purpose, actor)
    known = made_before(session, ContactRequest, operation_key, person_id=actor.user_id) or open_one
    if known is not None:
        return known
    reason = clean(reason, "reason", longest=LONGEST)
    faults = [InvalidInput(message, field=field, value=value, rule="LEAD-22") for field, value, wrong, message in (
        ("purpose", purpose, purpose not in consent.PURPOSES, _l("Say for what the donor is to be contacted.")),
        ("reason", None, not reason, _l("Say why you yourself have to contact this donor.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    now_it = person_of(session, customer.id)
    if now_it is None or now_it.user_id == actor.user_id:
        raise Conflict(_l("You need no permission: this donor has no other contact person than you.") if now_it is not None
                       else _l("You need no permission: this donor has no contact person."), rule="LEAD-22")
    assert actor.user_id is not None
    made = ContactRequest(number=f"C-{next_value(session, 'leads_contact_request'):04d}", customer_id=customer.id, subject_id=customer.subject_id,
                          person_id=actor.user_id, purpose=purpose, reason=reason, asked_at=now, operation_key=operation_key or None,
                          customer=customer, person=session.get_one(User, actor.user_id))
    session.add(made)
    audit.name_action(session, made, "ask")
    session.flush()
    steps.asked(session, made, actor=actor, now=now)
    return made


def open_request(session: Session, customer_id: int, purpose: str, actor: Actor) -> ContactRequest | None:
    """What this person asked for and is neither used nor refused."""
    return session.scalar(sa.select(ContactRequest).where(
        ContactRequest.customer_id == customer_id, ContactRequest.person_id == (actor.user_id or 0), ContactRequest.purpose == purpose,
        ContactRequest.used_at.is_(None), ContactRequest.refused_at.is_(None)))


def requests_of(session: Session, customer_id: int) -> Sequence[ContactRequest]:
    return session.scalars(sa.select(ContactRequest).where(ContactRequest.customer_id == customer_id).order_by(ContactRequest.id.desc())).all()


def grants_of(session: Session, requests: Sequence[ContactRequest]) -> dict[int, dict[int, ContactGrant]]:
    """The permissions of each request, by their part."""
    found: dict[int, dict[int, ContactGrant]] = {}
    for one in session.scalars(sa.select(ContactGrant).where(ContactGrant.request_id.in_([each.id for each in requests])).order_by(ContactGrant.id)):
        found.setdefault(one.request_id, {})[one.part] = one
    return found


def parts_for(session: Session, request: ContactRequest, actor: Actor) -> list[int]:
    """The parts that wait for this person: the steps of the request in his inbox, but for those in the place of who asked."""
    if not actor.may(PERMIT) or request.person_id == actor.user_id:
        return []
    runs = [run for run in _open_runs(session, request) if procedures.has_step(run, actor)]
    return sorted(run.step_number for run in runs if (lender := procedures.behalf_for(run, actor)) is None or lender.user_id != request.person_id)


def _open_runs(session: Session, request: ContactRequest) -> list[StepRun]:
    runs = procedures.steps_of(session, record_type=request.__tablename__, record_id=request.id)
    return [run for run in runs if run.is_open() and run.step_number in domain.PARTS]


def permit(session: Session, request: ContactRequest, part: int, *, actor: Actor, now: datetime) -> ContactGrant:
    """One of the three permissions, by whom its step is for, and of three different people; the third one lets the contact go on, once."""
    _judge(session, request, actor)
    given = grants_of(session, [request]).get(request.id, {})
    if part in given:
        return given[part]
    if part not in parts_for(session, request, actor):
        raise NotAllowed(_l("This permission is for: %(role)s. It waits in the inbox of that role.", role=_role_of(session, request, part)), value=part,
                         rule="LEAD-22")
    if any(one.given_by_id == actor.user_id for one in given.values()):
        raise NotAllowed(_l("You gave one of the three permissions already. Three different people give them."), rule="LEAD-22")
    assert actor.user_id is not None
    made = ContactGrant(request_id=request.id, part=part, given_at=now, given_by_id=actor.user_id)
    session.add(made)
    audit.name_action(session, made, "permit")
    session.flush()
    if len(given) + 1 == len(domain.PARTS):
        request.permitted_at = now
        audit.name_action(session, request, "permit")
        session.flush()
        notify(session, {request.person_id}, _l("You may contact the donor %(number)s once, for “%(purpose)s”.", number=isolate(request.customer.number),
                                                purpose=consent.purposes()[request.purpose]), link=page_of(request.customer), now=now)
    steps.permitted(session, request, part, actor=actor, now=now)
    return made


def _role_of(session: Session, request: ContactRequest, part: int) -> Any:
    return next((run.step.role for run in _open_runs(session, request) if run.step_number == part), "–")


def refuse(session: Session, request: ContactRequest, reason: str, *, actor: Actor, now: datetime) -> ContactRequest:
    """One of the three says no: the request is ended, and the donor stays with his contact person."""
    _judge(session, request, actor)
    if not parts_for(session, request, actor):
        raise NotAllowed(_l("This request does not wait for you."), rule="LEAD-22")
    request.remark = clean(reason, "reason", longest=LONGEST, missing=_l("Say why the donor should not be contacted by this person."), rule="LEAD-22")
    request.refused_at, request.refused_by_id = now, actor.user_id
    audit.name_action(session, request, "refuse")
    session.flush()
    steps.declined(session, request, actor=actor, now=now)
    notify(session, {request.person_id}, _l("Your request %(number)s was refused.", number=isolate(request.number)), link=page_of(request.customer), now=now)
    return request


def _judge(session: Session, request: ContactRequest, actor: Actor) -> None:
    authorize(session, actor, PERMIT, rule="LEAD-22")
    session.refresh(request, with_for_update={"of": ContactRequest})
    auth.refuse_own(actor, request.person_id, rule="LEAD-22", delegator=actor.delegator_for(PERMIT))
    if request.refused_at is not None or request.permitted_at is not None:
        raise Conflict(_l("The request %(number)s is decided already.", number=isolate(request.number)), rule="LEAD-22")


# --- what every sender is told ---------------------------------------------------------------------------------------


def objections(session: Session, customer_id: int, purpose: str, actor: Actor) -> list[Objection]:
    """Why this person does not contact the donor: somebody else is the contact person, and no permission is left (LEAD-22)."""
    now_it = person_of(session, customer_id)
    if now_it is None or now_it.user_id == actor.user_id:
        return []
    asked = open_request(session, customer_id, purpose, actor)
    if asked is not None and asked.permitted_at is not None:
        return []
    if asked is None:
        return [Objection(_l("The contact person of this donor is %(name)s, and nobody else contacts him. Leave the contact to %(name)s, or ask for a"
                             " permission: “Contact person” on the donor's page.", name=named(now_it.user)), "LEAD-22")]
    return [Objection(_l("The contact person of this donor is %(name)s. Your request %(number)s still needs the permission of: %(roles)s.",
                         name=named(now_it.user), number=isolate(asked.number), roles=_roles(_open_runs(session, asked))), "LEAD-22")]


def _roles(runs: Sequence[StepRun]) -> Any:
    roles = [run.step.role for run in runs]
    return LazyString(lambda: " · ".join(str(one) for one in roles))


def uncontactable(purpose: str, actor: Actor) -> sa.Select[Any]:
    """The same for lists: donors with another contact person, but those for whom this person has a permission left."""
    return sa.select(ContactPerson.customer_id).where(
        ContactPerson.state == domain.APPROVED, ContactPerson.user_id != (actor.user_id or 0),
        ContactPerson.customer_id.not_in(sa.select(ContactRequest.customer_id).where(*_usable(purpose, actor))))


def _usable(purpose: str, actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on ContactRequest: a permission of this person for this purpose that was not used yet."""
    return (ContactRequest.person_id == (actor.user_id or 0), ContactRequest.purpose == purpose, ContactRequest.permitted_at.is_not(None),
            ContactRequest.used_at.is_(None))


def use_up(session: Session, customer_ids: sa.Select[Any], channel: str, purpose: str, *, actor: Actor, now: datetime) -> None:
    """These donors are contacted now: what was permitted for once is used, unless the person needs no permission (LEAD-22)."""
    others = sa.select(ContactPerson.customer_id).where(ContactPerson.state == domain.APPROVED, ContactPerson.user_id != (actor.user_id or 0))
    query = sa.select(ContactRequest).where(*_usable(purpose, actor), ContactRequest.customer_id.in_(others), ContactRequest.customer_id.in_(customer_ids))
    for one in session.scalars(query.with_for_update(of=ContactRequest)).all():
        one.used_at, one.used_channel = now, channel
        audit.name_action(session, one, "use")
    session.flush()


# --- shared ------------------------------------------------------------------------------------------------------------


def person_for(session: Session, person_id: int) -> ContactPerson:
    found = session.get(ContactPerson, person_id)
    if found is None:
        raise NotFound(_l("There is no such appointment."))
    return found


def request_for(session: Session, request_id: int) -> ContactRequest:
    found = session.get(ContactRequest, request_id)
    if found is None:
        raise NotFound(_l("There is no such request."))
    return found


def _lock(session: Session, customer_id: int) -> None:
    """Two who act on the contact person of one donor follow each other."""
    session.execute(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update())
