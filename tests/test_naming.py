"""Names that nobody else has."""

import cornu
from cornu import layers, naming, ops


def test_the_first_name_that_is_free():
    assert naming.free("a", ()) == "a"
    assert naming.free("a", {"a"}, ["a_1", "a_3"]) == "a_2"
    assert naming.free("a", {"a_1": 0}) == "a"


def test_outputs_of_ops_and_layers_of_one_name_have_names_of_their_own(backend):
    x = cornu.Input((2,))
    outputs = [layers.Dense(2, name="add")(x), ops.add(x, 1), ops.add(x, 2), ops.multiply(x, 2)]
    assert cornu.Model(x, outputs).output_names == ["add", "add_1", "add_2", "multiply"]
