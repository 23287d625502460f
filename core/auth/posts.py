"""Roles as they are chosen for a person: under their department or manager, each with what it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import queries
from core.auth.models import Role
from core.i18n import lazy_gettext as _l
from core.organisation.models import Department

SHOWN = 3
ALL, NONE = "all", "none"


@dataclass(frozen=True)
class Post:
    """A role to choose. ``can`` names the first of its permissions, ``more`` counts the others; both empty where it has none."""

    slug: str
    name: Any
    can: tuple[Any, ...]
    more: int


def grouped(session: Session, roles: Sequence[Role]) -> list[tuple[Any, list[Post]]]:
    """(heading, posts): departments in their order, then teams by their manager, then the whole association, then roles that may nothing yet."""
    by_slug = {role.slug: role for role in session.scalars(select(Role))}
    departments = {one.slug: one.name for one in session.scalars(select(Department).order_by(Department.id))}
    held, titles = queries.matrix(session), {name: one.title for name, one in session.info["permissions"].items()}
    groups: dict[str, list[Post]] = {}
    for role in roles:
        groups.setdefault(_group(role, by_slug, departments, held), []).append(_post(role, held, titles))
    order = [*departments, *(key for key in groups if key not in departments and key not in (ALL, NONE)), ALL, NONE]
    return [(_heading(key, departments, by_slug), groups[key]) for key in order if key in groups]


def _group(role: Role, by_slug: Mapping[str, Role], departments: Mapping[str, Any], held: Mapping[str, frozenset[str]]) -> str:
    """The department of a role or of the nearest manager who has one; else the manager; else whether it may anything."""
    seen, one = {role.slug}, role
    while one.department not in departments and one.manager is not None and one.manager in by_slug and one.manager not in seen:
        one = by_slug[one.manager]
        seen.add(one.slug)
    if one.department in departments:
        return str(one.department)
    if any(other.manager == role.slug and other.department not in departments for other in by_slug.values()):
        return role.slug
    return role.manager or (ALL if held.get(role.slug) else NONE)


def _heading(key: str, departments: Mapping[str, Any], by_slug: Mapping[str, Role]) -> Any:
    if key in departments:
        return departments[key]
    if key == ALL:
        return _l("Whole association")
    if key == NONE:
        return _l("Other titles of the manual, without permissions so far")
    return _l("Team: %(name)s", name=by_slug[key].name) if key in by_slug else key


def _post(role: Role, held: Mapping[str, frozenset[str]], titles: Mapping[str, Any]) -> Post:
    may = [title for name, title in titles.items() if name in held.get(role.slug, frozenset())]
    return Post(role.slug, role.name, tuple(may[:SHOWN]), max(0, len(may) - SHOWN))
