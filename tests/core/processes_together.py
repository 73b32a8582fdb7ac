"""What two processes do together: started twice by test_processes.py, each prints what it ended up with as JSON."""

import json
import os

import torch
from torch import Tensor, nn

from sparring.core import processes

CPU = torch.device("cpu")


def gradients(network: nn.Module, share: Tensor) -> list[list[float]]:
    network.zero_grad()
    network(share).square().mean().backward()
    processes.average_gradients(network.parameters())
    return [weight.grad.flatten().tolist() for weight in network.parameters() if weight.grad is not None]


def main() -> None:
    rank = int(os.environ["RANK"])
    with processes.joined("cpu") as ours, processes.joined("cpu") as again:
        torch.manual_seed(0)
        network, examples = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(8, 3)
        network.register_parameter("unused", nn.Parameter(torch.ones(5)))
        report = {
            "who": [ours.rank, ours.count, ours.local_rank, ours.first, ours == again],
            "part": [ours.part(8).start, ours.part(8).stop],
            "gradients": gradients(network, examples[ours.part(8)]),
            "alone": [rank, processes.is_first()],
            "any": [processes.any_of(flag, CPU) for flag in (False, rank == 1, rank == 0, True)],
            "mean": processes.mean(torch.tensor([float(rank), 4.0])).tolist(),
            "from_first": processes.from_first({"from": rank, "path": "runs/a"}),
        }
        processes.wait()
    report["left"] = processes.together()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
