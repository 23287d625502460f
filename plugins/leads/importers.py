"""Leads of registers kept elsewhere, from files, as marked history.

A lead is recognised by its reference, or by the file's checksum and its line: the same file twice adds nothing. Its donor must
be in the register of customers before; a line without one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers import queries as customers
from core.customers.domain import name_key
from core.customers.models import Customer, CustomerAlias, CustomerSearch
from core.errors import InvalidInput, NotFound
from core.i18n import lazy_gettext as _l
from core.imports.models import Import
from core.imports.offers import Context, Importer, ImportField, Line, Reason, Result, Verdict
from core.money import Money, check_currency, to_minor
from core.organisation.models import Programme
from core.text import fold, isolate, normalise_digits
from plugins.leads import domain, history
from plugins.leads.history import Deal

ALWAYS = ("began", "amount", "about", "agent")
"""What a register may lack; each is named on the leads that have it not."""


def importers() -> list[Importer]:
    fields = (
        _field("donor", _l("Donor"), longest=300, help=_l("Customer number, earlier number, or the name exactly as in the register of customers.")),
        _field("state", _l("State"), required=True, longest=100,
               help=_l("Won, funded: successful. Lost, dropped: cancelled. Engaging, open: in follow-up. Prospecting: identified.")),
        _field("began", _l("Begun"), "date"),
        _field("ended", _l("Ended on"), "date", help=_l("Needed where the lead was successful or cancelled.")),
        _field("amount", _l("Amount"), "amount"),
        _field("about", _l("Programme or activity"), longest=200, help=_l("A programme of that name is linked; any other text is kept as it is.")),
        _field("agent", _l("Employee"), longest=200),
        _field("reference", _l("Reference"), longest=120, help=_l("By it a lead is recognised in another file; without it, by file and line.")),
    )
    options = (ImportField("currency", _l("Currency of the amounts"), longest=3, help=_l("Empty: the association's own.")),)
    return [Importer("leads.history", _l("Leads of a former register"), history.IMPORT, fields, check, apply, undo, result=result,
                     record_type="leads_former", options=options,
                     help=_l("Marked as imported history: no step, gate or reminder touches it. Take the donors in first; a line without a known donor is"
                             " refused."))]


def _field(key: str, label: Any, kind: str = "text", **more: Any) -> ImportField:
    return ImportField(key, label, kind, headings=domain.CATALOGUE["headings"].get(key, ()), **more)


# --- check -----------------------------------------------------------------------------------------------------------


def check(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Judge a block: what each line would become, what it lacks, and what was taken in before."""
    judge = Judge(session, context, lines)
    there = history.known(session, (judge.reference(line) for line in lines))
    return [judge.verdict(line, there) for line in lines]


class Judge:
    """Reads the lines of one block; donors and programmes are looked up once."""

    def __init__(self, session: Session, context: Context, lines: Sequence[Line]) -> None:
        row = session.get(Import, context.import_id)
        if row is None:
            raise NotFound(_l("There is no import %(id)s.", id=context.import_id))
        self.file = ":".join(part for part in (row.sha256[:24], str(row.declared.get("sheet") or "")[:60]) if part)
        self.currency = check_currency(str(context.options.get("currency") or row.declared.get("currency") or settings.currency(session)).strip().upper())
        self.today = local_day(work.now(), settings.time_zone(session))
        self.donors = donors_named(session, (str(line.values.get("donor") or "") for line in lines), context.actor)
        self.programmes = {fold(text): one.id for one in session.scalars(sa.select(Programme)) for text in (one.name_ar, one.name_en) if text}
        self.states = writings()
        self.seen = _seen(session, context.import_id)

    def reference(self, line: Line) -> str:
        """How the lead of a line is recognised when it comes again."""
        return str(line.values.get("reference") or f"{self.file}:{line.line_no}")

    def verdict(self, line: Line, there: Mapping[str, int]) -> Verdict:
        reference = self.reference(line)
        if reference in there:
            return Verdict("duplicate", [Reason("reference", _l("This lead was taken in before."))], target_id=there[reference])
        deal, reasons = self.read(line)
        if deal is None:
            return Verdict("refused", reasons)
        if self.seen.setdefault(reference, line.line_no) != line.line_no:
            return Verdict("duplicate", [Reason("reference", _l("An earlier line has the reference “%(reference)s”.", reference=reference))])
        return Verdict("create", lacks=tuple(deal.lacks))

    def read(self, line: Line) -> tuple[Deal | None, list[Reason]]:
        """The lead of a line; None where it is refused, with every reason."""
        faults: list[Reason] = []
        values = line.values
        donor = self._donor(str(values.get("donor") or "").strip(), faults)
        words = str(values.get("state") or "").strip()
        state = self.states.get(fold(words))
        if state is None:
            faults.append(Reason("state", _l("“%(value)s” is no state of a lead that is known here.", value=isolate(words[:60], "auto"))))
        began, ended = values.get("began"), values.get("ended")
        faults += self._days(state, began, ended)
        amount = self._amount(values.get("amount"), faults)
        if faults or donor is None or state is None:
            return None, faults
        about = str(values.get("about") or "")
        lacks = {key: True for key in ALWAYS if not values.get(key)} | ({} if amount is not None else {"amount": True})
        return Deal(self.reference(line), *donor, state, words, about, self.programmes.get(fold(about)) if about else None, amount, began, ended,
                    str(values.get("agent") or ""), lacks), []

    def _donor(self, text: str, faults: list[Reason]) -> tuple[int, str] | None:
        if not text:
            faults.append(Reason("donor", _l("The line names no donor; a lead belongs to one.")))
            return None
        found = self.donors.get(text, [])
        if len(found) != 1:
            faults.append(Reason("donor", _l("“%(name)s” is not in the register of customers. Take the donors in first.", name=isolate(text[:80], "auto"))
                                 if not found else _l("%(n)s customers are called “%(name)s”. Write the customer number.", n=len(found),
                                                      name=isolate(text[:80], "auto"))))
            return None
        return found[0]

    def _days(self, state: str | None, began: date | None, ended: date | None) -> list[Reason]:
        final = state in domain.FINAL_STATES
        return [Reason(field, message) for field, wrong, message in (
            ("ended", final and ended is None, _l("A lead that was successful or cancelled has the day on which it ended.")),
            ("ended", state is not None and not final and ended is not None, _l("A lead that is open has no day on which it ended.")),
            ("ended", ended is not None and began is not None and ended < began, _l("The lead cannot have ended before it began.")),
            ("began", began is not None and began > self.today, _l("The day lies in the future.")),
            ("ended", ended is not None and ended > self.today, _l("The day lies in the future.")),
        ) if wrong]

    def _amount(self, value: Any, faults: list[Reason]) -> Money | None:
        """Nothing where the register writes none or zero: nothing came of it."""
        if value is None or value == 0:
            return None
        try:
            to_minor(value, self.currency)
        except InvalidInput as error:
            faults.append(Reason("amount", error.message))
            return None
        if value < 0:
            faults.append(Reason("amount", _l("An amount is more than nothing.")))
            return None
        return Money(value, self.currency)


def _seen(session: Session, import_id: int) -> dict[str, int]:
    """In which line each reference of earlier blocks of this check stands; the check asks in order."""
    kept: tuple[int, dict[str, int]] | None = session.info.get("leads.seen")
    if kept is None or kept[0] != import_id:
        kept = session.info["leads.seen"] = (import_id, {})
    return kept[1]


def writings() -> dict[str, str]:
    """What a file may write for a state: its code, its label in either language, and other writings of the catalogue; folded."""
    more = domain.CATALOGUE["writings"]
    return {fold(text): code for code, label in domain.states().items() for text in (code, label.ar, label.en, *more.get(code, ()))}


def donors_named(session: Session, written: Any, actor: Actor) -> dict[str, list[tuple[int, str]]]:
    """For each text the customers (id and subject) whose number, earlier number or name it is; of whom ``actor`` may read."""
    texts = {text.strip() for text in written if text.strip()}
    numbers = {text: normalise_digits(text) for text in texts}
    keys = {text: name_key(text) for text in texts}
    by_number = {str(number): (key, subject) for number, key, subject in session.execute(
        sa.select(Customer.number, Customer.id, Customer.subject_id).where(Customer.number.in_(set(numbers.values()))))}
    by_number |= {str(number): (key, subject) for number, key, subject in session.execute(
        sa.select(CustomerAlias.number, Customer.id, Customer.subject_id).join(Customer, Customer.id == CustomerAlias.customer_id)
        .where(CustomerAlias.number.in_(set(numbers.values()))))}
    by_name: dict[str, list[tuple[int, str]]] = {}
    for key, customer_id, subject in session.execute(sa.select(CustomerSearch.name_key, Customer.id, Customer.subject_id)
                                                     .join(Customer, Customer.id == CustomerSearch.customer_id)
                                                     .where(CustomerSearch.name_key.in_(set(keys.values()))).order_by(Customer.id)):
        by_name.setdefault(str(key), []).append((customer_id, subject))
    found = {text: [by_number[numbers[text]]] if numbers[text] in by_number else by_name.get(keys[text], []) for text in texts}
    readable = customers.readable_ids(session, {customer_id for own in found.values() for customer_id, _subject in own}, actor)
    return {text: [one for one in own if one[0] in readable] for text, own in found.items()}


# --- apply -----------------------------------------------------------------------------------------------------------


def apply(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    """Write a block as history."""
    judge = Judge(session, context, lines)
    deals = []
    for line in lines:
        deal, reasons = judge.read(line)
        if deal is None:
            raise InvalidInput(reasons[0].message, field=reasons[0].field)
        deals.append(deal)
    return list(history.take_in(session, deals, import_id=context.import_id, actor=actor, now=now))


def undo(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    history.take_back(session, ids, actor=actor)


def result(session: Session, context: Context) -> Result:
    return Result(_l("The leads stand in the list of former registers; what ended counts in the success rate."),
                  f"/leads/former/?f.import={context.import_id}")
