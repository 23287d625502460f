"""Pages of an erasure and of the subject's file; both are reached from the customer's page."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, url_for
from flask_admin import expose
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from core.admin.forms import DiwanForm
from core.admin.help import Help
from core.admin.views import PageView, needs
from core.audit import services as audit
from core.customers import erasure, page, queries, services, subject_file
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotFound
from core.exporter.names import file_name
from core.exporter.responses import attachment
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import isolate


class ErasureForm(DiwanForm):
    asked_by = SelectField(_l("Who asked for it?"), choices=[SelectChoice("", _l("Choose")), *(SelectChoice(*one) for one in erasure.ASKED_BY.items())])
    reason = TextAreaField(_l("Reason"), render_kw={"dir": "auto", "rows": 4})


class ErasureView(PageView):
    """Fill the form by which a customer's data is erased. The form itself is among the customer forms."""

    page_url, page_endpoint = "/customers/erasure", "customer_erasure"
    permission = services.FILL
    help = Help(
        _l("The form by which the personal data of a customer is erased for good; the number stays and is never given again."),
        can=_l("See what goes, where it lies and what stays; say who asked and why; send the form for review."),
        decides=_l("The CRM manager approves or rejects, never a form of their own; the data officer alone enters it."),
        then=_l("At entry everything personal goes at once, from the register, the plugins, forms, files, search and log, and nobody can take it back. "
                "A backup made before still holds it; a restore of one erases it again."),
    )

    @expose("/")
    def index(self) -> Any:
        return redirect(url_for("customers.index_view"))

    @expose("/<number>")
    def form(self, number: str, form: ErasureForm | None = None) -> Any:
        found = self._readable(number)
        return self.render("customers/erasure.html", customer=found, form=form or ErasureForm(formdata=None), hindrance=self._hindrance(found),
                           goes=page.what_is_held(self.session, found), steps=page.what_follows(self.session, self.now()))

    @expose("/<number>", methods=("POST",))
    def fill(self, number: str) -> Any:
        found, form = self._readable(number), ErasureForm()
        if form.validate():
            try:
                with self.writing() as session, audit.about(found):
                    made = erasure.fill_erasure(session, session.get_one(Customer, found.id), asked_by=form.asked_by.data or "",
                                                reason=form.reason.data or "", actor=self.actor, now=self.now(), operation_key=form.operation_key.data)
                    given, form_id = made.number, made.id
                flash(_("The form %(number)s is sent for review.", number=isolate(given or "")), "success")
                return redirect(url_for("customer_forms.show_form", form_id=form_id))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.form(number, form=form), 422

    def _hindrance(self, customer: Customer) -> Any:
        """Why the customer cannot be erased now, or nothing."""
        under_way = queries.open_form_of(self.session, customer.id)
        if under_way is not None:
            return _l("The form %(number)s for this customer is under way. Wait until it is entered or rejected.", number=under_way.number)
        try:
            erasure.check_erasable(self.session, customer)
        except Conflict as refused:
            return refused.message
        return None

    def _readable(self, number: str) -> Customer:
        return readable(self.session, number, self.actor)


class SubjectFileView(PageView):
    """Hand out everything held about one customer as a ZIP; logged before its first byte."""

    page_url, page_endpoint = "/customers/subject-file", "customer_subject_file"
    permission = subject_file.PERMISSION

    @expose("/")
    def index(self) -> Any:
        return redirect(url_for("customers.index_view"))

    @expose("/<number>", methods=("POST",))
    @needs(subject_file.PERMISSION, rule="CUST-34")
    def download(self, number: str) -> Response:
        found = readable(self.session, number, self.actor)
        made = subject_file.subject_file(self.session, found, actor=self.actor, now=self.now())
        with self.writing() as session:
            subject_file.note(session, session.get_one(Customer, found.id), made)
        return attachment(made.content, file_name(f"{_('held about customer')} {number}", "zip"), "application/zip")


def readable(session: Any, number: str, actor: Any) -> Customer:
    """The customer, if this person may read it; otherwise NotFound, whether it exists or not (CUST-37)."""
    found = queries.by_number(session, number)
    if found is None or not queries.may_read(session, found.id, actor):
        raise NotFound(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                       rule="CUST-37")
    return found
