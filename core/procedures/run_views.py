"""Pages of one run of a step: its parts, each with one person, and the output of an occurrence that has no page of its own."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from wtforms import StringField, TextAreaField
from wtforms.fields import SelectChoice, SelectField
from wtforms.validators import DataRequired

from core.admin.forms import DiwanForm
from core.admin.views import PageView, expose
from core.auth import queries as people
from core.errors import Conflict, InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import queries, services
from core.procedures.clauses import READ
from core.procedures.models import StepPeriod, StepRun, StepTask


class TaskForm(DiwanForm):
    title = StringField(_l("What is to be done"), validators=[DataRequired()], description=_l("No names of customers: the text stays in the log."))
    user_id = SelectField(_l("Responsible person"), coerce=str, validate_choice=False, validators=[DataRequired()])


class OutputForm(DiwanForm):
    output = TextAreaField(_l("Output"), validators=[DataRequired()], description=_l("What came of it; kept with the step."))


class RunsView(PageView):
    """The parts of a step (ORG-19): for whoever has the step in the inbox, and for those who are responsible for a part of it."""

    page_url = "/procedures/runs"
    page_endpoint = "procedure_runs"
    for_everyone = True

    @expose("/")
    def index(self) -> Any:
        abort(404)

    @expose("/<int:run_id>", methods=("GET", "POST"))
    def run(self, run_id: int) -> Any:
        run = self.find(run_id)
        form = TaskForm()
        named = ((str(one.id), str(one.name)) for one in people.people(self.session))
        form.user_id.choices = [SelectChoice("", _("Choose a person")), *(SelectChoice(value, name) for value, name in sorted(named, key=lambda one: one[1]))]
        if request.method == "POST" and self.split(form, run):
            return redirect(url_for(".run", run_id=run_id))
        tasks = queries.tasks_of_run(self.session, run)
        page = self.render("procedures/run.html", run=run, tasks=tasks, form=form, mine=queries.has_step(run, self.actor), may_finish=self.may_finish)
        return page, 422 if form.errors else 200

    @expose("/<int:run_id>/tasks/<int:task_id>/done", methods=("POST",))
    def done(self, run_id: int, task_id: int) -> Any:
        self.find(run_id)
        with self.writing() as session:
            task = session.get(StepTask, task_id)
            if task is None or task.run_id != run_id:
                raise NotFound(_l("There is no such part of this step."))
            services.finish_task(session, task, actor=self.actor, now=self.now())
        flash(_("The part is done."), "success")
        return redirect(url_for("home.index") if request.form.get("from") == "home" else url_for(".run", run_id=run_id))

    def split(self, form: TaskForm, run: StepRun) -> bool:
        if not form.validate():
            return False
        chosen = form.user_id.data
        try:
            with self.writing() as session:
                services.split(session, run, form.title.data, user_id=int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else None,
                               operation_key=form.operation_key.data, actor=self.actor, now=self.now())
        except InvalidInput as error:
            self.show_faults(form, error)
            return False
        flash(_("The part is given."), "success")
        return True

    def find(self, run_id: int) -> StepRun:
        """The run, for whom it is or was; otherwise NotFound, whether it exists or not."""
        run = self.session.get(StepRun, run_id)
        if run is None or run.step.procedure.plugin not in queries.owners() or not (queries.has_step(run, self.actor) or self.takes_part(run)):
            raise NotFound(_l("There is no such step for you."))
        return run

    def takes_part(self, run: StepRun) -> bool:
        return any(self.may_finish(task) for task, _user in queries.tasks_of_run(self.session, run))

    def may_finish(self, task: StepTask) -> bool:
        return task.user_id == self.actor.user_id or any(one.user_id == task.user_id for one in self.actor.delegators)


class PeriodsView(PageView):
    """An occurrence of a recurring step that has no page of its own: its holder writes the output and closes it (PLUG-10)."""

    page_url = "/procedures/periods"
    page_endpoint = "procedure_periods"
    for_everyone = True

    @expose("/")
    def index(self) -> Any:
        abort(404)

    @expose("/<int:period_id>", methods=("GET", "POST"))
    def period(self, period_id: int) -> Any:
        period, runs = self.find(period_id)
        mine = next((run for run in runs if run.is_open() and queries.has_step(run, self.actor)), None)
        form, status = OutputForm(), 200
        if request.method == "POST":
            if self.close(form, period, mine):
                return redirect(url_for(".period", period_id=period_id))
            status = 422
        parts = queries.parts_of(self.session, [run.id for run in runs])
        return self.render("procedures/period.html", period=period, runs=runs, mine=mine, form=form, parts=parts,
                           people=people.names_of(self.session, [one for run in runs for one in (run.ended_by_id, run.on_behalf_of_id)])), status

    def close(self, form: OutputForm, period: StepPeriod, run: StepRun | None) -> bool:
        if run is None:
            raise Conflict(_l("No step of this period is open for you."))
        if not form.validate():
            return False
        try:
            with self.writing() as session:
                services.write_output(session, run, period, form.output.data, actor=self.actor, now=self.now())
        except (InvalidInput, Conflict) as error:
            self.show_faults(form, error)
            return False
        flash(_("The step is closed."), "success")
        return True

    def find(self, period_id: int) -> tuple[StepPeriod, list[StepRun]]:
        """The period with its runs, for whoever has one of them or reads the clauses; otherwise NotFound."""
        period = self.session.get(StepPeriod, period_id)
        runs = list(queries.steps_of(self.session, record_type=StepPeriod.__tablename__, record_id=period.id)) if period is not None else []
        shown = [run for run in runs if run.step.procedure.plugin in queries.owners() and (self.actor.may(READ) or queries.has_step(run, self.actor))]
        if period is None or not shown:
            raise NotFound(_l("There is no such period for you."))
        return period, shown
