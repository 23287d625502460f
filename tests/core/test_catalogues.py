"""No text is left untranslated: Arabic has every message, and no Arabic stands in code or templates."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from core.catalogues import ROOT, all_missing, translated, used_texts

ARABIC = re.compile("[\u0620-\u064a]{2,}")
# Names of months and days, and pages that are shown before any language is known, are data in code.
DATA_IN_CODE = {"calendar.py", "overview.py", "hosting.py", "text.py", "demo.py", "domain.py", "exports.py", "testing.py", "scaffold.py"}


def test_arabic_has_every_message() -> None:
    assert all_missing() == {}


def arabic_of(folder: Path) -> dict[str, str]:
    found = {}
    for file in folder.rglob("messages.po"):
        found.update({str(one.id): str(one.string) for one in read_po(io.BytesIO(file.read_bytes())) if one.id and one.string})
    return found


@pytest.mark.parametrize("plugin", sorted(file.parent.name for file in (ROOT / "plugins").glob("*/plugin.py")))
def test_a_plugin_gives_no_other_words_to_texts_of_core(plugin: str) -> None:
    """All catalogues are one at run time: other words for the same English would appear on core's own pages."""
    common, own = {**arabic_of(ROOT / "core"), **arabic_of(ROOT / "templates")}, arabic_of(ROOT / "plugins" / plugin)

    assert {text: (words, common[text]) for text, words in own.items() if words not in (common.get(text), None) and text in common} == {}


@pytest.mark.parametrize("folder", ["core", "plugins", "templates"])
def test_no_arabic_stands_in_code_or_templates(folder: str) -> None:
    found = []
    for file in (ROOT / folder).rglob("*"):
        if file.suffix not in (".py", ".html", ".js") or "dist" in file.parts or file.name in DATA_IN_CODE:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("#")[0] if file.suffix == ".py" else re.sub(r"\{#.*?#\}", "", line)
            if ARABIC.search(code) and '"""' not in line:
                found.append(f"{file.relative_to(ROOT)}:{number}")

    assert found == []


def test_a_missing_translation_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("from core.i18n import gettext as _\nx = _('Never translated')\n", encoding="utf-8")

    assert used_texts(tmp_path) - translated(tmp_path) == {"Never translated"}
