"""Batches: once-only rows, the same bytes, what stays out, void, and what the log says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.anchor import FILE_NAME
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.database import section
from core.errors import Conflict, InvalidInput, InvalidInputs, NotAllowed
from core.finance import batches, services
from core.finance.accounts import save_layout
from core.finance.models import Contribution, FinanceBatchRow
from core.money import Money
from core.testing import actor_with
from tests.core.finance.conftest import FINANCE, NOW, sar

Give = Callable[..., Contribution]
JANUARY = batches.Choice(date(2026, 1, 1), date(2026, 1, 31))


def in_odoo(session: Session, bank: str = "1110", zakat: str = "4110") -> batches.Choice:
    save_layout(session, "odoo_account_move", method_accounts={"bank": bank}, fund_accounts={"zakat": zakat}, options={"journal": "DON"}, actor=FINANCE)
    return batches.Choice(date(2026, 1, 1), date(2026, 1, 31), layout="odoo_account_move")


def issue(session: Session, choice: batches.Choice = JANUARY) -> batches.FinanceBatch:
    return batches.issue_batch(session, choice, actor=FINANCE, now=NOW)


def test_preview_totals_each_currency_by_itself(session: Session, give: Give) -> None:
    found = give("100.00")
    give("3120.500", amount=Money(Decimal("3120.500"), "KWD"))
    services.record_refund(session, found, amount=sar("30.00"), refunded_on=date(2026, 1, 20), actor=FINANCE, now=NOW)

    preview = batches.preview_batch(session, JANUARY, actor=FINANCE)

    assert [(one.currency, one.rows, str(one.gross.amount), str(one.refunds.amount), str(one.net.amount)) for one in preview.totals] == [
        ("KWD", 1, "3120.500", "0.000", "3120.500"), ("SAR", 2, "100.00", "-30.00", "70.00")]


def test_issued_batch_is_what_the_preview_showed(session: Session, give: Give) -> None:
    give()
    preview = batches.preview_batch(session, JANUARY, actor=FINANCE)

    batch = batches.issue_batch(session, JANUARY, actor=FINANCE, now=NOW, expected_sha256=preview.artifact.sha256)

    assert (batch.sha256, batch.row_count, batch.number[:8]) == (preview.artifact.sha256, 1, "FB-2026-")
    assert batches.file_of(session, batch).content == preview.artifact.content


def test_rows_changed_since_the_preview_are_not_issued(session: Session, give: Give) -> None:
    give()
    shown = batches.preview_batch(session, JANUARY, actor=FINANCE).artifact.sha256
    give()

    with pytest.raises(Conflict):
        batches.issue_batch(session, JANUARY, actor=FINANCE, now=NOW, expected_sha256=shown)


def test_row_is_in_one_live_batch_only(session: Session, give: Give) -> None:
    found = give()
    first = issue(session)

    second = issue(session)

    assert (first.row_count, second.row_count, second.left_out_count) == (1, 0, 1)
    row = {"batch_id": second.id, "position": 1, "live": True, "contribution_id": found.id, "kind": "contribution", "on_date": found.received_on,
           "number": "1", "reference": "x", "programme": "", "fund": "", "fund_name": "", "method": "", "amount_minor": 1, "currency": "SAR", "memo": ""}
    with pytest.raises(DatabaseError), session.begin_nested(), section("test"):
        session.execute(sa.insert(FinanceBatchRow.__table__), [row])


def test_frozen_rows_and_batches_cannot_be_changed(session: Session, give: Give) -> None:
    give()
    issue(session)
    table = FinanceBatchRow.__table__

    for statement in (sa.update(table).values(amount_minor=1), sa.update(table).values(reference="other"), sa.delete(table)):
        with pytest.raises(DatabaseError, match="FIN-09"), session.begin_nested(), section("test"):
            session.execute(statement)


def test_rows_issued_before_are_named_with_their_batch(session: Session, give: Give) -> None:
    give()
    batch = issue(session)

    preview = batches.preview_batch(session, JANUARY, actor=FINANCE)

    assert [(group.code, group.batch, group.count) for group in preview.left_out] == [("issued", batch.number, 1)]


def test_rows_without_account_stay_out_with_reason_and_remedy(session: Session, give: Give) -> None:
    choice = in_odoo(session)
    give(), give(method="cash"), give(fund="sadaqah"), give(fund=None), give("1.000", amount=Money(Decimal("1.000"), "KWD"))

    preview = batches.preview_batch(session, choice, actor=FINANCE)

    assert len(preview.candidates) == 1
    assert {(group.code, group.about) for group in preview.left_out} == {
        ("method_account", "cash"), ("fund_account", "sadaqah"), ("fund_account", ""), ("currency", "KWD")}
    assert all(str(group.reason) and str(group.remedy) for group in preview.left_out)


def test_left_out_rows_come_as_a_file(session: Session, give: Give) -> None:
    choice = in_odoo(session)
    give(method="cash", reference="TR-5")
    preview = batches.preview_batch(session, choice, actor=FINANCE)

    lines = b"".join(batches.left_out_file(session, preview, actor=FINANCE)).decode("utf-8-sig").split("\r\n")

    assert lines[0] == "customer_number,date,reference,amount,currency,reason,remedy"
    assert ",2026-01-10,TR-5,100.00,SAR," in lines[2]


def test_programme_can_be_demanded(session: Session, give: Give) -> None:
    give()
    settings.put(session, "finance.needs_programme", True)

    assert [group.code for group in batches.preview_batch(session, JANUARY, actor=FINANCE).left_out] == ["programme"]


def test_other_accounts_write_another_file_and_issued_ones_stay(session: Session, give: Give) -> None:
    give()
    batch = issue(session, in_odoo(session))
    before = batches.file_of(session, batch).content

    in_odoo(session, bank="2220", zakat="5550")

    assert b"1110" in before and batches.file_of(session, batch).content == before
    give()
    assert b"2220" in batches.file_of(session, issue(session, in_odoo(session, bank="2220", zakat="5550"))).content


def test_layout_without_its_needed_names_is_not_issued(session: Session, give: Give) -> None:
    give()
    settings.put(session, "finance.layout.erpnext_journal_entry", {"method_accounts": {"bank": "1"}, "fund_accounts": {"zakat": "2"}})

    with pytest.raises(Conflict):
        issue(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31), layout="erpnext_journal_entry"))


def test_file_is_the_same_after_the_customer_and_the_memo_changed(session: Session, give: Give, donor: Customer) -> None:
    found = give(memo="زكاة")
    batch = issue(session)
    before = batches.file_of(session, batch).content

    found.memo = "something else"
    session.flush()

    assert batches.file_of(session, batch).content == before
    assert donor.number.encode() in before and donor.name.encode() not in before


def test_a_file_that_would_differ_is_not_handed_out(session: Session, give: Give) -> None:
    give(memo="زكاة")
    batch = issue(session)
    with section("test"):
        session.execute(sa.update(FinanceBatchRow.__table__).values(memo=""))
    session.expire_all()

    with pytest.raises(Conflict):
        batches.re_export(session, batch, actor=FINANCE, now=NOW)


def test_first_file_then_marked_re_exports(session: Session, give: Give) -> None:
    give()
    batch = issue(session)

    first = batches.hand_out(session, batch, actor=FINANCE, now=NOW)
    again = [batches.re_export(session, batch, actor=FINANCE, now=NOW) for _time in range(2)]

    assert first.name == f"{batch.number}-generic.csv"
    assert [one.name for one in again] == [f"{batch.number}-generic-re-export-1.csv", f"{batch.number}-generic-re-export-2.csv"]
    assert {first.artifact.content, *(one.artifact.content for one in again)} == {first.artifact.content}
    with pytest.raises(Conflict):
        batches.hand_out(session, batch, actor=FINANCE, now=NOW)


def test_void_batch_lets_its_rows_go(session: Session, give: Give) -> None:
    give()
    batch = issue(session)

    with pytest.raises(InvalidInput):
        batches.void_batch(session, batch, reason="", actor=FINANCE, now=NOW)
    batches.void_batch(session, batch, reason="wrong accounts", actor=FINANCE, now=NOW)

    assert issue(session).row_count == 1
    with pytest.raises(Conflict):
        batches.re_export(session, batch, actor=FINANCE, now=NOW)


def test_issuing_is_logged_with_filter_rows_and_checksum_and_anchored(session: Session, give: Give) -> None:
    give()
    batch = issue(session)
    work.commit(session)

    entries = session.scalars(sa.select(AuditEvent).where(AuditEvent.action.in_(("issue", "export", "anchor"))).order_by(AuditEvent.id)).all()

    assert [entry.action for entry in entries] == ["issue", "export", "anchor"]
    assert batch.sha256 in str(entries[1].data) and "2026-01-01" in str(entries[1].data) and '"rows": 1' in str(entries[1].data).replace('":1', '": 1')
    assert (session.info["association"].folder / FILE_NAME).exists()


def test_same_operation_issues_once(session: Session, give: Give) -> None:
    give()

    first = batches.issue_batch(session, JANUARY, actor=FINANCE, now=NOW, operation_key="once")

    assert batches.issue_batch(session, JANUARY, actor=FINANCE, now=NOW, operation_key="once") is first


def test_reading_and_issuing_ask_their_permissions(session: Session) -> None:
    with pytest.raises(NotAllowed):
        batches.preview_batch(session, JANUARY, actor=actor_with("customers.read"))
    with pytest.raises(NotAllowed):
        batches.issue_batch(session, JANUARY, actor=actor_with("finance.read"), now=NOW)


def test_pledges_go_out_in_the_generic_layout_only(session: Session, donor: Customer) -> None:
    pledge = services.record_pledge(session, customer_id=donor.id, amount=sar("1000.00"), promised_on=date(2026, 1, 3),
                                    due_on=date(2026, 3, 1), actor=FINANCE, now=NOW)
    choice = batches.Choice(date(2026, 1, 1), date(2026, 1, 31), content="pledges")

    content = batches.file_of(session, issue(session, choice)).content.decode()

    assert f"{donor.number},pledge,2026-01-03,{pledge.reference},,,,1000.00,SAR,,2026-03-01\r\n" in content
    with pytest.raises(InvalidInput):
        batches.preview_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31), content="pledges", layout="xero_manual_journal"), actor=FINANCE)


def test_what_came_from_the_finance_system_does_not_go_back(session: Session, give: Give) -> None:
    give(source="finance")

    preview = batches.preview_batch(session, JANUARY, actor=FINANCE)

    assert (len(preview.candidates), [group.code for group in preview.left_out]) == (0, ["finance"])


def test_several_files_come_as_one_archive_with_fixed_bytes(session: Session, donor: Customer) -> None:
    save_layout(session, "xero_manual_journal", method_accounts={"other": "1"}, fund_accounts={"": "2"}, options={"tax_rate": "Tax Exempt"}, actor=FINANCE)
    gifts = [services.Gift(donor.id, sar("1.00"), date(2026, 1, 1)) for _number in range(151)]
    services.record_contributions(session, gifts, actor=FINANCE, now=NOW)
    batch = issue(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31), layout="xero_manual_journal"))

    first, second = batches.file_of(session, batch), batches.file_of(session, batch)

    assert (first.extension, first.content) == ("zip", second.content)
    assert zipfile.ZipFile(io.BytesIO(first.content)).namelist() == ["xero_manual_journal-1.csv", "xero_manual_journal-2.csv"]


def test_layout_settings_name_every_fault(session: Session) -> None:
    with pytest.raises(InvalidInputs) as caught:
        save_layout(session, "xero_manual_journal", method_accounts={"bank": "1\u202e"}, fund_accounts={"zakat": "9" * 121},
                    options={"tax_rate": "", "date_format": "DD.MM"}, actor=FINANCE)

    assert {fault.field for fault in caught.value.faults} == {"method_accounts.bank", "fund_accounts.zakat", "tax_rate", "date_format"}
