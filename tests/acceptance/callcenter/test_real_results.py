"""The results of a real campaign of calls (41,188 people, no name, no year): by month and channel they are those that were counted apart.

Skipped where the shared data is absent.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.calendar import MONTHS
from core.customers.models import Customer
from plugins.callcenter import domain, importers, results
from plugins.callcenter.models import Call, Campaign, CampaignResult
from plugins.callcenter.results import Sum
from tests.plugins.callcenter.conftest import KEEPER, MONDAY, RESULTS, take_in

NAME = "bank-additional-full.csv"
COLUMNS = {"success": "y", "result_month": "month", "weekday": "day_of_week", "result_channel": "contact", "result_seconds": "duration",
           "attempts": "campaign", "earlier": "poutcome", "occupation": "job"}
HEAD = 200


@pytest.fixture
def expected(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "data" / "expected.json").read_text())[f"calls/{NAME}"])


@pytest.fixture
def whole(session: Session, shared: Path, engine_name: str) -> Campaign:
    """All lines, as the importer makes results of them, without staging each; on one engine, for they are many."""
    if engine_name != "sqlite":
        pytest.skip("41,188 rows are summed on one engine; the same sums of few rows are tested on both")
    fields = {one.key: one for one in RESULTS.fields}
    campaign = results.campaign_of(session, "bank", actor=KEEPER, now=MONDAY)
    rows = []
    with (shared / "data" / "calls" / NAME).open(encoding="utf-8", newline="") as file:
        for place, line in enumerate(csv.DictReader(file, delimiter=";")):
            read = {key: (fields[key].choices or {}).get(line[name], int(line[name]) if fields[key].kind == "integer" else line[name])
                    for key, name in COLUMNS.items()}
            rows.append((str(place), importers.result_of(read)))
    results.take_in(session, campaign, rows, import_id=1, actor=KEEPER, now=MONDAY)
    return campaign


def told(found: Sum) -> dict[str, Any]:
    return {"n": found.results, "yes": found.successes, "rate_pct": float(domain.rate(found.successes, found.results) or 0)}


def test_every_figure_is_that_of_the_file_and_no_moment_is_invented(session: Session, whole: Campaign, expected: dict[str, Any]) -> None:
    months = {MONTHS["en"][key - 1][:3].lower(): {"calls": one.results, "talk_seconds": one.seconds, "yes": one.successes,
                                                 "rate_pct": float(domain.rate(one.successes, one.results) or 0)}
              for key, one in results.summed(session, "month", whole.id).items()}
    assert months == expected["by_month"]
    for by, wanted in (("channel", "by_channel"), ("earlier", "by_previous_outcome"), ("occupation", "by_job")):
        assert {key: told(one) for key, one in results.summed(session, by, whole.id).items()} == expected[wanted]
    attempts = {"10+" if key > results.MOST_ATTEMPTS_APART else str(key): told(one) for key, one in results.summed(session, "attempts", whole.id).items()}
    assert attempts == expected["by_attempts"]
    days = results.summed(session, "weekday", whole.id)
    assert set(days) == set(range(5)) and sum(one.results for one in days.values()) == expected["rows"]
    assert sum(one.attempts for one in days.values()) == expected["contacts_made_total"]
    assert not {"started_at", "customer_id", "year"} & set(CampaignResult.__table__.columns.keys())
    assert (session.scalar(sa.select(Call.id)), session.scalar(sa.select(Customer.id).where(Customer.imported))) == (None, None)


def test_the_file_is_taken_in_as_it_is(session: Session, english: None, shared: Path, tmp_path: Path) -> None:
    """Its first lines, with their headings as they are: all columns that matter are found, the others are left."""
    path = tmp_path / NAME
    with (shared / "data" / "calls" / NAME).open(encoding="utf-8") as file:
        path.write_text("".join(next(file) for _line in range(HEAD + 1)), encoding="utf-8")

    row = take_in(session, RESULTS, path)

    assert row.counts == {"create": HEAD}
    assert {key: name for key, name in row.mapping.items() if name} == COLUMNS
    assert results.summed(session, "month")[5].results == HEAD
