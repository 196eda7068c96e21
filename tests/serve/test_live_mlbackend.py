"""The real Label Studio connects to `curator serve` and keeps its suggestions."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from curator.labels.results import from_result
from curator.studio.client import Client as Link
from curator.studio.client import connect
from curator.studio.people import OWNER, accounts
from curator.studio.server import embedded

from .conftest import PAGE, Client


def send(link: Link, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", **link._credentials()}
    request = urllib.request.Request(f"{link.url}/{path}", json.dumps(body).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return int(answer.status), json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


@pytest.mark.live
@pytest.mark.slow
def test_label_studio_connects_and_fetches_suggestions(
    ask: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it comes, Label Studio refuses backends on 127.0.0.1; with ML_BLOCK_LOCAL_IP=false it takes them.

    It answers 403 all the same, since the webhook that it makes beside is refused; the backend is connected by then.
    """
    monkeypatch.setenv("ML_BLOCK_LOCAL_IP", "false")
    wanted = {"selectedItems": {"all": True, "excluded": []}, "filters": {"conjunction": "and", "items": []}}
    with embedded(tmp_path / "studio") as running:
        link = connect(running.url, accounts(tmp_path / "studio")[OWNER].token)
        project = link.create_project(title="A project", label_config=PAGE, show_collab_predictions=False)
        scenes = [f"In ward {n} a shift was moved." for n in (81, 82)]
        link.import_tasks(project, [{"situation": scene, "context": "a ward"} for scene in scenes])
        backend = {"url": f"{ask.server.url}/ml/nurse", "project": project, "title": "curator"}

        status, said = send(link, "api/ml", backend)
        (connected,) = link.get("api/ml", project=project)
        for _ in range(2):  # again: what is there is not asked for twice
            assert send(link, f"api/dm/actions?id=retrieve_tasks_predictions&project={project}", wanted)[0] == 200
        kept = link.get("api/predictions/", project=project)

    assert (status, said["detail"]) == (403, "URL resolves to a reserved network address (block: 127.0.0.0/8)")
    assert (connected["state"], connected["model_version"]) == ("CO", "little-1 as nurse")
    assert [one["model_version"] for one in kept] == ["little-1 as nurse"] * 2
    pack = ask.server.service.voices.pack
    assert {from_result(pack, one["result"])["verdict"] for one in kept} <= {"fine", "unfair"}
