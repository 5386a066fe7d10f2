"""Writes docs/dtypes.md: which dtype two dtypes meet in, from the lattice in `cornu/dtypes.py`.

python docs/dtype_table.py           writes the page
python docs/dtype_table.py --check   ends with status 1 if the page is not what would be written
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the package beside this folder, installed or not

from cornu import dtypes  # noqa: E402

PAGE = ROOT / "docs" / "dtypes.md"
SHORT = {
    "bool": "b1", "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64", "int8": "i8", "int16": "i16", "int32": "i32",
    "int64": "i64", "float8_e4m3fn": "f8n", "float8_e5m2": "f8m", "bfloat16": "bf", "float16": "f16", "float32": "f32", "float64": "f64",
    "complex64": "c64", "complex128": "c128", "int*": "i*", "float*": "f*", "complex*": "c*",
}  # fmt: skip
TEXT = """# Dtypes: where two of them meet

Arrays of two dtypes that meet in an op are brought to one dtype first, in `cornu.ops`, by the rule below; the backends only ever see equal
dtypes, so the rule is the same on all of them. It is the lattice of JAX
([type promotion](https://docs.jax.dev/en/latest/type_promotion.html)): two integers meet in one that holds both, two floats in the wider one, an
integer never widens a float, and a Python number adopts the width of the array beside it.

Rows and columns are the two dtypes. `i*`, `f*` and `c*` are Python's `int`, `float` and `complex`, which are weak: they have a kind but no width.
Where the result itself is weak it becomes `int32`, `floatx` (`float32` unless set otherwise) or `complex64`. Python's `bool` counts as `b1`.

{table}

{legend}

Strings meet nothing but strings.

## What some ops do beside

- Ops with a fraction (`divide`, `exp`, `mean`, …) take integers and booleans as `floatx`.
- `matmul` and the like of two `int8` give `int32`; `sum` and `prod` of narrower integers and booleans
  give `int32`, of unsigned ones `uint32`.
- Positions (`argmax`, `argsort`, `top_k`, `searchsorted`, …) are `int32`.
- A Python integer that the dtype of the array beside it cannot hold (`300` beside `uint8`) is an error, not a wrapped number.
- JAX holds 32 bits at most unless `jax_enable_x64` is set: asked for `int64` or `float64` it gives `int32` or `float32`, and so does Cornu there.
- PyTorch lacks most arithmetic on `uint16`, `uint32` and `uint64`: Cornu goes by way of `int64` there, and comes back.

## Differences that are meant

- From JAX: where no integer is wide enough (`uint64` with a signed one), JAX gives its default float, Cornu the weak `f*`, which becomes `floatx`.
- From JAX and Keras: both refuse to bring `float8` together with other dtypes; here a Python number or an integer adopts it, and with any other
  float it meets in `float32`, or wider.
- From Keras 3.15 on JAX: without 64 bits its rule itself names the narrow dtype (`int64` with `int32` is `int32`); here the lattice names the wide one,
  and only the backend that lacks it narrows the array.
"""


def table() -> str:
    """The lattice as a Markdown table."""
    lines = ["| |" + "|".join(f" `{short}` " for short in SHORT.values()) + "|", "|---" * (len(SHORT) + 1) + "|"]
    for first, short in SHORT.items():
        met = (SHORT[dtypes.promote(first, second)] for second in SHORT)
        lines.append(f"| `{short}` | " + " | ".join(met) + " |")
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    names = ", ".join(f"`{short}` {name}" for name, short in SHORT.items() if not name.endswith("*"))
    return TEXT.format(table=table(), legend=textwrap.fill(f"Short for: {names}.", 140))


def main() -> int:
    """Writes, or compares."""
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
