"""Every link leads somewhere: the pages of a demo are walked as each of its people, in both languages, under a prefix."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from core import demo
from core.auth import queries
from core.database import db
from core.settings import find_association
from core.testing import close_app, make_app, sign_in, test_deployment

PREFIX = "/makkah"
MOST_OF_A_KIND = 2
"""Pages that differ in an id or a filter only."""
LINK = re.compile(r'href="([^"#]+)')


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A small demo, served below a prefix as beside other associations."""
    deployment = test_deployment(tmp_path_factory.mktemp("links"))
    demo.make_demo(deployment, customers_count=60)
    app = make_app(find_association(deployment, "makkah"), deployment)
    yield app
    close_app(app)


@pytest.mark.parametrize("who", [name for name, _role in demo.sign_ins()])
def test_no_link_of_a_page_is_dead(house: Flask, who: str) -> None:
    with house.app_context():
        user = queries.user_named(db.session, who)
        assert user is not None
        client = sign_in(house.test_client(), user)
        db.session.remove()
    broken = []
    met = {f"{PREFIX}/?lang=ar": "", f"{PREFIX}/?lang=en": ""}
    waiting, seen = list(met), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        path, query = urlsplit(address).path, urlsplit(address).query
        answer = client.get(path.removeprefix(PREFIX), query_string=query, environ_overrides={"SCRIPT_NAME": PREFIX})
        if answer.status_code not in (200, 302) or not path.startswith(f"{PREFIX}/"):
            broken.append((met[address], address, answer.status_code))
        for target in links_of(answer.get_data(as_text=True), address) if answer.mimetype == "text/html" else ():
            kind = re.sub(r"\d+|=[^&]*", "*", target)
            if target not in met and seen[kind] < MOST_OF_A_KIND:
                seen[kind] += 1
                met[target] = address
                waiting.append(target)
    assert broken == []
    assert len(met) > 8


def links_of(page: str, address: str) -> Iterator[str]:
    """The links of a page that stay inside the server, assets left out."""
    for link in LINK.findall(page):
        target = urljoin(address, html.unescape(link))
        if not urlsplit(target).scheme and "/static/" not in target:
            yield target
