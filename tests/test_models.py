"""Every registered model goes through the same tests."""

import pytest
import torch
from fake_data import draw_face

from fauxface import metrics
from fauxface.faces import Crop, landmark_box
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.models import METHODS, MODELS, Prediction, Targets, build_model
from fauxface.models.backbones import create_backbone
from fauxface.models.losses import LOSSES

SCHEME, SIZE = FACE_SYNTHETICS70.name, 96
SMALLEST = {"coordinates": "mobilenetv3small", "heatmaps": "mobilenetv2", "pip": "mobilenetv3small"}
QUICK = [f"{backbone}-{method}" for method, backbone in SMALLEST.items()]
SLOW = [name for name in MODELS if name not in QUICK]
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
    "resnet18-pip": [15.93248, 23.20521, 35.44349, 42.71621, 0.00000],
    "resnet50-pip": [38.95549, 36.04639, 37.72075, 36.26620, 1.00000],
    "resnet101-pip": [273.77542, 279.59360, -397.53659, -378.62747, 1.00000],
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def model_of(name: str, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_model(name, SIZE, SCHEME, **options)


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
    """With the truth of visibility or without it, the points' gradients are the same."""
    model, images, targets = model_of(name, visibility=True), images_of(2), targets_of(2)
    grads = []
    for given in (targets, Targets(targets.landmarks)):
        model.zero_grad()
        model.loss(model(images), given).backward()
        grads.append([p.grad.clone() for n, p in model.named_parameters() if n.startswith("backbone")])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", ALL)
def test_golden_outputs(name):
    model = model_of(name).eval()
    fill(model)
    y, x = torch.meshgrid(torch.linspace(0, 1, SIZE), torch.linspace(0, 1, SIZE), indexing="ij")
    with torch.no_grad():
        found = model.decode(model(torch.stack([x, y, (x * 9).sin() * 0.5 + 0.5])[None]))
    values = [*found.landmarks[0, 0].tolist(), *found.landmarks[0, -1].tolist(), found.scores[0, 0].item()]
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


def overfit(name: str, **options) -> tuple[float, float]:
    """Mean NME in percent and mean score of a model that has seen eight faces and nothing else."""
    images, landmarks = [], []
    for index in range(8):
        face = draw_face(index, 0, 160)
        crop = Crop.around(landmark_box(face.landmarks, SCHEME), SIZE)
        images.append(torch.from_numpy(crop.extract(face.image)))
        landmarks.append(torch.from_numpy(crop.to_crop(face.landmarks)))
    images_B3HW = torch.stack(images).permute(0, 3, 1, 2).float() / 255
    targets = Targets(torch.stack(landmarks).float())
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
    # statistics of these very images, as training on them alone would end with
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    with torch.no_grad():
        model.train()(images_B3HW)
        found = model.eval().decode(model(images_B3HW))
    errors = metrics.nme(found.landmarks.numpy(), targets.landmarks.numpy(), SCHEME)
    return float(errors.mean()), found.scores.mean().item()


@pytest.mark.parametrize("name", ALL)
def test_overfits_eight_faces(name):
    error, score = overfit(name)
    assert error < 1
    assert score > 0.5


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
    with pytest.raises(ValueError, match="mobilenetv3small-pip has no 'loss' to choose"):
        build_model("mobilenetv3small-pip", SIZE, SCHEME, loss="l1")


def test_any_timm_name_is_a_backbone():
    assert create_backbone("mobilenetv3small").strides[-1] == 32
    found = build_model("lcnet_050-coordinates", 64, "ibug68").eval()
    assert found.decode(found(torch.rand(1, 3, 64, 64))).landmarks.shape == (1, 68, 2)


def test_the_small_model_fits_four_megabytes_in_float16():
    count = sum(p.numel() for p in build_model("mobilenetv3small-coordinates", 128, SCHEME).parameters())
    assert 2 * count < 3.9e6
