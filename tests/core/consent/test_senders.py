"""No sender goes unasked: what the contract suite reads of a plugin, and who in core could send anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.database import metadata
from tests.contract import senders

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "core"
NO_MESSAGES = {"core/jobs/worker.py", "core/serving.py"}
"""They open sockets for something else: the name of this host, and the port that is served."""


def plugin(folder: Path, source: str) -> Path:
    (folder / "services.py").write_text(source, encoding="utf-8")
    return folder


@pytest.mark.parametrize("source", [
    "import smtplib", "from email.message import EmailMessage", "import urllib.request", 
    "from core.notices import services\nservices.queue_mail(session, to='x@example.org')", "from core.notices.services import queue_mail\nqueue_mail()",
    "def call(customer):\n    return customer.mobile", "def rows(session):\n    return session.query(Customer.email)",
    "def call(row):\n    return row.customer.phone",
])
def test_a_sender_is_found_by_what_it_holds(tmp_path: Path, source: str) -> None:
    assert len(senders.signs_of_contact(plugin(tmp_path, source))) > 0


@pytest.mark.parametrize("source", ["from core.notices.services import notify", "def own(entry):\n    return entry.phone", "x = customer.name"])
def test_what_contacts_no_customer_is_none(tmp_path: Path, source: str) -> None:
    assert senders.signs_of_contact(plugin(tmp_path, source)) == []


def test_asking_is_a_call_into_consent_and_no_namesake(tmp_path: Path) -> None:
    asking = plugin(tmp_path, "from core.consent import services as consent\ndef send():\n    return consent.reach()\n")
    assert senders.ways_of_asking(asking) == {"reach"}
    namesake = plugin(tmp_path, "def reach():\n    pass\nreach()\n")
    assert senders.ways_of_asking(namesake) == set()
    imported_only = plugin(tmp_path, "from core.consent.services import check_contact\n")
    assert senders.ways_of_asking(imported_only) == set()


@pytest.mark.parametrize("source", ["hooks.objections('contact_objections', customer_id=1)", "manager.hook.contact_objections(customer_id=1)"])
def test_asking_the_hook_alone_is_found(tmp_path: Path, source: str) -> None:
    assert len(senders.asks_the_hook_itself(plugin(tmp_path, source))) == 1


def test_implementing_the_hook_is_no_asking(tmp_path: Path) -> None:
    assert senders.asks_the_hook_itself(plugin(tmp_path, "def contact_objections(customer_id):\n    return []\n")) == []


def test_in_core_consent_alone_asks_the_hook() -> None:
    assert {one.split(":")[0] for one in senders.asks_the_hook_itself(CORE)} == {"services.py"}
    assert len(senders.asks_the_hook_itself(CORE / "consent")) == len(senders.asks_the_hook_itself(CORE))


def test_in_core_notices_alone_sends_and_to_its_own_people_only() -> None:
    sending = {file.relative_to(ROOT).as_posix() for file, tree in senders.parsed(CORE) if senders.leaving(tree) or senders.sendings(tree)} - NO_MESSAGES

    assert {one.rsplit("/", 1)[0] for one in sending} == {"core/notices"}
    assert [name for name in ("core_notice", "core_mail") if "customer_id" in metadata.tables[name].c] == []
