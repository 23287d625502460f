"""Put what was offered in its place: Flask-Admin views, public pages, and the side menu built from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from core.admin.views import current_actor
from core.i18n import lazy_gettext as _l
from core.state import State

MENU_GROUPS: tuple[tuple[str, Any], ...] = (
    ("home", ""),
    ("marketing", _l("Marketing")),
    ("complaints", _l("Complaints and inquiries")),
    ("customers", _l("Customers and their information")),
    ("oversight", _l("Follow-up and finance")),
    ("administration", _l("Administration")),
)


def views(app: Flask, state: State) -> None:
    """Add every offered view to an Admin of this app; the one at ``/`` is its index."""
    offered = state.offered("register_admin_views")
    home = next(view for view in offered if view.url == "/")
    admin = Admin(app, name="Diwan", url="/", endpoint="admin", index_view=home, theme=Bootstrap4Theme(base_template="layout.html"))
    for view in offered:
        if view is not home:
            admin.add_view(view)
    families = families_of(offered)
    app.jinja_env.globals.update(menu_for=lambda: menu(families), tabs_for=lambda view, always=False: tabs(families, view, always=always))


def public_pages(app: Flask, state: State) -> None:
    """Mount public blueprints: a plugin's under ``/p/<plugin>``, an area's where it says."""
    plugins = {one.name for one in state.active}
    for offer in state.offers.get("register_blueprints", ()):
        prefix = f"/p/{offer.owner}" if offer.owner in plugins else offer.item.url_prefix
        app.register_blueprint(offer.item, url_prefix=prefix)


Families = Mapping[str, Sequence[Any]]
"""Views by the endpoint whose menu entry they share."""


@dataclass(frozen=True)
class MenuEntry:
    label: Any
    icon: str
    url: str
    current: bool
    count: int | None = None
    daily: bool = False
    """Whether it is the daily work of this person's roles."""


@dataclass(frozen=True)
class MenuGroup:
    key: str
    title: Any
    entries: list[MenuEntry]


def menu(families: Families) -> list[MenuGroup]:
    """The side menu for the person of this request: no entry they may not open, no heading without entries."""
    if current_actor().anonymous:
        return []
    entries = sorted((own for family in families.values() if (own := _shown(family))), key=lambda own: own[0].menu_order)
    here = (request.endpoint or "").split(".")[0]
    groups = []
    for key, title in MENU_GROUPS:
        own = [_entry(views, here) for views in entries if views[0].menu_group == key]
        if own:
            groups.append(MenuGroup(key, title, own))
    return groups


def tabs(families: Families, view: Any, *, always: bool = False) -> list[tuple[Any, str, bool, None]]:
    """The views that share a menu entry, as tabs of the page with which each begins (``always``: of any page of ``view``)."""
    if not (always or request.endpoint == f"{view.endpoint}.{view._default_view}"):
        return []
    shown = _shown(families.get(view.menu_beside or view.endpoint, ()))
    return [(one.menu_title, _address(one), one is view, None) for one in shown] if len(shown) > 1 else []


def _shown(family: Sequence[Any]) -> list[Any]:
    """Those that this person may open from the menu; the first gives the entry its name."""
    return [view for view in family if view.is_visible() and view.is_accessible()]


def families_of(offered: Sequence[Any]) -> Families:
    """In the order in which the first of a family, its entry's own view if that may be opened, gives the entry its name."""
    found: dict[str, list[Any]] = {}
    for view in sorted(offered, key=lambda view: (bool(view.menu_beside), view.menu_order)):
        found.setdefault(view.menu_beside or view.endpoint, []).append(view)
    return found


def _entry(family: list[Any], here: str) -> MenuEntry:
    view = family[0]
    count = getattr(view, "menu_count", None)
    return MenuEntry(view.menu_title, view.menu_icon, _address(view), here in {one.endpoint for one in family}, count() if count else None,
                     bool(view.daily_for & current_actor().roles))


def _address(view: Any) -> str:
    """Where the view begins, asked of the routes once for each place that the association is served at."""
    known: dict[str, str] = vars(view).setdefault("menu_addresses", {})
    root = request.script_root
    if root not in known:
        known[root] = url_for(f"{view.endpoint}.{view._default_view}")
    return known[root]
