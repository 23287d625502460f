"""Filling a form by which two customers become one, or a merge is taken back (CUST-20, CUST-06).

The form goes the way of every other: reviewed, approved by somebody else, entered by the data officer, filed. Its line says what the
survivor's record becomes; whom it concerns is named beside it and never changes. Entry is in ``core.customers.merging``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor, authorize
from core.customers import merging, queries
from core.customers.domain import FIELDS, name_key
from core.customers.models import Customer, CustomerForm, CustomerFormLine, CustomerMerge
from core.customers.queries import PERSONAL
from core.customers.services import FILL, _send
from core.customers.values import Rules, clean, values_of
from core.errors import InvalidInput, NotFound
from core.i18n import lazy_gettext as _l
from core.sending import made_before
from core.text import check_plain

LONGEST_REASON = 2000
KEPT, LOST = "kept", "lost"


def suggested(kept: Mapping[str, Any], lost: Mapping[str, Any]) -> dict[str, str]:
    """Whose value each field (``extra_…`` for optional ones) should have: the survivor's, or the lost one's where only that one has any."""
    return {name: LOST if both[0] in (None, "") and both[1] not in (None, "") else KEPT for name, both in pairs(kept, lost).items()}


def pairs(kept: Mapping[str, Any], lost: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each field with the survivor's and the lost one's value, optional fields as ``extra_…``."""
    found = {name: (kept[name], lost[name]) for name in FIELDS}
    of_kept, of_lost = kept.get("extra") or {}, lost.get("extra") or {}
    return found | {f"extra_{code}": (of_kept.get(code), of_lost.get(code)) for code in dict.fromkeys([*of_kept, *of_lost])}


def fill_merge(
    session: Session, kept: Customer, lost: Customer, choices: Mapping[str, str], *, reason: str, actor: Actor, now: datetime, operation_key: str | None = None,
) -> CustomerForm:
    """Fill a form by which ``lost`` becomes a part of ``kept``.

    ``choices`` maps names of fields to ``kept`` or ``lost``: whose value the survivor has afterwards; what it does not name keeps the
    survivor's. The same ``operation_key`` again returns the first form. Raises NotFound for a customer outside one's scope, Conflict
    while another form would change one of the two, InvalidInputs for values that do not go together.
    """
    authorize(session, actor, FILL, rule="CUST-14")
    authorize(session, actor, PERSONAL, rule="CUST-34")
    earlier = made_before(session, CustomerForm, operation_key, made_by=actor.user_id)
    if earlier is not None:
        return earlier
    if kept.id == lost.id:
        raise InvalidInput(_l("Both numbers are of one customer. Choose two different ones."), field="lost", value=lost.number, rule="CUST-20")
    for customer in (kept, lost):
        _readable(session, customer, actor)
    merging.refuse_under_way(session, kept, lost)
    reason = check_reason(reason)
    base = values_of(kept)
    proposed = _chosen(session, base, values_of(lost), choices)
    form = _new_form("merge", kept, actor, now, operation_key)
    _write(form.line, proposed, base)
    session.add(form)
    session.flush()
    session.add(CustomerMerge(form_id=form.id, kept_id=kept.id, kept_number=kept.number, lost_id=lost.id, lost_number=lost.number,
                              subject_id=lost.subject_id, reason=reason))
    session.flush()
    return _send(session, form, actor, now)


def fill_unmerge(
    session: Session, merge: CustomerMerge, *, reason: str, actor: Actor, now: datetime, operation_key: str | None = None,
) -> CustomerForm:
    """Fill a form by which a merge is undone; Conflict with what stands against it, which is judged again at entry."""
    authorize(session, actor, FILL, rule="CUST-14")
    authorize(session, actor, PERSONAL, rule="CUST-34")
    earlier = made_before(session, CustomerForm, operation_key, made_by=actor.user_id)
    if earlier is not None:
        return earlier
    kept = merging.refuse_undoing(session, merge)
    _readable(session, kept, actor)
    reason = check_reason(reason)
    before = merging.unsealed(session, kept.subject_id, merge.kept_row)
    form = _new_form("unmerge", kept, actor, now, operation_key)
    _write(form.line, {name: before[name] for name in (*FIELDS, "extra")}, values_of(kept))
    session.add(form)
    session.flush()
    session.add(CustomerMerge(form_id=form.id, undoes_id=merge.id, kept_id=merge.kept_id, kept_number=merge.kept_number, lost_id=merge.lost_id,
                              lost_number=merge.lost_number, subject_id=merge.subject_id, reason=reason))
    session.flush()
    return _send(session, form, actor, now)


def check_reason(reason: str) -> str:
    """A reason that the reviewer can judge; InvalidInput without one."""
    text = check_plain(reason or "", field="reason", multiline=True).strip()
    if len(text) < 3:
        raise InvalidInput(_l("Write why: whoever reviews and approves this cannot see it otherwise."), field="reason", rule="CUST-15")
    if len(text) > LONGEST_REASON:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=LONGEST_REASON, found=len(text)), field="reason", value=text)
    return text


def _readable(session: Session, customer: Customer, actor: Actor) -> None:
    if not queries.may_read(session, customer.id, actor):
        raise NotFound(_l("There is no such customer, or it is not among the records you may read."), rule="CUST-37")


def _chosen(session: Session, kept: Mapping[str, Any], lost: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """The survivor's values with those of the lost one that were chosen, judged together as of any form."""
    both = pairs(kept, lost)
    for name, whose in choices.items():
        if name not in both or whose not in (KEPT, LOST):
            raise InvalidInput(_l("“%(value)s” is not in the list; choose an entry of it.", value=whose), field=name, value=whose)
    taken = {name: both[name][1] for name, whose in choices.items() if whose == LOST}
    if lost["customer_class"] == "other" and "customer_class" in taken:
        taken.setdefault("other_detail", lost["other_detail"])
    proposed = clean(Rules(session, "merge"), {name: value for name, value in taken.items() if name in FIELDS}, kept)
    extra = {**(kept.get("extra") or {}), **{name.removeprefix("extra_"): value for name, value in taken.items() if name.startswith("extra_")}}
    return {**proposed, "extra": {code: value for code, value in extra.items() if value} or None}


def _new_form(kind: str, kept: Customer, actor: Actor, now: datetime, operation_key: str | None) -> CustomerForm:
    form = CustomerForm(kind=kind, state="draft", line_count=1, subject_id=kept.subject_id, operation_key=operation_key or None, made_by=actor.user_id,
                        made_at=now, imported=False, not_duplicates=False)
    form.lines = [CustomerFormLine(position=1, action="update", state="open", customer=kept, subject_id=kept.subject_id, name="", customer_class="other",
                                   name_key="")]
    return form


def _write(line: CustomerFormLine, proposed: Mapping[str, Any], base: Mapping[str, Any]) -> None:
    for name, value in proposed.items():
        setattr(line, name, value)
    line.name_key = name_key(proposed["name"])
    line.base = dict(base)
