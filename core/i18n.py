"""Languages: the gettext functions every area imports, and labels that are data.

Catalogues lie beside the area or plugin that owns the words (``<area>/translations``); ``translation_folders``
collects them, own wording last so that it wins over the libraries' bundled one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask_babel import force_locale, get_locale, gettext, lazy_gettext, lazy_ngettext, ngettext, pgettext

__all__ = [
    "LANGUAGES", "Bilingual", "compile_catalogues", "direction", "gettext", "language", "lazy_gettext",
    "lazy_ngettext", "ngettext", "other_language", "pgettext", "translation_folders", "use_language",
]

LANGUAGES = ("ar", "en")
# The order of the six forms in every catalogue: zero, one, two, few (3-10), many (11-99), other. Merged catalogues share one rule.
PLURAL_RULE = "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)"
CATALOGUE = Path("ar") / "LC_MESSAGES" / "messages.po"


def language() -> str:
    """The language of what is being written now: ``ar`` or ``en``; ``ar`` outside any request or job."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "ar"


def other_language() -> str:
    return "en" if language() == "ar" else "ar"


def direction() -> str:
    return "rtl" if language() == "ar" else "ltr"


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Write in ``code`` inside the block: a mail in its receiver's language, a file in its reader's."""
    with force_locale(code):
        yield


@dataclass(frozen=True)
class Bilingual:
    """A label that is data (a role, a class, a step): both languages are stored, the reader's is shown."""

    ar: str
    en: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Bilingual:
        """From ``{"ar": …, "en": …}`` as the catalogues write it; a missing one falls back to the other."""
        ar, en = value.get("ar") or "", value.get("en") or ""
        return cls(ar or en, en or ar)

    def localized(self) -> str:
        return self.en if language() == "en" else self.ar

    def __str__(self) -> str:
        return self.localized()


def translation_folders(roots: list[Path]) -> list[str]:
    """Folders of catalogues under ``roots`` (the core package, each plugin's folder), in a stable order."""
    found = {folder for root in roots for folder in root.rglob("translations") if (folder / CATALOGUE).is_file()}
    return [str(folder) for folder in sorted(found)]


def compile_catalogues(folders: list[str]) -> int:
    """Compile each ``messages.po`` whose ``.mo`` is absent or older; returns how many were written.

    An unwritable folder is no error: set-up compiles before the process that may not write runs.
    """
    written = 0
    for folder in folders:
        source = Path(folder) / CATALOGUE
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as handle:
            catalogue = read_po(handle, locale="ar")
        catalogue._num_plurals, catalogue._plural_expr = 6, PLURAL_RULE  # type: ignore[assignment]
        temporary = target.with_suffix(f".{id(catalogue)}.tmp")
        with temporary.open("wb") as out:
            write_mo(out, catalogue)
        temporary.replace(target)
        written += 1
    return written
