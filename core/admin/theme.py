"""The dress of every page: what templates and macros find in Jinja, the assets, and each reader's language and theme."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

from babel import Locale
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    make_response,
    redirect,
    request,
    url_for,
)
from markupsafe import Markup
from sqlalchemy import select

from core import assets, work
from core.admin import listing, printing, values
from core.admin.addresses import inside
from core.admin.language import COOKIE as LANGUAGE_COOKIE
from core.admin.printing import Due
from core.admin.views import current_actor, writing
from core.auth.actor import Actor
from core.auth.models import Role, User
from core.calendar import gregorian_text, hijri_text, period_name
from core.database import db
from core.errors import InvalidInput
from core.i18n import LANGUAGES, direction, language, ngettext, other_language
from core.i18n import lazy_gettext as _l

THEMES = ("system", "light", "dark")
FALLBACK_ICON = "puzzle"
THEME_COOKIE = "diwan_theme"
FETCH = "fetch"
"""What a page's own script says of itself when it asks for parts of a page; they are all in its content."""
YEAR_SECONDS = 365 * 24 * 3600
ICON = Markup('<svg class="dw-icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>')
NAMED_ICON = Markup('<svg class="dw-icon{}" role="img" aria-label="{}" focusable="false"><use href="{}#{}"></use></svg>')
MENU_ENTRY = Markup('<li><a href="{}"{}>{}<span>{}</span>{}</a></li>')
COUNT = Markup('<span class="dw-count">{}</span>')
MOST_DRAWN = 500
BAR_GROUPS = ("home", "customers", "complaints", "oversight", "marketing")


def install(app: Flask) -> None:
    """Register assets, the preferences page, and everything macros and shell use."""
    app.register_blueprint(assets.blueprint())
    app.register_blueprint(preferences())
    app.jinja_env.globals.update(GLOBALS)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.setdefault("menu_for", list)
    app.jinja_env.globals.setdefault("tabs_for", lambda view, always=False: [])
    app.jinja_env.finalize = values.erased_in_words
    app.context_processor(shell)


# --- what every template finds ---------------------------------------------------------------------------------------


def shell() -> dict[str, Any]:
    """What ``layout.html`` and ``bare.html`` need of the request."""
    actor = current_actor()
    return {
        "association": _association(), "person": None if actor.anonymous else actor, "person_name": person_name(actor),
        "person_role": role_words(actor), "color_theme": theme(),
        "content_only": request.headers.get("X-Requested-With") == FETCH if has_request_context() else False,
        "today": values.today(), "back": here(), "reference": g.get("reference", ""), "no_keys": bool(g.get("no_keys")),
    }


def person_name(actor: Actor) -> str:
    """The signed-in person's name in the page's language; ``Actor.label`` is the one the log keeps."""
    user = work.real(db.session).get(User, actor.user_id) if actor.user_id is not None else None
    return (user.name.localized() if user is not None else "") or actor.label


def role_words(actor: Actor) -> str:
    """Under which hat somebody acts: the titles of their roles, read once per request."""
    if "person_role" not in g:
        roles = work.real(db.session).scalars(select(Role).where(Role.slug.in_(actor.roles)).order_by(Role.id)) if actor.roles else ()
        g.person_role = " · ".join(str(role.name) for role in roles)
    return str(g.person_role)


def _association() -> Any:
    diwan = current_app.extensions.get("diwan")
    return diwan.association if diwan else None


def theme() -> str:
    """``light``, ``dark`` or ``system``: the person's setting, else the browser's cookie."""
    for candidate in (g.get("theme"), request.cookies.get(THEME_COOKIE) if has_request_context() else None):
        if candidate in THEMES:
            return str(candidate)
    return "system"


def here() -> str:
    """The address of this page inside the association, to come back to."""
    if not has_request_context():
        return "/"
    query = urlencode([(key, value) for key, value in request.args.items(multi=True) if key != "lang"])
    return f"{request.path}?{query}" if query else request.path


def link_to(endpoint: str, **values: Any) -> str:
    """The address of ``endpoint``, or empty text while nobody offers it (its plugin is off)."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


def icon(name: str, label: Any = "", *, extra: str = "", mirror: bool = False) -> Markup:
    """An icon of the sprite; decoration unless ``label`` names it. ``mirror`` turns arrows round in Arabic.

    A name that the sprite lacks (a plugin's own) is drawn as a piece of a puzzle.
    """
    name = name if name in assets.known_icons() else FALLBACK_ICON
    return _icon(name, str(label), extra, mirror, assets.asset_url("icons.svg"))


@lru_cache(maxsize=2_000)
def _icon(name: str, label: str, extra: str, mirror: bool, address: str) -> Markup:
    classes = (" dw-mirror" if mirror else "") + (f" {extra}" if extra else "")
    return NAMED_ICON.format(classes, label, address, name) if label else ICON.format(classes, address, name)


def may_be_empty(field: Any) -> bool:
    """Whether leaving a field empty is a choice: what is not required, and of selects only those with an empty choice."""
    if field.flags.required:
        return False
    choices = getattr(field, "iter_choices", None)
    return choices is None or any(not choice[0] for choice in choices())


def menu_entry(entry: Any) -> Markup:
    """A line of the side menu; the same for everybody but for what is current and what is counted, so each is made once."""
    return _menu_entry(entry.url, str(entry.label), icon(entry.icon), entry.current, entry.count or 0)


@lru_cache(maxsize=2_000)
def _menu_entry(url: str, label: str, drawn: Markup, current: bool, count: int) -> Markup:
    return MENU_ENTRY.format(url, Markup(' aria-current="page"') if current else "", drawn, label, COUNT.format(count) if count else "")


def menu_state(groups: Any) -> tuple[Any, ...]:
    """All that the drawn menu depends on beside the language."""
    return tuple((group.key, entry.url, entry.current, entry.count) for group in groups for entry in group.entries)


def drawn_once(part: str, *state: Any, caller: Callable[[], Markup]) -> Markup:
    """``{% call drawn_once('menu', state) %}``: a part of a page that is the same for the same ``state`` and assets, drawn once a process and language."""
    at = (part, language(), assets.asset_url("icons.svg"), *state)
    found = _drawn.get(at)
    if found is None:
        if len(_drawn) >= MOST_DRAWN:
            _drawn.clear()
        found = _drawn[at] = caller()
    return found


_drawn: dict[tuple[Any, ...], Markup] = {}


def bottom_bar(groups: Any) -> list[Any]:
    """The four entries of the menu that a thumb reaches on a phone: home, the person's daily work, the first of each group, then what follows."""
    by_key = {group.key: group.entries for group in groups}
    first = [by_key[key][0] for key in BAR_GROUPS if by_key.get(key)]
    rest = [entry for key in BAR_GROUPS for entry in by_key.get(key, ())[1:]]
    daily = [entry for entry in (*first, *rest) if entry.daily]
    return list({entry.url: entry for entry in (*first[:1], *daily, *first, *rest, *by_key.get("administration", ()))}.values())[:4]


def language_name(code: str) -> str:
    """What a language calls itself."""
    return str(Locale(code).get_display_name(code))


def plural_forms(singular: str, plural: str) -> dict[str, str]:
    """A counted message in each form of the language, with ``{n}`` for the number: for counts that change in the page."""
    samples = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}
    return {form: ngettext(singular, plural, n).replace(str(n), "{n}") for form, n in samples.items()}


# --- filters ---------------------------------------------------------------------------------------------------------


def due_of(step: Any) -> Due:
    """The due badge of a step run, or of anything with ``opened_at``, ``due_at`` and ``closed_at``."""
    if isinstance(step, Due):
        return step
    version = getattr(step, "step", None)
    limit = getattr(step, "duration", None) or getattr(version, "duration", None)
    closed_at = getattr(step, "closed_at", None) or getattr(step, "ended_at", None)
    return printing.due(opened_at=getattr(step, "opened_at", None), due_at=step.due_at, closed_at=closed_at, limit=limit,
                        now=work.now(), office=values.office())


def due_badge(run: Any) -> Markup | str:
    """When an open step is due, as lists show it: with its icon and words; empty of none."""
    if run is None:
        return ""
    due = due_of(run)
    time = Markup(" ") + values.ltr(due.time) if due.time else ""
    return Markup('<span class="dw-due dw-due-{}">{}<span>{}{}</span></span>').format(due.state, icon(printing.ICONS[due.state]), due.words, time)


def limit_words(limit: str | None) -> str:
    return printing.limit_words(limit, values.office().working)


GLOBALS: dict[str, Any] = {
    "values": SimpleNamespace(**values.MACROS), "asset_url": assets.asset_url, "icon": icon, "language": language, "other_language": other_language,
    "direction": direction, "link_to": link_to, "inside": inside, "bottom_bar": bottom_bar, "menu_entry": menu_entry,
    "menu_state": menu_state, "drawn_once": drawn_once,
    "may_be_empty": may_be_empty, "list_url": listing.list_url,
    "rows_of": listing.rows_of, "cell_class": listing.cell_class, "sortable": listing.sortable, "range_words": listing.range_words,
    "plural_forms": plural_forms, "themes": THEMES, "language_name": language_name, "due_icons": printing.ICONS,
}
FILTERS: dict[str, Any] = {
    "number_parts": printing.number_parts, "whole": printing.whole, "percent": printing.percent, "money_parts": printing.money_parts,
    "file_size": printing.file_size, "isolate": printing.isolate, "two_calendars": printing.two_calendars,
    "record_words": printing.record_words, "period_name": period_name,
    "gregorian": gregorian_text, "hijri": hijri_text, "day_and_month": printing.day_and_month,
    "weekday": printing.weekday, "month_heading": printing.month_heading, "near_day": values.near_words,
    "moment_parts": values.moment_parts, "clock": values.clock_words, "is_near": values.is_near, "local_day": values.local_day,
    "due": due_of, "limit_words": limit_words, "show_phone": values.phone_words, "highlight": printing.highlight,
    "differences": printing.differences, "reads_ltr": printing.reads_ltr,
    "without_number": values.without_number,
}


# --- language and theme ----------------------------------------------------------------------------------------------


def preferences() -> Blueprint:
    """``POST /preferences``: language and theme of this browser and, where somebody is signed in, of the person."""
    pages = Blueprint("preferences", __name__)
    pages.add_url_rule("/preferences", "save", save_preferences, methods=("POST",))
    return pages


def save_preferences() -> Response:
    """Keep what was chosen and come back to the same page. Raises InvalidInput for anything else."""
    chosen = {key: request.form[key] for key in ("language", "theme") if request.form.get(key)}
    for key, value in chosen.items():
        if value not in (LANGUAGES if key == "language" else THEMES):
            raise InvalidInput(_l("“%(value)s” is not one of the choices.", value=value[:40]), field=key, value=value)
    if not current_actor().anonymous:
        remember_for_person(chosen)
    response = make_response(redirect(request.script_root + safe_path(request.form.get("next", "/"))))
    for key, value in chosen.items():
        response.set_cookie(LANGUAGE_COOKIE if key == "language" else THEME_COOKIE, value, max_age=YEAR_SECONDS, path=request.script_root or "/",
                            httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def remember_for_person(chosen: dict[str, str]) -> None:
    from core.auth import services

    with writing() as session:
        services.keep_preferences(session, current_actor(), language=chosen.get("language"), theme=chosen.get("theme"))


def safe_path(raw: str) -> str:
    """A path of this association and nothing else: no other host, no scheme, no backslash."""
    try:
        parts = urlsplit(raw)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or not raw.startswith("/") or raw.startswith("//") or "\\" in raw or any(ord(char) < 32 for char in raw):
        return "/"
    return raw
