"""Every setting: of the deployment (environment and files) and of one association (rows in its database).

A deployment setting is read from ``DIWAN_*``; an association's file is ``association.toml``. What staff may change on a
page is a ``Setting`` with title, meaning, unit and default, stored as one row per changed key and audited.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm import Session as AnySession

from core import work
from core.calendar import read_holiday
from core.database import Base, JsonDict, object_of
from core.errors import DiwanError, InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.money import currencies
from core.plugins.manifest import Setting
from core.text import isolate

STORED = "settings"
SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}")


# --- deployment ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deployment:
    """How this installation runs. ``proxies`` is the declared number of reverse proxies in front (0: none is believed)."""

    home: Path
    proxies: int = 0
    plugin_path: tuple[Path, ...] = ()
    apps_kept: int = 64
    max_upload_bytes: int = 64 * 1024 * 1024

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Deployment:
        """Read ``DIWAN_HOME``, ``DIWAN_PROXIES``, ``DIWAN_PLUGIN_PATH`` (folders), ``DIWAN_APPS_KEPT``, ``DIWAN_MAX_UPLOAD_MIB``."""
        return cls(
            home=Path(environ.get("DIWAN_HOME", "instance")).resolve(),
            proxies=_whole(environ, "DIWAN_PROXIES", 0),
            plugin_path=tuple(Path(p).resolve() for p in environ.get("DIWAN_PLUGIN_PATH", "").split(os.pathsep) if p),
            apps_kept=max(1, _whole(environ, "DIWAN_APPS_KEPT", 64)),
            max_upload_bytes=_whole(environ, "DIWAN_MAX_UPLOAD_MIB", 64) * 1024 * 1024,
        )

    @property
    def associations(self) -> Path:
        return self.home / "associations"


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    raw = environ.get(name, "")
    if raw and not (raw.isascii() and raw.isdigit()):
        raise DiwanError(f"{name} is '{raw}'; it must be a whole number. Correct it or remove it (default {default}).")
    return int(raw) if raw else default


def served_file(deployment: Deployment) -> Path:
    """Where a running server notes its address for commands that print links."""
    return deployment.home / "served-at"


def local_address(deployment: Deployment, environ: Mapping[str, str] = os.environ) -> str:
    """``http://127.0.0.1:8000/`` or wherever this machine serves: ``DIWAN_PORT``, else the server that runs or ran last, else port 8000."""
    file = served_file(deployment)
    if environ.get("DIWAN_PORT"):
        return f"http://127.0.0.1:{environ['DIWAN_PORT']}/"
    noted = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    return noted if noted.startswith("http://") else "http://127.0.0.1:8000/"


# --- one association's file ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Association:
    """One association as its ``association.toml`` describes it."""

    slug: str
    folder: Path
    name: Bilingual
    database_url: str
    hosts: tuple[str, ...] = ()
    demo: bool = False

    @classmethod
    def load(cls, folder: Path) -> Association:
        """Read ``folder/association.toml``; raises DiwanError naming file and key when it is wrong."""
        file = folder / "association.toml"
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DiwanError(f"No association '{folder.name}': {file} does not exist. `diwan association list` shows those there are.") from None
        except tomllib.TOMLDecodeError as exc:
            raise DiwanError(f"{file} cannot be read: {exc}. Correct it by hand or restore it from a backup.") from exc
        return cls(
            slug=folder.name,
            folder=folder,
            name=Bilingual.of(data.get("name", {"ar": folder.name, "en": folder.name})),
            database_url=os.environ.get(f"DIWAN_DATABASE_{folder.name.upper().replace('-', '_')}") or data.get("database") or sqlite_url(folder),
            hosts=tuple(data.get("hosts", ())),
            demo=bool(data.get("demo", False)),
        )

    def save(self) -> None:
        """Write the file; the database's address only where it is not the folder's own SQLite file."""
        lines = [f'name = {{ ar = "{_toml(self.name.ar)}", en = "{_toml(self.name.en)}" }}']
        if self.database_url != sqlite_url(self.folder):
            lines.append(f'database = "{_toml(self.database_url)}"')
        hosts = ", ".join(f'"{_toml(host)}"' for host in self.hosts)
        lines += [f"hosts = [{hosts}]", f"demo = {'true' if self.demo else 'false'}", ""]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "association.toml").write_text("\n".join(lines), encoding="utf-8")

    @property
    def keys_folder(self) -> Path:
        return self.folder / "keys"

    @property
    def files_folder(self) -> Path:
        return self.folder / "files"

    @property
    def backups_folder(self) -> Path:
        return self.folder / "backups"


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'diwan.sqlite3'}"


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def find_association(deployment: Deployment, slug: str) -> Association:
    if not SLUG.fullmatch(slug):
        raise DiwanError(f"'{slug}' is no association's name: 2 to 40 small letters, digits or hyphens, a letter first.")
    return Association.load(deployment.associations / slug)


def all_associations(deployment: Deployment) -> list[Association]:
    """Every association of this deployment by slug; folders that were put aside are none."""
    folders = sorted(file.parent for file in deployment.associations.glob("*/association.toml"))
    return [Association.load(folder) for folder in folders if SLUG.fullmatch(folder.name)]


# --- an association's own settings -----------------------------------------------------------------------------------


class StoredSetting(Base):
    """One changed setting. The value is JSON under ``value``; a key without a row has its default."""

    __tablename__ = "core_setting"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    value: Mapped[dict[str, Any]] = mapped_column(JsonDict)


GENERAL: tuple[Setting, ...] = (
    Setting("core.time_zone", _l("Time zone"), "Asia/Riyadh", kind="zone", help=_l("Days begin and end by this clock.")),
    Setting("core.country", _l("Country"), "SA", kind="choice", choices=(("SA", _l("Saudi Arabia")), ("KW", _l("Kuwait")), ("GB", _l("United Kingdom")),
            ("AE", _l("United Arab Emirates")), ("BH", _l("Bahrain")), ("QA", _l("Qatar")), ("OM", _l("Oman")), ("JO", _l("Jordan")), ("EG", _l("Egypt"))),
            help=_l("How telephone numbers without a country code are read, and which public holidays apply.")),
    Setting("core.currency", _l("Currency"), "SAR", kind="choice", choices=currencies(),
            help=_l("ISO 4217 code; its decimals apply to every amount (KWD 3, SAR 2).")),
    Setting("core.language", _l("Language"), "ar", kind="choice", choices=(("ar", _l("Arabic")), ("en", _l("English"))),
            help=_l("What people see until they choose their own.")),
    Setting("core.day_count", _l("Days of a time limit"), "calendar", kind="choice",
            choices=(("calendar", _l("Calendar days")), ("working", _l("Working days"))),
            help=_l("Limits in days or weeks skip the weekend and holidays when working days are chosen; hours always run on.")),
    Setting("core.weekend", _l("Weekend"), [4, 5], kind="weekdays", help=_l("Days on which nobody works.")),
    Setting("core.public_holidays", _l("Public holidays of the country"), True, kind="bool"),
    Setting("core.holidays", _l("Own holidays"), [], kind="dates",
            help=_l("One a line: a date, written %(day)s; with a minus before it, %(minus)s, the day is a working day after all. What comes every Hijri year "
                    "is written with month and day: %(yearly)s for the first of Shawwal.",
                    day=isolate("2026-09-23"), minus=isolate("-2026-09-23"), yearly=isolate("H 10-01"))),
    Setting("core.logo_file", _l("Logo"), None, kind="file", help=_l("Shown at the head of the menu and on printed forms.")),
    Setting("core.first_steps", _l("Show the first steps on My day"), True, kind="bool", help=_l("To administrators, until all of them are done.")),
    Setting("core.idle_minutes", _l("Sign out after"), 30, kind="int", unit=_l("minutes without use")),
)


def specs(session: AnySession) -> Mapping[str, Setting]:
    """All settings that exist in this association: core's, its areas' and its plugins'."""
    return session.info.get("settings") or {item.key: item for item in GENERAL}


def get(session: AnySession, key: str) -> Any:
    """The value of a setting; its default where nothing was chosen. All are loaded at once, once per transaction."""
    stored = work.read_once(session, STORED, lambda: _stored(session))
    return stored[key]["value"] if key in stored else specs(session)[key].default


def _stored(session: AnySession) -> Mapping[str, Any]:
    with session.no_autoflush:
        return session.scalar(select(stored_subquery())) or {}


def stored_subquery() -> ScalarSelect[Any]:
    """All that was chosen, ``{key: {"value": …}}``, for the statement that loads session and user; ``keep`` takes what it found."""
    return select(object_of(StoredSetting.key, StoredSetting.value)).scalar_subquery()


def keep(session: AnySession, stored: Mapping[str, Any] | None) -> None:
    """Go by these in the present transaction."""
    work.read_once(session, STORED, lambda: stored or {})


def put(session: AnySession, key: str, value: Any) -> None:
    """Store one setting after ``check``; the caller has authorised it. Raises InvalidInput."""
    spec = specs(session).get(key)
    if spec is None:
        raise InvalidInput(_l("There is no setting “%(key)s”.", key=key), field=key, value=value)
    value = check(spec, value)
    row = session.scalar(select(StoredSetting).where(StoredSetting.key == key))
    if row is None:
        session.add(StoredSetting(key=key, value={"value": value}))
    elif row.value.get("value") != value:
        row.value = {"value": value}
    session.flush()
    work.forget(session)


def check(spec: Setting, value: Any) -> Any:
    """The value in its stored form, or InvalidInput naming the setting, the value and what would be right."""
    if spec.kind == "zone" and value not in available_timezones():
        raise InvalidInput(_l("“%(value)s” is no time zone. Write one like Asia/Riyadh.", value=value), field=spec.key, value=value)
    if spec.kind == "choice" and value not in {code for code, _label in spec.choices}:
        raise InvalidInput(_l("“%(value)s” is not one of the choices of “%(title)s”.", value=value, title=spec.title), field=spec.key, value=value)
    if spec.kind == "codes":
        _check_codes(spec, value)
    if spec.kind == "dates":
        return [read_holiday(line, field=spec.key).text for line in value or ()]
    if spec.key == "core.weekend" and len(set(value or ())) > 6:
        raise InvalidInput(_l("At least one day of the week must be a working day."), field=spec.key, value=value)
    if spec.kind == "int":
        return _checked_int(spec, value)
    if spec.kind == "bool":
        return value in (True, "1", "true", "on", "y", "yes")
    return value


def _check_codes(spec: Setting, value: Any) -> None:
    for code in value or ():
        if spec.choices and code not in {one for one, _label in spec.choices}:
            raise InvalidInput(_l("“%(value)s” is not one of the choices of “%(title)s”.", value=code, title=spec.title), field=spec.key, value=code)


def _checked_int(spec: Setting, value: Any) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(_l("“%(value)s” is not a whole number for “%(title)s”.", value=value, title=spec.title), field=spec.key, value=value)
    return int(text)


def time_zone(session: AnySession) -> ZoneInfo:
    return ZoneInfo(get(session, "core.time_zone"))


def currency(session: AnySession) -> str:
    return str(get(session, "core.currency"))
