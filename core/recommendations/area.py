"""Recommendations as an area of core: a mechanism that the reports and reviews of every plugin use."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.auth.actor import Actor
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import AreaInfo, Decision, Permission
from core.recommendations.domain import DEFAULT_DECISION

MANAGERS = ("crm_manager", "crm_rd_manager", "centres_manager", "strategic_planning_manager", "admin_affairs_manager", "resource_development_manager",
            "finance_manager", "quality_employee")
ABOVE = ("quality_employee", "strategic_planning_manager", "subcouncil_secretary", "secretary_general", "association_management", "auditor")
DECIDERS = ("subcouncil_secretary", "association_management")

AREA = AreaInfo(
    name="recommendations",
    title=_l("Recommendations"),
    permissions=(
        Permission("recommendations.read", _l("Read the recommendations of the own department"), roles=(*MANAGERS, *ABOVE, "crm_employee", "centres_employee")),
        Permission("recommendations.read_all", _l("Read the recommendations of all departments"), roles=ABOVE),
        Permission("recommendations.propose", _l("Raise recommendations"), roles=MANAGERS),
        Permission("recommendations.decide", _l("Decide on recommendations"), roles=DECIDERS),
        Permission("recommendations.follow", _l("Follow up adopted recommendations: carried out, or the cause why not"), roles=MANAGERS),
    ),
    decisions=(Decision(DEFAULT_DECISION, _l("Recommendations raised from reports and reviews"), decides="subcouncil_secretary"),),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.recommendations.views import RecommendationsView

    return [RecommendationsView()]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    from core.recommendations.parts import parts

    return [parts()]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    from core.recommendations.cards import to_carry_out, to_decide

    return [
        DashboardCard("recommendations.to_decide", _l("Recommendations to decide"), permission="recommendations.decide", figure=to_decide, order=20),
        DashboardCard("recommendations.to_carry_out", _l("Recommendations to carry out"), permission="recommendations.follow", figure=to_carry_out, order=21),
    ]


@hookimpl
def register_search() -> list[SearchProvider]:
    from core.recommendations.cards import find

    return [SearchProvider("recommendations", _l("Recommendations"), permission="recommendations.read", find=find, order=45)]


@hookimpl
def register_demo(session: Session, actor: Actor, now: datetime) -> None:
    from core.recommendations.demo import make

    make(session, now)
