"""The sample reports, offered by a plugin that is called notes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.i18n import use_language
from core.state import Offer
from tests.core.reports.samples import SUMMED, WEEKLY


@pytest.fixture
def weekly(app: Flask) -> Iterator[Flask]:
    offers = app.extensions["diwan"].offers
    kept = offers.get("register_reports", [])
    offers["register_reports"] = [*kept, Offer("notes", WEEKLY), Offer("notes", SUMMED)]
    with app.app_context(), use_language("en"):
        yield app
    offers["register_reports"] = kept
