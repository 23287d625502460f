"""Who has learnt to handle complaints, as a page (CMPL-13)."""

from __future__ import annotations

from typing import Any

from wtforms import Form

from core.admin.forms import choices
from core.admin.help import Help
from core.admin.lists import ListColumn
from core.admin.records import RecordView
from core.auth import queries as staff
from core.i18n import lazy_gettext as _l
from plugins.complaints import training
from plugins.complaints.forms import TrainingForm
from plugins.complaints.models import Training


class TrainingView(RecordView):
    """Trainings in handling complaints, with who writes entries down and has none."""

    model, page_url, page_endpoint = Training, "/complaints/training", "complaints_training"
    title = menu_title = _l("Training in handling complaints")
    title_new = _l("Record a training")
    menu_group = "complaints"
    menu_order = 50
    menu_icon = "school"
    menu_beside = "complaints_causes"
    help = Help(
        _l("Who has learnt to handle complaints: the manual asks it of whoever writes them down (5.1.9)."),
        can=_l("Record a training of a person, and see who writes entries down without one."),
        decides=_l("Whoever has the permission to keep causes and settings of the log."),
        then=_l("Who writes entries down without a training reads so at the intake; nobody is kept from helping a caller."),
    )
    permission = permission_create = training.MANAGE
    list_columns = (
        ListColumn("person", _l("Person"), "name", value=lambda row: row.person.name), ListColumn("topic", _l("Training"), sort=Training.topic),
        ListColumn("held_on", _l("Day"), "date", sort=Training.held_on),
    )
    list_sort = "-held_on"
    list_template_own = "complaints/training_list.html"
    empty_text = _l("No training is recorded.")
    form_create = TrainingForm
    create_with = training.record

    def describe(self, record: Any) -> str:
        return f"{record.person.name} · {record.topic}"

    def create_form(self, obj: Any = None) -> Form:
        form = super().create_form(obj)
        form.user_id.choices = choices(sorted(((one.id, str(one.name)) for one in staff.people(self.session_now)), key=lambda pair: pair[1]), _l("None"))
        return form

    def show(self, template: str, **context: Any) -> str:
        return super().show(template, untrained=training.untrained(self.session_now), **context)
