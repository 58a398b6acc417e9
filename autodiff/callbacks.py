"""What is told how training goes, and what may end it early."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import CheckpointError, SettingError

if TYPE_CHECKING:
    from .training import Training


class Callback:
    """What is told how training goes. Subclass it and define what you need; `training` is the live state: look only.

    A KeyboardInterrupt raised here ends training as Ctrl-C does: cleanly, between two batches. `training.stop()` ends
    it after the epoch. What a callback remembers, and the rest of the run depends on, belongs into its `state_dict`,
    which becomes part of the training's.
    """

    def state_dict(self) -> dict[str, Any]:
        """What the callback remembers, as plain data; empty if it remembers nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""

    def on_train_start(self, training: "Training") -> None:
        """Before the first batch, also when a run is resumed."""

    def on_batch_end(self, training: "Training") -> None:
        """After an update: `training.batch` of `training.batches` are done, `training.loss` is the last batch's."""

    def on_epoch_end(self, training: "Training") -> None:
        """After validation: `training.history[-1]` is this epoch's record."""

    def on_train_end(self, training: "Training") -> None:
        """After the last batch, or when `training.interrupted`."""


class EarlyStopping(Callback):
    """Stop when the validation loss has not fallen for `patience` epochs, and go back to the best weights.

    patience   epochs without a lower loss
    least      what counts as lower: by more than this
    restore    whether the model gets the weights of the best epoch when training ends

    Source: Prechelt 1998, "Early stopping - but when?", the third class of stopping criteria.

    Raises SettingError if patience is below 1.
    """

    def __init__(self, patience: int = 5, *, least: float = 0.0, restore: bool = True) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise SettingError(f"EarlyStopping: patience must be a whole number of at least 1, got {patience!r}")
        self.patience, self.least, self.restore = patience, float(least), restore
        self.best: float | None = None
        self.epoch = 0
        self.weights: dict[str, Any] = {}

    def on_epoch_end(self, training: "Training") -> None:
        loss = training.history[-1]["validation_loss"]
        if loss is None:
            raise SettingError("EarlyStopping: there is no validation data to judge by")
        if self.best is None or loss < self.best - self.least:
            self.best, self.epoch, self.weights = loss, training.epoch, training.evaluated_state()
        elif training.epoch - self.epoch >= self.patience:
            training.stop()

    def on_train_end(self, training: "Training") -> None:
        if self.restore and self.weights and not training.interrupted:
            training.restore(self.weights)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        try:
            self.best, self.epoch, self.weights = state["best"], int(state["epoch"]), dict(state["weights"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"EarlyStopping: not a state that state_dict() gave ({error!r})") from error
