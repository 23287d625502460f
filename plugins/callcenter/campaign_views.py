"""Pages of call campaigns: the list, how far each is, and the customer who is called next (CALL-07, 11, 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session, selectinload
from wtforms import Form

from core import work
from core.admin.addresses import inside
from core.admin.forms import DiwanForm, Title, choices, form_of
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import attempt, current_actor, expose, needs, refuse_without, writing
from core.audit import services as audit
from core.auth import queries as staff
from core.auth.actor import Actor
from core.consent import domain as purposes
from core.consent import services as consent
from core.customers.models import Customer
from core.customers.queries import PERSONAL as CONTACTS
from core.customers.queries import scope as readable
from core.errors import AppError
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import timing
from plugins.callcenter import campaigns, domain, page, queries, rules, services, tasks
from plugins.callcenter.forms import CAMPAIGN_FORMS, TASK_FORMS, CampaignForm
from plugins.callcenter.models import Campaign, Task
from plugins.callcenter.queries import PERSONAL

SHOWN = 100


class CampaignView(RecordView):
    """Call campaigns: the list, the form for a new one, each campaign, and the customer who is called."""

    model = Campaign
    page_url, page_endpoint = "/callcenter/campaigns", "callcenter_campaigns"
    permission, permission_create = queries.READ, campaigns.MANAGE
    menu_title = title = _l("Call campaigns")
    title_new = _l("New campaign")
    menu_group = "customers"
    menu_order = 42
    menu_icon = "list-check"
    help = Help(
        _l("Customers who are called for one thing: a notice, donors who have not given for long, loyal ones, birthdays, missed appointments."),
        can=_l("Begin a campaign by a rule or by customer numbers, call one customer after the other, and see who was reached, who was not, who is left."),
        decides=_l("Whoever has the permission begins and closes campaigns. Who may not be called, or not now, is not offered."),
        then=_l("Each call is written down as an outgoing one. When nobody is left the campaign has ended; whoever was not reached can be called again."),
    )
    can_view_details = False
    empty_text = _l("No campaign was begun yet.")
    list_sort = "-made_at"
    list_columns = (
        ListColumn("title", _l("Campaign"), link=RowLink("callcenter_campaigns.campaign", "id")),
        ListColumn("kind", _l("Kind"), "choice", choices=domain.KINDS),
        ListColumn("state", _l("State"), "state", value=lambda row: None if row.kind == domain.RESULTS else row.state, choices=domain.CAMPAIGN_STATES),
        ListColumn("reached", _l("Reached"), "integer", value=lambda row: row.counts.get(domain.REACHED)),
        ListColumn("unreached", _l("Not reached"), "integer", value=lambda row: row.counts.get(domain.UNREACHED)),
        ListColumn("left", _l("Left"), "integer", value=lambda row: row.counts.get(domain.OPEN)),
        ListColumn("due_at", _l("All are called until"), "moment"),
        ListColumn("made_at", _l("Begun"), "moment", sort=Campaign.made_at),
    )
    list_filters = (
        ListFilter("state", _l("State"), by_value(Campaign.state), choices=domain.CAMPAIGN_STATES),
        ListFilter("kind", _l("Kind"), by_value(Campaign.kind), choices=domain.KINDS),
    )
    form_create = CampaignForm

    def describe_rows(self, session: Session, rows: Sequence[Any], actor: Actor) -> None:
        counts = tasks.counts(session, [one.id for one in rows])
        for one in rows:
            one.counts = counts[one.id] if one.kind != domain.RESULTS else {}  # nobody of ours was called there

    def describe(self, record: Any) -> str:
        return str((record[0] if isinstance(record, list) else record).title)

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        session = self.session_now
        form.rule.choices = choices(((one.code, _("%(rule)s (%(label)s: %(n)s)", rule=one.title, label=one.label, n=rules.default_number(session, one)))
                                     for one in rules.offered(session)), _l("Customers by their numbers"))
        return form

    def create_record(self, session: Session, form: Any, *, actor: Actor, now: Any) -> Any:
        values = {key: form[key].data for key in ("rule", "number", "standing", "numbers", "title", "script", "due_at")}
        return campaigns.begin(session, values, actor=actor, now=now, operation_key=form.operation_key.data or None)

    # --- one campaign ---------------------------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".campaign", id=self.one(request.args.get("id", "")).id))

    @expose("/<int:id>")
    def campaign(self, id: int) -> Any:
        return self._campaign(campaigns.campaign_for(self.session_now, id))

    def _campaign(self, campaign: Campaign, sent: Mapping[str, DiwanForm] | None = None, status: int = 200) -> Any:
        session, actor, now = self.session_now, current_actor(), work.now()
        chosen = request.args.get("state", "")
        found = self._tasks(campaign, chosen, actor) if actor.may(PERSONAL) else []
        may = campaign.state == domain.OPEN and actor.may(campaigns.MANAGE)
        forms = {act: form_of(CAMPAIGN_FORMS, act) for act in (CAMPAIGN_FORMS if may else ())} | dict(sent or {})
        agents = staff.names_of(session, [campaign.made_by_id, campaign.ended_by_id, *(one.settled_by_id for one in found)])
        return self.show(
            "callcenter/campaign.html", campaign=campaign, counts=tasks.counts(session, [campaign.id])[campaign.id], tasks=found, states=domain.TASK_STATES,
            chosen=chosen, forms=forms, refused=set(sent or ()), titles=CAMPAIGN_TITLES, kinds=domain.KINDS, campaign_states=domain.CAMPAIGN_STATES,
            barred=campaigns.barred(session, campaign, actor) if campaign.state == domain.OPEN else 0, agents=agents, rule=rules.RULES.get(campaign.rule or ""),
            purpose=purposes.purposes()[campaign.purpose], hours=self._hours(session, now), personal=actor.may(PERSONAL), may_call=actor.may(services.RECORD),
            may_again=actor.may(campaigns.MANAGE) and campaign.state != domain.ENDED_CLOSED, link=inside(campaign.link) if campaign.link else ""), status

    def _hours(self, session: Session, now: Any) -> str:
        """Why nobody is called at this hour; empty inside the contact hours (CALL-10)."""
        found = consent.outside_hours(session, now)
        return str(found) if found is not None else ""

    def _tasks(self, campaign: Campaign, state: str, actor: Actor) -> Sequence[Task]:
        query = readable(sa.select(Task).join(Customer, Customer.id == Task.customer_id).where(Task.campaign_id == campaign.id), actor)
        if state in domain.TASK_STATES:
            query = query.where(Task.state == state)
        return self.session_now.scalars(query.options(selectinload(Task.customer)).order_by(Task.state, Task.attempts, Task.id).limit(SHOWN)).all()

    @expose("/<int:id>/next", methods=("POST",))
    @needs(services.RECORD, rule="CALL-07")
    def call_next(self, id: int) -> Any:
        """Keep the next customer who may be called, and open his page; where there is none the campaign's page says why."""
        try:
            with writing() as session:
                task_id = campaigns.take_next(session, campaigns.campaign_for(session, id), actor=current_actor(), now=work.now()).id
        except AppError as error:
            if error.rule != "CALL-10":
                raise
            flash(error.message, "warning")
            return redirect(url_for(".campaign", id=id))
        return redirect(url_for(".task", id=task_id))

    @expose("/<int:id>/again", methods=("POST",))
    @needs(campaigns.MANAGE, rule="CALL-07")
    def again(self, id: int) -> Any:
        with writing() as session:
            campaigns.call_again(session, campaigns.campaign_for(session, id), actor=current_actor(), now=work.now())
        flash(_("Whoever was not reached is called again."), "success")
        return redirect(url_for(".campaign", id=id))

    @expose("/<int:id>/close", methods=("POST",))
    @needs(campaigns.MANAGE, rule="CALL-07")
    def close(self, id: int) -> Any:
        form = form_of(CAMPAIGN_FORMS, "close", sent=True)

        def act() -> None:
            with writing() as session:
                campaigns.close(session, campaigns.campaign_for(session, id), form["reason"].data or "", actor=current_actor(), now=work.now())

        status = attempt(form, act)
        if status is None:
            flash(_("The campaign is closed."), "success")
            return redirect(url_for(".campaign", id=id))
        return self._campaign(campaigns.campaign_for(self.session_now, id), {"close": form}, status)

    # --- the customer who is called ---------------------------------------------------------------------------------------

    @expose("/task/<int:id>")
    @needs(PERSONAL, rule="CUST-34")
    def task(self, id: int) -> Any:
        return self._task(campaigns.task_for(self.session_now, id, current_actor()))

    def _task(self, task: Task, sent: Mapping[str, DiwanForm] | None = None, status: int = 200) -> Any:
        session, actor, now = self.session_now, current_actor(), work.now()
        campaign, who = campaigns.campaign_for(session, task.campaign_id), session.get_one(Customer, task.customer_id)
        able = task.state == domain.OPEN and campaign.state == domain.OPEN and actor.may(services.RECORD)
        objections = consent.objections(session, who.id, "phone", campaign.purpose, actor=actor, now=now) if able else []
        forms = {act: self._form(act, now) for act in TASK_FORMS} | dict(sent or {}) if able else {}
        calls = session.scalars(queries.of_customer(who.id).order_by(services.Call.started_at.desc()).limit(5)).all()
        page.describe(session, calls)
        return self.show(
            "callcenter/task.html", task=task, campaign=campaign, who=who, forms=forms, refused=set(sent or ()), titles=TASK_TITLES, objections=objections,
            states=domain.TASK_STATES, subjects=domain.subjects(), results=domain.results(), contacts=actor.may(CONTACTS), calls=calls,
            icons=page.ICONS, held=task.held_by_id not in (None, actor.user_id) and task.held_until is not None and task.held_until > now), status

    def _form(self, act: str, now: Any, *, sent: bool = False) -> DiwanForm:
        form = form_of(TASK_FORMS, act, sent=sent, due_at=timing.next_working_day(self.session_now, now))
        if "result" in form:
            form.result.choices = choices(domain.results().items(), _l("choose"))
        return form

    @expose(f"/task/<int:id>/<any({', '.join(repr(one) for one in TASK_FORMS)}):act>", methods=("POST",))
    def do(self, id: int, act: str) -> Any:
        """The call, or that there is none; then back to the campaign, where the next one is called."""
        refuse_without(services.RECORD, rule="CALL-07")
        task = campaigns.task_for(self.session_now, id, current_actor())
        form = self._form(act, work.now(), sent=True)
        status = attempt(form, lambda: self._done(id, act, form))
        if status is None:
            flash(_("It is written down."), "success")
            if act == "record" and form.result.data == domain.NOT_WANTED and current_actor().may(consent.RECORD):
                return redirect(url_for("callcenter_calls.call", id=campaigns.task_for(self.session_now, id, current_actor()).call_id))
            return redirect(url_for(".campaign", id=task.campaign_id))
        return self._task(campaigns.task_for(self.session_now, id, current_actor()), {act: form}, status)

    def _done(self, id: int, act: str, form: Any) -> None:
        with writing() as session:
            own = campaigns.task_for(session, id, current_actor())
            with audit.about(own):
                TASK_ACTS[act](session, own, form, {"actor": current_actor(), "now": work.now()})


CAMPAIGN_TITLES = {"close": Title(_l("End it although somebody is left"), _l("Close the campaign"), "x")}
TASK_TITLES = {"record": Title(_l("I called"), _l("Save the call"), "phone-call"), "settle": Title(_l("Without a call"), _l("Save"), "mail")}
TASK_ACTS: dict[str, Callable[[Session, Any, Any, dict[str, Any]], Any]] = {
    "record": lambda session, task, form, given: campaigns.record(
        session, task, {key: form[key].data for key in ("result", "duration", "note", "due_at")}, operation_key=form.operation_key.data or None, **given),
    "settle": lambda session, task, form, given: campaigns.settle(session, task, form.how.data or "", form.reason.data or "", **given),
}
