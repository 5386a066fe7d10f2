"""`cornu doctor`: what it finds, and what it says of what is missing or broken."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from cornu import backends, cli
from cornu.cli import doctor

ROOT = Path(__file__).parents[2]
WIDE = {"COLUMNS": "400"}  # no line of the tables is folded


@pytest.fixture
def doctor_says(monkeypatch, capsys):
    """Runs the verb with these settings; gives its status and what it printed."""
    for variable in ("CORNU_BACKEND", "KERAS_BACKEND"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments, **settings):
        for variable, value in {**WIDE, **settings}.items():
            monkeypatch.setenv(variable, value)
        status = cli.main(["doctor", *arguments])
        return status, capsys.readouterr().out

    return run


def row(text, name):
    """The line of a table that begins with this name."""
    return next(line for line in text.splitlines() if line.lstrip("✓✗ ").startswith(name + " "))


def test_python_and_the_default_backend(doctor_says):
    status, text = doctor_says("--backend", "jax")
    assert status == 0
    assert platform.python_version() in row(text, "Python")
    assert "jax  (the default)" in row(text, "Starts with")


@pytest.mark.parametrize("name", ["jax", "torch", "numpy"])
def test_a_backend_is_shown_with_version_and_device(doctor_says, name):
    status, text = doctor_says("--backend", name)
    line = row(text, name)
    assert status == 0
    assert line.startswith("✓")
    assert metadata.version(name) in line
    assert "cpu" in line.casefold()


def test_settings_are_shown_and_win(doctor_says):
    status, text = doctor_says("--backend", "numpy", CORNU_BACKEND="numpy", KERAS_BACKEND="jax")
    assert status == 0
    assert "numpy  (CORNU_BACKEND)" in row(text, "Starts with")
    assert row(text, "KERAS_BACKEND").split()[1] == "jax"
    assert "not set" in row(text, "XLA_FLAGS") or os.environ["XLA_FLAGS"] in row(text, "XLA_FLAGS")


def test_a_mistyped_backend_fails_with_the_nearest_names(doctor_says):
    status, text = doctor_says("--backend", "numpy", CORNU_BACKEND="troch")
    assert status == 1
    assert "CORNU_BACKEND asks for 'troch', which cannot be used." in text
    assert "Did you mean 'torch'" in text


def test_a_missing_framework_says_what_to_install():
    # in a process of its own, where torch cannot be imported
    program = "import sys; sys.modules['torch'] = None; from cornu.cli import main; sys.exit(main(['doctor', '--backend', 'torch']))"
    settings = {**os.environ, **WIDE, "CORNU_BACKEND": "torch"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert row(done.stdout, "torch").startswith("✗")
    assert "pip install torch" in row(done.stdout, "torch")


def test_a_framework_that_breaks_is_reported_not_raised(doctor_says, monkeypatch):
    def load(name):
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(backends, "load", load)
    status, text = doctor_says("--backend", "torch")
    assert status == 0  # the default, jax, was not looked at
    assert "OSError: libgomp.so.1: cannot open shared object file. Try `pip install --force-reinstall torch`." in row(text, "torch")


def test_a_missing_library_says_what_to_install(doctor_says, monkeypatch):
    monkeypatch.setitem(doctor.LIBRARIES, "no-such-library", "nothing")
    _, text = doctor_says("--backend", "numpy")
    assert "nothing; pip install no-such-library" in row(text, "no-such-library")
