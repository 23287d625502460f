"""Pages of consent: one customer's, on which consents and withdrawals are recorded, and the wordings of the association."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import flash, redirect, url_for
from flask_admin import expose

from core import settings
from core.admin.help import Help
from core.admin.views import PageView, needs
from core.calendar import day_bounds, local_day
from core.consent import domain, forms, queries, services
from core.consent.forms import GIVE
from core.consent.models import Consent
from core.customers import queries as register
from core.customers.models import Customer
from core.customers.queries import PERSONAL
from core.customers.shown import HIDDEN
from core.errors import InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import ngettext

TONES = {domain.GIVEN: "good", domain.WITHDRAWN: "bad", domain.NEVER: ""}


class ConsentsView(PageView):
    """How one customer stands to each channel and purpose; reached from the customer's page."""

    page_url, page_endpoint = "/consent", "consent_customer"
    permission = services.READ
    help = Help(
        _l("For what and by which channel this customer may be contacted, since when, and how we know."),
        can=_l("Record a consent or a withdrawal with its source, and give the customer the link by which he withdraws himself."),
        decides=_l("The customer alone. Nothing here is changed or deleted: each word of his is one line, and the last one holds."),
        then=_l("A withdrawal holds at once: no list, no export for others and no call or message passes by it."),
    )

    @expose("/")
    def index(self) -> Any:
        return redirect(url_for("customers.index_view"))

    @expose("/<number>")
    def customer(self, number: str, form: forms.RecordForm | None = None) -> Any:
        found, now = self._readable(number), self.now()
        form = form or forms.RecordForm(formdata=None)
        form.fill_choices()
        events = queries.events_of(self.session, found.id)
        token = queries.link_of(self.session, found.id)
        return self.render(
            "consent/customer.html", customer=found, form=form, events=events, standings=queries.standings(events), purposes=domain.purposes(),
            channels=domain.channels(), all_channels=domain.all_channels(), all_purposes=domain.all_purposes(), sources=domain.sources(), states=domain.STATES,
            tones=TONES, needed=queries.needed(self.session), asked_for=domain.ASKED_FOR, may_record=self.actor.may(services.RECORD),
            personal=self.actor.may(PERSONAL), hidden_words=HIDDEN, wording=queries.wording_now(self.session, domain.CONSENT),
            link=services.address_of(token) if token else None,
            proposals=services.channels_for(self.session, found, domain.SERVICE, actor=self.actor, now=now))

    @expose("/<number>", methods=("POST",))
    @needs(services.RECORD, rule="PERM-01")
    def record(self, number: str) -> Any:
        found, form = self._readable(number), forms.RecordForm()
        form.fill_choices()
        if form.validate():
            try:
                with self.writing() as session:
                    made = self._recorded(session.get_one(Customer, found.id), form)
                    count = len(made)
                if count:
                    flash(ngettext("%(num)s entry is recorded.", "%(num)s entries are recorded.", count), "success")
                else:
                    flash(_("That was withdrawn already; nothing changed."), "info")
                return redirect(url_for(".customer", number=number))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.customer(number, form=form), 422

    def _recorded(self, customer: Customer, form: forms.RecordForm) -> list[Consent]:
        given: dict[str, Any] = {"source": form.source.data or "", "note": form.note.data or "", "operation_key": form.operation_key.data, "actor": self.actor,
                                 "now": self.now()}
        place, purpose = form.channel.data or "", form.purpose.data or ""
        if form.act.data == GIVE:
            return services.give(self.session, customer, place, purpose, said_at=self._moment(form.said_on.data), **given)
        made = services.withdraw(self.session, customer, place, purpose, **given)
        return [made] if made is not None else []

    def _moment(self, day: date | None) -> datetime | None:
        """When something was said on this day: now if it is today, else its beginning, so that a withdrawal of that day holds."""
        zone = settings.time_zone(self.session)
        return None if day is None or day == local_day(self.now(), zone) else day_bounds(day, zone)[0]

    @expose("/<number>/link", methods=("POST",))
    @needs(services.RECORD, rule="PERM-02")
    def make_link(self, number: str) -> Any:
        """The address by which this customer withdraws without us, to be written at the end of a message to him."""
        found = self._readable(number)
        with self.writing() as session:
            services.links(session, [found.id], now=self.now())
        return redirect(url_for(".customer", number=number))

    def _readable(self, number: str) -> Customer:
        found = register.by_number(self.session, number)
        if found is None or not register.may_read(self.session, found.id, self.actor):
            raise NotFound(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                           rule="CUST-37")
        return found


class WordingsView(PageView):
    """What people agree to and the privacy text, version by version, with the checklist for messages."""

    page_url, page_endpoint = "/consent/wording", "consent_wording"
    permission = services.READ
    menu_group = "customers"
    menu_title = _l("Consent and privacy")
    menu_order = 60
    menu_icon = "shield-check"
    help = Help(
        _l("The words to which customers consent, the privacy text that registration forms show, and what a message to customers should be."),
        can=_l("Publish a new version of either text, in both languages."),
        decides=_l("Whoever has the permission to publish; a consent that was given keeps the words of its day."),
        then=_l("The new version holds at once; the former ones stay here with their days."),
    )

    @expose("/")
    def index(self, kind: str = "", form: forms.WordingForm | None = None) -> Any:
        texts = [(code, title, queries.wordings(self.session, code)) for code, title in domain.wordings().items()]
        shown = {code: form if code == kind and form is not None else forms.WordingForm(formdata=None, prefix=code, obj=versions[0] if versions else None)
                 for code, _title, versions in texts}
        return self.render("consent/wordings.html", texts=texts, forms=shown, checklist=domain.checklist(), may_publish=self.actor.may(services.WORDING))

    @expose("/<any(consent, privacy):kind>", methods=("POST",))
    @needs(services.WORDING, rule="PERM-16")
    def publish(self, kind: str) -> Any:
        form = forms.WordingForm(prefix=kind)
        if form.validate():
            try:
                with self.writing() as session:
                    version = services.publish(session, kind, text_ar=form.text_ar.data or "", text_en=form.text_en.data or "", actor=self.actor,
                                               now=self.now()).version
                flash(_("Version %(n)s is published and holds from now on.", n=version), "success")
                return redirect(url_for(".index"))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.index(kind=kind, form=form), 422
