"""Packs on the disk: equal to crops made in memory, noticed when stale, safe from kills and from each other."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_data import write_face_synthetics, write_ibug

from fauxface.cli import main
from fauxface.datasets import BadSample, PackedCrops, ShardedCrops, open_dataset, open_pack, pack, packs
from fauxface.datasets.pack_store import list_packs, remove_pack
from fauxface.faces import Framing
from fauxface.files import take_lock


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(packs, "SHARD", 4)
    monkeypatch.setattr(packs, "FLUSH", 2)
    return tmp_path / "cache" / "packs"


@pytest.fixture
def faces(tmp_path) -> Path:
    return write_face_synthetics(tmp_path / "faces", 10, size=64)


def count_reads(monkeypatch) -> list[int]:
    """How many samples each further opening of a pack decodes."""
    reads: list[int] = []
    real = packs.try_samples

    def counted(dataset, *rest):
        reads.append(len(dataset))
        return real(dataset, *rest)

    monkeypatch.setattr(packs, "try_samples", counted)
    return reads


def assert_equal(packed: PackedCrops, expected: PackedCrops) -> None:
    assert isinstance(packed.images, ShardedCrops)
    assert packed.images.shape == expected.images.shape
    for name in ("images", "landmarks", "indices", "visibility"):
        a, b = getattr(packed, name), getattr(expected, name)
        assert (a is None) == (b is None)
        if a is not None:
            a = a[:] if name == "images" else a
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    rows = np.array([len(packed) - 1, 0, 1])
    np.testing.assert_array_equal(packed.images[rows], expected.images[rows])
    keys = ("scheme", "labels", "size", "framing", "padding")
    assert [getattr(packed, key) for key in keys] == [getattr(expected, key) for key in keys]


@pytest.mark.parametrize(("kind", "padding"), [("box", 6), ("five-points", 0)])
def test_a_pack_is_what_packing_in_memory_gives(cache, faces, monkeypatch, kind, padding):
    dataset, framing = open_dataset(faces), Framing(kind, 1.4)
    reads = count_reads(monkeypatch)
    part = dataset.subset(4, seed=1)
    for wanted, decoded in ((part, 4), (dataset, 6), (dataset.subset(7, seed=2), 0)):
        packed = open_pack(dataset, 32, framing, padding, part=wanted)
        assert_equal(packed, pack(wanted, 32, framing, padding))
        assert reads[-1] == decoded
    assert len(list(cache.glob("faces-*"))) == 1
    assert len(list(cache.glob("faces-*/0*.npy"))) == 3


def test_visibility_is_there_when_all_wanted_faces_have_it(cache, tmp_path, faces):
    (faces / "000003.json").unlink()
    dataset = open_dataset(faces)
    assert open_pack(dataset, 32).visibility is None
    kept = replace(dataset, sources=dataset.sources[:3])
    assert_equal(open_pack(dataset, 32, part=kept), pack(kept, 32))
    ibug = open_dataset(write_ibug(tmp_path / "ibug", 5, size=64))
    assert_equal(open_pack(ibug, 32), pack(ibug, 32))


def test_any_change_of_the_data_or_the_settings_is_another_pack(cache, faces, monkeypatch):
    reads, label = count_reads(monkeypatch), faces / "000002.json"
    open_pack(open_dataset(faces), 32)
    before = label.stat()
    text = label.read_text()
    label.write_text(text.replace('"visibility": [1', '"visibility": [0'))
    os.utime(label, ns=(before.st_atime_ns, before.st_mtime_ns))  # same length, same time: only what it says is new
    assert label.stat().st_size == before.st_size
    changed = open_pack(open_dataset(faces), 32)
    assert changed.visibility is not None
    assert not changed.visibility[2, 0]
    assert reads == [10, 10]
    os.utime(faces / "000004.png")
    open_pack(open_dataset(faces), 32)
    for options in ({"padding": 2}, {"framing": Framing("box", 1.5)}, {"framing": Framing("five-points")}):
        open_pack(open_dataset(faces), 32, **options)
    open_pack(open_dataset(faces), 33)
    open_pack(open_dataset(faces, labels="projected"), 32)
    monkeypatch.setattr("fauxface.faces.REACH", 1.3)  # how faces are cut out
    open_pack(open_dataset(faces), 32, Framing("five-points"))
    assert reads == [10] * 9
    assert len(list_packs(cache)) == 9


def test_bad_samples_are_named_and_read_again_once_they_are_whole(cache, faces, monkeypatch):
    whole = (faces / "000005.png").read_bytes()
    (faces / "000005.png").write_bytes(whole[:200])
    dataset = open_dataset(faces)
    with pytest.raises(BadSample, match="000005"):
        open_pack(dataset, 32)
    reads = count_reads(monkeypatch)
    packed = open_pack(dataset, 32, skip_bad=True)
    assert reads[-1] <= 8  # what came before it is there
    assert_equal(packed, pack(dataset, 32, skip_bad=True))
    assert [error.path.name for error in packed.skipped] == ["000005.png"]
    with pytest.raises(BadSample, match="000005"):
        open_pack(dataset, 32)
    others = replace(dataset, sources=dataset.sources[:5])
    assert len(open_pack(dataset, 32, part=others)) == 5  # nobody asked for it
    with pytest.raises(ValueError, match="none of the 1 samples"):
        open_pack(dataset, 32, part=replace(dataset, sources=dataset.sources[5:6]), skip_bad=True)
    (faces / "000005.png").write_bytes(whole)
    assert len(open_pack(open_dataset(faces), 32)) == 10


@pytest.mark.parametrize("torn", ["npz", "npy"])
def test_torn_files_are_packed_anew(cache, faces, torn):
    dataset = open_dataset(faces)
    expected = pack(dataset, 32)
    del_me = open_pack(dataset, 32)
    del del_me
    path = next(cache.glob(f"faces-*/00001.{torn}"))
    path.write_bytes(path.read_bytes()[:-100])
    assert_equal(open_pack(dataset, 32), expected)


def test_a_full_disk_is_an_error_that_leaves_what_was_there(cache, faces, monkeypatch):
    dataset = open_dataset(faces)
    open_pack(dataset, 32, part=dataset.subset(3, seed=0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match=r"No space left on device: .*faces-"):
            open_pack(dataset, 32)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
        with pytest.raises(ValueError, match=r"crops take 0\.0 MiB in .* 0\.0 MiB are free: set FAUXFACE_CACHE"):
            open_pack(dataset, 32)
    assert_equal(open_pack(dataset, 32), pack(dataset, 32))


_OPEN = """
import sys
from pathlib import Path
from fauxface.datasets import open_dataset, open_pack, packs
packs.SHARD, packs.FLUSH = 4, 1
print("ready", flush=True)
sys.stdin.readline()
open_pack(open_dataset(Path(sys.argv[1])), 32, workers=1)
"""


def _process(faces: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", _OPEN, str(faces)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_killed_builder_leaves_what_the_next_goes_on_from(cache, tmp_path, monkeypatch):
    faces = write_face_synthetics(tmp_path / "many", 60, size=256)
    process = _process(faces)
    process.stdin.write("\n")
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(cache.glob("many-*/00002.npz")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reads, dataset = count_reads(monkeypatch), open_dataset(faces)
    assert_equal(open_pack(dataset, 32), pack(dataset, 32))
    assert 0 < reads[0] < 53


def test_builders_at_the_same_time_do_not_disturb_each_other(cache, faces):
    processes = [_process(faces) for _ in range(2)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    dataset = open_dataset(faces)
    with ThreadPoolExecutor(2) as pool:
        packed = list(pool.map(lambda seed: open_pack(dataset, 32, part=dataset.subset(7, seed)), (1, 2)))
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    for seed, crops in zip((1, 2), packed, strict=True):
        assert_equal(crops, pack(dataset.subset(7, seed), 32))
    assert_equal(open_pack(dataset, 32), pack(dataset, 32))


def test_the_least_recently_used_go_but_never_those_in_use(cache, faces, monkeypatch):
    dataset = open_dataset(faces)
    held = open_pack(dataset, 32)
    for size in (33, 34):
        open_pack(dataset, size)
    ages = {32: 300, 33: 200, 34: 100}
    for info in list_packs(cache):
        os.utime(info.folder / "pack.json", (time.time() - ages[info.size],) * 2)
    one = max(info.bytes for info in list_packs(cache))
    monkeypatch.setenv("FAUXFACE_PACKS_GIB", str(3.2 * one / 2**30))
    open_pack(dataset, 35)
    assert sorted(info.size for info in list_packs(cache)) == [32, 34, 35]
    busy = next(info.folder for info in list_packs(cache) if info.size == 32)
    assert not remove_pack(busy)
    del held
    assert remove_pack(busy)
    monkeypatch.setenv("FAUXFACE_PACKS_GIB", "much")
    with pytest.raises(ValueError, match="FAUXFACE_PACKS_GIB must be a number of GiB, not 'much'"):
        open_pack(dataset, 32)


def test_a_pack_takes_only_what_is_in_it(cache, faces):
    dataset = open_dataset(faces)
    open_pack(dataset, 256, part=dataset.subset(1, seed=0))
    some = list_packs(cache)[0]
    open_pack(dataset, 256)
    whole = list_packs(cache)[0]
    assert (some.packed, whole.packed, whole.count) == (1, 10, 10)
    assert some.bytes < 0.3 * whole.bytes
    assert whole.bytes >= 10 * 256 * 256 * 3


def test_the_command_packs_lists_and_removes(cache, tmp_path, faces, capsys):
    assert main(["pack", str(faces), "--size", "32"]) == 0
    assert f"10 faces of {faces} packed: " in capsys.readouterr().out
    assert main(["pack", str(faces), "--size", "32", "--out", str(tmp_path / "elsewhere")]) == 0
    assert len(list_packs(tmp_path / "elsewhere")) == len(list_packs(cache)) == 1
    capsys.readouterr()
    assert main(["pack", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert f"10 of 10 faces of {faces}, 32 px, box × 1.3 + 6 px" in listed[0]
    assert listed[-1].startswith("1 pack, ")
    assert main(["pack", str(tmp_path / "other"), "--remove"]) == 0
    assert capsys.readouterr().out.startswith("removed 0 packs")
    assert main(["pack", str(faces), "--remove"]) == 0
    assert capsys.readouterr().out.startswith("removed 1 pack,")
    assert list_packs(cache) == []
    for arguments, message in (
        ([], "which folder?"),
        (["--list", "--remove"], "one at a time"),
        ([str(faces), "--size", "0"], "--size is a whole number from 32 "),
        ([str(tmp_path / "nowhere")], "no such folder"),
    ):
        assert main(["pack", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_locks_end_with_their_holder(tmp_path):
    path = tmp_path / "locks" / "a"
    first = take_lock(path, shared=True)
    second = take_lock(path, shared=True, wait=False)
    assert first
    assert second
    assert take_lock(path, wait=False) is None
    first.close()
    second.close()
    third = take_lock(path, wait=False)
    assert third
    assert take_lock(path, shared=True, wait=False) is None
