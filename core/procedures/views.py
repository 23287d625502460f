"""My day, the team's overdue steps, and the clauses of the manual with their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from wtforms import BooleanField, StringField
from wtforms.fields import SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import DataRequired
from wtforms.widgets import CheckboxInput

from core.admin import first_steps
from core.admin.forms import DiwanForm
from core.admin.help import Help
from core.admin.theme import limit_words
from core.admin.views import PageView, expose, needs
from core.auth.models import Role
from core.calendar import add_months
from core.errors import InvalidInput, NotFound
from core.exporter.names import file_name
from core.exporter.responses import attachment
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import clauses, home, queries, services, timing
from core.procedures.domain import GROUPS, month_end, read_month
from core.procedures.models import StepRun, StepVersion
from core.state import state

TITLES = {"overdue": _l("Overdue"), "today": _l("Due today"), "week": _l("This week"), "later": _l("Later"), "when_needed": _l("When needed")}
LIMITS = (
    ("", _l("no limit")), ("PT0S", _l("at once")),
    ("PT1H", _l("1 hour")), ("PT3H", _l("3 hours")), ("PT24H", _l("24 hours")), ("P1D", _l("1 day")), ("P2D", _l("2 days")),
    ("P3D", _l("3 days")), ("P5D", _l("5 days")), ("P1W", _l("1 week")), ("P2W", _l("2 weeks")), ("P1M", _l("1 month")),
)


def icon_of(run: StepRun) -> str:
    """The icon of the plugin a step belongs to; a form's for core."""
    owner = run.step.procedure.plugin
    return next((one.info.icon for one in state().active if one.name == owner), "file-text")


class MyDayView(PageView):
    """The home page of everybody who is signed in."""

    page_url = "/"
    page_endpoint = "home"
    for_everyone = True
    menu_title = _l("My day")
    menu_group = "home"
    menu_order = 0
    menu_icon = "inbox"
    help = Help(
        _l("What waits for you today, the overdue first, and the figures of your work."),
        can=_l("Open a step and do it there. A manager also sees the overdue steps of the team."),
        decides=_l("The manual says which role does a step and within what time; delegations add the steps of whoever you stand in for."),
        then=_l("A step that is done leaves the list, and the next one opens for whoever follows."),
    )

    def menu_count(self) -> int | None:
        return queries.inbox_count(self.session, self.actor) or None

    @expose("/")
    def index(self) -> Any:
        session, actor, now = self.session, self.actor, self.now()
        inbox, team = queries.inbox(session, actor, now), home.team(session, actor, now)
        cards = [*home.own_cards(inbox, team), *home.plugin_cards(session, state().offered("register_dashboard_cards"), actor, now)]
        kept = home.kept_this_month(session, now) if actor.may("procedures.read") else []
        return self.render(
            "procedures/my_day.html", inbox=inbox, team=team, cards=cards, kept=kept, order=GROUPS, titles=TITLES, icon_of=icon_of,
            first_steps=first_steps.open_steps(session, actor, demo=state().association.demo),
            may_fill=actor.may("customers.fill"), subjects=home.subjects(session, inbox, actor), tasks=queries.tasks_of(session, actor),
            parts=queries.parts_of(session, [one.run.id for steps in inbox.groups.values() for one in steps]),
        )


class LimitForm(DiwanForm):
    duration = SelectField(_l("Time limit"), choices=[SelectChoice(value, label) for value, label in LIMITS])
    reason = StringField(_l("Reason"), validators=[DataRequired()], description=_l("Kept with the new version, beside your name and the date."))


class RolesForm(DiwanForm):
    """Who does a step; the choices are the roles in use."""

    roles = SelectMultipleField(_l("Roles"), option_widget=CheckboxInput(), validate_choice=False)
    own_department = BooleanField(_l("Each role only for records of its own department"))
    roles_reason = StringField(_l("Reason"), validators=[DataRequired()], description=_l("Kept with the new version, beside your name and the date."))


class ProceduresView(PageView):
    page_url = "/procedures"
    page_endpoint = "procedures"
    permission = "procedures.read"
    menu_title = _l("Clauses")
    menu_group = "oversight"
    menu_order = 20
    menu_icon = "book"
    help = Help(
        _l("The clauses of the manual as the system runs them, and how far each was kept to."),
        can=_l("Read each step with its role and time limit, and see how many were done in time, late or are still open."),
        decides=_l("Whoever keeps the manual changes a step; the change is a new version from a day on, the old one stays."),
        then=_l("Steps that are opened later follow the new version; open ones end by the rules they began with."),
    )

    @expose("/")
    def index(self) -> Any:
        """Each procedure with its steps: what the manual demands, and what happened."""
        tables = queries.procedures_with_steps(self.session, self.now())
        shown = [(one, steps) for one, steps in tables if one.plugin in queries.owners()]
        return self.render("procedures/clauses.html", tables=shown, kept=queries.kept(self.session, self.now()), nothing_kept=queries.Kept())

    @expose("/team")
    def team(self) -> Any:
        found = home.team(self.session, self.actor, self.now())
        return self.render("procedures/team.html", inbox=found, titles=TITLES, icon_of=icon_of, subjects=home.subjects(self.session, found, self.actor))

    @expose("/<code>/")
    def clause(self, code: str) -> Any:
        """A clause: what the manual demands, and what happened in a month."""
        today = timing.local_day(self.session, self.now())
        month = read_month(request.args.get("month", ""), today)
        found = self.find(code, month)
        begun = month if found.begun_at is None else timing.local_day(self.session, found.begun_at)
        leads_to = home.reader_of(self.session, self.actor)
        return self.render("procedures/clause.html", leads_to=leads_to, clause=found, month=month, present=today < month_end(month), bar_of=bar_of,
                           before=add_months(month, -1) if begun < month else None, after=month_end(month) if month_end(month) <= today else None)

    @expose("/<code>/export", methods=("POST",))
    def export(self, code: str) -> Any:
        """The rows of the page as a file. A POST, because it is logged; its entry is committed before the first byte leaves."""
        month = read_month(request.form.get("month", ""), timing.local_day(self.session, self.now()))
        made = clauses.export(self.session, self.find(code, month), month, actor=self.actor)
        with self.writing() as session:
            clauses.log_export(session, made, actor=self.actor)
        return attachment(made.content, file_name(f"{made.code}-{month:%Y-%m}", "csv"), "text/csv; charset=utf-8")

    def find(self, code: str, month: date) -> queries.Clause:
        """The clause of this code, core's own or of a plugin that is on; otherwise NotFound."""
        found = clauses.of_month(self.session, code, month, self.now())
        if found is None or found.procedure.plugin not in queries.owners():
            raise NotFound(_l("There is no clause “%(code)s” here.", code=code[:60]))
        return found

    @expose("/<code>/<int:number>/", methods=("GET", "POST"))
    def step(self, code: str, number: int) -> Any:
        """One step: its versions, and where that is allowed a form for another time limit and one for other roles."""
        limit, roles = LimitForm(formdata=_own("duration")), RolesForm(formdata=_own("roles_reason"))
        limit.duration.choices = _limits(queries.versions_of(self.session, code, number))
        offered = self.session.scalars(sa.select(Role).where(Role.active).order_by(Role.id)).all()
        roles.roles.choices = [(role.slug, role.name) for role in offered]
        if request.method == "POST":
            answer = self.change_roles(roles, code, number) if "roles_reason" in request.form else self.change(limit, code, number)
            if answer is not None:
                return answer
        versions = queries.versions_of(self.session, code, number)
        if not versions:
            raise NotFound(_l("There is no step %(number)s in %(code)s.", number=number, code=code[:60]))
        _show_present(limit, roles, versions[0])
        page = self.render("procedures/step.html", versions=versions, step=versions[0], form=limit, roles=roles, may_change=self.actor.may(services.CHANGE))
        return page, 422 if request.method == "POST" else 200

    @needs(services.CHANGE)
    def change(self, form: LimitForm, code: str, number: int) -> Any:
        if not form.validate():
            return None
        try:
            with self.writing() as session:
                services.change_limit(session, code, number, form.duration.data or None, actor=self.actor, now=self.now(), reason=form.reason.data)
        except InvalidInput as error:
            self.show_faults(form, error)
            return None
        flash(_("The new limit holds for cases that begin from now on."), "success")
        return redirect(url_for(".step", code=code, number=number))

    @needs(services.CHANGE)
    def change_roles(self, form: RolesForm, code: str, number: int) -> Any:
        if not form.validate():
            return None
        try:
            with self.writing() as session:
                services.change_role(session, code, number, form.roles.data, actor=self.actor, now=self.now(), reason=form.roles_reason.data,
                                     own_department=form.own_department.data)
        except InvalidInput as error:
            self.show_faults(form, error)
            return None
        flash(_("The new roles hold for cases that begin from now on."), "success")
        return redirect(url_for(".step", code=code, number=number))


def _limits(versions: Sequence[StepVersion]) -> list[SelectChoice]:
    """The limits to choose from: the usual ones and those that the step has or had."""
    usual = dict(LIMITS)
    return [SelectChoice(value, label) for value, label in (*LIMITS, *((one, limit_words(one)) for one in _durations(versions) if one not in usual))]


def _durations(versions: Sequence[StepVersion]) -> list[str]:
    return list(dict.fromkeys(one.duration for one in versions if one.duration))


def _own(name: str) -> Any:
    """What was sent, for the one of two forms on a page to which the field ``name`` belongs; nothing for the other."""
    return request.form if request.method == "POST" and name in request.form else None


def _show_present(limit: LimitForm, roles: RolesForm, step: StepVersion) -> None:
    """Fill the forms that were not sent with what holds now."""
    if _own("duration") is None:
        limit.duration.data = step.duration or ""
    if _own("roles_reason") is None:
        roles.roles.data, roles.own_department.data = step.role_slugs, step.mode in services.DEPARTMENT_MODES


def bar_of(figures: queries.ClauseFigures) -> list[tuple[str, float, float]]:
    """The parts of a step's bar: kind, beginning and width in per cent of what opened and was not cancelled; the rest is open in time.

    No part that is there is narrower than one per cent.
    """
    whole = max(1, figures.opened - figures.cancelled)
    parts, start = [], 0.0
    for kind, count in (("in", figures.in_time), ("late", figures.closed_late), ("open", figures.open_late)):
        width = round(max(count * 100 / whole, 1.0), 2) if count else 0.0
        parts.append((kind, min(start, 100 - width), width))
        start = round(start + width, 2)
    return [part for part in parts if part[2]]
