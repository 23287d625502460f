"""Pages without an association's app: the list of associations, and one-sentence answers, in the product's own look."""

from __future__ import annotations

import re
from pathlib import Path

from werkzeug.test import Client

from core.hosting import Hosting
from core.testing import new_association, test_deployment

LOOPBACK = {"REMOTE_ADDR": "127.0.0.1"}


def test_the_list_is_styled_and_its_sheets_and_logo_are_served(tmp_path: Path) -> None:
    deployment = test_deployment(tmp_path)
    for slug in ("first", "second"):
        new_association(deployment, slug)
    client = Client(Hosting(deployment))

    page = client.get("/", environ_overrides=LOOPBACK)
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)

    assert {"/first/", "/second/"} <= set(re.findall(r'href="([^"]+)"', page.text))
    assert [name.rsplit(".", 1)[1] for name in named] == ["css", "css", "svg", "svg"]
    assert [client.get(name, environ_overrides=LOOPBACK).status_code for name in named] == [200] * 4
    assert client.get(named[0], environ_overrides=LOOPBACK).mimetype == "text/css"


def test_nothing_else_is_served_there(tmp_path: Path) -> None:
    client = Client(Hosting(test_deployment(tmp_path)))

    for path in ("/static/manifest.json", "/static/../assets.py", "/static/", "/static/app.js"):
        assert client.get(path, environ_overrides=LOOPBACK).status_code == 404
    assert "dw-bare" in client.get("/nowhere", environ_overrides=LOOPBACK).text


def test_a_sentence_is_shown_as_text() -> None:
    from core.admin.overview import render_plain

    assert "<b>" not in render_plain("<b>no</b>", "لا")
