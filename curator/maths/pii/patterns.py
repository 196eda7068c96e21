"""The shapes of structured personal data, for polars' linear engine; each with the check that decides."""

from collections.abc import Callable

from curator.maths.pii.checks import (
    CUE_OF_SECRETS,
    address,
    called,
    card,
    documented,
    iban,
    nino,
    personal_link,
    phone,
    secret,
    ssn,
    street,
    surely,
)
from curator.maths.pii.national import national, taxid

EDGE = r"(?:\b|(?-u:\b))"  # a word ends here, also where a script without spaces goes on
LETTER = r"\p{Latin}\p{Greek}\p{Cyrillic}\p{M}"
_SEP = r"[ .\-]?"
_WORD = r"\p{Lu}[\p{L}\p{M}'’\-]*"

# By length, the countries whose IBAN has it (SWIFT's register): a number never runs on into the next word.
_IBANS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "PT", 26: "IS TR", 27: "FR GR IT MC SM", 28: "AL AZ CY DO GT HU LB PL", 29: "BR EG PS QA UA",
}  # fmt: skip
_IBAN = "|".join(
    f"(?:{'|'.join(_SEP.join(land) for land in lands.split())})(?:{_SEP}[0-9]){{2}}(?:{_SEP}[A-Z0-9]){{{length - 4}}}"
    for length, lands in _IBANS.items()
)

_KEYS = (
    r"\b(?:sk[-_](?:[a-z]+[-_])*[A-Za-z0-9_\-]{16,}|[rp]k_(?:live|test)_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_\-]{16,}|A[KS]IA[0-9A-Z]{16}|xox[abeprs]-[A-Za-z0-9\-]{10,}"
    r"|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{30,}|AIza[A-Za-z0-9_\-]{35}"
    r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,})"
    r"|(?i:\bbearer )[A-Za-z0-9_\-.=]{20,}"
    r"|\b[A-Z0-9_]{0,40}(?:SECRET|TOKEN|PASSWORD|PASSWD|API_KEY|ACCESS_KEY|PRIVATE_KEY)[A-Z0-9_]{0,20}=[^\s\[\]]{8,}"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[A-Za-z0-9+/=\s]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"
)

_LINK = (
    r"(?i:\bhttps?://)[^\s<>\"'\])]+"
    r"|(?i:\b(?:[a-z]{2,3}\.|www\.)?(?:linkedin\.com/in|xing\.com/profile|facebook\.com|instagram\.com|t\.me|wa\.me"
    r"|calendly\.com)/)[^\s<>\"'\])]+"
)

# What numbers other than telephones are introduced by, or measured in.
_OTHERS = (
    r"(?i:\b(?:order|orders|invoice|ticket|case|ref|reference|isbn|issn|ean|imei|serial|sku|po|part|article|item|batch"
    r"|lot|version|release|build|rfc|iso|din|tracking|parcel|asset|contract|policy|bestellung|bestellnummer|rechnung"
    r"|rechnungsnummer|auftrag|auftragsnummer|artikel|artikelnummer|vorgang|aktenzeichen|kundennummer|seriennummer"
    r"|inventarnummer|sendung|sendungsnummer|charge|vertrag|vertragsnummer|ticketnummer|fall|konto|blz|bic)"
    r"(?:[ \-]?(?:no|number|nr|id|code|nummer))?[.:#]{0,2}[ \-]?[#:]?(?:[A-Z]{1,5}[ \-])?)"
    r"|\b[A-Z]{1,5}-|#|[€$£] ?|\d[,:]"
)
_MEASURED = r" ?(?:[€$£%]|,\d|:\d|(?i:(?:eur|euro|usd|gbp|chf|km|ms|kb|mb|gb|kg|rows|zeilen|steps|people|stück)\b))"
_PHONE = (
    rf"(?:{_OTHERS})?(?:(?:\+ ?|{EDGE})\d{{1,4}}(?:(?: ?[.\-/] ?| )?\(?\d{{1,5}}\)?){{2,14}}"
    rf"|\(\+?\d{{2,5}}\)[ .\-]?\d{{2,5}}(?:[ .\-/]?\d{{2,5}}){{0,4}}){EDGE}"
    rf"(?: ?(?:ext\.? ?|x|DW ?|Durchwahl )\d{{1,5}}{EDGE})?(?:{_MEASURED})?"
)

_ID = "|".join(
    (
        r"\d{2} ?\d{6} ?[A-Z] ?\d{2} ?\d",  # Rentenversicherungsnummer
        r"[A-Z] ?\d{3} ?\d{3} ?\d{3}",  # Krankenversichertennummer
        rf"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{{8}}{_SEP}\d",  # Personalausweis
        r"[12] ?\d\d ?\d\d ?\d\d ?\d{3} ?\d{3} ?\d\d",  # NIR
        rf"[XYZ]?{_SEP}\d{{7,8}}{_SEP}[A-Z]",  # DNI, NIE
        r"[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]",  # codice fiscale
        rf"756{_SEP}\d{{4}}{_SEP}\d{{4}}{_SEP}\d\d",  # AHV
        r"\d{3}\.\d{3}\.\d{3}-\d\d",  # CPF
    )
)

_STREETS = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Close|Court|Ct|Place|Square|Sq|Terrace|Way|Crescent"
    r"|Gardens|Grove|Row|Mews|Hill|Parkway|Pkwy|Highway|Hwy|Circle|Quay|Walk|Green|Rise)"
)
_UK_CODE, _US_CODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", r"(?:[A-Z]{2}|[A-Z]\p{Ll}+) \d{5}(?:-\d{4})?"
_TOWN = rf"(?:,? (?:{_WORD},? ){{0,4}}(?:{_UK_CODE}|{_US_CODE})\b)?"
_HOUSE = r" ?\d{1,3}(?: ?[a-hA-H]\b)?(?: ?[\-/–] ?\d{1,3} ?[a-h]?\b)?"
_ORT = rf"(?:,? (?:D-)?\d{{4,5}} {_WORD}(?: (?:am|an der|im|\(?{_WORD}\)?)\b){{0,2}})"
_ADDRESS = (
    rf"\b(?:(?i:flat|apartment|apt\.?|unit|suite) \d{{1,4}}[A-Za-z]?,? )?\d{{1,5}}[A-Za-z]? (?:[NSEW]\.? )?"
    rf"(?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)|of|the)\.? ){{1,4}}{_STREETS}\b\.?"
    rf"(?:,? (?i:apt|apartment|flat|unit|suite)\.? ?#?\w{{1,5}}\b)?{_TOWN}"
    rf"|\b(?:\p{{Lu}}[\p{{L}}\-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|stieg|steig|pfad)"
    rf"|(?:{_WORD}[ \-]){{1,3}}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer|Chaussee)){_HOUSE}{_ORT}?"
    rf"|\b(?:(?:Am|An de[rn]|Im|In de[rn]|Auf de[rm]|Unter den|Zum|Zur|Hinter der) (?:{_WORD} )?)?{_WORD}{_HOUSE}{_ORT}"
    rf"|\b(?:P\.? ?O\.? Box|Postfach) \d{{2,3}}(?: ?\d{{2,3}}){{0,2}}\b{_ORT}?"
)

# In order: what comes first claims its characters. Each with a pattern for polars and a check.
KINDS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "link": (_LINK, personal_link),
    "secret": (rf"{_KEYS}|{CUE_OF_SECRETS}\S{{4,}}|\bPIN \d{{4,8}}\b", secret),
    "email": (
        rf"[{LETTER}0-9._%+\-]+(?:'[{LETTER}0-9._%+\-]+)?@[{LETTER}0-9\-]+(?:\.[{LETTER}0-9\-]+)*\.[{LETTER}]{{2,}}",
        surely,
    ),
    "iban": (rf"{EDGE}(?i:{_IBAN}){EDGE}", iban),
    "card": (rf"{EDGE}\d(?:[ .\-]?\d){{12,18}}{EDGE}", card),
    "taxid": (rf"{EDGE}\d\d ?\d{{3}} ?\d{{3}} ?\d{{3}}{EDGE}", taxid),
    "nino": (rf"{EDGE}(?i:[A-Z]{{2}}(?:[ \-]?\d\d){{3}}[ \-]?[A-D]){EDGE}", nino),
    "id": (rf"{EDGE}(?:{_ID}){EDGE}", national),
    "ssn": (rf"{EDGE}\d{{3}}-\d{{2}}-\d{{4}}{EDGE}", ssn),
    "ip": (
        r"(?i:\b(?:version|release|build|v|section|chapter|kapitel|abschnitt)[ .]{0,2})?"
        rf"(?:{EDGE}\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}{EDGE}"
        r"|(?i:\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}\b|\b(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?:%\w+)?\b))",
        address,
    ),
    "address": (_ADDRESS, street),
    "phone": (_PHONE, phone),
}
TOUCHING = ("secret", "link", "email")  # found even where letters touch them

_MONTH = (
    r"(?i:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_DATE = (
    r"(?:\d{4}[./\-]\d{1,2}[./\-]\d{1,2}|\d{1,2} ?[./\-] ?\d{1,2} ?[./\-] ?(?:19|20)?\d\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of)? ?{_MONTH},? ?(?:19|20)\d\d"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d)"
)
_BORN = (
    r"(?i:\b(?:born|date of birth|birth ?date|d\.?o\.?b\.?|birthday|geb\.?|geboren|geburtsdatum|geburtstag|né|née)"
    r"|\*)(?i:[ :=(]{1,2}(?:(?:is|was|ist|war|on|am|the|der|den|falls on|lautet|:) ?){0,3})[\s:]{0,2}"
)
_DOCUMENT = (
    r"(?i:\b(?:passport|reisepass|reisepassnummer|personalausweis|ausweis|ausweisnummer|ssn|social security|nhs|bsn"
    r"|pesel|national id|national insurance|driving licence|driver'?s licen[cs]e|führerschein|führerscheinnummer"
    r"|tax id|itin"
    r"|steuernummer|steuer-?id|sozialversicherungsnummer|sv-nummer|rentenversicherungsnummer|krankenversichertennummer"
    r"|versichertennummer)\b\.?(?: (?:no|number|nr|nummer|id|is|ist|lautet|was|war)\b\.?){0,3}[ :#]{1,2})"
)
_CALL = (
    r"(?i:\b(?:tel|telefon|telefonnummer|phone|call|called|ring|rang|mobile|cell|fax|handy|handynummer|mobil|mobilnummer"
    r"|durchwahl|extension|ext|whatsapp|sms|dial|rufnummer|nummer lautet|number is|erreichbar unter|anrufen unter)\b\.?"
    r"(?: (?:me|him|her|us|them|on|at|is|ist|unter|number|no|nummer|lautet)\b\.?){0,3}[ :]{1,2})"
)

# What only the words around it betray: (kind, before, pattern, after, check). These words stay in the text.
# Understood by Python too, which takes them off again.
CUED: tuple[tuple[str, str, str, str, Callable[[str], bool]], ...] = (
    ("dob", _BORN, rf"{_DATE}\b", "", surely),
    ("dob", r"\b", _DATE, r" (?:in \w{1,30} )?(?i:geboren|geb\.)", surely),
    (
        "ssn",
        r"(?i:\b(?:ssn|social security(?: number| no\.?)?)(?: is)?[ :#]{1,2})",
        r"\d{3} ?\d{2} ?\d{4}\b",
        "",
        surely,
    ),
    ("id", _DOCUMENT, r"[A-Z0-9](?:[ \-/.]?[A-Z0-9]){5,17}\b", "", documented),
    ("phone", _CALL, r"[+(]{0,2}\d[\d \-./()]{4,20}\d\b", "", called),
)
