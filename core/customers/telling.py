"""What the maker of a form is told: that it was approved, rejected or entered, in the transaction of the act itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.auth.models import User
from core.customers.models import CustomerForm
from core.i18n import lazy_gettext as _l
from core.i18n import lazy_ngettext
from core.notices.services import notify
from core.numbering import printed
from core.text import isolate


def approved(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    _tell(session, form, _l("Your form %(number)s is approved by %(name)s and waits for entry.", **_of(session, form, actor)), actor, now)


def rejected(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    _tell(session, form, _l("Your form %(number)s is rejected by %(name)s; the reason stands on it.", **_of(session, form, actor)), actor, now)


def entered(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """With the customer's number where the form holds one customer, with how many where it is an import."""
    of = _of(session, form, actor)
    customer = form.line.customer if form.single else None
    if customer is None:
        text = lazy_ngettext("Your form %(number)s is entered by %(name)s: %(num)s customer.",
                             "Your form %(number)s is entered by %(name)s: %(num)s customers.", form.line_count, **of)
    elif form.kind == "new":
        text = _l("Your form %(number)s is entered by %(name)s; the customer's number is %(customer)s.", customer=isolate(printed(customer.number)), **of)
    elif form.kind == "merge":
        text = _l("Your form %(number)s is entered by %(name)s; both records are now the customer %(customer)s.",
                  customer=isolate(printed(customer.number)), **of)
    elif form.kind == "unmerge":
        text = _l("Your form %(number)s is entered by %(name)s; the merge into %(customer)s is undone.", customer=isolate(printed(customer.number)), **of)
    elif form.kind == "erase":
        text = _l("Your form %(number)s is entered by %(name)s; the data of customer %(customer)s is erased.", customer=isolate(printed(customer.number)), **of)
    else:
        text = _l("Your form %(number)s is entered by %(name)s; the customer %(customer)s is changed.", customer=isolate(printed(customer.number)), **of)
    _tell(session, form, text, actor, now)


def _of(session: Session, form: CustomerForm, actor: Actor) -> dict[str, Any]:
    person = session.get(User, actor.user_id) if actor.user_id is not None else None
    return {"number": isolate(form.number or ""), "name": person.name if person is not None else actor.label}


def _tell(session: Session, form: CustomerForm, text: Any, actor: Actor, now: datetime) -> None:
    """The maker alone; who acts on what he made himself knows of it."""
    if form.made_by != actor.user_id:
        notify(session, [form.made_by], text, link=f"/customers/forms/{form.id}", now=now)
