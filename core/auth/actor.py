"""Who acts: a person with what they may do, possibly for somebody else.

Services take an ``Actor`` and ask ``authorize``. The actor is made by the edge (``core.auth.services.actor_for``), so
that a page, a bulk action, an import, the API, a job and a command are judged alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from core.errors import NotAllowed
from core.i18n import lazy_gettext as _l


@dataclass(frozen=True)
class Delegator:
    """Whose powers an actor holds for a period (ORG-07)."""

    user_id: int
    label: str
    permissions: frozenset[str]
    roles: frozenset[str]
    username: str | None = None


@dataclass(frozen=True)
class Actor:
    """``source`` says through which edge: web, api, cli, job, import, public or demo. ``label`` is for people to read; the log,
    where nothing personal stands readable, has the user name instead.

    ``department_id`` and ``centre_ids`` bound whose records one may read by default (CUST-37); ``scopes`` maps an owner
    (``customers``) to ``all``, ``department``, ``centre`` or ``own``.
    """

    user_id: int | None
    label: str
    permissions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    source: str = "web"
    department_id: int | None = None
    centre_ids: frozenset[int] = frozenset()
    delegators: tuple[Delegator, ...] = ()
    scopes: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    session_id: int | None = None
    username: str | None = None

    @property
    def logged_as(self) -> str:
        return self.username or self.label

    @property
    def anonymous(self) -> bool:
        return self.user_id is None

    def may(self, permission: str) -> bool:
        """Whether the actor has the permission, in person or by delegation."""
        return permission in self.permissions or self.delegator_for(permission) is not None

    def delegator_for(self, permission: str) -> Delegator | None:
        """The person whose power is used, when the actor lacks the permission in person."""
        if permission in self.permissions:
            return None
        return next((one for one in self.delegators if permission in one.permissions), None)

    def delegator_for_role(self, role: str, *, made_by: Collection[int | None] = ()) -> Delegator | None:
        """The person whose role is used, when the actor has it not himself; none of ``made_by`` lends it."""
        if role in self.roles:
            return None
        return next((one for one in self.delegators if role in one.roles and one.user_id not in made_by), None)

    def holds(self, role: str, *, made_by: Collection[int | None] = ()) -> bool:
        return role in self.roles or self.delegator_for_role(role, made_by=made_by) is not None


def system_actor(source: str, label: str = "system") -> Actor:
    """The product itself, for jobs and commands that nobody signs in for; it has no permission by itself."""
    return Actor(user_id=None, label=label, source=source)


def authorize(session: Session, actor: Actor, permission: str, *, rule: str = "ORG-01", message: Any = None) -> None:
    """Let the act go on in this person's name, or raise ``NotAllowed`` with its rule (logged as ``denied`` by the edge).

    When the power comes from a delegation, the log entries of this transaction carry "on behalf of" (AUD-07).
    """
    session.info["actor"] = actor
    if permission in actor.permissions:
        return
    delegator = actor.delegator_for(permission)
    if delegator is None:
        raise NotAllowed(message or _l("This needs the permission “%(name)s”, which your roles do not include.",
                                       name=permission), value=permission, rule=rule)
    act_for(session, delegator.user_id, delegator.label, username=delegator.username)


def act_for(session: Session, user_id: int, label: str, *, username: str | None = None) -> None:
    """Write "on behalf of" to every log entry of the current transaction (AUD-07), there by user name."""
    session.info["on_behalf_of"] = (user_id, label)
    session.info["on_behalf_of_username"] = username or label
