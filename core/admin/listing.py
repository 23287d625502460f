"""What the list templates call: the cells of a page of a list, its addresses and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import request, url_for
from markupsafe import Markup, escape

from core.admin import printing, values
from core.admin.lists import ListColumn, Page
from core.admin.views import current_actor
from core.i18n import Bilingual
from core.i18n import gettext as _

CLASSES = {"name": "dw-lead", "number": "dw-number-cell", "integer": "dw-right", "money": "dw-right", "percent": "dw-right", "moment": "dw-moment"}
LABELLED = ("integer", "choice", "state", "date")
"""Kinds that do not speak for themselves on a phone, where rows are cards without headings."""
PLACE = "9070503010"
"""Stands for what differs from row to row, in addresses that take a number too."""
PICK = '<td class="dw-pick"><input type="checkbox" class="form-check-input" name="id" value="%s" data-bulk-row aria-label="'
PICK_END = '"></td>'


def rows_of(page: Page, choose: bool = False) -> Iterator[tuple[Any, Markup]]:
    """Each row of the page with the markup of its cells, for the person of this request; with ``choose`` a box to tick before them."""
    printers = [_printer(column, page.search) for column in page.columns]
    before, after = escape(_("Choose row %(n)s", n=PLACE)).split(PLACE) if choose else ("", "")
    for n, row in enumerate(page.rows, 1):
        cells = "".join([print_cell(row) for print_cell in printers])
        yield row, Markup(f"{PICK % row.id}{before}{n}{after}{PICK_END}{cells}" if choose else cells)


def _printer(column: ListColumn, search: str) -> Callable[[Any], str]:
    """What prints a column's cells, with everything decided that is the same in each row; a value that comes again is printed once."""
    label = f' data-label="{escape(column.label)}"' if column.kind in LABELLED else ""
    opening, read = f'<td class="{cell_class(column)}"{label}>', reader(column)
    shown = values.printer(column.kind, search if column.searched else "", column.choices, dense=True)
    empty = f"{opening}{values.nothing()}</td>"
    known: dict[str | Bilingual, str] = {"": empty}

    def print_cell(row: Any) -> str:
        found = read(row)
        if found is None:
            return empty
        if found.__class__ not in (str, Bilingual):
            return f"{opening}{shown(found)}</td>"
        cell = known.get(found)
        if cell is None:
            cell = known[found] = f"{opening}{shown(found)}</td>"
        return cell

    def print_link(row: Any) -> str:
        found = read(row)
        return empty if found is None or found == "" else f'{opening}<a href="{link(row)}">{shown(found)}</a></td>'

    if column.link is None:
        return print_cell
    link = _addresses(column.link)
    return print_link


def _addresses(link: Callable[[Any], str]) -> Callable[[Any], str]:
    """Addresses of rows as they stand in markup."""
    return link.on_this_page() if isinstance(link, RowLink) else lambda row: escape(link(row))


def reader(column: ListColumn) -> Callable[[Any], Any]:
    """What reads a column for this person: what others see instead, where the column's permission is missing."""
    if column.permission is None or current_actor().may(column.permission):
        return column.read
    return column.masked or (lambda row: None)


def cell_class(column: ListColumn) -> str:
    return CLASSES.get(column.kind, "")


class RowLink:
    """A column's ``link`` to ``endpoint``, which takes the row's attribute ``argument``; for a page of rows the address is built once."""

    def __init__(self, endpoint: str, argument: str = "number") -> None:
        self.endpoint = endpoint
        self.argument = argument

    def __call__(self, row: Any) -> str:
        values: dict[str, Any] = {self.argument: getattr(row, self.argument)}
        return url_for(self.endpoint, **values)

    def on_this_page(self) -> Callable[[Any], str]:
        """The same for many rows, escaped for markup."""
        values: dict[str, Any] = {self.argument: PLACE}
        before, after = escape(url_for(self.endpoint, **values)).rsplit(PLACE, 1)
        argument = self.argument

        def address(row: Any) -> str:
            place = str(getattr(row, argument))
            return f"{before}{place if place.isalnum() and place.isascii() else quote(place, safe='')}{after}"

        return address


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
