"""``/audit/``: the verdict in words first, then the entries. Nothing here changes an entry, because nothing can (AUD-02)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, flash, redirect, request, url_for

from core import settings, work
from core.admin.help import Help
from core.admin.lists import ListEngine
from core.admin.views import PageView, expose, needs
from core.audit import checks, exports, queries
from core.audit.models import AuditEvent
from core.audit.readable import Readable, readable
from core.audit.titles import action_title, field_title, record_title
from core.audit.wording import damage_text, words_of
from core.auth.models import Role, User
from core.errors import NotFound
from core.exporter.responses import download
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures.models import Procedure
from core.state import state

SOURCES = {
    "web": _l("Page"), "api": _l("Interface"), "cli": _l("Command"), "job": _l("Background work"), "import": _l("Import"), "public": _l("Public page"),
    "demo": _l("Demo"), "system": _l("System"),
}


def _usernames(name: str) -> sa.Select[Any]:
    """Whoever has all these words in a name or in the user name, in any case."""
    words = name.split()
    columns = (User.name_ar, User.name_en, User.username)
    return sa.select(User.username).where(sa.and_(*(sa.or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words)))


class AuditView(PageView):
    page_url = "/audit"
    page_endpoint = "audit"
    permission = "audit.read"
    menu_title = _l("Audit log")
    menu_group = "oversight"
    menu_order = 90
    menu_icon = "shield-check"
    help = Help(
        _l("Who did what, when and to which record, since the association began. Nothing here can be changed or deleted."),
        can=_l("Narrow by person, action, record, plugin or day; open an entry; with the permission, check the chain, anchor "
               "it and export the entries."),
        decides=_l("The system writes the entries itself. Personal values are shown only to those who may see them."),
        then=_l("The log is checked every night. If it does not hold, the first lines say which entry is wrong and what to do."),
    )

    @expose("/")
    def index(self) -> Any:
        engine = self._engine()
        page = engine.page(self.session, sa.select(AuditEvent), request.args, self.actor)
        asked = engine.read_request(request.args, self.actor)
        narrowed = engine.narrowed(self.session, sa.select(AuditEvent), asked, self.actor)
        told, words = self._in_words(page.rows)
        return self.render(
            "audit/index.html", page=page, verdict=self._verdict(), marks=queries.marks(self.session, page.rows), told=told, readable=words,
            filters=engine.usable_filters(self.actor), filter_options={one.key: one.options(self.session) for one in engine.usable_filters(self.actor)},
            denied=queries.denied_count(self.session, narrowed), **self._words(),
        )

    @expose("/<int(max=9223372036854775807):number>")
    def entry(self, number: int) -> Any:
        event = queries.entry(self.session, number)
        if event is None:
            raise NotFound(_l("There is no entry %(n)s in the log.", n=number))
        mark = queries.marks(self.session, [event])[event.id]
        told, words = self._in_words([event])
        return self.render("audit/entry.html", event=event, mark=mark, told=told[event.id], readable=words, local=self._local(event), **self._words())

    @expose("/verdict.txt")
    def report(self) -> Any:
        """The last recorded check as a text to be kept."""
        verdict = self._verdict()
        if verdict is None:
            raise NotFound(_l("The log has not been checked yet. Choose “check now” first."))
        lines = [verdict["words"].title, verdict["words"].sentence, *verdict["words"].steps, *verdict["damages"], verdict["event"].code]
        text = "\n".join(lines).translate({code: None for code in range(0x2066, 0x206A)})
        return Response(text + "\n", mimetype="text/plain", headers={"Content-Disposition": "attachment; filename=audit-verdict.txt"})

    @expose("/check", methods=("POST",))
    @needs("audit.verify", rule="AUD-02")
    def check(self) -> Any:
        verdict = checks.check_chain(self.session)
        with self.writing() as session:
            checks.record_verdict(session, verdict)
        return redirect(url_for(".index"))

    @expose("/anchor", methods=("POST",))
    @needs("audit.verify", rule="AUD-02")
    def anchor(self) -> Any:
        with self.writing() as session:
            line = checks.anchor(session)
        flash(_("Anchored: %(line)s. Keep a copy where nobody who can change the database can change it.", line=line), "success")
        return redirect(url_for(".index"))

    @expose("/export", methods=("POST",))
    @needs("audit.export", rule="AUD-06")
    def export(self) -> Any:
        engine = self._engine()
        asked = engine.read_request(request.args, self.actor)
        with self.writing() as session:
            narrowed = engine.narrowed(session, sa.select(AuditEvent), asked, self.actor)
            stream = exports.export_file(session, narrowed, {key: str(value) for key, value in asked.filters.items()}, actor=self.actor)
        return download(stream, _("Audit log"))

    # --- what the templates need ----------------------------------------------------------------------------------------

    def _engine(self) -> ListEngine:
        names = queries.plugins_in_log(self.session)
        return queries.engine(settings.time_zone(self.session), [(name, self._plugin_title(name)) for name in names], _usernames)

    def _plugin_title(self, name: str) -> Any:
        return _("Core") if name == "core" else state().owner_title(name)

    def _in_words(self, events: Sequence[AuditEvent]) -> tuple[dict[int, queries.Told], Readable]:
        """What changed by entry, values in words, and the words themselves for what else the entries name."""
        found = queries.told(self.session, events, personal=self.actor.may(queries.PERSONAL))
        words = readable(self.session, events, found, self._titles())
        return {event.id: words.told(event, found[event.id]) for event in events}, words

    def _titles(self) -> dict[str, dict[str, Any]]:
        """Titles of what is known by a code, by the table of its records."""
        own = state()
        return {
            "core_permission": {name: one.title for name, one in own.permissions.items()},
            "core_setting": {key: one.title for key, one in own.settings.items()},
            "core_procedure": {one.code: one.name for one in self.session.scalars(sa.select(Procedure))},
            "core_role": {one.slug: one.name for one in self.session.scalars(sa.select(Role))},
        }

    def _job_title(self, name: str) -> Any:
        job = state().named("register_jobs").get(name.removeprefix("job "))
        return job.title if job is not None and job.title else name

    def _verdict(self) -> dict[str, Any] | None:
        found = checks.last_verdict(self.session)
        if found is None:
            return None
        event, facts = found
        words = words_of(facts, settings.time_zone(self.session))
        genuine = queries.marks(self.session, [event])[event.id] == queries.SOUND
        return {"event": event, "words": words, "genuine": genuine, "stale": work.now() - event.at > timedelta(days=2),
                "damages": [damage_text(one) for one in facts["damages"]], "broken": {one["entry"] for one in facts["damages"] if one["entry"]}}

    def _local(self, event: AuditEvent) -> str:
        """The moment by the association's clock of that time, as it was logged."""
        local = event.at + timedelta(minutes=event.offset_minutes)
        hours, minutes = divmod(abs(event.offset_minutes), 60)
        return f"{local:%Y-%m-%d %H:%M:%S} {'-' if event.offset_minutes < 0 else '+'}{hours:02}:{minutes:02}"

    def _words(self) -> dict[str, Any]:
        return {"action_title": action_title, "record_title": record_title, "field_title": field_title, "hidden": exports.hidden,
                "plugin_title": self._plugin_title, "job_title": self._job_title, "source_title": lambda name: SOURCES.get(name, name)}
