from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from core import settings
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.organisation import queries, services
from core.organisation.models import City, Department, Programme
from core.testing import actor_with, sign_in
from tests.core.customers.conftest import person

BOSS = actor_with(services.MANAGE)


def test_the_manuals_departments_are_seeded_once(session):
    before = set(session.scalars(select(Department.slug)))
    services.seed(session)

    assert {"crm", "finance", "strategic_planning", "centres_affairs", "quality", "resource_development", "it", "admin_affairs", "sub_council"} <= before
    assert set(session.scalars(select(Department.slug))) == before


def test_a_preset_chooses_country_currency_cities_and_departments(session):
    services.apply_preset(session, "neighbourhood_centres")
    services.apply_preset(session, "neighbourhood_centres")
    assert [city.name_ar for city in queries.active_cities(session)] == ["الطائف", "جدة", "مكة"]
    assert settings.currency(session) == "SAR"

    services.apply_preset(session, "rahma")
    assert (settings.currency(session), settings.get(session, "core.country")) == ("KWD", "KW")
    assert queries.department_by_slug(session, "sectors") is not None
    assert services.preset_plugins("khairukum") == ["social"]
    assert services.preset_plugins("neighbourhood_centres") == ["campaigns", "leads", "surveys", "complaints", "callcenter", "policies"]
    assert services.preset_plugins("rahma") == ["campaigns", "social", "links", "callcenter", "complaints"]
    with pytest.raises(NotFound, match="neighbourhood_centres"):
        services.preset("nobody")


def test_cities_of_one_name_in_two_regions_stay_apart(session):
    for region in ("حائل", "القصيم"):
        services.save_city(session, name_ar="الروضة", region_ar=region, actor=BOSS)

    assert len(queries.city_named(session, "الروضه")) == 2
    assert [city.region_ar for city in queries.city_named(session, "الروضة", "القصيم")] == ["القصيم"]


def test_one_name_twice_in_a_region_needs_two_codes(session):
    services.save_city(session, name_ar="الروضة", region_ar="حائل", external_code="10", actor=BOSS)
    with pytest.raises(Conflict):
        services.save_city(session, name_ar="الرَّوضه", region_ar="حائل", actor=BOSS)
    services.save_city(session, name_ar="الروضة", region_ar="حائل", external_code="11", actor=BOSS)
    with pytest.raises(Conflict):
        services.save_city(session, name_ar="غيرها", external_code="11", actor=BOSS)

    assert session.scalar(select(func.count()).select_from(City)) == 2


def test_a_centre_lies_in_a_city_and_has_its_name_once_there(session):
    city = services.save_city(session, name_ar="جدة", actor=BOSS)
    centre = services.save_centre(session, city_id=city.id, name_ar="مركز حي النسيم", actor=BOSS)
    with pytest.raises(InvalidInput):
        services.save_centre(session, city_id=None, name_ar="بلا مدينة", actor=BOSS)
    with pytest.raises(Conflict):
        services.save_centre(session, city_id=city.id, name_ar="مركز حى النسيم", actor=BOSS)

    services.save_centre(session, centre, city_id=city.id, name_ar="مركز حي النسيم", name_en="Naseem", active=False, actor=BOSS)
    assert (centre.active, queries.active_centres(session)) == (False, [])
    assert queries.active_centres(session, keep=centre.id) == [centre]


def test_only_who_manages_the_organisation_changes_it(session):
    with pytest.raises(NotAllowed):
        services.save_city(session, name_ar="جدة", actor=actor_with("customers.read"))


def test_a_departments_slug_stays(session):
    department = services.save_department(session, slug="Events", name_ar="إدارة الفعاليات", actor=BOSS)
    services.save_department(session, department, slug="other", name_ar="الفعاليات", actor=BOSS)
    assert (department.slug, department.name_ar) == ("events", "الفعاليات")
    with pytest.raises(InvalidInput):
        services.save_department(session, slug="إدارة", name_ar="x", actor=BOSS)


def test_a_programme_is_of_a_centre_or_of_the_whole_association(session):
    programme = services.save_programme(session, name_ar="كفالة يتيم", code="P-1", fund="F10", actor=BOSS)
    assert (programme.centre_id, programme.fund, queries.active_programmes(session)) == (None, "F10", [programme])
    with pytest.raises(Conflict):
        services.save_programme(session, name_ar="أخرى", code="P-1", actor=BOSS)


@pytest.mark.parametrize("page", ["cities", "centres", "branches", "departments", "programmes"])
def test_the_pages_list_and_add(client, session, page):
    city = services.save_city(session, name_ar="مدينة القائمة", actor=BOSS).id
    manager = person(session, "manager", "crm_manager").user
    browser = sign_in(client, manager)
    assert browser.get(f"/settings/organisation/{page}/").status_code == 200
    assert browser.get(f"/settings/organisation/{page}/new/").status_code == 200
    assert browser.post(f"/settings/organisation/{page}/new/", data={"name_ar": ""}).status_code == 422

    data = {"name_ar": "اسم جديد", "slug": "fresh", "city_id": str(city), "active": "y"}
    assert browser.post(f"/settings/organisation/{page}/new/", data=data).status_code == 302
    assert "اسم جديد" in browser.get(f"/settings/organisation/{page}/").get_data(as_text=True)


def test_an_entry_is_changed_on_its_page(client, session):
    programme = services.save_programme(session, name_ar="كفالة", actor=BOSS).id
    browser = sign_in(client, person(session, "manager", "crm_manager").user)
    address = f"/settings/organisation/programmes/edit/?id={programme}"
    assert browser.get(address).status_code == 200
    assert browser.post(address, data={"name_ar": "كفالة يتيم", "active": "y"}).status_code == 302
    assert session.scalars(select(Programme.name_ar)).all() == ["كفالة يتيم"]


def test_cities_are_found_while_typing_by_every_signed_in_person(client, session):
    services.save_city(session, name_ar="القنفذة", region_ar="مكة المكرمة", actor=BOSS)
    browser = sign_in(client, person(session, "employee", "crm_employee").user)
    found = browser.get("/settings/organisation/places/cities?q=القنفذه").get_json()
    assert [one["text"] for one in found] == ["القنفذة، مكة المكرمة"]
    assert browser.get("/settings/organisation/cities/").status_code == 403


def test_a_programmes_fund_is_chosen_and_shown_by_its_name(client, session):
    known = services.save_programme(session, name_ar="تحفيظ", fund="waqf", actor=BOSS).id
    services.save_programme(session, name_ar="قديم", fund="F10", actor=BOSS)
    browser = sign_in(client, person(session, "manager", "crm_manager").user)
    form = browser.get(f"/settings/organisation/programmes/edit/?id={known}&lang=en").get_data(as_text=True)
    offered = re.findall(r'<option( selected)? value="([a-z_]+)">([^<]+)</option>', form.split('id="fund"')[1].split("</select>")[0])
    assert (" selected", "waqf", "Endowment (waqf)") in offered and {"zakat", "sadaqah", "general"} < {code for _chosen, code, _name in offered}

    listed = browser.get("/settings/organisation/programmes/?lang=en").get_data(as_text=True)
    assert "Endowment (waqf)" in listed and "F10" in listed and ">waqf<" not in listed
