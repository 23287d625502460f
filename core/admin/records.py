"""Lists, details and forms over a model: what most plugins need, with every write path leading to a service.

Flask-Admin gives routing and form scaffolding. Its own write paths are closed: there is no delete, no inline edit, no
unscoped look-up; creating and changing go through ``create_record`` and ``change_record``, which call services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from flask import Response, abort, flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from sqlalchemy.orm import Session
from wtforms import Form

from core import work
from core.admin.forms import DiwanForm
from core.admin.list_file import ListFile
from core.admin.lists import ListColumn, ListEngine, ListFilter
from core.admin.views import Guarded, current_actor, refuse_without, show_conflict, show_faults, show_refusal, writing
from core.auth.actor import Actor
from core.database import db
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.exporter.names import file_name
from core.exporter.responses import attachment
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l

LONGEST_BEGUN = 80


class RecordView(Guarded, ModelView):
    """Subclasses set, in this order: model, address, permissions, list, form; then override what differs.

    ``permission`` opens list and details, ``permission_create`` and ``permission_change`` the forms (None: no such form).
    ``scope`` narrows what an actor may see and serves rows, counts, details, forms, actions and exports alike.
    """

    model: ClassVar[type[Any]]
    page_url: ClassVar[str]
    page_endpoint: ClassVar[str]
    permission_create: ClassVar[str | None] = None
    permission_change: ClassVar[str | None] = None
    title: ClassVar[Any] = ""
    title_new: ClassVar[Any] = _l("New")
    list_columns: ClassVar[Sequence[ListColumn]] = ()
    list_filters: ClassVar[Sequence[ListFilter]] = ()
    list_sort: ClassVar[str] = "-id"
    list_template_own: ClassVar[str] = "admin/list.html"
    list_file: ClassVar[ListFile | None] = None
    """What the list gives out as a file, at ``export``; None: nothing."""
    empty_text: ClassVar[Any] = _l("Nothing is here yet.")

    form_create: ClassVar[type[DiwanForm] | None] = None
    form_change: ClassVar[type[DiwanForm] | None] = None
    """The forms; without one its fields come from ``form_columns`` of the model."""
    create_with: ClassVar[Callable[..., Any] | None] = None
    change_with: ClassVar[Callable[..., Any] | None] = None
    """The services they lead to: given the session (and the record), the form's fields by name, ``actor`` and ``now``."""
    form_begins: ClassVar[Mapping[str, str]] = {}
    """Fields of ``form_create`` that a link may fill, each with its argument: ``{"customer_number": "customer"}``."""

    can_create = can_edit = can_delete = can_export = False
    can_view_details = True
    column_list = ("id",)
    column_editable_list = ()
    fast_mass_delete = False
    form_base_class = DiwanForm

    def __init__(self, **kwargs: Any) -> None:
        self.engine = ListEngine(identity=self.model.id, columns=self.list_columns, filters=self.list_filters, default_sort=self.list_sort,
                                 find=self.find if self.searchable else None, spellings=self.spellings, describe=self.describe_rows)
        super().__init__(self.model, db, name=str(self.model.__name__), endpoint=self.page_endpoint, url=self.page_url, **kwargs)

    # --- what subclasses override ---------------------------------------------------------------------------------------

    searchable: ClassVar[bool] = False

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        """Narrow ``statement`` to the rows this actor may see; all of them by default."""
        return statement

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        """Narrow ``statement`` to what matches ``text``."""
        raise NotFound(_l("This list has no search."))

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        """Put beside each row of a page what its columns need of other tables, with a few statements for all of them."""

    def spellings(self, text: str) -> Sequence[str]:
        return ()

    def get_create_form(self) -> type[Form]:
        return self.form_create or super().get_create_form()

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        for name, argument in self.form_begins.items() if request.method == "GET" else ():
            form[name].data = request.args.get(argument, "")[:LONGEST_BEGUN]
        return form

    def get_edit_form(self) -> type[Form]:
        return self.form_change or super().get_edit_form()

    def create_record(self, session: Session, form: Form, *, actor: Actor, now: datetime) -> Any:
        """Make a record from a valid form, through a service. Returns the record."""
        create = type(self).create_with
        if create is not None:
            return create(session, **given(form), actor=actor, now=now)
        record = self.model()
        form.populate_obj(record)
        session.add(record)
        session.flush()
        return record

    def change_record(self, session: Session, record: Any, form: Form, *, actor: Actor, now: datetime) -> None:
        """Change a record from a valid form, through a service."""
        change = type(self).change_with
        if change is not None:
            change(session, record, **given(form), actor=actor, now=now)
            return
        form.populate_obj(record)
        session.flush()

    def describe(self, record: Any) -> str:
        """What to call one record in crumbs and messages."""
        return str(getattr(record, "number", record.id))

    # --- pages ------------------------------------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> Any:
        actor = current_actor()
        page = self.engine.page(self.session_now, self.scoped(actor), request.args, actor)
        creatable = self.permission_create is not None and actor.may(self.permission_create)
        return self.show(self.list_template_own, page=page, actor=actor, sorts=self.engine.sorts(actor),
                         details=self.details_address(), filters=self.engine.usable_filters(actor), creatable=creatable,
                         filter_options={one.key: one.options(self.session_now) for one in self.engine.usable_filters(actor)})

    @expose("/details/")
    def details_view(self) -> Any:
        actor = current_actor()
        record = self.one(request.args.get("id", ""))
        changeable = self.permission_change is not None and actor.may(self.permission_change)
        return self.show("admin/details.html", record=record, actor=actor, columns=self.engine.visible_columns(actor), changeable=changeable)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        self.refuse_unless(self.permission_create)
        form = self.create_form()
        if request.method == "POST" and form.validate():
            try:
                with writing() as session:
                    record = self.create_record(session, form, actor=current_actor(), now=work.now())
                    name = self.describe(record)
                flash(_("“%(name)s” is saved.", name=name), "success")
                return redirect(url_for(".index_view"))
            except InvalidInput as error:
                show_faults(form, error)
            except Conflict as error:
                show_conflict(form, error)
        return self.show("admin/record_form.html", form=form, record=None), 422 if request.method == "POST" else 200

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        self.refuse_unless(self.permission_change)
        record = self.one(request.args.get("id", ""))
        form = self.edit_form(obj=record)
        if request.method == "POST" and form.validate():
            try:
                with writing() as session:
                    self.change_record(session, self.one(request.args.get("id", "")), form, actor=current_actor(), now=work.now())
                flash(_("The change is saved."), "success")
                return redirect(url_for(".index_view"))
            except InvalidInput as error:
                show_faults(form, error)
            except Conflict as error:
                show_conflict(form, error)
            except NotAllowed as refused:
                show_refusal(form, refused)
        return self.show("admin/record_form.html", form=form, record=record), 422 if request.method == "POST" else 200

    @expose("/export", methods=("POST",))
    def export_list(self) -> Response:
        """The list as it is filtered, as a file; who lacks the permission finds nothing personal in it."""
        if self.list_file is None:
            abort(404)
        actor, session = current_actor(), self.session_now
        asked = self.engine.read_request(request.form, actor)
        content, outcome = self.list_file.write(session, self.engine.narrowed(session, self.scoped(actor), asked, actor), actor)
        with writing() as own:
            self.list_file.note(own, asked.filters, bool(asked.search), actor, outcome)
        return attachment(content, file_name(str(self.list_file.title), "csv"), "text/csv; charset=utf-8")

    # --- Flask-Admin's other doors, closed --------------------------------------------------------------------------------

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:
        abort(404)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        abort(404)

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Any:
        abort(404)

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> Any:
        abort(404)

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        abort(404)

    def details_address(self) -> Any:
        """Where one row opens, for lists whose columns do not link."""
        if not self.can_view_details or any(column.link for column in self.list_columns):
            return None
        return lambda row: url_for(".details_view", id=row.id)

    # --- helpers ----------------------------------------------------------------------------------------------------------

    @property
    def session_now(self) -> Session:
        return work.real(db.session)

    def scoped(self, actor: Actor) -> sa.Select[Any]:
        return self.scope(sa.select(self.model), actor)

    def one(self, raw: str) -> Any:
        """The record with this id, if this actor may see it; otherwise NotFound, whether it exists or not."""
        if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
            raise NotFound(_l("There is no record “%(id)s” here.", id=raw[:40]))
        record = self.session_now.execute(self.scoped(current_actor()).where(self.model.id == int(raw))).unique().scalar_one_or_none()
        if record is None:
            raise NotFound(_l("There is no record “%(id)s” here.", id=raw))
        return record

    def refuse_unless(self, permission: str | None) -> None:
        if permission is None:
            abort(404)
        refuse_without(permission)

    def show(self, template: str, **context: Any) -> str:
        context.setdefault("view", self)
        return cast(str, self.render(template, **context))


def given(form: Form) -> dict[str, Any]:
    """What a form asks of its reader, by field; its token and operation key are not part of it."""
    return {name: value for name, value in form.data.items() if name not in ("csrf_token", "operation_key")}
