"""The organisation as an area of core: where it works, in which departments, with which programmes."""

from __future__ import annotations

from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="organisation",
    title=_l("Organisation"),
    permissions=(
        Permission("organisation.manage", _l("Manage cities, centres, branches, departments and programmes"),
                   roles=("administrator", "crm_manager", "crm_rd_manager", "centres_manager")),
    ),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.organisation.views import (
        BranchesView,
        CentresView,
        CitiesView,
        DepartmentsView,
        PlacesView,
        ProgrammesView,
    )

    return [CitiesView(), CentresView(), BranchesView(), DepartmentsView(), ProgrammesView(), PlacesView()]


@hookimpl
def register_importers() -> list[Importer]:
    from core.organisation.importers import importers

    return importers()
