"""The golden losses of tests/check_train.c, mlp.losses and cnn.losses: 20 training steps on pictures like digits.

Weights and pictures come from formulas that the test computes too, so the files hold nothing but losses:
parameter number p (in order: weight, bias, weight, …), element i: scale * sin(12.9898 i + p), where scale is
1/sqrt(fan in) for weights and 0.01 for biases; pixel i: (i * 7919 mod 251), dimmed to a tenth outside the class's stripe.
"""
import math
import os

import torch
from torch import nn

N = 32


def formula(shape, p, scale):
    n = math.prod(shape)
    return torch.tensor([scale * math.sin(12.9898 * i + p) for i in range(n)], dtype=torch.float64).float().reshape(shape)


def pixel(i):
    example, row = i // 784, i % 784 // 28
    v = i * 7919 % 251
    return v if row // 2 == example % 10 else v // 10


def write(folder):
    images = torch.tensor([pixel(i) for i in range(N * 784)], dtype=torch.uint8).reshape(N, 28, 28)
    labels = torch.arange(N) % 10
    nets = {
        "mlp": nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
        "cnn": nn.Sequential(
            nn.Unflatten(1, (1, 28)),
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10)),
    }
    for name, net in nets.items():
        with torch.no_grad():
            for p, w in enumerate(net.parameters()):
                fan_in = math.prod(w.shape[1:])
                w.copy_(formula(w.shape, p, 1 / math.sqrt(fan_in) if w.dim() > 1 else 0.01))
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        with open(os.path.join(folder, name + ".losses"), "w") as out:
            out.write(f"# PyTorch {torch.__version__}, float32, made by make_golden.py\n")
            for _ in range(20):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(images.float() / 255), labels)
                loss.backward()
                optimizer.step()
                out.write(f"{loss.item():.9g}\n")
