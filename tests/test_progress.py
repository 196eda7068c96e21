"""Progress in plain lines: silent where work is quick, with speed and time left where it is not."""

import time

import pytest

from curator import console
from curator.console import Lines, Paces
from curator.progress import counted, one_piece


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> Lines:
    return Lines(clock)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_long_work_is_told_with_its_speed_and_the_time_left(
    lines: Lines, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for now, done in ((100, 0), (101, 121), (102, 242), (103, 300), (104, 484), (104.5, 591)):
        clock.now = now
        lines.tell("embedding", done, 591)

    assert told(capsys) == [
        "  embedding: 242 of 591, 121/s, 3 s left",
        "  embedding: 591 of 591, 131/s",
    ]


def test_a_very_long_work_is_told_again_every_ten_seconds(
    lines: Lines, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for minute in range(0, 26, 5):
        clock.now = 100 + minute
        lines.tell("training", minute, 1000)

    assert told(capsys) == [
        "  training: 5 of 1,000, 1.0/s, 16 min 35 s left",
        "  training: 15 of 1,000, 1.0/s, 16 min 25 s left",
        "  training: 25 of 1,000, 1.0/s, 16 min 15 s left",
    ]


def test_a_quick_work_says_nothing(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(counted("abc", lines.tell, "reading", 3)) == ["a", "b", "c"]
    with one_piece(lines.tell, "writing the report"):
        pass
    lines.close()

    assert told(capsys) == []
    assert lines.waiting == {}


def test_a_work_without_a_count_is_named_once_and_without_one(
    lines: Lines, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for done, total in ((0, 0), (0, 0), (0, 4), (4, 4)):
        lines.tell("Making Label Studio's database, once on this machine", done, total)
        clock.now += 2
    lines.tell("Starting Label Studio", 0, 1)
    clock.now += 3
    lines.tell("Starting Label Studio", 1, 1)

    assert told(capsys) == [
        "  Making Label Studio's database, once on this machine",
        "  Making Label Studio's database, once on this machine: 4 of 4, 40/min",
        "  Starting Label Studio",
    ]


def test_what_says_nothing_more_is_named_all_the_same_after_a_while(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SOON", 0.02)
    lines = Lines()
    with one_piece(lines.tell, "checking store and dataset"):
        until = time.monotonic() + 5
        while not lines.shown and time.monotonic() < until:
            time.sleep(0.01)
    lines.close()

    assert told(capsys) == ["  checking store and dataset"]


def test_what_a_checkpoint_held_says_nothing_of_the_speed_and_what_falls_back_begins_anew(clock: Clock) -> None:
    paces = Paces(clock)
    paces.at("training", 90, 100)
    clock.now += 4
    first = paces.at("training", 92, 100)
    again = paces.at("training", 10, 100)

    assert first.words() == "92 of 100, 30/min, 16 s left"
    assert again.words() == "10 of 100"
