"""My day, the team's overdue steps, and the clauses of the manual with their steps."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from wtforms import StringField
from wtforms.fields import SelectChoice, SelectField
from wtforms.validators import DataRequired

from core.admin import first_steps
from core.admin.forms import DiwanForm
from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.errors import InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import home, queries, services
from core.procedures.domain import GROUPS
from core.procedures.models import StepRun
from core.state import state

TITLES = {"overdue": _l("Overdue"), "today": _l("Due today"), "week": _l("This week"), "later": _l("Later"), "when_needed": _l("When needed")}
LIMITS = (
    ("", _l("no limit")), ("PT1H", _l("1 hour")), ("PT3H", _l("3 hours")), ("PT24H", _l("24 hours")), ("P1D", _l("1 day")), ("P2D", _l("2 days")),
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
            may_fill=actor.may("customers.fill"), subjects=home.subjects(session, inbox, actor),
        )


class LimitForm(DiwanForm):
    duration = SelectField(_l("Time limit"), choices=[SelectChoice(value, label) for value, label in LIMITS])
    reason = StringField(_l("Reason"), validators=[DataRequired()], description=_l("Kept with the new version, beside your name and the date."))


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

    @expose("/<code>/<int:number>/", methods=("GET", "POST"))
    def step(self, code: str, number: int) -> Any:
        """One step: its versions, and a form for another time limit where that is allowed."""
        form = LimitForm()
        if request.method == "POST":
            answer = self.change(form, code, number)
            if answer is not None:
                return answer
        versions = queries.versions_of(self.session, code, number)
        if not versions:
            raise NotFound(_l("There is no step %(number)s in %(code)s.", number=number, code=code[:60]))
        if request.method == "GET":
            form.duration.data = versions[0].duration or ""
        page = self.render("procedures/step.html", versions=versions, step=versions[0], form=form, may_change=self.actor.may(services.CHANGE))
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
