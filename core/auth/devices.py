"""What a browser says of itself, in words that people know: the browser, and the system it runs on."""

from __future__ import annotations

from typing import Any

from core.i18n import lazy_gettext as _l

# In the order of asking: nearly every browser names others before itself.
BROWSERS = (("Edg", "Microsoft Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
            ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Chromium/", "Chromium"), ("Safari/", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"), ("Macintosh", "macOS"),
           ("Mac OS X", "macOS"), ("Linux", "Linux"))


def device_words(raw: str) -> Any:
    """``Firefox on Windows``; what is not recognised is called an unknown device, a program by its own first word."""
    browser, system = _first(raw, BROWSERS), _first(raw, SYSTEMS)
    if browser and system:
        return _l("%(browser)s on %(system)s", browser=browser, system=system)
    if browser or system:
        return browser or system
    return raw.split("/")[0][:40] or _l("Unknown device")


def _first(raw: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in names if mark in raw), "")
