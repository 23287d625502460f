"""No file that leaves makes a spreadsheet run something: not by a cell, not by a heading, not by its name (reliability 2.10)."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers import entry
from core.exporter.columns import Column
from core.exporter.names import content_disposition
from core.exporter.text import Options, write_csv
from core.testing import NOON
from tests.acceptance.register import approved_form, register_people
from tests.support.people import signed_in

FORMULAS = ("=1+1", "+SUM(A1)", "-2+3", "@SUM(1)", "=cmd|' /C calc'!A0", "＝1+1", " =1+1", "\u00a0=1")
RUNS = re.compile(r"[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def cells(content: bytes) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]


def harmless(content: bytes) -> None:
    """No cell begins as a formula; a plain negative number is none, nor a phone column's own value."""
    assert [cell for cell in cells(content) if RUNS.match(cell) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|\+[0-9]{8,15}", cell)] == []


@pytest.mark.parametrize("formula", FORMULAS)
def test_neither_cell_nor_heading_runs(formula: str) -> None:
    content = b"".join(write_csv([Column("a", formula), Column("b", "B")], [(formula, "x"), ("x", formula)], Options(headings=True)))

    harmless(content)
    assert any(formula.strip() in cell for cell in cells(content)), "nothing is lost"


def test_the_refused_lines_of_an_import_run_nothing(client: FlaskClient, session: Session) -> None:
    """They come back under the headings of the file that was sent, which are anybody's."""
    signed_in(client, session, "crm_manager")
    work.commit(session)
    content = b'=HYPERLINK("http://evil.example"),name,+mobile\n=1+1,=2+2,+3abc\n'
    page = client.post("/imports/new", data={"kind": "customers.customers", "file": (io.BytesIO(content), "=x.csv")}).headers["Location"]
    checked = client.post(page, data={"act": "check", "column.name": "name", "column.mobile": "+mobile", "option.customer_class": "donor",
    "option.registration_origin": "call"})
    assert checked.status_code == 302, checked.get_data(as_text=True)

    answer = client.post(f"{page.removesuffix('/columns')}/refused")

    assert answer.status_code == 200 and len(cells(answer.data)) > 6
    harmless(answer.data)


@pytest.mark.parametrize("formula", FORMULAS[:5])
def test_the_exports_of_the_register_run_nothing(client: FlaskClient, session: Session, formula: str) -> None:
    people = register_people(session, NOON)
    entry.enter(session, approved_form(session, people, NOON, name=f"{formula} شركة", address=formula, remarks=formula), actor=people.officer, now=NOON)
    signed_in(client, session, "crm_manager", "auditor", "finance_officer", "admin")
    work.commit(session)

    for address in ("/customers/export", "/audit/export", "/roles/matrix.csv", "/finance/contributions/export", "/reports/finance.donors/export"):
        answer = client.post(address)
        assert answer.status_code == 200, address
        harmless(answer.data)


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1.csv", '"; filename="b.exe', "a;b.csv", "شهادة\n.csv", "\u202egnp.csv", "x" * 500 + ".csv"])
def test_a_file_name_adds_no_header(name: str) -> None:
    header = content_disposition(name)

    assert "\r" not in header and "\n" not in header
    assert re.fullmatch(r"attachment; filename=\"[A-Za-z0-9._-]+\"; filename\*=UTF-8''[A-Za-z0-9%._~!$&+^`|-]*", header), header
