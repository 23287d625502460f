"""Requests and answers held against their schemas: every fault with its field, in the reader's language. No session, no Flask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from core.errors import InvalidInput, InvalidInputs
from core.i18n import lazy_gettext as _l
from core.rest.offers import Schema
from core.text import isolate

MOST_FAULTS = 50
SHOWN = 60
BROKEN = re.compile("[\ud800-\udfff\x00\ufffd]")
DAY, MOMENT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]")
formats = FormatChecker(formats=())


@formats.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(DAY.fullmatch(value) and date.fromisoformat(value))


@formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """ISO 8601 with its offset: a moment that does not say in which time zone is not guessed."""
    if not isinstance(value, str):
        return True
    moment = datetime.fromisoformat(value) if MOMENT.match(value) else None
    return moment is not None and moment.tzinfo is not None and 1900 <= moment.year <= 2200


def parse(raw: bytes) -> Any:
    """The JSON of a body. Raises InvalidInput for anything else, for names given twice, and for text that no database may hold."""
    try:
        found = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        if isinstance(exc, _Double):
            name = str(exc)[:SHOWN]
            raise InvalidInput(_l("“%(name)s” is given twice; nothing was saved. Give each field once.", name=name), field=name) from None
        raise InvalidInput(_l("The body is not valid JSON; nothing was saved.")) from None
    _check_texts(found, "")
    return found


class _Double(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise _Double(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _check_texts(value: Any, where: str) -> None:
    if isinstance(value, str) and BROKEN.search(value):
        raise InvalidInput(_l("What was sent holds a character that no text may hold (NUL or a broken one). Nothing was saved; type it again."),
                           field=where or None)
    if isinstance(value, dict):
        for name, one in value.items():
            _check_texts(name, where)
            _check_texts(one, f"{where}.{name}".lstrip(".")[:200])
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _check_texts(one, f"{where}.{number}".lstrip("."))


def check(value: Any, schema: Schema) -> None:
    """Raise InvalidInputs with each place where ``value`` is not what ``schema`` says."""
    faults = list(_faults(value, schema))
    if faults:
        raise InvalidInputs(faults)


def fits(value: Any, schema: Schema) -> str:
    """Empty, or in English what an answer of ours breaks; that is a fault of the program."""
    first = next(iter(_validator(json.dumps(schema, sort_keys=True)).iter_errors(value)), None)
    return "" if first is None else f"{first.json_path}: {first.message[:300]}"


def query_values(given: Mapping[str, list[str]], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The query's values by their schemas; digits become numbers where the schema asks one. Raises InvalidInputs."""
    faults = [InvalidInput(_l("“%(value)s” is given twice.", value=name[:SHOWN]), field=name[:SHOWN]) for name, values in given.items() if len(values) > 1]
    if faults:
        raise InvalidInputs(faults)
    values = {name: _number(one[0], schemas.get(name, {})) for name, one in given.items()}
    required = [name for name, schema in schemas.items() if schema.get("x-required")]
    check(values, {"type": "object", "properties": dict(schemas), "required": required, "additionalProperties": False})
    return values


def _number(text: str, schema: Schema) -> Any:
    whole = schema.get("type") == "integer" and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19
    return int(text) if whole else text


@lru_cache(maxsize=200)
def _validator(schema: str) -> Any:
    return Draft202012Validator(json.loads(schema), format_checker=formats)


def _faults(value: Any, schema: Schema) -> Iterator[InvalidInput]:
    """Each fault once: of several missing fields the validator says each time which are missing."""
    seen: set[tuple[str | None, str]] = set()
    for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(value):
        for fault in _told(error):
            if len(seen) >= MOST_FAULTS:
                return
            if (fault.field, str(error.validator)) not in seen:
                seen.add((fault.field, str(error.validator)))
                yield fault


def _told(error: ValidationError) -> Iterator[InvalidInput]:
    where = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "required":
        for name in (one for one in error.validator_value if one not in error.instance):
            yield InvalidInput(_l("“%(name)s” is missing.", name=name), field=_joined(where, name))
        return
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in (one for one in error.instance if one not in known):
            yield InvalidInput(_l("“%(name)s” is no field of this request. There are: %(known)s.", name=isolate(name[:SHOWN], "auto"),
                                  known=", ".join(known) or "–"), field=_joined(where, name)[:200], value=name[:SHOWN])
        return
    shown = _shown(error.instance)
    yield InvalidInput(_message(error, shown), field=where or None, value=shown)


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _message(error: ValidationError, shown: str) -> Any:
    rule, value = str(error.validator), error.validator_value
    allowed = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    messages: dict[str, Any] = {
        "type": _l("“%(value)s” is not of the kind: %(kind)s.", value=shown, kind=allowed),
        "enum": _l("“%(value)s” is none of: %(known)s.", value=shown, known=allowed),
        "const": _l("“%(value)s” is none of: %(known)s.", value=shown, known=allowed),
        "format": _l("“%(value)s” is not written as %(kind)s: a day as 2026-11-22, a moment with its offset as 2026-11-22T09:40:00+03:00.", value=shown,
                     kind=allowed),
        "maxLength": _l("At most %(n)s characters.", n=allowed), "minLength": _l("At least %(n)s characters.", n=allowed),
        "maxItems": _l("At most %(n)s at once. Send the rest in a further request.", n=allowed), "minItems": _l("At least %(n)s.", n=allowed),
        "minimum": _l("“%(value)s” is less than %(n)s.", value=shown, n=allowed), "maximum": _l("“%(value)s” is more than %(n)s.", value=shown, n=allowed),
        "pattern": _l("“%(value)s” is not written as the document of the interface says.", value=shown),
    }
    return messages.get(rule) or _l("“%(value)s” is not what the document of the interface says (%(rule)s).", value=shown, rule=rule)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:SHOWN]
