"""The pages of signing in, the account, people and roles, as a browser meets them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import login_views, queries, services, signin
from core.auth.models import LostFactor, OneTimeLink, User, UserSession
from core.commands import operator
from core.jobs.models import JobRow
from core.plugins import discovery
from core.testing import sign_in
from tests.core.auth.conftest import HASH, NOW, PASSWORD, MakeUser

NEW_PASSWORD = "seven palms beside a well"
BUILT_IN = {folder.parent.name for folder in discovery.BUILT_IN.glob("*/plugin.py")}


@pytest.fixture
def noura(session: Session, make_user: MakeUser) -> User:
    user = make_user("noura", "crm_employee", email="noura@example.org")
    work.commit(session)
    return user


@pytest.fixture
def boss(session: Session, make_user: MakeUser) -> User:
    user = make_user("boss", "administrator")
    work.commit(session)
    return user


def post_login(client: FlaskClient, username: str = "noura", password: str = PASSWORD, **more: str) -> object:
    return client.post("/login/", data={"username": username, "password": password, **more})


# --- signing in and out ----------------------------------------------------------------------------------------------


def test_page_for_staff_leads_to_signing_in_and_back(client: FlaskClient, noura: User) -> None:
    asked = client.get("/account/password?lang=en")
    assert asked.status_code == 302
    assert asked.headers["Location"] == "/login/?next=/account/password%3Flang%3Den"

    answer = client.post("/login/", data={"username": "noura", "password": PASSWORD, "next": "/account/password?lang=en"})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/password?lang=en")
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client: FlaskClient, noura: User, target: str) -> None:
    answer = client.post("/login/", data={"username": "noura", "password": PASSWORD, "next": target})

    assert answer.headers["Location"] == "/"


def test_cookie_is_for_this_association_alone_and_out_of_reach_of_scripts(client: FlaskClient, noura: User) -> None:
    answer = client.post("/login/", data={"username": "noura", "password": PASSWORD})
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if "_form=" not in line)
    assert re.fullmatch(r"diwan_shared-\w+=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", cookie)

    secure = client.post("/login/", data={"username": "noura", "password": PASSWORD}, base_url="https://localhost")
    cookie = next(line for line in secure.headers.getlist("Set-Cookie") if "_form=" not in line)
    assert re.fullmatch(r"__Host-diwan_shared-\w+=[\w-]{43}; Secure; HttpOnly; Path=/; SameSite=Lax", cookie)


def test_wrong_password_and_unknown_name_give_the_same_page(client: FlaskClient, noura: User) -> None:
    known = client.post("/login/", data={"username": "noura", "password": "wrong"})
    unknown = client.post("/login/", data={"username": "naura", "password": "wrong"})

    def bare(text: str) -> str:
        return re.sub(r'(nonce|value)="[^"]*"', "", text)

    assert known.status_code == unknown.status_code == 401
    assert bare(known.text) == bare(unknown.text)
    assert PASSWORD not in known.text


def test_locked_account_says_until_when(client: FlaskClient, noura: User) -> None:
    for _time in range(5):
        client.post("/login/", data={"username": "noura", "password": "wrong"})

    answer = client.post("/login/?lang=en", data={"username": "noura", "password": PASSWORD})

    assert answer.status_code == 401
    assert re.search(r"Try again in \d+ minutes?\.", answer.text)


def test_copied_cookie_is_dead_after_signing_out(app: Flask, client: FlaskClient, noura: User) -> None:
    client.post("/login/", data={"username": "noura", "password": PASSWORD})
    name = next(cookie for cookie in ("diwan_shared-sqlite", "diwan_shared-postgresql") if client.get_cookie(cookie))
    thief = app.test_client()
    thief.set_cookie(name, client.get_cookie(name).value)  # type: ignore[union-attr]
    assert thief.get("/account/").status_code == 200

    client.post("/login/out")

    assert thief.get("/account/").status_code == 302
    assert client.get("/account/").status_code == 302


def test_signing_out_by_a_link_is_impossible(client: FlaskClient, noura: User) -> None:
    sign_in(client, noura)

    assert client.get("/login/out").status_code == 405
    assert client.get("/account/").status_code == 200


def test_changed_role_ends_the_session_at_the_next_request(client: FlaskClient, session: Session, noura: User) -> None:
    sign_in(client, noura)
    assert client.get("/account/").status_code == 200

    with work.unit_of_work(session):
        services.grant_role(session, session.get_one(User, noura.id), "auditor", actor=operator())

    assert client.get("/account/").status_code == 302


def test_idle_session_ends_and_use_keeps_it(client: FlaskClient, noura: User) -> None:
    with work.time_at(NOW):
        sign_in(client, noura)
    for minutes in (25, 50, 75):
        with work.time_at(NOW + timedelta(minutes=minutes)):
            assert client.get("/account/").status_code == 200
    with work.time_at(NOW + timedelta(minutes=106)):
        assert client.get("/account/").status_code == 302


def test_last_use_is_written_once_a_minute(client: FlaskClient, session: Session, noura: User) -> None:
    with work.time_at(NOW):
        sign_in(client, noura)

    def seen_after(seconds: int) -> timedelta:
        with work.time_at(NOW + timedelta(seconds=seconds)):
            client.get("/account/")
        session.expire_all()
        return session.scalars(sa.select(UserSession.seen_at)).one() - NOW

    assert [seen_after(30), seen_after(61), seen_after(90)] == [timedelta(), timedelta(seconds=61), timedelta(seconds=61)]


def test_session_of_one_association_opens_no_other(app: Flask, noura: User) -> None:
    client = app.test_client()
    client.set_cookie("diwan_elsewhere", "x" * 43)

    assert client.get("/account/").status_code == 302


# --- second factor ---------------------------------------------------------------------------------------------------


def test_second_factor_from_set_up_to_signing_in(client: FlaskClient, session: Session, noura: User) -> None:
    sign_in(client, noura)
    page = client.get("/account/second-factor?lang=en").text
    secret = re.search(r'class="dw-code">([A-Z2-7]{32})<', page).group(1)  # type: ignore[union-attr]
    picture = client.get("/account/second-factor/qr.svg")
    assert picture.mimetype == "image/svg+xml" and b"<svg" in picture.data

    shown = client.post("/account/second-factor", data={"present": PASSWORD, "code": pyotp.TOTP(secret).at(work.now() - timedelta(seconds=30))})
    codes = re.findall(r"[0-9a-f]{8}-[0-9a-f]{8}", shown.text)
    assert len(set(codes)) == signin.RECOVERY_CODES
    client.post("/login/out")

    first = client.post("/login/", data={"username": "noura", "password": PASSWORD, "next": "/account/"})
    assert first.headers["Location"] == "/login/code?next=/account/"
    assert client.get("/account/").status_code == 302
    assert client.post("/login/code", data={"code": "wrong"}).status_code == 401
    whole = client.post("/login/code", data={"code": codes[0], "next": "/account/"})
    assert (whole.status_code, whole.headers["Location"]) == (302, "/account/")
    assert client.get("/account/").status_code == 200


def test_picture_of_the_secret_is_shown_only_while_it_is_set_up(client: FlaskClient, noura: User) -> None:
    sign_in(client, noura)

    assert client.get("/account/second-factor/qr.svg").status_code == 404


def test_lost_factor_is_reported_by_one_and_approved_by_another(
    app: Flask, client: FlaskClient, session: Session, boss: User, noura: User, make_user: MakeUser,
) -> None:
    other, second = make_user("other", "administrator"), app.test_client()
    secret = signin.new_secret()
    signin.enable_second_factor(session, session.get_one(User, noura.id), secret, pyotp.TOTP(secret).at(work.now()), now=work.now())
    work.commit(session)
    sign_in(client, boss)
    sign_in(second, other)

    client.post(f"/users/{noura.id}/second-factor/lost", data={"reason": "badge"})
    own = client.post(f"/users/{noura.id}/second-factor/decide", data={"approve": "1"})
    assert own.status_code == 403 and "ORG-09" in own.text
    second.post(f"/users/{noura.id}/second-factor/decide", data={"approve": "1"})

    session.expire_all()
    assert session.get_one(User, noura.id).totp_secret is None
    assert session.scalars(sa.select(LostFactor.approved)).all() == [True]


# --- passwords -------------------------------------------------------------------------------------------------------


def test_changing_the_password_needs_the_present_one_and_ends_the_session(client: FlaskClient, noura: User) -> None:
    sign_in(client, noura)
    wrong = client.post("/account/password?lang=en", data={"present": "not this", "password": NEW_PASSWORD})
    assert wrong.status_code == 422 and "present password is not right" in wrong.text
    short = client.post("/account/password?lang=en", data={"present": PASSWORD, "password": "short"})
    assert short.status_code == 422 and "At least 15 characters" in short.text

    done = client.post("/account/password", data={"present": PASSWORD, "password": NEW_PASSWORD})

    assert done.headers["Location"] == "/login/"
    assert client.get("/account/").status_code == 302
    assert client.post("/login/", data={"username": "noura", "password": NEW_PASSWORD}).status_code == 302


@pytest.mark.parametrize("username", ["noura", "nobody"])
def test_forgotten_password_answers_alike_and_lets_a_job_find_out(client: FlaskClient, session: Session, noura: User, username: str) -> None:
    answer = client.post("/login/forgotten?lang=en", data={"username": username})

    assert answer.status_code == 200 and "If this account exists" in answer.text
    jobs = session.scalars(sa.select(JobRow).where(JobRow.name == login_views.RESET_JOB)).all()
    assert [job.args["user_id"] for job in jobs] == [noura.id if username == "noura" else None]
    assert session.scalars(sa.select(OneTimeLink)).all() == []


def test_reset_job_mails_a_link_that_works_once(client: FlaskClient, session: Session, noura: User, monkeypatch: pytest.MonkeyPatch) -> None:
    mailed: list[str] = []
    monkeypatch.setattr(login_views.notices, "mail_user", lambda _session, user, subject, body, **more: mailed.append(str(body)))
    with work.unit_of_work(session):
        login_views.send_reset(session, {"user_id": noura.id, "place": "http://localhost/login/link/TOKEN"}, work.now())
        login_views.send_reset(session, {"user_id": None, "place": "http://localhost/login/link/TOKEN"}, work.now())
    address = re.search(r"/login/link/[\w-]+", mailed[0]).group()  # type: ignore[union-attr]
    assert len(mailed) == 1 and client.get(address).status_code == 200

    assert client.post(address, data={"password": "short"}).status_code == 422
    assert client.post(address, data={"password": NEW_PASSWORD}).status_code == 302
    assert client.post(address, data={"password": NEW_PASSWORD}).status_code == 409
    assert client.post("/login/", data={"username": "noura", "password": NEW_PASSWORD}).status_code == 302


# --- people and roles ------------------------------------------------------------------------------------------------


def test_invited_person_chooses_a_password_and_signs_in(app: Flask, client: FlaskClient, session: Session, boss: User) -> None:
    sign_in(client, boss)
    made = client.post("/users/new", data={"username": "huda", "name_ar": "هدى", "kind": "volunteer", "roles": ["crm_employee"], "department_id": ""})
    address = re.search(r"/login/link/[\w-]+", made.text).group()  # type: ignore[union-attr]
    guest = app.test_client()

    guest.post(address, data={"password": NEW_PASSWORD})

    assert guest.post("/login/", data={"username": "huda", "password": NEW_PASSWORD}).status_code == 302
    user = queries.user_named(session, "huda")
    assert user is not None and user.kind == "volunteer"
    assert [role.slug for role in queries.roles_of(session, [user.id])[user.id]] == ["crm_employee"]


def test_faults_of_a_new_person_stand_beside_their_fields_and_input_is_kept(client: FlaskClient, boss: User) -> None:
    sign_in(client, boss)

    answer = client.post("/users/new?lang=en", data={"username": "no good", "name_ar": "هدى", "kind": "employee", "phone": "12"})

    assert answer.status_code == 422
    assert 'value="no good"' in answer.text and "cannot be a user name" in answer.text


def test_pages_of_people_are_shut_to_others(client: FlaskClient, noura: User) -> None:
    sign_in(client, noura)

    for path in ("/users/", "/users/new", f"/users/{noura.id}", "/roles/", "/roles/authorities"):
        assert client.get(path).status_code == 403, path
    for path in (f"/users/{noura.id}/link", f"/users/{noura.id}/active", "/roles/matrix.csv", "/roles/auditor/permissions", "/roles/auditor/split"):
        assert client.post(path).status_code == 403, path


def test_list_shows_who_lacks_a_job_description(client: FlaskClient, boss: User, noura: User, session: Session) -> None:
    with work.unit_of_work(session):
        services.change_user(session, session.get_one(User, noura.id), job_description="Answers", assignment="Jeddah", actor=operator(), now=NOW)
    sign_in(client, boss)

    everybody, lacking = client.get("/users/?lang=en").text, client.get("/users/?missing=1&lang=en").text

    assert f"/users/{noura.id}" in everybody
    assert f"/users/{noura.id}" not in lacking and f"/users/{boss.id}" in lacking


def test_ticks_of_a_role_are_saved_together(client: FlaskClient, session: Session, boss: User) -> None:
    sign_in(client, boss)
    client.post("/roles/auditor/permissions", data={"permission": ["audit.read", "customers.read"], "scope": "centre"})

    session.expire_all()
    of_plugins = {one for one in queries.matrix(session)["auditor"] if one.partition(".")[0] in BUILT_IN}
    assert queries.matrix(session)["auditor"] - of_plugins == {"audit.read", "customers.read"}, "those of plugins that are off stay"
    assert services.role_by_slug(session, "auditor").scope == "centre"


def test_shutting_out_ends_sessions_at_once(app: Flask, client: FlaskClient, boss: User, noura: User) -> None:
    other = app.test_client()
    sign_in(other, noura)
    sign_in(client, boss)

    client.post(f"/users/{noura.id}/active", data={"active": "0"})

    assert other.get("/account/").status_code == 302
    assert other.post("/login/", data={"username": "noura", "password": PASSWORD}).status_code == 401


def test_delegation_is_made_by_its_giver_and_opens_pages_to_the_taker(app: Flask, client: FlaskClient, boss: User, noura: User) -> None:
    today = work.now().date().isoformat()
    sign_in(client, boss)
    taker = app.test_client()
    sign_in(taker, noura)
    assert taker.get("/users/").status_code == 403

    client.post("/delegations/", data={"from_user": boss.id, "to_user": noura.id, "from_on": today, "until_on": "2999-01-01"})

    assert taker.get("/users/").status_code == 200
    assert taker.post("/delegations/", data={"from_user": boss.id, "to_user": noura.id, "from_on": today, "until_on": today}).status_code in (403, 422)


def test_own_sessions_are_listed_and_ended(app: Flask, client: FlaskClient, session: Session, noura: User) -> None:
    other = app.test_client()
    sign_in(other, noura)
    sign_in(client, noura)
    first, _second = session.scalars(sa.select(UserSession.id).order_by(UserSession.id)).all()
    assert client.get("/account/").text.count("/account/sessions/") == 2

    client.post(f"/account/sessions/{first}/end")

    assert other.get("/account/").status_code == 302
    assert client.get("/account/").status_code == 200


def test_single_keys_can_be_switched_off(client: FlaskClient, noura: User) -> None:
    sign_in(client, noura)
    assert " data-no-keys " not in client.get("/account/").text

    client.post("/account/keys", data={})

    assert " data-no-keys " in client.get("/account/").text


def test_persona_is_for_demo_associations_only(client: FlaskClient, noura: User) -> None:
    assert client.post("/login/persona", data={"username": "noura"}).status_code == 422
    assert client.get("/account/").status_code == 302
    assert "noura" not in client.get("/login/").text


def test_demo_offers_its_people_with_their_roles_and_lets_one_change_persons(
    app: Flask, client: FlaskClient, noura: User, boss: User, monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = app.extensions["diwan"]
    monkeypatch.setattr(state, "association", replace(state.association, demo=True))
    page = client.get("/login/?lang=en").text
    assert '<option value="noura">' in page and "CRM employee" in page

    assert client.post("/login/persona", data={"username": "noura"}).status_code == 302
    assert client.get("/users/").status_code == 403
    assert 'href="/login/"' in client.get("/account/").text
    client.post("/login/persona", data={"username": "boss"})
    assert client.get("/users/").status_code == 200
    assert client.post("/login/persona", data={"username": "nobody"}).status_code == 422


@pytest.mark.parametrize("language", ["ar", "en"])
def test_pages_speak_both_languages(client: FlaskClient, boss: User, language: str) -> None:
    sign_in(client, boss)

    for path, words in (("/users/", {"ar": "الأشخاص", "en": "People"}), ("/roles/", {"ar": "الأدوار والصلاحيات", "en": "Roles and authorities"}),
                        ("/delegations/", {"ar": "التفويضات", "en": "Delegations"}), ("/account/", {"ar": "حسابي", "en": "My account"})):
        page = client.get(f"{path}?lang={language}").text
        assert f'lang="{language}"' in page and re.search(rf"<h1>\s*{words[language]}\s*</h1>", page), path


def test_sign_in_and_sign_out_are_in_the_log(client: FlaskClient, session: Session, noura: User) -> None:
    client.post("/login/", data={"username": "noura", "password": "wrong"})
    client.post("/login/", data={"username": "noura", "password": PASSWORD})
    client.post("/login/out")

    acts = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action.like("sign%")).order_by(AuditEvent.id)).all()
    assert acts == ["sign_in_failed", "sign_in", "sign_out"]
    assert HASH not in "".join(str(event.data) for event in session.scalars(sa.select(AuditEvent)))


def test_a_delegation_names_the_deputy_as_needed(client: FlaskClient, noura: User) -> None:
    sign_in(client, noura)
    page = client.get("/delegations/?lang=en").text
    label = re.search(r'<label[^>]*for="to_user">(.*?)</label>', page, re.S)
    assert label is not None and "optional" not in label[1]

    answer = client.post("/delegations/?lang=en", data={"from_user": str(noura.id), "to_user": "", "from_on": "2026-02-01", "until_on": "2026-02-02"})
    assert answer.status_code == 422 and "Choose who stands in." in answer.text
