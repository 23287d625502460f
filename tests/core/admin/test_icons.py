"""Every icon that a page or a menu names is in the sprite; one that is not would be drawn as a piece of a puzzle."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
IN_TEMPLATES = (r"\bicon\('([a-z0-9-]+)'", r"post_button\([^}]*?_\('[^']*'\), '([a-z0-9-]+)'", r"\bicon='([a-z0-9-]+)'")
IN_CODE = (r"\b(?:menu_)?icon(?:: str)? ?= ?\"([a-z0-9-]+)\"",)


def named(files: list[Path], patterns: tuple[str, ...]) -> set[tuple[str, str]]:
    texts = [(file.name, file.read_text(encoding="utf-8")) for file in files]
    return {(icon, name) for name, text in texts for pattern in patterns for icon in re.findall(pattern, text)}


def test_named_icons_are_in_the_sprite() -> None:
    sprite = {line.strip() for line in (ROOT / "core/static/src/icons.txt").read_text(encoding="utf-8").splitlines()}
    found = named([*ROOT.glob("core/**/*.html"), *ROOT.glob("templates/**/*.html")], IN_TEMPLATES) | named([*ROOT.glob("core/**/*.py")], IN_CODE)

    assert len(found) > 60
    assert sorted(one for one in found if one[0] not in sprite) == []
