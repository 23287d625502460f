"""Pages of the frequent questions and of the catalogue of causes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session
from wtforms import BooleanField, Form, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from core import work
from core.admin.forms import DiwanForm
from core.admin.help import Help
from core.admin.listing import row_link
from core.admin.lists import ListColumn, ListFilter
from core.admin.records import RecordView
from core.admin.views import current_actor, expose, needs, writing
from core.auth.actor import Actor
from core.exporter.responses import attachment
from core.i18n import lazy_gettext as _l
from plugins.complaints import causes, faq, queries
from plugins.complaints.models import Cause, Faq

AUTO = {"dir": "auto"}
ACTS: dict[str, tuple[Callable[..., Any], Any]] = {
    "approve": (faq.approve, _l("The answer is approved; it is offered at intake from now on.")),
    "publish": (faq.publish, _l("The answer is published.")),
    "withdraw": (faq.withdraw, _l("The answer is a draft again; it is offered nowhere.")),
}


class FaqForm(DiwanForm):
    question_ar = StringField(_l("Question in Arabic"), [InputRequired(), Length(max=faq.LONGEST_QUESTION)], render_kw=AUTO)
    answer_ar = TextAreaField(_l("Answer in Arabic"), [InputRequired(), Length(max=faq.LONGEST_ANSWER)], render_kw={**AUTO, "rows": 5})
    question_en = StringField(_l("Question in English"), [Optional(), Length(max=faq.LONGEST_QUESTION)], render_kw=AUTO)
    answer_en = TextAreaField(_l("Answer in English"), [Optional(), Length(max=faq.LONGEST_ANSWER)], render_kw={**AUTO, "rows": 5})
    cause_id = SelectField(_l("Cause"), [Optional()])


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
        ListColumn("question", _l("Question"), "name", sort=Faq.question_ar, link=row_link("complaints_faq.details_view", "id")),
        ListColumn("state", _l("State"), "choice", sort=Faq.state, choices=faq.STATES),
        ListColumn("changed_at", _l("Last change"), "moment", sort=Faq.changed_at),
    )
    list_filters = (ListFilter("state", _l("State"), lambda query, value: query.where(Faq.state == value), choices=tuple(faq.STATES.items())),)
    list_sort = "-changed_at"
    list_template_own = "complaints/faq_list.html"
    empty_text = _l("No question has been written down yet.")
    searchable = True
    form_create = form_change = FaqForm
    create_with = change_with = staticmethod(faq.write)

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


class CauseForm(DiwanForm):
    name_ar = StringField(_l("Arabic name"), [InputRequired(), Length(max=causes.LONGEST_NAME)], render_kw=AUTO)
    name_en = StringField(_l("English name"), [Optional(), Length(max=causes.LONGEST_NAME)], render_kw=AUTO)
    active = BooleanField(_l("In use"), default=True)


class CauseView(RecordView):
    """The causes by which complaints are told apart."""

    model, page_url, page_endpoint = Cause, "/complaints/causes", "complaints_causes"
    title = menu_title = _l("Causes of complaints")
    title_new = _l("New cause")
    menu_group, menu_order = "complaints", 45
    menu_icon = "tags"
    help = Help(
        _l("The causes by which complaints are told apart, for studies and for the report of repeated complaints."),
        can=_l("Add a cause, rename it, or take it out of use."),
        decides=_l("Whoever has the permission to keep causes and settings of the log."),
        then=_l("A cause out of use is offered no more; entries that name it keep it, and reports go on counting it."),
    )
    permission = permission_create = permission_change = causes.MANAGE
    list_columns = (
        ListColumn("name_ar", _l("Arabic name"), "name", sort=Cause.name_ar), ListColumn("name_en", _l("English name"), value=lambda row: row.name_en or None),
        ListColumn("active", _l("In use"), kind="choice", value=lambda row: _l("yes") if row.active else _l("no")),
    )
    list_filters = (ListFilter("active", _l("In use"), lambda query, value: query.where(Cause.active == (value == "yes")),
                               choices=(("yes", _l("yes")), ("no", _l("no")))),)
    list_sort = "name_ar"
    form_create = form_change = CauseForm
    create_with = change_with = staticmethod(causes.save)

    def describe(self, record: Any) -> str:
        return str(record.name)
