"""The stories of leads, in an association with leads on."""

from __future__ import annotations

from tests.plugins.leads.conftest import (  # noqa: F401 - fixtures
    approved,
    browser,
    customer,
    donor,
    fill,
    followed,
    item,
    lead,
    other,
    pay,
    people,
    permitted,
    pledged,
    programme,
    received,
    shared_app,
    spoken_for,
    staff,
    study,
)
