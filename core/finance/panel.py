"""The money on a customer's page, on my day and in the search."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.admin import printing
from core.admin.addresses import path_to
from core.admin.offers import Figure, Reading, SearchHit
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers.models import Customer
from core.customers.offers import SummaryLine, TimelineEntry, among_moments
from core.finance import queries
from core.finance.domain import METHODS
from core.finance.models import Contribution, FinanceBatchRow, FinanceMovement, Pledge
from core.i18n import LazyString
from core.i18n import lazy_gettext as _l
from core.money import Money

WAITING = timedelta(days=60)


def money_summary(session: Session, customer: Customer, actor: Actor) -> Sequence[SummaryLine]:
    """Pledged, received, outstanding and the part that is late, per currency: never added across (FIN-04, FIN-10)."""
    today = local_day(work.now(), settings.time_zone(session))
    link = path_to("finance.customer", number=customer.number)
    lines: list[SummaryLine] = []
    for one in queries.customer_balances(session, customer.id, today):
        lines += [SummaryLine(_l("Pledged"), one.pledged, "money", link), SummaryLine(_l("Received"), one.received, "money", link),
                  SummaryLine(_l("Outstanding"), one.outstanding, "money", link)]
        if one.overdue_minor:
            lines.append(SummaryLine(_l("Of it late"), one.overdue, "money", link))
    return lines


def money_entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> Sequence[TimelineEntry]:
    """Contributions, refunds and pledges on the timeline, newest first."""
    found = [*_given(session, customer_id, before, limit), *_promised(session, customer_id, before, limit)]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:limit]


def _given(session: Session, customer_id: int, before: datetime | None, limit: int) -> list[TimelineEntry]:
    statement = sa.select(Contribution).where(Contribution.customer_id == customer_id).order_by(Contribution.received_on.desc(), Contribution.id.desc())
    if before is not None:
        statement = statement.where(Contribution.received_on <= _last_day(before))
    return [
        TimelineEntry(among_moments(one.received_on), _l("Refund %(reference)s", reference=one.reference) if one.amount_minor < 0
                      else _l("Contribution %(reference)s", reference=one.reference),
                      _l("%(amount)s, %(method)s", amount=_shown(one.amount), method=METHODS[one.method]),
                      icon="cash", link=path_to("finance_contributions.contribution", reference=one.reference), whole_day=True)
        for one in session.scalars(statement.limit(limit))
    ]


def _promised(session: Session, customer_id: int, before: datetime | None, limit: int) -> list[TimelineEntry]:
    statement = sa.select(Pledge).where(Pledge.customer_id == customer_id).order_by(Pledge.promised_on.desc(), Pledge.id.desc())
    if before is not None:
        statement = statement.where(Pledge.promised_on <= _last_day(before))
    return [
        TimelineEntry(among_moments(one.promised_on), _l("Pledge %(reference)s", reference=one.reference) if one.cancelled_at is None
                      else _l("Pledge %(reference)s, cancelled", reference=one.reference), _shown(one.amount), icon="heart-handshake",
                      link=path_to("finance_pledges.pledge", reference=one.reference), whole_day=True)
        for one in session.scalars(statement.limit(limit))
    ]


def _shown(money: Money) -> LazyString:
    """As the figures of the page have it: grouped, with the currency as the reader's language writes it."""
    return LazyString(lambda: " ".join(printing.money_parts(money)))


def _last_day(before: datetime) -> date:
    """The last day that stands before a moment."""
    day = before.astimezone(UTC).date()
    return day if among_moments(day) < before else day - timedelta(days=1)


def unexported(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """How many contributions of the last weeks wait for a batch; bounded, because this is asked on every visit."""
    since = local_day(now, settings.time_zone(session)) - WAITING
    live = sa.select(FinanceBatchRow.id).where(FinanceBatchRow.contribution_id == Contribution.id, FinanceBatchRow.live).exists()
    waiting = sa.select(Contribution.id).where(Contribution.received_on >= since, ~live, Contribution.source != "finance").limit(1001).subquery()
    count = session.scalar(sa.select(sa.func.count()).select_from(waiting)) or 0
    if count == 0:
        return None
    return Figure(_l("more than 1,000") if count > 1000 else count, _l("of the last 60 days, in no batch yet"), path_to("finance.preview"))


def unmatched(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Movements of the finance system that match nothing here."""
    count = session.scalar(sa.select(sa.func.count()).select_from(FinanceMovement).where(FinanceMovement.state != "matched")) or 0
    return Figure(count, _l("match no contribution"), path_to("finance.movements"), "warn") if count else None


def find_references(session: Session, reading: Reading, actor: Actor, limit: int) -> Sequence[SearchHit]:
    """Contributions and pledges by their exact reference, and batches by number."""
    text = reading.text.strip()[:120]
    hits: list[SearchHit] = []
    given, promised, batched = queries.is_reference(session, text)
    contribution = queries.readable(session, Contribution, text, actor) if given else None
    if contribution is not None:
        link = path_to("finance_contributions.contribution", reference=contribution.reference)
        hits.append(SearchHit(contribution.reference, link, str(_shown(contribution.amount)), icon="cash"))
    pledge = queries.readable(session, Pledge, text, actor) if promised else None
    if pledge is not None:
        link = path_to("finance_pledges.pledge", reference=pledge.reference)
        hits.append(SearchHit(pledge.reference, link, str(_shown(pledge.amount)), icon="heart-handshake"))
    batch = queries.batch_by_number(session, text.upper()) if batched else None
    if batch is not None:
        hits.append(SearchHit(batch.number, path_to("finance.batch", number=batch.number), icon="file-export"))
    return hits[:limit]
