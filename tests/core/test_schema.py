"""Where an owner's revisions end, read off their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DiwanError
from core.schema import Owner, head


def revision(folder: Path, name: str, follows: str | None) -> None:
    lines = [f'revision: str = "{name}"', f"down_revision: str | None = {follows!r}", "branch_labels = None"]
    (folder / f"{name}.py").write_text("\n".join(lines), encoding="utf-8")


def test_the_head_is_what_no_other_follows(tmp_path: Path) -> None:
    for name, follows in (("0002_b", "0001_a"), ("0001_a", None), ("0003_c", "0002_b")):
        revision(tmp_path, name, follows)

    assert head(Owner("visits", tmp_path)) == "0003_c"


def test_without_revisions_there_is_none(tmp_path: Path) -> None:
    assert head(Owner("visits", tmp_path)) is None


def test_two_ends_are_refused_by_their_names(tmp_path: Path) -> None:
    for name, follows in (("0001_a", None), ("0002_b", "0001_a"), ("0002_c", "0001_a")):
        revision(tmp_path, name, follows)

    with pytest.raises(DiwanError, match="visits end in 0002_b and 0002_c"):
        head(Owner("visits", tmp_path))
