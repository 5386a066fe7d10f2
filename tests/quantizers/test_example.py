"""The example of quantisation: in small, and with the settings of the page that shows its figures."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import cornu

PATH = Path(__file__).parents[2] / "examples" / "quantization.py"
WAYS = ("int8", "int4", "gptq", "awq")


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("example_quantization", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("on_torch")
@pytest.mark.parametrize("name", ["dense_network", "transformer"])
def test_in_small_predictions_stay_near_and_files_shrink(example, tmp_path, capsys, name):
    """Trained for a moment on PyTorch; quantised and measured on NumPy: neither compiles anything.

    The more bits, the nearer: int8 keeps what is learned to a hundredth, four bits to a tenth of the probabilities.
    """
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32")
    cornu.utils.set_random_seed(0)
    model = getattr(example, name)({"dense_network": 64, "transformer": 16}[name])
    model.compile(cornu.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    model.fit(images[:512], labels[:512], batch_size=64, epochs=6 if name == "dense_network" else 2, verbose=0)
    model.compile()
    model.save(tmp_path / "floats.keras")
    test = (images[600:800], labels[600:800], tmp_path)
    with cornu.use_backend("numpy"):
        floats = cornu.saving.load_model(tmp_path / "floats.keras")
        before = floats.predict(test[0], verbose=0)
        found = {(name, "float32"): example.measure(floats, *test)}
        assert found[name, "float32"][0] == np.mean(before.argmax(-1) == test[1])
        for way in WAYS:
            model = cornu.saving.load_model(tmp_path / "floats.keras")
            model.quantize(**example.ways(model, images[:64], 8)[way])
            accuracy, size = found[name, way] = example.measure(model, *test)
            off = np.abs(model.predict(test[0], verbose=0) - before).mean()
            assert 0 < off < (0.01 if way == "int8" else 0.1) * before.max(-1).mean(), way
            assert accuracy > found[name, "float32"][0] - 0.1, way
            assert size < found[name, "float32"][1], way
    example.show(found)
    assert capsys.readouterr().out.count("\n") == 2 + len(found)


@pytest.mark.long
def test_what_is_lost_and_what_is_saved(example, capsys):
    """With fewer rows and epochs the transformer is not trained well enough for its accuracy to say anything."""
    found = example.main()
    for name in ("dense", "transformer"):
        accuracy, size = found[name, "float32"]
        assert accuracy > 0.85
        for way in WAYS:
            assert found[name, way][0] > accuracy - 0.03, (name, way)
            assert found[name, way][1] < size, (name, way)
    example.show(found)
    assert capsys.readouterr().out.count("\n") == 12
