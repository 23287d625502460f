"""The browser's assets: what is built, how it is named, and how it is served."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import assets
from core.errors import DiwanError


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(assets, "DIST", tmp_path)
    return tmp_path


@pytest.fixture
def browser(dist: Path) -> FlaskClient:
    names = assets.write_all({"diwan.css": b"body{color:red}" * 100, "plex-400.woff2": b"font"})
    assets._write_manifest({"stamp": "1", "files": names})
    served = Flask("assets")
    served.register_blueprint(assets.blueprint())
    return served.test_client()


def name_of(plain: str) -> str:
    return assets.read_manifest(assets._manifest_time())[plain]


def test_names_follow_the_content(dist: Path) -> None:
    first, second = assets.write_all({"a.css": b"one"}), assets.write_all({"a.css": b"two"})

    assert first["a.css"] != second["a.css"]
    assert (dist / first["a.css"]).read_bytes() == b"one"
    assert gzip.decompress((dist / f"{second['a.css']}.gz").read_bytes()) == b"two"


def test_modules_and_fonts_are_named_by_their_hashed_names(dist: Path) -> None:
    names = assets.write_all({"app.js": b'import { a } from "./dom.js"', "dom.js": b"export const a = 1",
                              "diwan.css": b'src:url("./plex-400.woff2")', "plex-400.woff2": b"font"})

    assert (dist / names["app.js"]).read_text() == f'import {{ a }} from "./{names["dom.js"]}"'
    assert (dist / names["diwan.css"]).read_text() == f"src:url({names['plex-400.woff2']})"


def test_modules_in_a_circle_are_refused(dist: Path) -> None:
    with pytest.raises(DiwanError, match=r"a\.js, b\.js"):
        assets.write_all({"a.js": b'import "./b.js"', "b.js": b'import "./a.js"'})


def test_served_for_ever_and_compressed_where_taken(browser: FlaskClient) -> None:
    plain = browser.get(f"/static/{name_of('diwan.css')}", headers={"Accept-Encoding": "identity"}, buffered=True)
    packed = browser.get(f"/static/{name_of('diwan.css')}", headers={"Accept-Encoding": "br, gzip"}, buffered=True)

    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.mimetype == "text/css"


def test_fonts_are_not_compressed_again(browser: FlaskClient) -> None:
    answer = browser.get(f"/static/{name_of('plex-400.woff2')}", headers={"Accept-Encoding": "gzip"}, buffered=True)

    assert (answer.mimetype, answer.data) == ("font/woff2", b"font")


@pytest.mark.parametrize("name", ["manifest.json", "diwan.css", "..%2f..%2fcore%2fassets.py", "fonts"])
def test_nothing_but_built_files_is_served(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/static/{name}").status_code == 404


def test_stale_files_go_and_current_ones_stay(dist: Path) -> None:
    old, new = assets.write_all({"a.css": b"one"})["a.css"], assets.write_all({"a.css": b"two"})["a.css"]

    assets._remove_stale({new})

    assert sorted(path.name for path in dist.iterdir()) == [new, f"{new}.gz"]
    assert old != new


def test_icon_that_does_not_exist_is_named() -> None:
    with pytest.raises(DiwanError, match="no-such-icon"):
        assets.sprite(["no-such-icon"])


def test_lock_holds_no_address_of_a_registry() -> None:
    lock = json.loads((assets.ROOT / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_versions_are_pinned() -> None:
    wanted = json.loads((assets.ROOT / "package.json").read_text())["dependencies"]

    assert all(version[0].isdigit() for version in wanted.values())


@pytest.mark.skipif(not assets.built_stamp(), reason="the assets are not built here")
@pytest.mark.parametrize("style", ["Regular", "Medium", "SemiBold"])
def test_fonts_for_print_are_one_family(style: str) -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(assets.FONTS / f"IBMPlexSansArabic-{style}.ttf")

    assert font["name"].getBestFamilyName() == "IBM Plex Sans Arabic"
    assert font["OS/2"].usWeightClass == {"Regular": 400, "Medium": 500, "SemiBold": 600}[style]
