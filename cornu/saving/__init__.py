"""Files: whole models, weights, and what keeps them whole and harmless.

    model.save("model.keras")
    model = cornu.saving.load_model("model.keras")

The layout is Keras's own, both ways. A class or a function of the user's must be registered, or passed as `custom_objects`:

    @cornu.saving.register_keras_serializable(package="mine")
    class Scale(cornu.Layer): ...
"""

from cornu.registry import register as register_keras_serializable
from cornu.saving.editor import KerasFileEditor
from cornu.saving.model_file import load_model, load_weights, save_model, save_weights
from cornu.saving.objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
)
from cornu.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope", "KerasFileEditor", "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "get_registered_name",
    "get_registered_object", "load_model", "load_weights", "register_keras_serializable", "save_model", "save_weights",
    "serialize_keras_object",
]  # fmt: skip
