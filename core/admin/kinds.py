"""The pages of a list that an association keeps itself (``core.kinds``): ``class CauseView(KindsView)``, with its model, place and service."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length, Optional

from core.admin.forms import DiwanForm
from core.admin.lists import ListColumn, ListFilter
from core.admin.records import RecordView
from core.i18n import lazy_gettext as _l
from core.kinds import LONGEST_NAME

AUTO = {"dir": "auto", "autocomplete": "off"}
ANSWERS = {"yes": _l("yes"), "no": _l("no")}


class KindForm(DiwanForm):
    name_ar = StringField(_l("Arabic name"), [InputRequired(), Length(max=LONGEST_NAME)], render_kw=AUTO)
    name_en = StringField(_l("English name"), [Optional(), Length(max=LONGEST_NAME)], render_kw=AUTO)
    active = BooleanField(_l("In use"), default=True)


class KindsView(RecordView):
    """Subclasses set ``create_with = change_with`` to their service; the columns are those of ``core.kinds.Kind``."""

    menu_icon = "tags"
    list_sort = "name_ar"
    form_create = form_change = KindForm

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        model: Any = cls.model
        cls.list_columns = (
            ListColumn("name_ar", _l("Arabic name"), "name", sort=model.name_ar),
            ListColumn("name_en", _l("English name"), value=lambda row: row.name_en or None),
            ListColumn("active", _l("In use"), "choice", value=lambda row: "yes" if row.active else "no", choices=ANSWERS),
        )
        cls.list_filters = (
            ListFilter("active", _l("In use"), lambda statement, value: statement.where(model.active == (value == "yes")), choices=ANSWERS),
        )

    def describe(self, record: Any) -> str:
        return str(record.name)
