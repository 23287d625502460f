"""What the database guards by itself: customers only by entered forms, archived forms unchanged, search text indexed.

A merge takes the lost row out of the register and its undoing puts it back, both only while a form that names exactly this pair is
being entered; archived lines then follow to the other customer, and nothing else of them changes.

The same rules on both engines; ``core.database.ensure_derived`` makes them and checks that they are there.
"""

from __future__ import annotations

from core.customers.domain import NEXT_STATES
from core.database import Derived, Erasable, derive, refusal

ENTERING = ("SELECT 1 FROM core_customer_form_line l JOIN core_customer_form f ON f.id = l.form_id"
            " WHERE l.id = NEW.line_id AND f.id = NEW.form_id AND f.state = 'entering'")

LINE_VALUES = ("id", "form_id", "position", "action", "state", "subject_id", "reference", "name_key", "base", "name", "customer_class", "other_detail",
               "address", "city_id", "centre_id", "phone", "mobile", "email", "contact_channel", "department_id", "registration_origin", "remarks", "extra")
"""Every column of a line but the customer it belongs to."""

NUMBER_KEPT = "EXISTS (SELECT 1 FROM core_customer_alias a WHERE a.number = OLD.number AND a.customer_id = m.kept_id)"
OVER = "EXISTS (SELECT 1 FROM core_customer_form f WHERE f.id = OLD.form_id AND f.state IN ('entered', 'filed'))"


def _by(kind: str, pair: str) -> str:
    """That a form of this kind is being entered which names this pair."""
    return ("EXISTS (SELECT 1 FROM core_customer_merge m JOIN core_customer_form f ON f.id = m.form_id"  # noqa: S608
            f" WHERE f.state = 'entering' AND f.kind = '{kind}' AND {pair})")


def _line_moves() -> str:
    """That a line goes to the survivor, or back, and nothing else of it changes."""
    same = " AND ".join(f"COALESCE(CAST(NEW.{name} AS TEXT), '~none~') = COALESCE(CAST(OLD.{name} AS TEXT), '~none~')" for name in LINE_VALUES)
    there = _by("merge", "OLD.customer_id = m.lost_id AND NEW.customer_id = m.kept_id")
    back = _by("unmerge", "OLD.customer_id = m.kept_id AND NEW.customer_id = m.lost_id")
    return f"({there} OR {back}) AND {same}"


def _state_change() -> str:
    pairs = " OR ".join(f"(OLD.state = '{old}' AND NEW.state IN ({', '.join(repr(one) for one in sorted(new))}))" for old, new in NEXT_STATES.items() if new)
    return f"NEW.state <> OLD.state AND NOT ({pairs})"


derive(
    refusal("core_customer_by_form_insert", "core_customer", "INSERT",
            f"(NOT EXISTS ({ENTERING} AND l.action = 'create' AND l.customer_id IS NULL)"  # noqa: S608
            f" AND NOT {_by('unmerge', 'm.lost_id = NEW.id AND m.lost_number = NEW.number')})"
            " OR EXISTS (SELECT 1 FROM core_customer c WHERE c.number = NEW.number)",
            "CUST-11: a customer is created only by a form in state entering"),
    refusal("core_customer_by_form_update", "core_customer", "UPDATE",
            "NEW.number <> OLD.number OR NEW.id <> OLD.id OR NEW.line_id = OLD.line_id"
            f" OR (NOT EXISTS ({ENTERING} AND l.action = 'update' AND l.customer_id = OLD.id) AND NOT {_by('unmerge', 'm.kept_id = OLD.id')})",
            "CUST-11: a customer changes only by a form in state entering"),
    refusal("core_customer_no_delete", "core_customer", "DELETE",
            f"NOT {_by('merge', f'm.lost_id = OLD.id AND {NUMBER_KEPT}')}",
            "CUST-06: a customer is never deleted"),
    refusal("core_customer_alias_no_delete", "core_customer_alias", "DELETE", "1 = 1", "CUST-06: a number is never given up"),
    refusal("core_customer_form_begin", "core_customer_form", "INSERT", "NEW.state NOT IN ('draft', 'filled')",
            "CUST-14: a form begins as a draft or filled"),
    refusal("core_customer_form_steps", "core_customer_form", "UPDATE", _state_change(), "CUST-11: the form cannot go to this state"),
    refusal("core_customer_form_archived", "core_customer_form", "UPDATE", "OLD.state = 'filed'", "CUST-18: a filed form is read-only", erasing=Erasable()),
    refusal("core_customer_form_kept", "core_customer_form", "DELETE", "OLD.state <> 'draft'", "CUST-18: only drafts can be deleted"),
    refusal("core_customer_line_archived", "core_customer_form_line", "UPDATE",
            f"{OVER} AND NOT ({_line_moves()})",
            "CUST-18: a line of an entered form is read-only", erasing=Erasable()),
    refusal("core_customer_line_kept", "core_customer_form_line", "DELETE",
            "NOT EXISTS (SELECT 1 FROM core_customer_form f WHERE f.id = OLD.form_id AND f.state = 'draft')",
            "CUST-18: only lines of drafts can be deleted"),
    refusal("core_customer_merge_named", "core_customer_merge", "INSERT",
            "NOT EXISTS (SELECT 1 FROM core_customer_form f WHERE f.id = NEW.form_id AND f.kind IN ('merge', 'unmerge') AND f.state IN ('draft', 'filled'))",
            "CUST-11: whom a merge concerns is named when its form is filled"),
    refusal("core_customer_merge_frozen", "core_customer_merge", "UPDATE",
            "NEW.form_id <> OLD.form_id OR NEW.kept_id <> OLD.kept_id OR NEW.lost_id <> OLD.lost_id OR NEW.lost_number <> OLD.lost_number"
            " OR NEW.kept_number <> OLD.kept_number OR COALESCE(NEW.undoes_id, 0) <> COALESCE(OLD.undoes_id, 0)",
            "CUST-18: whom a merge concerns never changes"),
    refusal("core_customer_merge_kept", "core_customer_merge", "DELETE", "1 = 1", "CUST-18: a merge stays on record"),
)


def _fulltext(column: str) -> tuple[Derived, ...]:
    """A trigram index over one folded column of ``core_customer_search``.

    ``detail=none`` is the smallest; it finds candidates by their trigrams, and the query checks them against the text. On
    SQLite ``core.customers.indexing`` writes it with the text: a trigger may not touch a virtual table while the schema is
    not trusted.
    """
    short = column.removesuffix("_text")
    index, source = f"core_customer_{short}_fts", "core_customer_search"
    options = f"content='{source}', content_rowid='customer_id', tokenize='trigram case_sensitive 1', detail=none"
    return (
        Derived(index, "table", source, sqlite=(f"CREATE VIRTUAL TABLE {index} USING fts5({column}, {options})",)),
        Derived(f"ix_core_customer_search_{short}_trgm", "index", source, postgresql=(
            "CREATE EXTENSION IF NOT EXISTS pg_trgm",
            f"CREATE INDEX ix_core_customer_search_{short}_trgm ON {source} USING gin ({column} gin_trgm_ops)",
        )),
    )


derive(*_fulltext("open_text"), *_fulltext("personal_text"))
