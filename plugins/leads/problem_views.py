"""Problems with donors as pages: the list, which the CRM manager's day begins with, and one problem until it is resolved."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import work
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListFilter
from core.admin.records import RecordView
from core.admin.views import current_actor, expose, needs, show_faults, writing
from core.auth import queries as staff
from core.auth.actor import Actor
from core.customers import queries as customers
from core.errors import Conflict, InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import isolate
from plugins.leads import page, problems
from plugins.leads.domain import HARM
from plugins.leads.forms import ProblemForm, ResolveForm
from plugins.leads.models import Problem

STATES = {"open": _l("to be resolved"), "resolved": _l("resolved")}


class ProblemView(RecordView):
    """What may harm the relation with a donor."""

    model, page_url, page_endpoint = Problem, "/leads/problems", "leads_problems"
    title = menu_title = _l("Problems with donors")
    title_new = _l("Record a problem")
    menu_group, menu_order = "marketing", 27
    menu_icon = "alert-triangle"
    menu_beside = "leads_persons"
    help = Help(
        _l("What may harm the relation with a donor, from the moment in which somebody notices it."),
        can=_l("Record a problem at a donor; the CRM manager writes what was done and resolves it."),
        decides=_l("The CRM manager, at once: a problem has top priority."),
        then=_l("It stays on the CRM manager's day until it is resolved; whoever recorded it is told."),
    )
    permission = permission_create = problems.RECORD
    list_columns = (
        ListColumn("number", _l("Number"), "code", link=RowLink("leads_problems.problem", "id")),
        ListColumn("state", _l("State"), "state", value=lambda row: "resolved" if row.resolved_at else "open", choices=STATES),
        ListColumn("customer", _l("Donor"), "name", value=lambda row: row.customer.name),
        ListColumn("text", _l("What happened"), value=lambda row: row.text),
        ListColumn("recorded_at", _l("Recorded"), "moment", sort=Problem.recorded_at),
        ListColumn("resolved_at", _l("Resolved"), "moment"),
    )
    list_filters = (
        ListFilter("state", _l("State"), lambda statement, value: statement.where(Problem.resolved_at.is_(None) == (value == "open")),
                   choices=STATES),
    )
    list_sort = "-recorded_at"
    empty_text = _l("No problem with a donor is recorded.")
    searchable = True
    can_view_details = False
    form_create = ProblemForm
    form_begins = {"customer_number": "customer"}
    create_with = problems.record

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return problems.scope(statement, actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return statement.where(sa.or_(customers.whose(session, Problem.customer_id, text, actor), Problem.number == text.strip().upper()))

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".problem", id=self.one(request.args.get("id", "")).id))

    @expose("/<int:id>")
    def problem(self, id: int, form: ResolveForm | None = None) -> Any:
        session, actor = self.session_now, current_actor()
        one = self._readable(session, id)
        return self.show("leads/problem.html", problem=one, form=form or ResolveForm(formdata=None), run=page.open_run(session, one, 2), harm=HARM,
                         may=actor.may(problems.RESOLVE), people=staff.names_of(session, [one.recorded_by_id, one.resolved_by_id]), named=bool(form))

    @expose("/<int:id>", methods=("POST",))
    @needs(problems.RESOLVE, rule="LEAD-23")
    def resolve(self, id: int) -> Any:
        form, status = ResolveForm(), InvalidInput.status
        if form.validate():
            try:
                with writing() as session:
                    one = problems.resolve(session, self._readable(session, id), form.resolution.data or "", actor=current_actor(), now=work.now())
                    number = one.number
                flash(_("The problem %(number)s is resolved.", number=isolate(number)), "success")
                return redirect(url_for(".problem", id=id))
            except (InvalidInput, Conflict) as error:
                show_faults(form, error)
                status = error.status
        return self.problem(id, form), status

    def _readable(self, session: Session, id: int) -> Problem:
        found = session.execute(problems.scope(sa.select(Problem).where(Problem.id == id), current_actor())).unique().scalar_one_or_none()
        if found is None:
            raise NotFound(_l("There is no such problem, or it is not among those you may read."), rule="CUST-37")
        return found
