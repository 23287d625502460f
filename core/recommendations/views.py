"""Pages of recommendations: the list, one each, what waits for a decision as cards, and the acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from sqlalchemy.orm import Session, joinedload
from wtforms import Form

from core import work
from core.admin.addresses import inside, path_to
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_id, by_value
from core.admin.records import RecordView
from core.admin.views import current_actor, needs, show_faults, writing
from core.auth.actor import Actor
from core.errors import InvalidInput
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.organisation.models import Department
from core.organisation.queries import choices
from core.recommendations import forms, queries, services
from core.recommendations.domain import STATE_NAMES, Source, checked_link
from core.recommendations.models import FOLLOWED, Recommendation
from core.recommendations.parts import tools, unsign, unsign_period
from core.state import state
from core.text import isolate

SHOWN = 90
Act = Callable[[Session, Recommendation], Any]


def _departments(session: Session) -> list[tuple[str, Any]]:
    return choices(session, Department)


def _owners(session: Session) -> list[tuple[str, Any]]:
    return [(name, _("Raised here") if name == "core" else state().owner_title(name))
            for name in session.scalars(sa.select(Recommendation.plugin).distinct().order_by(Recommendation.plugin))]


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + "…"


class RecommendationsView(RecordView):
    model = Recommendation
    page_url, page_endpoint = "/recommendations", "recommendations_list"
    permission, permission_create = services.READ, services.PROPOSE
    menu_group, menu_title, menu_order = "oversight", _l("Recommendations"), 12
    menu_icon = "flag"
    title, title_new = _l("Recommendations"), _l("Raise a recommendation")
    empty_text = _l("Recommendations are raised on the page of a review or report, and here; the secretary of the sub-council decides on them.")
    help = Help(
        _l("Every recommendation raised from a review, a report or a meeting, with its state from the proposal to the carrying out."),
        can=_l("Raise one, decide on those that wait for you, note that one is carried out, or why it is not."),
        decides=_l("By the table of authorities the secretary of the sub-council, one by one; never whoever raised it. Declining needs a reason."),
        then=_l("Whoever raised it is told; an adopted one goes to the manager of its department and stays in each report until it is carried out."),
    )
    list_template_own = "recommendations/list.html"
    list_sort = "-raised_at"
    searchable = True
    can_view_details = False
    list_columns = (
        ListColumn("text", _l("Recommendation"), "name", value=lambda row: _short(row.text), link=lambda row: url_for("recommendations_list.page", id=row.id)),
        ListColumn("number", _l("Number"), "code", sort=Recommendation.number),
        ListColumn("department", _l("Department"), "text", value=lambda row: row.department.name if row.department else None),
        ListColumn("state", _l("State"), "state", choices=STATE_NAMES),
        ListColumn("due_on", _l("To be carried out by"), "date"),
        ListColumn("raised_at", _l("Raised"), "moment", sort=Recommendation.raised_at),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(Recommendation.state), choices=STATE_NAMES),
        ListFilter("open", _l("Adopted and not carried out"), lambda statement, value: statement.where(Recommendation.state.in_(FOLLOWED)), kind="yes"),
        ListFilter("department", _l("Department"), by_id(Recommendation.department_id), choices=_departments),
        ListFilter("plugin", _l("Belongs to"), by_value(Recommendation.plugin), choices=_owners),
        ListFilter("since", _l("Period from"), lambda statement, value: statement.where(Recommendation.period_until >= value), kind="date_from"),
        ListFilter("until", _l("Period until"), lambda statement, value: statement.where(Recommendation.period_from <= value), kind="date_to"),
    )

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return queries.scope(self.session_now, statement.options(joinedload(Recommendation.department)), actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        """By a part of the number, the text or what it was raised in."""
        return statement.where(sa.or_(*(column.icontains(text, autoescape=True)
                                        for column in (Recommendation.number, Recommendation.text, Recommendation.record_label))))

    @expose("/")
    def index_view(self) -> Any:
        actor = current_actor()
        engine = self.engine
        page = engine.page(self.session_now, self.scoped(actor), request.args, actor)
        usable = engine.usable_filters(actor)
        return self.show(
            self.list_template_own, page=page, actor=actor, sorts=engine.sorts(actor), details=None, filters=usable, creatable=actor.may(services.PROPOSE),
            filter_options={one.key: one.options(self.session_now) for one in usable}, counts=self._counts(actor),
            waiting=len(queries.to_decide(self.session_now, actor)), **tools())

    def _counts(self, actor: Actor) -> dict[str, int]:
        grouped: Any = sa.select(Recommendation.state, sa.func.count()).group_by(Recommendation.state)
        return {name: count for name, count in self.session_now.execute(queries.scope(self.session_now, grouped, actor))}

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".page", id=self.one(request.args.get("id", "")).id))

    @expose("/decisions/")
    @needs(services.DECIDE, rule=services.DECIDING)
    def decisions(self) -> Any:
        """What waits for this person's decision, one card each, due first (CMPL-22)."""
        rows = queries.to_decide(self.session_now, current_actor())
        return self.show("recommendations/decisions.html", rows=rows, back_to=path_to(".decisions"), **tools())

    # --- raising ------------------------------------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """From the form on a record's page, or from the one here."""
        self.refuse_unless(services.PROPOSE)
        form, actor = forms.ProposeForm(prefix=forms.PREFIX), current_actor()
        source = self._source(form, actor)
        if request.method == "POST" and form.validate():
            try:
                with writing() as session:
                    made = services.propose(session, form.text.data or "", why=form.why.data or "", due_on=form.due_on.data, actor=actor, now=work.now(),
                                            source=source or _typed(form), operation_key=form.operation_key.data)
                    number, address = made.number, made.link or path_to(".page", id=made.id)
                flash(_("The recommendation %(number)s is raised and waits for decision.", number=isolate(number)), "success")
                return redirect(inside(address))
            except InvalidInput as error:
                show_faults(form, error)
        return self.show("recommendations/new.html", form=form, source=source), 422 if request.method == "POST" else 200

    def _source(self, form: forms.ProposeForm, actor: Actor) -> Source | None:
        """The record that the form was sent for; None where the form itself asks."""
        if form.source.data:
            source = unsign(form.source.data, actor)
            form.of_record(form.source.data)
            return source
        form.fill_choices(self.session_now, actor.department_id)
        return None

    # --- one recommendation -------------------------------------------------------------------------------------------

    @expose("/<int:id>/")
    def page(self, id: int, decide: Form | None = None, cause: Form | None = None) -> Any:
        actor = current_actor()
        one = queries.readable(self.session_now, id, actor)
        return self.show(
            "recommendations/page.html", one=one, mine=one.state == "proposed" and actor.user_id is not None and one.raised_by_id == actor.user_id,
            decide_form=decide or forms.DecideForm(formdata=None, due_on=one.due_on), cause_form=cause or forms.CauseForm(formdata=None, cause=one.cause),
            owner=state().owner_title(one.plugin) if one.plugin != "core" else "", **tools())

    @expose("/<int:id>/decide", methods=("POST",))
    @needs(services.DECIDE, rule=services.DECIDING)
    def decide(self, id: int) -> Any:
        """``verdict`` says adopt or decline; a fault of the input shows the page again."""
        form, adopt = forms.DecideForm(), request.form.get("verdict") == "adopt"
        done = _("%(number)s is adopted.") if adopt else _("%(number)s is declined.")
        return self._act(id, form, done, lambda session, one: services.decide(
            session, one, adopt, reason=form.reason.data or "", due_on=form.due_on.data, actor=current_actor(), now=work.now()), decide=form)

    @expose("/<int:id>/done", methods=("POST",))
    @needs(services.FOLLOW, rule="RPT-06")
    def done(self, id: int) -> Any:
        return self._act(id, None, _("%(number)s is carried out."),
                         lambda session, one: services.carry_out(session, one, actor=current_actor(), now=work.now()))

    @expose("/<int:id>/cause", methods=("POST",))
    @needs(services.FOLLOW, rule="RPT-07")
    def cause(self, id: int) -> Any:
        form = forms.CauseForm()
        return self._act(id, form, _("The cause why %(number)s is not carried out is noted."), lambda session, one: services.record_cause(
            session, one, form.cause.data or "", due_on=form.due_on.data, actor=current_actor(), now=work.now()), cause=form)

    @expose("/<int:id>/carry-over", methods=("POST",))
    @needs(services.FOLLOW, rule="RPT-06")
    def carry_over(self, id: int) -> Any:
        """Into the period of the page that the button stands on."""
        actor = current_actor()
        first, last = unsign_period(request.form.get("period", ""), actor)
        return self._act(id, None, _("%(number)s is carried over."), lambda session, one: services.carry_over(
            session, one, first=first, last=last, actor=actor, now=work.now()))

    def _act(self, id: int, form: Form | None, done: str, act: Act, **again: Form) -> Any:
        if form is None or form.validate():
            try:
                with writing() as session:
                    number = act(session, queries.readable(session, id, current_actor())).number
                flash(done % {"number": isolate(number)}, "success")
                return redirect(inside(checked_link(request.form.get("next", "")) or path_to(".page", id=id)))
            except InvalidInput as error:
                if form is None:
                    raise
                show_faults(form, error)
        return self.page(id, **again), 422


def _typed(form: forms.ProposeForm) -> Source:
    return Source(label=form.label.data or "", department_id=forms.given_id(form.department_id))
