"""The tables of test_bad_parameters.py: what addresses of reports may ask, and what they may not."""

from __future__ import annotations

from urllib.parse import quote

from tests.plugins.complaints.bad_inputs import OVER_BIGINT, OVER_INTEGER, TWENTY_DIGITS, UNSEEN_TEXTS

MONTHLY, REPEATED, CUSTOM = "complaints.monthly", "complaints.repeated", "complaints.weekly"
BAD_DAYS = {
    "impossible": "2026-02-30", "month-13": "2026-13-01", "zeros": "0000-00-00", "ambiguous": "01/02/2026", "hijri-unsaid": "1447-08-14",
    "before-all": "0001-01-01", "last-of-all": "9999-12-31", "twenty-digits": TWENTY_DIGITS,
    "over-bigint": OVER_BIGINT, "minus": "-1", "float": "1.5", "word": "tomorrow", "sql": "' OR 1=1 --", "html": "<script>alert(1)</script>",
    "template": "{{7*7}}", "formula": "=TODAY()",
    "long": "2" * 201, "very-long": "9" * 20_000, "devanagari": "२०२६-०१-०१", "superscript": "²⁰²⁶-¹-¹", "moment": "2026-01-01T00:00",
    "five-digit-year": "20260-01-01", "hijri-out-of-range": "01/01/1600 هـ",
    "override": UNSEEN_TEXTS["bidi-override"], "zero-width": "2026\u200b-01-01", "plus": "+2026-01-01", "braces": "[]", "null": "null",
}
BAD_CHOICES = ("ticket", "COMPLAINT", "0", "-1", OVER_INTEGER, OVER_BIGINT, "²", "1 OR 1=1", "<b>", "complaint\u202e", "all,complaint", "x" * 199)
REFUSED = [
    *((f"{place}-{name}", MONTHLY, f"{place}={quote(value)}", place) for place in ("from_on", "to_on") for name, value in BAD_DAYS.items()),
    *((f"{place}-{value[:24]}", MONTHLY, f"{place}={quote(value)}", place) for place in ("kind", "by", "department") for value in BAD_CHOICES),
    ("ends-before-it-begins", MONTHLY, "from_on=2026-02-02&to_on=2026-02-01", "to_on"), ("repeated-day", REPEATED, "from_on=2026-02-30", "from_on"),
    ("weekly-day", CUSTOM, "to_on=31.02.2026", "to_on"), ("first-of-two", MONTHLY, "from_on=x&from_on=2026-02-01", "from_on"),
]
TAKEN = [
    ("nothing", ""), ("empty", "from_on=&to_on="), ("arabic-digits", "from_on=٢٠٢٦-٠١-٠١&to_on=٢٠٢٦-٠١-٣١"), ("persian-digits", "from_on=۲۰۲۶-۰۱-۰۱"),
        ("hijri", "from_on=" + quote("12 رجب 1447 هـ")),
    ("named", "from_on=" + quote("1 يناير 2026")), ("unmistakable", "from_on=13/01/2026"), ("spaces", "from_on=%20%202026-01-01%20"),
        ("future", "from_on=2030-01-01&to_on=2030-12-31"),
    ("far-ahead", "from_on=2026-01-01&to_on=9998-12-31"), ("both-far-ahead", "from_on=9998-12-31&to_on=9998-12-31"),
        ("from-long-ago", "from_on=1601-01-01"), ("only-until-long-ago", "from_on=&to_on=1601-01-01"),
    ("start-minus", "start=-1"), ("start-over", f"start={OVER_BIGINT}"), ("start-word", "start=x"), ("start-arabic", "start=٩"),
        ("unknown", "nothing=1&__class__=x&from=1"), ("two-alike", "kind=all&kind=ticket"),
    ("leap-day", "from_on=2024-02-29"), ("by-month", "by=month&kind=all"),
]
"""The same of every report that has a period."""
FORMATS = ("exe", "CSV", "../csv", "", "9" * 300, "csv\u202e", "<b>")
