"""From a request to a resource and back: who calls, how often, with what; one writing transaction; the answer kept where it must be.

Nothing here looks at a cookie. A request is read whole and held against its schemas before anything is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from sqlalchemy.orm import Session

from core import work
from core.admin.requests import csrf
from core.auth.actor import Actor, authorize
from core.database import db
from core.errors import AppError, Conflict, DiwanError, NotAllowed, NotRecognised, TooManyAttempts
from core.exporter.names import content_disposition
from core.i18n import language
from core.i18n import lazy_gettext as _l
from core.rest import checking, openapi, problems, services
from core.rest.models import RestToken
from core.rest.offers import Call, File, Resource
from core.rest.problems import Refused
from core.state import State, state

PREFIX = "/api/v1"
DOCUMENT = f"{PREFIX}/openapi.json"


def mount(app: Flask, state: State) -> None:
    """Give every offered resource its address; what nobody offers is not there."""
    blueprint = Blueprint("rest", __name__, url_prefix=PREFIX)
    blueprint.add_url_rule("/openapi.json", "document", document, methods=["GET"], provide_automatic_options=False)
    for one in state.offered("register_api"):
        rule = one.path.replace("{", "<").replace("}", ">")
        blueprint.add_url_rule(rule, one.name.replace(".", "_"), _handler(one), methods=[one.method], provide_automatic_options=False)
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


def _handler(resource: Resource) -> Callable[..., Response]:
    def handle(**path: str) -> Response:
        return _told(lambda: respond(resource, path))

    return handle


def document() -> Response:
    """What this association offers to other systems now: only of plugins that are on. For who shows a token."""
    return _told(_document)


def _document() -> Response:
    recognise(None)
    return _json(openapi.document(state().offered("register_api"), state().association.name.localized(), f"{request.script_root}{PREFIX}"), 200)


def _told(act: Callable[[], Response]) -> Response:
    """The answer, or the problem; a refusal is logged in the token's name and counted."""
    session = work.real(db.session)
    try:
        return act()
    except AppError as error:
        token_id: int | None = g.get("rest_token_id")
        if isinstance(error, NotAllowed):
            session.info["actor"] = g.actor
            work.denied(session, error)
        work.rollback(session)
        if token_id is not None and not isinstance(error, TooManyAttempts | NotRecognised):
            with work.unit_of_work(session) as own:
                services.count_refused(own, token_id, work.now())
        return problems.of(error)


def respond(resource: Resource, path: dict[str, str]) -> Response:
    """One request, from its token to its answer."""
    session, now = work.real(db.session), work.now()
    token, signature = recognise(resource)
    actor: Actor = g.actor
    if resource.permission is not None:
        authorize(session, actor, resource.permission)
    query = checking.query_values(request.args.to_dict(flat=False), resource.query)
    body = _body(resource)
    header = request.headers.get("Idempotency-Key", "")
    if resource.key and not header:
        raise Refused(400, _l("This request needs the header Idempotency-Key: a text of your own, new for each thing to be made and the same when you "
                              "repeat it."), field="Idempotency-Key")
    keys = [services.stored_key(token, header)] if header and resource.keyed else []
    own_key = services.service_key(keys[0]) if keys else None
    said = services.request_digest(request.method, request.path, query, body)
    repeated = _repeated(session, token, keys, said)
    if repeated is not None:
        return repeated
    if signature:
        keys.append(services.stored_key(token, signature, signature=True))
    call = Call(session, actor, now, path, query, body, own_key)
    return _written(resource, call, token, keys, said) if resource.writing else _read(resource, call)


# --- who calls ----------------------------------------------------------------------------------------------------------


def recognise(resource: Resource | None) -> tuple[RestToken, str]:
    """The token of this request, counted, and the signature where one came in its place. Raises NotRecognised, TooManyAttempts.

    From here on ``g.actor`` is the token.
    """
    session, now, address = work.real(db.session), work.now(), request.remote_addr or ""
    signed = _signed() if resource is not None and resource.signed else None
    shown = _bearer()
    if not shown and signed is None:
        raise NotRecognised(_l("This address is for other systems, which show a token: “Authorization: Bearer …”. The administrator makes one."),
                            rule=services.RULE)
    token = services.signer(session, signed, now) if signed is not None else services.bearer(session, shown)
    if token is None:
        raise _unknown(session, address)
    g.actor = services.actor_of(token, address=request.remote_addr)
    session.info["actor"] = g.actor
    try:
        services.refuse_ended(token, now)
    except NotRecognised as error:
        services.refuse_guessing(session, address, now)
        work.denied(session, error, record=(RestToken.__tablename__, token.id, token.name))
        with work.unit_of_work(session) as own:
            services.count_bad(own, address, now)
        raise
    services.refuse_fast(session, token, now)
    with work.unit_of_work(session) as own:
        services.count_call(own, token, now)
    g.rest_token_id = token.id
    session.info["actor"] = g.actor
    return token, signed.signature.lower().removeprefix("sha256=") if signed is not None else ""


def _bearer() -> str:
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip()[:200] if scheme.lower() == "bearer" else ""


def _signed() -> services.Signed | None:
    """The three headers of a signed request; None where it shows a token instead."""
    prefix, timestamp, signature = (request.headers.get(name, "")[:100] for name in ("X-Diwan-Key", "X-Diwan-Timestamp", "X-Diwan-Signature"))
    return services.Signed(prefix, timestamp, signature, request.get_data(cache=True)) if signature and not _bearer() else None


def _unknown(session: Session, address: str) -> NotRecognised:
    """Count a token that is none; the refusal."""
    services.refuse_guessing(session, address, work.now())
    with work.unit_of_work(session) as own:
        services.count_bad(own, address, work.now())
    return NotRecognised(_l("This token or signature is none of this association. Compare it with what was shown when it was made, and the address with that "
                            "of the association."), rule=services.RULE)


# --- what it says -------------------------------------------------------------------------------------------------------


def _body(resource: Resource) -> Any:
    if resource.body is None:
        return None
    if request.mimetype != "application/json":
        raise Refused(415, _l("This request takes JSON only. Send it with “Content-Type: application/json”."), field="Content-Type", value=request.mimetype)
    raw = request.get_data(cache=True)
    if len(raw) > resource.most_bytes:
        raise Refused(413, _l("The body has %(found)s bytes; at most %(most)s are taken. Send it in several requests.", found=len(raw),
                              most=resource.most_bytes))
    try:
        body = checking.parse(raw)
    except AppError as error:
        error.status = 400
        raise
    checking.check(body, resource.body)
    return body


# --- what it does -------------------------------------------------------------------------------------------------------


def _repeated(session: Session, token: RestToken, keys: list[str], said: str) -> Response | None:
    for key in keys:
        known = services.answered(session, token, key, said)
        if known is not None:
            return _json(known.answer, known.status, {"Idempotency-Replayed": "true"})
    return None


def _written(resource: Resource, call: Call, token: RestToken, keys: list[str], said: str) -> Response:
    """Within one writing transaction: the keys, the act, the answer. What is refused leaves none of them."""
    session = call.session
    work.begin_write(session)
    session.info["actor"] = call.actor
    for key in keys:
        if not services.claim(session, token, key, said, call.now):
            if ".s." in key:
                raise _replayed()
            repeated = _repeated(session, token, [key], said)
            work.rollback(session)
            if repeated is None:
                raise DiwanError(f"The answer to {key} is not there although its key is taken.")
            return repeated
    answer = resource.run(call)
    if isinstance(answer, File):
        work.commit(session)
        return _file(answer)
    response = _json(_checked(resource, answer), resource.status)
    for key in keys:
        services.keep(session, key, resource.status, answer)
    work.commit(session)
    return response


def _replayed() -> AppError:
    return Conflict(_l("This signed request was taken already. Sign every request anew."), field="X-Diwan-Signature")


def _read(resource: Resource, call: Call) -> Response:
    answer = resource.run(call)
    if not isinstance(answer, File):
        return _json(_checked(resource, answer), resource.status)
    if answer.log is not None:
        with work.unit_of_work(call.session) as own:
            own.info["actor"] = call.actor
            answer.log(own)
    return _file(answer)


def _checked(resource: Resource, answer: Any) -> Any:
    """The answer, if it is what the document says; else a fault of ours, before anything is committed."""
    wrong = checking.fits(answer, resource.answer or {})
    if wrong:
        raise DiwanError(f"The answer of {resource.name} is not what its schema says: {wrong}")
    return answer


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    response = Response(json.dumps(body, ensure_ascii=False) + "\n", status=status, content_type="application/json", headers=headers)
    response.headers["Content-Language"] = language()
    return response


def _file(file: File) -> Response:
    response = Response(file.content, content_type=file.media_type)
    response.headers["Content-Disposition"] = content_disposition(file.name)
    response.headers["X-Content-SHA256"] = file.sha256
    return response
