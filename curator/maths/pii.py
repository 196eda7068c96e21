"""Personal data in text: patterns with their checksums, and the tags that stand in its place.

All patterns run on a linear engine (polars, Rust regex): a backtracking one takes seconds on hostile text.
"""

import hashlib
import hmac
import re
from collections.abc import Callable

LETTERS = "bcdfghjkmnpqrstv"  # no digit and no vowel: a tag never looks like a number or a word


def tag(key: bytes, kind: str, text: str) -> str:
    """Return what stands in the place of `text`: the same for the same text and key, and not to be undone.

    >>> tag(b"k", "person", "Ann Bell") == tag(b"k", "person", "ann  bell"), tag(b"k", "person", "x")[:8]
    (True, '[person ')
    """
    form = " ".join(text.casefold().split())
    mac = hmac.new(key, f"{kind}|{form}".encode(), hashlib.sha256).hexdigest()
    return f"[{kind} {''.join(LETTERS[int(digit, 16)] for digit in mac[:8])}]"


def luhn(text: str) -> bool:
    """Tell whether the digits pass the check of payment cards (ISO/IEC 7812-1).

    >>> luhn("4242 4242 4242 4242"), luhn("4242 4242 4242 4241")
    (True, False)
    """
    digits = [int(c) for c in text if c.isdigit()][::-1]
    doubled = sum(sum(divmod(2 * d, 10)) for d in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + doubled) % 10 == 0


def iban(text: str) -> bool:
    """Tell whether an IBAN's check digits are right (ISO 13616: remainder 1 on division by 97).

    >>> iban("DE89 3704 0044 0532 0130 00"), iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    bare = "".join(text.split()).upper()
    return 15 <= len(bare) <= 34 and int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def phone(text: str) -> bool:
    """Tell whether digits look like a telephone number rather than a date, a sum or a range.

    >>> [phone(t) for t in ("+1 202 555 0147", "020 7946 0991", "2026-11-22", "10 000 000", "12-15")]
    [True, True, False, False, False]
    """
    digits = re.sub(r"\D", "", text)
    dated = re.fullmatch(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}", text.strip())
    grouped = re.fullmatch(r"\d{1,3}(?:[ .]\d{3})+", text.strip())
    return 7 <= len(digits) <= 15 and not dated and (not grouped or text.lstrip().startswith(("+", "0")))


def address(text: str) -> bool:
    """Tell whether four numbers are an IPv4 address."""
    return all(int(part) < 256 for part in text.split("."))


def surely(text: str) -> bool:
    """Accept what the pattern found."""
    return True


# In order: what comes first claims its characters. Each with a pattern for polars and a check.
KINDS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "secret": (
        r"\b(?:sk-[A-Za-z0-9_\-]{16,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|xox[baprs]-[A-Za-z0-9\-]{10,}"
        r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,})"
        r"|(?i:\b(?:password|passwort|api key|secret)\s*[:=]\s*)\S{6,}",
        surely,
    ),
    "link": (r"\bhttps?://[^\s<>\"'\])]+", surely),
    "email": (r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}", surely),
    "iban": (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", iban),
    "card": (r"\b\d(?:[ \-]?\d){12,18}\b", luhn),
    "ssn": (r"\b\d{3}-\d{2}-\d{4}\b", surely),
    "ip": (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", address),
    "phone": (
        r"(?:\+|\b)\d{1,4}(?:[ .\-/]?\(?\d{1,5}\)?){2,6}\b|\(\d{2,5}\)[ .\-]?\d{3,4}(?:[ .\-]?\d{2,5}){0,3}\b",
        phone,
    ),
}


NAME = r"\p{Lu}[\p{L}'’\-]+(?: \p{Lu}[\p{L}'’\-]+)+"  # two or more capitalised words


def spells(email: str, name: str) -> bool:
    """Tell whether an address is made of this name: whole, or with one part as its initial.

    >>> [spells("m.delacroix@example.com", n) for n in ("Marta Delacroix", "Marta Stone")]
    [True, False]
    >>> spells("ann.lee-poe@example.com", "Ann Lee-Poe"), spells("ab@example.com", "Al Bo")
    (True, False)
    """
    local = "".join(c for c in email.partition("@")[0].casefold() if c.isalpha())
    parts = ["".join(c for c in part.casefold() if c.isalpha()) for part in name.split()]
    first, last = parts[0], "".join(parts[1:])
    forms = (first + last, last + first, first[:1] + last, last + first[:1], first + last[:1])
    return len(local) > 3 and local in forms
