"""After any history the store is what the server shows, each wording once. CURATOR_HISTORIES says how many."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.studio.histories import Histories, narrow

MANY = int(os.environ.get("CURATOR_HISTORIES", "1000"))


@pytest.mark.slow
def test_after_any_history_the_store_is_what_the_server_shows(monkeypatch):
    narrow(monkeypatch)
    how = settings(
        max_examples=MANY,
        stateful_step_count=14,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(Histories, settings=how)
