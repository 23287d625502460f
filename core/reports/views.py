"""The report centre: all reports in one list, each with its parameters, table, totals and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any
from urllib.parse import urlencode

from flask import Response, request

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.calendar import local_day
from core.errors import InvalidInput, NotFound, faults
from core.exporter.names import content_disposition, file_name
from core.i18n import lazy_gettext as _l
from core.reports import services
from core.reports.domain import default_of
from core.reports.offers import Parameter, Report
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
        can=_l("Open a report, choose its period and the rest, read the table with its totals, and download all rows as CSV."),
        decides=_l("You see the reports that your roles permit, over the records you may read."),
        then=_l("Each download is written to the audit log with its period and its checksum."),
    )

    @expose("/")
    def index(self) -> Any:
        """Every report this person may see, by the plugin it comes from."""
        groups: dict[str, list[Report]] = {}
        for offer in state().offers.get("register_reports", ()):
            if self.actor.may(offer.item.permission):
                groups.setdefault(offer.owner, []).append(offer.item)
        titled = [(state().owner_title(owner), reports) for owner, reports in groups.items()]
        return self.render("reports/index.html", groups=titled)

    @expose("/<code>/")
    def report(self, code: str) -> Any:
        found = self.find(code)
        given = request.args.to_dict()
        result, errors = None, {}
        try:
            result = services.run(self.session, found, given, actor=self.actor, now=self.now(), start=_start(given.pop("start", "")))
        except InvalidInput as error:
            errors = {fault.field: fault.message for fault in faults(error)}
        page = self.render("reports/report.html", report=found, result=result, errors=errors, given=given, fields=self.fields(found, given, result),
                           pages=_pages(given, result))
        return page, 422 if errors else 200

    @expose("/<code>/export", methods=("POST",))
    def export(self, code: str) -> Any:
        """The file. A POST, because it is logged; its entry is committed before the first byte leaves."""
        made = services.export(self.session, self.find(code), request.form.to_dict(), actor=self.actor, now=self.now())
        with self.writing() as session:
            services.log_export(session, made, actor=self.actor)
        return download(made, f"{code}-{local_day(self.now(), time_zone(self.session)).isoformat()}")

    def find(self, name: str) -> Report:
        """The report of this name, for whom it is meant for; otherwise NotFound, whether it exists or not."""
        report: Report | None = state().named("register_reports").get(name)
        if report is None or not self.actor.may(report.permission):
            raise NotFound(_l("There is no report “%(name)s” here.", name=name[:60]))
        return report

    def fields(self, report: Report, given: dict[str, str], result: Any) -> list[dict[str, Any]]:
        """Each parameter as its form field: what was given, else what was used."""
        choices = services.choices_of(self.session, report, self.actor)
        today = local_day(self.now(), time_zone(self.session))
        return [{"parameter": one, "value": _shown(one, given, result, today), "choices": choices.get(one.key, ())} for one in report.parameters]


def _pages(given: Mapping[str, str], result: services.Result | None) -> tuple[str | None, str | None]:
    """Addresses of the rows before and after the shown ones."""
    if result is None:
        return None, None
    before, after = max(0, result.start - services.SHOWN_ROWS), result.start + services.SHOWN_ROWS
    return (_at(given, before) if result.start else None), (_at(given, after) if result.more else None)


def _at(given: Mapping[str, str], start: int) -> str:
    return f"?{urlencode({**given, 'start': start})}"


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _shown(parameter: Parameter, given: dict[str, str], result: Any, today: Any) -> str:
    value = given.get(parameter.key, default_of(parameter, today)) if result is None else result.values[parameter.key]
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def download(made: services.Export, stem: str) -> Response:
    """The finished file as an attachment."""
    response = Response(_pieces(made.file), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition(file_name(stem, "csv"))
    response.headers["Content-Length"] = str(made.outcome.size)
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(made.file.close)
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while data := file.read(PIECE_BYTES):
            yield data
