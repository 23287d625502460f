"""Settings of finance: funds, and the accounts and names of each layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for

from core import settings
from core.admin.help import Help
from core.admin.views import PageView, expose
from core.errors import InvalidInput, InvalidInputs, NotFound
from core.finance import forms, queries, services
from core.finance.accounts import layout_of, layout_settings, save_layout
from core.finance.domain import METHODS
from core.finance.layouts import LAYOUTS
from core.finance.models import Fund
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l


class FinanceSettingsView(PageView):
    page_url = "/finance/settings"
    page_endpoint = "finance_settings"
    permission = "finance.settings"
    menu_title = _l("Accounts and layouts")
    menu_group = "administration"
    menu_order = 34
    menu_icon = "table-export"
    help = Help(
        _l("Funds, and the accounts and names under which each accounting system takes the rows in."),
        can=_l("Add a fund or stop offering it; open a layout and set an account for each way of paying and each fund."),
        decides=_l("Whoever has the permission for finance settings, from the chart of accounts that the accountant keeps."),
        then=_l("The next preview uses the new accounts; batches that were issued keep theirs."),
    )

    @expose("/")
    def index(self, form: Any = None, status: int = 200) -> Any:
        form = form or forms.FundForm()
        ready = {code: self._is_ready(code) for code in LAYOUTS}
        return self.render("finance/settings.html", layouts=LAYOUTS, ready=ready, usual=settings.get(self.session, "finance.layout"),
                           funds=queries.all_funds(self.session), form=form), status

    def _is_ready(self, code: str) -> bool:
        layout, chosen = layout_of(code), layout_settings(self.session, code)
        return not layout.journal or bool(chosen.method_accounts and chosen.fund_accounts and not layout.missing_options(chosen))

    @expose("/funds", methods=("POST",))
    def add_fund(self) -> Any:
        form = forms.FundForm()
        if form.validate():
            try:
                with self.writing() as session:
                    services.save_fund(session, code=form.code.data or "", name_ar=form.name_ar.data or "", name_en=form.name_en.data or "", actor=self.actor)
                flash(_("The fund is saved."), "success")
                return redirect(url_for(".index"))
            except InvalidInput as error:
                self.show_faults(form, error)
        return self.index(form, 422)

    @expose("/funds/<code>/use", methods=("POST",))
    def use_fund(self, code: str) -> Any:
        """Offer a fund, or no longer; what it was used for keeps it."""
        with self.writing() as session:
            fund: Fund | None = queries.fund_by_code(session, code)
            if fund is None:
                raise NotFound(_l("There is no fund “%(value)s”. Add it in the settings of finance.", value=code[:60]))
            services.save_fund(session, fund, code=fund.code, name_ar=fund.name_ar, name_en=fund.name_en, active=not fund.active, actor=self.actor)
        return redirect(url_for(".index"))

    @expose("/layouts/<code>", methods=("GET", "POST"))
    def layout(self, code: str) -> Any:
        layout, errors = layout_of(code), {}
        if request.method == "POST":
            try:
                with self.writing() as session:
                    save_layout(session, code, method_accounts=_part("method"), fund_accounts=_part("fund"), options=_part("option"), actor=self.actor)
                flash(_("The settings are saved."), "success")
                return redirect(url_for(".index"))
            except InvalidInputs as error:
                errors = {fault.field: fault.message for fault in error.faults}
        chosen = layout_settings(self.session, code)
        return self.render("finance/layout.html", layout=layout, chosen=chosen, methods=METHODS, funds=queries.all_funds(self.session),
                           errors=errors, given=request.form), 422 if errors else 200


def _part(prefix: str) -> Mapping[str, str]:
    """The fields ``<prefix>.<key>`` of the form by key."""
    return {name.removeprefix(f"{prefix}."): value for name, value in request.form.items() if name.startswith(f"{prefix}.")}
