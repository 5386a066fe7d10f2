"""CTC against all paths counted one by one."""

import itertools

import numpy as np
import pytest
import scipy.special

from cornu import backends, ops
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import TESTED

TESTED.update(("ctc_loss", "ctc_decode"))
RNG = np.random.default_rng(11)
LOGITS = RNG.normal(size=(3, 4, 3)).astype("float32") * 2
LENGTHS = np.array([4, 3, 4])


def collapsed(path, blank, merge=True):
    merged = [label for label, _ in itertools.groupby(path)] if merge else path
    return tuple(label for label in merged if label != blank)


def probabilities(logits, blank, merge=True):
    """Of every sequence of labels, by summing over all paths."""
    log_p = scipy.special.log_softmax(logits.astype("float64"), -1)
    found = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        labels = collapsed(path, blank, merge)
        found[labels] = found.get(labels, 0) + np.exp(sum(log_p[t, c] for t, c in enumerate(path)))
    return found


@pytest.mark.parametrize(("blank", "targets"), [(0, [[1, 2, 0], [2, 2, 1], [1, 1, 2]]), (2, [[0, 1, 1], [1, 1, 0], [0, 0, 0]])])
@pytest.mark.parametrize("counts", [[2, 2, 1], [0, 1, 2]])
def test_the_loss_sums_over_all_paths(blank, targets, counts, backend):
    found = ops.convert_to_numpy(ops.ctc_loss(np.array(targets), LOGITS, np.array(counts), LENGTHS, blank))
    wanted = [-np.log(probabilities(LOGITS[i, : LENGTHS[i]], blank)[tuple(targets[i][: counts[i]])]) for i in range(3)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_where_no_path_exists_the_loss_is_large_and_flat(trainable_backend):
    on = backends.current()
    targets, counts = np.array([[1, 1, 1], [1, 2, 1]]), np.array([3, 3])
    loss = ops.ctc_loss(targets, LOGITS[:2], counts, np.array([4, 4]))
    assert ops.convert_to_numpy(loss)[0] == 1e5
    assert ops.convert_to_numpy(loss)[1] < 20
    x = ops.convert_to_tensor(LOGITS[:2])
    _, (slope,) = on.value_and_grad(lambda v: (ops.sum(ops.ctc_loss(targets, v[0], counts, np.array([4, 4]))), None), [x])
    slope = ops.convert_to_numpy(slope)
    assert not slope[0].any()
    assert np.isfinite(slope).all()
    assert slope[1].any()


def test_the_slope_of_the_loss(trainable_backend):
    on = backends.current()
    targets, counts = np.array([[1, 2], [2, 2], [1, 0]]), np.array([2, 2, 1])
    _, (slope,) = on.value_and_grad(
        lambda v: (ops.sum(ops.ctc_loss(targets, v[0], counts, LENGTHS)), None), [ops.convert_to_tensor(LOGITS)]
    )

    def loss(logits):
        return sum(-np.log(probabilities(logits[i, : LENGTHS[i]], 0)[tuple(targets[i, : counts[i]])]) for i in range(3))

    step = 1e-5
    wanted = np.zeros(LOGITS.shape)
    for place in np.ndindex(LOGITS.shape):
        moved = [LOGITS.astype("float64"), LOGITS.astype("float64")]
        moved[0][place] += step
        moved[1][place] -= step
        wanted[place] = (loss(moved[0]) - loss(moved[1])) / (2 * step)
    np.testing.assert_allclose(ops.convert_to_numpy(slope), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("blank", [0, 1, None])
@pytest.mark.parametrize("merge", [True, False])
def test_greedy(blank, merge, backend):
    labels, score = ops.ctc_decode(LOGITS, LENGTHS, merge_repeated=merge, mask_index=blank)
    assert tuple(labels.shape) == (1, 3, 4)
    assert ops.dtype(labels) == "int32"
    for i in range(3):
        best = LOGITS[i, : LENGTHS[i]].argmax(-1)
        wanted = collapsed(best.tolist(), 2 if blank is None else blank, merge)
        assert ops.convert_to_numpy(labels)[0, i].tolist() == [*wanted, *[-1] * (4 - len(wanted))]
    np.testing.assert_allclose(ops.convert_to_numpy(score)[:, 0], [-LOGITS[i, : LENGTHS[i]].max(-1).sum() for i in range(3)], rtol=1e-5)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("merge", [True, False])
def test_a_wide_beam_finds_the_likeliest_labels(blank, merge, backend):
    labels, score = ops.ctc_decode(LOGITS, LENGTHS, "beam_search", 40, 4, merge, blank)
    labels, score = ops.convert_to_numpy(labels), ops.convert_to_numpy(score)
    assert labels.shape == (4, 3, 4)
    for i in range(3):
        every = probabilities(LOGITS[i, : LENGTHS[i]], blank, merge)
        best = sorted(every, key=every.get, reverse=True)[:4]
        assert [tuple(v for v in labels[k, i] if v >= 0) for k in range(4)] == best
        np.testing.assert_allclose(score[i], [np.log(every[b]) for b in best], rtol=1e-4)


def test_a_narrow_beam_finds_what_it_keeps(backend):
    labels, score = ops.ctc_decode(LOGITS, LENGTHS, "beam_search", beam_width=3)
    every = probabilities(LOGITS[0], 0)
    found = tuple(v for v in ops.convert_to_numpy(labels)[0, 0].tolist() if v >= 0)
    assert np.log(every[found]) >= float(score[0, 0]) - 1e-5
    assert every[found] > 0.3 * max(every.values())


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.ctc_loss([1], LOGITS, [1], LENGTHS), ShapeError, "batch, steps"),
        (lambda: ops.ctc_decode(LOGITS[0], LENGTHS), ShapeError, "batch, steps"),
        (lambda: ops.ctc_decode(LOGITS, LENGTHS, "best"), ArgumentError, "greedy"),
        (lambda: ops.ctc_decode(LOGITS, LENGTHS, "beam_search", 2, 3), ArgumentError, "top_paths"),
    ],
)
def test_refusals(call, error, words):
    with backends.use_backend("numpy"), pytest.raises(error, match=words):
        call()
