"""The formula guard: what a spreadsheet would run gets an apostrophe, what it would not stays, and importing gives it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exporter.guard import guard, guard_all, is_dangerous, unguard


@pytest.mark.parametrize("text", [
    "=1+1", "+SUM(A1)", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\x00=1", "＝1", "＋1", "－1", "＠SUM", "﹦1", " =1", "\u200b=1", "\ufeff=1",
    "\u202e=1", "\u2066@x", "\u00a0-x", "'=1", "+966550000001", "=صدقة العيد", "-", "=cmd|' /C calc'!A0",
])
def test_formulas_are_guarded_and_given_back(text: str) -> None:
    assert guard(text) == f"'{text}"
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("text", ["", "-1234.50", "0", "12", "عبدالله", "a=b", "زكاة - رمضان", "'quoted'", "O'Neil", " نص", "100%", "<b>"])
def test_other_text_stays(text: str) -> None:
    assert guard(text) == text
    assert unguard(text) == text


@given(st.text(alphabet=st.sampled_from("=+-@'\t\r\n \x00\u200b\ufeff＝1a.ع\""), max_size=8) | st.text(max_size=12))
def test_guarded_text_is_never_dangerous_and_comes_back(text: str) -> None:
    guarded = guard(text)

    assert unguard(guarded) == text
    assert guarded == text or guarded.startswith("'")
    assert guarded.startswith("'") or not is_dangerous(guarded)


@given(st.lists(st.text(alphabet=st.sampled_from("=+-@' \ta1\x1f\u200b"), max_size=4), max_size=6))
def test_a_column_is_guarded_like_its_cells(texts: list[str]) -> None:
    assert list(guard_all(texts)) == [guard(text) for text in texts]
