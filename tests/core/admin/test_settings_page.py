"""The settings page: what staff choose instead of typing, and the association's logo from upload to paper."""

from __future__ import annotations

import io
import re
import struct
import zlib

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.admin import logo
from core.customers import pdf
from core.errors import InvalidInput
from tests.support.people import signed_in


def png(width: int = 40, height: int = 20) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x14\x55\x7b" * width for _row in range(height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def page(client: FlaskClient, path: str = "/settings/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def upload(client: FlaskClient, content: bytes, name: str = "logo.png") -> tuple[int, str]:
    answer = client.post("/settings/logo", data={logo.KEY: (io.BytesIO(content), name)})
    return answer.status_code, answer.get_data(as_text=True)


@pytest.fixture
def administrator(client: FlaskClient, session: Session) -> FlaskClient:
    signed_in(client, session, "administrator")
    return client


def test_the_day_in_the_hint_of_holidays_keeps_its_direction(administrator: FlaskClient) -> None:
    shown = page(administrator, "/settings/?lang=ar")

    assert "\u20662026-09-23\u2069" in shown and "\u2066-2026-09-23\u2069" in shown
    refused = administrator.post("/settings/?lang=ar", data={"core.holidays": "23-09-2026"}).get_data(as_text=True)
    assert "«\u206623-09-2026\u2069» ليس تاريخًا" in refused


def test_classes_not_used_are_ticked_and_no_other_code_is_taken(administrator: FlaskClient, session: Session) -> None:
    offered = re.findall(r'name="core.classes_off" value="([a-z_]+)"', page(administrator))
    assert len(offered) == 4 and {"beneficiary", "council_member"} < set(offered) and "other" not in offered

    assert administrator.post("/settings/", data={"core.classes_off": ["beneficiary"], "core.classes_off.shown": "1"}).status_code == 302
    session.expire_all()
    work.forget(session)
    assert settings.get(session, "core.classes_off") == ["beneficiary"]
    assert administrator.post("/settings/", data={"core.classes_off": ["nobody"], "core.classes_off.shown": "1"}).status_code == 422


def test_time_zones_are_chosen_by_their_city(administrator: FlaskClient) -> None:
    shown = page(administrator, "/settings/?lang=ar")

    assert re.search(r'<option value="Asia/Riyadh" selected>الرياض – \u2066Asia/Riyadh\u2069</option>', shown)
    assert 'id="core.time_zone" name="core.time_zone" data-choose' in shown
    assert administrator.post("/settings/", data={"core.time_zone": "Mars/Olympus"}).status_code == 422


def test_a_logo_is_shown_in_the_menu_printed_and_removed(administrator: FlaskClient, session: Session) -> None:
    assert 'class="dw-logo-own"' not in page(administrator)
    assert upload(administrator, png())[0] == 302

    address = re.search(r'class="dw-logo-own" src="[^"]*?(/logo/\d+)"', page(administrator))
    assert address is not None
    picture = administrator.get(address[1])
    assert (picture.mimetype, picture.data, picture.headers["X-Content-Type-Options"]) == ("image/png", png(), "nosniff")
    session.expire_all()
    work.forget(session)
    assert bytes(pdf._logo(session)) == png()

    assert administrator.post("/settings/logo/remove").status_code == 302
    assert 'class="dw-logo-own"' not in page(administrator)
    assert administrator.get(address[1]).status_code == 404


@pytest.mark.parametrize(("content", "name", "why"), [
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg", "is not a PDF, PNG or JPEG"),
    (b"%PDF-1.7\n", "logo.pdf", "PNG or JPEG picture"),
    (png()[:60], "logo.png", "cannot be drawn"),
    (png()[:16] + struct.pack(">II", 65535, 65535) + png()[24:], "logo.png", "million dots"),
    (b"\x89PNG\r\n\x1a\n" + b"\0" * (401 * 1024), "logo.png", "at most 400 KiB"),
    (png(), "logo.jpg", "named otherwise"),
])
def test_what_is_no_small_sound_picture_is_refused(administrator: FlaskClient, session: Session, content: bytes, name: str, why: str) -> None:
    status, shown = upload(administrator, content, name)

    assert status == 422 and why in shown
    assert 'aria-invalid="true"' in shown
    assert settings.get(session, logo.KEY) is None


def test_only_who_may_change_settings_chooses_a_logo_and_everybody_sees_it(client: FlaskClient, session: Session, tmp_path) -> None:
    signed_in(client, session, "crm_employee")

    assert upload(client, png())[0] == 403
    assert client.post("/settings/logo/remove").status_code == 403
    with pytest.raises(InvalidInput):
        logo.store(tmp_path, "logo.png", b"nothing")


def test_a_logo_changed_on_disk_is_left_out_rather_than_spoil_the_form(administrator: FlaskClient, session: Session) -> None:
    from core.files.services import path_of

    upload(administrator, png())
    session.expire_all()
    work.forget(session)
    row = logo.file_of(session)
    assert row is not None
    path_of(session.info["association"].files_folder, row.token).write_bytes(b"spoilt")

    assert pdf._logo(session) == []


def test_holidays_of_the_hijri_year_are_kept_and_strange_ones_refused(administrator: FlaskClient, session: Session) -> None:
    assert administrator.post("/settings/", data={"core.holidays": "2026-09-23\n H 10-1\n١٢-١٠ هـ"}).status_code == 302
    work.forget(session)
    assert settings.get(session, "core.holidays") == ["2026-09-23", "H 10-01", "12-10 هـ"]

    assert administrator.post("/settings/", data={"core.holidays": "H 13-01"}).status_code == 422
