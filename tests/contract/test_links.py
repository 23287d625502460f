"""Every link leads somewhere, and no page shows its own markup as text: the demo is walked as each of its people, and as some in English too."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from core import demo
from core.auth import queries
from core.database import db
from core.testing import sign_in
from tests.contract.conftest import House
from tests.contract.walking import walk

PREFIX = "/makkah"
SHOWN_MARKUP = re.compile(r"&(?:amp;)?lt;/?(?:bdi|span|div|strong|a)\b")
"""Our own markup where it is read as text: it was printed twice."""
IN_ENGLISH = ("admin", "manager")
"""Who sees most; a link is the same in each language but for its words."""


@pytest.mark.parametrize("who", [name for name, _role in demo.sign_ins()])
def test_no_link_of_a_page_is_dead(house: House, who: str) -> None:
    app = house.app
    with app.app_context():
        user = queries.user_named(db.session, who)
        assert user is not None
        client = sign_in(app.test_client(), user)
        db.session.remove()

    languages = ("ar", "en") if who in IN_ENGLISH else ("ar",)
    visits = [one for language in languages for one in walk(client, [f"{PREFIX}/?lang={language}"], prefix=PREFIX, most_of_a_kind=1)]

    assert [(one.met_on, one.address, one.answer.status_code) for one in visits
            if one.answer.status_code not in (200, 302) or not urlsplit(one.address).path.startswith(f"{PREFIX}/")] == []
    assert [one.address for one in visits if one.is_page and SHOWN_MARKUP.search(one.answer.get_data(as_text=True))] == []
    assert len(visits) > 8
