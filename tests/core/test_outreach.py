"""Customers whom one plugin wants to be called, and another calls: neither knows the other (CALL-07, PLUG-07)."""

from __future__ import annotations

import pluggy
import pytest
from sqlalchemy.orm import Session

from core import hookspecs, outreach
from core.outreach import Outreach, Progress
from core.plugins.manifest import PROJECT, hookimpl
from core.plugins.relay import Relay
from core.testing import actor_with
from tests.core.customers.conftest import NOW

WANTED = Outreach("links", "7", "Project not complete", [1, 2, 3])


class Callers:
    """A plugin that calls customers for others."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str], int] = {}

    @hookimpl
    def take_outreach(self, outreach: Outreach) -> Progress | None:
        self.taken[outreach.source, outreach.reference] = len(outreach.customer_ids)
        return self.tell_outreach(outreach.source, outreach.reference)

    @hookimpl
    def tell_outreach(self, source: str, reference: str) -> Progress | None:
        left = self.taken.get((source, reference))
        return Progress(0, 0, left, "/calls/7") if left is not None else None


@pytest.fixture
def callers(session: Session) -> Callers:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    one = Callers()
    manager.register(one, name="callers")
    session.info["hooks"] = Relay(manager)
    return one


def test_where_nobody_calls_the_plugin_is_told_so(session: Session) -> None:
    assert not outreach.takes(session)
    assert outreach.ask(session, WANTED, actor=actor_with(), now=NOW) is None
    assert outreach.progress(session, "links", "7") is None


def test_who_calls_takes_it_and_says_how_far_it_is(session: Session, callers: Callers) -> None:
    assert outreach.takes(session)
    assert outreach.ask(session, WANTED, actor=actor_with(), now=NOW) == Progress(0, 0, 3, "/calls/7")
    assert outreach.progress(session, "links", "7") == Progress(0, 0, 3, "/calls/7")
    assert outreach.progress(session, "links", "8") is None


@pytest.mark.parametrize(("progress", "informed"), [(Progress(3, 0, 0, ""), True), (Progress(2, 1, 0, ""), False), (Progress(2, 0, 1, ""), False)])
def test_all_are_informed_when_nobody_is_left_and_everybody_was_reached(progress: Progress, informed: bool) -> None:
    assert progress.all_informed is informed
