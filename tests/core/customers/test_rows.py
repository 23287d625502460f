"""A row that is taken aside comes back as exactly what it was."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.customers.models import Customer, CustomerState
from core.customers.rows import attributes, dump, load

TEXTS = st.text(st.sampled_from("aZ0 \n\"\\{}أبةء\u200f٣😀"), max_size=12)
PLAIN = (st.none() | st.booleans() | st.integers() | TEXTS | st.dates() | st.datetimes(timezones=st.just(UTC)) | st.decimals(allow_nan=False)
         | st.binary(max_size=12))
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(TEXTS, PLAIN, max_size=3)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_every_value_comes_back_with_its_type(row: dict[str, object]) -> None:
    back = load(dump([row, None]))
    assert back == [row, None]
    assert [type(value) for value in back[0].values()] == [type(value) for value in row.values()]


def test_columns_become_attributes() -> None:
    moment = datetime(2026, 2, 1, 6, 0, 0, 123456, tzinfo=UTC)
    assert attributes(CustomerState, {"customer_id": 1, "confirmed_at": moment, "confirmed_by": None}) == {
        "customer_id": 1, "confirmed_at": moment, "confirmed_by": None}
    assert load(dump(moment)) == moment
    assert load(dump(date(2026, 2, 1))) == date(2026, 2, 1)
    assert set(attributes(Customer, {"name": "أ", "mobile": None})) == {"name", "mobile"}
