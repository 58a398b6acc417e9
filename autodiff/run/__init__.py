"""Training runs, each in a folder of its own, and what is done with a finished one."""

from .exchange import export
from .folder import BEST, CHECKPOINT, CONFIGURATION, HISTORY
from .layers import summary
from .started import FineTuning, Run, finetune, load_data, resume, train
from .trained import Prediction, Reading, evaluate, examine, load_model, one_step, outputs, predict, read_pictures
from .transfer import Transfer

__all__ = [
    "BEST",
    "CHECKPOINT",
    "CONFIGURATION",
    "HISTORY",
    "FineTuning",
    "Prediction",
    "Reading",
    "Run",
    "Transfer",
    "evaluate",
    "examine",
    "export",
    "finetune",
    "load_data",
    "load_model",
    "one_step",
    "outputs",
    "predict",
    "read_pictures",
    "resume",
    "summary",
    "train",
]
