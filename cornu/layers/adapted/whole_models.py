"""Quantising the layers of a model, and what its file must know of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cornu import ops
from cornu.dtype_policies.quantized import PartsDTypePolicy
from cornu.errors import ArgumentError, NotBuiltError
from cornu.layers import tracking
from cornu.layers.adapted.adaptation import Adaptation
from cornu.layers.adapted.adapting import OF_PRODUCTS, keep_quantized, quantize
from cornu.layers.adapted.grouped import Calibrated, check_one_matrix, input_rows
from cornu.quantizers import AWQConfig, GPTQConfig, QuantizationConfig
from cornu.quantizers.calibration_data import calibration_samples
from cornu.quantizers.configs import validate
from cornu.quantizers.groups import Moments

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["quantize_layers"]

BATCH = 32
"""How many samples go through a block at a time."""


class Member(NamedTuple):
    """A layer in a model, and the layers around it, outermost first, whose configurations do not hold its own."""

    layer: Layer
    around: tuple[Layer, ...]


def quantize_layers(model: Any, mode: str | None, config: Any, filters: Any, *, type_check: bool) -> None:
    """Quantises each layer within that can be; see `Model.quantize`."""
    found = validate(mode, config)
    if not model.built:
        raise NotBuiltError(f"Only a built model has weights to quantise, and {model.name!r} is not built. Call it on data first.")
    wanted = _wanted(model, found, filters, type_check=type_check)
    if isinstance(found, GPTQConfig | AWQConfig):
        done = _calibrate(_structure(model, found), found, {id(member.layer) for member in wanted})
        wanted = [member for member in wanted if id(member.layer) in done]
    else:
        for member in wanted:
            quantize(member.layer, None, found)
    for member in wanted:
        _tell_holders(member)


def _wanted(model: Any, config: QuantizationConfig, filters: Any, *, type_check: bool) -> list[Member]:
    """The layers that are to be quantised."""
    chosen = _filter(filters)
    found = [member for member in _members(model) if _can_be(member.layer, config) and chosen(member.layer)]
    again = [member.layer.name for member in found if member.layer.quantization_mode is not None]
    if again:
        raise ArgumentError(f"The layers {again[:5]} of {model.name!r} are quantised already; leave them out with `filters`.")
    foreign = [member.layer.name for member in found if type_check and not type(member.layer).__module__.startswith("cornu.")]
    if foreign:
        warnings.warn(
            f"The layers {foreign[:5]} are of classes of their own, which may compute otherwise than their bases, and stay floats. "
            "Quantise them with `type_check=False`.",
            stacklevel=4,
        )
    return [member for member in found if member.layer.name not in foreign]


def _can_be(layer: Layer, config: QuantizationConfig) -> bool:
    adaptable = layer._adaptable_
    return adaptable is not None and adaptable.places is not None and layer.built and (adaptable.product or config.mode not in OF_PRODUCTS)


def _members(model: Any) -> list[Member]:
    """All layers within, each once."""
    found: dict[int, Member] = {}

    def visit(holder: Layer, around: tuple[Layer, ...]) -> None:
        given = {id(v) for v in map(vars(holder).get, holder._config_names_())}
        for layer in tracking.sublayers(holder):
            if id(layer) not in found:
                silent = () if id(layer) in given else around
                found[id(layer)] = Member(layer, silent)
                visit(layer, () if hasattr(layer, "layers") else (*silent, layer))

    visit(model, ())
    return list(found.values())


def _filter(filters: Any) -> Callable[[Layer], bool]:
    """Whether a layer is meant: by regular expressions found in its name, or by a function of it."""
    if filters is None:
        return lambda layer: True
    if callable(filters):
        return lambda layer: bool(filters(layer))
    patterns: Sequence[str] = [filters] if isinstance(filters, str) else list(filters)
    return lambda layer: any(re.search(pattern, layer.name) for pattern in patterns)


def _tell_holders(member: Member) -> None:
    """Has the policies of the layers around hold that of the layer, which it takes from them when they are made again by a configuration.

    Its path is then as long as the layers around it are being built, or as short as its name: they hold all of them.
    """
    names = [layer.name for layer in (*member.around, member.layer)]
    for i, holder in enumerate(member.around):
        policy = holder.dtype_policy
        known = policy.parts if isinstance(policy, PartsDTypePolicy) else {}
        paths = ["/".join(names[start:]) for start in range(i, len(names))]
        holder.dtype_policy = PartsDTypePolicy(policy.name, {**dict.fromkeys(paths, member.layer.dtype_policy), **known})


# --- what looks at data -----------------------------------------------------------------------------------------------


def _structure(model: Any, config: Calibrated) -> tuple[list[Layer], list[Layer]]:
    """The layers that come before the blocks, and the blocks."""
    given = config.quantization_layer_structure
    structure = model.get_quantization_layer_structure(config.mode) if given is None else given
    if not isinstance(structure, dict) or not {"pre_block_layers", "sequential_blocks"} <= set(structure):
        raise ArgumentError(
            f"The mode {config.mode!r} needs a dict of 'pre_block_layers' and 'sequential_blocks', as `quantization_layer_structure` of the "
            f"configuration or from the model's `get_quantization_layer_structure`; got {structure!r} for {model.name!r}."
        )
    return list(structure["pre_block_layers"] or []), list(structure["sequential_blocks"])


def _calibrate(structure: tuple[list[Layer], list[Layer]], config: Calibrated, wanted: Collection[int]) -> set[int]:
    """Quantises block after block: a block sees what those before it give by then. Gives the ids of the layers that are done."""
    before, blocks = structure
    samples = calibration_samples(config)
    batches: list[Any] = [samples[i : i + BATCH] for i in range(0, len(samples), BATCH)]
    for layer in before:
        batches = [layer(x) for x in batches]
    done: set[int] = set()
    for block in blocks:
        layers = [layer for layer in tracking.walk(block) if id(layer) in wanted and id(layer) not in done]
        with _recorded(block, layers) as recorders:
            for x in batches:
                block(x)
        for recorder in recorders:
            keep_quantized(recorder.layer, config, recorder.moments)
            done.add(id(recorder.layer))
        _forget_plans(block)
        batches = [block(x) for x in batches]
    return done


class Recorder(Adaptation):
    """Stands around a layer's call for a while, and keeps the moments of its inputs."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.layer, self.before = layer, layer._adaptation_
        (place,) = layer._adaptable_.places(layer)
        check_one_matrix(layer, place.letters)
        self.letters = place.letters
        self.moments = Moments(int(np.prod([layer.kernel.shape[place.letters.kernel.index(c)] for c in place.letters.summed])))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's call, once its inputs are counted."""
        x = args[0] if args else kwargs["inputs"]
        self.moments.add(input_rows(ops.cast(x, "float32"), self.letters))
        return (self.layer if self.before is None else self.before).call(*args, **kwargs)


@contextmanager
def _recorded(block: Layer, layers: Sequence[Layer]) -> Iterator[list[Recorder]]:
    """Within, the inputs of these layers of a block are looked at."""
    recorders = [Recorder(layer) for layer in layers]
    for recorder in recorders:
        recorder.layer._adaptation_ = recorder
    _forget_plans(block)
    try:
        yield recorders
    finally:
        for recorder in recorders:
            recorder.layer._adaptation_ = recorder.before
        _forget_plans(block)


def _forget_plans(block: Layer) -> None:
    """Has the models within a block make their plans anew."""
    for layer in tracking.walk(block):
        forget: Callable[[], None] | None = getattr(layer, "_forget_programs_", None)
        if forget is not None:
            forget()
