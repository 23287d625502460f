"""What may be attached, told from the bytes and not from the name. No session, no folder."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import PurePath

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
LONGEST_NAME = 200


@dataclass(frozen=True)
class Kind:
    """A kind of file: extension, media type, and the bytes it begins with."""

    media_type: str
    extensions: tuple[str, ...]
    magic: bytes


KINDS = (
    Kind("application/pdf", ("pdf",), b"%PDF-"),
    Kind("image/png", ("png",), b"\x89PNG\r\n\x1a\n"),
    Kind("image/jpeg", ("jpg", "jpeg"), b"\xff\xd8\xff"),
)


def kind_of(name: str, content: bytes) -> Kind:
    """The kind by content, which must agree with the extension. Raises InvalidInput naming file, finding and way out."""
    extension = PurePath(name).suffix.lower().removeprefix(".")
    found = next((kind for kind in KINDS if content.startswith(kind.magic)), None)
    if found is None:
        raise InvalidInput(_l("“%(name)s” is not a PDF, PNG or JPEG file. Save it as one of these and attach it again.", name=name), field="file", value=name)
    if extension not in found.extensions:
        raise InvalidInput(_l("“%(name)s” holds %(type)s but is named otherwise. Rename it to .%(extension)s.", name=name,
                              type=found.media_type, extension=found.extensions[0]), field="file", value=name)
    return found


def clean_name(name: str) -> str:
    """The file's own name without folders and control characters; Arabic letters stay."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(ch for ch in base if ch.isprintable() and ch not in '<>:"|?*\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069').strip(" .")
    if not kept:
        raise InvalidInput(_l("The file has no usable name. Rename it and attach it again."), field="file", value=name)
    return kept[-LONGEST_NAME:]


def refuse_too_large(name: str, content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise InvalidInput(_l("“%(name)s” has %(size)s MB; at most %(most)s MB can be attached.", name=name, size=len(content) // 1_000_000,
                              most=MAX_BYTES // 1_048_576), field="file", value=name)
    if not content:
        raise InvalidInput(_l("“%(name)s” is empty.", name=name), field="file", value=name)


def check_pixels(name: str, kind: Kind, content: bytes) -> None:
    """Refuse a picture by the size that its header states, before anything decodes it."""
    size = {"image/png": png_size, "image/jpeg": jpeg_size}.get(kind.media_type)
    if size is None:
        return
    found = size(content)
    if found is None or found[0] * found[1] > MAX_PIXELS or 0 in found:
        stated = f"{found[0]}×{found[1]}" if found else "?"
        raise InvalidInput(_l("The picture “%(name)s” states a size of %(size)s; at most 40 million dots can be attached.", name=name, size=stated),
                           field="file", value=name)


def png_size(content: bytes) -> tuple[int, int] | None:
    if content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return struct.unpack(">II", content[16:24])


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    for marker, start, _end in jpeg_segments(content):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[start + 5 : start + 9])
            return width, height
    return None


def jpeg_segments(content: bytes) -> list[tuple[int, int, int]]:
    """(marker, start, end) of each segment before the picture's data; start is at the 0xFF."""
    segments, at = [], 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        length = struct.unpack(">H", content[at + 2 : at + 4])[0]
        if length < 2 or at + 2 + length > len(content):
            break
        segments.append((content[at + 1], at, at + 2 + length))
        at += 2 + length
    return segments


def without_exif(kind: Kind, content: bytes) -> bytes:
    """The picture without what a camera wrote beside it (place, device, time)."""
    if kind.media_type == "image/jpeg":
        dropped = [(start, end) for marker, start, end in jpeg_segments(content) if marker in (0xE1, 0xED, 0xFE)]
    elif kind.media_type == "image/png":
        dropped = _png_chunks(content, (b"eXIf", b"tEXt", b"iTXt", b"zTXt"))
    else:
        return content
    for start, end in reversed(dropped):
        content = content[:start] + content[end:]
    return content


def _png_chunks(content: bytes, names: tuple[bytes, ...]) -> list[tuple[int, int]]:
    found, at = [], 8
    while at + 12 <= len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        if content[at + 4 : at + 8] in names:
            found.append((at, at + 12 + length))
        at += 12 + length
    return found
