"""The report centre: all reports in one list, each with its parameters, figures, picture, table and files; kept runs; what is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import IO, Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Response, flash, redirect, request

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.auth.models import Role
from core.auth.queries import names_of
from core.calendar import local_day
from core.errors import InvalidInput, NotFound, faults
from core.exporter.names import content_disposition, file_name
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import ngettext
from core.reports import chart, queries, services
from core.reports.domain import default_of
from core.reports.files import MEDIA_TYPES
from core.reports.models import ReportRun
from core.reports.offers import Parameter, Report
from core.reports.results import Result, result_of
from core.reports.words import figure_words, period_words
from core.settings import time_zone
from core.state import state

PIECE_BYTES = 64 * 1024


class ReportsView(PageView):
    page_url = "/reports"
    page_endpoint = "reports"
    permission = "reports.open"
    menu_title = _l("Reports")
    menu_group = "oversight"
    menu_order = 10
    menu_icon = "report-analytics"
    help = Help(
        _l("All reports in one place: those of the core and those of the plugins that are on."),
        can=_l("Open a report, choose its period and the rest, read figures, chart and table, and download all rows as CSV, XLSX or PDF. "
               "Keep a run, which never changes, and send it."),
        decides=_l("You see the reports that your roles permit, over the records you may read."),
        then=_l("Each download is written to the audit log with its period and its checksum. A report that is due stands in the calendar until it is kept."),
    )

    # --- what there is, what is due -----------------------------------------------------------------------------------

    @expose("/")
    def index(self) -> Any:
        """Every report this person may see, by the plugin it comes from."""
        groups: dict[str, list[Report]] = {}
        for offer in state().offers.get("register_reports", ()):
            if self.actor.may(offer.item.permission):
                groups.setdefault(offer.owner, []).append(offer.item)
        titled = [(state().owner_title(owner), reports) for owner, reports in groups.items()]
        return self.render("reports/index.html", groups=titled, any_due=any(one.every for reports in groups.values() for one in reports))

    @expose("/calendar")
    def calendar(self) -> Any:
        """The reports that are due by periods, each period produced, due or overdue; with its run for who may read that."""
        rows: dict[str, tuple[Report, list[queries.DueReport]]] = {}
        for one in queries.due(self.session, self.now()):
            if self.actor.may(one.report.permission):
                open_run = one.run is None or queries.may_read_run(self.session, one.run, one.report, self.actor)
                rows.setdefault(one.report.name, (one.report, []))[1].append(one if open_run else replace(one, run=None))
        return self.render("reports/calendar.html", reports=list(rows.values()), period_words=period_words, roles=self.role_titles())

    # --- a report -----------------------------------------------------------------------------------------------------

    @expose("/<code>/")
    def report(self, code: str) -> Any:
        found = self.find(code)
        given = request.args.to_dict()
        result, errors = None, {}
        start, bounded = _start(given.pop("start", "")), given.get("count") != "all"
        try:
            result = services.run(self.session, found, given, actor=self.actor, now=self.now(), start=start, bounded=bounded)
        except InvalidInput as error:
            errors = {fault.field: fault.message for fault in faults(error)}
        fields = self.fields(found, given, result)
        page = self.render("reports/report.html", report=found, result=result, errors=errors, fields=fields, count_all=_with(given, count="all"),
                           hidden=[(one["parameter"].key, one["value"]) for one in fields],
                           may_keep=services.may_keep(found, self.actor), **_pictures(given, result))
        return page, 422 if errors else 200

    @expose("/<code>/export", methods=("POST",))
    def export(self, code: str) -> Any:
        """The file. A POST, because it is logged; its entry is committed before the first byte leaves."""
        given = request.form.to_dict()
        made = services.export(self.session, self.find(code), given, actor=self.actor, now=self.now(), format=given.get("_format", "csv"))
        return self.hand_out(made, f"{code}-{self.today().isoformat()}")

    @expose("/<code>/keep", methods=("POST",))
    def keep(self, code: str) -> Any:
        """Keep a run for these parameters, and show it."""
        found, given = self.find(code), request.form.to_dict()
        with self.writing() as session:
            number = services.keep(session, found, given, actor=self.actor, now=self.now()).number
        flash(_("Kept as %(number)s. Its figures do not change any more.", number=number), "success")
        return redirect(self.get_url(".run", number=number))

    @expose("/<code>/runs")
    def runs(self, code: str) -> Any:
        """The kept runs of a report."""
        found = self.find(code)
        kept = queries.runs_of(self.session, found, self.actor)
        return self.render("reports/runs.html", report=found, runs=kept, period_words=period_words,
                           people=names_of(self.session, [one.made_by for one in kept]))

    # --- a kept run ---------------------------------------------------------------------------------------------------

    @expose("/runs/<number>/")
    def run(self, number: str) -> Any:
        kept, report = self.find_run(number)
        given: dict[str, str] = {}
        result = result_of(kept, report, start=_start(request.args.get("start", "")), limit=services.SHOWN_ROWS)
        may_send, sendings = services.may_keep(report, self.actor), queries.sendings_of(self.session, kept)
        return self.render("reports/run.html", run=kept, report=report, result=result, others=f"?{urlencode(kept.parameters)}", roles=self.role_titles(),
                           sendings=sendings, people=names_of(self.session, [kept.made_by, *(one.sent_by for one in sendings)]), may_send=may_send,
                           may_open=self.actor.may(report.permission), **_pictures(given, result))

    @expose("/runs/<number>/export", methods=("POST",))
    def export_run(self, number: str) -> Any:
        kept, report = self.find_run(number)
        made = services.export_run(self.session, kept, report, actor=self.actor, now=self.now(), format=request.form.get("_format", "csv"))
        return self.hand_out(made, f"{report.name}-{kept.number}")

    @expose("/runs/<number>/send", methods=("POST",))
    def send(self, number: str) -> Any:
        """Send it to the holders of the chosen roles."""
        kept, _report = self.find_run(number)
        with self.writing() as session:
            run = session.get_one(ReportRun, kept.id)
            told = services.send(session, run, to_roles=request.form.getlist("roles"), actor=self.actor, now=self.now()).told
        flash(ngettext("Sent; %(num)s person has a notice.", "Sent; %(num)s people have a notice.", told), "success")
        return redirect(self.get_url(".run", number=number))

    # --- what the pages share -----------------------------------------------------------------------------------------

    def find(self, name: str) -> Report:
        """The report of this name, for whom it is meant for; otherwise NotFound, whether it exists or not."""
        report: Report | None = state().named("register_reports").get(name)
        if report is None or not self.actor.may(report.permission):
            raise NotFound(_l("There is no report “%(name)s” here.", name=name[:60]))
        return report

    def find_run(self, number: str) -> tuple[ReportRun, Report]:
        """The kept run of this number with its report; NotFound for who may not open the report, whether there is a run or not."""
        kept = queries.run_numbered(self.session, number)
        report = state().named("register_reports").get(kept.report) if kept is not None else None
        if kept is None or report is None or not (self.actor.may(report.permission) or queries.may_read_run(self.session, kept, report, self.actor)):
            raise NotFound(_l("There is no kept run “%(number)s” here.", number=number[:20]))
        services.require_run(self.session, kept, report, self.actor)
        return kept, report

    def today(self) -> Any:
        return local_day(self.now(), time_zone(self.session))

    def role_titles(self) -> dict[str, Any]:
        """What to call each role, by its slug."""
        return {one.slug: one.name for one in self.session.scalars(sa.select(Role).order_by(Role.name_ar, Role.id))}

    def hand_out(self, made: services.Export, stem: str) -> Response:
        with self.writing() as session:
            services.log_export(session, made, actor=self.actor)
        return download(made, stem)

    def fields(self, report: Report, given: dict[str, str], result: Any) -> list[dict[str, Any]]:
        """Each parameter as its form field: what was given, else what was used."""
        choices = services.choices_of(self.session, report, self.actor)
        today = self.today()
        return [{"parameter": one, "value": _shown(one, given, result, today), "choices": choices.get(one.key, ())} for one in report.parameters]


def _pictures(given: Mapping[str, str], result: Result | None) -> dict[str, Any]:
    """What the table's neighbours need: the pictures with their numbers, and the addresses of the rows before and after."""
    drawn = [(one, chart.draw(one), *chart.table_of(one)) for one in (result.charts if result is not None else ())]
    return {"charts": drawn, "pages": _pages(given, result), "figure_words": figure_words}


def _pages(given: Mapping[str, str], result: Result | None) -> tuple[str | None, str | None]:
    """Addresses of the rows before and after the shown ones."""
    if result is None:
        return None, None
    before, after = max(0, result.start - services.SHOWN_ROWS), result.start + services.SHOWN_ROWS
    return (_with(given, start=before) if result.start else None), (_with(given, start=after) if result.more else None)


def _with(given: Mapping[str, str], **more: Any) -> str:
    return f"?{urlencode({**given, **more})}"


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _shown(parameter: Parameter, given: dict[str, str], result: Any, today: Any) -> str:
    value = given.get(parameter.key, default_of(parameter, today)) if result is None else result.values[parameter.key]
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def download(made: services.Export, stem: str) -> Response:
    """The finished file as an attachment."""
    response = Response(_pieces(made.file), content_type=MEDIA_TYPES[made.format])
    response.headers["Content-Disposition"] = content_disposition(file_name(stem, made.format))
    response.headers["Content-Length"] = str(made.outcome.size)
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(made.file.close)
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while data := file.read(PIECE_BYTES):
            yield data
