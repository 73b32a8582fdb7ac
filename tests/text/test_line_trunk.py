"""What a fresh discriminator reads of a line does not depend on the lines beside it."""

from __future__ import annotations

import torch

from sparring.text.networks.trunk import LineTrunk
from sparring.text.samples import as_characters


def test_features_of_a_line_are_its_own() -> None:
    torch.manual_seed(0)
    trunk = LineTrunk().eval()
    alone = trunk(as_characters(["ab"]))
    beside = trunk(as_characters(["ab", "x" * 60, ""]))
    torch.testing.assert_close(beside[:1], alone)
    assert (beside[:2].diff(dim=0).abs() > 1e-3).any()
    torch.testing.assert_close(trunk(as_characters([""])), beside[2:])
