"""Reports for other systems: which there are, and one run by its parameters, as a file. Logged as an export from the page."""

from __future__ import annotations

from typing import Any

from core.calendar import local_day
from core.errors import InvalidInput, InvalidInputs, NotFound
from core.i18n import lazy_gettext as _l
from core.reports import services
from core.reports.files import MEDIA_TYPES
from core.reports.offers import Report
from core.rest.offers import Call, File, Resource, record, text
from core.settings import time_zone
from core.state import state

FORMATS = ("json", "csv")
PARAMETER = record({"key": text(80), "label": text(300), "kind": text(20), "required": {"type": "boolean"}}, required=("key", "label", "kind", "required"))
LISTED = record({"name": text(80), "title": text(300), "parameters": {"type": "array", "items": PARAMETER}}, required=("name", "title", "parameters"))
RUN = record({"parameters": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 200}, "maxProperties": 30},
              "format": {"type": "string", "enum": list(FORMATS)}})
ROWS = {"type": "object", "required": ["report", "parameters", "rows"], "properties": {
    "report": text(80), "parameters": {"type": "object"}, "rows": {"type": "array", "items": {"type": "object"}}}}


def resources() -> list[Resource]:
    return [
        Resource("reports.list", "GET", "/reports", _l("The reports that the token may run"), None, listed,
                 answer=record({"reports": {"type": "array", "items": LISTED}}, required=("reports",))),
        Resource("reports.run", "POST", "/reports/{name}/run", _l("Run a report"), None, run, body=RUN, answer=ROWS, writes=False,
                 files=(MEDIA_TYPES["json"], MEDIA_TYPES["csv"]),
                 about=_l("Each report asks its own permission. Parameters are texts, as in an address; what is absent has the report's default. The file's "
                          "checksum stands in X-Content-SHA256, and in the audit log.")),
    ]


def listed(call: Call) -> dict[str, Any]:
    own = [one for one in state().offered("register_reports") if call.actor.may(one.permission)]
    return {"reports": [{"name": one.name, "title": str(one.title), "parameters": [
        {"key": each.key, "label": str(each.label), "kind": each.kind, "required": each.required} for each in one.parameters]} for one in own]}


def run(call: Call) -> File:
    """The file, made whole; its log entry is committed before it leaves. Raises NotFound, InvalidInputs."""
    report = _readable(call)
    kind = call.body.get("format", "json")
    made = services.export(call.session, report, _known(report, call.body.get("parameters", {})), actor=call.actor, now=call.now, bom=False, format=kind)
    with made.file:
        content = made.file.read()
    day = local_day(call.now, time_zone(call.session))
    return File(f"{report.name}-{day.isoformat()}.{kind}", MEDIA_TYPES[kind], content, made.outcome.sha256,
                lambda session: services.log_export(session, made, actor=call.actor))


def _readable(call: Call) -> Report:
    """As on the page: NotFound for who may not run it, whether it is there or not."""
    report: Report | None = state().named("register_reports").get(call.path["name"])
    if report is None or not call.actor.may(report.permission):
        raise NotFound(_l("There is no report “%(name)s” here.", name=call.path["name"][:60]), field="name", value=call.path["name"])
    return report


def _known(report: Report, given: dict[str, str]) -> dict[str, str]:
    """The parameters as given; one that the report does not have is refused, not passed over."""
    keys = [one.key for one in report.parameters]
    unknown = [InvalidInput(_l("“%(value)s” is no parameter of this report. There are: %(known)s.", value=key[:60], known=", ".join(keys) or "–"),
                            field=f"parameters.{key[:60]}", value=given[key]) for key in given if key not in keys]
    if unknown:
        raise InvalidInputs(unknown)
    return given
