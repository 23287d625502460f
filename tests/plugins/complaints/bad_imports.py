"""The tables of test_bad_imports.py: files that are refused whole, lines that are refused alone, and odd ones that are taken."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import xlsxwriter

from tests.plugins.complaints.bad_inputs import BAD_PHONES, ODD_TEXTS, OVER_BIGINT, TWENTY_DIGITS, UNSEEN, UNSEEN_TEXTS

KEYS = ["received", "returned", "kind", "channel", "cause", "customer_class", "centre", "name", "phone", "response", "timely", "reference", "text"]
HEADINGS = ",".join(KEYS)
VALUES = ("2025-03-04 10:00", "2025-03-05 11:30", "شكوى", "هاتف", "تعامل الموظف", "مستفيد", "", "سعاد", "0551112222", "مغلقة", "نعم", "", "تأخر الرد")
LINE = dict(zip(KEYS, VALUES, strict=True))
SOUND = f"{HEADINGS}\n{','.join(LINE.values())}\n"


@dataclass(frozen=True)
class BadFile:
    """A file that is refused whole, with what its person said of it; ``says`` stands on the page."""

    name: str
    content: bytes
    says: str
    said: Mapping[str, str] = field(default_factory=dict)
    file_name: str = "log.csv"


@dataclass(frozen=True)
class GoodFile:
    """A file that is taken: so many entries, the first with these values."""

    name: str
    content: bytes
    count: int = 1
    kept: Mapping[str, Any] = field(default_factory=lambda: {"name": "سعاد", "phone": "+966551112222", "text": "تأخر الرد"})
    said: Mapping[str, str] = field(default_factory=dict)
    file_name: str = "log.csv"


@dataclass(frozen=True)
class BadLine:
    """A line beside a sound one: it is refused by this field, the sound one is taken."""

    name: str
    changed: Mapping[str, str]
    place: str
    says: str


@dataclass(frozen=True)
class GoodLine:
    name: str
    changed: Mapping[str, str]
    kept: Mapping[str, Any]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def csv_of(*changes: Mapping[str, str], delimiter: str = ",") -> str:
    lines = [delimiter.join(quoted(value) for value in {**LINE, **changed}.values()) for changed in changes]
    return "\n".join([delimiter.join(KEYS), *lines]) + "\n"


@cache
def workbook(rows: Sequence[Sequence[Any]] = (tuple(KEYS), tuple(LINE.values())), formula: str = "") -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet("log")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        if formula:
            sheet.write_formula(1, KEYS.index("text"), formula, None, "من معادلة")
    return content.getvalue()


def replaced(part: str, content: bytes) -> bytes:
    """The sound workbook with one of its parts replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as sound, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sound.namelist():
            archive.writestr(name, content if name == part else sound.read(name))
    return made.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
LAST_CELL = (b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1048576">'
             b'<c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>')
CUT_WORKBOOK = workbook()[:2000]
UNEVEN_LINES = {
    "ten-thousand-columns": "," * 10_000 + "x", "a-cell-too-many": ",".join(["x"] * 14), "a-cell-too-few": ",".join(["x"] * 12), "one-cell": "x",
}
"""Lines of another width than the headings, beside a sound one."""
BAD_FILES = [
    BadFile("empty", b"", "is empty"), BadFile("only-a-mark", b"\xef\xbb\xbf", "headings"), BadFile("only-lines", b"\n\n\n", "headings"),
    BadFile("nul", SOUND.replace("سعاد", "a\0b").encode(), "no text"), BadFile("all-nul", b"\0" * 3_000, "no text"),
    BadFile("picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 40, "UTF-8"),
    BadFile("program", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00" * 100, "UTF-8"), BadFile("invalid-utf8", SOUND.encode() + b"\xff\xfe,x\n", "UTF-8"),
    BadFile("surrogate", SOUND.encode() + b"\xed\xa0\x80\n", "UTF-8"),
    BadFile("windows-1256-unsaid", SOUND.encode("cp1256"), "Windows-1256"),
    BadFile("utf8-said-to-be-1256", SOUND.encode(), "The file is UTF-8", {"encoding": "windows-1256"}),
    BadFile("utf16-without-mark", SOUND.encode("utf-16-le"), "UTF-8"), BadFile("utf16-cut", SOUND.encode("utf-16")[:-3], "not utf-16"),
    BadFile("utf7-said", SOUND.encode(), "cannot be declared", {"encoding": "utf-7"}),
    BadFile("open-quote", SOUND.replace("سعاد", '"سعاد').encode(), "quotation mark"),
    BadFile("text-after-quote", SOUND.replace("سعاد", '"سعاد"x').encode(), "quotation mark"),
    BadFile("cell-of-200000", csv_of({"text": "ا" * 200_000}).encode(), "longer than"),
    BadFile("two-headings-alike", SOUND.replace("returned", "received", 1).encode(), "stands twice"),
    BadFile("heading-with-override", SOUND.replace("returned", "returned\u202e", 1).encode(), UNSEEN),
    BadFile("blank-headings", b",,,\n1,2,3,4\n", "no headings"),
    BadFile("header-row-beyond", SOUND.encode(), "no line 99", {"header_row": "99"}),
    BadFile("delimiter-unknown", SOUND.encode(), "cannot be declared", {"delimiter": "::"}),
    BadFile("calendar-unknown", SOUND.encode(), "cannot be declared", {"calendar": "mayan"}),
    BadFile("order-unknown", SOUND.encode(), "cannot be declared", {"date_order": "ydm"}),
    BadFile("decimal-unknown", SOUND.encode(), "cannot be declared", {"decimal": "x"}),
    BadFile("column-that-is-not-there", SOUND.encode(), "no column", {"column.name": "nobody"}),
    BadFile("no-column-of-the-needed", SOUND.encode(), "Choose the column", {"column.received": ""}),
    BadFile("old-excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel", {}, "log.xls"),
    BadFile("zip", zipped("a.txt", b"x"), "cannot be read as an Excel", {}, "log.xlsx"),
    BadFile("cut-workbook", CUT_WORKBOOK, "cannot be read as an Excel", {}, "log.xlsx"),
    BadFile("zip-named-csv", zipped("a.txt", b"x"), "cannot be read as an Excel"),
    BadFile("broken-xml", replaced(SHEET, b"<worksheet><sheetData><row r='1'><c r='A1'"), "", {}, "log.xlsx"),
    BadFile("last-cell", replaced(SHEET, LAST_CELL), "too large", {}, "log.xlsx"),
    BadFile("sheet-unknown", workbook(), "no sheet", {"sheet": "nothing"}, "log.xlsx"),
    BadFile("empty-workbook", workbook(()), "is empty", {}, "log.xlsx"),
]
GOOD_FILES = [
    GoodFile("plain", SOUND.encode()),
    GoodFile("with-mark", SOUND.encode("utf-8-sig")),
    GoodFile("crlf", SOUND.replace("\n", "\r\n").encode()),
    GoodFile("cr", SOUND.replace("\n", "\r").encode()),
    GoodFile("no-last-line-end", SOUND.rstrip("\n").encode()),
    GoodFile("windows-1256", SOUND.encode("cp1256"), said={"encoding": "windows-1256"}),
    GoodFile("utf16", SOUND.encode("utf-16")),
    GoodFile("utf16-big", b"\xfe\xff" + SOUND.encode("utf-16-be")),
    GoodFile("semicolons", csv_of({}, delimiter=";").encode()),
    GoodFile("tabs", csv_of({}, delimiter="\t").encode()),
    GoodFile("bars", csv_of({}, delimiter="|").encode()),
    GoodFile("semicolons-with-commas-in-cells", csv_of({"text": "أ، ب, ج, د"}, delimiter=";").encode(), kept={"text": "أ، ب, ج, د"}),
    GoodFile("blank-lines", SOUND.replace("\n", "\n\n,,,,,,,,,,,,\n").encode()),
    GoodFile("empty-cells-at-the-end", (SOUND.rstrip("\n") + ",,,,\n").encode()),
    GoodFile("only-headings", f"{HEADINGS}\n".encode(), 0),
    GoodFile("equal-lines", csv_of({}, {}, {}).encode(), 3),
    GoodFile("headings-with-spaces", SOUND.replace("name", "  name ").encode(), said={"column.name": "name"}),
    GoodFile("title-above", f"سجل الشكاوى{',' * 12}\n{SOUND}".encode(), said={"header_row": "2"}), GoodFile("workbook", workbook(), file_name="log.xlsx"),
    GoodFile("workbook-with-formula", workbook(formula="=1+1"), kept={"text": "من معادلة"}, file_name="log.xlsx"),
    GoodFile("workbook-named-csv", workbook((tuple(KEYS), (*tuple(LINE.values())[:-1], "آخر"))), kept={"text": "آخر"}),
    GoodFile("quoted-line-break", csv_of({"text": "سطر\r\nسطر"}).encode(), kept={"text": "سطر\nسطر"}),
    GoodFile("quotes", csv_of({"text": 'قال "نعم"'}).encode(), kept={"text": 'قال "نعم"'}),
    GoodFile("hijri-said", csv_of({"received": "04/09/1446", "returned": "05/09/1446"}).encode(), kept={"received_at": "2025-03-03T21:00:00+00:00"},
        said={"calendar": "hijri", "date_order": "dmy"}),
]
BAD_LINES = [
    *(BadLine(f"received-{value[:24]}", {"received": value, "returned": ""}, "received", says) for value, says in (
        ("2025-02-30", "no date"), ("2025-13-01", "no date"), ("29/02/2025", "no date"), ("04/03/2025", "day or the month first"),
            ("1446-09-04", "Hijri year"), ("31 رمضان 1446 هـ", "no date"),
        ("1850-01-01", "before 1900"), ("1899-12-31", "before 1900"), ("0001-01-01", "no date"), ("9999-12-31", "no date"), ("9998-12-31", "future"),
            ("2026-02-02 10:16", "future"), ("2025-03-04 25:00", "no time"),
        ("2025-03-04 10:61", "no time"), (TWENTY_DIGITS, "no date"), (OVER_BIGINT, "no date"), ("-1", "no date"), ("45720.5", "no date"),
            ("yesterday", "no date"), ("२०२५-०३-०४", "no date"), ("", "every line needs it"),
        ("=TODAY()", "no date"), ("<b>2025-03-04</b>", "no date"), ("2025-03-04' OR 1=1", "no date"), ("9" * 5_000, "no date"))),
    BadLine("returned-first", {"returned": "2025-03-03 10:00"}, "returned", "cannot have been told before"),
    BadLine("returned-ahead", {"returned": "2027-01-01"}, "returned", "future"),
    *(BadLine(f"phone-{name}", {"phone": value}, "phone", "") for name, value in BAD_PHONES.items()),
    *(BadLine(f"{key}-{value}", {key: value}, key, says) for key, value, says in (
        ("kind", "ticket", "is not one of"), ("kind", "1", "is not one of"), ("channel", "pigeon", "is not one of"),
            ("customer_class", "صديق", "is not one of"), ("timely", "ربما", "is not one of"),
        ("centre", "المريخ", "no single centre"), ("centre", "1", "no single centre"), ("response", "perhaps", "not known as open or closed"))),
    BadLine("no-channel", {"channel": ""}, "channel", "names no channel"),
    *(BadLine(f"{key}-{name}", {key: UNSEEN_TEXTS[name]}, key, UNSEEN) for key in ("name", "text", "reference") for name in ("bidi-override",
        "zero-width-space", "private-use", "escape")),
    BadLine("text-long", {"text": "ا" * 5_001}, "text", "5001"),
    BadLine("name-long", {"name": "ا" * 201}, "name", "201"),
    BadLine("reference-long", {"reference": "7" * 121}, "reference", "121"),
    BadLine("cause-long", {"cause": "ا" * 201}, "cause", "201"), BadLine("response-long", {"response": "مغلقة " + "ا" * 300}, "response", "306"),
]
GOOD_LINES = [
    *(GoodLine(f"text-{name}", {"text": text}, {"text": text}) for name, text in ODD_TEXTS.items()),
    GoodLine("received-arabic-digits", {"received": "٢٠٢٥-٠٣-٠٤ ١٠:٠٠"}, {"received_at": "2025-03-04T07:00:00+00:00"}),
    GoodLine("received-hijri", {"received": "4 رمضان 1446 هـ"}, {"received_at": "2025-03-03T21:00:00+00:00"}),
    GoodLine("received-named", {"received": "4 مارس 2025 10:00"}, {"received_at": "2025-03-04T07:00:00+00:00"}),
    GoodLine("received-offset", {"received": "2025-03-04T07:00:00Z"}, {"received_at": "2025-03-04T07:00:00+00:00"}),
    GoodLine("received-unmistakable", {"received": "27/02/2025"}, {"received_at": "2025-02-26T21:00:00+00:00"}),
    GoodLine("phone-arabic", {"phone": "٠٥٥ ١١١ ٢٢٢٢"}, {"phone": "+966551112222"}),
    GoodLine("phone-escaped", {"phone": "'+966551112222"}, {"phone": "+966551112222"}),
    GoodLine("phone-kuwaiti", {"phone": "+965 5001 2345"}, {"phone": "+96550012345"}),
    GoodLine("phone-marked", {"phone": "\u202a+966551112222\u202c"}, {"phone": "+966551112222"}),
    GoodLine("name-apostrophe", {"name": "Siobhán O'Brien"}, {"name": "Siobhán O'Brien"}),
    GoodLine("name-spaces", {"name": "  سعاد محمد "}, {"name": "سعاد محمد"}),
    GoodLine("kind-marked", {"kind": "شَكْوَى"}, {"kind": "complaint"}),
    GoodLine("channel-capitals", {"channel": "PHONE"}, {"channel": "phone"}),
    GoodLine("bare", {key: "" for key in KEYS if key not in ("received", "channel")},
        {"name": None, "phone": None, "cause_id": None, "customer_class": "other"}),
]
