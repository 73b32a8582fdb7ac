"""A step of any game, turn by turn, without a trainer."""

from __future__ import annotations

from collections.abc import Iterator

from sparring.core.averaging import frozen
from sparring.core.game import Game, Step, Turn


def played(game: Game, step: Step) -> Iterator[Turn]:
    """Each turn after its backward pass; then its mover moves."""
    for turn in game.turns(step):
        with frozen(game.players, turn.mover):
            loss = turn.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        yield turn
        game.players[turn.mover].move(0.001, (0.0, 0.99))
        game.players[turn.mover].optimizer.zero_grad(set_to_none=True)
