"""The summary says what is in a model, within its width."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import UnknownNameError


def text_of(model, **kwargs):
    said = []
    model.summary(print_fn=said.append, **kwargs)
    return "\n".join(said)


@pytest.fixture
def chain():
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2, name="second")], name="chain")
    model.layers[0].trainable = False
    return model


def test_shapes_parameters_and_sums(chain):
    text = text_of(chain)
    assert 'Model: "chain"' in text
    line = next(line for line in text.splitlines() if "first" in line)
    assert "(Dense)" in line
    assert "(None, 3)" in line
    assert "15" in line
    assert "Total params: 23 (92.00 B)" in text
    assert "Trainable params: 8 (32.00 B)" in text
    assert "Non-trainable params: 15 (60.00 B)" in text


def test_frozen_layers_are_marked(chain):
    lines = text_of(chain).splitlines()
    at = next(i for i, line in enumerate(lines) if "first" in line)
    assert "frozen" in lines[at] + lines[at + 1]
    assert all("frozen" not in line for line in lines if "second" in line)
    rows = {name: next(line for line in text_of(chain, show_trainable=True).splitlines() if name in line) for name in ("first", "second")}
    assert rows["first"].rstrip(" │").endswith("N")
    assert rows["second"].rstrip(" │").endswith("Y")


def test_it_fits_the_width(chain):
    a = cornu.Input((8, 8, 3), name="a_name_that_is_much_longer_than_a_column_of_the_table_is_wide")
    wide = cornu.Model(a, layers.Flatten()(a))
    for model in (chain, wide):
        assert max(map(len, text_of(model).splitlines())) <= 80
        assert max(map(len, text_of(model, line_length=60).splitlines())) <= 60
        assert max(map(len, text_of(model, positions=[0.5, 0.8, 1.0], show_trainable=True).splitlines())) <= 80


def test_a_branching_graph_says_what_feeds_what():
    a, b = cornu.Input((4,), name="a"), cornu.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    model = cornu.Model([a, b], layers.Dense(1, name="end")(shared(a) + shared(b)))
    text = text_of(model)
    assert "Connected to" in text
    assert "a, b" in next(line for line in text.splitlines() if "shared" in line)
    assert "Connected to" not in text_of(cornu.Sequential([cornu.Input((4,)), layers.Dense(1)]))


def test_nested_models_are_shown_when_asked(chain):
    a = cornu.Input((4,))
    model = cornu.Model(a, chain(a))
    assert "second" not in text_of(model)
    assert "second" in text_of(model, expand_nested=True)


def test_a_range_of_layers(chain):
    text = text_of(chain, layer_range=["sec.*", "sec.*"])
    assert "second" in text
    assert "first" not in text
    with pytest.raises(UnknownNameError, match="third"):
        text_of(chain, layer_range=["third", "second"])


def test_what_is_not_built_says_so_and_the_optimizer_is_counted(backend):
    late = cornu.Sequential([layers.Dense(3)])
    assert "not built" in text_of(late)
    if backend != "numpy":
        late.compile("sgd", "mse")
        late.fit(np.ones((2, 2), "float32"), np.ones((2, 3), "float32"), verbose=0)
        assert "Optimizer params: 2 (8.00 B)" in text_of(late)


def test_it_prints_by_default(chain, capsys):
    chain.summary()
    assert "Total params: 23" in capsys.readouterr().out
