"""Customers from a register kept elsewhere: the lines become one form of kind *import*, reviewed and approved like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.customers import domain, importing, queries, values
from core.customers.models import Customer, CustomerForm, CustomerFormLine
from core.customers.services import FILL, IMPORT_KEY
from core.errors import InvalidInputs
from core.i18n import lazy_gettext as _l
from core.imports.models import Import, ImportLine
from core.imports.offers import Context, Importer, ImportField, Line, Reason, Result, Verdict
from core.numbering import printed
from core.organisation.models import Centre
from core.organisation.queries import city_named
from core.text import fold, isolate

PLAIN = ("name", "other_detail", "address", "remarks", "phone", "mobile", "email")
CONTACT = ("mobile", "phone", "email")


def _choices(labels: Mapping[str, Any]) -> dict[str, str]:
    """What a file may write for a code: the code itself or its label in either language, folded."""
    return {fold(text): code for code, label in labels.items() for text in (code, label.ar, label.en)}


def _field(key: str, label: Any, kind: str = "text", **more: Any) -> ImportField:
    return ImportField(key, label, kind, headings=_headings().get(key, ()), **more)


@cache
def _headings() -> dict[str, list[Any]]:
    return json.loads((Path(__file__).parent / "headings.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def importers() -> list[Importer]:
    labels, classes, channels = domain.field_labels(), domain.classes(), domain.channels()
    fields = (
        _field("number", _l("Customer number"), help=_l("Given: the line changes that customer. Empty: it makes a new one.")),
        _field("reference", _l("Number in the former register"), longest=80, help=_l("Kept, so that contributions find their customer by it.")),
        _field("name", labels["name"], "name", required=True, longest=300, joins=" ", parts=_headings()["name_parts"]),
        _field("customer_class", labels["customer_class"], "choice", choices=_choices(classes), labels=classes),
        _field("other_detail", labels["other_detail"], longest=200),
        _field("mobile", labels["mobile"], "phone"),
        _field("phone", labels["phone"], "phone"),
        _field("phone_country", _l("Country of the phones"), "country", help=_l("SA or KW; by it numbers without a country code are read.")),
        _field("email", labels["email"], "email", longest=254),
        _field("address", labels["address"], longest=500, joins=", "),
        _field("city", labels["city_id"], longest=200),
        _field("centre", labels["centre_id"], longest=200),
        _field("contact_channel", labels["contact_channel"], "choice", choices=_choices(channels), labels=channels),
        _field("remarks", labels["remarks"], longest=4000, joins="\n"),
    )
    options = (
        ImportField("customer_class", _l("Customer type where the file has none"), "choice", choices=_choices(domain.classes()), labels=domain.classes()),
        ImportField("same_name", _l("Lines whose name is in the register already"), "choice", choices={"skip": "skip", "create": "create"},
                    labels={"skip": _l("Skip them as duplicates"), "create": _l("Take them in as other people")},
                    help=_l("Skip them as duplicates, or take them as other people of the same name.")),
    )
    return [Importer("customers.customers", _l("Customers"), FILL, fields, check, apply, undo, finish, result, "core_customer_form_line",
                     _l("The lines become one form that somebody else reviews and approves."), options)]


# --- check ---------------------------------------------------------------------------------------------------------------


def check(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Judge a block: every fault of a line, then doubles in the register, in this file, and by the former number."""
    rules, places = values.Rules(session, "import"), Places(session)
    targets = _targets(session, lines, context.actor)
    judged = [_judge(places, rules, line, context, targets.get(str(line.values.get("number") or ""))) for line in lines]
    sound = [(index, row) for index, (row, _reasons) in enumerate(judged) if row is not None and not row.get("customer_id")]
    found = queries.find_duplicates(session, [row for _index, row in sound])
    in_register = {index: found[position] for position, (index, _row) in enumerate(sound) if position in found}
    earlier = _earlier_lines(session, context.import_id, lines)
    known = _known_references(session, lines)
    verdicts = []
    for index, (line, (row, reasons)) in enumerate(zip(lines, judged, strict=True)):
        verdicts.append(_verdict(line, row, reasons, in_register.get(index, []), earlier, known, context))
    return verdicts


def _judge(places: Places, rules: values.Rules, line: Line, context: Context, target: Customer | None) -> tuple[dict[str, Any] | None, list[Reason]]:
    if line.values.get("number") and target is None:
        return None, [Reason("number", _l("There is no customer “%(number)s”, or it is not among the records you may read.", number=line.values["number"]))]
    raw: dict[str, Any] = {key: str(line.values[key]) for key in PLAIN if key in line.values}
    raw |= {key: line.values[key] for key in ("customer_class", "contact_channel") if key in line.values}
    if target is None:
        raw.setdefault("customer_class", context.options.get("customer_class") or None)
    reasons = _place(places, line, raw)
    try:
        row = values.clean(rules, raw, values.values_of(target) if target is not None else None)
    except InvalidInputs as error:
        return None, [*reasons, *(Reason(fault.field, fault.message) for fault in error.faults)]
    if target is not None:
        row["customer_id"] = target.id
    return (None, reasons) if reasons else (row, [])


def _targets(session: Session, lines: Sequence[Line], actor: Actor) -> dict[str, Customer]:
    """Number → the customer that a line changes; of whom ``actor`` may read."""
    numbers = {str(line.values["number"]) for line in lines if line.values.get("number")}
    if not numbers:
        return {}
    found = {number: one for number in numbers if (one := queries.by_number(session, number)) is not None}
    readable = queries.readable_ids(session, {one.id for one in found.values()}, actor)
    return {number: one for number, one in found.items() if one.id in readable}


class Places:
    """Cities and centres by name, each name looked up once a block."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._cities: dict[str, list[int]] = {}
        self._centres: dict[str, list[tuple[int, int]]] | None = None

    def cities(self, name: str) -> list[int]:
        if name not in self._cities:
            self._cities[name] = [one.id for one in city_named(self.session, name)]
        return self._cities[name]

    def centres(self, name: str, city_id: int | None) -> list[int]:
        if self._centres is None:
            self._centres = {}
            for one in self.session.scalars(select(Centre)):
                self._centres.setdefault(fold(one.name_ar), []).append((one.id, one.city_id))
        return [centre_id for centre_id, lies_in in self._centres.get(fold(name), ()) if city_id in (None, lies_in)]


def _place(places: Places, line: Line, raw: dict[str, Any]) -> list[Reason]:
    """City and centre by name; a name that fits several, or none, refuses the line."""
    reasons = []
    if city := line.values.get("city"):
        cities = places.cities(str(city))
        if len(cities) == 1:
            raw["city_id"] = cities[0]
        else:
            message = _l("There is no city “%(name)s”.", name=city)
            if cities:
                message = _l("There are several cities “%(name)s”; the line does not say which.", name=city)
            reasons.append(Reason("city", message))
    if centre := line.values.get("centre"):
        centres = places.centres(str(centre), raw.get("city_id"))
        if len(centres) == 1:
            raw["centre_id"] = centres[0]
        else:
            reasons.append(Reason("centre", _l("There is no single centre “%(name)s”.", name=centre)))
    return reasons


def _keys(row: Mapping[str, Any]) -> set[str]:
    return {key for key in (row.get("mobile"), row.get("phone"), domain.email_key(row.get("email"))) if key}


class Earlier:
    """Contact points and names that earlier lines of the same file hold."""

    def __init__(self) -> None:
        self.line_of: dict[str, int] = {}
        self.references: dict[str, int] = {}
        self.last = 0

    def same_reference(self, reference: str, line_no: int) -> int | None:
        """The earlier line with this number of the former register; a register of gifts names its givers many times."""
        first = self.references.setdefault(reference, line_no) if reference else line_no
        return first if first != line_no else None

    def twin(self, row: Mapping[str, Any], line_no: int) -> int | None:
        """The earlier line with the same phone or e-mail, or with the same name where one of the two has neither."""
        self.last = max(self.last, line_no)
        keys = _keys(row)
        name = domain.name_key(row["name"])
        found = next((self.line_of[key] for key in keys if key in self.line_of), None)
        if found is None:
            found = self.line_of.get(f"name:{name}") if not keys else self.line_of.get(f"bare:{name}")
        for key in keys:
            self.line_of.setdefault(key, line_no)
        self.line_of.setdefault(f"name:{name}", line_no)
        if not keys:
            self.line_of.setdefault(f"bare:{name}", line_no)
        return found


def _earlier_lines(session: Session, import_id: int, lines: Sequence[Line]) -> Earlier:
    """What lines of earlier blocks of this file hold; kept between blocks of one check, which asks in order."""
    kept = session.info.get("imports.earlier")
    if kept is not None and kept[0] == import_id and lines and lines[0].line_no > kept[1].last:
        return kept[1]  # type: ignore[no-any-return]
    earlier = Earlier()
    session.info["imports.earlier"] = (import_id, earlier)
    query = select(ImportLine.line_no, ImportLine.cells).where(ImportLine.import_id == import_id, ImportLine.outcome == "create").order_by(ImportLine.line_no)
    for line_no, cells in session.execute(query.execution_options(yield_per=2000)):
        earlier.twin({key: cells.get(key) for key in ("name", *CONTACT)}, line_no)
        earlier.same_reference(str(cells.get("reference") or ""), line_no)
    return earlier


def _known_references(session: Session, lines: Sequence[Line]) -> dict[str, int]:
    wanted = {str(line.values["reference"]) for line in lines if line.values.get("reference")}
    if not wanted:
        return {}
    query = (select(CustomerFormLine.reference, CustomerFormLine.id).join(CustomerForm, CustomerForm.id == CustomerFormLine.form_id)
             .where(CustomerFormLine.reference.in_(wanted), CustomerFormLine.state != "dropped"))
    return {reference: line_id for reference, line_id in session.execute(query) if reference}


def _name_of(found: queries.Duplicate) -> str:
    """The number of the customer, or of the form under way, that may be the same."""
    return isolate(printed(found.number) if found.number else found.form_number or "")


def _verdict(
    line: Line, row: dict[str, Any] | None, reasons: list[Reason], in_register: list[queries.Duplicate], earlier: Earlier, known: Mapping[str, int],
    context: Context,
) -> Verdict:
    if row is None:
        return Verdict("refused", reasons)
    if row.get("customer_id"):
        return Verdict("update", target_id=row["customer_id"])
    reference = str(line.values.get("reference") or "")
    if reference and reference in known:
        return Verdict("duplicate", [Reason("reference", _l("“%(reference)s” was taken in before.", reference=reference))])
    same_name_passes = context.options.get("same_name") == "create" or bool(reference)
    known_line = earlier.same_reference(reference, line.line_no)
    if known_line is not None:
        return Verdict("duplicate", [Reason("reference", _l("The same person as in line %(line)s.", line=known_line))])
    twin = earlier.twin(row, line.line_no)
    if twin is not None and not (same_name_passes and not _keys(row)):
        return Verdict("duplicate", [Reason(None, _l("The same person as in line %(line)s.", line=twin))])
    sure = next((one for one in in_register if one.sure), None)
    if sure is not None:
        return Verdict("duplicate", [Reason(sure.reasons[0], _l("Already registered as %(number)s.", number=_name_of(sure)))])
    if in_register and not same_name_passes:
        return Verdict("duplicate", [Reason("name", _l("A customer of this name is registered as %(number)s.", number=_name_of(in_register[0])))])
    warnings = [Reason("name", _l("A customer of this name is registered as %(number)s.", number=_name_of(in_register[0])))] if in_register else []
    return Verdict("create", warnings, lacks=("registration_origin",))


# --- apply ---------------------------------------------------------------------------------------------------------------


def _key(context: Context) -> str:
    return f"{IMPORT_KEY}{context.import_id}"


def apply(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    """Append a block to the import's form; it is sent to the reviewer after the last block."""
    form = importing.begin_import_form(session, source=context.source, operation_key=_key(context), actor=actor, now=now)
    rules, places = values.Rules(session, "import"), Places(session)
    targets = _targets(session, lines, actor)
    rows = []
    for line in lines:
        row, _reasons = _judge(places, rules, line, context, targets.get(str(line.values.get("number") or "")))
        if row is None:
            raise InvalidInputs([_changed_since(line)])
        rows.append({**row, "reference": str(line.values["reference"]) if line.values.get("reference") else None})
    return list(importing.add_lines(session, form, rows, actor=actor))


def _changed_since(line: Line) -> Any:
    from core.errors import InvalidInput

    return InvalidInput(_l("Line %(line)s was good when it was checked and no longer is. Check the file again.", line=line.line_no))


def finish(session: Session, context: Context, *, actor: Actor, now: datetime) -> None:
    form = session.scalar(select(CustomerForm).where(CustomerForm.operation_key == _key(context)))
    if form is not None and form.state == "draft":
        importing.send_import(session, form, actor=actor, now=now)


def result(session: Session, context: Context) -> Result | None:
    """The form that the lines became, and who is next."""
    form = session.scalar(select(CustomerForm).where(CustomerForm.operation_key == _key(context)))
    if form is None:
        return None
    sentence = (_l("The lines became the form %(number)s. Somebody else reviews it next.", number=isolate(form.number or ""))
                if form.state == "filled" else _l("The lines became the form %(number)s.", number=isolate(form.number or "")))
    return Result(sentence, f"/customers/forms/{form.id}")


def undo(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    """Withdraw the form while nobody reviewed it; afterwards it is for the reviewer to reject."""
    form = session.scalar(select(CustomerForm).where(CustomerForm.operation_key == _key(context)))
    if form is not None:
        importing.withdraw_import(session, form, actor=actor, now=now)


def import_of(session: Session, form: CustomerForm) -> Import | None:
    """The import that a form came of, for the link on its page."""
    key = (form.operation_key or "").removeprefix(IMPORT_KEY)
    return session.get(Import, int(key)) if key.isdigit() else None
