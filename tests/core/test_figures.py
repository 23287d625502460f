"""Figures that one plugin counts and the panel of another shows: told by who counts them, absent where nobody does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pluggy
import pytest
from sqlalchemy.orm import Session

from core import figures, hookspecs
from core.errors import Conflict
from core.plugins.manifest import PROJECT, hookimpl
from core.plugins.relay import Relay
from core.testing import actor_with
from tests.core.customers.conftest import NOW

PERIODS = [(NOW - timedelta(days=one + 1), NOW - timedelta(days=one)) for one in range(3)]


class Counter:
    """A plugin that counts; another one before it that counts something else."""

    fails = False

    @hookimpl
    def tell_figures(self, name: str, periods: Sequence[figures.Period]) -> Sequence[Mapping[str, int]] | None:
        if self.fails:
            raise RuntimeError("broken")
        return [{"received": place} for place, _period in enumerate(periods)] if name == "things" else None


@pytest.fixture
def counter(session: Session) -> Counter:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    one = Counter()
    manager.register(one, name="counter")
    session.info["hooks"] = Relay(manager)
    return one


def ask(session: Session, name: str) -> Sequence[Mapping[str, int]] | None:
    return figures.ask(session, name, PERIODS, actor=actor_with(), now=NOW)


def test_where_nobody_counts_there_are_no_figures(session: Session) -> None:
    assert ask(session, "things") is None


def test_who_counts_answers_for_each_period(session: Session, counter: Counter) -> None:
    assert ask(session, "things") == [{"received": 0}, {"received": 1}, {"received": 2}]
    assert ask(session, "others") is None
    assert figures.ask(session, "things", [], actor=actor_with(), now=NOW) == []


def test_one_that_fails_is_named(session: Session, counter: Counter) -> None:
    counter.fails = True
    with pytest.raises(Conflict, match="counter"):
        ask(session, "things")
