"""Pages of customers registered twice: the pairs, two records side by side, and the forms that merge them or take a merge back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for

from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.audit.titles import record_title
from core.customers import domain, merges, page, pairs, pointers, queries, shown, similar
from core.customers.forms import ApartForm, MergeForm, UndoForm
from core.customers.models import Customer, CustomerDistinct, CustomerMerge
from core.customers.officers import user_label
from core.customers.queries import PERSONAL
from core.customers.values import values_of
from core.errors import InvalidInput, NotFound
from core.i18n import Bilingual
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import isolate

PAGE_SIZE = 50
SHOWN = ("pairs", "crowds", "apart")
QUIET = frozenset({"core_customer_form_line", "core_step_run"})
"""Tables that belong to forms, which the page names by themselves."""


@dataclass(frozen=True)
class Choice:
    """One field of two records side by side, in words; ``chosen`` is ``kept`` or ``lost``."""

    name: str
    label: Any
    kept: str
    lost: str
    chosen: str
    same: bool


class DuplicatesView(PageView):
    """Who may be registered twice. Nothing is merged here: a form says what is to become of two records."""

    page_url = "/customers/duplicates"
    page_endpoint = "customer_duplicates"
    permission = "customers.fill"
    menu_title = _l("Registered twice?")
    menu_group = "customers"
    menu_order = 30
    menu_icon = "git-merge"
    help = Help(
        _l("Customers that look alike: the same telephone, the same e-mail address, or the same name in one city. The register is searched every night."),
        can=_l("Put two records side by side; fill the form that makes them one, choosing each value; or say that they are two people."),
        decides=_l("The CRM manager approves a merge, never a form of their own; the data officer alone enters it."),
        then=_l("Everything that belongs to the one goes to the other, its number still finds it, and the merge can be taken back while nobody changed it."),
    )

    @expose("/")
    def index(self) -> Any:
        show, reason = request.args.get("show") or "pairs", request.args.get("reason") or None
        if show not in SHOWN or (reason is not None and reason not in similar.CODES):
            raise InvalidInput(_l("“%(value)s” is not in the list; choose an entry of it.", value=(reason or show)[:40]), field="show", value=reason or show)
        after = _whole(request.args.get("after")) or 0
        session, actor = self.session, self.actor
        rows: list[Any] = (pairs.told_apart(session, actor, before=after or None, limit=PAGE_SIZE + 1) if show == "apart" else
                           pairs.alike(session, actor, reason=reason, crowds=show == "crowds", after=after, limit=PAGE_SIZE + 1))
        more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
        return self.render(
            "customers/duplicates.html", show=show, reason=reason, rows=rows, more=rows[-1].id if more else None, codes=similar.CODES,
            reasons={one.id: pairs.reasons_for(actor, one) for one in rows} if show != "apart" else {}, searched=pairs.found_at(session),
            labels={one.decided_by: user_label(session, one.decided_by) for one in rows} if show == "apart" else {}, classes=domain.classes(),
            personal=actor.may(PERSONAL), people=_people(session, rows) if show == "apart" else {}, largest=similar.LARGEST_GROUP,
        )

    # --- merging --------------------------------------------------------------------------------------------------------

    @expose("/merge", methods=("GET", "POST"))
    @needs("customers.personal", rule="CUST-34")
    def merge(self) -> Any:
        """Two records side by side; what is chosen goes into a form."""
        kept = self._customer(request.args.get("kept", ""), "kept")
        given = request.args.get("lost", "").strip()
        if not given:
            return self._ask(kept, None)
        try:
            lost = self._customer(given, "lost")
            if lost.id == kept.id:
                raise InvalidInput(_l("Both numbers are of one customer. Choose two different ones."), field="lost", value=given, rule="CUST-20")
        except InvalidInput as fault:
            return self._ask(kept, fault)
        form = MergeForm()
        if request.method == "POST" and form.validate():
            try:
                return self._fill(form, kept.id, lost.id)
            except InvalidInput as error:
                self.show_faults(form, error)
                kept, lost = self._customer(kept.number, "kept"), self._customer(lost.number, "lost")
        return self._side_by_side(form, kept, lost)

    def _ask(self, kept: Customer, fault: InvalidInput | None) -> Any:
        return self.render("customers/merge_with.html", kept=kept, fault=fault, typed=request.args.get("lost", "")[:40]), 422 if fault is not None else 200

    def _fill(self, form: MergeForm, kept_id: int, lost_id: int) -> Any:
        with self.writing() as session:
            made = merges.fill_merge(session, session.get_one(Customer, kept_id), session.get_one(Customer, lost_id), _choices(), reason=form.reason.data or "",
                                     actor=self.actor, now=self.now(), operation_key=form.operation_key.data)
            number, form_id = made.number, made.id
        flash(_("The form %(number)s is sent for review.", number=isolate(number or "")), "success")
        return redirect(url_for("customer_forms.show_form", form_id=form_id))

    def _side_by_side(self, form: MergeForm, kept: Customer, lost: Customer) -> Any:
        comes = [(record_title(table), count) for table, count in pointers.rows_by_table(self.session, lost.id).items() if table not in QUIET]
        body = self.render(
            "customers/merge.html", form=form, kept=kept, lost=lost, rows=self._rows(kept, lost), comes=comes,
            steps=page.what_follows(self.session, self.now()), apart=ApartForm(formdata=None, data={"one": kept.number, "other": lost.number}),
            under_way=queries.open_form_of(self.session, kept.id) or queries.open_form_of(self.session, lost.id))
        return body, 422 if request.method == "POST" else 200

    def _rows(self, kept: Customer, lost: Customer) -> list[Choice]:
        """Each field with both values in words, and whose is chosen: what was sent, else what fills the survivor's gaps."""
        words, mine, theirs = shown.Words(self.session), values_of(kept), values_of(lost)
        optional = {f"extra_{one.code}": Bilingual(one.name_ar, one.name_en) for one in queries.optional_fields(self.session, enabled_only=False)}
        labels, chosen = {**domain.field_labels(), **optional}, {**merges.suggested(mine, theirs), **_choices()}
        return [Choice(name, labels.get(name, name), words.of(name, one), words.of(name, other), chosen[name], (one or None) == (other or None))
                for name, (one, other) in merges.pairs(mine, theirs).items()]

    # --- taking a merge back --------------------------------------------------------------------------------------------

    @expose("/undo/<int:merge_id>", methods=("GET", "POST"))
    @needs("customers.personal", rule="CUST-34")
    def undo(self, merge_id: int) -> Any:
        merge, form = self._merge(merge_id), UndoForm()
        if request.method == "POST" and form.validate():
            try:
                with self.writing() as session:
                    made = merges.fill_unmerge(session, session.get_one(CustomerMerge, merge_id), reason=form.reason.data or "", actor=self.actor,
                                               now=self.now(), operation_key=form.operation_key.data)
                    number, form_id = made.number, made.id
                flash(_("The form %(number)s is sent for review.", number=isolate(number or "")), "success")
                return redirect(url_for("customer_forms.show_form", form_id=form_id))
            except InvalidInput as error:
                self.show_faults(form, error)
                merge = self._merge(merge_id)
        moved = {name.split(".")[0]: len(keys) for name, keys in (merge.moved or {}).items()}
        body = self.render("customers/undo_merge.html", form=form, merge=merge, kept=self.session.get_one(Customer, merge.kept_id),
                           steps=page.what_follows(self.session, self.now()),
                           goes=[(record_title(table), count) for table, count in moved.items() if table not in QUIET])
        return body, 422 if request.method == "POST" else 200

    def _merge(self, merge_id: int) -> CustomerMerge:
        """A merge that holds, of a customer whom this person may read."""
        merge = self.session.get(CustomerMerge, merge_id)
        holds = merge is not None and merge.undoes_id is None and merge.entered_at is not None and merge.undone_at is None
        if merge is None or not holds or not queries.may_read(self.session, merge.kept_id, self.actor):
            raise NotFound(_l("There is no such merge, it was undone already, or it is not among the records you may read."), rule="CUST-37")
        return merge

    # --- two that are two -----------------------------------------------------------------------------------------------

    @expose("/apart", methods=("POST",))
    def apart(self) -> Any:
        form = ApartForm()
        if not form.validate():
            raise InvalidInput(_l("Write in 3 to 500 characters how you know that they are two."), field="why", rule="CUST-20")
        one, other = self._customer(form.one.data or "", "one").id, self._customer(form.other.data or "", "other").id
        with self.writing() as session:
            pairs.tell_apart(session, session.get_one(Customer, one), session.get_one(Customer, other), reason=form.why.data or "", actor=self.actor,
                             now=self.now())
        flash(_("It is recorded that they are two. They are not shown as a pair again."), "success")
        return redirect(url_for(".index"))

    @expose("/<int:decision_id>/again", methods=("POST",))
    def again(self, decision_id: int) -> Any:
        with self.writing() as session:
            decision = session.get(CustomerDistinct, decision_id)
            if decision is None:
                raise NotFound(_l("There is no such entry."))
            pairs.doubt_again(session, decision, actor=self.actor)
        flash(_("Taken back. The next search may show the two again."), "success")
        return redirect(url_for(".index", show="apart"))

    def _customer(self, number: str, field: str) -> Customer:
        return queries.readable(self.session, number, self.actor, field=field)


def _choices() -> dict[str, str]:
    """Whose value was ticked for each field."""
    return {name.removeprefix("take_"): whose for name, whose in request.form.items() if name.startswith("take_")}


def _people(session: Any, rows: list[CustomerDistinct]) -> dict[int, Customer]:
    return {key: session.get_one(Customer, key) for one in rows for key in (one.one_id, one.other_id)}


def _whole(raw: str | None) -> int | None:
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise InvalidInput(_l("This page of the list cannot be found. Begin at its first page."), field="after", value=raw[:40])
    return int(raw)
