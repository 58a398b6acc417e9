"""A long drawing cut into lines, like a text, and the paths of its edges.

Here u runs along a line, and v from line to line.
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LINE_GAP = 70.0  # between lines; edges from one to another run there
MARGIN = 34.0  # beside the lines, where these edges turn
LANES = 5  # side by side, for the edges of different cards
PORT_GAP = 9.0  # between edges that end at one block
LONG = 500.0  # an edge that leads farther runs straight, and turns between two columns
SHAPE = 1.6  # length of the lines by height of them all
MOST_CUT = 8  # blocks on one line whose edges may lead to later ones

Path = tuple[tuple[tuple[float, float], ...], bool]  # points, and whether they are Béziers rather than corners


class Block(NamedTuple):
    """A card, a ledger or a scope's box.

    before, after  how far from its ends an edge can turn, with no card in its way
    """

    u: float
    v: float
    length: float
    height: float
    before: float = 0.0
    after: float = 0.0

    @property
    def end(self) -> float:
        """Where it ends along the line."""
        return self.u + self.length


def cut(blocks: Sequence[Block], boxes: Sequence[Block], pieces: Sequence[tuple[int, int]]) -> list[float]:
    """Where lines begin, from the first on.

    A line ends where no block and no box is cut, and where few blocks have edges that lead on.

    pieces  of edges, by the numbers of the blocks that they join
    """
    if not blocks:
        return [0.0]
    end = max(block.end for block in blocks)
    length = end - min(block.u for block in blocks)
    height = max(block.v + block.height for block in blocks) - min(block.v for block in blocks)
    count = math.sqrt(length / (SHAPE * (height + LINE_GAP)))
    starts = [min(block.u for block in [*blocks, *boxes])]
    if count < 2:
        return starts
    reach: dict[int, float] = {}
    for tail, head in pieces:
        reach[tail] = max(reach.get(tail, 0.0), blocks[head].u)
    # Whatever lies over a place where a line might end, as places where it begins and ends, with its weight.
    covers = [(blocks[tail].end, u, 1) for tail, u in reach.items()]
    covers += [(block.u, block.end, MOST_CUT + 1) for block in (*blocks, *boxes)]
    changes: dict[float, int] = defaultdict(int)
    for begin, stop, weight in covers:
        changes[begin] += weight
        changes[stop] -= weight
    over = 0
    for place, following in pairwise(sorted(changes)):
        over += changes[place]
        is_full = place - starts[-1] >= length / count and end - place >= length / count / 2
        if is_full and over <= MOST_CUT:
            starts.append((place + following) / 2)
    return starts


class Arranged(NamedTuple):
    """Blocks and boxes moved to their lines, the path of each piece, the size of it all, and whether lines were cut."""

    blocks: list[Block]
    boxes: list[Block]
    paths: list[Path]
    length: float
    height: float
    is_cut: bool


def arranged(blocks: Sequence[Block], boxes: Sequence[Block], pieces: Sequence[tuple[int, int]]) -> Arranged:
    """The drawing cut into lines where it is long, beginning at 0, with a path for each piece of an edge.

    >>> row = [Block(100.0 * i, 0.0, 80.0, 40.0) for i in range(8)]
    >>> drawing = arranged(row, [], [(i, i + 1) for i in range(7)])
    >>> [block.v for block in drawing.blocks]
    [0.0, 0.0, 0.0, 0.0, 110.0, 110.0, 110.0, 110.0]
    >>> drawing.paths[0]
    (((114.0, 20.0), (124.0, 20.0), (124.0, 20.0), (134.0, 20.0)), True)
    """
    starts = cut(blocks, boxes, pieces)
    margin = MARGIN if len(starts) > 1 else 0.0

    def line_of(block: Block) -> int:
        return bisect_right(starts, block.u) - 1

    extents: dict[int, tuple[float, float]] = {}
    for block in (*blocks, *boxes):
        top, bottom = extents.get(line_of(block), (math.inf, -math.inf))
        extents[line_of(block)] = min(top, block.v), max(bottom, block.v + block.height)
    tops, at = [], 0.0
    for line in range(len(starts)):
        tops.append(at)
        at += extents[line][1] - extents[line][0] + LINE_GAP

    def moved(block: Block) -> Block:
        line = line_of(block)
        return block._replace(u=block.u - starts[line] + margin, v=block.v - extents[line][0] + tops[line])

    there = [moved(block) for block in blocks]
    length = max(block.end for block in (*there, *map(moved, boxes))) + margin
    lines = [line_of(block) for block in blocks]
    starting, ending = _ports(blocks, pieces)
    starts_of, ends_of = Counter(tail for tail, _ in pieces), Counter(head for _, head in pieces)
    paths: list[Path] = []
    for i, (tail, head) in enumerate(pieces):
        start = there[tail].end, there[tail].v + there[tail].height / 2 + starting[i]
        end = there[head].u, there[head].v + there[head].height / 2 + ending[i]
        if lines[tail] == lines[head] and end[0] - start[0] > LONG:
            # Edges of one card share the long way: they part where they end, or meet where they start.
            parts = starts_of[tail] >= ends_of[head]
            turn = end[0] - there[head].before if parts else start[0] + there[tail].after
            paths.append(((start, (turn, start[1]), (turn, end[1]), end), False))
        elif lines[tail] == lines[head]:
            bend = (end[0] - start[0]) / 2
            paths.append(((start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end), True))
        else:
            # Out to the right, down beside the lines, back above the line of the head.
            lane = MARGIN * (tail % LANES + 1) / (LANES + 1)
            right, left, above = length - MARGIN + lane, lane, tops[lines[head]] - LINE_GAP / 2 - MARGIN / 2 + lane
            paths.append(((start, (right, start[1]), (right, above), (left, above), (left, end[1]), end), False))
    return Arranged(there, [moved(box) for box in boxes], paths, length, at - LINE_GAP, len(starts) > 1)


def _ports(blocks: Sequence[Block], pieces: Sequence[tuple[int, int]]) -> tuple[list[float], list[float]]:
    """How far from the middle of its blocks each piece starts and ends, so that those of one block do not meet."""
    shifts = []
    for near, far in ((0, 1), (1, 0)):
        at_block: dict[int, list[int]] = defaultdict(list)
        for i, piece in enumerate(pieces):
            at_block[piece[near]].append(i)
        shift = [0.0] * len(pieces)
        for block, found in at_block.items():
            found.sort(key=lambda i: blocks[pieces[i][far]].v + blocks[pieces[i][far]].height / 2)
            gap = min(PORT_GAP, 0.6 * blocks[block].height / len(found))
            for place, i in enumerate(found):
                shift[i] = gap * (place - (len(found) - 1) / 2)
        shifts.append(shift)
    return shifts[0], shifts[1]
