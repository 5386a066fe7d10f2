"""The part of a model that trains, evaluates and predicts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from cornu import backends, optimizers, serialization
from cornu.errors import ArgumentError, BackendError, NotCompiledError
from cornu.metrics import Mean
from cornu.quantities import is_whole
from cornu.state import CompiledStep, ReplayedPart, Variable
from cornu.training import checks, loop, search
from cornu.training.forecast import Forecast
from cornu.training.health import Health
from cornu.training.objective import CompiledLoss, CompiledMetrics
from cornu.training.stateless import StatelessTraining
from cornu.training.stepping import Stepping

__all__ = ["Trainer"]

_NOTHING_TO_DO = contextlib.nullcontext()


class Trainer(StatelessTraining, Stepping):
    """A layer with `compile`, `fit`, `evaluate`, `predict`, and the steps that a subclass may write itself."""

    stop_training = False
    run_eagerly = False
    jit_compile: bool | str | None = "auto"
    history: Any = None
    _shuffle_seed_: int | None = None

    # --- compile ------------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str | None = "auto",
        auto_scale_loss: bool = True,
        on_nonfinite: str = "raise",
    ) -> None:
        """Says how the model is trained and measured.

        Args:
            optimizer: a name, an `Optimizer`, or its configuration.
            loss: a name, a function of (y_true, y_pred) or a `Loss`; a list or a dict by output name for several outputs.
            loss_weights: a number for each output's loss, as a list or a dict.
            metrics: names, functions or `Metric`s; a list, or for several outputs a dict or a list of lists.
            weighted_metrics: the same; these take sample weights into account.
            run_eagerly: run each step as it is written, for debugging.
            steps_per_execution: how many steps run before callbacks look; it changes speed, never results.
            jit_compile: False runs each step as it is written; "auto" compiles it (JAX), makes a graph of it (TensorFlow), or records and
                replays its parts (torch); True also puts the graph through XLA, where that can, or the recorded parts through PyTorch's
                compiler, which takes minutes at times and needs a C++ compiler.
            auto_scale_loss: wrap the optimizer for loss scaling under mixed_float16.
            on_nonfinite: what happens where loss or gradients are NaN or infinite: "raise" stops before anything is changed,
                "skip" leaves such steps out, "ignore" goes on.

        Raises:
            UnknownNameError: a name is not known; the message has the nearest ones.
        """
        if not is_whole(steps_per_execution, 1):
            raise ArgumentError(f"steps_per_execution must be a whole number of at least 1, got {steps_per_execution!r}.")
        if run_eagerly not in (True, False, None):
            raise ArgumentError(f"run_eagerly must be True or False, got {run_eagerly!r}.")
        if jit_compile not in (True, False, None, "auto"):
            raise ArgumentError(f"jit_compile must be True, False or 'auto', got {jit_compile!r}.")
        with checks.readable:
            chosen = optimizers.get(optimizer)
            objective, scores = CompiledLoss(loss, loss_weights), CompiledMetrics(metrics, weighted_metrics)
            names = self._output_names_
            if names:  # those of a graph are known already
                objective.check_keys(names)
                scores.check_keys(names)
        with self.__at_home():
            health = Health(on_nonfinite)
            if auto_scale_loss and self.dtype_policy.name == "mixed_float16":
                chosen = optimizers.scaled(chosen)
            self.optimizer = chosen
            self._objective_, self._scores_ = objective, scores
            self._loss_mean_ = Mean(name="loss")
            self._health_ = health
        self.run_eagerly, self.steps_per_execution, self.jit_compile = run_eagerly, steps_per_execution, jit_compile
        self._settled_, self._ready_at_ = False, -1
        self._compile_arguments_ = {
            "optimizer": self.optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution, "jit_compile": jit_compile,
            **({} if auto_scale_loss else {"auto_scale_loss": False}),  # else the optimizer is wrapped already
        }  # fmt: skip
        self.stop_training = False
        self.compiled = True
        self._programs_: dict[str, CompiledStep] = {}
        self._parts_: dict[str, ReplayedPart] = {}

    def _home_backend_(self) -> ModuleType:
        """Where the variables are; the current backend for a model without any."""
        if self._home_ is None:
            self._home_ = next((v.backend for v in self.variables), None)
        return self._home_ or backends.compute()

    def __at_home(self) -> contextlib.AbstractContextManager[Any]:
        """Inside, the current backend is the one where the variables are."""
        home = self._home_backend_()
        return _NOTHING_TO_DO if home is backends.current() else backends.use_backend(home)

    def _all_state_(self) -> list[Variable]:
        """What moves to another backend with the model: what the optimizer and the watch over training keep, too."""
        kept = [*self.optimizer.variables, *self._health_.variables] if self.compiled else []
        return [*super()._all_state_(), *kept]

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, for files."""
        if not self.compiled:
            return None
        return {name: serialization.serialize(value) for name, value in self._compile_arguments_.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with what `get_compile_config` gave."""
        arguments = {name: serialization.deserialize(value) for name, value in config.items()}
        if arguments.get("jit_compile") is True:  # what files hold of "auto": none asks for minutes of compilation
            arguments["jit_compile"] = "auto"
        self.compile(**arguments)

    def _policy_for_files_(self) -> str | None:
        """What happens where loss or gradients are not finite, if `compile` was told: no argument in files, since Keras's `compile` has none."""
        told = self.compiled and self._health_.policy != "raise" and not getattr(self, "_skips_by_default_", False)
        return self._health_.policy if told else None

    def _take_policy_(self, policy: str) -> None:
        if self.compiled:
            self._health_.policy = policy

    def _compile_again_(self) -> None:
        """What was compiled had other variables: the same arguments, with an optimizer that has not trained yet."""
        if self.compiled:
            policy = self._health_.policy
            self.compile(**{**self._compile_arguments_, "optimizer": type(self.optimizer).from_config(self.optimizer.get_config())})
            self._health_.policy = policy  # no argument: a `compile` of the user's own may have none of that name

    def __require_compiled(self, what: str) -> None:
        if not self.compiled:
            raise NotCompiledError(f"`{what}` needs to know loss and optimizer: call `model.compile(optimizer, loss)` first.")

    # --- whole runs ------------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        diagnose: bool = False,
    ) -> Any:
        """Trains for a number of epochs; gives a `History` whose `.history` holds the metrics of each.

        Args:
            x: arrays (one, a list, or a dict by input name), a generator, a `PyDataset`, or a data loader of a framework.
            y: targets, for arrays.
            batch_size: rows a step, 32 by default, for arrays.
            epochs: the epoch to end at, counted from `initial_epoch`'s 0.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; "auto" is 1 on a terminal and 2 elsewhere.
            callbacks: a list of `Callback`s.
            validation_split: the last fraction of the arrays is kept for validation.
            validation_data: (x, y), (x, y, sample_weight), or any source of batches.
            shuffle: rows in another order each epoch; "batch" keeps batches together.
            class_weight: a weight for each class number.
            sample_weight: a weight for each row.
            initial_epoch: where to start, to go on with an earlier run.
            steps_per_epoch, validation_steps: how many batches make an epoch or a validation.
            validation_batch_size: rows a step of validation.
            validation_freq: validate every so many epochs, or after those listed.
            diagnose: look at the data, the units, the gradients and the course of the losses once training has ended, and say what is wrong and what
                to edit; the history has it as `diagnosis`.

        Raises:
            DataError: the data does not fit the model; nothing has been changed.
            NonFiniteError: loss or gradients were NaN or infinite; the weights are those before that step.
        """
        self.__require_compiled("fit")
        with checks.readable, self.__where_it_trains():
            return loop.fit(
                self, x, y, batch_size=batch_size, epochs=epochs, verbose=verbose, callbacks=callbacks, validation_split=validation_split,
                validation_data=validation_data, shuffle=shuffle, class_weight=class_weight, sample_weight=sample_weight, initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch, validation_steps=validation_steps, validation_batch_size=validation_batch_size,
                validation_freq=validation_freq, diagnose=diagnose,
            )  # fmt: skip

    def __where_it_trains(self) -> contextlib.AbstractContextManager[Any]:
        backend = self._home_backend_()
        if not backend.CAN_TRAIN:
            raise BackendError(
                f"The {backend.NAME} backend predicts and evaluates, it cannot train. Move the model with `model.to('jax')`, "
                "or call `cornu.set_backend('jax')` before making it."
            )
        return backends.use_backend(backend)

    def find_learning_rate(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        batch_size: int | None = None,
        lowest: float = 1e-7,
        highest: float = 10.0,
        steps: int = 100,
    ) -> search.LearningRates:
        """Trains for some steps at learning rates that rise from one to the next, and puts everything back as it was, bit for bit.

        The method is that of https://arxiv.org/abs/1506.01186, section 3.3. It ends early where the loss is four times the best.

        Args:
            x, y, sample_weight: arrays, or a `PyDataset` as `x`.
            batch_size: rows a step, 32 by default.
            lowest, highest: the first rate and the last.
            steps: how many rates are tried.

        Returns:
            The rates, the losses beside them, and a suggestion.

        Raises:
            ArgumentError: the optimizer has no rate that is a number, or the data could not be had again.

        >>> import numpy as np, cornu
        >>> x = np.random.default_rng(0).normal(size=(256, 4))
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> found = model.find_learning_rate(x, x.sum(1, keepdims=True))
        >>> 0.001 < found.suggestion < 1
        True
        """
        self.__require_compiled("find_learning_rate")
        with checks.readable, self.__where_it_trains():
            return search.learning_rates(self, x, y, sample_weight, batch_size=batch_size, lowest=lowest, highest=highest, steps=steps)

    def find_batch_size(
        self, x: Any, y: Any = None, *, sample_weight: Any = None, smallest: int = 8, largest: int = 8192
    ) -> search.BatchSizes:
        """Times training steps of doubled and redoubled sizes, and puts everything back as it was, bit for bit.

        It ends where two doublings have gained nothing, where memory does not suffice, or where the rows end. A larger batch may want another
        learning rate: look for that afterwards.

        Args:
            x, y, sample_weight: arrays.
            smallest, largest: the first size, and the one not to go beyond.

        Returns:
            The sizes, the rows a second beside them, and a suggestion.

        Raises:
            ArgumentError: there are fewer rows than in the smallest batch, or `x` is no array.
        """
        self.__require_compiled("find_batch_size")
        with checks.readable, self.__where_it_trains():
            return search.batch_sizes(self, x, y, sample_weight, smallest=smallest, largest=largest)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data: a number, a list in the order of `metrics_names`, or a dict if `return_dict`."""
        self.__require_compiled("evaluate")
        with checks.readable, self.__at_home():
            logs = loop.evaluate(
                self, x, y, batch_size=batch_size, verbose=verbose, sample_weight=sample_weight, steps=steps, callbacks=callbacks
            )
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: str | int = "auto", steps: int | None = None, callbacks: Any = None, *,
        stream: bool = False,
    ) -> Any:  # fmt: skip
        """The outputs for all rows, as NumPy arrays in the structure of the outputs.

        With `stream=True` they come batch by batch from an iterator, which never holds them all.

        >>> import numpy as np, cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
        >>> [part.shape for part in model.predict(np.ones((5, 4)), batch_size=3, verbose=0, stream=True)]
        [(3, 2), (2, 2)]
        """
        if stream:
            return self.__streamed(x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks)
        if steps is None and not callbacks and loop.is_one_batch(x, 32 if batch_size is None else batch_size):
            return self.predict_on_batch(x)
        with checks.readable, self.__at_home():
            return loop.predict(self, x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks)

    def __streamed(self, x: Any, **settings: Any) -> Iterator[Any]:
        with contextlib.closing(loop.streamed(self, x, **settings)) as batches:
            while True:
                with checks.readable, self.__at_home():
                    outputs = next(batches, None)
                if outputs is None:
                    return
                yield outputs

    def check(self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None) -> Forecast:
        """Runs all checks that `fit` would on this data, and says what a step will take, before anything is compiled or trained.

        Returns:
            A forecast of the memory and the time of a training step; printed, it is one line.

        Raises:
            DataError: the data does not fit the model; the message says what to change.

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> import numpy as np
        >>> model.check(np.ones((8, 4)), np.ones((8, 2))).weights  # 10 numbers of 4 bytes
        40
        """
        self.__require_compiled("check")
        with checks.readable, self.__at_home():
            return loop.check(self, x, y, sample_weight, batch_size)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None, return_dict: bool = False
    ) -> Any:
        """One step on these rows; gives loss and metrics of these rows alone: the metrics start anew."""
        self.__require_compiled("train_on_batch")
        with checks.readable, self.__at_home():
            return self.__listed(loop.train_on_batch(self, x, y, sample_weight, class_weight), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of these rows alone: the metrics start anew."""
        self.__require_compiled("test_on_batch")
        with checks.readable, self.__at_home():
            return self.__listed(loop.test_on_batch(self, x, y, sample_weight), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for these rows, as NumPy arrays."""
        with checks.readable, self.__at_home():
            return loop.predict_on_batch(self, x)

    @staticmethod
    def __listed(logs: dict[str, float], return_dict: bool) -> Any:
        values = list(logs.values())
        return logs if return_dict else values[0] if len(values) == 1 else values
