"""Downloads: always as an attachment, never shown inside the product's own origin."""

from __future__ import annotations

from typing import Any

from flask import Response, abort

from core.admin.views import PageView, expose
from core.exporter.names import content_disposition
from core.files import services
from core.files.models import StoredFile
from core.state import state


class FilesView(PageView):
    page_url = "/files"
    page_endpoint = "core_files"
    for_everyone = True

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> Any:
        abort(404)

    @expose("/<int:file_id>")
    def download(self, file_id: int) -> Any:
        return download(*services.read(self.session, state().association.files_folder, file_id, actor=self.actor))


def download(row: StoredFile, content: bytes) -> Response:
    """The answer that hands over a stored file; a page of a record calls it with ``services.read_of``."""
    response = Response(content, mimetype=row.media_type)
    response.headers["Content-Disposition"] = content_disposition(row.name)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
