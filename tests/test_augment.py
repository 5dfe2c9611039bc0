import numpy as np
import pytest
import torch

from fauxface import augment
from fauxface.augment import Policy
from fauxface.augment.apply import resample
from fauxface.augment.blur import Blur, LowResolution, gaussian_matrix, shrink_matrix
from fauxface.augment.box_noise import BoxNoise
from fauxface.augment.colour import Colour
from fauxface.augment.draws import Draws, philox
from fauxface.augment.flip import Flip
from fauxface.augment.noise import Noise
from fauxface.augment.occlusion import Occlusion
from fauxface.augment.rotation import Rotation
from fauxface.augment.scale import Scale
from fauxface.augment.translation import Translation
from fauxface.landmarks import FACE_SYNTHETICS70, flip

SIZE, PADDING, COUNT = 48, 12, 12
SCHEME = FACE_SYNTHETICS70
GEOMETRIC = [Flip(probability=1.0), Rotation(), Scale(), Translation(), BoxNoise()]
PIXELWISE = [
    Occlusion(probability=1.0),
    Colour(probability=1.0),
    Blur(0.03, 1.0),
    LowResolution(probability=1.0),
    Noise(0.06, 1.0),
]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def dotted_faces(count=COUNT):
    """Smooth crops with a bright dot of colour at point 30 and landmarks; (images uint8, landmarks, visibility)."""
    rng = np.random.default_rng(0)
    side = SIZE + 2 * PADDING
    landmarks = rng.uniform(PADDING + 8, side - PADDING - 8, (count, SCHEME.count, 2)).astype(np.float32)
    landmarks[:, 30] = side / 2 + rng.uniform(-4, 4, (count, 2))
    y, x = np.mgrid[:side, :side]
    dot = np.exp(-((x - landmarks[:, 30, 0, None, None]) ** 2 + (y - landmarks[:, 30, 1, None, None]) ** 2) / 8)
    images = np.stack([30 + 200 * dot, 60 + 0 * dot, 60 + 0 * dot], 1)
    return torch.from_numpy(images.round().astype(np.uint8)), torch.from_numpy(landmarks), None


def run(policy, data=None, indices=range(COUNT), epoch=0, seed=5):
    images, landmarks, visibility = data or dotted_faces()
    keys = {"scheme": SCHEME, "size": SIZE, "padding": PADDING, "seed": seed, "epoch": epoch}
    seen = {} if visibility is None else {"visibility": visibility}
    return augment.apply(policy, images, {"landmarks": landmarks, **seen}, indices=indices, **keys)


def dot_of(images):
    """Where the red dot's centre is, B×2."""
    weight = (images[:, 0] - 0.25).clamp(min=0)
    place = torch.arange(images.shape[-1], dtype=torch.float32)
    total = weight.sum((1, 2))
    return torch.stack([(weight.sum(1) * place).sum(1) / total, (weight.sum(2) * place).sum(1) / total], -1)


def test_philox_gives_the_published_vectors():
    zeros = philox(np.zeros((4, 1), np.uint64), (0, 0))[:, 0].tolist()
    assert zeros == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    ones = philox(np.full((4, 1), 0xFFFFFFFF, np.uint64), (0xFFFFFFFF, 0xFFFFFFFF))[:, 0].tolist()
    assert ones == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_draws_are_uniform_normal_and_independent():
    draws = Draws.of(3, 1, range(5000))
    uniform, normal = draws.uniform("a", 3), draws.normal("b", 2)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    np.testing.assert_allclose(uniform.mean(0), 0.5, atol=0.02)
    np.testing.assert_allclose(normal.std(0), 1, atol=0.03)
    together = torch.cat([uniform, normal, draws.uniform("other", 2), Draws.of(3, 2, range(5000)).uniform("a", 2)], 1)
    correlation = np.corrcoef(together.numpy().T)
    assert abs(correlation - np.eye(len(correlation))).max() < 0.06


@pytest.mark.parametrize("name", sorted(augment.POLICIES))
def test_a_sample_is_the_same_in_any_batch_order_and_company(name):
    images, landmarks, _ = dotted_faces()
    visibility = torch.rand(COUNT, SCHEME.count, generator=torch.Generator().manual_seed(0)) < 0.7
    whole = run(augment.policy(name), (images, landmarks, visibility))
    order = torch.tensor([7, 2, 9])
    part = run(augment.policy(name), (images[order], landmarks[order], visibility[order]), indices=order)
    torch.testing.assert_close(part.images, whole.images[order], atol=1e-5, rtol=0)
    torch.testing.assert_close(part.landmarks, whole.landmarks[order], atol=1e-4, rtol=0)
    assert torch.equal(part.visibility, whole.visibility[order])
    again = run(augment.policy(name), (images, landmarks, visibility))
    assert torch.equal(again.images, whole.images)
    if name != "none":
        assert not torch.equal(run(augment.policy(name), epoch=1).images, whole.images)
        assert not torch.equal(run(augment.policy(name), seed=6).images, whole.images)


@pytest.mark.parametrize("name", sorted(augment.POLICIES))
def test_nothing_waits_for_the_device(name):
    """Tensors on torch's device ``meta`` have no content: whatever would look at it from the host raises."""
    images, landmarks, _ = dotted_faces()
    visibility = torch.ones(COUNT, SCHEME.count, dtype=torch.bool)
    batch = run(augment.policy(name), (images.to("meta"), landmarks, visibility))
    there = run(augment.policy(name), (images, landmarks, visibility))
    assert batch.targets.keys() == there.targets.keys()
    for far, near in zip((batch.images, *batch.targets.values()), (there.images, *there.targets.values()), strict=True):
        assert far.is_meta
        assert (far.shape, far.dtype) == (near.shape, near.dtype)


def test_the_policies_of_the_study_hold_what_it_names():
    names = {n: {type(a).__name__ for a in p.augmentations} for n, p in augment.POLICIES.items()}
    assert names["none"] == set()
    assert names["translation-occlusion"] == {"Translation", "Occlusion"}
    assert names["all"] == {"Rotation", "Blur", "Translation", "Occlusion"}
    with pytest.raises(ValueError, match="unknown augmentation policy 'most'; there are none"):
        augment.policy("most")


def test_policies_that_leave_out_or_hold_one_alone():
    def names(policy: str) -> list[str]:
        return [type(a).__name__ for a in augment.policy(policy).augmentations]

    assert names("all-rotation") == ["Translation", "Occlusion", "Blur"]
    assert names("all-blur-occlusion") == ["Rotation", "Translation"]
    assert names("all+colour") == ["Rotation", "Translation", "Occlusion", "Colour", "Blur"]
    assert names("only-blur") == ["Blur"]
    assert names("none+colour+noise") == names("none+noise+colour") == ["Colour", "Noise"]
    assert names("translation-occlusion-occlusion") == ["Translation"]
    assert augment.policy("strong-colour").augmentations[1] == Rotation(15.0)  # the rest as it was
    for wrong, says in (
        ("all-sparkle", "unknown augmentation 'sparkle'"),
        ("all-colour", "has no colour"),
        ("all+blur", "all has blur already"),
        ("only-blur-noise", "one augmentation alone"),
        ("some-blur", "unknown augmentation policy 'some-blur'"),
    ):
        with pytest.raises(ValueError, match=says):
            augment.policy(wrong)


def test_none_is_the_central_crop():
    images, landmarks, _ = dotted_faces()
    batch = run(augment.policy("none"))
    centre = images[..., PADDING:-PADDING, PADDING:-PADDING].float() / 255
    assert torch.equal(batch.images, centre)
    assert torch.equal(batch.landmarks, landmarks - PADDING)


@pytest.mark.parametrize("augmentation", GEOMETRIC, ids=lambda a: type(a).__name__)
def test_points_move_with_the_pixels(augmentation):
    batch = run(Policy("one", (augmentation,)))
    before = dotted_faces()[1][:, 30] - PADDING
    assert (batch.landmarks[:, 30] - before).abs().max() > 0.3
    torch.testing.assert_close(dot_of(batch.images), batch.landmarks[:, 30], atol=0.1, rtol=0)


@pytest.mark.parametrize("augmentation", [*GEOMETRIC, *PIXELWISE], ids=lambda a: type(a).__name__)
def test_probability_and_strength(augmentation):
    values = {**vars(augmentation), "probability": 0.0}
    batch = run(Policy("never", (type(augmentation)(**values),)))
    torch.testing.assert_close(batch.images, run(augment.policy("none")).images, atol=1e-5, rtol=0)
    half = type(augmentation)(**{**values, "probability": 0.5})
    assert abs(half.chosen(Draws.of(0, 0, range(2000))).float().mean() - 0.5) < 0.04
    assert run(Policy("always", (augmentation,))).images.isfinite().all()


def test_a_resampling_by_whole_pixels_is_exact():
    images, _, _ = dotted_faces()
    matrix = torch.eye(3).repeat(COUNT, 1, 1)
    matrix[:, :2, 2] = torch.tensor([3.0, -5.0])
    moved = resample(images, matrix, SIZE, PADDING)
    top, left = PADDING + 5, PADDING - 3
    expected = images[..., top : top + SIZE, left : left + SIZE] / 255
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)


def test_no_black_corners():
    white = torch.full((COUNT, 3, SIZE + 2 * PADDING, SIZE + 2 * PADDING), 255, dtype=torch.uint8)
    policy = Policy("far", (Rotation(45.0), Translation(0.3), Scale(0.3)))
    assert run(policy, (white, dotted_faces()[1], None)).images.min() > 0.999


def test_flip_is_the_flip_of_landmarks_and_images():
    images, landmarks, _ = dotted_faces()
    visibility = torch.rand(COUNT, SCHEME.count, generator=torch.Generator().manual_seed(0)) < 0.5
    batch = run(Policy("flip", (Flip(probability=1.0),)), (images, landmarks, visibility))
    plain = run(augment.policy("none"))
    torch.testing.assert_close(batch.images, plain.images.flip(-1), atol=1e-4, rtol=0)
    np.testing.assert_allclose(batch.landmarks, flip(plain.landmarks.numpy(), SCHEME, SIZE), atol=1e-3)
    assert torch.equal(batch.visibility, visibility[:, list(SCHEME.mirror)])


def test_rotation_and_scale_have_the_strength_they_say():
    draws, points = Draws.of(0, 0, range(4000)), torch.zeros(4000, 70, 2)
    rotation = Rotation(15.0).matrix(draws, points, SCHEME, SIZE)
    assert torch.rad2deg(torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])).std() == pytest.approx(15, rel=0.05)
    assert Scale(0.08).matrix(draws, points, SCHEME, SIZE)[:, 0, 0].log().std() == pytest.approx(0.08, rel=0.05)
    shift = Translation(0.04).matrix(draws, points, SCHEME, SIZE)[:, :2, 2]
    assert shift.std() == pytest.approx(0.04 * SIZE, rel=0.05)


def test_box_noise_crops_about_the_noisy_box():
    """Without noise in the edges' mean and extent nothing moves; an opposite pair of edges moved alike only shifts."""
    landmarks = dotted_faces()[1] - PADDING
    draws = Draws.of(5, 0, range(COUNT))
    matrix = BoxNoise(0.1).matrix(draws, landmarks, SCHEME, SIZE)
    points = landmarks[:, list(SCHEME.outline)]
    low, high = points.amin(1), points.amax(1)
    noise = 0.1 * draws.normal("box_noise", 4)
    noisy_low, noisy_high = low + noise[:, :2] * (high - low), high + noise[:, 2:] * (high - low)
    ratio = SIZE / (high - low).amax(1)
    # the noisy box, in the new crop: as long as the true one was in the old, and centred where that was centred
    ends = torch.stack([noisy_low, noisy_high], 1)
    new = torch.einsum("bij,bpj->bpi", matrix[:, :2, :2], ends) + matrix[:, None, :2, 2]
    torch.testing.assert_close((new[:, 1] - new[:, 0]).amax(1) * ratio, torch.full((COUNT,), float(SIZE)))
    factor = matrix[:, 0, 0]
    offset = ((low + high) / 2 - (SIZE - 1) / 2) * factor[:, None]
    torch.testing.assert_close((new[:, 0] + new[:, 1]) / 2 - (SIZE - 1) / 2, offset, atol=1e-3, rtol=1e-4)


def test_blur_is_a_gaussian_and_keeps_flat_images():
    matrix = gaussian_matrix(41, torch.tensor([[2.0]]))[0]
    place = torch.arange(41.0)
    assert ((matrix[20] * (place - 20) ** 2).sum()).sqrt() == pytest.approx(2.0, abs=0.01)
    torch.testing.assert_close(matrix.sum(1), torch.ones(41))


@pytest.mark.parametrize("factor", [1.5, 2.0, 3.7])
def test_low_resolution_keeps_flat_images_and_the_centre(factor):
    matrix = shrink_matrix(48, torch.tensor([[factor], [4.0]]))[0]
    torch.testing.assert_close(matrix.sum(1), torch.ones(48))
    line = torch.arange(48.0)
    torch.testing.assert_close((matrix @ line)[8:-8], line[8:-8], atol=factor / 2, rtol=0)
    assert torch.allclose(shrink_matrix(8, torch.tensor([[1.0]]))[0], torch.eye(8), atol=1e-5)


def test_noise_has_the_strength_it_says():
    grey = torch.full((200, 3, 72, 72), 128, dtype=torch.uint8)
    batch = run(Policy("noise", (Noise(0.06, 1.0),)), (grey, torch.zeros(200, 70, 2), None), indices=range(200))
    sigma = batch.images.std((1, 2, 3))
    assert sigma.max() == pytest.approx(0.06, abs=0.004)
    assert sigma.mean() == pytest.approx(0.03, abs=0.004)
    assert abs(batch.images.mean() - 128 / 255) < 0.002


def test_occlusion_covers_and_hides_points():
    images, landmarks, _ = dotted_faces(COUNT)
    grey = torch.full_like(images, 128)
    visibility = torch.ones(COUNT, SCHEME.count, dtype=torch.bool)
    batch = run(Policy("cover", (Occlusion(probability=1.0),)), (grey, landmarks, visibility))
    changed = (batch.images - 128 / 255).abs().amax(1) > 0.02
    assert 0.01 < changed.float().mean() < 0.6
    assert (~batch.visibility).any()
    assert batch.visibility.any()
    # a hidden point lies on changed pixels, or (rarely) on a piece that has the image's own grey
    at = batch.landmarks.round().long().clamp(0, SIZE - 1)
    seen = changed[torch.arange(COUNT)[:, None], at[..., 1], at[..., 0]]
    assert seen[~batch.visibility].float().mean() > 0.3
    assert seen[batch.visibility].float().mean() < 0.1


def test_grey_has_no_colour_and_colours_stay_in_range():
    batch = run(Policy("grey", (Colour(probability=1.0, grey=1.0),)))
    assert batch.images.std(1).max() < 1e-5
    assert batch.images.min() >= 0
    assert batch.images.max() <= 1
