"""The tables of test_bad_inputs.py: what is sent to each place, and what must become of it.

A case is taken, and then stored exactly as ``kept`` says, or refused beside ``field`` with a message that ``says`` why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_UTF8 = "not valid UTF-8"
BROKEN = "NUL or a broken one"
UNSEEN = "cannot be seen"
NO_CHOICE = "is not one of the choices"
NOT_RIGHT = "is incomplete or not right"
NO_PHONE = "is no valid telephone number"
NO_ADDRESS = "is no e-mail address"
NO_MOMENT = "is no day and hour"
TOO_EARLY = "before 1900"
OVER_INTEGER, OVER_BIGINT, TWENTY_DIGITS = str(2**31), str(2**63), "9" * 20


@dataclass(frozen=True)
class Taken:
    """``sent`` over what is sound; the new entry has these values. None takes a field away."""

    name: str
    sent: Mapping[str, Any]
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """``sent`` over what is sound; nothing is stored. ``place`` is the field beside which the message stands, "" for the page."""

    name: str
    sent: Mapping[str, Any]
    place: str
    says: str
    status: int = 422


def same(name: str, key: str, value: str) -> Taken:
    """Taken as it is."""
    return Taken(name, {key: value}, {key: value})


# --- texts that anybody may write, in whatever place -----------------------------------------------------------------

ODD_TEXTS = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>", "closing": "</textarea></main><h1>x</h1>", "attribute": "\" onmouseover=\"alert(1)\" x='",
    "entity": "&lt;b&gt; &amp;amp; &#x27;", "sql": "'; DROP TABLE complaints_entry; --", "sql-like": "100% _under_ \\ %' OR '1'='1",
    "template": "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "printf": "%s%n%(name)s {0} {name!r}", "formula": "=HYPERLINK(\"http://example.org\",\"x\")", "formula-at": "@SUM(1+1)*cmd|' /C calc'!A0", "minus": "-2+3",
    "path": "../../etc/passwd", "shell": "$(reboot) `id` ; cat x | y", "null-word": "null", "mark": "لَمْ يَصِلِ الإِيصَالُ إِلَى المُتَبَرِّعَةِ",
    "tatweel": "لم يصــــل الإيصال",
    "mixed": "طلبت Zakat receipt رقم 12-ب/2026 من ACME (KSA) ولم يصل", "emoji": "شكراً لكم 🙏🏽❤️🇸🇦 1️⃣",
    "family": "زرت المركز مع العائلة 👨‍👩‍👧‍👦 ولم نجد أحداً 🏳️‍🌈",
    "persian": "مرکز گل‌ها" .replace("\u200c", " "), "digits": "٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹ 0123456789", "quranic": "﴿وَمَا تُنْفِقُوا مِنْ خَيْرٍ﴾ ﷺ",
    "one-letter": "ب",
    "chinese": "没有收到收据", "crlf-header": "Subject: x Bcc: x@example.org",
}
UNSEEN_TEXTS = {
    "bidi-override": "فاتورة \u202egnp.exe", "bidi-embedding": "a\u202bb", "isolate": "a\u2066b\u2069", "zero-width-space": "ا\u200bب",
    "joiner-in-word": "a\u200db",
    "byte-order-mark": "a\ufeffb", "escape": "a\x1b[31mb", "bell": "a\x07b", "delete": "a\x7fb", "c1-control": "a\x85b", "private-use": "a\ue000b",
    "unassigned": "a\u0378b",
    "no-character": "a\ufffeb", "last-plane": "a\U0010ffffb", "hangul-filler": "a\u3164b", "braille-blank": "a\u2800b", "line-separator": "a\u2028b",
    "soft-hyphen": "a\u00adb",
    "tag-letter": "a\U000e0041b", "word-joiner": "a\u2060b",
}

# --- the public form -------------------------------------------------------------------------------------------------

GOOD_NAMES = {
    "marks": "هِنْدُ بِنتُ سَعْدٍ الغامِديّ", "apostrophe": "Siobhán O'Brien-D'Souza", "arabic-quotes": "عبدالله «أبو سعد» الحربي",
    "mixed": "شركة ACME للتجارة (Saudi) Ltd. 2",
    "long-legal": ("مؤسسة أوقاف صالح عبدالعزيز الراجحي وشركاه " * 5)[:199] + "ة", "emoji": "هند 🌸", "html": "<b>هند</b>", "formula": "=هند()", "one": "م",
    "digits": "أسرة رقم ١٢",
    "sql": "Robert'); DROP TABLE students;--", "urdu": "محمد علی خان", "turkish": "İlker Şahin",
}
GOOD_PHONES = {
    "spaced": "055 512 0348", "arabic-digits": "٠٥٥٥١٢٠٣٤٨", "persian-digits": "۰۵۵۵۱۲۰۳۴۸", "international": "+966 55 512 0348", "zeros": "00966555120348",
    "brackets": "(055) 512-0348", "dots": "055.512.0348", "tel-scheme": "tel:+966555120348", "no-plus": "966555120348", "full-width-plus": "＋966555120348",
    "dashes": "055–512–0348",
    "around": "  0555120348\t", "twice-the-same": "0555120348 / +966 55 512 0348", "copied-from-contacts": "\u202a+966 55 512 0348\u202c",
    "arabic-international": "+٩٦٦ ٥٥ ٥١٢ ٠٣٤٨",
    "marked-left": "\u200e+966555120348",
}
BAD_PHONES = {
    "short": "055512", "twenty-digits": TWENTY_DIGITS, "letters": "05551203AB", "scientific": "5.55E+08", "extension": "0555120348 ext 12",
    "two": "0555120348 / 0555120349",
    "unknown-country": "+999 12 345 6789", "devanagari": "०५५५१२०३४८", "superscript": "⁰⁵⁵⁵¹²⁰³⁴⁸", "full-width": "０５５５１２０３４８", "minus": "-1",
    "only-zeros": "0000000000", "sql": "' OR 1=1 --",
    "html": "<b>055</b>", "word": "لا يوجد", "plus": "+", "float": "0555120348.5",
}
BAD_MAILS = {
    "no-domain": "hind@", "no-name": "@example.org", "two-at": "a@b@example.org", "space": "hi nd@example.org", "no-dot": "hind@localhost",
    "dots": "hind@example..org",
    "hyphen": "hind@-example.org", "two": "a@example.org,b@example.org", "named": "Hind <hind@example.org>", "script": "javascript:alert(1)",
    "long": "h" * 300 + "@example.org",
    "quoted": "\"a b\"@example.org", "ip": "hind@[127.0.0.1]", "trailing-dot": "hind.@example.org", "word": "البريد",
    "header": "hind@example.org Bcc: x@example.org",
}

FORM_TAKEN = [
    *(same(f"text-{name}", "text", text) for name, text in ODD_TEXTS.items()),
    *(same(f"name-{name}", "name", text) for name, text in GOOD_NAMES.items()),
    *(Taken(f"phone-{name}", {"phone": text}, {"phone": "+966555120348"}) for name, text in GOOD_PHONES.items()),
    Taken("phone-kuwaiti", {"phone": "+965 5001 2345"}, {"phone": "+96550012345"}),
    Taken("phone-kuwaiti-zeros", {"phone": "00965 ٩٩٠٠١٢٣٤"}, {"phone": "+96599001234"}),
    Taken("phone-landline", {"phone": "012 544 1234"}, {"phone": "+966125441234"}),
    Taken("phone-abroad", {"phone": "+44 20 7946 0958"}, {"phone": "+442079460958"}),
    Taken("email-upper", {"email": "Hind.SAAD+zakat@EXAMPLE.ORG"}, {"email": "Hind.SAAD+zakat@example.org"}),
    Taken("email-none", {"email": ""}, {"email": None}),
    Taken("email-spaces", {"email": "  hind@example.org "}, {"email": "hind@example.org"}),
    Taken("email-arabic", {"email": "هند@مثال.السعودية"}, {"email": "هند@مثال.السعودية"}),
    Taken("spaces-around", {"text": "  نص  \r\n", "name": "  هند سعد "}, {"text": "نص", "name": "هند سعد"}),
    Taken("line-breaks", {"text": "سطر\r\nسطر\rسطر\n\n\tنهاية"}, {"text": "سطر\nسطر\nسطر\n\n\tنهاية"}),
    Taken("longest", {"text": "ا" * 2000}, {"text": "ا" * 2000}),
    Taken("longest-with-spaces", {"text": " " * 300 + "ا" * 2000}, {"text": "ا" * 2000}),
    Taken("name-longest", {"name": "ا" * 200 + "   "}, {"name": "ا" * 200}),
    Taken("decomposed", {"name": "Ame\u0301lie"}, {"name": "Am\u00e9lie"}), Taken("inquiry", {"kind": "inquiry"}, {"kind": "inquiry"}),
    Taken("first-of-two", {"text": ["الأول", "الثاني"]}, {"text": "الأول"}), Taken("two-kinds", {"kind": ["suggestion", "complaint"]}, {"kind": "suggestion"}),
    Taken("fields-of-staff", {"state": "closed", "channel": "phone", "customer_class": "donor", "received_at": "2020-01-01T00:00", "number": "C-1",
        "id": "1", "customer_id": "1",
                              "customer_number": "1000008", "department_id": "1", "cause_id": "1", "source": "staff", "answer_now": "solved", "answer": "x",
                                  "imported": "1"},
          {"state": "received", "channel": "website", "customer_class": "other", "customer_id": None, "cause_id": None, "source": "public", "answer": None,
              "imported": False}),
    Taken("field-names-of-python", {"__class__": "x", "data": "x", "errors": "x", "meta": "x", "text.0": "x"}, {}),
    Taken("no-place", {"place": ""}, {"centre_id": None}),
]
FORM_REFUSED = [
    *(Refused(f"text-{name}", {"text": text}, "text", UNSEEN) for name, text in UNSEEN_TEXTS.items()),
    *(Refused(f"name-{name}", {"name": text}, "name", UNSEEN) for name,
        text in UNSEEN_TEXTS.items() if name in ("bidi-override", "zero-width-space", "bell", "hangul-filler")),
    Refused("name-lines", {"name": "هند\nسعد"}, "name", UNSEEN), Refused("name-201", {"name": "ا" * 201}, "name", "At most 200"),
    Refused("name-long", {"name": "ا" * 100_000}, "name", "At most 200"), Refused("name-spaces", {"name": "   "}, "name", "Write your name"),
    Refused("name-none", {"name": None}, "name", "Write your name"),
    Refused("text-2001", {"text": "ا" * 2001}, "text", "2001"), Refused("text-long", {"text": "ا" * 300_000}, "text", "300000"),
    Refused("text-none", {"text": None}, "text", "Write what it is about"),
    Refused("text-spaces", {"text": " \r\n\t "}, "text", "Write what it is about"),
    Refused("text-no-break-spaces", {"text": "\u00a0\u2003"}, "text", "Write what it is about"),
    *(Refused(f"phone-{name}", {"phone": text}, "phone", NOT_RIGHT) for name, text in BAD_PHONES.items()),
    Refused("phone-none", {"phone": None}, "phone", "Write the number"),
    *(Refused(f"email-{name}", {"email": text}, "email", NOT_RIGHT) for name, text in BAD_MAILS.items()),
    *(Refused(f"kind-{value!r}", {"kind": value}, "kind", "Choose one" if not value else "Not a valid choice") for value in ("ticket", "COMPLAINT",
        "complaint ", "0", "-1", "", None, "شكوى")),
    *(Refused(f"consent-{value!r}", {"consent": value}, "consent", "Tick that you agree") for value in (None, "", "false", "False", "0")),
    *(Refused(f"place-{value}", {"place": value}, "place", "Not a valid choice") for value in (
        "centre-999999", f"centre-{OVER_INTEGER}", f"centre-{OVER_BIGINT}", f"centre-{TWENTY_DIGITS}", "centre--1", "centre-1.0", "centre-²", "centre-١",
            "programme-1", "customer-1", "x",
        "centre-1 OR 1=1")),
    *(Refused(f"file-{name}", {"file": (content, file_name)}, "file", says) for name, content, file_name, says in (
        ("empty", b"", "a.png", "empty"), ("program", b"MZ\x90\x00", "a.pdf", ""), ("html-as-png", b"<html><script>1</script>", "a.png", ""),
        ("svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", ""), ("zip", b"PK\x03\x04" + b"0" * 40, "a.zip", ""),
            ("name-without-end", b"%PDF-1.4", "", ""),
        ("pixels", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00\x00\xff\xff" * 2 + b"\x08\x06\x00\x00\x00" + b"\x00" * 4, "a.png", ""),
        ("double-end", b"MZ\x90\x00", "a.png.exe", "")) if file_name),
]

# --- the follow-up page ----------------------------------------------------------------------------------------------

FOLLOW_TAKEN = {
    "as told": ("{number}", "{code}"), "small letters": ("{lower}", "{code_lower}"), "without the letter": ("{digits}", "{code}"),
    "arabic digits": ("{arabic}", "{code_arabic}"),
    "persian digits": ("{persian}", "{code}"), "spaces": ("  {number} ", " {code_spaced} "), "without hyphens": ("{number_spaced}", "{code_plain}"),
    "copied with marks": ("\u202a{number}\u202c", "\u200e{code}"),
}
FOLLOW_REFUSED = [
    *(Refused(f"number-{name}", {"number": text}, "number", UNSEEN) for name,
        text in UNSEEN_TEXTS.items() if name in ("zero-width-space", "private-use", "escape", "byte-order-mark")),
    Refused("number-none", {"number": None}, "number", "Write the number"), Refused("code-none", {"code": None}, "code", "Write the code"),
    Refused("code-spaces", {"code": "  "}, "", "no message with this number"),
    Refused("number-long", {"number": "9" * 501}, "number", "At most 500"), Refused("code-long", {"code": "A" * 100_000}, "code", "At most 500"),
    *(Refused(f"number-{value}", {"number": value}, "", "no message with this number") for value in (
        "C-2026-9999", "C-2026--1", TWENTY_DIGITS, OVER_BIGINT, "1", "-1", "0", "C-2026-0001.0", "C-%", "C-2026-000_", "' OR 1=1 --", "<b>C-2026-0001</b>",
            "{{7*7}}", "٭", "Ｃ-２０２６-０００１")),
    *(Refused(f"code-{value}", {"code": value}, "", "no message with this number") for value in (
        "AAAAA-AAAAA", "%", "_____-_____", "' OR 'a'='a", "0", TWENTY_DIGITS, "null", "true", "\\", "١" * 10)),
    Refused("code-of-another", {"code": "{other}"}, "", "no message with this number"),
    Refused("number-twice-the-wrong-first", {"number": ["C-2026-9999", "{number}"]}, "", "no message"),
]

# --- the intake ------------------------------------------------------------------------------------------------------

INTAKE_TAKEN = [
    *(same(f"text-{name}", "text", ODD_TEXTS[name]) for name in ("html", "sql", "template", "formula", "mark", "mixed", "family", "entity")),
    *(same(f"name-{name}", "name", text) for name, text in GOOD_NAMES.items()),
    *(Taken(f"phone-{name}", {"phone": text}, {"phone": "+966555120348"}) for name, text in GOOD_PHONES.items()),
    Taken("phone-kuwaiti", {"phone": "+965 6612 3456"}, {"phone": "+96566123456"}),
    Taken("email-only", {"phone": "", "email": "HIND@Example.ORG"}, {"phone": None, "email": "HIND@example.org"}),
    Taken("email-spaces", {"email": " hind@example.org  "}, {"email": "hind@example.org"}), Taken("text-longest", {"text": "ا" * 5_000}, {"text": "ا" * 5_000}),
    Taken("received-earlier", {"received_at": "2026-02-01T08:05"}, {"received_at": "2026-02-01T05:05:00+00:00", "number": "C-2026-"}),
    Taken("received-arabic-digits", {"received_at": "٢٠٢٦-٠٢-٠١T٠٨:٠٥"}, {"received_at": "2026-02-01T05:05:00+00:00"}),
    Taken("received-last-year", {"received_at": "2025-12-31T23:59"}, {"number": "C-2025-"}),
    Taken("received-leap-day", {"received_at": "2024-02-29T10:00"}, {"number": "C-2024-"}),
    Taken("new-year-by-own-clock", {"received_at": "2026-01-01T00:00"}, {"number": "C-2026-", "received_at": "2025-12-31T21:00:00+00:00"}),
    Taken("class", {"customer_class": "government"}, {"customer_class": "government"}),
    Taken("email-for-call-back", {"answer_now": "callback", "callback_to": "Hind@EXAMPLE.org", "promised_at": "2026-02-03T10:00"},
                                                                                             {"callback_to": "Hind@example.org", "state": "answered_callback"}),
    Taken("call-back-arabic-digits", {"answer_now": "callback", "callback_to": "٠٥٥٥١٢٠٣٤٨", "promised_at": "2026-02-03T10:00"},
        {"callback_to": "+966555120348"}),
    Taken("fields-of-nobody", {"state": "closed", "number": "C-1", "department_id": "999", "source": "public", "imported": "1", "registered_by_id": "1",
        "subject_id": "x"},
          {"state": "received", "source": "staff", "imported": False}),
    Taken("first-of-two", {"text": ["الأول", "الثاني"], "phone": ["0555120348", "0550000000"]}, {"text": "الأول", "phone": "+966555120348"}),
]
INTAKE_REFUSED = [
    *(Refused(f"text-{name}", {"text": text}, "text", UNSEEN) for name,
        text in UNSEEN_TEXTS.items() if name in ("bidi-override", "isolate", "zero-width-space", "no-character", "tag-letter")),
    *(Refused(f"name-{name}", {"name": text}, "name", UNSEEN) for name,
        text in UNSEEN_TEXTS.items() if name in ("bidi-override", "zero-width-space", "bell", "private-use")),
    Refused("name-201", {"name": "ا" * 201}, "name", "At most 200"), Refused("name-none", {"name": "  "}, "name", "write the caller's name"),
    Refused("text-none", {"text": ""}, "text", "Write what"), Refused("text-5001", {"text": "ا" * 5_001}, "text", "5001"),
    Refused("text-20001", {"text": "ا" * 20_001}, "text", "20001"),
    *(Refused(f"phone-{name}", {"phone": text}, "phone", "rounded" if name == "scientific" else "two different" if name == "two" else NO_PHONE) for name,
        text in BAD_PHONES.items()),
    Refused("nothing-to-reach", {"phone": "", "email": ""}, "phone", "Write a telephone number"),
    *(Refused(f"email-{name}", {"email": text}, "email", NO_ADDRESS) for name, text in BAD_MAILS.items()),
    *(Refused(f"received-{value}", {"received_at": value}, "received_at", says) for value, says in (
        ("2026-02-30T10:00", NO_MOMENT), ("2026-13-01T10:00", NO_MOMENT), ("2026-02-01T25:00", NO_MOMENT), ("01/02/2026 10:00", NO_MOMENT),
            ("tomorrow", NO_MOMENT), (TWENTY_DIGITS, NO_MOMENT),
        ("2026-02-01", NO_MOMENT), ("१९९९-०१-०१T१०:००", NO_MOMENT), ("-2026-02-01T10:00", NO_MOMENT), ("0000-00-00T00:00", NO_MOMENT),
            ("2026-02-01T10:00Z", NO_MOMENT),
        ("1447-08-14T10:00", TOO_EARLY), ("1899-12-31T23:59", TOO_EARLY), ("0001-01-02T00:00", TOO_EARLY), ("2026-02-02T10:16", "future"),
            ("9999-12-31T23:59", "future"), ("2027-01-01T00:00", "future"))),
    Refused("received-before-all-days", {"received_at": "0001-01-01T00:00"}, "received_at", "no day and hour"),
    *(Refused(f"{key}-{value}", {key: value}, key, NO_CHOICE) for key in ("cause_id", "centre_id", "programme_id") for value in (
        "999999", OVER_INTEGER, "99999999999999999", OVER_BIGINT, TWENTY_DIGITS, "-1", "1.5", "²", "١", "1 OR 1=1", "x")),
    *(Refused(f"{key}-{value!r}", {key: value}, key, NO_CHOICE) for key, value in (
        ("kind", "ticket"), ("kind", "COMPLAINT"), ("channel", "pigeon"), ("channel", "0"), ("customer_class", "friend"), ("customer_class", "DONOR"))),
    Refused("answer-unknown", {"answer_now": "maybe"}, "answer_now", "is not one of the answers"),
    Refused("study-of-complaint", {"answer_now": "study"}, "answer_now", "answered at once"),
    Refused("solved-without-answer", {"answer_now": "solved", "answer": " "}, "answer", "Write the answer"),
    Refused("answer-unseen", {"answer_now": "solved", "answer": "a\u202eb"}, "answer", UNSEEN),
    Refused("call-back-never", {"answer_now": "callback", "callback_to": "0555120348", "promised_at": ""}, "promised_at", "until when"),
    Refused("call-back-in-the-past", {"answer_now": "callback", "callback_to": "0555120348", "promised_at": "2026-02-01T10:00"}, "promised_at", "until when"),
    Refused("call-back-no-day", {"answer_now": "callback", "callback_to": "0555120348", "promised_at": "2026-02-31T10:00"}, "promised_at", NO_MOMENT),
    Refused("call-back-no-number", {"answer_now": "callback", "callback_to": "12", "promised_at": "2026-02-03T10:00"}, "callback_to", NO_PHONE),
    Refused("call-back-no-address", {"answer_now": "callback", "callback_to": "hind@", "promised_at": "2026-02-03T10:00"}, "callback_to", NO_ADDRESS),
    *(Refused(f"customer-{value[:24]}", {"customer_number": value, "unknown": None, "name": "", "phone": ""}, "name", "Choose a customer") for value in ("1",
        "-1", OVER_BIGINT, TWENTY_DIGITS, "' OR 1=1 --", "²", "x" * 400)),
]
