"""The table of subcommands: name, help, arguments, and the function that runs it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.auth.actor import Actor
from core.errors import DiwanError
from core.i18n import Bilingual
from core.opening import absent_plugins, add_association, opened, seed, upgrade_association
from core.settings import Association, Deployment, all_associations, find_association, local_address

Argument = tuple[tuple[str, ...], dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """One subcommand. ``run`` returns the exit status, or None for 0."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int | None]
    arguments: tuple[Argument, ...] = ()


def argument(*names: str, **options: Any) -> Argument:
    return names, options


ASSOCIATION = argument("--association", metavar="SLUG", help="which association; may be left out where there is only one")


def chosen(options: argparse.Namespace) -> Association:
    """The association that ``--association`` names, or the only one there is."""
    deployment = Deployment.from_environment()
    if getattr(options, "association", None):
        return find_association(deployment, options.association)
    everyone = all_associations(deployment)
    if len(everyone) != 1:
        slugs = ", ".join(one.slug for one in everyone) or "none yet; see `diwan association add`"
        raise DiwanError(f"Say which association with --association SLUG. There are: {slugs}.")
    return everyone[0]


def check_new_file(path: Path) -> None:
    """A file that a command is to write: its folder is there and it is not, so that nothing is done first and lost then. Raises DiwanError."""
    if not path.parent.is_dir():
        raise DiwanError(f"There is no folder {path.parent}. Make it first, or name another.")
    if path.exists():
        raise DiwanError(f"{path} exists already. Name a new file, or remove the old one.")


def operator() -> Actor:
    """Whoever runs commands on the server: trusted with everything that commands do, named as such in the log."""
    return Actor(user_id=None, label="operator", permissions=AllPermissions(), source="cli", scopes={"*": "all"})


class AllPermissions(frozenset[str]):
    """The permissions of the operator at the command line, who could change the files anyway."""

    def __contains__(self, item: object) -> bool:
        return True


@contextmanager
def at_work(options: argparse.Namespace) -> Iterator[tuple[Flask, Session]]:
    """The chosen association in one unit of work, acted on by the operator."""
    with opened(chosen(options), Deployment.from_environment(), actor=operator()) as (app, session), work.unit_of_work(session):
        yield app, session


@contextmanager
def reading(options: argparse.Namespace) -> Iterator[tuple[Flask, Session]]:
    with opened(chosen(options), Deployment.from_environment(), actor=operator()) as (app, session):
        yield app, session


# --- association, db, plugins ------------------------------------------------------------------------------------------


def association_add(options: argparse.Namespace) -> None:
    name = Bilingual(options.name_ar or options.slug, options.name_en or options.name_ar or options.slug)
    one = add_association(Deployment.from_environment(), options.slug, name=name, preset=options.preset, database_url=options.database,
                          hosts=tuple(options.host or ()))
    absent = absent_plugins(Deployment.from_environment(), options.preset) if options.preset else []
    if absent:
        print(f"Not installed here and therefore not turned on: {', '.join(absent)}. Once installed: diwan plugins enable NAME --association {one.slug}")
    print(f"Added {one.slug}. Now make its first administrator: diwan user add NAME --administrator --association {one.slug}")


def association_list(options: argparse.Namespace) -> None:
    for one in all_associations(Deployment.from_environment()):
        print(f"{one.slug}\t{one.name.en}\t{', '.join(one.hosts) or 'loopback only'}")


def association_remove(options: argparse.Namespace) -> None:
    """Move the folder aside; deleting data for good is left to whoever owns the disk."""
    one = find_association(Deployment.from_environment(), options.slug)
    if options.confirm != one.slug:
        raise DiwanError(f"This takes '{one.slug}' out of service. Repeat its name to confirm: --confirm {one.slug}")
    aside = one.folder.parent / f".removed-{one.slug}-{work.now():%Y%m%d%H%M%S}"
    one.folder.rename(aside)
    print(f"'{one.slug}' is out of service. Its folder, with keys and data, is now {aside}.")


def db_upgrade(options: argparse.Namespace) -> int:
    from core.backup import backup_before_upgrade

    deployment = Deployment.from_environment()
    status = 0
    for one in [chosen(options)] if options.association else all_associations(deployment):
        backup_before_upgrade(one)
        result = upgrade_association(one, deployment)
        for owner, reason in result.failed:
            status = 1
            print(f"{one.slug}: {owner} was not upgraded and stays out: {reason}", file=sys.stderr)
        with opened(one, deployment, actor=operator()) as (app, session), work.unit_of_work(session):
            seed(session, app.extensions["diwan"])
        print(f"{one.slug}: {', '.join(result.done)} up to date.")
    return status


def plugins_list(options: argparse.Namespace) -> None:
    from core.plugins.queries import plugin_lines

    with reading(options) as (app, session):
        failed = {one.name: f"{one.problem} {one.remedy}" for one in app.extensions["diwan"].failed}
        for line in plugin_lines(session, app.extensions["diwan"]):
            problem = failed.pop(line.name, None)
            print(f"{line.name}\t{line.version}\t{'kept out' if problem else 'on' if line.on else 'off'}\t{problem or line.title}")
        for name, problem in failed.items():
            print(f"{name}\t-\tkept out\t{problem}")


def plugins_enable(options: argparse.Namespace) -> None:
    from core.plugins import selection

    with at_work(options) as (app, session):
        selection.enable(session, app.extensions["diwan"].catalogue, options.plugin, actor=operator(), now=work.now())
    print(f"{options.plugin} is on.")


def plugins_disable(options: argparse.Namespace) -> None:
    from core.plugins import selection

    with at_work(options) as (app, session):
        selection.disable(session, app.extensions["diwan"].catalogue, options.plugin, actor=operator(), now=work.now())
    print(f"{options.plugin} is off; its data stays.")


def plugins_new(options: argparse.Namespace) -> None:
    from core.plugins.scaffold import new_plugin

    print(f"Made {new_plugin(options.plugin, options.folder)}. Restart, then: diwan plugins check {options.plugin}")


def plugins_revision(options: argparse.Namespace) -> None:
    from core.plugins.discovery import installed_plugins
    from core.plugins.scaffold import write_revision

    made = write_revision(installed_plugins(Deployment.from_environment().plugin_path), options.plugin, options.message)
    print(f"Wrote {made}. Read it, mend what it cannot know (a rename, values of a new column), then: diwan plugins check {options.plugin}")


def plugins_check(options: argparse.Namespace) -> int:
    from core.plugins.scaffold import check_plugin

    return check_plugin(options.plugin)


# --- operations --------------------------------------------------------------------------------------------------------


def serve(options: argparse.Namespace) -> None:
    from core.serving import serve

    serve(Deployment.from_environment(), host=options.host, port=options.port, workers=options.workers)


def doctor(options: argparse.Namespace) -> int:
    """Exits 1 where anything is at fault; warnings alone exit 0."""
    from core.doctor import examine, report

    deployment = Deployment.from_environment()
    findings = examine(deployment, [chosen(options)] if options.association else all_associations(deployment), work.now())
    print(report(findings))
    return 1 if any(one.grave for one in findings) else 0


def backup(options: argparse.Namespace) -> None:
    from core.backup import make_backup, prune

    deployment = Deployment.from_environment()
    for one in [chosen(options)] if options.association else all_associations(deployment):
        folder = Path(options.to) if options.to else one.backups_folder
        print(make_backup(one, now=work.now(), folder=folder))
        for old in prune(folder, one.slug, options.keep):
            print(f"removed {old.name}")


def restore(options: argparse.Namespace) -> None:
    from core.restore import describe_restored, restore

    paths = {name: Path(value) if value else None for name, value in (
        ("keys_file", options.keys), ("anchor", options.anchor), ("erased_list", options.erasures))}
    done = restore(Path(options.file), Deployment.from_environment(), actor=operator(), now=work.now(), slug=options.association,
                   database_url=options.database, **paths)
    print(describe_restored(done))


def keys_backup(options: argparse.Namespace) -> None:
    from core.backup import backup_keys

    one = chosen(options)
    target = Path(options.out or f"{one.slug}-keys.zip").resolve()
    check_new_file(target)
    file = backup_keys(one, target)
    print(f"{file}\nKeep it apart from the backups: with both, everything can be read; without it, a backup cannot be restored.")


def demo(options: argparse.Namespace) -> None:
    from core.demo import PASSWORD, make_demo, remove_demo, sign_ins

    deployment = Deployment.from_environment()
    if options.remove:
        print(f"Removed: {', '.join(remove_demo(deployment)) or 'nothing'}.")
        return
    make_demo(deployment)
    print("Sign-ins of the demo (password: " + PASSWORD + "):")
    for username, role in sign_ins():
        print(f"  {username:<10} {role}")
    address = f"http://127.0.0.1:{options.port}/" if options.port else local_address(deployment)
    for one in all_associations(deployment):
        print(f"  {address}{one.slug}/  {one.name.en}")


def audit_verify(options: argparse.Namespace) -> int:
    from core.audit.commands import verify

    with reading(options) as (_app, session):
        return verify(session, Path(options.anchor) if options.anchor else None)


def audit_anchor(options: argparse.Namespace) -> int:
    from core.audit.commands import anchor

    with reading(options) as (_app, session):
        return anchor(session)


def later(module: str, name: str) -> Callable[[argparse.Namespace], int | None]:
    """The function ``name`` of an area's commands, imported when it runs: a command starts without the other areas."""

    def run(options: argparse.Namespace) -> int | None:
        return getattr(importlib.import_module(module), name)(options)  # type: ignore[no-any-return]

    return run


COMMANDS: tuple[Command, ...] = (
    Command("serve", "serve every association", serve, (
        argument("--host", default="127.0.0.1"), argument("--port", type=int, default=8000), argument("--workers", type=int, default=2))),
    Command("doctor", "say what is wrong with this installation and what to do", doctor, (ASSOCIATION,)),
    Command("backup", "back up one association, or all", backup, (
        ASSOCIATION, argument("--to", metavar="FOLDER", help="its own backups/ by default"),
        argument("--keep", type=int, default=0, metavar="N", help="remove all but the newest N of this folder"))),
    Command("restore", "verify a backup and put it in place", restore, (
        argument("file"), ASSOCIATION, argument("--keys", metavar="FILE", help="what `diwan keys backup` made; needed in a new place"),
        argument("--anchor", metavar="FILE", help="a copy of anchors.txt kept elsewhere"),
        argument("--erasures", metavar="FILE", help="a copy of erasures.txt kept elsewhere, so that erased customers do not come back"),
        argument("--database", metavar="URL", help="where a PostgreSQL backup goes in a new place"))),
    Command("keys backup", "copy the keys into one file, to be kept apart", keys_backup, (ASSOCIATION, argument("--out", metavar="FILE"))),
    Command("worker", "do background work: imports, mail, digests, anchors", later("core.jobs.commands", "worker"), (
        argument("--once", action="store_true", help="until nothing is due"),)),
    Command("job", "do one kind of periodic work now, beside its clock", later("core.jobs.commands", "job"), (
        argument("name", help="notices.digest …"), ASSOCIATION)),
    Command("demo", "make the two demo associations and print their sign-ins", demo, (
        argument("--remove", action="store_true", help="delete the demo with its data"),
        argument("--port", help="the port that the addresses show; that of the server by default"))),
    Command("user add", "add a person and print the link with which the password is chosen", later("core.auth.commands", "user_add"), (
        argument("username"), argument("--name-ar"), argument("--name-en"), argument("--email"),
        argument("--role", action="append", metavar="ROLE", help="its short name, as `diwan roles` lists it"),
        argument("--administrator", action="store_true"), argument("--password-stdin", action="store_true", help="read the password instead of making a link"),
        ASSOCIATION)),
    Command("user invite", "print a new one-time link", later("core.auth.commands", "user_invite"), (argument("username"), ASSOCIATION)),
    Command("user password", "set a password, asked for or read from standard input", later("core.auth.commands", "user_password"), (
        argument("username"), argument("--password-stdin", action="store_true"),
        argument("--drop-second-factor", action="store_true", help="where the only administrator lost it"), ASSOCIATION)),
    Command("user roles", "give and take roles", later("core.auth.commands", "user_roles"), (
        argument("username"), argument("--add", action="append"), argument("--remove", action="append"), ASSOCIATION)),
    Command("roles", "list the roles that can be given", later("core.auth.commands", "roles"), (ASSOCIATION,)),
    Command("user list", "list the people", later("core.auth.commands", "user_list"), (ASSOCIATION,)),
    Command("import", "take a file in; without --apply it is only checked and shown", later("core.imports.commands", "import_file"), (
        argument("kind", help="customers.customers, organisation.cities, finance.contributions …"), argument("file"), ASSOCIATION,
        argument("--apply", action="store_true"), argument("--leave-out-refused", action="store_true", help="apply the good lines without the refused ones"),
        argument("--column", action="append", metavar="FIELD=HEADING"), argument("--option", action="append", metavar="NAME=VALUE"),
        argument("--by", metavar="USER", help="in whose name; somebody else approves"), argument("--encoding"), argument("--delimiter"), argument("--sheet"),
        argument("--header-row", type=int), argument("--date-order", choices=("dmy", "mdy", "ymd")),
        argument("--decimal", choices=(".", ","), help="the sign before the decimals of amounts; a dot by default"),
        argument("--calendar", choices=("gregorian", "hijri")),
        argument("--time-zone", help="of times without one; that of the association by default"),
        argument("--region", help="country of phone numbers without a code"), argument("--currency"), argument("--refused", metavar="FILE"))),
    Command("customers advance", "take waiting forms through their next steps in bulk", later("core.customers.commands", "advance"), (
        argument("--manager", required=True, metavar="USER"), argument("--officer", required=True, metavar="USER"), ASSOCIATION)),
    Command("erase", "erase a customer's personal data; the number and the money stay", later("core.customers.commands", "erase"), (
        argument("customer", help="the customer's number"), argument("--form", metavar="NUMBER", help="enter this approved form of an erasure"),
        argument("--by", metavar="USER", help="who fills the form"),
        argument("--approved-by", metavar="USER", help="who reviews and approves it, somebody else"),
        argument("--officer", metavar="USER", help="the data officer who enters it; --by by default"),
        argument("--asked-by", choices=("customer", "guardian", "authority", "association"), help="who asked for it"),
        argument("--reason", help="why; who approves decides by it, and it goes with the data"),
        argument("--vacuum", action="store_true", help="vacuum a SQLite file of any size"), ASSOCIATION)),
    Command("customers subject-file", "write everything held about a customer into a ZIP", later("core.customers.commands", "subject_file"), (
        argument("customer", help="the customer's number"), argument("--out", metavar="FILE", required=True),
        argument("--language", choices=("ar", "en"), default="ar", help="of the PDF in it"), ASSOCIATION)),
    Command("customers officer", "appoint the data officer, who enters approved forms", later("core.customers.commands", "appoint"), (
        argument("username"), argument("--deputy", action="store_true"), ASSOCIATION)),
    Command("finance export", "issue a batch and write its file, or export an issued one again", later("core.finance.commands", "finance_export"), (
        argument("--from", dest="from_on", metavar="DAY"), argument("--to", dest="until_on", metavar="DAY"),
        argument("--layout", default="generic", help="generic, odoo_account_move, xero_manual_journal …"),
        argument("--content", choices=("contributions", "pledges"), default="contributions"), argument("--out", metavar="FILE"),
        argument("--batch", metavar="NUMBER", help="export this issued batch again"), ASSOCIATION)),
    Command("token add", "let another system in and print its token, once", later("core.rest.commands", "token_add"), (
        argument("name", help="what the other system is called; the audit log has it by this name"),
        argument("--permission", action="append", metavar="NAME", help="one that a token can have; may be repeated"),
        argument("--days", type=int, default=365, help="for how long it is valid"), argument("--per-minute", type=int, default=120),
        argument("--signing", action="store_true", help="a key with which requests are signed, for a telephone exchange"),
        argument("--department", metavar="SLUG", help="reads the records of this department only"), ASSOCIATION)),
    Command("token list", "list the tokens of other systems", later("core.rest.commands", "token_list"), (ASSOCIATION,)),
    Command("token revoke", "shut a token out from its next request on", later("core.rest.commands", "token_revoke"), (
        argument("name", help="its name or its open part"), ASSOCIATION)),
    Command("report list", "list the reports", later("core.reports.commands", "report_list"), (ASSOCIATION,)),
    Command("report run", "run a report", later("core.reports.commands", "report_run"), (
        argument("name"), argument("--format", choices=("csv", "xlsx", "pdf", "json"), default="csv"),
        argument("--parameter", action="append", metavar="NAME=VALUE"), argument("--out", metavar="FILE"),
        argument("--bom", action="store_true", help="for Excel"), ASSOCIATION)),
    Command("audit verify", "check the chain of the log, against an anchor where given", audit_verify, (argument("--anchor", metavar="FILE"), ASSOCIATION)),
    Command("audit anchor", "write the head of the log to the anchor file and print it", audit_anchor, (ASSOCIATION,)),
    Command("association add", "make an association", association_add, (
        argument("slug"), argument("--name-ar"), argument("--name-en"), argument("--preset"),
        argument("--database", help="a PostgreSQL address; SQLite otherwise"),
        argument("--host", action="append", help="a host name it answers to; may be repeated"))),
    Command("association list", "list the associations", association_list),
    Command("association remove", "take an association out of service; its data is kept aside", association_remove, (argument("slug"), argument("--confirm"))),
    Command("db upgrade", "bring the tables up to date, after a backup", db_upgrade, (ASSOCIATION,)),
    Command("plugins list", "list plugins: on, off, failed", plugins_list, (ASSOCIATION,)),
    Command("plugins enable", "turn a plugin on", plugins_enable, (argument("plugin"), ASSOCIATION)),
    Command("plugins disable", "turn a plugin off; its data stays", plugins_disable, (argument("plugin"), ASSOCIATION)),
    Command("plugins new", "make the folder of a new plugin", plugins_new, (argument("plugin"), argument("--folder", help="where; plugins/ by default"))),
    Command("plugins revision", "write a plugin's next migration", plugins_revision, (argument("plugin"), argument("message", help="what it changes"))),
    Command("plugins check", "run the contract suite for a plugin", plugins_check, (argument("plugin"),)),
)
