"""The pages of finance: what they show, what they save, who may."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.finance import batches, services
from core.finance.accounts import layout_settings
from core.finance.models import Contribution, FinanceBatch, Pledge
from core.finance.movements import Movement, import_movements
from core.money import Money
from core.organisation import services as organisation
from core.testing import actor_with
from tests.core.finance.conftest import FINANCE, NOW, sar
from tests.support.people import signed_in

Give = Callable[..., Contribution]
JANUARY = {"from_on": "2026-01-01", "until_on": "2026-01-31", "layout": "generic", "content": "contributions"}


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:3000]
    return answer.get_data(as_text=True)


@pytest.fixture
def officer(session: Session, client: FlaskClient) -> FlaskClient:
    signed_in(client, session, "finance_manager")
    return client


@pytest.mark.parametrize("address", [
    "/finance/", "/finance/preview", "/finance/contributions/", "/finance/contributions/new/", "/finance/pledges/", "/finance/pledges/new/",
    "/finance/movements", "/finance/settings/", "/finance/settings/layouts/xero_manual_journal", "/reports/finance.donors/", "/reports/finance.programmes/",
])
def test_pages_open_in_both_languages(session: Session, client: FlaskClient, address: str) -> None:
    for language in ("ar", "en"):
        signed_in(client, session, "finance_manager", language=language)

        html = page(client, address)

        assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in html


@pytest.mark.parametrize("address", [
    "/finance/", "/finance/preview", "/finance/contributions/", "/finance/pledges/", "/finance/movements", "/finance/settings/",
])
def test_pages_are_shut_without_the_permission(session: Session, client: FlaskClient, address: str) -> None:
    signed_in(client, session, "volunteer")

    assert client.get(address).status_code == 403


def test_contribution_is_recorded_by_form(session: Session, officer: FlaskClient, donor: Customer) -> None:
    form = {"customer_number": donor.number, "amount": "١٬٢٥٠٫٥٠", "currency": "sar", "received_on": "2026-01-05", "method": "bank", "fund": "zakat",
            "reference": "TR-7", "memo": "زكاة", "operation_key": "once", "programme_id": ""}

    first, again = officer.post("/finance/contributions/new/", data=form), officer.post("/finance/contributions/new/", data=form)

    assert (first.status_code, again.status_code) == (302, 302)
    row = session.scalars(sa.select(Contribution)).one()
    assert (row.amount, row.reference, row.customer_id) == (sar("1250.50"), "TR-7", donor.id)
    assert "TR-7" in page(officer, "/finance/contributions/") and donor.name in page(officer, "/finance/contributions/c/TR-7")


def test_faults_stand_beside_their_fields_and_input_is_kept(officer: FlaskClient, donor: Customer) -> None:
    answer = officer.post("/finance/contributions/new/", data={"customer_number": "999", "amount": "12", "currency": "SAR", "received_on": "2026-01-05",
                                                              "method": "bank", "memo": "للحفظ"})

    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "customer_number-error" in html and "للحفظ" in html


def test_a_reference_that_is_taken_is_told_beside_its_field_with_what_was_typed(officer: FlaskClient, donor: Customer, give: Give) -> None:
    given = give("100.00", reference="TR-7")
    form = {"customer_number": donor.number, "amount": "12.34", "currency": "SAR", "received_on": "2026-01-05", "method": "bank", "fund": "zakat",
            "reference": "TR-7", "memo": "للحفظ", "operation_key": "one"}

    refund = {**form, "amount": "1", "received_on": "2026-01-20", "operation_key": "two"}
    answers = [officer.post("/finance/contributions/new/", data=form), officer.post(f"/finance/contributions/refund/{given.reference}", data=refund)]

    for answer in answers:
        html = answer.get_data(as_text=True)
        assert (answer.status_code, "reference-error" in html, "للحفظ" in html) == (422, True, True)


def test_amount_with_too_many_decimals_is_refused(session: Session, officer: FlaskClient, donor: Customer) -> None:
    form = {"customer_number": donor.number, "amount": "1.005", "currency": "SAR", "received_on": "2026-01-05", "method": "bank"}

    assert officer.post("/finance/contributions/new/", data=form).status_code == 422
    assert session.scalars(sa.select(Contribution)).all() == []


def test_refund_by_form(session: Session, officer: FlaskClient, give: Give) -> None:
    give("100.00", reference="TR-1")
    work.commit(session)

    refused = officer.post("/finance/contributions/refund/TR-1", data={"amount": "100.01", "received_on": "2026-01-20", "method": "bank"})
    taken = officer.post("/finance/contributions/refund/TR-1", data={"amount": "40", "received_on": "2026-01-20", "method": "bank", "reference": "RF-1"})

    assert (refused.status_code, taken.status_code) == (422, 302)
    assert session.scalars(sa.select(Contribution.amount_minor).where(Contribution.reference == "RF-1")).one() == -4000


def test_reference_with_a_slash_has_a_page(session: Session, officer: FlaskClient, give: Give) -> None:
    give(reference="2026/TR/15")
    work.commit(session)

    assert "2026/TR/15" in page(officer, "/finance/contributions/c/2026/TR/15")


def test_pledge_is_recorded_and_cancelled(session: Session, officer: FlaskClient, donor: Customer) -> None:
    form = {"customer_number": donor.number, "amount": "500", "currency": "SAR", "promised_on": "2026-01-05", "due_on": "", "reference": "PL-1"}

    assert officer.post("/finance/pledges/new/", data=form).status_code == 302
    assert officer.post("/finance/pledges/cancel/PL-1", data={"reason": "اعتذر"}).status_code == 302

    assert session.scalars(sa.select(Pledge)).one().cancelled_at is not None
    assert "اعتذر" in page(officer, "/finance/pledges/p/PL-1")


def test_preview_shows_totals_fingerprint_rows_left_out_and_the_counted_button(session: Session, officer: FlaskClient, give: Give) -> None:
    settings.put(session, "finance.layout.odoo_account_move", {"method_accounts": {"bank": "1110"}, "fund_accounts": {"zakat": "4110"}})
    give("1000.00", reference="TR-1"), give("250.50", reference="TR-2"), give("7.00", method="cash", reference="TR-3")
    work.commit(session)

    html = page(officer, "/finance/preview?from_on=2026-01-01&until_on=2026-01-31&layout=odoo_account_move&content=contributions")

    assert "Issue the batch, 2 rows" in html and "1 row stays out of the batch" in html
    assert "1,250.50" in html and "No account for this way of paying" in html and "/finance/settings/layouts/odoo_account_move" in html
    assert re.search(r"([0-9a-f]{8} ){7}[0-9a-f]{8}", html)


def test_the_statement_per_donor_is_searched_by_number_and_name(session: Session, officer: FlaskClient, donor: Customer, give: Give) -> None:
    give(reference="TR-1")
    work.commit(session)

    for text, found in ((donor.number, True), (donor.name, True), ("لا أحد بهذا الاسم", False)):
        html = page(officer, f"/reports/finance.donors/?customer={text}")
        assert ("100.00" in html) is found
    file = officer.post("/reports/finance.donors/export", data={"customer": donor.number}).get_data(as_text=True)
    assert donor.number in file


LACKING = "/finance/preview?from_on=2026-01-01&until_on=2026-01-31&layout=xero_manual_journal&content=contributions"


def test_a_missing_account_leads_to_the_page_where_it_is_set(session: Session, client: FlaskClient, give: Give) -> None:
    signed_in(client, session, "finance_officer")
    work.begin_write(session)
    give(reference="TR-1")
    work.commit(session)

    html = page(client, LACKING)

    assert '<a href="/finance/settings/layouts/xero_manual_journal">Set the account</a>' in html
    page(client, "/finance/settings/layouts/xero_manual_journal")


def test_who_may_not_set_accounts_is_told_who_can(session: Session, client: FlaskClient, give: Give) -> None:
    signed_in(client, session, "auditor")
    work.begin_write(session)
    give(reference="TR-1")
    work.commit(session)

    html = page(client, LACKING)

    assert "/finance/settings/" not in html
    assert re.search(r"Who can: [^<]*Administrator", html, re.IGNORECASE)


def test_a_number_and_an_amount_stand_apart_from_the_reason(session: Session, officer: FlaskClient, give: Give) -> None:
    settings.put(session, "finance.layout.xero_manual_journal", {"method_accounts": {"bank": "1"}, "fund_accounts": {"zakat": "2"}, "currency": "SAR"})
    give(reference="TR-1", amount=Money(Decimal("7.000"), "KWD"))
    work.commit(session)

    html = page(officer, LACKING)

    assert re.search(r'<bdi>In KWD; [^<]*</bdi><span class="dw-second">', html)


@pytest.mark.parametrize(("language", "words"), [("ar", "1 يناير 2100"), ("en", "1 January 2100")])
def test_a_day_to_come_is_refused_in_words(session: Session, client: FlaskClient, donor: Customer, language: str, words: str) -> None:
    signed_in(client, session, "finance_manager", language=language)
    form = {"customer_number": donor.number, "amount": "500", "currency": "SAR", "received_on": "2100-01-01", "method": "bank"}

    html = client.post("/finance/contributions/new/", data=form).get_data(as_text=True)

    assert words in html[html.index('id="received_on-error"'):]


def test_batch_from_issue_to_re_export(session: Session, officer: FlaskClient, give: Give) -> None:
    give("1000.00", reference="TR-1")
    work.commit(session)

    issued = officer.post("/finance/issue", data={**JANUARY, "operation_key": "k"})
    number = session.scalars(sa.select(FinanceBatch.number)).one()
    first = officer.post(f"/finance/batches/{number}/file")
    again = officer.post(f"/finance/batches/{number}/re-export")

    assert issued.status_code == 302 and issued.headers["Location"].endswith(f"/finance/batches/{number}")
    assert first.data == again.data and first.data.startswith(b"\xef\xbb\xbfcustomer_number,")
    assert "re-export" not in first.headers["Content-Disposition"] and "re-export-1" in again.headers["Content-Disposition"]
    html = page(officer, f"/finance/batches/{number}")
    assert "exported again once" in html and "TR-1" in html
    assert officer.post(f"/finance/batches/{number}/file").status_code == 409


def test_an_empty_period_can_be_issued_by_page_as_by_command(session: Session, officer: FlaskClient) -> None:
    assert "Issue an empty batch" in page(officer, "/finance/preview?from_on=2026-01-01&until_on=2026-01-31")
    issued = officer.post("/finance/issue", data={**JANUARY, "operation_key": "empty"})
    assert session.scalars(sa.select(FinanceBatch.row_count)).one() == 0
    assert "holds no rows" in page(officer, issued.headers["Location"])


def test_void_by_page_needs_a_reason(session: Session, officer: FlaskClient, give: Give) -> None:
    give()
    batch = batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31)), actor=FINANCE, now=NOW)
    work.commit(session)

    assert officer.post(f"/finance/batches/{batch.number}/void", data={"reason": ""}).status_code == 422
    assert officer.post(f"/finance/batches/{batch.number}/void", data={"reason": "wrong accounts"}).status_code == 302
    assert "wrong accounts" in page(officer, f"/finance/batches/{batch.number}")


def test_reader_sees_batches_and_cannot_issue(session: Session, client: FlaskClient, give: Give) -> None:
    give()
    batch = batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31)), actor=FINANCE, now=NOW)
    signed_in(client, session, "auditor")

    assert batch.number in page(client, "/finance/")
    for address in ("/finance/issue", f"/finance/batches/{batch.number}/file", f"/finance/batches/{batch.number}/re-export", "/finance/contributions/export"):
        assert client.post(address, data=JANUARY).status_code == 403


def test_list_is_exported_with_filter_rows_and_checksum_in_the_log(session: Session, officer: FlaskClient, give: Give, donor: Customer) -> None:
    give("1000.00", reference="TR-1"), give("5.00", reference="TR-2", method="cash")
    work.commit(session)

    answer = officer.post("/finance/contributions/export", data={"f.method": "bank"}, buffered=True)
    lines = answer.get_data().decode("utf-8-sig").split("\r\n")

    assert lines[0].startswith("customer_number,kind,date,reference,") and lines[2].startswith(f"{donor.number},contribution,2026-01-10,TR-1,")
    assert len(lines) == 4
    entries = session.scalars(sa.select(AuditEvent).where(AuditEvent.action.in_(("export", "export_end"))).order_by(AuditEvent.id)).all()
    assert [entry.action for entry in entries] == ["export", "export_end"]
    assert "bank" in str(entries[0].data) and "sha256" in str(entries[1].data)


def test_statement_shows_pledged_received_outstanding(session: Session, officer: FlaskClient, give: Give, donor: Customer) -> None:
    services.record_pledge(session, customer_id=donor.id, amount=sar("1000.00"), promised_on=date(2026, 1, 1),
                           due_on=date(2026, 1, 15), actor=FINANCE, now=NOW)
    give("400.00"), give("7.000", amount=Money(Decimal("7.000"), "KWD"))
    work.commit(session)

    html = page(officer, f"/finance/customers/{donor.number}")

    assert all(text in html for text in ("1,000.00", "400.00", "600.00", "7.000"))
    customer_page = page(officer, f"/customers/{donor.number}")
    assert "600.00" in customer_page


def test_statement_report_has_a_row_per_donor_and_currency(session: Session, officer: FlaskClient, give: Give, donor: Customer) -> None:
    give("400.00"), give("7.000", amount=Money(Decimal("7.000"), "KWD"))
    work.commit(session)

    html = page(officer, "/reports/finance.donors/")

    assert "400.00" in html and "7.000" in html


def test_a_contribution_begins_with_what_its_pledge_awaits(session: Session, officer: FlaskClient, give: Give, donor: Customer) -> None:
    programme = organisation.save_programme(session, name_ar="سقيا الماء", actor=actor_with("organisation.manage"))
    pledge = services.record_pledge(session, customer_id=donor.id, amount=sar("1000.00"), promised_on=date(2026, 1, 1), programme_id=programme.id, fund="zakat",
                                    actor=FINANCE, now=NOW)
    give("400.00", programme_id=programme.id)
    work.commit(session)
    link = re.search(r'href="(/finance/contributions/new/[^"]*)"', page(officer, f"/finance/pledges/p/{pledge.reference}"))
    assert link is not None

    form = page(officer, html.unescape(link[1]))

    assert f'value="{donor.number}"' in form and 'value="600.00"' in form
    assert re.search(rf'<option selected value="{programme.id}">', form) and re.search(r'<option selected value="zakat">', form)


def test_movements_that_do_not_match_are_listed(session: Session, officer: FlaskClient, donor: Customer) -> None:
    import_movements(session, [Movement(donor.number, "TR-404", date(2026, 1, 12), sar("5.00"))], actor=FINANCE, now=NOW)
    work.commit(session)

    assert "TR-404" in page(officer, "/finance/movements")
    assert officer.post("/finance/movements/match").status_code == 302


def test_accounts_are_saved_and_faults_shown(session: Session, officer: FlaskClient) -> None:
    address = "/finance/settings/layouts/xero_manual_journal"

    refused = officer.post(address, data={"method.bank": "1110", "option.tax_rate": ""})
    saved = officer.post(address, data={"method.bank": "1110", "fund.zakat": "4110", "fund.": "4000", "option.tax_rate": "BAS Excluded",
                                         "option.date_format": "DD/MM/YYYY"})

    assert (refused.status_code, saved.status_code) == (422, 302)
    work.forget(session)
    session.expire_all()
    chosen = layout_settings(session, "xero_manual_journal")
    assert (dict(chosen.method_accounts), dict(chosen.fund_accounts), chosen.tax_rate) == ({"bank": "1110"}, {"zakat": "4110", "": "4000"}, "BAS Excluded")


def test_funds_are_added_and_no_longer_offered(session: Session, officer: FlaskClient) -> None:
    assert officer.post("/finance/settings/funds", data={"code": "winter", "name_ar": "إغاثة الشتاء", "name_en": "Winter relief"}).status_code == 302
    assert "Winter relief" in page(officer, "/finance/contributions/new/")

    assert officer.post("/finance/settings/funds/winter/use").status_code == 302

    assert "Winter relief" not in page(officer, "/finance/contributions/new/")
