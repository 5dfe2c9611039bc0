"""Size of a new installation and cost of the first landmarks, beside MediaPipe and dlib.

    python benchmarks/install.py [--quick] [--out docs/install/results.json]

Makes an environment of its own for each with uv, in a temporary folder: Fauxface from this clone without extras, the
others with the packages of ``peers.py``. Measures the site-packages without pip (``du -sm``) and, on one rendered
photograph of 512 px, processor time (user and system) and peak memory of a process from its start to its end: one run
to warm up, then the median of five. Ours is `fauxface predict photo.jpg`, with the drawing; each other one reads the
photograph and finds the points in a program of a few lines. What cannot be installed keeps empty cells. --quick: only
Fauxface, one run, and nothing is written. The last line on standard output is one JSON object; without --quick it is
also written, and so is the table in README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from peers import PEERS, find_uv

from fauxface.files import write_text
from fauxface.images import write_image
from fauxface.info import machine
from fauxface.rendering import Recipe, render_frame

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "install" / "results.json"
OURS = "fauxface"
RUNS = 5
PATIENCE = 600
"""Seconds that an installation may take."""
PROGRAMS = {
    "mediapipe": """
import sys, cv2, mediapipe
photo = cv2.cvtColor(cv2.imread(sys.argv[1]), cv2.COLOR_BGR2RGB)
faces = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True).process(photo).multi_face_landmarks or []
print(f"{len(faces)} face")
""",
    "dlib": """
import sys, dlib
from importlib.util import find_spec
from pathlib import Path
weights = Path(find_spec("face_recognition_models").origin).parent / "models/shape_predictor_68_face_landmarks.dat"
photo = dlib.load_rgb_image(sys.argv[1])
shape = dlib.shape_predictor(str(weights))
faces = [shape(photo, box).parts() for box in dlib.get_frontal_face_detector()(photo, 0)]
print(f"{len(faces)} face")
""",
}
"""Peer → a program that finds the landmarks of a photograph."""
LAUNCHER = """
import json, os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""Runs a command from a small process: a child's peak memory counts from that of the process that starts it."""
Row = dict[str, float | str | None]


def run(command: list[str], folder: Path) -> str:
    """The output of a command; OSError, in one line, if it fails."""
    settings = {**os.environ, "GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "3"}
    settings.pop("PYTHONPATH", None)  # the new environment's packages, and nothing of this one's
    try:
        done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise OSError(f"more than {PATIENCE} s") from None
    if done.returncode:
        raise OSError(" ".join([line for line in done.stderr.splitlines() if line.strip()][-1:]) or "no message")
    return done.stdout


def installed(name: str, folder: Path) -> Path:
    """The folder of a new environment with Fauxface or a peer."""
    place = folder / name
    ours = sys.executable if sys.version_info < (3, 13) else "3.12"  # MediaPipe 0.10.21 knows no newer one
    run([find_uv(), "venv", "--quiet", "--python", ours, str(place)], folder)
    packages = [str(ROOT)] if name == OURS else list(PEERS[name])
    run([find_uv(), "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), *packages], folder)
    return place


def measured(name: str, place: Path, photo: Path, runs: int) -> Row:
    """Size, and processor time and peak memory of one photograph, of an environment."""
    python = str(place / "bin" / "python")
    [packages] = place.glob("lib/python*/site-packages")
    if name == OURS:
        command = [str(place / "bin" / "fauxface"), "predict", str(photo), "--out", str(place / "drawn")]
        versions = [OURS]
    else:
        command, versions = [python, "-c", PROGRAMS[name], str(photo)], [PEERS[name][0].partition("==")[0]]
    if "1 face" not in run(command, place):  # the run to warm up: it compiles Python's files
        raise OSError("the face is not found")
    launched = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    used = [json.loads(run(launched, place).splitlines()[-1]) for _ in range(runs)]
    if any(status for status, _, _ in used):
        raise OSError("a run failed")
    asked = f"from importlib.metadata import version; print(*map(version, {versions}))"
    return {
        "version": run([python, "-c", asked], place).strip(),
        "megabytes": float(run(["du", "-sm", "--exclude=pip", "--exclude=pip-*", str(packages)], place).split()[0]),
        "processor_seconds": round(statistics.median(seconds for _, seconds, _ in used), 2),
        "peak_megabytes": round(statistics.median(peak for _, _, peak in used)),
    }


def table(record: dict[str, object]) -> str:
    """The rows as Markdown, with what they were measured on."""
    rows = record["rows"]
    assert isinstance(rows, dict)
    lines = ["| | on disk | processor time | memory, at most |", "| --- | --- | --- | --- |"]
    for name, row in rows.items():
        cells = [
            f"{row['megabytes']:,.0f} MB" if row else "",
            f"{row['processor_seconds']:.1f} s" if row else "",
            f"{row['peak_megabytes']:,.0f} MB" if row else "",
        ]
        lines.append(f"| {name} {row.get('version', '')} | " + " | ".join(cells) + " |")
    where = f"{record['machine']}, Python {record['python']}, {record['date']}"
    return "\n".join(
        [
            *lines,
            "",
            f"From nothing to the landmarks of one photograph, median of {record['runs']} runs ({where};",
            "the machine was busy, so this is processor time, not waiting time). `python benchmarks/install.py`",
            "measures it.",
        ]
    )


def write_table(record: dict[str, object], readme: Path = ROOT / "README.md") -> None:
    """Put the table between the two comments in the README that say where it goes."""
    begin, end = "<!-- benchmarks/install.py -->\n", "<!-- end -->"
    text = readme.read_text()
    assert begin in text, f"{readme} has no {begin}"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    write_text(readme, re.sub(pattern, lambda _: begin + table(record) + "\n" + end, text, flags=re.DOTALL))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="Fauxface alone, one run; writes nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of the figures (%(default)s)")
    options = parser.parse_args()
    runs = 1 if options.quick else RUNS
    rows: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="fauxface-install-") as temporary:
        folder = Path(temporary)
        write_image(folder / "photo.jpg", render_frame(5, 0, 512, Recipe()).image)
        for name in (OURS,) if options.quick else (OURS, *PEERS):
            try:
                rows[name] = measured(name, installed(name, folder), folder / "photo.jpg", runs)
            except OSError as error:
                if name == OURS:
                    raise
                print(f"without {name}: {error}", flush=True)
                rows[name] = {}
            print(name, rows[name], flush=True)
    record = {
        "machine": machine()["processor"],
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "runs": runs,
        "rows": rows,
    }
    if not options.quick:
        write_text(options.out, json.dumps(record, indent=1) + "\n")
        write_table(record)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
