"""The global search: says how the input was read, asks every provider the person may ask, and groups what they found."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from core import settings, work
from core.admin.help import Help
from core.admin.offers import Reading, SearchHit, SearchProvider
from core.admin.views import PageView, expose
from core.auth.actor import Actor
from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.numbering import is_valid
from core.phones import parse_phone
from core.state import state
from core.text import check_plain, normalise_digits

log = logging.getLogger("diwan.search")
HITS_EACH = 6
LONGEST = 200


@dataclass(frozen=True)
class Group:
    """One provider's answer; ``failed`` when it raised."""

    title: Any
    hits: list[SearchHit]
    failed: bool = False


class SearchView(PageView):
    page_url = "/search"
    page_endpoint = "core_search"
    help = Help(
        _l("One search over everything you may read."),
        can=_l("Type a number, a phone or a name; the first line says how it was read. The key / opens it from any page."),
    )
    for_everyone = True

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> Any:
        text = check_plain(request.args.get("q", ""), field="q").strip()
        if len(text) > LONGEST:
            raise InvalidInput(_l("A search has at most %(n)s characters.", n=LONGEST), field="q", value=text[:40])
        reading = read(text, str(settings.get(self.session, "core.country"))) if text else None
        groups = ask(self.session, reading, self.actor) if reading else []
        template = "admin/search_results.html" if request.args.get("part") else "admin/search.html"
        return self.render(template, reading=reading, groups=groups, text=text, unsearched=left_out(reading, self.actor) if reading else [])


def read(text: str, region: str) -> Reading:
    """As a number when its check digit is right, as a phone when it is one, else as a name (or a part of anything)."""
    plain = re.sub(r"[\s-]", "", normalise_digits(text))
    if plain.isascii() and plain.isdigit() and is_valid(plain) and 6 <= len(plain) <= 9 and not plain.startswith("0"):
        return Reading(text, "number", plain)
    try:
        return Reading(text, "phone", parse_phone(text, region))
    except InvalidInput:
        return Reading(text, "number" if plain.isascii() and plain.isdigit() else "name", plain if plain.isdigit() else text)


def ask(session: Session, reading: Reading, actor: Actor) -> list[Group]:
    """Every provider whose permission the actor has; one that fails is shown as failed, the rest stands."""
    providers = sorted((one for one in state().offered("register_search") if actor.may(one.permission)), key=lambda one: one.order)
    return [group for one in providers if (group := _ask_one(session, one, reading, actor)).hits or group.failed]


def left_out(reading: Reading, actor: Actor) -> list[Any]:
    """What the providers did not search for because of this actor's roles, so that nothing found is not taken for nothing there."""
    asked = [one.unsearched(reading, actor) for one in state().offered("register_search") if one.unsearched is not None and actor.may(one.permission)]
    return [words for words in asked if words]


def _ask_one(session: Session, provider: SearchProvider, reading: Reading, actor: Actor) -> Group:
    try:
        return Group(provider.title, list(provider.find(session, reading, actor, HITS_EACH)))
    except Exception:
        log.exception("search provider %s failed", provider.name)
        work.rollback(session)  # in a transaction with a failed statement PostgreSQL answers nothing more
        return Group(provider.title, [], failed=True)
