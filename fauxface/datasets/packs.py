"""Packs: the face crops of a data set, decoded once into memory-mapped files that later runs open at once.

A pack belongs to one state of a data set (names, sizes and times of its files, and its labels) and to one way of
cropping faces; if any of these changes, another pack is made. Crops are added when they are first needed, in shards:
``00000.npy`` holds crops n×S×S×3 uint8 (with holes for missing ones), ``00000.npz`` their labels, and in it ``state``
marks the crops that exist. It is written, completely or not at all, after they are safe on the disk. So a kill costs
only the last crops, and readers never see unfinished ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from fauxface.console import log
from fauxface.datasets.base import BadSample, FaceDataset
from fauxface.datasets.pack_labels import PackLabels
from fauxface.datasets.pack_store import INFO, building, gib, hold, make_room, packs_folder
from fauxface.datasets.packed import Cutter, PackedCrops, ShardedCrops
from fauxface.datasets.reading import tell_skipped, try_samples
from fauxface.faces import FaceSample, Framing, landmark_box
from fauxface.files import atomic_path, read_bytes, tell_damaged, write_text
from fauxface.landmarks import scheme_of
from fauxface.parsing import LABEL_BYTES, read_json_object
from fauxface.targets import extra_targets, target_of

FORMAT = 1
"""To be raised when the layout of packs or the decoding of images changes; `_probe` detects changed cropping."""
SHARD = 4096
"""Crops in a shard."""
FLUSH = 256
"""Crops after which the new ones are synced to the disk."""
ANNOUNCED = 64 << 20
"""Bytes above which a message announces that crops are written."""


def open_pack(
    whole: FaceDataset,
    size: int,
    framing: Framing | None = None,
    padding: int = 0,
    *,
    part: FaceDataset | None = None,
    skip_bad: bool = False,
    workers: int | None = None,
    folder: Path | None = None,
    identity: str | None = None,
) -> PackedCrops:
    """The crops of ``part``, equal to those of `fauxface.datasets.packed.pack`, from the pack of ``whole``.

    Missing crops are decoded and added first, after waiting for another process that does so. The pack cannot be
    removed as long as the result exists.

    Args:
        whole: the data set of the pack.
        size: side of the crop without border, pixels.
        framing: the way faces are cropped; None means by the box.
        padding: border on each side, pixels.
        part: the wanted samples, in the data set's order; None means all.
        skip_bad: leave out samples that cannot be read and list them on standard error.
        workers: decoding threads; None means one per core, at most eight.
        folder: folder of packs; None means the user's cache folder.
        identity: the result of `identity_of` for ``whole``, if already known.

    BadSample at the first sample that cannot be read, unless ``skip_bad``; ValueError if none can be read, or if the
    disk is full.
    """
    part, cutter = part or whole, Cutter(framing or Framing(), size, padding)
    key = _key(whole, cutter, identity or identity_of(whole, workers))
    pack = _Pack.of(whole, cutter, (folder or packs_folder()).absolute(), key)
    place = {source: slot for slot, source in enumerate(whole.sources)}
    slots = np.array([place[source] for source in part.sources], np.int64)
    held = hold(pack.folder)
    with building(pack.folder):
        bad = pack.fill(slots, skip_bad, workers)
    tell_skipped(part, bad)
    labels = pack.labels(slots)
    kept = np.flatnonzero(labels.packed)
    shards = [np.load(pack.crops_file(number), mmap_mode="r") for number in range(pack.shards)]
    return PackedCrops(
        images=ShardedCrops(shards, SHARD, slots[kept], held),
        targets=labels.rows(kept).common(),
        indices=kept,
        scheme=whole.scheme,
        labels=whole.labels,
        size=size,
        framing=cutter.framing,
        padding=padding,
        skipped=bad,
    )


@dataclass(frozen=True)
class _Pack:
    """A pack: its folder, its data set, and the way its faces are cropped."""

    folder: Path
    whole: FaceDataset
    cutter: Cutter

    @classmethod
    def of(cls, whole: FaceDataset, cutter: Cutter, root: Path, key: str) -> _Pack:
        name = re.sub(r"[^A-Za-z0-9_.]+", "_", whole.name)[:40]
        return cls(root / f"{name}-{key}", whole, cutter)

    @property
    def shards(self) -> int:
        return -(-len(self.whole) // SHARD)

    def crops_file(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npy"

    def labels_file(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npz"

    def fill(self, slots: np.ndarray, skip_bad: bool, workers: int | None) -> list[BadSample]:
        """Add the missing ones of the faces ``slots``; return those that cannot be read.

        The *build* lock must be held. BadSample at the first unreadable sample, unless ``skip_bad``.
        """
        self._describe()
        for number in range(self.shards):
            self._prepare(number)
        missing = slots[~self.labels(slots).packed].tolist()
        needed = len(missing) * 3 * self.cutter.side**2
        make_room(self.folder, needed)
        if needed > ANNOUNCED:
            log.info(f"packing {len(missing)} faces: {gib(needed)} in {self.folder}")
        wanted = replace(self.whole, sources=tuple(self.whole.sources[slot] for slot in missing))
        bad: list[BadSample] = []
        writer: _Writer | None = None
        try:
            with closing(try_samples(wanted, self.cutter, workers, "packing")) as results:
                for index, result in results:
                    if isinstance(result, BadSample):
                        if not skip_bad:
                            raise result
                        bad.append(result)
                        continue
                    number, row = divmod(missing[index], SHARD)
                    if writer is None or writer.number != number:
                        if writer is not None:
                            writer.close()
                        writer = _Writer(self, number)
                    writer.put(row, *result)
        finally:
            if writer is not None:
                writer.close()
        return bad

    def labels(self, slots: np.ndarray) -> PackLabels:
        """The labels of the faces ``slots``."""
        found = PackLabels.empty(len(slots), scheme_of(self.whole.scheme))
        numbers, rows = np.divmod(slots, SHARD)
        for number in np.unique(numbers).tolist():
            here = numbers == number
            found.put(here, self.shard_labels(number).rows(rows[here]))
        return found

    def shard_labels(self, number: int) -> PackLabels:
        """The labels of the faces in a shard; none if its file is damaged."""
        return PackLabels.read(self.labels_file(number), self._length(number), scheme_of(self.whole.scheme))

    def _length(self, number: int) -> int:
        return min(SHARD, len(self.whole) - number * SHARD)

    def _describe(self) -> None:
        """Write ``pack.json`` if it is missing or damaged, and set its time to now."""
        path = self.folder / INFO
        if path.is_file() and not _is_record(path):
            tell_damaged(path)
            path.unlink()
        if not path.is_file():
            record = {
                "data": _root(self.whole.sources),
                "count": len(self.whole),
                "size": self.cutter.size,
                "crop": self.cutter.framing.kind,
                "crop_margin": self.cutter.framing.margin,
                "padding": self.cutter.padding,
                "labels": self.whole.labels,
                "scheme": self.whole.scheme,
                "format": FORMAT,
            }
            write_text(path, json.dumps(record, indent=1) + "\n")
        os.utime(path)

    def _prepare(self, number: int) -> None:
        """Make a shard's file of crops, all holes at first; replace one of the wrong size and remove its labels."""
        path, shape = self.crops_file(number), (self._length(number), self.cutter.side, self.cutter.side, 3)
        try:
            array = np.load(path, mmap_mode="r")
            if (array.shape, array.dtype) == (shape, np.uint8):
                return
            tell_damaged(path)
        except FileNotFoundError:
            pass
        except Exception:  # damaged files may raise anything
            tell_damaged(path)
        self.labels_file(number).unlink(missing_ok=True)
        with atomic_path(path) as temporary:
            np.lib.format.open_memmap(temporary, "w+", np.uint8, shape)


class _Writer:
    """Adds crops to a shard with plain writes: on a full disk a memory map would end the process with a signal."""

    def __init__(self, pack: _Pack, number: int):
        self.number = number
        self._labels = pack.shard_labels(number)
        self._labels_file = pack.labels_file(number)
        path = pack.crops_file(number)
        array = np.load(path, mmap_mode="r")
        assert isinstance(array, np.memmap)
        self._first, self._bytes, self._unsafe = array.offset, array[0].nbytes, 0
        self._file = path.open("r+b")

    def put(self, row: int, image: np.ndarray, targets: Mapping[str, np.ndarray]) -> None:
        """Write one crop and note its targets."""
        with _named(self._labels_file.parent):
            self._file.seek(self._first + row * self._bytes)
            self._file.write(image.tobytes())
        self._labels.put_one(row, targets)
        self._unsafe += 1
        if self._unsafe >= FLUSH:
            self._save()

    def close(self) -> None:
        """Sync the new crops to the disk and close the file."""
        try:
            self._save()
        finally:
            self._file.close()

    def _save(self) -> None:
        if not self._unsafe:
            return
        with _named(self._labels_file.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
        self._labels.write(self._labels_file)
        self._unsafe = 0


def _is_record(path: Path) -> bool:
    """True if a pack's description can be read."""
    try:
        read_json_object(path)
    except ValueError:
        return False
    return True


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Add the folder to errors, since those of a full disk have no name."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def identity_of(whole: FaceDataset, workers: int | None = None) -> str:
    """Hash of the files of a data set: names, sizes, times, and content of the labels."""
    digest, root = hashlib.blake2b(digest_size=16), _root(whole.sources)
    for path in whole.shared:
        with path.open("rb") as file:
            digest.update(f"{path.name}\t{hashlib.file_digest(file, 'blake2b').hexdigest()}\n".encode())
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        pieces = [whole.sources[first : first + 256] for first in range(0, len(whole), 256)]
        for lines in pool.map(lambda piece: b"".join(_identity(whole, source, root) for source in piece), pieces):
            digest.update(lines)
    return digest.hexdigest()


def _key(whole: FaceDataset, cutter: Cutter, identity: str) -> str:
    """16 hexadecimal digits that change with everything that changes a crop or a label."""
    settings = (FORMAT, SHARD, whole.format, whole.scheme, whole.labels, identity, cutter.size, cutter.padding)
    framing = (cutter.framing.kind, cutter.framing.margin, cv2.__version__, _probe(whole.scheme, cutter))
    # so that a pack from before a target was listed, which lacks it, is not used
    targets = [(name, target_of(name).revision) for name in extra_targets()]
    return hashlib.blake2b(json.dumps([*settings, *framing, *targets]).encode(), digest_size=8).hexdigest()


def _identity(whole: FaceDataset, source: Path, root: str) -> bytes:
    """The line for the files of one sample."""
    line = [os.path.relpath(source, root)]
    for path in whole.files(source):
        try:
            stat = path.stat()
            line += [path.name, str(stat.st_size), str(stat.st_mtime_ns)]
            if path.suffix.lower() in (".txt", ".json", ".pts", ".mat") and path not in whole.shared:
                line.append(hashlib.blake2b(read_bytes(path, LABEL_BYTES), digest_size=16).hexdigest())
        except (OSError, ValueError):
            line += [path.name, "unreadable"]
    return ("\t".join(line) + "\n").encode()


def _probe(scheme: str, cutter: Cutter) -> str:
    """Hash of the crop of a made-up face, which changes with the code of the crop and with OpenCV."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (150, 130, 3), np.uint8)
    points = random.uniform(30, 110, (scheme_of(scheme).count, 2))
    face, targets = cutter(FaceSample(image, points, scheme, landmark_box(points, scheme), None, "", ""))
    return hashlib.blake2b(face.tobytes() + targets["landmarks"].tobytes(), digest_size=16).hexdigest()


def _root(sources: Sequence[Path]) -> str:
    """The innermost folder that contains all samples."""
    return os.path.commonpath([str(source.absolute().parent) for source in sources])
