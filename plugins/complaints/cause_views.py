"""The catalogue of causes as pages."""

from __future__ import annotations

from core.admin.help import Help
from core.admin.kinds import KindsView
from core.i18n import lazy_gettext as _l
from plugins.complaints import causes
from plugins.complaints.models import Cause


class CauseView(KindsView):
    """The causes by which complaints are told apart."""

    model, page_url, page_endpoint = Cause, "/complaints/causes", "complaints_causes"
    title = menu_title = _l("Causes of complaints")
    title_new = _l("New cause")
    menu_group, menu_order = "complaints", 45
    help = Help(
        _l("The causes by which complaints are told apart, for studies and for the report of repeated complaints."),
        can=_l("Add a cause, rename it, or take it out of use."),
        decides=_l("Whoever has the permission to keep causes and settings of the log."),
        then=_l("A cause out of use is offered no more; entries that name it keep it, and reports go on counting it."),
    )
    permission = permission_create = permission_change = causes.MANAGE
    create_with = change_with = causes.save
