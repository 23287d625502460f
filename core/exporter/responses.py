"""Sending a file to a browser. The one module here that knows Flask."""

from __future__ import annotations

from flask import Response, stream_with_context

from core.exporter.names import content_disposition, file_name
from core.exporter.stream import Stream


def download(stream: Stream, stem: str) -> Response:
    """The stream as an attachment named after ``stem``.

    The first piece is made before the answer begins, so a source that fails at once gives an ordinary error page. One
    that fails later cuts the answer short: chunked encoding without its end, which browsers show as a failed download.
    """
    response = Response(stream_with_context(stream.prime()), content_type=stream.media_type)
    response.headers["Content-Disposition"] = content_disposition(file_name(stem, stream.extension))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(stream.close)
    return response


def attachment(content: bytes, name: str, media_type: str) -> Response:
    """Bytes that were made whole beforehand, as an attachment."""
    response = Response(content, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
