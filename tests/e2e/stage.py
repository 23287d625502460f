"""A journey of its own association with a clock that it moves: the server, its people's windows, and the record it leaves.

A journey leaves a picture of each stage in ``output/<journey>``, and a trace of each window for ``playwright show-trace``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.auth import passwords
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.opening import opened
from core.organisation.models import Department
from core.settings import Deployment
from core.testing import new_association, test_deployment
from tests.e2e.conftest import DESKTOP, Window, new_window, sign_in, turn
from tests.support.server import Server, run, serving

SLUG, PASSWORD = "journey", "palm-orchard-seventeen-lanterns"
MAKKAH = timedelta(hours=3)
REFUSALS = re.compile(r"status of (404|409)")
"""What a journey runs into on purpose, beside what every journey may."""
CLOCKED = "tests.faults.process"
"""The command whose clock is read from a file."""
Person = tuple[str, str, str, str]
"""Role, department, Arabic and English name."""


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of 2035 by the clock of Makkah; 1 April is a Sunday. It lies ahead, so that no session ends too early."""
    return datetime(2035, month, day, hour, minute, tzinfo=UTC) - MAKKAH


@dataclass
class Stage:
    """The association's server, its clock, the windows that people opened, and where the record goes."""

    deployment: Deployment
    server: Server
    chromium: Any
    clock: Path
    output: Path
    windows: list[tuple[str, Any, Window]] = field(default_factory=list)
    pictures: int = 0

    def move(self, moment: datetime, *, days: bool = False) -> None:
        """Let it be ``moment``; with ``days`` a worker does what the days until then asked for, a new one: one that runs doubts such a jump."""
        set_clock(self.clock, moment)
        if days:
            done = run(self.deployment, "worker", "--once", module=CLOCKED, FAULT_CLOCK=str(self.clock))
            assert done.returncode == 0, done.stderr

    def window(self, who: str | None = None, *, language: str = "en", size: dict[str, int] = DESKTOP) -> Window:
        """A window of its own with a trace; signed in as somebody, or nobody's."""
        context, found = new_window(self.chromium, f"{self.server.url}{SLUG}/", language=language, size=size)
        context.tracing.start()
        self.windows.append((f"{len(self.windows) + 1:02}-{who or 'visitor'}", context, found))
        if who is not None:
            sign_in(found, who, PASSWORD)
        return found

    def picture(self, window: Window, name: str) -> None:
        self.pictures += 1
        window.page.screenshot(path=self.output / f"{self.pictures:02}-{name}.png", full_page=True)

    def close(self) -> list[str]:
        """Keep the traces; what browsers complained of."""
        for name, context, _window in self.windows:
            context.tracing.stop(path=self.output / f"{name}.zip")
            context.close()
        return [one for _name, _context, window in self.windows for one in window.unexpected() if not REFUSALS.search(one)]


def set_clock(file: Path, moment: datetime) -> None:
    new = file.with_suffix(".new")
    new.write_text(str((moment - datetime.now(UTC)).total_seconds()))
    os.replace(new, file)


@contextmanager
def staged(
    output: Path, home: Path, chromium: Any, *, plugins: frozenset[str], people: Mapping[str, Person], begins: datetime,
    furnish: Callable[[Session, Mapping[str, User]], None],
) -> Iterator[Stage]:
    """An association with these plugins and people, and whatever ``furnish`` puts there, served from ``begins`` on.

    Fails where a browser complained of something that no journey asks for.
    """
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    deployment, clock = test_deployment(home / "home"), home / "clock"
    with work.time_at(begins):
        association = new_association(deployment, SLUG, plugins=plugins)
        with opened(association, deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
            furnish(own, hire(own, people))
    set_clock(clock, begins)
    with serving(deployment, workers=1, module=CLOCKED, FAULT_CLOCK=str(clock)) as server:
        made = Stage(deployment, server, chromium, clock, output)
        try:
            yield made
        finally:
            complaints = made.close()
        assert complaints == []


def hire(session: Session, people: Mapping[str, Person]) -> dict[str, User]:
    """Everybody with role and department; one password for all."""
    departments = {one.slug: one.id for one in session.scalars(sa.select(Department))}
    hashed, found = passwords.hash_password(PASSWORD), {}
    for username, (role, department, arabic, english) in people.items():
        user = found[username] = auth.add_user(session, username=username, name_ar=arabic, name_en=english, department_id=departments[department],
                                               actor=operator(), now=work.now())
        user.password_hash = hashed
        auth.grant_role(session, user, role, actor=operator())
    return found


def press(page: Any, name: str) -> None:
    """Press a button that sends its form, and wait for the page that answers."""
    turn(page, page.get_by_role("button", name=name, exact=True).first.click)


def told(page: Any, words: str) -> None:
    """What the last act left to be read."""
    page.locator(".dw-toast, .dw-notice", has_text=words).first.wait_for()


def inbox(window: Window, *words: str) -> str:
    """Open what the row of the own inbox with these words leads to; what the row says."""
    row = window.open("").locator("li.dw-step")
    for one in words:
        row = row.filter(has_text=one)
    assert row.count() == 1, f"{row.count()} steps with {words} in:\n{window.text()}"
    said = " ".join(str(row.inner_text()).split())
    turn(window.page, row.locator(".dw-step-act").click)
    return said
