"""Pages for everybody: withdrawing by a link without signing in, and the privacy text.

Looking changes nothing; the button does. Who holds a link is shown nothing of the customer, neither name nor number nor
what he consented to. There is nothing to guess (a token has 144 random bits), and a link pressed again writes nothing, so
that no limit needs to be counted; a wrong one costs one look into an index.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from core import work
from core.auth.actor import system_actor
from core.consent import domain, queries, services
from core.consent.forms import WithdrawForm
from core.database import db
from core.errors import InvalidInput

LARGEST_REQUEST = 16 * 1024


def blueprint() -> Blueprint:
    pages = Blueprint("consent", __name__, url_prefix="/p/consent")
    pages.url_value_preprocessor(lambda endpoint, values: bound_request())
    pages.add_url_rule("/", "privacy", privacy_page)
    pages.add_url_rule("/<token>", "withdraw", withdraw_page, methods=("GET", "POST"))
    pages.app_context_processor(lambda: {"privacy_text": privacy_text})
    return pages


def bound_request() -> None:
    most = request.max_content_length
    request.max_content_length = LARGEST_REQUEST if most is None else min(most, LARGEST_REQUEST)


def privacy_text() -> Any:
    """The privacy text in the reader's language, for registration forms; None before one is published (PERM-16)."""
    found = queries.privacy_text(work.real(db.session))
    return found.text if found is not None else None


def privacy_page() -> Any:
    return render_template("consent/privacy.html", wording=queries.privacy_text(work.real(db.session)))


def withdraw_page(token: str) -> Any:
    session = work.real(db.session)
    if queries.customer_of_link(session, token) is None:
        return unlinked(render_template("consent/no_link.html"), 404)
    form = WithdrawForm()
    form.fill_choices()
    if request.method == "POST" and form.validate():
        try:
            with work.unit_of_work(session):
                services.withdraw_by_link(session, token, form.choice.data or "", actor=system_actor("public", "withdrawal link"), now=work.now())
            return unlinked(render_template("consent/withdrawn.html", choice=domain.withdrawals()[form.choice.data], token=token))
        except InvalidInput as refused:
            form.choice.errors = [*form.choice.errors, refused.message]
    return unlinked(render_template("consent/withdraw.html", form=form, token=token), 422 if request.method == "POST" else 200)


def unlinked(page: str, status: int = 200) -> Response:
    """The address is the key: no search engine keeps it (and no other site hears of it, by the policy of every page)."""
    response = make_response(page, status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
