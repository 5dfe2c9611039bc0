"""The README's commands run as they stand there, in small sizes, and print what it shows of their output.

Figures of the shipped weights are held to the weights' card: the photographs that they were measured on are not here.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_data import write_ibug
from skimage import data as photographs

from fauxface.cli import COMMANDS
from fauxface.images import write_image

README = Path(__file__).parents[1] / "README.md"

# What is made small, and why; everything else is run as it is written.
SUBSTITUTIONS: list[tuple[str, str]] = [
    (r"--count 4000 --size 256", "--count 8 --size 96"),  # minutes of rendering
    (r"--count 300 --size 256", "--count 20 --size 96"),
    (r"--samples 400000", "--samples 16 --batch 8 --input-size 64"),  # half an hour of training
    (r"--images 1000 4000", "--images 8 --policies none --seeds 1 --samples 8 --batch 4 --input-size 64"),  # hours
    (r"fauxface demo --out demo", "fauxface demo --quick --out demo"),  # ten minutes
]
# What another test or CI shows: fetching, installing, and the page that stays up until it is stopped.
ELSEWHERE = ("git clone", "make ", "fauxface live")
# What of a shown output is masked before it is compared (command, pattern, replacement), and why.
MASKS: list[tuple[str, str, str]] = [
    ("fauxface pack faces", r"[\d.]+ [KMG]iB|\d+|/\S+", "#"),  # eight small faces here, in another folder
    ("fauxface evaluate fauxface-s .*", r" *\d+[\d.]*", "#"),  # other faces here; the README's figures are the card's
    ("fauxface info", r"(?m)^(?!fauxface|generator|detector)(.+?)  .*$", r"\1"),  # another machine and its versions
]
WEIGHTS = README.parent / "fauxface" / "weights"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if not line.startswith(ELSEWHERE)]


def shown() -> list[tuple[str, str]]:
    """Each command whose output the README shows, with that output."""
    parts = [part.partition("\n") for block in blocks("console") for part in re.split(r"^\$ ", block, flags=re.M)]
    return [(command, output) for command, _, output in parts if output]


def alike(command: str, output: str, printed: str) -> bool:
    """Compare a shown output with a printed one; ``…`` on a line of its own stands for any lines."""
    for which, pattern, replacement in MASKS:
        if re.fullmatch(which, command):
            output, printed = (re.sub(pattern, replacement, text) for text in (output, printed))
    lines = [r"(?:.*\n)*?" if line == "…" else re.escape(line + "\n") for line in output.splitlines()]
    return re.fullmatch("".join(lines), printed) is not None


def small(text: str) -> str:
    for long, short in SUBSTITUTIONS:
        text = re.sub(long, short, text)
    return text


def test_every_command_is_shown():
    lines = [line for block in blocks("console") for line in block.splitlines()]
    shown = {shlex.split(line)[2] for line in lines if line.startswith("$ fauxface ")}
    assert shown >= COMMANDS.keys()


def test_the_first_commands_are_shown_in_full_further_down():
    """The table on the first screen is not run; the commands that begin so are."""
    first = re.findall(r"^\| `(fauxface [^`]+)` \|", README.read_text(), re.M)
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(first) == 5
    assert [command for command in first if not any(line.startswith(command) for line in lines)] == []


def test_every_substitution_is_needed():
    text = "\n".join([*commands(), *blocks("python")])
    assert [long for long, _ in SUBSTITUTIONS if not re.search(long, text)] == []


def test_every_mask_is_needed():
    assert [which for which, *_ in MASKS if not any(re.fullmatch(which, command) for command, _ in shown())] == []


def test_a_stale_output_is_found():
    """The comparison itself: masks hide what differs from machine to machine, and nothing else."""
    for command, output in shown():
        assert alike(command, output, output.replace("…\n", "other lines\n"))
        assert not alike(command, output, "x" + output)
    info = dict(shown())["fauxface info"]
    assert alike("fauxface info", info, re.sub(r"(?m)^(torch +)\S+$", r"\g<1>3.0", info))
    assert not alike("fauxface info", info, re.sub(r"(?m)^(generator +)\S+$", r"\g<1>1", info))


def test_the_scores_are_those_of_the_card():
    card = yaml.safe_load((WEIGHTS / "fauxface-s" / "model.yaml").read_text())
    scores, on_detector = (card["scores"][f"afw_{box}"] for box in ("landmarks", "detector"))
    text = README.read_text()
    evaluation = next(output for command, output in shown() if command.startswith("fauxface evaluate fauxface-s"))
    rows = {
        "NME": ["nme"],
        "NME, inner": ["nme_inner"],
        "FR at 8, 10": ["fr8", "fr10"],
        "AUC at 8, 10": ["auc8", "auc10"],
        "AURC, points": ["aurc", "aurc_random", "aurc_oracle"],
        "AURC, faces": ["aurc_faces", "aurc_faces_random", "aurc_faces_oracle"],
    }
    for name, keys in rows.items():
        (line,) = re.findall(rf"^  {re.escape(name)}  +(.*)$", evaluation, re.M)
        assert re.findall(r"([\d.]+) %", line)[: len(keys)] == [f"{scores[key]:.2f}" for key in keys], line
    assert f"): {scores['n']} faces, " in evaluation
    assert re.search(rf"^  missed +{scores['missed']}$", evaluation, re.M)
    (row,) = re.findall(r"^\| `fauxface-s` .*$", text, re.M)
    for said in (
        f"{card['provenance']['images']:,} renders, generator {card['provenance']['generator']},",
        f"`{card['model']}`, {card['input_size']} px",
        f"{card['training']['samples']:,}, after",
        f"**{scores['nme']:.2f}** (inner points {scores['nme_inner']:.2f})",
        f"**{on_detector['nme']:.2f}** (none missed)",
    ):
        assert said in row
    adapted = [
        rf"`fauxface-s` goes from {scores['nme']:.2f} to [\d.]+ % on AFW \(inner points {scores['nme_inner']:.2f} to",
        rf"with retinaface's boxes {on_detector['nme']:.2f} to",
    ]
    assert [pattern for pattern in adapted if not re.search(pattern, text)] == []


def test_the_parts_errors_are_those_of_the_model_card():
    page = (README.parent / "docs" / "cards" / "fauxface-s.md").read_text()
    parts = re.findall(r"^\| (jaw|nose|mouth|\w+_brow|\w+_eye) \| ([\d.]+) \|", page, re.M)
    said = ", ".join(f"{name.replace('_', ' ')} {error}" for name, error in parts)
    assert f"  by part       {said}\n" in README.read_text()
    (held_out,) = re.findall(r"^\| landmarks \| 300 \| ([\d.]+) \|", page, re.M)
    assert re.search(rf"On 300 held-out renders[^.]*the error is {held_out}\.", README.read_text(), re.DOTALL)


def test_pictures_and_files_that_it_names_are_there():
    names = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert [name for name in names if not (README.parent / name).exists()] == []


def test_the_commands_run(tmp_path: Path):
    write_image(tmp_path / "photo.jpg", photographs.astronaut())
    write_ibug(tmp_path / "300w" / "afw", 4)
    write_ibug(tmp_path / "300w" / "lfpw" / "trainset", 20, seed=1)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "FAUXFACE_CACHE": str(tmp_path / "cache")}
    outputs = dict(shown())
    for line in commands():
        words = shlex.split(small(line))
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=600)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert line not in outputs or alike(line, outputs[line], done.stdout), f"{line} prints\n{done.stdout}"
    for code in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", small(code)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment,
            timeout=100,
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"
    assert (tmp_path / "demo" / "report.html").is_file()
    assert (tmp_path / "drawn" / "photo.jpg").is_file()


@pytest.mark.parametrize("line", commands())
def test_no_command_names_what_is_not_there(line: str):
    assert shlex.split(line)[0] == "fauxface"
