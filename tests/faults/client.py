"""A person at a browser, as small as it gets: signs in, keeps the cookies, sends forms with their token."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
SECONDS = 30.0
ADDRESS = "127.0.0.1"


class NoAnswer(Exception):
    """The connection was refused or ended before a whole answer: whether it was done is not known."""


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    body: str
    cookies: Mapping[str, str]
    retry_after: str = ""

    @property
    def signed_out(self) -> bool:
        return self.status == 302 and "/login/" in self.location


def send(port: int, method: str, path: str, *, data: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own. Raises NoAnswer."""
    headers = {"Connection": "close", "Accept-Language": "en", "Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
    body = urlencode(data) if data is not None else None
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        given = SimpleCookie()
        for line in answer.headers.get_all("Set-Cookie") or ():
            given.load(line)
        return Answer(answer.status, answer.headers.get("Location", ""), text, {name: one.value for name, one in given.items()},
                      answer.headers.get("Retry-After", ""))
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{method} {path}: {type(error).__name__}") from error
    finally:
        connection.close()


@dataclass
class Person:
    """Somebody with a password. ``port`` is asked for each request, because the server may have moved."""

    username: str
    password: str
    root: str
    port: Callable[[], int]
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sign_in(self) -> int:
        """Through the sign-in page; the status of its answer. Raises NoAnswer."""
        page = self._ask("GET", "login/", {})
        found = TOKEN.search(page.body)
        if page.status != 200 or found is None:
            return page.status
        typed = {"csrf_token": found[1], "username": self.username, "password": self.password}
        entered = send(self.port(), "POST", f"{self.root}login/", data=typed, cookies=page.cookies)
        if entered.status != 302:
            return entered.status
        cookies = {name: value for name, value in {**page.cookies, **entered.cookies}.items() if value}
        home = self._ask("GET", "account/", cookies)
        found = TOKEN.search(home.body)
        if home.status != 200 or found is None:
            return home.status
        # What later answers put in the cookies is messages to be shown; the sign-in and the token stay.
        self.cookies, self.token = {**cookies, **home.cookies}, found[1]
        return 200

    def _ask(self, method: str, path: str, cookies: Mapping[str, str]) -> Answer:
        return send(self.port(), method, f"{self.root}{path}", cookies=cookies)

    def get(self, path: str) -> Answer:
        return self._signed_in(lambda: send(self.port(), "GET", f"{self.root}{path}", cookies=self.cookies))

    def post(self, path: str, data: Mapping[str, str] | None = None) -> Answer:
        """Send a form, signing in again first where the session has ended."""
        return self._signed_in(lambda: send(self.port(), "POST", f"{self.root}{path}", data={"csrf_token": self.token, **(data or {})}, cookies=self.cookies))

    def _signed_in(self, ask: Callable[[], Answer]) -> Answer:
        used = self.token
        answer = ask()
        if answer.signed_out or not self.token:
            with self.lock:
                if self.token == used and self.sign_in() != 200:
                    raise NoAnswer(f"{self.username} cannot sign in")
            return ask()
        return answer
