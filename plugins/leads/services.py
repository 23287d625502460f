"""What happens to a lead, and who may do it. Pages, jobs and hooks all call this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.models import Role
from core.calendar import local_day
from core.consent import services as consent
from core.customers import queries as customers
from core.customers.models import Customer
from core.customers.services import refuse_erased
from core.errors import Conflict, InvalidInput, InvalidInputs, NotAllowed, NotFound
from core.files import services as files
from core.files.services import Stored
from core.finance import queries as pledged
from core.finance import services as finance
from core.finance.models import Contribution
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.numbering import next_value
from core.organisation.models import Department, Programme
from core.sending import made_before
from core.text import clean, isolate
from plugins.leads import domain, persons, queries, steps
from plugins.leads.models import Contact, Instalment, Lead, LeadDonor, Progress, Study, WrittenPledge

IDENTIFY, DOCUMENT, FOLLOW, CONTACT = "leads.identify", "leads.document", "leads.follow", "leads.contact"
PLEDGE, DECIDE = "leads.pledge", "leads.decide"
PURPOSE = "fundraising"
OF_DONORS = ("contact", "pledge")
"""Acts that are done with a donor of the lead."""
LONGEST_TITLE, LONGEST_NAME, LONGEST_ACTION, LONGEST_REASON = 200, 200, 300, 500


# --- from the study to the documented lead (steps 3 and 4) ---------------------------------------------------------------


def identify(
    session: Session, *, title: str, text: str, programme_id: int | None = None, operation_key: str | None = None, actor: Actor, now: datetime,
) -> Study:
    """Step 3: the manager identifies an opportunity and records the study of all its aspects; the employee documents it. Raises InvalidInputs."""
    authorize(session, actor, IDENTIFY, rule="LEAD-17")
    known = made_before(session, Study, operation_key, identified_by_id=actor.user_id)
    if known is not None:
        return known
    title, text = clean(title, "title", longest=LONGEST_TITLE), clean(text, "text", multiline=True, longest=domain.LONGEST_TEXT)
    programme = _programme(session, programme_id)
    faults = [InvalidInput(message, field=field, rule="LEAD-17") for field, wrong, message in (
        ("title", not title, _l("Say in a few words which opportunity it is.")),
        ("text", not text, _l("Write the study of all aspects of the opportunity.")),
        ("programme_id", programme_id is not None and programme is None, _l("Choose the programme or activity.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    made = Study(number=f"S-{next_value(session, 'leads_study'):04d}", title=title, text=text, programme_id=programme.id if programme is not None else None,
                 identified_at=now, identified_by_id=actor.user_id, operation_key=operation_key or None)
    session.add(made)
    session.flush()
    steps.identified(session, made, actor=actor, now=now)
    return made


def document(
    session: Session, study: Study | None, *, programme_id: int | None, donors: Sequence[str], probability: int | None, factors: str,
    expected: Money | None = None, next_action: str = "", next_action_on: date | None = None, operation_key: str | None = None, actor: Actor, now: datetime,
) -> Lead:
    """Step 4: document a lead from its study, linked to a programme and its potential donors (by number), as identified.

    Without study, programme, donor, probability or factors nothing is saved (LEAD-08, 17, 18). Raises InvalidInputs with every fault.
    """
    authorize(session, actor, DOCUMENT, rule="LEAD-18")
    known = made_before(session, Lead, operation_key, documented_by_id=actor.user_id)
    if known is not None:
        return known
    programme = _programme(session, programme_id)
    found, faults = _donors(session, donors, actor)
    factors = clean(factors, "factors", multiline=True, longest=domain.LONGEST_TEXT)
    faults = [*_study_faults(session, study), *(InvalidInput(message, field=field, rule="LEAD-18") for field, wrong, message in (
        ("programme_id", programme is None, _l("A lead belongs to a programme or activity. Choose it.")),
        ("donors", not found and not faults, _l("A lead has at least one potential donor. Write his number, or choose one that is proposed.")),
    ) if wrong), *faults, *_estimate_faults(probability, factors, expected)]
    if faults:
        raise InvalidInputs(faults)
    assert study is not None
    assert programme is not None
    assert probability is not None
    lead = Lead(number=f"L-{next_value(session, 'leads_lead'):04d}", subject_id=found[0].subject_id, study_id=study.id, programme_id=programme.id,
                state=domain.IDENTIFIED, probability=probability, factors=factors, expected_minor=expected.minor if expected is not None else None,
                currency=expected.currency if expected is not None else None, next_action=clean(next_action, "next_action", longest=LONGEST_ACTION),
                next_action_on=next_action_on, documented_at=now, documented_by_id=actor.user_id, updated_at=now, operation_key=operation_key or None)
    session.add(lead)
    session.flush()
    session.add_all(LeadDonor(lead_id=lead.id, customer_id=one.id, added_at=now, added_by_id=actor.user_id) for one in found)
    _note(session, lead, None, None, "", actor, now)
    steps.documented(session, study, actor=actor, now=now)
    return lead


def _study_faults(session: Session, study: Study | None) -> list[InvalidInput]:
    if study is None or not study.text.strip():
        return [InvalidInput(_l("The manager's study of the opportunity is needed before the lead is documented. Choose it."), field="study_id",
                             rule="LEAD-17")]
    done = queries.lead_of_study(session, study)
    if done is not None:
        return [InvalidInput(_l("The study %(study)s is documented already, as lead %(lead)s.", study=isolate(study.number), lead=isolate(done.number)),
                             field="study_id", value=study.number, rule="LEAD-18")]
    return []


def _donors(session: Session, numbers: Sequence[str], actor: Actor) -> tuple[list[Customer], list[InvalidInput]]:
    found, faults = [], []
    for number in numbers:
        try:
            found.append(customers.readable(session, number, actor, field="donors"))
        except (InvalidInput, NotFound) as error:
            faults.append(InvalidInput(error.message, field="donors", value=number[:40], rule=error.rule))
    return list(dict.fromkeys(found)), faults


def _programme(session: Session, programme_id: int | None) -> Programme | None:
    found = session.get(Programme, programme_id) if programme_id is not None else None
    return found if found is not None and found.active else None


def _estimate_faults(probability: int | None, factors: str, expected: Money | None) -> list[InvalidInput]:
    sound = probability is not None and 0 <= probability <= 100
    return [InvalidInput(message, field=field, value=value, rule="LEAD-08") for field, value, wrong, message in (
        ("probability", probability, not sound, _l("The success probability is a whole number from 0 to 100 per cent.")),
        ("factors", None, not factors, _l("Write the factors on which success depends.")),
        ("amount", None, expected is not None and expected.amount <= 0, _l("The expected amount is more than nothing.")),
    ) if wrong]


def add_donor(session: Session, lead: Lead, number: str, *, actor: Actor, now: datetime) -> LeadDonor:
    """Another donor may fund the lead's programme; one that is there already stays once (LEAD-07)."""
    authorize(session, actor, DOCUMENT, rule="LEAD-07")
    _lock(session, lead)
    _expect_open(lead)
    customer = customers.readable(session, number, actor, field="customer_number")
    known = session.scalar(sa.select(LeadDonor).where(LeadDonor.lead_id == lead.id, LeadDonor.customer_id == customer.id))
    if known is not None:
        return known
    made = LeadDonor(lead_id=lead.id, customer_id=customer.id, added_at=now, added_by_id=actor.user_id)
    session.add(made)
    session.flush()
    return made


# --- following it up ---------------------------------------------------------------------------------------------------


def contact(
    session: Session, lead: Lead, *, customer_id: int | None, channel: str, summary: str, contacted_at: datetime | None = None, document: str = "",
    stored: Stored | None = None, operation_key: str | None = None, actor: Actor, now: datetime,
) -> Contact:
    """Log a contact with a donor of the lead, by CRM or resource development only; the first one begins its follow-up (LEAD-05, 09).

    ``document`` names what the donor was given to read on the programme, ``stored`` is that file (LEAD-06). Whoever may not be
    contacted by the channel is not. Raises InvalidInputs, NotAllowed.
    """
    authorize(session, actor, CONTACT, rule="LEAD-05")
    _expect_contacting(session, actor)
    _lock(session, lead)
    known = made_before(session, Contact, operation_key, lead_id=lead.id)
    if known is not None:
        return known
    _expect_open(lead)
    donor = _donor_of(session, lead, customer_id)
    summary = clean(summary, "summary", multiline=True, longest=domain.LONGEST_TEXT)
    document = clean(document, "document", longest=LONGEST_NAME) or (stored.name if stored is not None else "")
    at = contacted_at or now
    faults = [InvalidInput(message, field=field, rule="LEAD-09") for field, wrong, message in (
        ("customer_id", donor is None, _l("Choose which donor of the lead was contacted.")),
        ("channel", channel not in domain.channels(), _l("Say by which channel the donor was contacted.")),
        ("summary", not summary, _l("Write what the donor said.")),
        ("contacted_at", at > now, _l("The time of contact lies in the future.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    assert donor is not None
    consent.check_contact(session, donor.id, channel, PURPOSE, actor=actor, now=now, made=True)
    made = Contact(lead_id=lead.id, customer_id=donor.id, subject_id=donor.subject_id, channel=channel, summary=summary, document=document[:LONGEST_NAME],
                   contacted_at=at, made_at=now, made_by_id=actor.user_id, operation_key=operation_key or None)
    session.add(made)
    session.flush()
    if stored is not None:
        files.attach(session, stored, made, actor=actor, now=now, title=made.document, subject_id=donor.subject_id)
    if lead.state == domain.IDENTIFIED:
        _move(session, lead, domain.FOLLOW_UP, actor, now)
    lead.updated_at = now
    session.flush()
    return made


def _expect_contacting(session: Session, actor: Actor) -> None:
    """Whatever the matrix of permissions says, donors are contacted by CRM and resource development."""
    roles = {*actor.roles, *(role for one in actor.delegators for role in one.roles)}
    homes = set(session.scalars(sa.select(Role.department).where(Role.slug.in_(roles)))) if roles else set()
    homes |= set(session.scalars(sa.select(Department.slug).where(Department.id == actor.department_id)))
    if not homes & set(persons.CONTACTING):
        raise NotAllowed(_l("Donors are contacted by customer relations and resource development only. Ask one of them to make the contact."), rule="LEAD-05")


def estimate(
    session: Session, lead: Lead, *, probability: int | None, factors: str, expected: Money | None = None, next_action: str = "",
    next_action_on: date | None = None, operation_key: str | None = None, actor: Actor, now: datetime,
) -> Progress:
    """Bring probability, factors, expected amount and next action up to date; what they were stays in the history (LEAD-09). Raises InvalidInputs."""
    authorize(session, actor, FOLLOW, rule="LEAD-09")
    _lock(session, lead)
    known = made_before(session, Progress, operation_key, lead_id=lead.id)
    if known is not None:
        return known
    _expect_open(lead)
    factors = clean(factors, "factors", multiline=True, longest=domain.LONGEST_TEXT)
    faults = _estimate_faults(probability, factors, expected)
    if faults:
        raise InvalidInputs(faults)
    assert probability is not None
    before = lead.probability
    lead.probability, lead.factors = probability, factors
    if expected is not None:
        lead.expected_minor, lead.currency = expected.minor, expected.currency
    lead.next_action, lead.next_action_on = clean(next_action, "next_action", longest=LONGEST_ACTION), next_action_on
    return _note(session, lead, lead.state, before, "", actor, now, operation_key=operation_key)


# --- the written pledge --------------------------------------------------------------------------------------------------


def pledge(
    session: Session, lead: Lead, stored: Stored | None, *, customer_id: int | None, signed_on: date | None, signatory: str, amount: Money | None,
    schedule: str = "", operation_key: str | None = None, actor: Actor, now: datetime,
) -> WrittenPledge:
    """A donor of the lead accepted and pledged in writing: the lead is closing, which is not its end (LEAD-10).

    ``stored`` is the signed pledge; without it, its day or its amount it is refused. ``schedule`` has a line for each instalment,
    day and amount; finance sees one pledge for each. Raises InvalidInputs, Conflict.
    """
    authorize(session, actor, PLEDGE, rule="LEAD-10")
    _lock(session, lead)
    known = made_before(session, WrittenPledge, operation_key, lead_id=lead.id)
    if known is not None:
        return known
    _expect_move(lead, domain.CLOSING)
    donor = _donor_of(session, lead, customer_id)
    signatory = clean(signatory, "signatory", longest=LONGEST_NAME)
    today = local_day(now, settings.time_zone(session))
    faults = [InvalidInput(message, field=field, rule="LEAD-10") for field, wrong, message in (
        ("file", stored is None, _l("A lead is closing only with the donor's written pledge. Attach its file.")),
        ("customer_id", donor is None, _l("Choose which donor of the lead accepted.")),
        ("signed_on", signed_on is None, _l("Give the day on which the pledge was signed.")),
        ("signed_on", signed_on is not None and signed_on > today, _l("The day of the signature lies in the future.")),
        ("signatory", not signatory, _l("Write who signed the pledge.")),
        ("amount", amount is None or amount.amount <= 0, _l("Write the amount that was pledged.")),
    ) if wrong]
    parts = _schedule(schedule, amount, signed_on, faults)
    if faults:
        raise InvalidInputs(faults)
    assert donor is not None
    assert signed_on is not None
    assert amount is not None
    assert stored is not None
    file = files.attach(session, stored, lead, actor=actor, now=now, title=str(_l("Written pledge")), subject_id=donor.subject_id)
    made = WrittenPledge(lead_id=lead.id, customer_id=donor.id, subject_id=donor.subject_id, file_id=file.id, signed_on=signed_on, signatory=signatory,
                         amount_minor=amount.minor, currency=amount.currency, recorded_at=now, recorded_by_id=actor.user_id,
                         operation_key=operation_key or None)
    session.add(made)
    session.flush()
    for part in parts:
        promised = finance.record_pledge(session, customer_id=donor.id, amount=part.amount, promised_on=signed_on, due_on=part.due_on,
                                         programme_id=lead.programme_id, source_name=lead.number, permission=PLEDGE, actor=actor, now=now)
        session.add(Instalment(written_pledge_id=made.id, core_pledge_id=promised.id))
    session.flush()
    lead.expected_minor, lead.currency = amount.minor, amount.currency
    _move(session, lead, domain.CLOSING, actor, now)
    return made


def _schedule(text: str, amount: Money | None, signed_on: date | None, faults: list[InvalidInput]) -> list[domain.Part]:
    """The instalments, where amount and day are known; a fault in them joins ``faults``."""
    if amount is None or amount.amount <= 0 or signed_on is None:
        return []
    try:
        return domain.read_schedule(text, amount, signed_on)
    except InvalidInput as fault:
        faults.append(fault)
        return []


def withdraw(session: Session, lead: Lead, reason: str, *, actor: Actor, now: datetime) -> Lead:
    """The donor withdrew his pledge: it counts no longer, in finance neither but for instalments that were paid, and the lead is in follow-up
    again (LEAD-13)."""
    authorize(session, actor, PLEDGE, rule="LEAD-13")
    _lock(session, lead)
    _expect_move(lead, domain.FOLLOW_UP)
    reason = clean(reason, "reason", longest=LONGEST_REASON, missing=_l("Say why the pledge was withdrawn."), rule="LEAD-13")
    _drop_pledge(session, lead, reason, PLEDGE, actor, now)
    steps.unfunded(session, lead, actor=actor, now=now)
    _move(session, lead, domain.FOLLOW_UP, actor, now, reason=reason)
    return lead


def _drop_pledge(session: Session, lead: Lead, reason: str, permission: str, actor: Actor, now: datetime) -> None:
    live = queries.live_pledge(session, lead)
    if live is None:
        return
    live.withdrawn_at, live.withdraw_reason = now, reason
    audit.name_action(session, live, "withdraw")
    promised = [one.pledge for one in queries.instalments_of(session, live)]
    still_open = pledged.open_of_pledges(session, promised)
    for one in promised:
        if one.cancelled_at is None and still_open[one.id].minor > 0:
            finance.cancel_pledge(session, one, reason=reason, permission=permission, actor=actor, now=now)
    session.flush()


def money_arrived(session: Session, contribution_id: int, *, actor: Actor, now: datetime) -> None:
    """A contribution or refund on a pledge was recorded: when the pledge is covered, step 6 asks the manager for the outcome (LEAD-11, 20)."""
    found = queries.pledge_of_contribution(session, contribution_id)
    lead = session.get(Lead, found.lead_id) if found is not None and found.withdrawn_at is None else None
    if found is None or lead is None or lead.state != domain.CLOSING:
        return
    if _is_covered(session, found):
        steps.funded(session, lead, now=now)
    else:
        steps.unfunded(session, lead, actor=actor, now=now)


def money_goes(session: Session, contribution_id: int, *, actor: Actor, now: datetime) -> None:
    """A contribution is about to be taken back with its import: no lead that succeeded with it loses it, and what is covered no more waits again."""
    found = queries.pledge_of_contribution(session, contribution_id)
    lead = session.get(Lead, found.lead_id) if found is not None and found.withdrawn_at is None else None
    if found is None or lead is None:
        return
    if lead.state == domain.SUCCESSFUL:
        raise Conflict(_l("The lead %(number)s was successful with this money, so the import stays. Give the money back by a refund instead.",
                          number=isolate(lead.number)), rule="LEAD-11")
    going = session.get_one(Contribution, contribution_id).amount_minor
    if lead.state == domain.CLOSING and queries.received_on(session, found).minor - going < found.amount_minor:
        steps.unfunded(session, lead, actor=actor, now=now)


def _is_covered(session: Session, found: WrittenPledge) -> bool:
    return queries.received_on(session, found).minor >= found.amount_minor


# --- the outcome (step 6) ------------------------------------------------------------------------------------------------


def succeed(session: Session, lead: Lead, *, actor: Actor, now: datetime) -> Lead:
    """The manager sets the lead to successful: only when what was pledged has been received (LEAD-11, 20). Final."""
    authorize(session, actor, DECIDE, rule="LEAD-20")
    _lock(session, lead)
    _expect_move(lead, domain.SUCCESSFUL)
    live = queries.live_pledge(session, lead)
    if live is None or not _is_covered(session, live):
        raise _not_funded(session, lead, live)
    _end(session, lead, domain.SUCCESSFUL, 100, "", actor, now)
    return lead


def _not_funded(session: Session, lead: Lead, live: WrittenPledge | None) -> Conflict:
    received, whole = (queries.received_on(session, live), live.amount) if live is not None else ("0", "0")
    return Conflict(_l("%(received)s of the pledged %(whole)s were received for %(number)s. Record the contribution in finance, then set the lead to"
                       " successful.", received=isolate(str(received)), whole=isolate(str(whole)), number=isolate(lead.number)), rule="LEAD-11")


def cancel(session: Session, lead: Lead, reason: str, *, actor: Actor, now: datetime) -> Lead:
    """The manager is sure that the lead cannot succeed: cancelled with the reason, its probability is 0, its pledge is off (LEAD-12, 20). Final."""
    authorize(session, actor, DECIDE, rule="LEAD-20")
    _lock(session, lead)
    _expect_move(lead, domain.CANCELLED)
    reason = clean(reason, "reason", longest=LONGEST_REASON, missing=_l("Say why the lead cannot succeed."), rule="LEAD-12")
    _drop_pledge(session, lead, reason, DECIDE, actor, now)
    lead.cancel_reason = reason
    _end(session, lead, domain.CANCELLED, 0, reason, actor, now)
    return lead


def _end(session: Session, lead: Lead, state: str, probability: int, reason: str, actor: Actor, now: datetime) -> None:
    lead.ended_at, lead.ended_by_id = now, actor.user_id
    lead.next_action, lead.next_action_on = "", None
    _move(session, lead, state, actor, now, probability=probability, reason=reason)
    steps.ended(session, lead, actor=actor, now=now)


# --- what can be done now ------------------------------------------------------------------------------------------------

NEEDS = {"contact": CONTACT, "pledge": PLEDGE, "succeed": DECIDE, "estimate": FOLLOW, "donor": DOCUMENT, "withdraw": PLEDGE, "cancel": DECIDE}
"""The permission of each act of the lead's page."""


def acts(session: Session, lead: Lead, actor: Actor) -> list[str]:
    """What this person can do with the lead now, what is nearest to its end first; success only when the money is there, and nothing
    that needs a donor when the data of all of them was erased."""
    found = [act for act in domain.acts_in(lead.state) if actor.may(NEEDS[act])]
    if not queries.living_donors(session, lead):
        found = [act for act in found if act not in OF_DONORS]
    if "succeed" in found and not is_funded(session, lead):
        found.remove("succeed")
    return found


def is_funded(session: Session, lead: Lead) -> bool:
    """Whether what was pledged for the lead has been received (LEAD-11)."""
    live = queries.live_pledge(session, lead)
    return live is not None and _is_covered(session, live)


# --- shared ------------------------------------------------------------------------------------------------------------


def _move(session: Session, lead: Lead, state: str, actor: Actor, now: datetime, *, probability: int | None = None, reason: str = "") -> None:
    before, chance = lead.state, lead.probability
    lead.state = state
    if probability is not None:
        lead.probability = probability
    audit.name_action(session, lead, state)
    _note(session, lead, before, chance, reason, actor, now)


def _note(
    session: Session, lead: Lead, state_before: str | None, probability_before: int | None, reason: str, actor: Actor, now: datetime, *,
    operation_key: str | None = None,
) -> Progress:
    """One line of the lead's history; it is an update (LEAD-15)."""
    line = Progress(lead_id=lead.id, subject_id=lead.subject_id, state_before=state_before, state=lead.state, probability_before=probability_before,
                    probability=lead.probability, factors=lead.factors, reason=reason, made_at=now, made_by_id=actor.user_id,
                    operation_key=operation_key or None)
    session.add(line)
    lead.updated_at = now
    session.flush()
    return line


def _donor_of(session: Session, lead: Lead, customer_id: int | None) -> Customer | None:
    found = session.scalar(sa.select(LeadDonor).where(LeadDonor.lead_id == lead.id, LeadDonor.customer_id == customer_id))
    if found is None:
        return None
    refuse_erased(session, found.customer)
    return found.customer


def _lock(session: Session, lead: Lead) -> None:
    """Judge the lead as it is now: whoever waited here for another act sees what it did."""
    session.refresh(lead, with_for_update={"of": Lead})


def _expect_open(lead: Lead) -> None:
    if lead.state in domain.FINAL_STATES:
        raise Conflict(_l("The lead %(number)s has ended as “%(state)s”; it does not change any more.", number=isolate(lead.number),
                          state=domain.states()[lead.state]), rule="LEAD-13")


def _expect_move(lead: Lead, to: str) -> None:
    _expect_open(lead)
    if not domain.may_move(lead.state, to):
        raise Conflict(_l("The lead %(number)s is in the state “%(state)s”, from which it does not go to “%(to)s”. It may go to: %(next)s.",
                          number=isolate(lead.number), state=domain.states()[lead.state], to=domain.states()[to],
                          next=" · ".join(str(domain.states()[one]) for one in domain.MOVES[lead.state])), value=to, rule="LEAD-13")


def lead_for(session: Session, lead_id: int, actor: Actor) -> Lead:
    """The lead with this id, for whom it may be read by; otherwise NotFound, whether it exists or not (CUST-37)."""
    found = queries.by_id(session, lead_id, actor)
    if found is None:
        raise NotFound(_l("There is no such lead, or it is not among those you may read."), rule="CUST-37")
    return found


def study_for(session: Session, study_id: int | None) -> Study:
    found = session.get(Study, study_id) if study_id is not None else None
    if found is None:
        raise NotFound(_l("There is no such study of an opportunity."))
    return found
