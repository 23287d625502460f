"""Which association a request is for, and its app: built on first use under one lock, kept, retired with its engine.

By host where ``association.toml`` names hosts; by the path prefix ``/<slug>/`` on loopback only, for the demo and for
trying things out. ``/healthz`` and the pages for "not migrated" and "database away" need no app.
"""

from __future__ import annotations

import gc
import ipaddress
import json
import logging
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from core import schema
from core.app import create_app
from core.assets import open_asset
from core.database import db, make_engine, retire
from core.errors import DiwanError
from core.plugins.discovery import installed_plugins
from core.plugins.selection import Selection, StaleSelection, read_selection
from core.settings import SLUG, Association, Deployment, all_associations, find_association

log = logging.getLogger("diwan.hosting")
# One lock for all building in the process: werkzeug compiles routes with ast.parse, which two threads must not do at once.
_building = threading.Lock()
PATIENCE_SECONDS = 20
"""So long a request waits for a choice of plugins that holds still, before it is asked to come again."""
YOUNG_OBJECTS = 20_000
"""So many more made than freed before the collector looks at the youngest."""
StartResponse = Callable[..., Any]
Environ = dict[str, Any]


class Hosting:
    """The WSGI application of one process."""

    def __init__(self, deployment: Deployment | None = None) -> None:
        self.deployment = deployment or Deployment.from_environment()
        self.apps: OrderedDict[str, Flask] = OrderedDict()
        self.hosts: dict[str, str] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/healthz":
            return Response("ok\n")(environ, start_response)
        if not _is_private(environ):
            return plain(403, "Diwan answers over HTTPS only, except on the machine it runs on.",
                         "يجيب ديوان عبر HTTPS فقط، إلا على الجهاز الذي يعمل عليه.")(environ, start_response)
        slug = self.resolve(environ)
        if slug is None:
            return self.overview(environ)(environ, start_response)
        return self.dispatch(slug, environ, start_response)

    def resolve(self, environ: Environ) -> str | None:
        """The association by host, else by the first part of the path on loopback (which becomes SCRIPT_NAME)."""
        host = environ.get("HTTP_HOST", "").split(":")[0].lower()
        if host not in self.hosts:
            self.hosts = {name.lower(): one.slug for one in all_associations(self.deployment) for name in one.hosts}
        if host in self.hosts:
            return self.hosts[host]
        first, _, rest = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")
        if not (_on_loopback(environ) and SLUG.fullmatch(first) and (self.deployment.associations / first / "association.toml").is_file()):
            return None
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{first}"
        environ["PATH_INFO"] = f"/{rest}"
        return first

    def dispatch(self, slug: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer through the association's app; when its selection changed meanwhile, through a new one."""
        body = read_body(environ, self.deployment.max_upload_bytes)
        if body is None:
            return plain(413, "The file is too large.", "الملف أكبر من المسموح.", environ)(environ, start_response)
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until:
                body.seek(0)
                environ["wsgi.input"] = body
                app = self.app(slug)
                try:
                    return app(environ, start_response)
                except StaleSelection:
                    self.retire(slug, app)
            return plain(503, "The choice of plugins keeps changing; try again.", "اختيار الإضافات يتغيّر؛ تُعاد المحاولة بعد قليل.",
                         environ)(environ, start_response)
        except DiwanError as error:
            return plain(503, str(error), "لا يستطيع ديوان الإجابة الآن.", environ)(environ, start_response)
        except SQLAlchemyError as error:
            log.error("database of %s unavailable: %s", slug, error)
            return plain(503, "The database cannot be reached. Nothing was saved; try again in a minute.",
                         "تعذّر الوصول إلى قاعدة البيانات. لم يُحفظ شيء؛ تُعاد المحاولة بعد دقيقة.", environ)(environ, start_response)

    def app(self, slug: str) -> Flask:
        """The association's app, built when needed; the least used is retired beyond the number kept."""
        with _building:
            app = self.apps.get(slug)
            if app is None:
                app = self.apps[slug] = build_app(find_association(self.deployment, slug), self.deployment)
                settle()
                while len(self.apps) > self.deployment.apps_kept:
                    dispose(self.apps.popitem(last=False)[1])
            self.apps.move_to_end(slug)
            return app

    def retire(self, slug: str, app: Flask) -> None:
        """Take this app out, unless another thread already did; requests in flight finish on it."""
        with _building:
            if self.apps.get(slug) is app:
                del self.apps[slug]
                dispose(app)

    def close(self) -> None:
        """Take every app out; what is in flight finishes."""
        for slug, app in list(self.apps.items()):
            self.retire(slug, app)

    def overview(self, environ: Environ) -> Response:
        """On loopback, the associations there are; anywhere else, nothing. The sheets of these pages are open."""
        asset = open_asset(str(environ.get("PATH_INFO", "")))
        if asset is not None:
            return Response(asset[0], mimetype=asset[1], headers={"Cache-Control": "public, max-age=31536000, immutable"})
        if not _on_loopback(environ) or environ.get("PATH_INFO") not in ("", "/"):
            return plain(404, "No association is served at this address.", "لا توجد جمعية على هذا العنوان.")
        associations = all_associations(self.deployment)
        if len(associations) == 1:
            return Response(status=302, headers={"Location": f"/{associations[0].slug}/"})
        from core.admin.overview import render

        return Response(render(associations), mimetype="text/html")


def build_app(association: Association, deployment: Deployment, **config: Any) -> Flask:
    """The app for the selection in the database; refuses to serve an older core schema and keeps out plugins that are behind."""
    catalogue = installed_plugins(deployment.plugin_path)
    engine = make_engine(association.database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            behind = {one.owner for one in schema.states(connection, catalogue) if one.behind}
            if "core" in behind:
                raise DiwanError(f"The database of '{association.slug}' is older than the program. Run: diwan db upgrade --association {association.slug}")
            selection = read_selection(connection)
    finally:
        engine.dispose()
    return create_app(association, selection, deployment, behind=frozenset(behind), **config)


def settle() -> None:
    """Let the collector of cycles pass over what apps are made of, and look less often: of the ten thousand objects of a page
    nearly all die by themselves, and looking through the app for the others takes a tenth of its time. What retired apps left goes."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def selection_of(association: Association) -> Selection:
    engine = make_engine(association.database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            return read_selection(connection)
    finally:
        engine.dispose()


def dispose(app: Flask) -> None:
    """Close an app's idle connections; those in use close when their request ends."""
    with app.app_context():
        retire(db.engine)


def read_body(environ: Environ, limit: int) -> Any | None:
    """The whole body in memory or a temporary file, before anything else: a slow client delays nobody's writing. None: too large."""
    body = tempfile.SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115 - lives as long as the request
    length = environ.get("CONTENT_LENGTH") or ""
    if length and (not (length.isascii() and length.isdigit()) or int(length) > limit):
        return None
    left = int(length) if length else (limit if environ.get("wsgi.input_terminated") else 0)
    stream = environ["wsgi.input"]
    while left > 0:
        chunk = stream.read(min(left, 64 * 1024))
        if not chunk:
            break
        body.write(chunk)
        left -= len(chunk)
    if not length and left == 0 and environ.get("wsgi.input_terminated") and stream.read(1):
        return None
    environ["CONTENT_LENGTH"] = str(body.tell())
    return body


def plain(status: int, english: str, arabic: str, environ: Environ | None = None) -> Response:
    """A page that needs no app; for other systems, who ask below ``/api/``, the same as a problem (RFC 9457)."""
    from core.admin.overview import render_plain

    if environ is not None and str(environ.get("PATH_INFO", "")).startswith("/api/"):
        told = {"type": "about:blank", "title": english, "status": status, "detail": f"{english} {arabic}", "reference": ""}
        return Response(json.dumps(told, ensure_ascii=False), status=status, content_type="application/problem+json")

    return Response(render_plain(english, arabic), status=status, mimetype="text/html")


def _on_loopback(environ: Environ) -> bool:
    try:
        return ipaddress.ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return not environ.get("REMOTE_ADDR")


def _is_private(environ: Environ) -> bool:
    return environ.get("wsgi.url_scheme") == "https" or _on_loopback(environ)


def make_application(deployment: Deployment | None = None) -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """The hosting behind the declared number of proxies; undeclared ones are not believed."""
    hosting = Hosting(deployment)
    if hosting.deployment.proxies == 0:
        return hosting
    n = hosting.deployment.proxies
    return ProxyFix(hosting, x_for=n, x_proto=n, x_host=n, x_prefix=0)


application = make_application()
