"""Tables of consent: events that are never changed, versions of what people agree to, and links by which they withdraw."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.auth.models import User
from core.customers.models import Customer
from core.database import Base, UtcDateTime, derive, refusal
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l


class Wording(Base):
    """One version of a text: what is agreed to (``consent``) or the privacy text (``privacy``, PERM-16). The newest holds."""

    __tablename__ = "core_consent_wording"
    __table_args__ = (
        sa.UniqueConstraint("kind", "version"),
        sa.CheckConstraint("kind IN ('consent', 'privacy')", name="kind"),
        sa.CheckConstraint("text_ar <> '' AND text_en <> ''", name="text"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    version: Mapped[int]
    text_ar: Mapped[str] = mapped_column(sa.Text, info={"label": _l("Arabic text")})
    text_en: Mapped[str] = mapped_column(sa.Text, info={"label": _l("English text")})
    published_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Published on")})
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True, info={"label": _l("Published by")})
    published_by: Mapped[User | None] = relationship()

    @property
    def text(self) -> Bilingual:
        return Bilingual(self.text_ar, self.text_en)


class Consent(Base):
    """One event: a customer gave or withdrew consent. What holds now is the latest event about a channel and purpose.

    ``channel`` and ``purpose`` may be ``all`` in a withdrawal; a consent names its purpose, and its channel but for sharing.
    ``said_at`` is when the customer said so, ``recorded_at`` when it was written down here.
    """

    __tablename__ = "core_consent"
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("channel IN ('all', 'phone', 'sms', 'email', 'whatsapp', 'post')", name="channel"),
        sa.CheckConstraint("purpose IN ('all', 'service', 'survey', 'marketing', 'fundraising', 'sharing')", name="purpose"),
        sa.CheckConstraint("NOT given OR (purpose <> 'all' AND (channel = 'all') = (purpose = 'sharing'))", name="given"),
        sa.CheckConstraint("purpose <> 'sharing' OR channel = 'all'", name="sharing"),
        sa.CheckConstraint("NOT given OR wording_id IS NOT NULL", name="wording"),
        sa.CheckConstraint("said_at <= recorded_at", name="moments"),
        sa.Index("ix_core_consent_customer", "customer_id", "said_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"))
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    channel: Mapped[str] = mapped_column(sa.String(10), info={"label": _l("Channel")})
    purpose: Mapped[str] = mapped_column(sa.String(20), info={"label": _l("Purpose")})
    given: Mapped[bool] = mapped_column(info={"label": _l("Given")})
    said_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Said")})
    source: Mapped[str] = mapped_column(sa.String(10), info={"label": _l("How it was said")})
    wording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_consent_wording.id"), index=True, info={"label": _l("Wording")})
    note: Mapped[str] = mapped_column(sa.String(300), default="", info={"personal": True, "label": _l("Note")})
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True, info={"label": _l("Recorded by")})
    operation_key: Mapped[str | None] = mapped_column(sa.String(90), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship()
    wording: Mapped[Wording | None] = relationship()
    recorded_by: Mapped[User | None] = relationship()


class WithdrawalLink(Base):
    """The token by which a customer withdraws without signing in: good for years, and for nothing else.

    Each customer has one; a merged customer has those of both, so that no printed link dies.
    """

    __tablename__ = "core_consent_link"
    __audit__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    token: Mapped[str] = mapped_column(sa.String(40), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


UNTRACKED = {"core_consent_link": "A random token a customer, which says nothing of anybody; the withdrawal made with it is logged."}


# --- what the database guards by itself -------------------------------------------------------------------------------


derive(
    refusal("core_consent_frozen", "core_consent", "UPDATE",
            "NEW.channel <> OLD.channel OR NEW.purpose <> OLD.purpose OR NEW.given <> OLD.given OR NEW.said_at <> OLD.said_at"
            " OR NEW.source <> OLD.source OR COALESCE(NEW.wording_id, 0) <> COALESCE(OLD.wording_id, 0) OR NEW.recorded_at <> OLD.recorded_at"
            " OR (NEW.note <> OLD.note AND NEW.note <> '')",
            "PERM-02: a consent is an event and is never rewritten"),
    refusal("core_consent_kept", "core_consent", "DELETE", "1 = 1", "PERM-02: a consent or withdrawal is kept"),
    refusal("core_consent_wording_frozen", "core_consent_wording", "UPDATE", "1 = 1", "PERM-16: a published wording is never rewritten"),
    refusal("core_consent_wording_kept", "core_consent_wording", "DELETE", "1 = 1", "PERM-16: a published wording is kept"),
)
