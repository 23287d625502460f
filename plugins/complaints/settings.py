"""What an association chooses about its log."""

from __future__ import annotations

from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting
from plugins.complaints import domain

DEPARTMENTS = (("crm", _l("Customer relations")), ("centres_affairs", _l("Centres affairs")))
OFFERED = ["phone", "face_to_face", "email"]

SETTINGS = (
    Setting("complaints.channels", _l("Channels of intake"), OFFERED, kind="codes", choices=tuple(domain.channels().items()), group="complaints",
            help=_l("Offered at intake; the public form is always written down under its own channel.")),
    *(Setting(f"complaints.route_{code}", title, "crm", kind="choice", choices=DEPARTMENTS, group="complaints", help=_l("The manual does not say which."))
      for code, title in (("government", _l("Complaints of government bodies go to")), ("council_member", _l("Complaints of council members go to")),
                          ("other", _l("Complaints of others go to")))),
    Setting("complaints.public_form", _l("Public form"), True, kind="bool", group="complaints",
            help=_l("People write to the association without signing in, and follow what became of it with a code.")),
    Setting("complaints.public_answer", _l("Messages from the public form are answered within"), 1, kind="int", unit=_l("days"), group="complaints",
            help=_l("Counted as the days of every time limit. 0: at once, as for who calls or comes, so that each is late when it arrives.")),
    Setting("complaints.public_each", _l("Messages an hour from one address"), 10, kind="int", unit=_l("messages"), group="complaints",
            help=_l("Behind one address there may be a whole office. Wrong follow-up codes are counted by the same measure.")),
    Setting("complaints.public_all", _l("Messages an hour in all"), 200, kind="int", unit=_l("messages"), group="complaints",
            help=_l("What is sent beyond it is asked to come later, so that a flood does not fill the log.")),
    Setting("complaints.repeated_from", _l("Repeated from"), 2, kind="int", unit=_l("entries"), group="complaints",
            help=_l("So many with the same cause and centre within a month are one line of the report of repeated complaints.")),
)
