"""The base classes that programs subclass: beside Keras's names and the documented ones, all are spelled so that no subclass has them by chance."""

import re

import numpy as np

import cornu

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")

DOCUMENTED = {  # ours, and no peer's: the guide or the reference tells of them
    *(
        "check",
        "compilations",
        "enable_lora",
        "find_batch_size",
        "find_learning_rate",
        "lora_enabled",
        "merge_lora",
        "replace",
        "to",
        "verify",
    ),
    *("input_names", "input_shape", "inputs", "output_names", "output_shape", "outputs"),
    *("get_state", "set_state", "state_names", "merge_state", "rule"),
}


def used(lib):
    """An object of each base class, as training leaves it."""

    class Layer(lib.layers.Layer):
        def build(self, input_shape):
            self.weight_of_mine = self.add_weight((3, 1))
            self.built = True

        def call(self, inputs):
            return lib.ops.matmul(inputs, self.weight_of_mine)

    class Model(lib.Model):
        def __init__(self):
            super().__init__()
            self.layer_of_mine = Layer()

        def call(self, inputs):
            return self.layer_of_mine(inputs)

    class Loss(lib.losses.Loss):
        def call(self, y_true, y_pred):
            return lib.ops.mean(lib.ops.square(y_true - y_pred), axis=-1)

    class Metric(lib.metrics.Metric):
        def __init__(self):
            super().__init__(name="sum")
            self.sum_of_mine = self.add_weight(name="sum", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.sum_of_mine.assign_add(lib.ops.sum(y_pred))

        def result(self):
            return self.sum_of_mine.value

    class Optimizer(lib.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, gradient * 0.1)

    model, metric, callback = Model(), Metric(), lib.callbacks.Callback()
    graph = lib.Sequential([lib.Input((3,)), Layer()])
    for each in (graph, model):
        each.compile(Optimizer(0.1), Loss(), metrics=[metric])
        each.fit(X, Y, verbose=0, callbacks=[callback])
        each.evaluate(X, Y, verbose=0)
        each.predict(X, verbose=0)
    plain = (lib.utils.PyDataset, lib.constraints.Constraint, lib.initializers.Initializer, lib.regularizers.Regularizer)
    return [model, graph, model.layer_of_mine, model.loss, metric, model.optimizer, callback, *(kind() for kind in plain)]


def test_every_name_of_a_base_class_is_documented_or_spelled_as_our_own(keras, on_jax):
    for ours, theirs in zip(used(cornu), used(keras), strict=True):
        names = {name for name in dir(ours) if not re.fullmatch(r"_.*_|_[A-Za-z]+__\w+", name)}
        assert names - set(dir(theirs)) <= DOCUMENTED, type(ours)
