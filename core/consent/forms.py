"""The shape of the forms; what the values mean is judged by the services."""

from __future__ import annotations

from collections.abc import Mapping

from wtforms import DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from core.admin.forms import DiwanForm
from core.consent import domain, services
from core.customers import domain as customers
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l

GIVE, WITHDRAW = "give", "withdraw"


def choices(titles: Mapping[str, Bilingual]) -> list[SelectChoice]:
    return [SelectChoice(code, title) for code, title in titles.items()]


class RecordForm(DiwanForm):
    act = RadioField(_l("What did the customer say?"), choices=[SelectChoice(GIVE, _l("Consents")), SelectChoice(WITHDRAW, _l("Withdraws"))],
                     validators=[InputRequired(_l("Say whether the customer consents or withdraws."))])
    purpose = SelectField(_l("Purpose"), validate_choice=False)
    channel = SelectField(_l("Channel"), validate_choice=False, description=_l("For sharing data choose all channels."))
    source = SelectField(_l("How the customer said it"), validate_choice=False)
    said_on = DateField(_l("Day on which the customer consented"), validators=[Optional()], render_kw={"dir": "ltr"},
                        description=_l("Empty for today. A withdrawal always holds from the moment it is recorded."))
    note = StringField(_l("Note"), validators=[Length(max=services.LONGEST_NOTE)], description=_l("Where it can be found: the form's number, the letter."))

    def fill_choices(self) -> None:
        none = {"": Bilingual.of(customers.CATALOGUE["choice"])}
        self.purpose.choices = choices({**none, **domain.all_purposes()})
        self.channel.choices = choices({**none, **domain.all_channels()})
        self.source.choices = choices({**none, **{code: title for code, title in domain.sources().items() if code != domain.LINK}})


class WordingForm(DiwanForm):
    text_ar = TextAreaField(_l("Arabic text"), render_kw={"rows": 5, "dir": "rtl", "lang": "ar"})
    text_en = TextAreaField(_l("English text"), render_kw={"rows": 5, "dir": "ltr", "lang": "en"})


class WithdrawForm(DiwanForm):
    choice = RadioField(_l("What should stop?"), default="news", validators=[InputRequired(_l("Choose one of the lines."))], validate_choice=False)

    def fill_choices(self) -> None:
        self.choice.choices = choices(domain.withdrawals())
