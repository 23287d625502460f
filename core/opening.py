"""Associations opened without a request: added, seeded, and entered by commands, the worker and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy.orm import Session

from core import schema, work
from core.auth import services as auth
from core.auth.actor import Actor
from core.consent import services as consent
from core.customers import fields as customer_fields
from core.database import db, make_engine
from core.errors import DiwanError
from core.finance import services as finance
from core.hosting import build_app, dispose
from core.i18n import Bilingual, use_language
from core.keys import make_keys
from core.organisation import services as organisation
from core.plugins.discovery import installed_plugins
from core.plugins.selection import select_initially
from core.procedures import services as procedures
from core.settings import SLUG, Association, Deployment, put, sqlite_url
from core.state import State


@contextmanager
def opened(association: Association, deployment: Deployment, *, actor: Actor | None = None, language: str = "en") -> Iterator[tuple[Flask, Session]]:
    """The association's app and session, reading; write through ``work.unit_of_work``. Closed at the end."""
    app = build_app(association, deployment)
    try:
        with app.app_context(), use_language(language):
            session = work.real(db.session)
            session.info["actor"] = actor
            yield app, session
    finally:
        dispose(app)


def add_association(
    deployment: Deployment, slug: str, *, name: Bilingual, preset: str | None = None, database_url: str | None = None,
    hosts: tuple[str, ...] = (), demo: bool = False,
) -> Association:
    """Make an association: folder, keys, tables, seeds, and the choice of its preset. Refuses a slug that exists."""
    if not SLUG.fullmatch(slug):
        raise DiwanError(f"'{slug}' cannot be an association's name: 2 to 40 small letters, digits or hyphens, a letter first.")
    folder = deployment.associations / slug
    if (folder / "association.toml").exists():
        raise DiwanError(f"The association '{slug}' exists already. Choose another name, or remove it first.")
    chosen = [name for name in organisation.preset_plugins(preset) if name not in absent_plugins(deployment, preset)] if preset else []
    folder.mkdir(parents=True, exist_ok=True)
    association = Association(slug, folder, name, database_url or sqlite_url(folder), hosts, demo)
    make_keys(association.keys_folder)
    upgrade_association(association, deployment)
    association.save()
    with opened(association, deployment) as (app, session), work.unit_of_work(session):
        seed(session, app.extensions["diwan"])
        if preset:
            organisation.apply_preset(session, preset)
            select_initially(session, chosen)
    return association


def absent_plugins(deployment: Deployment, preset: str) -> list[str]:
    """The plugins that a preset chooses and that are not installed here; they are passed over and can be turned on later (PLUG-08)."""
    present = {one.name for one in installed_plugins(deployment.plugin_path).installed}
    return [name for name in organisation.preset_plugins(preset) if name not in present]


def upgrade_association(association: Association, deployment: Deployment) -> schema.Upgrade:
    """Bring every owner's tables of one association to their newest revision."""
    engine = make_engine(association.database_url, pool_size=1)
    try:
        return schema.upgrade(engine, installed_plugins(deployment.plugin_path))
    finally:
        engine.dispose()


def seed(session: Session, state: State) -> None:
    """Roles, permissions, procedures and catalogues of every installed owner; a second time adds nothing (ACC-94)."""
    installed = [(one.info, one.folder) for one in state.catalogue.installed]
    organisation.seed(session)
    customer_fields.seed(session)
    finance.seed(session)
    consent.seed(session, now=work.now())
    auth.seed(session, [area.AREA for area in state.areas], [info for info, _folder in installed])
    procedures.load(session, [("core", procedures.CORE_FILE), *((info.name, folder / "procedures.json") for info, folder in installed)])


def set_settings(session: Session, values: dict[str, object]) -> None:
    for key, value in values.items():
        put(session, key, value)
