"""ACC-09, "deleted": an erased customer is in no file of the association, the number is never given again, and no restore brings the person back.

The rows of plugins are written as they would lie there after years; one of the plugins is off when the customer is erased (PLUG-03, PLUG-06).
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import pkgutil
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

import plugins
from core import erasures, restore, work
from core.audit.verify import verify
from core.auth import services as auth
from core.auth.queries import user_named
from core.backup import make_backup
from core.cli import main
from core.customers import belonging, entry, queries, services
from core.customers.models import Customer, CustomerForm
from core.database import ERASED, existing_objects, metadata
from core.files import services as files
from core.finance import batches
from core.finance import services as finance
from core.finance.models import Contribution, FinanceBatch
from core.jobs.worker import Worker
from core.keys import load_keys
from core.money import Money
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import actor_with, choose_plugins, new_association, new_database, python, test_deployment
from core.text import fold
from plugins.callcenter.models import Call, Leg, Recording
from plugins.complaints.models import Entry, Update
from tests.acceptance.register import approved_form, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
NAME, WRITTEN_SO, EMAIL = "نورة أحمد الغامدي", "نوره احمد الغامدى", "noura.g@example.org"
TRACES = (NAME, WRITTEN_SO, EMAIL, "551234567", "الوصف الشخصي")
OPERATOR = actor_with(label="operator")
PDF = b"%PDF-1.4 a letter of \xd9\x86\xd9\x88\xd8\xb1\xd8\xa9"
_houses = itertools.count(1)


@dataclass
class House:
    """An association with one donor, whom plugins know too, another donor, and a backup made before the erasure."""

    deployment: Deployment
    association: Association
    server: str | None
    number: str
    token: str

    def ask(self, do: Callable[[Any], Any]) -> Any:
        with opened(self.association, self.deployment) as (_app, session):
            return do(session)

    def command(self, *after: str) -> list[str]:
        return ["erase", self.number, "--by", "employee", "--approved-by", "manager", "--officer", "officer", "--asked-by", "customer",
                "--reason", f"طلبت {NAME} محو بياناتها", *after]

    def erase(self) -> None:
        assert main(self.command()) == 0

    def killed_while(self, patch: str) -> None:
        """Run the command in a process of its own that ends, as by a power cut, where ``patch`` says."""
        program = "\n".join(["import os, signal", "from core import erasures", "from core.customers import erasure", patch, "from core.cli import main",
                             f"main({self.command()!r})"])
        done = subprocess.run([python(), "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2])
        assert done.returncode == -signal.SIGKILL, done.stderr

    def restore(self, file: Path, days: int = 1, **options: Any) -> restore.Restored:
        return restore.restore(file, self.deployment, actor=OPERATOR, now=NOW + timedelta(days=days), **options)

    def everything(self) -> str:
        """All rows of all tables but the log, whose values about the person are ciphertext, and of the files beside the database."""
        def read(session: Any) -> str:
            connection = session.connection()
            present = existing_objects(connection)
            tables = [table for table in metadata.tables.values() if table.name in present]
            rows = [str(dict(row)) for table in tables for row in connection.execute(sa.select(table)).mappings()]
            return "\n".join(rows)

        beside = [path.read_bytes().decode("utf-8", "replace") for path in self.association.folder.rglob("*")
                  if path.is_file() and not {"backups", "replaced"} & set(path.parts) and not path.name.startswith("diwan.sqlite3")]
        return str(self.ask(read)) + "\n".join(beside)

    def outcomes(self) -> list[str | None]:
        return [one.outcome for one in erasures.read(erasures.list_file(self.association.folder))]


def furnish(session: Any) -> tuple[str, str]:
    """The donor with everything that is held of her, and a donor who stays; returns her number and the token of her file."""
    people = register_people(session, NOW)
    form = approved_form(session, people, NOW, name=NAME, mobile="0551234567", email=EMAIL, remarks="الوصف الشخصي")
    stored = files.store(session.info["association"].files_folder, f"{NAME}.pdf", PDF)
    files.attach(session, stored, form, actor=OPERATOR, now=NOW, subject_id=form.subject_id)
    noura = entry.enter(session, form, actor=people.officer, now=NOW).line.customer
    entry.enter(session, approved_form(session, people, NOW, name="سارة العتيبي", mobile="0559999999"), actor=people.officer, now=NOW)
    everybody = actor_with(*session.info["permissions"], scopes={"*": "all"})
    for memo in (None, f"عن {NAME}"):
        finance.record_contribution(session, customer_id=noura.id, amount=Money(Decimal("250.50"), "SAR"), received_on=date(2026, 1, 5), method="cash",
                                    memo=memo, actor=everybody, now=NOW)
        if memo is None:
            batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31)), actor=everybody, now=NOW)
    department = session.scalar(sa.text("SELECT id FROM core_department ORDER BY id LIMIT 1"))
    complaint = Entry(number="C-1", subject_id=noura.subject_id, kind="complaint", channel="phone", state="closed", customer_id=noura.id,
                      customer_class="donor", name=NAME, phone="+966551234567", email=EMAIL, department_id=department, text=f"قالت {NAME}", received_at=NOW,
                      registered_at=NOW, updated_at=NOW, source="history", imported=True, answer=f"أجيبت {NAME}", answer_channel="phone", lacks={})
    session.add(complaint)
    session.flush()
    session.add(Update(entry_id=complaint.id, subject_id=noura.subject_id, kind="note", text=f"اتصلت {NAME}", made_at=NOW, public=False))
    # A call from before she was a customer: of nobody, under a subject of its own, with her number.
    from core.keys import new_subject

    call = Call(subject_id=new_subject(session), direction="in", started_at=NOW, answered=True, phone="+966551234567", name=WRITTEN_SO, recorded_at=NOW)
    session.add(call)
    session.flush()
    leg = dict.fromkeys(("disposition", "did", "context", "application", "direction", "group_key"), "x")
    session.add(Leg(call_id=call.id, key="k", started_at=NOW, duration_seconds=1, talk_seconds=1, source="0551234567", destination="200",
                    channel="SIP/0551234567", channel_to="SIP/200", recording="551234567.wav", import_id=1, **leg))
    session.add(Recording(call_id=call.id, reference="551234567.wav"))
    place = session.info["association"].folder / "recordings"
    place.mkdir(exist_ok=True)
    (place / "551234567.wav").write_bytes(b"RIFF her voice")
    session.flush()
    return noura.number, stored.token


@pytest.fixture(scope="module")
def pattern(engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> House:
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    deployment = test_deployment(tmp_path_factory.mktemp("pattern"))
    association = new_association(deployment, "makkah", postgres=server, plugins=frozenset({"complaints", "callcenter"}))
    with opened(association, deployment, actor=OPERATOR) as (_app, session), work.unit_of_work(session):
        number, token = furnish(session)
    choose_plugins(association, frozenset({"callcenter"}))  # complaints is off from here on; its tables are there
    return House(deployment, association, server, number, token)


@pytest.fixture
def house(pattern: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    home = tmp_path / "home"
    shutil.copytree(pattern.deployment.home, home)
    folder = home / "associations" / "makkah"
    url = f"sqlite:///{folder}/diwan.sqlite3"
    if pattern.server:
        url = new_database(pattern.server, template=make_url(pattern.association.database_url).database)
    association = replace(pattern.association, folder=folder, database_url=url)
    association.save()
    monkeypatch.setenv("DIWAN_HOME", str(home))
    return replace(pattern, deployment=replace(pattern.deployment, home=home), association=association)


def test_the_erased_customer_is_in_no_row_and_no_file(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert all(trace in house.everything() for trace in (NAME, WRITTEN_SO, EMAIL, "551234567"))

    house.erase()

    found = house.everything()
    assert [trace for trace in TRACES if trace in found] == []
    assert not files.path_of(house.association.files_folder, house.token).exists()
    assert not (house.association.folder / "recordings" / "551234567.wav").exists()
    assert "سارة العتيبي" in found
    erased = house.ask(lambda session: queries.by_number(session, house.number).name)
    assert erased.startswith(ERASED)
    sound = house.ask(lambda session: verify(session.connection(), load_keys(house.association.keys_folder).audit, []).sound)
    assert sound
    assert NAME not in capsys.readouterr().out


def test_the_database_file_holds_no_byte_of_the_person(house: House) -> None:
    url = make_url(house.association.database_url)
    if url.get_backend_name() != "sqlite":
        pytest.skip("PostgreSQL promises nothing of bytes: free space, WAL and base backups are the administrator's")
    place = Path(str(url.database))

    def bytes_found() -> list[str]:
        content = b"".join(path.read_bytes() for path in place.parent.glob("diwan.sqlite3*"))
        return [trace for trace in TRACES for form in {trace, fold(trace), json.dumps(trace)[1:-1]} if form.encode() in content]

    assert set(bytes_found()) >= {NAME, EMAIL, "551234567"}
    house.erase()
    assert bytes_found() == []


def test_money_stays_and_an_issued_batch_is_the_same_bytes(house: House) -> None:
    def money(session: Any) -> Any:
        batch = session.scalar(sa.select(FinanceBatch))
        columns = (Contribution.id, Contribution.amount_minor, Contribution.reference, Contribution.received_on)
        rows = session.execute(sa.select(*columns).order_by(Contribution.id))
        return batches.file_of(session, batch).content, batch.sha256, [tuple(row) for row in rows]

    before = house.ask(money)
    assert house.number.encode() in before[0]
    assert NAME.encode() not in before[0]

    house.erase()

    assert house.ask(money) == before


def test_the_number_is_never_given_again(house: House) -> None:
    house.erase()

    with opened(house.association, house.deployment, actor=OPERATOR) as (_app, session), work.unit_of_work(session):
        given = set(session.scalars(sa.select(Customer.number)))
        people = {name: auth.actor_for(session, user_named(session, name), source="cli") for name in ("employee", "manager", "officer")}
        form = services.fill_form(session, {"name": "جديد", "customer_class": "donor", "registration_origin": "visit"}, actor=people["employee"], now=NOW)
        services.review(session, form, actor=people["manager"], now=NOW)
        services.approve(session, form, actor=people["manager"], now=NOW)
        fresh = entry.enter(session, form, actor=people["officer"], now=NOW).line.customer.number

    assert house.number in given
    assert fresh not in given
    assert int(fresh[:-1]) == max(int(number[:-1]) for number in given) + 1


def test_a_restore_of_an_older_backup_does_not_bring_the_person_back(house: House) -> None:
    file = make_backup(house.association, now=NOW)
    house.erase()

    done = house.restore(file)

    assert done.erased == (house.number,)
    found = replace(house, association=done.association).everything()
    assert [trace for trace in TRACES if trace in found] == []
    assert not files.path_of(done.association.files_folder, house.token).exists()
    kinds = house.ask(lambda session: list(session.scalars(sa.select(CustomerForm.kind).where(CustomerForm.source == "erasures.txt"))))
    assert kinds == ["system"]
    if house.server is None:
        content = Path(str(make_url(done.association.database_url).database)).read_bytes()
        assert [trace for trace in TRACES if trace.encode() in content] == []
    assert house.restore(file, days=2).erased == (house.number,), "and not at the next time either"


def test_in_a_new_place_the_copy_of_the_list_is_asked(house: House, tmp_path: Path) -> None:
    from core.backup import backup_keys

    file, keys = make_backup(house.association, now=NOW), backup_keys(house.association, tmp_path / "keys.zip")
    house.erase()
    copy = shutil.copy(erasures.list_file(house.association.folder), tmp_path / "copy.txt")

    def elsewhere(name: str, **options: Any) -> restore.Restored:
        url = make_url(house.server).set(database=f"{name}_{os.getpid()}_{next(_houses)}").render_as_string(hide_password=False) if house.server else None
        place = replace(house, deployment=replace(house.deployment, home=tmp_path / name))
        return place.restore(file, keys_file=keys, database_url=url, **options)

    silent, told = elsewhere("one"), elsewhere("two", erased_list=Path(copy))

    assert silent.erased is None
    assert "No list of erasures is known here" in restore.describe_restored(silent)
    assert told.erased == (house.number,)
    assert [one.outcome for one in erasures.read(erasures.list_file(told.association.folder))] == ["done"]


def test_killed_between_the_commit_and_the_removal_of_files(house: House) -> None:
    house.killed_while("erasure.finish_now = lambda session: os.kill(os.getpid(), signal.SIGKILL)")
    stored = files.path_of(house.association.files_folder, house.token)
    assert stored.is_file()
    assert house.ask(lambda session: queries.by_number(session, house.number).name).startswith(ERASED)
    assert house.outcomes() == [None]

    worker = Worker(house.deployment)
    worker.once()
    worker.close()

    assert not stored.exists()
    assert not (house.association.folder / "recordings" / "551234567.wav").exists()
    assert house.outcomes() == ["done"]
    assert house.ask(lambda session: session.scalar(sa.text("SELECT count(*) FROM core_job WHERE CAST(args AS TEXT) LIKE '%wav%'"))) == 0


def test_killed_after_the_list_and_before_the_commit_nobody_is_erased(house: House) -> None:
    file = make_backup(house.association, now=NOW)
    house.killed_while("begin = erasures.begin\nerasures.begin = lambda *a, **k: (begin(*a, **k), os.kill(os.getpid(), signal.SIGKILL))")
    assert house.outcomes() == [None]
    assert house.ask(lambda session: queries.by_number(session, house.number).name) == NAME
    assert files.path_of(house.association.files_folder, house.token).is_file()

    assert house.restore(file).erased == ()
    assert house.ask(lambda session: queries.by_number(session, house.number).name) == NAME

    house.erase()
    assert house.outcomes() == ["void", "done"]


def test_killed_after_the_commit_a_restore_still_erases(house: House) -> None:
    file = make_backup(house.association, now=NOW)
    house.killed_while("erasure.finish_now = lambda session: os.kill(os.getpid(), signal.SIGKILL)")
    assert house.outcomes() == [None]

    assert house.restore(file).erased == (house.number,)


# --- no free text is forgotten -------------------------------------------------------------------------------------------


CODES = 40
"""A text column that holds no more is a code of ours: a state, a channel, a number."""
KEPT = {
    "callcenter_call.group_key": "key of the telephone system",
    "callcenter_call.entry_link": "an address inside the association",
    "callcenter_leg.context": "a word of the telephone system",
    "callcenter_leg.key": "key of the telephone system",
    "callcenter_leg.group_key": "key of the telephone system",
    "callcenter_leg.did": "a number of the association itself",
    "callcenter_recording.sha256": "a checksum",
    "complaints_entry.follow_code": "a checksum of the code",
    "complaints_entry.lacks": "names of columns",
    "complaints_entry.source_link": "an address inside the association",
    "complaints_entry.source_reference": "the key of the entry where it came from",
    "core_contribution.lacks": "names of columns",
    "core_contribution.reference": "the receipt's number, by which money is found",
    "core_contribution.source_name": "the name of an import",
    "core_customer_alias.number": "a number of the register, which is never given again",
    "core_customer_duplicate.reasons": "codes of rules",
    "core_customer_form.source": "who asked, or the import's name",
    "core_customer_form_line.reference": "the number in a former register",
    "core_customer_merge.kept_row": "encrypted under the subject's key",
    "core_customer_merge.lost_row": "encrypted under the subject's key",
    "core_customer_merge.moved": "keys of rows",
    "core_customer_merge.settled": "encrypted under the subject's key",
    "core_customer_search.email_key": "made anew from the register",
    "core_customer_search.name_key": "made anew from the register",
    "core_customer_search.open_text": "made anew from the register",
    "core_customer_search.personal_text": "made anew from the register",
    "core_file.media_type": "a kind of file",
    "core_file.permission": "a permission's code",
    "core_file.record_type": "a table's name",
    "core_file.sha256": "a checksum, emptied with the file",
    "core_finance_batch_row.fund": "a fund's code",
    "core_finance_batch_row.fund_name": "a fund's name",
    "core_finance_batch_row.programme": "a programme's name",
    "core_finance_batch_row.reference": "the receipt's number, in a batch that is sealed",
    "core_finance_movement.number": "a number of the other system",
    "core_finance_movement.reference": "the receipt's number, by which money is found",
    "core_finance_movement.source_name": "the name of an import",
    "core_pledge.lacks": "names of columns",
    "core_pledge.reference": "the pledge's number, by which money is found",
    "core_pledge.source_name": "the name of an import",
    "core_step_run.ended_by_label": "somebody who works here",
    "core_step_run.link": "an address inside the association",
    "core_step_run.on_behalf_of_label": "somebody who works here",
    "core_step_run.procedure_code": "a procedure's code",
    "core_step_run.record_label": "the record's number",
    "core_step_run.record_type": "a table's name",
    "core_step_run.roles": "slugs of roles",
    "leads_former.lacks": "names of columns",
    "leads_former.reference": "the key of the lead where it came from",
    "leads_former.words": "the state as the former register calls it",
}
"""Text columns of a customer's rows that outlast an erasure, with why."""


def test_every_text_of_a_customers_row_is_erased_or_kept_for_a_reason() -> None:
    """A plugin that forgets to call a free text personal is found here, not by the next person who is erased (CUST-34)."""
    for place in pkgutil.iter_modules(plugins.__path__):
        if importlib.util.find_spec(f"plugins.{place.name}.models"):
            importlib.import_module(f"plugins.{place.name}.models")
    found = [one for one in belonging.holders() if one.model.__module__.startswith(("core.", "plugins."))]
    mine = {one.name for one in found if one.subject is not None or one.customers} - {"core_user"}
    more = mine
    while more:
        more = {one.name for one in found if one.name not in mine and one.subject is None and not one.customers
                and any(to in mine for _by, to in one.parents)}
        mine |= more
    kept = {f"{one.name}.{column.name}" for one in found if one.name in mine for column in one.model.__table__.c if may_hold_words(column)}

    assert {"leads_lead", "leads_contact", "complaints_assignment", "callcenter_leg"} <= mine
    assert (sorted(kept - set(KEPT)), sorted(set(KEPT) - kept)) == ([], [])


def may_hold_words(column: sa.Column[Any]) -> bool:
    if column.info.get("personal") or column.foreign_keys or column.name == "operation_key":
        return False
    kind = column.type.impl_instance if isinstance(column.type, sa.TypeDecorator) else column.type
    return isinstance(kind, sa.JSON) or (isinstance(kind, sa.String) and (kind.length is None or kind.length > CODES))
