"""The formula guard: a text cell that a spreadsheet would run gets a leading apostrophe (reliability: exports).

Dangerous is what begins with ``= + - @``, TAB, CR, LF or NUL, in ordinary, full-width or small form, also behind spaces,
zero-width or direction marks, a byte order mark or apostrophes. A plain number in a text cell (``-1234.50``) is spared;
a leading plus is not: ``+966550000001`` would be shown as 9.66551E+11. ``unguard`` gives back exactly what was guarded,
so importing our own file changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_IGNORED = r"\s'\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
_TRIGGERS = r"=+\-@\x00\u207a\u207b\u208a\u208b\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
_DANGEROUS = re.compile(rf"[{_IGNORED}]*[{_TRIGGERS}]|[{_IGNORED}]*[\t\r\n]")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
# Nearly every cell is cleared by its first character, which costs a third of a match.
_SUSPICIOUS = frozenset(re.findall(rf"[{_IGNORED}{_TRIGGERS}]", "".join(map(chr, range(0xD800))) + "".join(map(chr, range(0xE000, 0x10000)))))


def is_dangerous(text: str) -> bool:
    """Whether a spreadsheet could take ``text`` for a formula."""
    return _DANGEROUS.match(text) is not None and _NUMBER.fullmatch(text) is None


def guard(text: str) -> str:
    return f"'{text}" if is_dangerous(text) else text


def unguard(text: str) -> str:
    """Take off the apostrophe that ``guard`` put on; anything else stays as it is."""
    return text[1:] if text[:1] == "'" and is_dangerous(text[1:]) else text


def guard_all(texts: Sequence[str]) -> Sequence[str]:
    """``guard`` for a whole column; a clean column is returned as it is."""
    if _SUSPICIOUS.isdisjoint({text[:1] for text in texts}):
        return texts
    return [guard(text) for text in texts]
