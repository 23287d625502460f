"""Pages of the register: the list, a customer, and the confirmation that its data is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any

import sqlalchemy as sa
from flask import Response, flash, jsonify, redirect, request, url_for
from flask_admin import expose
from sqlalchemy.orm import Session, joinedload

from core import settings, work
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListEngine, ListFilter, Request, by_id, by_value, chosen_rows, from_day
from core.admin.records import RecordView
from core.admin.views import current_actor, needs, show_faults, writing
from core.auth.actor import Actor
from core.calendar import add_months, local_day
from core.customers import domain, exports, officers, page, queries, services, shown
from core.customers.forms import InfluenceForm, entry_form, typed_values
from core.customers.models import Customer, CustomerInfluence, CustomerState
from core.customers.queries import PERSONAL
from core.customers.values import classes, values_of
from core.database import db
from core.errors import Conflict, InvalidInput, NotFound
from core.exporter.names import content_disposition, file_name
from core.exporter.responses import download
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import ngettext
from core.keys import has_key
from core.organisation import queries as organisation
from core.organisation.models import Centre, City, Department
from core.phones import mask_phone
from core.procedures.queries import open_steps_of_customer
from core.text import isolate, spellings

MOST_CHOSEN = 500
MOST_MONTHS = 1200
"""A century: nobody was registered before it."""


def _place(customer: Customer) -> str:
    return " · ".join(str(one.name) for one in (customer.city, customer.centre) if one is not None)


_address = RowLink("customers.customer")


def _unconfirmed(statement: sa.Select[Any], value: Any) -> sa.Select[Any]:
    session = work.real(db.session)
    zone = settings.time_zone(session)
    day = add_months(local_day(work.now(), zone), -min(settings.get(session, "core.confirm_months"), MOST_MONTHS))
    joined = statement.outerjoin(CustomerState, CustomerState.customer_id == Customer.id)
    return joined.where(queries.unconfirmed_since(datetime.combine(day, time(), zone)))


def _related(statement: sa.Select[Any], relation: str) -> sa.Select[Any]:
    words = domain.relations()[relation]
    return statement.where(Customer.customer_class == "other", Customer.other_detail.in_((words.ar, words.en)))


class RegisterList(ListEngine):
    """The list engine, sorting hits of a search by the full-text index where they are sorted by number."""

    def _identities(self, statement: sa.Select[Any]) -> sa.Select[int]:
        ids = queries.alone(statement)
        return super()._identities(statement) if ids is None else ids

    def _slice(self, statement: sa.Select[Any], sort: Any, asked: Request) -> sa.Select[Any]:
        row = queries.walked(statement)
        if row is None or sort is not self.identity:
            return super()._slice(statement, sort, asked)
        descending = asked.descending != asked.backwards
        if asked.cursor is not None:
            statement = statement.where(row < asked.cursor[1] if descending else row > asked.cursor[1])
        return statement.order_by(row.desc() if descending else row.asc())


class CustomersView(RecordView):
    """The register. There is no direct save: what changes a customer is a form (CUST-11)."""

    model = Customer
    page_url = "/customers"
    page_endpoint = "customers"
    permission = "customers.read"
    menu_title = _l("Customers")
    menu_group = "customers"
    menu_order = 10
    menu_icon = "users"
    help = Help(
        _l("The register: everyone the association knows, each once, under one number."),
        can=_l("Search by number, phone or name in any spelling; open a customer; fill a form for a new customer or for a "
               "change; confirm that the data still holds."),
        decides=_l("Nobody writes here directly: a change is a form, which the CRM manager approves and the data officer enters."),
        then=_l("After entry the customer shows the new data, and the form stays on file with who did what."),
    )
    title = _l("Customers")
    searchable = True
    can_view_details = False
    list_template_own = "customers/list.html"
    list_sort = "-number"
    list_columns = (
        ListColumn("number", _l("Customer number"), "number", sort=Customer.id, link=_address),
        ListColumn("name", _l("Name"), "name", link=_address),
        ListColumn("customer_class", _l("Type"), "text", value=lambda row: domain.classes()[row.customer_class], searched=False),
        ListColumn("place", _l("City and centre"), "text", value=_place, searched=False),
        ListColumn("mobile", _l("Mobile"), "phone", permission=PERSONAL, masked=lambda row: mask_phone(row.mobile) if row.mobile else None),
        ListColumn("changed_at", _l("Last change"), "moment", sort=Customer.changed_at),
    )
    list_filters = (
        ListFilter("class", _l("Type"), by_value(Customer.customer_class), choices=lambda session: list(classes(session).items())),
        ListFilter("city", _l("City"), by_id(Customer.city_id), choices=lambda session: organisation.choices(session, City)),
        ListFilter("centre", _l("Centre"), by_id(Customer.centre_id), choices=lambda session: organisation.choices(session, Centre)),
        ListFilter("department", _l("Department"), by_id(Customer.department_id), choices=lambda session: organisation.choices(session, Department)),
        ListFilter("since", _l("Created since"), from_day(Customer.created_at), kind="date_from"),
        ListFilter("unconfirmed", _l("Not confirmed for long"), _unconfirmed, kind="yes"),
        ListFilter("relation", _l("Relation"), _related, choices=domain.relations(), permission=PERSONAL),
        ListFilter("imported", _l("Imported"), lambda statement, value: statement.where(Customer.imported), kind="yes"),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.engine = RegisterList(identity=Customer.id, columns=self.list_columns, filters=self.list_filters, default_sort=self.list_sort,
                                   find=self.find, spellings=self.spellings)

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        return queries.scope(statement.options(joinedload(Customer.city), joinedload(Customer.centre)), actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return queries.matching(statement, queries.read_input(session, text, actor), queries.dialect_of(session))

    def spellings(self, text: str) -> Sequence[str]:
        return spellings(text)

    def describe(self, record: Customer) -> str:
        return record.name

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(_address(self.one(request.args.get("id", ""))))

    # --- one customer ---------------------------------------------------------------------------------------------------

    @expose("/<number>")
    def customer(self, number: str) -> Any:
        found = self._readable(number)
        if found.number != "".join(one for one in number if one.isdigit()):
            flash(_("The number %(old)s now belongs to this customer.", old=number), "info")
            return redirect(_address(found))
        actor, session = current_actor(), self.session_now
        runs, influences = open_steps_of_customer(session, found.id), queries.influences_of(session, found.id)
        return self.show(
            "customers/customer.html", customer=found, contacts=shown.contacts(found, actor), aliases=queries.aliases_of(session, found.id),
            state=session.get(CustomerState, found.id), influences=influences,
            known_influencers=queries.readable_ids(session, [one.influencer_id for one in influences if one.influencer_id is not None], actor),
            influence_form=InfluenceForm(), may_enter=officers.may_enter(session, actor, now=work.now()), panels=page.panels(session, found, actor),
            timeline=page.timeline(session, found, actor, request.args.get("kind"), request.args.get("before")),
            optional=page.optional_values(session, found, actor), personal=actor.may(PERSONAL), now=work.now(),
            acts=page.acts(session, found, actor),
            open_form=queries.open_form_of(session, found.id), remarks=shown.personal_value(found, "remarks", actor), classes=domain.classes(),
            may_fill=actor.may("customers.fill"), open_steps=runs, step_holders=shown.holders(session, runs), labels=domain.field_labels(),
            channels=domain.channels(), origins=domain.origins(), merges=queries.merges_of(session, found.id),
            former=shown.former(session, found, actor), erased=not has_key(session, found.subject_id), may_hand_out=actor.may("customers.subject_file"),
        )

    @expose("/<number>/modify", methods=("GET", "POST"))
    @needs("customers.fill")
    def modify(self, number: str) -> Any:
        found, actor = self._readable(number), current_actor()
        form = entry_form(self.session_now, personal=actor.may(PERSONAL), modify=True, data=values_of(found))
        status = InvalidInput.status
        if request.method == "POST" and form.validate():
            try:
                with writing() as session:
                    made = services.fill_form(session, typed_values(form), customer=session.get_one(Customer, found.id), actor=actor, now=work.now(),
                                              draft="draft" in request.form, operation_key=form.operation_key.data)
                    given, form_id = made.number, made.id
                flash(_("The form %(number)s is sent for review.", number=isolate(given)) if given else _("The draft is kept."), "success")
                return redirect(url_for("customer_forms.show_form", form_id=form_id))
            except (InvalidInput, Conflict) as error:
                show_faults(form, error)
                status = error.status
        shown_page = self.show("customers/fill.html", form=form, customer=self._readable(number), draft=None, duplicates=[],
                               steps=page.what_follows(self.session_now, work.now()), relations=domain.relations())
        return shown_page, status if request.method == "POST" else 200

    @expose("/<number>/confirm", methods=("POST",))
    @needs("customers.fill")
    def confirm(self, number: str) -> Any:
        found = self._readable(number)
        with writing() as session:
            services.confirm(session, session.get_one(Customer, found.id), actor=current_actor(), now=work.now())
        flash(_("It is recorded that the data is right today."), "success")
        return redirect(url_for(".customer", number=number))

    @expose("/<number>/influences", methods=("POST",))
    @needs("customers.enter", rule="CUST-10")
    def add_influence(self, number: str) -> Any:
        found, form = self._readable(number), InfluenceForm()
        other = queries.by_number(self.session_now, form.influencer_number.data or "") if form.influencer_number.data else None
        if form.influencer_number.data and (other is None or not queries.may_read(self.session_now, other.id, current_actor())):
            raise InvalidInput(_l("There is no customer with the number “%(value)s”.", value=form.influencer_number.data), field="influencer_number")
        with writing() as session:
            services.add_influence(session, session.get_one(Customer, found.id), kind=form.kind.data or "", name=form.influencer_name.data or "",
                                   influencer=session.get_one(Customer, other.id) if other else None, actor=current_actor(), now=work.now())
        return redirect(url_for(".customer", number=number))

    @expose("/<number>/influences/<int:influence_id>/remove", methods=("POST",))
    @needs("customers.enter", rule="CUST-10")
    def remove_influence(self, number: str, influence_id: int) -> Any:
        found = self._readable(number)
        with writing() as session:
            row = session.get(CustomerInfluence, influence_id)
            if row is None or row.customer_id != found.id:
                raise NotFound(_l("There is no such entry."))
            services.remove_influence(session, row, actor=current_actor(), now=work.now())
        return redirect(url_for(".customer", number=number))

    def _readable(self, number: str) -> Customer:
        """The customer, if this person may read it; otherwise NotFound, whether it exists or not (CUST-37)."""
        found = queries.by_number(self.session_now, number)
        if found is None or not queries.may_read(self.session_now, found.id, current_actor()):
            raise NotFound(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                           rule="CUST-37")
        return found

    # --- many customers -------------------------------------------------------------------------------------------------

    @expose("/export", methods=("POST",))
    @needs("customers.export", rule="CUST-34")
    def export_list(self) -> Response:
        """The list as it is filtered, or the ticked rows, as a file; for an ``outside`` party who consented to that alone (PERM-11)."""
        actor, session = current_actor(), self.session_now
        asked = self.engine.read_request(request.form, actor)
        chosen = [] if request.form.get("matching") else request.form.getlist("id")
        if chosen:
            rows = chosen_rows(session, self.engine, self.scoped(actor), chosen)
            scoped = self.scoped(actor).where(Customer.id.in_([row.id for row in rows]))
        else:
            scoped = self.engine.narrowed(session, self.scoped(actor), asked, actor)
        facts = {**asked.filters, **({"chosen": len(chosen)} if chosen else {})}
        outside = bool(request.form.get("outside"))
        if outside:
            facts["outside"] = True
        return self._send(scoped, {key: str(value) for key, value in facts.items()}, asked.search, outside)

    def _send(self, scoped: sa.Select[Any], filters: dict[str, str], search: str, outside: bool) -> Response:
        actor, session = current_actor(), self.session_now
        if queries.bounded_count(session, scoped, exports.AT_ONCE) > exports.AT_ONCE:
            with writing() as own:
                exports.note_export(own, filters, search, actor, None)
            stream = exports.customer_file(session, scoped, actor, outside=outside)
            return download(stream.finished(_log_outside_end(scoped, actor) if outside else _log_end), str(_("customers")))
        stream = exports.customer_file(session, scoped, actor, outside=outside)
        content = b"".join(stream)
        with writing() as own:
            exports.note_export(own, filters, search, actor, stream.outcome)
            if outside:
                exports.note_outside(own, scoped, actor, work.now())
        return _as_file(content, str(_("customers")))

    @expose("/confirm", methods=("POST",))
    @needs("customers.fill")
    def confirm_chosen(self) -> Any:
        """Record for all ticked customers that their data is right."""
        actor = current_actor()
        with writing() as session:
            rows = chosen_rows(session, self.engine, self.scoped(actor), request.form.getlist("id")[:MOST_CHOSEN])
            for row in rows:
                services.confirm(session, row, actor=actor, now=work.now())
        flash(ngettext("%(num)s customer is confirmed.", "%(num)s customers are confirmed.", len(rows)), "success")
        return redirect(url_for(".index_view"))

    @expose("/find")
    def find_some(self) -> Any:
        """Customers for a choice while typing: number and name only."""
        found = queries.search(self.session_now, request.args.get("q", "")[:200], current_actor(), limit=10)
        return jsonify([{"number": one.number, "name": one.name} for one in found.customers])


def _as_file(content: bytes, stem: str) -> Response:
    response = Response(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition(file_name(stem, "csv"))
    return response


def _log_end(outcome: Any) -> None:
    with writing() as session:
        exports.note_end(session, outcome)


def _log_outside_end(scoped: sa.Select[Any], actor: Actor) -> Callable[[Any], None]:
    """The same for a file that goes to an outside party: plugins are told whom it held."""
    def log_end(outcome: Any) -> None:
        with writing() as session:
            exports.note_end(session, outcome)
            exports.note_outside(session, scoped, actor, work.now())

    return log_end
