"""Pages of finance: contributions, pledges, batches, statements, and the movements of the finance system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import wraps
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask import Response, flash, has_request_context, redirect, request, url_for
from flask_admin import expose
from sqlalchemy.orm import Session, joinedload
from werkzeug.datastructures import MultiDict
from wtforms import Form

from core import settings, work
from core.admin.help import Help
from core.admin.lists import ListColumn, ListFilter, by_id, by_value
from core.admin.records import RecordView
from core.admin.views import PageView, current_actor, needs, show_conflict, show_faults, writing
from core.audit import services as audit
from core.auth.actor import Actor
from core.auth.queries import roles_granting
from core.calendar import local_day
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.exporter.responses import attachment, download
from core.exporter.stream import Outcome, read_all
from core.exporter.text import Options, write_csv
from core.finance import batches, forms, queries, services
from core.finance import movements as matching
from core.finance.accounts import layout_of
from core.finance.domain import CONTENTS, METHODS, SOURCES, stored_totals
from core.finance.layouts import LAYOUTS
from core.finance.layouts.generic import COLUMNS
from core.finance.models import Contribution, FinanceBatch, Fund, Pledge
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import ngettext
from core.money import Money, check_currency, parse_amount, plain_amount
from core.organisation.models import Programme
from core.organisation.queries import choices

SHOWN_ROWS = 50
PART = 2_000


def _programmes(session: Session) -> list[tuple[str, Any]]:
    return choices(session, Programme)


def _funds(session: Session) -> list[tuple[str, Any]]:
    return [(str(one.id), one.name) for one in queries.all_funds(session)]


def _money_of(form: Form, currency: str | None = None) -> Money:
    code = check_currency(currency or form["currency"].data or "")
    return Money(parse_amount(form["amount"].data or "", code), code)


def _chosen_id(form: Form, name: str) -> int | None:
    text = str(form[name].data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class MoneyView(RecordView):
    """What the lists of contributions and pledges have in common."""

    permission = "finance.read"
    permission_create = "finance.record"
    menu_group = "oversight"
    searchable = True
    can_view_details = False
    list_template_own = "finance/list.html"

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        model = self.model
        return queries.scope(statement.options(joinedload(model.customer), joinedload(model.programme), joinedload(model.fund)), model, actor)

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        """By reference, else by the customers that the search of the register finds."""
        wanted = text.strip()
        own = statement.where(self.model.reference == wanted)
        if session.scalar(sa.select(self.model.id).where(self.model.reference == wanted)) is not None:
            return own
        read = customers.read_input(session, text, actor)
        found = customers.matching(sa.select(Customer.id), read, customers.dialect_of(session))
        return statement.where(self.model.customer_id.in_(found))

    def describe(self, record: Any) -> str:
        return str(record.reference)

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        forms.fill_choices(form, self.session_now)
        if request.method == "GET" and request.args.get("customer"):
            form["customer_number"].data = request.args["customer"][:40]
        return form

    def readable(self, reference: str) -> Any:
        """The row with this reference, if this person may read it; otherwise NotFound."""
        found = queries.readable(self.session_now, self.model, reference, current_actor())
        if found is None:
            raise NotFound(_l("There is no entry with the reference “%(value)s”, or it is not among the records you may read.", value=reference[:40]),
                           rule="CUST-37")
        return found

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(self.address(self.one(request.args.get("id", ""))))

    @classmethod
    def address(cls, record: Any) -> str:
        raise NotImplementedError


CUSTOMER = ListColumn("customer", _l("Customer number"), "number", value=lambda row: row.customer.number,
                      link=lambda row: url_for("finance.customer", number=row.customer.number))
NAME = ListColumn("name", _l("Name"), "name", value=lambda row: row.customer.name)
PROGRAMME = ListColumn("programme", _l("Programme"), "text", value=lambda row: row.programme.name if row.programme else None)
FUND = ListColumn("fund", _l("Fund"), "text", value=lambda row: row.fund.name if row.fund else None)


def _currency(model: Any) -> ListFilter:
    return ListFilter("currency", _l("Currency"), lambda statement, value: statement.where(model.currency == str(value)[:3].upper()), kind="text")


class ContributionsView(MoneyView):
    model = Contribution
    page_url = "/finance/contributions"
    page_endpoint = "finance_contributions"
    menu_title = _l("Contributions")
    menu_order = 20
    menu_icon = "cash"
    help = Help(
        _l("Every contribution and refund, with customer, programme, fund and way of paying."),
        can=_l("Search and narrow the list, record a contribution, complete what one lacks, record a refund, export the list as CSV."),
        decides=_l("The finance officer records; an amount is never changed afterwards: a mistake is put right by a refund."),
        then=_l("What is recorded waits for the next batch, which carries it to the accounting system once."),
    )
    title = _l("Contributions")
    title_new = _l("New contribution")
    empty_text = _l("No contribution is recorded yet. Record the first one, or import what another system holds.")
    form = forms.ContributionForm
    list_sort = "-received_on"
    list_columns = (
        ListColumn("received_on", _l("Date"), "date", sort=Contribution.received_on), CUSTOMER, NAME, PROGRAMME, FUND,
        ListColumn("reference", _l("Reference"), "code", sort=Contribution.reference, link=lambda row: ContributionsView.address(row)),
        ListColumn("method", _l("Way of paying"), "choice", choices=METHODS),
        ListColumn("amount", _l("Amount"), "money", value=lambda row: row.amount),
    )
    list_filters = (
        ListFilter("from", _l("From"), lambda statement, value: statement.where(Contribution.received_on >= value), kind="date_from"),
        ListFilter("until", _l("Until"), lambda statement, value: statement.where(Contribution.received_on <= value), kind="date_to"),
        ListFilter("programme", _l("Programme"), by_id(Contribution.programme_id), choices=_programmes),
        ListFilter("fund", _l("Fund"), by_id(Contribution.fund_id), choices=_funds),
        ListFilter("method", _l("Way of paying"), by_value(Contribution.method), choices=METHODS),
        _currency(Contribution),
        ListFilter("refunds", _l("Refunds"), lambda statement, value: statement.where(Contribution.amount_minor < 0), kind="yes"),
        ListFilter("imported", _l("Imported"), lambda statement, value: statement.where(Contribution.imported), kind="yes"),
    )

    @classmethod
    def address(cls, record: Any) -> str:
        return url_for("finance_contributions.contribution", reference=record.reference)

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        if request.method == "GET":
            form["received_on"].data = local_day(work.now(), settings.time_zone(self.session_now))
            self._begin_for(form, request.args.get("pledge", ""))
        return form

    def _begin_for(self, form: Form, reference: str) -> None:
        """Fill in what a pledge still awaits: by customer, programme and currency money is found to be a pledge's (FIN-04)."""
        pledge = queries.readable(self.session_now, Pledge, reference[:120], current_actor()) if reference else None
        if pledge is None:
            return
        left = queries.open_of_pledges(self.session_now, [pledge])[pledge.id]
        form["amount"].data, form["currency"].data = plain_amount(left.amount, left.currency) if left.amount else "", pledge.currency
        form["programme_id"].data, form["fund"].data = str(pledge.programme_id or ""), pledge.fund.code if pledge.fund is not None else ""

    def create_record(self, session: Session, form: Form, *, actor: Actor, now: datetime) -> Contribution:
        customer = customers.readable(session, form["customer_number"].data or "", actor, field="customer_number")
        return services.record_contribution(
            session, customer_id=customer.id, amount=_money_of(form), received_on=form["received_on"].data, method=form["method"].data,
            programme_id=_chosen_id(form, "programme_id"), fund=form["fund"].data or None, reference=form["reference"].data or None,
            memo=form["memo"].data or None, operation_key=form["operation_key"].data, actor=actor, now=now)

    @expose("/c/<path:reference>")
    def contribution(self, reference: str) -> Any:
        return self.page_of(self.readable(reference), None)

    def page_of(self, found: Contribution, form: Form | None, complete: Form | None = None) -> str:
        session, actor = self.session_now, current_actor()
        left = queries.left_to_refund(session, found)
        return self.show(
            "finance/contribution.html", row=found, refunds=queries.refunds_of(session, found), left=left, batch=queries.live_batch_of(session, found),
            methods=METHODS, sources=SOURCES, may_record=actor.may("finance.record"), refund_form=form or self._refund_form(found, left),
            complete_form=complete or self._complete_form(found))

    def _refund_form(self, found: Contribution, left: Money) -> Form:
        form = forms.RefundForm()
        if request.method == "GET":
            form.amount.data, form.method.data = str(left.amount), found.method
            form.received_on.data = local_day(work.now(), settings.time_zone(self.session_now))
        return form

    def _complete_form(self, found: Contribution) -> Form:
        form = forms.CompleteForm()
        forms.fill_choices(form, self.session_now, found)
        if request.method == "GET" or "refund" in request.path:
            form.programme_id.data, form.fund.data = str(found.programme_id or ""), found.fund.code if found.fund else ""
            form.method.data, form.memo.data = found.method, found.memo
        return form

    @expose("/refund/<path:reference>", methods=("POST",))
    @needs("finance.record")
    def refund(self, reference: str) -> Any:
        found, form = self.readable(reference), forms.RefundForm()
        if form.validate():
            try:
                with writing() as session:
                    row = session.get_one(Contribution, found.id)
                    made = services.record_refund(session, row, amount=_money_of(form, row.currency), refunded_on=form.received_on.data,
                                                  method=form.method.data, memo=form.memo.data or None, reference=form.reference.data or None,
                                                  operation_key=form.operation_key.data, actor=current_actor(), now=work.now())
                    flash(_("The refund %(reference)s is recorded.", reference=made.reference), "success")
                    address = self.address(made)
                return redirect(address)
            except InvalidInput as error:
                show_faults(form, error)
            except Conflict as error:
                show_conflict(form, error)
        return self.page_of(self.readable(reference), form), 422

    @expose("/complete/<path:reference>", methods=("POST",))
    @needs("finance.record")
    def complete(self, reference: str) -> Any:
        """Set what a batch lacks: programme, fund, way of paying."""
        found = self.readable(reference)
        form = self._complete_form(found)
        if form.validate():
            try:
                with writing() as session:
                    row = session.get_one(Contribution, found.id)
                    services.complete_contribution(session, row, programme_id=_chosen_id(form, "programme_id"), fund=form["fund"].data or None,
                                                   method=form["method"].data, memo=form["memo"].data or None, actor=current_actor())
                flash(_("The change is saved."), "success")
                return redirect(url_for(".contribution", reference=reference))
            except InvalidInput as error:
                show_faults(form, error)
            except Conflict as error:
                show_conflict(form, error)
        return self.page_of(self.readable(reference), None, form), 422

    @expose("/export", methods=("POST",))
    @needs("finance.export", rule="FIN-02")
    def export_list(self) -> Response:
        """The list as it is filtered, streamed between an audit entry at its start and one at its end (AUD-05)."""
        actor, session = current_actor(), self.session_now
        asked = self.engine.read_request(request.form, actor)
        facts = {key: str(value) for key, value in asked.filters.items()}
        with writing() as own:
            audit.record(own, "export", summary="core.contributions", data={"filter": facts, "searched": bool(asked.search)})
        narrowed = self.engine.narrowed(session, queries.scope(sa.select(Contribution), Contribution, actor), asked, actor)
        stream = write_csv(COLUMNS, _contribution_rows(session, narrowed), Options(headings=True))
        return download(stream.finished(_log_end("core.contributions")), str(_("contributions")))


def _contribution_rows(session: Session, narrowed: sa.Select[Any]) -> Iterator[Any]:
    """Rows in the order of the generic layout's columns, amounts in minor units as the database has them."""
    ids = narrowed.with_only_columns(Contribution.id, maintain_column_froms=True).order_by(None).subquery()
    kind = sa.case((Contribution.amount_minor < 0, "refund"), else_="contribution")
    statement = (
        sa.select(Customer.number, kind, Contribution.received_on, Contribution.reference, Programme.name_ar, Fund.code, Contribution.method,
                  Contribution.amount_minor, Contribution.currency, Contribution.memo, sa.null())
        .join(ids, ids.c.id == Contribution.id).join(Customer, Customer.id == Contribution.customer_id)
        .outerjoin(Programme, Programme.id == Contribution.programme_id).outerjoin(Fund, Fund.id == Contribution.fund_id)
        .order_by(Contribution.received_on, Contribution.id).execution_options(yield_per=PART)
    )
    for part in session.execute(statement).partitions():
        yield from part


def _log_end(summary: str) -> Any:
    def log(outcome: Outcome) -> None:
        with writing() as session:
            audit.record(session, "export_end", summary=summary, data={"rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole})

    return log


class PledgesView(MoneyView):
    model = Pledge
    page_url = "/finance/pledges"
    page_endpoint = "finance_pledges"
    menu_title = _l("Pledges")
    menu_order = 21
    menu_icon = "heart-handshake"
    help = Help(
        _l("What was promised, until when, and how much of it has come."),
        can=_l("Record a pledge, see what is late, and cancel one with its reason."),
        decides=_l("The finance officer records and cancels."),
        then=_l("A contribution of the same customer is counted towards the pledge it was recorded for, until nothing is open."),
    )
    title = _l("Pledges")
    title_new = _l("New pledge")
    empty_text = _l("No pledge is recorded yet.")
    form = forms.PledgeForm
    list_sort = "-promised_on"
    list_columns = (
        ListColumn("promised_on", _l("Promised on"), "date", sort=Pledge.promised_on), CUSTOMER, NAME, PROGRAMME, FUND,
        ListColumn("reference", _l("Reference"), "code", sort=Pledge.reference, link=lambda row: PledgesView.address(row)),
        ListColumn("due_on", _l("To be given by"), "date"),
        ListColumn("amount", _l("Amount"), "money", value=lambda row: row.amount),
    )
    list_filters = (
        ListFilter("from", _l("From"), lambda statement, value: statement.where(Pledge.promised_on >= value), kind="date_from"),
        ListFilter("until", _l("Until"), lambda statement, value: statement.where(Pledge.promised_on <= value), kind="date_to"),
        ListFilter("programme", _l("Programme"), by_id(Pledge.programme_id), choices=_programmes),
        _currency(Pledge),
        ListFilter("cancelled", _l("Cancelled"), lambda statement, value: statement.where(Pledge.cancelled_at.is_not(None)), kind="yes"),
    )

    @classmethod
    def address(cls, record: Any) -> str:
        return url_for("finance_pledges.pledge", reference=record.reference)

    def create_record(self, session: Session, form: Form, *, actor: Actor, now: datetime) -> Pledge:
        customer = customers.readable(session, form["customer_number"].data or "", actor, field="customer_number")
        return services.record_pledge(
            session, customer_id=customer.id, amount=_money_of(form), promised_on=form["promised_on"].data, due_on=form["due_on"].data,
            programme_id=_chosen_id(form, "programme_id"), fund=form["fund"].data or None, reference=form["reference"].data or None,
            memo=form["memo"].data or None, operation_key=form["operation_key"].data, actor=actor, now=now)

    @expose("/p/<path:reference>")
    def pledge(self, reference: str) -> Any:
        found, session = self.readable(reference), self.session_now
        given = list(session.scalars(sa.select(Contribution).where(Contribution.pledge_id == found.id).order_by(Contribution.received_on, Contribution.id)))
        return self.show("finance/pledge.html", row=found, given=given, open=queries.open_of_pledges(session, [found])[found.id], sources=SOURCES,
                         may_record=current_actor().may("finance.record"))

    @expose("/cancel/<path:reference>", methods=("POST",))
    @needs("finance.record")
    def cancel(self, reference: str) -> Any:
        found = self.readable(reference)
        with writing() as session:
            services.cancel_pledge(session, session.get_one(Pledge, found.id), reason=request.form.get("reason", ""), actor=current_actor(), now=work.now())
        flash(_("The pledge is cancelled."), "success")
        return redirect(url_for(".pledge", reference=reference))


Handler = TypeVar("Handler", bound=Callable[..., Any])


def whole_association(handler: Handler) -> Handler:
    """A batch holds the money of every department: it is for who may read all customers (CUST-37)."""

    @wraps(handler)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if customers.scope_of(self.actor) != "all":
            raise NotAllowed(_l("Batches hold the money of all departments; your role reads a part of them. Ask the administrator."), rule="CUST-37")
        return handler(self, *args, **kwargs)

    return cast(Handler, guarded)


class FinanceView(PageView):
    """Batches, statements and movements under /finance."""

    page_url = "/finance"
    page_endpoint = "finance"
    permission = "finance.read"
    menu_title = _l("Finance batches")
    menu_group = "oversight"
    menu_order = 30
    menu_icon = "file-export"
    help = Help(
        _l("Batches: the files by which contributions and pledges reach the accounting system, each row once."),
        can=_l("Look at the next batch before it is issued, issue it, download its file, export it again, or void one that was "
               "not taken in. Movements that come back from the finance system are compared here."),
        decides=_l("The finance officer issues. Rows that lack an account, a fund or a programme stay out; the preview says why "
                   "and what helps."),
        then=_l("An issued batch never changes; the same file can be had again, marked as a re-export."),
    )

    def is_visible(self) -> bool:
        return super().is_visible() and (not has_request_context() or customers.scope_of(self.actor) == "all")

    @expose("/")
    @whole_association
    def index(self) -> Any:
        return self.render("finance/batches.html", batches=queries.batches(self.session), contents=CONTENTS, layouts=LAYOUTS, totals=stored_totals,
                           may_export=self.actor.may("finance.export"), waiting=queries.movement_counts(self.session))

    # --- preview and issue ------------------------------------------------------------------------------------------------

    @expose("/preview")
    @whole_association
    def preview(self) -> Any:
        form = forms.BatchForm(self._asked(request.args))
        forms.fill_choices(form, self.session)
        preview = None
        if form.validate():
            try:
                preview = batches.preview_batch(self.session, _choice_of(form), actor=self.actor)
            except InvalidInput as error:
                self.show_faults(form, error)
        start = _start(request.args.get("start", ""))
        shown = list(preview.candidates[start : start + SHOWN_ROWS]) if preview else []
        page = self.render("finance/preview.html", form=form, preview=preview, shown=shown, start=start,
                           names=queries.names_of(self.session, [one.entry.party for one in shown]),
                           may_export=self.actor.may("finance.export"), contents=CONTENTS, methods=METHODS, may_set=self.actor.may("finance.settings"),
                           setters=self._setters())
        return page, 200 if preview else 422

    def _setters(self) -> list[str]:
        """Who sets accounts, for whoever may not."""
        return [] if self.actor.may("finance.settings") else [one.name.localized() for one in roles_granting(self.session, "finance.settings")]

    def _asked(self, given: MultiDict[str, str]) -> MultiDict[str, str]:
        """What the address asks for; this month in the usual layout where it asks nothing."""
        today = local_day(self.now(), settings.time_zone(self.session))
        usual = {"from_on": today.replace(day=1).isoformat(), "until_on": today.isoformat(), "content": "contributions",
                 "layout": settings.get(self.session, "finance.layout")}
        return MultiDict({**usual, **{key: value for key, value in given.items() if value}})

    @expose("/issue", methods=("POST",))
    @needs("finance.export", rule="FIN-02")
    @whole_association
    def issue(self) -> Any:
        form = forms.BatchForm(request.form)
        forms.fill_choices(form, self.session)
        if not form.validate():
            return redirect(url_for(".preview"))
        with self.writing() as session:
            batch = batches.issue_batch(session, _choice_of(form), actor=self.actor, now=self.now(), operation_key=form.operation_key.data,
                                        expected_sha256=request.form.get("sha256"))
            number = batch.number
        flash(_("The batch %(number)s is issued.", number=number), "success")
        return redirect(url_for(".batch", number=number))

    @expose("/left-out", methods=("POST",))
    @needs("finance.export", rule="FIN-02")
    @whole_association
    def left_out(self) -> Any:
        form = forms.BatchForm(request.form)
        forms.fill_choices(form, self.session)
        if not form.validate():
            return redirect(url_for(".preview"))
        preview = batches.preview_batch(self.session, _choice_of(form), actor=self.actor)
        stream = batches.left_out_file(self.session, preview, actor=self.actor)
        content = read_all(stream)
        with self.writing() as session:
            batches.log_left_out(session, preview, stream.outcome)
        return attachment(content, "left-out.csv", stream.media_type)

    # --- one batch --------------------------------------------------------------------------------------------------------

    @expose("/batches/<number>")
    @whole_association
    def batch(self, number: str) -> Any:
        found, session = self._batch(number), self.session
        start = _start(request.args.get("start", ""))
        rows = queries.rows_of(session, found, after=start, limit=SHOWN_ROWS)
        return self.render("finance/batch.html", batch=found, layout=layout_of(found.layout), rows=rows, start=start, totals=stored_totals(found.totals),
                           names=queries.names_of(session, [row.number for row in rows]), re_exports=queries.re_exports_of(session, found),
                           contents=CONTENTS, methods=METHODS, may_export=self.actor.may("finance.export"))

    @expose("/batches/<number>/file", methods=("POST",))
    @needs("finance.export", rule="FIN-02")
    @whole_association
    def file(self, number: str) -> Response:
        """The batch's file for the first time; logged before its first byte."""
        return self._send(number, batches.hand_out)

    @expose("/batches/<number>/re-export", methods=("POST",))
    @needs("finance.export", rule="FIN-09")
    @whole_association
    def re_export(self, number: str) -> Response:
        return self._send(number, batches.re_export)

    def _send(self, number: str, act: Any) -> Response:
        found = self._batch(number)
        with self.writing() as session:
            handed = act(session, session.get_one(FinanceBatch, found.id), actor=self.actor, now=self.now())
        return attachment(handed.artifact.content, handed.name, handed.artifact.media_type)

    @expose("/batches/<number>/void", methods=("POST",))
    @needs("finance.export", rule="FIN-09")
    @whole_association
    def void(self, number: str) -> Any:
        found = self._batch(number)
        with self.writing() as session:
            batches.void_batch(session, session.get_one(FinanceBatch, found.id), reason=request.form.get("reason", ""), actor=self.actor, now=self.now())
        flash(_("The batch %(number)s is void; its rows can be issued anew.", number=number), "success")
        return redirect(url_for(".batch", number=number))

    def _batch(self, number: str) -> FinanceBatch:
        found = queries.batch_by_number(self.session, number)
        if found is None:
            raise NotFound(_l("There is no batch “%(number)s”.", number=number[:40]))
        return found

    # --- statements (FIN-04) ----------------------------------------------------------------------------------------------

    @expose("/customers/<number>")
    def customer(self, number: str) -> Any:
        found, session = customers.by_number(self.session, number), self.session
        if found is None or not customers.may_read(session, found.id, self.actor):
            raise NotFound(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                           rule="CUST-37")
        pledges, given = queries.movements_of_customer(session, found.id)
        return self._statement(queries.customer_balances(session, found.id, self._today()), pledges, given, customer=found)

    @expose("/programmes/<int:programme_id>")
    def programme(self, programme_id: int) -> Any:
        found, session = self.session.get(Programme, programme_id), self.session
        if found is None:
            raise NotFound(_l("There is no such programme."))
        pledges, given = queries.movements_of_programme(session, found.id)
        people = {one.customer_id for one in pledges} | {one.customer_id for one in given}
        readable = {customer_id for customer_id in people if customers.may_read(session, customer_id, self.actor)}
        balances = queries.programme_balances(session, found.id, self._today(), self.actor)
        return self._statement(balances, [one for one in pledges if one.customer_id in readable],
                               [one for one in given if one.customer_id in readable], programme=found)

    def _statement(self, balances: Any, pledges: list[Pledge], given: list[Contribution], **about: Any) -> str:
        return self.render("finance/statement.html", balances=balances, pledges=pledges, given=given, open=queries.open_of_pledges(self.session, pledges),
                           today=self._today(), methods=METHODS, may_record=self.actor.may("finance.record"), **{"customer": None, "programme": None, **about})

    def _today(self) -> date:
        return local_day(self.now(), settings.time_zone(self.session))

    # --- movements (FIN-03) -----------------------------------------------------------------------------------------------

    @expose("/movements")
    @whole_association
    def movements(self) -> Any:
        rows = queries.movements(self.session, ("unmatched", "differs"))
        return self.render("finance/movements.html", rows=rows, counts=queries.movement_counts(self.session), may_record=self.actor.may("finance.record"))

    @expose("/movements/match", methods=("POST",))
    @needs("finance.record", rule="FIN-03")
    @whole_association
    def match(self) -> Any:
        with self.writing() as session:
            count = matching.match_again(session, actor=self.actor)
        flash(ngettext("%(num)s movement matches now.", "%(num)s movements match now.", count), "success")
        return redirect(url_for(".movements"))


def _choice_of(form: forms.BatchForm) -> batches.Choice:
    return batches.Choice(form.from_on.data, form.until_on.data, layout=form.layout.data, content=form.content.data,
                          currency=check_currency(form.currency.data) if form.currency.data else None, fund=form.fund.data or None)


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
