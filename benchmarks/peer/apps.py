"""The app of the peer's models, and where each model lies."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig

LABEL = "peer"


class PeerConfig(AppConfig):  # type: ignore[misc]
    name = "benchmarks.peer"
    label = LABEL


class Router:
    """The product's tables are read from ``data`` and never migrated; everything else is the peer's own."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "data" if model._meta.app_label == LABEL else None

    db_for_write = db_for_read

    def allow_relation(self, *objects: Any, **hints: Any) -> bool | None:
        return None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default" and app_label != LABEL
