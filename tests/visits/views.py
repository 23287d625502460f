"""The list of visits and its two forms: one records a visit, the other confirms it."""

from visits import services
from visits.models import Visit
from wtforms import DateField, StringField, TextAreaField, validators

from core.admin.forms import DiwanForm
from core.admin.lists import ListColumn
from core.admin.records import RecordView
from core.i18n import lazy_gettext as _l


class VisitForm(DiwanForm):
    number = StringField(_l("Customer number"), [validators.InputRequired()])
    visited_on = DateField(_l("Day"), [validators.InputRequired()])
    remarks = TextAreaField(_l("What was seen"), [validators.InputRequired()])


class VisitView(RecordView):
    model, page_url, page_endpoint = Visit, "/visits/visits", "visits_visits"
    title = menu_title = _l("Visits")
    menu_group, list_sort, help = "customers", "-visited_on", _l("Visits to customers: who was seen when, and what was seen.")
    permission, permission_create, permission_change = "visits.read", "visits.record", "visits.confirm"
    list_columns = (ListColumn("visited_on", _l("Day"), "date", sort=Visit.visited_on), ListColumn("remarks", _l("What was seen")),
                    ListColumn("confirmed_at", _l("Confirmed"), "moment"))
    form_create, create_with = VisitForm, services.record
    form_change, change_with = DiwanForm, services.confirm
