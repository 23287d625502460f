"""ACC-91 with the real plugin: the log and the performance reports stand under the manual's process (PLUG-04).

Campaigns, leads and surveys, and with them the group of marketing, are not built. Behind the two entries that the story
names stand the pages of frequent questions and of causes, for who keeps them.
"""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core import work
from tests.acceptance.test_acc_91_menu_by_process import menu_of
from tests.plugins.complaints.conftest import Staff

PROCESS = {"ar": "معالجة الشكاوي والاستفسارات والاقتراحات", "en": "Complaints and inquiries"}
CUSTOMERS = {"ar": "إدارة العملاء ومعلوماتهم", "en": "Customers and their information"}
LOG = {"ar": ["سجل شكاوى العملاء", "تقارير الأداء والمراجعات"], "en": ["Complaints log", "Performance reports and reviews"]}
KEPT = {"ar": ["الأسئلة المتكررة", "أسباب الشكاوى"], "en": ["Frequent questions", "Causes of complaints"]}


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_group_holds_the_log_and_the_performance_reports(complaining: Flask, session: Session, staff: Staff, language: str) -> None:
    work.commit(session)
    menu = menu_of(complaining, language, "quality_employee")

    assert menu[PROCESS[language]] == LOG[language]


@pytest.mark.parametrize("language", ["ar", "en"])
def test_who_keeps_answers_and_causes_finds_them_behind(complaining: Flask, session: Session, language: str) -> None:
    menu = menu_of(complaining, language, "crm_manager")

    assert menu[PROCESS[language]] == [*LOG[language], *KEPT[language]]
    assert list(menu)[:2] == [PROCESS[language], CUSTOMERS[language]]
    assert len(menu[CUSTOMERS[language]]) >= 2


def test_who_may_not_read_the_log_has_no_heading(complaining: Flask, session: Session) -> None:
    assert PROCESS["en"] not in menu_of(complaining, "en", "finance_officer")
