"""Weights of torchvision's networks in those of examples/: the same numbers go in, so the same logits must come out.

    python3 tests/golden/torchvision_weights.py build/nacre [NETWORK…]
    python3 tests/golden/torchvision_weights.py --names >tests/golden/torchvision_names.txt     # for check_maps

Needs torchvision, safetensors and numpy. Starting values are random and so are the running statistics of the norms, for a
fresh network has means of 0 and would not tell whether they were taken over."""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
SIZE = {"alexnet": 224, "vgg11": 224, "resnet18": 96, "resnet50": 96, "mobilenet_v2": 96, "efficientnet_b0": 96}


def network(name):
    torch.manual_seed(1)
    net = getattr(torchvision.models, name)(weights=None).eval()
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(m.weight, 0.25, 0.75)
            torch.nn.init.normal_(m.bias, 0, 0.1)
    return net


def compare(nacre, name, folder):
    net, size = network(name), SIZE[name]
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, f"{folder}/{name}.safetensors")
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        want = net(x).numpy()
    np.save(f"{folder}/x.npy", x.numpy())
    with open(f"{folder}/{name}.nn", "w") as f:
        f.write(f"""nn 1
import "{EXAMPLES}/{name}.nn" as zoo
weights theirs = safetensors("{folder}/{name}.safetensors", names = "torchvision")
model whole(x: f32[B, 3, {size}, {size}]) -> f32[B, 1000] {{ x |> zoo.{name}() as net from theirs }}
task logits(x: f32[N, 3, {size}, {size}]) -> f32[N, 1000] {{ whole(x) }}
""")
    subprocess.run([nacre, "run", f"{folder}/{name}.nn", "logits", "--x", f"{folder}/x.npy", "-o", f"{folder}/y.npy",
                    "--quiet"], check=True)
    got = np.load(f"{folder}/y.npy")
    most, apart = np.abs(want).max(), np.abs(got - want).max()
    print(f"{name:16} largest logit {most:8.4f}, largest difference {apart:.2e}, relative {apart / most:.2e}", flush=True)
    return apart <= 1e-3 * max(1, most)


def names():
    for name in SIZE:
        print(f"network {name}")
        for k, v in network(name).state_dict().items():
            if not k.endswith("num_batches_tracked"):
                print(k, "x".join(map(str, v.shape)))


if __name__ == "__main__":
    if sys.argv[1] == "--names":
        sys.exit(names())
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if all([compare(sys.argv[1], n, folder) for n in sys.argv[2:] or SIZE]) else 1)
