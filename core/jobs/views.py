"""The page of background work: what waits, runs, is done, and what failed for good and can be tried again."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.errors import InvalidInput
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.jobs import queries, services
from core.jobs.models import STATES
from core.state import state

STATE_NAMES = {"waiting": _l("waiting"), "running": _l("running"), "done": _l("done"), "dead": _l("failed for good"), "skipped": _l("skipped")}
TONES = {"dead": "bad", "running": "act", "done": "good"}


class JobsView(PageView):
    page_url = "/settings/jobs"
    page_endpoint = "jobs"
    permission = "jobs.manage"
    menu_title = _l("Background work")
    menu_group = "administration"
    menu_order = 62
    menu_icon = "rotate"
    help = Help(
        _l("The work that runs without anybody: nightly checks, reminders, imports, mails."),
        can=_l("See what waits, what runs and what failed and why; start a failed piece again."),
        decides=_l("The schedule is part of the product and its plugins; IT keeps the worker running."),
        then=_l("What is started again continues where it stopped; nothing is done twice."),
    )

    @expose("/")
    def index(self) -> Any:
        chosen = request.args.get("state") or None
        if chosen is not None and chosen not in STATES:
            raise InvalidInput(_l("“%(value)s” is no state of a job.", value=chosen[:40]), field="state", value=chosen)
        titles = {name: job.title or name for name, job in state().named("register_jobs").items()}
        return self.render(
            "jobs/index.html", rows=queries.recent(self.session, state=chosen), counts=queries.counts(self.session), chosen=chosen, titles=titles,
            names=STATE_NAMES, tones=TONES, health=queries.health(self.session, self.now()),
        )

    @expose("/<int:job_id>/retry", methods=("POST",))
    def retry(self, job_id: int) -> Any:
        with self.writing() as session:
            services.retry(session, job_id, actor=self.actor, now=self.now())
        flash(_("The job will be tried again."), "success")
        return redirect(url_for(".index"))
