"""What is particular to a method: the letter of its paper."""

import numpy as np
import pytest
import torch
from test_models import SIZE, images_of, model_of, overfit, targets_of

from fauxface.models import EXPECTED_COVERAGE, MODELS, Targets, build_model, calibration_factor, coverage
from fauxface.models.coordinates import FIRST_SIGMA, LEAST_SIGMA, SIGMA_PACE, with_least
from fauxface.models.grid import cell_of, corner_of, highest, read
from fauxface.models.heatmaps import HeatmapOutputs, Heatmaps, log_target, peaks
from fauxface.models.listing import models_table
from fauxface.models.losses import gaussian
from fauxface.models.pip import Pip, PipOutputs
from fauxface.models.table import describe


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def pip() -> Pip:
    model = model_of("mobilenetv3small-pip").eval()
    model.learn_statistics(targets_of(4).landmarks)
    assert isinstance(model, Pip)
    return model


def random(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def pip_truth(model: Pip, landmarks: torch.Tensor, side: int) -> PipOutputs:
    """Outputs that are right at the cells that hold the points and nonsense elsewhere, written out point by point."""
    batch, count, near = len(landmarks), model.points, model.neighbours.shape[1]
    points = (landmarks + 0.5) / model.input_size * side
    score = torch.zeros(batch, count, side, side)
    offset = torch.full((batch, count, 2, side, side), 99.0)
    neighbour = torch.full((batch, count, 2, near, side, side), 99.0)
    for b in range(batch):
        for n in range(count):
            x, y = (min(max(int(np.floor(v)), 0), side - 1) for v in points[b, n].tolist())
            corner = torch.tensor([x, y])
            score[b, n, y, x] = 1
            offset[b, n, :, y, x] = points[b, n] - corner
            for k in range(near):
                neighbour[b, n, :, k, y, x] = points[b, int(model.neighbours[n, k])] - corner
    return PipOutputs(score, offset, neighbour.flatten(2, 3), None)


def test_cells():
    points = torch.tensor([[[0.0, 0.0], [3.99, 1.0], [-5.0, 9.0], [2.5, 3.5]]])
    cells = cell_of(points, 4)
    assert cells.tolist() == [[0, 7, 12, 14]]
    assert corner_of(cells, 4).tolist() == [[[0, 0], [3, 1], [0, 3], [2, 3]]]
    maps = random(1, 4, 4, 4)
    assert read(maps, highest(maps)).tolist() == maps.amax((2, 3)).tolist()
    assert read(random(2, 4, 3, 2, 4, 4), cells.repeat(2, 1)).shape == (2, 4, 3, 2)


def test_pip_keeps_its_map_and_its_stride():
    sides = {(128, 32): 8, (256, 32): 8, (64, 32): 8, (128, 64): 4, (128, 128): 2}
    for (size, stride), side in sides.items():
        model = build_model("mobilenetv3small-pip", size, "ibug68", stride=stride).eval()
        with torch.no_grad():
            outputs = model(torch.rand(1, 3, size, size))
        assert outputs.score.shape == (1, 68, side, side)
        assert outputs.neighbour.shape == (1, 68, 2 * 10, side, side)
    for options in ({"stride": 16}, {"neighbours": 68}, {"neighbours": -1}):
        with pytest.raises(ValueError, match="not"):
            build_model("mobilenetv3small-pip", 128, "ibug68", **options)


def test_pip_has_five_convolutions_of_small_weights(pip):
    layers = [pip.score, pip.x, pip.y, pip.neighbour_x, pip.neighbour_y]
    assert [layer.out_channels for layer in layers] == [70, 70, 70, 700, 700]
    assert all(layer.kernel_size == (1, 1) and not layer.bias.any() for layer in layers)
    assert [round(layer.weight.std().item(), 4) for layer in layers] == [0.001] * 5


def test_pip_learns_mean_face_and_neighbours_from_the_labels(pip):
    landmarks = targets_of(4).landmarks
    torch.testing.assert_close(pip.mean_face, (landmarks.mean(0) + 0.5) / SIZE)
    distance = np.linalg.norm(pip.mean_face[:, None] - pip.mean_face[None], axis=-1)
    for n in range(70):
        expected = [i for i in np.argsort(distance[n]) if i != n][:10]
        assert pip.neighbours[n].tolist() == expected
    assert {"mean_face", "neighbours"} <= pip.state_dict().keys()


def test_pip_decodes_what_its_loss_asks_for(pip):
    landmarks = random(3, 70, 2) * SIZE * 1.2 - 0.1 * SIZE - 0.5  # some lie outside
    outputs = pip_truth(pip, landmarks, 6)
    assert pip.loss(outputs, Targets(landmarks)).item() == pytest.approx(0, abs=1e-5)
    found = pip.decode(outputs)
    torch.testing.assert_close(found.landmarks, landmarks, atol=1e-3, rtol=0)
    assert (found.scores == 1).all()


def test_pip_loss_is_the_papers(pip):
    landmarks = random(2, 70, 2) * SIZE
    outputs = pip_truth(pip, landmarks, 6)
    for change, expected in (
        ({"score": outputs.score + 0.5}, 10 * 0.25),
        ({"offset": outputs.offset + torch.tensor([0.25, -0.5]).view(2, 1, 1)}, 0.25 + 0.5),
        ({"neighbour": outputs.neighbour + torch.tensor([[0.25], [-0.5]]).expand(2, 10).reshape(20, 1, 1)}, 0.25 + 0.5),
    ):
        assert pip.loss(outputs._replace(**change), Targets(landmarks)).item() == pytest.approx(expected, abs=1e-4)


def test_pip_averages_a_point_with_what_its_neighbours_say(pip):
    landmarks = random(1, 70, 2) * SIZE
    outputs = pip_truth(pip, landmarks, 6)
    moved = outputs.neighbour.clone()
    moved[:, 0] += 1.0  # all that landmark 0 says of its neighbours is a cell off
    found = pip.decode(outputs._replace(neighbour=moved)).landmarks
    for n in range(70):
        voters = (pip.neighbours == n).any(1)
        expected = SIZE / 6 / (1 + voters.sum().item()) if voters[0] else 0.0
        torch.testing.assert_close(found[0, n] - landmarks[0, n], torch.full((2,), expected), atol=1e-3, rtol=1e-3)


def test_pip_without_neighbours():
    model = model_of("mobilenetv3small-pip", neighbours=0).eval()
    model.learn_statistics(targets_of(4).landmarks)
    with torch.no_grad():
        outputs = model(images_of(2))
    assert outputs.neighbour is None
    cells = highest(outputs.score)
    expected = (corner_of(cells, 6) + read(outputs.offset, cells)) * SIZE / 6 - 0.5
    torch.testing.assert_close(model.decode(outputs).landmarks, expected)
    assert model.loss(outputs, targets_of(2)).isfinite()


@pytest.mark.parametrize(("noise", "margin"), [(0.0, 0.0), (1e-3, 1.0)])
def test_a_synthetic_heatmap_decodes_to_within_a_fiftieth_of_a_cell(noise, margin):
    points = random(40, 70, 2) * (32 - 2 * margin) + margin
    heatmaps = log_target(points, 32).exp()
    heatmaps = heatmaps + noise * (random(40, 70, 32, 32, seed=6) - 0.5)
    found = peaks(heatmaps.clamp(min=1e-9).log())
    assert (found - points).norm(dim=-1).max() < 0.02


def test_the_heatmaps_target_is_not_rounded_and_the_loss_is_least_there():
    model = model_of("mobilenetv2-heatmaps")
    assert isinstance(model, Heatmaps)
    landmarks = random(2, 70, 2) * (SIZE - 8) + 4
    outputs = HeatmapOutputs(log_target((landmarks + 0.5) / 4, 24), None)
    assert model.loss(outputs, Targets(landmarks)).item() == pytest.approx(0, abs=1e-5)
    assert model.loss(outputs, Targets(landmarks + 0.2)) > 1e-4
    found = model.decode(outputs)
    torch.testing.assert_close(found.landmarks, landmarks, atol=4 * 0.02, rtol=0)
    flat = model.decode(HeatmapOutputs(0.5 * outputs.logits, None))
    assert (flat.scores < found.scores).all()


def test_heatmaps_leave_points_outside_out_of_the_loss():
    model = model_of("mobilenetv2-heatmaps", visibility=True).eval()
    targets = targets_of(2)
    outside = targets.landmarks.clone()
    outside[0, 3], outside[1, 69] = torch.tensor([-3.0, 20.0]), torch.tensor([20.0, SIZE + 0.5])
    with torch.no_grad():
        outputs = model(images_of(2))
    before = model.loss(outputs, Targets(outside, targets.visibility))
    for b, n in ((0, 3), (1, 69)):
        outputs.logits[b, n] = random(24, 24) * 9
    torch.testing.assert_close(model.loss(outputs, Targets(outside, targets.visibility)), before)
    nowhere = Targets(torch.full((2, 70, 2), -9.0), targets.visibility)
    assert model.loss(outputs, nowhere).item() == 0


def test_heatmaps_are_small():
    facts = describe("mobilenetv2-heatmaps")
    assert facts.flops < 1e9
    assert 4 * facts.parameters < 20e6


def test_gaussian_is_least_at_the_true_sigma():
    error = torch.tensor([[[0.03, 0.04]]])
    log_sigma = torch.linspace(-6, 0, 601)[:, None]
    values = gaussian(error.expand(601, 1, 2), log_sigma)
    assert log_sigma[values.argmin()].exp().item() == pytest.approx(0.05 / 2**0.5, rel=0.01)
    assert gaussian(error, torch.zeros(1, 1)).item() == pytest.approx(0.0025 / 2)


def test_sigma_has_a_floor_with_a_slope():
    told = with_least(torch.tensor([-30.0, np.log(LEAST_SIGMA), np.log(FIRST_SIGMA)])).exp()
    expected = [LEAST_SIGMA, 2**0.5 * LEAST_SIGMA, (FIRST_SIGMA**2 + LEAST_SIGMA**2) ** 0.5]
    assert told.tolist() == pytest.approx(expected, rel=1e-5)
    model = model_of("mobilenetv3small-coordinates", loss="gaussian")
    with torch.no_grad():
        model.doubt.bias.fill_((np.log(LEAST_SIGMA / 4) - np.log(FIRST_SIGMA)) / SIGMA_PACE)
    outputs, targets = model(images_of(2)), targets_of(2)
    model.loss(outputs, targets).backward()
    assert (model.doubt.bias.grad < 0).all()  # large errors: a step down the loss raises σ
    sigma = model.decode(outputs).sigma / SIZE
    torch.testing.assert_close(sigma, torch.full_like(sigma, 17**0.5 / 4 * LEAST_SIGMA), rtol=0.05, atol=0)


def test_a_probabilistic_model_tells_and_learns_sigma():
    model = model_of("mobilenetv3small-coordinates", loss="gaussian")
    targets = targets_of(4)
    outputs = model(images_of(4))
    model.loss(outputs, targets).backward()
    assert all(p.grad is not None and p.grad.any() for p in (model.doubt.weight, model.locate.weight))
    found = model.decode(outputs)
    assert found.sigma.mean().item() == pytest.approx(FIRST_SIGMA * SIZE, rel=0.2)
    model.calibrate(2.0)
    wider = model.decode(outputs)
    torch.testing.assert_close(wider.sigma, 2 * found.sigma)
    assert (wider.scores < found.scores).all()
    assert "sigma_factor" in model.state_dict()
    plain = model_of("mobilenetv3small-coordinates")
    assert "sigma_factor" not in plain.state_dict()
    with pytest.raises(ValueError, match="no σ to calibrate"):
        plain.calibrate(2.0)


def test_calibration_on_synthetic_errors():
    generator = np.random.default_rng(0)
    sigmas = np.exp(generator.normal(size=(2, 20_000)))
    errors = np.linalg.norm(generator.normal(size=(2, 20_000, 2)), axis=-1) * sigmas
    assert coverage(errors, sigmas) == pytest.approx(EXPECTED_COVERAGE, abs=0.01)
    told = sigmas / 3  # three times too sure
    factor = calibration_factor(errors[0], told[0])
    assert factor == pytest.approx(3, rel=0.02)
    assert coverage(errors[1], told[1], factor) == pytest.approx(EXPECTED_COVERAGE, abs=0.01)
    errors[:, :400] *= 50  # a few gross errors
    factor = calibration_factor(errors[0], told[0])
    assert coverage(errors[1], told[1], factor) == pytest.approx(EXPECTED_COVERAGE, abs=0.05)
    with pytest.raises(ValueError, match="finite"):
        calibration_factor(np.array([]), np.array([]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mobilenetv3small-coordinates", {"loss": "gaussian"}),
        ("mobilenetv3small-coordinates", {"loss": "l1"}),
        ("mobilenetv3small-coordinates", {"loss": "l2"}),
        ("mobilenetv3small-coordinates", {"loss": "wing"}),
        ("mobilenetv3small-pip", {"neighbours": 0}),
    ],
)
def test_variants_overfit_eight_faces(name, options):
    assert overfit(name, **options).error < 1


@pytest.mark.parametrize("name", ["mobilenetv2-heatmaps", "mobilenetv3small-pip"])
def test_a_model_with_what_it_says_can_be_traced(name):
    """As `torch.onnx.export` begins: images in; landmarks, scores and visibility out; any batch."""

    class Said(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, images):
            found = self.model.decode(self.model(images))
            return found.landmarks, found.scores, found.visibility

    said = Said(model_of(name, visibility=True)).eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(said, (images_of(2),), dynamic_shapes=({0: batch},)).module()
    with torch.no_grad():
        for found, expected in zip(program(images_of(3)), said(images_of(3)), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_the_table_counts_what_is_known():
    # ResNet-18 at 224 px: 1.81 G multiply-adds (timm's table), here without its classifier
    assert describe("resnet18-coordinates", 224).flops == pytest.approx(2 * 1.81e9, rel=0.02)
    facts = describe("mobilenetv3small-coordinates")
    assert facts.parameters == sum(p.numel() for p in build_model(facts.name, 128, "face_synthetics70").parameters())
    assert facts.paper == "Wood et al. 2021, direct regression; Howard et al. 2019"
    table = models_table(64).splitlines()
    assert [line.split()[0] for line in table[1 : len(MODELS) + 1]] == list(MODELS)
