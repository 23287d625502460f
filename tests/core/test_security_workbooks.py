"""Workbooks made to hurt: each is refused in words on the import's page, none ends or fills the process that reads it."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.errors import InvalidInput
from core.imports import readers, workbooks
from core.testing import python
from tests.support.people import signed_in

HEAD = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
TAIL = b"</sheetData></worksheet>"
SHEET = "xl/worksheets/sheet1.xml"


def parts() -> dict[str, bytes]:
    """A sound workbook with one heading and one line, by part."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet("a")
        sheet.write(0, 0, "name")
        sheet.write(0, 1, "mobile")
        sheet.write(1, 0, "أحمد")
    with zipfile.ZipFile(content) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def with_sheet(rows: bytes) -> bytes:
    return zipped({**parts(), SHEET: HEAD + rows + TAIL})


def lying(content: bytes) -> bytes:
    """The archive with the unpacked sizes of its directory and its headers written small."""
    changed = bytearray(content)
    for magic, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = changed.find(magic)
        while at >= 0:
            changed[at + place : at + place + 4] = (10).to_bytes(4, "little")
            at = changed.find(magic, at + 4)
    return bytes(changed)


def cell(reference: str, kind: str = "n", value: str = "1") -> bytes:
    return f'<row r="1"><c r="A1" t="n"><v>1</v></c></row><row><c r="{reference}" t="{kind}"><v>{value}</v></c></row>'.encode()


WHOLE = zipped(parts())
BROKEN = {
    "cut": WHOLE[: len(WHOLE) // 2], "no directory": b"PK\x03\x04" + bytes(100), "no parts": zipped({"a": b"b"}), "no sheet": zipped({name: data for name,
    data in
    parts().items() if name != SHEET}), "broken list": zipped({**parts(), "xl/workbook.xml": b"<workbook"}), "broken sheet": with_sheet(b"<row><c"),
    "no such text": with_sheet(cell("A2", "s", "999")), "last place": with_sheet(cell("XFD1048576")), "small letters": with_sheet(cell("xfd1048576")),
    "beyond columns": with_sheet(cell("ZZZZZZZZZ1")), "beyond rows": with_sheet(cell("A99999999999999999999")),
    "beyond both": with_sheet(cell("ZZZZ9999999")),
    "quoted otherwise": with_sheet(b"<row r='1'><c t='n' r = 'XFD1048576'><v>1</v></c></row><row r='2'><c r='A2'><v>1</v></c></row>"),
    "by its row": with_sheet(b'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>'),
    "lying sizes": lying(zipped({**parts(), SHEET: HEAD + b" " * 3_000_000 + TAIL})), "spreadsheet of another kind": zipped({"content.xml": b"<x/>",
    "mimetype": b"ods"}),
    "entities": zipped({**parts(),
    "xl/workbook.xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><workbook>&c;</workbook>'}),
    "encrypted": WHOLE.replace(b"PK\x01\x02\x14\x00\x14\x00\x00", b"PK\x01\x02\x14\x00\x14\x00\x01").replace(b"PK\x01\x02\x14\x03\x14\x00\x00",
    b"PK\x01\x02\x14\x03\x14\x00\x01"),
}


def read_apart(path: Path) -> subprocess.CompletedProcess[str]:
    """Read the file in a process of its own, within memory and time: a crash there is a failure here."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from pathlib import Path\nfrom core.errors import InvalidInput\nfrom core.imports import readers\n"
        "for act in (readers.sheets, lambda path: readers.sample(readers.read(path, readers.Declaration()), 5)):\n"
        "    try:\n        act(Path(sys.argv[1]))\n    except InvalidInput as error:\n        print(str(error))\n"
    )
    return subprocess.run([python(), "-c", code, str(path)], capture_output=True, text=True, timeout=60, check=False)


def test_a_sound_workbook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sound.xlsx"
    path.write_bytes(WHOLE)

    assert readers.sheets(path) == [("a", False)]
    assert list(readers.read(path, readers.Declaration()).rows) == [(2, ["أحمد", ""])]


@pytest.mark.parametrize("name", ["last place", "small letters", "beyond columns", "beyond rows", "beyond both", "quoted otherwise", "by its row",
    "lying sizes"])
def test_a_workbook_that_asks_for_too_much_ends_no_process(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hurt.xlsx"
    path.write_bytes(BROKEN[name])

    done = read_apart(path)

    assert done.returncode == 0, done.stderr[-400:]
    assert "workbook" in done.stdout


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_workbook_is_explained_with_a_way_on(app: Flask, client: FlaskClient, session: Session, name: str) -> None:
    signed_in(client, session, "crm_manager")
    work.commit(session)

    sent = client.post("/imports/new", data={"kind": "customers.customers", "file": (io.BytesIO(BROKEN[name]), "x.xlsx")})
    page = client.get(sent.headers["Location"])

    assert (sent.status_code, page.status_code) == (302, 200)
    assert "/imports/new?kind=customers.customers" in page.get_data(as_text=True)
    assert client.post(sent.headers["Location"], data={"act": "check"}).status_code == 422


def test_a_large_honest_sheet_is_not_refused(tmp_path: Path) -> None:
    rows = b"".join(b'<row r="%d"><c r="A%d" t="n"><v>1</v></c><c r="AZ%d" t="n"><v>2</v></c></row>' % (n, n, n) for n in range(1, 100_001))
    path = tmp_path / "large.xlsx"
    path.write_bytes(with_sheet(rows))

    workbooks.check_workbook(path)


def test_a_cell_between_two_pieces_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hurt.xlsx"
    path.write_bytes(with_sheet(b" " * 300 + cell("XFD1048576")))
    for size in range(280, 700, 7):
        monkeypatch.setattr(workbooks, "PIECE", size)
        workbooks._check.cache_clear()
        with pytest.raises(InvalidInput):
            workbooks.check_workbook(path)
