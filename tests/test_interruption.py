"""Training that is cut off from outside, by a full disk or a kill, and goes on, has the weights of a whole run."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import cli
from autodiff import run
from autodiff.configuration import Configuration
from autodiff.data.digits import generate

ROOT = Path(__file__).parents[1]
EPOCHS = 6

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL, and limits no file size")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A small run: 110 images in 6 batches, dropout and augmentation included."""
    file = tmp_path_factory.mktemp("data") / "digits.npz"
    images, labels = generate(150, seed=0)
    np.savez(file, x_train=images[:120], y_train=labels[:120], x_test=images[120:], y_test=labels[120:])
    return Configuration(
        data=str(file), hidden=(8,), epochs=EPOCHS, batch=20, augment="shift=1", average=0.9, keep=EPOCHS
    )


@pytest.fixture(scope="module")
def whole(options, tmp_path_factory):
    """The folder of the run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run.train(replace(options, out=str(folder)))
    return folder


def state_of(folder):
    """What a run has come to: its weights and their average, its optimiser, and its history without times."""
    found = ad.load(folder / "checkpoint.pkl")["training"]
    history = [
        {name: value for name, value in record.items() if name not in ("seconds", "images_per_second")}
        for record in found["history"]
    ]
    arrays = [*found["model"].values(), *found["average"]["average"]]
    arrays += [array for each in found["optimizer"]["state"] for array in (each["m"], each["v"])]
    return history, [array.tobytes() for array in arrays], found["generators"], found["shuffle"]


def arguments(options, out):
    given = {name: value for name, value in replace(options, out=str(out)).to_dict().items() if value != ""}
    given |= {"hidden": "8"}
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if not isinstance(value, bool)]


# Killed: a process that ends itself where a kill could strike, without a word to anybody.

KILLED = """
import os, signal, sys
from autodiff import run
from autodiff.configuration import Configuration
from autodiff.train import Callback

place, after = sys.argv[1], int(sys.argv[2])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

class Count(Callback):
    def on_batch_end(self, training):
        if place == "batch" and training.epoch * training.batches + training.batch == after:
            die()

def counted(function):
    calls = []
    def call(*given):
        calls.append(given)
        return die() if len(calls) == after else function(*given)
    return call

if place in ("fsync", "replace"):
    setattr(os, place, counted(getattr(os, place)))
run.train(Configuration.from_toml(sys.stdin.read()), [Count()])
"""

KILLS = {
    "in the first epoch": ("batch", 3),
    "in the middle of an epoch": ("batch", 16),
    "when a checkpoint is written but not yet in place": ("fsync", 8),
    "between the checkpoint and the history": ("replace", 9),
    "between the history and the best checkpoint": ("replace", 10),
}


@pytest.mark.parametrize("place", KILLS)
def test_a_run_that_is_killed_goes_on_bit_for_bit(place, options, whole, tmp_path):
    configuration = replace(options, out=str(tmp_path / "run"))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, KILLS[place][0], str(KILLS[place][1])],
        input=configuration.to_toml(),
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (-9, "")
    assert state_of(tmp_path / "run")[0] != state_of(whole)[0]  # it was in fact cut off
    run.resume(tmp_path / "run")
    assert state_of(tmp_path / "run") == state_of(whole)
    assert (tmp_path / "run" / "best.pkl").exists()
    assert [file.name for file in (tmp_path / "run").glob(".*")] == []


# A full disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of half a megabyte, and a function that gives it more room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system; the limit of a file's size is tried instead")
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_ends_training_and_more_room_lets_it_go_on(small_disk, options, whole, capsys):
    disk, make_room = small_disk
    assert cli.main(["train", *arguments(options, disk / "run")]) == 2
    out, error = capsys.readouterr()
    assert out.startswith("epoch 1/6")
    assert error.startswith(f"error: {disk}/run/")
    assert error.endswith("cannot be written (No space left on device)\n")
    assert error.count("\n") == 1
    check_stopped(disk / "run", whole)
    make_room()
    assert cli.main(["resume", str(disk / "run")]) == 0
    assert capsys.readouterr().err == ""
    assert state_of(disk / "run") == state_of(whole)


def test_a_file_that_may_not_grow_ends_training_and_more_room_lets_it_go_on(options, whole, tmp_path, chainlens):
    import resource

    most = (whole / "epochs" / "0003.pkl").stat().st_size + 1  # a record of history is more

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = chainlens("train", *arguments(options, "run"), preexec_fn=limit)
    assert done.returncode == 2
    assert [line[:9] for line in done.stdout.splitlines()] == ["epoch 1/6", "epoch 2/6", "epoch 3/6"]
    assert done.stderr == "error: run/checkpoint.pkl: cannot be written (File too large)\n"
    check_stopped(tmp_path / "run", whole)
    run.resume(tmp_path / "run")
    assert state_of(tmp_path / "run") == state_of(whole)


def check_stopped(folder, whole):
    """The last good checkpoint is there, and nothing half-written."""
    history = state_of(folder)[0]
    assert 0 < len(history) < EPOCHS
    assert history == state_of(whole)[0][: len(history)]
    assert [file.name for file in folder.glob(".*")] == []
