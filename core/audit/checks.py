"""Checking the log and anchoring it: for the page, the commands and the daily jobs.

Checking reads and may take a minute in a large log, so it belongs in the read phase; what it found is then recorded as an
entry of its own, which is where the page takes its verdict from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services
from core.audit.anchor import Anchor, anchors_file, chain_end, read_anchors, write_anchor
from core.audit.models import AuditEvent
from core.audit.verify import Damage, Verdict
from core.audit.verify import verify as verify_chain
from core.keys import keys_of

VERIFY, ANCHOR = "verify", "anchor"


def check_chain(session: Session, anchors: Sequence[Anchor] | None = None) -> Verdict:
    """Judge the log by key and anchors (by default those in the association's folder); reads only, in the read phase."""
    if anchors is None:
        anchors = known_anchors(session)
    return verify_chain(session.connection(), keys_of(session).audit, anchors)


def known_anchors(session: Session) -> list[Anchor]:
    """The anchors in the association's folder; none where none was written yet."""
    file = _file(session)
    return read_anchors(file) if file.is_file() else []


def record_verdict(session: Session, verdict: Verdict) -> None:
    """Write what a check found into the log itself."""
    services.record(session, VERIFY, data=facts_of(verdict))


def last_verdict(session: Session) -> tuple[AuditEvent, dict[str, Any]] | None:
    """The entry and the facts of the last recorded check."""
    found = session.scalar(sa.select(AuditEvent).where(AuditEvent.action == VERIFY).order_by(AuditEvent.id.desc()).limit(1))
    return (found, json.loads(found.data or "{}")) if found is not None else None


def anchor(session: Session) -> str:
    """Append the chain's committed end to the anchors file and log it; returns the line. Raises DiwanError when it cannot be kept.

    Called daily and with each finance batch, inside the writing transaction: the anchor covers everything before it.
    """
    end = chain_end(session)
    write_anchor(_file(session), end)
    services.record(session, ANCHOR, data={"seq": end.seq, "entries": end.entries, "code": end.code})
    return str(end)


def _file(session: Session) -> Path:
    return anchors_file(session.info["association"].folder)


def facts_of(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain facts: what is stored, and what wording and page are made from."""
    return {
        "sound": verdict.sound, "entries": verdict.entries, "blocks": verdict.blocks, "still_sound": verdict.still_sound,
        "unjudged": verdict.unjudged, "damage_count": verdict.damage_count, "seconds": f"{verdict.seconds:.1f}",
        "first_at": _moment(verdict.first_at), "last_at": _moment(verdict.last_at),
        "damages": [_damage(one) for one in verdict.damages],
        "anchor": None if verdict.anchor is None else {"at": _moment(verdict.anchor.at), "seq": verdict.anchor.seq, "entries": verdict.anchor.entries},
    }


def _damage(damage: Damage) -> dict[str, Any]:
    return {"kind": damage.kind, "seq": damage.seq, "entry": damage.entry, "other": damage.other, "at": _moment(damage.at)}


def _moment(value: Any) -> str | None:
    return None if value is None else value.isoformat()
