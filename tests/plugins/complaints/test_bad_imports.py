"""Bad and odd files for the importer of former registers: refused whole with a reason, line by line with a field, or taken exactly.

The cases stand in ``bad_imports`` (reliability, bad input; CMPL-07).
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from core.i18n import use_language
from core.imports import services
from core.imports.models import Import
from plugins.complaints.models import Entry
from tests.plugins.complaints import bad_imports
from tests.plugins.complaints.bad_imports import BadFile, BadLine, GoodFile, GoodLine, csv_of
from tests.plugins.complaints.house import ARABIC, MANAGER, House, judge_kept, names, words_of

_keys = itertools.count(1)


def upload(house: House, content: bytes, file_name: str, language: str = "en") -> Any:
    sent = {"kind": "complaints.entries", "file": (io.BytesIO(content), file_name), "operation_key": f"file-{next(_keys)}"}
    return house.client(MANAGER, language).post("/imports/new", data=sent)


def check(house: House, content: bytes, file_name: str, said: Mapping[str, str], language: str = "en") -> tuple[Any, str]:
    """The answer to a file with its columns, and the address of its import; "" where the file was refused at once."""
    answer = upload(house, content, file_name, language)
    if answer.status_code != 302:
        return answer, ""
    address = answer.headers["Location"].removesuffix("/columns")
    columns = {f"column.{key}": key for key in bad_imports.KEYS}
    return house.client(MANAGER, language).post(f"{address}/columns", data={"act": "check", **columns, **said}), address


def checked(house: House, address: str) -> Import:
    house.session.expire_all()
    return house.session.scalars(sa.select(Import).where(Import.id == int(address.rsplit("/", 1)[1]))).one()


def apply(house: House, address: str) -> Any:
    expected = services.good(checked(house, address).counts)
    return house.client(MANAGER).post(f"{address}/apply", data={"expected": str(expected), "leave_out_refused": "1"})


@pytest.mark.parametrize("case", bad_imports.BAD_FILES, ids=names(bad_imports.BAD_FILES))
def test_a_file_that_cannot_be_read_is_refused_whole(house: House, case: BadFile) -> None:
    before = house.stored()

    answer, address = check(house, case.content, case.file_name, case.said, house.language)

    assert answer.status_code == 422, f"{answer.status_code} {words_of(answer)[:300]}"
    said = words_of(answer)
    assert case.says in said if house.language == "en" else ARABIC.search(said)
    if address:
        assert house.client(MANAGER, house.language).get(f"{address}/columns").status_code == 200
        assert checked(house, address).state == "uploaded"
    assert house.stored() == before


@pytest.mark.parametrize("case", bad_imports.GOOD_FILES, ids=names(bad_imports.GOOD_FILES))
def test_a_file_in_any_writing_is_taken(house: House, case: GoodFile) -> None:
    before = len(house.entries())

    answer, address = check(house, case.content, case.file_name, case.said)
    assert answer.status_code == 302, words_of(answer)[:400]
    assert checked(house, address).counts == ({"create": case.count} if case.count else {})
    assert house.client(MANAGER).get(address).status_code == 200
    applied = apply(house, address)

    entries = house.entries()[before:]
    assert len(entries) == case.count
    assert applied.status_code == (302 if case.count else 409)
    if case.count:
        judge_kept(house, case.kept, before, case.count)


@pytest.mark.parametrize("case", bad_imports.BAD_LINES, ids=names(bad_imports.BAD_LINES))
def test_a_line_that_is_wrong_is_refused_by_its_field_and_the_others_are_taken(house: House, case: BadLine) -> None:
    before = len(house.entries())

    answer, address = check(house, csv_of(case.changed, {"text": f"سليم {case.name}"}).encode(), "log.csv", {})
    assert answer.status_code == 302, words_of(answer)[:400]
    row = checked(house, address)
    assert row.counts == {"refused": 1, "create": 1}
    with use_language("en"):
        (line_no, place, reason, _cells), = services.refused_lines(house.session, row.id)
    assert (line_no, place) == (2, case.place)
    assert case.says in reason
    assert house.client(MANAGER, house.language).get(f"{address}?outcome=refused").status_code == 200
    back = house.client(MANAGER).post(f"{address}/refused")
    assert back.status_code == 200 and back.data.startswith(b"\xef\xbb\xbf")
    assert apply(house, address).status_code == 302

    assert [entry.text for entry in house.entries()[before:]] == [f"سليم {case.name}"]


@pytest.mark.parametrize("line", bad_imports.UNEVEN_LINES.values(), ids=bad_imports.UNEVEN_LINES)
def test_a_line_of_another_width_is_refused_alone(house: House, line: str) -> None:
    before = len(house.entries())

    answer, address = check(house, f"{bad_imports.SOUND}{line}\n".encode(), "log.csv", {})
    assert answer.status_code == 302, words_of(answer)[:400]
    assert checked(house, address).counts == {"refused": 1, "create": 1}
    back = house.client(MANAGER).post(f"{address}/refused").data.decode("utf-8-sig")
    assert len(back) < len(line) * 3 + 1_000
    (_line, _field, reason, *cells), = list(csv.reader(io.StringIO(back)))[1:]
    assert f"{line.count(',') + 1}" in reason and [one for one in " | ".join(cells).split(" | ") if one] == [one for one in line.split(",") if one]
    assert apply(house, address).status_code == 302
    assert len(house.entries()) == before + 1


@pytest.mark.parametrize("case", bad_imports.GOOD_LINES, ids=names(bad_imports.GOOD_LINES))
def test_an_odd_line_is_taken_exactly(house: House, case: GoodLine) -> None:
    before = len(house.entries())

    _answer, address = check(house, csv_of(case.changed).encode(), "log.csv", {})
    assert checked(house, address).counts == {"create": 1}
    assert apply(house, address).status_code == 302

    entry: Entry = judge_kept(house, case.kept, before)
    assert (entry.imported, entry.source) == (True, "import")


@pytest.mark.parametrize("expected", ["", "0", "2", "-1", "x", "²", "9" * 20, "1.0", None])
def test_an_import_is_applied_only_as_it_was_shown(house: House, expected: str | None) -> None:
    before = house.stored()
    _answer, address = check(house, csv_of({"text": "لا يُطبَّق"}).encode(), "log.csv", {})

    answer = house.client(MANAGER).post(f"{address}/apply", data={} if expected is None else {"expected": expected})

    assert answer.status_code in (409, 422), words_of(answer)[:300]
    assert house.stored() == before


@pytest.mark.parametrize("kind", ["", "nothing", "complaints.entries\u202e", "../x", "9" * 300])
def test_a_kind_that_is_not_offered_takes_no_file(house: House, kind: str) -> None:
    before = house.session.scalar(sa.select(sa.func.count()).select_from(Import))

    answer = house.client(MANAGER).post("/imports/new", data={"kind": kind, "file": (io.BytesIO(b"a\n1\n"), "a.csv")})

    assert answer.status_code == 404
    assert house.session.scalar(sa.select(sa.func.count()).select_from(Import)) == before


def test_a_key_longer_than_any_page_gives_is_refused(house: House) -> None:
    sent = {"kind": "complaints.entries", "file": (io.BytesIO(bad_imports.SOUND.encode()), "a.csv"), "operation_key": "k" * 65}

    answer = house.client(MANAGER).post("/imports/new", data=sent)

    assert answer.status_code == 422 and "65" in words_of(answer)
