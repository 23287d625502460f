"""The OpenAPI 3.1 document of one association's resources, made of what was offered. No Flask, no session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.i18n import gettext as _
from core.rest import problems
from core.rest.models import LONGEST_KEY
from core.rest.offers import Resource

VERSION = "1.0"
PROBLEMS = {400: "Unreadable", 401: "Not recognised", 403: "Not allowed", 404: "Not found", 409: "Conflict", 413: "Too large", 415: "Not JSON",
            422: "Invalid", 429: "Too many requests", 503: "Unavailable"}


def document(resources: Sequence[Resource], association: str, server: str) -> dict[str, Any]:
    """The whole document; ``server`` is where its paths begin."""
    paths: dict[str, dict[str, Any]] = {}
    for one in resources:
        paths.setdefault(one.path, {})[one.method.lower()] = operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Diwan · {association}", "version": VERSION, "description": _(
            "For other systems. Each shows a token of its own; what a token may do, the administrator says. Errors are problem details (RFC 9457) "
            "in the language of Accept-Language.")},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "signature": {"type": "apiKey", "in": "header", "name": "X-Diwan-Signature", "description": _(
                    "HMAC-SHA256 in hexadecimal digits over X-Diwan-Timestamp (seconds since 1970), a dot and the body, under the key that was shown; its "
                    "open part stands in X-Diwan-Key. Five minutes old at most, and taken once.")},
            },
            "schemas": {"Problem": problems.SCHEMA},
        },
    }


def operation(one: Resource) -> dict[str, Any]:
    """One method of one path."""
    needed = [one.permission, *one.also] if one.permission else list(one.also)
    found: dict[str, Any] = {
        "operationId": one.name.replace(".", "_"), "summary": str(one.title), "tags": [one.name.split(".")[0]],
        "description": str(one.about), "parameters": [*_path(one), *_query(one.query), *_key(one)], "responses": responses(one),
        "x-permissions": needed,
    }
    if one.signed:
        found["security"] = [{"token": []}, {"signature": []}]
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": one.body}}}
    return found


def _path(one: Resource) -> Iterable[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 100}} for name in one.variables]


def _query(schemas: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for name, schema in schemas.items():
        plain = {key: value for key, value in schema.items() if key != "x-required"}
        yield {"name": name, "in": "query", "required": bool(schema.get("x-required")), "schema": plain}


def _key(one: Resource) -> Iterable[dict[str, Any]]:
    if one.keyed:
        yield {"name": "Idempotency-Key", "in": "header", "required": one.key, "description": _(
            "A text of your own, new for each thing to be made: the same request sent again with it gets the first answer, for thirty days."),
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"}}


def responses(one: Resource) -> dict[str, Any]:
    content = {**({"application/json": {"schema": one.answer}} if one.answer is not None else {}),
               **{media: {"schema": {"type": "string"}} for media in one.files if not (media == "application/json" and one.answer is not None)}}
    found: dict[str, Any] = {str(one.status): {"description": str(one.title), "content": content}}
    known = [400, 401, 403, 404, *((409,) if one.method == "POST" else ()), *((413, 415) if one.body is not None else ()), 422, 429, 503]
    for status in known:
        found[str(status)] = {"description": PROBLEMS[status], "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        if status == 429:
            found["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


# --- for people to read ---------------------------------------------------------------------------------------------------


def rows(schema: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str, bool, str]]:
    """(path, kind, whether needed, what it is) of each field; ``lines[].day`` is one of each line."""
    needed = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield f"{before}{name}", kind_of(one), name in needed, str(one.get("description", ""))
        inner = one.get("items", {}) if one.get("type") == "array" else one
        yield from rows(inner, f"{before}{name}{'[]' if one.get('type') == 'array' else ''}.")


def kind_of(schema: Mapping[str, Any]) -> str:
    """A field's kind in one line: ``string (date)``, ``one of: a, b``."""
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    kind = schema.get("type", "object")
    text = " | ".join(kind) if isinstance(kind, list) else str(kind)
    more = [str(schema["format"])] if "format" in schema else [f"≤ {schema['maxLength']}"] if "maxLength" in schema else []
    return f"{text} ({', '.join(more)})" if more else text


def example(one: Resource, address: str) -> str:
    """The request as a command."""
    lines = [f"curl -X {one.method} '{address}{one.path}{_example_query(one)}'", "-H 'Authorization: Bearer diwan_…'"]
    if one.keyed:
        lines.append("-H 'Idempotency-Key: order-4711'")
    if one.body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(sample(one.body), ensure_ascii=False)}'"]
    return " \\\n  ".join(lines)


def _example_query(one: Resource) -> str:
    return "?" + "&".join(f"{name}=…" for name in one.query) if one.query else ""


def sample(schema: Mapping[str, Any]) -> Any:
    """The least that the schema asks for."""
    kind = schema.get("type")
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        return {name: sample(schema["properties"][name]) for name in schema.get("required", ())}
    if kind == "array":
        return [sample(schema["items"])]
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    return {"date": "2026-11-22", "date-time": "2026-11-22T09:40:00+03:00"}.get(schema.get("format", ""), "150.00" if "pattern" in schema else "…")
