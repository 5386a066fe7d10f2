"""The loop one writes by hand in torch: eager modules, fused Adam, sums kept as tensors until the epoch ends."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..workloads import EPSILON, LEARNING_RATE, SEED, Workload
from .torch_models import model


def _tensor(x: np.ndarray) -> Tensor:
    """The array as a tensor without a copy, an image's channels seen first."""
    tensor = torch.from_numpy(x)
    return tensor.permute(0, 3, 1, 2) if x.ndim == 4 else tensor


class TorchLoop:
    """An eager module, one fused Adam, two running sums."""

    def prepare(self, workload: Workload, x: np.ndarray, y: np.ndarray) -> None:
        self.batch, self.binary = workload.batch, workload.classes == 1
        self.x, self.y = _tensor(x), torch.from_numpy(y if self.binary else y.astype(np.int64))
        self.row = x[:1]
        self.rng = np.random.default_rng(SEED)
        self.module = model(workload)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=LEARNING_RATE, eps=EPSILON, fused=True)

    def one_step(self) -> float:
        return self._run(np.arange(self.batch))[0]

    def epoch(self) -> tuple[float, float]:
        return self._run(self.rng.permutation(len(self.x)))

    def predict_row(self) -> np.ndarray:
        self.module.eval()
        with torch.inference_mode():
            return self.module(_tensor(self.row)).numpy()

    def _run(self, order: np.ndarray) -> tuple[float, float]:
        self.module.train()
        indices = torch.from_numpy(order)
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for start in range(0, len(order), self.batch):
            index = indices[start : start + self.batch]
            loss, right = self._train_step(self.x[index], self.y[index])
            loss_sum += loss
            correct += right
        return float(loss_sum) * self.batch / len(order), float(correct) / len(order)

    def _train_step(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self.optimizer.zero_grad()
        logits = self.module(x)
        loss = F.binary_cross_entropy_with_logits(logits, y) if self.binary else F.cross_entropy(logits, y)
        loss.backward()
        self.optimizer.step()
        right = (logits > 0) == (y > 0) if self.binary else logits.argmax(-1) == y
        return loss.detach(), right.sum()
