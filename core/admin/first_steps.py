"""The first steps of a fresh association: what has to be there before its register can begin, and what of it is.

Each is told from the data itself, so nobody ticks anything off; the card goes when all is there, or by a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import settings
from core.auth import queries as auth
from core.auth.actor import Actor
from core.auth.models import User, UserRole
from core.customers import queries as customers
from core.i18n import lazy_gettext as _l
from core.notices import services as notices
from core.organisation.models import City
from core.settings import StoredSetting

SHOWN = "core.first_steps"


@dataclass(frozen=True)
class FirstStep:
    """``link`` is inside the association and open to holders of ``permission``; ``done`` is read from the data."""

    title: Any
    why: Any
    link: str
    permission: str
    done: Callable[[Session], bool]


STEPS = (
    FirstStep(_l("Enter the cities, centres and departments"), _l("Customers, people and programmes belong to them. A list can be imported."),
              "/settings/organisation/cities/", "organisation.manage", lambda session: _any(session, City)),
    FirstStep(_l("Add the people"), _l("Each gets a link to choose a password."), "/users/new", "auth.manage_users", lambda session: _people(session) > 1),
    FirstStep(_l("Give the roles"), _l("Somebody fills forms, and somebody else approves them: nobody approves what is their own."), "/users/",
              "auth.manage_users", lambda session: _two_hands(session)),
    FirstStep(_l("Appoint the data officer"), _l("Only the officer, or the deputy, enters approved forms in the register; the CRM manager appoints."),
              "/customers/officers/", "customers.officers", lambda session: customers.officer(session, "primary") is not None),
    FirstStep(_l("Look through the settings: weekend, holidays, currency"), _l("Time limits and amounts follow them. Save the page once."), "/settings/",
              "core.settings", lambda session: _saved(session, "core.holidays")),
    FirstStep(_l("Set the mail server"), _l("Without one, invitations and the daily mail wait to be copied and passed on."), "/settings/", "core.settings",
              lambda session: notices.mail_is_set(session)),
)


def open_steps(session: Session, actor: Actor, *, demo: bool) -> list[tuple[FirstStep, bool]]:
    """(step, done) for who sets the association up; nothing where all is done, in a demo, or when the card is switched off."""
    if demo or not actor.may("core.settings") or not settings.get(session, SHOWN):
        return []
    told = [(step, step.done(session)) for step in STEPS]
    return told if not all(done for _step, done in told) else []


def _any(session: Session, model: Any) -> bool:
    return session.scalar(select(model.id).limit(1)) is not None


def _people(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(User).where(User.active)) or 0


def _two_hands(session: Session) -> bool:
    """Whether one person may fill forms and another may approve them."""
    held = session.scalars(select(UserRole.user_id).join(User, User.id == UserRole.user_id).where(User.active).distinct()).all()
    powers = auth.powers_of(session, held)
    fill, approve = ({one for one in held if name in powers[one].permissions} for name in ("customers.fill", "customers.approve"))
    return any(one != other for one in fill for other in approve)


def _saved(session: Session, key: str) -> bool:
    return session.scalar(select(StoredSetting.id).where(StoredSetting.key == key)) is not None
