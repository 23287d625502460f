"""What areas and plugins offer to the home page and to the global search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from core.auth.actor import Actor


@dataclass(frozen=True)
class Figure:
    """What a card shows: a figure, and a comparison or a link; with neither it informs nobody and is left out.

    ``value`` is shown as it stands (a number, a Money or a text). ``link`` is an address inside the association, such as
    ``/notes/?f.state=open``. ``tone`` is ``bad`` for what is late, ``warn`` for what is doubtful, else empty.
    """

    value: Any
    comparison: Any = ""
    link: str = ""
    tone: str = ""


@dataclass(frozen=True)
class DashboardCard:
    """A figure of "My day". ``figure(session, actor, now)`` is asked for holders of ``permission``; None shows no card."""

    name: str
    title: Any
    permission: str
    figure: Callable[[Session, Actor, datetime], Figure | None]
    order: int = 50


@dataclass(frozen=True)
class Reading:
    """How the input of the global search was read: as a record's ``number``, a ``phone`` (E.164 in ``value``) or a ``name``."""

    text: str
    kind: Literal["number", "phone", "name"]
    value: str


@dataclass(frozen=True)
class SearchHit:
    """One found record: what to call it, its address inside the association, and a second line."""

    label: Any
    link: str
    detail: Any = ""
    number: str = ""
    icon: str = ""


@dataclass(frozen=True)
class SearchProvider:
    """One group of the global search. ``find(session, reading, actor, limit)`` returns only what this actor may see."""

    name: str
    title: Any
    permission: str
    find: Callable[[Session, Reading, Actor, int], Sequence[SearchHit]]
    order: int = 50
    unsearched: Callable[[Reading, Actor], Any] | None = None
    """What to say where this actor's roles keep a reading from being searched for; None where nothing is left out."""
