"""What core accepts of what is offered: a wrong class or a name that is not the owner's keeps the plugin out."""

from __future__ import annotations

from typing import Any

from core.errors import PluginError
from core.state import State


def check_offer(state: State, owner: str, hook: str, item: Any) -> None:
    """Raise PluginError naming what is wrong with one offered item."""
    check = {"register_admin_views": _check_view, "register_blueprints": _check_blueprint, "register_api": _check_resource}.get(hook, _check_name)
    check(state, owner, hook, item)


def _check_view(state: State, owner: str, hook: str, view: Any) -> None:
    from core.admin.views import Guarded

    if not isinstance(view, Guarded):
        raise PluginError(owner, f"{hook} returned {type(view).__name__}, which core cannot protect.", "Subclass PageView or RecordView of core.admin.")
    if view.permission is None and not view.for_everyone:
        raise PluginError(owner, f"the view {type(view).__name__} names no permission.", "Set permission = '<owner>.<verb>'.")
    endpoints = {offer.item.endpoint for offer in state.offers.get(hook, ())}
    if view.endpoint in endpoints:
        raise PluginError(owner, f"the endpoint '{view.endpoint}' is taken.", f"Begin its endpoints with '{owner}_'.")
    plugin = any(one.name == owner for one in state.active)
    if plugin and not (view.endpoint or "").startswith(owner):
        raise PluginError(owner, f"the endpoint '{view.endpoint}' does not begin with '{owner}'.", "Rename it.")
    if plugin and not (view.url or "").startswith(f"/{owner}"):
        raise PluginError(owner, f"the address '{view.url}' does not begin with '/{owner}'.", "Change it.")


def _check_blueprint(state: State, owner: str, hook: str, blueprint: Any) -> None:
    if blueprint.name != owner:
        raise PluginError(owner, f"its public blueprint is called '{blueprint.name}'.", f"Call it '{owner}'.")


def _check_resource(state: State, owner: str, hook: str, resource: Any) -> None:
    _check_name(state, owner, hook, resource)
    if resource.method not in ("GET", "POST") or not resource.path.startswith("/"):
        raise PluginError(owner, f"{hook} offered '{resource.method} {resource.path}'.", "Offer GET or POST at a path that begins with a slash.")
    if resource.answer is None and not resource.files:
        raise PluginError(owner, f"the resource '{resource.name}' says nothing of its answer.", "Give it answer= (a JSON Schema) or files=.")
    taken = {(offer.item.method, _shape(offer.item.path)) for offer in state.offers.get(hook, ())}
    if (resource.method, _shape(resource.path)) in taken or resource.path == "/openapi.json":
        raise PluginError(owner, f"the address '{resource.method} {resource.path}' is taken.", "Choose another path.")


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def _check_name(state: State, owner: str, hook: str, item: Any) -> None:
    name = str(getattr(item, "name", ""))
    plugin = any(one.name == owner for one in state.active)
    if plugin and name != owner and not name.startswith(f"{owner}."):
        raise PluginError(owner, f"{hook} offered '{name}', which does not begin with '{owner}.'.", "Rename it.")
    if any(offer.item.name == name for offer in state.offers.get(hook, ())):
        raise PluginError(owner, f"{hook} offered '{name}', which somebody else offers already.", "Rename it.")
