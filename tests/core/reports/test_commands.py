"""``diwan report``: listed, run, written, and logged like an export from the page."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.audit.models import AuditEvent
from core.cli import main
from core.database import make_engine
from core.settings import Association
from core.testing import new_association, test_deployment


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Association:
    """An association that commands find by themselves."""
    monkeypatch.setenv("DIWAN_HOME", str(tmp_path))
    monkeypatch.delenv("DIWAN_PLUGIN_PATH", raising=False)
    return new_association(test_deployment(tmp_path), "alone")


def exports(association: Association) -> list[dict[str, object]]:
    engine = make_engine(association.database_url)
    with engine.connect() as connection:
        texts = connection.scalars(sa.select(AuditEvent.data).where(AuditEvent.action == "export")).all()
    engine.dispose()
    return [json.loads(text or "{}") for text in texts]


def test_list_names_the_reports_with_their_parameters(own: Association, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "list"]) == 0

    assert "finance.donors\tStatement per donor\tprogramme" in capsys.readouterr().out


def test_run_writes_csv_and_logs_it(own: Association, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["report", "run", "finance.programmes"]) == 0

    assert capfdbinary.readouterr().out.splitlines()[0] == b"programme,currency,pledged,received,outstanding,overdue"
    assert [(one["report"], one["rows"]) for one in exports(own)] == [("finance.programmes", 0)]


def test_run_writes_a_file_and_says_its_checksum(own: Association, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.json"

    assert main(["report", "run", "finance.donors", "--format", "json", "--out", str(target)]) == 0

    assert json.loads(target.read_text(encoding="utf-8")) == {"report": "finance.donors", "parameters": {}, "rows": []}
    assert "sha256" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "message"), [
    (["report", "run", "nothing"], "There is no report 'nothing'"),
    (["report", "run", "finance.donors", "--parameter", "programme"], "'programme' is no parameter"),
    (["report", "run", "finance.donors", "--parameter", "programme=99"], "is not one of the choices"),
])
def test_errors_are_one_line_and_leave_no_entry(own: Association, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1

    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert exports(own) == []


@pytest.mark.parametrize(("kind", "start"), [("csv", b"programme,"), ("xlsx", b"PK"), ("pdf", b"%PDF"), ("json", b"{")])
def test_every_format_is_written_and_its_own_checksum_logged(own: Association, tmp_path: Path, kind: str, start: bytes) -> None:
    target = tmp_path / f"report.{kind}"

    assert main(["report", "run", "finance.programmes", "--format", kind, "--out", str(target)]) == 0

    assert target.read_bytes().startswith(start)
    assert [(one["format"], one["sha256"]) for one in exports(own)] == [(kind, hashlib.sha256(target.read_bytes()).hexdigest())]
