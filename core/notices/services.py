"""Telling people: a notice in the page, a mail through the outbox.

A mail is a row written with the transaction that wants it. It leaves by a job, outside any transaction: ``sending`` is
committed before the server is spoken to and ``sent`` after it has taken the mail. What a crash leaves in ``sending`` is
sent again under the same message id, so that it is never lost, and doubled only for a receiver that ignores the id.
"""

from __future__ import annotations

import smtplib
import ssl
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor, authorize
from core.database import section
from core.errors import Conflict, NotFound, Unavailable
from core.i18n import Bilingual, LazyString, in_both, ngettext, use_language
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.jobs import services as jobs
from core.keys import keys_of
from core.notices import secrets
from core.notices.domain import MOST_ATTEMPTS, STATE_NAMES, Server, check_address, is_final, message, reason
from core.notices.models import COPIED, FAILED, QUEUED, SENDING, SENT, Mail, Notice

SEND = "notices.send_mail"
MANY = "_many"
"""Under this key a counted notice keeps its plural beside the arguments."""
TIMEOUT_SECONDS = 20
KEPT_DAYS = 90
Sender = Callable[[Server, EmailMessage], None]


# --- notices in the page -----------------------------------------------------------------------------------------------


def notify(session: Session, user_ids: Iterable[int | None], text: Any, *, link: str = "", now: datetime) -> int:
    """Tell each of these people ``text``, a lazy text (``_l("…", number=…)``, or a counted one), which each reads in his own language.

    ``link`` is an address inside the association. The text's arguments are kept as JSON: texts, lazy texts, numbers, Bilingual.
    Returns how many were told; nobody is told twice.
    """
    msgid, args = _parts(text)
    people = sorted({one for one in user_ids if one is not None})
    session.add_all(Notice(user_id=one, text=msgid, args=args, link=link, made_at=now) for one in people)
    session.flush()
    return len(people)


def _parts(text: Any) -> tuple[str, dict[str, Any]]:
    given = getattr(text, "_args", None)
    if not given:
        return str(text), {}
    counted = {MANY: str(given[1]), "num": int(given[2])} if len(given) == 3 else {}
    return str(given[0]), {**counted, **{key: _stored(value) for key, value in getattr(text, "_kwargs", {}).items()}}


def _stored(value: Any) -> Any:
    if isinstance(value, Bilingual):
        return {"ar": value.ar, "en": value.en}
    if isinstance(value, LazyString):
        return in_both(value)
    return value if isinstance(value, int | float | str) else str(value)


def words(notice: Notice) -> str:
    """The notice in the reader's language."""
    args: dict[str, Any] = {key: Bilingual.of(value).localized() if isinstance(value, Mapping) else value for key, value in notice.args.items()}
    many = args.pop(MANY, None)
    return str(_(notice.text, **args) if many is None else ngettext(notice.text, str(many), int(args.pop("num")), **args))


def read_notices(session: Session, actor: Actor, *, now: datetime) -> int:
    """Mark all notices of the actor as read; returns how many were not."""
    if actor.user_id is None:
        return 0
    unread = sa.update(Notice).where(Notice.user_id == actor.user_id, Notice.read_at.is_(None)).values(read_at=now)
    with section("notices"):
        return session.execute(unread).rowcount  # type: ignore[attr-defined,no-any-return]


# --- mail: queueing ----------------------------------------------------------------------------------------------------


def queue_mail(
    session: Session, *, to: str, subject: str, body: str, now: datetime, language: str | None = None, user_id: int | None = None,
    secret: bool = False, unique_key: str | None = None,
) -> Mail:
    """Put a mail in the outbox, in the transaction that wants it; it leaves by a job after the commit.

    ``secret``: the text holds a one-time link and is emptied once it left. With a ``unique_key`` that is there already,
    that mail is returned. Raises InvalidInput for what is no address.
    """
    address = check_address(to)
    if unique_key is not None:
        known = session.scalar(sa.select(Mail).where(Mail.unique_key == unique_key))
        if known is not None:
            return known
    mail = Mail(
        to_address=address, subject=subject[:300], body=body, language=language or settings.get(session, "core.language"), user_id=user_id,
        secret=secret, unique_key=unique_key, message_id=f"<{uuid.uuid4()}@diwan>", state=QUEUED, attempts=0, made_at=now,
    )
    session.add(mail)
    session.flush()
    jobs.enqueue(session, SEND, {"mail_id": mail.id}, due_at=now, unique_key=f"mail:{mail.id}:0")
    return mail


def mail_user(session: Session, user: Any, subject: Any, body: Any, *, now: datetime, secret: bool = False, unique_key: str | None = None) -> Mail | None:
    """Queue a mail to a user in his language; ``subject`` and ``body`` are lazy. None when he has no address."""
    if not user.email:
        return None
    code = user.language or settings.get(session, "core.language")
    with use_language(code):
        return queue_mail(session, to=user.email, subject=str(subject), body=str(body), language=code, user_id=user.id, secret=secret,
                          unique_key=unique_key, now=now)


def mail_is_set(session: Session) -> bool:
    """Whether a mail server is set; without one the outbox keeps the texts to be copied."""
    return bool(settings.get(session, "notices.smtp_host") and settings.get(session, "notices.smtp_from"))


def server_of(session: Session) -> Server | None:
    """The mail server of this association's settings, or None."""
    if not mail_is_set(session):
        return None
    own = {name: settings.get(session, f"notices.smtp_{name}") for name in ("host", "port", "security", "user", "from", "password")}
    association = session.info.get("association")
    token = own["password"]
    return Server(
        host=own["host"], port=own["port"], security=own["security"], user=own["user"], sender=own["from"],
        name=association.name.localized() if association else "", password=secrets.open_token(keys_of(session), token) if token else "",
    )


def set_password(session: Session, password: str, *, actor: Actor) -> None:
    """Store the mail server's password encrypted; an empty one removes it."""
    authorize(session, actor, "core.settings")
    settings.put(session, "notices.smtp_password", secrets.seal(keys_of(session), password) if password else None)


# --- mail: leaving -----------------------------------------------------------------------------------------------------


def send_mail(session: Session, arguments: Mapping[str, Any], now: datetime, *, sender: Sender | None = None) -> None:
    """The job: send one mail of the outbox. It opens its own units of work; the network is spoken to outside them.

    Raises Unavailable when the server did not take it now, so that the job is tried again later.
    """
    with work.unit_of_work(session):
        prepared = _begin_sending(session, int(arguments["mail_id"]), now)
    if prepared is None:
        return
    mail_id, server, mail = prepared
    try:
        (sender or deliver)(server, mail)
    except (OSError, smtplib.SMTPException) as error:
        with work.unit_of_work(session):
            again = _note_failure(session, mail_id, error, work.now())
        if again:
            raise Unavailable(_l("The mail server did not take the mail: %(reason)s", reason=reason(error))) from error
        return
    with work.unit_of_work(session):
        _note_sent(session, mail_id, work.now())


def _begin_sending(session: Session, mail_id: int, now: datetime) -> tuple[int, Server, EmailMessage] | None:
    row = session.get(Mail, mail_id, with_for_update=True)
    server = server_of(session)
    if row is None or server is None or row.state not in (QUEUED, SENDING):
        return None
    row.state, row.attempts = SENDING, row.attempts + 1
    session.flush()
    return row.id, server, message(server, to=row.to_address, subject=row.subject, body=row.body, language=row.language, message_id=row.message_id, at=now)


def _note_sent(session: Session, mail_id: int, now: datetime) -> None:
    row = session.get_one(Mail, mail_id)
    row.state, row.ended_at, row.last_error = SENT, now, None
    if row.secret:
        row.body = ""
    session.flush()


def _note_failure(session: Session, mail_id: int, error: Exception, now: datetime) -> bool:
    row = session.get_one(Mail, mail_id)
    row.last_error = reason(error)
    again = not is_final(error) and row.attempts < MOST_ATTEMPTS
    row.state = QUEUED if again else FAILED
    row.ended_at = None if again else now
    session.flush()
    return again


def deliver(server: Server, mail: EmailMessage) -> None:
    """Hand one mail to the server, over TLS unless the settings say otherwise; raises OSError or SMTPException."""
    with _connected(server) as connection:
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(mail)


@contextmanager
def _connected(server: Server) -> Any:
    if server.security == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        if server.security == "starttls":
            connection.starttls(context=ssl.create_default_context())
        yield connection
    finally:
        # The mail is taken when DATA was answered; a server that hangs up on QUIT has not refused it.
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


def resume(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The hourly job: wake mails that wait although a server is set (it was set later, or their job was given up)."""
    if not mail_is_set(session):
        return
    old = sa.select(Mail).where(Mail.state.in_((QUEUED, SENDING)), Mail.made_at < now - timedelta(minutes=30)).order_by(Mail.id).limit(500)
    for row in session.scalars(old):
        jobs.enqueue(session, SEND, {"mail_id": row.id}, due_at=now, unique_key=f"mail:{row.id}:{arguments.get('period', now.isoformat())}")


def tidy(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The daily job: forget mails and read notices that are older than a quarter of a year; they hold names and addresses."""
    before = now - timedelta(days=KEPT_DAYS)
    with section("notices"):
        session.execute(sa.delete(Mail).where(Mail.state.in_((SENT, COPIED, FAILED)), Mail.ended_at < before))
        session.execute(sa.delete(Notice).where(Notice.made_at < before))


# --- staff's side ------------------------------------------------------------------------------------------------------


def mark_copied(session: Session, mail_id: int, *, actor: Actor, now: datetime) -> Mail:
    """Note that somebody passed the text on by hand; it will not be sent any more, and a secret one is emptied."""
    row = _one(session, mail_id, actor)
    if row.state not in (QUEUED, FAILED):
        raise Conflict(_l("This mail is %(state)s already; there is nothing to pass on.", state=STATE_NAMES[row.state]))
    row.state, row.ended_at = COPIED, now
    if row.secret:
        row.body = ""
    session.flush()
    return row


def send_again(session: Session, mail_id: int, *, actor: Actor, now: datetime) -> Mail:
    """Try a failed or waiting mail at once."""
    row = _one(session, mail_id, actor)
    if row.state not in (QUEUED, FAILED):
        raise Conflict(_l("This mail is %(state)s already and is not sent a second time.", state=STATE_NAMES[row.state]))
    if not mail_is_set(session):
        raise Conflict(_l("No mail server is set. Set one on the settings page, or copy the text and pass it on."))
    row.state, row.attempts, row.ended_at = QUEUED, 0, None
    session.flush()
    jobs.enqueue(session, SEND, {"mail_id": row.id}, due_at=now, unique_key=f"mail:{row.id}:again:{now.isoformat()}")
    return row


def _one(session: Session, mail_id: int, actor: Actor) -> Mail:
    authorize(session, actor, "notices.outbox")
    row = session.get(Mail, mail_id)
    if row is None:
        raise NotFound(_l("There is no mail “%(id)s” in the outbox.", id=mail_id))
    return row
