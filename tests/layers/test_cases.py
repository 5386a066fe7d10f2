"""The table of cases has every public layer, or says why not."""

import inspect

from cornu import layers
from tests.layers.cases import CASES, WITHOUT

PUBLIC = {name: getattr(layers, name) for name in layers.__all__}
LAYERS = {name: cls for name, cls in PUBLIC.items() if inspect.isclass(cls) and issubclass(cls, layers.Layer)}


def test_every_public_layer_has_a_case_or_a_reason():
    """A second name for the same class needs no second case."""
    covered = {LAYERS[name] for name in (*(case.layer for case in CASES), *WITHOUT)}
    assert [name for name, cls in LAYERS.items() if cls not in covered] == []


def test_no_reason_is_left_over():
    assert set(WITHOUT) & {case.layer for case in CASES} == set()
    assert all(reason for reason in WITHOUT.values())


def test_exemptions_name_checks_that_there_are():
    checks = {
        "agreement", "config", "first weights", "gradient", "masks", "mixed precision", "models", "output", "shape", "threads", "tracers",
        "weights",
    }  # fmt: skip
    assert {name for case in CASES for name in case.exempt} <= checks
    assert all(reason for case in CASES for reason in case.exempt.values())
