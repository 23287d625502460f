"""What every request passes before any work: a readable body, a CSRF token on every change, headers on every answer."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, Map

from core.database import db
from core.i18n import lazy_gettext as _l
from core.work import real

csrf = CSRFProtect()
SHORT_ENOUGH = 8_000
LARGEST_KEY = 2**31 - 1
"""The largest id of a table; the entries of the log go further, and their address says so."""


class BoundedInteger(IntegerConverter):
    """``<int:…>`` in addresses: a number that no database column holds is no record, and not an error of ours.

    Digits are 0–9: an id has one writing.
    """

    regex = "[0-9]+"

    def __init__(self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int | None = None, signed: bool = False) -> None:
        super().__init__(map, fixed_digits, min, LARGEST_KEY if max is None else max, signed)


def install(app: Flask) -> None:
    """Register the checks; they run in this order."""
    app.url_map.converters["int"] = BoundedInteger
    app.before_request(name_request)
    app.before_request(check_encoding)
    csrf.init_app(app)
    app.after_request(add_headers)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def name_request() -> None:
    """Give the request a reference that log lines, audit entries and the error page share."""
    g.reference = secrets.token_hex(4).upper()
    g.csp_nonce = secrets.token_urlsafe(12)
    real(db.session).info["request"] = g.reference


def csp_nonce() -> str:
    return str(g.get("csp_nonce", ""))


def check_encoding() -> None:
    """Refuse text that is not valid UTF-8, and NUL, in address, query and form: nothing is repaired silently."""
    _check_bytes(unquote_to_bytes(request.environ.get("QUERY_STRING", "").replace("+", " ")))
    _check_bytes(request.environ.get("PATH_INFO", "").encode("latin-1", "replace"))
    if request.mimetype == "application/x-www-form-urlencoded":
        _check_bytes(unquote_to_bytes(request.get_data(cache=True).replace(b"+", b" ")))
    elif request.mimetype == "multipart/form-data":
        _check_texts([*_names(), *(value for values in request.form.listvalues() for value in values)])
    elif request.is_json:
        _check_bytes(request.get_data(cache=True))


def _names() -> list[str]:
    """Names of fields and of files; a part without a name is no form of ours."""
    fields = [*request.form.keys(), *request.files.keys()]
    if None in fields:
        raise BadRequest(str(_l("What was sent is no form. Nothing was saved; open the page again and use its buttons.")))
    return [*fields, *(upload.filename or "" for uploads in request.files.listvalues() for upload in uploads)]


def _check_bytes(raw: bytes) -> None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(str(_l("What was sent is not valid UTF-8 text. Nothing was saved; type it again or convert the file."))) from None
    _check_texts([text])


def _check_texts(texts: list[str]) -> None:
    if any("\x00" in text or re.search("[\ud800-\udfff\ufffd]", text) for text in texts):
        raise BadRequest(str(_l("What was sent holds a character that no text may hold (NUL or a broken one). Nothing was saved; type it again.")))


def add_headers(response: Response) -> Response:
    """Strict CSP with a nonce; nothing framed, sniffed, cached or told to others."""
    nonce = csp_nonce()
    policy: dict[str, str] = {
        "default-src": "'self'", "script-src": f"'self' 'nonce-{nonce}'", "style-src": f"'self' 'nonce-{nonce}'", "img-src": "'self' data:",
        "font-src": "'self'", "connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'", "object-src": "'none'",
    }
    response.headers.setdefault("Content-Security-Policy", "; ".join(f"{key} {value}" for key, value in policy.items()))
    response.headers["X-Reference"] = str(g.get("reference", ""))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def page_number(name: str, default: int, largest: int) -> int:
    """A small whole number from the query; anything else is a clear 400, never a server error."""
    raw: Any = request.args.get(name, str(default))
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 9 and int(raw) <= largest):
        raise BadRequest(str(_l("“%(value)s” is not a number from 0 to %(largest)s for “%(name)s”.", value=raw[:40], largest=largest, name=name)))
    return int(raw)
