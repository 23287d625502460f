"""Bad input never gives a server error: addresses, queries, forms, names of files, cookies, bodies of every kind.

One person with every permission sends it, so that it reaches the code behind the permissions, on both engines.
"""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from core import work
from core.auth import services as auth
from core.auth.models import Role, User
from core.commands import operator
from core.customers import entry
from core.finance import services as money
from core.money import Money
from core.testing import NOON, actor_with, rolled_back, sign_in
from tests.acceptance.register import approved_form, fill_noor, register_people

HUGE = "99999999999999999999"
OVER_BIGINT = str(2**63)
LONG = "a" * 5_000
BIDI = "%E2%80%AEgnp.exe"
QUERIES = (
    "q=%ff%fe", "q=%ed%a0%80", "q=a%00b", "q=" + BIDI, "q=%", "q=%25%5F%5C", "q=%22%27--", "q=%28%29%2A%22", "q=" + LONG, "q=" + "9" * 190, "q=%2B966",
    "q=%EF%BF%BE", "q=%F0%9F%98%80", "q=%D9%80%D9%80%D9%80", "q=%C2%B2%C2%B3", "q=a&q=b", "q[]=a", "sort=password_hash", "sort=-mobile", "sort=mobile",
    "sort=--id",
    "sort=", "sort=%D8%A7", f"after={HUGE}", f"before={HUGE}", f"after={OVER_BIGINT}", f"before={OVER_BIGINT}", "after=-1", "before=-1", "after=%D9%A1",
    "before=%C2%B2",
    "after=%FF", "after=W251bGwsIDFd", "after=WzEsIDkyMjMzNzIwMzY4NTQ3NzU4MDhd", "after=e30", "after=Wy0xLCBudWxsXQ", "before=W1tdLCBbXV0",
    "after=" + "[" * 900, "count=all&count=x",
    "after=" + base64.urlsafe_b64encode(b"[" * 3_000).decode(), "after=" + base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00", 1]').decode(),
    "sort=-changed_at&after=" + base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00", 1]').decode(), "programme=%C2%B2", f"programme={HUGE}",
    "programme=x",
    "f.nothing=1", f"f.city={HUGE}", f"f.city={OVER_BIGINT}", "f.city=-1", "f.city=%C2%B2", "f.city=%D9%A1", "f.class=%00", "f.since=2026-99-99",
    "f.since=0000-00-00", "f.since=9999-12-31",
    "f.since=0001-01-01", "f.=x", "f.centre=1%20OR%201=1", "f.mobile=0550000001", "state=nothing", "kind=nothing", "part=1&q=" + "%D8%A7" * 300, "outcome=x",
    f"id={HUGE}", f"id={OVER_BIGINT}", "id=-1", "id=%C2%B2", "id=1%00", "id=", "lang=xx", "lang=%ff", "page=" + HUGE, "page=-1", "customer=" + LONG,
    "next=//[", "next=http://[",
)
PAGES = (
    "/", "/account/", "/audit/", "/customers/", "/customers/find", "/customers/forms/", "/customers/forms/new", "/customers/details/",
    "/customers/fields/", "/customers/officers/",
    "/delegations/", "/finance/", "/finance/preview", "/finance/movements", "/finance/contributions/", "/finance/contributions/new/",
    "/finance/contributions/details/",
    "/finance/pledges/", "/finance/settings/", "/imports/", "/imports/new", "/login/", "/notices/", "/procedures/", "/procedures/team", "/reports/",
    "/roles/",
    "/roles/authorities", "/roles/matrix", "/search/", "/settings/", "/settings/jobs/", "/settings/organisation/cities/",
    "/settings/organisation/cities/edit/",
    "/settings/organisation/centres/details/", "/settings/organisation/places/", "/settings/organisation/places/cities", "/settings/outbox/",
    "/settings/plugins/", "/users/",
    "/users/new",
)
READING = (
    "/", "/audit/", "/customers/", "/customers/find", "/customers/forms/", "/customers/details/", "/finance/preview", "/finance/contributions/",
    "/finance/contributions/new/", "/finance/pledges/", "/imports/", "/login/", "/search/", "/settings/organisation/cities/",
    "/settings/organisation/cities/edit/",
    "/settings/organisation/places/cities", "/notices/", "/users/", "/reports/finance.donors/",
)
"""Pages that read something from their address."""
IDS = (HUGE, OVER_BIGINT, "-1", "0", "%00", "%ff", "%ed%a0%80", "%D9%A1", "%C2%B2", "..%2f..%2fetc%2fpasswd", BIDI, "a" * 3_000, "1'--", "%20", "{{7*7}}")
PATHS = (
    "/audit/{}", "/customers/{}", "/customers/{}/modify", "/customers/forms/{}", "/customers/forms/{}/edit", "/customers/forms/{}/form.pdf",
    "/customers/forms/1/documents/{}",
    "/files/{}", "/finance/batches/{}", "/finance/contributions/c/{}", "/finance/customers/{}", "/finance/pledges/p/{}", "/finance/programmes/{}",
    "/finance/settings/layouts/{}", "/imports/{}", "/imports/{}/columns", "/login/link/{}", "/procedures/{}/1/", "/procedures/MAN-CUST/{}/", "/reports/{}/",
    "/settings/outbox/{}/", "/users/{}", "/users/{}/edit", "/settings/organisation/cities/edit/?id={}",
)
VALUES = ("a\u202eb", "a" * 30_000, "-1", HUGE, OVER_BIGINT, "²", "1e400", "NaN", "٩" * 20, "=cmd|' /C calc'!A0", "\ufffe", "9999-12-31", "0001-01-01",
          "../../etc/passwd", "a\r\nBcc: x@example.org", "{{7*7}}<script>%s%n")
RAW_BODIES = (
    (b"name=%ff%fe", "application/x-www-form-urlencoded"), (b"name=%00", "application/x-www-form-urlencoded"), (b"\xff\xfe",
    "application/x-www-form-urlencoded"),
    (b"name=%ed%a0%80", "application/x-www-form-urlencoded"), (b"&&&===", "application/x-www-form-urlencoded"), (b"a=1&" * 3_000,
    "application/x-www-form-urlencoded"),
    (b"{", "application/json"), (b"\xff", "application/json"), (b"[" * 20_000, "application/json"), (b'{"a": "\\u0000"}', "application/json"), (b"<x/>",
    "text/xml"),
    (b"name=x", "text/plain"), (b"name=x", ""), (b"name=x", "nonsense"), (b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
    "multipart/form-data; boundary=b"),
    (b"", "multipart/form-data; boundary=b"), (b"x", "multipart/form-data"), (b"x" * 200, "multipart/form-data; boundary=" + "b" * 200),
    (b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--b\r\nContent-Disposition: form-data; name=\"\xff\"; filename=\"\xff\xfe.csv\"\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--b\r\nContent-Type: text/csv; charset=nonsense\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nx\r\n--b--\r\n",
    "multipart/form-data; boundary=b"),
    (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"name=x", "application/x-www-form-urlencoded; charset=utf-7"), (b"name=x", "application/x-www-form-urlencoded; charset=nonsense"),
)
FILE_NAMES = ("../../x.csv", "..\\..\\x.csv", "a\x00.csv", "\u202egnp.csv", "a" * 4_000 + ".csv", "شهادة.csv", ".csv", "CON.csv", "a\r\nX: y.csv",
    "\ufffd.csv", "<b>.csv", "=1+1.csv", "/")
COOKIES = ("x", "", "\xff\xfe", "a" * 4_000, "é", ".eJw", "eyJhIjoxfQ.x.y", "\"a", "a;b", "%00")


@pytest.fixture(scope="module")
def everyone(shared_app: Flask) -> Iterator[User]:
    """Somebody with every permission, in an association with a customer, forms under way and a contribution."""
    with rolled_back(shared_app) as session:
        work.begin_write(session)
        session.info["actor"] = actor_with()
        people = register_people(session, NOON)
        form = approved_form(session, people, NOON)
        entry.enter(session, form, actor=people.officer, now=NOON)
        fill_noor(session, people.employee, NOON, name="مؤسسة السلام", mobile="0550000002")
        recorder = actor_with("finance.record", "customers.read", scopes={"*": "all"})
        money.record_contribution(session, customer_id=form.line.customer_id, amount=Money.of_minor(10_000, "SAR"), received_on=date(2026, 1, 10),
                                  method="bank", fund="zakat", reference="R/1", actor=recorder, now=NOON)
        user = auth.add_user(session, username="everything", name_ar="مدير", actor=operator(), now=NOON)
        for slug in session.scalars(sa.select(Role.slug)).all():
            auth.grant_role(session, user, slug, actor=operator())
        user.language = "en"
        work.commit(session)
        yield user


@pytest.fixture(scope="module")
def app(shared_app: Flask, everyone: User) -> Flask:
    return shared_app


@pytest.fixture(scope="module")
def client(app: Flask, everyone: User) -> FlaskClient:
    return sign_in(app.test_client(), everyone)


def raw(client: FlaskClient, address: str, **more: Any) -> Any:
    """Send ``address`` with its bytes as they stand: nothing is quoted or mended on the way."""
    path, _, query = address.partition("?")
    builder = EnvironBuilder(path="/", **more)
    environ = builder.get_environ()
    environ["PATH_INFO"] = _bytes(path).decode("latin-1")
    environ["QUERY_STRING"] = query
    environ["REQUEST_URI"] = environ["RAW_URI"] = address
    return client.open(environ)


def _bytes(path: str) -> bytes:
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path)


def explained(answer: Any) -> None:
    """Not a server error, and never somebody else's text: what went wrong stands on a page of ours."""
    assert answer.status_code < 500, answer.get_data(as_text=True)[:600]
    assert b"Traceback" not in answer.data


def test_the_pages_open_as_they_are(client: FlaskClient) -> None:
    """Otherwise the tests below would show nothing."""
    for page in PAGES:
        assert client.get(page).status_code in (200, 302, 404), page
    assert client.get("/customers/").status_code == 200


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_bad_query_is_a_clear_refusal(client: FlaskClient, query: str) -> None:
    for page in READING:
        explained(raw(client, f"{page}?{query}"))


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_id_is_a_clear_refusal(client: FlaskClient, path: str) -> None:
    for value in IDS:
        answer = raw(client, path.format(value))
        explained(answer)
        if value != "0":
            assert answer.status_code in (301, 302, 308, 400, 404, 409, 422), f"{path} {value}: {answer.status_code}"


def posted(app: Flask, number: str = "1") -> list[str]:
    """Every address that takes a POST, but those that end the sign-in or change what is installed."""
    import re

    found = []
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint in ("auth_login.sign_out", "auth_account.end"):
            continue
        address = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        found.append(re.sub(r"<int[^>]*>", number, re.sub(r"<(?!int)[^>]+>", "MAN-CUST" if "procedures" in address else "x", address)))
    return sorted(found)


FIELD_NAMES = """name name_ar name_en mobile phone email address remarks registration_origin customer_class city_id centre_id department_id title username
    password present again code reason duration amount currency received_on promised_on due_on method fund reference memo programme_id customer_number
    influencer_number influencer_name kind from_on until_on layout content operation_key expected id to user_id roles key label purpose batch number f.city
    q sort
    after next language theme header_row encoding sheet from until parallel order limit"""


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_bad_value_in_every_field_of_every_form(app: Flask, everyone: User, engine_name: str, number: int) -> None:
    """Each value goes to every address: to one half of them on SQLite, to the other on PostgreSQL."""
    value, client = VALUES[number], sign_in(app.test_client(), everyone)
    for address in posted(app)[(number + (engine_name == "postgresql")) % 2::2]:
        answer = client.post(address, data=dict.fromkeys(FIELD_NAMES.split(), value))
        explained(answer)
        if "/login" in answer.headers.get("Location", ""):  # what was posted ended the sign-in
            client = sign_in(app.test_client(), everyone)


OVER_INTEGER = str(2**31)


@pytest.mark.parametrize("path", PATHS)
def test_an_id_that_no_table_can_hold_is_a_clear_refusal(client: FlaskClient, path: str) -> None:
    """Beyond 32 bits, where PostgreSQL refuses the number itself."""
    for value in (OVER_INTEGER, "999999999999"):
        answer = raw(client, path.format(value))
        explained(answer)
        assert answer.status_code in (404, 409, 422), f"{path} {value}: {answer.status_code}"


@pytest.mark.parametrize("query", ["after=" + base64.urlsafe_b64encode(b'["1", 9999999999]').decode(), "f.city=9999999999", "id=9999999999",
                                   "customer=9999999999"])
def test_a_number_that_no_column_holds_is_a_clear_refusal(client: FlaskClient, query: str) -> None:
    for page in READING:
        explained(raw(client, f"{page}?{query}"))


@pytest.mark.parametrize("number", ["999999", OVER_INTEGER, "99999999999999999999"])
def test_an_act_on_a_record_that_is_not_there_is_a_clear_refusal(app: Flask, client: FlaskClient, number: str) -> None:
    for address in posted(app, number):
        if number in address:
            answer = client.post(address, data={"reason": "لا يوجد", "active": "1", "approve": "1"})
            explained(answer)
            assert answer.status_code >= 400, f"{address}: {answer.status_code}"


@pytest.mark.parametrize("number", range(len(RAW_BODIES)))
def test_a_broken_body_is_a_clear_refusal(app: Flask, client: FlaskClient, number: int) -> None:
    """Bodies are read before any page is asked, so each goes to a quarter of the addresses; each address gets six of them."""
    body, content_type = RAW_BODIES[number]
    for address in posted(app)[number % 4::4]:
        if not address.startswith(("/login/persona", "/preferences")):
            explained(client.post(address, data=body, content_type=content_type))


@pytest.mark.parametrize("name", FILE_NAMES, ids=range(len(FILE_NAMES)))
def test_a_strange_file_name_is_taken_or_refused(client: FlaskClient, name: str) -> None:
    content = "name\nأحمد\n".encode()
    explained(client.post("/imports/new", data={"kind": "customers.customers", "file": (io.BytesIO(content), name)}))
    explained(client.post("/customers/forms/1/documents", data={"document": (io.BytesIO(b"%PDF-1.4"), name), "title": "x"}))


@pytest.mark.parametrize(("name", "value"), list(itertools.product(("diwan_language", "diwan_theme", "form", "session"), COOKIES)),
                         ids=range(4 * len(COOKIES)))
def test_a_strange_cookie_is_no_sign_in_and_no_error(app: Flask, name: str, value: str) -> None:
    slug = app.extensions["diwan"].association.slug
    own = {"form": f"diwan_{slug}_form", "session": f"diwan_{slug}"}.get(name, name)
    for address in ("/", "/login/"):
        environ = EnvironBuilder(path=address).get_environ()
        environ["HTTP_COOKIE"] = f"{own}={value}"
        answer = app.test_client(use_cookies=False).open(environ)
        explained(answer)
        assert answer.status_code == (302 if address == "/" else 200)


def test_strange_headers_are_no_error(client: FlaskClient) -> None:
    for header in ("Accept-Language", "Accept", "Range", "If-None-Match", "If-Modified-Since", "User-Agent", "Referer", "X-Forwarded-For", "Authorization",
            "Content-Type"):
        for value in ("\xff\xfe", "a" * 6_000, ",,;q=nan", "ar;q=9e999", "bytes=9-1", "Basic \xff"):
            explained(client.get("/", headers={header: value}))
        explained(client.get("/static/nothing", headers={header: "\xff\xfe"}))
