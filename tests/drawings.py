"""What the tests of every form of drawing share: examples, hostile names, and the comparison with golden files."""

from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn

GOLDEN = Path(__file__).parent / "golden"


def squared():
    return ad.parse("L = (relu(w*x + b) - y)**2", w=0.5, x=2.0, b=-0.3, y=1.0)


def square():
    x = ad.Scalar(3.0, name="x")
    return x * x


def spoilt():
    x, w = ad.Scalar(0.0, name="x"), ad.Scalar(2.0, name="w")
    return ad.sqrt(x) * w + ad.log(x - 1.0) * x


def network(layers=2, width=4):
    rng = np.random.default_rng(0)
    model = nn.MLP([width] * layers + [3])
    for parameter in model.parameters():
        parameter.data[...] = rng.normal(size=parameter.shape)
    return nn.cross_entropy(model(rng.normal(size=(8, width))), np.arange(8) % 3, name="loss")


def forward_only():
    with ad.scope("pair"):
        return ad.Graph.of(ad.Tensor([1.0, 2.0], name="t") * 2)


EXAMPLES = {f.__name__: f for f in (squared, square, spoilt, network, forward_only)}

HOSTILE = [
    '"quoted"',
    "'",
    "<b>bold</b>",
    "</script><script>alert(1)</script>",
    "a & b; &lt; #35; #quot;",
    "back\\slash \\N \\n",
    "%s 50% %%{init: {}}%%",
    "\\input{secret}",
    "\\end{document}",
    "^^5cinput ~ $x_1$ {",
    "$$x^2$$",
    "line\nbreak\ttab",
    "\x1b[31mred\x00nul",
    "\u202eright to left\u2066",
    "emoji 🙂 é ∂ \U0001f1e9\U0001f1ea ❤\ufe0f",
    "漢字の名前",
    "שלום",
    "e\u0301\u0323",
    "x" * 10_000,
    "digraph",
    "end",
    "subgraph",
    "click n0 call f()",
    "style a:#fff;",
    "node -> node --x {",
    "1. list",
    "- item",
    "===",
    "# head",
    "*a* _b_ `c` ~~d~~",
    "[a](javascript:alert)",
    "fa:fa-car",
    "ﬂ°°35¶ß",
    "```",
    "<",
    "]]>",
    "a//b",
    " ",
    "\ud800",
]


def named(name):
    """A name wherever a name can be: an input, a result, an operation and a scope."""
    operation = ad.Elementwise(f"op {name}", lambda x: x * 1.0, 1)
    with ad.scope(name), ad.scope("inner"):
        return operation(ad.Scalar(1.0, name=name), name=name) * 2


def compare_with_golden(name, text):
    """The text must be the file's; where there is no file yet it is written, and the test fails once."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} did not exist and was written: look at it, then commit it")
    assert text == path.read_text(encoding="utf-8")
