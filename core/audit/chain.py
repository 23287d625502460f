"""The chain of the audit log, over plain values: canonical forms and the codes that close them.

Each entry has a code (HMAC-SHA256) over all its columns; each transaction ends with a block row whose code covers the
codes of its entries and the block before. All are keyed with ``audit.key``, which lies outside the database, so whoever
has only the database can neither change a row nor rebuild the chain (reliability 2.4, 2.5). The first field of every
canonical form is the version of that form; the order of entries is the block's sequence, never the clock.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

VERSION = 1
GENESIS = "0" * 64

EVENT_FIELDS = (
    "id", "batch", "position", "at", "offset_minutes", "action", "actor_id", "actor_label", "on_behalf_of_id", "on_behalf_of_label",
    "source", "plugin", "plugin_version", "record_type", "record_id", "record_label", "form_number", "subject_id", "changes", "sealed",
    "data", "reason", "rule", "request", "address",
)
BLOCK_FIELDS = ("seq", "batch", "count", "entries", "at", "digest", "previous")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def moment(at: datetime) -> str:
    """A moment in UTC to the microsecond, the same on both engines."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")[:26]


def event_code(key: bytes, event: Mapping[str, Any]) -> str:
    """The code of one entry, over the whole row but the code itself."""
    return _code(key, "event", event, EVENT_FIELDS)


def event_codes(key: bytes, shared: Mapping[str, Any], own: Mapping[str, Sequence[Any]]) -> list[str]:
    """What ``event_code`` would make of many entries: ``shared`` fields are alike in all, of the fields in ``own`` each has its value."""
    parts, columns = [_encode(VERSION), _encode("event")], []
    for name in EVENT_FIELDS:
        if name in own:
            parts.append("%s")
            columns.append(["null" if value is None else encode_basestring(value) if value.__class__ is str else _encode(value) for value in own[name]])
        else:
            value = moment(shared[name]) if name == "at" else shared[name]
            parts.append(_encode(value).replace("%", "%%"))
    form = f"[{','.join(parts)}]"
    return [_mac(key, form % row) for row in zip(*columns, strict=True)]


def block_code(key: bytes, block: Mapping[str, Any]) -> str:
    """The code of one block row; ``previous`` is the code of the block before, or ``GENESIS``."""
    return _code(key, "block", block, BLOCK_FIELDS)


def digest(codes: Iterable[str]) -> str:
    """What a block holds of its entries: SHA-256 over their codes in order of position."""
    return hashlib.sha256("".join(codes).encode("ascii")).hexdigest()


def _code(key: bytes, kind: str, row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    values = [row[name] for name in names]
    place = names.index("at")
    values[place] = moment(values[place])
    return _mac(key, _encode([VERSION, kind, *values]))


def _mac(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()
