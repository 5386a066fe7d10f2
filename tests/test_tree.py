"""Nested structures; what is expected was seen in Keras 3.15 on the same arguments."""

import pytest

from cornu import tree
from cornu.errors import ArgumentError


def double_or_go_on(x):
    return x * 2 if isinstance(x, int) else None


def test_traverse_from_the_top():
    assert tree.traverse(double_or_go_on, [(1, 2), [3], {"a": 4}]) == [(2, 4), [6], {"a": 8}]
    assert tree.traverse(lambda x: "S" if isinstance(x, tuple) else None, [(1, 2), [3]]) == ["S", [3]]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [(1, 2), [3]]) == [(None, 2), [3]]


def test_traverse_from_the_bottom():
    assert tree.traverse(lambda x: tuple(x) if isinstance(x, list) else None, [[1, 2], [3]], top_down=False) == ((1, 2), (3,))


def test_map_up_to():
    assert tree.map_structure_up_to([0, 0], lambda x, y: (x, y), [(1, 2), 3], [4, 5]) == [((1, 2), 4), (3, 5)]


def test_shapes_are_leaves():
    found = tree.map_shape_structure(lambda s: ("S", s), {"a": (1, None, 2), "b": [(1, 2), [3, 4]], "c": None})
    assert found == {"a": ("S", (1, None, 2)), "b": [("S", (1, 2)), ("S", [3, 4])], "c": ("S", None)}


def test_lists_to_tuples():
    assert tree.lists_to_tuples([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))


SAME, OTHER = None, ArgumentError


@pytest.mark.parametrize(
    ("a", "b", "structure", "paths"),
    [
        ([1, 2], [1, 2], SAME, SAME),
        ([1, 2], (1, 2), OTHER, SAME),
        ([1, [2]], [1, 2], OTHER, OTHER),
        ({"a": 1}, {"b": 1}, OTHER, OTHER),
        ({"a": 1}, {"a": 2}, SAME, SAME),
        ([1], [[1]], OTHER, OTHER),
        ([1], {"a": 1}, OTHER, OTHER),
        ([1], [None], SAME, SAME),
    ],
)
def test_same_structure_and_same_paths(a, b, structure, paths):
    for check, error in ((tree.assert_same_structure, structure), (tree.assert_same_paths, paths)):
        if error is None:
            assert check(a, b) is None
        else:
            with pytest.raises(error, match=r"alike|same paths"):
                check(a, b)


def test_kinds_of_containers_may_be_let_pass():
    assert tree.assert_same_structure([1, [2]], (1, (2,)), check_types=False) is None


def test_packing_needs_as_many_leaves():
    assert tree.pack_sequence_as([0, (0,)], [1, 2]) == [1, (2,)]
    for structure, leaves in (((0, [1]), [0, 1, 2]), ([0, 0], [1])):
        with pytest.raises(ValueError, match="leaves"):
            tree.pack_sequence_as(structure, leaves)


def test_none_is_a_leaf_unless_it_is_not():
    assert tree.flatten([None, 1]) == [None, 1]
    assert tree.map_structure(lambda x: 9, [None, 1]) == [9, 9]
    assert tree.map_structure(lambda x: 9, [None, 1], none_is_leaf=False) == [None, 9]
