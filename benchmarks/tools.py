"""The engines' own programs for writing a table as CSV (sqlite3, psql): what an export is held against, taken in the same run."""

from __future__ import annotations

import shutil
import subprocess

import sqlalchemy as sa

from benchmarks.timing import once

CUSTOMERS = """SELECT number, name, customer_class, other_detail, city_id, centre_id, department_id, contact_channel, created_at, changed_at,
    mobile, phone, email, address, remarks FROM core_customer"""
CONTRIBUTIONS = "SELECT customer_id, received_on, reference, programme_id, fund_id, method, amount_minor, currency, memo, refund_of_id FROM core_contribution"
"""The columns of the product's files, as the table itself holds them: the tool looks no name up, guards no formula and prints no decimals."""
NAMES = {"sqlite": "sqlite3", "postgresql": "psql"}


def csv_ms(database_url: str, statement: str) -> float | None:
    """Milliseconds of writing what ``statement`` selects as CSV to nowhere; None where the program is not installed."""
    url = sa.make_url(database_url)
    program = shutil.which(NAMES[url.get_backend_name()])
    if program is None:
        return None
    if url.get_backend_name() == "sqlite":
        command = [program, "-readonly", "-csv", "-header", str(url.database), statement]
    else:
        command = [program, "-X", "-q", url.render_as_string(hide_password=False), "-c", f"COPY ({statement}) TO STDOUT WITH (FORMAT csv, HEADER)"]
    return once(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True))
