"""The tables of loadable names: what is found, what is suggested, and what stays out of reach."""

from __future__ import annotations

import sys
import threading

import pytest

import cornu
from cornu import registry
from cornu.errors import ArgumentError, ConfigError, UnknownNameError
from cornu.registry import Role


class Squared:
    __module__ = "cornu.tests"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def get_config(self) -> dict[str, float]:
        return {"weight": self.weight}


def squared(a: float, b: float) -> float:
    return (a - b) ** 2


squared.__module__ = "cornu.tests"


def outsider(a: float, b: float) -> float:
    return abs(a - b)


@pytest.fixture
def losses() -> Role:
    role = Role("loss", "keras.losses")
    role.add(squared, "sq", "SQ")
    role.add(Squared)
    return role


@pytest.fixture
def clean_registrations():
    before = dict(registry.global_custom_objects())
    yield
    registry.global_custom_objects().clear()
    registry.global_custom_objects().update(before)


def test_the_function_added_first_keeps_the_small_letter_name(losses):
    assert losses.lookup("squared") is squared
    assert losses.lookup("SQ") is squared
    assert losses.lookup("Squared") is Squared
    assert losses.names() == ["SQ", "Squared", "sq", "squared"]


def test_get_takes_every_kind_of_identifier(losses):
    assert losses.get(None) is None
    assert losses.get("sq") is squared
    assert isinstance(losses.get("Squared"), Squared)
    assert losses.get({"class_name": "Squared", "config": {"weight": 3.0}}).weight == 3.0
    assert losses.get({"module": "builtins", "class_name": "function", "config": "sq"}) is squared
    assert losses.get(outsider) is outsider
    with pytest.raises(ArgumentError, match="loss must be a name"):
        losses.get(3)


def test_a_misspelt_name_is_answered_with_the_nearest(losses):
    with pytest.raises(UnknownNameError, match=r"Unknown loss: 'squard'\. Did you mean 'Squared' or 'squared'") as error:
        losses.get("squard")
    assert "squared" in error.value.nearest


def test_a_taken_name_and_a_foreign_class_are_refused(losses):
    with pytest.raises(ArgumentError, match="'sq' already stands for"):
        losses.add(Squared, "sq")
    with pytest.raises(ArgumentError, match="only Cornu's own"):
        losses.add(outsider)


def test_registered_objects_are_found_by_package_and_name(losses, clean_registrations):
    assert registry.register("mine", "away")(outsider) is outsider
    assert registry.registered_name(outsider) == "mine>away"
    assert losses.get("mine>away") is outsider
    assert losses.get({"class_name": "function", "config": "mine>away"}) is outsider
    with pytest.raises(ArgumentError, match="get_config"):
        registry.register()(type("Bare", (), {}))


def test_a_scope_ends_and_stays_in_its_thread(losses):
    seen: list[object] = []
    with registry.scope({"sq": outsider}):
        assert losses.get("sq") is outsider
        thread = threading.Thread(target=lambda: seen.append(losses.get("sq")))
        thread.start()
        thread.join()
        with registry.scope(None):
            assert losses.get("sq") is outsider
    assert losses.get("sq") is squared
    assert seen == [squared]


@pytest.mark.parametrize("module", ["antigravity", "cornu.losses.nothing", "os"])
def test_a_configuration_never_imports_its_module(losses, module):
    with pytest.raises(UnknownNameError):
        losses.get({"module": module, "class_name": "system", "config": {}, "registered_name": "system"})
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"class_name": 3},
        {"class_name": "squared", "config": {}},
        {"class_name": "Squared", "config": "sq"},
        {"class_name": "function", "config": "Squared"},
    ],
)
def test_a_configuration_calls_classes_only_and_gives_functions_back(losses, config):
    with pytest.raises(ConfigError):
        losses.get(config)


@pytest.mark.parametrize(
    ("module", "role"),
    [
        ("keras.layers", registry.LAYERS),
        ("keras.src.models.functional", registry.MODELS),
        ("keras.optimizers.schedules", registry.SCHEDULES),
        ("keras.src.ops.numpy", registry.OPS),
        ("builtins", None),
        (None, None),
    ],
)
def test_a_module_path_hints_at_a_role(module, role):
    assert registry.role_of(module) is role


@pytest.mark.parametrize("given", [[Squared], Squared, {Squared: "Squared"}, "Squared"])
def test_the_objects_of_a_scope_come_by_name(given):
    for scope in (registry.scope, cornu.saving.custom_object_scope, cornu.utils.CustomObjectScope):
        with pytest.raises(ArgumentError, match="custom_objects must be a dict"), scope(given):
            pass
    with pytest.raises(ArgumentError, match="custom_objects must be a dict"):
        cornu.saving.deserialize_keras_object({"class_name": "Squared", "config": {}}, custom_objects=given)
