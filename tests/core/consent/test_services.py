"""Consent is given and withdrawn as events; the latest one holds, and every sender asks (PERM-01, PERM-02, PERM-11, CALL-10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pluggy
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import hookspecs, settings, work
from core.audit.models import AuditEvent
from core.auth.actor import Actor, system_actor
from core.consent import domain, queries, services
from core.consent.domain import Objection
from core.consent.models import Consent, Wording
from core.customers.models import Customer
from core.errors import Conflict, DiwanError, InvalidInput, NotAllowed, NotFound, faults
from core.i18n import use_language
from core.plugins.discovery import installed_plugins
from core.plugins.manifest import PROJECT, hookimpl
from core.plugins.relay import Relay
from core.testing import actor_with
from tests.conftest import PLUGIN_PATH
from tests.core.customers.conftest import NOW, People
from tests.support.contacting import differences

Give = Callable[..., list[Consent]]
Withdraw = Callable[..., Consent | None]
LATER = NOW + timedelta(hours=1)
"""Both are on Sunday, inside the hours of calls."""
NOBODY = actor_with()


def said(session: Session, donor: Customer, channel: str = "email", purpose: str = "marketing", *, now: Any = LATER) -> list[str]:
    with use_language("en"):
        return [str(one) for one in services.objections(session, donor.id, channel, purpose, actor=NOBODY, now=now)]


def state(session: Session, donor: Customer, channel: str, purpose: str) -> str:
    return queries.standings(queries.events_of(session, donor.id))[channel, purpose].state


# --- giving -----------------------------------------------------------------------------------------------------------


def test_a_consent_keeps_date_source_and_wording(session: Session, donor: Customer, give: Give, people: People) -> None:
    one, = give(note="F-77", said_at=NOW - timedelta(days=3))

    wording = queries.wording_now(session, "consent")
    assert wording is not None
    assert (one.customer_id, one.subject_id, one.channel, one.purpose, one.given) == (donor.id, donor.subject_id, "email", "marketing", True)
    assert (one.said_at, one.recorded_at, one.source, one.note, one.wording_id) == (NOW - timedelta(days=3), NOW, "form", "F-77", wording.id)
    assert one.recorded_by_id == people.employee.user.id


def test_for_all_channels_it_is_one_event_each_and_sharing_one(session: Session, give: Give) -> None:
    assert [one.channel for one in give("all", "survey")] == list(domain.CHANNELS)
    assert [(one.channel, one.purpose) for one in give("all", "sharing")] == [("all", "sharing")]


def test_the_same_sending_twice_is_one(session: Session, donor: Customer, give: Give, withdraw: Withdraw, customer: Callable[..., Customer]) -> None:
    first, again = give("all", "marketing", operation_key="once"), give("all", "marketing", operation_key="once")
    gone, gone_again = withdraw(operation_key="twice"), withdraw(operation_key="twice")

    assert [one.id for one in first] == [one.id for one in again]
    assert gone is not None
    assert gone is gone_again
    other = customer(name="شركة الضحى", mobile="0550000777")
    with pytest.raises(Conflict):
        services.give(session, other, "email", "marketing", source="form", operation_key="once", actor=actor_with("consent.record"), now=NOW)
    with pytest.raises(InvalidInput):
        give(operation_key="k" * 90)


def test_each_fault_names_its_field(give: Give, withdraw: Withdraw) -> None:
    def refused(act: Callable[..., Any], *place: str, **values: Any) -> set[Any]:
        with pytest.raises(InvalidInput) as caught:
            act(*place, **values)
        return {fault.field for fault in faults(caught.value)}

    assert refused(give, "fax", "all", source="rumour") == {"channel", "purpose", "source"}
    assert refused(give, "email", "sharing") == refused(withdraw, "email", "sharing") == {"channel"}
    assert refused(withdraw, "email", "weather") == {"purpose"}
    assert refused(give, source="link") == refused(withdraw, source="link") == {"source"}
    assert refused(give, said_at=LATER) == {"said_on"}
    assert refused(give, note="x" * 301) == {"note"}


def test_a_consent_older_than_the_withdrawal_changes_nothing(session: Session, donor: Customer, give: Give, withdraw: Withdraw) -> None:
    withdraw("all", "all")

    with pytest.raises(InvalidInput) as refused:
        give(said_at=NOW - timedelta(days=1), now=LATER)

    assert (refused.value.field, refused.value.rule) == ("said_on", "PERM-02")
    assert state(session, donor, "email", "marketing") == "withdrawn"
    give(now=LATER)
    assert state(session, donor, "email", "marketing") == "given"
    assert state(session, donor, "sms", "marketing") == "withdrawn"


def test_it_keeps_the_words_of_its_day(session: Session, give: Give, people: People) -> None:
    old, = give()
    services.publish(session, "consent", text_ar="نص جديد", text_en="New words", actor=people.manager.actor, now=NOW + timedelta(days=1))

    late, = give(said_at=NOW, now=NOW + timedelta(days=2))
    new, = give(now=NOW + timedelta(days=2))

    assert [one.wording.version for one in (old, late, new) if one.wording] == [1, 1, 2]


# --- withdrawing ------------------------------------------------------------------------------------------------------


def test_one_channel_is_withdrawn_and_the_others_stand(session: Session, donor: Customer, give: Give, withdraw: Withdraw) -> None:
    give("all", "marketing")
    give("all", "sharing")

    withdraw("email", "all", now=LATER)

    assert [state(session, donor, channel, "marketing") for channel in domain.CHANNELS] == ["given", "given", "withdrawn", "given", "given"]
    assert state(session, donor, "email", "service") == "withdrawn"
    assert state(session, donor, "all", "sharing") == "given"


def test_wholly_withdrawn_nothing_stands(session: Session, donor: Customer, give: Give, employee: Actor) -> None:
    give("all", "marketing")
    give("all", "sharing")

    gone = services.withdraw_all(session, donor, source="letter", actor=employee, now=LATER)

    assert gone is not None
    assert (gone.channel, gone.purpose, gone.said_at, gone.source) == ("all", "all", LATER, "letter")
    assert {one.state for one in queries.standings(queries.events_of(session, donor.id)).values()} == {"withdrawn"}
    assert services.withdraw_all(session, donor, source="letter", actor=employee, now=LATER) is None


def test_a_clock_set_back_does_not_undo_a_withdrawal(session: Session, donor: Customer, give: Give, withdraw: Withdraw) -> None:
    give(now=LATER)

    withdraw(now=NOW)

    assert state(session, donor, "email", "marketing") == "withdrawn"


def test_recording_is_for_whom_it_is_and_for_customers_he_may_read(session: Session, donor: Customer) -> None:
    with pytest.raises(NotAllowed) as refused:
        services.withdraw_all(session, donor, source="call", actor=actor_with("consent.read"), now=NOW)
    assert refused.value.rule == "PERM-01"
    with pytest.raises(NotFound):
        services.withdraw_all(session, donor, source="call", actor=actor_with("consent.record", scopes={"customers": "own"}, user_id=None), now=NOW)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_marketing_needs_a_consent_and_service_does_not(session: Session, donor: Customer, give: Give) -> None:
    assert said(session, donor, "email", "service") == []
    assert said(session, donor) == ["No consent to “News and offers” by “E-mail” is recorded. Ask the customer for it and record it first."]

    give()

    assert said(session, donor) == []
    assert len(said(session, donor, "sms")) == 1


def test_a_withdrawal_acts_at_once_and_says_when(session: Session, donor: Customer, give: Give, withdraw: Withdraw) -> None:
    give()
    withdraw("email", "all", now=LATER)

    assert [len(said(session, donor, "email", purpose)) for purpose in domain.ASKED_FOR] == [1, 1, 1, 1]
    assert said(session, donor)[0].replace("\u2066", "").replace("\u2069", "") == (
        "The customer withdrew “News and offers” by “E-mail” on 1 February 2026; that holds until he consents anew.")


def test_who_withdrew_wholly_is_reached_by_no_other_way_either(session: Session, donor: Customer, withdraw: Withdraw) -> None:
    assert said(session, donor, "fax", "service") == []
    withdraw("all", "all")
    assert len(said(session, donor, "fax", "service")) == 1
    assert len(said(session, donor, "visit", "service")) == 1


def test_what_needs_consent_is_chosen_but_for_marketing_and_sharing(session: Session, donor: Customer) -> None:
    assert queries.needed(session) == {"marketing", "sharing"}
    settings.put(session, "consent.needed", ["survey"])
    assert queries.needed(session) == {"marketing", "sharing", "survey"}
    assert [bool(said(session, donor, "email", purpose)) for purpose in domain.PURPOSES] == [False, True, True, False, True]
    with pytest.raises(InvalidInput):
        settings.put(session, "consent.needed", ["marketing"])


def test_calls_have_their_hours_and_messages_have_none(session: Session, donor: Customer) -> None:
    night = NOW.replace(hour=20)

    assert said(session, donor, "phone", "service") == []
    assert [one.replace("\u2066", "").replace("\u2069", "") for one in said(session, donor, "phone", "service", now=night)] == [
        "Customers are called from 09:00 to 21:00 only. Call again from Monday 2 February 2026, 09:00."]
    assert said(session, donor, "sms", "service", now=night) == []
    assert services.objections(session, donor.id, "phone", "service", actor=NOBODY, now=night, made=True) == []
    settings.put(session, "consent.call_until", "23:30")
    assert said(session, donor, "phone", "service", now=night) == []
    settings.put(session, "consent.call_days", [])
    assert "No day is chosen" in said(session, donor, "phone", "service")[0]


class Objector:
    @hookimpl
    def contact_objections(self, channel: str) -> list[str]:
        if channel == "post":
            raise RuntimeError("broken")
        return ["A complaint of his is open."] if channel == "sms" else []


def test_plugins_object_too_and_a_broken_one_refuses(session: Session, donor: Customer) -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(Objector(), name="objector")
    session.info["hooks"] = Relay(manager)

    assert said(session, donor, "sms", "service") == ["A complaint of his is open."]
    assert said(session, donor, "post", "service") == ["The plugin “objector” could not be asked."]
    assert said(session, donor, "email", "service") == []
    assert len(said(session, donor, "sms")) == 2


class Lister:
    """Refuses calls to one customer, alone and in lists, and notes whom it was told of."""

    def __init__(self, refused: int) -> None:
        self.refused, self.told = refused, list[tuple[str, list[int]]]()

    @hookimpl
    def contact_objections(self, customer_id: int, channel: str) -> list[Objection]:
        return [Objection("His contact person is Noor.", "LEAD-22")] if channel == "phone" and customer_id == self.refused else []

    @hookimpl
    def uncontactable(self, channel: str) -> sa.Select[Any] | None:
        return sa.select(Customer.id).where(Customer.id == self.refused) if channel == "phone" else None

    @hookimpl
    def on_contact(self, session: Session, customer_ids: sa.Select[Any], channel: str) -> None:
        self.told.append((channel, list(session.scalars(customer_ids))))


def plugged(session: Session, plugin: Any) -> Any:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name="lister")
    session.info["hooks"] = Relay(manager)
    return plugin


def test_whom_a_plugin_objects_to_is_on_no_list_either(session: Session, donor: Customer, customer: Callable[..., Customer]) -> None:
    other = customer(name="شركة الضحى", mobile="0550000777")
    lister = plugged(session, Lister(donor.id))

    assert listed(session, "phone", "service") == {other.id}
    assert listed(session, "sms", "service") == {donor.id, other.id}
    assert differences(session, NOBODY, NOW) == []
    with pytest.raises(NotAllowed) as refused:
        services.check_contact(session, donor.id, "phone", "service", actor=NOBODY, now=NOW)
    assert refused.value.rule == "LEAD-22"
    assert lister.told == []

    services.check_contact(session, other.id, "phone", "service", actor=NOBODY, now=NOW)
    services.note_listed(session, sa.select(Customer).where(Customer.mobile.is_not(None)), "sms", "service", actor=NOBODY, now=NOW)
    assert [(channel, sorted(ids)) for channel, ids in lister.told] == [("phone", [other.id]), ("sms", [donor.id, other.id])]


def test_the_dummy_says_the_same_both_ways(session: Session, donor: Customer) -> None:
    plugged(session, next(one.module for one in installed_plugins(PLUGIN_PATH).installed if one.name == "dummy_plugin"))

    assert listed(session, "phone", "service") == set()
    assert differences(session, NOBODY, NOW) == []


def test_a_list_is_refused_where_a_plugin_cannot_be_asked(session: Session, donor: Customer) -> None:
    class Broken:
        @hookimpl
        def uncontactable(self) -> None:
            raise RuntimeError("broken")

    plugged(session, Broken())
    with pytest.raises(Conflict, match="lister"):
        listed(session, "email", "service")


def test_a_refused_contact_says_every_reason_in_the_readers_language_and_is_logged(session: Session, donor: Customer) -> None:
    with pytest.raises(NotAllowed) as refused:
        services.check_contact(session, donor.id, "phone", "marketing", actor=NOBODY, now=NOW.replace(hour=20))

    error = refused.value
    assert (error.rule, error.field, error.value) == ("PERM-01", "channel", "phone")
    for language, words in (("en", ("No consent to", "Call again from")), ("ar", ("لا توجد موافقة مسجلة", "أعد الاتصال"))):
        with use_language(language):
            assert all(one in str(error) for one in words)
    work.denied(session, error)
    entry = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (entry.action, entry.rule, entry.record_type, entry.record_id) == ("denied", "PERM-01", "core_customer", str(donor.id))


def test_the_address_is_handed_out_after_asking_only(session: Session, donor: Customer, give: Give) -> None:
    with pytest.raises(NotAllowed):
        services.reach(session, donor, "email", "marketing", actor=NOBODY, now=NOW)
    give()
    assert services.reach(session, donor, "email", "marketing", actor=NOBODY, now=NOW) == "noor@example.org"
    assert services.reach(session, donor, "phone", "service", actor=NOBODY, now=NOW) == "+966550000001"
    with pytest.raises(Conflict) as refused:
        services.reach(session, donor, "post", "service", actor=NOBODY, now=NOW)
    assert refused.value.rule == "CUST-27"


def test_the_preferred_channel_is_proposed_first_while_it_is_allowed(session: Session, customer: Callable[..., Customer], employee: Actor) -> None:
    chosen = customer(name="شركة الضحى", mobile="0550000777", email="d@example.org", contact_channel="email")

    def proposed() -> list[tuple[str, bool]]:
        return [(one.channel, one.preferred) for one in services.channels_for(session, chosen, "service", actor=NOBODY, now=LATER)]

    assert proposed() == [("email", True), ("phone", False), ("sms", False), ("whatsapp", False)]
    services.withdraw(session, chosen, "email", "all", source="call", actor=employee, now=NOW)
    assert proposed() == [("phone", False), ("sms", False), ("whatsapp", False), ("email", True)]


def test_a_purpose_that_nobody_knows_is_a_fault_of_the_program(session: Session, donor: Customer) -> None:
    with pytest.raises(DiwanError, match="follow_up"):
        services.objections(session, donor.id, "phone", "follow_up", actor=NOBODY, now=NOW)
    for channel, purpose in (("fax", "marketing"), ("email", "follow_up")):
        with pytest.raises(DiwanError):
            queries.contactable(session, sa.select(Customer), channel, purpose, actor=NOBODY)


# --- lists ------------------------------------------------------------------------------------------------------------


def listed(session: Session, channel: str, purpose: str) -> set[int]:
    return set(session.scalars(queries.contactable(session, sa.select(Customer.id), channel, purpose, actor=NOBODY)))


def test_a_list_holds_whom_one_may_contact_and_can_reach(
    session: Session, donor: Customer, give: Give, withdraw: Withdraw, customer: Callable[..., Customer], employee: Actor,
) -> None:
    other = customer(name="شركة الضحى", mobile="0550000777")
    services.give(session, other, "email", "marketing", source="web", actor=employee, now=NOW)

    assert listed(session, "email", "marketing") == set()
    assert listed(session, "sms", "service") == {donor.id, other.id}
    give()
    assert listed(session, "email", "marketing") == {donor.id}
    assert listed(session, "sms", "marketing") == set()
    withdraw("email", "all", now=LATER)
    assert listed(session, "email", "marketing") == set()
    assert listed(session, "sms", "service") == {donor.id, other.id}
    withdraw("all", "all", now=LATER)
    assert listed(session, "sms", "service") == {other.id}


def test_the_list_and_the_single_question_agree(session: Session, donor: Customer, give: Give, withdraw: Withdraw) -> None:
    """Whatever is said in whatever order, with two moments that are the same: SQL and Python read the same event."""
    acts = [(give, "all", "marketing"), (withdraw, "email", "all"), (give, "email", "service"), (withdraw, "all", "marketing"), (give, "sms", "marketing"),
            (withdraw, "all", "sharing"), (give, "all", "sharing"), (withdraw, "all", "all"), (give, "phone", "fundraising")]
    for step, (act, place, what) in enumerate(acts):
        act(place, what, now=NOW + timedelta(minutes=step // 2))
        for channel, purpose in domain.cells("all", "all"):
            asked = "email" if channel == "all" else channel
            found = set(session.scalars(sa.select(Customer.id).where(queries.may_contact(session, asked, purpose))))
            assert (donor.id in found) is (said(session, donor, asked, purpose) == []), (step, channel, purpose)


def test_nothing_is_shared_by_default(session: Session, donor: Customer, give: Give, withdraw: Withdraw) -> None:
    assert listed(session, "all", "sharing") == set()
    with pytest.raises(NotAllowed) as refused:
        services.check_contact(session, donor.id, "all", "sharing", actor=NOBODY, now=NOW)
    assert refused.value.rule == "PERM-11"
    give("all", "marketing")
    assert listed(session, "all", "sharing") == set()
    give("all", "sharing")
    assert listed(session, "all", "sharing") == {donor.id}
    withdraw("phone", "all", now=LATER)
    assert listed(session, "all", "sharing") == {donor.id}
    withdraw("all", "sharing", now=LATER)
    assert listed(session, "all", "sharing") == set()


# --- links and wordings -----------------------------------------------------------------------------------------------


def test_a_link_is_made_once_and_withdraws_what_was_chosen(session: Session, donor: Customer, give: Give) -> None:
    give("all", "marketing")
    address = services.links(session, [donor.id, donor.id], now=NOW)[donor.id]
    assert services.links(session, [donor.id], now=LATER) == {donor.id: address}
    token, visitor = address.removeprefix("/p/consent/"), system_actor("public")

    made = services.withdraw_by_link(session, token, "news", actor=visitor, now=LATER)

    assert [(one.channel, one.purpose, one.source, one.recorded_by_id) for one in made] == [
        ("all", purpose, "link", None) for purpose in ("marketing", "fundraising", "survey")]
    assert services.withdraw_by_link(session, token, "news", actor=visitor, now=LATER) == []
    assert state(session, donor, "email", "service") == "never"
    with pytest.raises(InvalidInput):
        services.withdraw_by_link(session, token, "everything", actor=visitor, now=LATER)
    with pytest.raises(NotFound):
        services.withdraw_by_link(session, token[:-1], "news", actor=visitor, now=LATER)


def test_wordings_are_published_by_version_in_both_languages(session: Session, people: People) -> None:
    manager, now = people.manager.actor, NOW
    assert [(one.kind, one.version) for one in session.scalars(sa.select(Wording).order_by(Wording.kind))] == [("consent", 1), ("privacy", 1)]

    made = services.publish(session, "privacy", text_ar="نص", text_en="Text", actor=manager, now=now)

    assert (made.version, made.published_at, made.published_by_id) == (2, now, people.manager.user.id)
    with use_language("ar"):
        assert str(queries.wording_now(session, "privacy").text) == "نص"  # type: ignore[union-attr]
    for values, fields in (({"text_ar": " ", "text_en": ""}, {"text_ar", "text_en"}), ({"text_ar": "نص", "text_en": "Text"}, {"text_ar"})):
        with pytest.raises(InvalidInput) as refused:
            services.publish(session, "privacy", actor=manager, now=now, **values)
        assert {fault.field for fault in faults(refused.value)} == fields
    with pytest.raises(InvalidInput):
        services.publish(session, "weather", text_ar="نص", text_en="Text", actor=manager, now=now)
    with pytest.raises(NotAllowed):
        services.publish(session, "privacy", text_ar="آخر", text_en="Other", actor=people.employee.actor, now=now)


def test_seeding_again_adds_nothing(session: Session) -> None:
    services.seed(session, now=NOW)

    assert session.scalar(sa.select(sa.func.count()).select_from(Wording)) == 2
