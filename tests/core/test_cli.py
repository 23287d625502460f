"""What the command says: one line of English, also for what is data, and what to run next."""

from __future__ import annotations

import argparse
import importlib.util

import pytest

from core import cli
from core.errors import DiwanError, InvalidInput
from core.i18n import Bilingual, language, use_language
from core.i18n import lazy_gettext as _l
from core.plugins.scaffold import check_plugin


def test_an_error_is_english_down_to_the_labels_in_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(options: argparse.Namespace) -> None:
        raise InvalidInput(_l("Choose the column that holds “%(field)s”.", field=Bilingual("اسم العميل", "Customer name")))

    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("try", "try", refuse),))
    assert cli.main(["try"]) == 1
    assert capsys.readouterr().err == "diwan: Choose the column that holds “Customer name”.\n"


def test_outside_any_app_the_language_is_what_was_said_last() -> None:
    assert language() == "ar"
    with use_language("en"):
        assert (language(), str(Bilingual("اسم", "name"))) == ("en", "name")
    assert language() == "ar"


def test_checking_a_plugin_without_the_tests_requirements_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DiwanError, match="Run `make test` once"):
        check_plugin("anything")
