"""Whatever a subclass calls its attributes and methods, nothing of Cornu's own is replaced by them."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops

WORDS = """
    accept accepted accumulate accumulators adaptable adaptation add_noise alpha apply_weighted arguments asked average averages axes backend bank
    batches begin beta branch build_shapes buffer cache carry cast change check check_values chosen clipped compilations compute_gradients config_head
    converted count counts decay delegates depth draws encoder decoder entrance entries exit extend factors features finished first fixed_variables
    forget_programs found frozen function functions gates given gradients graph graph_layers groups gives_own_logs hears health heads helper
    hidden history_of home ids init inner input_names inputs input_shape is_building items kept kernel kinds layer_class listed
    loader logs look looks_first lora_enabled losses_of loss_mean loss_of made made_variables map mask masks mean measured memory merge_variable
    mode modules move names names_of net new_slot nodes noise noisy objective old other output_names output_shape outputs own pairs
    paired params_of parent parts part penalty places plan planned_call plans policy_map probe process program programs project queue rate ready
    record register release remat replace reported_name reset rows rule_of run run_step rules sample scale scores seed seeds settings settled
    set_home shape_of shuffle_seed skips_nonfinite slots slots_of source stack start state_of states stats steps step store stored
    student takes takes_texts target_of teacher table temperature that told_last total track tracked trained units_of update update_metrics
    update_scores uses_default_step valid validate values verify views watch watch_outputs watcher watched weight window with within work writer
""".split()  # noqa: SIM905 - some two hundred
NAMES = [spelled for word in dict.fromkeys(WORDS) for spelled in (word, f"_{word}")]
X, Y = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3), np.linspace(0, 1, 8, dtype="float32").reshape(8, 1)


def unasked(self, *args, **kwargs):
    raise AssertionError("Nobody but its class knows of this method.")


class Stranger:
    """Nothing that the library could use; whoever looks into it is told."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AssertionError(f"Asked for {name!r}.")


def crowded(base, how):
    """A subclass that has all these names but its base's own, as methods or as attributes of its objects."""
    names = [name for name in NAMES if name not in getattr(base, "known", ())]
    if how == "methods":
        return type(base.__name__, (base,), dict.fromkeys(names, unasked))

    class Crowded(base):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            for name in names:
                setattr(self, name, Stranger())

    Crowded.__name__ = base.__name__
    return Crowded


class Scale(layers.Layer):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1], self.units), name="factor", regularizer="l2")

    def call(self, inputs, training=False):
        return inputs @ self.factor


class Net(cornu.Model):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first_layer, self.last_layer = layers.Dense(units, activation="tanh"), layers.Dense(1)

    def call(self, inputs, training=False):
        return self.last_layer(self.first_layer(inputs))


class Stack(cornu.Sequential):
    pass


class Square(cornu.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


class Largest(cornu.metrics.Metric):
    def __init__(self, name="largest", dtype=None):
        super().__init__(dtype, name)
        self.largest = self.add_weight(name="largest", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(ops.maximum(self.largest, ops.max(ops.abs(y_true - y_pred))))

    def result(self):
        return self.largest.value


class Descent(cornu.optimizers.Optimizer):
    """In Keras's manner."""

    def __init__(self, learning_rate=0.1, name="descent", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)

    def build(self, variables):
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(v, name="velocity") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, velocity * 0.9 + gradient)
        self.assign_sub(variable, velocity * learning_rate)


class Sgd(cornu.optimizers.SGD):
    pass


class Told(cornu.callbacks.Callback):
    epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


class Batches(cornu.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]


class Halving(cornu.optimizers.schedules.LearningRateSchedule):
    def __init__(self, initial=0.1):
        self.initial = initial

    def __call__(self, step):
        return self.initial * 0.5 ** ops.cast(step, "float32")


class Capped(cornu.constraints.Constraint):
    def __call__(self, w):
        return ops.clip(w, -1.0, 1.0)


class Ramp(cornu.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return np.linspace(-1, 1, int(np.prod(shape)), dtype="float32").reshape(shape)


class Size(cornu.regularizers.Regularizer):
    def __call__(self, x):
        return 0.1 * ops.sum(ops.abs(x))


class Fading(layers.Layer):
    """A cell of a recurrent layer."""

    state_size = output_size = 2

    def build(self, input_shape):
        self.entry = self.add_weight((input_shape[-1], 2), name="entry")

    def call(self, inputs, states, training=False):
        now = inputs @ self.entry + 0.5 * states[0]
        return now, [now]


class Memory(layers.LSTMCell):
    known = ("kernel", "seed")


class Track(layers.GRU):
    known = ("seed", "states")


def stacked(*parts, shape=(3,)):
    return cornu.Sequential([cornu.Input(shape), *parts])


def in_time(layer):
    return stacked(layers.Reshape((3, 1)), layer, layers.Dense(1))


def dense(**kwargs):
    return stacked(layers.Dense(1, **kwargs))


# for each base class what makes a model of the crowded class, and the arguments of `compile` and `fit`
PROGRAMS = {
    Scale: lambda cls: (stacked(cls(4), layers.Dense(1)), {}, {}),
    Net: lambda cls: (cls(3), {}, {}),
    Stack: lambda cls: (cls([cornu.Input((3,)), layers.Dense(1)]), {}, {}),
    Square: lambda cls: (dense(), {"loss": cls()}, {}),
    Largest: lambda cls: (dense(), {"metrics": [cls()]}, {}),
    Descent: lambda cls: (dense(), {"optimizer": cls(0.05, clipnorm=1.0, weight_decay=0.01, use_ema=True)}, {}),
    Sgd: lambda cls: (dense(), {"optimizer": cls(0.05, momentum=0.9, gradient_accumulation_steps=2)}, {}),
    Told: lambda cls: (dense(), {}, {"callbacks": [cls()]}),
    Batches: lambda cls: (dense(), {}, {"x": cls(), "y": None, "batch_size": None}),
    Halving: lambda cls: (dense(), {"optimizer": cornu.optimizers.Adam(cls(0.05))}, {}),
    Capped: lambda cls: (dense(kernel_constraint=cls()), {}, {}),
    Ramp: lambda cls: (dense(kernel_initializer=cls()), {}, {}),
    Size: lambda cls: (dense(kernel_regularizer=cls()), {}, {}),
    Fading: lambda cls: (in_time(layers.RNN(cls())), {}, {}),
    Memory: lambda cls: (in_time(layers.RNN(cls(2))), {}, {}),
    Track: lambda cls: (in_time(cls(2)), {}, {}),
}


def figures(cls, tmp_path):
    """Builds, fits two batches, evaluates, predicts, saves and loads; gives all that came out."""
    cornu.utils.set_random_seed(3)
    model, compiled, fitted = PROGRAMS[next(base for base in cls.__mro__ if base in PROGRAMS)](cls)
    model.compile(**{"optimizer": "sgd", "loss": "mse", "metrics": ["mae"], **compiled})
    history = model.fit(**{"x": X, "y": Y, "batch_size": 4, "shuffle": False, "verbose": 0, "validation_data": (X, Y), **fitted}).history
    found = {**history, "again": model.evaluate(X, Y, verbose=0), "outputs": model.predict(X, verbose=0)}
    model.summary(print_fn=lambda line: None)
    model.save(tmp_path / "model.keras")
    loaded = cornu.saving.load_model(tmp_path / "model.keras", custom_objects={cls.__name__: cls})
    np.testing.assert_allclose(loaded.predict(X, verbose=0), found["outputs"], rtol=1e-5, atol=1e-6)
    loaded.fit(X, Y, batch_size=4, verbose=0)
    return found


@pytest.mark.parametrize("how", ["attributes", "methods"])
@pytest.mark.parametrize("base", PROGRAMS, ids=lambda base: base.__name__)
def test_a_class_with_these_names_does_what_it_does_without(backend, base, how, tmp_path):
    if backend not in ("jax", "torch"):
        pytest.skip("training is the same code on all backends")
    wanted, found = figures(base, tmp_path), figures(crowded(base, how), tmp_path)
    assert wanted.keys() == found.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def test_layers_under_these_names_are_found(tmp_path):
    class Full(cornu.Model):
        def __init__(self):
            super().__init__()
            for name in NAMES:
                setattr(self, name, Scale(1, name=name))

        def call(self, inputs):
            return ops.concatenate([getattr(self, name)(inputs) for name in NAMES], axis=-1)

    model = Full()
    outputs = model(X)
    assert [layer.name for layer in model.layers] == NAMES
    assert len(model.weights) == len(NAMES)
    model.save_weights(tmp_path / "full.weights.h5")
    other = Full()
    other(X)
    other.load_weights(tmp_path / "full.weights.h5")
    np.testing.assert_array_equal(ops.convert_to_numpy(other(X)), ops.convert_to_numpy(outputs))


@pytest.mark.parametrize("value", [4, [8, 4]])
def test_a_layer_may_call_a_number_its_layers(value, tmp_path):
    class Deep(Scale):
        def __init__(self, units=3, **kwargs):
            super().__init__(units, **kwargs)
            self.layers = value

    model = stacked(Deep(2), Deep(1))
    lines = []
    model.summary(print_fn=lines.append, expand_nested=True)
    assert "deep" in "".join(lines)
    model.save(tmp_path / "model.keras")
    loaded = cornu.saving.load_model(tmp_path / "model.keras", custom_objects={"Deep": Deep})
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
