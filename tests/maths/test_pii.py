import re
import time
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.maths.pii import KINDS, TAG, form, iban, local_part, luhn, names_in, phone, spellings, tag
from curator.maths.replacing import Wanted, fold, replace

LONG = 60_000  # characters
SLOWEST = 2.0  # seconds for all patterns over one hostile text; a quadratic one would take minutes


def hits(kind: str, text: str) -> list[str]:
    pattern, sure = KINDS[kind]
    return [hit for hit in pl.Series([text]).str.extract_all(pattern)[0].to_list() if sure(hit)]


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("email", "Write to m.ellingham@example.org, please", ["m.ellingham@example.org"]),
        ("email", "请联系foo@example.com谢谢", ["foo@example.com"]),
        ("email", "Jörg: jörg.müller@büro.example", ["jörg.müller@büro.example"]),
        ("email", "an @ sign, and user@localhost", []),
        ("phone", "ring +1 202 555 0147 or 020 7946 0381", ["+1 202 555 0147", "020 7946 0381"]),
        ("phone", "电话13800138000说", ["13800138000"]),
        ("phone", "(020) 7946 0381", ["(020) 7946 0381"]),
        ("phone", "on 2026-11-22, 22.11.2026, from 2019-2023, for 10 000 000 or 1500000", []),
        ("phone", "forty minutes, 2 weeks, 09.00-17.30, rooms 1 2 3 4 5 6 7", []),
        ("card", "4242 4242 4242 4242 but not 4242 4242 4242 4241", ["4242 4242 4242 4242"]),
        ("iban", "DE89 3704 0044 0532 0130 00 but not DE88370400440532013000", ["DE89 3704 0044 0532 0130 00"]),
        ("ssn", "078-05-1120", ["078-05-1120"]),
        ("ip", "from 10.0.0.1 to 10.0.0.256", ["10.0.0.1"]),
        ("link", "see https://example.org/a?b=c (there)", ["https://example.org/a?b=c"]),
        ("secret", "the password: hunter22!", ["password: hunter22!"]),
        ("secret", "AKIAIOSFODNN7EXAMPLE", ["AKIAIOSFODNN7EXAMPLE"]),
        ("secret", "the secret is out: nobody knew", []),
    ],
)
def test_each_kind_finds_its_own_and_leaves_the_rest(kind: str, text: str, found: list[str]) -> None:
    assert hits(kind, text) == found


@given(st.integers(10**12, 10**18))
def test_of_ten_check_digits_luhn_takes_exactly_one(number: int) -> None:
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == (1 if len(str(number)) < 19 else 0)


@given(st.integers(0, 17), st.integers(0, 8))
def test_one_wrong_digit_is_never_a_good_iban(place: int, shift: int) -> None:
    digits = "370400440532013000"
    wrong = digits[:place] + str((int(digits[place]) + 1 + shift) % 10) + digits[place + 1 :]

    assert iban("DE89" + digits)
    assert not iban("DE89" + wrong)


def test_known_ibans_pass_and_short_ones_do_not() -> None:
    assert [iban(t) for t in ("GB82 WEST 1234 5698 7654 32", "FR14 2004 1010 0505 0001 3M02 606", "DE89")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("+44 20 7946 0381", True),
        ("0171 1234567", True),
        ("20 12 34 56", True),
        ("555 0147", True),
        ("12.03.2025", False),
        ("1 000 000", False),
        ("1998/1999", False),
        ("123456", False),
        ("1234567890123456", False),
    ],
)
def test_what_is_a_telephone_number(text: str, is_one: bool) -> None:
    assert phone(text) is is_one


def test_a_tag_is_the_same_for_the_same_person_and_another_with_another_key() -> None:
    one = tag(b"k", "person", "Sinéad O'Brien")

    assert re.fullmatch(TAG, one)
    assert tag(b"k", "person", "sine\u0301ad  O’BRIEN") == one
    assert tag(b"other", "person", "Sinéad O'Brien") != one
    assert tag(b"k", "email", "Sinéad O'Brien")[7:] != one[8:]


def test_forms_fold_what_a_keyboard_changes() -> None:
    assert form(" Straße ") == form("STRASSE")
    assert form("Lee\u2010Poe") == form("lee-poe")
    assert form("Irmak") == form("ırmak")


def test_an_address_spells_a_name_whole_or_with_an_initial() -> None:
    told = spellings("Marguerite Ellison-Voss")

    for email in ("marguerite.ellisonvoss@x.org", "m.ellison-voss@x.org", "ellison_voss_m@x.org"):
        assert local_part(email) in told
    assert local_part("voss@x.org") not in told
    assert spellings("Al Bo") == {"albo", "boal"}, "anything shorter could be any word"


def test_a_title_before_a_name_does_not_hide_it() -> None:
    assert "Curtis Vandermeer" in names_in("Nurse Curtis Vandermeer")


def test_the_longest_of_what_is_wanted_wins_and_a_tag_is_never_opened() -> None:
    wanted = [Wanted("Ann", "<1>"), Wanted("Ann Bell", "<2>"), Wanted("person", "<3>")]

    text, found = replace("Ann Bell met Ann, said [person bbbbcccc].", wanted)

    assert text == "<2> met <1>, said [person bbbbcccc]."
    assert [one.value for one in found] == ["<2>", "<1>"]


@pytest.mark.parametrize(
    ("name", "text", "after"),
    [
        ("Anna Groß", "Frau Anna Groß und ANNA GROß", "Frau <x> und <x>"),
        ("Deniz Irmak", "DENIZ ıRMAK kam", "<x> kam"),
        ("Sinéad O'Brien", "Sinéad O’Brien’s rota", "<x>’s rota"),
        ("Ann Bell", "Ann\n  Bell, Joann Bell, Ann Bells", "<x>, Joann Bell, Ann Bells"),
        ("王小明", "我问王小明说什么", "我问<x>说什么"),
        ("Marta Delacroix", "联系Marta Delacroix吧", "联系<x>吧"),
        ("Νίκος Παππάς", "ΝΊΚΟΣ ΠΑΠΠΆΣ ήρθε", "<x> ήρθε"),
        ("İrem Yıldız", "İrem Yıldız geldi", "<x> geldi"),
    ],
)
def test_names_are_found_as_people_write_them(name: str, text: str, after: str) -> None:
    assert replace(text, [Wanted(name, "<x>")])[0] == after


def test_an_everyday_word_is_a_name_only_as_it_is_written() -> None:
    assert replace("will Will go?", [Wanted("Will", "<x>", exact=True)])[0] == "will <x> go?"


@given(st.text(max_size=80))
def test_folding_says_where_each_character_stood(text: str) -> None:
    folded, places = fold(text)

    assert len(folded) == len(places)
    assert list(places) == sorted(set(places))
    assert "  " not in folded
    assert all(folded[i].isspace() == text[place].isspace() for i, place in enumerate(places))


@given(st.text(alphabet="ab A", max_size=40), st.lists(st.text(alphabet="abA", min_size=1, max_size=3), max_size=4))
def test_replacing_twice_is_replacing_once(text: str, names: list[str]) -> None:
    wanted = [Wanted(name, "[person bcdfghjk]") for name in names]

    once, _ = replace(text, wanted)

    assert replace(once, wanted) == (once, [])


HOSTILE: dict[str, Callable[[], str]] = {
    "digits": lambda: "1" * LONG,
    "digits and spaces": lambda: "1 " * (LONG // 2),
    "digits and dots": lambda: "1." * (LONG // 2),
    "brackets": lambda: "(1" * (LONG // 2),
    "at signs": lambda: "a@" * (LONG // 2),
    "dots after an at": lambda: "a@" + "a." * (LONG // 2),
    "letters": lambda: "a" * LONG,
    "capitals": lambda: "Aa " * (LONG // 3),
    "one long name": lambda: "A" + "a" * LONG,
    "spaces": lambda: "Ann" + " " * LONG,
    "passwords": lambda: "password:" * (LONG // 9),
    "keys": lambda: "eyJaaaaaaaaa." * (LONG // 13),
    "ibans": lambda: "DE89 3704 " * (LONG // 10),
    "links": lambda: "https://" * (LONG // 8),
    "dashes": lambda: "1-" * (LONG // 2),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_no_pattern_takes_long_over_a_hostile_text(shape: str) -> None:
    text = pl.Series([HOSTILE[shape]()])
    start = time.process_time()

    for pattern, sure in KINDS.values():
        for hit in text.str.extract_all(pattern).explode().drop_nulls().to_list():
            sure(hit)

    assert time.process_time() - start < SLOWEST


@pytest.mark.parametrize("shape", HOSTILE)
def test_replacing_takes_no_time_over_a_hostile_text(shape: str) -> None:
    wanted = [
        Wanted("Ann Bell", "<x>"),
        Wanted("a a", "<y>"),
        Wanted("1" * 20, "<z>"),
        Wanted("A a", "<w>", exact=True),
    ]
    start = time.process_time()

    replace(HOSTILE[shape](), wanted)

    assert time.process_time() - start < SLOWEST
