"""The settings page: every setting of core, its areas and the plugins that are on, with meaning, unit and default."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from babel.core import get_global
from babel.dates import get_timezone_location
from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import settings
from core.admin import logo
from core.admin.help import Help
from core.admin.views import PageView, current_actor, expose
from core.auth.actor import Actor, authorize
from core.database import db
from core.errors import InvalidInput, InvalidInputs, NotFound
from core.i18n import gettext as _
from core.i18n import language
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting
from core.state import state
from core.text import isolate
from core.work import real

GROUPS = {"general": _l("General"), "customers": _l("Customers"), "consent": _l("Consent and contact hours"), "finance": _l("Finance"), "mail": _l("Mail"),
          "security": _l("Security")}
KINDS_SHOWN = frozenset({"text", "int", "bool", "choice", "weekdays", "dates", "codes", "zone"})
WEEKDAYS = (_l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday"))


class SettingsView(PageView):
    page_url = "/settings"
    page_endpoint = "core_settings"
    permission = "core.settings"
    menu_title = _l("Settings")
    menu_group = "administration"
    menu_order = 30
    menu_icon = "settings"
    help = Help(
        _l("What holds for the whole association: currency, time zone, workdays and holidays, limits, and the settings of each plugin."),
        can=_l("Change a value; beside each stands what it means and in which unit."),
        decides=_l("The administrator. Every change is written to the audit log with the old and the new value."),
        then=_l("It holds at once for all; what was decided before is not reckoned anew."),
    )

    @expose("/")
    def index(self, errors: Mapping[str, Any] | None = None, status: int = 200) -> Any:
        values = {key: settings.get(self.session, key) for key in state().settings}
        page = self.render("admin/settings.html", groups=grouped(state().settings), titles=titles(), values=values, weekdays=WEEKDAYS, errors=errors or {},
                           zones=zone_choices(language()), logo=state().settings[logo.KEY], most_kib=logo.MOST_BYTES // 1024)
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

    @expose("/logo", methods=("POST",))
    def choose_logo(self) -> Any:
        """Take a picture as the logo; it is checked and on disk before the writing transaction begins."""
        upload = request.files.get(logo.KEY)
        try:
            if upload is None or not upload.filename:
                raise InvalidInput(_l("Choose a picture."), field=logo.KEY)
            stored = logo.store(state().association.files_folder, upload.filename, upload.read())
        except InvalidInput as error:
            return self.index(errors={logo.KEY: error.message}, status=422)
        with self.writing() as session:
            logo.choose(session, stored, actor=self.actor, now=self.now())
        flash(_("The logo is saved."), "success")
        return redirect(url_for(".index"))

    @expose("/logo/remove", methods=("POST",))
    def remove_logo(self) -> Any:
        with self.writing() as session:
            logo.remove(session, actor=self.actor)
        flash(_("The logo is removed."), "success")
        return redirect(url_for(".index"))


class LogoView(PageView):
    """The logo's picture, for everybody who is signed in; its address changes with the picture."""

    page_url = "/logo"
    page_endpoint = "core_logo"
    for_everyone = True

    @expose("/")
    def index(self) -> Any:
        abort(404)

    @expose("/<int:file_id>")
    def picture(self, file_id: int) -> Any:
        found = logo.picture_of(self.session, state().association.files_folder)
        if found is None or found[0].id != file_id:
            raise NotFound(_l("There is no such file."))
        response = Response(found[1], mimetype=found[0].media_type)
        response.headers.update({"Cache-Control": "private, max-age=31536000, immutable", "Content-Security-Policy": "sandbox; default-src 'none'",
                                 "X-Content-Type-Options": "nosniff"})
        return response


def logo_address() -> str | None:
    """Where the logo of this association is, for the shell of a signed-in page."""
    chosen = None if current_actor().anonymous else settings.get(real(db.session), logo.KEY)
    return url_for("core_logo.picture", file_id=chosen) if isinstance(chosen, int) else None


def shell() -> Blueprint:
    """No pages: it tells the shell of the logo."""
    blueprint = Blueprint("core", __name__, url_prefix="/logo")
    blueprint.app_context_processor(lambda: {"logo_address": logo_address})
    return blueprint


@cache
def zone_choices(code: str) -> list[tuple[str, str]]:
    """(name, words) of every time zone, by the city's name in this language; the name itself can be searched for too."""
    known = available_timezones()  # reads the whole database of zones
    zones = sorted(name for name in get_global("zone_territories") if name in known and "/" in name)
    named = ((name, get_timezone_location(name, locale=code, return_city=True)) for name in zones)
    return [(name, f"{city} – {isolate(name)}") for name, city in sorted(named, key=lambda one: one[1])]


def titles() -> dict[str, Any]:
    """What each group is called: a plugin's own settings stand under its title."""
    return {**GROUPS, **{one.name: one.info.title for one in state().active}}


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
        return [line.strip() for line in first.splitlines() if line.strip()]
    if spec.kind == "codes":
        return [value for value in values if value]
    return first


def _weekday(spec: Setting, value: str) -> int:
    if value not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise InvalidInput(_l("“%(value)s” is no day of the week.", value=value), field=spec.key, value=value)
    return int(value)
