"""Who contacts customers, and whether he asks: read from the source of a plugin, so that no sender is missed by not being called.

A sign of contacting is a module by which messages leave the house, or a customer's number or address in the hand. Asking
is a call into ``core.consent`` that judges a single contact or narrows a list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

LEAVING = ("smtplib", "email.message", "email.mime", "imaplib", "ftplib", "socket", "http.client", "urllib.request", "requests", "httpx", "aiohttp", "urllib3",
           "websockets", "paramiko", "twilio", "core.notices.domain.message")
"""Modules by which something leaves the house."""
SENDING = frozenset({"queue_mail", "deliver"})
"""Functions of ``core.notices.services`` that take any address; ``notify`` and ``mail_user`` go to users alone."""
POINTS = frozenset({"mobile", "phone", "email", "address"})
ASKING = frozenset({"check_contact", "reach", "contactable"})
HOOK = "contact_objections"


def parsed(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(folder.rglob("*.py")):
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def leaving(tree: ast.Module) -> set[str]:
    return {name for name in imports(tree) if any(name == one or name.startswith(f"{one}.") for one in LEAVING)}


def sendings(tree: ast.Module) -> list[str]:
    """Calls of ``SENDING`` where notices are imported, as ``line what``."""
    if not any(name.startswith("core.notices") for name in imports(tree)):
        return []
    return [f"{node.lineno} calls {name}" for node in ast.walk(tree) if isinstance(node, ast.Call) and (name := _called(node)) in SENDING]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


def signs_of_contact(folder: Path) -> list[str]:
    """Where a plugin reads a customer's contact point or could send something, as ``file:line what``."""
    found = []
    for file, tree in parsed(folder):
        found += [f"{file.name}: imports {name}" for name in sorted(leaving(tree))]
        found += [f"{file.name}:{one}" for one in sendings(tree)]
        found += [f"{file.name}:{node.lineno} reads {node.attr} of a customer" for node in ast.walk(tree)
                  if isinstance(node, ast.Attribute) and node.attr in POINTS and _is_customer(node.value)]
    return found


def _is_customer(value: ast.expr) -> bool:
    """``customer.mobile``, ``Customer.mobile`` and ``row.customer.mobile``."""
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
    return name.lower() == "customer"


def ways_of_asking(folder: Path) -> set[str]:
    """Which of ``ASKING`` a plugin calls, of what it imports from ``core.consent``."""
    found = set()
    for _file, tree in parsed(folder):
        if any(name.startswith("core.consent.") for name in imports(tree)):
            found |= {_called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return found & ASKING


def asks_the_hook_itself(folder: Path) -> list[str]:
    """Where somebody asks the plugins and so passes by core's own rules: the hook's name as a text, or called on the manager."""
    return [f"{file.name}:{node.lineno}" for file, tree in parsed(folder) for node in ast.walk(tree)
            if (isinstance(node, ast.Constant) and node.value == HOOK) or (isinstance(node, ast.Attribute) and node.attr == HOOK)]
