"""The look at a data set: what is planted is found, what is sound is not, and the page shows it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_data import draw_face, write_face_synthetics
from playwright.sync_api import sync_playwright
from skimage import data as photographs

from fauxface.audit import Audit, audit
from fauxface.audit.duplicates import BITS, fingerprint, near_pairs
from fauxface.audit.run import look_through
from fauxface.audit.skin import monk_tone, swatches
from fauxface.cli import main
from fauxface.outputs import MANIFEST
from fauxface.pose import rough_angles
from fauxface.rendering import Recipe, render_dataset

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
COUNT, SIZE = 6, 128


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audit") / "faces"
    render_dataset(out, COUNT, seed=11, size=SIZE, workers=1)
    return out


@pytest.fixture
def faces(renders: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(renders, tmp_path / "faces"))


def kinds(result: Audit, file: str) -> set[str]:
    return {finding.kind for finding in result.findings if finding.file == file}


def look(folder: Path) -> Audit:
    return look_through(folder)


def test_a_sound_data_set_is_told_and_shown(renders: Path, tmp_path: Path):
    result = audit(renders, tmp_path / "look")
    assert len(result.pictures) == len(result.faces) == COUNT
    files = {
        "unreadable",
        "missing",
        "stray",
        "size",
        "classes",
        "empty",
        "duplicate",
        "reprojection",
        "symmetry",
    }
    assert not {finding.kind for finding in result.findings} & files
    told = json.loads((tmp_path / "look" / "audit.json").read_text())
    assert told["pictures"] == COUNT
    assert told["findings"] == [vars(finding) for finding in result.findings]
    for name in ("yaw", "age", "cover", "sharpness", "skin tone", "hidden points"):
        assert told["distributions"][name]["n"] == COUNT, name
    assert told["distributions"]["pictured tone"]["n"] >= COUNT - 1  # skin may be hidden, or without colour
    yaws = [json.loads((renders / f"{i:06d}.json").read_text())["head_pose"]["yaw"] for i in range(COUNT)]
    assert np.isclose(told["distributions"]["yaw"]["mean"], np.mean(yaws), atol=1e-4)
    assert len(told["visibility"]) == 70
    assert sum(told["kinds"]["hair style"].values()) == COUNT
    assert sum(told["kinds"]["light"].values()) == COUNT
    assert set(told["covers"]) == {"hair", "beard", "glasses", "headwear", "facewear", "ignored"}
    assert "Extremes" in (tmp_path / "look" / "report.html").read_text()


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def shift_points(faces: Path) -> str:
    lines = np.loadtxt(faces / "000001_ldmks.txt") + 0.4
    np.savetxt(faces / "000001_ldmks.txt", lines, fmt="%.4f")
    return "reprojection"


def cut_picture(faces: Path) -> str:
    path = faces / "000001.png"
    path.write_bytes(path.read_bytes()[:-1500])
    return "unreadable"


def not_finite(faces: Path) -> str:
    record = json.loads((faces / "000001.json").read_text())
    record["head_pose"]["translation"][2] = float("nan")
    edit(faces / "000001.json", **record)
    return "unreadable"


def no_json(faces: Path) -> str:
    (faces / "000001.json").unlink()
    return "missing"


def no_picture(faces: Path) -> str:
    (faces / "000001.png").unlink()
    return "unreadable"


def strange_class(faces: Path) -> str:
    labels = cv2.imread(str(faces / "000001_seg.png"), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    labels[0, 0] = 77
    cv2.imwrite(str(faces / "000001_seg.png"), labels)
    return "classes"


def small_labels(faces: Path) -> str:
    cv2.imwrite(str(faces / "000001_seg.png"), np.zeros((SIZE // 2, SIZE // 2), np.uint8))
    return "size"


def other_size(faces: Path) -> str:
    for name in ("000001.png", "000001_seg.png"):
        picture = cv2.imread(str(faces / name), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        cv2.imwrite(str(faces / name), np.pad(picture, ((0, 9), (0, 0), (0, 0))[: picture.ndim]))
    for i in range(2, COUNT):  # nearly all others must be alike
        for j in range(2):
            for end in (".png", "_seg.png", "_ldmks.txt", ".json"):
                shutil.copy(faces / f"{i:06d}{end}", faces / f"{100 * j + 10 + i:06d}{end}")
    return "size"


def copy(faces: Path) -> str:
    picture = cv2.imread(str(faces / "000000.png"))
    assert picture is not None
    cv2.imwrite(str(faces / "000001.png"), np.clip(picture * 0.95 + 4, 0, 255).astype(np.uint8))
    return "duplicate"


def blank(faces: Path) -> str:
    cv2.imwrite(str(faces / "000001.png"), np.full((SIZE, SIZE, 3), 90, np.uint8))
    return "empty"


@pytest.mark.parametrize(
    "spoil",
    [shift_points, cut_picture, not_finite, no_json, no_picture, strange_class, small_labels, other_size, copy, blank],
)
def test_what_is_spoilt_is_found(faces: Path, spoil):
    assert spoil(faces) in kinds(look(faces), "000001.png")


# --- labels: drawn faces whose parts lie at their landmarks


def plain_faces(folder: Path) -> Path:
    write_face_synthetics(folder, 8, size=160, with_json=False)
    return folder


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        (slice(36, 42), "eyes"),
        (slice(48, 60), "lips"),
        ([68], "pupils"),
    ],
)
def test_points_outside_their_class_are_found(tmp_path: Path, points, kind: str):
    folder = plain_faces(tmp_path / "faces")
    seen = next(i for i in range(8) if draw_face(i, size=160).visibility.all())
    path = folder / f"{seen:06d}_ldmks.txt"

    def found() -> int:
        return sum(f.kind == kind and f.file == f"{seen:06d}.png" for f in look(folder).findings)

    before = found()  # the drawn mouth has one lip
    lines = np.loadtxt(path)
    lines[points] += [0, 0.12 * np.ptp(lines[:68, 1])]
    np.savetxt(path, lines, fmt="%.4f")
    assert found() > before


def test_swapped_points_and_swapped_classes_are_found(tmp_path: Path):
    folder = plain_faces(tmp_path / "faces")
    lines = np.loadtxt(folder / "000001_ldmks.txt")
    np.savetxt(folder / "000001_ldmks.txt", lines[[*range(68), 69, 68]], fmt="%.4f")
    labels = cv2.imread(str(folder / "000002_seg.png"), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    other = labels.copy()
    other[labels == 3], other[labels == 4] = 4, 3
    cv2.imwrite(str(folder / "000002_seg.png"), other)
    result = look(folder)
    assert "symmetry" in kinds(result, "000001.png")
    assert "eyes" not in kinds(result, "000001.png")
    assert "eyes" in kinds(result, "000002.png")


def test_pupils_swapped_as_they_are_clicked_are_found(tmp_path: Path):
    faces = write_face_synthetics(tmp_path / "faces", 3, size=160)
    label = faces / "000001.json"
    points = json.loads(label.read_text())["landmarks_2d"]
    assert "symmetry" not in kinds(look(faces), "000001.png")
    edit(label, landmarks_2d=[*points[:68], points[69], points[68]])
    assert "symmetry" in kinds(look(faces), "000001.png")


def test_a_point_called_visible_under_a_mask_is_found(tmp_path: Path):
    write_face_synthetics(tmp_path / "faces", 3, size=160)
    path = tmp_path / "faces" / "000000_seg.png"
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    edit(path.with_name("000000.json"), visibility=[1] * 70)
    labels[np.isin(labels, range(1, 12))] = 18
    cv2.imwrite(str(path), labels)
    assert "visibility" in kinds(look(tmp_path / "faces"), "000000.png")


# --- parts


def test_the_scales_own_swatches_have_its_tones():
    assert [monk_tone(tone) for tone in swatches()] == list(range(1, 11))


@pytest.mark.parametrize("turn", [{"yaw": 30}, {"pitch": 18}, {"roll": 25}, {}])
def test_the_pose_of_points_is_estimated(turn: dict[str, float]):
    from fauxface.rendering.person import person as people
    from fauxface.rendering.photo.camera import Pose, sample_view

    pose = Pose(turn.get("yaw", 0), turn.get("pitch", 0), turn.get("roll", 0), 1.0)
    recipe = Recipe(neutral=1.0, off_centre=0.0)
    seen = []

    def see(_: Pose, points: np.ndarray):
        seen.append(sample_view(np.random.default_rng(0), recipe, pose, points, 256))
        return seen[0]

    person = people.sample_person(people.streams(0, 0), recipe, see, True)
    estimated = rough_angles(person.view.project(person.points))
    np.testing.assert_allclose(estimated, [pose.yaw, pose.pitch, pose.roll], atol=11)  # faces are not symmetric


def test_hashes_find_copies_and_leave_others_alone():
    colours = [photographs.astronaut(), photographs.chelsea(), photographs.coffee(), photographs.rocket()]
    pictures = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in colours]
    small = cv2.resize(pictures[1], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", pictures[3], [cv2.IMWRITE_JPEG_QUALITY, 50])
    again = [small, cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)]
    prints = [fingerprint(picture) for picture in [*pictures, *again] if picture is not None]
    assert {len(each) * 8 for each in prints} == {BITS}
    assert [(a, b) for a, b, _ in near_pairs([*prints, None])] == [(1, 4), (3, 5)]


# --- the command


def test_the_command_tells_and_strict_fails_on_findings(faces: Path, tmp_path: Path, capsys):
    out = tmp_path / "look"
    no_json(faces)
    assert main(["audit", str(faces), "--out", str(out)]) == 0
    assert f"{COUNT} pictures" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["audit", str(faces), "--out", str(out), "--strict"])  # replaces the earlier report
    assert end.value.code == 1
    assert {path.name for path in out.iterdir()} == {MANIFEST, "audit.json", "report.html"}


def test_bad_input_is_one_line_and_leaves_nothing(faces: Path, tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    for arguments, says in (
        ([str(tmp_path / "gone")], "no such folder"),
        ([str(tmp_path / "empty")], "is empty"),
        ([str(faces), "--out", str(faces)], "is the source"),
        ([str(faces), "--workers", "-1"], "--workers"),
    ):
        before = sorted(str(path) for path in tmp_path.rglob("*"))
        assert main(["audit", *arguments]) == 2
        assert says in capsys.readouterr().err
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_wide_frames_are_looked_at(tmp_path: Path):
    render_dataset(tmp_path / "groups", 2, seed=5, size=128, workers=1, faces="0-2")
    result = audit(tmp_path / "groups", tmp_path / "look")
    told = json.loads((tmp_path / "look" / "audit.json").read_text())
    assert sum(int(n) * times for n, times in told["faces_a_picture"].items()) == len(result.faces)
    assert not {finding.kind for finding in result.findings} & {"missing", "unreadable"}


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
def test_the_page_shows_its_pictures_in_a_browser(renders: Path, tmp_path: Path):
    audit(renders, tmp_path / "look")
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=hasattr(os, "geteuid") and os.geteuid() != 0
        )
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.on("requestfailed", lambda request: wrong.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"file://{tmp_path}/look/report.html")
        pictures = page.evaluate(
            "[...document.images].map(i => [i.complete, i.naturalWidth, i.getBoundingClientRect().width])"
        )
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        headings = page.evaluate("[...document.querySelectorAll('h2')].map(h => h.innerText)")
        browser.close()
    assert len(pictures) >= 10
    assert all(complete and natural > 50 and shown > 50 for complete, natural, shown in pictures)
    assert overflow <= 0
    assert headings == ["Findings", "Pictures", "Extremes", "Distributions", "Kinds of findings"]
    assert not wrong
