"""What the tables of cases are written with. A family of cases gives two files: FAMILY.nn, a model for each case, and
FAMILY.safetensors, its inputs, weights and what PyTorch makes of them in double precision:

    CASE/x …           inputs by name                        CASE/p/PATH        weights by the paths of Nacre
    CASE/y[/NAME]      outputs                               CASE/d/x …         gradients of sum(output * cotangent)
    CASE/dp/PATH       gradients toward the weights          CASE/loss          the losses of the first training steps
    CASE/state/PATH    states after each of those steps

Element i of an output's cotangent is sin(1 + 1.3 i). Everything is stored in single precision; inputs and weights are
rounded to it before anything is computed, so that what is stored is what was computed with.
"""
import json
import math
import zlib

import torch

torch.set_num_threads(1)
STEPS = 5


# ---- values: a shape and a generator become a tensor

def f(*shape, scale=1.0, shift=0.0):
    """Normally distributed numbers."""
    return lambda g: (torch.randn(shape, generator=g, dtype=torch.float64) * scale + shift).float().double()


def between(lo, hi, *shape):
    return lambda g: (torch.rand(shape, generator=g, dtype=torch.float64) * (hi - lo) + lo).float().double()


def ints(high, *shape, low=0):
    return lambda g: torch.randint(low, high, shape, generator=g, dtype=torch.int32)


def probabilities(*shape):
    return lambda g: torch.softmax(torch.randn(shape, generator=g, dtype=torch.float64), -1).float().double()


def given(*numbers):
    t = torch.tensor(numbers)
    return lambda g: t.double() if t.is_floating_point() else t.int()


# ---- cases

class Family:
    def __init__(self, name, about):
        self.name, self.about, self.text, self.tensor, self.meta = name, about, [], {}, {}

    def draw(self, name, shapes):
        """Equal names give equal numbers, whatever else is in the table."""
        g = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        return {k: (f(*v, scale=0.5) if isinstance(v, tuple) else v)(g) for k, v in shapes.items()}

    def leaves(self, case, inputs, params):
        x, p = self.draw(case, inputs), self.draw(case + " weights", params)
        for t in [*x.values(), *p.values()]:
            if t.is_floating_point():
                t.requires_grad_()
        self.put({f"{case}/{k}": t for k, t in x.items()})
        self.put({f"{case}/p/{k}": t for k, t in p.items()})
        return x, p

    def put(self, tensors):
        for k, t in tensors.items():
            assert k not in self.tensor, k
            self.tensor[k] = t.detach().clone()

    def outputs_and_gradients(self, case, y, x, p, smooth=True):
        outputs = {f"{case}/y/{k}": t for k, t in y.items()} if isinstance(y, dict) else {f"{case}/y": y}
        self.put(outputs)
        total = sum((t * torch.sin(1 + 1.3 * torch.arange(t.numel(), dtype=torch.float64)).reshape(t.shape)).sum()
                    for t in outputs.values() if t.is_floating_point())
        if not smooth or not torch.is_tensor(total) or not total.requires_grad:
            return
        total.backward()
        for prefix, leaves in (("d", x), ("dp", p)):
            self.put({f"{case}/{prefix}/{k}": t.grad for k, t in leaves.items() if t.grad is not None})

    def case(self, name, nn, torch, params={}, training=False, smooth=True, device=True, **inputs):
        """One row: an expression of the language over the inputs, and torch(p, inputs…) that gives the same. Where
        it gives a dict, `nn` is a tuple with the same names. smooth = False: no gradients are compared. device = False:
        by the reference evaluator alone, where a setting changes nothing that a device does."""
        x, p = self.leaves(name, inputs, params)
        self.outputs_and_gradients(name, torch(p, **x), x, p, smooth)
        types = ", ".join(f"{k}: {'f32' if t.is_floating_point() else 'i32'}{list(t.shape)}" for k, t in x.items())
        self.text.append(f"model case_{name}({types}) {{\n  {nn}\n}}\n")
        if training or not device:
            self.meta[name] = "training" if training else "reference"

    def net(self, name, nn, network, loss, optimizer, params, torch_loss, torch_optimizer,
            train=None, states={}, device=True, **fields):
        """A network and its training: network(p, x) gives the output from the first field, torch_loss(output, fields) the loss.
        `loss` may hold {out}. `train` is the network as in training, where that differs; it changes `states`, tensors by path, in place."""
        x, p = self.leaves(name, fields, params)
        first = next(iter(x))
        self.outputs_and_gradients(name, network(p, x[first]), {}, p)
        opt, losses, after = torch_optimizer(list(p.values())), [], {k: [] for k in states}
        for step in range(STEPS):
            opt.zero_grad()
            l = torch_loss((train or network)(p, x[first]), **x)
            l.backward()
            opt.step()
            losses.append(l.detach())
            for k, t in states.items():
                after[k].append(t.clone())
        self.put({f"{name}/loss": torch.stack(losses)} | {f"{name}/state/{k}": torch.stack(t) for k, t in after.items()})
        if not device:
            self.meta[name] = "reference"
        dtype, shape = "f32" if x[first].is_floating_point() else "i32", ", ".join(["B", *map(str, x[first].shape[1:])])
        self.text.append(f"""model case_{name}({first}: {dtype}[{shape}]) {{
  {nn}
}}
data data_{name} {{
  source = golden(case = "{name}")
}}
train case_{name} on data_{name} {{
  loss = {loss.replace("{out}", f"case_{name}({first})")}
  optimizer = {optimizer}
  batch = {len(x[first])}
  steps = {STEPS}
}}
""")

    def write(self, folder):
        with open(f"{folder}/{self.name}.nn", "w") as out:
            out.write(f"nn 1\n# Golden cases, made by make_golden.py: {self.about}\n\n" + "\n".join(self.text))
        write_safetensors(f"{folder}/{self.name}.safetensors", self.tensor, {"torch": torch.__version__, **self.meta})
        print(f"{self.name}: {len(self.text)} cases")


def write_safetensors(path, tensors, meta):
    header, data, at = {"__metadata__": meta}, [], 0
    for k, t in tensors.items():
        raw = (t.float() if t.is_floating_point() else t.int()).contiguous().numpy().tobytes()
        assert not t.is_floating_point() or torch.isfinite(t).all(), k
        header[k] = {"dtype": "F32" if t.is_floating_point() else "I32", "shape": list(t.shape),
                     "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text + b"".join(data))
