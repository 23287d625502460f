"""What donors want to fund as pages: their interests, the kinds they choose from, and those that no programme is of."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session
from wtforms import Form

from core import work
from core.admin.help import Help
from core.admin.kinds import KindsView
from core.admin.lists import ListColumn, ListFilter, by_id
from core.admin.records import RecordView
from core.admin.views import PageView, current_actor, expose, needs, writing
from core.auth.actor import Actor
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import InvalidInput
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from plugins.leads import interests, queries
from plugins.leads.forms import DiscussionForm, InterestForm, interest_choices
from plugins.leads.models import DonorInterest, Interest


class DonorInterestView(RecordView):
    """Which donor wants to fund which kind of programmes, and the list that is discussed with strategic planning."""

    model, page_url, page_endpoint = DonorInterest, "/leads/interests", "leads_interests"
    title = menu_title = _l("Interests of donors")
    title_new = _l("Record an interest")
    menu_group = "marketing"
    menu_order = 24
    menu_icon = "heart"
    help = Help(
        _l("The kinds of programmes and activities that donors want to fund."),
        can=_l("Record what a donor wants to fund, by a kind of the list or in his own words; see the kinds that no programme is of."),
        decides=_l("Strategic planning says whether a programme of such a kind is feasible; the CRM manager records its answer."),
        then=_l("A donor is proposed for every programme of his kind. An answer takes the kind off the list of discussions and stays on the donor's page."),
    )
    permission, permission_create = queries.PERSONAL, interests.RECORD
    list_columns = (
        ListColumn("customer", _l("Donor"), "name", value=lambda row: row.customer.name),
        ListColumn("number", _l("Customer number"), "number", value=lambda row: row.customer.number),
        ListColumn("interest", _l("Wants to fund"), value=lambda row: row.interest.name),
        ListColumn("note", _l("Remark"), value=lambda row: row.note or None),
        ListColumn("recorded_at", _l("Recorded"), "moment", sort=DonorInterest.recorded_at),
        ListColumn("ended_at", _l("Until"), "moment"),
    )
    list_filters = (
        ListFilter("kind", _l("Kind of programmes"), by_id(DonorInterest.interest_id),
                   choices=lambda session: [(str(one.id), one.name) for one in queries.interests(session, active=False)]),
        ListFilter("ended", _l("Ended"), lambda statement, value: statement.where(DonorInterest.ended_at.is_not(None)), kind="yes"),
    )
    list_sort = "-recorded_at"
    list_template_own = "leads/interests.html"
    empty_text = _l("No interest of a donor is recorded.")
    searchable = True
    form_create = InterestForm
    form_begins = {"customer_number": "customer"}
    create_with = interests.record

    def scope(self, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
        """Interests of the donors whom this person may read."""
        return statement.where(DonorInterest.customer_id.in_(customers.scope(sa.select(Customer.id), actor)))

    def find(self, session: Session, statement: sa.Select[Any], text: str, actor: Actor) -> sa.Select[Any]:
        return statement.where(customers.whose(session, DonorInterest.customer_id, text, actor))

    def describe(self, record: Any) -> str:
        return f"{record.customer.name} · {record.interest.name}"

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        form.interest_id.choices = interest_choices(self.session_now)
        return form

    @expose("/end", methods=("POST",))
    def end(self) -> Any:
        """The donor does not want it any more."""
        self.refuse_unless(interests.RECORD)
        with writing() as session:
            interests.end(session, self.one(request.form.get("id", "")), actor=current_actor(), now=work.now())
        flash(_("The interest is ended."), "success")
        return redirect(url_for(".details_view", id=request.form.get("id", "")))


class DiscussionView(PageView):
    """Kinds that donors want to fund and no programme is of, with what strategic planning says to them."""

    page_url, page_endpoint = "/leads/discussion", "leads_discussion"
    permission = queries.READ
    menu_title = _l("Interests without a programme")
    menu_group, menu_order = "marketing", 25
    menu_icon = "messages"
    menu_beside = "leads_interests"
    help = Help(
        _l("The kinds of programmes that donors want to fund and that no programme of the portfolio is of."),
        can=_l("See how many donors want each, and record what strategic planning said: feasible or not, on which day."),
        decides=_l("Strategic planning says whether a programme of such a kind is feasible."),
        then=_l("An answer takes the kind off this list and stays on the pages of its donors."),
    )

    @expose("/")
    def index(self) -> Any:
        return self.show()

    def show(self, sent: dict[int, DiscussionForm] | None = None, status: int = 200) -> Any:
        session = self.session
        wanted = queries.without_programme(session)
        kinds = {one.id: one.name for one in queries.interests(session, active=False)}
        answers = queries.discussions_of(session, kinds).values()
        forms = {one.id: DiscussionForm(formdata=None, prefix=f"d{one.id}-") for one, _count in wanted}
        return self.render("leads/discussion.html", wanted=wanted, forms={**forms, **(sent or {})}, refused=set(sent or ()), kinds=kinds,
                           discussed=sorted(answers, key=lambda one: (one.discussed_on, one.id), reverse=True),
                           may=self.actor.may(interests.DISCUSS), personal=self.actor.may(queries.PERSONAL)), status

    @expose("/<int:interest_id>", methods=("POST",))
    @needs(interests.DISCUSS, rule="LEAD-04")
    def discuss(self, interest_id: int) -> Any:
        form = DiscussionForm(prefix=f"d{interest_id}-")
        if form.validate():
            try:
                with self.writing() as session:
                    interests.discuss(session, interests.kind_for(session, interest_id), feasible={"yes": True, "no": False}.get(str(form.feasible.data)),
                                      discussed_on=form.discussed_on.data, remark=form.remark.data or "", operation_key=form.operation_key.data or None,
                                      actor=self.actor, now=self.now())
                flash(_("The answer of strategic planning is recorded."), "success")
                return redirect(url_for(".index"))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.show({interest_id: form}, 422)


class KindView(KindsView):
    """The kinds of programmes that donors choose from."""

    model, page_url, page_endpoint = Interest, "/leads/kinds", "leads_kinds"
    title = menu_title = _l("Kinds of programmes")
    title_new = _l("New kind")
    menu_group, menu_order = "marketing", 23
    menu_beside = "leads_portfolio"
    help = Help(
        _l("The kinds of programmes and activities by which interests of donors and programmes of the portfolio are matched."),
        can=_l("Add a kind, rename it, or take it out of use."),
        decides=_l("Whoever has the permission to keep the kinds."),
        then=_l("A kind out of use is offered no more; donors and programmes that name it keep it."),
    )
    permission = permission_create = permission_change = interests.MANAGE
    create_with = change_with = interests.save
