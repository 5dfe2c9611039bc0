"""Checkpoints on a model hub: fetched from a stand-in on 127.0.0.1, and folders laid out for one."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from skimage import data as photographs

from fauxface.checkpoint import CARD_FILE, SHIPPED, WEIGHTS_FILE, find_checkpoint, read_card
from fauxface.cli import main
from fauxface.export.hub_folder import hub_readme
from fauxface.hub import hub_folder, is_on_hub
from fauxface.images import write_image
from fauxface.outputs import MANIFEST

COMMIT = "0" * 40


class Hub:
    """A stand-in for a hub: the repository a/good has the files of a folder; all else is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                answer = hub.answer(self.path.partition("?")[0])
                body, headers = answer or (b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
                self.send_response(200 if answer else 404)
                for name, value in {**headers, "Content-Length": str(len(body)), "X-Repo-Commit": COMMIT}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str) -> tuple[bytes, dict[str, str]] | None:
        names = sorted(file.name for file in self.folder.iterdir())
        if path.startswith("/api/models/a/good"):
            files = [{"rfilename": name, "type": "file", "path": name, "size": 1, "oid": COMMIT} for name in names]
            if "/tree/" in path:
                return json.dumps(files).encode(), {"Content-Type": "application/json"}
            told = {"id": "a/good", "sha": COMMIT, "siblings": files, "private": False, "tags": [], "downloads": 0}
            return json.dumps(told).encode(), {"Content-Type": "application/json"}
        name = path.rpartition("/")[2]
        if path.startswith("/a/good/resolve/") and name in names:
            content = (self.folder / name).read_bytes()
            return content, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "Content-Type": "binary/octet-stream"}
        return None


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    shutil.copytree(SHIPPED / "fauxface-s", tmp_path / "repository")
    (tmp_path / "repository" / "pickled.bin").write_bytes(b"not asked for")
    found = Hub(tmp_path / "repository")
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(autouse=True)
def _home(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    hub_folder.cache_clear()


def refused(capsys: Any, *words: object) -> str:
    """The one line with which a command is refused."""
    assert main([str(word) for word in words]) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_landmarks_by_weights_from_a_hub(hub: Hub, tmp_path: Path):
    write_image(tmp_path / "photo.png", photographs.astronaut())
    results = []
    for name in ("hf://a/good", "fauxface-s"):
        out = tmp_path / "faces.json"
        assert main(["predict", str(tmp_path / "photo.png"), "--checkpoint", name, "--json", str(out)]) == 0
        results.append(json.loads(out.read_text()))
    there, shipped = results
    assert there["weights"] == {**shipped["weights"], "name": "hf://a/good"}
    assert there["images"] == shipped["images"]
    assert any(path.endswith(WEIGHTS_FILE) for path in hub.asked) or any("model.onnx" in path for path in hub.asked)
    assert not any("pickled" in path for path in hub.asked if "/resolve/" in path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hf://a/gone", "hf://a/gone cannot be fetched: "),
        ("hf://a", "hf://a: a checkpoint on the hub is named hf://OWNER/NAME"),
        ("hf://../..@x", "cannot be fetched|hf://../..@x: "),
    ],
)
def test_what_is_not_on_the_hub_is_one_line(capsys: Any, name: str, says: str):
    line = refused(capsys, "info", name)
    assert any(part in line for part in says.split("|"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (CARD_FILE, b"model: [unclosed"),
        (CARD_FILE, b"!!python/object/apply:os.system ['touch hacked']"),
        (WEIGHTS_FILE, b"rubbish"),
    ],
)
def test_fetched_files_are_guarded_as_any_others(hub: Hub, tmp_path: Path, capsys: Any, file: str, content: bytes):
    (hub.folder / file).write_bytes(content)
    (hub.folder / "model.onnx").unlink()
    assert file in refused(capsys, "export", "hf://a/good", "--out", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for name in ("hf://a/b", Path("hf://a/b")):
        assert is_on_hub(name)
        with pytest.raises(ValueError, match="pip install huggingface-hub"):
            find_checkpoint(name)


# --- folders for a hub


def test_a_folder_for_the_hub_is_a_checkpoint_with_a_card(tmp_path: Path, capsys: Any):
    folder = tmp_path / "good"
    assert main(["export", "fauxface-s", "--hub-folder", str(folder)]) == 0
    assert capsys.readouterr().out == f"wrote {folder}\n"
    files = {path.name for path in folder.iterdir()}
    assert files == {CARD_FILE, WEIGHTS_FILE, "model.onnx", "README.md", MANIFEST}
    assert read_card(folder) == read_card("fauxface-s")
    shown = ModelCard.load(folder / "README.md")
    assert (shown.data.license, shown.data.library_name) == ("apache-2.0", "fauxface")
    assert {"facial-landmarks", "onnx"} <= set(shown.data.tags or ())
    results = {one.dataset_type: one.metric_value for one in shown.data.eval_results or ()}
    scores = read_card("fauxface-s").scores
    assert results == {name: one["nme"] for name, one in scores.items() if isinstance(one, dict) and "nme" in one}
    assert results
    assert f"{scores['afw_landmarks']['nme']:.2f}" in shown.text
    assert main(["export", "fauxface-s", "--hub-folder", str(folder)]) == 0  # again, in its own folder
    (folder / "README.md").write_text("mine")
    assert main(["export", "fauxface-s", "--hub-folder", str(folder)]) == 2


def test_research_weights_say_so_and_nothing_is_claimed_without_scores():
    from dataclasses import replace

    card = replace(read_card("fauxface-s"), lane="research", licence="research only: because", scores={})
    text = hub_readme("mine", card)
    header = yaml.safe_load(text.split("---")[1])
    assert (header["license"], header["license_name"]) == ("other", "research-only")
    assert not {"metrics", "model-index"} & header.keys()
    assert "For research only" in text
    assert "research only: because" in text


@pytest.mark.parametrize("words", [[], ["--out", "a.onnx", "--hub-folder", "f"], ["--hub-folder", "f", "--batch", "2"]])
def test_one_kind_of_export_at_a_time(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "fauxface-s", *words]) == 2
    assert "--hub-folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["repository"]  # the stand-in's
