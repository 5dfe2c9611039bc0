"""Every registered model goes through the same tests."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from fake_data import draw_face, write_face_synthetics

from fauxface import metrics
from fauxface.checkpoint import card_of, load_checkpoint, save_checkpoint
from fauxface.cli import main
from fauxface.export import export
from fauxface.faces import Crop, landmark_box
from fauxface.inference import OnnxModel, predict_crops
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.models import METHODS, MODELS, LandmarkModel, Prediction, Targets, build_model
from fauxface.models.backbones import create_backbone
from fauxface.models.losses import LOSSES
from fauxface.models.pip import PipOutputs

SCHEME, SIZE = FACE_SYNTHETICS70.name, 96
SMALLEST = {"coordinates": "mobilenetv3small", "heatmaps": "mobilenetv2", "pip": "mobilenetv3small"}
QUICK = [f"{backbone}-{method}" for method, backbone in SMALLEST.items()]
VARIANTS = {
    "mobilenetv3small-pip+neck": {"neck": "fuse"},
    "resnet18-pip+neck": {"neck": "fuse"},
}
"""Models with options, named for these tests."""
QUICK += ["mobilenetv3small-pip+neck"]
SLOW = [name for name in (*MODELS, *VARIANTS) if name not in QUICK]
OVERFIT = {"mobilenetv2-heatmaps": (80, 3e-3), "mobilenetv3small-pip": (100, 2e-3)}
"""Steps and highest learning rate where fewer than the usual ones do."""
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
# the first and the last point, and a score, of the model whose weights `fill` sets
GOLDEN = {
    "mobilenetv1-coordinates": [54.80347, -113.48178, 47.81345, 108.63141, 0.50112],
    "mobilenetv2-coordinates": [56.93851, -106.03844, 46.71378, 114.57413, 0.51079],
    "mobilenetv3-coordinates": [47.43197, -115.60010, 46.33752, 107.98848, 0.50117],
    "mobilenetv3small-coordinates": [57.79799, -107.68588, 50.82127, 115.46003, 0.49368],
    "resnet18-coordinates": [97.11627, -116.10357, 123.44753, 97.25327, 0.53431],
    "resnet34-coordinates": [596.77362, -392.34546, 647.58179, 388.43323, 0.95227],
    "resnet50-coordinates": [165.71369, -256.86647, -6.48663, 125.94675, 0.41008],
    "mobilenetv2-heatmaps": [21.91485, 57.74218, 26.98035, 63.08383, 0.01186],
    "mobilenetv2-pip": [36.87729, 45.60457, 37.61241, 49.24878, 0.22212],
    "mobilenetv3-pip": [50.32667, 67.78122, 53.45296, 62.18023, 0.05583],
    "mobilenetv3small-pip": [60.61399, 30.06853, 60.50109, 32.86473, 0.00097],
    "resnet18-pip": [15.93248, 23.20521, 35.44349, 42.71621, -0.31199],
    "resnet50-pip": [38.95549, 36.04639, 37.72075, 36.26620, 2.38685],
    "resnet101-pip": [273.77542, 279.59360, -397.53659, -378.62747, 49.87074],
    "mobilenetv3small-pip+neck": [55.12967, 30.40240, 57.25356, 38.34447, -0.00432],
    "resnet18-pip+neck": [36.64454, 19.18999, 36.30182, 14.48364, -0.13186],
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def model_of(name: str, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_model(name.partition("+")[0], SIZE, SCHEME, **VARIANTS.get(name, {}) | options)


def targets_of(batch: int) -> Targets:
    generator = torch.Generator().manual_seed(1)
    landmarks = torch.rand(batch, 70, 2, generator=generator) * SIZE
    return Targets(landmarks, torch.rand(batch, 70, generator=generator) < 0.7)


def images_of(batch: int) -> torch.Tensor:
    return torch.rand(batch, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def fill(model: torch.nn.Module) -> None:
    """Weights by a fixed formula that looks random, in [−1, 1], scaled by the fan-in; norms near 1."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        turns = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 12.9898 + len(name)) * 43758.5453
        wave = 2 * (turns - turns.floor()).view(value.shape) - 1
        if value.ndim > 1:
            value.copy_(wave * (3 / value[0].numel()) ** 0.5)
        elif name.endswith("running_mean") or name.endswith("bias"):
            value.copy_(0.05 * wave)
        else:
            value.copy_(1 + 0.1 * wave)


def test_every_method_names_its_smallest_backbone():
    assert SMALLEST.keys() == METHODS.keys()
    assert {name.rpartition("-")[2] for name in MODELS} == METHODS.keys()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("visibility", [False, True])
def test_shapes(name, visibility):
    model = model_of(name, visibility=visibility).eval()
    for batch in (1, 3):
        with torch.no_grad():
            found = model.decode(model(images_of(batch)))
        assert isinstance(found, Prediction)
        assert found.landmarks.shape == (batch, 70, 2)
        assert found.scores.shape == (batch, 70)
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert (found.visibility is not None) == visibility
        if found.visibility is not None:
            assert found.visibility.shape == (batch, 70)
            assert ((found.visibility >= 0) & (found.visibility <= 1)).all()


@pytest.mark.parametrize("name", ALL)
def test_gradients_reach_every_parameter_and_a_step_lowers_the_loss(name):
    model = model_of(name, visibility=True)
    targets, images = targets_of(4), images_of(4)
    model.learn_statistics(targets.landmarks)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():  # timm's ResNets begin with their residual branches switched off
                parameter.fill_(0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    before = model.loss(model(images), targets)
    before.backward()
    unreached = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unreached == []
    optimizer.step()
    assert model.loss(model(images), targets) < before


@pytest.mark.parametrize("name", ALL)
def test_scores_and_visibility_do_not_touch_the_points(name):
    """What is said beside the points reaches its own layers alone, and the points learn the same whatever it says."""
    model, images, targets = model_of(name, visibility=True), images_of(2), targets_of(2)
    model.learn_statistics(targets.landmarks)
    outputs = model(images)
    beside = {side: getattr(outputs, side) for side in ("log_error", "visible") if hasattr(outputs, side)}
    points = {key: value for key, value in outputs._asdict().items() if key not in (*beside, "extra")}

    def reached(*values: torch.Tensor) -> set[str]:
        model.zero_grad()
        sum(value.square().sum() for value in values).backward(retain_graph=True)
        return {key for key, p in model.named_parameters() if p.grad is not None and p.grad.any()}

    theirs = reached(*points.values())
    for value in beside.values():
        own = reached(value)
        assert own
        assert own.isdisjoint(theirs)

    def learned(said: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        places = {key: value.detach().requires_grad_() for key, value in points.items()}
        loss = model.loss(outputs._replace(**places, **said), targets)
        return list(torch.autograd.grad(loss, list(places.values())))

    for side, value in beside.items():
        for a, b in zip(learned(beside), learned({**beside, side: value + 1}), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("name", ALL)
def test_golden_outputs(name):
    model = model_of(name).eval()
    fill(model)
    y, x = torch.meshgrid(torch.linspace(0, 1, SIZE), torch.linspace(0, 1, SIZE), indexing="ij")
    with torch.no_grad():
        outputs = model(torch.stack([x, y, (x * 9).sin() * 0.5 + 0.5])[None])
        found = model.decode(outputs)
        # PIPNet's are clamped, of such weights often to 0 or 1: as the map has them
        scores = outputs.score.amax((2, 3)) if isinstance(outputs, PipOutputs) else found.scores
    values = [*found.landmarks[0, 0].tolist(), *found.landmarks[0, -1].tolist(), scores[0, 0].item()]
    assert values == pytest.approx(GOLDEN[name], abs=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_state_rebuilds_the_model(name):
    model = model_of(name, visibility=True).eval()
    other = build_model(model.name, model.input_size, model.scheme, **model.options).eval()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        found, expected = (m.decode(m(images_of(1))) for m in (other, model))
    for name in ("landmarks", "scores", "visibility"):
        assert torch.equal(getattr(found, name), getattr(expected, name))


class Overfitted(NamedTuple):
    """A model that has seen eight faces and nothing else.

    Attributes:
        error: mean NME of these faces in percent.
        score: mean score of their points.
        model: in eval mode.
        crops: the faces, 8×S×S×3 uint8 RGB.
    """

    error: float
    score: float
    model: LandmarkModel
    crops: np.ndarray


def overfit(name: str, **options) -> Overfitted:
    """Train a model on eight faces alone."""
    crops, landmarks = [], []
    for index in range(8):
        face = draw_face(index, 0, 160)
        crop = Crop.around(landmark_box(face.landmarks, SCHEME), SIZE)
        crops.append(crop.extract(face.image))
        landmarks.append(crop.to_crop(face.landmarks))
    images_B3HW = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    targets = Targets(torch.from_numpy(np.stack(landmarks)).float())
    model = model_of(name, **options)
    model.learn_statistics(targets.landmarks)
    steps, rate = OVERFIT.get(name, (150, 2e-3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(model(images_B3HW), targets).backward()
        optimizer.step()
        schedule.step()
    keep_statistics(model, images_B3HW)
    found = predict_crops(model, np.stack(crops))
    errors = metrics.nme(found.landmarks, targets.landmarks.numpy(), SCHEME)
    return Overfitted(float(errors.mean()), float(found.scores.mean()), model, np.stack(crops))


@torch.no_grad()
def keep_statistics(model: torch.nn.Module, images: torch.Tensor) -> None:
    """Batch norms keep the statistics of these very images, as training on them alone ends with; then eval mode."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    # kept is the variance by n − 1, learned with the one by n: of a last map of 3×3 cells one in 72 apart, so eightfold
    model.train()(images.repeat(8, 1, 1, 1))
    model.eval()


@pytest.fixture(scope="module", params=ALL)
def overfitted(request: pytest.FixtureRequest) -> Overfitted:
    return overfit(request.param)


def test_overfits_eight_faces(overfitted: Overfitted):
    assert overfitted.error < 1
    assert overfitted.score > 0.5


@pytest.mark.slow
def test_what_it_learned_survives_saving_and_export(overfitted: Overfitted, tmp_path: Path):
    model, crops = overfitted.model, overfitted.crops
    save_checkpoint(tmp_path / "checkpoint", model, card_of(model, "2d", 1.3, "clean"))
    loaded, _ = load_checkpoint(tmp_path / "checkpoint")
    export(tmp_path / "checkpoint", tmp_path / "model.onnx")
    exported = OnnxModel(tmp_path / "model.onnx", threads=1)
    wanted = predict_crops(model, crops).landmarks
    assert np.ptp(wanted, axis=0).max() > 1  # the eight are not one and the same
    for one in (loaded, exported):
        singly = np.concatenate([predict_crops(one, crops[i : i + 1]).landmarks for i in range(len(crops))])
        for found in (predict_crops(one, crops).landmarks, singly):
            assert np.abs(found - wanted).max() < 1e-4 * SIZE


def test_points_are_measured_from_the_crops_outer_edge():
    model = model_of("mobilenetv3small-coordinates")
    outputs = model(images_of(2))
    edge = outputs._replace(points=torch.zeros_like(outputs.points))
    assert model.decode(edge).landmarks.unique().tolist() == [-0.5]
    assert model.loss(edge, Targets(torch.full((2, 70, 2), -0.5))).isfinite()
    model.learn_statistics(torch.full((5, 70, 2), SIZE - 0.5))
    assert model.mean_face.unique().tolist() == [1.0]


def test_a_higher_expected_error_is_a_lower_score():
    model = model_of("mobilenetv3small-coordinates")
    outputs = model(images_of(1))
    worse = outputs._replace(log_error=outputs.log_error + 1)
    assert (model.decode(worse).scores < model.decode(outputs).scores).all()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_rise_with_the_error(name):
    error = torch.linspace(0, 0.3, 50)
    values = LOSSES[name](error)
    assert values[0] == 0
    assert (values.diff() > 0).all()
    torch.testing.assert_close(LOSSES[name](-error), values)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobilenetv3small", "unknown model 'mobilenetv3small'; there are mobilenetv1-coordinates"),
        ("mobilenetv3small-guess", "unknown model 'mobilenetv3small-guess'"),
        ("nonet-coordinates", "unknown backbone 'nonet'"),
    ],
)
def test_unknown_names_are_one_clear_line(name, message):
    with pytest.raises(ValueError, match=message) as error:
        build_model(name, SIZE, SCHEME)
    assert "\n" not in str(error.value)


def test_another_methods_option_is_one_clear_line():
    with pytest.raises(ValueError, match="mobilenetv3small-pip has no option 'loss'"):
        build_model("mobilenetv3small-pip", SIZE, SCHEME, loss="l1")


@pytest.mark.parametrize(
    ("name", "size", "options", "cell"),
    [
        ("mobilenetv2-heatmaps", 100, {}, 32),
        ("mobilenetv3small-pip", 100, {}, 16),
        ("mobilenetv3small-pip", 96, {"stride": 128}, 64),
        ("mobilenetv3small-pip", 96, {"stride": 64}, None),
        ("mobilenetv3small-coordinates", 100, {}, None),
    ],
)
def test_maps_and_crop_do_not_drift_apart(name, size, options, cell):
    """A size is taken if the cells fill it; one that flattens its map needs no cells."""
    if cell is None:
        build_model(name, size, SCHEME, **options)
        return
    with pytest.raises(ValueError, match=f"{name} takes crops of {cell} px or a multiple of that, not {size} px"):
        build_model(name, size, SCHEME, **options)


def test_a_size_that_does_not_fit_is_one_line_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    faces = write_face_synthetics(tmp_path / "faces", 4)
    told = ["train", "--data", str(faces), "--out", str(tmp_path / "run"), "--steps", "1"]
    assert main([*told, "--model", "mobilenetv2-heatmaps", "--input-size", "100"]) == 2
    assert "error: mobilenetv2-heatmaps takes crops of 32 px" in capsys.readouterr().err.splitlines()[-1]


def test_any_timm_name_is_a_backbone():
    assert create_backbone("mobilenetv3small", 64).strides[-1] == 32
    found = build_model("lcnet_050-coordinates", 64, "ibug68").eval()
    assert found.decode(found(torch.rand(1, 3, 64, 64))).landmarks.shape == (1, 68, 2)


def test_the_small_model_fits_four_megabytes_in_float16():
    count = sum(p.numel() for p in build_model("mobilenetv3small-coordinates", 128, SCHEME).parameters())
    assert 2 * count < 3.9e6
