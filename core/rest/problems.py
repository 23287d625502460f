"""What went wrong, as other systems read it: RFC 9457, in the language that was asked for."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, g

from core.errors import AppError, TooManyAttempts, faults
from core.i18n import language
from core.i18n import lazy_gettext as _l

MEDIA_TYPE = "application/problem+json"
KINDS = {400: "unreadable", 401: "not-recognised", 403: "not-allowed", 404: "not-found", 405: "wrong-method", 409: "conflict", 413: "too-large",
         415: "not-json", 422: "invalid", 429: "too-many", 500: "fault", 503: "unavailable"}
TITLES: dict[int, Any] = {
    400: _l("This request cannot be read"), 401: _l("Not recognised"), 403: _l("Not allowed"), 404: _l("Nothing is at this address"),
    405: _l("This address does not work that way"), 409: _l("It contradicts what is there"), 413: _l("The request is too large"),
    415: _l("This is not taken here"), 422: _l("What was sent breaks a rule"), 429: _l("Too many requests"), 500: _l("Something went wrong here"),
    503: _l("Diwan cannot answer just now"),
}
LONGEST_VALUE = 80


class Refused(AppError):
    """A request that is refused for its shape, with a status of its own."""

    def __init__(self, status: int, message: Any, **more: Any) -> None:
        super().__init__(message, **more)
        self.status = status


def of(error: AppError) -> Response:
    """The problem of one error, with each of its faults."""
    several = faults(error)
    more = {"errors": [_fault(one) for one in several]} if len(several) > 1 else {}
    response = answer(error.status, str(error), **_parts(several[0]), **more)
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def answer(status: int, detail: str | None = None, **more: Any) -> Response:
    title = TITLES.get(status, TITLES[500 if status >= 500 else 400])
    body = {"type": f"urn:diwan:problem:{KINDS.get(status, 'fault' if status >= 500 else 'unreadable')}", "title": str(title), "status": status,
            "detail": detail or str(title), **more, "reference": str(g.get("reference", ""))}
    response = Response(json.dumps(body, ensure_ascii=False) + "\n", status=status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = language()
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="diwan"'
    return response


def _fault(error: AppError) -> dict[str, Any]:
    return {"detail": str(error.message), **_parts(error)}


def _parts(error: AppError) -> dict[str, Any]:
    value = None if error.value is None else str(error.value)[:LONGEST_VALUE]
    return {key: found for key, found in (("field", error.field), ("value", value), ("rule", error.rule)) if found is not None}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "reference"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "field": {"type": "string"}, "value": {"type": "string"}, "rule": {"type": "string"}, "reference": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "required": ["detail"], "additionalProperties": False, "properties": {
            "detail": {"type": "string"}, "field": {"type": "string"}, "value": {"type": "string"}, "rule": {"type": "string"}}}},
    },
    "additionalProperties": False,
}
