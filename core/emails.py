"""E-mail addresses, judged without asking the network."""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

_COMMON = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@([a-z0-9.-]+)")
"""Small Latin letters, digits and single signs between them: before the @ nothing more can be wrong with them, nor be written otherwise."""
_LONGEST_COMMON = 64


def normal_email(text: str) -> str:
    """The address as it is kept; raises EmailNotValidError. Of common addresses the domain alone is judged, each domain once."""
    found = _COMMON.fullmatch(text)
    if found is not None and len(text) <= _LONGEST_COMMON and _is_domain(found[1]):
        return text
    return validate_email(text, check_deliverability=False, allow_smtputf8=True).normalized


@lru_cache(maxsize=2_000)
def _is_domain(domain: str) -> bool:
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).normalized == f"a@{domain}"
    except EmailNotValidError:
        return False
