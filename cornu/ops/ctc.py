"""Connectionist temporal classification: labels for sequences whose alignment nobody knows (A. Graves and others, 2006).

A path gives each step a label or the blank; repeated labels are merged, then blanks dropped. `mask_index` is the blank's number.
"""

from __future__ import annotations

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.activation import log_softmax
from cornu.ops.arguments import Array
from cornu.ops.control import scan
from cornu.ops.core import cast, to_floating, where
from cornu.ops.creation import arange, full, full_like, zeros
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import (
    add,
    equal,
    floor_divide,
    greater,
    greater_equal,
    less,
    logaddexp,
    logical_and,
    maximum,
    mod,
    negative,
    not_equal,
    subtract,
)  # fmt: skip
from cornu.ops.indexing import get_item, one_hot, scatter_update, take_along_axis
from cornu.ops.joining import concatenate, stack
from cornu.ops.products import matmul
from cornu.ops.reduce import all, argmax, cumsum, logsumexp, max, sum
from cornu.ops.shaping import broadcast_to, expand_dims, moveaxis, pad, reshape
from cornu.ops.sorting import top_k

__all__ = ["ctc_decode", "ctc_loss"]

# The logarithm of a probability that is none. Finite, so that gradients beside it stay numbers
_NEVER = -1e5


@composite
def ctc_loss(target: Array, output: Array, target_length: Array, output_length: Array, mask_index: int = 0) -> Array:
    """The negative logarithm of the probability that the labels come out, summed over all paths that give them; one number a sequence.

    target (batch, labels) integers, output (batch, steps, classes) logits; the lengths (batch,) say how much of each counts. Where no path exists, for
    there are more labels (and blanks between equal ones) than steps, the loss is 1e5 and its gradient 0.

    >>> ctc_loss([[1]], [[[0.0, 0.0]]], [1], [1]).tolist()
    [0.693147]
    """
    target, output = cast(target, "int32"), to_floating(output)
    target_length, output_length = cast(target_length, "int32"), cast(output_length, "int32")
    if target.ndim != 2 or output.ndim != 3 or target.shape[0] != output.shape[0]:
        raise ShapeError(
            f"ops.ctc_loss takes labels (batch, labels) and logits (batch, steps, classes), got {tuple(target.shape)} and {tuple(output.shape)}."
        )
    place = arange(target.shape[1])
    before = concatenate([full((target.shape[0], 1), -1, "int32"), get_item(target, (..., slice(None, -1)))], 1)[:, : target.shape[1]]
    repeated = logical_and(equal(target, before), less(place, expand_dims(target_length, 1)))
    possible = greater_equal(output_length, add(target_length, sum(cast(repeated, "int32"), 1)))
    # where there is no path a target without labels stands in, for which there always is one
    loss = ctc_cost(target, log_softmax(output, -1), where(possible, target_length, 0), output_length, mask_index)
    return where(possible, loss, -_NEVER)


@composite
def ctc_cost(target: Array, log_probabilities: Array, target_length: Array, output_length: Array, mask_index: int) -> Array:
    """The loss where a path exists: the forward recursion over labels with blanks between, `alpha[t, s] = p[t, s] sum(alpha[t - 1, s - 2 … s])`."""
    batch, labels = target.shape
    states = 2 * labels + 1  # blank, label, blank, …, blank
    blanks = full((batch, labels), mask_index, "int32")
    symbols = pad(reshape(stack([blanks, target], -1), (batch, 2 * labels)), ((0, 0), (0, 1)), "constant", mask_index)
    two_before = pad(symbols, ((0, 0), (2, 0)), "constant", mask_index)[:, :states]
    skips = logical_and(not_equal(symbols, mask_index), not_equal(symbols, two_before))
    emitted = take_along_axis(log_probabilities, expand_dims(symbols, 1), -1)  # (batch, steps, states)

    def later(alpha: Array, by: int) -> Array:
        return pad(alpha, ((0, 0), (by, 0)), "constant", _NEVER)[:, :states]

    def step(alpha: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        t, chance = now
        reached = logaddexp(logaddexp(alpha, later(alpha, 1)), where(skips, later(alpha, 2), _NEVER))
        return where(less(t, expand_dims(output_length, 1)), add(reached, chance), alpha), None

    # before the first step the path stands ahead of the first blank: from there it reaches the first two states
    first = where(less(arange(states), 1), zeros((batch, states), emitted.dtype), _NEVER)
    chances = moveaxis(emitted, 1, 0)
    alpha = scan(step, first, (arange(chances.shape[0]), chances))[0]
    ends = 2 * expand_dims(target_length, 1)
    final, label = (take_along_axis(alpha, maximum(place, 0), 1) for place in (ends, subtract(ends, 1)))
    label = where(greater(ends, 0), label, _NEVER)
    return negative(reshape(logaddexp(final, label), (batch,)))


@composite
def ctc_decode(
    inputs: Array,
    sequence_lengths: Array,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Array, Array]:
    """The likeliest labels of sequences of logits (batch, steps, classes), filled up with -1, as int32 (paths, batch, steps), and their scores.

    "greedy" takes the best class of each step; its score (batch, 1) is minus the sum of their logits. "beam_search" sums over the paths that give the same
    labels, keeping the `beam_width` likeliest beginnings (A. Graves, 2012); its scores (batch, top_paths) are logarithms of probabilities. Without
    `merge_repeated` each step's label counts, also one that repeats the step before.

    >>> labels, score = ctc_decode([[[0.0, 2.0], [0.0, 2.0], [1.0, 0.0]]], [3])
    >>> labels.tolist(), score.tolist()
    ([[[1, -1, -1]]], [[-5.0]])
    """
    inputs, lengths = to_floating(inputs), cast(sequence_lengths, "int32")
    if inputs.ndim != 3:
        raise ShapeError(f"ops.ctc_decode takes logits (batch, steps, classes), got the shape {tuple(inputs.shape)}.")
    blank = inputs.shape[-1] - 1 if mask_index is None else int(mask_index)
    if strategy == "greedy":
        return _greedy(inputs, lengths, merge_repeated, blank)
    if strategy != "beam_search":
        raise ArgumentError(f"strategy must be 'greedy' or 'beam_search', got {strategy!r}.")
    if not 1 <= top_paths <= beam_width:
        raise ArgumentError(f"top_paths must be from 1 to beam_width, got {top_paths} of {beam_width}.")
    return _beam_search(log_softmax(inputs, -1), lengths, int(beam_width), int(top_paths), merge_repeated, blank)


def _greedy(inputs: Array, lengths: Array, merge_repeated: bool, blank: int) -> tuple[Array, Array]:
    batch, steps, _ = inputs.shape
    best = argmax(inputs, -1)
    within = less(arange(steps), expand_dims(lengths, 1))
    score = negative(sum(where(within, max(inputs, -1), 0), 1, keepdims=True))
    kept = logical_and(within, not_equal(best, blank))
    if merge_repeated:
        before = pad(best, ((0, 0), (1, 0)), "constant", -1)[:, :steps]
        kept = logical_and(kept, not_equal(best, before))
    # each label that is kept goes to the place that says how many were kept before it; the others go out of bounds
    place = where(kept, subtract(cumsum(cast(kept, "int32"), 1), 1), steps)
    row = broadcast_to(expand_dims(arange(batch), 1), (batch, steps))
    labels = scatter_update(full((batch, steps), -1, "int32"), stack([row, place], -1), best)
    return expand_dims(labels, 0), score


def _beam_search(chances: Array, lengths: Array, width: int, paths: int, merge_repeated: bool, blank: int) -> tuple[Array, Array]:
    """Beginnings are labels (batch, width, steps) and how many; each with the probability that its last step is blank, and that it is not."""
    batch, steps, classes = chances.shape
    never = float("-inf")

    def step(state: tuple[Array, ...], now: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
        labels, counts, with_blank, without = state
        t, chance = now  # (), (batch, classes)
        last = _last(labels, counts)  # (batch, width), -1 where there is none
        total = logaddexp(with_blank, without)
        of_last = take_along_axis(chance, maximum(last, 0), 1)
        # what each beginning becomes with one more label, (batch, width, classes)
        again = equal(expand_dims(last, -1), arange(classes))
        source = where(again, expand_dims(with_blank, -1), expand_dims(total, -1)) if merge_repeated else expand_dims(total, -1)
        longer = where(equal(arange(classes), blank), never, add(source, expand_dims(chance, 1)))
        # a beginning that another one, made longer, becomes: it takes that one's probability, which is then not counted again
        parent = logical_and(_extends(labels, counts), greater(expand_dims(total, 1), never))  # (batch, longer, shorter)
        joined = take_along_axis(longer, expand_dims(maximum(last, 0), 1), 2)  # (batch, shorter, longer)
        arriving = logsumexp(where(parent, moveaxis(joined, 1, 2), never), -1)
        alive = greater(total, never)
        arriving = where(alive, arriving, never)
        taken = matmul(cast(logical_and(moveaxis(parent, 1, 2), expand_dims(alive, 1)), "float32"), one_hot(last, classes, dtype="float32"))
        longer = where(greater(taken, 0), never, longer)
        staying = where(less(last, 0), never, add(without, of_last)) if merge_repeated else full_like(without, never)
        new_blank, new_without = add(total, get_item(chance, (slice(None), slice(blank, blank + 1)))), logaddexp(staying, arriving)
        found = _best((labels, counts, new_blank, new_without), longer, width)
        running = less(t, lengths)
        kept = [where(reshape(running, (-1, *[1] * (new.ndim - 1))), new, old) for new, old in zip(found, state, strict=True)]
        return tuple(kept), None

    only_first = where(equal(arange(width), 0), 0.0, never)
    start = (
        full((batch, width, steps), -1, "int32"),
        zeros((batch, width), "int32"),
        cast(broadcast_to(only_first, (batch, width)), chances.dtype),
        full((batch, width), never, chances.dtype),
    )
    labels, _, with_blank, without = scan(step, start, (arange(steps), moveaxis(chances, 1, 0)))[0]
    score, order = top_k(logaddexp(with_blank, without), paths)
    return moveaxis(take_along_axis(labels, expand_dims(order, -1), 1), 1, 0), score


def _last(labels: Array, counts: Array) -> Array:
    found = take_along_axis(labels, expand_dims(maximum(subtract(counts, 1), 0), -1), 2)
    return reshape(found, labels.shape[:2])


def _extends(labels: Array, counts: Array) -> Array:
    """Whether a beginning (second axis) is another (third axis) with one label more, (batch, width, width)."""
    place = arange(labels.shape[-1])
    shortened = where(equal(place, expand_dims(subtract(counts, 1), -1)), -1, labels)
    same = all(equal(expand_dims(shortened, 2), expand_dims(labels, 1)), -1)
    return logical_and(same, equal(expand_dims(counts, 2), add(expand_dims(counts, 1), 1)))


def _best(kept: tuple[Array, ...], longer: Array, width: int) -> tuple[Array, ...]:
    """The likeliest among beginnings that stayed and that became longer."""
    labels, counts, with_blank, without = kept
    batch, _, classes = longer.shape
    stayed = logaddexp(with_blank, without)
    score, order = top_k(concatenate([stayed, reshape(longer, (batch, width * classes))], 1), width)
    grown = greater_equal(order, width)
    grower = where(grown, floor_divide(subtract(order, width), classes), order)
    label = mod(subtract(order, width), classes)
    counts = take_along_axis(counts, grower, 1)
    labels = take_along_axis(labels, expand_dims(grower, -1), 1)
    here = logical_and(expand_dims(grown, -1), equal(arange(labels.shape[-1]), expand_dims(counts, -1)))
    labels = where(here, expand_dims(label, -1), labels)
    never = full_like(score, float("-inf"))
    with_blank, without = (where(grown, other, take_along_axis(p, grower, 1)) for p, other in ((with_blank, never), (without, score)))
    return labels, add(counts, cast(grown, "int32")), with_blank, without
