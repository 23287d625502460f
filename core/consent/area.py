"""Consent as an area of core: permissions, settings, pages, the panel of the customer's page, and the page without sign-in."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.consent.models import UNTRACKED
from core.consent.settings import SETTINGS
from core.customers.area import AGENTS, CRM, MANAGERS, READERS
from core.customers.offers import CustomerPanel
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="consent",
    title=_l("Consent"),
    permissions=(
        Permission("consent.read", _l("See the consents of customers"), roles=READERS),
        Permission("consent.record", _l("Record consents and withdrawals of customers"), roles=(*CRM, *AGENTS)),
        Permission("consent.wording", _l("Publish the words of consent and the privacy text"), roles=(*MANAGERS, "administrator")),
    ),
    settings=SETTINGS,
    untracked=UNTRACKED,
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.consent.views import ConsentsView, WordingsView

    return [WordingsView(), ConsentsView()]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    from core.consent.public import blueprint

    return [blueprint()]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    from core.consent.panel import entries, summary

    return [CustomerPanel("consent.consents", _l("Consent"), permission="consent.read", summary=summary, entries=entries, icon="shield-check")]


@hookimpl
def register_demo(session: Session, actor: Actor, now: datetime) -> None:
    from core.consent.demo import make

    make(session, now)
