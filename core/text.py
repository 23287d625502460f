"""Arabic folding, digits, bidi: no other file knows about them.

What people wrote is kept as it is; a folded key beside it is what searching and comparing use.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l

_DIGITS = {ord(digit): str(value) for start in ("٠", "۰") for value, digit in enumerate(chr(ord(start) + n) for n in range(10))}
_LETTERS = str.maketrans({
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ھ": "ه",
    "ک": "ك", "ڪ": "ك",
})
_DROPPED = re.compile("[ـ\u0610-\u061a\u064b-\u065f\u0670\u061c\u06d6-\u06ed\u08d3-\u08ff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACES = re.compile(r"\s+")
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_REFUSED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_JOINED_PICTURES = re.compile("(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")
_COMMON = re.compile("[ -~\u060c\u061b\u061f\u0621-\u064a\u0660-\u0669]*")
"""Texts of Latin and Arabic letters, digits and signs only, as nearly all are: each is seen, and normalised as it stands."""
_COMMON_FOLDED = {**_DIGITS, **_LETTERS, ord("\u0640"): None}
LONGEST = 20_000
LARGEST_ID = 2**31 - 1


def fold(text: str) -> str:
    """The key under which ``text`` is found: forms of alef, ya, ta marbuta and hamza seats alike, marks and tatweel gone.

    Digits become 0–9, Latin letters small, spaces single. ``fold("أَحمـد") == fold("احمد")``.
    """
    if _COMMON.fullmatch(text):
        return " ".join(text.translate(_COMMON_FOLDED).casefold().split())
    text = unicodedata.normalize("NFKC", text).translate(_DIGITS)
    text = _DROPPED.sub("", text).translate(_LETTERS).casefold()
    return _SPACES.sub(" ", text).strip()


def name_key(text: str) -> str:
    """The key by which two names are taken for one: folded, without spaces (عبد الله is عبدالله) and punctuation."""
    return re.sub(r"[^\w]", "", fold(text))


def normalise_digits(text: str) -> str:
    """Arabic-Indic and Persian digits as 0–9; other writings of digits stay, and are refused where digits are needed."""
    return text.translate(_DIGITS)


def digits(text: str) -> str:
    """The digits of ``text`` as 0–9, nothing else."""
    return "".join(ch for ch in normalise_digits(text) if "0" <= ch <= "9")


def row_id(given: Any) -> int | None:
    """The id that a choice or an address names: digits 0–9 up to what a table counts; None for anything else."""
    text = str(given or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST_ID else None


def plain_text(text: str) -> str:
    """``text`` without the isolates that pages need: for files, where they would be letters."""
    return re.sub(f"[{LRI}{RLI}{FSI}{PDI}]", "", text)


def without_marks(text: str | None) -> str | None:
    """A number, code or address as it was meant: direction marks come along when it is copied from a page or a contact."""
    return _DIRECTION_MARKS.sub("", text).strip() if text else text


def isolate(text: str, direction: str = "ltr") -> str:
    """``text`` in a directional isolate, for places that cannot hold ``<bdi>``: titles, options, subjects, messages."""
    return f"{LRI if direction == 'ltr' else RLI if direction == 'rtl' else FSI}{text}{PDI}"


def check_plain(text: str, *, field: str | None = None, multiline: bool = False, longest: int = LONGEST) -> str:
    """``text`` in NFC, if it holds only what a person can see; otherwise InvalidInput naming the character.

    Refused: NUL and other controls, lone surrogates, unassigned and private characters, bidi marks, overrides and isolates,
    joiners, fillers and other invisible characters, more than ``longest`` characters. Line breaks pass where ``multiline``,
    and the joiner that makes one picture of two: a family is written so.
    """
    if len(text) > longest:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=longest, found=len(text)), field=field, value=text[:40])
    if _COMMON.fullmatch(text):
        return text
    if multiline:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    seen = _JOINED_PICTURES.sub(" ", text) if "\u200d" in text else text
    for at, ch in enumerate(seen):
        if ch in "\n\t" and multiline:
            continue
        if (unicodedata.category(ch) in _REFUSED and ch not in _VISIBLE_FORMAT) or ch in _BLANK_LETTERS:
            raise InvalidInput(_l("The character U+%(code)s at place %(at)s cannot be seen and may not stand in a text. Remove it, or type the text again.",
                                  code=f"{ord(ch):04X}", at=at + 1), field=field, value=text[:40].encode("unicode_escape").decode())
    return unicodedata.normalize("NFC", text)


def clean(
    text: str | None, field: str, *, multiline: bool = False, longest: int = LONGEST, missing: Any = None, rule: str | None = None,
) -> str:
    """What somebody typed, as it is stored: ``check_plain``, without blanks around it. ``missing`` refuses an empty one in these words."""
    found = check_plain(text or "", field=field, multiline=multiline, longest=longest).strip()
    if not found and missing is not None:
        raise InvalidInput(missing, field=field, value="", rule=rule)
    return found


def highlight(text: str, term: str) -> list[tuple[str, bool]]:
    """``text`` cut into (piece, found) so that every spelling that folds to a word of ``term`` is marked."""
    folded, places = _folded_with_places(text)
    pieces: list[tuple[str, bool]] = []
    done = 0
    for start, end in _joined([(places[at], places[end] if end < len(places) else len(text)) for at, end in _spans(folded, _folded_words(term))]):
        if done < start:
            pieces.append((text[done:start], False))
        pieces.append((text[start:end], True))
        done = end
    return [*pieces, (text[done:], False)] if done < len(text) else pieces


def _spans(text: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """From where to where each of ``words`` stands in ``text``."""
    for word in words:
        at = text.find(word)
        while at >= 0:
            yield at, at + len(word)
            at = text.find(word, at + len(word))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap as one, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start < end:
            joined.append((start, end))
    return joined


@lru_cache(maxsize=256)
def _folded_words(term: str) -> tuple[str, ...]:
    return tuple(fold(term).split())


class _Letters(dict[int, str]):
    """What each letter folds to, found once; ``odd`` are those that fold to none or to several."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: set[str] = set()

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        key = self[code] = " " if letter.isspace() else fold(letter)
        if len(key) != 1:
            self.odd.add(letter)
        return key


_FOLDED = _Letters()


def _folded_with_places(text: str) -> tuple[str, Sequence[int]]:
    folded = text.translate(_FOLDED)
    if _FOLDED.odd.isdisjoint(text):
        return folded, range(len(text))
    return folded, [index for index, letter in enumerate(text) for _part in _FOLDED[ord(letter)]]


_SPELLINGS = (("ا", "أ"), ("ا", "إ"), ("ا", "آ"), ("ه", "ة"), ("ي", "ى"))


LIKE_ESCAPE = "|"
_CHANGING = frozenset("ايوهك")


def loosely(text: str, *, escaped: bool = False) -> str:
    """A LIKE pattern (escape ``|``) that finds ``text`` in the spellings that ``fold`` makes alike, marks and tatweel apart.

    With ``escaped`` in JSON text that is written with ASCII only. It finds too much rather than too little: fold and compare what it finds.
    """
    pattern = []
    for letter in fold(text):
        if letter == " ":
            pattern.append("%")
        elif letter in _CHANGING:
            pattern.append("______" if escaped else "_")
        else:
            written = json.dumps(letter)[1:-1] if escaped else letter
            pattern.append(re.sub(r"([|%_])", r"|\1", written))
    return f"%{''.join(pattern)}%"


def spellings(term: str, limit: int = 3) -> Sequence[str]:
    """A few spellings that a search for ``term`` includes, so that people learn to trust it; empty when there is but one."""
    folded = fold(term)
    found = [folded]
    for plain, other in _SPELLINGS:
        for at in [match.start() for match in re.finditer(plain, folded)]:
            ends_word = at + 1 == len(folded) or folded[at + 1] == " "
            begins_word = at == 0 or folded[at - 1] == " "
            if (plain == "ا" and begins_word) or (plain in "هي" and ends_word):
                found.append(folded[:at] + other + folded[at + 1 :])
    return list(dict.fromkeys(found))[:limit] if len(found) > 1 else []
