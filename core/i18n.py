"""Languages: the gettext functions every area imports, and labels that are data.

Catalogues lie beside the area or plugin that owns the words (``<area>/translations``); ``translation_folders``
collects them, own wording last so that it wins over the libraries' bundled one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import g
from flask_babel import force_locale, get_locale, get_translations, speaklater
from jinja2 import Environment
from markupsafe import Markup, escape

__all__ = [
    "LANGUAGES", "Bilingual", "LazyString", "compile_catalogues", "direction", "gettext", "in_both", "language", "lazy_gettext",
    "lazy_ngettext", "ngettext", "other_language", "pgettext", "teach", "translation_folders", "use_language",
]

LANGUAGES = ("ar", "en")
# The order of the six forms in every catalogue: zero, one, two, few (3-10), many (11-99), other. Merged catalogues share one rule.
PLURAL_RULE = "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)"
CATALOGUE = Path("ar") / "LC_MESSAGES" / "messages.po"
_outside: ContextVar[str] = ContextVar("language outside any app", default="ar")


def gettext(text: str, /, **values: Any) -> str:
    """``text`` in the language of now, with ``%(name)s`` replaced by ``values``."""
    return _filled(_words().gettext(text), values)


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """The form of a counted message that the language asks for, with ``%(num)s`` and ``values`` replaced."""
    return _filled(_words().ngettext(one, many, num), {"num": num, **values})


def pgettext(context: str, text: str, /, **values: Any) -> str:
    """As ``gettext``, for a word that means something else elsewhere."""
    return _filled(_words().pgettext(context, text), values)


class LazyString(speaklater.LazyString):  # type: ignore[misc]
    """A text found when it is shown. On a page it is text like any other: what somebody typed stands in refusals, and the
    base class would put it there as markup."""

    def __html__(self) -> str:
        return escape(self._func(*self._args, **self._kwargs))


def lazy_gettext(text: str, /, **values: Any) -> LazyString:
    """As ``gettext``, in the language of the moment in which it is written: for labels made before any request."""
    return LazyString(gettext, text, **values)


def lazy_ngettext(one: str, many: str, num: int, /, **values: Any) -> LazyString:
    return LazyString(ngettext, one, many, num, **values)


def teach(templates: Environment) -> None:
    """Let templates speak: ``_('…')`` and ``{% trans %}`` use the same catalogues; the values put in are escaped.

    ``_`` is not Jinja's own, which looks its function up in the context for each text: a page has a hundred.
    """
    templates.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: _words().gettext(text), lambda one, many, num: _words().ngettext(one, many, num), newstyle=True,
        pgettext=lambda context, text: _words().pgettext(context, text),
    )
    templates.globals["_"] = _on_page


def _on_page(text: str, /, **values: Any) -> Markup:
    found = Markup(_words().gettext(text))
    return found % values if values or "%" in found else found


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return text % values if values else text


def _words() -> Any:
    """The catalogue of the language of now, looked up once a request and change of language: a page has hundreds of texts."""
    here = _here()
    locale = _locale(here)
    known = getattr(here, "words", None)
    if locale is not None and known is not None and known[0] is locale:
        return known[1]
    found = get_translations()
    if locale is not None:
        g.words = locale, found
    return found


def _here() -> Any:
    """What ``g`` stands for now, to be asked several times; None outside any app."""
    try:
        return g._get_current_object()
    except RuntimeError:
        return None


def _locale(here: Any) -> Locale | None:
    found: Locale | None = getattr(getattr(here, "_flask_babel", None), "babel_locale", None)
    return found or get_locale()


def language() -> str:
    """The language of what is being written now: ``ar`` or ``en``; outside any app what ``use_language`` said, else ``ar``."""
    locale = _locale(_here())
    return _outside.get() if locale is None else "en" if locale.language == "en" else "ar"


def other_language() -> str:
    return "en" if language() == "ar" else "ar"


def direction() -> str:
    return "rtl" if language() == "ar" else "ltr"


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Write in ``code`` inside the block: a mail in its receiver's language, a file in its reader's."""
    token = _outside.set(code)
    try:
        with force_locale(code):
            yield
    finally:
        _outside.reset(token)


def in_both(text: Any) -> dict[str, str]:
    """What ``text`` says in each language, by its code: for what is kept and read later, by whomever."""
    found = {}
    for code in LANGUAGES:
        with use_language(code):
            found[code] = str(text)
    return found


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
