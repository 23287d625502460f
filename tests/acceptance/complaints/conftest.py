"""The stories of complaints, in an association with complaints on."""

from __future__ import annotations

from tests.plugins.complaints.conftest import (  # noqa: F401 - fixtures
    approved,
    beneficiary,
    centre,
    customer,
    donor,
    fill,
    people,
    receive,
    shared_app,
    staff,
)
