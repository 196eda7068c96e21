"""What Label Studio 1.23 sends to an ML backend, word for word, and what it can read."""

from typing import Any

from curator.labels.results import from_result

from .conftest import PAGE, Client

# label_studio/ml/api_connector.py: MLApi.setup and MLApi._prep_prediction_req
SETUP = {
    "project": "1.1700000000",
    "schema": PAGE,
    "hostname": "http://localhost:8080",
    "access_token": "not looked at",
    "extra_params": None,
}


def task(number: int, situation: str) -> dict[str, Any]:
    data = {"situation": situation, "context": "a ward"}
    return {"id": number, "project": 1, "data": data, "annotations": [], "predictions": []}


def request(*tasks: dict[str, Any]) -> dict[str, Any]:
    params = {"login": None, "password": None, "context": None}
    return {"tasks": list(tasks), "project": "1.1700000000", "label_config": PAGE, "params": params}


def test_it_says_that_it_is_up(ask: Client) -> None:
    for path in ("/health", "/ml/nurse/health"):
        assert ask("GET", path).json == {"status": "UP", "model_class": "curator little"}
    assert ask("GET", "/ml/matron/health").status == 404


def test_setup_names_the_version_and_refuses_another_page(ask: Client) -> None:
    assert ask("POST", "/setup", SETUP).json == {"model_version": "little-1 as nurse"}
    assert ask("POST", "/ml/clerk/setup", SETUP).json == {"model_version": "little-1 as clerk"}

    refused = ask("POST", "/setup", SETUP | {"schema": "<View><Text name='s' value='$x'/></View>"})

    assert refused.status == 400
    assert refused.json["error"]["message"] == (
        "The project's page has no control 'analysis', which the pack 'little' answers."
    )
    assert ask("POST", "/setup", SETUP | {"schema": "<View"}).status == 400


def test_a_suggestion_is_an_answer_to_the_page(ask: Client) -> None:
    told = ask("POST", "/predict", request(task(7, "In ward 55 a shift was moved."))).json

    assert told["model_version"] == "little-1 as nurse"
    (predictions,) = told["results"]
    assert [one["model_version"] for one in predictions] == ["little-1 as nurse", "little-1 as clerk"]
    pack = ask.server.service.voices.pack
    for one in predictions:
        assert from_result(pack, one["result"])["verdict"] in ("fine", "unfair")
        assert 0.5 <= one["score"] <= 1


def test_one_role_answers_for_itself(ask: Client) -> None:
    told = ask("POST", "/ml/clerk/predict", request(task(7, "In ward 55 a shift was moved."))).json

    assert [one["model_version"] for one in told["results"][0]] == ["little-1 as clerk"]


def test_of_several_tasks_the_first_is_answered_so_that_label_studio_asks_one_by_one(ask: Client) -> None:
    first, second = task(1, "In ward 56 a shift was moved."), task(2, "In ward 57 a shift was moved.")
    before = ask.server.service.answered

    both, again = (ask("POST", "/predict", request(*tasks)).json for tasks in ((first, second), (first,)))

    assert len(both["results"]) == 1
    assert again == both
    assert ask.server.service.answered == before + 1  # what was answered is kept


def test_a_task_without_a_situation_gets_nothing(ask: Client) -> None:
    assert ask("POST", "/predict", request({"id": 1, "data": {"image": "x"}})).json["results"] == [[]]
    assert ask("POST", "/predict", request()).status == 400


def test_news_of_changes_are_taken_and_forgotten(ask: Client) -> None:
    reply = ask("POST", "/webhook", {"action": "ANNOTATION_CREATED", "annotation": {"id": 1}})

    assert (reply.status, reply.json) == (200, {})
