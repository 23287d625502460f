"""``catalogue.json`` of an area or a plugin: choice lists with their Arabic and English words, and what else is data there."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from core.i18n import Bilingual


class Catalogue:
    """The catalogue beside a module (``Catalogue(__file__)``), read once."""

    def __init__(self, module_file: str) -> None:
        self.file = Path(module_file).parent / "catalogue.json"
        self._labels: dict[tuple[str, str], dict[str, Bilingual]] = {}

    @cached_property
    def parts(self) -> dict[str, Any]:
        return json.loads(self.file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    def __getitem__(self, part: str) -> Any:
        return self.parts[part]

    def labels(self, part: str, key: str = "code") -> dict[str, Bilingual]:
        """What each choice of a list is called, by its code, in the order of the file."""
        if (part, key) not in self._labels:
            self._labels[part, key] = {item[key]: Bilingual.of(item) for item in self[part]}
        return self._labels[part, key]
