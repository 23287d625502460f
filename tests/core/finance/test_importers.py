"""Contributions and movements from files, through the stages of an import (FIN-01, FIN-03)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.customers.models import Customer
from core.errors import Conflict
from core.finance import importers
from core.finance.models import Contribution, FinanceMovement
from core.imports import readers, services
from core.imports.models import Import
from tests.core.finance.conftest import FINANCE, NOW

KINDS = {one.name: one for one in importers.importers()}
Take = Callable[..., Import]


@pytest.fixture
def take(session: Session, tmp_path: Path) -> Take:
    """Check a file whose headings are field keys; ``apply`` applies the good lines."""

    def check(kind: str, text: str, *, apply: bool = False) -> Import:
        path = tmp_path / "file.csv"
        path.write_text(text, encoding="utf-8")
        headings = readers.read(path, services.declaration({})).headings
        row = services.receive(session, KINDS[kind], file_name="file.csv", token="0", sha256="0" * 64, actor=FINANCE, now=NOW)
        services.declare(session, row, KINDS[kind], headings, mapping={one: one for one in headings}, declared={}, options={}, actor=FINANCE)
        services.stage_and_check(session, row, KINDS[kind], path, actor=FINANCE, now=NOW)
        if apply:
            services.choose_to_apply(session, row, KINDS[kind], expected=services.good(row.counts), leave_out_refused=True, actor=FINANCE)
            services.run_whole(session, row, KINDS[kind], actor=FINANCE, now=NOW)
        return row

    return check


def test_movements_match_are_listed_and_come_in_once(session: Session, donor: Customer, give: Callable[..., Contribution], take: Take) -> None:
    give("100.00", reference="TR-1")
    text = f"customer,reference,day,amount\n{donor.number},TR-1,2026-01-12,100.00\n{donor.number},TR-2,2026-01-12,5.00\n999,TR-3,2026-01-12,7.00\n"

    first = take("finance.movements", text, apply=True)
    second = take("finance.movements", text)

    assert first.counts == {"create": 3}
    states = session.execute(sa.select(FinanceMovement.reference, FinanceMovement.state).order_by(FinanceMovement.reference))
    assert [tuple(one) for one in states] == [("TR-1", "matched"), ("TR-2", "unmatched"), ("TR-3", "unmatched")]
    assert second.counts == {"duplicate": 3}


def test_contributions_of_a_former_year_say_what_they_lack(session: Session, donor: Customer, take: Take) -> None:
    one = f"{donor.number},OLD-1,2019-05-01,250.50"
    text = "\n".join(["customer,reference,day,amount", one, one, "000,OLD-2,2019-05-02,1", f"{donor.number},OLD-3,2019-05-03,0"])

    row = take("finance.contributions", text, apply=True)

    assert row.counts == {"create": 1, "duplicate": 1, "refused": 2}
    refused = {line: field for line, field, _reason, _cells in services.refused_lines(session, row.id)}
    assert refused == {4: "customer", 5: "amount"}
    kept = session.scalars(sa.select(Contribution)).one()
    assert (kept.amount_minor, kept.currency, kept.imported) == (25050, "SAR", True)


def test_amounts_are_read_by_the_currency_of_their_line(session: Session, donor: Customer, take: Take) -> None:
    lines = ("10.123,KWD,k", "10.12,sar,s", "10,JPY,j", "10.123,SAR,t", "10.5,JPY,u", "10,XXX,x", "10,Euro,e", "10.12,,n")
    text = "\n".join(["customer,day,amount,currency,reference", *(f"{donor.number},2026-01-01,{one}" for one in lines)])

    row = take("finance.contributions", text, apply=True)

    kept = {one.reference: (one.amount_minor, one.currency) for one in session.scalars(sa.select(Contribution))}
    assert kept == {"k": (10123, "KWD"), "s": (1012, "SAR"), "j": (10, "JPY"), "n": (1012, "SAR")}
    assert {(line, field) for line, field, _reason, _cells in services.refused_lines(session, row.id)} == {
        (5, "amount"), (6, "amount"), (7, "currency"), (8, "currency")}


def test_another_amount_under_a_known_reference_is_refused_with_both(session: Session, donor: Customer, take: Take) -> None:
    head, one = "customer,day,amount,currency,reference", f"{donor.number},2026-01-01"
    take("finance.contributions", f"{head}\n{one},150.00,SAR,4711\n", apply=True)

    lines = (f"{one},150,SAR,4711", f"{one},200,SAR,4711", f"{one},150,USD,4711", f"{one},7,,new", f"{one},8,,new")
    row = take("finance.contributions", "\n".join([head, *lines]))

    assert row.counts == {"duplicate": 1, "refused": 3, "create": 1}
    refused = {line: reason for line, _field, reason, _cells in services.refused_lines(session, row.id)}
    assert list(refused) == [3, 4, 6] and all(amount in refused[3] for amount in ("150.00", "200.00"))


def test_an_import_is_taken_back_while_nothing_rests_on_it(session: Session, donor: Customer, take: Take) -> None:
    row = take("finance.contributions", f"customer,reference,day,amount\n{donor.number},OLD-1,2019-05-01,250.50\n", apply=True)

    services.undo(session, row, KINDS[row.kind], actor=FINANCE, now=NOW)

    assert session.scalar(sa.select(sa.func.count(Contribution.id))) == 0
    with pytest.raises(Conflict):
        services.undo(session, row, KINDS[row.kind], actor=FINANCE, now=NOW)


def test_what_the_service_would_refuse_is_refused_at_the_check(
    session: Session, donor: Customer, give: Callable[..., Contribution], take: Take,
) -> None:
    give("1.00", fund="zakat")
    lines = ("2027-10-08,5.00,", "1850-01-01,5.00,", "2026-01-10,5.00,nothing", "2026-01-10,5.00,zakat")
    text = "\n".join(["customer,day,amount,fund", *(f"{donor.number},{one}" for one in lines)])

    row = take("finance.contributions", text, apply=True)

    assert row.counts == {"refused": 3, "create": 1}
    assert [(line, field) for line, field, _reason, _cells in services.refused_lines(session, row.id)] == [(2, "day"), (3, "day"), (4, "fund")]
    assert session.scalar(sa.select(sa.func.count(Contribution.id))) == 2
