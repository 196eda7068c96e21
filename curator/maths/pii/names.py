"""How people and addresses spell a name."""

import re
import unicodedata

NAME = r"\p{Lu}[\p{L}\p{M}'’\-]+(?:\s+\p{Lu}[\p{L}\p{M}'’\-]+)+"  # two or more capitalised words
_TITLE = (
    "Mr Mrs Ms Miss Mx Dr Prof Professor Nurse Sister Frau Fr Herrn? Hr Kollegin Kollegen? Schwester Pfleger"
).replace(" ", "|")
TITLED = rf"\b(?:{_TITLE})\.? \p{{Lu}}[\p{{L}}\p{{M}}'’\-]+"  # what says that a person of this name is in the story
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "oe"})


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


def aliases(name: str) -> set[str]:
    """Return other ways to write a full name that can hardly mean anything else.

    >>> sorted(aliases("Jörg Groß"))[:4]
    ['Gross J.', 'Gross Joerg', 'Gross, J.', 'Gross, Joerg']
    >>> "J. Gross" in aliases("Jörg Groß"), "joerg.gross" in aliases("Jörg Groß"), aliases("Will")
    (True, True, set())
    """
    found: set[str] = set()
    for spelled in {name, name.translate(_GERMAN), _bare(name)}:
        words = spelled.split()
        if len(words) < 2:
            found.add(spelled)
            continue
        first, last = words[0], words[-1]
        rest = " ".join(words[1:])
        found |= {spelled, f"{first} {last}"}
        for family in {rest, last}:
            found |= {f"{family}, {first}", f"{family} {first}", f"{first[0]}. {family}", f"{first[0]}.{family}"}
            found |= {f"{family}, {first[0]}.", f"{family} {first[0]}."}
        found |= {f"{first}{mark}{last}" for mark in "._-"} | {f"{first[0]}.{last}", f"{first} {last[0]}."}
        found |= {f"{first[0]}{last}"} if len(last) > 4 else set()
    handles = {re.sub(r"[^\w.\-]", "", one).casefold() for one in found if " " not in one and len(name.split()) > 1}
    spaced = {one for one in found if " " in one or len(name.split()) == 1}
    return {one for one in spaced | handles if len(one) > 3} - {name}


def titled(words: str) -> str:
    """Return the family name behind a title, in small letters.

    >>> titled("Frau Groß"), titled("Dr. O'Brien")
    ('gross', "o'brien")
    """
    return words.split()[-1].casefold()


def _bare(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
