"""ACC-75, the call centre's part: three donors of a project that did not come about are informed by three calls (CALL-07)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import outreach
from core.customers.models import Customer
from core.outreach import Outreach
from core.testing import actor_with
from plugins.callcenter import campaigns
from plugins.callcenter.models import Campaign, Task
from tests.plugins.callcenter.conftest import MONDAY, Staff


def test_all_are_informed_only_when_none_is_left_open(session: Session, staff: Staff, customer: Callable[..., Customer]) -> None:
    given = [customer(name=name, mobile=f"055100000{place}") for place, name in enumerate(("سالم العتيبي", "نورة القحطاني", "خالد المطيري"))]
    wanted = Outreach("links", "P-2026-12", "مشروع لم يكتمل", [one.id for one in given], script="يوجه المبلغ إلى مشروعات التعليم.")

    asked = outreach.ask(session, wanted, actor=actor_with(label="sector manager"), now=MONDAY)

    campaign = session.scalars(select(Campaign)).one()
    assert asked is not None and (asked.left, asked.all_informed) == (3, False)
    assert {one.customer_id for one in session.scalars(select(Task))} == {one.id for one in given}
    for result in ("informed", "no_answer", "informed"):
        task = campaigns.take_next(session, campaign, actor=staff.agent.actor, now=MONDAY)
        campaigns.record(session, task, {"result": result}, actor=staff.agent.actor, now=MONDAY)
    told = outreach.progress(session, "links", "P-2026-12")
    assert told is not None and (told.reached, told.unreached, told.left, told.all_informed) == (2, 0, 1, False)
    last = session.scalars(select(Task).where(Task.state == "open")).one()
    campaigns.settle(session, last, campaigns.OTHERWISE, "زار المركز", actor=staff.agent.actor, now=MONDAY)
    told = outreach.progress(session, "links", "P-2026-12")
    assert told is not None and (told.reached, told.all_informed, campaign.state) == (3, True, "done")
