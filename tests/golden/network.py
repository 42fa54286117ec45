"""What the tables of example networks are written with. Each network of networks_TABLE.py gives
networks/TABLE/NAME.safetensors, for check_vision and check_networks:

    metadata   file, set PATH   the example and settings that make it small
               field NAME       a field of the data, noise K: what is random, in the order met; as formulas
               turns            what runs: "step 0 0 0, step 1 1 0": purpose, number of the step, of the update in its stage,
                                of the small batch in the update; from its second on, these have fields "NAME 1", …
               held PURPOSE     the beginning of the paths of the optimizer's variables that hold the gradients
    tensors    OUTPUT before, OUTPUT after    the prediction, before the first and after the last turn
               losses           of all turns
               held PURPOSE     those variables after the first turn of that purpose, in the order of their paths

Weights, states, fields and noise are not stored: value() makes them from their names, and so does golden_values.c. Of a
tensor of more than FOLD elements as many sums are stored: element i goes to sum i mod FOLD, times sin(1 + 1.3 i).

Net is what a network is written with: it knows the paths that layers have in Nacre, and makes each parameter when it is
first met. What is computed is PyTorch's, in double precision.

A network is only written if it is well conditioned, so that single precision can be held to what stands in the file: with
every parameter and the output of every layer disturbed by some roundings, losses and outputs stay within NEAR.
"""
import contextlib
import math
import os
import re

import numpy
import torch
import torch.nn.functional as F
from golden import write_safetensors

FOLD = 64
NEAR = 3e-5         # a third of what they allow
ROUNDING = 2e-7     # some times single precision's


def unit(name, count):
    """Evenly distributed in the open interval (0, 1): FNV-1a of the name, and a mixer."""
    key = 2166136261
    for byte in name.encode():
        key = (key ^ byte) * 16777619 % 2**32
    h = (key + numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9) % 2**32
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    h = h ^ h >> 16
    return ((h >> 9) + 0.5) / 2**23


def value(name, formula):
    """A tensor from a text such as "f32[4,3] between -1 1", "i32[4] below 10" or "i32[4] below 10 from 5"."""
    dtype, dims, kind, a, b = re.fullmatch(r"(\w+)\[([\d,]*)\] (\w+) (\S+)(?: from)? ?(\S*)", formula).groups()
    shape = [int(d) for d in dims.split(",") if d]
    u = unit(name, math.prod(shape))
    if kind == "below":
        least = float(b or 0)
        whole = torch.tensor(least + numpy.floor((float(a) - least) * u)).reshape(shape)
        return whole.to(torch.float64 if dtype == "u8" else torch.int64)
    lo, hi = float(a), float(b)
    return torch.tensor((lo + (hi - lo) * u).astype(numpy.float32).astype(numpy.float64)).reshape(shape)


def formula(shape, lo, hi):
    return f"f32[{','.join(map(str, shape))}] between {lo!r} {hi!r}"


def starting(path, shape):
    # Shifts too, so that few numbers lie near the kink of a relu, where a rounding switches a gradient on or off.
    if path.split(".")[-1] in ("scale", "shift", "var"):
        return value(path, formula(shape, 0.5, 1.5))
    most = 0.3 if len(shape) < 2 else math.sqrt(4.5 / (math.prod(shape) // shape[0]))
    return value(path, formula(shape, -most, most))


class Net:
    def __init__(self, disturbed=0):
        """`disturbed`: which disturbance, 0 for none."""
        self.p, self.noise = {}, {}
        self.rounding = torch.Generator().manual_seed(disturbed) if disturbed else None
        self.begin(False)

    def near(self, x):
        if not self.rounding:
            return x
        return x * (1 + ROUNDING * torch.randn(x.shape, generator=self.rounding, dtype=x.dtype))

    def begin(self, training):
        """A new pass: layers are numbered and random numbers drawn from the beginning."""
        self.training, self.at, self.count, self.drawn, self.frozen = training, [], {}, {}, False

    @contextlib.contextmanager
    def layer(self, name, again=False, numbered=True):
        """In a layer of that name; `again`: the same one as before."""
        key = ".".join([*self.at, name])
        if not again and numbered:
            self.count[key] = self.count.get(key, 0) + 1
        n = self.count.get(key, 1)
        self.at.append(name if n == 1 else f"{name}_{n}")
        for k in [k for k in self.count if k.startswith(self.path("") )]:
            del self.count[k]
        yield
        self.at.pop()

    def path(self, name):
        return ".".join([*self.at, name])

    def param(self, name, *shape, trained=True):
        path = self.path(name)
        if path not in self.p:
            self.p[path] = self.near(starting(path, shape)).requires_grad_(trained)
        assert self.p[path].shape == shape, (path, shape)
        return self.p[path]

    def random(self, kind, *shape, label=None):
        """`kind`: normal, uniform, or a number that whole ones are below. A label gives the same numbers each time, as a
        `let` does; without, they are of the layer, call by call."""
        place = label
        if not label:
            self.drawn[self.path("")] = self.drawn.get(self.path(""), 0) + 1
            place = f"{self.path('')} {self.drawn[self.path('')]}"
        said = {"normal": formula(shape, -1.7, 1.7), "uniform": formula(shape, 0.0, 1.0)}.get(
            kind, f"i32[{','.join(map(str, shape))}] below {kind}")
        if place not in self.noise:
            self.noise[place] = (f"noise {len(self.noise)}", said)
        assert self.noise[place][1] == said
        return value(*self.noise[place])

    # ---- layers of the prelude

    def dense(self, x, out, bias=True, name="dense"):
        with self.layer(name):
            w = self.param("weight", out, x.shape[-1])
            return self.near(F.linear(x, w, self.param("b", out) if bias else None))

    def conv(self, x, out, k, stride=1, pad=0, groups=1, bias=True, name="conv"):
        with self.layer(name):
            w = self.param("weight", out, x.shape[1] // groups, k, k)
            return self.near(F.conv2d(x, w, self.param("b", out) if bias else None, stride, pad, groups=groups))

    def depthwise(self, x, k, stride=1, pad=0, bias=True, name="depthwise_conv"):
        return self.conv(x, x.shape[1], k, stride, pad, x.shape[1], bias, name)

    def conv_transpose(self, x, out, k, stride=1, pad=0, bias=True, name="conv_transpose"):
        with self.layer(name):
            w = self.param("weight", x.shape[1], out, k, k)
            return self.near(F.conv_transpose2d(x, w, self.param("b", out) if bias else None, stride, pad))

    def batch_norm(self, x, name="batch_norm"):
        with self.layer(name):
            c = x.shape[1]
            scale, shift = self.param("scale", c), self.param("shift", c)
            mean, var = self.param("mean", c, trained=False), self.param("var", c, trained=False)
            return self.near(F.batch_norm(x, mean, var, scale, shift, self.training and not self.frozen, 0.1))

    def layer_norm(self, x, name="layer_norm"):
        with self.layer(name):
            d = x.shape[-1]
            return self.near(F.layer_norm(x, (d,), self.param("scale", d), self.param("shift", d)))

    def rms_norm(self, x, name="rms_norm"):
        with self.layer(name):
            return self.near(F.rms_norm(x, x.shape[-1:], self.param("scale", x.shape[-1]), 1e-6))

    def group_norm(self, x, groups, name="group_norm"):
        with self.layer(name):
            return self.near(F.group_norm(x, groups, self.param("scale", x.shape[1]), self.param("shift", x.shape[1])))

    def dropout(self, x, rate, name="dropout"):
        with self.layer(name):
            if not self.training or self.frozen:
                return x
            return torch.where(self.random("uniform", *x.shape) >= rate, x / (1 - rate), 0)

    def embedding(self, index, rows, width, name="embedding"):
        with self.layer(name):
            return F.embedding(index, self.param("weight", rows, width))

    def attention(self, x, heads, causal=False, bias=True, name="self_attention"):
        with self.layer(name):
            q, k, v = (split_heads(t, heads) for t in self.dense(x, 3 * x.shape[-1], bias, "qkv").chunk(3, -1))
            return self.dense(joined(F.scaled_dot_product_attention(q, k, v, is_causal=causal)), x.shape[-1], bias, "out")

    def recurrent(self, kind, x, units, name):
        with self.layer(name):
            gates = {torch.nn.RNN: 1, torch.nn.LSTM: 4, torch.nn.GRU: 3}[kind] * units
            w, r, b = self.param("W", gates, x.shape[-1]), self.param("R", gates, units), self.param("b", gates)
            rb = self.param("rb", gates) if kind is torch.nn.GRU else torch.zeros_like(b)
            weights = {"weight_ih_l0": w, "weight_hh_l0": r, "bias_ih_l0": b, "bias_hh_l0": rb}
            m = kind(x.shape[-1], units, batch_first=True).double()
            return self.near(torch.func.functional_call(m, weights, (x,))[0])


def split_heads(x, n):
    return x.unflatten(-1, (n, -1)).transpose(-3, -2)


def joined(x):
    return x.transpose(-3, -2).flatten(-2)


def folded(t):
    t = t.detach().double().flatten()
    if t.numel() <= FOLD:
        return t
    i = torch.arange(t.numel())
    return torch.zeros(FOLD, dtype=torch.float64).index_add(0, i % FOLD, t * torch.sin(1 + 1.3 * i.double()))


class Adam:
    """As it is written here and there, and the beginning of the paths of what it holds of the gradients."""
    theirs = "exp_avg"

    def __init__(self, lr, at=None, clip=0.0, decay=None, betas=(0.9, 0.999)):
        self.lr, self.clip, self.decay, self.betas = lr, clip, decay, betas
        self.held = (at or ("adam." if decay is None else "adamw.")) + "m."

    def make(self, parameters):
        if self.decay is None:
            return torch.optim.Adam(parameters, self.lr, self.betas)
        return torch.optim.AdamW(parameters, self.lr, self.betas, weight_decay=self.decay)

    def __str__(self):
        more = f", clip = {self.clip}" if self.clip else ""
        more += f", betas = {self.betas}" if self.betas != (0.9, 0.999) else ""
        return f"adam({self.lr}{more})" if self.decay is None else f"adamw({self.lr}{more}, weight_decay = {self.decay})"


class Sgd:
    theirs, held = "momentum_buffer", "sgd.v."

    def __init__(self, lr, momentum, clip=0.0, decay=0.0):
        self.lr, self.momentum, self.clip, self.decay = lr, momentum, clip, decay

    def make(self, parameters):
        return torch.optim.SGD(parameters, self.lr, self.momentum, weight_decay=self.decay)

    def __str__(self):
        more = f", clip = {self.clip}" if self.clip else ""
        more += f", weight_decay = {self.decay}" if self.decay else ""
        return f"sgd({self.lr}, momentum = {self.momentum}{more})"


class Part:
    """An update: its loss, which parameters it changes (the beginnings of their paths), and how. `own`: the example has
    that optimizer itself. Without an optimizer, gradients are only added up."""

    def __init__(self, loss, optimizer, only=("",), own=False):
        self.loss, self.optimizer, self.only, self.own, self.made = loss, optimizer, only, own, None

    def trained(self, net):
        return {k: t for k, t in net.p.items() if t.requires_grad and k.startswith(tuple(self.only))}


class Network:
    """One example. `predict(net, f)` gives its outputs by name (None: there is none), f holding the fields and what is
    derived from them; `parts` are its updates by purpose."""

    def __init__(self, name, fields, predict, parts, turns=None, sets={}, more={}, ema=0.0, accumulate=1, file=None):
        self.name, self.fields, self.predict, self.parts, self.ema = name, fields, predict, parts, ema
        self.accumulate = accumulate
        self.turns = turns or [(p, i, i, 0) for i in range(5) for p in parts]
        batch = re.search(r"\[(\d+)", next(iter(fields.values()))).group(1)
        sets = {"train.batch": batch, **{"train.optimizer": p.optimizer for p in parts.values() if p.optimizer and not p.own}, **sets}
        self.meta = {"file": file or f"{name}.nn", **{f"set {k}": str(v) for k, v in sets.items()},
                     **{f"field {k}": v for k, v in fields.items()}, **more}
        self.tensor, self.average = {}, {}

    def outputs(self, net, f, when):
        if not self.predict:
            return
        kept = net.p
        net.p = {**net.p, **self.average}
        net.begin(False)
        with torch.set_grad_enabled(not self.average):
            y = self.predict(net, f)
        if not self.average:
            kept.update(net.p)
        net.p = kept
        for k, t in (y if isinstance(y, dict) else {"output": y}).items():
            self.tensor[f"{k} {when}"] = folded(t)

    def gradients(self, net, f, part):
        net.begin(True)
        loss = part.loss(net, f)
        mine = part.trained(net)
        for t, g in zip(mine.values(), torch.autograd.grad(loss, list(mine.values()), allow_unused=True)):
            if g is not None:
                t.grad = g if t.grad is None else t.grad + g
        return loss.detach(), mine

    def step(self, part, mine):
        optimizer = part.optimizer
        for t in mine.values():
            t.grad /= self.accumulate
        if optimizer.clip:
            torch.nn.utils.clip_grad_norm_(mine.values(), optimizer.clip)
        part.made = part.made or optimizer.make(list(mine.values()))
        part.made.step()
        part.made.zero_grad()
        for k, t in mine.items() if self.ema else ():
            old = self.average.get(k)
            self.average[k] = t.detach().clone() if old is None else self.ema * old + (1 - self.ema) * t.detach()

    def keep_held(self, purpose, part, mine):
        self.meta[f"held {purpose}"] = part.optimizer.held
        held = [folded(part.made.state[mine[k]][part.optimizer.theirs]) for k in sorted(mine)]
        self.tensor[f"held {purpose}"] = torch.cat(held)

    def run(self, net):
        """All turns, and the outputs around them."""
        self.tensor, self.average, losses = {}, {}, []
        f = {k: value(k, text) for k, text in self.fields.items()}
        self.outputs(net, f, "before")
        for part in self.parts.values():
            part.made = None
        for purpose, *numbers in self.turns:
            part = self.parts[purpose]
            own = f if not numbers[2] else {k: value(f"{k} {numbers[2]}", text) for k, text in self.fields.items()}
            loss, mine = self.gradients(net, own, part)
            losses.append(loss)
            if part.optimizer:
                self.step(part, mine)
                if f"held {purpose}" not in self.tensor:
                    self.keep_held(purpose, part, mine)
        self.tensor["losses"] = torch.stack(losses)
        self.outputs(net, f, "after")
        return {k: t for k, t in self.tensor.items() if not k.startswith("held")}

    def condition(self):
        """By how much disturbances by roundings change what comes out, at most, relative to each tensor's size."""
        want, worst = self.run(Net()), 0
        for k, t in [kt for d in (1, 2, 3) for kt in self.run(Net(d)).items()]:
            worst = max(worst, float((t - want[k]).abs().max() / want[k].abs().max().clamp(min=1)))
        return worst

    def write(self, folder):
        worst = self.condition()
        net = Net()
        self.run(net)
        self.meta["turns"] = ", ".join(" ".join(map(str, t)) for t in self.turns)
        self.meta |= {name: said for name, said in net.noise.values()}
        os.makedirs(folder, exist_ok=True)
        path = f"{folder}/{self.name}.safetensors"
        print(f"{self.name}: {sum(t.numel() for t in net.p.values())} numbers, roundings change it by {worst:.1e}, losses",
              *(f"{float(l):.4f}" for l in self.tensor["losses"]))
        if worst > NEAR:
            raise SystemExit(f"{self.name}: ill conditioned; nothing was written")
        write_safetensors(path, self.tensor, {"torch": torch.__version__, **self.meta})
