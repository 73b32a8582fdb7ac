"""A language model's loop as a careful PyTorch tutorial would write it: what Sparring's pretraining is compared with.

A DataLoader of lines padded to the longest, an LSTM cell stepped from token to token, logits of all tokens at every
position, cross-entropy that ignores the padding, clipped gradients, Adam, and a running average of the weights.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout
from torch.utils.data import DataLoader, TensorDataset


class Cells(nn.Module):
    """The network: tied embeddings, the label beside every token, one LSTM cell, dropout with one mask a line."""

    def __init__(self, tokens: int, labels: int, embedding: int, width: int, share: float, start: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(tokens, embedding)
        self.labels = nn.Embedding(labels, embedding)
        self.cell = nn.LSTMCell(2 * embedding, width)
        self.leave = nn.Linear(width, embedding)
        self.bias = nn.Parameter(torch.zeros(tokens))
        self.share, self.start, self.width = share, start, width
        nn.init.normal_(self.vectors.weight, 0.0, embedding**-0.5)

    def forward(self, lines: Tensor, labels: Tensor) -> Tensor:
        """Logits ``(batch, length, tokens)`` of each token of ``lines`` ``(batch, length)`` from those before it, under
        ``labels`` ``(batch,)``."""
        label = self.labels(labels)
        mask_in = dropout(torch.ones_like(label), self.share)
        mask_out = dropout(label.new_ones(len(lines), self.width), self.share)
        hidden = cell = label.new_zeros(len(lines), self.width)
        tokens, logits = torch.full_like(lines[:, 0], self.start), []
        for position in range(lines.shape[1]):
            hidden, cell = self.cell(torch.cat([self.vectors(tokens) * mask_in, label], 1), (hidden, cell))
            logits.append(self.leave(hidden * mask_out) @ self.vectors.weight.T + self.bias)
            tokens = lines[:, position]
        return torch.stack(logits, 1)


class TextbookText:
    """Lines ``(count, length)`` int64, padded with ``padding``, and labels ``(count,)``."""

    def __init__(
        self,
        network: Cells,
        lines: Tensor,
        labels: Tensor,
        *,
        padding: int,
        batch: int,
        learning_rate: float,
        clip_gradients: float,
        average_half_life: float,
        device: torch.device,
    ) -> None:
        self.network, self.average = network.to(device), copy.deepcopy(network)
        self.padding, self.clip_gradients, self.device = padding, clip_gradients, device
        self.decay = 0.5 ** (batch / average_half_life)
        self.loader = DataLoader(TensorDataset(lines, labels), batch, shuffle=True, drop_last=True)
        self.batches: Iterator[list[Tensor]] = iter(self.loader)
        self.optimizer = torch.optim.Adam(network.parameters(), learning_rate, betas=(0.9, 0.999))

    def play(self, steps: int) -> None:
        """Train for that many steps."""
        for _ in range(steps):
            lines, labels = self.next_batch()
            self.optimizer.zero_grad()
            logits = self.network(lines, labels)
            loss = cross_entropy(logits.flatten(0, 1), lines.flatten(), ignore_index=self.padding)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_gradients)
            self.optimizer.step()
            with torch.no_grad():
                for average, weight in zip(self.average.parameters(), self.network.parameters(), strict=True):
                    average.lerp_(weight, 1 - self.decay)

    def next_batch(self) -> list[Tensor]:
        """The next lines ``(batch, length)`` and labels ``(batch,)``, for ever."""
        batch = next(self.batches, None)
        if batch is None:
            self.batches = iter(self.loader)
            batch = next(self.batches)
        return [values.to(self.device) for values in batch]
