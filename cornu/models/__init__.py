"""Models: from a graph, from a stack of layers, or by a subclass."""

from cornu.models.clone import clone_model
from cornu.models.config import model_from_json
from cornu.models.function import Function
from cornu.models.model import Model
from cornu.models.sequential import Sequential
from cornu.saving.model_file import load_model, save_model

__all__ = ["Function", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
