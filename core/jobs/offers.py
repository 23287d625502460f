"""What background work there is: jobs by name, offered through ``register_jobs``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

Period = Literal["hour", "day", "week", "month"]
Run = Callable[[Session, Mapping[str, Any], datetime], None]


@dataclass(frozen=True)
class Job:
    """One kind of background work. ``name`` is ``<owner>.<verb>``.

    ``run(session, arguments, now)`` does the work. By default it runs inside one unit of work that is committed together
    with the mark "done": its effect on this database happens once, whatever is killed when. With ``commits`` the job
    opens its own units of work, because it is long (blocks) or speaks to the outside (mail): it calls
    ``core.jobs.services.progress`` in each, keeps what was done, and continues there when it is started again.

    ``every`` makes it periodic: once an hour, day, week (from Sunday) or month, at ``at`` (local ``HH:MM``; minutes count
    for ``hour``). Its arguments then hold ``period``, the local ISO date (and hour) on which the period begins. After a
    pause only the present period runs; with ``catch_up`` each missed one runs once.
    """

    name: str
    run: Run
    every: Period | None = None
    at: str = "00:00"
    title: Any = ""
    catch_up: bool = False
    commits: bool = False
