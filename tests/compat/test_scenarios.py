"""Programs as people write them, run through the command, from yesterday's words to their last line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.long  # each is a process of its own, which loads a framework


def cornu(*arguments):
    """The command in a process of its own."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "cornu", *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=240,
    )


# what each program's old words are called today; one of them is enough to see that they are said
SAID = {
    "old_dense": [
        "`SGD(lr=)` is `learning_rate=` today",
        "`keras.layers.core` is `keras.layers` today",
        "`fit(nb_epoch=)` is `epochs=` today",
    ],
    "generators": ["`fit_generator` is `fit` today", "`evaluate_generator` is `evaluate` today"],
    "backend_functions": [
        "`keras.backend.square` is `keras.ops.square` today",
        "`keras.backend.function` is `keras.Model(inputs, outputs)` today",
    ],
    "old_homes": ["`keras.engine.topology` is `keras.layers` today", "`keras.optimizers.legacy` is `keras.optimizers` today"],
    "sklearn_wrappers": ["`keras.wrappers.scikit_learn` is `keras.wrappers` today"],
}


@pytest.mark.parametrize("on", ["jax", "torch"])
@pytest.mark.parametrize("name", sorted(SAID))
def test_an_old_program_runs_and_learns_todays_words(name, on):
    done = cornu("run", "--backend", on, PROGRAMS / f"{name}.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().split("\n")[-1] == f"ok: {name}"
    for sentence in SAID[name]:
        assert done.stderr.count(sentence) == 1, done.stderr
        line = next(line for line in done.stderr.split("\n") if sentence in line)
        assert line.startswith(f"{name}.py:"), line


def test_every_program_is_run():
    assert {path.stem for path in PROGRAMS.glob("*.py")} == {*SAID, "tf_keras"}


def test_quiet_says_nothing():
    done = cornu("run", "--quiet", "--backend", "torch", PROGRAMS / "generators.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_tensorflow_keras_is_served_where_it_is_asked_for():
    done = cornu("run", "--tf-keras", "--backend", "torch", PROGRAMS / "tf_keras.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("ok: tf_keras")
