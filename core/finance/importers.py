"""Contributions of former years, and the finance system's movements, from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.catalogue_file import Catalogue
from core.customers import queries as customers
from core.errors import InvalidInput
from core.finance import movements, services
from core.finance.domain import METHODS
from core.finance.models import Contribution
from core.finance.movements import Movement
from core.finance.services import RECORD, Gift
from core.i18n import lazy_gettext as _l
from core.imports.offers import NO_FILE, Context, Importer, ImportField, Line, Reason, Verdict
from core.money import Money, check_currency, to_minor
from core.organisation.models import Programme
from core.text import fold, normalise_digits

METHOD_WORDS = {fold(text): code for code in METHODS for text in (code, code.replace("_", " "))}
HEADINGS = Catalogue(__file__)["headings"]
"""What files kept elsewhere call a field."""
CUSTOMER = ImportField("customer", _l("Customer number"), required=True, longest=80,
                       help=_l("The number here, an earlier one, or that of the former register."))
DAY = ImportField("day", _l("Day"), "date", required=True, headings=HEADINGS["day"])
AMOUNT = ImportField("amount", _l("Amount"), "amount", required=True)
CURRENCY = ImportField("currency", _l("Currency"), "currency", help=_l("Empty: the association's own."))


FIELDS = {"received_on": "day", "programme_id": "programme", "customer_id": "customer"}
"""What services call a field, as a line has it."""


def importers() -> list[Importer]:
    contribution_fields = (
        CUSTOMER, DAY, AMOUNT, CURRENCY,
        ImportField("reference", _l("Reference"), longest=120,
                    help=_l("By it a contribution is recognised; without it the same file twice would count twice.")),
        ImportField("programme", _l("Programme"), longest=200), ImportField("fund", _l("Fund"), longest=60),
        ImportField("method", _l("Way of paying"), "choice", choices=METHOD_WORDS), ImportField("memo", _l("Memo"), longest=500),
    )
    movement_fields = (CUSTOMER, ImportField("reference", _l("Reference"), required=True, longest=120), DAY, AMOUNT, CURRENCY)
    return [
        Importer("finance.contributions", _l("Contributions"), RECORD, contribution_fields, check_contributions, apply_contributions, undo_contributions,
                 record_type="core_contribution", help=_l("Marked as imported history; what the file lacks stays out of averages that need it.")),
        Importer("finance.movements", _l("Movements of the finance system"), RECORD, movement_fields, check_movements, apply_movements, undo_movements,
                 record_type="core_finance_movement", help=_l("Matched on customer number and reference; what does not match is listed.")),
    ]


# --- contributions -------------------------------------------------------------------------------------------------------


def check_contributions(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Who gave is found by number; a reference that is known is a duplicate; what the line lacks is named, and what the service would refuse."""
    known = known_customers(session, (str(line.values["customer"]) for line in lines), context.actor)
    taken = _references(session, lines, context.actor)
    programmes = programmes_by_name(session)
    seen: dict[str, Money] = {}
    verdicts = [_judge(session, line, known, taken, programmes, seen) for line in lines]
    new = [place for place, verdict in enumerate(verdicts) if verdict.outcome == "create"]
    gifts = [gift_of(session, lines[place], known, programmes) for place in new]
    for place, faults in zip(new, services.faults_of_gifts(session, gifts, imported=context.import_id != NO_FILE, now=work.now()), strict=True):
        if faults:
            verdicts[place] = Verdict("refused", [Reason(FIELDS.get(str(fault.field), fault.field), fault.message) for fault in faults])
    return verdicts


def _judge(
    session: Session, line: Line, known: Mapping[str, int], taken: Mapping[str, Money | None], programmes: Mapping[str, int], seen: dict[str, Money],
) -> Verdict:
    reference = str(line.values.get("reference") or "")
    if reference in taken or reference in seen:
        return _known(session, line, reference, seen[reference] if reference in seen else taken[reference])
    reasons = [*_faults(session, line, known), *_programme_fault(line, programmes)]
    if reasons:
        return Verdict("refused", reasons)
    if reference:
        seen[reference] = money_of(session, line)
    lacks = [key for key in ("programme", "method", "fund") if not line.values.get(key)]
    back = [Reason("amount", _l("Less than nothing: it is taken in as money given back."))] if line.values["amount"] < 0 else []
    return Verdict("create", back, lacks=lacks)


def _known(session: Session, line: Line, reference: str, there: Money | None) -> Verdict:
    """The same again adds nothing; another amount under the same reference is somebody's mistake. ``there``: None where it may not be told."""
    try:
        here = money_of(session, line)
    except InvalidInput as fault:
        return Verdict("refused", [Reason("amount", fault.message)])
    if here == there:
        return Verdict("duplicate", [Reason("reference", _l("The contribution “%(reference)s” is recorded already.", reference=reference))])
    if there is None:
        return Verdict("refused", [Reason("reference", _l(
            "The reference “%(reference)s” is taken by a contribution that is not among the records you may read. Give the line a reference of its own.",
            reference=reference))])
    return Verdict("refused", [Reason("amount", _l(
        "The contribution “%(reference)s” is recorded with %(there)s, this line says %(here)s. Correct one of them, or give the line a reference of its own.",
        reference=reference, there=there, here=here))])


def _faults(session: Session, line: Line, known: Mapping[str, int]) -> list[Reason]:
    reasons = []
    customer = number_of(line)
    if customer not in known:
        reasons.append(Reason("customer", _l(
            "There is no customer “%(number)s”, or it is not among the records you may read. Take the customers in first.", number=customer)))
    try:
        money = money_of(session, line)
        if money.minor == 0:
            reasons.append(Reason("amount", _l("The amount is nought.")))
    except InvalidInput as fault:
        reasons.append(Reason("amount", fault.message))
    return reasons


def _programme_fault(line: Line, programmes: Mapping[str, int]) -> list[Reason]:
    name = line.values.get("programme")
    if not name or fold(str(name)) in programmes:
        return []
    return [Reason("programme", _l("There is no programme “%(name)s”. Add it, or leave the column out.", name=name))]


def apply_contributions(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    """Record a block through the service, marked as imported."""
    known = known_customers(session, (str(line.values["customer"]) for line in lines), actor)
    programmes = programmes_by_name(session)
    gifts = [gift_of(session, line, known, programmes) for line in lines]
    return list(services.record_contributions(session, gifts, source="import", source_name=context.source, imported=True, actor=actor, now=now))


def gift_of(session: Session, line: Line, known: Mapping[str, int], programmes: Mapping[str, int]) -> Gift:
    values = line.values
    lacks = tuple(key for key in ("programme", "method", "fund") if not values.get(key))
    return Gift(
        customer_id=known[number_of(line)], amount=money_of(session, line), received_on=values["day"], method=values.get("method") or "other",
        programme_id=programmes.get(fold(str(values.get("programme") or ""))), fund=values.get("fund"),
        reference=str(values["reference"]) if values.get("reference") else None,
        memo=values.get("memo"), lacks=lacks,
    )


def undo_contributions(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    services.remove_imported(session, ids, actor=actor, now=now)


# --- movements -----------------------------------------------------------------------------------------------------------


def check_movements(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Every readable movement is kept, matched or not; one that is known adds nothing."""
    found: dict[int, Verdict] = {}
    readable: list[tuple[Line, Movement]] = []
    for line in lines:
        try:
            readable.append((line, _movement(session, line)))
        except InvalidInput as fault:
            found[line.line_no] = Verdict("refused", [Reason("amount", fault.message)])
    for (line, _one), match in zip(readable, movements.judge_movements(session, [one for _line, one in readable], context.actor), strict=True):
        reasons = [Reason(None, match.reason)] if match.reason else []
        found[line.line_no] = Verdict("duplicate" if match.known_id else "create", reasons, target_id=match.known_id)
    return [found[line.line_no] for line in lines]


def apply_movements(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    matches = movements.import_movements(session, [_movement(session, line) for line in lines], source_name=context.source, actor=actor, now=now)
    return [match.known_id for match in matches]


def undo_movements(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    movements.remove_movements(session, ids, actor=actor)


def _movement(session: Session, line: Line) -> Movement:
    return Movement(number_of(line), str(line.values["reference"]), line.values["day"], money_of(session, line))


# --- what both need --------------------------------------------------------------------------------------------------------


def number_of(line: Line) -> str:
    """The customer number as a file writes it: digits, perhaps with the hyphen before the check digit; other writings stay."""
    text = normalise_digits(str(line.values["customer"])).strip()
    plain = text.replace("-", "").replace(" ", "")
    return plain if plain.isdigit() else text


def known_customers(session: Session, written: Iterable[str], actor: Actor) -> dict[str, int]:
    """Number → customer id, by present numbers, earlier ones, and those of a former register; of whom ``actor`` may read (CUST-37)."""
    return customers.ids_by_number(session, {number_of(Line(0, {"customer": text})) for text in written}, actor)


def money_of(session: Session, line: Line) -> Money:
    """The amount in the line's currency, or the association's; raises InvalidInput for too many decimals."""
    currency = check_currency(str(line.values.get("currency") or settings.currency(session)))
    money = Money(line.values["amount"], currency)
    to_minor(money.amount, currency)
    return money


def _references(session: Session, lines: Sequence[Line], actor: Actor) -> dict[str, Money | None]:
    """The amounts of contributions that are known by the references of these lines; None for one that ``actor`` may not read."""
    asked = [str(line.values["reference"]) for line in lines if line.values.get("reference")]
    query = sa.select(Contribution.reference, Contribution.customer_id, Contribution.amount_minor, Contribution.currency)
    found = session.execute(query.where(Contribution.reference.in_(asked))).all() if asked else []
    readable = customers.readable_ids(session, {one.customer_id for one in found}, actor)
    return {one.reference: Money.of_minor(one.amount_minor, one.currency) if one.customer_id in readable else None for one in found}


def programmes_by_name(session: Session) -> dict[str, int]:
    return {fold(name): one.id for one in session.scalars(sa.select(Programme)) for name in (one.name_ar, one.name_en, one.code or "") if name}

