"""Names of files: safe on every system, in Arabic, in one header (RFC 6266 and 5987)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+')
STEM_CHARACTERS = 120


def file_name(stem: str, extension: str) -> str:
    """``stem.extension`` without what any file system or shell stumbles over; Arabic stays."""
    clean = _UNSAFE.sub(" ", unicodedata.normalize("NFC", stem))
    clean = re.sub(r"\s+", "-", clean.strip()).strip(".-")[:STEM_CHARACTERS]
    return f"{clean or 'export'}.{extension}"


def content_disposition(name: str) -> str:
    """The header of a download: an ASCII name for the oldest readers, the true one in RFC 5987's form."""
    stem, dot, extension = name.rpartition(".")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "export"
    return f"attachment; filename=\"{plain}{dot}{extension}\"; filename*=UTF-8''{quote(name, safe='')}"
