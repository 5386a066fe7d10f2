"""The example of quantisation, with the settings of the page that shows its figures: fewer leave the transformer untrained."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "examples" / "quantization.py"


@pytest.mark.long
def test_what_is_lost_and_what_is_saved(capsys):
    spec = importlib.util.spec_from_file_location("example_quantization", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main()
    for name in ("dense", "transformer"):
        accuracy, size = found[name, "float32"]
        assert accuracy > 0.85
        for way in ("int8", "int4", "gptq", "awq"):
            assert found[name, way][0] > accuracy - 0.03, (name, way)
            assert found[name, way][1] < size, (name, way)
    module.show(found)
    assert capsys.readouterr().out.count("\n") == 12
