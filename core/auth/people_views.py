"""Pages of those who manage people: list, invitation, roles, matrix, table of authorities, delegations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms.fields import SelectChoice

from core import settings
from core.admin.help import Help
from core.admin.views import PageView, expose, needs
from core.audit import services as audit
from core.auth import exports, queries, services, signin
from core.auth.forms import DelegationForm, PersonForm
from core.auth.login_views import link_mail
from core.auth.models import Delegation, Role, User
from core.auth.posts import grouped
from core.calendar import local_day
from core.errors import AppError, InvalidInput, NotFound
from core.exporter.responses import attachment
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.notices import services as notices
from core.organisation.models import Centre, Department
from core.state import state

DETAILS = ("name_ar", "name_en", "email", "phone", "kind", "job_description", "assignment")


class PeopleView(PageView):
    page_url = "/users"
    page_endpoint = "auth_people"
    permission = "auth.manage_users"
    menu_title = _l("People")
    menu_group = "administration"
    menu_order = 10
    menu_icon = "users-group"
    help = Help(
        _l("Everyone who signs in: employees and volunteers, with their roles."),
        can=_l("Invite somebody, give and take roles, send a new password link, shut somebody out at once."),
        decides=_l("The administrator. Every change is written to the audit log with its author."),
        then=_l("An invited person sets a password by a link that works once. Somebody shut out keeps their name on what they did."),
    )

    @expose("/")
    def index(self) -> Any:
        missing = request.args.get("missing") == "1"
        people = queries.without_description(self.session) if missing else queries.people(self.session, active=None)
        return self.render("auth/people.html", people=people, roles=queries.roles_of(self.session, [one.id for one in people]), missing=missing,
                           lacking=len(queries.without_description(self.session)))

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> Any:
        form = self._form(None)
        if request.method == "POST" and form.validate():
            try:
                with self.writing() as session:
                    user = services.add_user(session, username=form.username.data or "", actor=self.actor, now=self.now(), **self._details(form))
                    self._assign(session, user, form)
                    user_id = user.id
                return self._make_link(user_id)
            except AppError as error:
                self.show_faults_or_raise(form, error)
        return self.render("auth/person_form.html", form=form, user=None), 422 if form.errors or form.form_errors else 200

    @expose("/<int:user_id>")
    def person(self, user_id: int) -> Any:
        user = self._user(user_id)
        lost = signin.lost_factor_of(self.session, user)
        asked_by = self.session.get(User, lost.asked_by_id) if lost and lost.asked_by_id else None
        return self.render("auth/person.html", user=user, roles=queries.roles_of(self.session, [user.id])[user.id], lost=lost, asked_by=asked_by)

    @expose("/<int:user_id>/edit", methods=("GET", "POST"))
    def edit(self, user_id: int) -> Any:
        user = self._user(user_id)
        form = self._form(user)
        if request.method == "POST" and form.validate():
            try:
                with self.writing() as session:
                    own = session.get_one(User, user.id)
                    services.change_user(session, own, actor=self.actor, now=self.now(), **self._details(form))
                    self._assign(session, own, form)
                flash(_("The change is saved."), "success")
                return redirect(url_for(".person", user_id=user_id))
            except AppError as error:
                self.show_faults_or_raise(form, error)
        return self.render("auth/person_form.html", form=form, user=user), 422 if form.errors or form.form_errors else 200

    @expose("/<int:user_id>/link", methods=("POST",))
    def link(self, user_id: int) -> Any:
        return self._make_link(user_id)

    def _make_link(self, user_id: int) -> Any:
        """Make a one-time link; mailed where mail is set up, and shown to be handed over."""
        with self.writing() as session:
            user = self._user(user_id, session)
            purpose = "reset" if user.password_hash else "invite"
            address = url_for("auth_login.link", token=signin.make_link(session, user, purpose, actor=self.actor, now=self.now()), _external=True)
            subject, body = link_mail(purpose, address)
            notices.mail_user(session, user, subject, body, now=self.now(), secret=True)
        return self.render("auth/link_made.html", user=self._user(user_id), address=address, body=str(body))

    @expose("/<int:user_id>/active", methods=("POST",))
    def active(self, user_id: int) -> Any:
        with self.writing() as session:
            services.set_active(session, self._user(user_id, session), request.form.get("active") == "1", actor=self.actor)
        flash(_("The change holds from the next request on."), "success")
        return redirect(url_for(".person", user_id=user_id))

    @expose("/<int:user_id>/second-factor/lost", methods=("POST",))
    def lost_factor(self, user_id: int) -> Any:
        """Report a lost second factor; another administrator decides."""
        with self.writing() as session:
            signin.report_lost_factor(session, self._user(user_id, session), reason=request.form.get("reason", ""), actor=self.actor, now=self.now())
        flash(_("Reported. Another administrator now decides."), "success")
        return redirect(url_for(".person", user_id=user_id))

    @expose("/<int:user_id>/second-factor/decide", methods=("POST",))
    def decide_lost_factor(self, user_id: int) -> Any:
        approved = request.form.get("approve") == "1"
        with self.writing() as session:
            row = signin.lost_factor_of(session, self._user(user_id, session))
            if row is None:
                raise NotFound(_l("Nothing is reported for this person."))
            signin.decide_lost_factor(session, row, approved, actor=self.actor, now=self.now())
        if approved:
            flash(_("The second factor is taken off and all sessions have ended. Make a link for a new password."), "success")
        else:
            flash(_("The second factor stays on."), "success")
        return redirect(url_for(".person", user_id=user_id))

    def show_faults_or_raise(self, form: PersonForm, error: AppError) -> None:
        """Faults go beside their fields; a refusal is a page of its own and is logged."""
        if error.status == 403:
            raise error
        self.show_faults(form, error)

    def _user(self, user_id: int, session: Session | None = None) -> User:
        user = (session or self.session).get(User, user_id)
        if user is None:
            raise NotFound(_l("There is no such person."))
        return user

    def _form(self, user: User | None) -> PersonForm:
        form = PersonForm(obj=user)
        departments = self.session.scalars(select(Department).order_by(Department.id))
        form.department_id.choices = [SelectChoice("", "–"), *(SelectChoice(str(one.id), one.name) for one in departments)]
        form.centres.choices = [SelectChoice(str(one.id), one.name) for one in self.session.scalars(select(Centre).order_by(Centre.id))]
        held = {role.slug for role in queries.roles_of(self.session, [user.id])[user.id]} if user is not None else set()
        posts = self.session.scalars(select(Role).where(Role.active).order_by(Role.id))
        offered = [role for role in posts if role.same_post_as is None or role.slug in held]
        form.roles.choices = [SelectChoice(role.slug, role.name) for role in offered]
        form.posts = grouped(self.session, offered)
        if user is not None:
            form.username.render_kw = {"dir": "ltr", "readonly": True}
            if request.method == "GET":
                form.roles.data = sorted(held)
                form.centres.data = [str(one) for one in queries.centres_of(self.session, user.id)]
        return form

    def _details(self, form: PersonForm) -> dict[str, Any]:
        department = form.department_id.data or ""
        return {**{key: form[key].data or "" for key in DETAILS}, "department_id": int(department) if department.isascii() and department.isdigit() else None}

    def _assign(self, session: Any, user: User, form: PersonForm) -> None:
        services.set_roles(session, user, form.roles.data or [], actor=self.actor)
        services.set_centres(session, user, [int(one) for one in form.centres.data or [] if one.isascii() and one.isdigit()], actor=self.actor)


class RolesView(PageView):
    page_url = "/roles"
    page_endpoint = "auth_roles"
    permission = "auth.read_matrix"
    menu_title = _l("Roles and authorities")
    menu_group = "administration"
    menu_order = 12
    menu_icon = "shield-lock"
    help = Help(
        _l("The roles of the association, what each may do, and who may approve what."),
        can=_l("Read the matrix of roles and permissions and keep it as CSV; with the permission, tick and untick."),
        decides=_l("The administrator changes the matrix, by decision of the management."),
        then=_l("A change holds from the next page that anyone opens, and stands in the audit log."),
    )

    @expose("/")
    def index(self) -> Any:
        roles = list(self.session.scalars(select(Role).where(Role.active).order_by(Role.id)))
        chosen = next((role for role in roles if role.slug == request.args.get("role")), roles[0] if roles else None)
        return self.render("auth/roles.html", roles=roles, chosen=chosen, matrix=queries.matrix(self.session), permissions=by_owner(),
                           scopes=SCOPES, may_change=self.actor.may(services.ROLES))

    @expose("/matrix")
    def whole(self) -> Any:
        """Each permission with the roles that have it."""
        roles = list(self.session.scalars(select(Role).where(Role.active).order_by(Role.id)))
        return self.render("auth/matrix.html", roles=roles, matrix=queries.matrix(self.session), permissions=by_owner())

    @expose("/<slug>/permissions", methods=("POST",))
    @needs("auth.manage_roles")
    def save(self, slug: str) -> Any:
        """The ticks of one role, all at once."""
        wanted = set(request.form.getlist("permission"))
        with self.writing() as session:
            held = queries.matrix(session).get(slug, frozenset())
            for name in session.info["permissions"]:
                if (name in wanted) != (name in held):
                    services.set_permission(session, slug, name, name in wanted, actor=self.actor)
            if request.form.get("scope"):
                services.set_scope(session, slug, request.form["scope"], actor=self.actor)
        flash(_("The permissions are saved."), "success")
        return redirect(url_for(".index", role=slug))

    @expose("/<slug>/split", methods=("POST",))
    @needs("auth.manage_roles", rule="ORG-05")
    def split(self, slug: str) -> Any:
        with self.writing() as session:
            services.split_post(session, slug, actor=self.actor)
        flash(_("It is a role of its own now, with the permissions that it had."), "success")
        return redirect(url_for(".index", role=slug))

    @expose("/<slug>/join", methods=("POST",))
    @needs("auth.manage_roles", rule="ORG-05")
    def join(self, slug: str) -> Any:
        with self.writing() as session:
            services.join_post(session, slug, request.form.get("post", ""), actor=self.actor)
        flash(_("It is one more title of that role now."), "success")
        return redirect(url_for(".index", role=slug))

    @expose("/matrix.csv", methods=("POST",))
    def export(self) -> Any:
        content, rows, sha256 = exports.matrix_bytes(self.session)
        with self.writing() as session:
            audit.record(session, "export", summary="auth.matrix", data={"filter": {}, "rows": rows, "sha256": sha256})
        return attachment(content, "permission-matrix.csv", "text/csv; charset=utf-8")

    @expose("/authorities", methods=("GET", "POST"))
    def authorities(self) -> Any:
        if request.method == "POST":
            decision, decides, approves = (request.form.get(name, "") for name in ("decision", "decides", "approves"))
            with self.writing() as session:
                services.set_authority(session, decision, decides, approves or None, actor=self.actor)
            flash(_("The table of authorities is saved."), "success")
            return redirect(url_for(".authorities"))
        roles = list(self.session.scalars(select(Role).where(Role.active).order_by(Role.id)))
        lines = [(one, *queries.authority(self.session, one.name)) for one in state().decisions.values()]
        return self.render("auth/authorities.html", lines=lines, roles=roles, may_change=self.actor.may(services.ROLES))


SCOPES = (("own", _l("Only what they made themselves")), ("centre", _l("Their own centres")), ("department", _l("Their own department and centres")),
          ("all", _l("Everything")))


def by_owner() -> list[tuple[Any, list[Any]]]:
    """Permissions under the area or plugin they belong to."""
    return [(manifest.title, list(manifest.permissions)) for manifest in state().manifests if manifest.permissions]


class DelegationsView(PageView):
    page_url = "/delegations"
    page_endpoint = "auth_delegations"
    for_everyone = True
    menu_title = _l("Delegations")
    menu_group = "administration"
    menu_order = 14
    menu_icon = "user-share"
    help = Help(
        _l("Who stands in for whom, and until when."),
        can=_l("Delegate your powers to a colleague for some days, and end a delegation early."),
        decides=_l("You decide on your own powers; the administrator on those of others."),
        then=_l("Your steps appear in the other's inbox too; what they do is logged as done on your behalf."),
    )

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        form = self._form()
        if request.method == "POST" and form.validate():
            try:
                self._delegate(form)
                flash(_("The delegation is saved."), "success")
                return redirect(url_for(".index"))
            except AppError as error:
                if error.status == 403:
                    raise
                self.show_faults(form, error)
        rows = queries.delegations(self.session, (self.now() - timedelta(days=90)).date())
        shown = [row for row in rows if self.actor.may(services.MANAGE) or self.actor.user_id in (row.from_user_id, row.to_user_id)]
        names = {one.id: one for one in queries.people(self.session, active=None)}
        today = local_day(self.now(), settings.time_zone(self.session))
        status = 422 if form.errors or form.form_errors else 200
        return self.render("auth/delegations.html", form=form, rows=shown, names=names, today=today), status

    def _delegate(self, form: DelegationForm) -> None:
        with self.writing() as session:
            giver, taker = (self._person(session, field.data) for field in (form.from_user, form.to_user))
            services.delegate(session, giver, taker, form.from_on.data, form.until_on.data, reason=form.reason.data or "", actor=self.actor, now=self.now())

    @expose("/<int:delegation_id>/end", methods=("POST",))
    def end(self, delegation_id: int) -> Any:
        with self.writing() as session:
            row = session.get(Delegation, delegation_id)
            if row is None:
                raise NotFound(_l("There is no such delegation."))
            services.end_delegation(session, row, actor=self.actor, now=self.now())
        flash(_("The delegation has ended."), "success")
        return redirect(url_for(".index"))

    def _form(self) -> DelegationForm:
        form = DelegationForm()
        everyone = [SelectChoice(str(one.id), one.name) for one in queries.people(self.session)]
        own = str(self.actor.user_id)
        form.to_user.choices = [SelectChoice("", _("Choose")), *(one for one in everyone if one.value != own or self.actor.may(services.MANAGE))]
        form.from_user.choices = [one for one in everyone if one.value == own or self.actor.may(services.MANAGE)]
        if not form.from_user.data:
            form.from_user.data = str(self.actor.user_id)
        return form

    def _person(self, session: Any, raw: str | None) -> User:
        user: User | None = session.get(User, int(raw)) if raw and raw.isascii() and raw.isdigit() and len(raw) < 10 else None
        if user is None:
            raise InvalidInput(_l("Choose a person."), field="to_user", value=raw)
        return user
