"""Every requirement of the first release has a test, and every test that is named for one exists."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
TABLE: dict[str, list[str]] = {
    row: tests for group in tomllib.loads((TESTS / "requirements.toml").read_text(encoding="utf-8")).values() for row, tests in group.items()}


def rows(group: str, *numbers: int) -> set[str]:
    return {f"{group}-{number:02d}" for number in numbers}


WANTED = {*rows("PLUG", *range(1, 12)), *rows("ORG", *range(1, 10), 18), *rows("CUST", *range(1, 19), 20, 21, 22, 28, 34, 35, 37),
          *rows("AUD", *range(1, 8)), *rows("FIN", *range(1, 5), 9, 10), *rows("RPT", 10)}


def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)}


def test_every_requirement_of_this_release_is_there() -> None:
    assert set(TABLE) >= WANTED
    assert [row for row, tests in TABLE.items() if not tests] == []


@pytest.mark.parametrize("row", sorted(TABLE))
def test_every_named_test_exists(row: str) -> None:
    for named in TABLE[row]:
        file, _, function = named.partition("::")
        assert (TESTS / file).is_file(), named
        assert function.startswith("test_") and function in functions_of(TESTS / file), named


def test_every_requirement_is_one_of_the_list(shared: Path) -> None:
    lines = (shared / "requirements" / "REQUIREMENTS.md").read_text(encoding="utf-8").splitlines()
    listed = {line.split("|")[1].strip() for line in lines if line.startswith("| ")}

    assert set(TABLE) <= listed
