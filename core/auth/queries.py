"""Who may do what: read in few statements, never written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Date,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from core import settings
from core.auth.models import Authority, Delegation, Role, RolePermission, User, UserCentre, UserRole
from core.calendar import local_day
from core.database import array_of
from core.errors import NotFound
from core.i18n import lazy_gettext as _l


def user_named(session: Session, username: str) -> User | None:
    """By user name or e-mail address, as people type either."""
    wanted = username.strip().casefold()
    return session.scalar(select(User).where(or_(User.username == wanted, User.email == wanted)))


def roles_of(session: Session, user_ids: Sequence[int]) -> Mapping[int, list[Role]]:
    """The active roles of several people."""
    found: dict[int, list[Role]] = {user_id: [] for user_id in user_ids}
    query = select(UserRole.user_id, Role).join(Role, Role.id == UserRole.role_id).where(UserRole.user_id.in_(user_ids), Role.active)
    for user_id, role in session.execute(query.order_by(Role.id)):
        found[user_id].append(role)
    return found


@dataclass
class Powers:
    """What one person has by their posts: role slugs, permissions, the widest scope, centres."""

    roles: set[str] = field(default_factory=set)
    permissions: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    centres: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, roles: Sequence[Sequence[Any]] | None, centres: Sequence[Sequence[Any]] | None) -> Powers:
        """From what ``own_powers`` found."""
        made = cls(centres={number for (number,) in centres or ()})
        for name, scope, permission in roles or ():
            _add_power(made, "role", name, scope, permission)
        return made


def powers_of(session: Session, user_ids: Sequence[int]) -> Mapping[int, Powers]:
    """The powers of several people with one statement. Who holds a role holds those that are the same post as well (ORG-05)."""
    found = {user_id: Powers() for user_id in user_ids}
    for user_id, kind, name, scope, permission in session.execute(_powers(), {"people": list(user_ids)}):
        _add_power(found[user_id], kind, name, scope, permission)
    return found


@cache
def _powers() -> CompoundSelect[Any]:
    """Made once: every request runs it, and making it takes longer than running it."""
    held, role = aliased(Role), aliased(Role)
    people: BindParameter[Any] = bindparam("people", expanding=True)
    by_role = (select(UserRole.user_id, literal("role"), role.slug, role.scope, RolePermission.permission)
               .join(held, held.id == UserRole.role_id).join(role, _same_post(role, held)).outerjoin(RolePermission, _granted(role))
               .where(UserRole.user_id.in_(people), held.active, role.active))
    by_centre = (select(UserCentre.user_id, literal("centre"), cast(UserCentre.centre_id, String), cast(null(), String), cast(null(), String))
                 .where(UserCentre.user_id.in_(people)))
    return union_all(by_role, by_centre)


def own_powers() -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """Roles and centres of the person of a query over ``User``, for ``Powers.of``: so they come with the statement that finds the person."""
    held, role = aliased(Role), aliased(Role)
    roles = (select(array_of(role.slug, role.scope, RolePermission.permission)).select_from(UserRole)
             .join(held, held.id == UserRole.role_id).join(role, _same_post(role, held)).outerjoin(RolePermission, _granted(role))
             .where(UserRole.user_id == User.id, held.active, role.active))
    centres = select(array_of(UserCentre.centre_id)).where(UserCentre.user_id == User.id)
    return roles.correlate(User).scalar_subquery(), centres.correlate(User).scalar_subquery()


def _same_post(role: Any, held: Any) -> Any:
    return func.coalesce(role.same_post_as, role.slug) == func.coalesce(held.same_post_as, held.slug)


def _granted(role: Any) -> Any:
    return and_(RolePermission.role_id == role.id, RolePermission.granted)


def _add_power(powers: Powers, kind: str, name: str, scope: str | None, permission: str | None) -> None:
    if kind == "centre":
        powers.centres.add(int(name))
        return
    powers.roles.add(name)
    powers.scopes.add(scope or "own")
    if permission is not None:
        powers.permissions.add(permission)


def first_role(column: Any) -> ScalarSelect[Any]:
    """A column of the role under which the person of a query over ``User`` is shown to work; NULL without one."""
    query = select(column).join(UserRole, UserRole.role_id == Role.id).where(UserRole.user_id == User.id, Role.active)
    return query.order_by(Role.id).limit(1).correlate(User).scalar_subquery()


def permissions_by_role(session: Session, role_ids: Sequence[int]) -> Mapping[int, frozenset[str]]:
    found: dict[int, set[str]] = {role_id: set() for role_id in role_ids}
    query = select(RolePermission.role_id, RolePermission.permission).where(RolePermission.role_id.in_(role_ids), RolePermission.granted)
    for role_id, permission in session.execute(query):
        found[role_id].add(permission)
    return {role_id: frozenset(names) for role_id, names in found.items()}


def lenders_to(session: Session, user_id: int, now: datetime) -> dict[int, User]:
    """Active people whose powers this person holds today, by the association's clock (ORG-07)."""
    today = local_day(now, settings.time_zone(session))
    return {one.id: one for one in session.scalars(_lenders(), {"person": user_id, "today": today})}


def lent_since(day: Any) -> ColumnElement[bool]:
    """Whether the person of a query over ``User`` has a delegation that goes on until ``day`` or longer."""
    return exists().where(Delegation.to_user_id == User.id, Delegation.until_on >= day, Delegation.ended_at.is_(None)).correlate(User)


@cache
def _lenders() -> Select[User]:
    person, today = bindparam("person", type_=BigInteger), bindparam("today", type_=Date)
    return (select(User).join(Delegation, Delegation.from_user_id == User.id)
            .where(Delegation.to_user_id == person, Delegation.from_on <= today, Delegation.until_on >= today, Delegation.ended_at.is_(None), User.active)
            .order_by(Delegation.id))


def centres_of(session: Session, user_id: int) -> frozenset[int]:
    return frozenset(session.scalars(select(UserCentre.centre_id).where(UserCentre.user_id == user_id)))


def roles_granting(session: Session, permission: str) -> list[Role]:
    """The roles that hold a permission, in their order: whom to ask."""
    held = select(RolePermission.role_id).where(RolePermission.permission == permission, RolePermission.granted)
    return list(session.scalars(select(Role).where(Role.id.in_(held), Role.active).order_by(Role.id)))


def matrix(session: Session) -> dict[str, frozenset[str]]:
    """Role slug → permissions, for every active role; a title of another role's post has that one's (ORG-05)."""
    roles = list(session.scalars(select(Role).where(Role.active).order_by(Role.id)))
    by_id = permissions_by_role(session, [role.id for role in roles])
    own = {role.slug: by_id[role.id] for role in roles}
    return {role.slug: own.get(role.same_post_as or role.slug, own[role.slug]) for role in roles}


def authority(session: Session, decision: str) -> tuple[str, str | None]:
    """(role that decides, role that approves), as set here or as the area proposes."""
    row = session.scalar(select(Authority).where(Authority.decision == decision))
    if row is not None:
        return row.decides, row.approves
    proposed = session.info["decisions"].get(decision)
    if proposed is None:
        raise NotFound(_l("There is no decision “%(name)s” in the table of authorities.", name=decision), value=decision, rule="ORG-08")
    return proposed.decides, proposed.approves


def people(session: Session, *, active: bool | None = True) -> list[User]:
    query = select(User).order_by(User.id)
    return list(session.scalars(query if active is None else query.where(User.active.is_(active))))


def names_of(session: Session, user_ids: Iterable[int | None]) -> dict[int, str]:
    """What people are called, by id, in the reader's language; also of those who cannot sign in any more."""
    wanted = {one for one in user_ids if one is not None}
    found = session.scalars(select(User).where(User.id.in_(wanted))) if wanted else ()
    return {one.id: str(one.name) or one.label for one in found}


def without_description(session: Session) -> list[User]:
    """People whose job description or assignment is missing (ORG-06)."""
    return list(session.scalars(select(User).where(User.active, or_(User.job_description == "", User.assignment == "")).order_by(User.id)))


def holders_of(session: Session, role: str) -> list[User]:
    """Active people with this role, or with a role that is the same post."""
    other = aliased(Role)
    post = select(func.coalesce(other.same_post_as, other.slug)).where(other.slug == role).scalar_subquery()
    same = select(Role.id).where(func.coalesce(Role.same_post_as, Role.slug) == post)
    return list(session.scalars(select(User).where(User.active, exists().where(UserRole.user_id == User.id, UserRole.role_id.in_(same))).order_by(User.id)))


def delegations(session: Session, since: date) -> list[Delegation]:
    return list(session.scalars(select(Delegation).where(Delegation.until_on >= since).order_by(Delegation.from_on.desc(), Delegation.id.desc())))
