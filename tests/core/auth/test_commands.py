"""``diwan user …`` on an association of its own."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli import main
from core.testing import new_association, test_deployment
from tests.core.auth.conftest import PASSWORD

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    new_association(test_deployment(folder), "albalad")
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("DIWAN_HOME", str(home))

    def command(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = main(["user", *arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return command


def test_first_administrator_gets_a_link_and_another_person_a_password(run: Run) -> None:
    status, out, _err = run("add", "boss", "--name-ar", "المدير", "--administrator")
    assert status == 0
    assert re.search(r"^http://127\.0\.0\.1:\d+/albalad/login/link/[\w-]{43}$", out, re.MULTILINE)

    status, out, _err = run("add", "noura", "--name-ar", "نورة", "--role", "crm_employee", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (status, out) == (0, "Added noura; the password is set.\n")

    assert {"boss\tactive\tadmin", "noura\tactive\tcrm_employee"} <= set(run("list")[1].splitlines())


def test_roles_are_given_and_taken(run: Run) -> None:
    run("add", "huda", "--name-ar", "هدى")

    assert run("roles", "huda", "--add", "auditor", "--add", "crm_employee")[1].splitlines()[0].startswith("crm_employee\tCRM employee\t")
    assert [line.split("\t")[0] for line in run("roles", "huda", "--remove", "crm_employee")[1].splitlines()] == ["auditor"]


def test_mistakes_are_one_line_and_change_nothing(run: Run) -> None:
    run("add", "reem", "--name-ar", "ريم")

    for arguments, said in ((("add", "reem"), "taken"), (("add", "No Good"), "cannot be a user name"), (("invite", "nobody"), "There is no user “nobody”"),
                            (("roles", "reem", "--add", "king"), "There is no role “king”"), (("password", "reem"), "--password-stdin")):
        status, out, err = run(*arguments)
        assert status == 1 and out == ""
        assert said in err and err.count("\n") == 1

    status, _out, err = run("password", "reem", "--password-stdin", typed="password\n")
    assert status == 1 and "At least 15 characters" in err


def test_password_is_set_and_a_lost_factor_dropped(run: Run) -> None:
    run("add", "amal", "--name-ar", "أمل")

    assert run("password", "amal", "--password-stdin", "--drop-second-factor", typed=f"{PASSWORD}\n")[:2] == (
        0, "The password of amal is set; all their sessions have ended.\n")
    assert "/login/link/" in run("invite", "amal")[1]
