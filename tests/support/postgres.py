"""A PostgreSQL server for the tests: the one given by ``DIWAN_TEST_POSTGRES``, or a private one started here.

The private one is a cluster of its own in a temporary folder, reached by a socket in it, shared by all processes of
one test run and stopped by a watcher when the run has ended, however it ended. ``fsync`` is off in it, and only there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

GIVEN = "DIWAN_TEST_POSTGRES"
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")
SETTINGS = (
    "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB",
    "jit=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=2GB", "checkpoint_timeout=1h",
)


def ensure_postgres() -> str | None:
    """The address of a server on which databases may be made; None where there is none to be had.

    One server a test run: the processes of pytest-xdist share it.
    """
    if given := os.environ.get(GIVEN):
        return given
    if binaries() is None:
        return None
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return _shared_server(owner, os.environ.get("PYTEST_XDIST_TESTRUNUID", f"pid{owner}"))


def binaries() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, the newest version first."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = [folder for place in PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").is_file()]
    return max(found, key=_version, default=None)


def _version(folder: Path) -> int:
    digits = "".join(character for character in folder.parent.name if character.isdigit())
    return int(digits or 0)


def install_postgres() -> bool:
    """Install the server by apt, as root and where there is apt; whether it is there now."""
    if binaries() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        from tests.support.apt import install

        install("postgresql", "postgresql-contrib")
    return binaries() is not None


def _shared_server(owner: int, run: str) -> str:
    folder = Path(tempfile.gettempdir()) / f"diwan-pg-{os.getuid()}-{run[:12]}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} belongs to somebody else")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        address = folder / "address"
        if not address.exists():
            address.write_text(start(folder, owner))
        return address.read_text()


def program(name: str) -> Path:
    """One of the server's own programs."""
    folder = binaries()
    assert folder is not None
    return folder / name


def start(folder: Path, owner: int, *settings: str) -> str:
    """Make and start a cluster below ``folder`` that lives as long as the process ``owner``; returns its address.

    ``settings`` (``name=value``) come after those of the tests and win.
    """
    data = folder / "d"
    data.mkdir(mode=0o700)
    if (account := server_account()) is not None:
        os.chown(data, *account)
    command([str(program("initdb")), "-D", f"{data}/c", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"], folder)
    options = " ".join(f"-c {setting}" for setting in (*SETTINGS, *settings))
    command([str(program("pg_ctl")), "-D", f"{data}/c", "-w", "-s", "-l", f"{data}/log", "-o", f"{options} -k {data}", "start"], folder)
    _start_watcher([sys.executable, __file__, str(owner), str(program("pg_ctl")), str(folder)])
    return f"postgresql://postgres@/postgres?host={data}"


def _start_watcher(command: list[str]) -> None:
    """In a session of its own, so that what ends the tests does not end it."""
    nothing = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    os.posix_spawn(command[0], command, os.environ, file_actions=nothing, setsid=True)


def server_account() -> tuple[int, int] | None:
    """Whom to run the server as: PostgreSQL refuses root, so then ``postgres`` or ``nobody``; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise RuntimeError("Neither 'postgres' nor 'nobody' exists to run PostgreSQL as.")


def command(words: list[str], folder: Path) -> None:
    """Run one of PostgreSQL's programs as its account. Raises RuntimeError with what it printed."""
    account = server_account()
    who = {} if account is None else {"user": account[0], "group": account[1], "extra_groups": []}
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with (folder / "output").open("ab") as output:
        done = subprocess.run(words, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **who)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise RuntimeError(f"{Path(words[0]).name} failed:\n{(folder / 'output').read_text(errors='replace')}")


@contextlib.contextmanager
def own_server() -> Iterator[str]:
    """A server for this block alone, for tests that stop it or fill it; skipping is the caller's."""
    folder = Path(tempfile.mkdtemp(prefix="diwan-pg-"))
    folder.chmod(0o755)
    try:
        yield start(folder, os.getpid())
    finally:
        stop(str(program("pg_ctl")), folder)


def stop(pg_ctl: str, folder: Path) -> None:
    with contextlib.suppress(RuntimeError, OSError):
        command([pg_ctl, "-D", f"{folder}/d/c", "-m", "immediate", "-s", "-w", "stop"], folder)
    shutil.rmtree(folder, ignore_errors=True)


def watch(owner: int, pg_ctl: str, folder: Path) -> None:
    """Wait until the process ``owner`` has ended, then stop and remove the cluster."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while folder.exists() and _alive(owner):
        time.sleep(0.5)
    stop(pg_ctl, folder)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
