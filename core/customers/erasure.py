"""Erasure: a customer's personal values go, the number and the money stay (DESIGN 4; architecture 3.5; reliability 2.18).

It is a form like every change: filled with who asked and why, reviewed, approved by somebody else, entered by the data officer.
At entry, in one transaction: the keys of the customer's subjects are destroyed, so that the audit log is unreadable about them and
still proves itself; every personal column of every row that belongs to the customer is emptied, in every owner's tables
(``belonging``); texts that name the person without pointing at anybody are cleaned (``traces``); attached files are cut loose.
What lies outside the transaction follows by a job that was written with it: the bytes of files, and of the database itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import erasures, work
from core.audit import services as audit
from core.auth.actor import Actor, authorize, system_actor
from core.customers import indexing, queries, services
from core.customers.belonging import Belongings, Holder, belongings, contact_points, holders, parts
from core.customers.domain import FIELDS
from core.customers.models import Customer, CustomerAlias, CustomerForm, CustomerFormLine
from core.customers.pointers import CUSTOMERS, absent_owners
from core.customers.traces import Traces
from core.database import ERASED, Phone, section
from core.errors import Conflict, InvalidInput
from core.files import services as files
from core.files.models import StoredFile
from core.i18n import lazy_gettext as _l
from core.imports.models import Import, ImportLine
from core.jobs.models import WAITING, JobRow
from core.jobs.services import enqueue
from core.keys import adopt_subject, destroy_subject_key, family_of, has_key
from core.notices.models import FAILED, QUEUED, SENDING, Mail, Notice
from core.numbering import printed
from core.procedures.models import StepRun
from core.reports import keeping
from core.reports.models import ReportRun
from core.scrubbing import scrub
from core.sending import made_before
from core.settings import Association
from core.text import check_plain

FINISH = "customers.finish_erasure"
NO_PHONE = "+9990000"
"""Stands in a telephone column that may not be empty; the country code is nobody's."""
LONGEST_REASON = 2_000
LOCK = 0x45524153  # any constant: one erasure at a time on PostgreSQL, so that the list of them can be settled
ASKED_BY = {
    "customer": _l("The customer"),
    "guardian": _l("A guardian or heir"),
    "authority": _l("A court or authority"),
    "association": _l("The association: the time of keeping is over"),
}
"""Who asked, as a code: it stays when the reason has gone."""


# --- filling ---------------------------------------------------------------------------------------------------------


def fill_erasure(
    session: Session, customer: Customer, *, asked_by: str, reason: str, actor: Actor, now: datetime, operation_key: str | None = None,
) -> CustomerForm:
    """Fill a form to erase ``customer``; it goes the way of every form. Raises Conflict while something speaks against it."""
    authorize(session, actor, services.FILL, rule="CUST-14")
    earlier = made_before(session, CustomerForm, operation_key, made_by=actor.user_id)
    if earlier is not None:
        return earlier
    if asked_by not in ASKED_BY:
        raise InvalidInput(_l("Choose who asked for the erasure."), field="asked_by", value=asked_by)
    reason = check_plain(reason or "", field="reason", multiline=True).strip()
    if not reason:
        raise InvalidInput(_l("Write why the data is erased: who approves it decides by that."), field="reason", rule="CUST-16")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=LONGEST_REASON, found=len(reason)), field="reason", value=reason[:40])
    services._check_target(session, customer, None, actor)
    check_erasable(session, customer)
    form = services._new_form(session, "erase", customer, actor, now, operation_key)
    form.source = asked_by
    _write_line(form.line, customer, reason)
    session.flush()
    return services._send(session, form, actor, now)


def _write_line(line: CustomerFormLine, customer: Customer, reason: str) -> None:
    """The line proposes what will stand in the register: nothing personal, all else as it is. The reason is its remark."""
    for name in FIELDS:
        if not Customer.__table__.c[name].info.get("personal"):
            setattr(line, name, getattr(customer, name))
    line.name, line.other_detail = erased_name(customer), ERASED if customer.other_detail else None
    line.name_key, line.remarks = ERASED, reason


def erased_name(customer: Customer) -> str:
    """What an erased customer is called: by the number."""
    return f"{ERASED} {printed(customer.number)}"


# --- what speaks against it -------------------------------------------------------------------------------------------


def check_erasable(session: Session, customer: Customer) -> None:
    """Raise Conflict where the customer may not be erased yet: already erased, steps open, or rows that cannot be reached.

    Contributions that finance has not got yet are no hindrance: it gets the number, never the name. Neither are open pledges,
    which stay with their amount and number; the record they belong to is what must be closed first.
    """
    services.refuse_erased(session, customer)
    absent = sorted(absent_owners(session))
    if absent:
        raise Conflict(_l("The tables of %(names)s are in the database, but their program is not loaded here, so what they hold of the customer cannot be "
                          "erased. Install or mend it first.", names=str(_l(", ")).join(absent)), value=absent[0])
    steps = open_steps(session, customer)
    if steps:
        named = str(_l(", ")).join(dict.fromkeys(f"{one.procedure_code} {one.record_label}" for one in steps[:5]))
        raise Conflict(_l("Steps are open for this customer: %(names)s. Close or cancel what they belong to; then the customer can be erased.", names=named),
                       value=steps[0].record_label, rule="PLUG-10")


def open_steps(session: Session, customer: Customer) -> Sequence[StepRun]:
    """Open steps of every owner, on or off, but those of customer forms: one that would still change something is refused by itself,
    and an entered one can be filed without a name."""
    query = sa.select(StepRun).where(StepRun.customer_id == customer.id, StepRun.ended_at.is_(None), StepRun.record_type != CustomerForm.__tablename__)
    return session.scalars(query.order_by(StepRun.id)).all()


# --- entering --------------------------------------------------------------------------------------------------------


@dataclass
class Erased:
    """What an erasure did: rows by table, and what the job after it removes."""

    customer_id: int
    rows: dict[str, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    """Files below the association's folder, each ``folder/name``."""


def enter(session: Session, form: CustomerForm, *, now: datetime) -> Erased:
    """Do what an approved form of an erasure says; the form is *entering*. Called by ``core.customers.entry`` alone."""
    _alone(session)
    customer = session.get_one(Customer, form.line.customer_id)
    check_erasable(session, customer)
    folder = session.info["association"].folder
    erasures.settle(folder, lambda subject: not has_key(session, subject), now=now)
    done, subjects = erase(session, customer, form, now=now)
    tables = sorted(done.rows)
    enqueue(session, FINISH, {"tokens": done.tokens, "paths": done.paths, "tables": tables}, unique_key=f"{FINISH}:{form.id}")
    erasures.begin(folder, number=customer.number, form=form.number or "-", subjects=subjects, now=now)
    return done


def erase(session: Session, customer: Customer, form: CustomerForm, *, now: datetime) -> tuple[Erased, list[str]]:
    """Erase ``customer`` by a form in state *entering*; returns what was done, and the subjects whose keys are gone. Flushes."""
    mine, traces = belongings(session, customer), traces_of(session, customer)
    for subject in sorted(mine.found):
        adopt_subject(session, subject, into=customer.subject_id)
    destroy_subject_key(session, customer.subject_id)
    subjects = [customer.subject_id, *(one for one in family_of(session, customer.subject_id) if one != customer.subject_id)]
    done = Erased(customer.id)
    _empty_files(session, mine, done)
    for holder in holders():
        _empty(session, holder, mine, done)
    _empty_customer(session, customer, form, now)
    _clean_texts(session, traces, done, form)
    indexing.reindex(session, ids=[customer.id])
    done.rows |= {"core_customer": 1, "core_customer_search": 1}
    audit.record(session, "erase", record=customer, form_number=form.number, data={"rows": dict(sorted(done.rows.items())), "files": len(done.tokens)})
    session.flush()
    return done, subjects


def erase_again(session: Session, subjects: Iterable[str], *, now: datetime) -> dict[str, Erased]:
    """Erase, after a restore, the customers of these subjects that the backup still held; by number, what was done to each.

    It needs no approval, which was given before. The triggers ask for a form all the same: it is one of the system. What is open
    for such a customer stays open, and refuses to be entered.
    """
    done = {}
    for part in parts(sorted(subjects)):
        for customer in session.scalars(sa.select(Customer).where(Customer.subject_id.in_(part)).order_by(Customer.id)).all():
            if has_key(session, customer.subject_id):
                done[customer.number] = _erase_by_system(session, customer, now)
    return done


def _erase_by_system(session: Session, customer: Customer, now: datetime) -> Erased:
    form = services._new_form(session, "system", customer, system_actor("cli", "restore"), now, None)
    form.source, form.number, form.filled_at = "erasures.txt", services.next_form_number(session, now), now
    _write_line(form.line, customer, "")
    for state in ("filled", "reviewed", "approved", "entering"):
        form.state = state
        session.flush()
    done, _subjects = erase(session, customer, form, now=now)
    for state in ("entered", "filed"):
        form.state = state
        form.entered_at, form.filed_at = now, now
        session.flush()
    audit.name_action(session, form, "erase")
    return done


def _alone(session: Session) -> None:
    if queries.dialect_of(session) == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def traces_of(session: Session, customer: Customer) -> Traces:
    """By what the customer is and was known, from the register and from every form."""
    lines = list(session.scalars(sa.select(CustomerFormLine).where(CustomerFormLine.customer_id == customer.id)))
    names = {customer.name, *(line.name for line in lines), *((line.base or {}).get("name") for line in lines)}
    contacts = contact_points(session, customer)
    aliases = session.scalars(sa.select(CustomerAlias.number).where(CustomerAlias.customer_id == customer.id))
    return Traces(frozenset(name for name in names if name and not name.startswith(ERASED)), frozenset(contacts["phone"]), frozenset(contacts["email"]),
                  frozenset({customer.number, *aliases}))


# --- after the commit -------------------------------------------------------------------------------------------------


def finish(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job that follows an erasure: remove the bytes of files, note the outcome in the list, and clear the database's own leavings.

    Every part may be done twice, so it goes on wherever it was killed. What it was told to remove is forgotten with it.
    """
    _finish(session, session.info["job"].id, arguments, now)


def finish_now(session: Session) -> None:
    """Do at once what waiting jobs of erasures would do; they find nothing left then. For commands, where no worker may be running."""
    waiting = sa.select(JobRow.id, JobRow.args).where(JobRow.name == FINISH, JobRow.state == WAITING)
    for job_id, arguments in session.execute(waiting).all():
        _finish(session, job_id, arguments, work.now())


def _finish(session: Session, job_id: int, arguments: Mapping[str, Any], now: datetime) -> None:
    association, tables = session.info["association"], list(arguments.get("tables", ()))
    remove_files(association, arguments.get("tokens", ()), arguments.get("paths", ()))
    with work.unit_of_work(session) as own:
        settle(own, now=now)
        with section("jobs"):
            own.execute(sa.update(JobRow).where(JobRow.id == job_id).values(args={"tables": tables}))
    session.close()
    scrub(association.database_url, tables)


def settle(session: Session, *, now: datetime) -> None:
    """Note the outcome of every erasure that was begun: done where the key is gone. In a writing transaction."""
    _alone(session)
    erasures.settle(session.info["association"].folder, lambda subject: not has_key(session, subject), now=now)


def remove_files(association: Association, tokens: Iterable[str], paths: Iterable[str]) -> None:
    """Remove the bytes of erased attachments, and files of the association's folder that rows named; never outside it."""
    for token in tokens:
        files.remove(association.files_folder, token)
    for path in paths:
        folder, _slash, name = path.partition("/")
        home = (association.folder / folder).resolve()
        wanted = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..")]
        for place in (home.joinpath(*wanted), home / wanted[-1]) if wanted else ():
            if place.is_file() and place.resolve().is_relative_to(home):
                place.unlink()


# --- rows that belong to the customer ---------------------------------------------------------------------------------


def _empty(session: Session, holder: Holder, mine: Belongings, done: Erased) -> None:
    """Empty the personal columns of the customer's rows in one table; what held something says that it was erased."""
    columns = {column.name for column in holder.personal}
    if not columns or holder.name in (CUSTOMERS, StoredFile.__tablename__):
        return
    attributes = [prop for prop in sa.inspect(holder.model).column_attrs if prop.columns[0].name in columns]
    changed = 0
    for part in parts(mine.of(holder.name)):
        for row in session.scalars(sa.select(holder.model).where(holder.key.in_(part)).options(sa.orm.lazyload("*"))):
            _note_path(row, attributes, done)
            changed += _empty_row(row, attributes)
        session.flush()
    if changed:
        done.rows[holder.name] = done.rows.get(holder.name, 0) + changed


def _empty_row(row: Any, attributes: Iterable[Any]) -> bool:
    changed = False
    for prop in attributes:
        old = getattr(row, prop.key)
        new = nothing_of(prop.columns[0], old, row)
        if new != old:
            setattr(row, prop.key, new)
            changed = True
    return changed


def nothing_of(column: Any, value: Any, row: Any) -> Any:
    """What stands where ``value`` was: nothing where it may, else a text that says so, so that no rule of the row is broken."""
    if value in (None, ""):
        return value
    if isinstance(column.type, Phone):
        return None if column.nullable else NO_PHONE
    if not isinstance(column.type, sa.String) or (column.nullable and (column.index or column.name == "email")):
        return None
    if not column.nullable and column.default is not None and column.default.arg == "":
        return ""
    if column.info.get("file") or column.unique:
        return f"erased-{row.id}"
    return ERASED[:column.type.length]


def _note_path(row: Any, attributes: Iterable[Any], done: Erased) -> None:
    """A column whose ``info`` has ``file`` names a file in that folder of the association."""
    for prop in attributes:
        folder, name = prop.columns[0].info.get("file"), getattr(row, prop.key)
        if folder and name and not name.startswith("erased-"):
            done.paths.append(f"{folder}/{name}")


def _empty_files(session: Session, mine: Belongings, done: Erased) -> None:
    """Cut the customer's attachments loose: those under its subjects, and those of its rows that are under nobody's."""
    wanted = set(mine.of(StoredFile.__tablename__))
    for table, keys in list(mine.rows.items()):
        for part in parts(sorted(keys)):
            wanted.update(session.scalars(sa.select(StoredFile.id).where(StoredFile.record_type == table, StoredFile.record_id.in_(part),
                                                                         StoredFile.subject_id.is_(None))))
    for part in parts(sorted(wanted)):
        rows = list(session.scalars(sa.select(StoredFile).where(StoredFile.id.in_(part), StoredFile.size_bytes > 0)))
        done.tokens += [files.erase(row) for row in rows]
        session.flush()
    if wanted:
        done.rows[StoredFile.__tablename__] = len(wanted)


def _empty_customer(session: Session, customer: Customer, form: CustomerForm, now: datetime) -> None:
    name, detail = erased_name(customer), ERASED if customer.other_detail else None
    for column in Customer.__table__.c:
        if column.info.get("personal"):
            setattr(customer, column.name, {"name": name, "other_detail": detail}.get(column.name))
    customer.form_id, customer.line_id, customer.changed_at = form.id, form.line.id, now
    audit.name_action(session, customer, "erase", form_number=form.number)
    session.flush()


# --- texts that point at nobody ---------------------------------------------------------------------------------------


def _clean_texts(session: Session, traces: Traces, done: Erased, form: CustomerForm) -> None:
    for clean in (_clean_reports, _clean_imports, _clean_notices, _clean_mails, _clean_jobs):
        changed = clean(session, traces, done)
        if changed:
            table = {_clean_reports: ReportRun, _clean_imports: ImportLine, _clean_notices: Notice, _clean_mails: Mail, _clean_jobs: JobRow}[clean]
            done.rows[table.__tablename__] = changed
        session.flush()


def _clean_reports(session: Session, traces: Traces, done: Erased) -> int:
    """Kept runs: cells that tell of the person are replaced and the checksum is of what stands there now; the log has both."""
    changed = 0
    for run in session.scalars(sa.select(ReportRun).where(traces.somewhere_in(ReportRun.content))):
        content = keeping.canonical(traces.cleaned(run.document))
        if content != run.content:
            run.content, run.sha256 = content, keeping.checksum(content)
            run.__dict__.pop("document", None)
            audit.name_action(session, run, "erase")
            changed += 1
    return changed


def _clean_imports(session: Session, traces: Traces, done: Erased) -> int:
    """Staged lines of the person, and the uploaded files they came from; an import that waits must be sent again without the line."""
    of_imports: set[int] = set()
    changed = 0
    for line in session.scalars(sa.select(ImportLine).where(traces.somewhere_in(ImportLine.cells))):
        if traces.row(list(line.cells.values())):
            line.cells, line.reasons = {}, None
            of_imports.add(line.import_id)
            changed += 1
    for row in session.scalars(sa.select(Import).where(Import.id.in_(of_imports))):
        done.paths.append(f"imports/{row.token}")
        if row.state in ("uploaded", "checking", "checked", "applying"):
            row.state, row.failure = "failed", str(_l("A person of this file was erased. Send the file again without that line."))
    return changed


def _clean_notices(session: Session, traces: Traces, done: Erased) -> int:
    return _clean_each(session.scalars(sa.select(Notice).where(sa.or_(traces.somewhere_in(Notice.args), traces.somewhere_in(Notice.text)))), traces,
                       ("args", "text"))


def _clean_mails(session: Session, traces: Traces, done: Erased) -> int:
    """Mails about the person; one to the person that has not left stays here."""
    columns = ("subject", "body", "last_error", "to_address")
    found = list(session.scalars(sa.select(Mail).where(sa.or_(*(traces.somewhere_in(getattr(Mail, name)) for name in columns)))))
    for mail in found:
        if mail.to_address.casefold() in {one.casefold() for one in traces.emails}:
            mail.subject, mail.body, mail.state = ERASED, ERASED, FAILED if mail.state in (QUEUED, SENDING) else mail.state
    return _clean_each(found, traces, columns)


def _clean_jobs(session: Session, traces: Traces, done: Erased) -> int:
    """Jobs hold keys and no personal values; one that does all the same loses them."""
    return _clean_each(session.scalars(sa.select(JobRow).where(sa.or_(traces.somewhere_in(JobRow.args), traces.somewhere_in(JobRow.last_error)))), traces,
                       ("args", "last_error"))


def _clean_each(rows: Iterable[Any], traces: Traces, names: tuple[str, ...]) -> int:
    changed = 0
    for row in rows:
        before = {name: getattr(row, name) for name in names}
        after = {name: traces.cleaned(value) for name, value in before.items()}
        for name in (name for name in names if after[name] != before[name]):
            setattr(row, name, after[name])
        changed += after != before
    return changed
