"""The stories of complaints, in an association with complaints on."""

from __future__ import annotations

from tests.plugins.complaints.conftest import (  # noqa: F401 - fixtures
    app,
    approved,
    beneficiary,
    centre,
    client,
    complaining,
    customer,
    donor,
    fill,
    people,
    receive,
    session,
    shared_app,
    staff,
)
