"""The few pages that need no association's app: the list of associations on loopback, and one-sentence answers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from core import assets
from core.settings import Association

SHELL = Markup(
    '<!doctype html><html lang="ar" dir="rtl" data-bs-theme="light"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>ديوان · Diwan</title>{head}</head>'
    '<body><div class="dw-bare"><div class="dw-bare-sheet"><header class="dw-bare-head">{logo}'
    '<span class="dw-bare-name"><strong>ديوان</strong><small><bdi lang="en">Diwan</bdi></small></span></header>'
    '<main class="dw-bare-body">{body}</main></div></div></body></html>'
)
SHEET = Markup('<link rel="stylesheet" href="{}">')
HEADING = Markup('<h1>الجمعيات على هذا الجهاز</h1><p class="dw-second"><bdi lang="en">Associations on this machine</bdi></p>')


def render(associations: Sequence[Association]) -> str:
    """Links to the associations of this machine."""
    if not associations:
        return render_plain("No association yet. Run: diwan association add SLUG", "لا توجد جمعية بعد.")
    items = Markup("").join(
        Markup('<li><a href="/{}/"><strong>{}</strong></a> <span class="dw-second" lang="en" dir="ltr">{}</span></li>').format(
            one.slug, one.name.ar, one.name.en) for one in associations
    )
    return _page(HEADING + Markup('<ul class="dw-list">{}</ul>').format(items))


def render_plain(english: str, arabic: str) -> str:
    return _page(Markup('<p>{}</p><p class="dw-second"><bdi lang="en" dir="ltr">{}</bdi></p>').format(escape(arabic), escape(english)))


def _page(body: Markup) -> str:
    """The page in the product's own look; before the assets are built, the words alone."""
    sheets, mark = [assets.open_address(name) for name in ("tabler.rtl.css", "diwan.css")], assets.open_address("mark.svg")
    head = Markup("").join(SHEET.format(sheet) for sheet in sheets if sheet)
    logo = Markup('<img src="{}" alt="" width="32" height="32">').format(mark) if mark else ""
    icon = Markup('<link rel="icon" href="{}" type="image/svg+xml">').format(mark) if mark else ""
    return str(SHELL.format(head=head + icon, logo=logo, body=body))
