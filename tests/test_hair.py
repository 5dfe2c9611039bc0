"""Hair: where it may be and where not, which way it falls, who wears which; the same draw gives the same hair."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fauxface.rendering import Recipe
from fauxface.rendering.hair import (
    STYLES,
    Beard,
    HairMesh,
    beard_colours,
    beard_meshes,
    hair_meshes,
    sample_beard,
    sample_hair,
    style,
)
from fauxface.rendering.hair.beard import KINDS, regions
from fauxface.rendering.hair.growth import grow
from fauxface.rendering.hair.scalp import CENTRE, Skull, sample_hairline, scalp
from fauxface.rendering.hair.tiles import LOCKS, brow_hairs, lock_atlas, nap
from fauxface.rendering.head.expression import Expression
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.model import Posed, head_model
from fauxface.rendering.photo.camera import Pose, View, sample_view
from fauxface.rendering.worn.base import HairCap

SOMEONE = Identity(30, 0.5, (0.2, 0.3, 0.5), 0, 0, {})
MAN = replace(SOMEONE, gender=0.95)
WOMAN = replace(SOMEONE, gender=0.05)
DOWN = np.array([0.0, -1.0, 0.0])
LONG = ("bob", "long", "tail", "bun", "tails", "dreads", "braids")


def draws(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def posed() -> Posed:
    return head_model().pose(SOMEONE, Expression({}, (0.0, 0.0)), Rotation.identity())


def view_of(posed: Posed, roll: float = 0.0) -> View:
    points = head_model().landmarks @ posed.vertices
    return sample_view(draws(0), Recipe(off_centre=0.0), Pose(0, 0, roll, 1.0), points[:68], 256)


def check(mesh: HairMesh, posed: Posed) -> None:
    for values in (mesh.vertices, mesh.normals, mesh.tangents, mesh.places, mesh.tones):
        assert np.isfinite(values).all()
        assert len(values) == len(mesh.vertices)
    assert mesh.triangles.min() >= 0
    assert mesh.triangles.max() < len(mesh.vertices)
    assert (mesh.places[:, 2:].min() >= 0) & (mesh.places[:, 2:].max() <= 1)
    assert np.linalg.norm(mesh.vertices - CENTRE, axis=1).max() < 0.7
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)
    used = mesh.vertices[np.unique(mesh.triangles)]
    for eye in posed.eyes:
        assert np.linalg.norm(used - eye.centre, axis=1).min() > eye.radius


@pytest.mark.parametrize("name", STYLES)
def test_every_style_grows_in_bounds_and_off_the_eyes(name: str, posed: Posed):
    for seed in range(4):
        rng = draws(seed)
        hair = style(rng, name, seed % 2 == 0, 20 + 15 * seed, curly=seed == 1, fringe=seed > 1)
        meshes = hair_meshes(hair, posed, view_of(posed), rng)
        assert meshes
        for mesh in meshes:
            check(mesh, posed)
        assert max(mesh.label for mesh in meshes) == 13


@pytest.mark.parametrize("name", ["long", "curls", "braids", "bun"])
def test_the_same_draw_gives_the_same_hair(name: str, posed: Posed):
    def made(seed: int) -> list[np.ndarray]:
        rng = draws(seed)
        meshes = hair_meshes(style(rng, name, True, 30), posed, view_of(posed), rng)
        return [mesh.vertices for mesh in meshes]

    for one, two in zip(made(3), made(3), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(made(3)[0], made(4)[0])


def test_locks_lie_outside_of_the_skin(posed: Posed):
    area, skull, rng = scalp(), Skull(posed), draws(1)
    roots = area.at(posed.vertices[area.vertices].astype(float))
    places = area.at(head_model().rest[area.vertices].astype(float))
    for name in ("side", "long", "slicked"):
        locks = grow(style(rng, name, True, 25), roots, places, skull, DOWN, rng)
        distance, reach = skull(locks.points[:, 1:])
        inside = reach - distance
        # far inside are only points before a hollow such as the neck's
        assert np.mean((inside > 0.002) & (inside < 0.02)) < 0.02


def test_hairlines_vary_like_peoples_and_leave_the_face_free():
    model, rng = head_model(), draws(2)
    face = (model.landmarks @ model.rest)[17:68].astype(float)
    middle = np.stack(
        [
            np.zeros(60),
            np.linspace(0.03, 0.104, 60),
            np.interp(np.linspace(0.03, 0.104, 60), [0.03, 0.07, 0.104], [0.02, 0.005, -0.06]),
        ],
        1,
    )
    starts = []
    for k in range(60):
        line = sample_hairline(rng, k % 2 == 0, 30)
        assert (line.inside(face) < 0).all()
        grown = line.inside(middle) > 0
        starts.append(middle[grown.argmax(), 1] if grown.any() else 0.11)
    assert np.std(starts) > 0.003
    assert 0.055 < np.median(starts) < 0.085
    old = [sample_hairline(rng, False, 65) for _ in range(60)]
    young = [sample_hairline(rng, False, 20) for _ in range(60)]
    assert np.mean([line.temples for line in old]) > np.mean([line.temples for line in young]) + 0.005
    assert sum(line.bald > 0 for line in old) > 10 > sum(line.bald > 0 for line in young)


def test_long_hair_hangs_down_in_the_picture_however_the_head_tilts(posed: Posed):
    hair = style(draws(5), "long", True, 25)
    for roll in (-35.0, 35.0):
        view = view_of(posed, roll)
        locks = hair_meshes(hair, posed, view, draws(6))[0]
        below = locks.vertices[:, 1] < -0.08
        down = (view.rotation @ locks.tangents[below].T).T
        assert np.median(down[:, 1]) > 0.9  # the picture's y runs down


@pytest.mark.parametrize("hides", [False, True])
def test_a_hat_keeps_hair_inside_of_it(posed: Posed, hides: bool):
    cap = HairCap(np.array([0, 0.06, 0]), np.array([0.0, 1.0, 0.0]), CENTRE, np.array([0.085, 0.085, 0.11]), hides)
    for name in ("afro", "quiff", "curls"):
        rng = draws(7)
        for mesh in hair_meshes(style(rng, name, False, 30), posed, view_of(posed), rng, cap):
            above = mesh.vertices[:, 1] > 0.075
            if hides:
                assert (mesh.places[above & (mesh.tones[:, 0] > 0.1), 2] == 0).all()
            size = np.linalg.norm((mesh.vertices[above] - cap.centre) / cap.radii, axis=1)
            assert size.max() < 1


def test_shares_are_those_of_the_recipe():
    def worn(recipe: Recipe, identity: Identity) -> list[str | None]:
        rng = draws(8)
        heads = [sample_hair(rng, recipe, identity) for _ in range(400)]
        return [head.style if head else None for head in heads]

    def long(names) -> float:
        return float(np.mean([name in LONG for name in names if name]))

    caucasian = replace(SOMEONE, ancestry=(0.0, 0.0, 1.0))
    usual = Recipe(bald=0.0, long_hair_women=0.6, long_hair_men=0.2)
    assert abs(long(worn(usual, replace(caucasian, gender=0.1))) - 0.6) < 0.08
    assert abs(long(worn(usual, replace(caucasian, gender=0.9))) - 0.2) < 0.08
    assert set(worn(Recipe(hair=0.0), WOMAN)) == {None}
    assert set(worn(Recipe(bald=1.0), MAN)) == {None}
    assert None not in worn(usual, MAN)
    african = worn(usual, replace(WOMAN, ancestry=(1.0, 0.0, 0.0)))
    assert np.mean([name in ("afro", "dreads", "braids", "shaved", "crew", "curls", "bun") for name in african]) > 0.7
    assert len(set(worn(usual, MAN)) | set(worn(usual, WOMAN)) | set(african)) >= 14


def test_only_grown_men_have_beards_and_as_often_as_the_recipe_says():
    rng = draws(9)
    for nobody in (WOMAN, replace(MAN, age=10)):
        assert all(sample_beard(rng, Recipe(beard=1.0), nobody) is None for _ in range(30))
    assert all(sample_beard(rng, Recipe(beard=1.0, hair=0.0), MAN) is None for _ in range(30))
    kinds = [sample_beard(rng, Recipe(beard=0.5), MAN) for _ in range(400)]
    assert abs(np.mean([kind is not None for kind in kinds]) - 0.5) < 0.08
    assert {kind.kind for kind in kinds if kind} == set(KINDS)


def beard_of(kind: str, length: float) -> Beard:
    return Beard(kind, np.array(KINDS[kind][1]), length, 0.5, 0.0, 0.3, 0.0, np.ones(3), 0.1)


def test_long_beards_hang_below_the_chin_and_stubble_is_no_beard_yet(posed: Posed):
    chin = float((head_model().landmarks @ posed.vertices)[8, 1])
    view = view_of(posed)
    long, stubble = (beard_meshes(beard_of("full", length), posed, view, draws(1)) for length in (0.06, 0.001))
    assert {mesh.label for mesh in long} == {14}
    assert {mesh.label for mesh in stubble} == {0}
    assert min(mesh.vertices[:, 1].min() for mesh in long) < chin - 0.025
    assert len(beard_meshes(beard_of("full", 0.06), posed, view, draws(1), masked=True)) < len(long)
    for mesh in (*long, *stubble):
        check(mesh, posed)


def test_beards_grow_where_they_do(posed: Posed):
    for kind, ends in (("moustache", (True, False)), ("chin", (False, True)), ("full", (True, True))):
        mesh = beard_meshes(beard_of(kind, 0.003), posed, view_of(posed), draws(1))[-1]
        middle = mesh.vertices[np.unique(mesh.triangles)]
        middle = middle[(np.abs(middle[:, 0]) < 0.01) & (middle[:, 2] > -0.02)]
        upper, lower = (head_model().landmarks @ posed.vertices)[[51, 57], 1]
        assert (bool((middle[:, 1] > upper + 0.003).any()), bool((middle[:, 1] < lower - 0.008).any())) == ends
    fields = regions(0.5)
    assert (fields.min() >= 0) & (fields.max() <= 1)
    assert (fields.max(0) > 0.9).all()


def test_beards_have_the_heads_own_colour_whatever_it_is_dyed():
    colours = {
        "hair_colour": np.array([0.0, 0.0, 0.6]),
        "natural_colour": np.array([0.1, 0.05, 0.03]),
        "grey": 0.5,
        "hair_shine": 1.0,
        "roots": 1.0,
        "streaks": 0.3,
    }
    told = beard_colours(beard_of("full", 0.02), colours)
    np.testing.assert_allclose(told["hair_colour"], colours["natural_colour"])
    assert told["grey"] == pytest.approx(0.6)
    assert told["streaks"] == 0


def test_pictures_of_hair_do_not_run_into_each_other():
    atlas = lock_atlas().pixels
    width = atlas.shape[1] // len(LOCKS)
    for index in range(len(LOCKS)):
        tile = atlas[:, index * width : (index + 1) * width, 0]
        assert tile[:, :2].max() == 0
        assert tile[:, -2:].max() == 0
        assert tile[tile.shape[0] // 3].max() > 200
    ranks = nap().pixels[..., 0].ravel()
    assert np.abs(np.bincount(ranks, minlength=256)[1:255] - ranks.size / 255).max() < 0.05 * ranks.size / 255 + 2
    hairs = brow_hairs().pixels[..., 0]
    assert hairs.shape == (512, 512)
    tufts = hairs.reshape(32, 16, 32, 16).mean((1, 3))  # as pictures of 192 pixels show them
    assert 115 < tufts.mean() < 140
    assert tufts.std() > 20
