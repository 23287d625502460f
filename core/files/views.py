"""Downloads: always as an attachment, never shown inside the product's own origin."""

from __future__ import annotations

from typing import Any

from flask import Response, abort
from sqlalchemy.orm import Session

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
    """The answer that hands over a stored file."""
    response = Response(content, mimetype=row.media_type)
    response.headers["Content-Disposition"] = content_disposition(row.name)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def download_of(session: Session, record: Any, file_id: int) -> Response:
    """A file that is read through its record only: the page has found the record for its reader, and asked for what the content needs."""
    return download(*services.read_of(session, record, state().association.files_folder, file_id))


def stored_upload(upload: Any) -> services.Stored | None:
    """The file that a form brought, checked and on disk before the writing transaction begins; None where none was chosen. Raises InvalidInput."""
    if not getattr(upload, "filename", ""):
        return None
    return services.store(state().association.files_folder, upload.filename, upload.read())
