"""The macros in both languages: what is printed, isolated, and worded; no database and no areas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, g
from flask_babel import Babel
from wtforms import BooleanField, Form, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from core import assets, work
from core.admin import theme
from core.admin.language import choose_language
from core.admin.lists import Chip, ListColumn, Page
from core.auth.actor import Actor
from core.calendar import OfficeCalendar
from core.i18n import compile_catalogues, translation_folders
from core.money import Money

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 22, 6, 40, tzinfo=UTC)  # Sunday 12 Jumada II 1448, 09:40 in Makkah


@dataclass(frozen=True)
class Step:
    due_at: datetime | None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    duration: str = "P1D"


@pytest.fixture(scope="module")
def look() -> Flask:
    made = Flask("look", template_folder=str(ROOT / "templates"), static_folder=None)
    made.config.update(SECRET_KEY="x", TESTING=True)
    folders = translation_folders([ROOT / "core", ROOT / "templates"])
    compile_catalogues(folders)
    made.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(folders)
    Babel(made, locale_selector=choose_language)
    made.jinja_env.globals.update(csp_nonce=lambda: "nonce", csrf_token=lambda: "token")
    theme.install(made)
    return made


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "now", lambda: NOW)


def render(look: Flask, language: str, source: str, actor: Actor | None = None, **context: Any) -> str:
    with look.test_request_context(f"/here?lang={language}&q=x"):
        g.office = OfficeCalendar(working=True)
        g.actor = actor
        g.person_role = ""
        return look.jinja_env.from_string(source).render(**context).strip()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def macro(name: str, call: str) -> str:
    file = next((one for one in ("parts", "forms", "review", "listing") if f"macro {name}(" in (ROOT / f"templates/macros/{one}.html").read_text()), "text")
    return f'{{% from "macros/{file}.html" import {name} %}}{{{{ {call} }}}}'


# --- single values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize(("name", "call", "shown"), [
    ("num", "num('1042712')", '<bdi dir="ltr" class="dw-num">104271<span class="dw-check">-2</span></bdi>'),
    ("num", "num('104271-2')", '<bdi dir="ltr" class="dw-num">104271<span class="dw-check">-2</span></bdi>'),
    ("code", "code('C-2026-0418')", '<bdi dir="ltr" class="dw-code">C-2026-0418</bdi>'),
    ("phone", "phone('+966555120348')", '<a href="tel:+966555120348" class="dw-phone"><bdi dir="ltr">+966 55 512 0348</bdi></a>'),
    ("phone", "phone('055•••••01')", '<bdi dir="ltr" class="dw-phone">055•••••01</bdi>'),
    ("email", "email('a@example.com')", '<a href="mailto:a@example.com"><bdi dir="ltr">a@example.com</bdi></a>'),
    ("whole", "whole(-48219)", '<bdi dir="ltr">\u221248,219</bdi>'),
    ("percent", "percent(96.44)", '<bdi dir="ltr">96.4%</bdi>'),
    ("iso", "iso(day)", '<bdi dir="ltr">2026-11-22</bdi>'),
    ("clock", "clock(now, true)", '<bdi dir="ltr">09:40:00</bdi>'),
])
def test_value_is_one_isolate_in_both_languages(look: Flask, language: str, name: str, call: str, shown: str) -> None:
    assert render(look, language, macro(name, call), day=date(2026, 11, 22), now=NOW) == shown


@pytest.mark.parametrize(("language", "sign"), [("ar", "د.ك"), ("en", "KWD")])
def test_money_has_the_decimals_and_name_of_its_currency(look: Flask, language: str, sign: str) -> None:
    html = render(look, language, macro("money", "money(m)"), m=Money(Decimal("-3120.5"), "KWD"))

    assert html == f'<span class="dw-money dw-minus"><bdi dir="ltr">\u22123,120.500</bdi> <small>{sign}</small></span>'


def test_amount_leaves_the_currency_to_its_column(look: Flask) -> None:
    assert words(render(look, "ar", macro("amount", "amount(m)"), m=Money(Decimal("1000"), "SAR"))) == "1,000.00"


@pytest.mark.parametrize(("language", "both"), [
    ("ar", ["الأحد 12 جمادى الآخرة 1448 هـ", "22 نوفمبر 2026 م"]),
    ("en", ["Sunday 22 November 2026", "12 Jumada II 1448 AH"]),
])
def test_dual_date_shows_the_own_calendar_first(look: Flask, language: str, both: list[str]) -> None:
    html = render(look, language, macro("dual_date", "dual_date(day, weekday=true)"), day=date(2026, 11, 22))

    assert re.findall(r"<bdi>([^<]+)</bdi>", html) == both


def test_date_outside_the_hijri_tables_is_gregorian_in_arabic_too(look: Flask) -> None:
    html = render(look, "ar", macro("date", "date(day)"), day=date(1901, 3, 5))

    assert html == '<time datetime="1901-03-05"><bdi>5 مارس 1901</bdi></time>'


@pytest.mark.parametrize(("language", "shown"), [("ar", "اليوم 09:12"), ("en", "today 09:12")])
def test_moment_is_by_the_clock_of_the_association(look: Flask, language: str, shown: str) -> None:
    assert words(render(look, language, macro("moment", "moment(at)"), at=NOW - timedelta(minutes=28))) == shown


@pytest.mark.parametrize("call", ["num(none)", "phone('')", "money(none)", "date(none)", "moment(none)", "value('', 'text')"])
def test_nothing_is_shown_as_a_dash(look: Flask, call: str) -> None:
    assert words(render(look, "ar", macro(call.partition("(")[0], call))) == "–"


def test_text_from_people_is_escaped(look: Flask) -> None:
    html = render(look, "ar", macro("value", "value(text, 'name', 'احمد')"), text="<script>أحمد</script>")

    assert html == '<bdi>&lt;script&gt;<mark class="dw-found">أحمد</mark>&lt;/script&gt;</bdi>'


# --- due badge -------------------------------------------------------------------------------------------------------

SIX = [
    (Step(NOW - timedelta(hours=5), duration="PT24H"), "overdue", "متأخرة 5 ساعات", "5 hours late"),
    (Step(NOW + timedelta(hours=4), NOW), "today", "اليوم 13:40", "today 13:40"),
    (Step(NOW + timedelta(days=3), NOW), "later", "الأربعاء، بعد 3 أيام", "Wednesday, in 3 days"),
    (Step(NOW, closed_at=NOW - timedelta(hours=1)), "closed", "أُغلقت في وقتها", "closed in time"),
    (Step(NOW - timedelta(hours=3), closed_at=NOW - timedelta(hours=1), duration="PT1H"), "closed_late", "أُغلقت متأخرة ساعتين", "closed 2 hours late"),
    (Step(None), "whenever", "عند الحاجة", "when needed"),
]


@pytest.mark.parametrize(("step", "state", "arabic", "english"), SIX)
def test_due_badge_has_a_state_an_icon_and_words(look: Flask, step: Step, state: str, arabic: str, english: str) -> None:
    in_arabic = render(look, "ar", macro("due_badge", "due_badge(step)"), step=step)
    in_english = render(look, "en", macro("due_badge", "due_badge(step)"), step=step)

    assert f'class="dw-due dw-due-{state}"' in in_arabic
    assert "<svg" in in_arabic
    assert (words(in_arabic), words(in_english)) == (arabic, english)


def test_days_late_skip_the_weekend_where_working_days_count(look: Flask) -> None:
    late = Step(NOW - timedelta(days=4))  # Wednesday; Friday and Saturday lie between

    assert words(render(look, "en", macro("due_badge", "due_badge(step)"), step=late)) == "2 working days late"


def test_due_bar_is_a_progress_without_inline_style(look: Flask) -> None:
    html = render(look, "ar", macro("due_bar", "due_bar(step)"), step=Step(NOW + timedelta(hours=1), NOW - timedelta(hours=3)))

    assert 'value="75" max="100"' in html
    assert "style=" not in html


# --- parts -----------------------------------------------------------------------------------------------------------


def test_figure_with_a_link_is_a_link(look: Flask) -> None:
    html = render(look, "en", macro("figure", "figure('Overdue', 1200, 'oldest by 2 days', 'bad', '/#overdue')"))

    assert html.startswith('<a href="/#overdue" class="dw-figure">')
    assert '<bdi dir="ltr">1,200</bdi>' in html


def test_pager_speaks_without_page_numbers_and_names_what_is_off(look: Flask) -> None:
    html = render(look, "ar", macro("pager", "pager('من اليوم', none, '?after=abc')"))

    assert 'rel="next" href="?after=abc"' in html
    assert 'aria-disabled="true"' in html
    assert words(html) == "من اليوم السابق التالي"


def test_chip_removes_one_filter(look: Flask) -> None:
    html = render(look, "en", macro("chip", "chip('City', 'Jeddah', '?q=x')"))

    assert 'href="?q=x"' in html
    assert 'aria-label="Remove the filter City"' in html


def test_consents_differ_by_more_than_colour(look: Flask) -> None:
    html = render(look, "en", macro("consents", "consents([('phone', 'given', 'Phone: consented'), ('sms', 'never', 'SMS: never asked')])"))

    assert 'aria-label="Phone: consented"' in html
    assert "dw-consent-never" in html


def test_icon_is_hidden_from_readers_unless_named(look: Flask) -> None:
    html = render(look, "ar", "{{ icon('check') }}{{ icon('x', 'إغلاق', mirror=true) }}")

    assert 'aria-hidden="true"' in html
    assert 'class="dw-icon dw-mirror" role="img" aria-label="إغلاق"' in html


def test_icon_that_the_sprite_lacks_is_a_puzzle(look: Flask) -> None:
    assert "#puzzle" in render(look, "ar", "{{ icon('own-icon-of-a-plugin') }}")


# --- forms -----------------------------------------------------------------------------------------------------------


class Sample(Form):
    name = StringField("Name", [DataRequired()])
    mobile = StringField("Mobile", description="As it is spoken")
    remarks = TextAreaField("Remarks")
    kind = SelectField("Kind", choices=[SelectChoice("a", "A")])
    way = RadioField("Way", choices=[SelectChoice("new", "New"), SelectChoice("old", "Old")], default="new")
    agreed = BooleanField("Agreed")
    password = PasswordField("Password")


@pytest.mark.parametrize(("name", "direction"), [("name", "auto"), ("mobile", "ltr"), ("remarks", "auto"), ("password", "ltr")])
def test_field_direction_follows_the_kind_of_value(look: Flask, name: str, direction: str) -> None:
    html = render(look, "ar", macro("field", f"field(form.{name})"), form=Sample())

    assert f'dir="{direction}"' in html


def test_field_ties_hint_and_error_to_the_input(look: Flask) -> None:
    form = Sample()
    form.mobile.errors = ["Incomplete"]

    html = render(look, "en", macro("field", "field(form.mobile)"), form=form)

    assert 'aria-describedby="mobile-hint mobile-error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="mobile-error"' in html
    assert "(optional)" in html


def test_required_field_is_not_called_optional(look: Flask) -> None:
    assert "optional" not in render(look, "en", macro("field", "field(form.name)"), form=Sample())


@pytest.mark.parametrize(("choices", "optional"), [([SelectChoice("a", "A")], False), ([SelectChoice("", "–"), SelectChoice("a", "A")], True)])
def test_select_is_optional_only_with_an_empty_choice(look: Flask, choices: list[Any], optional: bool) -> None:
    form = Sample()
    form.kind.choices = choices

    assert ("(optional)" in render(look, "en", macro("field", "field(form.kind)"), form=form)) is optional


def test_radio_field_is_one_group_with_a_legend(look: Flask) -> None:
    html = render(look, "en", macro("field", "field(form.way)"), form=Sample())

    assert "<fieldset" in html
    assert html.count('type="radio"') == 2


def test_form_errors_list_each_field_as_a_link(look: Flask) -> None:
    form = Sample()
    form.name.errors, form.mobile.errors = ["Missing"], ["Incomplete"]

    html = render(look, "ar", macro("form_errors", "form_errors(form)"), form=form)

    assert "لم يُحفظ النموذج: حقلان يحتاجان تصحيحاً." in html
    assert 'href="#name"' in html
    assert 'href="#mobile"' in html


def test_confirm_puts_its_texts_into_attributes_escaped(look: Flask) -> None:
    html = render(look, "en", macro("post_button", "post_button('/off', 'Turn off', ask=ask)").replace("post_button %}", "post_button, confirm %}").replace(
        "ask=ask", "ask=confirm('Turn off \"x\"?', 'It goes', 'Turn off', 'Leave it on', keeps='12 rows', reason='Is logged')"))

    assert 'data-confirm="Turn off &#34;x&#34;?"' in html
    assert 'data-confirm-keeps="12 rows"' in html
    assert 'name="csrf_token" value="token"' in html


# --- review ----------------------------------------------------------------------------------------------------------


def test_diff_shows_changed_rows_and_folds_the_rest(look: Flask) -> None:
    changes = [SimpleNamespace(label="Mobile", current="+966 55 512 0348", proposed="+966 55 512 0384", changed=True),
               SimpleNamespace(label="Remarks", current="", proposed="After Asr", changed=True),
               SimpleNamespace(label="Name", current="Ahmad", proposed="Ahmad", changed=False)]

    html = render(look, "en", macro("diff", "diff(changes)"), changes=changes)

    assert '<bdi dir="ltr">+966 55 512 <del>0348</del></bdi>' in html
    assert '<bdi dir="ltr">+966 55 512 <ins>0384</ins></bdi>' in html
    assert "Show 1 unchanged field" in html
    assert html.index("<details") < html.index(">Name<")


def test_diff_of_arabic_words_marks_only_the_changed_one(look: Flask) -> None:
    html = render(look, "ar", macro("old_new", "old_new('حي الصفا، جدة', 'حي النسيم، جدة')"))

    assert "حي <del>الصفا</del>، جدة" in html
    assert "حي <ins>النسيم</ins>، جدة" in html


def test_track_marks_the_current_step(look: Flask) -> None:
    steps = [SimpleNamespace(no=1, title="Filling", who="S", at=NOW, due_at=None, limit=None, state="done"),
             SimpleNamespace(no=2, title="Review", who="R", at=None, due_at=NOW, limit="P1D", state="now")]

    html = render(look, "en", macro("track", "track(steps)"), steps=steps)

    assert html.count('aria-current="step"') == 1
    assert "within 1 working day" in html


def test_timeline_has_a_heading_for_each_month_in_both_calendars(look: Flask) -> None:
    entries = [SimpleNamespace(at=NOW, title="Call", detail="", icon="phone", link=None, who="", origin="Calls"),
               SimpleNamespace(at=NOW - timedelta(days=40), title="Form", detail="", icon="", link="/f", who="", origin="")]

    html = render(look, "en", macro("timeline", "timeline(entries)"), entries=entries)

    assert re.findall(r'<h3 class="dw-group">([^<]+)</h3>', html) == [
        "November 2026 · Jumada I – Jumada II 1448 AH", "October 2026 · Rabi II – Jumada I 1448 AH"]


# --- lists -----------------------------------------------------------------------------------------------------------


def a_page(rows: list[Any], **more: Any) -> Page:
    import sqlalchemy as sa

    columns = [ListColumn("number", "Number", "number", sort=sa.column("number")), ListColumn("name", "Name", "name"),
               ListColumn("mobile", "Mobile", "phone", permission="x.personal", masked=lambda row: "055•••••48")]
    return Page(rows, columns, len(rows), False, [], "-number", more.pop("search", ""), **more)


def test_list_masks_a_column_without_its_permission(look: Flask) -> None:
    row = SimpleNamespace(id=1, number="1042712", name="أحمد", mobile="+966555120348")

    seen = render(look, "en", macro("list_sheet", "list_sheet(page)"), page=a_page([row]), actor=Actor(1, "a", frozenset({"x.personal"})))
    masked = render(look, "en", macro("list_sheet", "list_sheet(page)"), page=a_page([row]), actor=Actor(1, "a"))

    assert "+966 55 512 0348" in seen
    assert "055•••••48" in masked
    assert "966" not in masked


def test_list_says_how_it_is_sorted(look: Flask) -> None:
    row = SimpleNamespace(id=1, number="1042712", name="أحمد", mobile=None)

    html = render(look, "en", macro("list_sheet", "list_sheet(page)"), page=a_page([row]), actor=Actor(1, "a"))

    assert 'aria-sort="descending"' in html
    assert 'href="/here?sort=number"' in html


def test_empty_list_after_a_search_offers_a_way_out(look: Flask) -> None:
    page = a_page([], search="شهادة", arguments={"q": "شهادة", "f.city": "1"})
    page.chips.append(Chip("city", "City", "Jeddah", {}))

    html = render(look, "ar", macro("list_sheet", "list_sheet(page)"), page=page, actor=Actor(1, "a"))

    assert "لا نتيجة لـ«شهادة»" in html
    assert "f.city" not in html


# --- shell -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "direction", "sheet"), [("ar", "rtl", "tabler.rtl"), ("en", "ltr", "tabler.ltr")])
def test_shell_follows_the_language(look: Flask, language: str, direction: str, sheet: str) -> None:
    page = '{% extends "layout.html" %}{% block title %}T{% endblock %}'
    html = render(look, language, page, association=None, person=None, person_role="", color_theme="dark",
                  today=date(2026, 11, 22), back="/here")

    assert f'<html lang="{language}" dir="{direction}" data-theme="dark" data-bs-theme="dark">' in html
    assert sheet in html
    assert html.count("<h1>") == 1
    assert "style=" not in html
    assert "onclick" not in html


@pytest.mark.parametrize("raw", ["//evil.example", "https://evil.example/", "/\\evil", "javascript:alert(1)", "/a\nb", ""])
def test_way_back_leads_nowhere_else(raw: str) -> None:
    assert theme.safe_path(raw) == "/"


def test_way_back_keeps_path_and_query() -> None:
    assert theme.safe_path("/customers/?f.city=1") == "/customers/?f.city=1"


def test_preferences_are_kept_in_cookies_for_a_visitor(look: Flask) -> None:
    answer = look.test_client().post("/preferences", data={"language": "en", "theme": "dark", "next": "/login?next=%2F"})

    assert (answer.status_code, answer.location) == (302, "/login?next=%2F")
    assert {cookie.split(";")[0] for cookie in answer.headers.getlist("Set-Cookie")} >= {"diwan_language=en", "diwan_theme=dark"}


# --- what is used exists ---------------------------------------------------------------------------------------------


def used_icons() -> set[str]:
    sources = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("core/*/templates/**/*.html"), *ROOT.glob("plugins/*/templates/**/*.html")]
    in_templates = {name for path in sources for name in re.findall(r"""icon\(\s*['"]([\w-]+)['"]""", path.read_text())}
    code = [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]
    assigned = re.compile(r"""\b(?:menu_)?icon(?::[^=\n]*)?\s*=\s*"([a-z][\w-]+)\"""")
    return in_templates | {name for path in code for name in assigned.findall(path.read_text())}


def test_every_icon_used_is_in_the_sprite() -> None:
    assert used_icons() <= set(assets.read_icon_list())


def test_own_classes_used_by_the_shared_macros_have_rules() -> None:
    rules = set(re.findall(r"\.(dw-[\w-]+)", (assets.SOURCE / "diwan.css").read_text()))
    sources = [*ROOT.glob("templates/*.html"), *ROOT.glob("templates/macros/*.html")]
    used = {name for path in sources for value in re.findall(r'class="([^"{]*)"', path.read_text()) for name in value.split() if name.startswith("dw-")}
    hooks = {"dw-step-what", "dw-theme", "dw-refusal", "dw-segmented", "dw-bar"}

    assert used - rules - hooks == set()


def test_own_sheet_uses_logical_properties() -> None:
    """Physical ones only where both languages need the same side: numbers and LTR fields."""
    css = (assets.SOURCE / "diwan.css").read_text()

    assert re.findall(r"(?:margin|border)-(?:left|right)|float:(?:left|right)", css) == []
