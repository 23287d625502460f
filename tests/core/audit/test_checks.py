"""Checks and anchors as commands, page and jobs use them, and their verdicts in words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel

from core import work
from core.audit import checks, commands
from core.audit.anchor import anchors_file, read_anchors
from core.audit.wording import words_of
from core.database import Session
from core.errors import DiwanError
from core.i18n import compile_catalogues, use_language
from tests.core.audit.conftest import Log
from tests.core.audit.models import Person

TRANSLATIONS = Path(__file__).resolve().parents[3] / "core" / "audit" / "translations"
RIYADH = ZoneInfo("Asia/Riyadh")


@pytest.fixture(autouse=True)
def words() -> object:
    app = Flask(__name__)
    compile_catalogues([str(TRANSLATIONS)])
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app, default_locale="en")
    with app.test_request_context():
        yield app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def opened(log: Log, folder: Path) -> Session:
    session = log.begin()
    session.info["association"] = SimpleNamespace(folder=folder)
    return session


def anchored(log: Log, folder: Path) -> str:
    with opened(log, folder) as session:
        line = checks.anchor(session)
        work.commit(session)
        return line


def test_anchor_is_appended_outside_the_database_and_logged(log: Log, folder: Path) -> None:
    log.add(Person(number="1"))

    line = anchored(log, folder)

    assert anchors_file(folder).read_text() == f"{line}\n"
    assert [(e["action"], e["data"]) for e in log.entries()][-1][0] == "anchor"
    assert read_anchors(anchors_file(folder))[0].code == log.blocks()[0]["code"]


def test_anchor_that_cannot_be_written_refuses_the_act(log: Log, folder: Path) -> None:
    with opened(log, folder / "absent") as session, pytest.raises(DiwanError, match="could not be written"):
        checks.anchor(session)


def test_verdict_is_recorded_and_found_again(log: Log, folder: Path) -> None:
    log.add(Person(number="1"))
    anchored(log, folder)
    with opened(log, folder) as session:
        verdict = checks.check_chain(session)
        checks.record_verdict(session, verdict)
        work.commit(session)

    with opened(log, folder) as session:
        event, facts = checks.last_verdict(session) or pytest.fail("no verdict")

    assert (event.action, facts["sound"], facts["entries"], facts["anchor"]["entries"]) == ("verify", True, 2, 1)


def test_command_says_that_all_is_well(log: Log, folder: Path) -> None:
    log.add(Person(number="1"))
    said: list[str] = []
    with opened(log, folder) as session:
        status = commands.verify(session, say=said.append)

    assert (status, said[0]) == (0, "The chain is whole")
    assert said[1].startswith("1 entry from ")


def test_command_names_the_damage_and_what_to_do_and_fails(log: Log, folder: Path) -> None:
    log.add(Person(number="1"), Person(number="2"))
    broken = log.entries()[1]["id"]
    log.tamper(f"UPDATE core_audit_event SET actor_label = 'x' WHERE id = {broken}")
    said: list[str] = []
    with opened(log, folder) as session:
        status = commands.verify(session, say=said.append)

    assert (status, said[0]) == (1, f"The chain is broken at entry {broken:,}")
    assert said[1].startswith(f"Entry {broken:,} was changed after it was written. 1 other entry fits its code.")
    assert [line[:2] for line in said[2:]] == ["1.", "2.", "3."]


def test_command_takes_an_anchor_file_from_elsewhere(log: Log, folder: Path) -> None:
    for n in range(3):
        log.add(Person(number=f"{n}"))
    anchored(log, folder)
    elsewhere = folder / "copy.txt"
    anchors_file(folder).rename(elsewhere)
    log.tamper("DELETE FROM core_audit_event WHERE batch IN (SELECT batch FROM core_audit_block WHERE seq >= 3)",
               "DELETE FROM core_audit_block WHERE seq >= 3")

    with opened(log, folder) as session:
        assert commands.verify(session, say=lambda line: None) == 0
        assert commands.verify(session, elsewhere, say=lambda line: None) == 1


KINDS = ("changed", "swapped", "deleted", "inserted", "block_changed", "block_deleted", "rebuilt", "cut", "anchor_differs", "unknown_version")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["ar", "en"])
def test_every_kind_of_damage_has_words_in_both_languages(kind: str, language: str) -> None:
    damage = {"kind": kind, "seq": 4, "entry": 12 if kind in ("changed", "swapped", "deleted", "inserted") else None, "other": 13, "at": None}
    facts = {"sound": False, "entries": 30, "blocks": 10, "still_sound": 27, "unjudged": 2, "damage_count": 1, "seconds": "0.1", "first_at": None,
             "last_at": None, "damages": [damage], "anchor": None}
    with use_language(language):
        words = words_of(facts, RIYADH)

    told = f"{words.title} {words.sentence} {words.steps}"
    assert words.tone == "bad"
    assert len(words.steps) == 3
    assert ("chain" in told.lower()) == (language == "en")
    assert "%(" not in told
