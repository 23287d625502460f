"""Pages for everybody, without signing in: write to the association, follow what became of it, and frequent answers.

Everything that a stranger sends is counted per network and in all (``limits``). A number and a code that do not belong
together are answered like a number that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, Response, abort, make_response, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import (
    BooleanField,
    EmailField,
    FileField,
    Form,
    RadioField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from core import settings, work
from core.admin.forms import DiwanForm
from core.admin.views import show_faults
from core.auth.actor import Actor, system_actor
from core.database import db
from core.errors import InvalidInput, TooManyAttempts
from core.files import services as files
from core.files.services import Stored
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.phones import example_of, parse_phone
from core.state import state
from core.text import isolate, normalise_digits, without_marks
from plugins.complaints import domain, faq, follow, limits, queries, services
from plugins.complaints.models import Entry

LONGEST_TEXT = 2_000
LARGEST_FILE = 5 * 1024 * 1024
LARGEST_REQUEST = 8 * 1024 * 1024
"""Beyond this nothing is read: a file a little too large is still refused beside its field."""


def trimmed(text: str | None) -> str | None:
    return text.strip() if text else text


class PublicForm(DiwanForm):
    """What a stranger writes; the order is the order of need."""

    kind = RadioField(_l("What do you want to send?"), default=domain.COMPLAINT, validators=[InputRequired(_l("Choose one of the three."))])
    text = TextAreaField(_l("What happened?"), [DataRequired(_l("Write what it is about."))], description=_l("When and where, and who was there if you wish."))
    place = SelectField(_l("Centre or programme"), validators=[Optional()], validate_choice=True)
    name = StringField(_l("Your name"), [DataRequired(_l("Write your name.")), Length(max=200, message=_l("At most 200 letters."))], filters=[trimmed],
                       render_kw={"autocomplete": "name"})
    phone = TelField(_l("Your mobile"), [DataRequired(_l("Write the number at which you are reached."))], filters=[without_marks],
                     render_kw={"autocomplete": "tel"})
    email = EmailField(_l("Your e-mail"), [Optional()], filters=[trimmed], render_kw={"autocomplete": "email"})
    file = FileField(_l("Attachment"), render_kw={"accept": "image/png,image/jpeg,application/pdf"})
    consent = BooleanField(domain.consents()[domain.consent_now()], [DataRequired(_l("Tick that you agree, so that you can be answered."))],
                           false_values=(False, "", "false", "False", "0"))

    def validate_text(self, field: Any) -> None:
        letters = len((field.data or "").replace("\r\n", "\n").strip())
        if letters > LONGEST_TEXT:
            raise ValidationError(_l("%(n)s letters; at most %(most)s can be sent. Shorten the text, or attach the rest as a file.", n=letters,
                                     most=LONGEST_TEXT))

    def validate_phone(self, field: Any) -> None:
        region = settings.get(work.real(db.session), "core.country")
        try:
            parse_phone(field.data or "", region)
        except InvalidInput:
            raise ValidationError(_l("The number is incomplete or not right. Write it like %(example)s.", example=isolate(at_home(region)))) from None

    def validate_email(self, field: Any) -> None:
        try:
            field.data = validate_email(field.data or "", check_deliverability=False, allow_smtputf8=True).normalized
        except EmailNotValidError:
            raise ValidationError(_l("The address is incomplete or not right. Write it like %(example)s.", example=isolate("name@example.org"))) from None


class FollowForm(DiwanForm):
    number = StringField(_l("Number"), [InputRequired(_l("Write the number, like %(example)s.", example=isolate("C-2026-0418")))],
                         filters=[without_marks], render_kw={"dir": "ltr", "autocomplete": "off"})
    code = StringField(_l("Follow-up code"), [InputRequired(_l("Write the code that you were given with the number."))],
                       filters=[without_marks], render_kw={"dir": "ltr", "autocomplete": "off"})


def at_home(region: str) -> str:
    """A mobile number as people of this country write it, for the hint: 051 234 5678."""
    return phonenumbers.format_number(phonenumbers.parse(example_of(region)), phonenumbers.PhoneNumberFormat.NATIONAL)


@dataclass(frozen=True)
class Sent:
    """What the sender is told: the number, the code that is shown this once, and what kind it was."""

    number: str
    code: str
    kind: str


def blueprint() -> Blueprint:
    pages = Blueprint("complaints", __name__)
    pages.url_value_preprocessor(lambda endpoint, values: bound_request())
    pages.add_url_rule("/", "form", form_page, methods=("GET", "POST"))
    pages.add_url_rule("/follow", "follow", follow_page, methods=("GET", "POST"))
    pages.add_url_rule("/answers", "answers", answers_page)
    return pages


def bound_request() -> None:
    """No more of a request is read than the form can need; decided before anything reads its body."""
    most = request.max_content_length
    request.max_content_length = LARGEST_REQUEST if most is None else min(most, LARGEST_REQUEST)


def is_open(session: Session) -> bool:
    return bool(settings.get(session, "complaints.public_form"))


# --- writing ---------------------------------------------------------------------------------------------------------


def form_page() -> Any:
    session = opened()
    if request.method == "POST":
        try:
            refuse_flood(session)
        except TooManyAttempts as refused:
            return wait(refused)
    form = PublicForm()
    form.kind.choices = [(code, label) for code, label in domain.kinds().items()]
    groups = places(session)
    form.place.choices = [("", ""), *(choice for _title, choices in groups for choice in choices)]
    if request.method == "POST" and form.validate():
        try:
            return render_template("complaints/public_sent.html", sent=receive(form))
        except InvalidInput as refused:
            show_faults(form, refused)
        except TooManyAttempts as refused:
            return wait(refused)
    page = render_template("complaints/public_form.html", form=form, places=groups, longest=LONGEST_TEXT, answers=faq.any_published(session))
    return page, 422 if request.method == "POST" else 200


def opened() -> Session:
    """The session, where the association has its public form on."""
    session = work.real(db.session)
    if not is_open(session):
        abort(404)
    return session


def refuse_flood(session: Session) -> None:
    """Refused before anything is read or written, unless this very sending has arrived already."""
    if not _arrived(session, request.form.get("operation_key", "")):
        limits.refuse_over(session, limits.sendings(session, request.remote_addr or ""), work.now())


def _arrived(session: Session, key: str) -> bool:
    return bool(key) and session.scalar(select(Entry.id).where(Entry.operation_key == key)) is not None


def wait(refused: TooManyAttempts) -> Response:
    """429, with what was written, so that it is not lost."""
    response = make_response(render_template("complaints/public_wait.html", message=refused.message, text=request.form.get("text", "")[:LONGEST_TEXT]), 429)
    response.headers["Retry-After"] = str(60 * int(str(refused.value or 1)))
    return response


def places(session: Session) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Centres and programmes that a message may be about, under their headings."""
    groups: list[tuple[Any, Iterable[Any], str]] = [(_l("Centres"), organisation.active_centres(session), "centre"),
                                                    (_l("Programmes"), organisation.active_programmes(session), "programme")]
    return [(title, [(f"{kind}-{one.id}", one.name) for one in rows]) for title, rows, kind in groups if rows]


def receive(form: PublicForm) -> Sent:
    """One entry in the log, with its file; the same sending again answers with the same entry. Raises InvalidInput, TooManyAttempts."""
    stored = kept_file(form.file.data)
    key = form.operation_key.data or ""
    public, now = visitor(), work.now()
    session = work.real(db.session)
    session.info["actor"] = public
    with work.unit_of_work(session):
        if not _arrived(session, key):
            limits.count(session, limits.sendings(session, request.remote_addr or ""), now)
        made = services.receive_from_public(session, values_of(form), actor=public, now=now, operation_key=key)
        if stored is not None and not files.attached_to(session, made.entry):
            files.attach(session, stored, made.entry, actor=public, now=now, subject_id=made.entry.subject_id)
        return Sent(made.entry.number, made.code, made.entry.kind)


def visitor() -> Actor:
    """Whoever sends the form is the public, signed in or not: what a member of staff sends here counts as from outside."""
    return system_actor("public", "public form")


def values_of(form: PublicForm) -> dict[str, Any]:
    chosen, _hyphen, number = (form.place.data or "").partition("-")
    given = {name: form[name].data for name in ("kind", "text", "name", "phone", "email")}
    given["consent"] = domain.consent_now() if form.consent.data else ""
    return {**given, f"{chosen}_id": number} if number else given


def kept_file(upload: Any) -> Stored | None:
    """The bytes of an attachment, checked and on disk; what no entry takes is swept away later. Raises InvalidInput."""
    if upload is None or not getattr(upload, "filename", ""):
        return None
    content = upload.stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InvalidInput(_l("The file is larger than 5 MB. Send a smaller picture, or leave it out."), field="file")
    return files.store(state().association.files_folder, upload.filename, content)


# --- following -------------------------------------------------------------------------------------------------------


def follow_page() -> Any:
    session = opened()
    form = FollowForm()
    if request.method == "POST" and form.validate():
        counters = limits.guesses(session, request.remote_addr or "")
        try:
            limits.refuse_over(session, counters, work.now())
            entry = find(session, form)
            if entry is not None:
                return render_template("complaints/public_entry.html", entry=entry, kind=domain.kinds()[entry.kind], state=domain.states()[entry.state],
                                       updates=[one for one in queries.updates_of(session, entry) if one.public])
            miss(session, form, counters)
        except TooManyAttempts as refused:
            return wait(refused)
    return render_template("complaints/public_follow.html", form=form), 422 if request.method == "POST" else 200


def find(session: Session, form: FollowForm) -> Entry | None:
    """The entry whose number and code these are. A number without its "C-" or with Arabic digits is the same number."""
    typed = "-".join(normalise_digits(form.number.data or "").upper().replace("-", " ").split())
    return follow.find(session, typed if typed.startswith("C-") else f"C-{typed}", form.code.data or "")


def miss(session: Session, form: Form, counters: tuple[limits.Counter, ...]) -> None:
    """Count a guess; one answer for a wrong number and for a wrong code."""
    session.info["actor"] = visitor()
    with work.unit_of_work(session):
        limits.count(session, counters, work.now())
    form.form_errors.append(_l("There is no message with this number and this code. Compare both with what you wrote down."))


# --- answers ---------------------------------------------------------------------------------------------------------


def answers_page() -> Any:
    session = work.real(db.session)
    return render_template("complaints/public_answers.html", answers=faq.published(session), open=is_open(session))
