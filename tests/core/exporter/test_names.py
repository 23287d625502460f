"""File names: Arabic in RFC 5987's form, nothing that a header or a file system stumbles over."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from core.exporter.names import content_disposition, file_name


def test_arabic_name_travels_in_the_header() -> None:
    header = content_disposition("تقرير المساهمات.csv")

    assert header.isascii()
    assert unquote(header.split("UTF-8''")[1]) == "تقرير المساهمات.csv"
    assert 'filename="export.csv"' in header


@pytest.mark.parametrize(("stem", "name"), [
    ("a/b\\c:d", "a-b-c-d.csv"), ("../../etc/passwd", "etc-passwd.csv"), ("", "export.csv"), ("x\r\nSet-Cookie: y", "x-Set-Cookie-y.csv"),
    ("تقرير\u202eالسنة", "تقرير-السنة.csv"), ('say "hi"', "say-hi.csv"), ("a" * 300, "a" * 120 + ".csv"),
])
def test_unsafe_signs_leave_the_name(stem: str, name: str) -> None:
    assert file_name(stem, "csv") == name


def test_quotes_and_line_ends_cannot_break_out_of_the_header() -> None:
    header = content_disposition('x"; a=b\r\nY: z.csv')

    assert "\r" not in header and "\n" not in header and header.count('"') == 2
