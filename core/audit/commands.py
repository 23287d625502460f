"""``diwan audit verify [--anchor FILE]`` and ``diwan audit anchor``, as plain functions on an open session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from core import settings, work
from core.audit import checks
from core.audit.anchor import read_anchors
from core.audit.wording import damage_text, words_of

Say = Callable[[str], None]


def verify(session: Session, anchor_file: Path | None = None, *, say: Say = print) -> int:
    """Judge the log and say it in words; writes nothing. Exit status 0 when it is whole, 1 when not."""
    anchors = checks.known_anchors(session) if anchor_file is None else read_anchors(anchor_file)
    verdict = checks.check_chain(session, anchors)
    facts = checks.facts_of(verdict)
    words = words_of(facts, settings.time_zone(session))
    for line in (words.title, words.sentence, *(f"{n}. {step}" for n, step in enumerate(words.steps, start=1))):
        say(_bare(line))
    for damage in facts["damages"][1:]:
        say(_bare(f"- {damage_text(damage)}"))
    return 0 if verdict.sound else 1


def anchor(session: Session, *, say: Say = print) -> int:
    """Write an anchor and print its line, to be kept where nobody who can change the database can change it."""
    with work.unit_of_work(session) as own:
        line = checks.anchor(own)
    say(line)
    return 0


def _bare(text: str) -> str:
    return "".join(character for character in text if character not in "\u2066\u2067\u2068\u2069")
