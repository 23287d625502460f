"""The stories of the call centre, in an association with it on."""

from __future__ import annotations

from tests.plugins.callcenter.conftest import (  # noqa: F401 - fixtures
    approved,
    customer,
    donor,
    english,
    fill,
    log,
    people,
    shared_app,
    staff,
)
