"""The loop one writes by hand in torch: eager modules, fused Adam, sums kept as tensors until the epoch ends."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..workloads import EPSILON, LEARNING_RATE, SEED, Workload, initial_weights


class _LastState(nn.Module):
    """An LSTM that returns its last output only."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, units, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0][:, -1]


class _GlobalAverage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def _module(name: str) -> nn.Sequential:
    relu = nn.ReLU
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), relu(), nn.Linear(512, 512), relu(), nn.Linear(512, 10))
    if name == "small_mlp":
        return nn.Sequential(nn.Linear(784, 32), relu(), nn.Linear(32, 10))
    if name == "cnn":
        head = (nn.Flatten(), nn.Linear(32 * 13 * 13, 128), relu(), nn.Linear(128, 10))
        return nn.Sequential(nn.Conv2d(1, 32, 3), relu(), nn.MaxPool2d(2), *head)
    if name == "cnn2":
        body = (nn.Conv2d(3, 64, 3), relu(), nn.Conv2d(64, 64, 3), relu(), nn.MaxPool2d(2), nn.Conv2d(64, 128, 3), relu())
        return nn.Sequential(*body, _GlobalAverage(), nn.Linear(128, 10))
    if name == "lstm":
        return nn.Sequential(nn.Embedding(5000, 32), _LastState(32, 32), nn.Linear(32, 1))
    raise KeyError(name)


def _load(module: nn.Sequential, weights: list[np.ndarray]) -> None:
    """Copy weights of Keras's layout into torch's. torch's LSTM has a second bias, which is left at 0."""
    remaining = iter(weights)
    embeddings = {layer.weight for layer in module if isinstance(layer, nn.Embedding)}
    channels = 0  # of the convolution before: torch lists its flattened output channels first
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            weight = np.zeros(parameter.shape, np.float32) if "bias_hh" in name else next(remaining)
            if weight.ndim == 4:
                channels, weight = weight.shape[-1], weight.transpose(3, 2, 0, 1)
            elif weight.ndim == 2 and parameter not in embeddings:
                if channels and len(weight) > channels:
                    weight = weight.reshape(-1, channels, weight.shape[1]).swapaxes(0, 1).reshape(weight.shape)
                channels, weight = 0, weight.T
            parameter.copy_(torch.from_numpy(weight.copy()))


def _tensor(x: np.ndarray) -> Tensor:
    """The array as a tensor without a copy, an image's channels seen first."""
    tensor = torch.from_numpy(x)
    return tensor.permute(0, 3, 1, 2) if x.ndim == 4 else tensor


class TorchLoop:
    """Images are seen channels first, as torch has it, and lie channels last in memory: measured 8 to 15 % faster here than the default."""

    def prepare(self, workload: Workload, x: np.ndarray, y: np.ndarray) -> None:
        self.batch, self.binary = workload.batch, workload.classes == 1
        self.x, self.y = _tensor(x), torch.from_numpy(y if self.binary else y.astype(np.int64))
        self.row = x[:1]
        self.rng = np.random.default_rng(SEED)
        self.module = _module(workload.name).to(memory_format=torch.channels_last)
        _load(self.module, initial_weights(workload))
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=LEARNING_RATE, eps=EPSILON, fused=True)

    def one_step(self) -> float:
        return self._run(np.arange(self.batch))[0]

    def epoch(self) -> tuple[float, float]:
        return self._run(self.rng.permutation(len(self.x)))

    def predict_row(self) -> np.ndarray:
        with torch.inference_mode():
            return self.module(_tensor(self.row)).numpy()

    def _run(self, order: np.ndarray) -> tuple[float, float]:
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
