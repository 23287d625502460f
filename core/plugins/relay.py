"""Asking and telling plugins: each by itself, knowing who answered.

``ask`` collects what plugins offer: a raising one is named as failed and the others' answers stand. ``tell`` announces
inside the transaction: a raising one refuses the whole act. ``first`` is for what one plugin does for whoever needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pluggy

from core.errors import AppError, Conflict
from core.i18n import lazy_gettext as _l

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """One implementer's answer; ``error`` when it raised."""

    owner: str
    value: Any = None
    error: Exception | None = None


class Relay:
    """The hooks of one association's app, as services reach them: ``session.info["hooks"]``."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.manager = manager

    def ask(self, hook: str, **arguments: Any) -> Iterator[Answer]:
        """Each implementation's answer, in order of registration; failures are logged and returned as such."""
        for implementation in self._implementations(hook):
            try:
                yield Answer(implementation.plugin_name, _call(implementation, arguments))
            except Exception as exc:
                log.exception("plugin %s failed in %s", implementation.plugin_name, hook)
                yield Answer(implementation.plugin_name, error=exc)

    def tell(self, hook: str, **arguments: Any) -> None:
        """Announce to every listener; the first that raises refuses the act and is named."""
        for implementation in self._implementations(hook):
            _told(implementation, hook, arguments)

    def answers(self, hook: str) -> bool:
        """Whether somebody who is on implements this hook."""
        return bool(self._implementations(hook))

    def first(self, hook: str, **arguments: Any) -> Any:
        """The first answer that is one, for what a single plugin does; None where nobody does it. Raising refuses, as in ``tell``."""
        for implementation in self._implementations(hook):
            answer = _told(implementation, hook, arguments)
            if answer is not None:
                return answer
        return None

    def objections(self, hook: str, **arguments: Any) -> list[Any]:
        """All reasons against; an implementation that fails is a reason too."""
        reasons: list[Any] = []
        for answer in self.ask(hook, **arguments):
            if answer.error is not None:
                reasons.append(_l("The plugin “%(name)s” could not be asked.", name=answer.owner))
            reasons += answer.value or ()
        return reasons

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        caller = getattr(self.manager.hook, hook, None)
        return list(caller.get_hookimpls()) if caller is not None else []


def _call(implementation: pluggy.HookImpl, arguments: dict[str, Any]) -> Any:
    return implementation.function(*(arguments[name] for name in implementation.argnames))


def _told(implementation: pluggy.HookImpl, hook: str, arguments: dict[str, Any]) -> Any:
    """What it answers; a refusal passes, a failure refuses the act and names the plugin."""
    try:
        return _call(implementation, arguments)
    except AppError:
        raise
    except Exception as exc:
        log.exception("plugin %s refused %s", implementation.plugin_name, hook)
        raise Conflict(_l("The plugin “%(name)s” failed while being told of this, so nothing was saved."
                          " Ask the administrator to look at it or turn it off.",
                          name=implementation.plugin_name)) from exc
