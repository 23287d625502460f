"""The base of every page for signed-in staff. Nothing is open unless a permission opens it.

A page reads; ``with self.writing() as session:`` begins the writing transaction, commits at its end and rolls back on any
error. An ``AppError`` that leaves a handler becomes an error page with its status; a refusal is logged as denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import quote

from flask import g, redirect, request, url_for
from flask_admin import BaseView, expose
from sqlalchemy.orm import Session
from wtforms import Form

from core import work
from core.admin.help import parts_of
from core.auth.actor import Actor, system_actor
from core.database import db
from core.errors import AppError, Conflict, InvalidInput, NotAllowed, faults
from core.i18n import lazy_gettext as _l

__all__ = ["Guarded", "PageView", "attempt", "current_actor", "expose", "needs", "show_faults", "show_refusal", "writing"]

Handler = TypeVar("Handler", bound=Callable[..., Any])


def current_actor() -> Actor:
    """Who makes this request; somebody without any permission when nobody is signed in."""
    return g.get("actor") or system_actor("public", "anonymous")


@contextmanager
def writing() -> Iterator[Session]:
    """The writing transaction of a request: committed at the end, rolled back on any error."""
    session = work.real(db.session)
    session.info["actor"] = current_actor()
    with work.unit_of_work(session) as own:
        yield own


def needs(permission: str, *, rule: str = "ORG-01") -> Callable[[Handler], Handler]:
    """A handler that asks more than its view does."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            refuse_without(permission, rule)
            return handler(self, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return cast(Handler, guarded)

    return decorate


def refuse_without(permission: str, rule: str = "ORG-01") -> None:
    if not current_actor().may(permission):
        raise NotAllowed(_l("This page needs the permission “%(name)s”, which your roles do not include.",
                            name=permission), value=permission, rule=rule)


class Guarded:
    """What makes a Flask-Admin view acceptable to core: a permission, a place in the menu, no way round either."""

    permission: ClassVar[str | None] = None
    for_everyone: ClassVar[bool] = False
    """Open to every signed-in person (own account, my day); the handlers ask further."""
    menu_title: ClassVar[Any] = None
    menu_group: ClassVar[str] = "administration"
    menu_order: ClassVar[int] = 50
    menu_icon: ClassVar[str] = "file"
    menu_beside: ClassVar[str] = ""
    """The endpoint of the view in whose menu entry this one stands too, as a tab beside it: what is about one thing has one entry."""
    daily_for: ClassVar[frozenset[str]] = frozenset()
    """Roles whose daily work this is: for them its menu entry stands in the bar of a phone before those of other groups."""
    help: ClassVar[Any] = None
    """A ``core.admin.help.Help`` or a text, shown beside the title of each of its pages; a view with a menu entry has one."""
    endpoint: str | None
    url: str | None

    @property
    def help_parts(self) -> list[tuple[Any, Any]]:
        """Heading and text of each part of the help."""
        return parts_of(self.help)

    def is_accessible(self) -> bool:
        actor = current_actor()
        if actor.anonymous:
            return False
        return self.for_everyone or (self.permission is not None and actor.may(self.permission))

    def is_visible(self) -> bool:
        return self.menu_title is not None

    def _handle_view(self, handler: str, /, **kwargs: Any) -> Any:
        # Positional-only, so that an address may have a part called "name", which Flask-Admin's own would take for the handler's.
        return None if self.is_accessible() else self.inaccessible_callback(handler, **kwargs)

    def inaccessible_callback(self, handler: str, /, **kwargs: Any) -> Any:
        if current_actor().anonymous:
            return redirect(login_address())
        if self.permission is not None:
            refuse_without(self.permission)
        raise NotAllowed(_l("This page is not open to you."), rule="ORG-01")

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own retries a TypeError with other arguments, which hides where it came from.
        return fn(self, *args, **kwargs)


def login_address() -> str:
    """Where to sign in, coming back to this page afterwards; only a page that was asked for by GET is kept."""
    target = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return f"{url_for('auth_login.index')}?next={quote(target)}"


def show_faults(form: Form, error: AppError) -> None:
    """Put each fault beside its field; one that names no field of this form goes on top."""
    for fault in faults(error):
        field = form._fields.get(fault.field or "")
        if field is not None:
            field.errors = [*field.errors, fault.message]
        else:
            form.form_errors.append(fault.message)


def show_conflict(form: Form, error: Conflict) -> None:
    """Put a conflict that names a field of this form beside it, so that nothing typed is lost; any other is raised again."""
    if error.field not in form._fields:
        raise error
    show_faults(form, error)


def show_refusal(form: Form, refused: NotAllowed) -> None:
    """Put a refusal that names a field of this form beside it, logged as any other (AUD-04), so that nothing typed is lost.

    One that names no field is for the error page: it is raised again.
    """
    if refused.field not in form._fields:
        raise refused
    session = work.real(db.session)
    session.info["actor"] = current_actor()
    work.denied(session, refused)
    show_faults(form, refused)


def attempt(form: Form, act: Callable[[], Any]) -> int | None:
    """Do what a form asks for: None when it is done, else the status with which its page is shown again.

    Faults stand beside the fields, with what was typed; a refusal that names none of them is raised.
    """
    if not form.validate():
        return InvalidInput.status
    try:
        act()
        return None
    except (InvalidInput, Conflict) as error:
        show_faults(form, error)
        return error.status
    except NotAllowed as refused:
        show_refusal(form, refused)
        return refused.status


class PageView(Guarded, BaseView):
    """A page or a group of pages. Subclasses set ``url``, ``endpoint``, ``permission`` and menu place as class attributes."""

    page_url: ClassVar[str] = "/"
    page_endpoint: ClassVar[str] = ""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("name", str(type(self).__name__))
        kwargs.setdefault("url", self.page_url)
        kwargs.setdefault("endpoint", self.page_endpoint or type(self).__name__.lower())
        super().__init__(**kwargs)

    @property
    def session(self) -> Session:
        return work.real(db.session)

    @property
    def actor(self) -> Actor:
        return current_actor()

    def now(self) -> datetime:
        return work.now()

    def writing(self) -> Any:
        return writing()

    def show_faults(self, form: Form, error: AppError) -> None:
        show_faults(form, error)

    def render(self, template: str, **context: Any) -> str:
        context.setdefault("view", self)
        return cast(str, super().render(template, **context))
