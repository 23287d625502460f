"""Frequent questions with their answers: written, approved by somebody else, published, and offered where they fit (CMPL-14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.services import refuse_own
from core.errors import Conflict, InvalidInput, InvalidInputs
from core.exporter.columns import Column
from core.exporter.text import Options, write_csv
from core.i18n import lazy_gettext as _l
from core.text import clean, fold
from plugins.complaints import domain
from plugins.complaints.models import Cause, Faq

WRITE, APPROVE = "complaints.faq", "complaints.faq_approve"
DRAFT, APPROVED, PUBLISHED = "draft", "approved", "published"
OFFERED = (APPROVED, PUBLISHED)
STATES: Mapping[str, Any] = {DRAFT: _l("Draft"), APPROVED: _l("Approved"), PUBLISHED: _l("Published")}
LONGEST_QUESTION, LONGEST_ANSWER = 300, 4_000
SHORTEST_WORD, MOST_WORDS = 3, 60
COLUMNS = (Column("question_ar", _l("Question in Arabic")), Column("answer_ar", _l("Answer in Arabic")),
           Column("question_en", _l("Question in English")), Column("answer_en", _l("Answer in English")), Column("approved_at", _l("Approved"), "moment"))


# --- writing and approving -------------------------------------------------------------------------------------------


def write(
    session: Session, faq: Faq | None = None, *, question_ar: str, answer_ar: str, question_en: str = "", answer_en: str = "", cause_id: Any = None,
    actor: Actor, now: datetime,
) -> Faq:
    """Write a question with its answer, or change one. What is changed is a draft again: another person approves the new words; saved
    as it was it stays as it is."""
    authorize(session, actor, WRITE, rule="CMPL-14")
    words = _checked({"question_ar": question_ar, "answer_ar": answer_ar, "question_en": question_en or "", "answer_en": answer_en or ""})
    cause = _cause(session, cause_id)
    if faq is None:
        faq = Faq(state=DRAFT)
        session.add(faq)
    else:
        session.refresh(faq, with_for_update=True)
        if all(getattr(faq, name) == value for name, value in words.items()) and faq.cause_id == (cause.id if cause is not None else None):
            return faq
    for name, value in words.items():
        setattr(faq, name, value)
    about = [cause.name_ar, cause.name_en] if cause is not None else []
    faq.cause_id, faq.search_text = cause.id if cause is not None else None, " ".join(keys_of(" ".join([*words.values(), *about])))
    faq.state, faq.approved_by_id, faq.approved_at, faq.made_by_id, faq.changed_at = DRAFT, None, None, actor.user_id, now
    session.flush()
    return faq


def _checked(words: Mapping[str, str]) -> dict[str, str]:
    found, faults = {}, []
    for name, text in words.items():
        most = LONGEST_QUESTION if name.startswith("question") else LONGEST_ANSWER
        try:
            found[name] = clean(text, name, multiline=name.startswith("answer"), longest=most)
        except InvalidInput as fault:
            faults.append(fault)
    faults += [InvalidInput(message, field=name, rule="CMPL-14") for name, message in (
        ("question_ar", _l("Write the question in Arabic.")), ("answer_ar", _l("Write the answer in Arabic."))) if found.get(name) == ""]
    if bool(found.get("question_en")) != bool(found.get("answer_en")) and not faults:
        missing = "answer_en" if found.get("question_en") else "question_en"
        faults.append(InvalidInput(_l("In English write both question and answer, or neither."), field=missing, rule="CMPL-14"))
    if faults:
        raise InvalidInputs(faults)
    return found


def _cause(session: Session, cause_id: Any) -> Cause | None:
    text = str(cause_id or "")
    cause = session.get(Cause, int(text)) if text.isascii() and text.isdigit() and len(text) < 18 else None
    if text and cause is None:
        raise InvalidInput(_l("“%(value)s” is not one of the choices.", value=text[:40]), field="cause_id", value=text[:40])
    return cause


def approve(session: Session, faq: Faq, *, actor: Actor, now: datetime) -> Faq:
    """A manager approves what somebody else has written; from now on it is offered at intake."""
    _step(session, faq, actor, DRAFT)
    refuse_own(actor, faq.made_by_id, rule="CMPL-14", delegator=actor.delegator_for(APPROVE))
    faq.state, faq.approved_by_id, faq.approved_at = APPROVED, actor.user_id, now
    return _named(session, faq, "approve")


def publish(session: Session, faq: Faq, *, actor: Actor, now: datetime) -> Faq:
    """An approved answer also goes to the website."""
    _step(session, faq, actor, APPROVED)
    faq.state = PUBLISHED
    return _named(session, faq, "publish")


def withdraw(session: Session, faq: Faq, *, actor: Actor, now: datetime) -> Faq:
    """Neither offered nor published any more: a draft again, which needs a new approval."""
    _step(session, faq, actor, APPROVED, PUBLISHED)
    faq.state, faq.approved_by_id, faq.approved_at = DRAFT, None, None
    return _named(session, faq, "withdraw")


def _step(session: Session, faq: Faq, actor: Actor, *states: str) -> None:
    authorize(session, actor, APPROVE, rule="CMPL-14")
    session.refresh(faq, with_for_update=True)
    if faq.state not in states:
        raise Conflict(_l("This answer is in the state “%(state)s”; somebody else was first.", state=STATES[faq.state]), rule="CMPL-14")


def _named(session: Session, faq: Faq, action: str) -> Faq:
    audit.name_action(session, faq, action)
    session.flush()
    return faq


# --- offering --------------------------------------------------------------------------------------------------------


def offered(session: Session, text: str, *, limit: int = 3) -> Sequence[Faq]:
    """Approved and published answers that share words with ``text``, the nearest first; a word that most answers hold counts for nothing.

    Words are compared folded, without article and ending, by their beginnings: receipts finds a receipt, in Arabic too.
    """
    wanted = list(dict.fromkeys(keys_of(text)))[:MOST_WORDS]
    if not wanted:
        return []
    rows = session.scalars(sa.select(Faq).where(Faq.state.in_(OFFERED)).order_by(Faq.id)).all()
    shared = {row.id: {word for word in wanted if _holds(row.search_text.split(), word)} for row in rows}
    often = Counter(word for words in shared.values() for word in words)
    bound = max(2, len(rows) // 2)
    nearness = {key: sum(1 / often[word] for word in words if often[word] <= bound) for key, words in shared.items()}
    found = [row for row in rows if nearness[row.id] > 0]
    return sorted(found, key=lambda row: -nearness[row.id])[:limit]


def _holds(words: Sequence[str], wanted: str) -> bool:
    """Whether one of the words begins with ``wanted``, or ``wanted`` begins with one of them."""
    return any(word.startswith(wanted) or wanted.startswith(word) for word in words)


def keys_of(text: str) -> Iterator[str]:
    """The words of a text as they are compared: folded, without joined particles, article and ending, none too short to mean something."""
    letters = "".join(ch if ch.isalnum() else " " for ch in fold(text))
    return (stem for stem in map(_stem, letters.split()) if len(stem) >= SHORTEST_WORD)


def _stem(word: str) -> str:
    """A word without what is joined to it before and behind, as far as enough of it stays."""
    for part in domain.CATALOGUE["joined"]:
        if word.startswith(part) and len(word) - len(part) >= SHORTEST_WORD:
            word = word.removeprefix(part)
            break
    for part in domain.CATALOGUE["endings"]:
        if word.endswith(part) and len(word) - len(part) >= SHORTEST_WORD:
            return word.removesuffix(part)
    return word


# --- the website -----------------------------------------------------------------------------------------------------


def published(session: Session) -> Sequence[Faq]:
    """What the website may show: published answers only, in the order in which they were written."""
    return session.scalars(sa.select(Faq).where(Faq.state == PUBLISHED).order_by(Faq.id)).all()


def any_published(session: Session) -> bool:
    return session.scalar(sa.select(Faq.id).where(Faq.state == PUBLISHED).limit(1)) is not None


def website_file(session: Session, *, actor: Actor) -> bytes:
    """The published answers as CSV for the association's website; logged with its rows and checksum."""
    authorize(session, actor, APPROVE, rule="CMPL-14")
    rows = ((one.question_ar, one.answer_ar, one.question_en, one.answer_en, one.approved_at) for one in published(session))
    stream = write_csv(COLUMNS, rows, Options())
    content = b"".join(stream)
    assert stream.outcome is not None
    audit.record(session, "export", summary="complaints.answers", data={"filter": {"state": PUBLISHED}, "rows": stream.outcome.rows,
                                                                        "sha256": stream.outcome.sha256}, rule="CMPL-14")
    return content
