"""Every classic mistake is answered in at most twelve lines that say how to mend it."""

import importlib.util
import re
from pathlib import Path

import pytest

import cornu
from cornu.cli.run import say_error
from cornu.errors import CornuError

_spec = importlib.util.spec_from_file_location("mistakes", Path(__file__).with_name("mistakes.py"))
mistakes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mistakes)


def named(pairs):
    return [pytest.param(program, pattern, id=program.__name__) for program, pattern in pairs]


@pytest.fixture(autouse=True)
def _numbering(backend_of_mistakes):
    """Names of layers begin anew, so that messages are the same in any order of the tests."""
    cornu.utils.clear_session(free_memory=False)


@pytest.fixture(params=["jax", "torch"])
def backend_of_mistakes(request):
    with cornu.use_backend(request.param):
        yield


@pytest.mark.parametrize(("program", "pattern"), named(mistakes.RAISED))
def test_a_mistake_is_named_with_its_mend(program, pattern, capsys):
    with pytest.raises(CornuError) as caught:
        program()
    say_error(caught.value)
    printed = capsys.readouterr().err
    lines = printed.rstrip("\n").split("\n")
    assert re.search(pattern, printed, re.DOTALL), printed
    assert len(lines) <= 12, printed
    assert max(map(len, lines)) <= 140, printed
    assert "mistakes.py" in printed, "the program's own line is missing"
    assert "55440" not in printed, "a stand-in for the number of rows is shown"


@pytest.mark.parametrize(("program", "pattern"), named(mistakes.WARNED))
def test_what_is_legal_but_odd_warns(program, pattern):
    with pytest.warns(UserWarning, match=re.compile(pattern, re.DOTALL)):
        program()


def test_there_are_enough_of_them():
    assert len(mistakes.RAISED) >= 20
