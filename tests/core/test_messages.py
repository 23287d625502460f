"""Handing a message over where no plugin keeps a log, and where the one that does fails (CMPL-28)."""

from __future__ import annotations

import pluggy
import pytest
from sqlalchemy.orm import Session

from core import hookspecs, messages
from core.errors import Conflict, InvalidInput, NotFound
from core.i18n import use_language
from core.messages import Message, Taken
from core.plugins.manifest import PROJECT, hookimpl
from core.plugins.relay import Relay
from core.testing import actor_with
from tests.core.customers.conftest import NOW

COMMENT = Message("social", "1", "social", "؟")


class Log:
    """A plugin that takes messages, as it answers now."""

    answer: Taken | Exception | None = Taken("C-1", "/log/1")

    @hookimpl
    def take_message(self, message: Message) -> Taken | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def log(session: Session) -> Log:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    one = Log()
    manager.register(one, name="log")
    session.info["hooks"] = Relay(manager)
    return one


def hand_over(session: Session) -> Taken:
    return messages.hand_over(session, COMMENT, actor=actor_with(), now=NOW)


def test_where_no_plugin_keeps_a_log_nothing_is_offered_and_handing_over_says_the_way_out(session: Session) -> None:
    assert not messages.takes(session)
    with use_language("en"), pytest.raises(NotFound, match="turn it on"):
        hand_over(session)


def test_the_log_that_is_on_answers(session: Session, log: Log) -> None:
    assert messages.takes(session)
    assert hand_over(session) == Taken("C-1", "/log/1")


def test_a_log_that_does_not_take_it_is_like_none(session: Session, log: Log) -> None:
    log.answer = None

    with pytest.raises(NotFound):
        hand_over(session)


def test_a_refusal_passes_and_a_failure_is_named(session: Session, log: Log) -> None:
    log.answer = InvalidInput("No.", field="text")
    with pytest.raises(InvalidInput, match="No"):
        hand_over(session)

    log.answer = RuntimeError("broken")
    with pytest.raises(Conflict, match="log"):
        hand_over(session)
