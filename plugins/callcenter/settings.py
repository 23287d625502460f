"""What an association chooses about its call centre."""

from __future__ import annotations

from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting
from plugins.callcenter import domain

DATE_ORDERS = (("", _l("not said")), ("dmy", _l("Day, month, year")), ("mdy", _l("Month, day, year")), ("ymd", _l("Year, month, day")))

SETTINGS = (
    Setting("callcenter.service_number", _l("Number of the donor service"), "", group="callcenter",
            help=_l("Staff are told to refer people to it, as it is written here.")),
    Setting("callcenter.service_extension", _l("Its extension"), "", group="callcenter"),
    Setting("callcenter.subjects", _l("Subjects of calls"), list(domain.subjects()), kind="codes", choices=tuple(domain.subjects().items()), group="callcenter",
            help=_l("Offered when a call is written down.")),
    Setting("callcenter.own_numbers", _l("Own numbers"), "", group="callcenter",
            help=_l("The association’s own lines, divided by commas. They are never taken for a caller.")),
    Setting("callcenter.extension_digits", _l("Digits of an extension"), 5, kind="int", unit=_l("digits"), group="callcenter",
            help=_l("Numbers up to this length are own extensions; calls between them are internal and left out of figures.")),
    Setting("callcenter.most_attempts", _l("Attempts to reach a customer of a campaign"), 5, kind="int", unit=_l("calls"), group="callcenter",
            help=_l("After so many calls without an answer he counts as not reached; the campaign’s page calls him again.")),
    Setting("callcenter.retry_hours", _l("Hours between two attempts"), 4, kind="int", unit=_l("hours"), group="callcenter",
            help=_l("Who did not answer is not offered again before.")),
    Setting("callcenter.loyal_gifts", _l("Donations in a year that make a loyal customer"), 3, kind="int", unit=_l("donations"), group="callcenter"),
    Setting("callcenter.contact_days", _l("Days after which a loyal customer is called"), 90, kind="int", unit=_l("days"), group="callcenter",
            help=_l("Since somebody last spoke or wrote to him personally.")),
    Setting("callcenter.drop_zone", _l("Time zone of the exchange’s files"), "Asia/Riyadh", kind="zone", group="callcenter",
            help=_l("For files that the exchange lays into the folder; of a file that is uploaded it is said there.")),
    Setting("callcenter.drop_date_order", _l("Order of day and month in them"), "", kind="choice", choices=DATE_ORDERS, group="callcenter",
            help=_l("Not said: dates that can be read in two ways are refused.")),
)
