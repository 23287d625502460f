"""Roles under their departments and managers, each with what it may do; the page has all of them and a field to narrow them."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth.models import Role
from core.auth.posts import grouped
from tests.support.people import signed_in


def test_each_role_stands_once_under_its_department_or_manager(session: Session) -> None:
    roles = list(session.scalars(select(Role).where(Role.active).order_by(Role.id)))
    groups = {heading.en if hasattr(heading, "en") else str(heading): {post.slug for post in posts} for heading, posts in grouped(session, roles)}

    assert sorted(slug for slugs in groups.values() for slug in slugs) == sorted(role.slug for role in roles)
    crm = next(slugs for slugs in groups.values() if "crm_manager" in slugs)
    assert {"crm_employee", "customer_data_officer", "call_agent"} <= crm, "those who answer to the manager stand with him"
    team = next(slugs for slugs in groups.values() if "emarketing_manager" in slugs)
    assert {"editor", "designer", "seo_specialist"} <= team
    assert "auditor" not in crm | team


def test_a_role_says_what_it_may_do(session: Session) -> None:
    roles = list(session.scalars(select(Role).where(Role.slug.in_(("auditor", "proofreader")))))
    posts = {post.slug: post for _heading, own in grouped(session, roles) for post in own}

    assert posts["auditor"].can and len(posts["auditor"].can) <= 3
    assert posts["proofreader"].can == () and posts["proofreader"].more == 0


def test_inviting_shows_the_groups_and_a_field_to_narrow_them(client: FlaskClient, session: Session) -> None:
    signed_in(client, session, "administrator")
    page = client.get("/users/new?lang=en").get_data(as_text=True)

    assert len(re.findall("data-narrow-group", page)) > 5
    assert 'data-narrow="#role-groups"' in page
    assert re.search(r'value="finance_officer">.*?dw-second">[A-Z][^<]+;', page, re.S)
