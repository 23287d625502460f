"""``diwan finance export``: issue a batch, or export an issued one again, and write its file."""

from __future__ import annotations

import argparse
import tempfile
from datetime import date
from pathlib import Path

from sqlalchemy.orm import Session

from core import work
from core.auth.actor import Actor
from core.commands import check_new_file, operator, reading
from core.errors import DiwanError, NotFound
from core.exporter.stream import group_digest
from core.finance import batches, queries
from core.i18n import lazy_gettext as _l
from core.money import plain_amount


def finance_export(options: argparse.Namespace) -> None:
    """Issue the batch of a period in a layout and write its file; ``--batch NUMBER`` exports an issued one again."""
    with reading(options) as (_app, session):
        export(session, options, actor=operator())


def export(session: Session, options: argparse.Namespace, *, actor: Actor) -> Path:
    """Make, log and write the file; returns where it is. What is left out is printed with reason and remedy."""
    again = getattr(options, "batch", None)
    if options.out and not Path(options.out).is_dir():
        check_new_file(Path(options.out))
    with work.unit_of_work(session):
        handed = _again(session, again, options.layout, actor) if again else _issue(session, options, actor)
    path = _target(options.out, handed.name)
    _write(path, handed.artifact.content)
    print(f"{path}: sha256 {group_digest(handed.artifact.sha256)}")
    return path


def _issue(session: Session, options: argparse.Namespace, actor: Actor) -> batches.Handed:
    choice = batches.Choice(_day(options.from_on, "--from"), _day(options.until_on, "--to"), layout=options.layout or "generic",
                            content=getattr(options, "content", None) or "contributions")
    preview = batches.preview_batch(session, choice, actor=actor)
    batch = batches.issue_batch(session, choice, actor=actor, now=work.now(), expected_sha256=preview.artifact.sha256)
    print(f"{batch.number}: {batch.row_count} rows, {preview.left_out_count} left out")
    for total in preview.totals:
        print(f"  {total.currency} {plain_amount(total.net.amount, total.currency)}")
    for group in preview.left_out:
        print(f"  {group.count} left out: {group.reason} {group.remedy} {group.about}".rstrip())
    return batches.hand_out(session, batch, actor=actor, now=work.now())


def _again(session: Session, number: str, layout: str | None, actor: Actor) -> batches.Handed:
    batch = queries.batch_by_number(session, number)
    if batch is None:
        raise NotFound(_l("There is no batch “%(number)s”.", number=number), value=number)
    if layout is not None and layout != batch.layout:
        raise DiwanError(f"{number} was issued in the layout '{batch.layout}', and its file stays so. Leave --layout out.")
    return batches.re_export(session, batch, actor=actor, now=work.now())


def _day(text: str | None, option: str) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise DiwanError(f"{option} is '{text or ''}'; write a day like 2026-01-31.") from None


def _target(out: str | None, name: str) -> Path:
    """Where the file goes: the given path, a given folder, or the present one; nothing that is there is overwritten."""
    path = Path(out) if out else Path(name)
    path = path / name if path.is_dir() else path
    if path.exists():
        raise DiwanError(f"{path} exists already. The batch is issued; export it again with --batch into another folder.")
    return path


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
        out.write(content)
    Path(out.name).replace(path)
