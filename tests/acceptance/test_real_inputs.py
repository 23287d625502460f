"""Real registers through import, review, approval and entry: names, phones, cities, grants and a messy list of gifts.

Skipped where the shared data is absent. The register's own stories run on both engines; the whole list of cities is long
to judge, and the eight layouts write the same bytes whatever the engine: these two run on SQLite only.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.commands import verify
from core.customers import entry, importers, queries
from core.customers import services as customers
from core.customers.models import Customer, CustomerAlias, CustomerForm
from core.errors import InvalidInput, NotAllowed
from core.finance import batches
from core.finance import importers as finance
from core.finance.accounts import save_layout
from core.finance.layouts import LAYOUTS
from core.finance.models import Contribution
from core.i18n import use_language
from core.imports import readers, services
from core.imports.models import Import, ImportLine
from core.imports.offers import Importer
from core.numbering import is_valid
from core.organisation import importers as organisation
from core.testing import actor_with
from tests.acceptance.register import People, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
FINANCE = actor_with("finance.read", "finance.record", "finance.export", "finance.settings", label="finance")
ORGANISER = actor_with("organisation.manage", label="organiser")
NAMES = {"name": "All Names"}
NEW_DONORS = {"customer_class": "donor", "same_name": "create"}
GIFTS = {"customer": "Recipient Org:Identifier", "day": "Award Date", "amount": "Amount Awarded", "currency": "Currency", "reference": "Identifier"}


@pytest.fixture
def data(shared: Path) -> Path:
    return shared / "data"


@pytest.fixture
def expected(data: Path) -> dict[str, Any]:
    return dict(json.loads((data / "expected.json").read_text()))


@dataclass
class Register:
    """An empty association's people, and the way of a file through them."""

    session: Session
    people: People
    kinds: dict[str, Importer] = field(default_factory=lambda: {
        one.name: one for module in (importers, organisation, finance) for one in module.importers()})

    def check(self, kind: str, path: Path, mapping: Mapping[str, Any], declared: dict[str, Any] | None = None, **options: Any) -> Import:
        """Receive, declare, stage and judge; nothing is applied."""
        actor = self._actor(kind)
        row = services.receive(self.session, self.kinds[kind], file_name=path.name, token="0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                               actor=actor, now=NOW)
        headings = readers.read(path, services.declaration(declared or {})).headings
        services.declare(self.session, row, self.kinds[kind], headings, mapping=mapping, declared=declared or {}, options=options, actor=actor)
        services.stage_and_check(self.session, row, self.kinds[kind], path, actor=actor, now=NOW)
        return row

    def apply(self, row: Import) -> None:
        importer, actor = self.kinds[row.kind], self._actor(row.kind)
        services.choose_to_apply(self.session, row, importer, expected=services.good(row.counts), leave_out_refused=True, actor=actor)
        services.run_whole(self.session, row, importer, actor=actor, now=NOW)

    def enter(self) -> CustomerForm:
        """The waiting import form through review, approval, entry and filing, by whom each is for."""
        form = self.session.scalars(sa.select(CustomerForm).where(CustomerForm.kind == "import", CustomerForm.state == "filled")).one()
        customers.review(self.session, form, actor=self.people.manager, now=NOW)
        customers.approve(self.session, form, actor=self.people.manager, now=NOW)
        entry.enter_import(self.session, form, actor=self.people.officer, now=NOW)
        return customers.file_form(self.session, form, actor=self.people.officer, now=NOW)

    def take_in(self, path: Path, mapping: Mapping[str, Any], declared: dict[str, Any] | None = None, **options: Any) -> Import:
        """Customers from the file to the archive."""
        row = self.check("customers.customers", path, mapping, declared, **options)
        self.apply(row)
        self.enter()
        return row

    def refused(self, row: Import, key: str) -> int:
        """How many lines were refused for this field."""
        return len({line for line, found, _reason, _cells in services.refused_lines(self.session, row.id) if found == key})

    def _actor(self, kind: str) -> Any:
        return {"customers.customers": self.people.employee, "organisation.cities": ORGANISER}.get(kind, FINANCE)


@pytest.fixture
def register(session: Session) -> Iterator[Register]:
    with work.time_at(NOW), use_language("en"):
        yield Register(session, register_people(session, NOW))


@pytest.fixture
def names(data: Path) -> Path:
    return data / "names" / "200-Arabic-Names-UTF8.csv"


def the_names(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["All Names"] for row in csv.DictReader(file)]


def entered(session: Session) -> list[tuple[str, str]]:
    return [(one.number, one.name) for one in session.scalars(sa.select(Customer).order_by(Customer.id))]


def test_all_names_become_numbered_customers_and_the_chain_is_whole(register: Register, session: Session, names: Path) -> None:
    row = register.take_in(names, NAMES, **NEW_DONORS)

    rows = entered(session)
    assert row.counts == {"create": 446}
    assert sorted(name for _number, name in rows) == sorted(" ".join(name.split()) for name in the_names(names))
    assert len({number for number, _name in rows}) == 446 and all(is_valid(number) for number, _name in rows)
    assert {one.state for one in session.scalars(sa.select(CustomerForm))} == {"filed"}
    said: list[str] = []
    work.commit(session)
    assert verify(session, say=said.append) == 0, said


def test_who_imported_the_names_may_not_approve_them(register: Register, session: Session, names: Path) -> None:
    register.apply(register.check("customers.customers", names, NAMES, **NEW_DONORS))
    form = session.scalars(sa.select(CustomerForm)).one()
    importer = actor_with(*register.people.manager.permissions, roles=register.people.manager.roles, user_id=register.people.employee.user_id)
    customers.review(session, form, actor=register.people.manager, now=NOW)

    with pytest.raises(NotAllowed):
        customers.approve(session, form, actor=importer, now=NOW)
    with pytest.raises(NotAllowed):
        entry.enter_import(session, form, actor=register.people.manager, now=NOW)
    assert session.scalar(sa.select(sa.func.count(Customer.id))) == 0


def test_search_without_hamza_finds_every_name_that_has_it(register: Register, session: Session, names: Path, expected: dict[str, Any]) -> None:
    register.take_in(names, NAMES, **NEW_DONORS)
    counted = expected["names/200-Arabic-Names-UTF8.csv"]["full_names"]["search"]

    found = {asked: queries.search(session, asked, register.people.manager, limit=100).customers for asked in counted}

    assert len(found["احمد"]) == counted["احمد"]["contains_level2"] == 10
    assert {one.name for one in found["احمد"]} == {name for name in the_names(names) if "أحمد" in name}
    assert len(found["الاسعد"]) == counted["الاسعد"]["contains_level2"]


def join_with_phones(data: Path, names: list[str], target: Path) -> Path:
    with (data / "phones" / "phones_sa_kw.csv").open(encoding="utf-8", newline="") as file:
        phones = list(csv.DictReader(file))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "mobile", "phone_country"])
        writer.writerows((name, one["raw"], one["default_region"]) for name, one in zip(names, phones, strict=False))
    return target


def test_names_joined_with_phones_in_many_writings(register: Register, session: Session, data: Path, names: Path, tmp_path: Path) -> None:
    file = join_with_phones(data, the_names(names)[:181], tmp_path / "joined.csv")

    row = register.take_in(file, {key: key for key in ("name", "mobile", "phone_country")}, **NEW_DONORS)

    with (data / "phones" / "phones_sa_kw.csv").open(encoding="utf-8", newline="") as phones:
        truth = [one["e164_or_blank_if_not_recoverable"] for one in csv.DictReader(phones)]
    assert row.counts == {"refused": 27, "create": 66, "duplicate": 88}
    assert {str(one) for one in session.scalars(sa.select(Customer.mobile))} == {one for one in truth if one}
    refused = {line for line, *_rest in services.refused_lines(session, row.id)}
    assert refused == {number for number, one in enumerate(truth, 2) if not one}
    shown = session.scalars(sa.select(ImportLine).where(ImportLine.import_id == row.id, ImportLine.outcome == "duplicate")).all()
    assert all(one.reasons and one.reasons["reasons"] for one in shown)


@pytest.mark.parametrize("writing", ["utf-8", "utf-8 with a mark", "windows-1256"])
def test_each_encoding_gives_the_same_customers(register: Register, session: Session, data: Path, names: Path, tmp_path: Path, writing: str) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_bytes(names.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    path, declared = {"utf-8": (bare, {}), "utf-8 with a mark": (data / "encodings" / "names_utf8_bom.csv", {}),
                      "windows-1256": (data / "encodings" / "names_cp1256.csv", {"encoding": "windows-1256"})}[writing]

    row = register.take_in(path, NAMES, declared, **NEW_DONORS)

    assert row.counts == {"create": 446}
    assert [name for _number, name in entered(session)] == [" ".join(name.split()) for name in the_names(names)]


def test_windows_1256_is_asked_for_and_never_guessed(register: Register, data: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        register.check("customers.customers", data / "encodings" / "names_cp1256.csv", NAMES)
    assert refused.value.field == "encoding"


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_utf_16_file_of_cities_is_staged_whole(register: Register, session: Session, data: Path, expected: dict[str, Any]) -> None:
    mapping = {"code": "رقم المدينة", "name_ar": "المدينة", "region_ar": "المنطقة", "name_en": "City", "region_en": "Region"}

    row = register.check("organisation.cities", data / "encodings" / "cities_utf16le_tab.txt", mapping)

    staged = session.execute(sa.select(ImportLine.line_no, ImportLine.cells).where(ImportLine.import_id == row.id).order_by(ImportLine.line_no)).all()
    assert len(staged) == sum(row.counts.values()) == expected["encodings/cities_utf16le_tab.txt"]["data_rows"] == 4581
    assert "refused" not in row.counts
    assert [staged[-1].cells[key] for key in ("code", "name_ar", "region_ar", "name_en", "region_en")] == expected["encodings/cities_utf16le_tab.txt"]["last"]


def grants(register: Register, data: Path) -> Path:
    """The recipients of the grants entered as customers, each once."""
    path = data / "donations" / "360giving_ALWF.xlsx"
    row = register.take_in(path, {"reference": "Recipient Org:Identifier", "name": "Recipient Org:Name"}, customer_class="donor")
    assert row.counts == {"create": 288, "duplicate": 187}
    return path


def per_year(session: Session) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for one in session.scalars(sa.select(Contribution)):
        count, total = found.get(str(one.received_on.year), (0, Decimal()))
        found[str(one.received_on.year)] = (count + 1, total + Decimal(one.amount_minor) / 100)
    return found


def test_grants_of_ten_years_keep_their_totals_and_come_in_once(register: Register, session: Session, data: Path, expected: dict[str, Any]) -> None:
    path = grants(register, data)

    first = register.check("finance.contributions", path, GIFTS)
    register.apply(first)
    again = register.check("finance.contributions", path, GIFTS)

    years = expected["donations/360giving_ALWF.xlsx"]["by_year"]
    assert first.counts == {"create": 475}
    assert per_year(session) == {year: (one["n"], Decimal(str(one["sum"]))) for year, one in years.items()}
    assert set(session.scalars(sa.select(Contribution.currency))) == {"GBP"}
    assert all(session.scalars(sa.select(Contribution.imported)))
    assert len(set(session.scalars(sa.select(Contribution.customer_id)))) == 288
    assert again.counts == {"duplicate": 475}
    assert services.earlier_with_same_file(session, again) is first


@pytest.mark.parametrize("code", list(LAYOUTS))
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_grants_of_a_year_as_a_batch_in_each_layout(register: Register, session: Session, data: Path, expected: dict[str, Any], code: str) -> None:
    settings.put(session, "core.currency", "GBP")
    register.apply(register.check("finance.contributions", grants(register, data), GIFTS))
    options = {option.key: option.default or ("" if option.choices else "Name") for option in LAYOUTS[code].options}
    save_layout(session, code, method_accounts={"other": "1010"}, fund_accounts={"": "4000"}, options=options, actor=FINANCE)
    choice = batches.Choice(date(2017, 1, 1), date(2017, 12, 31), layout=code)

    total = batches.preview_batch(session, choice, actor=FINANCE).totals
    batch = batches.issue_batch(session, choice, actor=FINANCE, now=NOW)
    second = batches.issue_batch(session, choice, actor=FINANCE, now=NOW)

    of_2017 = expected["donations/360giving_ALWF.xlsx"]["by_year"]["2017"]
    file = batches.file_of(session, batch)
    assert (batch.row_count, second.row_count) == (of_2017["n"], 0)
    assert [one.net.amount for one in total] == [Decimal(str(of_2017["sum"]))]
    assert file.sha256 == batch.sha256 and len(file.content) > 88 * 20


def messy(register: Register, data: Path, tmp_path: Path) -> Path:
    """Customers for the supporters whom the file names in either of its two columns."""
    path = data / "donations" / "charity_donations_messy.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        known = sorted({one for row in csv.DictReader(file) for one in (row["Supporter ID"].strip(), row["supporter_id"].strip()) if one})
    supporters = tmp_path / "supporters.csv"
    supporters.write_text("reference,name\n" + "".join(f"{one},Supporter {one}\n" for one in known), encoding="utf-8")
    row = register.take_in(supporters, {"reference": "reference", "name": "name"}, customer_class="donor")
    assert row.counts == {"create": 66}
    return path


def test_dates_that_can_be_read_both_ways_are_refused_until_their_order_is_declared(
    register: Register, session: Session, data: Path, tmp_path: Path, expected: dict[str, Any],
) -> None:
    path = messy(register, data, tmp_path)
    mapping = {"customer": "Supporter ID", "day": "donation_date", "amount": "donation_amount"}
    kinds = Counter(expected["donations/charity_donations_messy.csv"]["date_kinds"])

    undeclared, day_first, month_first = (register.check("finance.contributions", path, mapping, declared)
                                          for declared in ({}, {"date_order": "dmy"}, {"date_order": "mdy"}))

    assert register.refused(undeclared, "day") == kinds["slash_ambiguous"] + kinds["blank"] == 33 + 4
    assert register.refused(day_first, "day") == kinds["slash_month_first_only"] + kinds["blank"] == 28 + 4
    assert register.refused(month_first, "day") == kinds["slash_day_first_only"] + kinds["blank"] == 17 + 4
    reasons = [reason for _line, key, reason, _cells in services.refused_lines(session, undeclared.id) if key == "day"]
    assert sum("order" in reason for reason in reasons) == 33
    assert session.scalar(sa.select(sa.func.count(Contribution.id))) == 0


# --- address books -------------------------------------------------------------------------------------------------------------

ADDRESS_BOOKS: dict[str, dict[str, Any]] = {
    "google_shared_contacts_sample1": {"name": "Name", "email": "E-mail Address", "address": "Business Address", "reference": "ID"},
    "roundcube_all": {"name": ["First Name", "Middle Name", "Last Name"], "email": "Email Home", "address": ["Home Street", "Home City", "Home State"]},
    "roundcube_gmail": {"name": "Name", "email": "E-mail 1 - Value", "address": "Address 1 - Formatted"},
    "roundcube_tb_plain": {"name": ["First Name", "Last Name"], "email": "Primary Email", "address": ["Home Address", "Home City", "Home Country"]},
    "roundcube_email": {"name": "Primary Email", "email": "Primary Email"},
    "roundcube_outlook": {"name": "E-mail Address", "email": "E-mail Address"},
}


@pytest.mark.parametrize("book", ADDRESS_BOOKS)
def test_what_an_address_book_holds_beyond_a_customer_is_listed(register: Register, data: Path, expected: dict[str, Any], book: str) -> None:
    mapping, known = ADDRESS_BOOKS[book], expected[f"contacts/{book}.csv"]

    row = register.check("customers.customers", data / "contacts" / f"{book}.csv", mapping, customer_class="donor")

    taken = {heading for chosen in mapping.values() for heading in services.headings_of(chosen)}
    assert row.counts == {"create": known["rows"]}
    assert set(row.left_out or {}) == set(known["filled_columns"]) - taken


@pytest.mark.parametrize("book", ADDRESS_BOOKS)
def test_every_cell_of_an_address_book_is_kept_where_remarks_take_the_rest(register: Register, session: Session, data: Path, book: str) -> None:
    path = data / "contacts" / f"{book}.csv"

    row = register.take_in(path, {**ADDRESS_BOOKS[book], "remarks": "*"}, customer_class="donor")

    found = list(session.scalars(sa.select(Customer).order_by(Customer.id)))
    with path.open(encoding="utf-8-sig", newline="") as file:
        people = list(csv.DictReader(file))
    assert len(found) == len(people) and not row.left_out
    for customer, cells in zip(found, people, strict=True):
        references = session.scalars(sa.select(CustomerAlias.number).where(CustomerAlias.customer_id == customer.id))
        kept = " ".join(filter(None, (customer.name, customer.email, customer.address, customer.remarks, *references)))
        assert [heading for heading, cell in cells.items() if cell and cell.strip() not in kept] == []


def test_phones_of_no_country_refuse_their_lines_and_say_so(register: Register, data: Path) -> None:
    mapping = {**ADDRESS_BOOKS["google_shared_contacts_sample1"], "mobile": "Mobile Phone"}

    row = register.check("customers.customers", data / "contacts" / "google_shared_contacts_sample1.csv", mapping, customer_class="donor")

    assert row.counts == {"refused": 16}
    assert register.refused(row, "mobile") == 16
