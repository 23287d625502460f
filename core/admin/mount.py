"""Put what was offered in its place: Flask-Admin views, public pages, and the side menu built from them."""

from __future__ import annotations

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
    app.jinja_env.globals["menu_for"] = lambda: menu(app, state)


def public_pages(app: Flask, state: State) -> None:
    """Mount public blueprints: a plugin's under ``/p/<plugin>``, an area's where it says."""
    plugins = {one.name for one in state.active}
    for offer in state.offers.get("register_blueprints", ()):
        prefix = f"/p/{offer.owner}" if offer.owner in plugins else offer.item.url_prefix
        app.register_blueprint(offer.item, url_prefix=prefix)


@dataclass(frozen=True)
class MenuEntry:
    label: Any
    icon: str
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True)
class MenuGroup:
    key: str
    title: Any
    entries: list[MenuEntry]


def menu(app: Flask, state: State) -> list[MenuGroup]:
    """The side menu for the person of this request: no entry they may not open, no heading without entries."""
    if current_actor().anonymous:
        return []
    shown = [view for view in state.offered("register_admin_views") if view.is_visible() and view.is_accessible()]
    here = (request.endpoint or "").split(".")[0]
    groups = []
    for key, title in MENU_GROUPS:
        own = sorted((view for view in shown if view.menu_group == key), key=lambda view: view.menu_order)
        if own:
            groups.append(MenuGroup(key, title, [_entry(view, here) for view in own]))
    return groups


def _entry(view: Any, here: str) -> MenuEntry:
    count = getattr(view, "menu_count", None)
    return MenuEntry(view.menu_title, view.menu_icon, _address(view), view.endpoint == here, count() if count else None)


def _address(view: Any) -> str:
    """Where the view begins, asked of the routes once for each place that the association is served at."""
    known: dict[str, str] = vars(view).setdefault("menu_addresses", {})
    root = request.script_root
    if root not in known:
        known[root] = url_for(f"{view.endpoint}.{view._default_view}")
    return known[root]
