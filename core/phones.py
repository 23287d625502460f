"""Telephone numbers: read in any writing, kept in E.164, shown spaced, masked where the person may not see them."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from babel import Locale
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from core.errors import InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.text import digits, isolate, normalise_digits

_SCIENTIFIC = re.compile(r"\d[.,]\d+\s*[eE]\s*\+?\d+|\d+[eE]\+?\d+")
_WRITING = re.compile(r"[0-9\s()+.\-‐-―−]+")
MASK = "•"


def parse_phone(raw: str, region: str) -> str:
    """E.164 (``+966550000001``) of a number written in any common way; ``region`` (ISO 3166) reads those without a country code.

    Raises InvalidInput for scientific notation, letters, extensions, and what is no valid number of its country.
    """
    text = re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", normalise_digits(raw)).replace("＋", "+").strip()
    if _SCIENTIFIC.search(text):
        raise InvalidInput(_l("“%(value)s” was rounded by a spreadsheet; its digits are lost. Format the column as text and enter the number again.",
                               value=raw[:40]), value=raw)
    read = {_read_one(part, raw, region) for part in re.split(r"\s*/\s*", text)}
    if len(read) > 1:
        raise InvalidInput(_l("“%(value)s” holds two different numbers. Put each in a field of its own.", value=raw[:60]), value=raw)
    return read.pop()


def _read_one(text: str, raw: str, region: str) -> str:
    text = re.sub(r"\.0$", "", text.removeprefix("tel:").removeprefix("'"))
    if not _WRITING.fullmatch(text) or not digits(text):
        raise _unreadable(raw, region)
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        raise _unreadable(raw, region) from None
    if not phonenumbers.is_valid_number(number):
        raise _unreadable(raw, region)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _unreadable(raw: str, region: str) -> InvalidInput:
    return InvalidInput(_l("“%(value)s” is no valid telephone number in %(country)s. Write it with its country code, such as %(example)s.",
                           value=isolate(raw[:40], "auto"), country=country_name(region), example=isolate(example_of(region))), value=raw)


@lru_cache(maxsize=300)
def country_name(region: str) -> Bilingual:
    """What people call a country (ISO 3166, two letters), from CLDR; its code where there is no name."""
    return Bilingual(*(Locale(one).territories.get(region, region) for one in ("ar", "en")))


@lru_cache(maxsize=300)
def example_of(region: str) -> str:
    """A mobile number of the country as it is written internationally, for hints; the metadata's example."""
    found = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE) or phonenumbers.example_number(region)
    return format_phone(phonenumbers.format_number(found, PhoneNumberFormat.E164)) if found is not None else "+966 55 000 0001"


@lru_cache(maxsize=20_000)
def format_phone(number: str) -> str:
    """``+966 55 000 0001``: international and spaced, for reading."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL).replace("-", " ")
    except NumberParseException:
        return number


@lru_cache(maxsize=20_000)
def national(number: str) -> str:
    """The digits as dialled inside the country: ``0550000001``."""
    try:
        return "".join(ch for ch in phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.NATIONAL) if ch.isdigit())
    except NumberParseException:
        return number.lstrip("+")


def mask_phone(number: str) -> str:
    """``055•••••01``: the first three and last two digits of the national form (ACC-102); of a short number the last two."""
    own = national(number)
    if len(own) < 8:
        return MASK * max(len(own) - 2, 3) + own[-2:]
    return own[:3] + MASK * max(len(own) - 5, 3) + own[-2:]


SEARCHED_FROM = 7
"""So many digits typed from a number's beginning say which numbers are meant; fewer may be a part of any."""


def beginnings(digits: str, region: str) -> list[tuple[str, str]]:
    """Of digits typed from a number's beginning (``055000``, ``966550``, ``00966``): bounds in E.164, the second exclusive."""
    if len(digits) < SEARCHED_FROM or len(digits) > 15 or not digits.strip("0"):
        return []
    code = str(phonenumbers.country_code_for_region(region))
    whole = [digits[2:]] if digits.startswith("00") else [code + digits[1:]] if digits.startswith("0") else [digits] if digits.startswith(code) else []
    return [(f"+{one}", f"+{int(one) + 1}") for one in whole if one[:1] not in ("", "0")]


def search_digits(number: str) -> str:
    """What a search by digits looks in: international and national digits, so that either beginning is found."""
    return f"{number.lstrip('+')} {national(number)}"
