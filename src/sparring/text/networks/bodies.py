"""What remembers the line so far: an LSTM, a relational memory, or a causal transformer.

All have one shape: ``(inputs (batch, length, inputs), state or None) -> (outputs (batch, length, width), state)``. A
whole line at once or one position after another gives the same numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

State = tuple[Tensor, ...]
HEADS = 4
SLOTS = 2  # of a relational memory


class RecurrentBody(nn.Module):
    """An LSTM (Hochreiter & Schmidhuber 1997); its forget gates begin open (Jozefowicz et al. 2015)."""

    def __init__(self, inputs: int, width: int, layers: int, length: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, width, layers, batch_first=True)
        for layer in range(layers):
            nn.init.ones_(getattr(self.lstm, f"bias_hh_l{layer}")[width : 2 * width])

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The outputs of the last layer, ``(batch, length, width)``, and its hidden and cell states."""
        outputs, state = self.lstm(inputs, state)
        return outputs, state


class RelationalMemory(nn.Module):
    """A relational memory (Santoro et al. 2018): slots that attend to each other and to what comes in, with the gates
    of an LSTM. One layer; ``width`` is that of all slots together."""

    def __init__(self, inputs: int, width: int, layers: int, length: int) -> None:
        super().__init__()
        self.slot = width // SLOTS
        self.enter = nn.Linear(inputs, self.slot)
        self.attend = nn.ModuleList(nn.Linear(self.slot, 3 * self.slot) for _ in range(layers))
        self.think = nn.ModuleList(ResidualLayers(self.slot) for _ in range(layers))
        self.gates_in = nn.Linear(self.slot, 2 * self.slot)
        self.gates_of = nn.Linear(self.slot, 2 * self.slot)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """All slots side by side after each position, ``(batch, length, width)``, and the memory
        ``(batch, slots, slot)``."""
        entered = self.enter(inputs)
        memory = self.empty(entered) if state is None else state[0]
        outputs = []
        for position in entered.unbind(1):
            memory = self.remember(memory, position[:, None])
            outputs.append(memory.flatten(1))
        return torch.stack(outputs, 1), (memory,)

    def empty(self, like: Tensor) -> Tensor:
        """Memories ``(batch, slots, slot)`` that differ by slot, so that slots can come to differ in what they hold."""
        return torch.eye(SLOTS, self.slot, device=like.device, dtype=like.dtype).expand(len(like), -1, -1)

    def remember(self, memory: Tensor, entered: Tensor) -> Tensor:
        """The memory ``(batch, slots, slot)`` after one more input ``(batch, 1, slot)``."""
        thought = memory
        for attend, think in zip(self.attend, self.think, strict=True):
            seen = torch.cat([thought, entered], 1)
            queries, keys, values = (split_heads(part) for part in attend(seen).chunk(3, 2))
            attended = scaled_dot_product_attention(queries[:, :, :SLOTS], keys, values)
            thought = think(thought + attended.transpose(1, 2).flatten(2))
        write, forget = (self.gates_in(entered) + self.gates_of(memory.tanh())).chunk(2, 2)
        kept: Tensor = (forget + 1).sigmoid() * memory + write.sigmoid() * thought.tanh()
        return kept


class ResidualLayers(nn.Module):
    """Layer norm, two linear layers on a residual path, layer norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs of the shape of the inputs, ``(batch, slots, width)``."""
        normed = self.before(inputs)
        thought: Tensor = self.after(normed + self.layers(normed))
        return thought


class CausalTransformer(nn.Module):
    """A causal transformer with the norm first (Vaswani et al. 2017; Xiong et al. 2020), up to ``length`` long. Its
    state holds the keys and values of the positions so far."""

    def __init__(self, inputs: int, width: int, layers: int, length: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.positions = nn.Parameter(0.02 * torch.randn(length, width))
        self.layers = nn.ModuleList(TransformerLayer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The outputs of the last layer, ``(batch, length, width)``, and the state of each layer."""
        past = (None,) * len(self.layers) if state is None else state
        begun = 0 if state is None else state[0].shape[3]
        outputs = self.enter(inputs) + self.positions[begun : begun + inputs.shape[1]]
        known = []
        for layer, before in zip(self.layers, past, strict=True):
            outputs, now = layer(outputs, before)
            known.append(now)
        return self.norm(outputs), tuple(known)


class TransformerLayer(nn.Module):
    """One layer of a transformer: causal attention, then two linear layers, each on a residual path behind a layer
    norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attend, self.leave = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, inputs: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Outputs ``(batch, length, width)`` of inputs of that shape; ``past`` and what it becomes are keys and values
        ``(2, batch, heads, positions, width / heads)``."""
        queries, keys, values = (split_heads(part) for part in self.attend(self.first(inputs)).chunk(3, 2))
        known = torch.stack([keys, values])
        if past is not None:
            known = torch.cat([past, known], 3)
        new, positions = inputs.shape[1], known.shape[3]
        allowed = torch.ones(new, positions, dtype=torch.bool, device=inputs.device).tril(positions - new)
        attended = scaled_dot_product_attention(queries, known[0], known[1], attn_mask=allowed)
        inputs = inputs + self.leave(attended.transpose(1, 2).flatten(2))
        return inputs + self.layers(self.second(inputs)), known


def split_heads(values: Tensor) -> Tensor:
    """``(batch, length, width)`` parted into ``(batch, heads, length, width / heads)``."""
    return values.view(*values.shape[:2], HEADS, -1).transpose(1, 2)


BODIES = {"lstm": RecurrentBody, "memory": RelationalMemory, "transformer": CausalTransformer}
