"""Check digits of the numbers by which nations count people."""

import re

from curator.maths.pii.checks import bare, digits_of


def taxid(text: str) -> bool:
    """Tell whether it is a German Steuer-ID: one digit twice or thrice among ten, then ISO 7064 MOD 11,10.

    >>> taxid("86 095 742 719"), taxid("86095742718"), taxid("12345678903")
    (True, False, False)
    """
    digits = digits_of(text)
    counts = sorted(digits[:10].count(d) for d in set(digits[:10]))
    if len(digits) != 11 or digits[0] == 0 or counts[-1] not in (2, 3) or counts[:-1].count(1) != len(counts) - 1:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[10]


def _pension(told: str) -> bool:
    """German Rentenversicherungsnummer: weights over digits and the letter's place in the alphabet."""
    if not re.fullmatch(r"\d{8}[A-Z]\d{3}", told):
        return False
    digits = digits_of(told[:8] + f"{ord(told[8]) - 64:02}" + told[9:11])
    total = sum(sum(divmod(d * w, 10)) for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return total % 10 == int(told[11])


def _insured(told: str) -> bool:
    """German Krankenversichertennummer: a letter and nine digits, the last by weights 1 and 2."""
    if not re.fullmatch(r"[A-Z]\d{9}", told):
        return False
    digits = digits_of(f"{ord(told[0]) - 64:02}" + told[1:9])
    return sum(sum(divmod(d * (1 + i % 2), 10)) for i, d in enumerate(digits)) % 10 == int(told[9])


def _identity_card(told: str) -> bool:
    """German Personalausweis or passport: nine places and a check digit by weights 7, 3, 1 (ICAO 9303)."""
    if not re.fullmatch(r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d", told) or len(digits_of(told)) < 5:
        return False
    return sum(int(c, 36) * (7, 3, 1)[i % 3] for i, c in enumerate(told[:9])) % 10 == int(told[9])


def _nir(told: str) -> bool:
    """French numéro de sécurité sociale: 97 minus the remainder of the first thirteen digits."""
    if not re.fullmatch(r"[12]\d{14}", told):
        return False
    return 97 - int(told[:13]) % 97 == int(told[13:])


def _dni(told: str) -> bool:
    """Spanish DNI or NIE: a letter by the remainder on division by 23."""
    if not re.fullmatch(r"[XYZ\d]\d{7}[A-Z]", told):
        return False
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(told[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == told[-1]


def _codice(told: str) -> bool:
    """Italian codice fiscale: a letter by the sum of odd and even places."""
    if not re.fullmatch(r"[A-Z]{6}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z]", told):
        return False
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    places = [int(c) if c.isdecimal() else ord(c) - 65 for c in told[:15]]
    return (sum(odd[p] for p in places[::2]) + sum(places[1::2])) % 26 == ord(told[15]) - 65


def _ahv(told: str) -> bool:
    """Swiss AHV number: 756 and the check digit of an EAN-13."""
    digits = digits_of(told)
    return bool(re.fullmatch(r"756\d{10}", told)) and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def _cpf(told: str) -> bool:
    """Brazilian CPF: two check digits by falling weights modulo 11."""
    digits = digits_of(told)
    if len(told) != 11 or len(digits) != 11 or len(set(digits)) == 1:
        return False
    sums = [sum(d * (n + 1 - i) for i, d in enumerate(digits[:n])) * 10 % 11 % 10 for n in (9, 10)]
    return sums == digits[9:]


def national(text: str) -> bool:
    """Tell whether the check digit of some nation's number is right: German, French, Spanish, Italian and others.

    >>> [national(t) for t in ("65 170839 J 003", "A123456780", "L01X00T471", "2 55 08 14 168 025 38", "12345678Z")]
    [True, True, True, True, True]
    >>> [national(t) for t in ("RSSMRA85T10A562S", "756.9217.0769.85", "529.982.247-25", "12345678A")]
    [True, True, True, False]
    """
    told = bare(text)
    return any(check(told) for check in (_pension, _insured, _identity_card, _nir, _dni, _codice, _ahv, _cpf))
