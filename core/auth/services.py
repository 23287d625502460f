"""People: seeding, inviting, roles, the matrix, authorities, delegation. Signing in is in ``signin``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth import queries
from core.auth.actor import Actor, Delegator, act_for, authorize
from core.auth.models import Authority, Delegation, Role, RolePermission, User, UserCentre, UserRole
from core.calendar import local_day
from core.catalogue_file import Catalogue
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.i18n import LANGUAGES
from core.i18n import lazy_gettext as _l
from core.keys import new_subject
from core.phones import parse_phone
from core.plugins.manifest import AreaInfo, PluginInfo
from core.text import check_plain

CATALOGUE = Catalogue(__file__)
ADMINISTRATOR = "admin"
MANAGE, ROLES = "auth.manage_users", "auth.manage_roles"
BREADTH = ("own", "centre", "department", "all")
SEES_ALL = frozenset({"crm_manager", "customer_data_officer", "customer_data_deputy", "quality_employee", "secretary_general", "association_management",
                      "subcouncil_secretary", "auditor", "finance_officer", "finance_manager", "crm_employee", "admin"})


# --- seeding -----------------------------------------------------------------------------------------------------------


def seed(session: Session, areas: Sequence[AreaInfo], plugins: Sequence[PluginInfo]) -> None:
    """Roles of the catalogue and of plugins, and the permissions each is proposed to have; a second time adds nothing.

    A tick that somebody took away stays away: the row remains with ``granted`` false.
    """
    roles = {role.slug: role for role in session.scalars(select(Role))}
    for item in [*_catalogue(), *(_of_plugin(role) for plugin in plugins for role in plugin.roles)]:
        if item["slug"] not in roles:
            roles[item["slug"]] = role = _role(item)
            session.add(role)
    session.flush()
    known = {(row.role_id, row.permission) for row in session.scalars(select(RolePermission))}
    manifests: list[AreaInfo | PluginInfo] = [*areas, *plugins]
    for permission in [one for manifest in manifests for one in manifest.permissions]:
        for slug in {ADMINISTRATOR if slug == "administrator" else slug for slug in permission.roles}:
            post = _post(roles, slug)
            if post is not None and (post.id, permission.name) not in known:
                session.add(RolePermission(role_id=post.id, permission=permission.name, granted=True))
                known.add((post.id, permission.name))
    session.flush()


def _post(roles: dict[str, Role], slug: str) -> Role | None:
    """The role whose post this title is; only posts have permissions (ORG-05)."""
    role = roles.get(slug)
    return roles.get(role.same_post_as, role) if role is not None and role.same_post_as else role


def _catalogue() -> list[dict[str, Any]]:
    return list(CATALOGUE["roles"])


def _of_plugin(role: Any) -> dict[str, Any]:
    return {"slug": role.slug, "name": {"ar": role.ar, "en": role.en}, "manager": role.manager, "department": role.department}


def _role(item: dict[str, Any]) -> Role:
    duties = item.get("duties") or {}
    return Role(slug=item["slug"], name_ar=item["name"]["ar"], name_en=item["name"]["en"], titles={"ar": item.get("titles_ar", [])},
                same_post_as=item.get("same_post_as") or item.get("held_by"), manager=item.get("manager"), department=item.get("department"),
                duties_ar=duties.get("ar", ""), duties_en=duties.get("en", ""), scope="all" if item["slug"] in SEES_ALL else "department")


# --- the actor ---------------------------------------------------------------------------------------------------------


def actor_for(
    session: Session, user: User, *, source: str, now: datetime | None = None, lent: bool = True, own: queries.Powers | None = None, **more: Any,
) -> Actor:
    """What ``user`` may do now, with two statements: what others delegated for today, and everybody's powers.

    ``lent=False``: nobody delegated anything, as is known already; so with the ``own`` powers.
    """
    from core import work

    lenders = queries.lenders_to(session, user.id, now or work.now()) if lent else {}
    asked = [*lenders] if own is not None else [user.id, *lenders]
    powers = queries.powers_of(session, asked) if asked else {}
    own = own or powers[user.id]
    return Actor(
        user_id=user.id, label=user.label, username=user.username, permissions=frozenset(own.permissions), roles=frozenset(own.roles), source=source,
        department_id=user.department_id, centre_ids=frozenset(own.centres), scopes={"*": max(own.scopes, key=BREADTH.index, default="own")},
        delegators=tuple(_delegator(one, powers[one.id]) for one in lenders.values()), **more,
    )


def _delegator(user: User, powers: queries.Powers) -> Delegator:
    return Delegator(user.id, user.label, frozenset(powers.permissions), frozenset(powers.roles), user.username)


def refuse_own(actor: Actor, maker_id: int | None, *, rule: str = "ORG-09", delegator: Delegator | None = None) -> None:
    """Whoever prepared a record does not approve it, in person or for somebody else."""
    if actor.user_id is None or maker_id in (actor.user_id, delegator.user_id if delegator else None):
        raise NotAllowed(_l("Whoever prepared a record does not decide on it. Another person with the permission must."), rule=rule)


def require_approver(session: Session, decision: str, actor: Actor, *, made_by: Collection[int | None] = ()) -> None:
    """The actor holds the role that approves this, or decides it where nobody else approves (ORG-08), in person or by delegation; otherwise NotAllowed.

    Whoever prepared what is decided on (``made_by``) does not lend the role either (ORG-09).
    """
    decides, approves = queries.authority(session, decision)
    _require_role(session, approves or decides, actor, made_by)


def approves(session: Session, decision: str, actor: Actor, *, made_by: Collection[int | None] = ()) -> bool:
    """Whether the approve button is for this person."""
    decides, approving = queries.authority(session, decision)
    return actor.holds(approving or decides, made_by=made_by)


def _require_role(session: Session, slug: str, actor: Actor, made_by: Collection[int | None]) -> None:
    if slug in actor.roles:
        return
    delegator = actor.delegator_for_role(slug, made_by=made_by)
    if delegator is None and actor.holds(slug):
        raise NotAllowed(_l("Whoever prepared a record does not decide on it. Another person with the permission must."), rule="ORG-09")
    if delegator is None:
        role = session.scalar(select(Role).where(Role.slug == slug))
        raise NotAllowed(_l("By the table of authorities this is for: %(role)s.", role=role.name if role else slug), value=slug, rule="ORG-08")
    act_for(session, delegator.user_id, delegator.label, username=delegator.username)


# --- people ------------------------------------------------------------------------------------------------------------


def add_user(session: Session, *, username: str, name_ar: str, actor: Actor, now: datetime, **details: Any) -> User:
    """A new person without password or role; ``details``: name_en, email, phone, kind, department_id, job_description, assignment."""
    authorize(session, actor, MANAGE)
    username = check_username(username)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise Conflict(_l("The user name “%(name)s” is taken. Choose another one.", name=username), field="username", value=username)
    user = User(username=username, subject_id=new_subject(session), created_at=now, name_ar="")
    _set_details(session, user, {"name_ar": name_ar, **details})
    session.add(user)
    session.flush()
    return user


def check_username(username: str) -> str:
    username = username.strip().casefold()
    if not re.fullmatch(r"[a-z][a-z0-9._-]{1,39}", username):
        raise InvalidInput(_l("“%(value)s” cannot be a user name: 2 to 40 small Latin letters, digits, dots or hyphens, a letter first.", value=username[:40]),
                           field="username", value=username)
    return username


def change_user(session: Session, user: User, *, actor: Actor, now: datetime, **details: Any) -> User:
    authorize(session, actor, MANAGE)
    _set_details(session, user, details)
    session.flush()
    return user


def _set_details(session: Session, user: User, details: dict[str, Any]) -> None:
    for key in ("name_ar", "name_en", "job_description", "assignment"):
        if key in details:
            setattr(user, key, check_plain(details[key] or "", field=key, multiline=key in ("job_description", "assignment")).strip())
    if not user.name_ar:
        raise InvalidInput(_l("The person's name is needed."), field="name_ar")
    if "email" in details:
        user.email = (details["email"] or "").strip().casefold() or None
        _refuse_taken_email(session, user)
    if "phone" in details:
        user.phone = parse_phone(details["phone"], str(settings.get(session, "core.country"))) if details["phone"] else None
    if "kind" in details:
        if details["kind"] not in ("employee", "volunteer"):
            raise InvalidInput(_l("Choose employee or volunteer."), field="kind", value=details["kind"], rule="ORG-18")
        user.kind = details["kind"]
    if "department_id" in details:
        user.department_id = details["department_id"] or None


def _refuse_taken_email(session: Session, user: User) -> None:
    if user.email and session.scalar(select(User.id).where(User.email == user.email, User.id != (user.id or 0))) is not None:
        raise Conflict(_l("Another person has this e-mail address."), field="email", value=user.email)


def set_centres(session: Session, user: User, centre_ids: Sequence[int], *, actor: Actor) -> None:
    authorize(session, actor, MANAGE)
    present = {row.centre_id: row for row in session.scalars(select(UserCentre).where(UserCentre.user_id == user.id))}
    for centre_id in set(centre_ids) - set(present):
        session.add(UserCentre(user_id=user.id, centre_id=centre_id))
    for centre_id in set(present) - set(centre_ids):
        session.delete(present[centre_id])
    session.flush()


def set_active(session: Session, user: User, active: bool, *, actor: Actor) -> None:
    """Let a person in, or keep them out from the next request on."""
    authorize(session, actor, MANAGE)
    if not active and user.id == actor.user_id:
        raise Conflict(_l("Nobody locks themselves out. Another administrator must."))
    if not active:
        _keep_an_administrator(session, user)
    user.active = active
    end_all_sessions(user)
    session.flush()


def end_all_sessions(user: User) -> None:
    """Raise the epoch: every session of this person ends with its next request."""
    user.session_epoch += 1


def keep_preferences(
    session: Session, actor: Actor, *, language: str | None = None, theme: str | None = None, single_keys: bool | None = None,
) -> None:
    """Keep language, theme and keys of the person; nobody needs a permission for their own."""
    user = session.get(User, actor.user_id) if actor.user_id else None
    if user is None:
        return
    if language in LANGUAGES:
        user.language = language
    if theme in ("light", "dark", "system"):
        user.theme = theme
    if single_keys is not None:
        user.single_keys = single_keys
    session.flush()


# --- roles, matrix, authorities ------------------------------------------------------------------------------------------


def role_by_slug(session: Session, slug: str) -> Role:
    role = session.scalar(select(Role).where(Role.slug == (ADMINISTRATOR if slug == "administrator" else slug)))
    if role is None:
        raise NotFound(_l("There is no role “%(name)s”.", name=slug), field="role", value=slug)
    return role


def grant_role(session: Session, user: User, slug: str, *, actor: Actor) -> None:
    """Give a person a role; their sessions end, so that the change holds everywhere at once (AUD-03)."""
    authorize(session, actor, MANAGE)
    role = role_by_slug(session, slug)
    _refuse_own_rise(session, role, actor)
    if session.scalar(select(UserRole).where(UserRole.user_id == user.id, UserRole.role_id == role.id)) is None:
        row = UserRole(user_id=user.id, role_id=role.id)
        session.add(row)
        audit.name_action(session, row, "role_change", reason=role.slug)
        _epoch_quietly(session, user)


def revoke_role(session: Session, user: User, slug: str, *, actor: Actor) -> None:
    authorize(session, actor, MANAGE)
    role = role_by_slug(session, slug)
    _refuse_own_rise(session, role, actor)
    row = session.scalar(select(UserRole).where(UserRole.user_id == user.id, UserRole.role_id == role.id))
    if row is None:
        return
    if role.slug == ADMINISTRATOR:
        _keep_an_administrator(session, user)
    session.delete(row)
    audit.name_action(session, row, "role_change", reason=role.slug)
    _epoch_quietly(session, user)


def _refuse_own_rise(session: Session, role: Role, actor: Actor) -> None:
    """Who manages people but not roles hands out no role that may change roles: that would be a way to any power."""
    held = queries.permissions_by_role(session, [role.id])[role.id]
    if ROLES in held:
        authorize(session, actor, ROLES)


def _keep_an_administrator(session: Session, user: User) -> None:
    if [one.id for one in queries.holders_of(session, ADMINISTRATOR)] == [user.id]:
        raise Conflict(_l("The last administrator keeps the role and the access. Make somebody else administrator first."))


def _epoch_quietly(session: Session, user: User) -> None:
    """End the sessions of somebody whose roles changed; the log has the role change itself, once (ACC-103)."""
    from core.database import section

    session.flush()
    table: Any = User.__table__
    with section("session epoch"):
        session.execute(table.update().where(table.c.id == user.id).values(session_epoch=table.c.session_epoch + 1))
    session.expire(user, ["session_epoch"])


def set_roles(session: Session, user: User, slugs: Sequence[str], *, actor: Actor) -> None:
    """Make the person's roles exactly these."""
    present = {role.slug for role in queries.roles_of(session, [user.id])[user.id]}
    for slug in sorted(set(slugs) - present):
        grant_role(session, user, slug, actor=actor)
    for slug in sorted(present - set(slugs)):
        revoke_role(session, user, slug, actor=actor)


def set_permission(session: Session, slug: str, permission: str, granted: bool, *, actor: Actor) -> None:
    """One tick of the matrix (ORG-01)."""
    authorize(session, actor, ROLES)
    if permission not in session.info["permissions"]:
        raise NotFound(_l("There is no permission “%(name)s”.", name=permission))
    role = role_by_slug(session, slug)
    if role.same_post_as is not None and granted:
        raise Conflict(_l("“%(name)s” is one more title of another role’s post. Change that one, or split the post first.", name=role.name), rule="ORG-05")
    if role.slug == ADMINISTRATOR and permission in (MANAGE, ROLES) and not granted:
        raise Conflict(_l("The administrator keeps the permission to manage people and roles; otherwise nobody could."))
    row = session.scalar(select(RolePermission).where(RolePermission.role_id == role.id, RolePermission.permission == permission))
    if row is None and granted:
        session.add(RolePermission(role_id=role.id, permission=permission, granted=True))
    elif row is not None and row.granted != granted:
        row.granted = granted
    session.flush()


def set_scope(session: Session, slug: str, scope: str, *, actor: Actor) -> None:
    """Whose records a role's holders read (CUST-37)."""
    authorize(session, actor, ROLES)
    if scope not in BREADTH:
        raise InvalidInput(_l("“%(value)s” is not one of the choices.", value=scope), field="scope", value=scope)
    role_by_slug(session, slug).scope = scope
    session.flush()


def set_authority(session: Session, decision: str, decides: str, approves: str | None, *, actor: Actor) -> None:
    """Who decides and who approves (ORG-08)."""
    authorize(session, actor, ROLES)
    if decision not in session.info["decisions"]:
        raise NotFound(_l("There is no decision “%(name)s”.", name=decision))
    role_by_slug(session, decides)
    if approves:
        role_by_slug(session, approves)
    row = session.scalar(select(Authority).where(Authority.decision == decision))
    if row is None:
        session.add(Authority(decision=decision, decides=decides, approves=approves or None))
    else:
        row.decides, row.approves = decides, approves or None
    session.flush()


def split_post(session: Session, slug: str, *, actor: Actor) -> Role:
    """Make a title that stood for another role's post a role of its own, with that post's permissions to begin with (ORG-05):
    also of plugins that are off, which come back with them.
    """
    authorize(session, actor, ROLES)
    role = role_by_slug(session, slug)
    if role.same_post_as is None:
        raise Conflict(_l("“%(name)s” is a role of its own already.", name=role.name))
    copied = queries.matrix(session)[role.slug]
    role.scope, role.same_post_as = role_by_slug(session, role.same_post_as).scope, None
    for row in session.scalars(select(RolePermission).where(RolePermission.role_id == role.id)):
        row.granted = row.permission in copied
        copied -= {row.permission}
    session.add_all(RolePermission(role_id=role.id, permission=name, granted=True) for name in sorted(copied))
    session.flush()
    return role


def join_post(session: Session, slug: str, other: str, *, actor: Actor) -> Role:
    """Make a role one more title of another role's post: its holders and theirs have the same powers from now on (ORG-05)."""
    authorize(session, actor, ROLES)
    role, post = role_by_slug(session, slug), role_by_slug(session, other)
    if role.id == post.id or post.same_post_as is not None or ADMINISTRATOR in (role.slug, post.slug):
        raise Conflict(_l("These two cannot be one post: “%(one)s” and “%(other)s”.", one=role.name, other=post.name), rule="ORG-05")
    for row in session.scalars(select(RolePermission).where(RolePermission.role_id == role.id, RolePermission.granted)):
        row.granted = False
    role.same_post_as = post.slug
    session.flush()
    return role


# --- delegation ------------------------------------------------------------------------------------------------------------


def delegate(session: Session, from_user: User, to_user: User, from_on: date, until_on: date, *, reason: str = "", actor: Actor, now: datetime) -> Delegation:
    """Lend all one's powers to one other person for a period (ORG-07); by the person, or by who manages people."""
    if actor.user_id != from_user.id:
        authorize(session, actor, MANAGE)
    if from_user.id == to_user.id:
        raise InvalidInput(_l("Choose another person."), field="to_user", rule="ORG-07")
    if until_on < from_on:
        raise InvalidInput(_l("The period ends before it begins."), field="until_on", rule="ORG-07")
    if until_on < local_day(now, settings.time_zone(session)):
        raise InvalidInput(_l("The period has passed."), field="until_on", rule="ORG-07")
    if not to_user.active:
        raise InvalidInput(_l("This person cannot sign in."), field="to_user", rule="ORG-07")
    overlapping = select(Delegation).where(Delegation.from_user_id == from_user.id, Delegation.ended_at.is_(None), Delegation.from_on <= until_on,
                                           Delegation.until_on >= from_on)
    if session.scalar(overlapping) is not None:
        raise Conflict(_l("Somebody already holds these powers in this period; one person at a time. End that delegation first."), field="from_on",
                       rule="ORG-07")
    row = Delegation(from_user_id=from_user.id, to_user_id=to_user.id, from_on=from_on, until_on=until_on, reason=check_plain(reason, field="reason")[:300])
    session.add(row)
    audit.name_action(session, row, "delegate")
    session.flush()
    return row


def end_delegation(session: Session, row: Delegation, *, actor: Actor, now: datetime) -> None:
    if actor.user_id != row.from_user_id:
        authorize(session, actor, MANAGE)
    if row.ended_at is None:
        row.ended_at = now
        audit.name_action(session, row, "end_delegation")
        session.flush()
