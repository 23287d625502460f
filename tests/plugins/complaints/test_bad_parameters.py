"""Bad and odd parameters of the reports of complaints, and how many bad inputs there are in all (reliability, bad input; PLUG-05).

The cases stand in ``bad_parameters``.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa

from core.reports.models import ReportRun
from tests.plugins.complaints import bad_imports, bad_inputs, bad_parameters, test_bad_inputs
from tests.plugins.complaints.bad_parameters import MONTHLY
from tests.plugins.complaints.house import ARABIC, MANAGER, QUALITY, House, words_of

BODIES = {"nul": "from_on=2026%00", "invalid-utf8": "from_on=%ff%fe", "surrogate": "kind=%ed%a0%80", "windows-1256": "department=%E5%E4%CF"}


def message(answer: Any, place: str) -> str:
    found = re.search(rf'class="dw-error" id="p-{place}-error">(.*?)</div>', answer.get_data(as_text=True), re.DOTALL)
    assert found is not None, words_of(answer)[:400]
    return html.unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found[1]))


@pytest.mark.parametrize(("name", "report", "query", "place"), bad_parameters.REFUSED, ids=[one[0] for one in bad_parameters.REFUSED])
def test_a_parameter_that_cannot_be_meant_is_refused_beside_its_field(house: House, name: str, report: str, query: str, place: str) -> None:
    answer = house.client(QUALITY, house.language).get(f"/reports/{report}/?{query}")

    assert answer.status_code == 422, words_of(answer)[:300]
    said = message(answer, place).strip()
    assert said and (house.language == "en" or ARABIC.search(said))
    assert "<script>alert" not in answer.get_data(as_text=True)
    export = house.client(QUALITY).post(f"/reports/{report}/export?{query}", data=dict(part.split("=", 1) for part in query.split("&")[:1]))
    assert export.status_code in (200, 422)


@pytest.mark.parametrize(("name", "query"), bad_parameters.TAKEN, ids=[one[0] for one in bad_parameters.TAKEN])
@pytest.mark.parametrize("report", ["complaints.monthly", "complaints.weekly", "complaints.repeated", "complaints.suggestions", "complaints.performance"])
def test_an_odd_parameter_that_can_be_meant_gives_the_report(house: House, report: str, name: str, query: str) -> None:
    answer = house.client(QUALITY).get(f"/reports/{report}/?{query}")

    assert answer.status_code == 200, words_of(answer)[:300]
    assert "The report was not made" not in words_of(answer)


@pytest.mark.parametrize("text", ["٢٠٢٦-٠١-٠١", "۲۰۲۶-۰۱-۰۱", "12 رجب 1447 هـ", "1 يناير 2026", " 2026-01-01 ", "2026/1/1"])
def test_a_day_in_any_writing_is_that_day(house: House, text: str) -> None:
    answer = house.client(QUALITY).get(f"/reports/{MONTHLY}/", query_string={"from_on": text, "to_on": "2026-01-31"})

    assert re.search(r'name="from_on" value="2026-01-01"', answer.get_data(as_text=True))


@pytest.mark.parametrize("form", bad_parameters.FORMATS)
def test_a_format_that_is_none_makes_no_file(house: House, form: str) -> None:
    answer = house.client(QUALITY).post(f"/reports/{MONTHLY}/export", data={"_format": form})

    assert answer.status_code == 422 and "attachment" not in answer.headers.get("Content-Disposition", "")


@pytest.mark.parametrize("query", BODIES.values(), ids=BODIES)
def test_an_address_that_is_no_text_is_refused(house: House, query: str) -> None:
    assert [house.client(QUALITY, language).get(f"/reports/{MONTHLY}/?{query}").status_code for language in ("en", "ar")] == [400, 400]


@pytest.mark.parametrize("name", ["complaints.nothing", "complaints.monthly\u202e", "..", "x" * 3_000, "٭", "complaints.monthly'--"])
def test_a_report_that_is_not_there_is_not_found(house: House, name: str) -> None:
    assert house.client(QUALITY).get(f"/reports/{name}/").status_code == 404


@pytest.mark.parametrize(("name", "report", "query", "place"), [one for one in bad_parameters.REFUSED if one[1] == MONTHLY][::7],
                         ids=[one[0] for one in bad_parameters.REFUSED if one[1] == MONTHLY][::7])
def test_nothing_is_kept_of_what_is_refused(house: House, name: str, report: str, query: str, place: str) -> None:
    given = {key: values[0] for key, values in parse_qs(query).items()}
    answer = house.client(MANAGER).post(f"/reports/{report}/keep", data=given)

    assert answer.status_code == 422, words_of(answer)[:200]
    assert house.session.scalar(sa.select(sa.func.count()).select_from(ReportRun)) == 0


def test_there_are_more_than_two_hundred_of_them_at_every_place() -> None:
    """Each stands once in a table; none is there twice under another name of the same place."""
    places = {
        "public form": [*bad_inputs.FORM_TAKEN, *bad_inputs.FORM_REFUSED], "follow-up": [*bad_inputs.FOLLOW_TAKEN.items(), *bad_inputs.FOLLOW_REFUSED],
        "intake": [*bad_inputs.INTAKE_TAKEN, *bad_inputs.INTAKE_REFUSED], "bodies": list(test_bad_inputs.BODIES.items()),
        "importer": [*bad_imports.BAD_FILES, *bad_imports.GOOD_FILES, *bad_imports.BAD_LINES, *bad_imports.GOOD_LINES],
        "reports": [*bad_parameters.REFUSED, *bad_parameters.TAKEN],
    }

    assert min(len(cases) for cases in places.values()) >= 25
    assert sum(len(cases) for cases in places.values()) >= 500
    for place, cases in places.items():
        named = [case[0] if isinstance(case, tuple) else case.name for case in cases]
        assert sorted(named) == sorted(set(named)), place
