"""Fields of forms: numbers in any digits, wherever one is typed."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import Form
from wtforms.fields.core import UnboundField

import core
import plugins
from core.admin.forms import DiwanForm, WholeField


class Asked(Form):
    days = WholeField("Days")


@pytest.mark.parametrize(("typed", "read"), [("٤٠", 40), ("۴۰", 40), (" 40 ", 40), ("0", 0), ("", None)])
def test_a_whole_number_is_read_in_any_digits(app: Flask, typed: str, read: int | None) -> None:
    with app.test_request_context():
        form = Asked(MultiDict({"days": typed}))
        assert form.validate(), form.errors
        assert form.days.data == read


@pytest.mark.parametrize("typed", ["4x", "-4", "4.5", "٤٫٥", "1" * 10, "²"])
def test_anything_else_is_refused_and_stays_to_be_mended(app: Flask, typed: str) -> None:
    with app.test_request_context():
        form = Asked(MultiDict({"days": typed}))
        assert not form.validate()
        assert typed in str(form.days.errors[0])
        assert f'value="{typed}"' in form.days()
        assert form.days.data is None


def test_no_form_has_a_field_that_drops_arabic_digits() -> None:
    """An input of the kind ``number`` is sent empty when they are typed, and nobody is told; forms that no page shows are not ours."""
    for owner in (core, plugins):
        for place in pkgutil.iter_modules(owner.__path__):
            if place.ispkg and importlib.util.find_spec(f"{owner.__name__}.{place.name}.forms"):
                importlib.import_module(f"{owner.__name__}.{place.name}.forms")
    ours = [one for one in below(DiwanForm) if one.__module__.endswith("forms")]
    fields = [(f"{form.__name__}.{name}", field.field_class) for form in ours for name, field in vars(form).items() if isinstance(field, UnboundField)]

    assert len(fields) > 100
    assert [name for name, kind in fields if getattr(kind.widget, "input_type", "") == "number"] == []


def below(form: type) -> Iterator[type]:
    for one in form.__subclasses__():
        yield one
        yield from below(one)
