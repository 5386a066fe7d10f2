"""Distillation: a small model learns from a large one, besides from the labels."""

from cornu.distillation.distiller import Distiller
from cornu.distillation.loss import DistillationLoss, FeatureDistillation, LogitsDistillation

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]
