"""A list, and a public page."""

from __future__ import annotations

from dummy_plugin.models import Remark
from flask import Blueprint

from core.admin.help import Help
from core.admin.lists import ListColumn
from core.admin.records import RecordView
from core.i18n import lazy_gettext as _l


class RemarkView(RecordView):
    model = Remark
    page_url = "/dummy_plugin/remarks"
    page_endpoint = "dummy_plugin_remarks"
    permission = "dummy_plugin.read"
    title = menu_title = _l("Remarks")
    menu_group = "complaints"
    help = Help(_l("Remarks that a test made."), then=_l("The test ends and they are gone."))
    list_columns = (ListColumn("text", _l("Text"), sort=Remark.text), ListColumn("made_at", _l("Made"), "moment", sort=Remark.made_at))
    list_sort = "-made_at"


def public() -> Blueprint:
    pages = Blueprint("dummy_plugin", __name__)
    pages.add_url_rule("/hello", "hello", lambda: "hello from the dummy")
    return pages
