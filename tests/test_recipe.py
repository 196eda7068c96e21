"""A recipe: what is wrong with it is said in one sentence, with the nearest thing that exists."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.begin import HERE, SAMPLE
from curator.errors import RecipeError
from curator.recipe import known_stages, load_recipe, parse_recipe
from curator.stage import Stage

VALIDATE = '[[step]]\nuse = "validate"\n'


@pytest.mark.parametrize("folder", [HERE, next(path for path in SAMPLE if path.is_dir())])
def test_the_recipes_that_come_along_can_be_run(folder: Path) -> None:
    recipe = load_recipe(folder / "recipe.toml")

    assert recipe.steps[0].name == "normalise"
    assert {step.name for step in recipe.steps} <= set(known_stages())


def test_settings_are_filled_in_with_their_defaults() -> None:
    recipe = parse_recipe(VALIDATE + "least = 5")

    assert recipe.resolved() == [{"use": "validate", "least": 5, "most": 20_000, "words": 4}]


@pytest.mark.parametrize("name", known_stages())
def test_the_file_the_function_and_the_word_in_a_recipe_are_one(name: str) -> None:
    found = getattr(__import__(f"curator.stages.{name}", fromlist=[name]), name)

    assert isinstance(found, Stage)
    assert found.name == name
    assert (found.function.__doc__ or "").strip().splitlines()[0].endswith(".")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no steps"),
        ("step = []", "has no steps"),
        ('step = "validate"', "has no steps"),
        ("[step]\nuse = 'validate'", "has no steps"),
        ("steps = []", "'steps' means nothing here. Did you mean 'step'?"),
        ("[[step]]\nleast = 5", "step 1 does not name a stage"),
        ("[[step]]\nuse = 5", "step 1 does not name a stage"),
        ('[[step]]\nuse = "validte"', "step 1: there is no stage 'validte'. Did you mean 'validate'?"),
        ('[[step]]\nuse = "__init__"', "there is no stage '__init__'"),
        ('[[step]]\nuse = "../validate"', "there is no stage '../validate'"),
        (VALIDATE + "leest = 5", "stage 'validate' has no setting 'leest'. Did you mean 'least'?"),
        (VALIDATE + "given = 5", "stage 'validate' has no setting 'given'"),
        (VALIDATE + 'least = "many"', "validate.least: Input should be a valid integer"),
        (VALIDATE + "least = 2.5", "validate.least: Input should be a valid integer"),
        (VALIDATE + "least = 2026-01-31", "validate.least: Input should be a valid integer"),
        (VALIDATE + "least = [1]", "validate.least: Input should be a valid integer"),
        ('[[step]]\nuse = "leaks"\nthreshold = nan', "leaks.threshold: Input should be a finite number"),
        ('[[step]]\nuse = "leaks"\nthreshold = inf', "leaks.threshold: Input should be a finite number"),
        (VALIDATE + VALIDATE, "'validate' stands twice"),
        ('[[step]]\nuse = "duplicates"', "'duplicates' needs "),
        (VALIDATE + "least = 1\nleast = 2", "Cannot overwrite a value"),
        (VALIDATE + "least = " + "9" * 5000, "cannot be read: Exceeds the limit"),
        (VALIDATE + "least = " + "[" * 5000, "nested too deep"),
        ('[[step]]\nuse = "no_such_module:polish"', "'no_such_module' cannot be imported"),
        ('[[step]]\nuse = ":polish"', "'' cannot be imported"),
        ('[[step]]\nuse = ".relative:polish"', "'.relative' cannot be imported"),
        ('[[step]]\nuse = "json:dumps"', "'json:dumps' is not a stage. Put @stage"),
        ('[[step]]\nuse = "json:nothing"', "'json:nothing' is not a stage"),
    ],
    ids=lambda text: text[:40].replace("\n", " "),
)
def test_what_is_wrong_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        parse_recipe(text, "mine.toml")

    assert str(refused.value).startswith("mine.toml")
    assert said in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_recipe_that_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_bytes(b"\xff")
    (tmp_path / "folder.toml").mkdir()
    for name, said in {
        "none.toml": r"There is no recipe none\.toml",
        "odd.toml": "is not UTF-8 text",
        "folder.toml": "cannot be read: Is a directory",
    }.items():
        with pytest.raises(RecipeError, match=said):
            load_recipe(tmp_path / name)


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_bytes(b"\xef\xbb\xbf" + VALIDATE.replace("\n", "\r\n").encode())

    assert load_recipe(tmp_path / "recipe.toml").steps[0].name == "validate"


def test_a_stage_of_ones_own_lies_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine_for_a_test.py").write_text(
        "from curator.stage import Outcome, stage\n"
        "@stage('row')\ndef polish(rows, *, cloth='soft'):\n    return Outcome(rows)\n"
    )
    (tmp_path / "broken_for_a_test.py").write_text("1 / 0\n")
    for use, settings in {"mine_for_a_test:polish": 'cloth = "rough"', "broken_for_a_test:polish": ""}.items():
        (tmp_path / f"{use[:4]}.toml").write_text(f'[[step]]\nuse = "{use}"\n{settings}\n')

    assert load_recipe(tmp_path / "mine.toml").resolved() == [{"use": "mine_for_a_test:polish", "cloth": "rough"}]
    with pytest.raises(RecipeError, match="'broken_for_a_test' cannot be imported: division by zero"):
        load_recipe(tmp_path / "brok.toml")


@given(st.text(max_size=60) | st.text(st.sampled_from("[]{}\"'=.#\n step use validate 0"), max_size=60))
def test_any_text_is_a_recipe_or_refused_as_one(text: str) -> None:
    with pytest.raises(RecipeError):
        parse_recipe(text)
