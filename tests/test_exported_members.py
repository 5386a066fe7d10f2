"""What Cornu exports, name by name. A name that comes or goes is a change of the interface, so the list below it changes with it, by hand:
`tests/exported_members.txt` holds one name a line."""

import importlib
import inspect
from pathlib import Path

import pytest

import cornu

LIST = Path(__file__).with_name("exported_members.txt")
NESTED = ("optimizers.schedules",)
ROOMS = [name for name in cornu._MODULES if name not in ("ops",)]


def written():
    """The list: for each room its names."""
    rooms = {}
    for line in LIST.read_text(encoding="utf-8").split():
        room, _, name = line.rpartition(".")
        rooms.setdefault(room, []).append(name)
    return rooms


def exported(room):
    """The names that a room exports; of the ops, which gather those of many files, what is an op."""
    module = importlib.import_module(f"cornu.{room}") if room else cornu
    if room == "ops":
        return sorted(name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value))
    return sorted(module.__all__)


@pytest.mark.parametrize("room", ["", "ops", *ROOMS, *NESTED])
def test_the_list_is_what_is_exported(room):
    said, found = written()[f"cornu.{room}".rstrip(".")], exported(room)
    assert said == found, (
        f"in cornu.{room}: new {sorted(set(found) - set(said))}, gone {sorted(set(said) - set(found))}; write it in {LIST.name}"
    )


def test_every_room_is_in_the_list():
    assert set(written()) == {"cornu", "cornu.ops", *(f"cornu.{room}" for room in (*ROOMS, *NESTED))}


@pytest.mark.parametrize("room", ["", *ROOMS, *NESTED])
def test_exported_names_are_there_once(room):
    module = importlib.import_module(f"cornu.{room}") if room else cornu
    names = list(module.__all__)
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_face_lists_what_it_loads():
    assert dir(cornu) == sorted(cornu.__all__)
    for name, room in cornu._NAMES.items():
        assert getattr(cornu, name) is getattr(importlib.import_module(f"cornu.{room}"), name)


def test_each_family_of_ops_is_exported():
    """Those of `ops.random` aside, which take keys: `cornu.random` is their public face; and those of images, `cornu.ops.image`."""
    for path in sorted(Path(cornu.ops.__file__).parent.rglob("*.py")):
        parts = path.relative_to(Path(cornu.ops.__file__).parent).with_suffix("").parts
        module = importlib.import_module(".".join(("cornu.ops", *(part for part in parts if part != "__init__"))))
        listed = [] if parts in (("random",), ("finite",)) or parts[0] == "image" else getattr(module, "__all__", ())
        assert [name for name in listed if hasattr(getattr(module, name), "op_name") and not hasattr(cornu.ops, name)] == []
