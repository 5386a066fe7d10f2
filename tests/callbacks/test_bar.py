"""What a run shows: on a terminal (drawn here by a small emulation of one), in a file, and not at all."""

import io
import sys
import time

import numpy as np
import pytest

from cornu.callbacks import CallbackList
from cornu.callbacks import bar as progress
from cornu.callbacks.bar import Progbar, duration, line, resolve_verbose, say
from cornu.errors import ArgumentError


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True

    def screen(self):
        """The lines as somebody sees them: what comes after a carriage return overwrites."""
        shown = []
        for text in self.getvalue().split("\n"):
            cells = []
            for part in text.split("\r"):
                cells[: len(part)] = part
            shown.append("".join(cells).rstrip())
        return shown


@pytest.fixture
def on_terminal(monkeypatch):
    """The function that makes a terminal of standard output. (Not the fixture itself does: pytest captures the test's output anew.)"""

    def attach():
        stream = Terminal()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("TERM", "xterm")
        return stream

    return attach


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so: `clock.now += seconds`."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


class CountedLogs(dict):
    """Logs that count how often somebody looks."""

    looks = 0

    def items(self):
        CountedLogs.looks += 1
        return super().items()


def run(epochs=2, steps=3, *, verbose, clock=None, seconds=0.0, logs=None, val=None):
    """Hooks in the order of `fit`."""
    told = CallbackList(add_progbar=True, verbose=verbose, epochs=epochs, steps=steps)
    told.on_train_begin()
    for epoch in range(epochs):
        told.on_epoch_begin(epoch)
        for step in range(steps):
            if clock is not None:
                clock.now += seconds
            told.on_train_batch_begin(step)
            told.on_train_batch_end(step, logs or {"loss": 1.0 / (step + 1)})
        if val is not None:
            told.on_test_begin()
            told.on_test_batch_end(0, {"loss": 7.0})
            told.on_test_end({"loss": 7.0})
        told.on_epoch_end(epoch, {"loss": 0.321, **(val or {})})
    told.on_train_end()
    return told


def test_verbose_auto_is_a_line_an_epoch_where_nothing_can_be_drawn_over(capsys, clock):
    run(epochs=2, steps=4, verbose="auto", clock=clock, seconds=3.0, val={"val_loss": 0.5})
    assert (
        capsys.readouterr().out == "Epoch 1/2 - 12s - loss: 0.3210 - val_loss: 0.5000\nEpoch 2/2 - 12s - loss: 0.3210 - val_loss: 0.5000\n"
    )


def test_verbose_auto_is_a_bar_on_a_terminal(on_terminal, clock):
    terminal = on_terminal()
    run(epochs=1, steps=4, verbose="auto", clock=clock, seconds=0.5, val={"val_loss": 0.5})
    assert terminal.screen() == ["Epoch 1/1", "4/4 ━━━━━━━━━━━━━━━━━━━━ 2.0s 500ms/step - loss: 0.3210 - val_loss: 0.5000", ""]
    assert " 2/4 ━━━━━━━━━━────────── 1.0s left 500ms/step - loss: 0.5000" in terminal.getvalue()
    assert "validating" in terminal.getvalue()


def test_verbose_0_prints_nothing(capsys):
    run(verbose=0)
    assert capsys.readouterr().out == ""


def test_a_bar_asked_for_in_a_file_is_printed_when_it_is_finished(capsys, clock):
    run(epochs=1, steps=4, verbose=1, clock=clock, seconds=0.5)
    assert capsys.readouterr().out == "Epoch 1/1\n4/4 ━━━━━━━━━━━━━━━━━━━━ 2.0s 500ms/step - loss: 0.3210\n"


def test_the_bar_is_drawn_ten_times_a_second_and_looks_at_the_metrics_only_then(on_terminal, clock):
    terminal = on_terminal()
    CountedLogs.looks = 0
    run(epochs=1, steps=10_000, verbose=1, clock=clock, seconds=0.0002, logs=CountedLogs(loss=1.0))  # two seconds
    assert 18 <= CountedLogs.looks <= 21
    assert 18 <= terminal.getvalue().count("left") <= 21


def test_a_step_costs_the_bar_next_to_nothing(on_terminal):
    on_terminal()
    told = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=10**6)
    told.on_train_begin()
    told.on_epoch_begin(0)
    logs, best = {"loss": 1.0}, np.inf
    for _ in range(10):
        begun = time.perf_counter()
        for step in range(500):
            told.on_train_batch_end(step, logs)
        best = min(best, (time.perf_counter() - begun) / 500)
    told.close()
    assert best < 3e-6


def test_a_line_longer_than_the_terminal_is_cut_because_it_could_not_be_drawn_over(on_terminal, clock, monkeypatch):
    terminal = on_terminal()
    monkeypatch.setenv("COLUMNS", "40")
    bar = Progbar(10, verbose=1)
    bar.update(5, {f"metric_{i}": 0.5 for i in range(10)})
    drawn = terminal.getvalue().lstrip("\r")
    assert len(drawn) == 39
    assert drawn.endswith("…")


def test_a_shorter_line_leaves_nothing_of_the_longer_one(on_terminal, clock):
    terminal = on_terminal()
    bar = Progbar(10, verbose=1)
    bar.update(1, {"loss": 0.5})
    clock.now += 1
    bar._values.clear()
    bar.update(2)
    assert "loss" not in terminal.screen()[-1]


def test_what_callbacks_say_stands_above_the_bar(on_terminal, clock):
    terminal = on_terminal()
    bar = Progbar(4, verbose=1)
    bar.update(1, {"loss": 0.5})
    say("the model is saved")
    clock.now += 1
    bar.update(2, {"loss": 0.4})
    screen = terminal.screen()
    assert screen[0] == "the model is saved"
    assert screen[1].startswith(" 2/4 ━━━━━━━━━━──────────")


def test_a_run_that_breaks_off_ends_its_line(on_terminal, clock):
    terminal = on_terminal()
    told = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=4)
    told.on_train_begin()
    told.on_epoch_begin(0)
    clock.now += 1
    told.on_train_batch_end(0, {"loss": 1.0})
    told.close()
    print("Traceback")
    assert terminal.screen()[-2:] == ["Traceback", ""]
    assert "1/4" in terminal.screen()[-3]


def test_evaluate_and_predict_have_lines_of_their_own(capsys, clock):
    told = CallbackList(add_progbar=True, verbose=2, epochs=1, steps=2)
    told.on_test_begin()
    told.on_test_batch_end(0, {"loss": 1.0})
    told.on_test_batch_end(1, {"loss": 1.0})
    clock.now += 0.25
    told.on_test_end({"loss": 0.75})
    told.on_predict_begin()
    told.on_predict_batch_end(0, {"outputs": np.zeros(3)})
    told.on_predict_end()
    assert capsys.readouterr().out == "Evaluated 2 steps - 250ms - loss: 0.7500\nPredicted 1 step - 0us\n"


def test_validation_within_fit_prints_no_line_of_its_own(capsys):
    run(epochs=1, verbose=2, val={"val_loss": 0.5})
    assert capsys.readouterr().out.count("\n") == 1


def test_an_unknown_number_of_steps_is_known_after_the_first_epoch(capsys, clock):
    told = CallbackList(add_progbar=True, verbose=1, epochs=2, steps=None)
    told.on_train_begin()
    for epoch in range(2):
        told.on_epoch_begin(epoch)
        for step in range(3):
            told.on_train_batch_end(step, {"loss": 1.0})
        told.on_epoch_end(epoch, {"loss": 1.0})
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("3/3 ━")
    assert lines[3].startswith("3/3 ━")


def test_a_terminal_that_cannot_write_bars_gets_plain_ones(monkeypatch, clock):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    bar = Progbar(2, verbose=1)
    bar.update(2, {"loss": 0.5})
    assert raw.getvalue().decode("ascii") == "2/2 ==================== 0us 0us/step - loss: 0.5000\n"


def test_progbar_as_a_tool_of_its_own(capsys, clock):
    bar = Progbar(3, verbose=2, stateless_metrics=["mean"], unit_name="file")
    for value in (1.0, 2.0, 6.0):
        clock.now += 1
        bar.add(1, [("last", value), ("mean", value)])
    assert capsys.readouterr().out == "3/3 - 3.0s 1.0s/file - last: 6.0000 - mean: 3.0000\n"
    bar.update(3, [("last", 0.0)])  # finished once
    assert capsys.readouterr().out == ""


def test_progbar_without_a_target_finishes_when_told(capsys, clock):
    bar = Progbar(None, verbose=2)
    bar.add(5)
    assert capsys.readouterr().out == ""
    bar.update(6, {"loss": 1.0}, finalize=True)
    assert capsys.readouterr().out == "6 - 0us 0us/step - loss: 1.0000\n"


@pytest.mark.parametrize("width", [5, 20])
@pytest.mark.parametrize("seen", range(8))
def test_the_bar_is_as_long_as_it_should_be(width, seen):
    bar = Progbar(7, width=width, verbose=0)
    bar.seen_so_far = seen
    assert len(bar._bar()) == width
    assert bar._bar().count("━") == seen * width // 7


def test_notebooks_are_alive(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    assert progress.is_live(stream)
    assert not progress.is_live(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not progress.is_live(Terminal())


@pytest.mark.parametrize("wrong", [3, "loud", -1, None])
def test_verbose_out_of_range(wrong):
    with pytest.raises(ArgumentError, match="verbose must be"):
        resolve_verbose(wrong)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9996, "1.0s"), (0.99949, "999ms"), (9.949, "9.9s"), (9.951, "10s"), (59.6, "1m 00s"), (3599.6, "1h 00m")]
)
def test_durations_at_the_seams_of_their_units(seconds, text):
    assert duration(seconds) == text


def test_numbers_that_are_not_finite_are_shown():
    assert line({"loss": float("nan"), "max": float("inf"), "big": 1.5e7}) == "loss: nan - max: inf - big: 1.5000e+07"


def test_a_program_without_a_console_trains_in_silence(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert not progress.is_live()
    assert run(epochs=1, verbose="auto").params["steps"] == 3
