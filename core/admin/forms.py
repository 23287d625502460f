"""The base of every form: messages in the reader's language, no control characters, an operation key against doubles."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, HiddenField
from wtforms.fields import StringField, TextAreaField

from core.admin import values
from core.errors import InvalidInput
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import check_plain, isolate, normalise_digits

LONGEST_LINE = 500
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
