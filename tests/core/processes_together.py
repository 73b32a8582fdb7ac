"""What two processes do together: started twice by test_processes.py, each prints what it ended up with as JSON."""

import json
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.core import processes

CPU = torch.device("cpu")


def gradients(network: nn.Module, share: Tensor) -> list[list[float]]:
    network.zero_grad()
    network(share).square().mean().backward()
    processes.average_gradients(network.parameters())
    return [weight.grad.flatten().tolist() for weight in network.parameters() if weight.grad is not None]


def threads() -> list[str]:
    """The names of this process's threads, those of libraries too; none where the system does not tell."""
    return [(task / "comm").read_text().strip() for task in Path("/proc/self/task").glob("*")]


def main() -> None:
    rank = int(os.environ["RANK"])
    with processes.distributed("cpu") as ours, processes.distributed("cpu") as again:
        torch.manual_seed(0)
        network, examples = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(8, 3)
        torch.optim.AdamW(network.parameters())  # imports what would keep the group alive
        network.register_parameter("unused", nn.Parameter(torch.ones(5)))
        report = {
            "who": [ours.rank, ours.world_size, ours.local_rank, ours.first, ours == again],
            "part": [ours.part(8).start, ours.part(8).stop],
            "gradients": gradients(network, examples[ours.part(8)]),
            "alone": [rank, processes.is_first()],
            "any": [processes.any_over(flag, CPU) for flag in (False, rank == 1, rank == 0, True)],
            "latest": processes.max_over(10.0 + rank, CPU),
            "mean": processes.mean(torch.tensor([float(rank), 4.0])).tolist(),
            "rows": processes.all_gather(torch.tensor([[rank, 7], [rank, 8]])).tolist(),
            "from_first": processes.broadcast({"from": rank, "path": "runs/a"}),
        }
        processes.barrier()
    report["left"] = processes.is_distributed()
    report["threads"] = [name for name in threads() if "gloo" in name]
    print(json.dumps(report))


if __name__ == "__main__":
    main()
