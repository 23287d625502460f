"""``diwan plugins new`` and ``plugins check``: a folder that already passes the contract suite, and the suite for one plugin."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from core import schema
from core.database import make_engine
from core.errors import DiwanError
from core.plugins.discovery import BUILT_IN, Catalogue

ROOT = Path(__file__).resolve().parent.parent.parent

FILES: dict[str, str] = {
    "__init__.py": '"""{Title}: say in one paragraph what this plugin is for."""\n',
    "plugin.py": '''"""The front door of {name}: its manifest, and thin hook implementations."""

from __future__ import annotations

from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Permission, PluginInfo
from {package} import views

PLUGIN = PluginInfo(
    name="{name}",
    title=_l("{Title}"),
    version="1.0",
    summary=_l("Say in one sentence what it does."),
    permissions=(Permission("{name}.read", _l("Read {Title}"), roles=("crm_manager",)),),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    return [views.EntryView()]
''',
    "models.py": '''"""Tables of {name}."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import owner_base
from core.i18n import lazy_gettext as _l

Base = owner_base("{name}")


class Entry(Base):
    """One entry."""

    __tablename__ = "{name}_entry"
    __audit_title__ = _l("Entry")
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    made_at: Mapped[datetime]
''',
    "views.py": '''"""Pages of {name}."""

from __future__ import annotations

from core.admin.lists import ListColumn
from core.admin.records import RecordView
from core.i18n import lazy_gettext as _l
from {package}.models import Entry


class EntryView(RecordView):
    model = Entry
    page_url = "/{name}/entries"
    page_endpoint = "{name}_entries"
    title = menu_title = _l("{Title}")
    menu_group = "customers"
    permission = "{name}.read"
    help = _l("The entries of this plugin, the newest first.")
    list_columns = (
        ListColumn("title", _l("Title"), sort=Entry.title),
        ListColumn("made_at", _l("Made"), kind="moment", sort=Entry.made_at),
    )
    list_sort = "-made_at"
''',
    "migrations/0001_{name}.py": '''"""Tables of {name}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_{name}"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "{name}_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_{name}_entry")),
    )


def downgrade() -> None:
    op.drop_table("{name}_entry")
''',
    "translations/ar/LC_MESSAGES/messages.po": '''msgid ""
msgstr ""
"Language: ar\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);\\n"

msgid "{Title}"
msgstr "{Title}"

msgid "Say in one sentence what it does."
msgstr "جملة واحدة تصف ما تفعله هذه الإضافة."

msgid "Read {Title}"
msgstr "الاطلاع"

msgid "The entries of this plugin, the newest first."
msgstr "قيود هذه الإضافة، الأحدث أولًا."

msgid "Entry"
msgstr "قيد"

msgid "Title"
msgstr "العنوان"

msgid "Made"
msgstr "أُنشئ"
''',
    "README.md": "# {Title}\n\nWhat it is for · terms · settings · permissions · hooks offered and used · requirement rows served.\n",
}


def new_plugin(name: str, folder: str | None = None) -> Path:
    """Make the folder of a new plugin; it is found at the next start without being installed. Refuses a name that is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9]{2,29}", name) or name == "core":
        raise DiwanError(f"'{name}' cannot be a plugin's name: 3 to 30 small letters and digits, a letter first.")
    parent = Path(folder).resolve() if folder else BUILT_IN
    target = parent / name
    if target.exists():
        raise DiwanError(f"{target} exists already. Choose another name.")
    package = f"plugins.{name}" if parent == BUILT_IN else name
    for path, text in FILES.items():
        file = target / path.replace("{name}", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{name}", name).replace("{package}", package).replace("{Title}", name.title()), encoding="utf-8")
    return target


def write_revision(catalogue: Catalogue, name: str, message: str) -> Path:
    """Write what a plugin's tables lack beside its models as its next revision, found on an empty database. Refuses where nothing differs."""
    plugin = catalogue.get(name)
    if plugin is None:
        raise DiwanError(f"There is no plugin '{name}' that loads. `diwan plugins list` shows those there are and what is wrong with the others.")
    owner = schema.Owner(name, plugin.folder / "migrations")
    owner.versions.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/empty.sqlite3")
        failed = dict(schema.migrate(engine, catalogue).failed)
        if name in failed:
            raise DiwanError(f"The revisions of '{name}' that are there fail: {failed[name]}. Mend them first.")
        made = schema.write_revision(engine, owner, message)
        engine.dispose()
    if made is None:
        raise DiwanError(f"The tables of '{name}' are what its models say; there is nothing to write.")
    return made


def check_plugin(name: str) -> int:
    """Run the contract suite for one plugin; returns the exit status of the tests."""
    suite = ROOT / "tests" / "contract"
    if not suite.is_dir():
        raise DiwanError("The contract suite lies in tests/contract of the checkout, which is not here.")
    if importlib.util.find_spec("pytest") is None:
        raise DiwanError("The contract suite needs what the tests need, which is not installed here. Run `make test` once, or:"
                         f" {sys.executable} -m pip install -r {ROOT / 'requirements-test.txt'}")
    files = [str(suite / file) for file in ("test_plugin_contract.py", "test_routes.py")]
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *files, "--plugin", name], cwd=ROOT, check=False).returncode
