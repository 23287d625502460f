"""Keys of an association are made once, read with suspicion, and forget people on demand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from core import keys, work
from core.database import Session, db, make_engine, metadata, section, writing
from core.errors import DiwanError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_engine(f"sqlite:///{tmp_path / 'keys.sqlite3'}")
    with section("test set-up"), writing(engine).begin() as connection:
        metadata.create_all(connection, tables=[metadata.tables["core_subject_key"], metadata.tables["core_setting"],
                                                metadata.tables["core_audit_event"], metadata.tables["core_audit_block"]])
    return engine


@pytest.fixture
def session(engine: Engine) -> Session:
    return opened(engine, keys.Keys.fresh())


def opened(engine: Engine, own: keys.Keys) -> Session:
    session = Session(db, bind=writing(engine))
    session.info.update(keys=own, write=True)
    return session


def test_keys_are_made_for_the_owner_only_and_read_back(folder: Path) -> None:
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}

    assert modes == {"session.key": 0o600, "audit.key": 0o600, "subjects.key": 0o600}
    own = keys.load_keys(folder)
    assert len({own.session, own.audit, own.subjects}) == 3
    assert own.audit.hex() not in repr(own)


def test_keys_are_never_replaced(folder: Path) -> None:
    before = keys.load_keys(folder)

    with pytest.raises(DiwanError, match="not replaced"):
        keys.make_keys(folder)

    assert keys.load_keys(folder) == before


def test_missing_key_refuses_to_start(folder: Path) -> None:
    (folder / "audit.key").unlink()

    with pytest.raises(DiwanError, match=r"audit\.key is missing.*keys backup"):
        keys.load_keys(folder)


@pytest.mark.parametrize(("content", "reason"), [
    ("", "has 0 bytes"), ("ab" * 16, "has 16 bytes"), ("not hexadecimal", "hexadecimal"), ("00" * 32, "default"), ("changeme" * 8, "hexadecimal"),
])
def test_short_or_default_key_refuses_to_start(folder: Path, content: str, reason: str) -> None:
    (folder / "session.key").write_text(content)

    with pytest.raises(DiwanError, match=reason):
        keys.load_keys(folder)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_key_that_others_may_read_refuses_to_start(folder: Path, mode: int) -> None:
    (folder / "subjects.key").chmod(mode)

    with pytest.raises(DiwanError, match="chmod 600"):
        keys.load_keys(folder)


def test_encrypted_text_comes_back_and_differs_each_time(session: Session) -> None:
    subject = keys.new_subject(session)

    one, other = keys.encrypt(session, subject, "أحمد"), keys.encrypt(session, subject, "أحمد")

    assert one != other
    assert keys.decrypt(session, subject, one) == keys.decrypt(session, subject, other) == "أحمد"


def test_erased_subject_is_unreadable_for_ever(engine: Engine, session: Session) -> None:
    subject = keys.new_subject(session)
    token = keys.encrypt(session, subject, "أحمد")
    work.commit(session)
    session.info["write"] = True

    keys.destroy_subject_key(session, subject)
    work.commit(session)

    with opened(engine, keys.keys_of(session)) as later:
        assert keys.decrypt(later, subject, token) is keys.ERASED
        with pytest.raises(DiwanError, match="destroyed"):
            keys.encrypt(later, subject, "again")


def test_adopted_subjects_are_erased_with_their_customer(session: Session) -> None:
    form, customer, merged, other = keys.new_subjects(session, 4)
    tokens = {one: keys.encrypt(session, one, "x") for one in (form, customer, merged, other)}
    keys.adopt_subject(session, form, into=merged)
    keys.adopt_subject(session, merged, into=customer)

    gone = keys.destroy_subject_key(session, customer)

    assert gone == 3
    assert [keys.decrypt(session, one, tokens[one]) for one in (form, customer, merged, other)] == [keys.ERASED] * 3 + ["x"]


def test_released_subject_stands_alone_again(session: Session) -> None:
    merged, customer = keys.new_subjects(session, 2)
    keys.adopt_subject(session, merged, into=customer)
    keys.release_subject(session, merged)

    keys.destroy_subject_key(session, customer)

    assert (keys.has_key(session, merged), keys.has_key(session, customer)) == (True, False)


def test_key_of_a_rolled_back_subject_is_forgotten(session: Session) -> None:
    subject = keys.new_subject(session)
    work.rollback(session)
    session.info["write"] = True

    assert not keys.has_key(session, subject)


def test_token_of_another_subject_or_changed_token_does_not_open(session: Session) -> None:
    one, other = keys.new_subjects(session, 2)
    token = keys.encrypt(session, one, "x")

    with pytest.raises(DiwanError, match="does not open"):
        keys.decrypt(session, other, token)
    with pytest.raises(DiwanError, match="does not open"):
        keys.decrypt(session, one, "A" + token[1:] if token[0] != "A" else "B" + token[1:])


def test_wrong_subjects_key_is_named(engine: Engine, session: Session) -> None:
    subject = keys.new_subject(session)
    token = keys.encrypt(session, subject, "x")
    work.commit(session)

    with opened(engine, keys.Keys.fresh()) as other, pytest.raises(DiwanError, match=r"subjects\.key"):
        keys.decrypt(other, subject, token)


def test_session_without_keys_says_so(engine: Engine) -> None:
    session = Session(db, bind=writing(engine))

    with pytest.raises(DiwanError, match="no keys"):
        keys.new_subject(session)


def test_wrapping_a_key_and_encrypting_takes_microseconds(session: Session) -> None:
    subjects = keys.new_subjects(session, 1)
    started = time.perf_counter()
    for _n in range(2_000):
        keys.encrypt(session, subjects[0], "+966550000001")

    assert (time.perf_counter() - started) / 2_000 < 0.0002
