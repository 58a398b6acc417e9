"""A trained network for other programs, and from them: `.safetensors` and `.npz` files.

Both hold the weights by name. What the network is, and what is done to images before they reach it, goes along as JSON:
in the metadata of a `.safetensors` file, in the entry `__chainlens__` of an `.npz`.
"""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError, MissingCheckpointError, SettingError
from .folder import write_bytes
from .stored import Path_, State, model_of, read

KEY = "__chainlens__"
SUFFIXES = (".safetensors", ".npz")
_SHARED = ("configuration", "model", "preprocessing")


def export(path: Path_, file: Path_) -> Path:
    """Write the network of a checkpoint or run folder into a `.safetensors` or `.npz` file, whole or not at all.

    Raises SettingError for another suffix or a file that cannot be written, CheckpointError for a checkpoint that
    cannot be used.
    """
    target = Path(file)
    if target.suffix not in SUFFIXES:
        raise SettingError(f"{target}: the suffix must be {' or '.join(SUFFIXES)}")
    state = read(path)
    weights = {name: np.ascontiguousarray(array) for name, array in model_of(state).state_dict().items()}
    about = json.dumps({part: state[part] for part in _SHARED}, allow_nan=False)
    write_bytes(target, _WRITERS[target.suffix](weights, about))
    return target


def read_exported(path: Path_) -> dict[str, Any]:
    """What `export` wrote, in the form of a checkpoint that can be evaluated and fine-tuned, but not resumed.

    Raises MissingCheckpointError if there is no such file, CheckpointError if it is no such network.
    """
    file = Path(path)
    if not os.path.isfile(file):
        raise MissingCheckpointError(f"{file}: there is no such file")
    try:
        weights, about = _READERS[file.suffix](file)
        parts = json.loads(about)
        state: dict[str, Any] = {part: dict(parts[part]) for part in _SHARED}
    except CheckpointError:
        raise
    except Exception as error:  # each library has errors of its own for damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise CheckpointError(f"{file}: is not a network that export wrote ({reason})") from error
    state["training"] = {"model": weights, "generators": {}}
    state["file"] = str(file)
    return state


def _write_npz(weights: dict[str, np.ndarray], about: str) -> bytes:
    file = io.BytesIO()
    np.savez(file, **weights, **{KEY: np.array(about)})  # type: ignore[arg-type]  # names of arrays, not of options
    return file.getvalue()


def _write_safetensors(weights: dict[str, np.ndarray], about: str) -> bytes:
    from safetensors.numpy import save

    data: bytes = save(weights, metadata={KEY: about})
    return data


def _read_npz(file: Path) -> tuple[dict[str, np.ndarray], str]:
    if not zipfile.is_zipfile(file):
        raise CheckpointError(f"{file}: is not an .npz file")
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name != KEY}, str(arrays[KEY])


def _read_safetensors(file: Path) -> tuple[dict[str, np.ndarray], str]:
    from safetensors import safe_open

    with safe_open(os.fspath(file), framework="numpy") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata()[KEY]  # noqa: SIM118


_WRITERS = {".npz": _write_npz, ".safetensors": _write_safetensors}
_READERS = {".npz": _read_npz, ".safetensors": _read_safetensors}


def read_network(path: Path_) -> State:
    """What can be evaluated: a checkpoint, a run folder, or an exported network."""
    return read_exported(path) if Path(path).suffix in SUFFIXES else read(path)
