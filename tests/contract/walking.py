"""Walk through pages as a person does: from link to link, each page once, and of pages that differ in an id only a few."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LINK = re.compile(r'href="([^"#]+)')


@dataclass(frozen=True)
class Visit:
    """One page: its address, the page that led there (empty for where the walk began), and the answer."""

    address: str
    met_on: str
    answer: TestResponse

    @property
    def is_page(self) -> bool:
        return self.answer.mimetype == "text/html"


def walk(
    client: FlaskClient, starts: Iterable[str], *, prefix: str = "", most_of_a_kind: int = 2, kind: Callable[[str], str] | None = None,
) -> Iterator[Visit]:
    """Visit ``starts`` and whatever they lead to; at most so many pages of a kind: by default those that differ in an id or a filter's value only."""
    kind = kind or by_id_and_values
    met = dict.fromkeys(starts, "")
    waiting, seen = list(met), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        parts = urlsplit(address)
        answer = client.get(parts.path.removeprefix(prefix), query_string=parts.query, environ_overrides={"SCRIPT_NAME": prefix})
        visit = Visit(address, met[address], answer)
        yield visit
        for target in links_of(answer.get_data(as_text=True), address) if visit.is_page else ():
            if target not in met and seen[kind(target)] < most_of_a_kind:
                seen[kind(target)] += 1
                met[target] = address
                waiting.append(target)


def by_id_and_values(address: str) -> str:
    return re.sub(r"\d+|=[^&]*", "*", address)


def by_id(address: str) -> str:
    """One page for all filters and sortings of a list."""
    return re.sub(r"\d+", "*", urlsplit(address).path)


def links_of(page: str, address: str) -> Iterator[str]:
    """The links of a page that stay inside the server, assets left out."""
    for link in LINK.findall(page):
        target = urljoin(address, html.unescape(link))
        if not urlsplit(target).scheme and "/static/" not in target:
            yield target
