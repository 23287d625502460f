"""The create/modify form as a PDF (CUST-12; LOOK 10): old and new, the way it went, signatures, and a fingerprint."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.admin import logo
from core.admin.printing import limit_words, reads_ltr, two_calendars
from core.assets import FONTS
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.calendar import gregorian_text, local_day
from core.customers import domain, officers, shown
from core.customers.models import CustomerForm
from core.errors import Unavailable
from core.i18n import gettext as _
from core.i18n import language, other_language, use_language
from core.i18n import lazy_gettext as _l
from core.organisation.queries import department_by_slug
from core.procedures import timing

TEMPLATE = Path(__file__).with_name("printed_form.typ")
CLAUSE = "6.1.5"
MANUAL = frozenset({"name", "customer_class", "address", "phone", "mobile", "email", "contact_channel", "remarks"})
"""The fields of the manual's form stand on every sheet, others where they hold something."""


def printed_form(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> bytes:
    """The form of one customer as PDF bytes, in the reader's language with the other's labels beside; personal values are
    masked for who may not see them."""
    if not any(FONTS.glob("*.ttf")):
        raise Unavailable(_l("The fonts for printing are not there. Run: diwan assets"))
    sheet = json.dumps(sheet_of(session, form, actor=actor, now=now), ensure_ascii=False)
    return _compiler().compile(format="pdf", sys_inputs={"data": sheet}, timestamp=int(now.timestamp()))  # type: ignore[no-any-return]


@cache
def _compiler() -> Any:
    # Reading the fonts takes longer than setting the page, so one compiler serves the process.
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=[str(FONTS)], ignore_system_fonts=True)


def sheet_of(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Everything that stands on the sheet, in words."""
    line, office = form.line, timing.office(session)
    rows = shown.changes(session, line, actor)
    modify = line.action == "update"
    today = local_day(now, office.zone)
    filled = local_day(form.filled_at or form.made_at, office.zone)
    return {
        "logo": _logo(session),
        "language": language(), "direction": "rtl" if language() == "ar" else "ltr", "title": str(domain.form_title()), "place": _place(session),
        "number": form.number or "–", "dates": list(two_calendars(filled, True)),
        "choices": [{"label": str(domain.kinds()[code]), "chosen": form.kind == code} for code in dict.fromkeys(("new", "modify", form.kind))],
        "number_label": _("Customer number"), "customer_number": line.customer.number if line.customer is not None else "", "no_number": _("given at entry"),
        "modify": modify, "heads": [_("Field"), _("Current value"), _("New value")] if modify else [_("Field"), _("Value")],
        "rows": [_row(row) for row in rows if row.field in MANUAL or row.current or row.proposed], "empty": _("empty"), "unchanged": _("no change"),
        "track_title": _("The way of the form"), "track_heads": [_("No."), _("Step"), _("By"), _("When"), _("Limit")],
        "track": [_step(step, office) for step in shown.track(session, form, now)],
        "reason": form.reason or "", "reason_label": _("Reason for rejecting:"),
        "signatures": [_signature(session, "made_by", form.made_by), _signature(session, "decided_by", form.decided_by)],
        "hash_label": _("Fingerprint of the content"), "hash": f"sha256 {grouped(fingerprint(form))}", "entry": _entry(session, form),
        "page": _("Page"), "of": _("of"),
        "foot": _("Printed %(first)s, %(second)s, %(time)s. The register in Diwan is the original, not this sheet.", first=two_calendars(today, True)[0],
                  second=two_calendars(today)[1], time=f"{now.astimezone(office.zone):%H:%M}"),
    }


def _logo(session: Session) -> list[int]:
    """The bytes of the association's logo as the sheet takes them; none without one."""
    association = session.info.get("association")
    found = logo.picture_of(session, association.files_folder) if association is not None else None
    return list(found[1]) if found is not None else []


def _place(session: Session) -> str:
    association = session.info.get("association")
    department = department_by_slug(session, "crm")
    parts = [str(association.name) if association is not None else "", str(department.name) if department is not None else "", _("clause %(no)s", no=CLAUSE)]
    return str(_(", ")).join(part for part in parts if part)


def _row(change: domain.Change) -> dict[str, Any]:
    label = domain.print_labels().get(change.field, change.label)
    with use_language(other_language()):
        other = str(label)
    return {"label": str(label), "other": other, "old": _value(change.current), "new": _value(change.proposed), "changed": change.changed}


def _value(value: Any) -> dict[str, Any]:
    text = str(value or "")
    return {"text": text, "ltr": bool(text) and bool(reads_ltr(text))}


def _signature(session: Session, which: str, user_id: int | None) -> dict[str, str]:
    label = _("%(label)s, name and signature", label=str(domain.signature_label(which)))
    return {"label": label, "name": officers.user_label(session, user_id) if user_id is not None else ""}


def _step(step: shown.TrackStep, office: Any) -> dict[str, Any]:
    when = "–" if step.at is None else f"{gregorian_text(local_day(step.at, office.zone), weekday=True)}{_(', ')}{step.at.astimezone(office.zone):%H:%M}"
    who = step.who if step.at is not None else ""
    return {"no": step.no, "title": str(step.title), "who": who, "when": when, "limit": limit_words(step.limit, office.working)}


def _entry(session: Session, form: CustomerForm) -> str:
    query = select(func.max(AuditEvent.id)).where(AuditEvent.record_type == form.__tablename__, AuditEvent.record_id == str(form.id))
    entry = session.scalar(query)
    return _("Entry %(number)s in the audit log.", number=f"{entry:,}") if entry else ""


def fingerprint(form: CustomerForm) -> str:
    """SHA-256 over what the form says and who did what when: canonical JSON, keys sorted, moments in UTC."""
    line = form.line
    content = {
        "number": form.number, "kind": form.kind, "state": form.state, "reason": form.reason, "base": line.base,
        "values": {name: getattr(line, name) for name in (*domain.FIELDS, "extra")},
        "acts": [[who, at.astimezone(UTC).isoformat() if at else None] for who, at in (
            (form.made_by, form.filled_at), (form.reviewed_by, form.reviewed_at), (form.decided_by, form.decided_at),
            (form.entered_by, form.entered_at), (form.filed_by, form.filed_at))],
    }
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def grouped(digest: str, groups: int = 8) -> str:
    """The first groups of four, as people compare them."""
    return " ".join(digest[i:i + 4] for i in range(0, groups * 4, 4))
