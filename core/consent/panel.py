"""Consent on the customer's page: for each purpose by which channels, and every consent and withdrawal on the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.addresses import path_to
from core.auth.actor import Actor
from core.consent import domain, queries
from core.consent.domain import ALL, GIVEN, SHARING, WITHDRAWN
from core.consent.models import Consent
from core.customers.models import Customer
from core.customers.offers import SummaryLine, TimelineEntry
from core.i18n import LazyString
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.keys import has_key


def summary(session: Session, customer: Customer, actor: Actor) -> Sequence[SummaryLine]:
    """One line a purpose; each leads to the page on which consents are recorded. Of an erased customer there is none."""
    if not has_key(session, customer.subject_id):
        return []
    link = path_to("consent_customer.customer", number=customer.number)
    standings = queries.standings(queries.events_of(session, customer.id))
    return [SummaryLine(title, words(standings, purpose, purpose in queries.needed(session)), link=link) for purpose, title in domain.purposes().items()]


def words(standings: Any, purpose: str, needed: bool) -> Any:
    """``Consented: E-mail, SMS``, ``Withdrawn: Post``, or that nobody asked."""
    if purpose == SHARING:
        return domain.STATES[standings[ALL, SHARING].state]
    told = []
    for state in (GIVEN, WITHDRAWN):
        having = [channel for channel in domain.CHANNELS if standings[channel, purpose].state == state]
        if having:
            told.append(_l("%(state)s: %(channels)s", state=domain.STATES[state], channels=_names(having)))
    if told:
        return LazyString(lambda: " · ".join(str(one) for one in told))
    return _l("Never asked; no contact without consent") if needed else _l("Never asked; contact is allowed")


def _names(having: Sequence[str]) -> Any:
    if len(having) == len(domain.CHANNELS):
        return domain.all_channels()[ALL]
    return LazyString(lambda: _(", ").join(str(domain.channels()[one]) for one in having))


def entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> Sequence[TimelineEntry]:
    """Consents and withdrawals by when they were said."""
    found = sa.select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.said_at.desc(), Consent.id.desc()).limit(limit)
    if before is not None:
        found = found.where(Consent.said_at < before)
    return [TimelineEntry(one.said_at, _l("Consented") if one.given else _l("Consent withdrawn"), about(one), "shield-check" if one.given else "shield-x")
            for one in session.scalars(found)]


def about(event: Consent) -> Any:
    """What an event is about: purpose, channel, and how it was said."""
    channel = [] if event.purpose == SHARING else [domain.all_channels()[event.channel]]
    parts = [domain.all_purposes()[event.purpose], *channel, domain.sources()[event.source]]
    return LazyString(lambda: " · ".join(str(one) for one in parts))
