"""Times training steps in PyTorch: the same work as bench/mlp.nn and bench/cnn.nn.

usage: torch_step.py mlp|cnn [ROUNDS [STEPS]]       prints a line per round, as bench/step does
"""
import sys
import time

import torch
from torch import nn

torch.set_num_threads(2)
torch.manual_seed(1)
which, rounds, steps = sys.argv[1], int((sys.argv + ["5"])[2]) if len(sys.argv) > 2 else 5, int(sys.argv[3]) if len(sys.argv) > 3 else 50

if which == "mlp":
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
else:
    net = nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))

images = torch.randint(0, 256, (4096, 28, 28), dtype=torch.uint8)
labels = torch.randint(0, 10, (4096,))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
cross_entropy = nn.CrossEntropyLoss()


def step(i):
    at = (i * 128) % 4096
    x = images[at:at + 128].float() / 255
    optimizer.zero_grad(set_to_none=True)
    loss = cross_entropy(net(x), labels[at:at + 128])
    loss.backward()
    optimizer.step()
    return loss.item()


for r in range(rounds + 1):
    start = time.perf_counter()
    for i in range(steps):
        step(r * steps + i)
    if r > 0:
        print(f"step {(time.perf_counter() - start) * 1e3 / steps:.4f} ms", flush=True)
