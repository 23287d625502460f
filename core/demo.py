"""``diwan demo``: two invented associations, made through the services with a pushed clock, as people would have worked.

Names, numbers and amounts come from ``demo.json`` and a fixed seed; nothing is written past the rules.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import work
from core.auth import passwords
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.commands import operator
from core.customers import entry, importing, officers
from core.customers import services as customers
from core.customers.models import Customer, CustomerForm
from core.database import section
from core.errors import DiwanError, InvalidInput
from core.i18n import Bilingual, use_language
from core.notices import services as notices
from core.notices.models import Notice
from core.opening import add_association, opened, set_settings
from core.organisation import services as organisation
from core.organisation.models import Centre, City, Department
from core.phones import parse_phone
from core.settings import Association, Deployment, find_association
from core.state import State

WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "demo.json").read_text(encoding="utf-8"))
PASSWORD = "diwan-demo-open-door"
CUSTOMERS = 3000
BLOCK = 500


@dataclass(frozen=True)
class Plan:
    """What differs between the demo's associations."""

    slug: str
    name: Bilingual
    preset: str
    country: str
    customers: int
    settings: dict[str, object] = field(default_factory=dict)


PLANS = (
    Plan("makkah", Bilingual("جمعية مراكز الأحياء – مكة", "Neighbourhood Centres – Makkah"), "neighbourhood_centres", "SA", CUSTOMERS,
         {"core.day_count": "working"}),
    Plan("rahma", Bilingual("الرحمة للأعمال الخيرية", "Rahma Charity"), "rahma", "KW", 400, {"core.currency": "KWD", "core.classes_off": ["council_member"]}),
)


def make_demo(deployment: Deployment, *, customers_count: int | None = None) -> list[Association]:
    """Make both associations where absent; one that exists is left as it is."""
    return [one for plan in PLANS if (one := _make(deployment, plan, customers_count or plan.customers)) is not None]


def remove_demo(deployment: Deployment) -> list[str]:
    """Delete the demo's associations with their data; refuses one that is not marked as a demo."""
    removed = []
    for plan in PLANS:
        if (deployment.associations / plan.slug / "association.toml").is_file():
            one = find_association(deployment, plan.slug)
            if not one.demo:
                raise DiwanError(f"'{plan.slug}' is no demo; `diwan association remove` takes real ones out of service.")
            shutil.rmtree(one.folder)
            removed.append(plan.slug)
    return removed


def _make(deployment: Deployment, plan: Plan, count: int) -> Association | None:
    if (deployment.associations / plan.slug / "association.toml").is_file():
        return None
    building = deployment.associations / plan.slug
    try:
        association = add_association(deployment, plan.slug, name=plan.name, preset=plan.preset, demo=True)
        with opened(association, deployment, actor=operator()) as (app, session), use_language("ar"):
            Story(session, plan, count, app.extensions["diwan"]).tell()
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return association


def last_morning(now: datetime) -> datetime:
    """The last 05:40 UTC before ``now``: a demo that is made at night ends with the day before, so that nothing in it lies ahead."""
    morning = now.replace(hour=5, minute=40, second=0, microsecond=0)
    return morning if morning <= now else morning - timedelta(days=1)


class Story:
    """A year of one association: people first, then customers, then what is under way today."""

    def __init__(self, session: Session, plan: Plan, count: int, state: State) -> None:
        self.session = session
        self.plan = plan
        self.count = count
        self.state = state
        self.random = random.Random(plan.slug)
        self.today = last_morning(datetime.now(UTC))
        self.actors: dict[str, Actor] = {}
        self.phones: set[str] = set()

    def tell(self) -> None:
        start = self.today - timedelta(days=365)
        with self.at(start) as session:
            set_settings(session, self.plan.settings)
            self._places(session)
            self._people(session, start)
        with self.at(start) as session:
            self.actors = {user.username: auth.actor_for(session, user, source="demo", now=start) for user in session.scalars(select(User))}
            officers.appoint(session, self.user_id("officer"), "primary", actor=self.actors["manager"], now=start)
            officers.appoint(session, self.user_id("deputy"), "deputy", actor=self.actors["manager"], now=start)
        blocks = max(1, -(-self.count // BLOCK))
        for block in range(blocks):
            self._register(start + timedelta(days=7 + block * 300 // blocks), min(BLOCK, self.count - block * BLOCK), block)
        self._single_forms()
        self._offers()
        self._under_way()
        self._read_notices()

    def at(self, moment: datetime) -> Any:
        """One unit of work at a moment of the past, by the operator."""
        return _at(self.session, moment)

    def _read_notices(self) -> None:
        """People of the demo have read what they were told before this week; what is older than a quarter of a year is forgotten."""
        with self.at(self.today) as session, section("demo"):
            notices.tidy(session, {}, self.today)
            session.execute(update(Notice).where(Notice.made_at < self.today - timedelta(days=7)).values(read_at=Notice.made_at))

    def user_id(self, username: str) -> int:
        return self.actors[username].user_id or 0

    # --- people and places ---------------------------------------------------------------------------------------------

    def _places(self, session: Session) -> None:
        if self.plan.country == "KW":
            for ar, en, region_ar, region_en in WORDS["kuwait_cities"]:
                organisation.save_city(session, name_ar=ar, name_en=en, region_ar=region_ar, region_en=region_en, actor=operator())
        for city in session.scalars(select(City)):
            for ar, en in WORDS["centres"].get(city.name_ar, ()):
                organisation.save_centre(session, city_id=city.id, name_ar=ar, name_en=en, actor=operator())
        for ar, en, fund in WORDS["programmes"]:
            organisation.save_programme(session, name_ar=ar, name_en=en, fund=fund, actor=operator())

    def _people(self, session: Session, now: datetime) -> None:
        departments = {one.slug: one.id for one in session.scalars(select(Department))}
        hashed = passwords.hash_password(PASSWORD)
        for one in WORDS["people"]:
            user = auth.add_user(session, username=one["username"], name_ar=one["ar"], name_en=one["en"], department_id=departments.get(one["department"]),
                                 job_description="–", assignment="–", actor=operator(), now=now)
            user.password_hash = hashed
            auth.set_roles(session, user, one["roles"], actor=operator())

    # --- the register ----------------------------------------------------------------------------------------------------

    def _register(self, moment: datetime, count: int, block: int) -> None:
        """A former register taken in: filled by the employee, reviewed and approved by the manager, entered by the officer."""
        employee, manager, officer = (self.actors[name] for name in ("employee", "manager", "officer"))
        with self.at(moment) as session:
            rows = [self._values(session) for _n in range(count)]
            form = importing.fill_import(session, rows, source=f"register-{block + 1}.xlsx", operation_key=f"demo-{block}", actor=employee, now=moment)
            form_id = form.id
        self._through(form_id, moment, manager, officer)

    def _through(self, form_id: int, filled: datetime, manager: Actor, officer: Actor) -> None:
        """Review, approval, entry and filing, hours apart."""
        steps = ((customers.review, manager, 5), (customers.approve, manager, 6), (None, officer, 22), (customers.file_form, officer, 26))
        for act, actor, hours in steps:
            moment = filled + timedelta(hours=hours)
            with self.at(moment) as session:
                form = session.get_one(CustomerForm, form_id)
                if act is not None:
                    act(session, form, actor=actor, now=moment)
                elif form.kind == "import":
                    entry.enter_import(session, form, actor=actor, now=moment)
                else:
                    entry.enter(session, form, actor=actor, now=moment)

    def _values(self, session: Session) -> dict[str, Any]:
        pick = self.random.choice
        kind = self.random.choices(("donor", "beneficiary", "government", "council_member", "other"), (46, 38, 3, 9, 4))[0]
        if self.plan.country == "KW" and kind == "council_member":
            kind = "donor"
        city, centre = self._place(session)
        name = self._name(kind)
        return {
            "name": name, "customer_class": kind, "other_detail": "مورّد خدمات" if kind == "other" else None, "mobile": self._mobile(),
            "email": self._email() if self.random.random() < 0.35 else None, "address": f"{pick(WORDS['streets'])}، {city.name_ar}",
            "city_id": city.id, "centre_id": centre.id if centre else None, "contact_channel": None,
            "registration_origin": pick(("visit", "call", "web", "event", "referral")),
            "phone": None, "remarks": None, "department_id": None,
        }

    def _place(self, session: Session) -> tuple[City, Centre | None]:
        cities = list(session.scalars(select(City).order_by(City.id)))
        city = self.random.choices(cities, [6, 3, 2][: len(cities)] + [1] * max(0, len(cities) - 3))[0]
        centres = list(session.scalars(select(Centre).where(Centre.city_id == city.id).order_by(Centre.id)))
        return city, self.random.choice(centres) if centres else None

    def _name(self, kind: str) -> str:
        pick = self.random.choice
        if kind == "government":
            return f"{pick(WORDS['offices'])} – فرع {self.random.randint(1, 400)}"
        if kind == "donor" and self.random.random() < 0.12:
            return f"{pick(WORDS['bodies'])} {self.random.randint(1, 900)}"
        first = pick(WORDS["female"] if self.random.random() < 0.45 else WORDS["male"])
        return f"{first} {pick(WORDS['male'])} {pick(WORDS['family'])}"

    def _mobile(self) -> str:
        while True:
            own = f"05{self.random.randint(0, 99999999):08d}" if self.plan.country == "SA" else f"5{self.random.randint(0, 9999999):07d}"
            with suppress(InvalidInput):
                number = parse_phone(own, self.plan.country)
                if number not in self.phones:
                    self.phones.add(number)
                    return number

    def _email(self) -> str:
        return f"c{self.random.randint(10000, 99999)}.{len(self.phones)}@example.org"

    # --- single forms ------------------------------------------------------------------------------------------------------

    def _single_forms(self) -> None:
        """Thirty forms of the last ten weeks, some late, two rejected, changes among them."""
        for number in range(30):
            moment = self.today - timedelta(days=70 - 2 * number, hours=self.random.randint(0, 6))
            with self.at(moment) as session:
                form_id = self._fill(session, moment, change=number % 3 == 2).id
            if number in (7, 19):
                self._reject(form_id, moment)
            else:
                self._through(form_id, moment, self.actors["manager"], self.actors["officer"])

    def _fill(self, session: Session, moment: datetime, *, change: bool) -> CustomerForm:
        employee = self.actors["employee"]
        if not change:
            values = {key: value for key, value in self._values(session).items() if value is not None}
            return customers.fill_form(session, values, actor=employee, now=moment, not_duplicates=True)
        busy = select(CustomerForm.subject_id).where(CustomerForm.state.in_(("filled", "reviewed", "approved", "entering")))
        customer = self.random.choice(list(session.scalars(select(Customer).where(Customer.subject_id.not_in(busy)).order_by(Customer.id).limit(400))))
        changed = {"mobile": self._mobile(), "address": f"{self.random.choice(WORDS['streets'])}، مبنى {self.random.randint(10, 99)}",
                   "remarks": "يفضّل الاتصال بعد صلاة العصر."}
        return customers.fill_form(session, changed, customer=customer, actor=employee, now=moment, not_duplicates=True)

    def _reject(self, form_id: int, filled: datetime) -> None:
        manager = self.actors["manager"]
        for hours, act in ((4, "review"), (5, "reject")):
            moment = filled + timedelta(hours=hours)
            with self.at(moment) as session:
                form = session.get_one(CustomerForm, form_id)
                if act == "review":
                    customers.review(session, form, actor=manager, now=moment)
                else:
                    customers.reject(session, form, "العنوان ناقص ورقم الجوال لا يجيب.", actor=manager, now=moment)

    def _under_way(self) -> None:
        """What waits today: forms in every state, two of them late."""
        manager = self.actors["manager"]
        for days, state in ((4, "filled"), (3, "reviewed"), (1, "filled"), (0, "filled"), (1, "reviewed"), (0, "reviewed"), (1, "approved"), (0, "approved")):
            moment = self.today - timedelta(days=days, hours=3)
            with self.at(moment) as session:
                form = self._fill(session, moment, change=state != "filled")
                if state in ("reviewed", "approved"):
                    customers.review(session, form, actor=manager, now=moment + timedelta(minutes=20))
                if state == "approved":
                    customers.approve(session, form, actor=manager, now=moment + timedelta(minutes=40))

    # --- everybody else's part -----------------------------------------------------------------------------------------------

    def _offers(self) -> None:
        """What areas and plugins make of a demo, in order of dependence."""
        for answer in self.state.hooks.manager.hook.register_demo.get_hookimpls():
            with self.at(self.today) as session:
                arguments = {"session": session, "actor": operator(), "now": self.today}
                answer.function(*(arguments[name] for name in answer.argnames))


class _at:
    """One unit of work with the clock at ``moment``."""

    def __init__(self, session: Session, moment: datetime) -> None:
        self.clock = work.time_at(moment)
        self.unit = work.unit_of_work(session)

    def __enter__(self) -> Session:
        self.clock.__enter__()
        session = self.unit.__enter__()
        session.info["actor"] = operator()
        return session

    def __exit__(self, *problem: Any) -> None:
        try:
            self.unit.__exit__(*problem)
        finally:
            self.clock.__exit__(*problem)


def sign_ins() -> Iterator[tuple[str, str]]:
    """(user name, role) of the demo's people; all have one password."""
    for one in WORDS["people"]:
        yield one["username"], one["roles"][0]
