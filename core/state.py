"""What one association's app is made of; built by ``core.app``, read by views, commands and the worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import current_app

from core.plugins.discovery import Catalogue, Failed, Installed
from core.plugins.manifest import AreaInfo, Decision, Permission, PluginInfo, Setting
from core.plugins.relay import Relay
from core.plugins.selection import Selection
from core.settings import Association, Deployment

if TYPE_CHECKING:
    from core.keys import Keys


@dataclass
class State:
    """``extensions["diwan"]`` of the app. ``offers`` maps a ``register_…`` hook to what areas and plugins returned."""

    association: Association
    deployment: Deployment
    selection: Selection
    catalogue: Catalogue
    areas: tuple[ModuleType, ...]
    keys: Keys
    hooks: Relay
    active: list[Installed] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    offers: dict[str, list[Offer]] = field(default_factory=dict)

    @property
    def manifests(self) -> list[AreaInfo | PluginInfo]:
        return [area.AREA for area in self.areas] + [plugin.info for plugin in self.active]

    @property
    def settings(self) -> dict[str, Setting]:
        return {item.key: item for manifest in self.manifests for item in manifest.settings}

    @property
    def permissions(self) -> dict[str, Permission]:
        return {item.name: item for manifest in self.manifests for item in manifest.permissions}

    @property
    def decisions(self) -> dict[str, Decision]:
        return {item.name: item for manifest in self.manifests for item in manifest.decisions}

    @property
    def untracked(self) -> dict[str, str]:
        return {table: reason for manifest in self.manifests for table, reason in manifest.untracked.items()}

    def offered(self, hook: str) -> list[Any]:
        """What was offered through ``hook``, core's first, then plugins' in order of dependence."""
        return [offer.item for offer in self.offers.get(hook, ())]

    def named(self, hook: str) -> dict[str, Any]:
        """The same by the offers' ``name``."""
        return {item.name: item for item in self.offered(hook)}

    def owner_title(self, owner: str) -> Any:
        """What to call the owner of a table or an offer, also of a plugin that is off; its bare name when it is no longer installed."""
        installed = [*self.manifests, *(plugin.info for plugin in self.catalogue.installed)]
        manifest = next((one for one in installed if one.name == owner), None)
        return manifest.title if manifest else owner


@dataclass(frozen=True)
class Offer:
    """One thing offered through a hook, and by whom."""

    owner: str
    item: Any


def state() -> State:
    """The state of the current app."""
    return current_app.extensions["diwan"]  # type: ignore[no-any-return]
