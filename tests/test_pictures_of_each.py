"""Several pictures of one person: the same head, skin and hair in another pose, light and expression."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from fauxface.cli import main
from fauxface.rendering.dataset import Settings
from fauxface.rendering.frame import render_frame
from fauxface.rendering.person.person import ASPECTS, OF_PERSON, streams, streams_of_picture
from fauxface.rendering.recipe import Recipe

REDRAWN = {"worn"}  # glasses, scarves and the like are each picture's own


def test_one_picture_of_each_is_what_it_was_before():
    for index in (0, 7):
        plain, same = streams(3, index), streams_of_picture(3, index, 1)
        assert {name: rng.random() for name, rng in plain.items()} == {name: rng.random() for name, rng in same.items()}
    assert "pictures_of_each" not in Settings(0, 64, Recipe()).to_dict()  # so that older folders can be extended


def test_pictures_of_a_person_share_what_belongs_to_the_person():
    first, second, other = (streams_of_picture(3, index, 2) for index in (2, 3, 4))
    numbers = [{name: rng[name].random() for name in ASPECTS} for rng in (first, second, other)]
    assert {name for name in ASPECTS if numbers[0][name] == numbers[1][name]} == set(OF_PERSON)
    assert not [name for name in ASPECTS if numbers[0][name] == numbers[2][name]]


def test_a_folder_holds_several_pictures_of_each_person_and_keeps_to_it(tmp_path: Path, capsys):
    out = str(tmp_path / "faces")
    render = ["render", out, "--size", "48", "--seed", "5", "--workers", "1"]
    assert main([*render, "--count", "4", "--pictures-of-each", "2"]) == 0
    facts = [json.loads((tmp_path / "faces" / f"{i:06d}.json").read_text()) for i in range(4)]
    assert [one["person"] for one in facts] == [0, 0, 1, 1]
    people = [{name: v for name, v in one["identity"].items() if name not in REDRAWN} for one in facts]
    assert all(people[0][name] == people[1][name] for name in ("age", "gender", "ancestry", "weight", "hair_style"))
    assert people[0]["age"] != people[2]["age"]
    assert facts[0]["head_pose"] != facts[1]["head_pose"]
    assert facts[0]["expression"] != facts[1]["expression"]
    alone = render_frame(5, 0, 48, Recipe()).meta["identity"]  # the first picture of all is as it is without the option
    np.testing.assert_allclose(alone["age"], facts[0]["identity"]["age"], atol=1e-6)
    assert yaml.safe_load((tmp_path / "faces" / "render.yaml").read_text())["pictures_of_each"] == 2
    capsys.readouterr()
    assert main([*render, "--count", "6"]) == 2
    assert "was begun with 2 pictures of each person" in capsys.readouterr().err


def test_it_does_not_go_with_crowds(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["render", str(tmp_path / "a"), "--count", "2", "--faces", "2", "--pictures-of-each", "2"]) == 2
    assert "--pictures-of-each goes with one face a picture" in capsys.readouterr().err
