"""Every template there is compiles: filters, macros and tags that nobody offers are found before a person does."""

from __future__ import annotations

from flask import Flask
from jinja2 import DictLoader, Environment

from core.app import CompiledTemplates


def test_every_template_compiles(app: Flask) -> None:
    names = [name for name in app.jinja_env.list_templates() if name.endswith((".html", ".txt", ".xml"))]

    assert len(names) > 60
    for name in names:
        app.jinja_env.get_template(name)


def test_what_is_compiled_once_serves_every_app_until_its_source_changes() -> None:
    shared, words = CompiledTemplates(), {"page.html": "one"}

    def shown() -> str:
        return Environment(loader=DictLoader(words), bytecode_cache=shared, autoescape=True).get_template("page.html").render()

    assert (shown(), shown(), len(shared.known)) == ("one", "one", 1)
    words["page.html"] = "another"
    assert (shown(), len(shared.known)) == ("another", 1)
