"""What is done with a trained network: measured, asked, examined, drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import health, ops
from ..data import Progress, is_class_folders
from ..errors import CheckpointError, DataError, ShapeError
from ..nn import MLP
from ..objective import measure, objective, weights
from ..tape import no_grad
from ..tensor import Tensor
from .exchange import read_network
from .started import Run, load_data
from .stored import Path_, by, configuration_of, fitted, model_of, preprocessing_of, read


def evaluate(path: Path_, data: str | None = None, *, progress: Progress | None = None) -> dict[str, float]:
    """Accuracy and mean cross-entropy on the test split: {"accuracy": …, "loss": …, "n": …}.

    path  a checkpoint, or a run folder
    data  another source of data, as `data.load` takes it; by default that of the run

    Raises CheckpointError if the checkpoint cannot be used, DataError if the data do not fit the network.
    """
    state, dataset = _with_data(path, data, progress)
    return measure(model_of(state), dataset.test, prepare=preprocessing_of(state))._asdict()


def outputs(path: Path_ | Run, images: np.ndarray) -> np.ndarray:
    """The probabilities of each class. `images: uint8 (n, height, width) → float32 (n, classes)`, in batches."""
    if isinstance(path, Run):
        model, prepare = path.model, path.preprocessing
    else:
        state = read_network(path)
        model, prepare = model_of(state), preprocessing_of(state)
    with no_grad():
        parts = [ops.softmax(model(prepare(images[i : i + 1000]))).data for i in range(0, len(images), 1000)]
    return np.concatenate(parts)


class Prediction(NamedTuple):
    """`labels`: int64 (n,), the most probable class; `probabilities`: float32 (n, classes); the classes' names."""

    labels: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]


def predict(path: Path_, images: np.ndarray | Sequence[Path_]) -> Prediction:
    """Classify images with the network of a checkpoint or run folder, prepared as its training images were.

    images  uint8 (n, height, width) of the network's size; or paths of pictures of any size, PNG or JPEG

    Raises OperandError or ShapeError if the images are not like those it was trained on, DataError for a picture that
    cannot be read.
    """
    state = read_network(path)
    prepare = preprocessing_of(state)
    if not isinstance(images, np.ndarray):
        images = np.stack([prepare.read(picture) for picture in images])
    expected = (prepare.height, prepare.width)
    if images.shape[1:] != expected:
        raise ShapeError(f"predict: the network takes images of {by(expected)} pixels, got {by(images.shape[1:])}")
    with no_grad():
        probabilities = ops.softmax(model_of(state)(prepare(images))).data
    return Prediction(probabilities.argmax(axis=1), probabilities, prepare.class_names)


@dataclass(frozen=True)
class Reading:
    """What a network says of a picture in a file.

    label, name    the most probable class
    probabilities  float32 (classes,)
    """

    picture: Path
    label: int
    name: str
    probabilities: np.ndarray

    @property
    def probability(self) -> float:
        """That of the class it is read as."""
        return float(self.probabilities[self.label])


def read_pictures(path: Path_, pictures: Sequence[Path_]) -> tuple[list[Reading], list[DataError]]:
    """What a network says of pictures of any size, PNG or JPEG, and the errors of those that cannot be read.

    Raises CheckpointError if the network cannot be used.
    """
    prepare = preprocessing_of(read_network(path))
    images, found, errors = [], [], []
    for picture in pictures:
        try:
            images.append(prepare.read(picture))
            found.append(Path(picture))
        except DataError as error:  # the other pictures are read all the same
            errors.append(error)
    if not images:
        return [], errors
    labels, probabilities, names = predict(path, np.stack(images))
    told = zip(found, labels.tolist(), probabilities, strict=True)
    return [Reading(picture, label, names[label], chances) for picture, label, chances in told], errors


def load_model(path: Path_) -> MLP:
    """The network of a checkpoint or run folder, in evaluation mode."""
    return model_of(read_network(path))


def examine(
    path: Path_, data: str | None = None, *, progress: Callable[[int, int], None] | None = None
) -> health.Health:
    """The health of a run's network over its training split, see `health.examine`.

    path  a checkpoint, or a run folder
    data  another source of data, as `data.load` takes it; by default that of the run
    progress  told after each batch how many examples are done, and of how many

    The loss is the run's, with its penalties, in batches of the run's size. The steps are those of the run's optimiser
    from the state it is in, at the learning rate before the schedule: at the end of a run that one is next to 0.

    Raises as `evaluate` does, and CheckpointError if the optimiser's state does not fit.
    """
    state, dataset = _with_data(path, data)
    configuration = configuration_of(state)
    model = model_of(state)
    for name, rng in model.named_generators():
        rng.bit_generator.state = state["training"]["generators"][name]
    optimizer = configuration.make_optimizer([p for p in model.parameters() if p.requires_grad])
    try:
        optimizer.load_state_dict(state["training"]["optimizer"])
        optimizer.lr = float(state["training"]["lr"])
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: holds no optimiser that can be used ({error!r})") from error
    return health.examine(
        model,
        dataset.train,
        loss=lambda model, x, labels: objective(model, x, labels, weights(model), configuration.penalties).loss,
        optimizer=optimizer,
        batch_size=configuration.batch,
        prepare=preprocessing_of(state),
        progress=progress,
    )


def one_step(path: Path_ | Run) -> Any:
    """The loss of one small batch, with its graph: what training computes in one step, ready to be drawn.

    The batch is kept in the checkpoint. Dropout is active; layers are the scopes "mlp/linear1" and so on, a penalty is
    "l2". Nothing is changed: each call computes the same.
    """
    state = read(path.folder if isinstance(path, Run) else path)
    model = model_of(state).train()
    for name, rng in model.named_generators():
        rng.bit_generator.state = state["training"]["generators"][name]
    sample = state["data"]["sample"]
    # Tracked where layers are frozen: what is computed from constants alone is not recorded, and so would not be drawn.
    tracked = bool(state["model"]["frozen"])
    x = Tensor(preprocessing_of(state)(sample["images"]), name="images", requires_grad=tracked)
    labels = Tensor(sample["labels"], name="labels")
    return objective(model, x, labels, weights(model), configuration_of(state).penalties).loss


def _with_data(path: Path_, data: str | None, progress: Progress | None = None) -> tuple[Mapping[str, Any], Any]:
    """The state in a checkpoint, and its data or others that fit. Other data have the run's classes, if they can."""
    state = read_network(path)
    configuration = configuration_of(state)
    if data is None:
        return state, fitted(state, configuration.data, load_data(configuration, progress))
    prepare = preprocessing_of(state)
    folders = is_class_folders(data)
    size = prepare.image_size if folders else ""
    other = replace(configuration, data=data, shots=0, image_size=size)
    return state, fitted(state, data, load_data(other, progress, prepare.reading if folders else None))
