"""The example of quantisation, on little data."""

import importlib.util
from pathlib import Path

PATH = Path(__file__).parents[2] / "examples" / "quantization.py"


def test_what_is_lost_and_what_is_saved(capsys):
    spec = importlib.util.spec_from_file_location("example_quantization", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main(rows=800, epochs=8, width=64, group=16)
    for name in ("dense", "transformer"):
        accuracy, size = found[name, "float32"]
        assert accuracy > 0.8
        for way in ("int8", "int4", "gptq", "awq"):
            assert found[name, way][0] > accuracy - 0.04, (name, way)
            assert found[name, way][1] < size, (name, way)
    module.show(found)
    assert capsys.readouterr().out.count("\n") == 12
