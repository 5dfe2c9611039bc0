"""Places, light and film: figures that mathematics gives, light and background from one map, files that are bad."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fauxface.rendering import Recipe, load_recipe
from fauxface.rendering.opengl.rasteriser import Raster
from fauxface.rendering.photo.camera import Lens
from fauxface.rendering.photo.camera_pipeline import develop
from fauxface.rendering.photo.environments import place as places
from fauxface.rendering.photo.environments import setting as setting_of
from fauxface.rendering.photo.environments.exr import read_exr
from fauxface.rendering.photo.environments.harmonics import diffuse, irradiance, rotated
from fauxface.rendering.photo.environments.lamps import GREY, incident, take_lamps
from fauxface.rendering.photo.environments.maps import find_maps, read_map
from fauxface.rendering.photo.environments.pack import unpack_maps
from fauxface.rendering.photo.environments.place import Place, generated_place, read_place, store_place
from fauxface.rendering.photo.environments.scene import Lamp, Panel, Scene
from fauxface.rendering.photo.environments.setting import Setting, defocused, sample_setting
from fauxface.rendering.photo.environments.spheres import (
    look_along,
    map_directions,
    resampled,
    solid_angles,
    view_directions,
)
from fauxface.rendering.photo.light import sample_light

HEIGHT = 32
NORMALS = np.random.default_rng(5).normal(size=(50, 3))
NORMALS /= np.linalg.norm(NORMALS, axis=1, keepdims=True)
LENS = Lens(aperture=0.002, focus=1.0, focal=200.0)


def soft_light(image: np.ndarray) -> np.ndarray:
    return irradiance(image, map_directions(image.shape[0]), solid_angles(image.shape[0]))


def spot(direction: np.ndarray, strength: float, radius: float = 0.12, height: int = HEIGHT) -> np.ndarray:
    """A map of 0.1 with a disc of light."""
    image = np.full((height, 2 * height, 3), 0.1)
    image[map_directions(height) @ direction > np.cos(radius)] = strength
    return image


def flat_place(tmp_path: Path, radiance, lamps=()) -> Place:
    store_place(tmp_path / "place.npz", "test", radiance, list(lamps), np.random.default_rng(0))
    return read_place(tmp_path / "place.npz")


def test_a_constant_map_lights_every_side_alike():
    coefficients = soft_light(np.full((HEIGHT, 2 * HEIGHT, 3), [0.2, 0.5, 0.9]))
    np.testing.assert_allclose(diffuse(coefficients, NORMALS), np.tile([0.2, 0.5, 0.9], (50, 1)), rtol=2e-3)


def test_nine_numbers_tell_the_light_of_a_half_bright_map():
    """White paper under a sky of 1 over black ground: (1 + sin of its tilt) / 2 to within the published 3 %."""
    directions = map_directions(64)
    coefficients = soft_light(np.repeat((directions[..., 1:2] < 0).astype(float), 3, -1))
    truth = (1 - NORMALS[:, 1]) / 2
    assert np.abs(diffuse(coefficients, NORMALS)[:, 0] - truth).max() < 0.03


@pytest.mark.parametrize("mirror", [1, -1])
def test_light_turns_with_the_map(mirror: int):
    image = np.random.default_rng(1).random((HEIGHT, 2 * HEIGHT, 3)) ** 4
    turn = np.diag([mirror, 1, 1]) @ Rotation.from_euler("YXZ", [0.7, -0.4, 0.2]).as_matrix()
    there = diffuse(rotated(soft_light(image), turn), NORMALS @ turn.T)
    np.testing.assert_allclose(there, diffuse(soft_light(image), NORMALS), atol=1e-12)


def test_the_sun_in_a_map_becomes_the_key_lamp():
    towards = np.array([0.6, -0.64, 0.48])
    lamps, rest = take_lamps(spot(towards, 300.0, height=64), 3)
    assert np.degrees(np.arccos(lamps[0].direction @ towards)) < 2
    assert 0.05 < lamps[0].radius < 0.2
    # no light is lost: what the lamp sends is missing from the rest
    angles = solid_angles(64)
    sent = (spot(towards, 300.0, height=64) @ GREY * angles).sum() / np.pi
    left = (rest @ GREY * angles).sum() / np.pi
    assert left + sum(lamp.colour @ GREY for lamp in lamps) == pytest.approx(sent, rel=0.02)
    assert rest.min() >= 0


def test_directions_of_maps_and_cameras_agree():
    image = np.zeros((64, 128, 3), np.float32)
    image[:, 96] = 1  # to the right of the map's middle
    seen = resampled(image, view_directions(look_along(np.pi / 2, 0, 0), 33, 0.5))
    assert seen[16, 16, 0] > 0.4
    assert resampled(image, view_directions(look_along(0, 0, 0), 33, 0.5)).max() == 0
    ahead = look_along(0.3, 0.2, 0.0) @ np.array([np.sin(0.3) * np.cos(0.2), -np.sin(0.2), np.cos(0.3) * np.cos(0.2)])
    np.testing.assert_allclose(ahead, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(solid_angles(HEIGHT).sum(), 4 * np.pi)


def test_background_and_light_come_from_the_same_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A map whose red half lies about +x: a frame that sees red has its red light from ahead, however it was turned."""

    def radiance(directions: np.ndarray, pixel: float) -> np.ndarray:
        red = directions[:, :1] > 0
        return np.where(red, [1.0, 0.05, 0.05], [0.05, 0.05, 1.0])

    place = flat_place(tmp_path, radiance)
    monkeypatch.setattr("fauxface.rendering.photo.environments.setting.generated_place", lambda index: place)
    sides = set()
    for seed in range(12):
        setting = sample_setting(np.random.default_rng(seed), Recipe(), LENS, 64)
        left, right = setting.background[:, :6].mean((0, 1)), setting.background[:, -6:].mean((0, 1))
        soft = rotated(place.coefficients, setting.rotation)
        ahead = diffuse(soft, np.array([[-0.3, 0.0, 0.95], [0.3, 0.0, 0.95]]))
        if abs(left[0] - right[0]) > 0.5:
            assert (ahead[0, 0] > ahead[1, 0]) == (left[0] > right[0])
            sides.add(left[0] > right[0])
        else:
            assert (ahead[:, 0].mean() > ahead[:, 2].mean()) == (left[0] > left[2])
            sides.add("red" if left[0] > left[2] else "blue")
    assert len(sides) > 1


def test_a_panel_hides_what_lies_behind_it():
    picture = np.ones((4, 4, 4), np.float32)
    near, far = picture * [1, 0, 0, 1], picture * [0, 1, 0, 1]
    right, up = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    panels = [
        Panel(np.array([0, 0, z]), right, up, image.astype(np.float32), True) for z, image in ((2, near), (4, far))
    ]
    scene = Scene(lambda rays: np.zeros_like(rays), panels)
    rays = np.array([[0, 0, 1], [0.6, 0, 1], [0, 0, -1], [0, -0.1, 1]], np.float32)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    seen = scene.radiance(rays, 0.01)
    np.testing.assert_allclose(seen, [[1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]], atol=1e-6)


def test_made_up_places_are_the_same_each_time_and_hold_light(tmp_path: Path):
    for index in range(2):
        store_place(tmp_path / "again.npz", *places._generate(index))
        first, again = generated_place(index), read_place.__wrapped__(tmp_path / "again.npz")
        assert first.views[0][0] == again.views[0][0]
        np.testing.assert_array_equal(first.coefficients, again.coefficients)
        assert np.isfinite(first.reflection.astype(float)).all()
        assert first.reflection.max() > 0
        assert first.view(0).pixels.shape == (places.VIEW_SIZE, places.VIEW_SIZE, 3)


def test_people_are_photographed_with_the_light_on_their_faces(tmp_path: Path, monkeypatch):
    """A bright sky on one side of a dark place is seldom behind the head, and never seen where it is not."""
    side = np.array([0.0, 0.0, 1.0])
    place = flat_place(tmp_path, lambda rays, pixel: np.where(rays @ side > 0.2, 8.0, 0.5)[:, None] * np.ones(3))
    monkeypatch.setattr(setting_of, "_sample_place", lambda rng, recipe: place)
    towards = []
    for seed in range(80):
        setting = sample_setting(np.random.default_rng(seed), Recipe(), LENS, 32)
        bright = float((setting.rotation @ side)[2])  # 1: the sky is straight ahead, behind the head
        assert abs(bright) < 0.8 or (setting.background.mean() > 4) == (bright > 0)
        towards.append(bright)
    assert np.mean(np.array(towards) < 0) > 0.75


def test_the_lit_face_is_white_whatever_the_place(tmp_path: Path):
    sun = Lamp(np.array([0.0, -0.6, -0.8]), np.array([900.0, 700.0, 500.0]), 0.005)
    place = flat_place(tmp_path, lambda directions, pixel: np.full(directions.shape, 40.0), [sun])
    for seed in range(20):
        setting = Setting(place, np.eye(3), np.zeros((8, 8, 3), np.float32), 4.0)
        light = sample_light(np.random.default_rng(seed), setting, LENS)
        lamps = [
            Lamp(light.uniforms["key_direction"], light.uniforms["key_colour"], 0.1),
            *(
                Lamp(d, c, 0.1)
                for d, c in zip(light.uniforms["fill_direction"], light.uniforms["fill_colour"], strict=True)
            ),
        ]
        assert incident(light.uniforms["harmonics"], lamps) @ GREY == pytest.approx(1.0, rel=0.2)
        assert np.isfinite(light.tint).all()


def test_out_of_focus_nothing_is_lost_or_moved():
    image = np.zeros((65, 65, 3), np.float32)
    image[32, 32] = 100
    for radius in (0.2, 2.0, 9.0):
        blurred = defocused(image, radius)
        assert blurred.sum() == pytest.approx(300, rel=0.05)
        weights = blurred[..., 0] / blurred[..., 0].sum()
        np.testing.assert_allclose([(weights.sum(k) * np.arange(65)).sum() for k in (0, 1)], [32, 32], atol=0.3)


def test_film_gives_the_same_bytes_again_and_keeps_the_shape(tmp_path: Path):
    place = flat_place(tmp_path, lambda directions, pixel: np.full(directions.shape, 0.5))
    rng = np.random.default_rng(3)
    colour = np.concatenate([rng.random((48, 48, 3)), np.ones((48, 48, 1))], -1).astype(np.float32)
    raster = Raster(colour, np.ones((48, 48), np.uint8), np.full((48, 48), 1.2, np.float32))
    background = rng.random((48, 48, 3)).astype(np.float32)
    for seed in range(30):
        setting = Setting(place, np.eye(3), background, 3.0)
        light = sample_light(np.random.default_rng(seed), setting, LENS)
        made = [
            develop(raster, background, light, LENS, np.random.default_rng(seed), Recipe(low_quality=0.7))
            for _ in range(2)
        ]
        assert made[0].shape == (48, 48, 3)
        assert made[0].dtype == np.uint8
        np.testing.assert_array_equal(made[0], made[1])


def write_exr(path: Path, image: np.ndarray, compression: int) -> None:
    """Scan lines of halves (H, W, 3), plain (0) or zipped by sixteen (3)."""
    height, width = image.shape[:2]

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(value)) + value

    channels = b"".join(n.encode() + b"\0" + struct.pack("<iiii", 1, 0, 1, 1) for n in "BGR") + b"\0"
    head = struct.pack("<II", 20000630, 2) + attribute("channels", "chlist", channels)
    head += attribute("compression", "compression", bytes([compression]))
    head += attribute("dataWindow", "box2i", struct.pack("<4i", 0, 0, width - 1, height - 1)) + b"\0"
    lines = 16 if compression else 1
    blocks = []
    for row in range(0, height, lines):
        part = image[row : row + lines, :, ::-1].astype("<f2")
        raw = part.transpose(0, 2, 1).tobytes()
        if compression:
            values = np.frombuffer(raw, np.uint8)
            apart = np.concatenate([values[0::2], values[1::2]]).astype(np.int64)
            raw = zlib.compress((np.diff(apart, prepend=apart[:1] - 0) + 128).astype(np.uint8).tobytes())
            first = np.frombuffer(zlib.decompress(raw), np.uint8).copy()
            first[0] = apart[0]
            raw = zlib.compress(first.tobytes())
        blocks.append(struct.pack("<iI", row, len(raw)) + raw)
    offset, table = len(head) + 8 * len(blocks), b""
    for block in blocks:
        table += struct.pack("<Q", offset)
        offset += len(block)
    path.write_bytes(head + table + b"".join(blocks))


@pytest.mark.parametrize("compression", [0, 3])
def test_exr_files_are_read(tmp_path: Path, compression: int):
    image = np.tile(np.linspace(0, 9, 64)[None, :, None], (40, 1, 3)) * [1.0, 0.5, 2.0]
    write_exr(tmp_path / "a.exr", image, compression)
    np.testing.assert_allclose(read_exr(tmp_path / "a.exr"), image, rtol=1e-3)


def test_a_user_map_lights_and_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "maps").mkdir()
    image = np.full((64, 128, 3), [0.1, 0.2, 2.0], np.float32)
    cv2.imwrite(str(tmp_path / "maps/blue.hdr"), image[..., ::-1])
    recipe = Recipe(environments=str(tmp_path / "maps"), environment_share=1.0)
    setting = sample_setting(np.random.default_rng(0), recipe, LENS, 32)
    assert setting.place.name == "blue"
    np.testing.assert_allclose(setting.background.mean((0, 1)), [0.1, 0.2, 2.0], rtol=0.2)
    np.testing.assert_allclose(setting.place.coefficients[0], [0.085, 0.17, 1.7], rtol=0.1)  # the body hides some


def bad_maps(folder: Path) -> dict[str, str]:
    """Files that are no maps, and what is to be said of each."""
    cv2.imwrite(str(folder / "square.hdr"), np.ones((64, 64, 3), np.float32))
    cv2.imwrite(str(folder / "black.hdr"), np.zeros((32, 64, 3), np.float32))
    (folder / "empty.hdr").write_bytes(b"")
    (folder / "text.hdr").write_text("not a picture")
    (folder / "text.exr").write_text("not a picture")
    write_exr(folder / "cut.exr", np.ones((64, 128, 3)), 3)
    (folder / "cut.exr").write_bytes((folder / "cut.exr").read_bytes()[:-40])
    write_exr(folder / "nan.exr", np.full((64, 128, 3), np.nan), 0)
    return {
        "square.hdr": "64×64",
        "black.hdr": "no light",
        "empty.hdr": "cannot be read",
        "text.hdr": "cannot be read",
        "text.exr": "cannot be read",
        "cut.exr": "damaged",
        "nan.exr": "no light",
    }


def test_bad_maps_are_refused_in_one_line(tmp_path: Path):
    for name, told in bad_maps(tmp_path).items():
        with pytest.raises(ValueError, match=told) as caught:
            read_map(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(NotADirectoryError, match="no folder"):
        find_maps(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match=r"no \.hdr or \.exr"):
        find_maps(tmp_path / "bare")
    (tmp_path / "other.tgz").write_bytes(b"x")
    with pytest.raises(ValueError, match="SHA-512"):
        unpack_maps(tmp_path / "other.tgz")


def test_a_recipe_names_environments(tmp_path: Path):
    (tmp_path / "r.yaml").write_text("environments: maps\nenvironment_share: 0.25\n")
    recipe = load_recipe(tmp_path / "r.yaml")
    assert (recipe.environments, recipe.environment_share) == ("maps", 0.25)
    (tmp_path / "r.yaml").write_text("environments: 3\n")
    with pytest.raises(ValueError, match="'environments' is a name"):
        load_recipe(tmp_path / "r.yaml")
