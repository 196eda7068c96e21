import json
import re
import time

import polars as pl

from curator.maths.pii import tag
from curator.pack import find_pack, load_pack
from curator.stage import Given
from curator.stages.redact import redact
from tests.conftest import rows

KEY = b"k" * 32
MARTA = tag(KEY, "person", "Marta Delacroix")


def clean(given: Given, *texts: str, people: list[str] | None = None) -> list[str]:
    """Each text the analysis of one answer; all are about one scenario."""
    told = rows(**{f"r{n}": text for n, text in enumerate(texts)})
    return redact(told, given=given, people=people, names="off").rows["analysis"].to_list()


def test_a_known_person_becomes_the_same_tag_in_every_telling(known: Given) -> None:
    assert clean(known, "Marta Delacroix left.", "I saw MARTA  DELACROIX's note.") == [
        f"{MARTA} left.",
        f"I saw {MARTA}'s note.",
    ]


def test_the_tag_is_the_same_in_another_dataset_and_another_with_another_key(known: Given) -> None:
    assert clean(known, "Marta Delacroix left.") == clean(known, "Marta Delacroix left.")
    assert clean(Given(key=b"other", people=known.people), "Marta Delacroix left.") != [f"{MARTA} left."]


def test_a_single_name_is_replaced_where_the_person_is_in_the_story_and_nowhere_else(known: Given) -> None:
    told = rows(
        a={
            "situation": "Marta Delacroix moved the shift.",
            "analysis": "Marta asked nobody; Mrs Delacroix never does.",
        },
        b={"situation": "Somebody else moved it.", "analysis": "Marta is a town in Italy."},
    )

    after = redact(told, given=known, names="off").rows["analysis"].to_list()

    assert after == [f"{MARTA} asked nobody; Mrs {MARTA} never does.", "Marta is a town in Italy."]


def test_half_of_a_double_name_is_replaced_too() -> None:
    one = tag(KEY, "person", "Wilhelmina Trask-Odell")

    assert clean(
        Given(key=KEY), "Wilhelmina Trask-Odell spoke.", "Ms Trask spoke.", people=["Wilhelmina Trask-Odell"]
    ) == [
        f"{one} spoke.",
        f"Ms {one} spoke.",
    ]


def test_small_words_inside_a_name_stay_words() -> None:
    after = clean(Given(key=KEY), "Jan van der Berg took the van.", people=["Jan van der Berg"])

    assert after == [f"{tag(KEY, 'person', 'Jan van der Berg')} took the van."]


def test_a_name_that_two_people_bear_gets_a_tag_of_its_own() -> None:
    given = Given(key=KEY)
    after = clean(given, "Ann Bell met Ben Bell.", "Bell was late, said Ann.", people=["Ann Bell", "Ben Bell"])

    ann, ben, bell = (tag(KEY, "person", name) for name in ("Ann Bell", "Ben Bell", "Bell"))
    assert after == [f"{ann} met {ben}.", f"{bell} was late, said {ann}."]


def test_a_person_of_one_name_is_not_every_such_word(known: Given) -> None:
    assert clean(known, "They will see what Will does.") == [f"They will see what {tag(KEY, 'person', 'Will')} does."]


def test_a_blank_name_replaces_nothing() -> None:
    assert clean(Given(key=KEY), "Nothing to see.", people=["", "  "]) == ["Nothing to see."]


def test_a_name_that_an_address_spells_out_is_found_without_a_list() -> None:
    given = Given(key=KEY)
    person, email = tag(KEY, "person", "Curtis Vandermeer"), tag(KEY, "email", "c.vandermeer@example.com")

    assert clean(given, "Nurse Curtis Vandermeer wrote c.vandermeer@example.com.", "Mr Vandermeer, that is.") == [
        f"Nurse {person} wrote {email}.",
        f"Mr {person}, that is.",
    ]


def test_an_address_alone_brings_its_owner_into_the_story() -> None:
    given = Given(key=KEY)
    told = rows(
        a={"situation": "Two of us.", "analysis": "Curtis Vandermeer: c.vandermeer@example.com"},
        b={"situation": "Mail from c.vandermeer@example.com.", "analysis": "Curtis again."},
    )

    assert (
        redact(told, given=given, names="off").rows["analysis"][1]
        == f"{tag(KEY, 'person', 'Curtis Vandermeer')} again."
    )


def test_every_structured_kind_gets_its_own_tag() -> None:
    text = (
        "ring 020 7946 0381 or a@b.example, pay DE89 3704 0044 0532 0130 00 with 4242 4242 4242 4242, "
        "see https://example.org/?token=x7, from 10.0.0.1, id 078-05-1120, password: hunter22"
    )

    after = clean(Given(key=KEY), text)[0]

    assert re.sub(r"\[(\w+) [a-z]{8}\]", r"<\1>", after) == (
        "ring <phone> or <email>, pay <iban> with <card>, see <link>, from <ip>, id <ssn>, <secret>"
    )


def test_dates_sums_and_other_numbers_stay() -> None:
    text = "On 2026-11-22 at 09.00-17.30, forty minutes, 10 000 000 pounds, 2019-2023, rooms 1 2 3 4 5 6 7."

    assert clean(Given(key=KEY), text) == [text]


def test_texts_in_scripts_without_spaces_are_redacted_too() -> None:
    given = Given(key=KEY)
    email, name = tag(KEY, "email", "foo@example.com"), tag(KEY, "person", "王小明")

    assert clean(given, "请联系foo@example.com谢谢", "我问王小明说什么", people=["王小明"]) == [
        f"请联系{email}谢谢",
        f"我问{name}说什么",
    ]


def test_all_texts_are_looked_at_and_what_was_found_is_counted(known: Given) -> None:
    told = rows(
        a={
            "situation": "Marta Delacroix wrote.",
            "context": "From m.delacroix@example.com.",
            "analysis": "Fine by me, really.",
            "rejected": "Ring 020 7946 0381.",
        }
    )

    outcome = redact(told, given=known, names="off")

    whole = " ".join(outcome.rows.select("situation", "context", "analysis", "rejected").row(0))
    for secret in ("Marta", "Delacroix", "delacroix@", "7946"):
        assert secret not in whole
    assert outcome.decisions.select("id", "action", "reason", "because", "score").rows() == [
        ("a", "edit", "personal data", "1 email, 1 person, 1 phone replaced", 3.0)
    ]
    assert outcome.measures == {"found": {"email": 1, "person": 1, "phone": 1}, "names": "off"}


def test_twice_is_once_even_behind_the_word_password(known: Given) -> None:
    told = rows(
        a="password: +1 202 555 0147 and Marta Delacroix, Marta", b="see https://x.example/[person bbbbcccc] ok"
    )
    once = redact(told, given=known, names="off").rows

    again = redact(once, given=known, names="off")

    assert again.rows.equals(once)
    assert again.decisions.is_empty()


def test_only_texts_change() -> None:
    told = rows(a={"analysis": "Marta was here", "team": "Marta", "domain": "Marta"})

    after = redact(told, given=Given(key=KEY), people=["Marta"], names="off").rows

    assert after.drop("analysis").equals(told.drop("analysis"))


def test_thousands_of_people_and_numbers_are_no_trouble() -> None:
    told = pl.concat(
        [
            rows(
                **{
                    f"r{n}": {
                        "situation": f"Story {n // 4}",
                        "analysis": f"Asks Ada{n:04d} Poe{n:04d}, p{n}@example.com, +1 202 555 {n:04d} about it "
                        + "w " * 60,
                    }
                    for n in range(start, start + 500)
                }
            )
            for start in range(0, 3000, 500)
        ]
    )
    everybody = [f"Ada{n:04d} Poe{n:04d}" for n in range(3000)]
    start = time.process_time()

    found = redact(told, given=Given(key=KEY), people=everybody, names="off").measures["found"]

    assert found == {"email": 3000, "person": 3000, "phone": 3000}
    assert time.process_time() - start < 60


def test_a_hostile_text_is_redacted_in_a_moment() -> None:
    shapes = ["a@b" * 20_000, "1 " * 30_000, "Aa " * 20_000, "Marta" + " " * 60_000, "x@y.zz " * 8_000]
    shapes.append(" ".join(f"a{n}@b.co" for n in range(6_000)))
    start = time.process_time()

    clean(Given(key=KEY), *shapes, people=["Marta Delacroix", "Aa Aa Aa"])

    assert time.process_time() - start < 12


def test_what_the_pack_asks_for_beside_the_usual_is_redacted_and_the_rest_left_to_the_dataset() -> None:
    pack = load_pack(find_pack("relationship", []))
    extra = {"repair": "Marta could ring 020 7946 0381.", "note": "Marta", "task": 7}
    told = rows(a={"extra": json.dumps(extra), "analysis": "Fine."}, b={"analysis": "Marta said so."})

    outcome = redact(told, given=Given(key=KEY, pack=pack), people=["Marta"], names="off")
    left = json.loads(outcome.rows["extra"][0])

    assert "Marta" not in left["repair"]
    assert "7946" not in left["repair"]
    assert left["repair"].startswith(outcome.rows["analysis"][1].removesuffix(" said so."))
    assert (left["note"], left["task"], outcome.rows["extra"][1]) == ("Marta", 7, None)
    assert outcome.rows.columns == told.columns
    assert outcome.decisions["id"].to_list() == ["a", "b"]
