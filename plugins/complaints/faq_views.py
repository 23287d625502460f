"""The frequent questions as pages (CMPL-14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session
from wtforms import Form

from core import work
from core.admin.help import Help
from core.admin.listing import RowLink
from core.admin.lists import ListColumn, ListFilter, by_value
from core.admin.records import RecordView
from core.admin.views import current_actor, expose, needs, writing
from core.auth.actor import Actor
from core.exporter.responses import attachment
from core.i18n import lazy_gettext as _l
from plugins.complaints import faq, queries
from plugins.complaints.forms import FaqForm
from plugins.complaints.models import Cause, Faq

ACTS: dict[str, tuple[Callable[..., Any], Any]] = {
    "approve": (faq.approve, _l("The answer is approved; it is offered at intake from now on.")),
    "publish": (faq.publish, _l("The answer is published.")),
    "withdraw": (faq.withdraw, _l("The answer is a draft again; it is offered nowhere.")),
}


class FaqView(RecordView):
    """Questions and answers; each is approved on its own page by somebody who did not write it."""

    model, page_url, page_endpoint = Faq, "/complaints/faq", "complaints_faq"
    title = menu_title = _l("Frequent questions")
    title_new = _l("New question")
    menu_group, menu_order = "complaints", 40
    menu_icon = "help-circle"
    help = Help(
        _l("Questions that are asked again and again, with the answers that the association stands by."),
        can=_l("Write a question with its answer, correct it, and take the published ones out as a file for the website."),
        decides=_l("A manager who did not write the answer approves it; publishing is a second step."),
        then=_l("An approved answer is offered while a complaint is being written down; a published one also stands on the public page. "
                "Whoever changes the words makes a draft of it again."),
    )
    permission = permission_create = permission_change = faq.WRITE
    list_columns = (
        ListColumn("question", _l("Question"), "name", sort=Faq.question_ar, link=RowLink("complaints_faq.details_view", "id")),
        ListColumn("state", _l("State"), "choice", sort=Faq.state, choices=faq.STATES),
        ListColumn("changed_at", _l("Last change"), "moment", sort=Faq.changed_at),
    )
    list_filters = (ListFilter("state", _l("State"), by_value(Faq.state), choices=faq.STATES),)
    list_sort = "-changed_at"
    list_template_own = "complaints/faq_list.html"
    empty_text = _l("No question has been written down yet.")
    searchable = True
    form_create = form_change = FaqForm
    create_with = change_with = faq.write

    def find(self, session: Session, statement: Select[Any], text: str, actor: Actor) -> Select[Any]:
        for word in faq.keys_of(text):
            statement = statement.where(Faq.search_text.contains(word, autoescape=True))
        return statement

    def describe(self, record: Any) -> str:
        return str(record.question)

    def create_form(self, obj: Any = None) -> Form:
        return self._with_causes(super().create_form(obj))

    def edit_form(self, obj: Any = None) -> Form:
        return self._with_causes(super().edit_form(obj))

    def _with_causes(self, form: Any) -> Form:
        form.cause_id.choices = [("", _l("None")), *((str(one.id), one.name) for one in queries.causes(self.session_now, active=False))]
        form.cause_id.data = str(form.cause_id.data or "")
        return form

    @expose("/details/")
    def details_view(self) -> Any:
        record, actor = self.one(request.args.get("id", "")), current_actor()
        cause = self.session_now.get(Cause, record.cause_id) if record.cause_id else None
        return self.show("complaints/faq.html", record=record, actor=actor, cause=cause, states=faq.STATES, approver=actor.may(faq.APPROVE),
                         own=record.made_by_id == actor.user_id)

    @expose("/act/", methods=("POST",))
    @needs(faq.APPROVE, rule="CMPL-14")
    def act_view(self) -> Any:
        name = request.form.get("act", "")
        self.refuse_unless(faq.APPROVE if name in ACTS else None)
        act, said = ACTS[name]
        with writing() as session:
            record = self.one(request.form.get("id", ""))
            act(session, record, actor=current_actor(), now=work.now())
            place = url_for(".details_view", id=record.id)
        flash(said, "success")
        return redirect(place)

    @expose("/website.csv", methods=("POST",))
    @needs(faq.APPROVE, rule="CMPL-14")
    def website_view(self) -> Any:
        with writing() as session:
            content = faq.website_file(session, actor=current_actor())
        return attachment(content, "frequent-questions.csv", "text/csv; charset=utf-8")
