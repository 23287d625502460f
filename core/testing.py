"""What a test of Diwan, or of a plugin for it, builds on: an association on each engine, and sign-ins.

An association is made once per engine and run; each test lives inside an outer transaction that is rolled back, with
SAVEPOINTs standing for the commits. Tests of several processes make their own association with ``new_association``.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import mkdtemp
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.globals import _cv_app
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.anchor import anchors_file
from core.auth.actor import Actor
from core.database import db, make_engine, section, writing
from core.hosting import build_app, dispose
from core.i18n import Bilingual
from core.keys import make_keys
from core.opening import add_association
from core.plugins.selection import Selection
from core.settings import Association, Deployment, sqlite_url

NAME = Bilingual("جمعية الاختبار", "Test Association")
NOON = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def test_deployment(home: Path, plugin_path: tuple[Path, ...] = ()) -> Deployment:  # noqa: PT028 - no test
    """A deployment below ``home`` with further plugins from ``plugin_path``."""
    return Deployment(home=home, plugin_path=plugin_path)


test_deployment.__test__ = False  # type: ignore[attr-defined]


def new_association(
    deployment: Deployment, slug: str = "test", *, postgres: str | None = None, plugins: frozenset[str] = frozenset(), preset: str | None = None,
) -> Association:
    """A fresh association with tables, seeds and the given plugins on; on PostgreSQL in a database of its own.

    Without a preset and at the real time it is a copy of one that is made once a process: with cookies of its own, but the same log so far.
    """
    if preset is None and not work.time_is_set():
        association = _copied(deployment, slug, postgres)
    else:
        url = new_database(postgres) if postgres else None
        association = add_association(deployment, slug, name=NAME, preset=preset, database_url=url)
    if plugins:
        choose_plugins(association, plugins)
    return association


def _copied(deployment: Deployment, slug: str, server: str | None) -> Association:
    pattern = _pattern(deployment.plugin_path, server)
    template = sa.make_url(pattern.database_url).database or ""
    folder = deployment.associations / slug
    make_keys(folder / "keys")
    for name in ("audit", "subjects"):
        copyfile(pattern.keys_folder / f"{name}.key", folder / "keys" / f"{name}.key")
    url = new_database(server, template=template) if server else sqlite_url(folder)
    if not server:
        copyfile(template, sa.make_url(url).database or "")
    association = Association(slug, folder, NAME, url)
    association.save()
    return association


@cache
def _pattern(plugin_path: tuple[Path, ...], server: str | None) -> Association:
    home = Path(mkdtemp(prefix="diwan-pattern-"))
    atexit.register(rmtree, home, ignore_errors=True)
    made = add_association(Deployment(home=home, plugin_path=plugin_path), "pattern", name=NAME, database_url=new_database(server) if server else None)
    if not server:
        engine = make_engine(made.database_url, pool_size=1)
        with section("test set-up"), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return made


def new_database(server: str, *, template: str | None = None) -> str:
    """Create a database on the PostgreSQL server of ``server`` (a URL), empty or as ``template``; returns the new one's URL."""
    name = f"diwan_{os.getpid()}_{next(_numbers)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        quickly = " STRATEGY file_copy" if (connection.dialect.server_version_info or ()) >= (15,) else ""
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"{quickly}' if template else ""))
    engine.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def choose_plugins(association: Association, names: frozenset[str]) -> None:
    """Write the selection row directly: the state before a test, not an act of somebody."""
    from core.plugins.selection import PluginSelection

    engine = make_engine(association.database_url, pool_size=1)
    table: Any = PluginSelection.__table__
    with section("test set-up"), writing(engine).begin() as connection:
        connection.execute(sa.delete(table))
        connection.execute(sa.insert(table).values(id=1, stamp=1, names={"on": sorted(names)}))
    engine.dispose()


class SeparateClient(FlaskClient):
    """A client whose requests have an app context and a session of their own, as on a server, also inside a test's.

    Answers are read to their end inside that context, streamed ones too.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        def answer() -> Any:
            _cv_app.set(None)  # type: ignore[arg-type]
            kwargs.setdefault("buffered", True)
            return super(SeparateClient, self).open(*args, **kwargs)

        return copy_context().run(answer)


def make_app(association: Association, deployment: Deployment, **config: Any) -> Flask:
    """The association's app as the server builds it, with TESTING on and without CSRF tokens."""
    app = build_app(association, deployment, **{"TESTING": True, "WTF_CSRF_ENABLED": False, "PROPAGATE_EXCEPTIONS": False, **config})
    app.test_client_class = SeparateClient
    return app


@contextmanager
def _anchors_kept(association: Association) -> Iterator[None]:
    file = anchors_file(association.folder)
    before = file.read_bytes() if file.is_file() else None
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        if before is not None:
            file.write_bytes(before)


@contextmanager
def rolled_back(app: Flask) -> Iterator[Session]:
    """Inside an outer transaction of the app's database that is rolled back at the end; yields the session.

    The anchors written meanwhile lie outside the database, and are taken back with it.
    """
    with app.app_context(), _anchors_kept(app.extensions["diwan"].association):
        connection = writing(db.engine).connect()
        transaction = connection.begin()
        app.extensions["diwan_connection"] = connection
        session = work.real(db.session)
        try:
            yield session
        finally:
            db.session.remove()
            app.extensions.pop("diwan_connection", None)
            transaction.rollback()
            connection.close()


def actor_with(*permissions: str, roles: frozenset[str] = frozenset(), label: str = "tester", user_id: int | None = None, **more: Any) -> Actor:
    """An actor who may do just this."""
    return Actor(user_id=user_id, label=label, permissions=frozenset(permissions), roles=roles, **more)


def close_app(app: Flask) -> None:
    dispose(app)


def sign_in(client: FlaskClient, user: Any) -> FlaskClient:
    """Sign ``user`` in as the sign-in page would, without going through it."""
    from core.auth.login import start_test_session

    start_test_session(client, user)
    return client


def selection(*names: str) -> Selection:
    return Selection(1, frozenset(names))


def python() -> str:
    """The interpreter for tests that start processes."""
    return sys.executable
