"""Skin, eyes and mouth: colours of people, folds that follow the face, lids that keep the eyeballs in."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fauxface.rendering import frame
from fauxface.rendering.frame import render_frame
from fauxface.rendering.head.expression import Expression, sample_expression
from fauxface.rendering.head.identity import Identity, sample_identity
from fauxface.rendering.head.makehuman import PARTS
from fauxface.rendering.head.model import Posed, head_model
from fauxface.rendering.head.teeth import posed_teeth
from fauxface.rendering.opengl.rasteriser import shadow_matrix
from fauxface.rendering.person import person
from fauxface.rendering.person.colours import sample_look
from fauxface.rendering.photo.camera import Pose
from fauxface.rendering.recipe import Moods, Recipe
from fauxface.rendering.skin.ambient_occlusion import openness
from fauxface.rendering.skin.complexion import sample_complexion, skin_attributes
from fauxface.rendering.skin.optics import BLOOD, MELANIN, USUAL_BLOOD, lab, melanin_of, reflectance, skin_albedo
from fauxface.rendering.skin.wrinkles import pressed, wrinkle_map

MONK = ("f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420")
PLAIN = Recipe(
    yaw=0, pitch=0, roll=0, low_quality=0, monochrome=0, bald=1, beard=0, glasses=0, sunglasses=0, headwear=0
)
PLAIN = replace(PLAIN, facewear=0, before=0, neighbours=0, assets=0, face_share=(0.6, 0.6))
SOMEONE = Identity(50, 0.2, (0.0, 0.2, 0.8), 0, 0, {})


def swatches() -> np.ndarray:
    srgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in MONK])
    return lab(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4))


def tones() -> np.ndarray:
    return lab(skin_albedo(np.array([melanin_of(t) for t in range(1, 11)]), np.full(10, USUAL_BLOOD)))


def test_tones_darken_in_the_monk_scales_order_and_meet_the_swatches_that_are_skin():
    ours, theirs = tones(), swatches()
    assert (np.diff(ours[:, 0]) < 0).all()
    # steps 6–8 lie within what is measured on people; the ends are lighter and darker than skin is
    np.testing.assert_allclose(ours[5:8, 0], theirs[5:8, 0], atol=6)
    for i in (4, 5, 6, 7):
        angle = [np.degrees(np.arctan2(c[i, 2], c[i, 1])) for c in (ours, theirs)]
        assert abs(angle[0] - angle[1]) < 26, i
    assert ours[0, 0] > 65
    assert ours[9, 0] < 28
    assert (ours[:, 1] > 5).all()  # every tone is warm
    assert (ours[:, 2] > 10).all()


def test_more_melanin_and_more_blood_absorb_more_and_blood_leaves_the_red():
    melanin, blood = np.geomspace(*MELANIN, 9), np.geomspace(*BLOOD, 9)
    assert (np.diff(reflectance(melanin, np.full(9, 0.01)), axis=0) < 0).all()
    flushed = reflectance(np.full(9, 0.02), blood)
    assert (np.diff(flushed[:, 1]) < 0).all()
    assert (np.diff(flushed[:, 0] / flushed[:, 1]) > 0).all()


def test_the_table_is_the_model():
    rng = np.random.default_rng(0)
    melanin, blood = (np.exp(rng.uniform(np.log(low), np.log(high), 200)) for low, high in (MELANIN, BLOOD))
    np.testing.assert_allclose(skin_albedo(melanin, blood), reflectance(melanin, blood), rtol=0.02)


def test_all_tones_are_common():
    names = head_model().bust.names
    drawn = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        drawn.append(sample_complexion(rng, sample_identity(rng, Recipe(), names)).tone)
    counts = np.histogram(drawn, np.linspace(1, 10, 10))[0] / 600
    assert counts.min() > 0.04, counts
    assert counts.max() < 0.22, counts


def test_cheeks_and_nose_are_redder_and_attributes_are_finite():
    model = head_model()
    skin = sample_complexion(np.random.default_rng(1), SOMEONE)
    values = skin_attributes(skin, model, {"mouthSmileLeft": 1.0}, np.arange(len(model.rest)))
    assert all(np.isfinite(v).all() for v in values.values())
    assert values["tint"].min() > 0
    assert values["tint"].max() < 0.8
    tint = model.landmarks @ values["tint"]
    redness = tint[:, 0] / tint[:, 1]
    forehead = np.abs(model.rest - [0, 0.045, 0.02]).sum(1).argmin()
    assert redness[30] > values["tint"][forehead, 0] / values["tint"][forehead, 1]


def test_nostrils_lip_seam_and_lid_corners_see_less_sky_than_cheeks():
    model = head_model()
    seen = model.landmarks @ openness(model)
    assert seen[[30, 51, 8]].min() > 0.55
    assert seen[[39, 42, 62]].max() < 0.5
    assert openness(model).min() >= 0
    assert openness(model).max() <= 1


@pytest.mark.parametrize(
    ("unit", "place"),
    [
        ("browInnerUp", (0.012, 0.036)),
        ("browDownLeft", (0.006, 0.012)),
        ("mouthSmileLeft", (0.028, -0.058)),
        ("cheekSquintLeft", (0.052, -0.004)),
        ("noseSneerLeft", (0.01, -0.008)),
    ],
)
def test_lines_follow_the_muscle_that_presses_them(unit: str, place: tuple[float, float]):
    at = np.array([[place[0], place[1], 0.02], [0.0, 0.0, -0.15]])
    calm, pulled = (pressed(at, units, 40, 1.0) for units in ({}, {unit: 1.0}))
    assert pulled[0] > calm[0] + 0.2
    assert np.isclose(pulled[1], 0)
    assert pressed(at, {}, 75, 1.0)[0] > calm[0]
    if unit.endswith("Left"):
        other = pressed(at * [-1, 1, 1], {unit: 1.0}, 40, 1.0)[0]
        assert other < pulled[0]


def test_the_map_of_lines_is_flat_at_its_edges():
    pixels = wrinkle_map().pixels.astype(int)
    assert abs(pixels[..., :2] - 128).max() > 60
    assert (pixels[:, -2:, 2] == 0).all()
    assert (pixels[:2, :, 2] == 0).all()


@pytest.fixture
def look_alike(monkeypatch):
    """Renders one person, facing, with other face units but the skin folded only as these say."""

    def render(units: dict[str, float], fold: bool) -> np.ndarray:
        monkeypatch.setattr(person, "sample_expression", lambda *_: Expression(units, (0.0, 0.0)))
        monkeypatch.setattr(person, "sample_pose", lambda *_: Pose(0, 0, 0, 0))
        monkeypatch.setattr(person, "sample_identity", lambda *_: SOMEONE)
        if not fold:
            from fauxface.rendering.skin import complexion

            monkeypatch.setattr(complexion, "pressed", lambda rest, *_: np.zeros(len(rest)))
        return render_frame(4, 0, 256, PLAIN).image.astype(float)

    return render


def test_a_smile_draws_its_folds_in_the_picture(look_alike):
    units = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    folded, smooth = look_alike(units, True), look_alike(units, False)
    change = np.abs(folded - smooth).mean(-1)
    rows = change.mean(1)
    assert change.max() > 8
    assert rows[120:200].mean() > 2 * rows[:60].mean()


def test_without_soft_light_the_picture_changes_and_one_seed_gives_one_picture():
    first, again = (render_frame(6, 1, 128, PLAIN).image for _ in range(2))
    hard = render_frame(6, 1, 128, replace(PLAIN, soft_light=0.0)).image
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - hard).max() > 10


@pytest.mark.parametrize("index", range(3))
def test_without_soft_light_nothing_casts_a_shadow(monkeypatch, index: int):
    recipe = Recipe(headwear=1.0, bald=0.0, low_quality=0.0)
    hard = replace(recipe, soft_light=0.0)

    def both() -> tuple[np.ndarray, np.ndarray]:
        return render_frame(6, index, 128, recipe).image, render_frame(6, index, 128, hard).image

    cast = both()
    elsewhere = shadow_matrix(np.array([0.3, 0.2, 1.0]), np.full(3, 0.5), 0.3)
    monkeypatch.setattr(frame, "key_shadow", lambda *_: elsewhere)
    moved = both()
    assert (cast[0] != moved[0]).any()
    np.testing.assert_array_equal(cast[1], moved[1])


def test_hair_grows_in_no_colour_greener_than_it_is_red():
    model, rng = head_model(), np.random.default_rng(3)
    for _ in range(100):
        identity = sample_identity(rng, Recipe(), model.bust.names)
        red, green, blue = sample_look(rng, Recipe(), identity, model).hair["natural_colour"]
        assert max(green, blue) < 1.1 * red or green < 0.03  # black has no tint to be seen


def test_smiles_with_teeth_show_their_crowns_and_hardly_any_gum():
    model = head_model()
    moods = Moods(**dict.fromkeys(asdict(Moods()), 0.0) | {"smile_with_teeth": 1.0})
    toothy = Recipe(moods=moods, neutral=0, crooked=0)
    shown, gum, covered = [], [], []
    for number in range(20):
        rng = np.random.default_rng([4, number])
        identity = sample_identity(rng, Recipe(children=0), model.bust.names)
        for smiles in (False, True):
            expression = sample_expression(rng, toothy, Pose(0, 0, 0, 0)) if smiles else Expression({}, (0.0, 0.0))
            posed = model.pose(identity, expression, Rotation.identity())
            upper_lip, lower_lip = (model.landmarks @ posed.vertices)[[62, 66], 1]
            jaw, vertices, _ = posed_teeth(model, posed)[0]
            middle = (np.abs(jaw.local[:, 0]) < 0.01) & (np.abs(jaw.local[:, 2] * 12 - 6) < 1)
            neck = vertices[middle & (jaw.local[:, 1] == 0), 1].mean()
            edge = vertices[middle & (jaw.local[:, 1] == 1), 1].mean()
            if not smiles:
                assert 0 < upper_lip - edge < 0.006  # lips that part show the upper teeth first
                continue
            shown.append(1000 * (min(upper_lip, neck) - max(edge, lower_lip)))
            gum.append(1000 * max(0.0, upper_lip - neck))
            covered.append(1000 * max(0.0, lower_lip - edge))
    assert np.mean(shown) > 4.5
    assert np.mean(np.array(shown) > 2) > 0.8
    assert np.mean(gum) < 1
    assert np.mean(covered) < 3


def test_teeth_stand_in_a_row_and_follow_the_jaw():
    model = head_model()
    shut, opened = (
        model.pose(SOMEONE, Expression(units, (0.0, 0.0)), Rotation.identity()) for units in ({}, {"jawOpen": 1.0})
    )
    (upper, before, normals), (lower, below, _) = posed_teeth(model, shut)
    (_, after, _), (_, lowered, _) = posed_teeth(model, opened)
    assert upper.local[:, 2].min() > 0
    assert len(np.unique(upper.local[:, 2])) == 12
    assert np.abs(after - before).max() < 0.004
    assert (lowered[:, 1] - below[:, 1]).mean() < -0.005
    crown = (upper.local[:, 1] > 0.3) & (upper.local[:, 1] < 0.9) & (np.abs(upper.local[:, 0]) < 0.5)
    front = crown & (np.abs(before[:, 0]) < 0.01)
    assert (normals[front, 2] > 0.5).all()  # they face forward
    assert before[lower.local[:, 1] == 1].shape[1] == 3


@cache
def _skin_about_eyes() -> np.ndarray:
    model = head_model()
    front = model.rest[:, 2] > -0.02
    near = front & (np.abs(model.rest[:, 1]) < 0.03) & (np.abs(model.rest[:, 0]) < 0.06)
    return model.coarse[((model.part == PARTS.index("skin")) & near)[model.coarse].all(1)]


def lids_of(posed: Posed, side: int) -> np.ndarray:
    """Distances of the skin before an eye from its centre, as shares of its surface's: at vertices and between them."""
    eye = posed.eyes[side]
    corners = posed.vertices[_skin_about_eyes()] - eye.centre
    near = (corners[..., 2].min(1) > 0.35 * eye.radius) & (np.linalg.norm(corners, axis=2).max(1) < 1.4 * eye.radius)
    chosen = corners[near]
    places = np.concatenate(
        [chosen.reshape(-1, 3), chosen.mean(1), (chosen + np.roll(chosen, 1, 1)).reshape(-1, 3) / 2]
    )
    distance = np.linalg.norm(places, axis=1)
    return distance / eye.reach(places / distance[:, None])


def check_eyes(persons: int, expressions: int) -> None:
    """Nowhere, between the vertices neither, is the skin about an eye nearer to its centre than the eye's surface."""
    model = head_model()
    for number in range(persons):
        rng = np.random.default_rng([11, number])
        identity = sample_identity(rng, Recipe(), model.bust.names)
        for _ in range(expressions):
            expression = sample_expression(rng, Recipe(), Pose(0, 0, 0, 0))
            posed = model.pose(identity, expression, Rotation.identity())
            for side in (0, 1):
                nearest = lids_of(posed, side).min()
                # lids are pushed until they clear it by 1.8 %, ten times at most; what is drawn has flat triangles,
                # which lie up to 0.6 % within
                assert nearest > 0.998, (number, expression, side, nearest)


@pytest.mark.parametrize("side", [0, 1])
def test_an_eye_reaches_its_corners(side):
    """A ball alone left dark gaps beside it, wider than the caruncle."""
    model = head_model()
    somebody = Identity(30, 0.5, (1 / 3, 1 / 3, 1 / 3), 0, 0, {})
    posed = model.pose(somebody, Expression({}, (0.0, 0.0)), Rotation.identity())
    eye, part = posed.eyes[side], PARTS.index(("right_eye", "left_eye")[side])
    surface = posed.vertices[model.part == part] - eye.centre
    distance = np.linalg.norm(surface, axis=1)
    np.testing.assert_allclose(distance, eye.reach(surface / distance[:, None]), rtol=1e-5)
    assert eye.reach(np.array([[0.0, 0.0, 1.0]])) == pytest.approx(eye.radius, rel=1e-3)
    for corner in (model.landmarks @ posed.vertices)[[[36, 39], [42, 45]][side]]:
        assert np.linalg.norm(surface + eye.centre - corner, axis=1).min() < 0.0015  # metres


def test_no_lid_enters_an_eyeball():
    check_eyes(12, 8)


@pytest.mark.slow
def test_no_lid_enters_an_eyeball_in_ten_thousand_expressions():
    check_eyes(500, 20)
