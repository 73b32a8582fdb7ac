"""The generator: a conditional language model, which makes a line token by token under a label.

The embeddings of the tokens are shared by input and output (Press & Wolf 2017); the label's embedding is given at every
position, so that it cannot be forgotten on the way; dropout has one mask for all positions of a line (Gal & Ghahramani
2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.text.networks.bodies import BODIES, State
from sparring.text.networks.likelihood import log_likelihood
from sparring.text.vocabulary import END, PAD, START

NEVER = (PAD, START)  # tokens that are never generated


class TextGenerator(nn.Module):
    """A model of lines ``(batch, length)`` of tokens' numbers, each ending with END and filled up with PAD.

    ``tokens`` and ``labels`` are how many there are, ``length`` is the longest line, ``body`` one of ``BODIES``.
    ``valued`` adds a linear layer that predicts returns, the baseline of policy gradients; ``blank`` are the tokens of
    nothing but white space.
    """

    never: Tensor
    never_first: Tensor

    def __init__(
        self,
        *,
        tokens: int,
        labels: int,
        length: int,
        body: str,
        embedding: int,
        width: int,
        layers: int,
        dropout: float,
        valued: bool,
        blank: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.vectors = nn.Embedding(tokens, embedding)
        self.labels = nn.Embedding(labels, embedding) if labels else None
        self.body = BODIES[body](embedding * (2 if labels else 1), width, layers, length)
        self.leave = nn.Linear(width, embedding)
        self.bias = nn.Parameter(torch.zeros(tokens))
        self.value = nn.Linear(width, 1) if valued else None
        self.dropout = dropout
        nn.init.normal_(self.vectors.weight, 0.0, embedding**-0.5)
        never = torch.zeros(tokens)
        never[list(NEVER)] = -torch.inf
        self.register_buffer("never", never, persistent=False)
        never_first = torch.zeros(tokens)
        never_first[[END, *blank]] = -torch.inf
        self.register_buffer("never_first", never_first, persistent=False)

    def forward(self, lines: Tensor, labels: Tensor | None, state: State | None = None) -> tuple[Tensor, State]:
        """The hidden states after tokens ``(batch, length)`` under labels ``(batch,)``, ``(batch, length, width)``, and
        the body's state, from which the next tokens go on."""
        inputs = locked(self.vectors(lines), self.dropout, self.training)
        if self.labels is not None:
            inputs = torch.cat([inputs, self.labels(labels)[:, None].expand(inputs.shape)], 2)
        hidden, state = self.body(inputs, state)
        return locked(hidden, self.dropout, self.training), state

    def logits(self, hidden: Tensor) -> Tensor:
        """The logits of the next token, float32 ``(..., tokens)``, from hidden states ``(..., width)``."""
        logits: Tensor = self.leave(hidden) @ self.vectors.weight.T
        return logits.float() + self.bias + self.never

    def hidden_before(self, lines: Tensor, labels: Tensor | None) -> Tensor:
        """The hidden state before each token of whole lines ``(batch, length)``, ``(batch, length, width)``."""
        hidden: Tensor = self(after_start(lines), labels)[0]
        return hidden

    def first_logits(self, hidden: Tensor) -> Tensor:
        """The logits of the first token ``(..., tokens)``, from hidden states ``(..., width)``, where no line may be
        empty or begin with white space, as none does that is read."""
        return self.logits(hidden) + self.never_first

    def log_likelihoods(self, lines: Tensor, labels: Tensor | None, *, empty: bool = True) -> Tensor:
        """The log-likelihood of each token of lines ``(batch, length)`` given those before it, in nats, float32
        ``(batch, length)``; 0 where a line is over. Without ``empty`` they are those of :meth:`first_logits`."""
        there = lines != PAD  # what is over need not be computed
        hidden = self.hidden_before(lines, labels)
        chosen = self.token_log_likelihoods(hidden[there], lines[there])
        found = torch.zeros(lines.shape, device=lines.device).masked_scatter(there, chosen)
        if not empty:
            found[:, :1] = self.first_logits(hidden[:, 0]).log_softmax(1).gather(1, lines[:, :1])
        return found

    def token_log_likelihoods(self, hidden: Tensor, chosen: Tensor) -> Tensor:
        """The log-likelihoods of tokens ``chosen`` ``(n,)`` after hidden states ``(n, width)``, in nats, float32
        ``(n,)``."""
        return log_likelihood(self.leave(hidden), self.vectors.weight, self.bias + self.never, chosen)


def after_start(lines: Tensor) -> Tensor:
    """The token before each token of lines ``(batch, length)``, of the first ones START, ``(batch, length)``."""
    return torch.cat([torch.full_like(lines[:, :1], START), lines[:, :-1]], 1)


def locked(values: Tensor, share: float, training: bool) -> Tensor:
    """Dropout of whole channels of ``(batch, length, channels)``, of this shape: one mask for all positions."""
    if not share or not training:
        return values
    mask = torch.rand(len(values), 1, values.shape[2], device=values.device) >= share
    return values * mask / (1 - share)
