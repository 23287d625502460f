"""Pages of the organisation under /settings/organisation: five lists and their forms, and the cities for a choice while typing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from flask import g, jsonify, request
from sqlalchemy.orm import Session, joinedload
from wtforms import Form

from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_id
from core.admin.records import RecordView
from core.admin.views import PageView, expose
from core.auth.actor import Actor
from core.database import db
from core.finance import queries as finance
from core.i18n import lazy_gettext as _l
from core.organisation import forms, queries, services
from core.organisation.models import Branch, Centre, City, Department, Programme
from core.text import fold
from core.work import real

NAME_AR = ListColumn("name_ar", _l("Arabic name"), "name")
NAME_EN = ListColumn("name_en", _l("English name"), "text", value=lambda row: row.name_en or None)
ACTIVE = ListColumn("active", _l("In use"), "text", value=lambda row: _l("yes") if row.active else _l("no"))


def _number(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class OrganisationView(RecordView):
    """A list of the organisation; ``save`` is the service that adds and changes."""

    permission = permission_create = permission_change = services.MANAGE
    menu_group = "administration"
    save: Callable[..., Any]

    list_sort = "id"

    def fill_choices(self, form: Form, record: Any = None) -> None:
        """Choices of select fields."""

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        self.fill_choices(form)
        return form

    def edit_form(self, obj: Any = None) -> Form:
        form = super().edit_form(obj)
        self.fill_choices(form, obj)
        return form

    def create_record(self, session: Session, form: Form, *, actor: Actor, now: datetime) -> Any:
        return type(self).save(session, **self.values(form), actor=actor)

    def change_record(self, session: Session, record: Any, form: Form, *, actor: Actor, now: datetime) -> None:
        type(self).save(session, record, **self.values(form), actor=actor)

    def values(self, form: Form) -> dict[str, Any]:
        found = {name: field.data for name, field in form._fields.items() if name not in ("csrf_token", "operation_key")}
        return {name: _number(value) if name.endswith("_id") else value for name, value in found.items()}

    def describe(self, record: Any) -> str:
        return str(record.name)


def _cities(session: Session, keep: int | None) -> list[tuple[str, Any]]:
    return [("", _l("Choose")), *((str(one.id), one.title) for one in queries.active_cities(session, keep=keep))]


def _fund_names() -> dict[str, Any]:
    """Code → name of every fund that finance keeps, read once a request."""
    if "fund_names" not in g:
        g.fund_names = {one.code: one.name for one in finance.all_funds(real(db.session))}
    return cast("dict[str, Any]", g.fund_names)


def _fund_name(row: Any) -> Any:
    """The fund's name; a code that finance does not know stays as it was given."""
    return _fund_names().get(row.fund, row.fund)


class CitiesView(OrganisationView):
    model = City
    page_url = "/settings/organisation/cities"
    page_endpoint = "organisation_cities"
    menu_title = _l("Cities")
    menu_order = 23
    menu_icon = "map-pin"
    help = Help(
        _l("The cities and governorates that customers, centres and branches belong to."),
        can=_l("Add a city, correct its name, or stop offering it."),
        decides=_l("Whoever has the permission to manage the organisation."),
        then=_l("It is offered on forms and in imports at once; records that name it keep it."),
    )
    title = _l("Cities")
    title_new = _l("New city")
    form = forms.CityForm
    save = staticmethod(services.save_city)
    searchable = True
    list_columns = (
        ListColumn("id", _l("No."), "integer", sort=City.id), NAME_AR, NAME_EN,
        ListColumn("region", _l("Region"), "text", value=lambda row: row.region if row.region_ar or row.region_en else None),
        ListColumn("external_code", _l("Code"), "code"), ACTIVE,
    )
    empty_text = _l("No city yet. Add one, or import a list.")

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        wanted = fold(text)
        return statement.where(sa.or_(City.name_key.contains(wanted, autoescape=True), City.region_key.contains(wanted, autoescape=True)))


class CentresView(OrganisationView):
    model = Centre
    page_url = "/settings/organisation/centres"
    page_endpoint = "organisation_centres"
    menu_title = _l("Neighbourhood centres")
    menu_order = 21
    menu_icon = "building-community"
    help = Help(
        _l("The neighbourhood centres, by city."),
        can=_l("Add a centre, move it to another city, or stop offering it."),
        decides=_l("Whoever has the permission to manage the organisation."),
        then=_l("People who belong to a centre see its records; customers can be filed under it."),
    )
    title = _l("Neighbourhood centres")
    title_new = _l("New centre")
    form = forms.CentreForm
    save = staticmethod(services.save_centre)
    list_columns = (
        ListColumn("id", _l("No."), "integer", sort=Centre.id), NAME_AR, NAME_EN,
        ListColumn("city", _l("City"), "text", value=lambda row: row.city.title), ListColumn("external_code", _l("Code"), "code"), ACTIVE,
    )
    list_filters = (
        ListFilter("city", _l("City"), by_id(Centre.city_id),
                   choices=lambda session: queries.choices(session, City)),
    )

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return statement.options(joinedload(Centre.city))

    def fill_choices(self, form: Form, record: Any = None) -> None:
        form["city_id"].choices = _cities(self.session_now, record.city_id if record else None)


class BranchesView(OrganisationView):
    model = Branch
    page_url = "/settings/organisation/branches"
    page_endpoint = "organisation_branches"
    menu_title = _l("Branches and offices")
    menu_order = 22
    menu_icon = "building"
    help = Help(
        _l("The association's branches and offices, with where and how they are reached."),
        can=_l("Add a branch or an office, correct it, or stop offering it."),
        decides=_l("Whoever has the permission to manage the organisation."),
        then=_l("Other parts of Diwan offer it where a place is asked for."),
    )
    title = _l("Branches and offices")
    title_new = _l("New branch")
    form = forms.BranchForm
    save = staticmethod(services.save_branch)
    list_columns = (
        ListColumn("id", _l("No."), "integer", sort=Branch.id), NAME_AR, NAME_EN,
        ListColumn("city", _l("City"), "text", value=lambda row: row.city.title if row.city else None), ACTIVE,
    )

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return statement.options(joinedload(Branch.city))

    def fill_choices(self, form: Form, record: Any = None) -> None:
        form["city_id"].choices = _cities(self.session_now, record.city_id if record else None)


class DepartmentsView(OrganisationView):
    model = Department
    page_url = "/settings/organisation/departments"
    page_endpoint = "organisation_departments"
    menu_title = _l("Departments")
    menu_order = 20
    menu_icon = "hierarchy"
    help = Help(
        _l("The departments of the association, to which people and records belong."),
        can=_l("Add a department, rename it, or stop offering it."),
        decides=_l("Whoever has the permission to manage the organisation."),
        then=_l("A role that reads its own department's records follows the department given here."),
    )
    title = _l("Departments")
    title_new = _l("New department")
    form = forms.DepartmentForm
    save = staticmethod(services.save_department)
    list_columns = (ListColumn("id", _l("No."), "integer", sort=Department.id), NAME_AR, NAME_EN, ListColumn("slug", _l("Short name"), "code"), ACTIVE)


class ProgrammesView(OrganisationView):
    model = Programme
    page_url = "/settings/organisation/programmes"
    page_endpoint = "organisation_programmes"
    menu_title = _l("Programmes")
    menu_order = 24
    menu_icon = "heart-handshake"
    help = Help(
        _l("The programmes and activities that contributions are given for."),
        can=_l("Add a programme with its fund, rename it, or stop offering it."),
        decides=_l("Whoever has the permission to manage the organisation."),
        then=_l("It is offered when a contribution or a pledge is recorded; its statement stands under finance."),
    )
    title = _l("Programmes and activities")
    title_new = _l("New programme")
    form = forms.ProgrammeForm
    save = staticmethod(services.save_programme)
    list_columns = (
        ListColumn("id", _l("No."), "integer", sort=Programme.id), NAME_AR, NAME_EN,
        ListColumn("centre", _l("Centre"), "text", value=lambda row: row.centre.name if row.centre else _l("Whole association")),
        ListColumn("code", _l("Code"), "code"), ListColumn("fund", _l("Fund"), "text", value=_fund_name), ACTIVE,
    )

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return statement.options(joinedload(Programme.centre))

    def fill_choices(self, form: Form, record: Any = None) -> None:
        centres = queries.active_centres(self.session_now, keep=record.centre_id if record else None)
        form["centre_id"].choices = [("", _l("Whole association")), *((str(one.id), one.name) for one in centres)]
        names = {**({record.fund: record.fund} if record and record.fund else {}), **_fund_names()}
        form["fund"].choices = [("", _l("No fund")), *names.items()]


class PlacesView(PageView):
    """Cities for a choice while typing; open to every signed-in person, because it holds nothing of anybody."""

    page_url = "/settings/organisation/places"
    page_endpoint = "organisation_places"
    for_everyone = True

    @expose("/")
    def index(self) -> Any:
        return self.cities()

    @expose("/cities")
    def cities(self) -> Any:
        found = queries.find_cities(self.session, request.args.get("q", "")[:100], limit=30)
        return jsonify([{"id": one.id, "text": str(one.title)} for one in found])


