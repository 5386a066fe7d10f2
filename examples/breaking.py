"""Breaking things on purpose: what is said, and whether the model is still what it was.

Each case does what users do by mistake, or what happens to them: a wrong target, a key mistyped, a callback that raises, Ctrl-C, a process killed
while it saves. Beside the model stands a twin that makes exactly the training steps which the model completed; after each case both must predict the
same, to the last bit, and the model must train on.

Run it with `python examples/breaking.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/breaking.py`.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import numpy as np

import cornu
from cornu import layers

ROWS, BATCH = 256, 32
rng = np.random.default_rng(0)
x = rng.random((ROWS, 8), dtype="float32")
y = rng.integers(0, 3, ROWS)
one_hot = np.eye(3)[y]


def classifier():
    model = cornu.Sequential([layers.Input((8,), name="features"), layers.Dense(16, "relu"), layers.Dense(3, "softmax", name="kind")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def two_inputs():
    left, right = layers.Input((5,), name="left"), layers.Input((3,), name="right")
    hidden = layers.Dense(16, "relu")(left) + layers.Dense(16)(right)
    model = cornu.Model({"left": left, "right": right}, layers.Dense(3, "softmax", name="kind")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


# --- what goes wrong ----------------------------------------------------------------------------------------------------


def fit(model, inputs=x, targets=y, **how):
    model.fit(inputs, targets, batch_size=BATCH, shuffle=False, verbose=0, **how)


class Raises(cornu.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 4:
            raise RuntimeError("a callback had a bad day")


def broken_generator():
    for start in range(0, 3 * BATCH, BATCH):
        yield x[start : start + BATCH], y[start : start + BATCH]
    raise OSError("the disk with batch 3 is gone")


def generator_with_a_bad_label():
    for start in range(0, ROWS, BATCH):
        yield x[start : start + BATCH], y[start : start + BATCH] + (start == 5 * BATCH)


def interrupted(model):
    """Ctrl-C, by a real signal, some time after the first step."""

    def press():
        time.sleep(random.uniform(0.2, 0.4))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    fit(model, epochs=100_000)


def poisoned():
    inputs = x.copy()
    inputs[2 * BATCH + 5, 3] = np.nan
    return inputs


pair = {"left": x[:, :5], "right": x[:, 5:]}

CASES = [
    ("one-hot targets", classifier, lambda model: fit(model, x, one_hot), cornu.errors.DataError),
    ("a label out of range", classifier, lambda model: fit(model, x, np.where(np.arange(ROWS) == 77, 7, y)), cornu.errors.DataError),
    ("targets too short", classifier, lambda model: fit(model, x, y[:200]), cornu.errors.DataError),
    ("wrong rank", classifier, lambda model: fit(model, x[..., None, None], y), cornu.errors.ShapeError),
    ("wrong width", classifier, lambda model: fit(model, x[:, :5], y), cornu.errors.ShapeError),
    ("text for numbers", classifier, lambda model: fit(model, x, np.array(["ant", "bee", "cow"])[y]), cornu.errors.DataError),
    ("a mistyped key", two_inputs, lambda model: fit(model, {"left": x[:, :5], "rihgt": x[:, 5:]}), cornu.errors.DataError),
    ("wrong rank in predict", classifier, lambda model: model.predict(x[0], verbose=0), cornu.errors.ShapeError),
    ("a misspelt loss", classifier, lambda model: model.compile("adam", "sparse_categorical_crossentopy"), cornu.errors.UnknownNameError),
    ("a misspelt optimizer", classifier, lambda model: model.compile("adma", "mse"), cornu.errors.UnknownNameError),
    ("a callback raises", classifier, lambda model: fit(model, callbacks=[Raises()]), RuntimeError),
    ("a generator raises", classifier, lambda model: model.fit(broken_generator(), steps_per_epoch=8, verbose=0), OSError),
    ("a generator's label", classifier, lambda model: model.fit(generator_with_a_bad_label(), verbose=0), cornu.errors.DataError),
    ("NaN in the inputs", classifier, lambda model: fit(model, poisoned()), cornu.errors.NonFiniteError),
    ("Ctrl-C", classifier, interrupted, KeyboardInterrupt),
]


# --- the twin -------------------------------------------------------------------------------------------------------------


class Stage:
    """A model and its twin, at the same weights."""

    def __init__(self, make):
        self.model, self.twin = make(), make()
        self.data = pair if len(self.model.inputs) == 2 else x
        self.twin.set_weights(self.model.get_weights())
        for one in (self.model, self.twin):
            self.steps(one, 0, 8)

    def steps(self, model, first, count):
        for number in range(first, first + count):
            rows = slice(number % 8 * BATCH, (number % 8 + 1) * BATCH)
            inputs = {name: part[rows] for name, part in self.data.items()} if isinstance(self.data, dict) else self.data[rows]
            model.train_on_batch(inputs, y[rows])

    def done(self):
        return int(self.model.optimizer.iterations)

    def same_after(self):
        """Whether the model predicts as the twin, once that has made the steps which the model has."""
        behind = self.done() - int(self.twin.optimizer.iterations)
        self.steps(self.twin, 0, behind)
        return np.array_equal(self.model.predict(self.data, verbose=0), self.twin.predict(self.data, verbose=0))

    def trains_on(self):
        loss = self.model.fit(self.data, y, batch_size=BATCH, shuffle=False, verbose=0).history["loss"]
        self.steps(self.twin, 0, 8)
        return bool(np.isfinite(loss).all()) and self.same_after()


STAGES = {}


def run(case):
    name, make, breaks, expected = case
    if make not in STAGES:
        STAGES[make] = Stage(make)
    stage = STAGES[make]
    before = stage.done()
    try:
        breaks(stage.model)
        said = None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever comes is shown
        said = error
    print(f"\n--- {name}\n{type(said).__name__}: {said}" if said is not None else f"\n--- {name}\nnothing was raised")
    if getattr(said, "__notes__", None):
        print(*said.__notes__, sep="\n")
    completed = stage.done() - before
    return name, isinstance(said, expected) and len(str(said).split("\n")) <= 12, completed, stage.same_after(), stage.trains_on()


# --- kill -9 while a model is saved ---------------------------------------------------------------------------------------

SAVER = """
    import os, random, signal, sys, time
    import numpy as np
    import cornu

    path, kills = sys.argv[1], int(sys.argv[2])
    model = cornu.saving.load_model(path)
    latest, whole, moved = 0.0, 0, 0
    for n in range(kills):
        child = os.fork()
        if child == 0:
            value = latest
            while True:
                value += 1.0
                model.set_weights([np.full(w.shape, value, "float32") for w in model.get_weights()])
                model.save(path)
        time.sleep(random.uniform(0.01, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        values = np.unique(np.concatenate([w.ravel() for w in cornu.saving.load_model(path).get_weights()]))
        whole += len(values) == 1 and values[0] >= latest
        moved += values[0] > latest
        latest = float(values[0])
    print(whole, moved)
"""


def kill_while_saving(kills):
    """A process that saves again and again is killed at a random instant; then the file must hold one save, whole."""
    with tempfile.TemporaryDirectory() as folder:
        path, script = Path(folder, "model.keras"), Path(folder, "saver.py")
        script.write_text(textwrap.dedent(SAVER))
        model = classifier()
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])
        model.save(path)
        before = model.predict(x, verbose=0)
        own_path = os.pathsep.join(filter(None, [str(Path(cornu.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "CORNU_BACKEND": "numpy", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": own_path}
        done = subprocess.run(
            [sys.executable, str(script), str(path), str(kills)], env=environment, capture_output=True, text=True, check=False
        )
        print(f"\n--- kill -9 during {kills} saves\n{done.stderr[-2000:]}", end="")
        whole, moved = map(int, done.stdout.split()) if done.returncode == 0 else (0, 0)
        print(f"After {whole} of {kills} kills the file was whole; {moved} times it held a newer save than before.")
        again = cornu.saving.load_model(path)
        opens = again.predict(x, verbose=0).shape == before.shape
        return f"kill -9 during {kills} saves", whole == kills, 0, np.array_equal(model.predict(x, verbose=0), before), opens


def main():
    random.seed(0)
    start = time.monotonic()
    results = [run(case) for case in CASES]
    results.append(kill_while_saving(50))
    print(f"\n{'backend ' + cornu.backend():<28}{'as promised':>12}{'steps done':>12}{'predicts the same':>19}{'trains on':>11}")
    for name, said, steps, same, on in results:
        print(f"{name:<28}{_yes(said):>12}{steps:>12}{_yes(same):>19}{_yes(on):>11}")
    held = all(said and same and on for _, said, _, same, on in results)
    print(f"\n{'All held' if held else 'NOT all held'}, in {time.monotonic() - start:.0f} s.")
    return 0 if held else 1


def _yes(value):
    return "yes" if value else "NO"


if __name__ == "__main__":
    sys.exit(main())
