"""``diwan user …`` on an association of its own."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli import main
from core.settings import served_file
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


def test_a_wrong_role_is_answered_with_the_right_ones_before_anything_is_made(run: Run) -> None:
    status, out, err = run("add", "late", "--name-ar", "متأخر", "--role", "crm_manger")
    assert (status, out) == (1, "")
    assert "Did you mean crm_manager" in err and ", auditor, " in err
    assert "late" not in run("list")[1]


def test_the_roles_that_can_be_given_are_listed(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DIWAN_HOME", str(home))
    assert main(["roles"]) == 0
    lines = dict(line.split("\t", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["crm_manager"].startswith("CRM manager\t") and lines["crm_manager"].endswith("permissions")


def test_links_name_the_port_that_is_served(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "fatin", "--name-ar", "فاتن")
    monkeypatch.delenv("DIWAN_PORT", raising=False)
    assert run("invite", "fatin")[1].startswith("http://127.0.0.1:8000/albalad/login/link/")

    served_file(test_deployment(home)).write_text("http://127.0.0.1:8140/\n", encoding="utf-8")
    assert run("invite", "fatin")[1].startswith("http://127.0.0.1:8140/albalad/login/link/")
    monkeypatch.setenv("DIWAN_PORT", "8150")
    assert run("invite", "fatin")[1].startswith("http://127.0.0.1:8150/albalad/login/link/")
