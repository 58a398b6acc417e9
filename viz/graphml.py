"""GraphML, which yEd, Gephi and Cytoscape read: the graph through networkx, with every attribute as text or number."""

import io
from typing import Any

import numpy as np

from autodiff import Graph


def to_graphml(graph: Graph) -> str:
    """GraphML text of a graph. What the format has no type for, such as an array, is written as text.

    >>> import autodiff as ad
    >>> "<graphml" in to_graphml(ad.Graph.of(ad.Scalar(2.0, name="x") * 3))
    True
    """
    import networkx

    plain = networkx.MultiDiGraph()
    full = graph.to_networkx()
    for node, attributes in full.nodes(data=True):
        plain.add_node(node, **{key: _attribute(value) for key, value in attributes.items() if value is not None})
    for source, target, attributes in full.edges(data=True):
        plain.add_edge(source, target, **attributes)
    file = io.BytesIO()
    networkx.write_graphml(plain, file)
    return file.getvalue().decode()


def _attribute(value: Any) -> bool | int | float | str:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        text = np.array2string(np.asarray(value), threshold=100, separator=", ")
    else:
        text = value if isinstance(value, str) else repr(value)
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
