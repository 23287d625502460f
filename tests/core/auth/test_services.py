"""Roles, the matrix, authorities, delegation: who may do what, and what each change refuses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from core.audit.pending import ledger_of
from core.auth import exports, queries, services
from core.auth.actor import Actor, authorize
from core.auth.area import AREA
from core.auth.models import Role, RolePermission, User, UserCentre
from core.commands import operator
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.organisation.models import Centre, City
from core.plugins.manifest import AreaInfo, Permission, PluginInfo
from core.plugins.manifest import Role as PluginRole
from core.state import State
from core.testing import actor_with
from tests.core.auth.conftest import NOW, MakeUser

TODAY = date(2026, 2, 1)
ADMIN = actor_with(services.MANAGE, services.ROLES, user_id=None)


def actor_of(session: Session, user: User, days: int = 0) -> Actor:
    return services.actor_for(session, user, source="web", now=NOW + timedelta(days=days))


# --- seeding -----------------------------------------------------------------------------------------------------------


def test_every_role_of_the_manual_and_those_it_lacks_are_there(session: Session) -> None:
    slugs = set(session.scalars(sa.select(Role.slug)))

    assert {"manual_controller", "crm_manager", "crm_employee", "centres_manager", "centres_employee", "quality_employee", "strategic_planning_manager",
            "admin_affairs_manager", "subcouncil_secretary", "secretary_general", "association_management", "ad_agency", "customer_data_officer",
            "customer_data_deputy", "finance_manager", "it_administrator", "resource_development_manager", "auditor"} <= slugs


def test_seeding_again_adds_nothing_and_keeps_what_was_taken_away(session: Session) -> None:
    services.set_permission(session, "crm_manager", "auth.read_matrix", False, actor=ADMIN)
    before = session.execute(sa.select(sa.func.count(Role.id), sa.select(sa.func.count(RolePermission.id)).scalar_subquery())).one()

    services.seed(session, [AREA], [])

    assert session.execute(sa.select(sa.func.count(Role.id), sa.select(sa.func.count(RolePermission.id)).scalar_subquery())).one() == before
    assert "auth.read_matrix" not in queries.matrix(session)["crm_manager"]


def test_plugins_bring_roles_and_permissions(session: Session) -> None:
    plugin = PluginInfo("notes", "Notes", "1.0", permissions=(Permission("notes.read", "Read", roles=("note_keeper",)),),
                        roles=(PluginRole("note_keeper", "حافظ الملاحظات", "Keeper of notes", manager="crm_manager"),))

    services.seed(session, [], [plugin])

    role = services.role_by_slug(session, "note_keeper")
    assert (role.name_ar, role.name_en, role.manager) == ("حافظ الملاحظات", "Keeper of notes", "crm_manager")
    assert queries.matrix(session)["note_keeper"] == {"notes.read"}


def test_every_role_that_a_permission_or_decision_names_exists(session: Session, app: object) -> None:
    state: State = app.extensions["diwan"]  # type: ignore[attr-defined]
    slugs = set(session.scalars(sa.select(Role.slug))) | {"administrator"}
    named = {slug for manifest in state.manifests for permission in manifest.permissions for slug in permission.roles}
    named |= {slug for decision in state.decisions.values() for slug in (decision.decides, decision.approves) if slug}

    assert named - slugs == set()


# --- what an actor may do ------------------------------------------------------------------------------------------------


def test_nobody_without_a_role_may_do_anything(session: Session, make_user: MakeUser) -> None:
    actor = actor_of(session, make_user("noura"))

    assert actor.permissions == frozenset()
    assert actor.scopes["*"] == "own"
    with pytest.raises(NotAllowed) as refused:
        authorize(session, actor, "customers.read")
    assert refused.value.rule == "ORG-01"


def test_powers_are_those_of_all_roles_and_the_widest_scope(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura", "centres_employee", "auditor")
    matrix = queries.matrix(session)

    actor = actor_of(session, user)

    assert actor.permissions == matrix["centres_employee"] | matrix["auditor"]
    assert {"centres_employee", "auditor"} <= actor.roles
    assert actor.scopes["*"] == "all"


def test_default_scope_is_own_department_and_centre(session: Session, make_user: MakeUser) -> None:
    city = City(name_ar="جدة")
    session.add(city)
    session.flush()
    centre = Centre(city_id=city.id, name_ar="مركز الصفا")
    session.add(centre)
    session.flush()
    user = make_user("noura", "centres_employee")
    services.set_centres(session, user, [centre.id], actor=operator())

    actor = actor_of(session, user)

    assert actor.scopes["*"] == "department"
    assert actor.centre_ids == {centre.id}
    services.set_centres(session, user, [], actor=operator())
    assert session.scalars(sa.select(UserCentre)).all() == []


def test_actor_takes_two_statements_however_many_roles(session: Session, make_user: MakeUser) -> None:
    user, other = make_user("noura", "crm_manager", "auditor", "finance_manager"), make_user("huda", "crm_employee")
    services.delegate(session, other, user, TODAY, TODAY, actor=operator(), now=NOW)
    actor_of(session, user)
    counted: list[str] = []
    connection = session.connection()

    def count(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        counted.append(statement)

    event.listen(connection, "before_cursor_execute", count)
    actor_of(session, user)
    event.remove(connection, "before_cursor_execute", count)

    assert len(counted) == 2


# --- one post under several titles (ORG-05) --------------------------------------------------------------------------------


def test_titles_of_one_post_are_one_role_until_split(session: Session, make_user: MakeUser) -> None:
    manager, other = make_user("noura", "crm_manager"), make_user("huda", "crm_rd_manager")
    for user in (manager, other):
        assert {"crm_manager", "crm_rd_manager", "manual_controller"} <= actor_of(session, user).roles
    assert actor_of(session, manager).permissions == actor_of(session, other).permissions != frozenset()
    assert {one.id for one in queries.holders_of(session, "crm_manager")} == {manager.id, other.id}

    services.split_post(session, "crm_rd_manager", actor=ADMIN)

    assert "crm_rd_manager" not in actor_of(session, manager).roles
    assert "crm_manager" not in actor_of(session, other).roles
    assert actor_of(session, other).permissions == queries.matrix(session)["crm_rd_manager"] == queries.matrix(session)["crm_manager"]
    services.set_permission(session, "crm_rd_manager", "customers.read", False, actor=ADMIN)
    assert "customers.read" in actor_of(session, manager).permissions

    services.join_post(session, "crm_rd_manager", "crm_manager", actor=ADMIN)
    assert "customers.read" in actor_of(session, other).permissions


def test_title_of_a_post_has_no_permissions_of_its_own(session: Session) -> None:
    with pytest.raises(Conflict):
        services.set_permission(session, "crm_rd_manager", "auth.read_matrix", True, actor=ADMIN)
    with pytest.raises(Conflict):
        services.split_post(session, "crm_manager", actor=ADMIN)
    with pytest.raises(Conflict):
        services.join_post(session, "auditor", "auditor", actor=ADMIN)


# --- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["", "1noura", "no ura", "نورة", "n", "x" * 41, "noura<script>"])
def test_user_name_that_cannot_be_one_is_refused(session: Session, username: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.add_user(session, username=username, name_ar="نورة", actor=operator(), now=NOW)
    assert refused.value.field == "username"


def test_same_user_name_or_address_twice_is_refused(session: Session, make_user: MakeUser) -> None:
    make_user("noura", email="n@example.org")

    with pytest.raises(Conflict):
        make_user("Noura")
    with pytest.raises(Conflict):
        make_user("huda", email="N@example.org")


def test_kind_is_employee_or_volunteer(session: Session, make_user: MakeUser) -> None:
    assert make_user("noura").kind == "employee"
    assert make_user("huda", kind="volunteer").kind == "volunteer"
    with pytest.raises(InvalidInput) as refused:
        make_user("reem", kind="robot")
    assert refused.value.rule == "ORG-18"


def test_people_who_lack_description_or_assignment_are_listed(session: Session, make_user: MakeUser) -> None:
    make_user("whole", job_description="Answers donors", assignment="Region of Makkah")
    half, none = make_user("half", job_description="Answers donors"), make_user("none")
    gone = make_user("gone")
    services.set_active(session, gone, False, actor=operator())

    assert queries.without_description(session) == [half, none]


def test_managing_people_needs_the_permission(session: Session, make_user: MakeUser) -> None:
    user, actor = make_user("noura"), actor_with("auth.read_matrix")

    for act in (
        lambda: services.add_user(session, username="x.y", name_ar="س", actor=actor, now=NOW),
        lambda: services.change_user(session, user, name_ar="س", actor=actor, now=NOW),
        lambda: services.grant_role(session, user, "auditor", actor=actor),
        lambda: services.set_active(session, user, False, actor=actor),
        lambda: services.set_permission(session, "auditor", "auth.read_matrix", False, actor=actor),
        lambda: services.set_scope(session, "auditor", "own", actor=actor),
        lambda: services.set_authority(session, "customers.change", "auditor", None, actor=actor),
        lambda: services.split_post(session, "crm_rd_manager", actor=actor),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_who_manages_people_but_not_roles_makes_no_administrator(session: Session, make_user: MakeUser) -> None:
    user, clerk = make_user("noura"), actor_with(services.MANAGE)

    services.grant_role(session, user, "auditor", actor=clerk)
    with pytest.raises(NotAllowed):
        services.grant_role(session, user, "administrator", actor=clerk)


def test_last_administrator_stays(session: Session, make_user: MakeUser) -> None:
    one = make_user("one", "administrator")
    for act in (
        lambda: services.revoke_role(session, one, "administrator", actor=operator()),
        lambda: services.set_roles(session, one, [], actor=operator()),
        lambda: services.set_active(session, one, False, actor=operator()),
        lambda: services.set_permission(session, "admin", services.MANAGE, False, actor=ADMIN),
    ):
        with pytest.raises(Conflict):
            act()

    make_user("two", "administrator")
    services.revoke_role(session, one, "administrator", actor=operator())


def test_nobody_locks_themselves_out(session: Session, make_user: MakeUser) -> None:
    one = make_user("one", "administrator")
    make_user("two", "administrator")

    with pytest.raises(Conflict):
        services.set_active(session, one, False, actor=actor_of(session, one))


def test_role_change_is_one_entry_with_its_name(session: Session, make_user: MakeUser) -> None:
    user = make_user("noura")
    session.flush()
    before = len(ledger_of(session).entries)

    services.grant_role(session, user, "auditor", actor=operator())

    assert [(entry.action, entry.reason) for entry in ledger_of(session).entries[before:]] == [("role_change", "auditor")]


# --- matrix and authorities ------------------------------------------------------------------------------------------------


def test_matrix_has_one_row_for_each_role_and_permission(session: Session) -> None:
    rows = list(exports.matrix_rows(session))
    roles, permissions = len(session.scalars(sa.select(Role.id).where(Role.active)).all()), len(session.info["permissions"])

    assert len(rows) == len({(row[0], row[3]) for row in rows}) == roles * permissions
    assert ("auditor", "audit.read", True) in {(row[0], row[3], row[5]) for row in rows}


def test_unknown_permission_scope_decision_and_role_are_named(session: Session) -> None:
    with pytest.raises(NotFound, match="no.such"):
        services.set_permission(session, "auditor", "no.such", True, actor=ADMIN)
    with pytest.raises(InvalidInput, match="galaxy"):
        services.set_scope(session, "auditor", "galaxy", actor=ADMIN)
    with pytest.raises(NotFound, match="no.such"):
        services.set_authority(session, "no.such", "auditor", None, actor=ADMIN)
    with pytest.raises(NotFound, match="no.such"):
        queries.authority(session, "no.such")
    with pytest.raises(NotFound, match="no_such"):
        services.set_authority(session, "customers.change", "no_such", None, actor=ADMIN)


def test_table_of_authorities_says_who_decides_and_who_approves(session: Session, make_user: MakeUser) -> None:
    manager, board = actor_of(session, make_user("noura", "crm_manager")), actor_of(session, make_user("huda", "association_management"))

    services.set_authority(session, "customers.change", "crm_manager", "association_management", actor=ADMIN)

    services.require_approver(session, "customers.change", board)
    assert (services.approves(session, "customers.change", manager), services.approves(session, "customers.change", board)) == (False, True)
    with pytest.raises(NotAllowed) as refused:
        services.require_approver(session, "customers.change", manager)
    assert refused.value.rule == "ORG-08"


def test_maker_does_not_decide_in_person_nor_for_somebody_else(session: Session, make_user: MakeUser) -> None:
    maker, other = make_user("noura", "crm_manager"), make_user("huda", "crm_manager")

    services.refuse_own(actor_of(session, other), maker.id)
    with pytest.raises(NotAllowed) as refused:
        services.refuse_own(actor_of(session, maker), maker.id)
    assert refused.value.rule == "ORG-09"
    services.delegate(session, maker, other, TODAY, TODAY, actor=operator(), now=NOW)
    stand_in = actor_of(session, other)
    with pytest.raises(NotAllowed):
        services.refuse_own(stand_in, maker.id, delegator=stand_in.delegators[0])


# --- delegation ------------------------------------------------------------------------------------------------------------


def test_delegate_has_the_powers_inside_the_period_only_and_on_behalf_of(session: Session, make_user: MakeUser) -> None:
    giver, taker = make_user("noura", "crm_manager"), make_user("huda")
    services.delegate(session, giver, taker, TODAY + timedelta(days=1), TODAY + timedelta(days=3), actor=actor_of(session, giver), now=NOW)

    assert [actor_of(session, taker, days).may("customers.approve") for days in (0, 1, 3, 4)] == [False, True, True, False]
    authorize(session, actor_of(session, taker, 2), "customers.approve")
    assert session.info["on_behalf_of"] == (giver.id, giver.label)
    assert actor_of(session, taker, 2).holds("crm_manager")


def test_period_goes_by_the_associations_days(session: Session, make_user: MakeUser) -> None:
    giver, taker = make_user("noura", "crm_manager"), make_user("huda")
    services.delegate(session, giver, taker, TODAY, TODAY, actor=operator(), now=NOW)

    evening = services.actor_for(session, taker, source="web", now=NOW.replace(hour=20, minute=59))
    after_midnight_in_makkah = services.actor_for(session, taker, source="web", now=NOW.replace(hour=21, minute=1))

    assert (evening.may("customers.approve"), after_midnight_in_makkah.may("customers.approve")) == (True, False)


def test_delegation_goes_to_one_person_at_a_time(session: Session, make_user: MakeUser) -> None:
    giver, taker, third = make_user("noura", "crm_manager"), make_user("huda"), make_user("reem")
    services.delegate(session, giver, taker, TODAY, TODAY + timedelta(days=5), actor=operator(), now=NOW)

    with pytest.raises(Conflict) as refused:
        services.delegate(session, giver, third, TODAY + timedelta(days=5), TODAY + timedelta(days=9), actor=operator(), now=NOW)
    assert refused.value.rule == "ORG-07"
    services.delegate(session, giver, third, TODAY + timedelta(days=6), TODAY + timedelta(days=9), actor=operator(), now=NOW)


def test_what_was_delegated_is_not_delegated_further(session: Session, make_user: MakeUser) -> None:
    giver, taker, third = make_user("noura", "crm_manager"), make_user("huda"), make_user("reem")
    services.delegate(session, giver, taker, TODAY, TODAY, actor=operator(), now=NOW)
    services.delegate(session, taker, third, TODAY, TODAY, actor=actor_of(session, taker), now=NOW)

    assert not actor_of(session, third).may("customers.approve")


def test_delegation_ends_early_with_the_giver_or_when_the_giver_is_shut_out(session: Session, make_user: MakeUser) -> None:
    giver, taker = make_user("noura", "crm_manager"), make_user("huda")
    row = services.delegate(session, giver, taker, TODAY, TODAY, actor=operator(), now=NOW)
    with pytest.raises(NotAllowed):
        services.end_delegation(session, row, actor=actor_of(session, taker), now=NOW)

    services.end_delegation(session, row, actor=actor_of(session, giver), now=NOW)
    assert not actor_of(session, taker).may("customers.approve")

    services.delegate(session, giver, taker, TODAY, TODAY, actor=operator(), now=NOW)
    services.set_active(session, giver, False, actor=operator())
    assert not actor_of(session, taker).may("customers.approve")


def test_delegation_that_makes_no_sense_is_refused(session: Session, make_user: MakeUser) -> None:
    giver, taker, gone = make_user("noura", "crm_manager"), make_user("huda"), make_user("gone")
    services.set_active(session, gone, False, actor=operator())
    yesterday = TODAY - timedelta(days=1)

    for to_user, from_on, until_on in ((giver, TODAY, TODAY), (taker, TODAY, yesterday), (taker, yesterday, yesterday), (gone, TODAY, TODAY)):
        with pytest.raises(InvalidInput):
            services.delegate(session, giver, to_user, from_on, until_on, actor=operator(), now=NOW)
    with pytest.raises(NotAllowed):
        services.delegate(session, giver, taker, TODAY, TODAY, actor=actor_of(session, taker), now=NOW)


def test_delegation_is_logged_by_its_name_and_its_reason_encrypted(session: Session, make_user: MakeUser) -> None:
    giver, taker = make_user("noura", "crm_manager"), make_user("huda")

    services.delegate(session, giver, taker, TODAY, TODAY, reason="Operation on the knee", actor=operator(), now=NOW)

    entry = ledger_of(session).entries[-1]
    assert entry.action == "delegate"
    assert (entry.subject_id, entry.private, "reason" in entry.changes) == (giver.subject_id, {"reason": [None, "Operation on the knee"]}, False)


def test_manifest_of_an_area_without_roles_seeds_nothing(session: Session) -> None:
    before = queries.matrix(session)

    services.seed(session, [AreaInfo("empty", "Empty", permissions=(Permission("empty.read", "Read"),))], [])

    assert queries.matrix(session) == before
