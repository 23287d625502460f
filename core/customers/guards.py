"""What the database guards by itself: customers only by entered forms, archived forms unchanged, search text indexed.

The same rules on both engines; ``core.database.ensure_derived`` makes them and checks that they are there.
"""

from __future__ import annotations

from core.customers.domain import NEXT_STATES
from core.database import Derived, derive, refusal

ENTERING = ("SELECT 1 FROM core_customer_form_line l JOIN core_customer_form f ON f.id = l.form_id"
            " WHERE l.id = NEW.line_id AND f.id = NEW.form_id AND f.state = 'entering'")


def _state_change() -> str:
    pairs = " OR ".join(f"(OLD.state = '{old}' AND NEW.state IN ({', '.join(repr(one) for one in sorted(new))}))" for old, new in NEXT_STATES.items() if new)
    return f"NEW.state <> OLD.state AND NOT ({pairs})"


derive(
    refusal("core_customer_by_form_insert", "core_customer", "INSERT",
            f"NOT EXISTS ({ENTERING} AND l.action = 'create' AND l.customer_id IS NULL)"  # noqa: S608
            " OR EXISTS (SELECT 1 FROM core_customer c WHERE c.number = NEW.number)",
            "CUST-11: a customer is created only by a form in state entering"),
    refusal("core_customer_by_form_update", "core_customer", "UPDATE",
            "NEW.number <> OLD.number OR NEW.id <> OLD.id OR NEW.line_id = OLD.line_id"
            f" OR NOT EXISTS ({ENTERING} AND l.action = 'update' AND l.customer_id = OLD.id)",
            "CUST-11: a customer changes only by a form in state entering"),
    refusal("core_customer_no_delete", "core_customer", "DELETE", "1 = 1", "CUST-06: a customer is never deleted"),
    refusal("core_customer_alias_no_delete", "core_customer_alias", "DELETE", "1 = 1", "CUST-06: a number is never given up"),
    refusal("core_customer_form_begin", "core_customer_form", "INSERT", "NEW.state NOT IN ('draft', 'filled')",
            "CUST-14: a form begins as a draft or filled"),
    refusal("core_customer_form_steps", "core_customer_form", "UPDATE", _state_change(), "CUST-11: the form cannot go to this state"),
    refusal("core_customer_form_archived", "core_customer_form", "UPDATE", "OLD.state = 'filed'", "CUST-18: a filed form is read-only"),
    refusal("core_customer_form_kept", "core_customer_form", "DELETE", "OLD.state <> 'draft'", "CUST-18: only drafts can be deleted"),
    refusal("core_customer_line_archived", "core_customer_form_line", "UPDATE",
            "EXISTS (SELECT 1 FROM core_customer_form f WHERE f.id = OLD.form_id AND f.state IN ('entered', 'filed'))",
            "CUST-18: a line of an entered form is read-only"),
    refusal("core_customer_line_kept", "core_customer_form_line", "DELETE",
            "NOT EXISTS (SELECT 1 FROM core_customer_form f WHERE f.id = OLD.form_id AND f.state = 'draft')",
            "CUST-18: only lines of drafts can be deleted"),
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
