"""The recurring reviews as pages: a week's or a month's, the report of repeated complaints, the monthly performance report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, url_for
from sqlalchemy.orm import Session

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.auth import queries as staff
from core.errors import Conflict, InvalidInput, NotFound, faults
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.organisation.models import Department
from core.procedures import queries as procedures
from core.procedures.models import StepPeriod, StepRun
from core.reports.models import ReportRun
from core.reports.offers import Report
from core.state import state
from plugins.complaints import domain, figures, page, performance, reviews
from plugins.complaints.domain import (
    ARCHIVE,
    DECIDE,
    DISCUSS,
    FOLLOW_UP,
    HANDLING,
    INVESTIGATE,
    PERFORMANCE,
    PREPARE,
    REPEATED,
    REVIEW,
)
from plugins.complaints.forms import LineForm, NoteForm
from plugins.complaints.models import Entry, RepeatedLine
from plugins.complaints.queries import PERSONAL, READ
from plugins.complaints.reports import names

SHOWN = 60
TEXTS = {PREPARE: _l("Remarks on the month"), REVIEW: _l("Weak points"), DISCUSS: _l("What was discussed, and with whom")}


class ReviewsView(PageView):
    page_url = "/complaints/reviews"
    page_endpoint = "complaints_reviews"
    permission = READ
    menu_title = _l("Performance reports and reviews")
    menu_group = "complaints"
    menu_order = 20
    menu_icon = "list-check"
    help = Help(
        _l("What the manual asks of the log again and again: the managers' week, the secretary's month, repeated complaints, the performance report."),
        can=_l("Look at the figures and entries of the period, raise recommendations, write the note, and close the review."),
        decides=_l("Managers recommend, the secretary of the sub-council decides."),
        then=_l("A closed review stays as it is; an adopted recommendation is followed up until it is carried out."),
    )

    @expose("/")
    def index(self) -> Any:
        query = sa.select(StepPeriod).where(StepPeriod.procedure_code.in_((HANDLING, PERFORMANCE))).order_by(StepPeriod.starts_on.desc(), StepPeriod.id)
        found = [one for one in self.session.scalars(query) if reviews.may_read(one, self.actor)][:SHOWN]
        runs = {one.id: self.runs_of(one) for one in found}
        return self.render("complaints/reviews.html", periods=found, runs=runs, departments=self.departments())

    @expose("/<int:period_id>")
    def period(self, period_id: int) -> Any:
        return self.show(self.find(period_id))

    @expose("/<int:period_id>", methods=("POST",))
    def act(self, period_id: int) -> Any:
        """The open step's act: close the review, send the report, or the report's next step."""
        period = self.find(period_id)
        form = NoteForm()
        try:
            self.do(period, form.text.data or "")
        except (InvalidInput, Conflict) as error:
            form.text.errors = [fault.message for fault in faults(error)]
            return self.show(period, form), error.status
        flash(_("The step is done."), "success")
        return redirect(url_for(".period", period_id=period_id))

    @expose("/<int:period_id>/lines/<int:line_id>", methods=("POST",))
    def line(self, period_id: int, line_id: int) -> Any:
        period, form = self.find(period_id), LineForm()
        with self.writing() as session:
            line = session.get(RepeatedLine, line_id)
            if line is None or line.period_id != period.id:
                raise NotFound(_l("There is no such line in this report."))
            reviews.propose_solution(session, line, solution=form.solution.data or "", implementation=form.implementation.data or "",
                                     monitoring=form.monitoring.data or "", actor=self.actor, now=self.now())
        flash(_("The line is saved."), "success")
        return redirect(url_for(".period", period_id=period_id))

    @expose("/<int:period_id>/lines", methods=("POST",))
    def lines(self, period_id: int) -> Any:
        """Write the lines of the month's repeated complaints, or bring their counts up to date."""
        self.find(period_id)
        with self.writing() as session:
            reviews.prepare_repeated(session, session.get_one(StepPeriod, period_id), actor=self.actor, now=self.now())
        return redirect(url_for(".period", period_id=period_id))

    # --- what is shown, what is done ---------------------------------------------------------------------------------

    def show(self, period: StepPeriod, form: NoteForm | None = None) -> Any:
        session, runs = self.session, self.runs_of(period)
        mine = self.my_step(runs)
        kind = "performance" if period.procedure_code == PERFORMANCE else "repeated" if period.step_number == REPEATED else "review"
        given = {"performance": self.of_performance, "repeated": self.of_repeated, "review": self.of_review}[kind](period)
        shown = form or NoteForm(formdata=None)
        if kind == "performance" and mine is not None and mine.step_number in TEXTS:
            shown.text.label.text = TEXTS[mine.step_number]
        department = session.get(Department, period.department_id) if period.department_id is not None else None
        people = staff.names_of(session, {run.ended_by_id for run in runs})
        return self.render(f"complaints/{kind}.html", period=period, runs=runs, mine=mine, form=shown, department=department, line_form=LineForm,
                           people=people, **given)

    def of_review(self, period: StepPeriod) -> dict[str, Any]:
        found = reviews.entries_of(self.session, period, self.actor, self.now())
        ids = [case.id for case in found]
        entries = self.session.scalars(sa.select(Entry).where(Entry.id.in_(ids)).order_by(Entry.received_at.desc()).limit(SHOWN)).all() if ids else []
        earlier = reviews.left_open(self.session, period, self.actor)[:SHOWN]
        page.describe(self.session, [*entries, *earlier])
        return {"count": figures.counted(found), "by_kind": figures.grouped(found, lambda case: case.kind), "entries": entries, "earlier": earlier,
                "kinds": domain.kinds(), "states": domain.states(), "personal": self.actor.may(PERSONAL), "review": reviews.review_of(self.session, period),
                "decides": period.step_number == DECIDE}

    def of_repeated(self, period: StepPeriod) -> dict[str, Any]:
        review = reviews.review_of(self.session, period)
        return {"lines": reviews.lines_of(self.session, period), "cause": names(self.session, "cause"), "place": names(self.session, "place"),
                "review": review, "kept": self.kept(review.run_id if review else None)}

    def of_performance(self, period: StepPeriod) -> dict[str, Any]:
        made = performance.of_period(self.session, period)
        return {"made": made, "kept": self.kept(made.run_id if made else None), "asks_text": TEXTS, "follow_up": FOLLOW_UP, "investigate": INVESTIGATE}

    def do(self, period: StepPeriod, text: str) -> None:
        mine = self.my_step(self.runs_of(period))
        if mine is None:
            raise Conflict(_l("No step of this review is open for you."))
        with self.writing() as session:
            own = session.get_one(StepPeriod, period.id)
            if period.procedure_code == PERFORMANCE:
                self.perform(session, own, mine.step_number, text)
            elif period.step_number == REPEATED:
                reviews.send_repeated(session, own, self.report("complaints.repeated"), actor=self.actor, now=self.now())
            else:
                reviews.finish(session, own, text, actor=self.actor, now=self.now())

    def perform(self, session: Session, period: StepPeriod, step: int, text: str) -> None:
        """A step of the monthly performance report."""
        actor, now = self.actor, self.now()
        if step == PREPARE:
            performance.prepare(session, period, self.report("complaints.performance"), text, actor=actor, now=now)
        elif step == REVIEW:
            performance.review(session, period, text, actor=actor, now=now)
        elif step == FOLLOW_UP:
            performance.follow_up(session, period, actor=actor, now=now)
        elif step == INVESTIGATE:
            performance.investigate(session, period, actor=actor, now=now)
        elif step == DISCUSS:
            performance.discuss(session, period, text, actor=actor, now=now)
        elif step == ARCHIVE:
            performance.archive(session, period, actor=actor, now=now)

    # --- looking up --------------------------------------------------------------------------------------------------

    def find(self, period_id: int) -> StepPeriod:
        return reviews.period_for(self.session, period_id, self.actor)

    def runs_of(self, period: StepPeriod) -> list[StepRun]:
        return list(procedures.steps_of(self.session, record_type=StepPeriod.__tablename__, record_id=period.id))

    def my_step(self, runs: Sequence[StepRun]) -> StepRun | None:
        """The open one among these steps that is this person's to do."""
        return next((run for run in runs if run.is_open() and procedures.has_step(run, self.actor)), None)

    def kept(self, run_id: int | None) -> ReportRun | None:
        return self.session.get(ReportRun, run_id) if run_id is not None else None

    def report(self, name: str) -> Report:
        found: Report = state().named("register_reports")[name]
        return found

    def departments(self) -> dict[int, Any]:
        return {one.id: one.name for one in self.session.scalars(sa.select(Department))}
