"""A clerk's day: a call that becomes a complaint, a contact and a pledge on a lead, the money, and the donor's page that shows it all.

Complaints, leads and the call centre are on; the record is left in ``output/clerks_day``. Pages are looked at in Arabic, the donor's
page also in English and on a phone; axe finds nothing serious on any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.customers import entry, officers
from core.customers import services as customers
from core.customers.models import Customer
from core.money import Money
from core.organisation import services as organisation
from plugins.leads import services as leads
from tests.e2e.conftest import DESKTOP, PHONE, Window, turn
from tests.e2e.stage import Stage, at, staged

OUTPUT = Path(__file__).parent / "output" / "clerks_day"
PLUGINS = frozenset({"complaints", "leads", "callcenter"})
PEOPLE = {
    "clerk": ("crm_employee", "crm", "سلطان الدوسري", "Sultan Al-Dosari"),
    "manager": ("crm_manager", "crm", "ريم العتيبي", "Reem Al-Otaibi"),
    "officer": ("customer_data_officer", "crm", "هدى الزهراني", "Huda Al-Zahrani"),
    "money": ("finance_officer", "finance", "سامي الحربي", "Sami Al-Harbi"),
}
DONOR = {"name": "شركة النور للتجارة", "customer_class": "donor", "mobile": "0551234567", "registration_origin": "call"}
PAPER = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
GRAVE = ("serious", "critical")


def furnish(session: Session, people: Mapping[str, User]) -> None:
    """A donor who went the whole way of the form, a programme, and a lead that was studied and documented."""
    now = work.now()
    actors = {name: auth.actor_for(session, user, source="web", now=now) for name, user in people.items()}
    officers.appoint(session, people["officer"].id, "primary", actor=actors["manager"], now=now)
    form = customers.fill_form(session, DONOR, actor=actors["clerk"], now=now)
    customers.review(session, form, actor=actors["manager"], now=now)
    customers.approve(session, form, actor=actors["manager"], now=now)
    entry.enter(session, form, actor=actors["officer"], now=now)
    programme = organisation.save_programme(session, name_ar="كفالة الأيتام", name_en="Orphan care", fund="orphans", actor=operator())
    session.flush()
    study = leads.identify(session, title="كفالة خمسين يتيمًا", text="حاجة خمسين يتيمًا لسنة.", programme_id=programme.id, actor=actors["manager"], now=now)
    donor = session.scalars(sa.select(Customer)).one()
    leads.document(session, study, programme_id=programme.id, donors=[donor.number], probability=40, factors="سبق أن كفل",
                   expected=Money(Decimal(50_000), "SAR"), actor=actors["clerk"], now=now)


@pytest.fixture
def stage(tmp_path: Path, chromium: Any) -> Iterator[Stage]:
    with staged(OUTPUT, tmp_path, chromium, plugins=PLUGINS, people=PEOPLE, begins=at(4, 1, 9), furnish=furnish) as made:
        yield made


def test_from_the_call_to_the_donors_page(stage: Stage) -> None:
    stage.move(at(4, 2, 10))
    clerk = stage.window("clerk", language="ar")
    number = call(stage, clerk)
    complaint = complain(stage, clerk)
    lead = contact(stage, clerk)
    pledge(stage, lead)
    receive(stage, number)
    succeed(stage, lead)
    donors_page(stage, number, complaint)


# --- stage by stage ----------------------------------------------------------------------------------------------------


def keep(stage: Stage, window: Window, name: str) -> None:
    """A picture of the page, and what axe says of it."""
    stage.picture(window, name)
    found = Axe().run(window.page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in GRAVE] == [], name


def send(page: Any, act: str) -> None:
    """Send the form of an act, which may be folded."""
    page.locator(f"#{act}").evaluate("one => { one.open = true }")
    turn(page, page.locator(f"#{act} button.dw-full").click)


def call(stage: Stage, clerk: Window) -> str:
    """The telephone rings: the number finds the donor, and the call is written down with what it was about."""
    page = clerk.open("callcenter/new")
    page.fill("#caller", "٠٥٥ ١٢٣ ٤٥٦٧")
    page.click("button[name=look]")
    found = page.locator(".dw-person-found")
    found.wait_for()
    assert "شركة النور للتجارة" in found.inner_text()
    number = "".join(one for one in found.locator(".dw-num").inner_text() if one.isdigit())
    page.select_option("[name=subject]", "complaint")
    page.select_option("[name=result]", "passed_on")
    page.fill("[name=duration]", "3:20")
    page.fill("[name=note]", "لم يصله إيصال تبرعه.")
    keep(stage, clerk, "call")
    turn(page, lambda: page.click("button[name=then][value=open]"))
    assert "03:20" in clerk.text() or "3:20" in clerk.text()
    return number


def complain(stage: Stage, clerk: Window) -> str:
    """One act makes a complaint of the call, with the donor, the channel and the call's time."""
    page = clerk.page
    keep(stage, clerk, "call-written-down")
    page.locator("#entry").evaluate("one => { one.open = true }")
    assert page.input_value("[name='entry-text']") == "لم يصله إيصال تبرعه."
    send(page, "entry")
    assert "/complaints/" in page.url
    shown = clerk.text()
    assert all(words in shown for words in ("شركة النور للتجارة", "لم يصله إيصال تبرعه.", "الاتصال الهاتفي"))
    keep(stage, clerk, "complaint")
    return "C-2035-0001"


def contact(stage: Stage, clerk: Window) -> str:
    """The donor was also asked about the orphans: the first logged contact begins the follow-up."""
    page = clerk.open("leads/")
    turn(page, page.locator("main table tbody a").first.click)
    page.locator("#contact").evaluate("one => { one.open = true }")
    page.select_option("[name='contact-channel']", "phone")
    page.fill("[name='contact-summary']", "وافق مبدئيًا ويطلب خطاب التعهد.")
    send(page, "contact")
    assert "وافق مبدئيًا" in clerk.text() and "متابعة" in page.inner_text("main .dw-head .dw-tag")
    keep(stage, clerk, "contact")
    return str(page.url.removeprefix(clerk.root))


def pledge(stage: Stage, lead: str) -> None:
    """The written pledge comes by courier and is filed: the lead is in closing."""
    stage.move(at(4, 3, 11))
    clerk = stage.window("clerk", language="ar")
    page = clerk.open(lead)
    page.locator("#pledge").evaluate("one => { one.open = true }")
    page.set_input_files("[name='pledge-file']", {"name": "تعهد.pdf", "mimeType": "application/pdf", "buffer": PAPER})
    page.fill("[name='pledge-signed_on']", "2035-04-03")
    page.fill("[name='pledge-signatory']", "عبدالله النور")
    page.fill("[name='pledge-amount']", "50000")
    send(page, "pledge")
    shown = clerk.text()
    assert "عبدالله النور" in shown and "تعهد.pdf" in shown
    keep(stage, clerk, "pledge")


def receive(stage: Stage, number: str) -> None:
    """Finance records the transfer; it counts for what was pledged."""
    stage.move(at(4, 4, 9))
    money = stage.window("money", language="ar")
    page = money.open("finance/contributions/new/")
    page.fill("[name=customer_number]", number)
    page.fill("[name=amount]", "50000")
    page.select_option("[name=programme_id]", label="كفالة الأيتام")
    page.select_option("[name=method]", "bank")
    keep(stage, money, "money")
    turn(page, page.locator("main form button.btn-primary").click)
    assert "/new" not in page.url
    assert "50,000" in money.text()


def succeed(stage: Stage, lead: str) -> None:
    """The money stands in the manager's inbox; she alone closes the lead."""
    manager = stage.window("manager", language="ar")
    manager.open("")
    keep(stage, manager, "managers-day")
    page = manager.open(lead)
    send(page, "succeed")
    assert "ناجحة" in manager.page.inner_text("main .dw-head")
    keep(stage, manager, "successful")


def donors_page(stage: Stage, number: str, complaint: str) -> None:
    """Everything of the three days on one page, in both languages, at the desk and on a phone, for whoever may see money too."""
    for name, language, size in (("ar", "ar", DESKTOP), ("ar-phone", "ar", PHONE), ("en", "en", DESKTOP), ("en-phone", "en", PHONE)):
        window = stage.window("manager", language=language, size=size)
        window.open(f"customers/{number}")
        keep(stage, window, f"donor-{name}")
        shown = window.text()
        assert complaint in shown and "50,000" in shown
        origins = {str(one).split(" · ")[0] for one in window.page.locator(".dw-timeline-origin").all_inner_texts()}
        assert len(origins) >= 4, f"{name}: {origins}"
