"""A round of any game, turn by turn, without a trainer."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from sparring.core.game import Game, Round, Turn
from sparring.core.trainer import Trainer


def played(game: Game, round: Round) -> Iterator[Turn]:
    """Each turn after its backward pass; then its mover moves."""
    for turn in game.turns(round):
        with Trainer.only(SimpleNamespace(game=game), turn.mover):  # type: ignore[arg-type]
            loss = turn.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        yield turn
        game.players[turn.mover].move(0.001, (0.0, 0.99))
        game.players[turn.mover].optimizer.zero_grad(set_to_none=True)
