"""Leads of former registers, as a page."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_id, by_value
from core.admin.records import RecordView
from core.auth.actor import Actor
from core.customers import queries as customers
from core.customers.models import Customer
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.organisation.models import Programme
from plugins.leads import domain, queries
from plugins.leads.models import Former
from plugins.leads.queries import PERSONAL


class FormerView(RecordView):
    """Leads of a register kept elsewhere: read only, as they came."""

    model, page_url, page_endpoint = Former, "/leads/former", "leads_former"
    title = menu_title = _l("Leads of former registers")
    menu_group, menu_order = "marketing", 22
    menu_icon = "history"
    menu_beside = "leads_lead"
    help = Help(
        _l("Leads that were kept in another register, as it left them. They are history: no step, gate or reminder touches them."),
        can=_l("Find them by donor, state or file. What ended counts in the success rate of its period."),
        decides=_l("Nobody changes them; whoever imported the file can take it back."),
        then=_l("What is still worth following up is studied and documented as a new lead."),
    )
    permission = PERSONAL
    list_columns = (
        ListColumn("reference", _l("Number"), "code", sort=Former.reference),
        ListColumn("customer", _l("Donor"), "name", value=lambda row: row.customer.name),
        ListColumn("state", _l("State"), "state", choices=domain.states()),
        ListColumn("words", _l("In the register"), value=lambda row: row.words),
        ListColumn("about", _l("For"), value=lambda row: row.programme.name if row.programme else row.about or None),
        ListColumn("amount", _l("Amount"), "money", value=lambda row: row.amount),
        ListColumn("began_on", _l("Begun"), "date"),
        ListColumn("ended_on", _l("Ended on"), "date"),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(Former.state), choices=domain.states()),
        ListFilter("programme", _l("Programme"), by_id(Former.programme_id), choices=lambda session: organisation.choices(session, Programme)),
        ListFilter("import", _l("File"), by_id(Former.import_id), choices=lambda session: [(str(key), name) for key, name in queries.former_files(session)]),
    )
    list_sort = "reference"
    searchable = True
    empty_text = _l("No register of former leads was imported.")

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return statement.where(Former.customer_id.in_(customers.scope(sa.select(Customer.id), actor)))

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return statement.where(sa.or_(customers.whose(session, Former.customer_id, text, actor), Former.reference == text.strip()))

    def describe(self, record: Any) -> str:
        return str(record.reference)
