"""What a page says of itself: shown beside its title behind a "?" (issue: help on each page).

A view sets ``help = Help(_l("…"), …)``, or a text where one is enough; ``layout.html`` shows it on every page of that view.
A ``<details>``, so it opens without JavaScript too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.i18n import lazy_gettext as _l

HEADINGS = {"about": _l("What this page is for"), "can": _l("What can be done here"), "decides": _l("Who decides"), "then": _l("What happens next")}


@dataclass(frozen=True)
class Help:
    """Own words, each a sentence or two: ``about`` the page, what one ``can`` do, who ``decides``, what happens ``then``.

    Leave a part empty where there is nothing to say.
    """

    about: Any
    can: Any = ""
    decides: Any = ""
    then: Any = ""


def parts_of(told: Any) -> list[tuple[Any, Any]]:
    """Heading and text of each part that there is, in order; a mere text says what the page is for."""
    whole = told if isinstance(told, Help) else Help(told)
    parts = ((heading, getattr(whole, name)) for name, heading in HEADINGS.items())
    return [(heading, text) for heading, text in parts if text]
