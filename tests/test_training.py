import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
import yaml
from fake_data import write_face_synthetics, write_ibug

from fauxface.checkpoint import load_checkpoint, read_card
from fauxface.evaluation.calibration import calibrate
from fauxface.training import TrainingConfig, loop, train
from fauxface.training.data import load_data
from fauxface.training.feed import CropFeed
from fauxface.training.frames import load_frames
from fauxface.training.state import load_state, save_state
from fauxface.training.step import WeightAverage, adamw, learning_rate, precision_of, total_steps

STEPS = 13


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    return write_face_synthetics(tmp_path_factory.mktemp("data") / "faces", 42, size=64)


@pytest.fixture
def config(faces, tmp_path) -> TrainingConfig:
    return TrainingConfig(
        data=faces,
        out=tmp_path / "run",
        model="mobilenetv3small-coordinates",
        augment="strong",
        steps=STEPS,
        batch=8,
        input_size=32,
        threads=1,
        workers=1,
        accelerator="cpu",
    )


def weights_of(run: Path) -> bytes:
    return (run / "checkpoint" / "model.safetensors").read_bytes()


def test_a_run_holds_what_the_design_says(config, faces):
    run = train(config)
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoint",
        "config.yaml",
        "curves.png",
        "log.csv",
        "resume",
    ]
    assert sorted(p.name for p in (run / "checkpoint").iterdir()) == ["model.safetensors", "model.yaml"]
    assert yaml.safe_load((run / "config.yaml").read_text()) == config.scheduled().as_dict()
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert [int(row["step"]) for row in rows] == [5, 10, 13]
    assert all(float(row["val_nme"]) > 0 and float(row["loss"]) > 0 for row in rows)
    model, card = load_checkpoint(run)
    assert (card.labels, card.lane, card.crop_margin, card.options["visibility"]) == ("2d", "research", 1.3, True)
    assert card.provenance["images"] == 40
    assert card.scores["held_out_nme"] == pytest.approx(float(rows[-1]["val_nme"]), abs=1e-3)
    assert card.training["augment"] == "strong"
    assert not any(p.requires_grad and p.grad is not None for p in model.parameters())

    with pytest.raises(FileExistsError, match="already holds a training run; continue it with --resume"):
        train(config)
    with pytest.raises(ValueError, match=r"began with other settings \(lr 0.0015 → 0.1\)"):
        train(replace(config, resume=True, lr=0.1))
    before = weights_of(run)
    train(replace(config, resume=True))
    assert weights_of(run) == before


@pytest.mark.parametrize("broken_at", [0, 3, 5, 12])
def test_a_broken_run_resumes_to_the_same_weights(config, monkeypatch, broken_at):
    expected = train(config)
    monkeypatch.setattr(loop, "SAVE_SECONDS", -1)
    monkeypatch.setattr(loop, "SAVE_SECONDS_WITHIN", -1 if broken_at != 12 else 1e9)
    update, again = WeightAverage.update, replace(config, out=config.out.with_name("broken"), resume=True)

    def fail(self, step):
        if step == broken_at:
            raise KeyboardInterrupt
        update(self, step)

    monkeypatch.setattr(WeightAverage, "update", fail)
    with pytest.raises(KeyboardInterrupt):
        train(again)
    monkeypatch.setattr(WeightAverage, "update", update)
    (again.out / ".fauxface-tmp-abcdefgh.csv").write_text("")
    train(again)
    assert weights_of(again.out) == weights_of(expected)
    rows, broken = (list(csv.DictReader((run / "log.csv").open())) for run in (expected, again.out))
    assert [row["loss"] for row in rows] == [row["loss"] for row in broken]
    assert len(list(again.out.iterdir())) == 5


def test_a_killed_process_resumes_to_the_same_weights(config):
    config = replace(config, steps=40)
    expected = train(config)
    again = replace(config, out=config.out.with_name("killed"), resume=True)
    code = (
        "import sys, json\nfrom pathlib import Path\nfrom fauxface.training import TrainingConfig, loop, train\n"
        "loop.SAVE_SECONDS = loop.SAVE_SECONDS_WITHIN = -1\n"
        "settings = json.loads(sys.argv[1])\n"
        "train(TrainingConfig(**{**settings, 'data': Path(settings['data']), 'out': Path(settings['out'])}))\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(again.as_dict())], env=environment)
    try:
        deadline = time.monotonic() + 240
        while len(list((again.out / "resume").glob("*.json"))) < 2 and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    saved = load_state(again.out / "resume")
    assert saved is not None
    assert 0 < saved[1]["step"] < 40
    train(again)
    assert weights_of(again.out) == weights_of(expected)


def test_a_torn_state_falls_back_to_the_one_before(tmp_path):
    for step in (1, 2, 3):
        save_state(tmp_path, step, {"a": torch.full((3,), float(step))}, {"rows": []})
    assert len(list(tmp_path.iterdir())) == 4
    newest = tmp_path / "step-000000003.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    tensors, record = load_state(tmp_path)
    assert record["step"] == 2
    assert tensors["a"].tolist() == [2, 2, 2]
    (tmp_path / "step-000000002.json").write_text("{")
    assert load_state(tmp_path) is None


def test_a_run_learns(config):
    run = train(replace(config, steps=120, augment="none", warmup=10))
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert float(rows[-1]["val_nme"]) < float(rows[0]["val_nme"])


def test_init_starts_from_a_checkpoint(config, tmp_path):
    first = train(replace(config, steps=1, lr=1e-9))
    config = replace(config, out=tmp_path / "second", init=str(first))
    model, card = load_checkpoint(train(replace(config, steps=1, lr=1e-9)))
    for a, b in zip(model.parameters(), load_checkpoint(first)[0].parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)
    assert card.provenance["init_provenance"]["init"] == "random"
    with pytest.raises(ValueError, match="do not fit mobilenetv3small-coordinates at 64 px"):
        train(replace(config, out=tmp_path / "third", input_size=64))


def test_convolutions_go_on_with_crops_of_another_size(config, tmp_path):
    first = train(replace(config, model="mobilenetv3small-pip", steps=1))
    onwards = replace(config, model="mobilenetv3small-pip", out=tmp_path / "second", init=str(first), input_size=40)
    model, card = load_checkpoint(train(replace(onwards, steps=1, lr=1e-9)))
    assert card.input_size == 40
    third = replace(onwards, out=tmp_path / "third", input_size=None)
    assert load_checkpoint(train(replace(third, steps=1)))[1].input_size == config.input_size
    for a, b in zip(model.parameters(), load_checkpoint(first)[0].parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_a_neck_may_be_added_to_a_backbone_that_has_learned(config, tmp_path):
    first = train(replace(config, model="mobilenetv3small-pip", steps=1))
    onwards = replace(
        config, model="mobilenetv3small-pip", out=tmp_path / "second", init=str(first), neck="fuse", seed=5
    )
    model, card = load_checkpoint(train(replace(onwards, steps=1, lr=1e-9, neck_width=32)))
    assert (card.options["neck"], card.options["neck_width"]) == ("fuse", 32)
    before, after = load_checkpoint(first)[0].state_dict(), model.state_dict()
    learned = [name for name in before if name.startswith("backbone") and name.endswith("weight")]
    for name in learned:
        torch.testing.assert_close(after[name], before[name], atol=1e-6, rtol=1e-4)
    assert learned
    with pytest.raises(ValueError, match=r"--neck-width of --init .* is 32, not 48"):  # a neck that has learned stays
        train(replace(onwards, out=tmp_path / "third", init=str(tmp_path / "second"), neck_width=48))


@pytest.mark.parametrize("lost", ["checkpoint/model.safetensors", "checkpoint/model.yaml", "log.csv"])
def test_a_finished_run_keeps_its_checkpoint_unless_it_is_broken(config, lost):
    run = train(replace(config, steps=1))
    (run / "checkpoint" / "model.yaml").write_text((run / "checkpoint" / "model.yaml").read_text() + "# mine\n")
    before = {path: path.read_bytes() for path in run.rglob("*.*")}
    train(replace(config, steps=1, resume=True))
    assert {path: path.read_bytes() for path in run.rglob("*.*")} == before
    (run / lost).unlink()
    train(replace(config, steps=1, resume=True))
    assert (run / lost).is_file()
    assert "# mine" not in (run / "checkpoint" / "model.yaml").read_text()


def test_calibration_stays_with_its_run_and_only_there(config, faces, tmp_path):
    config = replace(config, loss="gaussian", steps=1)
    factor = calibrate(train(config), faces).factor
    assert abs(factor - 1) > 0.01
    before, card = weights_of(config.out), read_card(config.out)
    train(replace(config, resume=True))
    assert weights_of(config.out) == before
    assert read_card(config.out) == card
    model, card = load_checkpoint(train(replace(config, init=str(config.out), out=tmp_path / "onwards")))
    assert (float(model.sigma_factor), card.calibration) == (1, {})


def test_only_our_renders_are_clean(config, faces, tmp_path):
    ours = write_face_synthetics(tmp_path / "ours", 6, size=64)
    for path in ours.glob("*.json"):
        path.write_text(path.read_text().replace('"generator": "fake"', '"generator": "1"'))
    config = replace(config, steps=1, data=ours, out=tmp_path / "clean")
    card = load_checkpoint(train(config))[1]
    assert (card.lane, card.provenance["generator"], card.licence) == ("clean", "1", "Apache-2.0")
    onwards = replace(config, init=str(tmp_path / "clean"), out=tmp_path / "onwards")
    assert load_checkpoint(train(onwards))[1].lane == "clean"
    assert load_checkpoint(train(replace(onwards, data=faces, out=tmp_path / "mixed")))[1].lane == "research"
    (ours / "000003.json").unlink()
    assert load_data(replace(config, images=6, val_data=faces)).generator is None


def test_held_out_faces(config, faces, tmp_path):
    data = load_data(config)
    assert (len(data.train), len(data.val)) == (40, 2)
    other = write_face_synthetics(tmp_path / "other", 5, seed=9, size=64)
    data = load_data(replace(config, val_data=other, images=30))
    assert (len(data.train), len(data.val)) == (30, 5)
    ibug = write_ibug(tmp_path / "ibug", 3, size=64)
    with pytest.raises(ValueError, match="ibug"):
        load_data(replace(config, val_data=ibug))
    with pytest.raises(ValueError, match="cannot take 43 samples"):
        train(replace(config, images=43))
    assert not config.out.exists()


def test_crops_come_to_the_device_the_same_way_or_that(config):
    data, rows = load_data(config), torch.tensor([5, 0, 39])
    held = replace(data, feed=CropFeed(data.train.images, torch.device("cpu"), resident=True))
    assert held.feed.resident is not None
    for a, b in zip(*((d.batch(rows, 3, lambda t: t)) for d in (data, held)), strict=True):
        if isinstance(a, torch.Tensor):
            assert torch.equal(a, b)
    memory = load_data(replace(config, in_memory=True))
    assert torch.equal(memory.batch(rows, 3, lambda t: t)[0], data.batch(rows, 3, lambda t: t)[0])
    assert torch.equal(memory.feed(rows, lambda t: t), held.feed(rows, lambda t: t))


@pytest.mark.slow
def test_a_compiled_model_takes_the_same_steps(config):
    config = replace(config, steps=3, augment="none")
    plain, compiled = (train(replace(config, compile=c, out=config.out.with_name(f"{c}"))) for c in (False, True))
    a, b = (safetensors.torch.load_file(run / "checkpoint" / "model.safetensors") for run in (plain, compiled))
    assert a.keys() == b.keys()
    apart = sum(float((a[n].double() - b[n].double()).square().sum()) for n in a) ** 0.5
    assert apart < 1e-2 * sum(float(v.double().square().sum()) for v in a.values()) ** 0.5


def test_compiling_needs_a_compiler(config, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"--compile needs a C\+\+ compiler"):
        train(replace(config, compile=True))


def test_a_loss_that_is_no_number_stops_the_run(config, monkeypatch):
    from fauxface.models.coordinates import Coordinates

    monkeypatch.setattr(Coordinates, "loss", lambda self, outputs, targets: outputs.points.sum() * float("nan"))
    with pytest.raises(ValueError, match=r"no longer a finite number after 5 steps: try a lower --lr"):
        train(config)


def test_a_folder_that_holds_something_else_stays_as_it_is(config):
    config.out.mkdir()
    train(replace(config, steps=1))
    other = config.out.with_name("other")
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(FileExistsError, match="already holds something else"):
            train(replace(config, out=other, resume=resume))
    assert [path.name for path in other.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 3}, "give only one budget, not --epochs and --steps"),
        ({"batch": 0}, "--batch is a whole number from 1 "),
        ({"images": 0}, "--images is a whole number from 1 "),
        ({"seed": -1}, "--seed is a whole number from 0 "),
        ({"ema": 1.0}, r"--ema is a number from 0 below 1, not 1.0"),
        ({"lr": float("nan")}, "--lr is a number above 0 to 10, not nan"),
        ({"augment": "most"}, "unknown augmentation policy 'most'"),
        ({"neighbours": -1}, "--neighbours is a whole number from 0 "),
        ({"neighbours": 3}, "has no option 'neighbours'"),
        ({"stride": 64}, "has no option 'stride'"),
        ({"model": "mobilenetv3small-pip", "stride": 16}, "the stride must be 32, 64 or 128"),
        ({"model": "mobilenetv3small-pip", "loss": "l1"}, "has no option 'loss'"),
        ({"model": "nonet-coordinates"}, "unknown backbone 'nonet'"),
        ({"pretrained": True, "init": "x"}, "--pretrained and --init"),
        ({"init": "nowhere"}, "no checkpoint: nowhere"),
    ],
)
def test_bad_settings_are_one_clear_line_and_leave_nothing(config, changes, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as error:
        train(replace(config, **changes))
    assert "\n" not in str(error.value)
    assert not config.out.exists()


def test_schedule_and_budgets(config):
    config = replace(config, steps=None, warmup=100).scheduled()
    rates = [learning_rate(config, step, 2000) for step in range(2000)]
    assert max(rates) == pytest.approx(config.lr, rel=0.02)
    assert 90 <= rates.index(max(rates)) <= 110
    assert rates[-1] < 1e-5 * config.lr * 10
    assert total_steps(config, 7, 8) == 700
    assert total_steps(replace(config, epochs=3), 7, 8) == 21
    assert total_steps(replace(config, samples=100), 7, 8) == 13


def test_the_papers_schedule(config):
    asked = TrainingConfig(data=config.data, out=config.out, schedule="paper")
    paper = asked.scheduled()
    assert (paper.lr, paper.epochs, paper.weight_decay, paper.warmup, paper.ema) == (1e-4, 60, 0, 0, 0)
    assert paper.batch == 16
    assert paper.scheduled() == paper
    assert replace(asked, steps=3).scheduled().epochs is None
    with pytest.raises(ValueError, match="--batch 16 cannot be shared evenly among 32"):
        train(replace(asked, devices=32))
    assert not config.out.exists()
    rates = [learning_rate(paper, epoch, 60) for epoch in range(60)]
    assert rates == pytest.approx([1e-4] * 30 + [1e-5] * 20 + [1e-6] * 10)


@pytest.mark.parametrize(
    ("model", "schedule", "settings"),
    [
        ("mobilenetv3-coordinates", "ours", (128, 64, 1.5e-3, 0.05, 200, 0.998)),
        ("mobilenetv3-coordinates", "paper", (128, 16, 1e-4, 0, 0, 0)),
        ("one-stage", "ours", (320, 16, 1e-3, 0.05, 200, 0.998)),
    ],
)
def test_what_is_given_is_taken_and_the_rest_is_the_models_and_the_schedules(tmp_path, model, schedule, settings):
    names = ("input_size", "batch", "lr", "weight_decay", "warmup", "ema")
    asked = TrainingConfig(data=tmp_path, out=tmp_path, model=model, schedule=schedule)
    assert tuple(getattr(asked.scheduled(), name) for name in names) == settings
    ours = {"input_size": 128, "batch": 64, "lr": 1.5e-3, "weight_decay": 0.05, "warmup": 200, "ema": 0.998}
    given = replace(asked, **ours).scheduled()
    assert {name: getattr(given, name) for name in names} == ours


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "projected"}, "--labels projected"),
        ({"crop": "five-points", "crop_margin": 2.0}, "--crop, --crop-margin"),
        ({"augment": "strong"}, "--augment strong"),
        ({"packs": Path("packs")}, "--packs"),
        ({"in_memory": True}, "--in-memory"),
        ({"loss": "l1"}, "--loss"),
        ({"neighbours": 3, "stride": 64}, "--neighbours, --stride"),
        ({"pretrained": True}, "--pretrained"),
    ],
)
def test_one_stage_refuses_what_it_would_not_heed(config, changes, message):
    config = replace(config, model="one-stage", augment="all", input_size=96)
    loop.check(replace(config, labels="2d"))
    loop.check(replace(config, augment="none"))
    with pytest.raises(ValueError, match=f"one-stage does not accept {message}:"):
        train(replace(config, **changes))
    assert not config.out.exists()


def test_frames_that_cannot_be_read_count_where_they_lie(config, faces, tmp_path):
    held_out = write_face_synthetics(tmp_path / "held_out", 3, seed=9, size=64)
    (held_out / "000001.png").write_bytes(b"torn")
    config = replace(config, model="one-stage", augment="all", input_size=96, val_data=held_out, skip_bad=True)
    data = load_frames(config)
    assert [(len(frames), len(frames.skipped)) for frames in (data.train, data.val)] == [(42, 0), (2, 1)]


@pytest.mark.parametrize("stride", [32, 64, 128])
def test_pipnets_strides(config, tmp_path, stride):
    config = replace(config, model="mobilenetv3small-pip", stride=stride, steps=1)
    model, card = load_checkpoint(train(config))
    assert (card.options["stride"], card.training["stride"]) == (stride, stride)
    assert model(torch.rand(1, 3, 32, 32)).score.shape[-1] == 256 // stride
    onwards = replace(config, init=str(config.out), out=tmp_path / "onwards", stride=None)
    assert load_checkpoint(train(onwards))[1].options["stride"] == stride
    other = 64 if stride == 32 else 32
    with pytest.raises(ValueError, match=f"is {stride}, not {other}"):
        train(replace(onwards, out=tmp_path / "other", stride=other))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "mobilenetv3small-pip", "neighbours": 3, "schedule": "paper"},
        {"model": "mobilenetv2-heatmaps"},
        {"loss": "gaussian"},
    ],
)
def test_every_method_trains_and_goes_on_from_a_checkpoint(config, tmp_path, changes):
    config = replace(config, steps=2, **changes)
    model, card = load_checkpoint(train(config))
    assert card.options["visibility"]
    assert card.options.get("neighbours") == changes.get("neighbours")
    assert card.training["lr"] == (1e-4 if config.schedule == "paper" else 1.5e-3)
    onwards = replace(
        config, out=tmp_path / "onwards", init=str(config.out), neighbours=None, loss="smooth_l1", lr=1e-9
    )
    went_on, card = load_checkpoint(train(onwards))
    torch.testing.assert_close(
        went_on.state_dict()["backbone.network.conv_stem.weight"].sum(),
        model.state_dict()["backbone.network.conv_stem.weight"].sum(),
    )
    if "neighbours" in changes:
        assert torch.equal(went_on.neighbours, model.neighbours)
        with pytest.raises(ValueError, match="is 3, not 0"):
            train(replace(onwards, out=tmp_path / "third", neighbours=0))


def test_a_run_of_an_older_version_resumes(config):
    path = train(replace(config, steps=1)) / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    newer = ("schedule", "neighbours", "stride")
    path.write_text(yaml.safe_dump({k: v for k, v in settings.items() if k not in newer}))
    train(replace(config, steps=1, resume=True))


def test_norms_and_biases_do_not_decay(config):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    decaying, rest = adamw(model, config.scheduled()).param_groups
    assert [p.ndim for p in decaying["params"]] == [4]
    assert (len(rest["params"]), rest["weight_decay"]) == (3, 0)


def test_the_average_follows_weights_and_statistics():
    model = torch.nn.BatchNorm2d(2)
    average = WeightAverage(model, 0.9)
    with torch.no_grad():
        model.weight.fill_(3)
        model.running_mean.fill_(1)
        model.num_batches_tracked.fill_(7)
    average.update(10**6)
    assert average.model.weight.tolist() == pytest.approx([1.2, 1.2])
    assert average.model.running_mean.tolist() == pytest.approx([0.1, 0.1])
    assert average.model.num_batches_tracked == 7


def test_precision_can_be_chosen(config):
    assert precision_of(config) == "32-true"
    assert precision_of(replace(config, precision="bf16")) == "bf16-mixed"


def test_bf16_trains(config):
    assert train(replace(config, precision="bf16", steps=2)) == config.out


def test_files_stay_whole_on_a_full_disk(config, monkeypatch):
    """A write that fails leaves the error and no half-written file."""
    real = safetensors.torch.save
    monkeypatch.setattr(Path, "write_bytes", lambda self, data: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        train(replace(config, steps=1))
    assert real is safetensors.torch.save
    assert not list(config.out.rglob("*.*"))
