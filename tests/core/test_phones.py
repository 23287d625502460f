"""Telephone numbers: 181 writings of 66 numbers with a known truth, masks and searching by digits."""

from __future__ import annotations

import csv
import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.phones import country_name, example_of, format_phone, mask_phone, national, parse_phone, search_digits


def test_every_writing_is_read_or_refused_as_its_truth_says(shared):
    with (shared / "data/phones/phones_sa_kw.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))

    read = [_read(row["raw"], row["default_region"]) for row in rows]

    assert read == [row["e164_or_blank_if_not_recoverable"] for row in rows]
    assert (len([one for one in read if one]), read.count(""), len(set(read) - {""})) == (154, 27, 66)


def _read(raw: str, region: str) -> str:
    try:
        return parse_phone(raw, region)
    except InvalidInput:
        return ""


@pytest.mark.parametrize(("region", "arabic", "english", "code"), [
    ("SA", "المملكة العربية السعودية", "Saudi Arabia", "+966 "), ("KW", "الكويت", "Kuwait", "+965 "),
])
def test_a_refusal_names_the_country_in_words_and_shows_how_its_numbers_are_written(region, arabic, english, code):
    with pytest.raises(InvalidInput) as refused:
        parse_phone("05512", region)
    assert str(country_name(region)) in (arabic, english)
    assert (country_name(region).ar, country_name(region).en) == (arabic, english)

    told = str(refused.value.message)
    assert (arabic in told or english in told) and f" {region}" not in told and f"\u2066{code}" in told
    assert parse_phone(example_of(region), "SA").startswith(code.strip())


@pytest.mark.parametrize("raw", ["0550000001", "055 000 0001", "+966 55 000 0001", "00966550000001", "٠٥٥٠٠٠٠٠٠١", "۰۵۵۰۰۰۰۰۰۱", "(055) 000-0001",
                                 "\u200f+966550000001\u200f", "tel:+966550000001", "'0550000001", "966550000001.0", "0550000001 / +966550000001"])
def test_common_writings_of_one_number(raw):
    assert parse_phone(raw, "SA") == "+966550000001"


@pytest.mark.parametrize("raw", ["", "   ", "9.66551E+11", "9,66551E+11", "0550", "05500000011", "055000000a", "0550000001 ext 5", "१२३४५६७८९०", "+",
                                 "0000000000",
                                 "0550000001 / 0550000002"])
def test_what_is_no_number_is_refused_with_what_was_typed(raw):
    with pytest.raises(InvalidInput) as refused:
        parse_phone(raw, "SA")

    assert refused.value.value == raw


@given(st.integers(500_000_000, 599_999_999))
def test_a_number_that_is_shown_reads_back_as_itself(subscriber):
    number = f"+966{subscriber}"
    if not phonenumbers.is_valid_number(phonenumbers.parse(number)):
        return

    assert parse_phone(format_phone(number), "KW") == number
    assert parse_phone(national(number), "SA") == number


def test_shown_masked_and_searched():
    assert format_phone("+966550000001") == "+966 55 000 0001"
    assert mask_phone("+966550000001") == "055•••••01"
    assert mask_phone("+96551234567") == "512•••67"
    assert "0550000" in search_digits("+966550000001") and "9665500" in search_digits("+966550000001")


def test_a_short_number_is_not_given_away_by_its_mask():
    masked = mask_phone("+29012345")

    assert masked.endswith("45") and "1" not in masked and "3" not in masked


def test_mobile_numbers_in_digits_are_read_and_dialled_as_the_library_does():
    chance, compared = random.Random(7), 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        code = phonenumbers.country_code_for_region(region)
        prefix = phonenumbers.ndd_prefix_for_region(region, True) or ""
        for _n in range(40):
            number = _misdialled(str(example.national_number) if example else "550000001", chance)
            for text in (f"+{code}{number}", f"{prefix}{number}", f"+{code}{prefix}{number}", f"0{number}", f"{code}{number}", number):
                known = _by_the_library(text, region)
                assert _or_none(text, region) == known, (text, region)
                if known is not None:
                    assert national(known) == _dialled_by_the_library(known), known
                    compared += 1
    assert compared > 5_000


def _misdialled(number, chance):
    """The number with some digits changed, and now and then one too many or too few."""
    found = list(number)
    for _n in range(chance.choice((0, 1, 2, len(found)))):
        found[chance.randrange(len(found))] = chance.choice("0123456789")
    return "".join(found) + chance.choice(("", "", "", "5")) if chance.random() < 0.9 else "".join(found[1:])


def _or_none(text, region):
    try:
        return parse_phone(text, region)
    except InvalidInput:
        return None


def _by_the_library(text, region):
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_valid_number(number) else None


def _dialled_by_the_library(number):
    return "".join(filter(str.isdecimal, phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.NATIONAL)))
