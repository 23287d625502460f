"""``python -m benchmarks.peer``: make the peer's own database, sign a person in, and time its pages by Django's test client.

Reads ``{"addresses": {name: path}, "seconds": …, "limit": …}`` and prints the times and the session's cookie as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.core.management import call_command

from benchmarks.timing import CLOCK, limited, sample


def main() -> None:
    given = json.load(sys.stdin)
    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    call_command("migrate", verbosity=0)
    people = get_user_model().objects
    person = people.filter(username="bench").first() or people.create_superuser("bench")
    client = Client()
    client.force_login(person)
    CLOCK.seconds = given["seconds"]
    with limited(given["limit"]):
        times = {name: sample(lambda path=path: _get(client, path), least=3) for name, path in given["addresses"].items()}
    print(json.dumps({"times": times, "cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"}))


def _get(client: Any, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")


if __name__ == "__main__":
    main()
