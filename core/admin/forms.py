"""The base of every form: messages in the reader's language, no control characters, an operation key against doubles."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, HiddenField, IntegerField
from wtforms.fields import StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import TextInput

from core.admin import values
from core.errors import InvalidInput
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import check_plain, isolate, normalise_digits, row_id

LONGEST_LINE = 500
MOST_DIGITS = 9
LONGEST_TEXT = 20_000


class DiwanForm(FlaskForm):
    """All text fields are stripped and refuse NUL, control characters, bidi overrides and over-long values.

    ``operation_key`` is unique in the database for what a form creates: the same form sent twice answers with the first
    result instead of making a second record.
    """

    class Meta(FlaskForm.Meta):
        """Fields come from a form's own body; Flask-WTF's other source, JSON of any shape, is closed."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            if request.is_json and not hasattr(formdata, "getlist"):
                return None
            return super().wrap_formdata(form, formdata)

    operation_key = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.operation_key.data:
            self.operation_key.data = secrets.token_urlsafe(18)

    def validate(self, extra_validators: Any = None) -> bool:
        sound = super().validate(extra_validators)
        return _check_texts(self) and sound


def _check_texts(form: FlaskForm) -> bool:
    sound = True
    for field in form:
        if not isinstance(field, StringField) or not isinstance(field.data, str):
            continue
        longest = LONGEST_TEXT if isinstance(field, TextAreaField) else LONGEST_LINE
        text = field.data.strip()
        try:
            if len(text) > longest:
                raise InvalidInput(_("At most %(n)s characters; this has %(found)s.", n=longest, found=len(text)))
            field.data = check_plain(text, field=field.name, multiline=isinstance(field, TextAreaField)).strip()
        except InvalidInput as fault:
            sound = False
            if isinstance(field, HiddenField):  # nobody sees where it stands
                form.form_errors.append(fault.message)
            else:
                field.errors = [*field.errors, fault.message]
    return sound


def choices(pairs: Iterable[tuple[Any, Any]], none: Any = None) -> list[SelectChoice]:
    """Choices of values with their labels; ``none`` is what the empty one is called, where there is one."""
    return [*([SelectChoice("", none)] if none is not None else []), *(SelectChoice(value, label) for value, label in pairs)]


def whole(raw: Any) -> int | None:
    """The id that a choice stands for; None for the empty choice. Raises ValueError for what is no id."""
    number = row_id(raw)
    if raw and number is None:
        raise ValueError(str(raw)[:40])
    return number


def form_of(forms: Mapping[str, type[DiwanForm]], act: str, *, sent: bool = False, **known: Any) -> DiwanForm:
    """The form of one act among several on a page; ``sent``: filled by what this request brings, else with what is known."""
    return forms[act](prefix=f"{act}-", data=known, **({} if sent else {"formdata": None}))


@dataclass(frozen=True)
class Title:
    """What an act of a record's page is called: on its heading, on its button, and its icon."""

    heading: Any
    button: Any
    icon: str


class WholeField(IntegerField):
    """A whole number, in any digits: browsers keep an input of their own kind ``number`` empty when Arabic ones are typed.

    How large it may be is judged by whoever takes it.
    """

    widget = TextInput()
    signs = ""
    """What may stand behind the number."""

    def __init__(self, *args: Any, render_kw: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, render_kw={"dir": "ltr", "autocomplete": "off", "inputmode": "numeric", **(render_kw or {})}, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = " ".join(valuelist[:1]).strip()
        text = normalise_digits(typed).rstrip(self.signs or None).strip()
        self.data = None
        if text and not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
            raise ValueError(str(self.refusal(isolate(typed[:20], "auto"))))
        self.data = int(text) if text else None

    def refusal(self, value: str) -> Any:
        return _l("“%(value)s” is no whole number. Write it in digits only, like %(example)s.", value=value, example=isolate("12"))


class MomentField(DateTimeLocalField):
    """A day and hour by the association's clock; ``data`` is the moment in UTC."""

    data: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = normalise_digits(" ".join(valuelist[:1])).strip()
        try:
            super().process_formdata([typed] if typed.isascii() else ["-"] if typed else [])
            if isinstance(self.data, datetime) and self.data.tzinfo is None:
                self.data = self.data.replace(tzinfo=values.zone()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.data = None
            raise ValueError(str(_l("“%(value)s” is no day and hour of the Gregorian calendar. Write it like %(example)s.",
                                    value=isolate(typed[:40], "auto"), example=isolate("2026-09-23T14:05")))) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(" ".join(self.raw_data))
        return self.data.astimezone(values.zone()).strftime(self.format[0]) if self.data else ""
