"""People and permissions, as an area of core."""

from __future__ import annotations

from flask_admin import BaseView

from core.auth import signin
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="auth",
    title=_l("People"),
    permissions=(
        Permission("auth.manage_users", _l("Manage people: invite, roles, second factor, shut out"), roles=("admin",)),
        Permission("auth.manage_roles", _l("Change the permission matrix and the table of authorities"), roles=("admin",)),
        Permission("auth.read_matrix", _l("See and export the permission matrix"), roles=("admin", "auditor", "crm_manager", "secretary_general")),
    ),
    untracked={
        "core_user_session": "signing in and out is logged; being seen is not an act",
        "core_login_attempts": "counts failures, each of which is logged itself",
        "core_one_time_link": "holds a hash only; making and using a link is logged",
        "core_recovery_code": "holds a hash only; using a code is logged",
    },
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.auth import account_views, login_views, people_views

    return [login_views.LoginView(), account_views.AccountView(), people_views.PeopleView(), people_views.RolesView(), people_views.DelegationsView()]


@hookimpl
def register_jobs() -> list[Job]:
    from core.auth import login_views

    return [
        Job("auth.sweep", signin.sweep, every="day", at="03:10", title=_l("Forget old sessions, links and counters")),
        Job(login_views.RESET_JOB, login_views.send_reset, title=_l("Send a link for a new password")),
    ]
