"""The weekly review of the leads as a page: every open lead with what it was and is, and the button that closes the week."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, url_for

from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.auth import queries as staff
from core.errors import Conflict, InvalidInput, faults
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures import queries as procedures
from core.procedures.models import StepPeriod
from plugins.leads import domain, page, queries, reviews, services
from plugins.leads.domain import CREATION
from plugins.leads.forms import NoteForm

SHOWN = 60


class ReviewsView(PageView):
    page_url = "/leads/reviews"
    page_endpoint = "leads_reviews"
    permission = queries.READ
    menu_title = _l("Weekly review of leads")
    menu_group = "marketing"
    menu_order = 21
    menu_icon = "calendar-week"
    menu_beside = "leads_lead"
    help = Help(
        _l("What the manual asks of the leads every week: each open one is looked at and brought up to date."),
        can=_l("Look at every open lead, open it to update its state and probability, mark it as reviewed, write the note, and close the week."),
        decides=_l("The CRM manager reviews; he alone sets a lead to successful or cancelled."),
        then=_l("Closing the week puts its day on every open lead; the next review opens on Sunday."),
    )

    @expose("/")
    def index(self) -> Any:
        found = self.session.scalars(sa.select(StepPeriod).where(StepPeriod.procedure_code == CREATION, StepPeriod.step_number == domain.REVIEW)
                                     .order_by(StepPeriod.starts_on.desc(), StepPeriod.id).limit(SHOWN)).all()
        return self.render("leads/reviews.html", periods=found, runs={one.id: page.open_run(self.session, one, domain.REVIEW) for one in found},
                           done={one.id: reviews.review_of(self.session, one) for one in found})

    @expose("/<int:period_id>")
    def period(self, period_id: int) -> Any:
        return self.show(reviews.period_for(self.session, period_id))

    def show(self, period: StepPeriod, form: NoteForm | None = None) -> Any:
        session = self.session
        leads = queries.open_leads(session)
        page.describe(session, leads, self.actor)
        run = page.open_run(session, period, domain.REVIEW)
        done = reviews.review_of(session, period)
        return self.render("leads/review.html", period=period, leads=leads, run=run, review=done, form=form or NoteForm(formdata=None),
                           mine=run is not None and procedures.has_step(run, self.actor), may=self.actor.may(reviews.REVIEW), states=domain.states(),
                           quiet_words=page.quiet_words, people=staff.names_of(session, [done.reviewed_by_id if done is not None else None]))

    @expose("/<int:period_id>", methods=("POST",))
    @needs(reviews.REVIEW, rule="LEAD-19")
    def finish(self, period_id: int) -> Any:
        period, form = reviews.period_for(self.session, period_id), NoteForm()
        try:
            with self.writing() as session:
                reviews.finish(session, session.get_one(StepPeriod, period.id), form.text.data or "", actor=self.actor, now=self.now())
        except (InvalidInput, Conflict) as error:
            form.text.errors = [fault.message for fault in faults(error)]
            return self.show(period, form), error.status
        flash(_("The week is reviewed; every open lead carries its day."), "success")
        return redirect(url_for(".period", period_id=period_id))

    @expose("/<int:period_id>/leads/<int:lead_id>", methods=("POST",))
    @needs(reviews.REVIEW, rule="LEAD-19")
    def stamp(self, period_id: int, lead_id: int) -> Any:
        """This one was looked at."""
        period = reviews.period_for(self.session, period_id)
        with self.writing() as session:
            reviews.stamp(session, services.lead_for(session, lead_id, self.actor), actor=self.actor, now=self.now())
        return redirect(url_for(".period", period_id=period.id, _anchor=f"lead-{lead_id}"))
