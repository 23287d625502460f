"""The boot sequence of one association's app: one named step a line. It asks the database nothing and migrates nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pluggy
from flask import Flask
from flask_babel import Babel
from jinja2 import BytecodeCache, ChoiceLoader, FileSystemLoader
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from core import hookspecs
from core.database import db
from core.errors import PluginError
from core.i18n import LANGUAGES, compile_catalogues, teach, translation_folders
from core.keys import load_keys
from core.plugins.discovery import Failed, Installed, installed_plugins
from core.plugins.manifest import PROJECT
from core.plugins.offers import check_offer
from core.plugins.relay import Relay
from core.plugins.selection import Selection, StaleSelection
from core.rest.offers import grantable
from core.settings import Association, Deployment
from core.state import Offer, State

ROOT = Path(__file__).resolve().parent.parent
AREAS = (
    "admin", "organisation", "auth", "audit", "procedures", "recommendations", "customers", "consent", "finance", "imports", "files", "reports", "notices",
    "jobs", "rest", "plugins",
)
REGISTER_HOOKS = (
    "register_admin_views", "register_blueprints", "register_reports", "register_importers", "register_jobs",
    "register_customer_panels", "register_dashboard_cards", "register_search", "register_api",
)


class CompiledTemplates(BytecodeCache):
    """Templates compiled once a process: the apps of all associations share them, and one that is built anew finds them again."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, Any]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self.known.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.checksum, bucket.code


class LateRule(Rule):
    """A route whose builder of addresses is compiled when the first is asked for: it was two thirds of building an app."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder
        known: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            if not known:
                known.append(compiled(append_unknown))
            return known[0](rule, **values)

        return build


class Diwan(Flask):
    """A Flask app that lets a changed selection through to the server, which dispatches the request anew."""

    url_rule_class = LateRule
    jinja_options: dict[str, Any] = {"bytecode_cache": CompiledTemplates()}

    def handle_exception(self, e: Exception) -> Any:
        if isinstance(e, StaleSelection):
            raise e
        return super().handle_exception(e)

    def handle_user_exception(self, e: Exception) -> Any:
        if isinstance(e, StaleSelection):
            raise e
        return super().handle_user_exception(e)


def create_app(
    association: Association, selection: Selection | None = None, deployment: Deployment | None = None, *,
    behind: frozenset[str] = frozenset(), **config: Any,
) -> Flask:
    """Build the app of ``association`` with the plugins of ``selection``; a plugin that fails is named and kept out.

    ``behind`` names plugins whose tables are older than their code: they are kept out until ``diwan db upgrade``.
    """
    deployment = deployment or Deployment.from_environment()
    state = new_state(association, selection or Selection(), deployment)
    app = new_app(state, config)
    connect_database(app, association)
    register_areas(state)
    register_plugins(state, behind)
    collect_offers(state)
    prepare_sessions(app, state)
    speak_languages(app, state)
    find_templates(app, state)
    guard_requests(app, state)
    sign_people_in(app, state)
    dress_pages(app, state)
    mount_views(app, state)
    mount_public_pages(app, state)
    mount_api(app, state)
    explain_errors(app, state)
    return app


def new_state(association: Association, selection: Selection, deployment: Deployment) -> State:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return State(
        association=association,
        deployment=deployment,
        selection=selection,
        catalogue=installed_plugins(deployment.plugin_path),
        areas=tuple(importlib.import_module(f"core.{name}.area") for name in AREAS),
        keys=load_keys(association.keys_folder),
        hooks=Relay(manager),
    )


def new_app(state: State, config: dict[str, Any]) -> Flask:
    app = Diwan("core", template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.from_mapping(
        SECRET_KEY=state.keys.session,
        SESSION_COOKIE_NAME=f"diwan_{state.association.slug}_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        MAX_CONTENT_LENGTH=state.deployment.max_upload_bytes,
        **config,
    )
    app.extensions["diwan"] = state
    return app


def connect_database(app: Flask, association: Association) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = association.database_url
    db.init_app(app)


def register_areas(state: State) -> None:
    for area in state.areas:
        state.hooks.manager.register(area, name=area.AREA.name)


def register_plugins(state: State, behind: frozenset[str]) -> None:
    """Register the selected plugins that are installed; the rest of the selection is reported as failed."""
    state.failed = list(state.catalogue.failed)
    for plugin in state.catalogue.installed:
        if plugin.name in behind:
            state.failed.append(Failed(plugin.name, "its tables are older than its code.", f"Run: diwan db upgrade --association {state.association.slug}"))
        elif plugin.name in state.selection.names and set(plugin.info.depends) <= {one.name for one in state.active}:
            state.hooks.manager.register(plugin.module, name=plugin.name)
            state.active.append(plugin)
    known = {one.name for one in state.catalogue.installed} | {one.name for one in state.failed}
    for name in sorted(state.selection.names - known):
        state.failed.append(Failed(name, "it is chosen but not installed.", f"Install '{name}', or turn it off; its data stays."))


def collect_offers(state: State) -> None:
    """Ask everybody for everything before anything is installed, so that a failing plugin leaves no half behind."""
    for area in state.areas:
        _take(state, _offers_of(state, area.AREA.name, area))
    for plugin in list(state.active):
        try:
            _take(state, _offers_of(state, plugin.name, plugin.module))
        except PluginError as error:
            _keep_out(state, plugin, error)


def _offers_of(state: State, owner: str, module: Any) -> list[tuple[str, Offer]]:
    collected = []
    for hook in REGISTER_HOOKS:
        implementation = getattr(module, hook, None)
        if implementation is None:
            continue
        try:
            items = list(implementation() or ())
        except Exception as exc:
            raise PluginError(owner, f"{hook} raised {type(exc).__name__}: {exc}.", "Mend it and restart.") from exc
        for item in items:
            check_offer(state, owner, hook, item)
            collected.append((hook, Offer(owner, item)))
    return collected


def _take(state: State, offers: list[tuple[str, Offer]]) -> None:
    for hook, offer in offers:
        state.offers.setdefault(hook, []).append(offer)


def _keep_out(state: State, plugin: Installed, error: PluginError) -> None:
    state.hooks.manager.unregister(name=plugin.name)
    state.active.remove(plugin)
    state.failed.append(Failed.of(error))


def prepare_sessions(app: Flask, state: State) -> None:
    """What services find in ``session.info``: hooks, settings, keys and the association, without Flask."""
    app.extensions["diwan_session"] = {
        "hooks": state.hooks, "settings": state.settings, "keys": state.keys, "association": state.association,
        "decisions": state.decisions, "permissions": state.permissions,
        "grantable": grantable(state.offered("register_api"), state.offered("register_reports")),
        "versions": {one.name: one.info.version for one in state.active},
    }


def speak_languages(app: Flask, state: State) -> None:
    from core.admin.language import choose_language

    folders = translation_folders([ROOT / "core", ROOT / "templates", *(one.folder for one in state.catalogue.installed)])
    compile_catalogues(folders)
    app.config.update(BABEL_TRANSLATION_DIRECTORIES=";".join(folders), BABEL_DEFAULT_LOCALE="ar", LANGUAGES=LANGUAGES)
    Babel(app, locale_selector=choose_language)
    teach(app.jinja_env)


def find_templates(app: Flask, state: State) -> None:
    """The shared shell first, then each area's and active plugin's own folder."""
    folders = [ROOT / "templates", *sorted((ROOT / "core").glob("*/templates")), *(one.folder / "templates" for one in state.active)]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(str(folder)) for folder in folders if folder.is_dir()])


def guard_requests(app: Flask, state: State) -> None:
    from core.admin import requests

    requests.install(app)


def sign_people_in(app: Flask, state: State) -> None:
    from core.auth import login

    login.install(app)


def dress_pages(app: Flask, state: State) -> None:
    from core.admin import theme

    theme.install(app)


def mount_views(app: Flask, state: State) -> None:
    from core.admin import mount

    mount.views(app, state)


def mount_public_pages(app: Flask, state: State) -> None:
    from core.admin import mount

    mount.public_pages(app, state)


def mount_api(app: Flask, state: State) -> None:
    from core.rest import edge

    edge.mount(app, state)


def explain_errors(app: Flask, state: State) -> None:
    from core.admin import errors

    errors.install(app)
