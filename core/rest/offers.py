"""What other systems may call: resources as data, offered through ``register_api``. The OpenAPI document is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor

Schema = Mapping[str, Any]
"""JSON Schema 2020-12, as OpenAPI 3.1 has it."""
SMALL_BODY, LARGE_BODY = 64 * 1024, 2 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """One request, checked against its schemas: ``path`` and ``query`` by name, ``body`` as it was sent.

    ``operation_key`` is made of the ``Idempotency-Key`` and the token, for services that keep one: the same request again has
    the same. None where none was given.
    """

    session: Session
    actor: Actor
    now: datetime
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    operation_key: str | None = None


@dataclass(frozen=True)
class File:
    """An answer that is a file. ``log`` writes its audit entry, committed before the first byte leaves; None where that is written."""

    name: str
    media_type: str
    content: bytes
    sha256: str
    log: Callable[[Session], None] | None = None


@dataclass(frozen=True)
class Resource:
    """One thing that another system may ask or send.

    ``name`` is ``<owner>.<what>``; ``path`` begins with a slash and follows ``/api/v1``, with ``{names}`` of what is variable.
    ``permission`` is what the token needs, None where ``run`` asks it by itself (each report has its own); ``also`` are further ones
    that widen the answer. ``run`` calls a service and returns what ``answer`` describes, or a ``File`` of one of the media types in
    ``files``. ``writes``: it runs in a writing transaction, which core commits; by default every POST. ``key`` says that an
    ``Idempotency-Key`` must come with it; any writing one may. ``signed`` lets a signature stand in for a token.
    """

    name: str
    method: str
    path: str
    title: Any
    permission: str | None
    run: Callable[[Call], Any]
    answer: Schema | None = None
    body: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    about: Any = ""
    also: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    status: int = 200
    writes: bool | None = None
    key: bool = False
    signed: bool = False
    most_bytes: int = SMALL_BODY
    tag: Any = ""

    @property
    def writing(self) -> bool:
        return self.method == "POST" if self.writes is None else self.writes

    @property
    def keyed(self) -> bool:
        """Whether its answers are kept by an ``Idempotency-Key``."""
        return self.writing and self.body is not None and not self.files

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of what is variable in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


def record(properties: Schema, *, required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False, **more}


def text(longest: int, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, **more}


def maybe(schema: Schema) -> dict[str, Any]:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}


def grantable(resources: list[Resource], reports: list[Any]) -> tuple[str, ...]:
    """The permissions that a token can have: those that some resource or report asks. Nothing else can be done with one."""
    asked = [name for one in resources for name in (one.permission, *one.also) if name]
    return tuple(dict.fromkeys([*asked, *(one.permission for one in reports)]))
