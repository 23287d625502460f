"""Sending a file to a browser. The one module here that knows Flask."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response
from flask.globals import request_ctx

from core.exporter.names import content_disposition, file_name
from core.exporter.stream import Stream


def download(stream: Stream, stem: str) -> Response:
    """The stream as an attachment named after ``stem``.

    The first piece is made before the answer begins, so a source that fails at once gives an ordinary error page. One
    that fails later cuts the answer short: chunked encoding without its end, which browsers show as a failed download.
    """
    response = Response(_until_sent(stream.prime()), content_type=stream.media_type)
    response.headers["Content-Disposition"] = content_disposition(file_name(stem, stream.extension))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(stream.close)
    return response


def _until_sent(stream: Stream) -> Iterator[bytes]:
    """The stream, with the request's end put off until it is sent: its rows are read in the request's own transaction.

    Flask's ``stream_with_context`` takes the context up again only after the teardown has closed the session.
    """
    def pieces() -> Iterator[bytes]:
        with request_ctx._get_current_object():  # type: ignore[attr-defined]
            yield b""
            yield from stream

    kept = pieces()
    next(kept)
    return kept


def attachment(content: bytes, name: str, media_type: str) -> Response:
    """Bytes that were made whole beforehand, as an attachment."""
    response = Response(content, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
