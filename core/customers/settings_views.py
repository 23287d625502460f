"""Pages of the register's set-up: the data officers and their absences, and the optional fields."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select

from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.auth.models import User
from core.customers import fields, officers, queries
from core.customers.forms import AbsenceForm, OfficerForm, OptionalFieldForm
from core.customers.models import DataOfficer, DataOfficerAbsence, OptionalField
from core.errors import AppError, InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l


class OfficersView(PageView):
    """Who enters customer data: primary, deputy, absences (CUST-08…10)."""

    page_url = "/customers/officers"
    page_endpoint = "customer_officers"
    permission = "customers.read"
    menu_title = _l("Data officers")
    menu_group = "customers"
    menu_order = 40
    menu_icon = "user-shield"
    help = Help(
        _l("Who may enter data into the register, and who stands in while they are away."),
        can=_l("See the officer and the deputy; with the permission, appoint them and record an absence."),
        decides=_l("The CRM manager appoints."),
        then=_l("During an absence the deputy finds the entries in their own inbox; outside it the deputy enters nothing."),
    )

    @expose("/")
    def index(self) -> Any:
        return self._show(OfficerForm(), AbsenceForm())

    def _show(self, appoint: OfficerForm, absence: AbsenceForm, status: int = 200) -> Any:
        people = list(self.session.scalars(select(User).where(User.active).order_by(User.id).limit(500)))
        appoint.user_id.choices = [("", _("Choose")), *((str(one.id), str(one.name) or one.label) for one in people)]
        rows = queries.officers(self.session)
        primary = queries.officer(self.session, "primary")
        body = self.render(
            "customers/officers.html", rows=rows, primary=primary, appoint=appoint, absence=absence,
            lacking=officers.lacking_right(self.session, {one.user_id for one in rows if one.ended_at is None}),
            names={one.user_id: officers.user_label(self.session, one.user_id) for one in rows},
            absences=queries.absences(self.session, primary.id) if primary is not None else [],
            may_appoint=self.actor.may(officers.APPOINT),
            may_absent=primary is not None and (primary.user_id == self.actor.user_id or self.actor.may(officers.APPOINT)),
        )
        return body, status

    @expose("/appoint", methods=("POST",))
    @needs("customers.officers", rule="CUST-08")
    def appoint(self) -> Any:
        form = OfficerForm()
        try:
            with self.writing() as session:
                user_id = officers.appoint(session, _id(form.user_id.data), form.kind.data or "", actor=self.actor, now=self.now()).user_id
                lacking = officers.lacking_right(session, [user_id])
        except AppError as error:
            if error.status == 403:
                raise
            self.show_faults(form, error)
            return self._show(form, AbsenceForm(formdata=None), error.status)
        flash(_("The appointment is recorded."), "success")
        if lacking:
            flash(_("None of this person's roles may enter forms yet, so nothing can be entered. The administrator gives the role."), "warning")
        return redirect(url_for(".index"))

    @expose("/<int:officer_id>/end", methods=("POST",))
    @needs("customers.officers", rule="CUST-08")
    def end(self, officer_id: int) -> Any:
        with self.writing() as session:
            officer = session.get(DataOfficer, officer_id)
            if officer is None:
                raise NotFound(_l("There is no such appointment."))
            officers.end_appointment(session, officer, actor=self.actor, now=self.now())
        flash(_("The appointment has ended."), "success")
        return redirect(url_for(".index"))

    @expose("/absence", methods=("POST",))
    def absent(self) -> Any:
        """The officer, or who appoints, records days of absence; the service asks who it is."""
        form = AbsenceForm()
        if not form.validate():
            return self._show(OfficerForm(formdata=None), form, 422)
        try:
            with self.writing() as session:
                officers.record_absence(session, form.from_on.data, form.until_on.data, actor=self.actor, now=self.now())
        except InvalidInput as error:
            self.show_faults(form, error)
            return self._show(OfficerForm(formdata=None), form, 422)
        flash(_("The absence is recorded. The deputy may enter on these days."), "success")
        return redirect(url_for(".index"))

    @expose("/absence/<int:absence_id>/end", methods=("POST",))
    def back(self, absence_id: int) -> Any:
        """The officer is back today: yesterday was the last day away."""
        with self.writing() as session:
            absence = session.get(DataOfficerAbsence, absence_id)
            if absence is None:
                raise NotFound(_l("There is no such absence."))
            officers.come_back(session, absence, actor=self.actor, now=self.now())
        flash(_("The officer is back."), "success")
        return redirect(url_for(".index"))


class OptionalFieldsView(PageView):
    """Fields beyond the manual's form; each needs a purpose before it is asked for (CUST-28)."""

    page_url = "/customers/fields"
    page_endpoint = "customer_fields"
    permission = "customers.settings"
    menu_title = _l("Optional customer fields")
    menu_group = "administration"
    menu_order = 32
    menu_icon = "forms"
    help = Help(
        _l("Fields that the customer form can ask for beyond the usual ones. All are off until their purpose is stated."),
        can=_l("Switch a field on with its purpose, switch it off, or add one of your own."),
        decides=_l("Whoever has the permission for customer settings; the purpose is kept in the audit log."),
        then=_l("The field appears on new forms. Switched off, it is no longer asked for; what was recorded stays."),
    )

    @expose("/")
    def index(self) -> Any:
        return self._show(OptionalFieldForm())

    def _show(self, form: OptionalFieldForm, status: int = 200, fault: Any = None) -> Any:
        rows = queries.optional_fields(self.session, enabled_only=False)
        return self.render("customers/fields.html", rows=rows, form=form, fault=fault), status

    @expose("/add", methods=("POST",))
    def add(self) -> Any:
        form = OptionalFieldForm()
        try:
            with self.writing() as session:
                fields.add(session, code=form.code.data or "", name_ar=form.name_ar.data or "", name_en=form.name_en.data or "",
                           kind=form.kind.data or "text", actor=self.actor)
        except InvalidInput as error:
            self.show_faults(form, error)
            return self._show(form, 422)
        flash(_("The field is there, switched off until its purpose is stated."), "success")
        return redirect(url_for(".index"))

    @expose("/<int:field_id>/on", methods=("POST",))
    def on(self, field_id: int) -> Any:
        try:
            with self.writing() as session:
                fields.switch_on(session, _field(session, field_id), request.form.get("purpose", ""), actor=self.actor)
        except InvalidInput as error:
            return self._show(OptionalFieldForm(formdata=None), 422, (field_id, error.message))
        flash(_("The field is asked for on forms from now on."), "success")
        return redirect(url_for(".index"))

    @expose("/<int:field_id>/off", methods=("POST",))
    def off(self, field_id: int) -> Any:
        with self.writing() as session:
            fields.switch_off(session, _field(session, field_id), actor=self.actor)
        flash(_("The field is no longer asked for. What was recorded stays."), "success")
        return redirect(url_for(".index"))


def _field(session: Any, field_id: int) -> OptionalField:
    found = session.get(OptionalField, field_id)
    if found is None:
        raise NotFound(_l("There is no such field."))
    return found  # type: ignore[no-any-return]


def _id(raw: str | None) -> int:
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 19 else -1
