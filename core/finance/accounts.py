"""The association's settings of each layout: read with defaults, checked and stored (FIN-02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, authorize
from core.errors import InvalidInput, InvalidInputs, NotFound
from core.finance.domain import METHODS
from core.finance.layouts import LAYOUTS, Layout, LayoutSettings
from core.finance.services import SETTINGS
from core.i18n import lazy_gettext as _l
from core.text import check_plain

LONGEST = 120


def layout_of(code: str) -> Layout:
    """The layout of this code; NotFound names those there are."""
    layout = LAYOUTS.get(code)
    if layout is None:
        raise NotFound(_l("There is no layout “%(name)s”. There are: %(all)s.", name=code, all=", ".join(LAYOUTS)), field="layout", value=code)
    return layout


def layout_settings(session: Session, code: str) -> LayoutSettings:
    """The settings of one layout: what the association chose, and the layout's defaults for the rest."""
    layout = layout_of(code)
    chosen = dict(settings.get(session, f"finance.layout.{code}") or {})
    defaults = {option.key: option.default for option in layout.options}
    found = LayoutSettings.of({**defaults, **chosen, "currency": chosen.get("currency") or settings.currency(session)})
    return found if layout.journal else replace(found, bom=bool(settings.get(session, "finance.bom")))


def save_layout(session: Session, code: str, *, method_accounts: Mapping[str, str], fund_accounts: Mapping[str, str], options: Mapping[str, str],
                actor: Actor) -> None:
    """Store accounts by method and fund code and the layout's own options. Issued batches keep the settings they had.

    Raises InvalidInputs naming every wrong field.
    """
    authorize(session, actor, SETTINGS)
    layout = layout_of(code)
    faults: list[InvalidInput] = []
    stored: dict[str, Any] = {"method_accounts": {}, "fund_accounts": {}}
    for kind, given in (("method_accounts", method_accounts), ("fund_accounts", fund_accounts)):
        for key, value in given.items():
            clean = _clean(f"{kind}.{key}", value, faults)
            if clean and (kind == "fund_accounts" or key in METHODS):
                stored[kind][key] = clean
    for option in layout.options:
        value = _clean(option.key, options.get(option.key, ""), faults)
        if option.required and not value:
            faults.append(InvalidInput(_l("“%(title)s” is needed.", title=option.label), field=option.key))
        if option.choices and value and value not in option.choices:
            faults.append(InvalidInput(_l("“%(value)s” is not one of the choices.", value=value), field=option.key, value=value))
        stored[option.key] = value
    if faults:
        raise InvalidInputs(faults)
    settings.put(session, f"finance.layout.{code}", stored)


def _clean(field: str, value: str, faults: list[InvalidInput]) -> str:
    try:
        return check_plain(value.strip(), field=field, longest=LONGEST)
    except InvalidInput as fault:
        faults.append(fault)
        return ""
