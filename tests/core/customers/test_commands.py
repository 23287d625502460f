"""``diwan customers …`` on an association of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli import main
from core.testing import new_association, test_deployment


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    new_association(test_deployment(tmp_path), "albalad")
    monkeypatch.setenv("DIWAN_HOME", str(tmp_path))
    return tmp_path


def add(username: str, role: str) -> None:
    assert main(["user", "add", username, "--name-ar", username, "--role", role]) == 0


def test_appointing_somebody_without_the_role_says_what_is_missing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add("noura", "crm_employee")
    add("huda", "customer_data_deputy")
    capsys.readouterr()

    assert main(["customers", "officer", "noura"]) == 0
    out, err = capsys.readouterr()
    assert "noura is primary data officer." in out
    assert "diwan user roles noura --add customer_data_officer" in err

    assert main(["customers", "officer", "huda", "--deputy"]) == 0
    assert capsys.readouterr() == ("huda is deputy data officer.\n", "")
