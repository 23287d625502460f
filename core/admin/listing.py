"""What the list templates call: the cells of a page of a list, its addresses and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import g, request, url_for
from markupsafe import Markup, escape

from core.admin import printing, values
from core.admin.lists import ListColumn, Page
from core.admin.views import current_actor
from core.i18n import gettext as _

CLASSES = {"name": "dw-lead", "number": "dw-number-cell", "integer": "dw-right", "money": "dw-right", "percent": "dw-right", "moment": "dw-moment"}
LABELLED = ("integer", "choice", "state", "date")
"""Kinds that do not speak for themselves on a phone, where rows are cards without headings."""
PLACE = "00000"


def rows_of(page: Page) -> Iterator[tuple[Any, Markup]]:
    """Each row of the page with the markup of its cells, for the person of this request."""
    printers = [_printer(column, page.search) for column in page.columns]
    for row in page.rows:
        yield row, Markup("".join(print_cell(row) for print_cell in printers))


def _printer(column: ListColumn, search: str) -> Callable[[Any], str]:
    """What prints a column's cells, with everything decided that is the same in each row."""
    label = f' data-label="{escape(column.label)}"' if column.kind in LABELLED else ""
    opening, read, link = f'<td class="{cell_class(column)}"{label}>', reader(column), column.link
    shown = values.printer(column.kind, search if column.searched else "", column.choices, dense=True)
    empty = f"{opening}{values.nothing()}</td>"

    def print_cell(row: Any) -> str:
        found = read(row)
        if found is None or found == "":
            return empty
        return f'{opening}<a href="{escape(link(row))}">{shown(found)}</a></td>' if link is not None else f"{opening}{shown(found)}</td>"

    return print_cell


def reader(column: ListColumn) -> Callable[[Any], Any]:
    """What reads a column for this person: what others see instead, where the column's permission is missing."""
    if column.permission is None or current_actor().may(column.permission):
        return column.read
    return column.masked or (lambda row: None)


def cell_class(column: ListColumn) -> str:
    return CLASSES.get(column.kind, "")


def row_link(endpoint: str, argument: str = "number") -> Callable[[Any], str]:
    """A column's ``link`` to ``endpoint``, which takes the row's attribute ``argument``; the address is built once a request."""
    def link(row: Any) -> str:
        patterns = g.setdefault("row_links", {})
        if endpoint not in patterns:
            values: dict[str, Any] = {argument: PLACE}
            patterns[endpoint] = url_for(endpoint, **values).rsplit(PLACE, 1)
        before, after = patterns[endpoint]
        place = str(getattr(row, argument))
        return f"{before}{place if place.isalnum() and place.isascii() else quote(place, safe='')}{after}"

    return link


def list_url(page: Page, *, without: str = "", **changes: Any) -> str:
    """This list's address with something changed: ``sort``, ``after``, ``before``, ``count``, or ``without`` one filter.

    ``without="*"`` takes all filters away and keeps the search; ``without="everything"`` takes the search away too.
    """
    kept = {key: value for key, value in page.arguments.items() if without not in ("everything", key.removeprefix("f."))
            and not (without == "*" and key.startswith("f."))}
    asked = {"sort": request.args["sort"], **kept} if "sort" in request.args and without != "everything" else kept
    asked.update({key: value for key, value in changes.items() if value})
    return request.script_root + request.path + (f"?{urlencode(asked)}" if asked else "")


def sortable(column: ListColumn) -> bool:
    return column.sort is not None and (column.permission is None or current_actor().may(column.permission))


def range_words(page: Page) -> str:
    """The page of a list in its sort key: "From today 09:12 to 22 September"; empty where that says nothing."""
    column = next((one for one in page.columns if one.key == page.sort.lstrip("-")), None)
    if column is None or page.first is None or column.kind not in ("moment", "date", "name", "text"):
        return ""
    return str(_("From %(first)s to %(last)s", first=_sort_word(page.first), last=_sort_word(page.last)))


def _sort_word(value: Any) -> str:
    if isinstance(value, datetime):
        return " ".join(values.moment_parts(value)) if values.is_near(value) else values.near_words(value)
    return printing.two_calendars(value)[0] if isinstance(value, date) else str(value)
