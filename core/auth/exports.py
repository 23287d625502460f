"""The permission matrix as a file: one row per role and permission (ACC-95)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import queries
from core.auth.models import Role
from core.exporter.columns import Column
from core.exporter.text import Options, write_csv
from core.i18n import lazy_gettext as _l

COLUMNS = (
    Column("role", _l("Role")), Column("role_ar", _l("Role in Arabic")), Column("role_en", _l("Role in English")), Column("permission", _l("Permission")),
    Column("permission_title", _l("Meaning")), Column("granted", _l("Allowed"), "boolean"),
)


def matrix_rows(session: Session) -> Iterator[tuple[Any, ...]]:
    """(role, Arabic, English, permission, meaning, allowed) for every role and permission."""
    matrix = queries.matrix(session)
    for role in session.scalars(select(Role).where(Role.active).order_by(Role.id)):
        for name, permission in session.info["permissions"].items():
            yield role.slug, role.name_ar, role.name_en, name, str(permission.title), name in matrix[role.slug]


def matrix_bytes(session: Session) -> tuple[bytes, int, str]:
    """The file, its rows and its sha256."""
    stream = write_csv(COLUMNS, matrix_rows(session), Options())
    content = b"".join(stream)
    assert stream.outcome is not None
    return content, stream.outcome.rows, stream.outcome.sha256
