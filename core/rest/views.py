"""The page on which other systems are let in: tokens made, shown once and revoked, and the document of what they may ask."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, flash, redirect, request, url_for
from sqlalchemy import select
from wtforms.fields import SelectChoice

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.errors import AppError, NotAllowed, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, Department
from core.rest import openapi, queries, services
from core.rest.edge import PREFIX
from core.rest.forms import SCOPES, TokenForm
from core.rest.models import RestToken
from core.rest.offers import Resource
from core.state import state

STATES = {"valid": (_l("valid"), "good"), "ending": (_l("ends soon"), "warn"), "expired": (_l("expired"), ""), "revoked": (_l("revoked"), "bad")}


class TokensView(PageView):
    page_url = "/settings/api"
    page_endpoint = "rest_tokens"
    permission = services.MANAGE
    menu_title = _l("Other systems")
    menu_group = "administration"
    menu_order = 64
    menu_icon = "link"
    help = Help(
        _l("Systems that ask this one by themselves: the donation site, the telephone exchange, accounting."),
        can=_l("Give each a token of its own with just what it needs, see how much it is used, shut it out."),
        decides=_l("The administrator. What a token may do are permissions of the matrix; it never signs in and never decides."),
        then=_l("Everything a system does stands in the audit log under its name. A revoked token is refused at its next request, which is logged too."),
    )

    @expose("/")
    def index(self) -> Any:
        shown = queries.tokens(self.session, self.now())
        return self.render("rest/tokens.html", tokens=shown, states=STATES, titles=self._titles(), address=self._address(),
                           scopes=dict(SCOPES), places=self._places([one.token for one in shown]))

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> Any:
        form = self._form()
        if request.method == "POST" and form.validate():
            try:
                with self.writing() as session:
                    made = services.add_token(
                        session, name=form.name.data or "", kind=form.kind.data, permissions=form.permissions.data or [], scope=form.scope.data,
                        department_id=_id(form.department_id.data), centre_id=_id(form.centre_id.data), days=form.days.data or 0,
                        per_minute=form.per_minute.data or 0, operation_key=form.operation_key.data, actor=self.actor, now=self.now())
                    token_id, secret = made.token.id, made.secret
                return self.render("rest/token_made.html", token=self._token(token_id), secret=secret, address=self._address())
            except NotAllowed:
                raise
            except AppError as error:
                self.show_faults(form, error)
        return self.render("rest/token_form.html", form=form), 422 if form.errors or form.form_errors else 200

    @expose("/<int:token_id>/revoke", methods=("POST",))
    def revoke(self, token_id: int) -> Any:
        with self.writing() as session:
            name = services.revoke_token(session, self._token(token_id), actor=self.actor, now=self.now()).name
        flash(_("“%(name)s” is shut out from its next request on.", name=name), "success")
        return redirect(url_for(".index"))

    @expose("/reference")
    def reference(self) -> Any:
        """What other systems may ask and send, for people to read."""
        document = self._document()
        parts: dict[str, list[tuple[Resource, dict[str, Any]]]] = {}
        for offer in state().offers.get("register_api", ()):
            parts.setdefault(str(state().owner_title(offer.owner)), []).append((offer.item, openapi.operation(offer.item)))
        return self.render("rest/reference.html", document=document, parts=parts, titles=self._titles(), address=self._address(), fields=_fields,
                           example=openapi.example)

    @expose("/openapi.json")
    def document(self) -> Response:
        body = json.dumps(self._document(), ensure_ascii=False, indent=1) + "\n"
        return Response(body, content_type="application/json", headers={"Content-Disposition": 'attachment; filename="openapi.json"'})

    # --- what the pages share -------------------------------------------------------------------------------------------

    def _document(self) -> dict[str, Any]:
        return openapi.document(state().offered("register_api"), state().association.name.localized(), self._address())

    def _address(self) -> str:
        return f"{request.host_url.rstrip('/')}{request.script_root}{PREFIX}"

    def _titles(self) -> dict[str, Any]:
        """What each permission is called; the bare name of one whose plugin is off."""
        return {name: one.title for name, one in state().permissions.items()}

    def _token(self, token_id: int) -> RestToken:
        token = self.session.get(RestToken, token_id)
        if token is None:
            raise NotFound(_l("There is no such token."))
        return token

    def _places(self, tokens: list[RestToken]) -> dict[int, Any]:
        """The department or centre of each token that is bound to one."""
        found = {}
        for one in tokens:
            row = self.session.get(Department, one.department_id) if one.department_id else self.session.get(Centre, one.centre_id) if one.centre_id else None
            if row is not None:
                found[one.id] = row.name
        return found

    def _form(self) -> TokenForm:
        form, titles = TokenForm(), self._titles()
        form.permissions.choices = [SelectChoice(name, titles.get(name, name)) for name in self.session.info["grantable"]]
        departments, centres = self.session.scalars(select(Department).order_by(Department.id)), self.session.scalars(select(Centre).order_by(Centre.id))
        form.department_id.choices = [SelectChoice("", "–"), *(SelectChoice(str(one.id), one.name) for one in departments)]
        form.centre_id.choices = [SelectChoice("", "–"), *(SelectChoice(str(one.id), one.name) for one in centres)]
        return form


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _fields(schema: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    """The fields of a body or an answer as rows: path, kind, whether needed, and what it is; those of a list's lines with their place."""
    return list(openapi.rows(schema))
