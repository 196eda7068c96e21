"""Personal data in text: patterns with their checksums, and the tags that stand in its place.

All patterns run on a linear engine (polars, Rust regex): a backtracking one takes seconds on hostile text.
"""

from curator.maths.pii.checks import iban, luhn, phone
from curator.maths.pii.disguise import DISGUISED, VEILED, unveil
from curator.maths.pii.names import NAME, TITLED, aliases, local_part, names_in, spellings, titled
from curator.maths.pii.patterns import CUED, KINDS, TOUCHING
from curator.maths.pii.tags import ALIKE, TAG, form, tag

__all__ = [
    "ALIKE",
    "CUED",
    "DISGUISED",
    "KINDS",
    "NAME",
    "TAG",
    "TITLED",
    "TOUCHING",
    "VEILED",
    "aliases",
    "form",
    "iban",
    "local_part",
    "luhn",
    "names_in",
    "phone",
    "spellings",
    "tag",
    "titled",
    "unveil",
]
