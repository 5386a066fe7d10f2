"""Functions of variables, differentiated and compiled: the backends' pure transforms, made to read and write variables.

A function here takes and gives arrays, and reads and assigns variables on the way. What it assigns takes effect in the surrounding scope.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import tree
from cornu.errors import ArgumentError
from cornu.ops import dispatch
from cornu.ops.arguments import Array
from cornu.ops.core import where
from cornu.state import placement, scope
from cornu.state.scope import StateScope
from cornu.state.variable import Variable, structure_version

__all__ = ["Compilation", "CompiledStep", "ReplayedPart", "value_and_grad", "when"]


def value_and_grad(fn: Callable[[], tuple[Array, Any]], variables: Sequence[Variable]) -> tuple[tuple[Array, Any], list[Array]]:
    """Runs `fn() -> (loss, aux)`; gives that and the loss's gradient for each variable, in order.

    >>> v = Variable([1.0, 2.0])
    >>> (loss, _), (grad,) = value_and_grad(lambda: ((v * v)[0], None), [v])
    >>> float(loss), grad.tolist()
    (1.0, [2.0, 0.0])
    """
    variables = list(variables)
    touched: list[Variable] = []

    def pure(values: list[Array]) -> tuple[Array, Any]:
        with StateScope(zip(variables, values, strict=True)) as inner:
            loss, aux = _pair(fn())
        touched[:] = [variable for variable, _ in inner.written.values()]
        return loss, (aux, [value for _, value in inner.written.values()])

    within = scope.active()
    own = [v.own_value if within is None else within.read(v) for v in variables]
    backend = variables[0].backend if variables else dispatch.interpreter_of()
    (loss, (aux, values)), grads = backend.value_and_grad(pure, own)
    for variable, value in zip(touched, values, strict=True):
        variable.put(value)
    return (loss, aux), grads


def _pair(given: Any) -> tuple[Array, Any]:
    if isinstance(given, tuple) and len(given) == 2:
        return given
    raise ArgumentError(
        f"A function that is differentiated by variables gives (loss, whatever else is wanted of it), got {type(given).__name__}. Without anything "
        "else write `return loss, None`."
    )


def when(condition: Array, update: Callable[[], None]) -> None:
    """Runs `update()` such that what it assigns lasts only where the scalar `condition` (an array, or Python's bool) holds."""
    if isinstance(condition, bool):
        if condition:
            update()
        return
    on = dispatch.interpreter_of(condition)
    if on.EAGER:
        if bool(condition):
            update()
        return
    changed: list[Variable] = []

    def new() -> list[Array]:
        with StateScope() as pending:
            update()
        changed[:] = [variable for variable, _ in pending.written.values()]
        return [value for _, value in pending.written.values()]

    def old() -> list[Array]:
        return [variable.value for variable in changed]

    for variable, value in zip(changed, getattr(on, "either", _either)(condition, new, old), strict=True):
        variable.put(value)


def _either(condition: Array, new: Callable[[], list[Array]], old: Callable[[], list[Array]]) -> list[Array]:
    """The values of one of two functions; `new` is called first."""
    return [where(condition, a, b) for a, b in zip(new(), old(), strict=True)]


@dataclasses.dataclass(frozen=True)
class Compilation:
    """One entry of a compile ledger.

    Attributes:
        program: what was compiled.
        batch: dtypes and shapes of the arrays it takes, in order.
        reason: why it had to be.
        seconds: tracing, compiling and the first run together.
    """

    program: str
    batch: tuple[str, ...]
    reason: str
    seconds: float


class CompiledStep:
    """`fn(*batch)`, traced and compiled once for each kind of batch, leaving the variables updated.

    On backends that run as written it is the function itself. The variables are asked for when a program is made, and again when the structure
    version has moved on; a program is kept for each set of variables, trainable flags, and shapes and dtypes of the batch.

    Args:
        fn: takes the batch's arrays (nested structures too), gives arrays.
        variables: gives all variables that `fn` may read or write.
        jit: False to run as written, for debugging; True to compile further than by default, where a backend leaves that choice.
        name: what the ledger calls it.
        batches: whether its arguments are batches, whose rows, and the variables with them, a distribution spreads over devices.

    Attributes:
        ledger: what has been compiled, in order.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        variables: Callable[[], Sequence[Variable]],
        *,
        jit: bool | None = None,
        name: str = "step",
        batches: bool = False,
    ) -> None:
        self._fn, self._find, self._jit, self._name, self._batches = fn, variables, jit, name, batches
        self._spread: placement.Placement | None = None
        self._version = -1
        self._variables: list[Variable] = []
        self._unlisted: list[Variable] = []
        self._by_signature: dict[tuple[Any, ...], dict[Any, _Program]] = {}
        self._programs: dict[Any, _Program] = {}
        self.ledger: list[Compilation] = []

    def __call__(self, *batch: Any) -> Any:
        """Runs one step."""
        if self._version != structure_version():
            self._refresh()
        if not self._compiles:
            return self._fn(*(self._own(x) for x in self._placed(batch)))
        if len(batch) == 1 and hasattr(batch[0], "shape"):
            key: Any = (batch[0].shape, batch[0].dtype)
        else:
            key = (tree.structure(batch), *[None if x is None else (x.shape, x.dtype) for x in tree.flatten(batch)])
        program = self._programs.get(key)
        if self._spread is not None:
            batch = self._placed(batch)
        return self._first_run(key, batch) if program is None else program(batch)

    @property
    def compilations(self) -> int:
        """How many programs have been compiled."""
        return len(self.ledger)

    def _first_run(self, key: Any, batch: Any) -> Any:
        reason = (
            "the first batch" if not self.ledger else "a batch of another kind" if self._programs else "other variables, or others frozen"
        )
        began = time.perf_counter()
        outputs = self._compiled(key, batch)(batch)
        kinds = tuple(f"{x.dtype}{list(x.shape)}" for x in tree.flatten(batch) if x is not None)
        self.ledger.append(Compilation(self._name, kinds, reason, time.perf_counter() - began))
        if self._spread is not None and batch:  # without a batch no layer has run
            self._spread.report(self._variables)
        return outputs

    def _compiled(self, key: Any, batch: Any) -> _Program:
        """The program for such a batch. Variables that turn out to be written though nobody named them are taken in, and the trace made anew."""
        try:
            program = _Program(self._fn, self._variables, batch, further=self._jit is True)
        except UnlistedError as found:
            self._unlisted = _distinct([*self._unlisted, *found.variables])
            self._refresh()
            return self._compiled(key, batch)
        self._programs[key] = program
        return program

    def _placed(self, batch: Any) -> Any:
        """The batch, spread over the devices of the distribution at hand."""
        spread = self._spread
        return batch if spread is None else tree.map_structure(lambda x: None if x is None else spread.place_batch(x), batch)

    def _own(self, x: Any) -> Any:
        if isinstance(x, (list, tuple, dict)):
            return tree.map_structure(self._own, x)
        return self._backend.borrow(x) if isinstance(x, np.ndarray) else x

    def _refresh(self) -> None:
        self._variables = _distinct([*self._find(), *self._unlisted])
        backend = self._backend = self._variables[0].backend if self._variables else dispatch.interpreter_of()
        self._compiles = not backend.EAGER and self._jit is not False
        self._spread = placement.within(backend) if self._batches else None
        if self._spread is not None:
            for variable in self._variables:
                variable.spread()
        key = (backend.NAME, self._spread, *((id(v), v.trainable) for v in self._variables))
        self._programs = self._by_signature.setdefault(key, {})
        self._version = structure_version()


class UnlistedError(Exception):
    """A trace has written variables that were not among those named; nothing has been run."""

    def __init__(self, variables: list[Variable]) -> None:
        super().__init__(f"Variables written though not named: {[v.path for v in variables]}.")
        self.variables = variables


class _Program:
    """One compiled program: which variables go in, which come out changed."""

    def __init__(self, fn: Callable[..., Any], variables: list[Variable], batch: Any, *, further: bool) -> None:
        self._variables = variables
        self._written: list[Variable] = []
        backend = variables[0].backend if variables else dispatch.interpreter_of()

        def pure(values: list[Array], args: Any) -> tuple[Any, list[Array]]:
            with StateScope(zip(variables, values, strict=True)) as inner:
                outputs = fn(*args)
            self._written = [variable for variable, _ in inner.written.values()]
            return outputs, [value for _, value in inner.written.values()]

        def indices() -> list[int]:
            place = {id(v): i for i, v in enumerate(variables)}
            missing = [v for v in self._written if id(v) not in place]
            if missing:
                raise UnlistedError(missing)
            return [place[id(v)] for v in self._written]

        chosen = {"xla": True} if further and getattr(backend, "CHOOSES_COMPILER", False) else {}
        self._run = backend.compile(pure, [v.own_value for v in variables], batch, indices, **chosen)

    def __call__(self, batch: Any) -> Any:
        outputs, values = self._run([v.own_value for v in self._variables], batch)
        for variable, value in zip(self._written, values, strict=True):
            variable.own_value = value
        return outputs


def _distinct(variables: Sequence[Variable]) -> list[Variable]:
    return list({id(v): v for v in variables}.values())


class ReplayedPart:
    """A part of a step, `fn(*args)`, that backends which run as written may record once and replay.

    The part must do the same for all arrays of one shape and dtype: no look at values, nothing from outside but variables. Who cannot
    vouch for that says so by `allowed`. It is recorded at the third call of a kind; a part of a compiled step is compiled with it.

    Args:
        fn: from nested structures of arrays to nested structures of arrays; it may read and assign variables.
        variables: gives all variables that it may read or assign.
        allowed: whether it may be recorded.
        compiled: whether recordings go through the backend's compiler.
    """

    def __init__(
        self, fn: Callable[..., Any], variables: Callable[[], Sequence[Variable]], allowed: Callable[[], bool], *, compiled: bool = False
    ) -> None:
        self._fn, self._find, self._may, self._compiled = fn, variables, allowed, compiled
        self._version = -1
        self._record: Callable[..., Any] | None = None
        self._variables: list[Variable] = []
        self._recordings: dict[Any, Any] = {}

    def __call__(self, *args: Any) -> Any:
        """Runs the part, or its recording."""
        if self._version != structure_version():
            self._refresh()
        within = scope.active()
        if self._record is None or not (within is None or within.is_fresh):
            return self._fn(*args)
        leaves, structure = tree.flatten(args), tree.structure(args)
        key = (structure, *[(x.shape, x.dtype) if hasattr(x, "dtype") else x for x in leaves])
        recording = self._recordings.get(key, 0)
        if isinstance(recording, int):
            self._recordings[key] = self._recorded(leaves, structure) if recording == 2 else recording + 1
            return self._fn(*args)
        return self._fn(*args) if recording is None else recording(leaves)

    def _refresh(self) -> None:
        self._version = structure_version()
        self._variables = _distinct(self._find())
        self._recordings.clear()
        backend = self._variables[0].backend if self._variables else dispatch.interpreter_of()
        self._record = getattr(backend, "record", None) if backend.EAGER and self._may() else None

    def _recorded(self, leaves: list[Any], structure: Any) -> Callable[[list[Any]], Any] | None:
        variables, count = self._variables, len(self._variables)
        arrays = [i for i, x in enumerate(leaves) if hasattr(x, "dtype")]
        shape: list[Any] = []
        written: list[Variable] = []

        def flat(inputs: list[Array]) -> list[Any]:
            filled = list(leaves)
            for i, x in zip(arrays, inputs[count:], strict=True):
                filled[i] = x
            with StateScope(zip(variables, inputs[:count], strict=True)) as inner:
                outputs = self._fn(*tree.unflatten(structure, filled))
            written[:] = [variable for variable, _ in inner.written.values()]
            shape[:] = [tree.structure(outputs)]
            return [*tree.flatten(outputs), *(value for _, value in inner.written.values())]

        run = self._record(flat, [v.own_value for v in variables] + [leaves[i] for i in arrays], compiled=self._compiled)  # type: ignore[misc]
        if run is None:
            return None
        outputs_structure, changed = shape[0], list(written)
        size = outputs_structure.num_leaves

        def replay(leaves: list[Any]) -> Any:
            results = run(*[v.own_value for v in variables], *[leaves[i] for i in arrays])
            for variable, value in zip(changed, results[size:], strict=True):
                variable.put(value)
            return tree.unflatten(outputs_structure, results[:size])

        return replay
