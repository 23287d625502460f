"""F33, F34: backups taken under load, one restored: all that was acknowledged before it is there, later numbers are void."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from core.settings import find_association
from tests.faults import truth
from tests.faults.fault import Fault, Outcome, main
from tests.faults.load import Ledger, Load
from tests.faults.stage import SLUG, Stage, stage


def play(engine: str, rounds: int) -> Outcome:
    outcome = Outcome()
    with stage(engine, workers=2) as here:
        load = here.load()
        kept: list[tuple[float, Path]] = []
        with load.running():
            load.wait_for_acks(15)
            for _round in range(rounds):
                kept.append(_backup(here, outcome))
                load.wait_for_acks(15)
        outcome.take(here, load)
        here.stop_servers()
        # The last first: each restore brings the association further back.
        for moment, file in reversed(kept):
            _restore(here, load, moment, file, outcome)
        _goes_on(here, load, outcome)
        outcome.figures.append(f"{rounds} backups under load, each restored and verified")
    return outcome


def _backup(here: Stage, outcome: Outcome) -> tuple[float, Path]:
    moment = time.time()
    done = here.run("backup", "--association", SLUG)
    if done.returncode != 0:
        raise RuntimeError(f"the backup failed: {done.stderr}")
    outcome.figures.append(f"backup in {time.time() - moment:.1f} s")
    return moment, Path(done.stdout.splitlines()[0])


def _restore(here: Stage, load: Load, moment: float, file: Path, outcome: Outcome) -> None:
    """Put the backup in the association's place; what was acknowledged before it was begun is in it, and sound."""
    done = here.run("restore", str(file), "--association", SLUG)
    outcome.expect(done.returncode == 0, f"the restore was refused: {done.stderr.strip()}")
    outcome.expect("Verified:" in done.stdout, "the restore does not say what it verified")
    if done.returncode == 0:
        here.association = find_association(here.deployment, SLUG)
        before = [one for one in load.ledger.read() if one["at"] < moment]
        outcome.expect(bool(before), "nothing was acknowledged before the backup")
        outcome.problems += [f"restored: {one}" for one in truth.examine(here.association, before, load.ledger.tried)]
        verdict = here.verify()
        outcome.problems += [f"restored: {verdict}"] if verdict else []


def _goes_on(here: Stage, load: Load, outcome: Outcome) -> None:
    """After the oldest backup was restored work goes on, and no number that was ever acknowledged is given again."""
    before = load.ledger.read()
    here.serve(workers=2)
    again = here.load(ledger=Ledger(here.deployment.home / "after.jsonl"))
    with again.running():
        again.wait_for_acks(20)
    after = again.ledger.read()
    outcome.problems += [f"after the restore: {one}" for one in _twice(before, after)]
    outcome.problems += [f"after the restore: {one}" for one in truth.examine(here.association, after)]
    outcome.problems += again.problems[:1]
    verdict = here.verify()
    outcome.problems += [f"after the restore: {verdict}"] if verdict else []
    outcome.figures.append(f"{len(after)} acts after it")


def _twice(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    return truth.reused([*before, *after])


FAULT = Fault("backup", "backup under load, and restore", play, rounds=2, most=5)

if __name__ == "__main__":
    main(FAULT)
