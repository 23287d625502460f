"""Registers of complaints kept elsewhere, from files, as marked history.

An entry is recognised by its reference, or by the file's checksum and its line: two equal lines of one file are two
entries, and the same file twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import kinds as lists
from core import settings, work
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers import domain as customers
from core.errors import InvalidInput, NotFound
from core.i18n import lazy_gettext as _l
from core.imports.models import Import
from core.imports.offers import Context, Importer, ImportField, Line, Reason, Result, Verdict
from core.organisation.models import Centre
from core.text import fold
from plugins.complaints import domain, history
from plugins.complaints.history import Former
from plugins.complaints.models import Cause

ADD, REFUSE = "add", "refuse"
OPEN, CLOSED = "open", "closed"
ALWAYS = ("name", "phone", "cause", "text", "channel")
"""What a register may lack; each is named on the entries that have it not."""


def importers() -> list[Importer]:
    kinds, channels, classes = domain.kinds(), domain.channels(), customers.classes()
    fields = (
        _field("received", _l("Receipt"), "moment", required=True),
        _field("returned", _l("Returned to the customer"), "moment",
                    help=_l("When the customer was told. Empty: the entry stays out of response times.")),
        _field("kind", _l("Kind"), "choice", choices=_writings("kinds", kinds), labels=kinds),
        _field("channel", _l("Channel"), "choice", choices=_writings("channels", channels), labels=channels),
        _field("cause", _l("Cause"), longest=lists.LONGEST_NAME),
        _field("customer_class", _l("Class of the complainant"), "choice", choices=_writings("classes", classes), labels=classes),
        _field("centre", _l("Centre"), longest=200),
        _field("name", _l("Name"), "name", longest=200),
        _field("phone", _l("Telephone"), "phone"),
        _field("response", _l("State or response"), longest=300,
                    help=_l("What begins with “closed” is closed. Empty: closed where the day of return is given.")),
        _field("timely", _l("Answered in time"), "choice", choices={fold(text): one for one in ("yes", "no") for text in _words(one)},
                    labels={"yes": _l("yes"), "no": _l("no")}),
        _field("reference", _l("Reference"), longest=120,
                    help=_l("By it an entry is recognised in another file; without it, by file and line.")),
        _field("text", _l("What was said"), longest=domain.LONGEST_TEXT),
    )
    options = (
        ImportField("kind", _l("Kind where the file has none"), "choice", choices={one: one for one in kinds}, labels=kinds,
                    help=_l("Nothing chosen: a complaint.")),
        ImportField("channel", _l("Channel where the file has none"), "choice", choices={one: one for one in channels}, labels=channels,
                    help=_l("A line without a channel is refused, unless one is chosen here.")),
        ImportField("customer_class", _l("Class where the file has none"), "choice", choices={one: one for one in classes}, labels=classes,
                    help=_l("Nothing chosen: other.")),
        ImportField("causes", _l("Causes that the catalogue has not"), "choice", choices={ADD: ADD, REFUSE: REFUSE},
                    labels={ADD: _l("Add them to the catalogue"), REFUSE: _l("Refuse their lines")}, help=_l("Nothing chosen: they are added.")),
        ImportField("states", _l("States that are not known"), "choice", choices={REFUSE: REFUSE, OPEN: OPEN, CLOSED: CLOSED},
                    labels={REFUSE: _l("Refuse their lines"), OPEN: _l("They are open"), CLOSED: _l("They are closed")},
                    help=_l("Nothing chosen: their lines are refused.")),
    )
    return [Importer("complaints.entries", _l("Complaints of a former register"), history.IMPORT, fields, check, apply, undo, result=result,
                     record_type="complaints_entry", options=options,
                     help=_l("Marked as imported history; what the file lacks stays out of averages that need it."))]


def _field(key: str, label: Any, kind: str = "text", **more: Any) -> ImportField:
    return ImportField(key, label, kind, headings=domain.CATALOGUE["headings"].get(key, ()), **more)


def _words(part: str) -> list[str]:
    return list(domain.CATALOGUE["writings"][part])


def _writings(part: str, labels: Mapping[str, Any]) -> dict[str, str]:
    """What a file may write for a code: the code, its label in either language, and other writings of the catalogue; folded."""
    more = domain.CATALOGUE["writings"][part]
    return {fold(text): code for code, label in labels.items() for text in (code, label.ar, label.en, *more.get(code, ()))}


# --- check -----------------------------------------------------------------------------------------------------------


def check(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Judge a block: what each line would become, what it lacks, and what is in the log already."""
    judge = Judge(session, context)
    there = history.known(session, (judge.reference(line) for line in lines))
    return [judge.verdict(line, there) for line in lines]


class Judge:
    """Reads the lines of one import by its options; centres and causes are looked up once a block."""

    def __init__(self, session: Session, context: Context) -> None:
        self.session, self.options, self.now = session, context.options, work.now()
        self.file = self._file(context)
        self.zone = settings.time_zone(session)
        self.causes = lists.by_name(session, Cause)
        self._seen: set[str] | None = None
        self._import_id = context.import_id
        self._centres: dict[str, list[int]] | None = None

    def _file(self, context: Context) -> str:
        row = self.session.get(Import, context.import_id)
        if row is None:
            raise NotFound(_l("There is no import %(id)s.", id=context.import_id))
        return ":".join(part for part in (row.sha256[:24], str(row.declared.get("sheet") or "")[:60]) if part)

    def reference(self, line: Line) -> str:
        """How the entry of a line is recognised when it comes again."""
        return str(line.values.get("reference") or f"{self.file}:{line.line_no}")

    @property
    def seen(self) -> set[str]:
        """References of earlier blocks of this check, which asks in order."""
        if self._seen is None:
            kept = self.session.info.get("complaints.seen")
            self._seen = kept[1] if kept is not None and kept[0] == self._import_id else set()
            self.session.info["complaints.seen"] = (self._import_id, self._seen)
        return self._seen

    def verdict(self, line: Line, there: Mapping[str, int]) -> Verdict:
        reference = self.reference(line)
        if reference in there:
            return Verdict("duplicate", [Reason("reference", _l("This entry was taken in before."))], target_id=there[reference])
        row, reasons = self.read(line)
        if row is None:
            return Verdict("refused", reasons)
        if line.values.get("reference"):
            if reference in self.seen:
                return Verdict("duplicate", [Reason("reference", _l("An earlier line has the reference “%(reference)s”.", reference=reference))])
            self.seen.add(reference)
        return Verdict("create", reasons, lacks=tuple(row.lacks))

    def read(self, line: Line) -> tuple[Former | None, list[Reason]]:
        """The entry of a line with what is to be said of it; None where it is refused."""
        faults: list[Reason] = []
        values, options = line.values, self.options
        state = self._state(values, faults)
        received, returned, lacks = self._moments(values, faults)
        centre_id = self._centre(values.get("centre"), faults)
        cause, notes = self._cause(values.get("cause"), faults)
        channel = values.get("channel") or options.get("channel")
        if not channel:
            faults.append(Reason("channel", _l("The line names no channel. Say which one holds for lines without.")))
        if faults:
            return None, faults
        lacks |= {key: True for key in ALWAYS if not values.get(key)}
        lacks |= {} if values.get("response") else {"state": True}
        if state == domain.CLOSED and returned is None:
            lacks["returned_at"] = True
        row = Former(
            self.reference(line), values.get("kind") or options.get("kind") or domain.COMPLAINT, str(channel),
            values.get("customer_class") or options.get("customer_class") or "other", state, received, returned, cause.id if cause is not None else None,
            centre_id, values.get("name"), values.get("phone"), str(values.get("text") or ""), values.get("response") if state == domain.CLOSED else None,
            {"yes": True, "no": False}.get(str(values.get("timely") or "")), lacks,
        )
        return row, notes

    def _state(self, values: Mapping[str, Any], faults: list[Reason]) -> str:
        text = str(values.get("response") or "")
        if not text:
            return domain.CLOSED if values.get("returned") else domain.RECEIVED
        found = state_of(text)
        if found is None and self.options.get("states") in (OPEN, CLOSED):
            found = domain.CLOSED if self.options["states"] == CLOSED else domain.RECEIVED
        if found is None:
            faults.append(Reason("response", _l("“%(value)s” is not known as open or closed. Say what holds for states that are not known.", value=text[:60])))
        return found or domain.RECEIVED

    def _moments(self, values: Mapping[str, Any], faults: list[Reason]) -> tuple[datetime, datetime | None, dict[str, Any]]:
        """Received and returned, and of which only the day is known. A return on the day of receipt is no earlier than the receipt."""
        received, returned = values["received"], values.get("returned")
        lacks = {name: "hour" for name, at in (("received_at", received), ("returned_at", returned)) if at is not None and self._only_a_day(at)}
        if returned is not None and lacks.get("returned_at") and local_day(returned, self.zone) == local_day(received, self.zone):
            returned = received
        if early := domain.too_early(received):
            faults.append(Reason("received", early))
        if received > self.now:
            faults.append(Reason("received", _l("The time of receipt lies in the future.")))
        if returned is not None and returned > self.now:
            faults.append(Reason("returned", _l("The time of return lies in the future.")))
        if returned is not None and returned < received:
            faults.append(Reason("returned", _l("The customer cannot have been told before the complaint was received.")))
        return received, returned, lacks

    def _only_a_day(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        return (local.hour, local.minute, local.second) == (0, 0, 0)

    def _centre(self, name: Any, faults: list[Reason]) -> int | None:
        if not name:
            return None
        if self._centres is None:
            self._centres = {}
            for one in self.session.scalars(sa.select(Centre)):
                for text in {fold(one.name_ar), fold(one.name_en)} - {""}:
                    self._centres.setdefault(text, []).append(one.id)
        found = self._centres.get(fold(str(name)), [])
        if len(found) != 1:
            faults.append(Reason("centre", _l("There is no single centre “%(name)s”.", name=name)))
        return found[0] if len(found) == 1 else None

    def _cause(self, name: Any, faults: list[Reason]) -> tuple[Cause | None, list[Reason]]:
        if not name:
            return None, []
        found = self.causes.get(fold(str(name)))
        if found is not None:
            return found, []
        if self.options.get("causes") == REFUSE:
            faults.append(Reason("cause", _l("There is no cause “%(name)s”.", name=name)))
            return None, []
        return None, [Reason("cause", _l("The cause “%(name)s” is added to the catalogue.", name=name))]


def state_of(text: str) -> str | None:
    """The state that a register's words mean, by how they begin; None where they are not known."""
    words = fold(text)
    labels = {fold(writing): code for code, label in domain.states().items() for writing in (code, label.ar, label.en)}
    if words in labels:
        return labels[words]
    if any(words.startswith(fold(one)) for one in _words("closed")):
        return domain.CLOSED
    known: Mapping[str, Sequence[str]] = domain.CATALOGUE["writings"]["open"]
    return next((state for state, writings in known.items() if any(words.startswith(fold(one)) for one in writings)), None)


# --- apply -----------------------------------------------------------------------------------------------------------


def apply(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    """Write a block into the log; causes that the catalogue has not are added first."""
    judge = Judge(session, context)
    rows = []
    for line in lines:
        name = str(line.values.get("cause") or "")
        if name and fold(name) not in judge.causes and context.options.get("causes") != REFUSE:
            judge.causes[fold(name)] = lists.add(session, Cause, name, name)
        row, reasons = judge.read(line)
        if row is None:
            raise InvalidInput(reasons[0].message, field=reasons[0].field)
        rows.append(row)
    return list(history.take_in(session, rows, import_id=context.import_id, actor=actor, now=now))


def undo(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    history.take_back(session, ids, actor=actor)


def result(session: Session, context: Context) -> Result:
    return Result(_l("The entries stand in the log as imported history."), "/complaints/")
