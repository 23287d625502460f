"""The front door: every hook there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dummy_plugin import services, views
from flask import Blueprint
from flask_admin import BaseView
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.auth.actor import Actor
from core.customers.models import Customer
from core.customers.offers import CustomerPanel
from core.exporter.columns import Column
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer, ImportField
from core.jobs.offers import Job
from core.messages import Message, Taken
from core.outreach import Outreach, Progress
from core.plugins.manifest import Permission, PluginInfo
from core.reports.offers import Report
from core.rest.offers import Resource, record, text

PLUGIN = PluginInfo(
    name="dummy_plugin", title=_l("Dummy"), version="1.0", summary=_l("Implements every hook."),
    permissions=(Permission("dummy_plugin.read", _l("Read remarks"), roles=("admin",)),),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    return [views.RemarkView()]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [views.public()]


@hookimpl
def register_reports() -> list[Report]:
    columns = (Column("made_at", _l("Made"), "moment"), Column("text", _l("Text")))
    return [Report("dummy_plugin.remarks", _l("Remarks by day"), "dummy_plugin.read", columns, services.by_day)]


@hookimpl
def register_importers() -> list[Importer]:
    fields = (ImportField("text", _l("Text"), required=True),)
    return [Importer("dummy_plugin.remarks", _l("Remarks"), "dummy_plugin.read", fields, services.check, services.apply)]


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("dummy_plugin.tick", services.tick)]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    return [CustomerPanel("dummy_plugin.remarks", _l("Remarks"), "dummy_plugin.read", services.summary, services.entries)]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    return [DashboardCard("dummy_plugin.count", _l("Remarks"), "dummy_plugin.read", services.figure)]


@hookimpl
def register_search() -> list[SearchProvider]:
    return [SearchProvider("dummy_plugin.remarks", _l("Remarks"), "dummy_plugin.read", services.find)]


@hookimpl
def register_api() -> list[Resource]:
    remark = record({"id": {"type": "integer"}, "text": text(200)}, required=("id", "text"))
    return [
        Resource("dummy_plugin.remark", "GET", "/dummy_plugin/remarks/{id}", _l("A remark"), "dummy_plugin.read", services.told, answer=remark),
        Resource("dummy_plugin.add", "POST", "/dummy_plugin/remarks", _l("Add a remark"), "dummy_plugin.read", services.add_told,
                 body=record({"text": text(200, minLength=1)}, required=("text",)), answer=remark, status=201),
    ]


@hookimpl
def register_demo(session: Session, actor: Actor, now: datetime) -> None:
    services.add(session, "a remark of the demo", now=now)


@hookimpl
def contact_objections(session: Session, customer_id: int, channel: str) -> Sequence[Any]:
    return [_l("A remark forbids calls.")] if channel == "phone" else []


@hookimpl
def uncontactable(channel: str) -> Select[Any] | None:
    return select(Customer.id) if channel == "phone" else None


@hookimpl
def on_contact(session: Session, customer_ids: Select[Any]) -> None:
    services.refuse_by_veto(session)


@hookimpl
def on_customer_merged(session: Session, lost_id: int) -> None:
    services.refuse_by_veto(session, lost_id)


@hookimpl
def on_contribution_recorded(session: Session, contribution_id: int) -> None:
    services.refuse_by_veto(session)


@hookimpl
def on_contribution_removed(session: Session, contribution_id: int) -> None:
    services.refuse_by_veto(session)


@hookimpl
def on_step_closed(session: Session, step_run_id: int) -> None:
    services.refuse_by_veto(session)


@hookimpl
def take_message(session: Session, message: Message, now: datetime) -> Taken | None:
    if message.source != PLUGIN.name:
        return None
    services.add(session, message.text, now=now)
    return Taken("1", "/dummy_plugin/")


@hookimpl
def take_outreach(outreach: Outreach) -> Progress | None:
    return Progress(0, 0, len(outreach.customer_ids), "/dummy_plugin/") if outreach.source == PLUGIN.name else None


@hookimpl
def tell_outreach(source: str, reference: str) -> Progress | None:
    return Progress(1, 0, 0, "/dummy_plugin/") if (source, reference) == (PLUGIN.name, "1") else None


@hookimpl
def tell_figures(name: str, periods: Sequence[tuple[datetime, datetime]]) -> Sequence[Mapping[str, int]] | None:
    return [{"received": 1, "closed": 0} for _period in periods] if name == PLUGIN.name else None
