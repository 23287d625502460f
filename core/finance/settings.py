"""Settings of finance: one value for each layout (its accounts and names), and the association's habits of exporting."""

from __future__ import annotations

from core.finance.layouts import LAYOUTS
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting

GROUP = "finance"
SETTINGS: tuple[Setting, ...] = (
    Setting("finance.layout", _l("Layout of the finance export"), "generic", kind="choice", group=GROUP,
            choices=tuple((layout.code, layout.title) for layout in LAYOUTS.values()), help=_l("What a new batch is offered in.")),
    Setting("finance.bom", _l("Byte order mark in the generic layout"), True, kind="bool", group=GROUP,
            help=_l("Excel needs it to show Arabic; accounting systems are given their files without it.")),
    Setting("finance.needs_programme", _l("Only contributions with a programme are exported"), False, kind="bool", group=GROUP),
    *(Setting(f"finance.layout.{layout.code}", layout.title, {}, kind="json", group="finance_layouts") for layout in LAYOUTS.values()),
)
