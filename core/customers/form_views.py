"""Pages of the create/modify form: the lists by state, filling, the form with its track and decision, the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for

from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.audit import services as audit
from core.customers import background, documents, domain, entry, erasure, officers, page, pdf, queries, services, shown
from core.customers.forms import DocumentForm, ReasonForm, entry_form, typed_values
from core.customers.models import Customer, CustomerForm
from core.customers.queries import PERSONAL
from core.customers.values import Rules, clean
from core.errors import InvalidInput, NotFound
from core.exporter.names import content_disposition, file_name
from core.files import services as files
from core.files.views import download_of, stored_upload
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import ngettext
from core.numbering import printed
from core.phones import parse_phone
from core.procedures.queries import next_in_inbox
from core.text import isolate

PAGE_SIZE = 50
LINES_SHOWN = 100
MOST_CHOSEN = 200
ACTS = {"filled": "review", "reviewed": "approve", "approved": "enter", "entered": "file", "rejected": "file", "withdrawn": "file"}


BULK = {"review": services.bulk_review, "approve": services.bulk_approve, "enter": background.bulk_enter, "file": services.bulk_file}


@dataclass(frozen=True)
class Refused:
    """A form to which an act for many was not done, and why."""

    form_id: int
    number: str | None
    reason: Any


def _done_words(act: str, done: int) -> str:
    if act == "review":
        return ngettext("%(num)s form is reviewed and waits for the decision.", "%(num)s forms are reviewed and wait for the decision.", done)
    if act == "approve":
        return ngettext("%(num)s form is approved and waits for entry.", "%(num)s forms are approved and wait for entry.", done)
    if act == "enter":
        return ngettext("%(num)s form is entered or being entered.", "%(num)s forms are entered or being entered.", done)
    return ngettext("%(num)s form is filed.", "%(num)s forms are filed.", done)


class FormsView(PageView):
    """Customer forms. The list begins with what waits for this person."""

    page_url = "/customers/forms"
    page_endpoint = "customer_forms"
    permission = "customers.read"
    menu_title = _l("Customer forms")
    menu_group = "customers"
    menu_order = 20
    menu_icon = "file-text"
    help = Help(
        _l("The forms by which customers are created and changed, each with the state it has reached."),
        can=_l("Choose a state; open a form; do the step that is yours: review, decide, enter or file it, or withdraw one that you made."),
        decides=_l("The CRM manager approves or rejects, never a form of their own; the data officer alone enters what is approved."),
        then=_l("Each step opens the next one in the inbox of whoever is to do it. A rejected form goes to the file with its reason."),
    )

    @expose("/")
    def index(self) -> Any:
        return self._list(request.args.get("state") or None, _whole(request.args.get("before")))

    def _list(self, state: str | None, before: int | None = None, refused: Sequence[Refused] = ()) -> Any:
        if state is not None and state not in domain.STATES:
            raise InvalidInput(_l("“%(value)s” is no state of a form.", value=state[:40]), field="state", value=state)
        forms = queries.forms_in(self.session, state, self.actor, before=before, limit=PAGE_SIZE + 1)
        more, forms = len(forms) > PAGE_SIZE, forms[:PAGE_SIZE]
        return self.render(
            "customers/forms.html", forms=forms, lines=queries.first_lines(self.session, forms), state=state, states=domain.STATE_TITLES, kinds=domain.kinds(),
            counts=queries.state_counts(self.session, self.actor), more=forms[-1].id if more else None, acts=self._acts_for(state, forms),
            labels=self._labels(forms), refused=refused,
        )

    def _acts_for(self, state: str | None, forms: Sequence[CustomerForm]) -> list[str]:
        """What this person can do to ticked forms: the act of the state shown, or of every state that stands in a mixed list."""
        shown = [state] if state is not None else [one for one in domain.STATES if any(form.state == one for form in forms)]
        return [act for act in dict.fromkeys(ACTS[one] for one in shown if one in ACTS) if self._may_do(act)]

    def _may_do(self, act: str) -> bool:
        if act == "enter":
            return officers.may_enter(self.session, self.actor, now=self.now())
        return self.actor.may(f"customers.{act}")

    def _labels(self, forms: list[CustomerForm]) -> dict[int, str]:
        return {user_id: officers.user_label(self.session, user_id) for user_id in {form.made_by for form in forms} if user_id is not None}

    # --- filling --------------------------------------------------------------------------------------------------------

    @expose("/new", methods=("GET", "POST"))
    @needs("customers.fill")
    def new(self) -> Any:
        """An empty form, or one that begins with what another page knows of somebody (``begin.mobile``); by that nothing is saved."""
        return self._fill(None)

    @expose("/<int:form_id>/edit", methods=("GET", "POST"))
    @needs("customers.fill")
    def edit(self, form_id: int) -> Any:
        """Go on with one's own draft."""
        draft = self._one(form_id)
        if draft.state != "draft" or draft.made_by != self.actor.user_id:
            return redirect(url_for(".show_form", form_id=form_id))
        return self._fill(draft)

    def _fill(self, draft: CustomerForm | None) -> Any:
        modify = draft is not None and draft.kind == "modify"
        data = {name: getattr(draft.line, name) for name in (*domain.FIELDS, "extra")} if draft is not None else {"department_id": self.actor.department_id}
        begun = {name: request.form[f"begin.{name}"] for name in domain.FIELDS if f"begin.{name}" in request.form}
        if begun:
            data |= {"name": request.form.get("name", ""), **begun}
        form = entry_form(self.session, personal=self.actor.may(PERSONAL), modify=modify, data=data, begun=bool(begun))
        found: list[queries.Duplicate] = []
        sent = request.method == "POST" and not begun
        if sent and form.validate():
            typed, drafted = typed_values(form), "draft" in request.form
            try:
                if not drafted and not modify and not form.not_duplicates.data:
                    found = self._duplicates(clean(Rules(self.session, "new"), typed), draft)
                if not found:
                    return self._save(form, typed, draft, drafted)
            except InvalidInput as error:
                self.show_faults(form, error)
        customer = draft.line.customer if draft is not None else None
        steps = page.what_follows(self.session, self.now())
        body = self.render("customers/fill.html", form=form, customer=customer, draft=draft, duplicates=found, steps=steps, relations=domain.relations())
        return body, 422 if sent else 200

    def _save(self, form: Any, typed: dict[str, Any], draft: CustomerForm | None, drafted: bool) -> Any:
        draft_id, sure = draft.id if draft is not None else None, bool("not_duplicates" in form and form.not_duplicates.data)
        with self.writing() as session:
            kept = session.get_one(CustomerForm, draft_id) if draft_id is not None else None
            made = services.fill_form(session, typed, actor=self.actor, now=self.now(), form=kept, draft=drafted, not_duplicates=sure,
                                      operation_key=None if kept is not None else form.operation_key.data)
            number, form_id = made.number, made.id
        flash(_("The form %(number)s is sent for review.", number=isolate(number)) if number else _("The draft is kept."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    def _duplicates(self, values: dict[str, Any], draft: CustomerForm | None) -> list[queries.Duplicate]:
        return queries.duplicates(self.session, values, actor=self.actor, exclude_form=draft.id if draft is not None else None)

    @expose("/duplicates", methods=("POST",))
    @needs("customers.fill")
    def duplicates(self) -> Any:
        """Likely duplicates of what is being typed, as a piece of the page; what cannot be read yet is left out."""
        region = Rules(self.session).region
        values: dict[str, Any] = {"name": request.form.get("name", "")[:300], "email": request.form.get("email", "")[:254]}
        for name in ("mobile", "phone"):
            try:
                values[name] = parse_phone(request.form.get(name, "")[:40], region)
            except InvalidInput:
                values[name] = None
        return render_template("customers/_duplicates.html", duplicates=queries.duplicates(self.session, values, actor=self.actor), typing=True)

    # --- one form -------------------------------------------------------------------------------------------------------

    @expose("/<int:form_id>")
    def show_form(self, form_id: int) -> Any:
        return self._show(self._one(form_id), ReasonForm())

    def _show(self, form: CustomerForm, reason: ReasonForm, status: int = 200, document: DocumentForm | None = None) -> Any:
        line = queries.first_lines(self.session, [form]).get(form.id)
        rows = shown.changes(self.session, line, self.actor) if line is not None and form.single else []
        lines = self._some_lines(form)
        body = self.render(
            "customers/form.html", form=form, line=line, rows=rows, reason=reason, track=shown.track(self.session, form, self.now()), kinds=domain.kinds(),
            states=domain.STATE_TITLES, duplicates=self._warnings(form, line), lines=lines, may=self._may(form), origins=domain.origins(),
            made_by=officers.user_label(self.session, form.made_by), decided_by=officers.user_label(self.session, form.decided_by), classes=domain.classes(),
            asked_by=erasure.ASKED_BY, **self._of_erasure(form, line),
            made_label=_("Prepared by"), decided_label=_("Rejected by") if form.reason is not None else _("Approved by"),
            mobiles={one.id: shown.personal_value(one, "mobile", self.actor) for one in lines}, given=shown.given(self.session, lines, self.actor),
            documents=files.attached_to(self.session, form), document=document or DocumentForm(formdata=None), personal=self.actor.may(PERSONAL),
            merge=queries.merge_of_form(self.session, form), beside=self._beside(form),
            open_lines=entry.open_lines(self.session, form) if not form.single else 0,
            next_step=next_in_inbox(self.session, self.actor, record_type=form.__tablename__, record_id=form.id),
        )
        return body, status

    def _beside(self, form: CustomerForm) -> Customer | None:
        """The customer that is to go into another, while it is in the register and this person may read it."""
        merge = queries.merge_of_form(self.session, form)
        there = merge is not None and queries.may_read(self.session, merge.lost_id, self.actor)
        return self.session.get(Customer, merge.lost_id) if merge is not None and there else None

    def _of_erasure(self, form: CustomerForm, line: Any) -> dict[str, Any]:
        """What the page of an erasure's form shows: what will go, and why."""
        if form.kind != "erase" or line is None:
            return {}
        return {"held": page.what_is_held(self.session, line.customer), "erased_reason": shown.personal_value(line, "remarks", self.actor)}

    def _warnings(self, form: CustomerForm, line: Any) -> list[queries.Duplicate]:
        if line is None or form.kind not in ("new", "modify") or form.state not in ("filled", "reviewed", "approved"):
            return []
        values = {name: getattr(line, name) for name in ("name", "mobile", "phone", "email")}
        return queries.duplicates(self.session, values, actor=self.actor, exclude=line.customer_id, exclude_form=form.id)

    def _some_lines(self, form: CustomerForm) -> list[Any]:
        return [] if form.single else queries.lines_of(self.session, form, self.actor, after=_whole(request.args.get("after")) or 0, limit=LINES_SHOWN)

    def _may(self, form: CustomerForm) -> dict[str, bool]:
        actor, own = self.actor, form.made_by == self.actor.user_id
        return {
            "edit": form.state == "draft" and own,
            "attach": form.state in ("draft", "filled", "reviewed", "approved") and actor.may("customers.fill"),
            "review": form.state == "filled" and actor.may("customers.review"),
            "approve": form.state == "reviewed" and actor.may("customers.approve") and not own,
            "reject": form.state in ("reviewed", "approved") and actor.may("customers.approve") and not own,
            "own_decision": form.state == "reviewed" and actor.may("customers.approve") and own,
            "enter": form.state in ("approved", "entering") and officers.may_enter(self.session, actor, now=self.now()),
            "withdraw": form.state == "filled" and own and actor.may("customers.fill"),
            "file": form.state in ("entered", "rejected", "withdrawn") and actor.may("customers.file"),
        }

    @expose("/<int:form_id>/documents", methods=("POST",))
    @needs("customers.fill")
    def attach(self, form_id: int) -> Any:
        """Attach a supporting document; it is checked and on disk before the writing transaction begins."""
        form, given = self._one(form_id), DocumentForm()
        try:
            stored = stored_upload(given.document.data)
            if stored is None:
                raise InvalidInput(_l("Choose a file."), field="document")
        except InvalidInput as error:
            self.show_faults(given, error)
            return self._show(form, ReasonForm(formdata=None), 422, given)
        self._act(form_id, lambda session, own: documents.attach(session, own, stored, actor=self.actor, now=self.now()))
        flash(_("The document is attached."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/documents/<int:file_id>")
    @needs("customers.personal", rule="CUST-34")
    def document(self, form_id: int, file_id: int) -> Response:
        return download_of(self.session, self._one(form_id), file_id)

    @expose("/<int:form_id>/review", methods=("POST",))
    @needs("customers.review", rule="CUST-15")
    def review(self, form_id: int) -> Any:
        self._act(form_id, lambda session, form: services.review(session, form, actor=self.actor, now=self.now()))
        flash(_("The form is reviewed and waits for the decision."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/approve", methods=("POST",))
    @needs("customers.approve", rule="CUST-16")
    def approve(self, form_id: int) -> Any:
        self._act(form_id, lambda session, form: services.approve(session, form, actor=self.actor, now=self.now()))
        flash(_("The form is approved and waits for entry."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/reject", methods=("POST",))
    @needs("customers.approve", rule="CUST-16")
    def reject(self, form_id: int) -> Any:
        reason = ReasonForm()
        if not reason.validate():
            return self._show(self._one(form_id), reason, 422)
        try:
            self._act(form_id, lambda session, form: services.reject(session, form, reason.reason.data or "", actor=self.actor, now=self.now()))
        except InvalidInput as error:
            self.show_faults(reason, error)
            return self._show(self._one(form_id), reason, 422)
        flash(_("The form is rejected. Its maker sees the reason."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/enter", methods=("POST",))
    @needs("customers.enter", rule="CUST-10")
    def enter(self, form_id: int) -> Any:
        """Enter the form; an import is entered by the worker, block by block."""
        if not self._one(form_id).single:
            return self._enter_import(form_id)
        done = self._act(form_id, lambda session, form: entry.enter(session, form, actor=self.actor, now=self.now()))
        number = queries.first_lines(self.session, [self._one(form_id)])[form_id].customer.number  # type: ignore[union-attr]
        told = isolate(printed(number))
        words = {"new": _("Entered. The customer's number is %(number)s.", number=told),
                 "merge": _("Entered. Both records are now the customer %(number)s.", number=told),
                 "unmerge": _("Entered. The merge into %(number)s is undone.", number=told),
                 "erase": _("Entered. The personal data of customer %(number)s is erased; what lies in files is removed in the next minutes.", number=told)}
        flash(words.get(done, _("Entered. The customer is changed.")), "success")
        return redirect(url_for("customers.customer", number=number))

    def _enter_import(self, form_id: int) -> Any:
        self._act(form_id, lambda session, form: background.start_import_entry(session, form, actor=self.actor, now=self.now()))
        flash(_("The import is being entered. This page shows how far it is."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/file", methods=("POST",))
    @needs("customers.file", rule="CUST-18")
    def file(self, form_id: int) -> Any:
        self._act(form_id, lambda session, form: services.file_form(session, form, actor=self.actor, now=self.now()))
        flash(_("The form is filed. Nobody can change it any more."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/withdraw", methods=("POST",))
    @needs("customers.fill")
    def withdraw(self, form_id: int) -> Any:
        self._act(form_id, lambda session, form: services.withdraw(session, form, actor=self.actor, now=self.now()))
        flash(_("The form is withdrawn. Nothing comes of it."), "success")
        return redirect(url_for(".show_form", form_id=form_id))

    @expose("/<int:form_id>/delete", methods=("POST",))
    @needs("customers.fill")
    def delete(self, form_id: int) -> Any:
        self._act(form_id, lambda session, form: services.delete_draft(session, form, actor=self.actor))
        flash(_("The draft is deleted."), "success")
        return redirect(url_for(".index"))

    @expose("/<int:form_id>/form.pdf")
    def printed(self, form_id: int) -> Response:
        """The form as the association prints it (CUST-12)."""
        form = self._one(form_id)
        if not form.single or form.kind == "erase":
            raise NotFound(_l("This kind of form is not printed; what it says is on its page."))
        content = pdf.printed_form(self.session, form, actor=self.actor, now=self.now())
        response = Response(content, content_type="application/pdf")
        response.headers["Content-Disposition"] = content_disposition(file_name(form.number or "draft", "pdf"))
        return response

    # --- many forms -----------------------------------------------------------------------------------------------------

    @expose("/bulk/<any(review, approve, enter, file):act>", methods=("POST",))
    def bulk(self, act: str) -> Any:
        """One act for all ticked forms, each judged by itself: those refused are listed with the reason, the others are done."""
        wanted = [int(one) for one in request.form.getlist("id")[:MOST_CHOSEN] if one.isascii() and one.isdigit() and len(one) < 19]
        with self.writing() as session:
            forms = [form for one in wanted if (form := queries.form_by_id(session, one, self.actor)) is not None]
            outcome = BULK[act](session, forms, actor=self.actor, now=self.now())
            done, refused = len(outcome.done), [Refused(form.id, form.number, error.message) for form, error in outcome.refused]
        if done:
            flash(_done_words(act, done), "success")
        state = request.form.get("state") or None
        return self._list(state, refused=refused) if refused else redirect(url_for(".index", state=state))

    # --- helpers --------------------------------------------------------------------------------------------------------

    def _one(self, form_id: int) -> CustomerForm:
        found = queries.form_by_id(self.session, form_id, self.actor)
        if found is None:
            raise NotFound(_l("There is no form “%(id)s”, or it is not among those you may read.", id=form_id), rule="CUST-37")
        return found

    def _act(self, form_id: int, act: Any) -> str:
        """Do one act in the writing transaction; returns the form's kind."""
        self._one(form_id)
        with self.writing() as session:
            form = session.get_one(CustomerForm, form_id)
            with audit.about(form):
                act(session, form)
            return str(form.kind)


def _whole(raw: str | None) -> int | None:
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise InvalidInput(_l("This page of the list cannot be found. Begin at its first page."), field="before", value=raw[:40])
    return int(raw)

