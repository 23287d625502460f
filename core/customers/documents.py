"""Documents that support a form: the customer's signed request, a copy of a register (CUST-12).

They are read through the form's page only, which asks whose records somebody may read.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core.auth.actor import Actor, authorize
from core.customers.models import CustomerForm
from core.customers.services import FILL, lock
from core.errors import Conflict
from core.files import services as files
from core.files.models import StoredFile
from core.i18n import lazy_gettext as _l


def attach(session: Session, form: CustomerForm, stored: files.Stored, *, actor: Actor, now: datetime) -> StoredFile:
    """Attach checked bytes to a form that is not entered yet; afterwards the form stands as it is (CUST-18)."""
    authorize(session, actor, FILL, rule="CUST-14")
    lock(session, form)
    if form.state not in ("draft", "filled", "reviewed", "approved"):
        raise Conflict(_l("Documents are attached before a form is entered. Attach this one to a new form."), rule="CUST-18")
    return files.attach(session, stored, form, actor=actor, now=now, subject_id=form.subject_id)
