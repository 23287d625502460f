"""Signing in, cookies, headers and links: what lets a person in is taken from nobody, and no page leads elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import passwords, signin
from core.auth.models import LoginAttempts, RecoveryCode, User
from core.hosting import Hosting, make_application
from core.settings import Deployment
from core.testing import sign_in
from tests.support.people import person, signed_in

PASSWORD = "four quiet words here"


@pytest.fixture
def somebody(session: Session, client: FlaskClient) -> User:
    """Signed in, with a password and a second factor."""
    user = person(session, "crm_employee")
    user.password_hash = passwords.hash_password(PASSWORD)
    work.commit(session)
    sign_in(client, user)
    work.begin_write(session)
    signin.enable_second_factor(session, user, secret := signin.new_secret(), pyotp.TOTP(secret).at(work.now()), now=work.now())
    work.commit(session)
    return user


def codes_of(session: Session, user: User) -> set[str]:
    return set(session.scalars(sa.select(RecoveryCode.code_hash).where(RecoveryCode.user_id == user.id)))


# --- what lets one in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("present", ["", "wrong password here"])
def test_a_second_factor_is_not_replaced_without_the_password(client: FlaskClient, session: Session, somebody: User, present: str) -> None:
    before = somebody.totp_secret
    page = client.get("/account/second-factor").get_data(as_text=True)
    secret = re.search(r'class="dw-code">([A-Z2-7]{32})<', page).group(1)  # type: ignore[union-attr]

    answer = client.post("/account/second-factor", data={"code": pyotp.TOTP(secret).at(work.now() + timedelta(seconds=30)), "present": present})

    session.expire_all()
    assert (answer.status_code, somebody.totp_secret) == (422, before)


@pytest.mark.parametrize("present", ["", "wrong password here"])
def test_recovery_codes_are_not_made_without_the_password(client: FlaskClient, session: Session, somebody: User, present: str) -> None:
    before = codes_of(session, somebody)

    assert client.post("/account/recovery-codes", data={"present": present}).status_code == 422
    assert codes_of(session, somebody) == before

    assert client.post("/account/recovery-codes", data={"present": PASSWORD}).status_code == 200
    assert not codes_of(session, somebody) & before


def test_guessing_the_password_there_is_counted(client: FlaskClient, session: Session, somebody: User) -> None:
    for _n in range(20):
        answer = client.post("/account/recovery-codes", data={"present": "wrong password here"})

    assert answer.status_code == 429
    assert session.scalar(sa.select(sa.func.max(LoginAttempts.failures))) < 20  # type: ignore[operator]
    assert client.post("/account/recovery-codes", data={"present": PASSWORD}).status_code == 429


# --- where one is led -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
    "https:evil.example", "javascript:alert(1)",
                                    "/\t/evil.example", "/\n/evil.example", "//[", "http://[::1", "%2f%2fevil.example", "evil.example",
                                    "/%09/evil.example", "", " //evil.example"])
def test_no_address_leads_to_another_host(client: FlaskClient, session: Session, target: str) -> None:
    user = person(session, "crm_employee")
    user.password_hash = passwords.hash_password(PASSWORD)
    work.commit(session)

    entered = client.post("/login/", data={"username": user.username, "password": PASSWORD, "next": target})
    kept = client.post("/preferences", data={"language": "ar", "next": target})

    for answer in (entered, kept):
        assert answer.status_code == 302
        assert re.fullmatch(r"/(?![/\\])[^\\\x00-\x1f]*", answer.headers["Location"]), answer.headers["Location"]


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil.example", "a:80@evil.example", "evil.example/x", "a b", "\xff", "", "x" * 5_000, "[::1"])
def test_a_forged_host_stands_in_no_mail(app: Flask, session: Session, host: str) -> None:
    """Off loopback only declared hosts are answered at all; a host that is no host stands nowhere."""
    environ = {"HTTP_HOST": host, "REMOTE_ADDR": "203.0.113.9", "wsgi.url_scheme": "https", "PATH_INFO": "/login/forgotten", "REQUEST_METHOD": "GET"}
    assert Hosting(app.extensions["diwan"].deployment).resolve(dict(environ)) is None


# --- cookies and headers ----------------------------------------------------------------------------------------------------


def test_the_cookie_is_out_of_reach(app: Flask, session: Session) -> None:
    user = person(session, "crm_employee")
    user.password_hash = passwords.hash_password(PASSWORD)
    work.commit(session)

    answer = app.test_client().post("/login/", data={"username": user.username, "password": PASSWORD}, base_url="https://diwan.example")

    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Host-diwan_"))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    for other in answer.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in other and "SameSite=Lax" in other, other


@pytest.mark.parametrize("address", ["/", "/login/", "/customers/", "/nothing", "/files/1", "/customers/%ff", "/audit/verdict.txt"])
def test_every_answer_is_guarded(client: FlaskClient, session: Session, address: str) -> None:
    signed_in(client, session, "crm_manager", "auditor")
    work.commit(session)

    headers = client.get(address, base_url="https://diwan.example").headers

    policy = headers["Content-Security-Policy"]
    assert "'unsafe" not in policy and "*" not in policy
    assert all(part in policy for part in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'self'"))
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"], headers["Cache-Control"]) == ("nosniff", "DENY", "no-store")
    assert "max-age=" in headers["Strict-Transport-Security"]


def test_a_proxy_that_was_not_declared_is_not_believed(deployment: Deployment) -> None:
    seen = {}
    hosting = make_application(Deployment(home=deployment.home, proxies=0))
    hosting.dispatch = lambda slug, environ, start: seen.update(environ) or []  # type: ignore[union-attr]
    hosting.resolve = lambda environ: "x"  # type: ignore[union-attr]
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7", "HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_HOST": "localhost",
    "PATH_INFO": "/x/",
               "wsgi.url_scheme": "http"}

    list(hosting(environ, lambda *_: None))

    assert (seen["REMOTE_ADDR"], seen["HTTP_HOST"]) == ("127.0.0.1", "localhost")


def test_plain_http_is_not_answered_elsewhere(deployment: Deployment) -> None:
    answered = []
    environ = {"REMOTE_ADDR": "203.0.113.7", "HTTP_HOST": "x", "PATH_INFO": "/", "wsgi.url_scheme": "http", "REQUEST_METHOD": "GET", "SERVER_NAME": "x",
    "SERVER_PORT": "80"}

    list(make_application(deployment)(environ, lambda status, _headers: answered.append(status)))

    assert answered == ["403 FORBIDDEN"]
