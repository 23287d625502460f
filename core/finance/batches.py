"""Export batches (FIN-02, FIN-09): preview, issue, file, export again, void.

A batch is numbered and keeps its rows frozen by number and reference, with the layout's settings as they were: writing it
again gives the same bytes, which its checksum proves. A row is in at most one live batch; the database sees to it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import settings
from core.audit import checks
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.customers.models import Customer
from core.database import section
from core.errors import Conflict, DiwanError, InvalidInput
from core.exporter.columns import Column
from core.exporter.stream import Stream, group_digest
from core.exporter.text import Options, write_csv
from core.finance.accounts import layout_of, layout_settings
from core.finance.domain import CONTENTS, CurrencyTotal, totals
from core.finance.layouts import Entry, Layout, LayoutSettings, LeftOut, left_out
from core.finance.models import Contribution, FinanceBatch, FinanceBatchRow, FinanceReExport, Fund, Pledge
from core.finance.queries import rows_of
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.numbering import next_value
from core.organisation.models import Programme
from core.sending import made_before

EXPORT, READ = "finance.export", "finance.read"
CSV, ZIP = "text/csv; charset=utf-8", "application/zip"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Choice:
    """What a batch is made of: contributions with their refunds, or pledges, of a period (both days included)."""

    from_on: date
    until_on: date
    layout: str = "generic"
    content: str = "contributions"
    currency: str | None = None
    fund: str | None = None
    programme_id: int | None = None

    @property
    def filters(self) -> dict[str, Any]:
        """The filters beside the period, as they are stored and logged."""
        chosen = {"currency": self.currency, "fund": self.fund, "programme_id": self.programme_id}
        return {key: value for key, value in chosen.items() if value is not None}


@dataclass(frozen=True)
class Candidate:
    """A row that could be exported, with where it comes from."""

    entry: Entry
    contribution_id: int | None = None
    pledge_id: int | None = None


@dataclass
class LeftOutGroup:
    """Rows that stay out for the same reason, with what to do about it. ``batch`` is the number they were issued in."""

    code: str
    reason: Any
    remedy: Any
    about: str = ""
    batch: str = ""
    entries: list[Entry] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.entries)


@dataclass(frozen=True)
class Artifact:
    """The file of a batch: one CSV, or a ZIP where the accounting system takes only so many lines a file."""

    content: bytes
    extension: str
    media_type: str

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()

    @property
    def fingerprint(self) -> str:
        """The checksum in groups of eight, as people compare it."""
        return group_digest(self.sha256)


@dataclass(frozen=True)
class Preview:
    """What issuing would export now."""

    choice: Choice
    layout: Layout
    layout_settings: LayoutSettings
    candidates: Sequence[Candidate]
    left_out: Sequence[LeftOutGroup]
    artifact: Artifact
    missing_options: Sequence[Any]

    @property
    def totals(self) -> list[CurrencyTotal]:
        return totals((one.entry.amount.minor, one.entry.amount.currency) for one in self.candidates)

    @property
    def left_out_count(self) -> int:
        return sum(group.count for group in self.left_out)


# --- preview ----------------------------------------------------------------------------------------------------------


def preview_batch(session: Session, choice: Choice, *, actor: Actor) -> Preview:
    """Rows, rows left out with reason and remedy, totals per currency and the file's checksum; changes nothing."""
    authorize(session, actor, READ, rule="FIN-02")
    return _preview(session, choice)


def _preview(session: Session, choice: Choice) -> Preview:
    _check(choice)
    layout, chosen = layout_of(choice.layout), layout_settings(session, choice.layout)
    needs_programme = bool(settings.get(session, "finance.needs_programme"))
    taken: list[Candidate] = []
    groups: dict[tuple[str, str], LeftOutGroup] = {}
    for candidate in _candidates(session, choice):
        why = _no_programme(candidate.entry, needs_programme) or left_out(candidate.entry, layout, chosen)
        if why is None:
            taken.append(candidate)
        else:
            groups.setdefault((why.code, why.about), LeftOutGroup(why.code, why.reason, why.remedy, why.about)).entries.append(candidate.entry)
    entries = [candidate.entry for candidate in taken]
    return Preview(choice, layout, chosen, taken, [*_issued_before(session, choice), *_from_finance(session, choice), *groups.values()],
                   write_file(layout, entries, chosen), layout.missing_options(chosen))


def _check(choice: Choice) -> None:
    if choice.until_on < choice.from_on:
        raise InvalidInput(_l("The period ends before it begins."), field="until_on", value=choice.until_on)
    if choice.content not in CONTENTS:
        raise InvalidInput(_l("A batch holds contributions or pledges."), field="content", value=choice.content)
    if choice.content == "pledges" and layout_of(choice.layout).journal:
        raise InvalidInput(_l("A pledge is no journal entry. Export pledges in the generic layout."), field="layout", value=choice.layout)


def _no_programme(entry: Entry, needed: bool) -> LeftOut | None:
    if not needed or entry.programme:
        return None
    return LeftOut("programme", _l("Without a programme."), _l("Set the programme"))


def _candidates(session: Session, choice: Choice) -> Iterable[Candidate]:
    model, columns = _selected(choice)
    live = sa.select(FinanceBatchRow.id).where(_link(model) == model.id, FinanceBatchRow.live).exists()
    statement = _period(sa.select(*columns), model, choice).where(~live)
    if model is Contribution:
        statement = statement.where(Contribution.source != "finance")
    return [_candidate(row, model) for row in session.execute(statement.order_by(_day(model), model.id))]


def _selected(choice: Choice) -> tuple[Any, list[Any]]:
    model: Any = Pledge if choice.content == "pledges" else Contribution
    own = [model.due_on, sa.literal("").label("method")] if model is Pledge else [sa.null().label("due_on"), model.method]
    columns = [model.id, _day(model).label("day"), Customer.number, model.reference, Programme.name_ar.label("programme"), Fund.code.label("fund"),
               Fund.name_ar.label("fund_name"), model.amount_minor, model.currency, model.memo, *own]
    return model, columns


def _day(model: Any) -> Any:
    return model.promised_on if model is Pledge else model.received_on


def _link(model: Any) -> Any:
    return FinanceBatchRow.pledge_id if model is Pledge else FinanceBatchRow.contribution_id


def _period(statement: sa.Select[Any], model: Any, choice: Choice) -> sa.Select[Any]:
    joined = (statement.select_from(model).join(Customer, Customer.id == model.customer_id).outerjoin(Programme, Programme.id == model.programme_id)
              .outerjoin(Fund, Fund.id == model.fund_id).where(_day(model).between(choice.from_on, choice.until_on)))
    if model is Pledge:
        joined = joined.where(Pledge.cancelled_at.is_(None))
    if choice.currency:
        joined = joined.where(model.currency == choice.currency)
    if choice.fund:
        joined = joined.where(Fund.code == choice.fund)
    return joined.where(model.programme_id == choice.programme_id) if choice.programme_id else joined


def _candidate(row: Any, model: Any) -> Candidate:
    kind = "pledge" if model is Pledge else "refund" if row.amount_minor < 0 else "contribution"
    entry = Entry(row.reference, row.day, row.number, Money.of_minor(row.amount_minor, row.currency), fund=row.fund or "", fund_name=row.fund_name or "",
                  programme=row.programme or "", method=row.method, memo=row.memo or "", kind=kind, due_on=row.due_on)
    return Candidate(entry, pledge_id=row.id) if model is Pledge else Candidate(entry, contribution_id=row.id)


def _issued_before(session: Session, choice: Choice) -> list[LeftOutGroup]:
    model, columns = _selected(choice)
    statement = _period(sa.select(*columns, FinanceBatch.number.label("batch")), model, choice)
    statement = statement.join(FinanceBatchRow, sa.and_(_link(model) == model.id, FinanceBatchRow.live))
    statement = statement.join(FinanceBatch, FinanceBatch.id == FinanceBatchRow.batch_id)
    groups: dict[str, LeftOutGroup] = {}
    for row in session.execute(statement.order_by(FinanceBatch.id, _day(model), model.id)):
        group = groups.setdefault(row.batch, LeftOutGroup("issued", _l("Issued in batch %(batch)s; a row is not issued twice.", batch=row.batch),
                                                          _l("Show the batch"), batch=row.batch))
        group.entries.append(_candidate(row, model).entry)
    return list(groups.values())


def _from_finance(session: Session, choice: Choice) -> list[LeftOutGroup]:
    """What came from the finance system is there already."""
    if choice.content == "pledges":
        return []
    model, columns = _selected(choice)
    rows = session.execute(_period(sa.select(*columns), model, choice).where(Contribution.source == "finance").order_by(_day(model), model.id))
    entries = [_candidate(row, model).entry for row in rows]
    group = LeftOutGroup("finance", _l("Came from the finance system itself."), _l("Nothing to do."), entries=entries)
    return [group] if entries else []


# --- the file ---------------------------------------------------------------------------------------------------------


def write_file(layout: Layout, entries: Sequence[Entry], chosen: LayoutSettings) -> Artifact:
    """The file of these entries: the same entries and settings give the same bytes, also in a ZIP."""
    parts = layout.write(entries, chosen)
    if len(parts) == 1:
        return Artifact(parts[0], "csv", CSV)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, part in enumerate(parts, start=1):
            archive.writestr(zipfile.ZipInfo(f"{layout.code}-{number}.csv", FIXED_TIME), part)
    return Artifact(out.getvalue(), "zip", ZIP)


def file_of(session: Session, batch: FinanceBatch) -> Artifact:
    """The batch's file, written anew from its frozen rows. Raises Conflict when it is not what was issued."""
    entries = [_entry_of(row) for row in rows_of(session, batch)]
    artifact = write_file(layout_of(batch.layout), entries, LayoutSettings.of(batch.layout_settings))
    if artifact.sha256 != batch.sha256:
        raise Conflict(_l("The file of batch %(number)s would differ from what was issued, so it is not handed out. A memo was erased since, or the "
                          "program's layout changed; the checksum of the issued file is on the page.", number=batch.number), rule="FIN-09")
    return artifact


def _entry_of(row: FinanceBatchRow) -> Entry:
    return Entry(row.reference, row.on, row.number, row.amount, fund=row.fund, fund_name=row.fund_name, programme=row.programme, method=row.method,
                 memo=row.memo, kind=row.kind, due_on=row.due_on)


# --- issue ------------------------------------------------------------------------------------------------------------


def issue_batch(
    session: Session, choice: Choice, *, actor: Actor, now: datetime, operation_key: str | None = None, expected_sha256: str | None = None,
) -> FinanceBatch:
    """Number the batch, freeze its rows, log it with filter, rows and checksum, and anchor the log (FIN-09, AUD-05).

    ``expected_sha256`` is what a preview showed: Conflict when the rows have changed since. The same ``operation_key``
    gives the first result. A batch without rows is a result too: it says that there was nothing new.
    """
    authorize(session, actor, EXPORT, rule="FIN-02")
    known = made_before(session, FinanceBatch, operation_key, issued_by=actor.user_id)
    if known is not None:
        return known
    # The counter is locked first, so that two who issue at once follow each other and the second sees the first's rows.
    number = f"FB-{now.year}-{next_value(session, f'finance_batch_{now.year}'):04d}"
    preview = _preview(session, choice)
    _refuse_unready(preview, expected_sha256)
    batch = _new_batch(preview, number, actor, now, operation_key)
    session.add(batch)
    audit.name_action(session, batch, "issue")
    session.flush()
    _freeze(session, batch, preview.candidates)
    audit.record(session, "export", record=batch, summary="core.finance_batch", data={
        "filter": {"from_on": choice.from_on, "until_on": choice.until_on, "content": choice.content, "layout": choice.layout, **choice.filters},
        "rows": batch.row_count, "sha256": batch.sha256})
    if session.info.get("association") is not None:
        checks.anchor(session)
    return batch


def _refuse_unready(preview: Preview, expected_sha256: str | None) -> None:
    if preview.missing_options:
        names = str(_l(", ")).join(str(option.label) for option in preview.missing_options)
        raise Conflict(_l("The layout “%(layout)s” still needs: %(names)s. Set it in the settings of finance.", layout=preview.layout.title, names=names),
                       rule="FIN-02")
    if expected_sha256 is not None and preview.artifact.sha256 != expected_sha256:
        raise Conflict(_l("The rows have changed since the preview. Look at it again and then issue it."), rule="FIN-09")


def _new_batch(preview: Preview, number: str, actor: Actor, now: datetime, operation_key: str | None) -> FinanceBatch:
    choice = preview.choice
    return FinanceBatch(
        number=number, state="issued", content=choice.content, layout=choice.layout, from_on=choice.from_on, until_on=choice.until_on, filters=choice.filters,
        layout_settings=preview.layout_settings.stored(), row_count=len(preview.candidates), left_out_count=preview.left_out_count,
        totals={one.currency: one.stored() for one in preview.totals}, sha256=preview.artifact.sha256, size=len(preview.artifact.content),
        issued_at=now, issued_by=actor.user_id, operation_key=operation_key,
    )


def _freeze(session: Session, batch: FinanceBatch, candidates: Sequence[Candidate]) -> None:
    rows = [{
        "batch_id": batch.id, "position": position, "live": True, "contribution_id": one.contribution_id, "pledge_id": one.pledge_id,
        "kind": one.entry.kind, "on": one.entry.on, "number": one.entry.party, "reference": one.entry.reference, "programme": one.entry.programme,
        "fund": one.entry.fund, "fund_name": one.entry.fund_name, "method": one.entry.method, "amount_minor": one.entry.amount.minor,
        "currency": one.entry.amount.currency, "memo": one.entry.memo, "due_on": one.entry.due_on,
    } for position, one in enumerate(candidates, start=1)]
    if not rows:
        return
    try:
        with section("finance batch rows"):
            session.execute(sa.insert(FinanceBatchRow), rows)
    except IntegrityError as exc:
        raise Conflict(_l("Somebody else has just issued some of these rows. Look at the preview again."), rule="FIN-09") from exc


# --- after issuing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Handed:
    """A file that may now be sent: its export is already logged."""

    name: str
    artifact: Artifact
    re_export: int = 0
    """How many times it was exported again; 0 is the first file."""


def hand_out(session: Session, batch: FinanceBatch, *, actor: Actor, now: datetime) -> Handed:
    """The file of a batch for the first time; from then on it is ``re_export``. Raises Conflict."""
    authorize(session, actor, EXPORT, rule="FIN-02")
    session.refresh(batch)
    if batch.handed_at is not None:
        raise Conflict(_l("The file of %(number)s was already handed out. Export it again, which is marked as such.", number=batch.number), rule="FIN-09")
    artifact = _file_of_live(session, batch)
    batch.handed_at = now
    audit.name_action(session, batch, "download")
    session.flush()
    return Handed(f"{batch.number}-{batch.layout}.{artifact.extension}", artifact)


def re_export(session: Session, batch: FinanceBatch, *, actor: Actor, now: datetime) -> Handed:
    """The same file byte for byte, marked as a re-export in its name, on the page of the batch and in the log (FIN-09)."""
    authorize(session, actor, EXPORT, rule="FIN-09")
    artifact = _file_of_live(session, batch)
    session.add(FinanceReExport(batch_id=batch.id, exported_at=now, exported_by=actor.user_id, label=actor.label))
    session.flush()
    count = session.scalar(sa.select(sa.func.count()).select_from(FinanceReExport).where(FinanceReExport.batch_id == batch.id)) or 1
    audit.record(session, "re_export", record=batch, summary="core.finance_batch", data={
        "filter": {"batch": batch.number}, "rows": batch.row_count, "sha256": artifact.sha256, "re_export": count})
    return Handed(f"{batch.number}-{batch.layout}-re-export-{count}.{artifact.extension}", artifact, int(count))


def _file_of_live(session: Session, batch: FinanceBatch) -> Artifact:
    if batch.state == "void":
        raise Conflict(_l("Batch %(number)s is void: its rows may be in another batch by now.", number=batch.number), rule="FIN-09")
    return file_of(session, batch)


def void_batch(session: Session, batch: FinanceBatch, *, reason: str, actor: Actor, now: datetime) -> None:
    """Take a batch out of force, for a file that the accounting system did not take in: its rows can be issued anew."""
    authorize(session, actor, EXPORT, rule="FIN-09")
    session.refresh(batch)
    if batch.state == "void":
        raise Conflict(_l("Batch %(number)s is void already.", number=batch.number), rule="FIN-09")
    if not reason.strip():
        raise InvalidInput(_l("Say why the batch is voided."), field="reason")
    batch.state, batch.voided_at, batch.voided_by, batch.void_reason = "void", now, actor.user_id, reason.strip()[:500]
    audit.name_action(session, batch, "void")
    session.flush()
    with section("finance batch rows"):
        session.execute(sa.update(FinanceBatchRow).where(FinanceBatchRow.batch_id == batch.id).values(live=False))


# --- rows left out, as a file -----------------------------------------------------------------------------------------

LEFT_OUT_COLUMNS = (
    Column("customer_number", _l("Customer number")), Column("date", _l("Date"), "date"), Column("reference", _l("Reference")),
    Column("amount", _l("Amount"), "money"), Column("currency", _l("Currency")), Column("reason", _l("Reason")), Column("remedy", _l("What to do")),
)


def left_out_file(session: Session, preview: Preview, *, actor: Actor) -> Stream:
    """The rows that stay out, each with reason and remedy; its export is logged with filter and count."""
    authorize(session, actor, READ, rule="FIN-02")
    rows = [(one.party, one.on, one.reference, one.amount, one.amount.currency, group.reason, group.remedy)
            for group in preview.left_out for one in group.entries]
    return write_csv(LEFT_OUT_COLUMNS, rows, Options(headings=True))


def log_left_out(session: Session, preview: Preview, outcome: Any) -> None:
    """Log the export of rows left out (AUD-05)."""
    if outcome is None:
        raise DiwanError("The file of rows left out was not finished.")
    audit.record(session, "export", summary="core.finance_left_out", data={
        "filter": {"from_on": preview.choice.from_on, "until_on": preview.choice.until_on, "layout": preview.choice.layout, **preview.choice.filters},
        "rows": outcome.rows, "sha256": outcome.sha256})
