"""Pages of an import: choose kind and file, say what the columns are, look at every line's fate, apply, undo."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import flash, redirect, request, url_for

from core import settings
from core.admin.help import Help
from core.admin.requests import page_number
from core.admin.settings_page import zone_choices
from core.admin.views import PageView, expose
from core.auth.queries import names_of
from core.errors import AppError, Conflict, InvalidInput, NotFound, faults
from core.exporter.columns import Column
from core.exporter.responses import attachment
from core.exporter.text import Options, write_csv
from core.files.domain import clean_name
from core.i18n import gettext as _
from core.i18n import language, ngettext
from core.i18n import lazy_gettext as _l
from core.imports import queries, readers, services
from core.imports.models import Import
from core.imports.offers import Importer, Proposal
from core.jobs import services as jobs
from core.state import state
from core.text import fold, plain_text

SAMPLE_LINES = 5
SAID = ("encoding", "delimiter", "sheet", "date_order", "calendar", "time_zone", "decimal")
STATES = {
    "uploaded": (_l("columns to be chosen"), "warn"), "checking": (_l("being checked"), "act"), "checked": (_l("checked, to be applied"), "act"),
    "applying": (_l("being applied"), "act"), "applied": (_l("applied"), "good"), "undone": (_l("taken back"), ""), "failed": (_l("stopped"), "bad"),
}
OUTCOMES = {"create": (_l("new"), "good"), "update": (_l("changes"), "act"), "duplicate": (_l("duplicate"), "warn"), "refused": (_l("refused"), "bad"),
            "staged": (_l("not judged yet"), "")}
DATE_ORDERS = (("", _l("Say which…")), ("dmy", _l("Day, month, year")), ("mdy", _l("Month, day, year")), ("ymd", _l("Year, month, day")))
CALENDARS = (("gregorian", _l("Gregorian")), ("hijri", _l("Hijri (Umm al-Qura)")))
ENCODINGS = (("", _l("UTF-8 or UTF-16 (told by the file)")), ("windows-1256", _l("Windows-1256 (Arabic)")))


class ImportsView(PageView):
    page_url = "/imports"
    page_endpoint = "core_imports"
    for_everyone = True
    menu_title = _l("Imports")
    menu_group = "oversight"
    menu_order = 40
    menu_icon = "file-import"
    help = Help(
        _l("Records from other systems: a CSV or Excel file is looked at line by line before anything is written."),
        can=_l("Upload a file, say which column is which, look at what each line would do, leave lines out, then apply it. "
               "What was refused can be downloaded with its reasons."),
        decides=_l("Who may record a thing may import it; customers go through a form that a second person approves."),
        then=_l("An applied import shows what it made. The file and its outcome stay here."),
    )

    def is_visible(self) -> bool:
        return True

    def is_accessible(self) -> bool:
        return not self.actor.anonymous and bool(self.importers())

    def importers(self) -> dict[str, Importer]:
        return {name: one for name, one in state().named("register_importers").items() if self.actor.may(one.permission)}

    @expose("/")
    def index(self) -> Any:
        before = page_number("before", 0, 10**9) or None
        rows = queries.recent(self.session, list(self.importers()), self.actor, before=before)
        return self.render("imports/index.html", rows=rows[: queries.PAGE_SIZE], more=len(rows) > queries.PAGE_SIZE, importers=self.importers(), states=STATES,
                           names=names_of(self.session, [one.made_by_id for one in rows]), everybody=queries.sees_all(self.actor))

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> Any:
        error = None
        if request.method == "POST":
            try:
                return redirect(url_for(".mapping", import_id=self._receive().id))
            except InvalidInput as refused:
                error = refused
        page = self.render("imports/new.html", importers=self.importers(), chosen=request.values.get("kind", ""), error=error,
                           operation_key=secrets.token_urlsafe(18))
        return page, 422 if error else 200

    def _receive(self) -> Import:
        importer = self._importer(request.form.get("kind", ""))
        upload = request.files.get("file")
        if upload is None or not upload.filename:
            raise InvalidInput(_l("Choose a file: CSV or XLSX."), field="file")
        content = upload.stream.read()
        if not content:
            raise InvalidInput(_l("The file “%(name)s” is empty.", name=upload.filename), field="file")
        token = self._keep(content)
        with self.writing() as session:
            return services.receive(session, importer, file_name=clean_name(upload.filename), token=token, sha256=hashlib.sha256(content).hexdigest(),
                                    actor=self.actor, now=self.now(), operation_key=request.form.get("operation_key") or None)

    def _keep(self, content: bytes) -> str:
        token = secrets.token_hex(16)
        path = staged_path(state().association.folder, token)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return token

    @expose("/<int:import_id>/columns", methods=("GET", "POST"))
    def mapping(self, import_id: int) -> Any:
        row, importer, path = self._open(import_id)
        given = request.form if request.method == "POST" else None
        known = importer.propose(path) if importer.propose is not None else None
        declared = self._declared(row, given, known)
        error: AppError | None = None
        reading = None
        try:
            reading = readers.read(path, services.declaration(declared))
            sample = readers.sample(reading, SAMPLE_LINES)
            if given is not None and given.get("act") == "check":
                return self._check(row, importer, reading, declared)
        except InvalidInput as refused:
            error, sample = refused, []
        sheets = self._sheets(path)
        kept = services.remembered(self.session, importer.name, reading.headings) if reading else None
        chosen = self._mapping(importer, given) if given is not None else row.mapping
        proposed = known.mapping if known is not None and reading is not None and set(known.mapping.values()) <= set(reading.headings) else None
        mapping = chosen or (kept.mapping if kept else proposed or guess(importer, reading))
        same = services.earlier_with_same_file(self.session, row)
        page = self.render("imports/columns.html", row=row, importer=importer, headings=reading.headings if reading else (), sample=sample, mapping=mapping,
                           declared=declared, remembered=kept is not None, error=error, faults=faults(error) if error else (), date_orders=DATE_ORDERS,
                           calendars=CALENDARS, encodings=ENCODINGS, sheets=sheets, zones=zone_choices(language()) if importer.holds("moment") else (),
                           sheet_choices=[(name, name) for name, _hidden in sheets],
                           option_choices={one.key: option_choices(one) for one in importer.options}, headings_of=services.headings_of,
                           same=same, same_by=names_of(self.session, [same.made_by_id]).get(same.made_by_id or 0, same.made_by) if same is not None else "")
        return page, 422 if error and given is not None else 200

    def _sheets(self, path: Path) -> list[tuple[str, bool]]:
        """The sheets to choose from; none where the workbook cannot be read, which the page says already."""
        try:
            return readers.sheets(path)
        except InvalidInput:
            return []

    def _check(self, row: Import, importer: Importer, reading: readers.Reading, declared: dict[str, Any]) -> Any:
        mapping = self._mapping(importer, request.form)
        path = self._path(row)
        small = readers.count_lines(path, services.declaration(declared), services.INLINE_LINES) <= services.INLINE_LINES
        options = {one.key: request.form.get(f"option.{one.key}", "") for one in importer.options}
        with self.writing() as session:
            own = services.one_import(session, row.id)
            services.declare(session, own, importer, reading.headings, mapping=mapping, declared=declared, options=options, actor=self.actor)
            if small:
                services.stage_and_check(session, own, importer, path, actor=self.actor, now=self.now())
            else:
                own.state = "checking"
                jobs.enqueue(session, "imports.check", {"import_id": own.id, "user_id": self.actor.user_id}, due_at=self.now(),
                             unique_key=f"imports.check:{own.id}:{self.now():%s}")
        return redirect(url_for(".preview", import_id=row.id))

    @expose("/<int:import_id>")
    def preview(self, import_id: int) -> Any:
        return self._preview(*self._open(import_id))

    def _preview(self, row: Import, importer: Importer, path: Path, error: AppError | None = None) -> str:
        outcome = request.args.get("outcome") or None
        if outcome not in (None, "create", "update", "duplicate", "refused"):
            raise NotFound(_l("There is no such group of lines."))
        lines = queries.lines(self.session, row.id, outcome, after=page_number("after", 0, 10**9))
        result = importer.result(self.session, services.context_of(row, self.actor)) if importer.result and row.state == "applied" else None
        return self.render("imports/preview.html", row=row, importer=importer, lines=lines[: queries.PAGE_SIZE], more=len(lines) > queries.PAGE_SIZE,
                           outcome=outcome, good=services.good(row.counts), states=STATES, outcomes=OUTCOMES, plain=services.from_json, result=result,
                           error=error, progress=queries.progress(self.session, row) if row.state == "applying" else None)

    @expose("/<int:import_id>/apply", methods=("POST",))
    def apply(self, import_id: int) -> Any:
        row, importer, _path = self._open(import_id)
        try:
            count = self._apply(row, importer)
        except (InvalidInput, Conflict) as error:
            return self._preview(*self._open(import_id), error=error), error.status
        if count <= services.INLINE_LINES:
            flash(ngettext("%(num)s line is applied.", "%(num)s lines are applied.", count), "success")
        return redirect(url_for(".preview", import_id=row.id))

    def _apply(self, row: Import, importer: Importer) -> int:
        """Apply what was shown, at once or as a job; returns how many lines."""
        expected = request.form.get("expected", "")
        with self.writing() as session:
            own = services.one_import(session, row.id)
            services.choose_to_apply(session, own, importer, expected=int(expected) if expected.isascii() and expected.isdigit() else -1,
                                     leave_out_refused=request.form.get("leave_out_refused") == "1", actor=self.actor)
            count = services.good(own.counts)
            if count <= services.INLINE_LINES:
                services.run_whole(session, own, importer, actor=self.actor, now=self.now())
            else:
                jobs.enqueue(session, "imports.apply", {"import_id": own.id, "user_id": self.actor.user_id}, due_at=self.now(),
                             unique_key=f"imports.apply:{own.id}")
        return count

    @expose("/<int:import_id>/undo", methods=("POST",))
    def undo(self, import_id: int) -> Any:
        row, importer, _path = self._open(import_id)
        with self.writing() as session:
            services.undo(session, services.one_import(session, row.id), importer, actor=self.actor, now=self.now())
        flash(_("The import is taken back."), "success")
        return redirect(url_for(".preview", import_id=row.id))

    @expose("/<int:import_id>/refused", methods=("POST",))
    def refused(self, import_id: int) -> Any:
        row, _importer, path = self._open(import_id)
        return attachment(refused_file(self.session, row, path), f"{Path(row.file_name).stem}-refused.csv", "text/csv; charset=utf-8")

    def _open(self, import_id: int) -> tuple[Import, Importer, Path]:
        row = services.one_import(self.session, import_id)
        if not queries.may_read(row, self.actor):
            raise NotFound(_l("There is no import %(id)s, or it is not among those you may read.", id=import_id), rule="CUST-37")
        importer = self._importer(row.kind)
        return row, importer, self._path(row)

    def _path(self, row: Import) -> Path:
        return staged_path(state().association.folder, row.token)

    def _importer(self, kind: str) -> Importer:
        importer = self.importers().get(kind)
        if importer is None:
            raise NotFound(_l("There is no kind of import “%(kind)s” open to you.", kind=kind[:60]))
        return importer

    def _mapping(self, importer: Importer, given: Any) -> dict[str, Any]:
        chosen = {one.key: [heading for heading in given.getlist(f"column.{one.key}") if heading] for one in importer.fields}
        return {key: own[0] if len(own) == 1 else own for key, own in chosen.items() if own}

    def _declared(self, row: Import, given: Any, known: Proposal | None) -> dict[str, Any]:
        declared = dict(row.declared) or dict(known.declared if known is not None else {})
        declared.setdefault("time_zone", settings.get(self.session, "core.time_zone"))
        declared.setdefault("region", settings.get(self.session, "core.country"))
        if given is not None:
            declared.update({key: given.get(key) or None for key in SAID if key in given})
            header = given.get("header_row", "")
            declared["header_row"] = int(header) if header.isascii() and header.isdigit() and 0 < len(header) < 5 else None
        return {key: value for key, value in declared.items() if value not in (None, "")}


def option_choices(option: Any) -> list[tuple[str, Any]]:
    """Codes of an option with a label of each: the longest writing that it accepts."""
    labels: dict[str, Any] = {}
    for text, code in (option.choices or {}).items():
        if len(text) > len(str(labels.get(code, ""))) or text == code:
            labels[code] = text
    return [(code, option.labels.get(code, text)) for code, text in labels.items()]


def staged_path(folder: Path, token: str) -> Path:
    """Where an uploaded file waits; beside the database, outside what is served."""
    return folder / "imports" / token


def guess(importer: Importer, reading: readers.Reading | None) -> dict[str, Any]:
    """Propose a column for each field whose label, key or usual name is a heading, each column once, or the columns that make it up
    together; shown for correction, never applied unseen."""
    if reading is None:
        return {}
    by_name = {_plainly(heading): heading for heading in reading.headings}
    proposed: dict[str, Any] = {}
    for one in importer.fields:
        names = map(_plainly, (one.label, one.key, *one.headings))
        found = next((by_name[name] for name in names if name in by_name and by_name[name] not in proposed.values()), None)
        together = next((own for some in one.parts if len(own := [by_name[name] for name in map(_plainly, some) if name in by_name]) > 1), None)
        if found is not None or together is not None:
            proposed[one.key] = found or together
    return proposed


def _plainly(heading: Any) -> str:
    return fold(str(heading).replace("_", " "))


def refused_file(session: Any, row: Import, path: Path) -> bytes:
    """The refused lines as they came, each with its line number, the fields at fault and the reasons before it.

    Corrected, the file can be sent again: its other headings are those of the original. Raises NotFound where the file was removed.
    """
    if not path.is_file():
        raise NotFound(_l("The uploaded file is no longer kept: a person in it was erased. Its lines are on this page."))
    faults_of: dict[int, list[tuple[str, str]]] = {}
    for line_no, field, reason, _cells in services.refused_lines(session, row.id):
        faults_of.setdefault(line_no, []).append((" + ".join(services.headings_of(row.mapping.get(field))) or field, plain_text(reason)))
    reading = readers.read(path, services.declaration(row.declared))
    width, refused = len(reading.headings), [(line_no, cells) for line_no, cells in reading.rows if line_no in faults_of]
    wider = any(len(cells) > width for _line, cells in refused)
    headings = [*reading.headings, *([f"({width + 1}…)"] if wider else [])]
    columns = [Column("line", _("Line"), "integer"), Column("field", _("Field")), Column("reason", _("Reason")),
               *(Column(f"column_{place}", heading) for place, heading in enumerate(headings))]
    rows = ((line_no, " / ".join(sorted({name for name, _why in faults_of[line_no] if name})), " ".join(why for _name, why in faults_of[line_no]),
             *as_they_came(cells, width, len(headings))) for line_no, cells in refused)
    return b"".join(write_csv(columns, rows, Options(headings=True), keys=False))


def as_they_came(cells: Sequence[readers.Cell], width: int, columns: int) -> list[str]:
    """The cells of a line as texts, so many as there are columns; those beyond the headings' width are joined in the last one."""
    texts = ["" if cell is None else str(cell) for cell in cells]
    kept = [*texts[:width], *([" | ".join(texts[width:])] if len(texts) > width else [])]
    return [*kept, *[""] * (columns - len(kept))]


__all__ = ["ImportsView", "guess", "refused_file", "staged_path"]
