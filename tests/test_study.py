"""The study: its cells, what is run and what never again, its statistics and its report."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import write_face_synthetics, write_ibug

from fauxface.cli import main
from fauxface.datasets import face_synthetics
from fauxface.evaluation.evaluation_sets import CachedDetector, data_facts
from fauxface.inference import Detection
from fauxface.jobs import processor
from fauxface.rendering import dataset as dataset_settings
from fauxface.study import StudyConfig, run_study
from fauxface.study.answers import answer
from fauxface.study.config import ABLATIONS, Cell
from fauxface.study.figures import drawn_face
from fauxface.study.overview import Overview
from fauxface.study.results import COLUMNS, KEY, Results, key_of, load_results, wanted_of
from fauxface.study.statistics import Group, SeedSpread, difference, mean_sd, power_law, seed_spread

MODEL = "mobilenetv3small-coordinates"
CONFIG = StudyConfig(
    data=Path("faces"),
    test=(Path("afw"),),
    out=Path("study"),
    models=(MODEL,),
    images=(4, 8),
    policies=("none", "all"),
    seeds=2,
    samples=16,
    input_size=64,
    batch=4,
    accelerator="cpu",
)


def cells(config: StudyConfig = CONFIG, data: str = "abc") -> list[Cell]:
    return list(config.cells(64_000, data, ""))


def test_the_grid_holds_every_combination_once_seed_by_seed():
    found = cells()
    assert len(found) == 8
    assert [cell.seed for cell in found] == [0] * 4 + [1] * 4
    assert {(c.images, c.policy) for c in found[:4]} == {(4, "none"), (4, "all"), (8, "none"), (8, "all")}
    more = cells(replace(CONFIG, ablations=True, curve=(2, 4, 8)))
    assert len(more) == 2 * (4 + len(ABLATIONS) + 1)  # of the curve, 4 and 8 are in the grid
    assert {c.policy for c in more if c.images == 8} == {"none", "all", *ABLATIONS}
    assert set(c.identity for c in found) < set(c.identity for c in more)


def test_a_changed_setting_is_another_cell_and_a_place_is_none():
    first = {cell.identity for cell in cells()}
    assert len(first) == 8
    for change in ({"samples": 32}, {"batch": 8}, {"input_size": 96}, {"schedule": "paper", "samples": None}):
        assert not first & {cell.identity for cell in cells(replace(CONFIG, **change))}
    assert not first & {cell.identity for cell in cells(data="other images")}
    moved = replace(CONFIG, data=Path("/elsewhere"), out=Path("/there"), workers=2, dask="tcp://x:1")
    assert first == {cell.identity for cell in cells(moved)}


def test_every_cell_sees_as_many_samples():
    runs = [CONFIG.training(cell, Path("x"), 1) for cell in cells()]
    assert {run.samples for run in runs} == {16}
    assert {run.val_fraction for run in runs} == {0.0}
    paper = replace(CONFIG, samples=None, schedule="paper")
    runs = [paper.training(cell, Path("x"), 1) for cell in cells(paper)]
    assert {(run.epochs, run.batch) for run in runs} == {(60, 4)}
    paper = replace(paper, batch=StudyConfig.batch)  # which leaves it to the schedule
    assert {paper.training(cell, Path("x"), 1).batch for cell in cells(paper)} == {16}


# --- statistics


def row_for(group: Group, seed: int, nme: float) -> dict[str, Any]:
    key = (f"{group}{seed}", "t", "landmarks", "no", "", "")
    return {**dict(zip(KEY, key, strict=True)), "nme": nme, "seed": seed}


def made_up(nme: dict[Group, list[np.ndarray]]) -> tuple[dict[Group, dict[int, dict[str, Any]]], dict[Any, np.ndarray]]:
    """Groups with a row a seed, and each row's errors."""
    groups, errors = {}, {}
    for group, seeds in nme.items():
        groups[group] = {}
        for seed, values in enumerate(seeds):
            row = row_for(group, seed, float(values[np.isfinite(values)].mean()))
            groups[group][seed] = row
            errors[key_of(row)] = values
    return groups, errors


def test_a_difference_is_shown_only_where_there_is_one():
    random = np.random.default_rng(0)
    faces = random.gamma(4, 2, 300)  # a face's difficulty is common to both: pairing takes it out
    a, b, c = Group("m", 8, "all"), Group("m", 8, "none"), Group("m", 8, "only-blur")
    groups, errors = made_up(
        {
            a: [faces + random.normal(0, 0.5, 300) for _ in range(3)],
            b: [faces + 0.4 + random.normal(0, 0.5, 300) for _ in range(3)],
            c: [faces + random.normal(0, 0.5, 300) for _ in range(3)],
        }
    )
    found = difference(a, b, groups, errors)
    assert found is not None
    assert found.low < -0.4 < found.high < 0
    assert found.seeds == (0, 1, 2)
    assert "no difference" not in str(found)
    alike = difference(a, c, groups, errors)
    assert alike is not None
    assert "no difference shown" in str(alike)
    errors[key_of(groups[b][1])][7] = np.inf  # missed once: that face is left out on both sides
    again = difference(a, b, groups, errors)
    assert again is not None
    assert np.isfinite([again.mean, again.low, again.high]).all()
    assert difference(a, b, groups, {}) is None
    assert mean_sd(groups[a], "nme")[1] == pytest.approx(np.std([row["nme"] for row in groups[a].values()], ddof=1))


def test_the_power_law_is_found_again():
    random = np.random.default_rng(1)
    faces = random.gamma(9, 1 / 9, 250)
    curve = {n: [faces * (40 * n**-0.5 + 4) for _ in range(2)] for n in (100, 300, 1000, 3000, 10000)}
    law = power_law(curve, SeedSpread(0.01, 5))
    assert law is not None
    assert law.falls
    mean = faces.mean()
    assert law.a == pytest.approx(40 * mean, rel=0.02)
    assert law.b == pytest.approx(0.5, abs=0.01)
    assert law.c == pytest.approx(4 * mean, rel=0.02)
    assert law.b_interval[0] <= law.b + 1e-6
    assert law.c_interval[0] < law.c < law.c_interval[1]
    # 40·n^−½ + 4 = 1.05 · 4.4 where n = (40 / 0.62)²
    assert law.enough == pytest.approx((40 / 0.62) ** 2, rel=0.03)
    assert power_law({n: curve[n] for n in (100, 300, 1000)}, SeedSpread(0.01, 5)) is None
    # a curve that falls by less than the luck of training is not shown to fall, and its fewest images are enough
    flat = {n: [faces * 4 + shift] for n, shift in zip(curve, (0, 0.05, -0.05, 0.05, -0.02), strict=True)}
    law = power_law(flat, SeedSpread(0.2, 5))
    assert law is not None
    assert not law.falls
    assert law.enough == 100


def test_differences_are_not_shown_where_there_are_none():
    """One in twenty, whatever the number of seeds: also with one, by the spread that other groups' seeds tell of."""
    random = np.random.default_rng(2)

    def run() -> np.ndarray:
        return faces + random.normal(0, 0.4, 150) + random.normal(0, 0.25)

    for seeds in (1, 2, 3):
        shown = 0
        for _ in range(100):
            faces = random.gamma(4, 2, 150)
            told = {Group("m", 8, f"p{i}"): [run() for _ in range(3)] for i in range(3)}
            a, b = Group("m", 80, "a"), Group("m", 80, "b")
            groups, errors = made_up({**told, a: [run() for _ in range(seeds)], b: [run() for _ in range(seeds)]})
            found = difference(a, b, groups, errors)
            assert found is not None
            shown += found.shown
        assert shown <= 12  # of 100, 5 are expected


def test_luck_is_pooled_by_model_and_of_none_for_itself():
    faces = np.random.default_rng(0).gamma(4, 2, 100)
    means = {Group("m", 8, "none"): (4, 6), Group("m", 8, "all"): (1, 1.2, 1.4), Group("m", 80, "blur"): (2, 2.2, 2.4)}
    groups, _ = made_up({group: [faces - faces.mean() + mean for mean in told] for group, told in means.items()})
    assert seed_spread("m", "all-rotation", groups) == pytest.approx((0.2, 4))
    assert seed_spread("m", "none", groups) == pytest.approx((np.sqrt(2), 1))
    assert seed_spread("n", "all", groups).freedom == 0


def test_one_seed_alone_shows_nothing():
    faces = np.random.default_rng(0).gamma(4, 2, 100)
    a, b = Group("m", 8, "all"), Group("m", 8, "none")
    groups, errors = made_up({a: [faces], b: [faces + 3]})
    found = difference(a, b, groups, errors)
    assert found is not None
    assert not found.shown
    assert "over faces only" in str(found)
    assert seed_spread("m", "all", groups).freedom == 0


def answers(cells: dict[Group, list[float]]) -> list[str]:
    random = np.random.default_rng(0)

    def errors_of(mean: float) -> np.ndarray:
        errors = faces + random.normal(0, 0.1, 200)
        return errors - errors.mean() + mean

    faces = random.normal(0, 0.5, 200)
    made = {group: [errors_of(mean) for mean in means] for group, means in cells.items()}
    groups, errors = made_up(made)
    return answer(groups, errors, {}, "all")


def test_the_answer_compares_the_best_policies_of_each_number_on_the_seeds_that_both_have():
    many, policy, model = answers(
        {
            Group("m", 10, "none"): [11, 11.2, 10.8],
            Group("m", 10, "all"): [9, 8.8, 8.6],
            Group("m", 100, "none"): [7.5],
            Group("m", 100, "all"): [8.0],
            Group("m", 100, "only-blur"): [7.0],
            Group("m", 30, "all"): [8.5],
            Group("n", 100, "only-blur"): [9.0],
        }
    )
    assert "is 7.50 at 100 (none) and 9.00 at 10 (all): difference −1.50" in many
    assert "with 100 images only-blur has the lowest error (7.00), and none 7.50 (difference +0.5" in policy
    assert "with 10 images all has the lowest error (8.80 ± 0.20)" in policy
    assert "none 11.00 ± 0.20 (difference +2.20" in policy
    assert "with 100 images and only-blur, m has 7.00, and n 9.00" in model


def test_the_answer_says_what_was_not_tried_yet():
    many, policy, model = answers(
        {Group("m", 10, "none"): [11], Group("m", 10, "all"): [9], Group("m", 100, "all"): [8]}
    )
    assert "8.00 at 100 (all) and 9.00 at 10 (all)" in many
    assert policy.startswith("Which augmentations: with 10 images all has the lowest error")
    assert "so far only m was tried" in model
    assert "so far only 10 were tried" in answers({Group("m", 10, "none"): [11]})[0]


def test_faces_are_drawn_without_photographs():
    truth = np.random.default_rng(0).uniform(0, 100, (68, 2))
    picture = drawn_face(truth, truth + 5, "face 3")
    assert picture.shape == (200, 200, 3)
    assert (picture == 255).all(2).mean() > 0.5


def test_the_overview_says_what_is_left_and_how_long(tmp_path: Path):
    four = cells(replace(CONFIG, seeds=1))
    overview = Overview(tmp_path, four, set(), {})
    assert "0 of 4 cells done; time left not yet known" in overview.summary()
    overview = Overview(tmp_path, four, {four[0].identity}, {four[0].identity: 40.0}, at_once=2)
    assert overview.minutes_left() == pytest.approx(60)
    running = tmp_path / "cells" / four[1].identity
    (running / "run").mkdir(parents=True)
    (running / "state.json").write_text(json.dumps({"state": "training", "since": overview.began + 1}))
    (running / "run" / "log.csv").write_text("epoch,samples\n1,8\n")
    assert overview.state(four[1]) == "training"
    assert overview.share(four[1]) == 0.5
    assert overview.minutes_left() == pytest.approx(50)
    assert [overview.state(cell) for cell in four] == ["done", "training", "waiting", "waiting"]
    assert overview.__rich__().row_count == 3


def test_the_detector_looks_at_a_picture_once():
    looked: list[int] = []

    class Counts:
        name, licence = "counts", "none"

        def __call__(self, image: np.ndarray) -> list[Detection]:
            looked.append(int(image[0, 0, 0]))
            return [Detection(np.array([0.0, 0, 1, 1]), 0.9)]

    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (1, 2, 1)]
    for _ in range(2):
        remembering = CachedDetector(Counts())  # another checkpoint's
        assert [len(remembering(picture)) for picture in pictures] == [1, 1, 1]
    assert looked == [1, 2]


# --- the command


def command(tmp_path: Path, *more: str) -> list[str]:
    out = ["--out", str(tmp_path / "study"), "--test", str(tmp_path / "afw"), "--models", MODEL, "--images", "6"]
    small = ["--policies", "none", "--seeds", "1", "--samples", "8", "--batch", "4", "--input-size", "64"]
    return ["study", "--data", str(tmp_path / "faces"), *out, *small, "--accelerator", "cpu", *more]


def rows(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "study" / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_study_runs_and_nothing_runs_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    write_face_synthetics(tmp_path / "faces", 6)
    write_ibug(tmp_path / "afw", 3)
    assert main(command(tmp_path)) == 0
    first = rows(tmp_path)
    assert tuple(first[0]) == COLUMNS
    assert {(row["box"], row["adapted"]) for row in first} == {("landmarks", "no"), ("detector", "no")}
    [annotated] = [row for row in first if row["box"] == "landmarks"]
    assert (annotated["model"], annotated["images"], annotated["policy"], annotated["seed"]) == (
        MODEL,
        "6",
        "none",
        "0",
    )
    assert float(annotated["nme"]) > 0
    assert float(annotated["peak_memory_mb"]) > 100
    assert annotated["device"].startswith(f"cpu ({processor().replace(',', ' ')}; ")
    assert annotated["n_yaw_0"] == "3"  # drawn faces look into the camera
    folder = tmp_path / "study" / "cells" / annotated["cell"]
    assert "6 images, none, seed 0" in (folder / "log.txt").read_text()
    assert not (folder / "run" / "resume").exists()
    page = (tmp_path / "study" / "report.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "How many images: so far only 6 were tried." in page
    assert f"| {MODEL} | 6 | none | 1 |" in (tmp_path / "study" / "report.md").read_text()

    # again, and with the results alone: no cell is run
    def never(*args: Any, **more: Any) -> None:
        assert not args[1], "a finished cell is run again"

    monkeypatch.setattr("fauxface.study.run.run_jobs", never)
    assert main(command(tmp_path, "--resume")) == 0
    kept = (tmp_path / "study" / "results.csv").read_text()
    shutil.rmtree(tmp_path / "study")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "results.csv").write_text(kept)
    assert main(command(tmp_path)) == 0
    assert (tmp_path / "study" / "results.csv").read_text() == kept

    # the report of an unfinished study runs nothing, and says nothing of where there is no study
    assert main(command(tmp_path, "--seeds", "2", "--report")) == 0
    assert f"With fewer runs than 2: {MODEL} with 6 images: none." in (tmp_path / "study" / "report.html").read_text()
    capsys.readouterr()
    assert main(command(tmp_path, "--out", str(tmp_path / "none"), "--report")) == 2
    assert "nothing to report" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()

    # another seed is a cell that is not there
    asked: list[int] = []
    monkeypatch.setattr("fauxface.study.run.run_jobs", lambda work, jobs, *rest, **more: asked.extend(jobs))
    assert main(command(tmp_path, "--seeds", "2")) == 0
    assert asked == [1]


def test_a_killed_cell_goes_on_and_is_adapted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In this process, and with the shortest of adapters."""
    from fauxface.evaluation.fitting import Settings
    from fauxface.study import cell as one_cell
    from fauxface.study.cell import Plan, run_cell

    monkeypatch.setattr("fauxface.evaluation.evaluation_sets.CHOICES", (Settings(), Settings(0.1, 0.05, 2)))
    write_face_synthetics(tmp_path / "faces", 6)
    write_ibug(tmp_path / "afw", 3)
    write_ibug(tmp_path / "lfpw", 12, seed=1)
    config = replace(CONFIG, data=tmp_path / "faces", test=(tmp_path / "afw",), out=tmp_path / "study", images=(6,))
    config = replace(config, adapt_data=tmp_path / "lfpw")
    plan = Plan(config, tuple(cells(config)), 1, "lfpw's hash")

    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(one_cell, "score_checkpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            run_cell(plan, 0)
    folder = one_cell.folder_of(config.out, plan.cells[0])
    assert json.loads((folder / "state.json").read_text())["state"] == "stopped"
    assert (folder / "run" / "checkpoint").is_dir()

    monkeypatch.setattr(one_cell, "train", killed)  # it is trained already
    done = run_cell(plan, 0)
    found = {(row["box"], row["adapted"]): row["nme"] for row in done.rows}
    assert set(found) == {(box, adapted) for box in ("landmarks", "detector") for adapted in ("no", "yes")}
    assert found["landmarks", "yes"] < found["landmarks", "no"]
    assert (folder / "adapter" / "adapter.yaml").is_file()
    # under another detector, or adapted to other faces, the cell is not done
    [test] = [data_facts(folder) for folder in config.test]
    results = Results()
    results.add(done.rows, done.errors)
    results.save(config.out)
    again = load_results(config.out)
    assert again.rows.keys() == results.rows.keys()
    cell = plan.cells[0].identity
    assert again.has(cell, wanted_of([test], "own", "lfpw's hash"))
    assert again.has(cell, wanted_of([test], "own", ""))
    assert not again.has(cell, wanted_of([test], "own", "helen's hash"))
    assert not again.has(cell, wanted_of([test], "retinaface", ""))
    for key, errors in results.errors.items():
        np.testing.assert_allclose(again.errors[key], errors, atol=1e-3)
    assert run_study_report(config, plan.cells, again).is_file()


def run_study_report(config: StudyConfig, planned: tuple[Cell, ...], results: Results) -> Path:
    from fauxface.study.material import Material
    from fauxface.study.report import write_report

    wanted = list(dict.fromkeys(key[1:] for key in results.rows))
    page = write_report(Material(config, planned, wanted, results), {"machine": "here"}, "fauxface study")
    assert "Best faces of" in page.read_text()
    assert "label-adapted" in (config.out / "report.md").read_text()
    return page


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--images", "7"), "has 6 images, not the 7"),
        (("--models", "resnet18-telepathy"), "unknown model"),
        (("--policies", "all-sparkle"), "unknown augmentation 'sparkle'"),
        (("--seeds", "0"), "--seeds is a whole number from 1"),
        (("--schedule", "paper"), "no --samples beside it"),
        (("--test", "nowhere"), "no such folder: nowhere"),
        (("--adapt-data", "faces"), "rendered labels"),
        (("--adapt-data", "afw"), "holds 2 faces of the test set afw"),
        (("--adapt-data", "afw", "--adapt-split", "helen"), "unknown split 'helen'"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_run(
    more: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
):
    write_face_synthetics(tmp_path / "faces", 6, size=32)
    write_ibug(tmp_path / "afw", 2, size=32)
    monkeypatch.chdir(tmp_path)
    assert main(command(tmp_path, *more)) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "study").exists()


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path):
    write_face_synthetics(tmp_path / "faces", 2, size=32)
    write_ibug(tmp_path / "afw", 2, size=32)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "thesis.tex").touch()
    config = replace(CONFIG, data=tmp_path / "faces", test=(tmp_path / "afw",), out=tmp_path / "study", images=(2,))
    with pytest.raises(FileExistsError, match="already holds something else"):
        run_study(config)


def test_earlier_results_put_aside_in_the_study_s_folder_stay_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_face_synthetics(tmp_path / "faces", 2, size=32)
    write_ibug(tmp_path / "afw", 2, size=32)
    old = tmp_path / "study" / "archive-old" / "results.csv"
    old.parent.mkdir(parents=True)
    old.write_text("of another study\n")
    monkeypatch.setattr("fauxface.study.run.run_jobs", lambda *args, **more: None)
    config = replace(CONFIG, data=tmp_path / "faces", test=(tmp_path / "afw",), out=tmp_path / "study", images=(2,))
    page, results = run_study(config)
    assert old.read_text() == "of another study\n"
    assert not results.rows
    text = page.read_text()
    assert "No cell is finished yet." in text
    assert f"Not measured: {MODEL} with 2 images: none, all." in text
    with pytest.raises(FileNotFoundError, match=r"nothing to report: .*results\.csv has no finished cell"):
        run_study(config, report_only=True)


def test_the_same_renders_are_the_same_data_on_every_machine(tmp_path):
    """Processors round light and textures differently, so that the same settings give files of other sizes."""
    folder = tmp_path / "faces"
    write_face_synthetics(folder, 3)
    others = data_facts(folder).identity
    assert dataset_settings.SETTINGS == face_synthetics.SETTINGS
    settings = folder / face_synthetics.SETTINGS
    settings.write_text("seed: 1\n")
    renders = data_facts(folder).identity
    image = sorted(folder.glob("*.png"))[0]
    image.write_bytes(image.read_bytes() + b"another compression")
    assert data_facts(folder).identity == renders
    settings.write_text("seed: 2\n")
    assert data_facts(folder).identity != renders
    settings.unlink()
    assert data_facts(folder).identity not in (others, renders)
