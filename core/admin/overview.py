"""The few pages that need no association's app: the list of associations on loopback, and one-sentence answers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from core.settings import Association

SHELL = Markup(
    '<!doctype html><html lang="ar" dir="rtl"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>ديوان · Diwan</title><h1>ديوان · Diwan</h1>{}</html>"
)


def render(associations: Sequence[Association]) -> str:
    """Links to the associations of this machine."""
    if not associations:
        return render_plain("No association yet. Run: diwan association add SLUG", "لا توجد جمعية بعد.")
    items = Markup("").join(
        Markup('<li><a href="/{}/">{}</a> · <span lang="en" dir="ltr">{}</span></li>').format(one.slug, one.name.ar, one.name.en) for one in associations
    )
    return str(SHELL.format(Markup("<ul>{}</ul>").format(items)))


def render_plain(english: str, arabic: str) -> str:
    body = Markup('<p>{}</p><p lang="en" dir="ltr">{}</p>').format(escape(arabic), escape(english))
    return str(SHELL.format(body))
