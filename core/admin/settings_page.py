"""The settings page: every setting of core, its areas and the plugins that are on, with meaning, unit and default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import settings
from core.admin.views import PageView, expose
from core.auth.actor import Actor, authorize
from core.errors import InvalidInput, InvalidInputs
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting
from core.state import state

GROUPS = {"general": _l("General"), "customers": _l("Customers"), "finance": _l("Finance"), "mail": _l("Mail"), "security": _l("Security")}
KINDS_SHOWN = frozenset({"text", "int", "bool", "choice", "weekdays", "dates", "codes"})
WEEKDAYS = (_l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday"))


class SettingsView(PageView):
    page_url = "/settings"
    page_endpoint = "core_settings"
    permission = "core.settings"
    menu_title = _l("Settings")
    menu_group = "administration"
    menu_order = 40
    menu_icon = "settings"

    @expose("/")
    def index(self, errors: Mapping[str, Any] | None = None, status: int = 200) -> Any:
        values = {key: settings.get(self.session, key) for key in state().settings}
        page = self.render("admin/settings.html", groups=grouped(state().settings), titles=GROUPS, values=values, weekdays=WEEKDAYS, errors=errors or {})
        return page, status

    @expose("/", methods=("POST",))
    def save(self) -> Any:
        try:
            with self.writing() as session:
                change_settings(session, state().settings, request.form, actor=self.actor)
        except InvalidInputs as error:
            return self.index(errors={fault.field: fault.message for fault in error.faults}, status=422)
        flash(_("The settings are saved."), "success")
        return redirect(url_for(".index"))


def grouped(specs: Mapping[str, Setting]) -> dict[str, list[Setting]]:
    """Settings that this page shows, by group, in the order they were declared."""
    groups: dict[str, list[Setting]] = {}
    for spec in specs.values():
        if spec.kind in KINDS_SHOWN:
            groups.setdefault(spec.group, []).append(spec)
    return groups


def change_settings(session: Session, specs: Mapping[str, Setting], given: Any, *, actor: Actor) -> None:
    """Store what the form gave, all faults together; a setting that the form does not show keeps its value."""
    authorize(session, actor, "core.settings")
    faults: list[InvalidInput] = []
    for spec in specs.values():
        if spec.kind not in KINDS_SHOWN or (spec.key not in given and f"{spec.key}.shown" not in given):
            continue
        try:
            settings.put(session, spec.key, from_form(spec, given.getlist(spec.key)))
        except InvalidInput as fault:
            faults.append(InvalidInput(fault.message, field=spec.key, value=fault.value))
    if faults:
        raise InvalidInputs(faults)


def from_form(spec: Setting, values: list[str]) -> Any:
    """The stored form of what the fields of one setting hold. Raises InvalidInput."""
    first = values[-1].strip() if values else ""
    if spec.kind == "bool":
        return first in ("1", "on", "y")
    if spec.kind == "weekdays":
        return sorted({_weekday(spec, value) for value in values if value})
    if spec.kind == "dates":
        return [_day(spec, line.strip()) for line in first.splitlines() if line.strip()]
    if spec.kind == "codes":
        return [code for code in re.split(r"[\s,]+", first) if code]
    return first


def _weekday(spec: Setting, value: str) -> int:
    if value not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise InvalidInput(_l("“%(value)s” is no day of the week.", value=value), field=spec.key, value=value)
    return int(value)


def _day(spec: Setting, line: str) -> str:
    try:
        date.fromisoformat(line.removeprefix("-"))
    except ValueError:
        raise InvalidInput(_l("“%(value)s” is no date. Write it like 2026-09-23.", value=line), field=spec.key, value=line) from None
    return line



