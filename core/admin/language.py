"""Which language a page is written in: the person's own, else the browser's cookie, else the association's."""

from __future__ import annotations

from flask import g, has_request_context, request

from core.i18n import LANGUAGES

COOKIE = "diwan_language"


def choose_language() -> str:
    """``ar`` or ``en``. ``g.language`` is set by sign-in from the person's setting and the association's default."""
    if not has_request_context():
        return "ar"
    asked = request.args.get("lang", "")
    for candidate in (asked, g.get("language"), request.cookies.get(COOKIE), g.get("default_language")):
        if candidate in LANGUAGES:
            return str(candidate)
    return "ar"
