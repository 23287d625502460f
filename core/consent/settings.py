"""When customers are called, and for what else than marketing and sharing their consent is needed (CALL-10, PERM-01)."""

from __future__ import annotations

from core.consent import domain
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting

GROUP = "consent"
HALF_HOURS = tuple((clock, clock) for clock in (f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in range(0, 24 * 60, 30)))

SETTINGS: tuple[Setting, ...] = (
    Setting("consent.call_days", _l("Days of calls"), [0, 1, 2, 3, 5, 6], kind="weekdays", group=GROUP, help=_l("Customers are called on these days only.")),
    Setting("consent.call_from", _l("Calls from"), "09:00", kind="choice", choices=HALF_HOURS, group=GROUP, help=_l("By the association's clock.")),
    Setting("consent.call_until", _l("Calls until"), "21:00", kind="choice", choices=HALF_HOURS, group=GROUP,
            help=_l("Earlier than the beginning: past midnight, as in Ramadan. The same time: the whole day.")),
    Setting("consent.call_holidays", _l("Calls on holidays too"), False, kind="bool", group=GROUP),
    Setting("consent.needed", _l("Needs consent beside marketing and sharing"), [], kind="codes", group=GROUP,
            choices=tuple((code, domain.purposes()[code]) for code in (domain.SERVICE, domain.SURVEY, domain.FUNDRAISING)),
            help=_l("For these, too, only customers who consented are contacted. For the others it is enough that they did not withdraw.")),
)
