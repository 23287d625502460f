"""What people see when something is refused or fails: what happened, whose decision, the way out, and a reference."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from flask import Flask, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException

from core import work
from core.admin.views import current_actor
from core.auth.queries import roles_granting
from core.database import db
from core.errors import AppError, NotAllowed
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.rest import problems
from core.state import state

log = logging.getLogger("diwan.errors")
OUT_OF_RANGE = "22003"
"""PostgreSQL's own word for it; SQLite keeps any number of 64 bits."""
TEXTS: dict[int, tuple[Any, Any]] = {
    400: (_l("This request cannot be read"), _l("Go back and try again.")),
    403: (_l("Not allowed"), _l("Ask your manager or the administrator if this is part of your work.")),
    404: (_l("Nothing is at this address"), _l("The record may have been renumbered, or the part of Diwan it belongs to is turned off.")),
    405: (_l("This address does not work that way"), _l("Open the page and use its buttons.")),
    409: (_l("The record has changed meanwhile"), _l("Open it again and look at its present state.")),
    413: (_l("The file is too large"), _l("Split it into smaller files.")),
    422: (_l("Something in the form is not right"), _l("Correct what is named and send it again.")),
    429: (_l("Too many attempts"), _l("Wait until the time given.")),
    500: (_l("Something went wrong here"), _l("Nothing was saved. Try again; if it stays, tell the administrator the reference below.")),
    503: (_l("Diwan cannot answer just now"), _l("Nothing was saved. Try again in a minute.")),
}


def install(app: Flask) -> None:
    app.register_error_handler(AppError, explain_app_error)
    app.register_error_handler(CSRFError, explain_csrf)
    app.register_error_handler(HTTPException, explain_http)
    app.register_error_handler(DBAPIError, explain_database)
    app.register_error_handler(Exception, explain_surprise)


def explain_app_error(error: AppError) -> Any:
    """The error's own words with its status; a refusal is logged first (AUD-04)."""
    session = work.real(db.session)
    if isinstance(error, NotAllowed):
        session.info["actor"] = current_actor()
        work.denied(session, error)
    else:
        work.rollback(session)
    permission = state().permissions.get(str(error.value)) if isinstance(error, NotAllowed) else None
    if permission is None:
        return page(error.status, message=str(error), rule=error.rule, denied=isinstance(error, NotAllowed))
    message = str(error).replace(permission.name, str(permission.title))
    return page(error.status, message=message, rule=error.rule, denied=True, holders=holders_of(permission.name))


def holders_of(permission: str) -> str:
    """Who to ask: the roles that have a permission, or nothing for a reader who is not signed in."""
    if current_actor().anonymous:
        return ""
    return str(_(", ")).join(role.name.localized() for role in roles_granting(work.real(db.session), permission))


def explain_csrf(error: CSRFError) -> Any:
    return page(400, message=_("This page was open for too long or in another sign-in. Open it again and repeat the step; nothing was saved."))


def explain_http(error: HTTPException) -> Any:
    if error.code is not None and error.code < 400:
        return error
    message = error.description if error.code == 400 else None
    return page(error.code or 500, message=message)


def explain_database(error: DBAPIError) -> Any:
    """The database away, busy or without space is 503, a number that no column holds 422; anything else is a surprise."""
    if isinstance(error, OperationalError):
        log.warning("%s database unavailable: %s", g.get("reference"), error.orig)
        _roll_back()
        return page(503, message=_("The server's disk is full. Tell the administrator: as soon as there is space, work goes on.") if disk_full(error) else None)
    if getattr(error.orig, "sqlstate", None) == OUT_OF_RANGE:
        _roll_back()
        return page(422, message=_("A number in this request is larger than any that is kept."))
    return explain_surprise(error)


def disk_full(error: DBAPIError) -> bool:
    """Whether a statement failed for want of space, by the engines' own codes."""
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", None) == "53100"


def explain_surprise(error: Exception) -> Any:
    log.exception("%s unexpected error on %s %s", g.get("reference"), request.method, request.path, exc_info=error)
    _roll_back()
    return page(500)


def _roll_back() -> None:
    try:
        work.rollback(db.session)
    except Exception:
        log.exception("%s rollback failed", g.get("reference"))
        db.session.remove()


def page(status: int, *, message: str | None = None, rule: str | None = None, denied: bool = False, holders: str = "") -> Any:
    """An error page, or JSON where the caller asked for it."""
    title, way_out = TEXTS.get(status, TEXTS[500 if status >= 500 else 400])
    if request.path.startswith("/api/"):
        return problems.answer(status, message, **({"rule": rule} if rule else {}))
    if request.accept_mimetypes.best == "application/json":
        body = {"error": {"status": status, "message": message or str(title), "rule": rule, "reference": g.get("reference")}}
        return jsonify(body), status
    context = {"status": status, "title": title, "message": message, "way_out": way_out, "rule": rule, "denied": denied, "holders": holders,
               "reference": g.get("reference")}
    return render_template("error.html", **context), status
