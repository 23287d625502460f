"""Addresses inside an association: what hooks, notices and steps store and offer, without the prefix it is served under."""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request, url_for


def path_to(endpoint: str, **values: Any) -> str:
    """Where ``endpoint`` lies inside the association: ``/customers/1042712``, whatever prefix the server gives it."""
    address = url_for(endpoint, **values)
    return address.removeprefix(request.script_root) if has_request_context() else address


def inside(path: str | None) -> str:
    """A link of this page to an address inside the association; ``#part`` stays, nothing stays nothing."""
    if not path or path.startswith("#"):
        return path or ""
    return f"{request.script_root}{path}"
