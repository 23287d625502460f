"""Pages of customers registered twice: the list, side by side, the form's way on its page, and taking a merge back."""

from __future__ import annotations

import dataclasses
import re

import pytest
from sqlalchemy import select

from core import work
from core.customers import entry, merges, pairs, queries, services
from core.customers.models import Customer, CustomerDistinct, CustomerDuplicate, CustomerForm, CustomerMerge
from core.errors import NotFound
from core.testing import sign_in
from tests.core.customers.conftest import NOW, person
from tests.core.customers.test_merging import LATER


@pytest.fixture
def pair(customer):
    return (customer(name="شركة النور", mobile="0550000001"), customer(name="شركه النور", mobile="0550000002", phone="0550000001", remarks="بعد العصر"))


@pytest.fixture
def searched(session, pair):
    pairs.search_register(session, {}, NOW)
    work.begin_write(session)
    return pair


@pytest.fixture
def sign(client, session, people):
    def browse(who="employee"):
        return sign_in(client, getattr(people, who).user)

    return browse


def test_pair_is_listed_with_its_reasons_and_a_way_to_compare(sign, searched):
    kept, lost = (one.number for one in searched)
    body = sign().get("/customers/duplicates/").get_data(as_text=True)
    assert f"kept={kept}&amp;lost={lost}" in body
    assert "الجوال نفسه" in body
    for address in ("?reason=mobile", "?show=crowds", "?show=apart"):
        assert sign().get(f"/customers/duplicates/{address}").status_code == 200
    assert "lost=" not in sign().get("/customers/duplicates/?reason=email").get_data(as_text=True)


@pytest.mark.parametrize("address", ["?show=nothing", "?reason=nothing", "?after=x"])
def test_what_cannot_be_asked_is_said(sign, searched, address):
    assert sign().get(f"/customers/duplicates/{address}").status_code == 422


def test_two_stand_side_by_side_with_gaps_filled(sign, pair):
    kept, lost = pair
    body = sign().get(f"/customers/duplicates/merge?kept={kept.number}&lost={lost.number}").get_data(as_text=True)
    ticked = set(re.findall(r'name="take_(\w+)" value="(\w+)" checked', body))
    assert {("phone", "lost"), ("remarks", "lost"), ("mobile", "kept"), ("name", "kept")} <= ticked
    assert "بعد العصر" in body


@pytest.mark.parametrize("lost", ["", "999999", "own"])
def test_number_of_the_other_is_asked_for_until_it_is_one(sign, pair, lost):
    kept, _other = pair
    answer = sign().get(f"/customers/duplicates/merge?kept={kept.number}&lost={kept.number if lost == 'own' else lost}")
    assert answer.status_code == (422 if lost else 200)
    assert ('id="lost-error"' in answer.get_data(as_text=True)) == bool(lost)


def test_form_is_filled_on_the_page_and_shown_with_both(sign, session, pair):
    kept, lost = pair
    browser, address = sign(), f"/customers/duplicates/merge?kept={kept.number}&lost={lost.number}"
    assert browser.post(address, data={"take_phone": "lost"}).status_code == 422, "without a reason"
    answer = browser.post(address, data={"take_phone": "lost", "take_remarks": "kept", "reason": "اتصل العميل وأكد"})

    form = session.scalars(select(CustomerForm).where(CustomerForm.kind == "merge")).one()
    assert answer.location.endswith(f"/customers/forms/{form.id}")
    assert (form.line.phone, form.line.remarks) == ("+966550000001", None)
    body = browser.get(answer.location).get_data(as_text=True)
    assert "شركه النور" in body and "اتصل العميل وأكد" in body
    assert browser.get(f"/customers/forms/{form.id}/form.pdf").data.startswith(b"%PDF")


def test_whole_way_on_the_pages_and_back_again(client, session, people, sign, pair):
    kept, lost = pair
    kept_number, lost_number, lost_id = kept.number, lost.number, lost.id
    sign().post(f"/customers/duplicates/merge?kept={kept_number}&lost={lost_number}", data={"reason": "اتصل العميل وأكد"})
    form_id = session.scalar(select(CustomerForm.id).where(CustomerForm.kind == "merge"))
    for who, act in (("manager", "review"), ("manager", "approve"), ("officer", "enter"), ("officer", "file")):
        assert sign(who).post(f"/customers/forms/{form_id}/{act}").status_code == 302, act
    session.expire_all()
    assert session.get(Customer, lost_id) is None
    answer = sign().get(f"/customers/{lost_number}")
    assert answer.status_code == 302 and answer.location.endswith(f"/customers/{kept_number}")
    merge_id = session.scalar(select(CustomerMerge.id))
    body = sign().get(f"/customers/{kept_number}").get_data(as_text=True)
    assert f"/customers/duplicates/undo/{merge_id}" in body and "tel:+966550000002" in body

    assert sign().get(f"/customers/duplicates/undo/{merge_id}").status_code == 200
    assert sign().post(f"/customers/duplicates/undo/{merge_id}", data={"reason": ""}).status_code == 422
    sign().post(f"/customers/duplicates/undo/{merge_id}", data={"reason": "شركتان مختلفتان"})
    back_id = session.scalar(select(CustomerForm.id).where(CustomerForm.kind == "unmerge"))
    for who, act in (("manager", "review"), ("manager", "approve"), ("officer", "enter"), ("officer", "file")):
        assert sign(who).post(f"/customers/forms/{back_id}/{act}").status_code == 302, act
    session.expire_all()
    assert session.get_one(Customer, lost_id).number == lost_number
    assert sign().get(f"/customers/{lost_number}").status_code == 200
    assert sign().get(f"/customers/duplicates/undo/{merge_id}").status_code == 404
    assert sign().get(f"/customers/forms/{form_id}").status_code == 200


def test_two_are_said_to_be_two_and_doubted_again(sign, session, searched):
    one, other = searched
    values = {"one": other.number, "other": one.number, "why": "فرعان لشركتين"}
    assert sign().post("/customers/duplicates/apart", data={**values, "why": ""}).status_code == 422
    assert sign().post("/customers/duplicates/apart", data=values).status_code == 302
    decision = session.scalars(select(CustomerDistinct)).one()
    assert (decision.one_id, decision.other_id, decision.reason) == (one.id, other.id, "فرعان لشركتين")
    assert session.scalar(select(CustomerDuplicate.id)) is None
    assert "فرعان لشركتين" in sign().get("/customers/duplicates/?show=apart").get_data(as_text=True)
    assert sign().post(f"/customers/duplicates/{decision.id}/again").status_code == 302
    assert session.scalar(select(CustomerDistinct.id)) is None


def test_pages_are_shut_to_who_may_not_fill(client, session, people, pair):
    reader = person(session, "reader", "quality_employee")
    browser = sign_in(client, reader.user)
    kept, lost = pair
    for address in ("/customers/duplicates/", f"/customers/duplicates/merge?kept={kept.number}&lost={lost.number}", "/customers/duplicates/undo/1"):
        assert browser.get(address).status_code == 403, address
    assert browser.post("/customers/duplicates/apart", data={}).status_code == 403


def test_bulk_entry_does_each_merge_by_itself(session, people, pair, customer):
    kept, lost = pair
    third = customer(name="عميل ثالث", mobile="0550000003")
    form = merges.fill_merge(session, kept, lost, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
    other = services.fill_form(session, {"name": "اسم آخر"}, customer=third, actor=people.employee.actor, now=LATER)
    for one in (form, other):
        services.review(session, one, actor=people.manager.actor, now=LATER)
        services.approve(session, one, actor=people.manager.actor, now=LATER)
    outcome = services.each(session, [form, other], lambda one: entry.enter(session, one, actor=people.officer.actor, now=LATER))
    assert [one.kind for one in outcome.done] == ["merge", "modify"]
    assert queries.merges_of(session, kept.id)[0].lost_id == lost.id


def test_pairs_outside_the_scope_and_of_contact_data_are_not_shown(session, people, searched):
    everybody, none = people.employee.actor, dataclasses.replace(people.employee.actor, user_id=people.deputy.user.id, scopes={"customers": "own"})
    blind = dataclasses.replace(everybody, permissions=everybody.permissions - {"customers.personal"})
    assert [pairs.reasons_for(everybody, one) for one in pairs.alike(session, everybody)] == [["mobile"]]
    assert pairs.alike(session, none) == []
    assert pairs.alike(session, blind) == [], "a pair would tell whose telephone it is"
    with pytest.raises(NotFound):
        pairs.tell_apart(session, *searched, reason="فرعان لشركتين", actor=none, now=NOW)
