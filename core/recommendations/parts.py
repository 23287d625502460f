"""Parts for other owners' pages: the recommendations of a record with a form to raise one, those to decide, those to follow up.

A template writes ``{{ recommendations.of(record) }}``. Who may not read recommendations gets nothing there. The form goes
to this area's own address with the source signed for this person, and comes back to the record's page.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup
from sqlalchemy.orm import Session

from core import settings, work
from core.admin.views import current_actor
from core.auth.actor import Actor
from core.calendar import day_bounds, local_day
from core.database import db
from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.recommendations import queries, services
from core.recommendations.domain import STATE_NAMES, TONES, Source
from core.recommendations.forms import PREFIX, ProposeForm
from core.recommendations.models import FOLLOWED, Recommendation
from core.state import state


def parts() -> Blueprint:
    """No pages: it lets every template say ``recommendations.of(…)``."""
    blueprint = Blueprint("recommendations", __name__, url_prefix="/recommendations")
    blueprint.app_context_processor(lambda: {"recommendations": Parts()})
    return blueprint


class Parts:
    """What templates call. Each part leads back to the page it stands on."""

    def of(
        self, record: Any, *, label: str | None = None, link: str | None = None, plugin: str | None = None, decision: str | None = None,
        department_id: int | None = None, period: tuple[date, date] | None = None, raising: bool = True,
    ) -> Markup:
        """Those raised from ``record``, with a form to raise one for who may; ``raising=False`` leaves the form out.

        ``link`` is the record's page inside the association, by default this one. The rest is read from the record where not
        given (``services.source_of``); ``decision`` names a line of the plugin's in the table of authorities.
        """
        session, actor = _session(), current_actor()
        if not actor.may(services.READ):
            return Markup("")
        form = None
        if raising and actor.may(services.PROPOSE):
            source = services.source_of(session, record, label=label, link=link or request.path, plugin=plugin, decision=decision,
                                        department_id=department_id, period=period)
            form = ProposeForm(formdata=None, prefix=PREFIX)
            form.of_record(sign(source, actor))
        return rendered("recommendations/_of.html", rows=queries.visible(session, queries.of_source(session, record), actor), form=form)

    def waiting(self, *, plugin: str | None = None, department_id: int | None = None, first: date | None = None, last: date | None = None) -> Markup:
        """One card for each that waits for this person's decision, due first; nothing for who decides none."""
        rows = queries.to_decide(_session(), current_actor(), plugin=plugin, department_id=department_id, first=first, last=last)
        return rendered("recommendations/_cards.html", rows=rows) if rows else Markup("")

    def followed(
        self, *, plugin: str | None = None, department_id: int | None = None, before: date | None = None, into: tuple[date, date] | None = None,
    ) -> Markup:
        """Adopted and not carried out: each to be marked as carried out or given its cause (RPT-06, RPT-07).

        ``into``: the period of the page, into which each can be carried over; those that were stand there with their state.
        """
        session, actor = _session(), current_actor()
        if not actor.may(services.READ):
            return Markup("")
        found = [*queries.followed(session, plugin=plugin, department_id=department_id, before=before)]
        found += queries.carried_into(session, *into, plugin=plugin, department_id=department_id) if into is not None else []
        return rendered("recommendations/_followed.html", rows=queries.visible(session, found, actor), into=into,
                        period=sign_period(into, actor) if into is not None else "", lacks_cause=_lacks_cause)


def rendered(template: str, **context: Any) -> Markup:
    return Markup(render_template(template, back_to=request.path, **context, **tools()))


def tools() -> dict[str, Any]:
    """What the templates of this area need beside their rows."""
    actor = current_actor()
    return {"names": STATE_NAMES, "tones": TONES, "due_of": due_of, "may_follow": actor.may(services.FOLLOW), "open_states": FOLLOWED,
            "source_open": source_open, "may_decide": lambda one: queries.may_decide(_session(), one, actor)}


def due_of(one: Recommendation) -> Any:
    """What the due badge reads: until the end of its day, late by days; None without a day, or when it is declined."""
    if one.due_on is None or one.state == "declined":
        return None
    until: datetime = day_bounds(one.due_on, settings.time_zone(_session()))[1]
    return SimpleNamespace(opened_at=one.raised_at, due_at=until, closed_at=one.done_at, duration="P1D")


def source_open(one: Recommendation) -> bool:
    """Whether the page it was raised on is there: not while its plugin is off."""
    return bool(one.link) and one.plugin in {"core", *(each.name for each in state().active)}


def _lacks_cause(one: Recommendation) -> bool:
    return services.lacks_cause(one, local_day(work.now(), settings.time_zone(_session())))


# --- a source that comes back with a form -----------------------------------------------------------------------------


def sign(source: Source, actor: Actor) -> str:
    """A source as a form carries it: for this person only, and not to be changed."""
    days = [day.isoformat() for day in source.period] if source.period else None
    return str(_serializer().dumps({**asdict(source), "period": days, "user": actor.user_id}))


def sign_period(period: tuple[date, date], actor: Actor) -> str:
    """A period as a form carries it, likewise."""
    return str(_serializer().dumps({"period": [day.isoformat() for day in period], "user": actor.user_id}))


def unsign_period(token: str, actor: Actor) -> tuple[date, date]:
    """The period again. Raises InvalidInput, as ``unsign``."""
    first, last = _facts(token, actor)["period"]
    return date.fromisoformat(first), date.fromisoformat(last)


def unsign(token: str, actor: Actor) -> Source:
    """The source again. Raises InvalidInput for one that was changed or is somebody else's."""
    facts = _facts(token, actor)
    days = facts.pop("period")
    return Source(**facts, period=(date.fromisoformat(days[0]), date.fromisoformat(days[1])) if days else None)


def _facts(token: str, actor: Actor) -> dict[str, Any]:
    try:
        facts = _serializer().loads(token)
    except BadSignature:
        facts = {}
    if facts.pop("user", None) != actor.user_id or actor.user_id is None:
        raise InvalidInput(_l("This form does not belong to a page that you opened. Open the page again and write it there."), field="source")
    return dict(facts)


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(state().keys.session, salt="recommendations.source")


def _session() -> Session:
    return work.real(db.session)
