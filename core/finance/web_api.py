"""Finance for other systems: contributions taken in, and the files of batches handed out. Logged as on the pages."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from core.auth.actor import Actor, authorize
from core.customers import queries as customers
from core.errors import NotAllowed, NotFound
from core.finance import batches, importers, queries, services
from core.finance.models import Contribution, FinanceBatch
from core.i18n import lazy_gettext as _l
from core.imports import direct
from core.imports.offers import Importer
from core.rest.offers import COUNT, DAY, LARGE_BODY, MOMENT, Call, File, Resource, maybe, record, text

SHOWN_BATCHES = 100
BATCH = record({"number": text(20), "state": {"type": "string", "enum": ["issued", "void"]}, "content": text(20), "layout": text(40), "from": DAY, "until": DAY,
                "rows": COUNT, "sha256": text(64), "issued_at": MOMENT, "handed_at": maybe(MOMENT)},
               required=("number", "state", "content", "layout", "from", "until", "rows", "sha256", "issued_at", "handed_at"))


def resources() -> list[Resource]:
    importer = _importer()
    return [
        Resource("finance.contribute", "POST", "/contributions", _l("Record contributions"), services.RECORD, contribute,
                 body=direct.lines_schema(importer), answer=direct.answer_schema({"reference": {"type": "string"}}), key=True, most_bytes=LARGE_BODY,
                 about=_l("Up to 1,000 lines. Each is taken in, is there already by its reference, or is refused with its reasons; nothing is guessed.")),
        Resource("finance.batches", "GET", "/finance/batches", _l("The last batches"), "finance.read", last_batches,
                 answer=record({"batches": {"type": "array", "items": BATCH}}, required=("batches",))),
        Resource("finance.batch_file", "POST", "/finance/batches/{number}/file", _l("The file of a batch"), batches.EXPORT, file_of,
                 files=(batches.CSV, batches.ZIP),
                 about=_l("The first time it is handed out; each further time it is the same bytes, marked as a re-export. The checksum stands in "
                          "X-Content-SHA256.")),
    ]


def _importer() -> Importer:
    return next(one for one in importers.importers() if one.name == "finance.contributions")


# --- contributions -------------------------------------------------------------------------------------------------------


def contribute(call: Call) -> dict[str, Any]:
    """Record the good lines and list the others, as an import does."""
    session = call.session
    authorize(session, call.actor, services.RECORD, rule="FIN-01")
    judged = direct.judge(session, _importer(), call.body["lines"], actor=call.actor)
    good = direct.good(judged)
    known = importers.known_customers(session, (str(one.line.values["customer"]) for one in good), call.actor)
    programmes = importers.programmes_by_name(session)
    gifts = [importers.gift_of(session, one.line, known, programmes) for one in good]
    made = services.record_contributions(session, gifts, source="api", source_name=call.actor.label, actor=call.actor, now=call.now)
    for one, number in zip(good, made, strict=True):
        one.id = number
    found = session.execute(sa.select(Contribution.id, Contribution.reference).where(Contribution.id.in_(made)))
    references: dict[int | None, str] = {number: reference for number, reference in found}
    return direct.told(judged, lambda one: {"reference": references[one.id]} if one.id in references else {})


# --- batches -------------------------------------------------------------------------------------------------------------


def last_batches(call: Call) -> dict[str, Any]:
    _whole_association(call.actor)
    return {"batches": [_batch(one) for one in queries.batches(call.session, SHOWN_BATCHES)]}


def _batch(one: FinanceBatch) -> dict[str, Any]:
    return {"number": one.number, "state": one.state, "content": one.content, "layout": one.layout, "from": one.from_on.isoformat(),
            "until": one.until_on.isoformat(), "rows": one.row_count, "sha256": one.sha256, "issued_at": one.issued_at.isoformat(),
            "handed_at": one.handed_at.isoformat() if one.handed_at is not None else None}


def file_of(call: Call) -> File:
    """The bytes of a batch; logged before the first of them leaves. Raises NotFound, Conflict for a void one."""
    _whole_association(call.actor)
    found = queries.batch_by_number(call.session, call.path["number"])
    if found is None:
        raise NotFound(_l("There is no batch “%(number)s”.", number=call.path["number"][:40]), field="number", value=call.path["number"])
    act = batches.hand_out if found.handed_at is None else batches.re_export
    handed = act(call.session, found, actor=call.actor, now=call.now)
    return File(handed.name, handed.artifact.media_type, handed.artifact.content, handed.artifact.sha256)


def _whole_association(actor: Actor) -> None:
    """A batch holds the money of every department: it is for who may read all customers (CUST-37)."""
    if customers.scope_of(actor) != "all":
        raise NotAllowed(_l("Batches hold the money of all departments; your role reads a part of them. Ask the administrator."), rule="CUST-37")
