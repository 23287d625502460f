"""The portfolio of programmes as pages: what was received, its programmes, and who may fund each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session

from core import settings
from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.auth import queries as staff
from core.customers.shown import HIDDEN
from core.errors import Conflict, InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from plugins.leads import portfolio, queries
from plugins.leads.forms import ItemForm, PortfolioForm, interest_choices, money, programme_choices
from plugins.leads.models import Portfolio, PotentialDonor
from plugins.leads.queries import PERSONAL

SHOWN = 40


class PortfolioView(PageView):
    page_url = "/leads/portfolio"
    page_endpoint = "leads_portfolio"
    permission = queries.READ
    menu_title = _l("Portfolio of programmes")
    menu_group = "marketing"
    menu_order = 23
    menu_icon = "briefcase"
    help = Help(
        _l("The programmes and activities that strategic planning plans, as they are received every 6 or 12 months, and who may fund each."),
        can=_l("Record a portfolio and its programmes, see which donors are proposed by their interests, and list the potential donors of each programme."),
        decides=_l("The CRM manager receives and reviews the portfolio and closes the list of potential donors."),
        then=_l("The next portfolio is expected when this one is 6 or 12 months old, as the settings say; then a reminder stands in the inbox."),
    )

    @expose("/")
    def index(self) -> Any:
        found = self.session.scalars(sa.select(Portfolio).order_by(Portfolio.id.desc()).limit(SHOWN)).all()
        return self.render("leads/portfolios.html", portfolios=found, next_on=queries.next_portfolio_on(self.session), may=self.actor.may(portfolio.KEEP))

    @expose("/new", methods=("GET", "POST"))
    @needs(portfolio.KEEP, rule="LEAD-02")
    def receive(self) -> Any:
        """Record the receipt of a portfolio; the one that is expected is this one."""
        form = PortfolioForm()
        if request.method == "POST" and form.validate():
            try:
                with self.writing() as session:
                    made = portfolio.receive(session, received_on=form.received_on.data, received_from=form.received_from.data or "",
                                             review=form.review.data or "", operation_key=form.operation_key.data or None, actor=self.actor, now=self.now())
                    made_id = made.id
                flash(_("The portfolio is received. Add its programmes."), "success")
                return redirect(url_for(".one", portfolio_id=made_id))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.render("leads/receive.html", form=form, awaited=queries.portfolio_awaited(self.session)), 422 if request.method == "POST" else 200

    @expose("/<int:portfolio_id>")
    def one(self, portfolio_id: int) -> Any:
        found = portfolio.portfolio_for(self.session, portfolio_id)
        if found.received_on is None and self.actor.may(portfolio.KEEP):
            return redirect(url_for(".receive"))
        return self.show(found)

    def show(self, found: Portfolio, form: ItemForm | None = None, status: int = 200) -> Any:
        session, personal = self.session, self.actor.may(PERSONAL)
        items = queries.items_of(session, found)
        listed = queries.potential_of(session, [one.id for one in items])
        proposed = {one.id: [who for who in queries.donors_wanting(session, one.interest_id, self.actor)
                             if who.id not in {each.customer_id for each in listed.get(one.id, [])}] for one in items} if personal else {}
        new = form or ItemForm(formdata=None, currency=settings.currency(session))
        new.programme_id.choices, new.interest_id.choices = programme_choices(session), interest_choices(session)
        return self.render("leads/portfolio.html", portfolio=found, items=items, listed=listed, proposed=proposed, form=new, personal=personal,
                           hidden=HIDDEN, may=self.actor.may(portfolio.KEEP),
                           weighted=queries.weighted_by_programme(session, [one.programme_id for one in items]),
                           people=staff.names_of(session, [found.recorded_by_id, found.listed_by_id]), next_on=queries.next_portfolio_on(session)), status

    @expose("/<int:portfolio_id>/programmes", methods=("POST",))
    @needs(portfolio.KEEP, rule="LEAD-01")
    def add(self, portfolio_id: int) -> Any:
        form = ItemForm()
        found = portfolio.portfolio_for(self.session, portfolio_id)
        if form.validate():
            try:
                self.do(portfolio_id, lambda session, own: portfolio.add_item(
                    session, own, programme_id=form.programme_id.data, interest_id=form.interest_id.data, needed=money(form.amount.data, form.currency.data),
                    starts_on=form.starts_on.data, ends_on=form.ends_on.data, description=form.description.data or "", actor=self.actor, now=self.now()))
                flash(_("The programme is in the portfolio."), "success")
                return redirect(url_for(".one", portfolio_id=portfolio_id))
            except (InvalidInput, Conflict) as error:
                self.show_faults(form, error)
        return self.show(found, form, 422)

    @expose("/<int:portfolio_id>/<int:item_id>/donors", methods=("POST",))
    @needs(portfolio.KEEP, rule="LEAD-16")
    def list_donor(self, portfolio_id: int, item_id: int) -> Any:
        self.do(portfolio_id, lambda session, own: portfolio.list_donor(
            session, portfolio.item_for(session, own, item_id), request.form.get("customer_number", "")[:80], actor=self.actor, now=self.now()))
        flash(_("The donor is listed."), "success")
        return redirect(url_for(".one", portfolio_id=portfolio_id, _anchor=f"item-{item_id}"))

    @expose("/<int:portfolio_id>/<int:item_id>/donors/<int:donor_id>/remove", methods=("POST",))
    @needs(portfolio.KEEP, rule="LEAD-16")
    def drop_donor(self, portfolio_id: int, item_id: int, donor_id: int) -> Any:
        def drop(session: Session, own: Portfolio) -> None:
            one = session.get(PotentialDonor, donor_id)
            if one is None or one.item_id != portfolio.item_for(session, own, item_id).id:
                raise NotFound(_l("There is no such donor on this list."))
            portfolio.drop_donor(session, one, actor=self.actor, now=self.now())

        self.do(portfolio_id, drop)
        flash(_("The donor is off the list."), "success")
        return redirect(url_for(".one", portfolio_id=portfolio_id, _anchor=f"item-{item_id}"))

    @expose("/<int:portfolio_id>/close", methods=("POST",))
    @needs(portfolio.KEEP, rule="LEAD-16")
    def close(self, portfolio_id: int) -> Any:
        self.do(portfolio_id, lambda session, own: portfolio.close_list(session, own, actor=self.actor, now=self.now()))
        flash(_("The list of potential donors is closed."), "success")
        return redirect(url_for(".one", portfolio_id=portfolio_id))

    def do(self, portfolio_id: int, act: Callable[[Session, Portfolio], Any]) -> None:
        with self.writing() as session:
            act(session, portfolio.portfolio_for(session, portfolio_id))
