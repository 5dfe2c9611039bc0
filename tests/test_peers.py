"""Other programs beside ours: what travels to them and back, and what happens where one is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from fake_data import write_ibug

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import peer_mediapipe
import peers

FACE = np.stack([10 + 5 * (np.arange(68) % 9), 20 + 5 * (np.arange(68) // 9)], -1).astype(float)
BOX = np.array([10.0, 20, 50, 55])


def test_the_mesh_has_a_vertex_for_every_point():
    assert len(set(peer_mediapipe.POINTS)) == 68
    assert max(peer_mediapipe.POINTS) < 468


def test_of_several_faces_found_the_annotated_one_counts():
    found = np.stack([FACE + 200, FACE + 3])
    np.testing.assert_array_equal(peers.best(found, BOX), FACE + 3)
    assert np.isnan(peers.best(found[:1], BOX)).all()
    assert np.isnan(peers.best(found[:0], BOX)).all()


def test_answers_become_scores(tmp_path: Path):
    write_ibug(tmp_path / "300w" / "afw", 3)
    dataset = peers.open_dataset(tmp_path, "ibug", "afw")
    answer = {"fps": np.array(40.0), "faces_a_frame": np.array(1.0), "ms": np.array(2.5)}
    for i, sample in enumerate(peers.samples_of(dataset)):
        answer[f"on_box_{i:05d}"] = sample.landmarks
        answer[f"found_{i:05d}"] = sample.landmarks[None] if i else np.zeros((0, 68, 2))
    row = peers.peer_row("other", answer, tmp_path)
    assert (row["n"], row["ms"], row["nme"], row["nme_detector"], row["missed"]) == (3, 2.5, 0, 0, 1)


def test_a_picture_alone_has_no_frames_a_second(tmp_path: Path):
    answer = {"fps": np.array(np.nan), "faces_a_frame": np.array(0.0), "ms": np.array(2.5)}
    assert peers.peer_row("other", answer, None) == {}


def test_the_figure_leaves_out_peers_that_are_not_there(tmp_path: Path):
    peers.draw({"ours": {"ms": 1.0, "nme": 5.0, "median": 4.0}, "dlib": {}}, tmp_path / "peers.png")
    assert (tmp_path / "peers.png").stat().st_size > 1000


def test_a_peer_that_is_not_there_leaves_its_column_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path))
    monkeypatch.setattr(peers.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(peers, "our_row", lambda *_: {"fps": 50.0})
    rows = peers.compare(["ours"], [np.zeros((32, 32, 3), np.uint8)], 30, None, 1)
    assert rows == {"ours": {"fps": 50.0}, "mediapipe": {}, "dlib": {}}
    assert peers.table(rows).splitlines()[-1].split() == ["fps", "50.0", "–", "–"]
