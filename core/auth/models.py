"""Tables of people: users, roles, the permission matrix, authorities, delegations, sessions and one-time links."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from core.database import Base, JsonDict, Phone
from core.i18n import Bilingual

PERSONAL = {"personal": True}
SECRET = {"secret": True}


class Role(Base):
    """A role, as data. ``manager`` is the role that sees its overdue steps; ``titles`` are other titles of the same post (ORG-05)."""

    __tablename__ = "core_role"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(60), unique=True)
    name_ar: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    titles: Mapped[dict[str, Any]] = mapped_column(JsonDict, default=dict)
    same_post_as: Mapped[str | None] = mapped_column(sa.String(60))
    manager: Mapped[str | None] = mapped_column(sa.String(60))
    department: Mapped[str | None] = mapped_column(sa.String(60))
    duties_ar: Mapped[str] = mapped_column(sa.Text, default="")
    duties_en: Mapped[str] = mapped_column(sa.Text, default="")
    scope: Mapped[str] = mapped_column(sa.String(20), default="department")
    """Whose records its holders read: ``own``, ``centre``, ``department`` (own department and centre) or ``all`` (CUST-37)."""
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def name(self) -> Bilingual:
        return Bilingual(self.name_ar, self.name_en)


class RolePermission(Base):
    """One tick of the permission matrix (ORG-01)."""

    __tablename__ = "core_role_permission"
    __table_args__ = (sa.UniqueConstraint("role_id", "permission"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    role_id: Mapped[int] = mapped_column(sa.ForeignKey("core_role.id"))
    permission: Mapped[str] = mapped_column(sa.String(80))
    granted: Mapped[bool] = mapped_column(default=True)


class User(Base):
    """A person who signs in: employee or volunteer (ORG-18). ``session_epoch`` grows when all sessions must end."""

    __tablename__ = "core_user"
    __audit_subject__ = "subject_id"
    __table_args__ = (sa.CheckConstraint("kind IN ('employee', 'volunteer')", name="kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(sa.String(60), unique=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    name_ar: Mapped[str] = mapped_column(sa.String(200), info=PERSONAL)
    name_en: Mapped[str] = mapped_column(sa.String(200), default="", info=PERSONAL)
    email: Mapped[str | None] = mapped_column(sa.String(254), unique=True, info=PERSONAL)
    phone: Mapped[str | None] = mapped_column(Phone, info=PERSONAL)
    kind: Mapped[str] = mapped_column(sa.String(12), default="employee")
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_department.id"))
    job_description: Mapped[str] = mapped_column(sa.Text, default="")
    assignment: Mapped[str] = mapped_column(sa.Text, default="")
    language: Mapped[str | None] = mapped_column(sa.String(2))
    theme: Mapped[str | None] = mapped_column(sa.String(8))
    single_keys: Mapped[bool] = mapped_column(default=True)
    """Whether single keys (``/``, ``M``) act in this person's pages."""
    password_hash: Mapped[str | None] = mapped_column(sa.String(200), info=SECRET)
    totp_secret: Mapped[str | None] = mapped_column(sa.Text, info=SECRET)
    """Encrypted under the person's own key."""
    totp_last: Mapped[int | None] = mapped_column(sa.BigInteger, info={"audit": False})
    """The last time step that was used, so that a code works once."""
    session_epoch: Mapped[int] = mapped_column(default=1)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    @property
    def name(self) -> Bilingual:
        return Bilingual.of({"ar": self.name_ar, "en": self.name_en})

    @property
    def label(self) -> str:
        """Stable text for lists of acts: the name as recorded."""
        return self.name_ar or self.username

    @property
    def has_second_factor(self) -> bool:
        return self.totp_secret is not None


def _subject_of(record: Base, user_id: int | None) -> str | None:
    session = object_session(record)
    user = session.get(User, user_id) if session is not None and user_id is not None else None
    return user.subject_id if user is not None else None


class UserRole(Base):
    __tablename__ = "core_user_role"
    __table_args__ = (sa.UniqueConstraint("user_id", "role_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    role_id: Mapped[int] = mapped_column(sa.ForeignKey("core_role.id"))
    role: Mapped[Role] = relationship()


class UserCentre(Base):
    """A centre whose records a person works with."""

    __tablename__ = "core_user_centre"
    __table_args__ = (sa.UniqueConstraint("user_id", "centre_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    centre_id: Mapped[int] = mapped_column(sa.ForeignKey("core_centre.id"))


class Authority(Base):
    """Who decides and who approves one decision (ORG-08), where it differs from what the area proposes."""

    __tablename__ = "core_authority"
    id: Mapped[int] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(sa.String(80), unique=True)
    decides: Mapped[str] = mapped_column(sa.String(60))
    approves: Mapped[str | None] = mapped_column(sa.String(60))


class Delegation(Base):
    """One person's powers held by one other for a period, both days included (ORG-07)."""

    __tablename__ = "core_delegation"
    __audit_subject__ = "subject_id"
    __table_args__ = (sa.CheckConstraint("from_user_id <> to_user_id", name="other"), sa.CheckConstraint("until_on >= from_on", name="period"))
    id: Mapped[int] = mapped_column(primary_key=True)
    from_user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    to_user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date]
    reason: Mapped[str] = mapped_column(sa.String(300), default="", info=PERSONAL)
    ended_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> str | None:
        """Under whose key the log keeps the reason, which may be an illness."""
        return _subject_of(self, self.from_user_id)


class LostFactor(Base):
    """A second factor reported lost by one administrator and taken off with another's approval."""

    __tablename__ = "core_lost_factor"
    __audit_subject__ = "subject_id"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(300), info=PERSONAL)
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    decided_at: Mapped[datetime | None]
    approved: Mapped[bool | None]

    @property
    def subject_id(self) -> str | None:
        return _subject_of(self, self.user_id)


class UserSession(Base):
    """A sign-in on one device. Untracked: signing in and out is logged, being seen is not."""

    __tablename__ = "core_user_session"
    __audit__ = False
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    epoch: Mapped[int]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    device: Mapped[str] = mapped_column(sa.String(200), default="")
    address: Mapped[str] = mapped_column(sa.String(60), default="")
    second_factor: Mapped[bool] = mapped_column(default=False)
    """Whether the second factor was given; until then the session opens nothing else."""
    ended_at: Mapped[datetime | None]


class LoginAttempts(Base):
    """Failures counted per account and per client network. Untracked: each failure is logged itself."""

    __tablename__ = "core_login_attempts"
    __audit__ = False
    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    failures: Mapped[int]
    first_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class OneTimeLink(Base):
    """An invitation or a password reset; only its hash is kept. Untracked: making and using one is logged."""

    __tablename__ = "core_one_time_link"
    __audit__ = False
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    purpose: Mapped[str] = mapped_column(sa.String(12))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One of ten codes that stand in for the second factor, each once. Untracked: its use is logged."""

    __tablename__ = "core_recovery_code"
    __audit__ = False
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[datetime | None]
