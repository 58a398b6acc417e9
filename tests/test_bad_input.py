"""What bad input gets: one `error:` line that names it and what is allowed, exit code 2, and every file as it was.

The table runs through the command itself, called in this process; a sample of it runs as processes of their own.
"""

import gzip
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import autodiff as ad
import cli
from autodiff import data, run
from autodiff.configuration import Configuration
from autodiff.data.digits import generate
from autodiff.train import Callback

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Stop(Callback):
    def on_batch_end(self, training):
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with good and bad files of every kind. No case may change it."""
    root = tmp_path_factory.mktemp("world")
    images, labels = generate(150, seed=0)
    arrays = {"x_train": images[:120], "y_train": labels[:120], "x_test": images[120:], "y_test": labels[120:]}
    _arrays(root, arrays)
    _idx_folders(root, arrays)
    _class_folders(root, images)
    _pictures(root, images)
    _configurations(root)
    _runs(root)
    (root / "a file").write_text("text\n")
    (root / "used").mkdir()
    (root / "used" / "note.txt").write_text("mine\n")
    return root


def _arrays(root, good):
    np.savez(root / "good.npz", **good)
    whole = (root / "good.npz").read_bytes()
    (root / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    (root / "damaged.npz").write_bytes(whole[:3000] + bytes(64) + whole[3064:])
    (root / "text.npz").write_text("1, 2, 3\n")
    (root / "empty.npz").write_bytes(b"")
    np.savez(root / "objects.npz", **good | {"y_train": np.array([{}, []], dtype=object)})
    variants = {
        "keys": {"x_train": good["x_train"]},
        "floats": good | {"x_train": good["x_train"] / 255},
        "counts": good | {"y_train": good["y_train"][:-1]},
        "negative": good | {"y_train": good["y_train"].astype(int) - 1},
        "fractions": good | {"y_train": good["y_train"] + 0.5},
        "flat": good | {"x_train": good["x_train"].reshape(120, -1)},
        "sizes": good | {"x_test": good["x_test"][:, :20]},
        "nothing": good | {"x_train": good["x_train"][:0], "y_train": good["y_train"][:0]},
        "small": good | {"x_train": good["x_train"][:, ::2, ::2], "x_test": good["x_test"][:, ::2, ::2]},
        "more": good | {"y_test": good["y_test"].astype(int) + 3},
        "grey": good | {"x_train": np.full_like(good["x_train"], 7)},
    }
    for name, arrays in variants.items():
        np.savez(root / f"{name}.npz", **arrays)


def _idx_folders(root, good):
    arrays = [good["x_train"], good["y_train"].astype(np.uint8), good["x_test"], good["y_test"].astype(np.uint8)]
    for kind in ("plain", "magic", "short", "long", "gzip", "missing", "labels"):
        (root / "idx" / kind).mkdir(parents=True)
        for name, array in zip(IDX, arrays, strict=True):
            data.write_idx(root / "idx" / kind / name, array)
    first = root / "idx" / "magic" / IDX[0]
    first.write_bytes(b"\x00\x00\x09\x03" + first.read_bytes()[4:])
    for kind, change in (("short", lambda b: b[:-9]), ("long", lambda b: b + b"more")):
        file = root / "idx" / kind / IDX[0]
        file.write_bytes(change(file.read_bytes()))
    file = root / "idx" / "gzip" / IDX[0]
    (root / "idx" / "gzip" / f"{IDX[0]}.gz").write_bytes(gzip.compress(file.read_bytes())[:-200])
    file.unlink()
    (root / "idx" / "missing" / IDX[3]).unlink()
    data.write_idx(root / "idx" / "labels" / IDX[1], arrays[1][:-1])


def _class_folders(root, images):
    for path, picture in {
        "pets/cat/1.png": None,
        "pets/cat/2.png": images[0],
        "pets/dog/1.png": images[1],
        "bare/cat/1.png": images[0],
        "lone/cat/1.png": images[0],
        "odd/train/cat/1.png": images[0],
        "odd/train/dog/1.png": images[1],
        "odd/test/cow/1.png": images[2],
        "animals/cat/1.png": images[0],
        "animals/cat/2.png": images[2],
        "animals/dog/1.png": images[1],
        "animals/dog/2.png": images[3],
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if picture is None:
            (root / path).write_bytes(b"no picture")
        else:
            Image.fromarray(picture).save(root / path)
    (root / "bare" / "dog").mkdir()
    (root / "empty").mkdir()


def _pictures(root, images):
    Image.fromarray(images[0]).save(root / "digit.png")
    whole = (root / "digit.png").read_bytes()
    (root / "half.png").write_bytes(whole[: len(whole) // 2])
    (root / "text.png").write_text("a picture\n")
    (root / "nothing.png").write_bytes(b"")
    Image.new("L", (50, 50), 200).save(root / "blank.png")
    Image.fromarray(images[0]).resize((300, 300)).save(root / "photo.jpg")
    whole = (root / "photo.jpg").read_bytes()
    (root / "cut.jpg").write_bytes(whole[:80])


def _configurations(root):
    for name, text in {
        "syntax.toml": "epochs = = 3\n",
        "unknown.toml": "epoch = 3\n",
        "kind.toml": 'epochs = "three"\n',
        "table.toml": "[train]\nepochs = 3\n",
        "range.toml": "dropout = 1.5\n",
    }.items():
        (root / name).write_text(text)
    (root / "binary.toml").write_bytes(b"\xff\xfe\x00")


def _runs(root):
    small = Configuration(data=str(root / "good.npz"), hidden=(8,), epochs=1, batch=40)
    for name in ("run", "other"):
        run.train(Configuration(**small.to_dict() | {"out": str(root / name), "seed": len(name)}))
    run.train(Configuration(**small.to_dict() | {"out": str(root / "stopped"), "epochs": 2}), [Stop()])
    good = root / "run" / "checkpoint.pkl"
    whole = good.read_bytes()
    state = ad.load(good)
    (root / "truncated.pkl").write_bytes(whole[:-100])
    (root / "altered.pkl").write_bytes(whole[:-100] + bytes(100))
    (root / "text.pkl").write_text("weights\n")
    (root / "empty.pkl").write_bytes(b"")
    (root / "newer.pkl").write_bytes(whole.replace(b"checkpoint 1\n", b"checkpoint 9\n", 1))
    (root / "evil.pkl").write_bytes(pickle.dumps(os.system))
    ad.save(root / "foreign.pkl", {"epoch": 3})
    ad.save(root / "misfit.pkl", state | {"model": state["model"] | {"sizes": (784, 9, 10)}})
    ad.save(root / "strange.pkl", state | {"configuration": state["configuration"] | {"optimizer": "magic"}})
    for name in ("config", "history", "checkpoint", "data"):
        shutil.copytree(root / "run", root / f"broken {name}")
    (root / "broken config" / "config.toml").write_text("epochs = \n")
    (root / "broken history" / "history.jsonl").write_text('{"epoch": 1}\n{"epo')
    (root / "broken checkpoint" / "checkpoint.pkl").write_bytes(whole[:500])
    gone = state | {"configuration": state["configuration"] | {"data": str(root / "gone.npz")}}
    ad.save(root / "broken data" / "checkpoint.pkl", gone)
    run.export(root / "run", root / "good.safetensors")
    whole = (root / "good.safetensors").read_bytes()
    (root / "truncated.safetensors").write_bytes(whole[:-50])
    (root / "text.safetensors").write_text("weights\n")
    np.savez(root / "weights.npz", w=np.ones(3))


TRAIN = ["train", "--data", "good.npz", "--out", "new"]
TUNE = ["finetune", "run", "--out", "new"]

# What is typed, and what the line must name: what was given, and what is allowed or to be done.
CASES = [
    # data
    (["train", "--data", "nowhere", "--out", "new"], ["nowhere: there is no such file or folder", '"mnist"']),
    (["train", "--data", "", "--out", "new"], ["data must be", "an empty name"]),
    (["train", "--data", "a file", "--out", "new"], ["a file: not an .npz", "x_train"]),
    (["train", "--data", "digit.png", "--out", "new"], ["digit.png: not an .npz"]),
    (["train", "--data", "text.npz", "--out", "new"], ["text.npz: not an .npz"]),
    (["train", "--data", "empty.npz", "--out", "new"], ["empty.npz: not an .npz"]),
    (["train", "--data", "truncated.npz", "--out", "new"], ["truncated.npz: a damaged .npz"]),
    (["train", "--data", "damaged.npz", "--out", "new"], ["damaged.npz: a damaged .npz"]),
    (["train", "--data", "objects.npz", "--out", "new"], ["objects.npz", "pickled objects"]),
    (["train", "--data", "keys.npz", "--out", "new"], ["keys.npz: missing y_train, x_test, y_test; found x_train"]),
    (["train", "--data", "floats.npz", "--out", "new"], ["floats.npz: x_train", "uint8", "float64"]),
    (["train", "--data", "counts.npz", "--out", "new"], ["counts.npz", "120", "119"]),
    (["train", "--data", "negative.npz", "--out", "new"], ["negative.npz: y_train", "-1"]),
    (["train", "--data", "fractions.npz", "--out", "new"], ["fractions.npz: y_train", "float64"]),
    (["train", "--data", "flat.npz", "--out", "new"], ["flat.npz: x_train", "(120, 784)"]),
    (["train", "--data", "sizes.npz", "--out", "new"], ["sizes.npz", "28", "20"]),
    (["train", "--data", "nothing.npz", "--out", "new"], ["nothing.npz"]),
    (["train", "--data", "idx/magic", "--out", "new"], ["magic/train-images-idx3-ubyte", "uint8", "found int8"]),
    (["train", "--data", "idx/short", "--out", "new"], ["short/train-images-idx3-ubyte", "94071"]),
    (["train", "--data", "idx/long", "--out", "new"], ["long/train-images-idx3-ubyte"]),
    (["train", "--data", "idx/gzip", "--out", "new"], ["gzip/train-images-idx3-ubyte.gz", "gzip"]),
    (["train", "--data", "idx/missing", "--out", "new"], ["idx/missing", "t10k-labels-idx1-ubyte"]),
    (["train", "--data", "idx/labels", "--out", "new"], ["idx/labels", "120", "119"]),
    (["train", "--data", "empty", "--out", "new"], ["empty: has neither MNIST's files nor folders of images"]),
    (["train", "--data", "pets", "--out", "new"], ["pets/cat/1.png: not an image that can be read"]),
    (["train", "--data", "bare", "--out", "new"], ["bare/dog: holds no image", ".jpg"]),
    (["train", "--data", "lone", "--out", "new"], ["lone: one image cannot be both trained and tested on"]),
    (["train", "--data", "odd", "--out", "new"], ["odd/test/cow: there is no class of this name in odd/train"]),
    ([*TRAIN, "--image-size", "20x20"], ["image_size", "folders of images", "good.npz"]),
    (["train", "--data", "animals", "--image-size", "big", "--out", "new"], ["image_size", "28x28", "'big'"]),
    (["train", "--data", "animals", "--image-size", "0x9", "--out", "new"], ["image_size", "28x28", "'0x9'"]),
    (["train", "--data", "animals", "--image-size", "9999x9999", "--out", "new"], ["image_size", "4096", "9999"]),
    # classes, splits
    ([*TRAIN, "--classes", "5-12"], ["classes: there is no class '5-12'; choose from 0, 1"]),
    ([*TRAIN, "--classes", "x"], ["classes: there is no class 'x'"]),
    ([*TRAIN, "--classes", "3"], ["classes: name at least two"]),
    ([*TRAIN, "--classes", "1,1"], ["classes: 1 is named twice"]),
    ([*TRAIN, "--classes", "4-0"], ["classes: there is no class '4-0'"]),
    ([*TRAIN, "--shots", "1000"], ["shots: class 0 has 1", "1000 of each"]),
    ([*TRAIN, "--shots", "-1"], ["shots must be a whole number of at least 0, got -1"]),
    ([*TRAIN, "--validation", "1.5"], ["validation", "below 1", "1.5"]),
    ([*TRAIN, "--validation", "500"], ["validation", "below 120", "500"]),
    ([*TRAIN, "--validation", "some"], ["validation some", "0.1", "5000"]),
    ([*TRAIN, "--validation", "-0.1"], ["validation", "-0.1"]),
    ([*TRAIN, "--validation", "0", "--patience", "3"], ["patience needs validation images"]),
    ([*TRAIN, "--standardise", "image"], ["unknown standardise 'image'; choose from none, dataset, pixel"]),
    (["train", "--data", "grey.npz", "--standardise", "dataset", "--out", "new"], ["grey", "all of one grey"]),
    # what is done to images
    ([*TRAIN, "--augment", "flip=1"], ["flip", "shift"]),
    ([*TRAIN, "--augment", "shift"], ["shift"]),
    ([*TRAIN, "--augment", "rotation=much"], ["rotation", "much"]),
    ([*TRAIN, "--augment", "scale=2"], ["scale", "2"]),
    ([*TRAIN, "--augment", "elastic=34:wide"], ["'34:wide' is no number in 'elastic=34:wide'"]),
    # the network
    ([*TRAIN, "--hidden", "16,x"], ["hidden 16,x: write sizes separated by commas"]),
    ([*TRAIN, "--hidden", "16,-2"], ["hidden: each layer size", "-2"]),
    ([*TRAIN, "--activation", "gelo"], ["unknown activation 'gelo'; choose from relu"]),
    ([*TRAIN, "--init", "zeros"], ["unknown init 'zeros'; choose from he_normal"]),
    ([*TRAIN, "--normalisation", "group"], ["unknown normalisation 'group'; choose from layer, batch"]),
    ([*TRAIN, "--normalisation", "batch", "--batch", "109"], ["batch: 110 examples", "choose another batch size"]),
    ([*TRAIN, "--dropout", "1"], ["dropout must be in [0, 1), got 1"]),
    ([*TRAIN, "--input-dropout", "-0.5"], ["input_dropout must be in [0, 1), got -0.5"]),
    # the loss and the optimiser
    ([*TRAIN, "--l2", "-1"], ["l2 must be at least 0, got -1"]),
    ([*TRAIN, "--l1", "inf"], ["l1 must be a finite number, got inf"]),
    ([*TRAIN, "--label-smoothing", "1"], ["label_smoothing must be in [0, 1)"]),
    ([*TRAIN, "--max-norm", "-3"], ["max_norm must be at least 0"]),
    ([*TRAIN, "--optimizer", "adamax"], ["unknown optimizer 'adamax'; choose from adam, adamw"]),
    ([*TRAIN, "--lr", "0"], ["lr must be above 0, got 0"]),
    ([*TRAIN, "--lr", "nan"], ["lr must be a finite number, got nan"]),
    ([*TRAIN, "--lr", "fast"], ["'--lr'", "got 'fast'"]),
    ([*TRAIN, "--momentum", "1"], ["momentum must be in [0, 1)"]),
    ([*TRAIN, "--schedule", "cosinus"], ["unknown schedule 'cosinus'; choose from constant, linear, cosine"]),
    ([*TRAIN, "--warmup", "1"], ["warmup must be in [0, 1)"]),
    ([*TRAIN, "--clip-norm", "-1"], ["clip_norm must be at least 0"]),
    ([*TRAIN, "--average", "1"], ["average must be in [0, 1)"]),
    ([*TRAIN, "--batch", "0"], ["batch must be a whole number of at least 1, got 0"]),
    ([*TRAIN, "--batch", "2.5"], ["'--batch'", "got '2.5'"]),
    ([*TRAIN, "--accumulate", "0"], ["accumulate must be a whole number of at least 1"]),
    ([*TRAIN, "--epochs", "0"], ["epochs must be a whole number of at least 1"]),
    ([*TRAIN, "--seed", "-1"], ["seed must be a whole number of at least 0"]),
    ([*TRAIN, "--keep", "-1"], ["keep must be a whole number of at least 0"]),
    ([*TRAIN, "--epoch", "3"], ["No such option: --epoch"]),
    ([*TRAIN, "more"], ["unexpected extra argument", "more"]),
    # recipes and files of options
    ([*TRAIN, "--recipe", "linaer"], ["unknown recipe 'linaer'; choose from default, linear"]),
    ([*TRAIN, "--config", "nowhere.toml"], ["config nowhere.toml: cannot be read (No such file"]),
    ([*TRAIN, "--config", "empty"], ["config empty: cannot be read (Is a directory)"]),
    ([*TRAIN, "--config", "syntax.toml"], ["config syntax.toml", "not TOML", "line 1"]),
    ([*TRAIN, "--config", "binary.toml"], ["config binary.toml", "UTF-8"]),
    ([*TRAIN, "--config", "unknown.toml"], ["config unknown.toml", "unknown option 'epoch'; did you mean epochs?"]),
    ([*TRAIN, "--config", "kind.toml"], ["config kind.toml", "epochs must be a whole number", "'three'"]),
    ([*TRAIN, "--config", "table.toml"], ["config table.toml", "unknown option 'train'"]),
    ([*TRAIN, "--config", "range.toml"], ["config range.toml", "dropout must be in [0, 1), got 1.5"]),
    # the run folder
    (["train", "--data", "good.npz", "--out", "used"], ["used is not empty", "--force"]),
    (["train", "--data", "good.npz", "--out", "run"], ["run is not empty", "resume", "--force"]),
    (["train", "--data", "good.npz", "--out", "a file"], ["a file is a file; name a folder"]),
    (["train", "--data", "good.npz", "--out", "a file/run"], ["a file/run cannot be written (Not a directory)"]),
    (["train", "--data", "good.npz", "--out", "x" * 300], ["cannot be written (File name too long)"]),
    (["train", "--data", "nowhere", "--out", "run", "--force"], ["nowhere: there is no such file"]),
    (["train", "--data", "good.npz", "--out", "run", "--force", "--optimizer", "x"], ["unknown optimizer 'x'"]),
    # going on
    (["resume", "nowhere"], ["nowhere: there is no such run folder or checkpoint"]),
    (["resume", "used"], ["used: is no run folder: it holds no checkpoint"]),
    (["resume", "a file"], ["a file: is no chainlens checkpoint", "'text"]),
    (["resume", "run", "--epochs", "0"], ["epochs must be a whole number of at least 1"]),
    (["resume", "stopped", "--epochs", "none"], ["'--epochs'", "got 'none'"]),
    (["resume", "broken checkpoint"], ["broken checkpoint/checkpoint.pkl: is truncated"]),
    (["resume", "broken data"], ["gone.npz: there is no such file"]),
    (["resume", "good.safetensors"], ["good.safetensors: an exported network cannot be resumed; finetune"]),
    # checkpoints
    (["evaluate", "nowhere.pkl"], ["nowhere.pkl: there is no such run folder or checkpoint"]),
    (["evaluate", "truncated.pkl"], ["truncated.pkl: is truncated"]),
    (["evaluate", "altered.pkl"], ["altered.pkl: was altered or damaged"]),
    (["evaluate", "text.pkl"], ["text.pkl: is no chainlens checkpoint"]),
    (["evaluate", "empty.pkl"], ["empty.pkl: is empty"]),
    (["evaluate", "newer.pkl"], ["newer.pkl: has format 9", "update chainlens"]),
    (["evaluate", "evil.pkl"], ["evil.pkl: is no chainlens checkpoint"]),
    (["evaluate", "foreign.pkl"], ["foreign.pkl: is not the checkpoint of a training run"]),
    (["evaluate", "misfit.pkl"], ["misfit.pkl", "linear1.weight", "(784, 9)", "(784, 8)"]),
    (["evaluate", "strange.pkl"], ["strange.pkl", "unknown optimizer 'magic'"]),
    (["evaluate", "truncated.safetensors"], ["truncated.safetensors: is not a network that export wrote"]),
    (["evaluate", "text.safetensors"], ["text.safetensors: is not a network that export wrote"]),
    (["evaluate", "weights.npz"], ["weights.npz: is not a network that export wrote"]),
    (["evaluate", "run", "--data", "nowhere"], ["nowhere: there is no such file or folder"]),
    (["evaluate", "run", "--data", "small.npz"], ["small.npz: the network takes images of 28 × 28", "14 × 14"]),
    (["evaluate", "run", "--data", "more.npz"], ["more.npz: has 13 classes, the network 10"]),
    (["evaluate", "run", "--data", "animals"], ["animals: the network knows no class 'cat'; it knows 0, 1"]),
    (["evaluate", "used"], ["used: is no run folder: it holds no checkpoint"]),
    # pictures
    (["predict", "run"], ["Missing argument 'IMAGE...'"]),
    (["predict", "nowhere", "digit.png"], ["nowhere: there is no such run folder or checkpoint"]),
    (["predict", "run", "nowhere.png"], ["nowhere.png: no such file"]),
    (["predict", "run", "used"], ["used: is a folder; name the pictures in it"]),
    (["predict", "run", "text.png"], ["text.png: not an image that can be read"]),
    (["predict", "run", "nothing.png"], ["nothing.png: not an image that can be read"]),
    (["predict", "run", "half.png"], ["half.png: not an image that can be read"]),
    (["predict", "run", "cut.jpg"], ["cut.jpg: not an image that can be read"]),
    (["predict", "run", "blank.png"], ["blank.png: shows no digit"]),
    # fine-tuning
    (["finetune", "nowhere", "--out", "new"], ["nowhere: there is no such run folder or checkpoint"]),
    ([*TUNE, "--data", "small.npz"], ["small.npz: the network takes images of 28 × 28 pixels, the data have 14 × 14"]),
    ([*TUNE, "--classes", "0-4"], ["linear2.weight has shape 8 × 10, needed is 8 × 5", "--new-head"]),
    ([*TUNE, "--hidden", "9"], ["hidden: the layers are those of the checkpoint, 8,"]),
    ([*TUNE, "--freeze", "7"], ["freeze: there is no layer '7'; the layers are linear1, linear2"]),
    ([*TUNE, "--freeze", "1,2"], ["freeze: no layer would be left to train"]),
    ([*TUNE, "--freeze", "2", "--new-head"], ["freeze: linear2 is made anew"]),
    ([*TUNE, "--lr-scale", "0"], ["lr_scale must be above 0, got 0"]),
    ([*TUNE, "--lr-scale", "nan"], ["lr_scale", "nan"]),
    ([*TUNE, "--shots", "500"], ["shots: class 0 has 1", "500 of each"]),
    ([*TUNE, "--config", "unknown.toml"], ["unknown option 'epoch'"]),
    (["finetune", "run", "--out", "used"], ["used is not empty"]),
    (
        ["finetune", "run", "--out", "run", "--force"],
        ["out: run holds the checkpoint that is to be finetuned; name another folder"],
    ),
    # comparing, exporting, summing up
    (["compare", "run"], ["compare needs at least two run folders, got 1"]),
    (["compare", "run", "run"], ["run is given twice"]),
    (["compare", "run", "used"], ["used: is no run folder", "config.toml"]),
    (["compare", "run", "broken config"], ["broken config/config.toml", "not TOML"]),
    (["compare", "run", "broken history"], ["broken history/history.jsonl", "line 2"]),
    (["compare", "run", "broken checkpoint"], ["broken checkpoint/checkpoint.pkl: is truncated"]),
    (["compare", "run", "other", "-o", "curves.gif"], ["curves.gif", ".svg"]),
    (["compare", "run", "other", "-o", "no/such/curves.svg"], ["no/such/curves.svg", "No such file"]),
    (["export", "run", "-o", "network.onnx"], ["network.onnx: the suffix must be .safetensors or .npz"]),
    (["export", "run", "-o", "no/such/n.npz"], ["no/such/n.npz: cannot be written (No such file"]),
    (["export", "used", "-o", "n.npz"], ["used: is no run folder: it holds no checkpoint"]),
    (["summary", "784"], ["at least two sizes", "784-10; got 784"]),
    (["summary", "nowhere"], ["nowhere: there is no such run folder or checkpoint", "784-10"]),
    (["summary", "784-0"], ["each at least 1", "784-0"]),
    (["summary", "784-10", "--batch", "0"], ["--batch", "got '0'"]),
    (["summary", "text.pkl"], ["text.pkl: is no chainlens checkpoint"]),
]


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        for path in folder.rglob("*")
    }


def in_this_process(arguments, world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    code = cli.main(arguments)
    out, error = capsys.readouterr()
    return code, out, error


def check(code, out, error, words):
    assert (code, out) == (2, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    missing = [word for word in words if word not in error]
    assert not missing, error


@pytest.fixture(scope="module")
def untouched(world):
    """The digests of all files before the first case."""
    return digests(world)


@pytest.mark.parametrize(("arguments", "words"), CASES, ids=[" ".join(arguments)[:60] for arguments, _ in CASES])
def test_bad_input_is_told_in_one_line_and_changes_nothing(arguments, words, world, untouched, monkeypatch, capsys):
    check(*in_this_process(arguments, world, monkeypatch, capsys), words)
    assert digests(world) == untouched


SAMPLE = [next(case for case in CASES if case[0][:2] == start) for start in (TRAIN[:2], ["predict", "run"])]


@pytest.mark.parametrize(("arguments", "words"), SAMPLE, ids=[" ".join(arguments)[:60] for arguments, _ in SAMPLE])
def test_the_command_as_a_process_says_the_same(arguments, words, world, untouched, chainlens):
    done = chainlens(*arguments, cwd=world)
    check(done.returncode, done.stdout, done.stderr, words)
    assert digests(world) == untouched


@contextmanager
def somebody():
    """Inside, this process may not do everything: it has the rights of nobody, if it is root's."""
    if os.geteuid() != 0:
        yield
        return
    import viz.command_options  # while this process may read every library
    import viz.progress  # noqa: F401

    group = os.getegid()
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


@pytest.fixture
def shared(world):
    """A copy of the world that such a user can look into, with a folder, a file and a run that it may not use."""
    folder = Path(tempfile.mkdtemp())
    for name in ("good.npz", "run", "digit.png"):
        (shutil.copytree if (world / name).is_dir() else shutil.copy)(world / name, folder / name)
    state = ad.load(folder / "run" / "checkpoint.pkl")
    own = state["configuration"] | {"data": str(folder / "good.npz")}
    ad.save(folder / "run" / "checkpoint.pkl", state | {"configuration": own})
    shutil.copy(folder / "good.npz", folder / "secret.npz")
    shutil.copytree(folder / "run", folder / "secret")
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (folder / "secret.npz").chmod(0)
    (folder / "secret").chmod(0o000)
    folder.chmod(0o555)
    yield folder
    for path in (folder, folder / "run", folder / "secret"):
        path.chmod(0o755)
    shutil.rmtree(folder)


FORBIDDEN = [
    (["train", "--data", "good.npz", "--out", "new"], "error: out: new cannot be written (Permission denied)"),
    (["train", "--data", "secret.npz", "--out", "new"], "error: secret.npz: cannot be read (Permission denied)"),
    (
        ["train", "--data", "good.npz", "--out", "run", "--force"],
        "error: out: run cannot be written (Permission denied)",
    ),
    (["resume", "run", "--epochs", "3"], "error: out: run cannot be written (Permission denied)"),
    (["evaluate", "secret"], "error: secret/checkpoint.pkl: cannot be read (Permission denied)"),
    (["export", "run", "-o", "n.npz"], "error: n.npz: cannot be written (Permission denied)"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are another matter on Windows")
@pytest.mark.parametrize(("arguments", "line"), FORBIDDEN, ids=[" ".join(arguments) for arguments, _ in FORBIDDEN])
def test_what_may_not_be_read_or_written_is_told(arguments, line, shared, monkeypatch, capsys):
    monkeypatch.chdir(shared)
    before = digests(shared)
    with somebody():
        code = cli.main(arguments)
    assert (code, capsys.readouterr()) == (2, ("", f"{line}\n"))
    assert digests(shared) == before
