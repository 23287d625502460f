"""ACC-91 with the real plugin: the log and the performance reports stand under the manual's process (PLUG-04).

Campaigns, leads and surveys, and with them the group of marketing, are not built. Beside the two entries that the story
names stand further pages of the plugin, for whom they are meant.
"""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.acceptance.test_acc_91_menu_by_process import menu_of

PROCESS = {"ar": "معالجة الشكاوي والاستفسارات والاقتراحات", "en": "Complaints and inquiries"}
CUSTOMERS = {"ar": "إدارة العملاء ومعلوماتهم", "en": "Customers and their information"}
LOG = {"ar": ["سجل شكاوى العملاء", "تقارير الأداء والمراجعات"], "en": ["Complaints log", "Performance reports and reviews"]}


@pytest.mark.parametrize("role", ["quality_employee", "crm_manager"])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_group_holds_the_log_and_the_performance_reports(app: Flask, session: Session, language: str, role: str) -> None:
    menu = menu_of(app, language, role)
    shown = menu[PROCESS[language]]

    assert list(menu)[:2] == [PROCESS[language], CUSTOMERS[language]]
    assert [one for one in shown if one in LOG[language]] == LOG[language] and shown[0] == LOG[language][0]
    assert len(menu[CUSTOMERS[language]]) >= 2


def test_who_may_not_read_the_log_has_no_heading(app: Flask, session: Session) -> None:
    assert PROCESS["en"] not in menu_of(app, "en", "finance_officer")
