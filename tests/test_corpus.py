"""The corpus: each faulty program gives its expected cause or finding first, each healthy one gives nothing."""

import numpy as np
import pytest
from corpus.faulty import FAULTY, Caused, Trapped
from corpus.healthy import HEALTHY

import autodiff as ad
from autodiff.traps import TRAPS


def diagnosed(program):
    """The first cause and the findings of a program."""
    with ad.recording(source=True), np.errstate(all="ignore"):
        made = program()
        value, parameters = made if isinstance(made, tuple) else (made, None)
        return ad.first_cause(value), ad.lint(value, parameters=parameters)


CAUSED = [(program, expected) for program, expected in FAULTY if isinstance(expected, Caused)]
TRAPPED = [(program, expected) for program, expected in FAULTY if isinstance(expected, Trapped)]


@pytest.mark.parametrize(("program", "expected"), CAUSED, ids=[program.__name__ for program, _ in CAUSED])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of the mean of nothing
def test_the_first_cause_is_found(program, expected):
    cause, _ = diagnosed(program)
    assert cause is not None
    assert (cause.phase, cause.operation, cause.index) == (expected.phase, expected.operation, expected.index)
    assert cause.source is None or cause.source.file.endswith("faulty.py")
    assert not np.isfinite(cause.value)


@pytest.mark.parametrize(("program", "expected"), TRAPPED, ids=[program.__name__ for program, _ in TRAPPED])
def test_the_trap_is_the_first_finding(program, expected):
    cause, findings = diagnosed(program)
    assert cause is None
    assert findings
    assert findings[0].rule == expected.rule, findings
    assert expected.says in f"{findings[0].why}; {findings[0].remedy}"


@pytest.mark.parametrize("program", HEALTHY, ids=lambda program: program.__name__)
def test_a_healthy_program_gives_nothing(program):
    cause, findings = diagnosed(program)
    assert (cause, findings) == (None, [])


def test_the_corpus_is_large_enough_and_meets_every_trap():
    assert len(FAULTY) >= 40
    assert len(HEALTHY) >= 40
    assert {expected.rule for _, expected in TRAPPED} == {trap.rule for trap in TRAPS}
