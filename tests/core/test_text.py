"""Folding, found letters, plain text: against real names and invented disguises."""

from __future__ import annotations

import csv
import itertools
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from core.errors import InvalidInput
from core.i18n import lazy_gettext
from core.text import (
    FSI,
    LRI,
    PDI,
    RLI,
    check_plain,
    clean,
    digits,
    fold,
    highlight,
    isolate,
    name_key,
    normalise_digits,
    spellings,
    without_marks,
)

ARABIC = st.text(alphabet=st.sampled_from("اأإآٱبتىيئؤءةهكکیعدلـ ًٌَُّْٰ٠٥۵12aZ"), max_size=30)


@pytest.mark.parametrize(("written", "typed"), [
    ("أَحمـد", "احمد"), ("إبراهيم", "ابراهيم"), ("آمنة", "امنه"), ("ٱلله", "الله"), ("مصطفى", "مصطفي"), ("فؤاد", "فواد"),
    ("عائشة", "عايشه"), ("علی", "علي"), ("کريم", "كريم"), ("ﻻمع", "لامع"), ("Al-NOOR", "al-noor"), ("  نورة \u00a0 سعد ", "نوره سعد"),
    ("شارع ٥ قطعة ۷", "شارع 5 قطعه 7"), ("ا\u0654حمد", "احمد"), ("\u200fسعاد\u061c", "سعاد"), ("ＡＢ１", "ab1"),
])
def test_spellings_of_one_word_fold_alike(written, typed):
    assert fold(written) == fold(typed) == typed


def test_different_words_stay_apart():
    keys = {fold(word) for word in ("سعد", "سعيد", "سعود", "مساعد")}

    assert len(keys) == 4


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_for_what_people_write(text):
    plain = "".join(ch for ch in unicodedata.normalize("NFKC", text) if unicodedata.category(ch)[0] != "M" and ch.casefold() == ch.lower())

    assert fold(fold(plain)) == fold(plain)


@given(ARABIC, ARABIC)
def test_what_folds_alike_is_one_name_whatever_the_spaces(first, second):
    assert name_key(f"{first} {second}") == name_key(f" {first}{second} ") == name_key(fold(f"{first}  {second}"))


@pytest.mark.parametrize(("first", "second"), [("عبد الرحمن", "عبدالرحمن"), ("شركة النور", "شركة-النور"), ("هُدى", "هدي")])
def test_name_key_joins_what_people_write_apart(first, second):
    assert name_key(first) == name_key(second)


def test_real_names_give_the_known_figures(shared):
    with (shared / "data/names/200-Arabic-Names-UTF8.csv").open(encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    known = json.loads((shared / "data/expected.json").read_text())["names/200-Arabic-Names-UTF8.csv"]
    columns = {
        "first_names": [row[column] for column in ("Male", "Female") for row in rows],
        "family": [row["Lastname"] for row in rows], "full_names": [row["All Names"] for row in rows],
    }

    for name, values in columns.items():
        values = [value for value in values if value.strip()]
        figures = known[name]
        assert len(values) == figures["n"]
        assert len(values) - len({fold(value) for value in values}) == figures["duplicates_level2_alef_ya_ta"]
        assert len(values) - len({name_key(value) for value in values}) == figures["duplicates_level3_abd_space"]
        for term, found in figures["search"].items():
            assert sum(fold(term) in fold(value) for value in values) == found["contains_level2"], term


def test_only_arabic_and_persian_digits_are_read():
    assert normalise_digits("٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹") == "0123456789 0123456789"
    assert normalise_digits("१२３𝟒") == "१२３𝟒"
    assert digits("هاتف ٠٥٥-123 १") == "055123"


def test_isolate_wraps_by_direction():
    assert isolate("104271-2") == f"{LRI}104271-2{PDI}"
    assert (isolate("نور", "rtl")[0], isolate("x", "auto")[0]) == (RLI, FSI)


@pytest.mark.parametrize("text", [
    "a\0b", "a\x1bb", "a\x85b", "a\u202eb", "a\u2066b", "a\u200fb", "a\u061cb", "a\u200bb", "می\u200cروم", "a\u2060b", "a\ufeffb", "a\u00adb",
    "a\u2028b", "a\ud800b", "a\ue000b", "a\U000e0041b", "a\u3164b", "a\u2062b", "one\ntwo", "one\ttwo", "x" * 41,
])
def test_what_nobody_can_see_is_refused_with_its_field(text):
    with pytest.raises(InvalidInput) as refused:
        check_plain(text, field="name", longest=40)

    assert refused.value.field == "name"
    str(refused.value).encode("utf-8")


def test_the_refusal_names_character_and_place():
    with pytest.raises(InvalidInput, match=r"U\+202E.*3"):
        check_plain("ab\u202ec")


def test_ordinary_writing_passes_in_nfc():
    assert check_plain("e\u0301 شركة «النور» 100٪ – №1 👍") == "é شركة «النور» 100٪ – №1 👍"
    assert check_plain("one\r\ntwo\rthree\tx", multiline=True) == "one\ntwo\nthree\tx"


def test_what_was_typed_is_kept_without_blanks_around_and_may_be_needed():
    assert (clean(" a\nb \n", "note", multiline=True), clean(None, "note")) == ("a\nb", "")
    with pytest.raises(InvalidInput, match="Write it") as refused:
        clean(" \n", "note", multiline=True, missing="Write it.", rule="CMPL-07")
    assert (refused.value.field, refused.value.rule) == ("note", "CMPL-07")


@pytest.mark.parametrize(("text", "term", "found"), [
    ("شركة أحمد", "احمد", ["أحمد"]), ("أَحْمَد", "احمد", ["أَحْمَد"]), ("نورة ونوره", "نوره", ["نورة", "نوره"]), ("Al-Noor", "NOOR", ["Noor"]),
    ("رقم ١٢٣", "12", ["١٢"]), ("سعد علي", "علي سعد", ["سعد", "علي"]), ("سعد", "نور", []), ("سعد", "  ", []), ("ﷲ أكبر", "لله", ["ﷲ"]),
])
def test_found_letters_are_marked_through_folding(text, term, found):
    pieces = highlight(text, term)

    assert [piece for piece, marked in pieces if marked] == found
    assert "".join(piece for piece, _marked in pieces) == text


@given(ARABIC, ARABIC)
def test_marking_never_changes_the_text(text, term):
    pieces = highlight(text, term)

    assert "".join(piece for piece, _marked in pieces) == text
    assert all(first[1] != second[1] for first, second in itertools.pairwise(pieces))


def test_spellings_are_told_and_all_fold_to_the_term():
    assert list(spellings("أحمد")) == ["احمد", "أحمد", "إحمد"]
    assert "فاطمة" in spellings("فاطمه")
    assert list(spellings("سعد")) == []
    assert {fold(one) for one in spellings("أسامة علي", limit=9)} == {fold("أسامة علي")}


@pytest.mark.parametrize("text", ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍🚀 ❤️‍🔥"])
def test_pictures_joined_to_one_are_a_text(text: str) -> None:
    assert check_plain(text) == text


@pytest.mark.parametrize("text", ["a\u200db", "👩\u200d", "\u200d👩", "👩\u200db", "ا\u200d👩"])
def test_a_joiner_that_joins_no_pictures_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="200D"):
        check_plain(text)


def test_what_is_copied_loses_its_marks_and_nothing_else() -> None:
    assert without_marks("\u202a+966 55 512 0348\u202c\t") == "+966 55 512 0348"
    assert without_marks("\u2066C-2026-0418\u2069") == "C-2026-0418"
    assert without_marks(None) is None


def test_what_was_typed_is_no_markup_in_a_refusal() -> None:
    """Of the lazy text itself: pages put it where they put any other."""
    assert escape(lazy_gettext("“%(value)s” is no date.", value="<b>x</b>")) == "“&lt;b&gt;x&lt;/b&gt;” is no date."


COMMON = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.characters(min_codepoint=0x60C, max_codepoint=0x669))


@given(COMMON)
def test_common_texts_are_folded_as_those_with_a_rare_letter(text: str) -> None:
    assert fold(text) == fold(f"{text}\u200b") and name_key(text) == name_key(f"{text}\u200b")


@given(COMMON)
def test_common_texts_are_judged_as_those_with_a_rare_letter(text: str) -> None:
    try:
        rare = check_plain(f"{text}—")
    except InvalidInput:
        with pytest.raises(InvalidInput):
            check_plain(text)
    else:
        assert f"{check_plain(text)}—" == rare
