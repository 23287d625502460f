"""The base of every form: messages in the reader's language, no control characters, an operation key against doubles."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.fields import StringField, TextAreaField

from core.errors import InvalidInput
from core.i18n import gettext as _
from core.text import check_plain

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
