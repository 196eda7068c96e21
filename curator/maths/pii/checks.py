"""Whether a string that has the shape of a number is one: check digits, and what shapes other things have."""

import ipaddress
import re


def digits_of(text: str) -> list[int]:
    """Return the decimal digits of a text, in order."""
    return [int(c) for c in text if c.isdecimal()]


def bare(text: str) -> str:
    """Return the letters and digits of a text, in capitals."""
    return "".join(c for c in text if c.isalnum()).upper()


def surely(text: str) -> bool:
    """Accept what the pattern found."""
    return True


def luhn(text: str) -> bool:
    """Tell whether the digits pass the check of payment cards (ISO/IEC 7812-1).

    >>> luhn("4242 4242 4242 4242"), luhn("4242 4242 4242 4241")
    (True, False)
    """
    digits = digits_of(text)[::-1]
    doubled = sum(sum(divmod(2 * d, 10)) for d in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + doubled) % 10 == 0


def card(text: str) -> bool:
    """Tell whether it is a payment card's number: an issuer's first digit, its length, and the Luhn check.

    >>> card("4242 4242 4242 4242"), card("978-3-16-148410-0")
    (True, False)
    """
    return bare(text)[:1] in set("23456") and luhn(text)


def iban(text: str) -> bool:
    """Tell whether an IBAN's check digits are right (ISO 13616: remainder 1 on division by 97).

    >>> iban("DE89 3704 0044 0532 0130 00"), iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    told = bare(text)
    return (
        told.isascii()
        and 15 <= len(told) <= 34
        and int("".join(str(int(c, 36)) for c in told[4:] + told[:4])) % 97 == 1
    )


def ssn(text: str) -> bool:
    """Tell whether the United States may have given this social security or taxpayer number; it has no check digit.

    >>> ssn("078-05-1120"), ssn("666-12-3456"), ssn("123-00-4567")
    (True, False, False)
    """
    area, group, serial = text[:3], text[4:6], text[7:]
    itin = area[0] == "9" and "50" <= group <= "99"
    return ((area not in ("000", "666") and area[0] != "9" and group != "00") or itin) and serial != "0000"


def nino(text: str) -> bool:
    """Tell whether the United Kingdom gives such prefixes to national insurance numbers; they have no check digit.

    >>> nino("QQ 12 34 56 C"), nino("AB 12 34 56 C"), nino("GB123456A")
    (False, True, False)
    """
    told = bare(text)
    excluded = {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}
    return told[0] not in "DFIQUV" and told[1] not in "DFIOQUV" and told[:2] not in excluded


def documented(text: str) -> bool:
    """Tell whether what follows a word such as "passport" has enough digits for a document's number.

    >>> documented("C01X0006H"), documented("2024")
    (True, False)
    """
    return len(digits_of(text)) >= 5


def phone(text: str) -> bool:
    """Tell whether digits look like a telephone number rather than a date, a sum, a range of years or times.

    Grouped as in the United States, the United Kingdom, Germany, Denmark; or international; or with a leading zero.

    >>> [phone(t) for t in ("+1 202 555 0147", "020 7946 0991", "2026-11-22", "10 000 000", "12-15")]
    [True, True, False, False, False]
    >>> [phone(t) for t in ("2019-2023", "09.00-17.30", "1 2 3 4 5 6 7", "1500000", "20 12 34 56")]
    [False, False, False, False, True]
    """
    told = re.sub(r"\s?(?:ext\.?|x|DW|Durchwahl)\s?\d{1,5}$", "", text.strip())
    digits = re.sub(r"\D", "", told)
    if not 7 <= len(digits) <= 15:
        return False
    if told.startswith("+"):
        return digits[0] != "0"
    if told[0] not in "(0123456789" or told[-1] not in ")0123456789" or _spoken_for(told, digits):
        return False
    if digits.startswith("00"):
        return len(digits) >= 10 and digits[2] != "0"
    if digits[0] == "0":
        return len(digits) <= 12 and (len(digits) >= 9 or not told.isdecimal())
    return bool(
        re.fullmatch(r"(?:1[ .\-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .\-])[2-9]\d\d[ .\-]\d{4}", told)
        or re.fullmatch(r"[2-9]\d\d[ \-.](?!\d?000)\d{4}|[2-9]\d(?: \d\d){3}|1[3-9]\d{9}", told)
    )


def _spoken_for(told: str, digits: str) -> bool:
    shapes = (
        r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}"  # dates
        r"|\d{1,2}\.\d{1,2}\.(?:\d{2,4})? ?- ?\d{1,2}\.\d{1,2}\.(?:\d{2,4})?"  # from a date to a date
        r"|(?:19|20)\d\d ?[-./ ] ?(?:19|20)\d\d"  # years
        r"|\d{1,2}\.\d\d ?- ?\d{1,2}\.\d\d"  # times
        r"|\d(?:\D\d){,8}"  # a row of single digits
        r"|0\.\d+(?:[ \-/.]+\d+)*"  # a fraction
        r"|\d{1,2}(?:\.\d{1,2})+"  # a version
    )
    return bool(re.fullmatch(shapes, told)) or digits in "0123456789012345"


def called(text: str) -> bool:
    """Tell whether what follows a word such as "call" may be a telephone number, also one without a known grouping.

    >>> called("4471203"), called("2026-11-22"), called("1000")
    (True, False, False)
    """
    digits = re.sub(r"\D", "", text)
    return 6 <= len(digits) <= 15 and not _spoken_for(text.strip(), digits)


def address(text: str) -> bool:
    """Tell whether it is an IP address of somebody: neither a version's number nor this very machine.

    >>> address("10.0.0.1"), address("version 1.2.3.4"), address("127.0.0.1"), address("2001:db8::7:1")
    (True, False, False, True)
    """
    try:
        told = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return not told.is_loopback and not told.is_unspecified and any(c.isdecimal() for c in text)


def personal_link(text: str) -> bool:
    """Tell whether a web address leads to a person, or opens something: a page for everybody stays.

    >>> personal_link("https://docs.python.org/3/library/re.html"), personal_link("https://x.org/?token=7f3a")
    (False, True)
    >>> personal_link("https://x.org/~ann"), personal_link("https://10.0.0.1/x"), personal_link("https://a:b@x.org")
    (True, True, True)
    """
    host, _, path = re.sub(r"^https?://", "", text, flags=re.I).partition("/")
    if "@" in host or "?" in host or re.match(r"[\d.]+(?::|$)|\[", host) or "@" in path or "~" in path:
        return True
    if re.search(r"[?#&;][^/]*=|\?[\w%.+\-]", path):
        return True
    owners = (
        r"(?:users?|people|profiles?|in|u|member|members|staff|team|home|mitarbeiter|benutzer|pub|meet|invite|share|j)"
    )
    if re.search(rf"(?:^|/){owners}/[^/\s]+", path, re.I) or re.match(_NETWORKS, host + "/" + path, re.I):
        return True
    return any(_random(part) for part in re.split(r"[/.]", path))


_NETWORKS = (
    r"(?:www\.|m\.)?(?:facebook\.com|instagram\.com|twitter\.com|x\.com|t\.me|wa\.me|calendly\.com|tiktok\.com)/\w"
)


def _random(part: str) -> bool:
    """Tell whether a part of a path looks like a key: long, and of letters and digits in turn."""
    turns = len(re.findall(r"\d[A-Za-z]|[A-Za-z]\d|[a-z][A-Z]", part))
    return len(part) >= 16 and turns >= 4


def street(text: str) -> bool:
    """Tell whether a German word that ends as streets do may be one.

    >>> street("Lindenweg 12"), street("Arbeitsplatz 12"), street("Monitoring 3")
    (True, False, False)
    """
    return not re.match(
        r"(?i)(?:\S*(?:arbeits|park|stell|lager|sitz|spiel|schreibtisch|rast|schlaf|steh|fenster|liege|ersatz"
        r"|studien|ausbildungs|kita|therapie|heim|pflege|vertriebs|instanzen|rechts|dienst|melde|eskalations|um|aus|flucht)"
        r"(?:platz|weg)\b|\S*(?:monito|enginee|onboa|refacto|offe|hea|struktu|manufactu|sponso|mento|cate|tuto)ring\b"
        r"|\S*(?:zwischen|erb|jah)ring\b"
        r"|(?:der|die|das|de[nms]|eine?[nmr]?|kein|unser|mein|dein|sein|ihr|jede[rn]|diese[rn]?|auf|vo[nm]|erste[rn]?"
        r"|zweite[rn]?|nächste[rn]?) (?:weg|platz|ring|damm|markt)\b)",
        text,
    )


def secret(text: str) -> bool:
    """Tell whether what follows a word such as "password" is one, and not a sentence about passwords.

    >>> secret("password: hunter22!"), secret("password is weak"), secret("Passwort lautet Sommer2024")
    (True, False, True)
    """
    cue = re.match(CUE_OF_SECRETS, text)
    if not cue:
        return True
    value = text[cue.end() :].strip("\"'„“”«»`")
    if len(value) < 4 or value.casefold().strip(".,;!?") in _NO_SECRETS:
        return False
    mixed = any(c.isdecimal() for c in value) and not re.fullmatch(r"\d{1,3}\D?", value)
    if re.search(r"[:=]\s*$", cue[0]):
        return len(value) >= 6 or mixed
    return mixed and (len(value) >= 6 or value.strip(".,").isdecimal())


# Understood by Python and by polars.
CUE_OF_SECRETS = (
    r"(?i:\b(?:password|passwd|pwd|passphrase|passcode|passwort|kennwort|zugangscode|api[ _\-]?key|secret(?:[ _\-]key)?"
    r"|private[ _\-]key|(?:access|auth|api|bearer)[ _\-]?token|token|client[ _\-]secret|pin|pin[ \-]?code)"
    r"(?: (?:for|für|to|zum|vom|of|the|das|den|new|neue) [\w\-]{1,20}){0,2}"
    r"\s{0,3}(?:[:=]|\b(?:is|ist|lautet|was|war)\b)(?: now| jetzt)?\s{0,3})"
)
_NO_SECRETS = {
    "required",
    "optional",
    "forgotten",
    "expired",
    "unchanged",
    "changed",
    "reset",
    "missing",
    "unknown",
    "vergessen",
    "abgelaufen",
    "erforderlich",
    "geändert",
    "geheim",
    "unbekannt",
    "fehlt",
    "pflicht",
    "notwendig",
    "nötig",
    "redacted",
    "hidden",
    "never",
    "nobody",
    "nothing",
    "none",
}
