"""Log lines: nobody forges one, nothing secret in one, and files rotate under several processes."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from core import logs
from core.errors import DiwanError


@pytest.fixture
def undisturbed_logging():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def record(text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("diwan.test", logging.WARNING, "x.py", 1, text, args, None)


def test_a_line_has_moment_level_logger_and_reference() -> None:
    line = logs.LineFormatter().format(record("%s saved", "form"))

    moment, level, name, reference, *text = line.split(" ")
    assert moment.endswith("Z")
    assert (level, name, reference, text) == ("WARNING", "diwan.test", "[-]", ["form", "saved"])


def test_a_text_cannot_begin_a_line_of_its_own_nor_turn_it_round() -> None:
    line = logs.LineFormatter().format(record("name %s", "x\n2026-01-01 forged\u202e\x1b[31m"))

    assert "\n" not in line
    assert "\u202e" not in line
    assert "\x1b" not in line
    assert "\\u000a2026-01-01 forged" in line


def test_a_one_time_link_is_not_logged() -> None:
    secret = "Zk3v9Qx1LmP0aB7cD2eF5gH8"

    assert logs.logged_path(f"/makkah/invite/{secret}") == "/makkah/invite/…"
    assert logs.logged_path("/makkah/customers/forms/") == "/makkah/customers/forms/"


def test_a_full_file_is_renamed_and_the_oldest_goes(tmp_path: Path) -> None:
    handler = logs.RotatingLog(tmp_path / "d.log", max_bytes=100, kept=2)
    for number in range(40):
        handler.emit(record(f"line {number:04d} {'x' * 40}"))
    handler.close()

    names = sorted(path.name for path in tmp_path.glob("d.log*") if not path.name.endswith("lock"))
    assert names == ["d.log", "d.log.1", "d.log.2"]
    assert "line 0039" in (tmp_path / "d.log").read_text()
    assert (tmp_path / "d.log").stat().st_mode & 0o777 == 0o600


def test_several_processes_rotate_one_file_and_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, logging; from pathlib import Path; from core.logs import RotatingLog\n"
        f"handler = RotatingLog(Path({str(tmp_path / 'd.log')!r}), max_bytes=4000, kept=200)\n"
        "for n in range(200):\n"
        "    handler.emit(logging.LogRecord('t', 30, 'x', 1, f'{sys.argv[1]}-{n:03d} ' + 'x' * 60, (), None))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "abcd"]
    assert [one.wait(60) for one in running] == [0, 0, 0, 0]

    files = [path for path in tmp_path.glob("d.log*") if not path.name.endswith("lock")]
    lines = [line.split(" ")[0] for path in files for line in path.read_text().splitlines()]
    assert len(files) > 5
    assert sorted(lines) == sorted(f"{name}-{n:03d}" for name in "abcd" for n in range(200))


@pytest.mark.usefixtures("undisturbed_logging")
def test_warnings_reach_file_and_console_and_information_only_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(tmp_path)

    logging.getLogger("diwan.here").info("quiet")
    logging.getLogger("diwan.here").warning("loud")

    written = (tmp_path / "logs" / "diwan.log").read_text()
    assert "quiet" in written
    assert "loud" in written
    console = capsys.readouterr().err
    assert "loud" in console
    assert "quiet" not in console


def test_a_level_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIWAN_LOG_LEVEL", "chatty")

    with pytest.raises(DiwanError, match="DIWAN_LOG_LEVEL is 'CHATTY'"):
        logs.configure(tmp_path)
