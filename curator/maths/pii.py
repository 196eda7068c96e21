"""Personal data in text: patterns with their checksums, and the tags that stand in its place.

All patterns run on a linear engine (polars, Rust regex): a backtracking one takes seconds on hostile text.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable

LETTERS = "bcdfghjkmnpqrstv"  # no digit and no vowel: a tag never looks like a number or a word
TAG = rf"\[[a-z]+ [{LETTERS}]{{8}}\]"

# People type what their keyboard has; Greek has two small sigmas, Turkish two letters i.
ALIKE = {"’": "'", "‘": "'", "ʼ": "'", "\u2010": "-", "\u2011": "-", "ς": "σ", "ı": "i"}
_ALIKE = str.maketrans(ALIKE)


def form(text: str) -> str:
    """Return the form in which two spellings of one name or number are the same.

    >>> form("Sinéad  O’Brien") == form("sine\u0301ad o'brien")
    True
    """
    folded = unicodedata.normalize("NFC", text).casefold().translate(_ALIKE)
    return " ".join(folded.split())


def tag(key: bytes, kind: str, text: str) -> str:
    """Return what stands in the place of `text`: the same for the same text and key, and not to be undone.

    >>> tag(b"k", "person", "Ann Bell") == tag(b"k", "person", "ann  bell"), tag(b"k", "person", "x")[:8]
    (True, '[person ')
    """
    mac = hmac.new(key, f"{kind}|{form(text)}".encode(), hashlib.sha256).hexdigest()
    return f"[{kind} {''.join(LETTERS[int(digit, 16)] for digit in mac[:8])}]"


def luhn(text: str) -> bool:
    """Tell whether the digits pass the check of payment cards (ISO/IEC 7812-1).

    >>> luhn("4242 4242 4242 4242"), luhn("4242 4242 4242 4241")
    (True, False)
    """
    digits = [int(c) for c in text if c.isdecimal()][::-1]
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
    """Tell whether digits look like a telephone number rather than a date, a sum, a range of years or times.

    >>> [phone(t) for t in ("+1 202 555 0147", "020 7946 0991", "2026-11-22", "10 000 000", "12-15")]
    [True, True, False, False, False]
    >>> [phone(t) for t in ("2019-2023", "09.00-17.30", "1 2 3 4 5 6 7", "1500000", "20 12 34 56")]
    [False, False, False, False, True]
    """
    digits, bare = re.sub(r"\D", "", text), text.strip()
    if not 7 <= len(digits) <= 15:
        return False
    if bare.startswith("+"):
        return True
    spoken_for = (
        r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}"  # dates
        r"|(?:19|20)\d\d[-./ ](?:19|20)\d\d"  # years
        r"|\d{1,2}\.\d\d ?- ?\d{1,2}\.\d\d"  # times
        r"|\d(?:\D\d)+"  # a row of single digits
        r"|[1-9]\d{3,5}000"  # a round sum
    )
    grouped = re.fullmatch(r"[1-9]\d{0,2}(?:[ .]\d{3})+", bare)
    return not grouped and not re.fullmatch(spoken_for, bare)


def address(text: str) -> bool:
    """Tell whether four numbers are an IPv4 address."""
    return all(int(part) < 256 for part in text.split("."))


def surely(text: str) -> bool:
    """Accept what the pattern found."""
    return True


EDGE = r"(?:\b|(?-u:\b))"  # a word ends here, also where a script without spaces goes on
LETTER = r"\p{Latin}\p{Greek}\p{Cyrillic}\p{M}"

# In order: what comes first claims its characters. Each with a pattern for polars and a check.
KINDS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "secret": (
        r"\b(?:sk-[A-Za-z0-9_\-]{16,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|xox[baprs]-[A-Za-z0-9\-]{10,}"
        r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,})"
        r"|(?i:\b(?:password|passwort|api key|secret)\s*[:=]\s*)\S{6,}",
        surely,
    ),
    "link": (r"\bhttps?://[^\s<>\"'\])]+", surely),
    "email": (rf"[{LETTER}0-9._%+\-]+@[{LETTER}0-9\-]+(?:\.[{LETTER}0-9\-]+)*\.[{LETTER}]{{2,}}", surely),
    "iban": (rf"{EDGE}[A-Z]{{2}}\d{{2}}(?: ?[A-Z0-9]{{4}}){{2,7}}(?: ?[A-Z0-9]{{1,3}})?{EDGE}", iban),
    "card": (rf"{EDGE}\d(?:[ \-]?\d){{12,18}}{EDGE}", luhn),
    "ssn": (rf"{EDGE}\d{{3}}-\d{{2}}-\d{{4}}{EDGE}", surely),
    "ip": (rf"{EDGE}\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}{EDGE}", address),
    "phone": (
        rf"(?:\+|{EDGE})\d{{1,4}}(?:[ .\-/]?\(?\d{{1,5}}\)?){{2,6}}{EDGE}"
        rf"|\(\d{{2,5}}\)[ .\-]?\d{{3,4}}(?:[ .\-]?\d{{2,5}}){{0,3}}{EDGE}",
        phone,
    ),
}
TOUCHING = ("secret", "link", "email")  # found even where letters touch them

NAME = r"\p{Lu}[\p{L}\p{M}'’\-]+(?:\s+\p{Lu}[\p{L}\p{M}'’\-]+)+"  # two or more capitalised words


def names_in(text: str, most: int = 4) -> list[str]:
    """Return what may be a name in a run of capitalised words: every two to `most` that follow each other.

    >>> names_in("When Marta Delacroix")
    ['When Marta', 'When Marta Delacroix', 'Marta Delacroix']
    """
    words = text.split()
    ends = range(2, most + 1)
    return [" ".join(words[i : i + n]) for i in range(len(words)) for n in ends if i + n <= len(words)]


def local_part(email: str) -> str:
    """Return the letters before the @, as `spellings` writes them."""
    return "".join(c for c in email.partition("@")[0].casefold() if c.isalpha())


def spellings(name: str) -> set[str]:
    """Return how an address may spell a name: whole, or with one part as its initial. Shorter than four letters: none.

    >>> local_part("m.delacroix@example.com") in spellings("Marta Delacroix")
    True
    >>> local_part("ann.lee-poe@example.com") in spellings("Ann Lee-Poe"), "ab" in spellings("Al Bo")
    (True, False)
    """
    parts = ["".join(c for c in part.casefold() if c.isalpha()) for part in name.split()]
    first, last = parts[0], "".join(parts[1:])
    forms = {first + last, last + first, first[:1] + last, last + first[:1], first + last[:1]}
    return {spelled for spelled in forms if len(spelled) > 3}
