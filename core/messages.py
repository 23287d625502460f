"""Words of people that arrive at one plugin and are answered in the log of another: a comment on a social network, a call.

Neither side knows the other. The plugin at which they arrive calls ``hand_over``; the one that keeps a log implements the
hook ``take_message``. Where none does, ``takes`` says so, and no page offers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.errors import NotFound
from core.i18n import lazy_gettext as _l

HOOK = "take_message"


@dataclass(frozen=True)
class Message:
    """What somebody said, as it is handed over.

    ``source`` is the name of the plugin at which it arrived, ``reference`` its own key there: the same message is one entry,
    however often it is handed over. ``channel`` and ``kind`` are codes of the log (``social``, ``phone``; ``complaint``,
    ``inquiry``, ``suggestion``). Whoever said it is a customer by number, else a ``name``, which may be an account's, who is
    reached by phone, by e-mail, or at ``link``: where the message is answered, an address inside the association.
    """

    source: str
    reference: str
    channel: str
    text: str
    kind: str = "inquiry"
    said_at: datetime | None = None
    customer_number: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    link: str = ""


@dataclass(frozen=True)
class Taken:
    """The entry that answers a message: its number and page; ``code`` is what its author follows it with, told once and
    empty for a message that had been taken before."""

    number: str
    link: str
    code: str = ""


def takes(session: Session) -> bool:
    """Whether a plugin that is on takes messages, so that a page may offer to hand one over."""
    return bool(session.info["hooks"].answers(HOOK))


def hand_over(session: Session, message: Message, *, actor: Actor, now: datetime) -> Taken:
    """Turn a message into an entry of the log, in the caller's transaction.

    Raises NotFound where no plugin that is on keeps a log; NotAllowed and InvalidInputs as the log judges it.
    """
    taken: Taken | None = session.info["hooks"].first(HOOK, session=session, message=message, actor=actor, now=now)
    if taken is None:
        raise NotFound(_l("No log takes this message: the plugin that keeps one is off. Ask the administrator to turn it on."), value=message.source)
    return taken
