"""What a plugin, or an area of core, says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pluggy

PROJECT = "diwan"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

CORE_VERSION = "1.0"


@dataclass(frozen=True)
class Permission:
    """One thing somebody may be allowed to do. ``name`` is ``<owner>.<verb>``, e.g. ``notes.close``.

    ``roles``: slugs of the roles that have it when an association is new; the matrix changes it afterwards.
    """

    name: str
    title: Any
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Role:
    """A role that a plugin brings; core's own come from its catalogue."""

    slug: str
    ar: str
    en: str
    manager: str | None = None
    department: str | None = None


@dataclass(frozen=True)
class Decision:
    """A line of the table of authorities (ORG-08): who decides and who approves, by role slug, changed per association."""

    name: str
    title: Any
    decides: str
    approves: str | None = None


@dataclass(frozen=True)
class Setting:
    """One setting of an association. ``key`` is ``<owner>.<name>``; ``kind`` is bool, int, text, choice (one of ``choices``),
    codes (any number of ``choices``), weekdays, dates, zone (a time zone), or file and secret, which have pages of their own."""

    key: str
    title: Any
    default: Any
    kind: str = "text"
    help: Any = ""
    unit: Any = ""
    choices: tuple[tuple[str, Any], ...] = ()
    group: str = "general"


@dataclass(frozen=True)
class AreaInfo:
    """An area of core: what it may do and what it needs, in the same words as a plugin's manifest."""

    name: str
    title: Any
    permissions: tuple[Permission, ...] = ()
    settings: tuple[Setting, ...] = ()
    decisions: tuple[Decision, ...] = ()
    untracked: Mapping[str, str] = field(default_factory=dict)
    """Tables kept out of the audit log, each with the reason."""


@dataclass(frozen=True)
class PluginInfo:
    """A plugin's manifest: ``PLUGIN`` in its ``plugin.py``.

    ``name`` is also the prefix of its tables, endpoints, settings, permissions and folders. ``core`` is the range of
    core versions it works with (``">=1.0,<2"``). ``depends`` names plugins it imports from (hard); ``works_with`` those
    it cooperates with by hooks and does without. ``contacts`` names the purposes (``core/consent/catalogue.json``) for which it
    calls, writes to or lists customers; the check sees to it that who says so asks for their consent, and that nobody else does it.
    """

    name: str
    title: Any
    version: str
    summary: Any = ""
    core: str = ">=1.0,<2"
    depends: tuple[str, ...] = ()
    works_with: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    roles: tuple[Role, ...] = ()
    settings: tuple[Setting, ...] = ()
    decisions: tuple[Decision, ...] = ()
    untracked: Mapping[str, str] = field(default_factory=dict)
    contacts: tuple[str, ...] = ()
    icon: str = "puzzle"
