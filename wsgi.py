"""The WSGI application that serves every association."""

from core.hosting import application

__all__ = ["application"]
