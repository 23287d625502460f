"""Telephone numbers: read in any writing, kept in E.164, shown spaced, masked where the person may not see them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from babel import Locale
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    PhoneNumberType,
)

from core.errors import InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.text import digits, isolate, normalise_digits, without_marks

_SCIENTIFIC = re.compile(r"\d[.,]\d+\s*[eE]\s*\+?\d+|\d+[eE]\+?\d+")
_WRITING = re.compile(r"[0-9\s()+.\-‐-―−]+")
MASK = "•"


def parse_phone(raw: str, region: str) -> str:
    """E.164 (``+966550000001``) of a number written in any common way; ``region`` (ISO 3166) reads those without a country code.

    Raises InvalidInput for scientific notation, letters, extensions, and what is no valid number of its country.
    """
    known = _mobile(raw, region)
    if known is not None:
        return known
    text = (without_marks(normalise_digits(raw)) or "").replace("＋", "+").strip()
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


@dataclass(frozen=True)
class _Mobiles:
    """What the metadata says of a country's mobile numbers, where that is simple: nearly all numbers of an import are such.

    ``dialled`` are its ways of writing them: what tells a number, its form, and the digits that are dialled before it.
    """

    code: str
    prefix: str
    number: re.Pattern[str]
    dialled: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]

    def national(self, number: str) -> str | None:
        return next((before + number for begins, form, before in self.dialled if begins.match(number) and form.fullmatch(number)), None)


@lru_cache(maxsize=300)
def _mobiles(region: str) -> _Mobiles | None:
    """None where the library must be asked: several countries share the code, or the prefix is more than put before the number."""
    found = PhoneMetadata.metadata_for_region(region, None)
    mobile = found.mobile.national_number_pattern if found is not None and found.mobile else None
    if found is None or not mobile or COUNTRY_CODE_TO_REGION_CODE.get(found.country_code or 0) != (region,):
        return None
    prefix = found.national_prefix or ""
    if (found.national_prefix_for_parsing or "") != prefix or found.national_prefix_transform_rule:
        return None
    dialled = []
    for one in found.number_format:
        rule, form = one.national_prefix_formatting_rule or r"\1", re.compile(one.pattern or "")
        if re.findall(r"\\?[0-9]", one.format or "") != [rf"\{place}" for place in range(1, form.groups + 1)] or rule.count(r"\1") != 1:
            return None
        before, after = rule.split(r"\1")
        if digits(after):
            return None
        dialled.append((re.compile((one.leading_digits_pattern or [""])[-1]), form, digits(before)))
    return _Mobiles(str(found.country_code), prefix, re.compile(mobile), tuple(dialled))


_DIALLED = re.compile(r"\+?[0-9]{5,15}", re.ASCII)


def _mobile(raw: str, region: str) -> str | None:
    """E.164 of a country's own mobile number in digits, with its country code or its prefix; None: the library must read it."""
    country = _mobiles(region)
    if country is None or not _DIALLED.fullmatch(raw):
        return None
    before = f"+{country.code}" if raw[0] == "+" else country.prefix
    number = raw[len(before):]
    if not before or not raw.startswith(before) or number[:1] == "0" or not country.number.fullmatch(number):
        return None
    return f"+{country.code}{number}"


@cache
def _region_of(begin: str) -> str:
    """The one country whose code a number begins with, of its first three digits; empty where several have it."""
    regions = next((COUNTRY_CODE_TO_REGION_CODE[int(begin[:size])] for size in (1, 2, 3) if int(begin[:size]) in COUNTRY_CODE_TO_REGION_CODE), ())
    return regions[0] if len(regions) == 1 else ""


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
    country = _mobiles(_region_of(number[1:4])) if _DIALLED.fullmatch(number) and number[0] == "+" else None
    own = number[len(country.code) + 1:] if country is not None else ""
    if country is not None and country.number.fullmatch(own) and (known := country.national(own)) is not None:
        return known
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
