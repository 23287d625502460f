"""One complaint from the public form to the archive of the monthly report, as its nine stages are seen in the browser.

Server and workers read the clock that the journey moves; each stage is somebody else's window, signed in anew as on another
day. The journey leaves a record in ``output/complaint``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.models import User
from core.commands import operator
from core.organisation import services as organisation
from core.organisation.models import City
from tests.e2e.conftest import PHONE, Window, turn
from tests.e2e.stage import SLUG, Stage, at, inbox, press, staged, told

OUTPUT = Path(__file__).parent / "output" / "complaint"
PEOPLE = {
    "employee": ("crm_employee", "crm", "سلطان الدوسري", "Sultan Al-Dosari"),
    "manager": ("crm_manager", "crm", "ريم العتيبي", "Reem Al-Otaibi"),
    "centre": ("centres_employee", "centres_affairs", "نورة الحارثي", "Noura Al-Harthi"),
    "secretary": ("subcouncil_secretary", "sub_council", "إبراهيم السقاف", "Ibrahim Al-Saqqaf"),
}


def furnish(session: Session, people: Mapping[str, User]) -> None:
    """One centre."""
    city = session.scalars(sa.select(City).order_by(City.id)).first() or organisation.save_city(session, name_ar="مكة المكرمة", actor=operator())
    organisation.save_centre(session, city_id=city.id, name_ar="مركز حي الشوقية", name_en="Al-Shawqiyah Centre", actor=operator())


@pytest.fixture
def stage(tmp_path: Path, chromium: Any) -> Iterator[Stage]:
    with staged(OUTPUT, tmp_path, chromium, plugins=frozenset({"complaints"}), people=PEOPLE, begins=at(4, 1, 8), furnish=furnish) as made:
        yield made


def step(window: Window, number: int) -> str:
    """A step on the track of an entry: its words, who did it, its moment."""
    return " ".join(str(window.page.locator(".dw-track > li", has_text=f"{number} ·").inner_text()).split())


def read_by_the_complainant(stage: Stage, number: str, code: str) -> str:
    """What stands on the public page for this number and code."""
    visitor = stage.window(language="ar", size=PHONE)
    page = visitor.open("p/complaints/follow")
    page.fill("#number", number)
    page.fill("#code", code)
    press(page, "إظهار")
    page.locator(".dw-facts").wait_for()
    stage.picture(visitor, "read-by-the-complainant")
    return visitor.text()


def test_a_complaint_from_the_public_form_to_the_archive(stage: Stage) -> None:
    number, code = write(stage)
    entry = route(stage, number)
    study_late(stage, number, entry)
    assert all(words in read_by_the_complainant(stage, number, code) for words in ("قيد الدراسة", "اتفقنا مع المركز على موعدك القادم."))
    call_back(stage, number)
    assert all(words in read_by_the_complainant(stage, number, code) for words in ("مغلقة", "يستقبلك المركز غدًا"))
    recommendation = review(stage, number)
    decide(stage, recommendation)
    archive(stage, report(stage))
    assert len(list(OUTPUT.glob("*.png"))) == stage.pictures > 0


# --- stage by stage ----------------------------------------------------------------------------------------------------


def write(stage: Stage) -> tuple[str, str]:
    """Monday: somebody writes from a phone; the number and the code are handed out when the consent is given."""
    stage.move(at(4, 2, 9), days=True)
    visitor = stage.window(language="ar", size=PHONE)
    page = visitor.open("p/complaints/")
    page.get_by_text("شكوى", exact=True).click()
    page.fill("#text", "انتظرت ساعتين عند المركز ولم يستقبلني أحد.")
    page.select_option("#place", label="مركز حي الشوقية")
    page.fill("#name", "سعاد محمد")
    page.fill("#phone", "٠٥٥١٢٣٤٥٦٧")
    press(page, "إرسال")
    page.locator("#consent-error").wait_for()
    page.check("#consent")
    stage.picture(visitor, "public-form")
    press(page, "إرسال")
    handed = page.locator(".dw-handed dd")
    handed.first.wait_for()
    stage.picture(visitor, "number-and-code")
    number, code = (str(one).strip() for one in handed.all_inner_texts())
    assert number == "C-2035-0001" and "رقم" in visitor.text()
    return number, code


def route(stage: Stage, number: str) -> str:
    """Half an hour later it waits in the department it was routed to; the other one does not find it. A call-back is promised."""
    stage.move(at(4, 2, 9, 30))
    employee = stage.window("employee")
    assert "tomorrow" in inbox(employee, number, "Answer the complaint at once")
    page, entry = employee.page, str(employee.page.url.removeprefix(employee.root))
    shown = employee.text()
    assert all(words in shown for words in ("سعاد محمد", "+966 55 123 4567", "Customer relations", "Al-Shawqiyah Centre", "انتظرت ساعتين"))
    stage.picture(employee, "routed")
    centre = stage.window("centre")
    assert number not in centre.open("").inner_text("body")
    assert number not in centre.open("complaints/").inner_text("main")
    assert centre.page.goto(centre.root + entry).status == 404

    assert page.input_value("[name='promise-callback_to']") == "+966 55 123 4567"
    assert page.input_value("[name='promise-promised_at']").startswith("2035-04-03T")
    page.fill("[name='promise-promised_at']", "2035-04-04T12:00")
    press(page, "Promise it")
    told(page, "The call-back stands in the inbox at its hour.")
    assert "in time Sultan Al-Dosari today 09:30" in step(employee, 2)
    assert "due tomorrow 09:30" in step(employee, 3) and "due 4 April 12:00" in step(employee, 5)
    return entry


def study_late(stage: Stage, number: str, entry: str) -> None:
    """Wednesday: the study was due on Tuesday. The manager sees it overdue; the employee makes it, and it stays marked as late."""
    stage.move(at(4, 4, 10), days=True)
    manager = stage.window("manager")
    assert number in manager.open("complaints/?f.overdue=1").inner_text("main table")
    stage.picture(manager, "overdue-in-the-log")

    employee = stage.window("employee")
    employee.open("")
    stage.picture(employee, "my-day-with-overdue")
    assert "1 day late" in inbox(employee, number, "study the complaint")
    page = employee.page
    assert page.url == employee.root + entry and "due yesterday 09:30" in step(employee, 3)
    page.fill("[name='study-analysis']", "لا موظف استقبال في الفترة الصباحية.")
    press(page, "Save the study")
    page.locator("[name='study-helping_party'][aria-invalid=true]").wait_for()
    assert page.input_value("[name='study-analysis']") == "لا موظف استقبال في الفترة الصباحية."
    page.fill("[name='study-helping_party']", "مدير المركز")
    press(page, "Save the study")
    told(page, "The study is saved.")
    assert "late Sultan Al-Dosari today 10:00" in step(employee, 3)
    page.locator("#update summary").click()
    page.fill("[name='update-text']", "اتفقنا مع المركز على موعدك القادم.")
    page.check("[name='update-public']")
    press(page, "Add the update")
    told(page, "The update is in the log.")
    stage.picture(employee, "studied-late")


def call_back(stage: Stage, number: str) -> None:
    """Ten minutes before the promised hour; without an answer nothing closes, with it the entry is closed in time."""
    stage.move(at(4, 4, 11, 50))
    employee = stage.window("employee")
    assert "today 12:00" in inbox(employee, number, "give them the answer")
    page = employee.page
    page.locator("#close summary").click()
    press(page, "Close the entry")
    page.locator("[name='close-answer'][aria-invalid=true]").wait_for()
    page.fill("[name='close-answer']", "نعتذر عن الانتظار؛ يستقبلك المركز غدًا الساعة الخامسة.")
    page.select_option("[name='close-answer_channel']", "phone")
    press(page, "Close the entry")
    told(page, "The entry is closed.")
    assert "in time Sultan Al-Dosari today 11:50" in step(employee, 5) and "late" in step(employee, 3)
    assert number not in employee.open("").inner_text("main")
    page.goto(employee.root + "complaints/?f.state=closed")
    stage.picture(employee, "closed")
    assert number in page.inner_text("main table")


def review(stage: Stage, number: str) -> str:
    """Thursday: the manager finds the entry in the week's review, recommends something, and closes the review."""
    stage.move(at(4, 5, 12))
    manager = stage.window("manager")
    assert "week of 1 April 2035" in inbox(manager, "raise recommendations")
    page = manager.page
    assert number in page.inner_text("main table")
    page.locator("summary", has_text="Raise a recommendation").click()
    page.fill("[name='recommendation-text']", "تعيين موظف استقبال للفترة الصباحية.")
    press(page, "Raise it")
    told(page, "waits for decision")
    page.fill("[name=text]", "شكوى واحدة، تأخرت دراستها يومًا.")
    press(page, "Close the review")
    told(page, "The step is done.")
    stage.picture(manager, "weekly-review")
    assert "Reem Al-Otaibi" in page.inner_text("aside") and "closed in time" in page.inner_text("aside")
    return str(page.locator("#recommendations-part .dw-step-title a").get_attribute("href")).split(f"/{SLUG}/")[1]


def decide(stage: Stage, recommendation: str) -> None:
    """Sunday: the month's review does not close before the secretary has decided; whoever recommended is told what was decided."""
    stage.move(at(4, 8, 9))
    secretary = stage.window("secretary")
    assert "April 2035" in inbox(secretary, "decide on the proposed recommendations")
    page = secretary.page
    press(page, "Close the review")
    page.locator(".dw-error", has_text="1 recommendation of this month or before waits for a decision").wait_for()
    stage.picture(secretary, "to-be-decided")
    turn(page, page.locator("button[name=verdict][value=adopt]").click)
    told(page, "is adopted")
    press(page, "Close the review")
    told(page, "The step is done.")

    manager = stage.window("manager")
    shown = manager.open(recommendation).inner_text("main")
    assert all(words in shown for words in ("adopted", "Ibrahim Al-Saqqaf", "today 09:00", "week of 1 April 2035"))
    assert "is adopted by Ibrahim Al-Saqqaf" in manager.open("notices/").inner_text("main")


def report(stage: Stage) -> str:
    """On the month's last day the report is prepared, then reviewed with its weak points and followed up."""
    stage.move(at(4, 30, 9), days=True)
    employee = stage.window("employee")
    inbox(employee, "Prepare the performance reports", "April 2035")
    page, address = employee.page, str(employee.page.url.removeprefix(employee.root))
    page.fill("[name=text]", "شكوى واحدة خلال الشهر.")
    press(page, "Prepare")
    told(page, "The step is done.")
    stage.picture(employee, "report-prepared")

    manager = stage.window("manager")
    inbox(manager, "focus on weak points", "April 2035")
    press(manager.page, "Review")
    manager.page.locator(".dw-error", has_text="Mark the weak points").wait_for()
    manager.page.fill("[name=text]", "تأخرت دراسة شكوى واحدة.")
    press(manager.page, "Review")
    told(manager.page, "The step is done.")
    press(manager.page, "Follow up")
    told(manager.page, "The step is done.")
    return address


def archive(stage: Stage, address: str) -> None:
    """The secretary discusses it a day later; archived, it offers no act to anybody, and its figures are kept."""
    stage.move(at(5, 1, 10))
    secretary = stage.window("secretary")
    assert "in 2 days" in inbox(secretary, "discuss weak points", "April 2035")
    assert "تأخرت دراسة شكوى واحدة." in secretary.text()
    secretary.page.fill("[name=text]", "نوقش مع مديرة علاقات العملاء.")
    press(secretary.page, "Discuss")
    told(secretary.page, "The step is done.")

    stage.move(at(5, 2, 9))
    employee = stage.window("employee")
    inbox(employee, "Archive the monthly reports", "April 2035")
    page = employee.page
    press(page, "Archive")
    told(page, "The step is done.")
    stage.picture(employee, "report-archived")
    shown = employee.open(address).inner_text("main")
    assert all(words in shown for words in ("archived, does not change", "Performance report · April 2035", "نوقش مع مديرة علاقات العملاء."))
    assert page.locator("main textarea").count() == 0
    page.locator("a[href*='/reports/runs/']").first.click()
    page.wait_for_url("**/reports/runs/**")
    figures = [" ".join(str(one).split()) for one in page.locator(".dw-figure").all_inner_texts()]
    assert figures[:2] == ["Came in 1 in the month before 0", "Closed 1 in the month before 0"]
    stage.picture(employee, "report-kept")
