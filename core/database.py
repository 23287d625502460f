"""The database: bases and constraint names, column types, engines, and the two kinds of transaction.

A *read* transaction is read-only in the database on both engines. A *write* transaction on SQLite first takes its
place in a fair queue (an ``flock``) and then says BEGIN IMMEDIATE, so that it never fails for having read first and
no process starves; on PostgreSQL it is an ordinary transaction. Which kind a session opens is ``session.info["write"]``,
and only ``core.work`` sets it.

Statements that change data outside a flush are refused unless they run in a named section (``section``): whatever
goes round the session goes round the audit log.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from flask import current_app, has_app_context
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapper, registry
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from core.errors import DiwanError, InvalidInput, Unavailable
from core.i18n import lazy_gettext as _l

LOCK_TIMEOUT_SECONDS = 15
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


# --- column types ----------------------------------------------------------------------------------------------------


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC; a naive one is refused rather than guessed."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: moments carry their time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Phone(TypeDecorator[str]):
    """A telephone number in E.164 (``+966550000001``); anything else never reaches the database."""

    impl = sa.String(20)
    cache_ok = True
    shape = re.compile(r"\+[1-9][0-9]{3,14}")

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is not None and not self.shape.fullmatch(value):
            raise InvalidInput(_l("“%(value)s” is not a telephone number in international form.", value=value), value=value)
        return value


class JsonDict(TypeDecorator[dict[str, Any]]):
    """JSON; assign a new object to change it (changes inside are not seen)."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else sa.JSON(none_as_null=True))


class object_of(FunctionElement[Any]):
    """One JSON object of all rows, from a column of keys and one of ``JsonDict``; None or empty for no rows."""

    type = sa.JSON()
    inherit_cache = True


class array_of(FunctionElement[Any]):
    """One JSON array of all rows, each an array of these columns; None or empty for no rows."""

    type = sa.JSON()
    inherit_cache = True


@compiles(object_of, "sqlite")
def _object_on_sqlite(element: object_of, compiler: Any, **kw: Any) -> str:
    key, value = (compiler.process(one, **kw) for one in element.clauses)
    return f"json_group_object({key}, json({value}))"


@compiles(object_of, "postgresql")
def _object_on_postgresql(element: object_of, compiler: Any, **kw: Any) -> str:
    key, value = (compiler.process(one, **kw) for one in element.clauses)
    return f"jsonb_object_agg({key}, {value})"


@compiles(array_of, "sqlite")
def _array_on_sqlite(element: array_of, compiler: Any, **kw: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kw)}))"


@compiles(array_of, "postgresql")
def _array_on_postgresql(element: array_of, compiler: Any, **kw: Any) -> str:
    return f"jsonb_agg(jsonb_build_array({compiler.process(element.clauses, **kw)}))"


ERASED = "\u0645\u062d\u0630\u0648\u0641 / erased"
"""«محذوف / erased»: stands in a column that holds text where the text of an erased person was, in whatever language the page is."""
TYPES: dict[Any, Any] = {datetime: UtcDateTime, date: sa.Date, dict[str, Any]: JsonDict, str: sa.String, bytes: sa.LargeBinary}


# --- bases -----------------------------------------------------------------------------------------------------------

_class_registry: dict[str, Any] = {}
_bases: dict[str, type[DeclarativeBase]] = {}


class OwnedBase:
    """What every owner's base has: the owner's name, and a table prefix that is checked when the class is made."""

    __abstract__ = True
    registry: ClassVar[Any]
    owner: ClassVar[str] = ""
    __audit__: ClassVar[bool] = True
    """Whether changes are written to the audit log; an untracked model is listed with its reason in its manifest."""
    __audit_subject__: ClassVar[str | None] = None
    """Name of the attribute with the subject id (UUID text) under whose key personal values are encrypted."""
    __audit_fields__: ClassVar[Mapping[str, Any]] = {}
    """On an owner's base: what the log calls the columns of its models, by name, in both languages."""
    __audit_actions__: ClassVar[Mapping[str, Any]] = {}
    """On an owner's base: what the log calls the acts that its services name (``audit.name_action``), in both languages."""
    __merge_same__: ClassVar[bool] = False
    """Whether of two rows that a merge of customers makes equal by a unique key the lost customer's goes aside: it says no more than the other."""
    id: Any


def owner_base(owner: str) -> type[OwnedBase]:
    """The declarative base of one owner (``core`` or a plugin): own registry, shared metadata, own table prefix.

    A registry per owner means that one owner's broken relationship stops nobody else (``forget_owner``).
    """
    if owner in _bases:
        return _bases[owner]  # type: ignore[return-value]
    namespace = {
        "registry": registry(metadata=metadata, class_registry=_class_registry, type_annotation_map=TYPES),
        "owner": owner,
        "__abstract__": True,
        "__init_subclass__": classmethod(_check_prefix),  # type: ignore[arg-type]
    }
    _bases[owner] = base = type(f"{owner.title()}Base", (OwnedBase, DeclarativeBase), namespace)
    return base


def _check_prefix(cls: type[OwnedBase], **kwargs: Any) -> None:
    table = cls.__dict__.get("__tablename__")
    if table is not None and not table.startswith(f"{cls.owner}_"):
        raise DiwanError(f"Table '{table}' of {cls.__module__} must begin with '{cls.owner}_', the name of its owner.")
    super(_bases[cls.owner], cls).__init_subclass__(**kwargs)  # type: ignore[misc]


def forget_owner(owner: str) -> None:
    """Take a failed owner's mappers and tables out of the process, so that everybody else's keep working."""
    base = _bases.pop(owner, None)
    if base is not None:
        base.registry.dispose(cascade=True)
        for name in [name for name, cls in _class_registry.items() if getattr(cls, "owner", None) == owner]:
            _class_registry.pop(name, None)
    for table in [table for table in metadata.tables.values() if table.name.startswith(f"{owner}_")]:
        metadata.remove(table)


def owner_of(table: str) -> str:
    """The owner of a table by its prefix; of a table whose owner is not installed, the first word of its name."""
    known = [name for name in _bases if table.startswith(f"{name}_")]
    return max(known, key=len) if known else table.split("_", 1)[0]


def owners_known() -> set[str]:
    """Owners whose models are in this process."""
    return set(_bases)


@event.listens_for(Mapper, "before_mapper_configured", named=True)
def _keep_old_values(**kw: Any) -> None:
    # Without it an expired attribute that is overwritten has no old value, and the audit log would say "was: nothing".
    for prop in kw["mapper"].column_attrs:
        prop.active_history = True


if TYPE_CHECKING:

    class Base(OwnedBase, DeclarativeBase):
        """The base of core's own models, as type checkers see it."""
else:
    Base = owner_base("core")


# --- data-changing statements outside a flush ------------------------------------------------------------------------

_section: ContextVar[str | None] = ContextVar("diwan_section", default=None)
_DML = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE|COPY)\b", re.IGNORECASE)
_DML_IN_CTE = re.compile(r"\s*WITH\b.*\b(?:INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.IGNORECASE | re.DOTALL)


@contextmanager
def section(name: str) -> Iterator[None]:
    """Allow data-changing Core statements inside the block. For untracked tables and the sanctioned bulk writer only."""
    token = _section.set(name)
    try:
        yield
    finally:
        _section.reset(token)


def require_section(statement: str) -> None:
    """Refuse a data-changing statement outside a section; for what goes to the driver past the engine's own guard."""
    if _section.get() is None:
        raise DiwanError(f"Refused: a statement outside the session would go round the audit log: {statement[:120]}")


def _refuse_unseen_changes(conn: Connection, cursor: Any, statement: str, *rest: Any) -> None:
    if _section.get() is None and (_DML.match(statement) or _DML_IN_CTE.match(statement)):
        require_section(statement)


# --- engines ---------------------------------------------------------------------------------------------------------

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # or the row that REPLACE puts another for would go past the triggers of a deletion
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-16000",
    f"PRAGMA busy_timeout={LOCK_TIMEOUT_SECONDS * 1000}",
)
POSTGRES_OPTIONS = "-c statement_timeout=60000 -c lock_timeout=15000 -c idle_in_transaction_session_timeout=300000 -c timezone=UTC -c jit=off"
"""Our statements answer in milliseconds; to compile one takes PostgreSQL a tenth of a second, which it does where it overrates their rows."""


def make_engine(url: str | URL, *, pool_size: int = 5) -> Engine:
    """An engine with Diwan's transactions. Begin writing ones on ``writing(engine)``."""
    url = make_url(url)
    engine = _sqlite_engine(url, pool_size) if url.get_backend_name() == "sqlite" else _postgres_engine(url, pool_size)
    _close_when_retired(engine)
    return engine


def retire(engine: Engine) -> None:
    """Close an engine's connections: the idle ones now, those in use when they are given back."""
    engine.__dict__["_diwan_retired"] = True
    engine.dispose()


def _close_when_retired(engine: Engine) -> None:
    def checkin(dbapi: Any, record: Any) -> None:
        if engine.__dict__.get("_diwan_retired"):
            record.invalidate()

    event.listen(engine, "checkin", checkin)


def writing(engine: Engine) -> Engine:
    """The same engine (same pool), whose transactions may change data; always the same object, or a session would open two connections."""
    if engine.get_execution_options().get("diwan_write"):
        return engine
    found: Engine | None = engine.__dict__.get("_diwan_writing")
    if found is None:
        found = engine.__dict__["_diwan_writing"] = engine.execution_options(diwan_write=True)
    return found


def _sqlite_engine(url: URL, pool_size: int) -> Engine:
    arguments = {"isolation_level": None, "timeout": LOCK_TIMEOUT_SECONDS, "check_same_thread": False}
    engine = sa.create_engine(url, connect_args=arguments, poolclass=sa.pool.QueuePool, pool_size=pool_size, max_overflow=10)
    queue = url.database if url.database and url.database != ":memory:" else None

    def connect(dbapi: Any, record: Any) -> None:
        for pragma in SQLITE_PRAGMAS:
            dbapi.execute(pragma)

    def begin(conn: Connection) -> None:
        info = conn.connection.info
        if conn.get_execution_options().get("diwan_write"):
            if queue is not None and "queue" not in info:
                info["queue"] = _take_turn(queue)
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            conn.exec_driver_sql("BEGIN")
            conn.exec_driver_sql("PRAGMA query_only=ON")
            info["read_only"] = True

    def checkin(dbapi: Any, record: Any) -> None:
        if record.info.pop("read_only", False) and dbapi is not None:
            dbapi.execute("PRAGMA query_only=OFF")
        turn = record.info.pop("queue", None)
        if turn is not None:
            os.close(turn)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    event.listen(engine, "checkin", checkin)
    event.listen(engine, "before_cursor_execute", _refuse_unseen_changes)
    return engine


def _postgres_engine(url: URL, pool_size: int) -> Engine:
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": 5, "options": POSTGRES_OPTIONS, "prepare_threshold": 5},
        pool_pre_ping=True, pool_size=pool_size, max_overflow=10,
    )

    def begin(conn: Connection) -> None:
        # Said with BEGIN itself: a statement of its own would be one more way to the server and back for every page.
        dbapi: Any = conn.connection.dbapi_connection
        dbapi.read_only = not conn.get_execution_options().get("diwan_write")

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", _refuse_unseen_changes)
    return engine


def _take_turn(path: str) -> int:
    """Wait in line for SQLite's write lock; returns the descriptor whose closing gives the turn up.

    SQLite's own waiters poll and starve each other; the kernel wakes the waiters for an ``flock`` in order and frees it
    when a process dies, but who comes by at the moment of release may still slip in before the one who wakes. Hence two
    locks: whoever is next stands in the door while waiting for the turn, so who has just finished finds the door taken.
    """
    door, turn = (os.open(f"{path}{suffix}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for suffix in (".queue", ".turn"))
    try:
        fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _wait_turn(door, turn)
    os.close(door)
    return turn


def _wait_turn(door: int, turn: int) -> int:
    state = {"given_up": False}
    lock, done = threading.Lock(), threading.Event()

    def wait() -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(turn, fcntl.LOCK_EX)
        os.close(door)
        with lock:
            if state["given_up"]:
                os.close(turn)
            done.set()

    threading.Thread(target=wait, daemon=True, name="diwan-write-queue").start()
    if done.wait(LOCK_TIMEOUT_SECONDS):
        return turn
    with lock:
        if done.is_set():
            return turn
        state["given_up"] = True
    raise Unavailable(_l("Another task has held the register for more than %(n)s seconds. Nothing was saved; try again in a minute.",
                         n=LOCK_TIMEOUT_SECONDS))


# --- sessions --------------------------------------------------------------------------------------------------------


class Session(FlaskSession):
    """A session whose transactions read until ``core.work.begin_write`` and which only ``core.work`` commits."""

    def __init__(self, db: SQLAlchemy, **options: Any) -> None:
        super().__init__(db, **{"join_transaction_mode": "create_savepoint", **options})
        if has_app_context():
            self.info.update(current_app.extensions.get("diwan_session", {}))

    def get_bind(  # type: ignore[override]
        self, mapper: Any = None, *, clause: Any = None, bind: Any = None, **kw: Any,
    ) -> Engine | Connection:
        if bind is not None:
            return bind  # type: ignore[no-any-return]
        if self.bind is not None:
            return self.bind
        fixed = current_app.extensions.get("diwan_connection")
        if fixed is not None:
            return fixed  # type: ignore[no-any-return]
        engine = self._db.engine
        return writing(engine) if self.info.get("write") else engine

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        if not self.info.get("write") and not self._is_clean():
            raise DiwanError("A change in a read transaction: call core.work.begin_write(session) first.")
        with section("flush"):
            super().flush(objects)

    def commit(self) -> None:
        if not self.info.get("committing"):
            raise DiwanError("Only core.work commits.")
        super().commit()


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with Diwan's engines and sessions; models use ``owner_base`` instead of ``db.Model``."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Any) -> Engine:
        return make_engine(options["url"])


db = Database(metadata=metadata, session_options={"class_": Session}, disable_autonaming=True)


# --- objects that autogenerate does not see: triggers, full-text tables, expression indexes ---------------------------


ERASING = ("EXISTS (SELECT 1 FROM core_customer_form erasing JOIN core_subject_key gone ON gone.subject_id = {subject}"
           " WHERE erasing.kind IN ('erase', 'system') AND erasing.state = 'entering' AND gone.destroyed_at IS NOT NULL)")


@dataclass(frozen=True)
class Erasable:
    """What an erasure may change of a row that is guarded: its personal columns and those in ``also``, nothing else.

    Only while the form of an erasure is being entered and the key of the row's subject (column ``subject``) is destroyed;
    with ``subject`` None, where a row is of many people, while any erasure is being entered.
    """

    subject: str | None = "subject_id"
    also: tuple[str, ...] = ()

    def condition(self, table: str) -> str:
        """SQL that is true for exactly such a change; read when the trigger is made, because the columns must be known."""
        kept = [column.name for column in metadata.tables[table].c if not column.info.get("personal") and column.name not in self.also]
        same = " AND ".join(f'NEW."{name}" IS NOT DISTINCT FROM OLD."{name}"' for name in kept)
        return f"({ERASING.format(subject=f'OLD.{self.subject}' if self.subject else 'gone.subject_id')} AND {same})"


@dataclass(frozen=True)
class Derived:
    """A database object kept beside the tables and made again after every upgrade.

    ``kind`` is ``trigger`` (dropped and made anew each time: a batch operation on SQLite silently drops them), or
    ``table`` / ``index`` (made where missing). Statements per engine; an engine without statements has no such object.
    """

    name: str
    kind: str
    table: str
    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()
    erasable: Erasable | None = None

    def statements(self, dialect: str) -> tuple[str, ...]:
        statements = self.sqlite if dialect == "sqlite" else self.postgresql
        if self.erasable is None:
            return statements
        erased = self.erasable.condition(self.table)
        if dialect == "sqlite":  # IS is its IS NOT DISTINCT FROM, which it does not know before 3.39
            erased = erased.replace("IS NOT DISTINCT FROM", "IS")
        return tuple(statement.replace(ERASED_MARK, erased) for statement in statements)


ERASED_MARK = "<erased>"


def refusal(name: str, table: str, event: str, condition: str | None, message: str, *, erasing: Erasable | None = None) -> Derived:
    """A trigger by which the database itself refuses an ``event`` (INSERT, UPDATE or DELETE) on a row, with ``message``.

    ``condition`` is SQL that reads NEW and OLD on both engines; None refuses every such event. An UPDATE that would keep
    personal columns as they are says by ``erasing`` what the erasure of a customer may change all the same.
    """
    if erasing is not None:
        condition = f"({condition or '1 = 1'}) AND NOT {ERASED_MARK}"
    row, when = "OLD" if event == "DELETE" else "NEW", f" WHEN {condition}" if condition else ""
    refuse = f"RAISE EXCEPTION '{message}' USING ERRCODE = 'raise_exception';"
    body = f"IF {condition} THEN {refuse} END IF; RETURN {row};" if condition else refuse
    return Derived(
        name=name, kind="trigger", table=table,
        sqlite=(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{when} BEGIN SELECT RAISE(ABORT, '{message}'); END",),
        postgresql=(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN {body} END $body$",
                    f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"),
        erasable=erasing,
    )


_derived: dict[str, Derived] = {}


def derive(*objects: Derived) -> None:
    """Register derived objects; called where the model they belong to is defined."""
    for item in objects:
        _derived[item.name] = item


def derived(dialect: str) -> list[Derived]:
    return [item for item in _derived.values() if item.statements(dialect) and item.table in metadata.tables]


def existing_objects(connection: Connection) -> set[str]:
    """Names of the triggers, tables and indexes in the database."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master"
    else:
        query = ("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' UNION ALL SELECT indexname FROM pg_indexes"
                 " UNION ALL SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {name for (name,) in connection.exec_driver_sql(query)}


def missing_derived(connection: Connection) -> list[str]:
    """Names of derived objects that the database lacks; empty when all is well."""
    present = existing_objects(connection)
    return [item.name for item in derived(connection.dialect.name) if item.name not in present]


def ensure_derived(connection: Connection) -> None:
    """Make what is missing, and every trigger anew, inside the caller's transaction."""
    dialect = connection.dialect.name
    present = existing_objects(connection)
    with section("derived objects"):
        for item in derived(dialect):
            if item.kind == "trigger":
                on = "" if dialect == "sqlite" else f" ON {item.table}"
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {item.name}{on}")
            elif item.name in present:
                continue
            for statement in item.statements(dialect):
                connection.exec_driver_sql(statement)


def drop_triggers(connection: Connection, owner: str) -> None:
    """Take the triggers of an owner's tables away before its revisions are taken back: they may write to a table that goes first."""
    present = existing_objects(connection)
    with section("derived objects"):
        for item in derived(connection.dialect.name):
            if item.kind == "trigger" and item.name in present and owner_of(item.table) == owner:
                connection.exec_driver_sql(f"DROP TRIGGER {item.name}" + ("" if connection.dialect.name == "sqlite" else f" ON {item.table}"))
