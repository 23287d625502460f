"""Notices, mail and the daily digest, as an area of core."""

from __future__ import annotations

from flask import Blueprint
from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.notices import digest, services
from core.notices.models import UNTRACKED
from core.plugins.manifest import AreaInfo, Permission, Setting

AREA = AreaInfo(
    name="notices",
    title=_l("Notices and mail"),
    permissions=(Permission("notices.outbox", _l("See outgoing mail, copy its text, send it again"), roles=("administrator",)),),
    settings=(
        Setting("notices.smtp_host", _l("Mail server"), "", group="mail",
                help=_l("Name of the server mail is handed to. Empty: texts wait in the outbox to be copied.")),
        Setting("notices.smtp_port", _l("Port"), 587, kind="int", group="mail"),
        Setting("notices.smtp_security", _l("Encryption"), "starttls", kind="choice", group="mail",
                choices=(("starttls", _l("STARTTLS")), ("tls", _l("TLS from the start")), ("none", _l("none")))),
        Setting("notices.smtp_user", _l("User name at the mail server"), "", group="mail",
                help=_l("Empty where none is needed. The password is set on the page of outgoing mail.")),
        Setting("notices.smtp_from", _l("Sender address"), "", group="mail"),
        Setting("notices.smtp_password", _l("Password of the mail server"), None, kind="secret", group="mail"),
        Setting("notices.digest", _l("Daily mail with open steps and notices"), True, kind="bool", group="mail",
                help=_l("At 07:00 to everybody who has an address and open steps or new notices.")),
    ),
    untracked=UNTRACKED,
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.notices.views import NoticesView, OutboxView

    return [NoticesView(), OutboxView()]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    from core.notices.views import bell

    return [bell()]


@hookimpl
def register_jobs() -> list[Job]:
    return [
        Job(services.SEND, services.send_mail, title=_l("Send a mail"), commits=True),
        Job("notices.resume", services.resume, every="hour", at="00:10", title=_l("Wake mails that wait")),
        Job("notices.digest", digest.send_digests, every="day", at="07:00", title=_l("Daily mail with open steps and notices")),
        Job("notices.tidy", services.tidy, every="day", at="03:40", title=_l("Forget old mails and notices")),
    ]
