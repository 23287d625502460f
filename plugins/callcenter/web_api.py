"""Calls that the exchange sends itself, with a token or a signature, instead of a file in the folder (CALL-01)."""

from __future__ import annotations

from typing import Any

from core.auth.actor import authorize
from core.i18n import lazy_gettext as _l
from core.imports import direct
from core.imports.offers import NO_FILE, Context, Importer
from core.rest.offers import LARGE_BODY, Call, Resource
from plugins.callcenter import exchange, importers


def resources() -> list[Resource]:
    return [
        Resource("callcenter.calls", "POST", "/calls", _l("Send calls of the exchange"), exchange.IMPORT, take_in, body=direct.lines_schema(_importer()),
                 answer=direct.answer_schema({"call": {"type": "integer"}}), signed=True, most_bytes=LARGE_BODY,
                 about=_l("Up to 1,000 legs, as in a file of the exchange: those with the same “linked” are one call, and a leg that comes late joins its "
                          "call. A leg that is there already adds nothing. With a token, or signed with a key of the association.")),
    ]


def _importer() -> Importer:
    return next(one for one in importers.importers() if one.name == "callcenter.records")


def take_in(call: Call) -> dict[str, Any]:
    """Take in the good legs and list the others, as an import does."""
    authorize(call.session, call.actor, exchange.IMPORT, rule="CALL-01")
    importer = _importer()
    judged = direct.judge(call.session, importer, call.body["lines"], actor=call.actor)
    good, context = direct.good(judged), Context(NO_FILE, call.actor, source=call.actor.label)
    made = importer.apply(call.session, [one.line for one in good], context, actor=call.actor, now=call.now)
    for one, number in zip(good, made, strict=True):
        one.id = number
    return direct.told(judged, lambda one: {"call": one.id} if one.id is not None and one.outcome != "refused" else {})
