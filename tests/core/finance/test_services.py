"""Contributions, refunds and pledges: what is recorded, what is refused, what is announced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, InvalidInputs, NotAllowed
from core.finance import batches, queries, services
from core.finance.models import Contribution
from core.money import Money
from core.testing import actor_with
from tests.core.finance.conftest import FINANCE, NOW, sar

Give = Callable[..., Contribution]


def test_contribution_is_kept_exactly_with_reference_and_fund(session: Session, give: Give, donor: Customer) -> None:
    found = give("1250.50", reference="TR-88120", memo="زكاة رمضان")

    session.expire_all()
    assert (found.amount, found.reference, found.fund.code, found.customer_id) == (sar("1250.50"), "TR-88120", "zakat", donor.id)
    assert found.amount_minor == 125050


def test_contribution_without_reference_gets_one(give: Give) -> None:
    first, second = give(), give()

    assert first.reference.startswith("C-") and first.reference != second.reference


def test_reference_is_recorded_once(give: Give) -> None:
    give(reference="TR-1")

    with pytest.raises(Conflict, match="TR-1"):
        give(reference="TR-1")


def test_same_operation_gives_the_first_result(session: Session, give: Give) -> None:
    first, again = give(operation_key="once"), give(operation_key="once")

    assert first is again


def test_all_faults_are_named_together(give: Give) -> None:
    with pytest.raises(InvalidInputs) as caught:
        give("0", received_on=date(2026, 2, 2), method="barter", fund="nowhere", programme_id=987654, customer_id=987654, memo="a\u202eb")

    assert {fault.field for fault in caught.value.faults} == {"amount", "received_on", "method", "fund", "programme_id", "customer_id", "memo"}


def test_today_is_the_associations_day(give: Give) -> None:
    assert give(received_on=date(2026, 2, 1)).received_on == date(2026, 2, 1)


def test_negative_amount_is_a_refund_unless_imported(give: Give) -> None:
    with pytest.raises(InvalidInputs) as caught:
        give("-5.00")

    assert [(fault.field, fault.rule) for fault in caught.value.faults] == [("amount", "FIN-01")]
    assert give("-5.00", imported=True, lacks=["method"]).lacks == {"keys": ["method"]}


def test_recording_needs_the_permission(session: Session, donor: Customer) -> None:
    with pytest.raises(NotAllowed):
        services.record_contribution(session, customer_id=donor.id, amount=sar("1"), received_on=date(2026, 1, 1), method="cash",
                                     actor=actor_with("finance.read"), now=NOW)


def test_contribution_is_logged_and_its_memo_is_not_readable(session: Session, give: Give) -> None:
    found = give(reference="TR-9", memo="وصية سرية")
    work.commit(session)

    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.record_type == "core_contribution", AuditEvent.record_id == str(found.id))).one()

    assert entry.action == "create"
    assert "وصية" not in "".join(str(getattr(entry, column.key)) for column in sa.inspect(AuditEvent).column_attrs)


def test_refund_is_a_negative_entry_that_names_its_contribution(session: Session, give: Give) -> None:
    found = give("250.75", method="cash")

    refund = services.record_refund(session, found, amount=sar("100.00"), refunded_on=date(2026, 1, 20), actor=FINANCE, now=NOW)

    assert (refund.amount, refund.refund_of_id, refund.method, refund.fund_id) == (sar("-100.00"), found.id, "cash", found.fund_id)
    assert queries.left_to_refund(session, found) == sar("150.75")


@pytest.mark.parametrize(("amount", "day", "field"), [
    (sar("100.01"), date(2026, 1, 20), "amount"),
    (sar("-1.00"), date(2026, 1, 20), "amount"),
    (Money(Decimal("1.000"), "KWD"), date(2026, 1, 20), "amount"),
    (sar("1.00"), date(2026, 1, 9), "received_on"),
])
def test_refund_is_bounded_by_what_it_takes_back(session: Session, give: Give, amount: Money, day: date, field: str) -> None:
    found = give("100.00")

    with pytest.raises(InvalidInput) as caught:
        services.record_refund(session, found, amount=amount, refunded_on=day, actor=FINANCE, now=NOW)

    assert caught.value.field == field


def test_many_are_recorded_all_or_none(session: Session, donor: Customer) -> None:
    gifts = [services.Gift(donor.id, sar(f"{number}.00"), date(2026, 1, 1), reference=f"I-{number}" if number % 2 else None) for number in range(1, 8)]

    ids = services.record_contributions(session, gifts, source="import", source_name="old.csv", imported=True, actor=FINANCE, now=NOW)

    rows = [session.get_one(Contribution, one) for one in ids]
    assert [row.amount_minor for row in rows] == [100 * number for number in range(1, 8)]
    assert {row.imported for row in rows} == {True}
    assert len({row.reference for row in rows}) == 7
    with pytest.raises(Conflict):
        services.record_contributions(session, [services.Gift(donor.id, sar("1"), date(2026, 1, 1), reference="I-1")], actor=FINANCE, now=NOW)


def test_listeners_are_told_of_each_contribution(session: Session, give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    relay = type("Relay", (), {"tell": lambda self, hook, **arguments: told.append(arguments["contribution_id"])})()
    monkeypatch.setitem(session.info, "hooks", relay)

    found = give()

    assert told == [found.id]


def test_statement_follows_each_pledge(session: Session, give: Give, donor: Customer) -> None:
    pledge = services.record_pledge(session, customer_id=donor.id, amount=sar("1000.00"), promised_on=date(2026, 1, 1),
                                    due_on=date(2026, 1, 31), actor=FINANCE, now=NOW)
    kept = give("400.00")
    services.record_refund(session, kept, amount=sar("100.00"), refunded_on=date(2026, 1, 20), actor=FINANCE, now=NOW)
    give("7.000", amount=Money(Decimal("7.000"), "KWD"))

    found = {one.currency: one for one in queries.customer_balances(session, donor.id, date(2026, 2, 1))}

    assert kept.pledge_id == pledge.id
    one = found["SAR"]
    assert (one.pledged, one.received, one.outstanding, one.overdue) == (sar("1000.00"), sar("300.00"), sar("700.00"), sar("700.00"))
    assert (found["KWD"].pledged_minor, found["KWD"].received_minor, found["KWD"].outstanding_minor) == (0, 7000, 0)


def test_more_than_promised_leaves_nothing_outstanding(session: Session, give: Give, donor: Customer) -> None:
    services.record_pledge(session, customer_id=donor.id, amount=sar("50.00"), promised_on=date(2026, 1, 1), actor=FINANCE, now=NOW)
    give("80.00")

    one = queries.customer_balances(session, donor.id, date(2026, 2, 1))[0]

    assert (one.received, one.outstanding) == (sar("80.00"), sar("0.00"))


def test_cancelled_pledge_no_longer_counts(session: Session, donor: Customer) -> None:
    pledge = services.record_pledge(session, customer_id=donor.id, amount=sar("50.00"), promised_on=date(2026, 1, 1), actor=FINANCE, now=NOW)

    with pytest.raises(InvalidInput):
        services.cancel_pledge(session, pledge, reason=" ", actor=FINANCE, now=NOW)
    services.cancel_pledge(session, pledge, reason="توفي", actor=FINANCE, now=NOW)

    assert queries.customer_balances(session, donor.id, date(2026, 2, 1)) == []


def test_exported_contribution_is_neither_completed_nor_rewritten(session: Session, give: Give) -> None:
    found = give()
    services.complete_contribution(session, found, programme_id=None, fund="sadaqah", method="cash", actor=FINANCE)
    batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31)), actor=FINANCE, now=NOW)

    with pytest.raises(Conflict, match="FB-2026"):
        services.complete_contribution(session, found, programme_id=None, fund="zakat", method="bank", actor=FINANCE)
    with pytest.raises(DatabaseError, match="FIN-09"), session.begin_nested():
        found.amount_minor = 1
        session.flush()


def test_import_is_undone_only_while_nothing_rests_on_it(session: Session, give: Give) -> None:
    first, second = give(imported=True), give(imported=True)
    services.record_refund(session, second, refunded_on=date(2026, 1, 20), actor=FINANCE, now=NOW)

    services.remove_imported(session, [first.id], actor=FINANCE, now=NOW)
    with pytest.raises(Conflict, match=second.reference):
        services.remove_imported(session, [second.id], actor=FINANCE, now=NOW)

    assert session.get(Contribution, first.id) is None
