"""Bad and odd inputs to the pages of complaints: public form, follow-up, intake. None is a server error, none that is wrong is
kept, none that is right is turned away (reliability, bad input; CMPL-01, 07, 24).

The cases stand in ``bad_inputs``. All of them meet one association, one after the other: a refusal is judged by what it stored.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from plugins.complaints.models import Entry
from tests.plugins.complaints import bad_inputs
from tests.plugins.complaints.bad_inputs import BROKEN, NOT_UTF8, Refused, Taken
from tests.plugins.complaints.house import ARABIC, CRM, QUALITY, House, judge_kept, names, words_of

FORM, FOLLOW, INTAKE = "/p/complaints/", "/p/complaints/follow", "/complaints/new"
SOUND = {FORM: {"kind": "complaint", "text": "لم يصل الإيصال", "name": "هند سعد", "phone": "0555120348", "consent": "y"},
         FOLLOW: {"number": "{number}", "code": "{code}"},
         INTAKE: {"kind": "complaint", "channel": "phone", "text": "تأخر الإيصال", "name": "هند", "phone": "0559990000", "unknown": "1"}}


def filled(place: str, sent: Mapping[str, Any]) -> MultiDict[str, Any]:
    """The sound form of this place with a case's values over it."""
    given: list[tuple[str, Any]] = []
    for key, value in {**SOUND[place], **sent}.items():
        one = (BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
        given += [(key, part) for part in (one if isinstance(one, list) else [one]) if part is not None]
    return MultiDict(given)


def beside(answer: Any, place: str) -> str:
    """What stands beside a field; for "" what the page says."""
    if not place:
        return words_of(answer)
    found = re.search(rf'class="dw-error" id="(?:p-)?{re.escape(place)}-error">(.*?)</div>', answer.get_data(as_text=True), re.DOTALL)
    assert found is not None, f"nothing stands beside {place}: {words_of(answer)[:600]}"
    return re.sub(r"[\u2066-\u2069]", "", html.unescape(re.sub(r"<[^>]+>|<svg.*?</svg>", " ", found[1])))


def judge_refusal(house: House, place: str, case: Refused, who: str = "") -> None:
    """Refused in words of the language, and nothing stored."""
    before = house.stored()

    answer = house.client(who, house.language).post(place, data=filled(place, case.sent))

    assert answer.status_code == case.status, f"{answer.status_code}: {words_of(answer)[:600]}"
    said = beside(answer, case.place)
    assert not [text for text in case.sent.values() if isinstance(text, str) and re.search("<[a-z]", text) and text in answer.get_data(as_text=True)]
    if house.language == "en":
        assert case.says in said
    else:
        assert ARABIC.search(said) and (not case.says or case.says.isdigit() or case.says not in said)
    assert house.stored() == before


def shown_escaped(house: House, entry: Entry) -> None:
    """Staff read it as it was written: each word is text on the page, none is markup."""
    page = house.client(QUALITY).get(f"/complaints/{entry.id}")
    assert page.status_code == 200
    body = page.get_data(as_text=True)
    for text in (entry.text, entry.name):
        if text and re.search("[<>]", text):
            assert text not in body
    listed = re.sub(r"[\u2066-\u2069]", "", html.unescape(body))
    assert " ".join(entry.text.split())[:200] in " ".join(listed.split())


# --- the public form -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", bad_inputs.FORM_TAKEN, ids=names(bad_inputs.FORM_TAKEN))
def test_the_form_takes_what_is_odd_and_keeps_it_as_it_is(house: House, case: Taken) -> None:
    before = len(house.entries())

    answer = house.client().post(FORM, data=filled(FORM, case.sent))

    assert answer.status_code == 200, words_of(answer)[:600]
    shown_escaped(house, judge_kept(house, case.kept, before))


@pytest.mark.parametrize("case", bad_inputs.FORM_REFUSED, ids=names(bad_inputs.FORM_REFUSED))
def test_the_form_refuses_what_is_wrong_beside_its_field(house: House, case: Refused) -> None:
    judge_refusal(house, FORM, case)


# --- bodies that no browser makes, to all three ----------------------------------------------------------------------

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"


def part(name: bytes, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"


BODIES: dict[str, tuple[bytes, str, int, str]] = {
    "nul": (b"text=a%00b&name=x&number=a%00b", URLENCODED, 400, BROKEN), "raw-nul": (b"text=a\x00b", URLENCODED, 400, BROKEN),
    "invalid-utf8": (b"text=%ff%fe&number=%ff", URLENCODED, 400, NOT_UTF8), "raw-bytes": (b"text=\xe3\xe6\xd3\xed", URLENCODED, 400, NOT_UTF8),
    "windows-1256": (b"text=%E5%E4%CF&number=%E5", URLENCODED, 400, NOT_UTF8), "overlong": (b"text=%c0%af%c0%ae", URLENCODED, 400, NOT_UTF8),
    "lone-surrogate": (b"text=%ed%a0%80", URLENCODED, 400, NOT_UTF8), "surrogate-pair": (b"text=%ed%a0%bd%ed%b8%80", URLENCODED, 400, NOT_UTF8),
    "beyond-unicode": (b"text=%f4%90%80%80", URLENCODED, 400, NOT_UTF8), "cut-letter": (b"text=%d8", URLENCODED, 400, NOT_UTF8),
    "broken-name": (b"%ff=x", URLENCODED, 400, NOT_UTF8), "replacement": ("text=a\ufffdb".encode(), URLENCODED, 400, BROKEN),
    "multipart-bytes": (part(b"text", b"\xff\xfe") + b"--b--\r\n", MULTIPART, 400, BROKEN),
    "multipart-nul": (part(b"text", b"a\x00b") + b"--b--\r\n", MULTIPART, 400, BROKEN),
    "multipart-surrogate": (part(b"text", b"\xed\xa0\x80") + b"--b--\r\n", MULTIPART, 400, BROKEN), "multipart-without-name": (
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", MULTIPART, 400, "is no form"),
    "multipart-not-ended": (part(b"text", b"x")[:-2], MULTIPART, 422, ""), "multipart-empty": (b"", MULTIPART, 422, ""),
    "no-boundary": (b"text=x", "multipart/form-data", 422, ""),
    "json": (b'{"kind": "complaint", "text": "x", "name": "x", "phone": "0555120348", "consent": "y"}', "application/json", 422, ""),
    "json-list": (b"[1, 2]", "application/json", 422, ""), "broken-json": (b"{", "application/json", 422, ""),
    "deep-json": (b"[" * 20_000, "application/json", 422, ""),
    "plain": (b"kind=complaint&text=x&name=x&phone=0555120348&consent=y", "text/plain", 422, ""), "xml": (b"<x>&y;</x>", "text/xml", 422, ""),
    "no-type": (b"kind=complaint&text=x&name=x&phone=0555120348&consent=y", "", 422, ""), "empty": (b"", URLENCODED, 422, ""),
    "only-signs": (b"&&&===;;;", URLENCODED, 422, ""),
    "thousands-of-fields": (b"a=1&" * 20_000, URLENCODED, 422, ""), "thousands-of-parts": (part(b"a", b"1") * 2_000 + b"--b--\r\n", MULTIPART, 413, ""),
    "half-a-megabyte-in-a-field": (part(b"text", b"x" * 600_000) + b"--b--\r\n", MULTIPART, 422, ""),
    "nine-megabytes": (part(b"text",
        b"x") + b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + b"0" * 9_000_000 + b"\r\n--b--\r\n", MULTIPART, 413, ""),
}
PLACES = (FORM, FOLLOW, INTAKE)
EXCUSED = {(INTAKE, "nine-megabytes")}
"""Staff's pages take larger requests; a file means nothing to the intake."""


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("place", PLACES, ids=["form", "follow", "intake"])
def test_a_body_that_no_browser_makes_is_refused(house: House, place: str, name: str) -> None:
    body, content_type, status, says = BODIES[name]
    before = house.stored()

    answer = house.client(CRM if place == INTAKE else "").post(place, data=body, content_type=content_type)

    assert answer.status_code in ({413, 422} if (place, name) in EXCUSED else {status}), words_of(answer)[:400]
    assert says in words_of(answer) and len(words_of(answer)) > 20
    assert house.stored() == before


@pytest.mark.parametrize("token", [None, "", "x", "IjEi.aaaa.bbbb", "\u202e", "9" * 5000])
@pytest.mark.parametrize("place", PLACES, ids=["form", "follow", "intake"])
def test_without_the_token_of_its_page_nothing_is_read(house: House, place: str, token: str | None) -> None:
    before = house.stored()
    house.app.config["WTF_CSRF_ENABLED"] = True
    try:
        answers = [house.client(CRM if place == INTAKE else "", language).post(place, data=filled(place, {"csrf_token": token})) for language in ("en", "ar")]
    finally:
        house.app.config["WTF_CSRF_ENABLED"] = False

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "open for too long" in words_of(answers[0]) and "open for too long" not in words_of(answers[1])
    assert house.stored() == before


# --- operation keys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [FORM, INTAKE], ids=["form", "intake"])
def test_a_key_sent_again_is_the_first_entry_whatever_came_with_it(house: House, place: str) -> None:
    client, before = house.client(CRM if place == INTAKE else ""), len(house.entries())
    for text in ("الأول", "الثاني", "الثالث"):
        assert client.post(place, data=filled(place, {"operation_key": f"again-{place}"[:40], "text": text})).status_code == 200

    entries = house.entries()
    assert len(entries) == before + 1
    assert entries[-1].text == "الأول"


def test_a_key_of_staff_is_no_key_of_the_public(house: House) -> None:
    house.client(CRM).post(INTAKE, data=filled(INTAKE, {"operation_key": "of-staff"}))
    before = house.stored()

    answer = house.client().post(FORM, data=filled(FORM, {"operation_key": "of-staff"}))

    assert answer.status_code == 409 and "something else" in words_of(answer)
    assert house.stored() == before


@pytest.mark.parametrize("place", [FORM, INTAKE], ids=["form", "intake"])
@pytest.mark.parametrize("key", ["k" * 41, "k" * 500, "k" * 100_000, "a\u202eb", "ا" * 41], ids=["41", "500", "100000", "unseen", "arabic"])
def test_a_key_that_no_page_gave_is_refused_and_never_cut(house: House, place: str, key: str) -> None:
    judge_refusal(house, place, Refused("key", {"operation_key": key}, "", "" if len(key) > 3 else bad_inputs.UNSEEN), CRM if place == INTAKE else "")


@pytest.mark.parametrize("key", ["", " ", "k" * 40, "٤٢", "' OR 1=1 --", "<b>"], ids=range(6))
def test_any_other_key_is_only_a_key(house: House, key: str) -> None:
    before = len(house.entries())

    assert house.client().post(FORM, data=filled(FORM, {"operation_key": key})).status_code == 200
    assert len(house.entries()) == before + 1


# --- the follow-up page ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(house: House) -> dict[str, str]:
    """Number and code that two complainants were told, in every writing."""
    pairs = []
    for text in ("كلمة لي وحدي", "كلمة لغيري"):
        page = words_of(house.client().post(FORM, data=filled(FORM, {"text": text})))
        number, code = re.search(r"C-2026-\d{4,}", page), re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", page)
        assert number is not None and code is not None
        pairs.append((number.group(), code.group()))
    (number, code), (_number, other) = pairs[0], pairs[1]
    arabic, persian = (str.maketrans("0123456789", digits) for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"))
    return {"number": number, "code": code, "other": other, "lower": number.lower(), "code_lower": code.lower(), "digits": number[2:],
        "arabic": number.translate(arabic),
            "code_arabic": code.translate(arabic), "persian": number.translate(persian), "code_spaced": " ".join(code),
            "number_spaced": number.replace("-", " "),
            "code_plain": code.replace("-", "")}


def written(value: Any, told: Mapping[str, str]) -> Any:
    """A template of a case with number and code in it; what only looks like one stays as it is."""
    if isinstance(value, list):
        return [written(one, told) for one in value]
    return re.sub(r"\{(\w+)\}", lambda found: told.get(found[1], found[0]), value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", bad_inputs.FOLLOW_TAKEN)
def test_number_and_code_open_the_entry_in_any_writing(house: House, told: dict[str, str], name: str) -> None:
    number, code = (written(one, told) for one in bad_inputs.FOLLOW_TAKEN[name])

    answer = house.client().post(FOLLOW, data={"number": number, "code": code})

    assert answer.status_code == 200 and told["number"] in words_of(answer)
    assert "كلمة" not in words_of(answer)


@pytest.mark.parametrize("case", bad_inputs.FOLLOW_REFUSED, ids=names(bad_inputs.FOLLOW_REFUSED))
def test_anything_else_opens_nothing(house: House, told: dict[str, str], case: Refused) -> None:
    sent = {"number": told["number"], "code": told["code"], **{key: written(value, told) for key, value in case.sent.items()}}
    judge_refusal(house, FOLLOW, Refused(case.name, sent, case.place, case.says, case.status))


# --- the intake ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", bad_inputs.INTAKE_TAKEN, ids=names(bad_inputs.INTAKE_TAKEN))
def test_the_intake_takes_what_is_odd_and_keeps_it_as_it_is(house: House, case: Taken) -> None:
    before = len(house.entries())

    answer = house.client(CRM).post(INTAKE, data=filled(INTAKE, case.sent))

    assert answer.status_code == 200, words_of(answer)[:600]
    shown_escaped(house, judge_kept(house, case.kept, before))


@pytest.mark.parametrize("case", bad_inputs.INTAKE_REFUSED, ids=names(bad_inputs.INTAKE_REFUSED))
def test_the_intake_refuses_what_is_wrong_beside_its_field(house: House, case: Refused) -> None:
    judge_refusal(house, INTAKE, case, CRM)


@pytest.mark.parametrize("button", ["add", "choose", "look", "not"])
@pytest.mark.parametrize("value", ["999999", bad_inputs.OVER_INTEGER, bad_inputs.OVER_BIGINT, "-1", "²", "x", "' OR 1=1 --", ""])
def test_a_button_with_a_strange_value_writes_nothing(house: House, button: str, value: str) -> None:
    before = house.stored()

    answer = house.client(CRM).post(INTAKE, data=filled(INTAKE, {button: value, "caller": value}))

    assert answer.status_code in ((404, 422) if button == "add" else (200,)), words_of(answer)[:300]
    assert house.stored() == before
