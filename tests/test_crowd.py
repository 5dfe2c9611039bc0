"""Wide frames of several people: placed without hiding each other, labelled each as a single face is."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from fauxface.rendering import Recipe, render_dataset, render_frame
from fauxface.rendering.crowd import (
    LARGEST,
    OVERLAP,
    SMALLEST,
    empty_raster,
    laid_over,
    parse_faces,
    place_view,
    render_crowd,
    sample_places,
)
from fauxface.rendering.opengl.rasteriser import Raster
from fauxface.rendering.photo.camera import Pose

SIZE = 160
CLEAN = Recipe(low_quality=0.0, monochrome=0.0)


@pytest.fixture(scope="module")
def groups():
    return [render_crowd(2, index, SIZE, CLEAN, (3, 3)) for index in range(2)]


def test_places_are_within_bounds_and_hardly_behind_each_other():
    counts = []
    for seed in range(60):
        places = sample_places(np.random.default_rng(seed), 5)
        counts.append(len(places))
        shares = [share for share, _ in places]
        assert shares == sorted(shares, reverse=True)
        assert SMALLEST <= min(shares) <= max(shares) <= LARGEST
        # of a farther face hardly anything lies under a nearer head's box
        for i, (share, centre) in enumerate(places):
            for nearer, other in places[:i]:
                across = np.minimum(centre + share / 2, other + nearer / 2) - np.maximum(
                    centre - share / 2, other - nearer / 2
                )
                assert np.prod(across.clip(0)) <= (OVERLAP + 0.1) * share**2
    assert np.mean(counts) > 4.5
    assert sample_places(np.random.default_rng(0), 0) == []


def test_a_head_is_put_where_its_face_is_wanted():
    camera = np.array([[300.0, 0, 79.5], [0, 300, 79.5], [0, 0, 1]])
    landmarks = np.random.default_rng(1).uniform(-0.06, 0.06, (68, 3))
    wanted = np.array([30.0, 120.0])
    view = place_view(camera, 40.0, wanted, Pose(30, -10, 8, 1.0), landmarks)
    seen = view.project(landmarks)
    assert np.isclose(np.ptp(seen, axis=0).max(), 40, atol=0.01)
    np.testing.assert_allclose((seen.min(0) + seen.max(0)) / 2, wanted, atol=0.01)


def test_the_nearer_of_two_rasters_hides_the_other_by_its_coverage():
    def raster(colour: float, cover: float, label: int, depth: float) -> Raster:
        pixels = np.full((2, 2, 4), cover, np.float32) * [colour, colour, colour, 1]
        return Raster(pixels, np.full((2, 2), label, np.uint8), np.full((2, 2), depth, np.float32))

    both = laid_over(raster(1.0, 0.25, 13, 1.0), raster(0.5, 1.0, 1, 2.0))
    np.testing.assert_allclose(both.colour[0, 0], [0.625, 0.625, 0.625, 1])
    assert (both.labels == 13).all()
    assert (both.depth == 1).all()
    same = laid_over(empty_raster(2), both)
    np.testing.assert_array_equal(same.labels, both.labels)


def test_every_face_has_a_single_frames_keys(groups):
    single = render_frame(2, 0, SIZE, CLEAN).meta
    for frame in groups:
        shared = {key for key in single if key in frame.meta}
        assert set(frame.meta) - shared == {"faces"}
        assert len(frame.meta["faces"]) == 3
        for face in frame.meta["faces"]:
            assert set(face) == (set(single) - shared) | {"box"}
            points = np.array(face["landmarks_2d"])
            np.testing.assert_allclose(face["box"], [*points[:68].min(0), *points[:68].max(0)])
            seen = np.array(face["landmarks_3d"]) @ np.array(face["camera"]["matrix"]).T
            # the outline's points slide to where it is seen; most others are where they project
            assert np.median(np.abs(seen[:, :2] / seen[:, 2:] - points)) < 1e-6


def test_people_differ_and_share_the_camera(groups):
    for frame in groups:
        faces = frame.meta["faces"]
        assert len({face["identity"]["age"] for face in faces}) == 3
        assert len({face["head_pose"]["yaw"] for face in faces}) == 3
        assert len({str(face["camera"]["matrix"]) for face in faces}) == 1
        distances = [face["camera"]["distance"] for face in faces]
        assert distances == sorted(distances)  # the nearest first


def test_faces_are_drawn_where_the_labels_say(groups):
    for frame in groups:
        for face in frame.meta["faces"]:
            points = np.array(face["landmarks_2d"])
            inside = (points > 2).all(1) & (points < SIZE - 3).all(1) & np.array(face["visibility"], bool)
            for i in np.flatnonzero(inside[:68]):
                x, y = np.round(points[i]).astype(int)
                assert frame.labels[y - 2 : y + 3, x - 2 : x + 3].any(), (i, x, y)


def test_a_head_behind_another_is_labelled_hidden(monkeypatch):
    behind = [(0.4, np.array([0.5, 0.5])), (0.2, np.array([0.5, 0.5]))]
    monkeypatch.setattr("fauxface.rendering.crowd.sample_places", lambda rng, count: behind)
    front, back = render_crowd(1, 0, SIZE, Recipe(yaw=0, low_quality=0.0), (2, 2)).meta["faces"]
    assert front["camera"]["distance"] < back["camera"]["distance"]
    assert sum(back["visibility"]) == 0
    assert sum(front["visibility"]) > 20


def test_no_face_is_a_place_alone():
    frame = render_crowd(4, 0, 96, Recipe(), (0, 0))
    assert frame.meta["faces"] == []
    assert not frame.labels.any()
    assert frame.image.std() > 1


def test_a_wide_frame_is_told_by_its_numbers_alone():
    first, again = (render_crowd(9, 5, 96, Recipe(), (1, 2)) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    assert first.meta == again.meta


@pytest.mark.parametrize(("text", "faces"), [("0-5", (0, 5)), ("3", (3, 3)), ("0", (0, 0)), ("2-2", (2, 2))])
def test_numbers_of_faces_are_read(text: str, faces: tuple[int, int]):
    assert parse_faces(text) == faces


@pytest.mark.parametrize("text", ["", "5-0", "-3", "a", "1-", "0-99", "1.5"])
def test_other_numbers_of_faces_are_refused(text: str):
    if text == "1-":
        assert parse_faces(text) == (1, 1)
        return
    with pytest.raises(ValueError, match="--faces"):
        parse_faces(text)


def test_a_folder_of_wide_frames_has_no_landmark_files(tmp_path: Path):
    out = tmp_path / "groups"
    render_dataset(out, 2, seed=3, size=96, workers=1, faces="0-2")
    names = {f"{i:06d}{end}" for i in range(2) for end in (".png", "_seg.png", ".json")}
    assert {path.name for path in out.iterdir()} == names | {"render.yaml"}
    assert yaml.safe_load((out / "render.yaml").read_text())["faces"] == "0-2"
    assert isinstance(json.loads((out / "000000.json").read_text())["faces"], list)
    image = cv2.imread(str(out / "000001.png"))
    assert image is not None
    assert image.shape == (96, 96, 3)
    with pytest.raises(ValueError, match="was begun with faces 0-2"):
        render_dataset(out, 3, seed=3, size=96)


# --- the same on a cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as running:
        yield running


def test_a_killed_worker_of_a_cluster_leaves_no_trace(cluster, tmp_path: Path):
    """Two worker processes, one of them killed: the set is complete and the same to the byte as a local one."""
    count, here, there = 8, tmp_path / "here", tmp_path / "there"
    victim = next(iter(cluster.workers.values())).pid

    def kill() -> None:
        while len(list(there.glob("*.json"))) < 2:
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    render_dataset(there, count, seed=3, size=64, dask=cluster.scheduler_address)
    killer.join(1)
    assert not killer.is_alive()
    render_dataset(here, count, seed=3, size=64, workers=1)
    files = {path.name: path.read_bytes() for path in here.iterdir()}
    assert len(files) == 4 * count + 1
    assert {path.name: path.read_bytes() for path in there.iterdir()} == files
