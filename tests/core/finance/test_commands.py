"""``diwan finance export``: one command makes the batch and its file, another exports it again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.cli import parser
from core.errors import AppError, DiwanError
from core.finance.commands import export
from core.finance.models import Contribution, FinanceBatch
from tests.core.finance.conftest import FINANCE


def options(out: Path, **values: Any) -> Namespace:
    return Namespace(**{"from_on": "2026-01-01", "until_on": "2026-01-31", "layout": "generic", "out": str(out), "batch": None, "content": None, **values})


def test_command_issues_and_writes_and_says_what_stays_out(
    session: Session, give: Callable[..., Contribution], tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    give("100.00", reference="TR-1")
    work.commit(session)

    path = export(session, options(tmp_path), actor=FINANCE)
    again = export(session, options(tmp_path, batch=path.name.split("-generic")[0]), actor=FINANCE)

    batch = session.scalars(sa.select(FinanceBatch)).one()
    assert path.name == f"{batch.number}-generic.csv" and again.name == f"{batch.number}-generic-re-export-1.csv"
    assert sha256(path.read_bytes()).hexdigest() == batch.sha256 and again.read_bytes() == path.read_bytes()
    printed = capsys.readouterr().out
    assert f"{batch.number}: 1 rows, 0 left out" in printed and "SAR 100.00" in printed


def test_nothing_is_issued_over_a_file_that_exists(session: Session, give: Callable[..., Contribution], tmp_path: Path) -> None:
    give()
    work.commit(session)
    (tmp_path / "old.csv").write_text("kept")

    with pytest.raises(DiwanError):
        export(session, options(tmp_path / "old.csv"), actor=FINANCE)

    assert session.scalars(sa.select(FinanceBatch)).all() == [] and (tmp_path / "old.csv").read_text() == "kept"


@pytest.mark.parametrize("wrong", [{"from_on": "01/02/2026"}, {"layout": "tally"}, {"from_on": "2026-03-01"}, {"batch": "FB-1900-0001"}])
def test_wrong_options_are_one_error_and_no_file(session: Session, tmp_path: Path, wrong: dict[str, str]) -> None:
    work.commit(session)

    with pytest.raises((AppError, DiwanError)):
        export(session, options(tmp_path, **wrong), actor=FINANCE)

    assert list(tmp_path.iterdir()) == []


def test_command_line_knows_it() -> None:
    found = parser().parse_args(["finance", "export", "--from", "2026-01-01", "--to", "2026-01-31", "--layout", "xero_manual_journal", "--out", "x.csv"])

    assert (found.from_on, found.until_on, found.layout, found.out) == ("2026-01-01", "2026-01-31", "xero_manual_journal", "x.csv")


def test_an_issued_batch_stays_in_its_layout(session: Session, give: Callable[..., Contribution], tmp_path: Path) -> None:
    give("100.00", reference="TR-1")
    work.commit(session)
    number = export(session, options(tmp_path), actor=FINANCE).name.split("-generic")[0]

    with pytest.raises(DiwanError, match="generic"):
        export(session, options(tmp_path, batch=number, layout="odoo_account_move"), actor=FINANCE)


def test_nothing_is_issued_for_a_folder_that_is_not_there(session: Session, give: Callable[..., Contribution], tmp_path: Path) -> None:
    give()
    work.commit(session)

    with pytest.raises(DiwanError, match="no folder"):
        export(session, options(tmp_path / "nowhere" / "x.csv"), actor=FINANCE)

    assert session.scalar(sa.select(sa.func.count(FinanceBatch.id))) == 0
