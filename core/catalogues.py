"""Which texts there are and which of them Arabic lacks: ``python -m core.catalogues`` lists what is missing, by owner."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
SKIPPED = {"__pycache__", "node_modules", "dist", "static", "translations"}


def used_texts(folder: Path, *, top_only: bool = False) -> set[str]:
    """Every message in the code and templates below ``folder``; of a counted one its singular."""

    def wanted(path: str) -> bool:
        here = Path(path)
        return here.name not in SKIPPED and not (top_only and here != folder)

    found = extract_from_dir(folder, METHODS, keywords=KEYWORDS, directory_filter=wanted)
    return {message if isinstance(message, str) else message[0] for _file, _line, message, _comments, _context in found}


def translated(folder: Path) -> set[str]:
    """Messages that the catalogue in ``folder`` translates completely, all plural forms included."""
    file = folder / "translations" / "ar" / "LC_MESSAGES" / "messages.po"
    if not file.is_file():
        return set()
    with file.open("rb") as handle:
        catalogue = read_po(handle, locale="ar")
    done = set()
    for message in catalogue:
        whole = all(message.string) if isinstance(message.string, (tuple, list)) else bool(message.string)
        if message.id and whole and "fuzzy" not in message.flags:
            done.add(message.id if isinstance(message.id, str) else message.id[0])
    return done


def owners() -> Iterator[tuple[str, Path, bool]]:
    """(name, folder, only its own files) of everything in the product that has texts."""
    yield "core", ROOT / "core", True
    yield "templates", ROOT / "templates", False
    for base in ("core", "plugins"):
        for folder in sorted((ROOT / base).iterdir()):
            if folder.is_dir() and folder.name not in SKIPPED and (folder / "__init__.py").is_file():
                yield folder.name, folder, False


def missing(folder: Path, top_only: bool, shared: set[str]) -> list[str]:
    """Messages of ``folder`` that neither its own catalogue nor a shared one translates."""
    return sorted(used_texts(folder, top_only=top_only) - translated(folder) - shared)


def all_missing() -> dict[str, list[str]]:
    """By owner, what Arabic lacks. Core's and the shell's catalogues are shared by all."""
    shared = translated(ROOT / "core") | translated(ROOT / "templates")
    return {name: gaps for name, folder, top_only in owners() if (gaps := missing(folder, top_only, shared))}


if __name__ == "__main__":
    gaps = all_missing()
    for owner, texts in gaps.items():
        for text in texts:
            print(f"{owner}\t{text}")
    sys.exit(1 if gaps else 0)
