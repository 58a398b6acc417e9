"""A formula as the text of a function in LLVM's assembly language: one loop over rows, and one over columns.

Where a line takes all numbers of a row together, there are few columns, and they are written out one by one instead.

    void kernel(words, start, stop, columns)
    void several(calls, count)

`words` holds one word per operand, then one per result: the address of NumPy's array object, or a double. Rows
`start` to `stop` are done; where rows make no difference, places `start` to `stop` of the arrays. `several` calls the
kernel for one (words, start, stop) after the other, with one column.

LLVM may not join a product and a sum into one rounding, nor change the order of operations, unless it is told that it
may; so the bits are NumPy's. The loops say that their passes do not depend on each other, even if a result is written
over an operand: all operands of a place are read before its results are written. Arrays may begin at any address.
"""

from collections.abc import Callable, Iterator

from .formula import Form, Formula, Operand, Result

TYPES = {"f4": "float", "f8": "double", "b1": "i1", "i8": "i64"}
IN_MEMORY = {**TYPES, "b1": "i8"}
ARRAY_DATA = object.__basicsize__  # where the address of its numbers stands in NumPy's array object, in bytes

# (names of the operands, their dtype, the dtype of the result) -> lines, the last of which gives the result.
Emit = Callable[[list[str], str, str], list[str]]


def _simple(instruction: str) -> Emit:
    return lambda args, of, to: [f"{instruction} {TYPES[of]} {', '.join(args)}"]


def _intrinsic(name: str) -> Emit:
    def emit(args: list[str], of: str, to: str) -> list[str]:
        bits = {"f4": "f32", "f8": "f64"}[of]
        return [f"call {TYPES[of]} @llvm.{name}.{bits}({', '.join(f'{TYPES[of]} {arg}' for arg in args)})"]

    return emit


def _extreme(comparison: str) -> Emit:
    """NumPy's maximum and minimum: the first operand if it is NaN, else the second unless the first is beyond it."""

    def emit(args: list[str], of: str, to: str) -> list[str]:
        x, y = args
        kind = TYPES[of]
        return [
            f"fcmp {comparison} {kind} {x}, {y}",
            f"fcmp uno {kind} {x}, {x}",
            "or i1 #0, #1",
            f"select i1 #2, {kind} {x}, {kind} {y}",
        ]

    return emit


def _cast(args: list[str], of: str, to: str) -> list[str]:
    (x,) = args
    if of == to:
        return [f"select i1 true, {TYPES[of]} {x}, {TYPES[of]} {x}"]
    instruction = {("f4", "f8"): "fpext", ("f8", "f4"): "fptrunc"}.get((of, to), "uitofp" if of == "b1" else "")
    return [f"{instruction} {TYPES[of]} {x} to {TYPES[to]}" if instruction else f"fcmp une {TYPES[of]} {x}, 0.0"]


def _where(args: list[str], of: str, to: str) -> list[str]:
    condition, x, y = args
    return [f"select i1 {condition}, {TYPES[to]} {x}, {TYPES[to]} {y}"]


def _less_one(args: list[str], of: str, to: str) -> list[str]:
    """x, with one less in the column that a row's number names."""
    x, label = args
    kind = TYPES[of]
    return [f"icmp eq i64 %column, {label}", f"fsub {kind} {x}, 1.0", f"select i1 #0, {kind} #1, {kind} {x}"]


OPERATIONS: dict[str, Emit] = {
    "add": _simple("fadd"),
    "subtract": _simple("fsub"),
    "multiply": _simple("fmul"),
    "divide": _simple("fdiv"),
    "negative": _simple("fneg"),
    "square": lambda args, of, to: [f"fmul {TYPES[of]} {args[0]}, {args[0]}"],
    "reciprocal": lambda args, of, to: [f"fdiv {TYPES[of]} 1.0, {args[0]}"],
    "sqrt": _intrinsic("sqrt"),
    "absolute": _intrinsic("fabs"),
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "trunc": _intrinsic("trunc"),
    "maximum": _extreme("ogt"),
    "minimum": _extreme("olt"),
    "greater": _simple("fcmp ogt"),
    "greater_equal": _simple("fcmp oge"),
    "less": _simple("fcmp olt"),
    "less_equal": _simple("fcmp ole"),
    "equal": _simple("fcmp oeq"),
    "not_equal": _simple("fcmp une"),
    "logical_and": _simple("and"),
    "logical_or": _simple("or"),
    "logical_xor": _simple("xor"),
    "logical_not": lambda args, of, to: [f"xor i1 {args[0]}, true"],
    "where": _where,
    "cast": _cast,
    "less_one": _less_one,
}


def _row_sum(parts: list[str], kind: str, new: Callable[[], str]) -> list[tuple[str, str]]:
    """The sum of a row in the order in which NumPy adds up: in eight parts, these in pairs, and then what is left."""

    def added(x: str, y: str) -> str:
        lines.append((new(), f"fadd {kind} {x}, {y}"))
        return lines[-1][0]

    lines: list[tuple[str, str]] = []
    if len(parts) < 8:
        total, rest = parts[0], parts[1:]
    else:
        eight, whole = parts[:8], len(parts) - len(parts) % 8
        for i in range(8, whole):
            eight[i % 8] = added(eight[i % 8], parts[i])
        pairs = [added(*eight[i : i + 2]) for i in range(0, 8, 2)]
        total, rest = added(added(*pairs[:2]), added(*pairs[2:])), parts[whole:]
    for part in rest:
        total = added(total, part)
    return lines


def _row_max(parts: list[str], kind: str, new: Callable[[], str]) -> list[tuple[str, str]]:
    """The largest of a row; NaN if there is one."""
    lines: list[tuple[str, str]] = []
    top = parts[0]
    for part in parts[1:]:
        above, is_nan, either, chosen = (new() for _ in range(4))
        lines += [(above, f"fcmp ogt {kind} {top}, {part}"), (is_nan, f"fcmp uno {kind} {top}, {top}")]
        lines += [(either, f"or i1 {above}, {is_nan}"), (chosen, f"select i1 {either}, {kind} {top}, {kind} {part}")]
        top = chosen
    return lines


OF_ROWS = {"row_sum": _row_sum, "row_max": _row_max}
MOST_COLUMNS = 16  # of a formula with such a line
COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}
OF_TRUTH = {"logical_and", "logical_or", "logical_xor", "logical_not"}


def written(formula: Formula) -> str:
    """The module's text; its one function is called `kernel`."""
    return "\n".join([*_declared(formula), *_Writer(formula).lines(), SEVERAL, *METADATA, ""])


def _declared(formula: Formula) -> Iterator[str]:
    for name in ("sqrt", "fabs", "floor", "ceil", "trunc"):
        for kind, bits in (("float", "f32"), ("double", "f64")):
            yield f"declare {kind} @llvm.{name}.{bits}({kind})"


SEVERAL = """
define void @several(ptr %calls, i64 %count) {
entry:
  %any = icmp slt i64 0, %count
  br i1 %any, label %body, label %end
body:
  %call = phi i64 [0, %entry], [%next, %body]
  %at = mul nsw i64 %call, 3
  %words.at = getelementptr i64, ptr %calls, i64 %at
  %start.at = getelementptr i64, ptr %words.at, i64 1
  %stop.at = getelementptr i64, ptr %words.at, i64 2
  %words = load ptr, ptr %words.at
  %start = load i64, ptr %start.at
  %stop = load i64, ptr %stop.at
  call void @kernel(ptr %words, i64 %start, i64 %stop, i64 1)
  %next = add nsw i64 %call, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %body, label %end
end:
  ret void
}
"""


# Reads and writes in the loops are in one access group, and the loops say that these do not depend on each other.
METADATA = [
    "!0 = distinct !{}",
    "!1 = distinct !{!1, !2}",
    '!2 = !{!"llvm.loop.parallel_accesses", !0}',
]


class _Writer:
    def __init__(self, formula: Formula) -> None:
        self.formula, self.dtypes = formula, formula.dtypes
        self._count = 0

    def new(self) -> str:
        self._count += 1
        return f"%t{self._count}"

    def lines(self) -> Iterator[str]:
        """The function."""
        formula = self.formula
        yield "define void @kernel(ptr %words, i64 %start, i64 %stop, i64 %columns) {"
        yield "entry:"
        for k, operand in enumerate(formula.operands):
            yield from self._prepared(k, operand)
        for k in range(len(formula.results)):
            yield from self._address(len(formula.operands) + k, f"%result{k}")
        yield "  %any = icmp slt i64 %start, %stop"
        yield from self._places() if formula.is_flat else self._rows()
        yield "end:"
        yield "  ret void"
        yield "}"

    def _places(self) -> Iterator[str]:
        """One loop over places."""
        yield "  br i1 %any, label %body, label %end"
        yield "body:"
        yield "  %place = phi i64 [%start, %entry], [%next, %body]"
        yield from self._body(["%place"], [""])
        yield "  %next = add nsw i64 %place, 1"
        yield "  %more = icmp slt i64 %next, %stop"
        yield "  br i1 %more, label %body, label %end, !llvm.loop !1"

    def _rows(self) -> Iterator[str]:
        """A loop over rows, and in it one over columns, or what is done for all of them."""
        columns = self.formula.columns
        yield "  %wide = icmp slt i64 0, %columns"
        yield "  %work = and i1 %any, %wide"
        yield "  br i1 %work, label %outer, label %end"
        yield "outer:"
        yield "  %row = phi i64 [%start, %entry], [%nextrow, %latch]"
        yield "  %first = mul nsw i64 %row, %columns"
        yield "  %isfirst = icmp eq i64 %row, 0"
        for k, operand in enumerate(self.formula.operands):
            if operand.form is Form.COLUMN:
                yield from self._loaded(k, operand, "%row", f"%v{k}", "")
        if columns is None:
            yield "  br label %body"
            yield "body:"
            yield "  %column = phi i64 [0, %outer], [%next, %body]"
            yield "  %place = add nsw i64 %first, %column"
            yield from self._body(["%place"], ["%column"])
            yield "  %next = add nsw i64 %column, 1"
            yield "  %more = icmp slt i64 %next, %columns"
            yield "  br i1 %more, label %body, label %latch, !llvm.loop !1"
        else:
            for column in range(columns):
                yield f"  %place{column} = add nsw i64 %first, {column}"
            yield from self._body([f"%place{c}" for c in range(columns)], [str(c) for c in range(columns)])
            yield "  br label %latch"
        yield "latch:"
        yield "  %nextrow = add nsw i64 %row, 1"
        yield "  %morerows = icmp slt i64 %nextrow, %stop"
        yield "  br i1 %morerows, label %outer, label %end"

    def _prepared(self, k: int, operand: Operand) -> Iterator[str]:
        """What is read before the loops."""
        if operand.form is not Form.NUMBER:
            yield from self._address(k, f"%operand{k}")
            return
        word, name = self.new(), f"%v{k}"
        yield f"  {word} = getelementptr i64, ptr %words, i64 {k}"
        if operand.dtype == "f8":
            yield f"  {name} = load double, ptr {word}"
        else:
            wide = self.new()
            yield f"  {wide} = load double, ptr {word}"
            yield f"  {name} = {_cast([wide], 'f8', operand.dtype)[0]}"

    def _address(self, k: int, name: str) -> Iterator[str]:
        """The address of the numbers of an array."""
        word, thing, field = self.new(), self.new(), self.new()
        yield f"  {word} = getelementptr i64, ptr %words, i64 {k}"
        yield f"  {thing} = load ptr, ptr {word}"
        yield f"  {field} = getelementptr i8, ptr {thing}, i64 {ARRAY_DATA}"
        yield f"  {name} = load ptr, ptr {field}"

    def _loaded(self, k: int, operand: Operand, index: str, name: str, group: str) -> Iterator[str]:
        at, kind = self.new(), IN_MEMORY[operand.dtype]
        yield f"  {at} = getelementptr inbounds {kind}, ptr %operand{k}, i64 {index}"
        if operand.dtype != "b1":
            yield f"  {name} = load {kind}, ptr {at}, align 1{group}"
        else:
            byte = self.new()
            yield f"  {byte} = load i8, ptr {at}{group}"
            yield f"  {name} = icmp ne i8 {byte}, 0"

    def _body(self, places: list[str], columns: list[str]) -> Iterator[str]:
        """What is done for some columns of a row: all is read, then computed, then written."""
        formula, group = self.formula, ", !llvm.access.group !0"
        named: list[list[str]] = []  # of each value its names, by column
        for k, operand in enumerate(formula.operands):
            names = [f"%v{k}"] * len(places)
            if operand.form in (Form.EACH, Form.ROW):
                names = [self.new() for _ in places]
                for name, index in zip(names, places if operand.form is Form.EACH else columns, strict=True):
                    yield from self._loaded(k, operand, index, name, group)
            named.append(names)
        for line in formula.lines:
            of, given = self.dtypes[line.args[0]], [named[arg] for arg in line.args]
            if line.operation in OF_ROWS:
                computed = OF_ROWS[line.operation](list(given[0]), TYPES[of], self.new)
                yield from (f"  {name} = {text}" for name, text in computed)
                named.append([computed[-1][0]] * len(places))
                continue
            named.append([])
            for i, column in enumerate(columns):
                parts: list[str] = []
                for text in OPERATIONS[line.operation]([names[i] for names in given], of, line.dtype):
                    for k, part in enumerate(parts):
                        text = text.replace(f"#{k}", part)
                    parts.append(self.new())
                    yield f"  {parts[-1]} = {text.replace('%column', column)}"
                named[-1].append(parts[-1])
        for k, result in enumerate(formula.results):
            indices = {Form.EACH: places, Form.ROW: columns, Form.COLUMN: ["%row"]}[result.form]
            for index, name in zip(indices, named[result.value], strict=result.form is not Form.COLUMN):
                yield from self._stored(k, result, index, name, group)

    def _stored(self, k: int, result: Result, index: str, name: str, group: str) -> Iterator[str]:
        dtype = self.dtypes[result.value]
        at, kind = self.new(), IN_MEMORY[dtype]
        yield f"  {at} = getelementptr inbounds {kind}, ptr %result{k}, i64 {index}"
        if result.form is Form.ROW:
            so_far, total, chosen = self.new(), self.new(), self.new()
            yield f"  {so_far} = load {kind}, ptr {at}, align 1{group}"
            yield f"  {total} = fadd {kind} {so_far}, {name}"
            yield f"  {chosen} = select i1 %isfirst, {kind} {name}, {kind} {total}"
            name = chosen
        if dtype == "b1":
            byte = self.new()
            yield f"  {byte} = zext i1 {name} to i8"
            name = byte
        yield f"  store {kind} {name}, ptr {at}, align 1{group}"
