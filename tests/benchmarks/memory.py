"""The most memory that a training step takes beyond parameters and data: 32 layers of 256 units, 2048 examples.

Each is a process of its own. The resident size is noted after a step of a small network, which loads what is loaded
late; and then, after three steps on all of them, the highest size during the next. What is free is given back before. A
compiled step keeps its memory for the next; when it is recorded, at first, it takes what an eager one takes.
"""

import ctypes
import gc
import subprocess
import sys
from importlib import util

import measure
import numpy as np
from measure import OURS, Benchmark, Contestant, Run

WIDTH, CLASSES, SEGMENT = 256, 10, 8  # modules, linear and activation, that are computed again together


def examples(n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, width), np.float32), rng.integers(0, CLASSES, n)


def ours(way: str, layers: int, width: int):
    import autodiff as ad
    from autodiff import nn, optim

    model = nn.MLP([width] * layers + [CLASSES])
    sgd = optim.SGD(model.parameters(), lr=0.01)
    children = [child for _, child in model.children()]
    segments = [nn.Sequential(*children[i : i + SEGMENT]) for i in range(0, len(children), SEGMENT)]
    forwards = [ad.remat(segment) if way in ("remat", "both") else segment for segment in segments]

    def step(x, y) -> None:
        sgd.zero_grad()
        for forward in forwards:
            x = forward(x)
        nn.cross_entropy(x, y).backward()
        sgd.step()

    return ad.compile(step) if way in ("compiled", "both") else lambda x, y: step(ad.Tensor(x, requires_grad=False), y)


def by_torch(layers: int, width: int):
    import torch

    modules: list[torch.nn.Module] = []
    for _ in range(layers - 1):
        modules += [torch.nn.Linear(width, width), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules, torch.nn.Linear(width, CLASSES))
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, fused=True)

    def step(x, y) -> None:
        sgd.zero_grad()
        torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        sgd.step()

    return step


WAYS = {
    OURS: "compiled",
    f"{OURS}, remat": "both",
    f"{OURS}, eager": "eager",
    f"{OURS}, eager, remat": "remat",
    "torch": "torch",
}


def resident(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def give_back() -> None:
    """Hand freed memory back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def measured(way: str, layers: int, n: int) -> int:
    """Bytes that a step takes at its highest point."""
    small, step = (by_torch(layers, width) if way == "torch" else ours(way, layers, width) for width in (64, WIDTH))
    for _ in range(2):
        small(*examples(64, 64))
    all_of_them = examples(n, WIDTH)
    give_back()
    before = resident("VmRSS")
    for _ in range(3):
        step(*all_of_them)
    give_back()
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")  # the highest size is that of now
    step(*all_of_them)
    return resident("VmHWM") - before


def contestant(way: str) -> Contestant:
    def set_up() -> tuple[Run, int]:
        if way == "torch" and util.find_spec("torch") is None:
            raise ModuleNotFoundError("torch")
        command = [sys.executable, __file__, way, *(["4", "64"] if measure.quick else ["32", "2048"])]
        return lambda: int(subprocess.run(command, capture_output=True, text=True, check=True).stdout), 1

    return set_up


BENCHMARKS = {
    "memory": Benchmark(
        "the most memory of a training step beyond parameters and data, 32 layers of 256",
        "MB",
        1e-6,
        {name: contestant(way) for name, way in WAYS.items()},
        measure.result,
    )
}

if __name__ == "__main__":
    print(measured(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
