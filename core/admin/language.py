"""Which language a page is written in: the person's own, else the browser's cookie, else the association's."""

from __future__ import annotations

from flask import g, has_request_context, request

from core.i18n import LANGUAGES

COOKIE = "diwan_language"
API = "/api/"
"""Other systems say it by Accept-Language, and nothing of what pages know."""


def choose_language() -> str:
    """``ar`` or ``en``. ``g.language`` is set by sign-in from the person's setting and the association's default."""
    if not has_request_context():
        return "ar"
    if request.path.startswith(API):
        preferred = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
        return next((tag for tag in preferred if tag in LANGUAGES), str(g.get("default_language") or "ar"))
    asked = request.args.get("lang", "")
    for candidate in (asked, g.get("language"), request.cookies.get(COOKIE), g.get("default_language")):
        if candidate in LANGUAGES:
            return str(candidate)
    return "ar"
