"""Exact money: minor units, what can be read, what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.i18n import use_language
from core.money import (
    Money,
    check_currency,
    currencies,
    from_minor,
    minor_units,
    parse_amount,
    plain_amount,
    shown_amount,
    to_minor,
)

CURRENCIES = st.sampled_from(["SAR", "KWD", "JPY", "USD", "BHD"])
MINOR = st.integers(-(10**15), 10**15)


def test_decimals_by_currency():
    assert {code: minor_units(code) for code in ("KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD", "SAR", "USD", "JPY", "KRW")} == {
        "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3, "IQD": 3, "LYD": 3, "SAR": 2, "USD": 2, "JPY": 0, "KRW": 0}


@given(MINOR, CURRENCIES)
def test_minor_units_go_there_and_back(minor, currency):
    assert to_minor(from_minor(minor, currency), currency) == minor
    assert Money.of_minor(minor, currency).minor == minor


@given(MINOR, CURRENCIES)
def test_what_is_written_reads_back_exactly(minor, currency):
    amount = from_minor(minor, currency)

    assert parse_amount(plain_amount(amount, currency), currency) == amount
    if currency not in ("KWD", "BHD"):
        assert parse_amount(shown_amount(amount, currency), currency) == amount


@pytest.mark.parametrize(("text", "currency", "amount"), [
    ("1250.50", "SAR", "1250.50"), ("١٢٥٠٫٥", "SAR", "1250.50"), ("١٬٢٣٤٫٥٠", "SAR", "1234.50"), ("۱۲۳", "SAR", "123.00"), ("1,234,567", "SAR", "1234567.00"),
    ("1 234 567.5", "SAR", "1234567.50"), ("1\u00a0234", "SAR", "1234.00"), ("-7.250", "KWD", "-7.250"), ("\u2212 7", "SAR", None), ("\u22127", "SAR", "-7.00"),
    ("1,234.500", "KWD", "1234.500"), ("0.001", "KWD", "0.001"), ("500", "JPY", "500"), ("\u200f500", "SAR", "500.00"), ("1,234,567", "KWD", "1234567.000"),
])
def test_amounts_as_people_write_them(text, currency, amount):
    if amount is None:
        with pytest.raises(InvalidInput):
            parse_amount(text, currency)
    else:
        assert str(parse_amount(text, currency)) == amount


@pytest.mark.parametrize(("text", "currency"), [
    ("", "SAR"), ("1e5", "SAR"), ("NaN", "SAR"), ("Infinity", "SAR"), ("1,23", "SAR"), ("12,34,567", "SAR"), ("1.234.567", "SAR"),
    ("1,234 567", "SAR"), ("12 50", "SAR"),
    ("1.005", "SAR"), ("0.5", "JPY"), ("1.2345", "KWD"), ("१२", "SAR"), ("12 ر.س", "SAR"), ("+5", "SAR"), ("--5", "SAR"), ("9" * 16, "SAR"),
    ("1" + " " * 60 + "5", "SAR"),
    ("1,234", "KWD"), ("١٬٢٣٤ دينار", "KWD"), (".5", "SAR"), ("5.", "SAR"),
])
def test_what_is_no_amount_or_two_is_refused(text, currency):
    with pytest.raises(InvalidInput) as refused:
        parse_amount(text, currency, field="paid")

    assert (refused.value.field, refused.value.value) == ("paid", text)


@pytest.mark.parametrize(("text", "amount"), [("1250,50", "1250.50"), ("1.250,50", "1250.50"), ("1.250", "1250.00"), ("٥٫٥", "5.50"), ("1 250,5", "1250.50")])
def test_a_declared_comma_is_the_decimal_sign(text, amount):
    assert str(parse_amount(text, "SAR", decimal=",")) == amount


@pytest.mark.parametrize("text", ["93.17", "1,250.50", "1.25"])
def test_a_dot_that_does_not_group_contradicts_a_declared_comma(text):
    with pytest.raises(InvalidInput):
        parse_amount(text, "SAR", decimal=",")


def test_two_currencies_are_never_added():
    assert Money(Decimal("1.5"), "SAR") + Money(Decimal("2"), "SAR") == Money(Decimal("3.5"), "SAR")
    with pytest.raises(ValueError):
        Money(Decimal(1), "SAR") + Money(Decimal(1), "KWD")


def test_shown_with_the_real_minus_and_the_currency_s_decimals():
    assert shown_amount(Decimal("-1234.5"), "KWD") == "\u22121,234.500"
    assert str(-Money(Decimal("2"), "SAR")) == "-2.00 SAR"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1000, max_value=1000))
def test_no_amount_is_ever_rounded(amount):
    try:
        minor = to_minor(amount, "SAR")
    except InvalidInput:
        assert amount != amount.quantize(Decimal("0.01"))
    else:
        assert from_minor(minor, "SAR") == amount


@pytest.mark.parametrize("code", ["RIY", "RIYAL", "", "S1R", "ريال"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_minor(Decimal("100"), code)
    assert refused.value.field == "currency"


def test_currencies_of_today_are_offered_and_older_ones_known() -> None:
    offered = dict(currencies())
    assert {"SAR", "KWD", "GBP"} <= offered.keys() and "DEM" not in offered
    assert check_currency(" dem ") == "DEM"


@pytest.mark.parametrize(("tongue", "currency", "words"), [
    ("ar", "SAR", "«ريال سعودي» لا يقبل أكثر من منزلتين"), ("ar", "KWD", "«دينار كويتي» لا يقبل أكثر من 3 منازل"), ("ar", "JPY", "لا يقبل كسورًا"),
    ("en", "SAR", "an amount in Saudi Riyal has at most 2"),
])
def test_too_many_decimals_are_refused_in_words(shared_app: Flask, tongue: str, currency: str, words: str) -> None:
    with shared_app.app_context(), use_language(tongue), pytest.raises(InvalidInput) as refused:
        to_minor(Decimal("1000.00051"), currency)
    with shared_app.app_context(), use_language(tongue):
        assert words in str(refused.value)
        assert currency not in str(refused.value)
