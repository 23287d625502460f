"""Developments and improvement actions as pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import redirect, request, url_for
from sqlalchemy.orm import Session
from wtforms import Form

from core.admin import values
from core.admin.forms import choices
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import current_actor, expose
from core.auth import queries as staff
from core.auth.actor import Actor
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.organisation.models import Programme
from core.text import row_id
from plugins.leads import developments, domain, page, persons
from plugins.leads.forms import DevelopmentForm, ImprovementForm, ResultForm, numbers, programme_choices
from plugins.leads.models import Affected, Development, Improvement
from plugins.leads.queries import READ


class DevelopmentView(RecordView):
    model, page_url, page_endpoint = Development, "/leads/developments", "leads_developments"
    title = menu_title = _l("Developments")
    title_new = _l("Record a development")
    menu_group, menu_order = "marketing", 29
    menu_icon = "news"
    help = Help(
        _l("What is new inside (problems that affect the service) or outside (donors who do not meet their obligations), and what is done about it."),
        can=_l("Record a development with the programmes and donors that it affects, the measure and the day; recommend what should be better."),
        decides=_l("Whoever records it names the measure; a recommendation is decided by whom the table of authorities names."),
        then=_l("The development stays on the list of what affected a programme or a donor."),
    )
    permission, permission_create = READ, developments.RECORD
    list_columns = (
        ListColumn("number", _l("Number"), "code", link=RowLink("leads_developments.development", "id")),
        ListColumn("happened_on", _l("Day"), "date", sort=Development.happened_on),
        ListColumn("kind", _l("Kind"), "state", choices=domain.developments()),
        ListColumn("text", _l("What is new"), value=lambda row: row.text),
        ListColumn("affected", _l("Affects"), value=lambda row: row.shown),
        ListColumn("measure", _l("Measure taken"), value=lambda row: row.measure),
    )
    list_filters = (
        ListFilter("kind", _l("Kind"), by_value(Development.kind), choices=domain.developments()),
        ListFilter("programme", _l("Programme"), lambda statement, value: statement.where(Development.id.in_(
            sa.select(Affected.development_id).where(Affected.programme_id == (row_id(value) or -1)))),
                   choices=lambda session: organisation.choices(session, Programme)),
    )
    list_sort = "-happened_on"
    empty_text = _l("No development is recorded.")
    can_view_details = False
    form_create = DevelopmentForm

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        page.describe_affected(session, rows, actor)

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        form.programme_ids.choices = programme_choices(self.session_now)[1:]
        return form

    def create_record(self, session: Session, form: Form, *, actor: Actor, now: datetime) -> Development:
        return developments.record(
            session, kind=form.kind.data or "", text=form.text.data or "", measure=form.measure.data or "", happened_on=form.happened_on.data,
            programme_ids=form.programme_ids.data or (), donors=numbers(form.donors.data), operation_key=form.operation_key.data or None, actor=actor, now=now)

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".development", id=self.one(request.args.get("id", "")).id))

    @expose("/<int:id>")
    def development(self, id: int) -> Any:
        session = self.session_now
        one = self.one(str(id))
        return self.show("leads/development.html", development=one, actor=current_actor(), affected=developments.affected(session, [one]).get(one.id, []),
                         kinds=domain.developments(), people=staff.names_of(session, [one.recorded_by_id]))


class ImprovementView(RecordView):
    model, page_url, page_endpoint = Improvement, "/leads/improvements", "leads_improvements"
    title = menu_title = _l("Improvement actions")
    title_new = _l("Plan an action")
    menu_group, menu_order = "marketing", 30
    menu_icon = "trending-up"
    menu_beside = "leads_developments"
    help = Help(
        _l("What is done so that the relations with donors and beneficiaries become better, one action a line."),
        can=_l("Plan an action with its source, who is responsible and until when; write down what came of it."),
        decides=_l("The CRM manager plans; whoever is responsible, or the manager, writes the result."),
        then=_l("Whoever is responsible is told; an action whose day has passed stands on the list as late until it has a result."),
    )
    permission, permission_create, permission_change = READ, developments.IMPROVE, READ
    list_columns = (
        ListColumn("number", _l("Number"), "code"),
        ListColumn("relation", _l("Relation with"), "state", choices=domain.relations()),
        ListColumn("action", _l("Improvement action"), value=lambda row: row.action),
        ListColumn("source", _l("Source"), value=lambda row: row.source),
        ListColumn("person", _l("Responsible"), value=lambda row: persons.named(row.person)),
        ListColumn("due_on", _l("Until"), "date", sort=Improvement.due_on),
        ListColumn("done_on", _l("Carried out"), "date"),
        ListColumn("result", _l("Result"), value=lambda row: row.result or None),
    )
    list_filters = (
        ListFilter("relation", _l("Relation with"), by_value(Improvement.relation), choices=domain.relations()),
        ListFilter("open", _l("To be carried out"), lambda statement, value: statement.where(Improvement.done_on.is_(None)), kind="yes"),
        ListFilter("late", _l("Late"), lambda statement, value: statement.where(Improvement.done_on.is_(None), Improvement.due_on < values.today()),
                   kind="yes"),
    )
    list_sort = "-due_on"
    empty_text = _l("No improvement action is planned.")
    form_create, form_change = ImprovementForm, ResultForm
    create_with, change_with = developments.plan, developments.finish

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        form.person_id.choices = choices(((one.id, persons.named(one)) for one in staff.people(self.session_now)), _l("None"))
        return form
