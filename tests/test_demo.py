"""The tour, in its quick sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_data import write_face_synthetics
from safetensors.numpy import load_file

from fauxface import demo, rendering


@pytest.fixture
def drawn_instead(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The generator has its own tests: here the faces are drawn, in no time."""
    made: list[Path] = []

    def render_dataset(out: Path, count: int, seed: int = 0, size: int = 512, **_: object) -> None:
        made.append(out)
        write_face_synthetics(out, count, seed=seed, size=size)

    monkeypatch.setattr(rendering, "render_dataset", render_dataset)
    return made


def test_the_tour_ends_with_a_report_and_can_be_taken_up_again(tmp_path: Path, drawn_instead: list[Path]):
    report = demo.run_demo(tmp_path / "demo", quick=True)
    html = report.read_text()
    assert drawn_instead == [tmp_path / "demo" / "faces", tmp_path / "demo" / "held_out"]
    order = ("A real photograph", "Predictions on held-out", "Rendered faces", "Error on held-out", "Training", "Next")
    places = [html.index(f"<h2>{heading}") for heading in order]
    assert places == sorted(places)
    assert 'alt=""' not in html  # every picture is described
    assert html.count("data:image/") >= 7
    assert "http" not in html
    weights = load_file(tmp_path / "demo" / "run" / "checkpoint" / "model.safetensors")

    demo.run_demo(tmp_path / "demo", quick=True)
    again = load_file(tmp_path / "demo" / "run" / "checkpoint" / "model.safetensors")
    assert all((again[name] == value).all() for name, value in weights.items())

    with pytest.raises(FileExistsError, match="other settings"):
        demo.run_demo(tmp_path / "demo", quick=True, seed=1)


def test_a_folder_with_something_else_is_refused(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="something else"):
        demo.run_demo(tmp_path, quick=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
