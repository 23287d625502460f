"""A plugin's next migration is written from its models, by the command as its author calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def diwan(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "DIWAN_HOME": str(folder / "home"), "DIWAN_PLUGIN_PATH": str(folder)}
    return subprocess.run([sys.executable, "-m", "core.cli", *arguments], env=own, capture_output=True, text=True, check=False, timeout=120)


def test_the_next_migration_is_what_the_models_say_beyond_the_last_one(tmp_path: Path) -> None:
    assert diwan("plugins", "new", "garden", "--folder", str(tmp_path), folder=tmp_path).returncode == 0
    models = tmp_path / "garden" / "models.py"
    models.write_text(models.read_text(encoding="utf-8") + "    watered_at: Mapped[datetime | None]\n", encoding="utf-8")

    written = diwan("plugins", "revision", "garden", "Watering, and when", folder=tmp_path)
    again = diwan("plugins", "revision", "garden", "Once more", folder=tmp_path)

    made = tmp_path / "garden" / "migrations" / "0002_garden_watering_and_when.py"
    assert str(made) in written.stdout, written.stderr
    text = made.read_text(encoding="utf-8")
    assert "down_revision = '0001_garden'" in text
    assert "add_column(sa.Column('watered_at', sa.DateTime(timezone=True), nullable=True))" in text
    assert (again.returncode, "nothing to write" in again.stderr) == (1, True)
    assert len(list(made.parent.glob("*.py"))) == 2


def test_a_new_table_with_a_trigger_gets_its_migration(tmp_path: Path) -> None:
    """What the models derive cannot be made before the table that it is on."""
    assert diwan("plugins", "new", "garden", "--folder", str(tmp_path), folder=tmp_path).returncode == 0
    models = tmp_path / "garden" / "models.py"
    models.write_text(models.read_text(encoding="utf-8") + """

class Bed(Base):
    __tablename__ = "garden_bed"
    id: Mapped[int] = mapped_column(primary_key=True)


from core.database import derive, refusal

derive(refusal("garden_bed_kept", "garden_bed", "DELETE", None, "a bed is kept"))
""", encoding="utf-8")

    written = diwan("plugins", "revision", "garden", "Beds", folder=tmp_path)
    assert written.returncode == 0, written.stderr
    assert "garden_bed" in (tmp_path / "garden" / "migrations" / "0002_garden_beds.py").read_text(encoding="utf-8")


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = diwan("plugins", "revision", "gardn", "x", folder=tmp_path)

    assert (missing.returncode, "gardn" in missing.stderr) == (1, True)
