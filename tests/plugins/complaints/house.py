"""One association for hundreds of inputs, one after the other: what is stored is compared before and after each."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from plugins.complaints.models import Entry, Limit

CRM, QUALITY, MANAGER = "crm", "quality", "manager"
ARABIC = re.compile("[\u0621-\u064a]")


@dataclass
class House:
    """Browsers by who sits there and in which language: a stranger, one of the staff who takes complaints, one who may read all."""

    session: Session
    app: Flask
    browsers: Mapping[tuple[str, str], FlaskClient]

    def client(self, who: str = "", language: str = "en") -> FlaskClient:
        return self.browsers[who, language] if who else stranger(self.app, language)

    @property
    def language(self) -> str:
        """In which refusals are read on this engine: with both engines, each is read in both languages."""
        return "en" if self.session.get_bind().dialect.name == "sqlite" else "ar"

    def entries(self) -> list[Entry]:
        self.session.expire_all()
        return list(self.session.scalars(sa.select(Entry).order_by(Entry.id)))

    def stored(self) -> tuple[int, list[tuple[str, int]]]:
        """What a refusal must leave as it was: the entries, and how many sendings were counted."""
        counted = self.session.execute(sa.select(Limit.key, Limit.count).where(Limit.key.like("send:%")).order_by(Limit.key))
        return len(self.entries()), [(row.key, row.count) for row in counted]


def stranger(app: Flask, language: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("diwan_language", language)
    return client


def words_of(answer: Any) -> str:
    """The page's text without markup and without isolates."""
    main = re.split(r"<main[^>]*>", answer.get_data(as_text=True), maxsplit=1)[-1]
    return re.sub(r"[\u2066-\u2069]", "", html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split())))


def value_of(entry: Entry, key: str) -> Any:
    value = getattr(entry, key)
    return value.isoformat() if isinstance(value, datetime) else value


def judge_kept(house: House, kept: Mapping[str, Any], before: int, count: int = 1) -> Entry:
    """The first of the new entries, which has these values exactly."""
    entries = house.entries()
    assert len(entries) == before + count
    for key, value in kept.items():
        found = value_of(entries[before], key)
        assert found.startswith(value) if key == "number" else found == value, key
    return entries[before]


def names(cases: Iterable[Any]) -> list[str]:
    return [case.name for case in cases]
