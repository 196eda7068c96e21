"""What the tests of the stages share."""

import pytest

from curator.pack import Pack
from curator.stage import Given, Known


@pytest.fixture(scope="session")
def known(pack: Pack, key: bytes) -> Given:
    """What a workspace with two people hands to a stage."""
    people = (Known("Marta Delacroix", "marta@harbor.example"), Known("Will", "will@harbor.example"))
    return Given(key=key, people=people, pack=pack)
