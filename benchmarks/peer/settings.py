"""Django's settings, as its own documentation has them for production: no debugging, connections kept, templates cached."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

FOLDER = Path(os.environ["BENCH_PEER_FOLDER"])
_url = sa.make_url(os.environ["BENCH_PEER_DATABASE"])

SECRET_KEY = os.environ["BENCH_PEER_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [*(f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")),
                  "benchmarks.peer.apps.PeerConfig"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.peer.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}]
LANGUAGE_CODE = "ar"
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_ROUTERS = ["benchmarks.peer.apps.Router"]


def _data() -> dict[str, Any]:
    """The product's database, to be read only, with the page cache that the product gives itself."""
    if _url.get_backend_name() == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": f"file:{_url.database}?mode=ro", "CONN_MAX_AGE": None,
                "OPTIONS": {"init_command": "PRAGMA cache_size=-16000"}}
    return {"ENGINE": "django.db.backends.postgresql", "NAME": _url.database, "USER": _url.username or "", "PASSWORD": _url.password or "",
            "HOST": _url.host or _url.query.get("host", ""), "PORT": str(_url.port or ""), "CONN_MAX_AGE": None,
            "OPTIONS": {"options": "-c default_transaction_read_only=on"}}


DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "peer.sqlite3", "CONN_MAX_AGE": None,
                         "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE"}},
             "data": _data()}
