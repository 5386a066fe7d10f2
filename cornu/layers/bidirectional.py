"""Recurrent layers that read sequences from both ends."""

from __future__ import annotations

from typing import Any

from cornu import ops, tree
from cornu.errors import ArgumentError
from cornu.layers.inner import build_inner, replica
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["Bidirectional"]

_MERGES: dict[str, Any] = {
    "sum": ops.add,
    "mul": ops.multiply,
    "ave": lambda a, b: ops.divide(ops.add(a, b), 2),
    "concat": lambda a, b: ops.concatenate([a, b], -1),
}
_NEEDED = ("go_backwards", "return_sequences", "return_state", "stateful")


@LAYERS.add
class Bidirectional(Layer):
    """A recurrent layer run forwards, and one like it run backwards, merged step by step.

    Args:
        layer: the recurrent layer; two of its kind are made, named `forward_…` and `backward_…`.
        merge_mode: how outputs become one: "concat" side by side, "sum", "mul" (product), "ave" (mean); None leaves two outputs.
        weights: values for the weights once they are made, those of the forward layer first.
        backward_layer: the layer for the way back, with `go_backwards=True`; by default one like `layer`.

    Call arguments:
        sequences: (batch, time, features).
        initial_state: the states to begin with, those of the forward layer first.
        mask: (batch, time) booleans; with `return_sequences` masked steps give zeros.
        training: whether dropout is at work.

    Shapes: (batch, time, features) to (batch, 2 * units) or (batch, time, 2 * units) for "concat", (…, units) else. With `return_state` the
    states follow, those of the forward layer first. The weights are those of the two layers.

    M. Schuster, K. K. Paliwal, "Bidirectional recurrent neural networks", 1997, doi:10.1109/78.650093.

    >>> import numpy as np
    >>> from cornu.layers import GRU
    >>> Bidirectional(GRU(4))(np.ones((2, 3, 5), "float32")).shape
    (2, 8)
    """

    supports_masking = True

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", weights: Any = None, backward_layer: Any = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("dtype", getattr(layer, "dtype_policy", None))
        super().__init__(**kwargs)
        for one in (layer, layer if backward_layer is None else backward_layer):
            if not isinstance(one, Layer) or not all(hasattr(one, name) for name in _NEEDED):
                raise ArgumentError(f"Bidirectional takes a recurrent layer, such as LSTM, with {', '.join(_NEEDED)}; got {one!r}.")
        if merge_mode is not None and merge_mode not in _MERGES:
            raise ArgumentError(f"merge_mode must be one of {', '.join(map(repr, _MERGES))}, or None, got {merge_mode!r}.")
        if backward_layer is not None:
            _check_pair(layer, backward_layer)
        self.merge_mode = merge_mode
        self.forward_layer: Any = _one_way(layer, "forward")
        if backward_layer is None:
            self.backward_layer: Any = _one_way(layer, "backward", go_backwards=not layer.go_backwards)
        else:
            self.backward_layer = _one_way(backward_layer, "backward", name=backward_layer.name)
        self._first_weights = weights
        if not self.trainable:
            self.trainable = False  # for the layers inside too

    def build(self, sequences_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> None:
        """Builds both layers."""
        build_inner(self.forward_layer, sequences_shape)
        build_inner(self.backward_layer, sequences_shape)
        self.built = True
        if self._first_weights is not None:
            self.set_weights(self._first_weights)
            self._first_weights = None

    def call(self, sequences: Array, initial_state: Any = None, mask: Array | None = None, training: bool = False) -> Any:
        """The merged outputs, and the states behind them with `return_state`."""
        states = tree.flatten(initial_state) if initial_state is not None else []
        half = len(states) // 2
        if len(states) % 2:
            raise ArgumentError(f"initial_state of {self.name!r} holds as many states for each direction, got {len(states)} in all.")
        there = self.forward_layer(sequences, initial_state=states[:half] or None, mask=mask, training=training)
        back = self.backward_layer(sequences, initial_state=states[half:] or None, mask=mask, training=training)
        after: tuple[Any, ...] = ()
        if self.return_state:
            (there, *first), (back, *second) = there, back
            after = (*first, *second)
        if self.return_sequences:
            back = ops.flip(back, 1)
        merged = (there, back) if self.merge_mode is None else (_MERGES[self.merge_mode](there, back),)
        return (*merged, *after) if len(merged) + len(after) > 1 else merged[0]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs if they are sequences; states have none."""
        mask = previous_mask if self.return_sequences else None
        if mask is not None and self.go_backwards:  # the outputs stand in the order of the first layer
            mask = ops.flip(mask, 1)
        outputs = [mask] * (2 if self.merge_mode is None else 1)
        count = len(self.forward_layer.state_size) + len(self.backward_layer.state_size) if self.return_state else 0
        return [*outputs, *(None for _ in range(count))] if len(outputs) + count > 1 else mask

    # --- what the two layers have in common ---------------------------------------------------------------------------

    @property
    def layer(self) -> Any:
        """The forward layer."""
        return self.forward_layer

    @property
    def return_sequences(self) -> bool:
        """Whether the outputs of all steps come out."""
        return self.forward_layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether states come out."""
        return self.forward_layer.return_state

    @property
    def stateful(self) -> bool:
        """Whether a batch begins with the states that the batch before ended with."""
        return self.forward_layer.stateful

    @property
    def go_backwards(self) -> bool:
        """Whether the first layer runs from the last step."""
        return self.forward_layer.go_backwards

    @property
    def states(self) -> list[Any] | None:
        """What stateful layers carry from batch to batch, those of the forward layer first."""
        return [*self.forward_layer.states, *self.backward_layer.states] if self.stateful and self.built else None

    def reset_state(self) -> None:
        """Sets the states of stateful layers to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def _constructor_arguments_(self) -> dict[str, Any]:
        return {name: value for name, value in super()._constructor_arguments_().items() if name != "weights"}


def _check_pair(forward: Layer, backward: Layer) -> None:
    if forward.go_backwards == backward.go_backwards:  # type: ignore[attr-defined]
        raise ArgumentError(
            "The two layers of a Bidirectional must run in opposite directions: give the backward layer `go_backwards=True`."
        )
    for name in _NEEDED[1:]:
        if getattr(forward, name) != getattr(backward, name):
            got = f"{getattr(forward, name)} and {getattr(backward, name)}"
            raise ArgumentError(f"The two layers of a Bidirectional must have the same {name}, got {got}.")


def _one_way(layer: Any, way: str, **changes: Any) -> Any:
    """A layer like the given one for one direction; masked steps of sequences give zeros, so that merging them adds nothing."""
    name = layer.name if layer.name.startswith(f"{way}_") else f"{way}_{layer.name.removeprefix('forward_')}"
    if layer.return_sequences and hasattr(layer, "zero_output_for_mask"):
        changes.setdefault("zero_output_for_mask", True)
    return replica(layer, **{"name": name, **changes})
