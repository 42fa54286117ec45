"""Writes the golden numbers of the optimizers and schedules for tests/check_recipe.c.

usage: python3 make_optimizers.py        writes optimizers.txt, schedules.txt and plateaus.txt beside this script

optimizers.txt: `expression | numbers`: the weights (two and a bias) after each of 6 steps on a line through four points,
in double precision. schedules.txt: `expression | numbers`: the rate of each of the 20 updates of a training.
What PyTorch has is PyTorch's; lion, lamb and lars are written out here from their papers.
"""
import math
import os

import torch
from torch.optim import lr_scheduler as S

STEPS, TOTAL = 6, 20
X = torch.tensor([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [1.0, 1.0]], dtype=torch.float64)
Y = torch.tensor([[1.0], [0.0], [-1.0], [2.0]], dtype=torch.float64)


class Paper(torch.optim.Optimizer):
    """An optimizer given as a function of weight, gradient, state and number of the step (from 1)."""

    def __init__(self, params, rule, lr):
        super().__init__(params, {"lr": lr})
        self.rule, self.n = rule, 0

    @torch.no_grad()
    def step(self):
        self.n += 1
        for group in self.param_groups:
            for w in group["params"]:
                self.rule(w, w.grad, self.state[w], self.n, group["lr"])


def zeros(s, name, w):
    return s.setdefault(name, torch.zeros_like(w))


def lion(b1=0.9, b2=0.99, decay=0.0):
    def rule(w, g, s, n, lr):
        m = zeros(s, "m", w)
        c = b1 * m + (1 - b1) * g
        w -= lr * (torch.sign(c) + decay * w)
        s["m"] = b2 * m + (1 - b2) * g
    return rule


def lamb(b1=0.9, b2=0.999, eps=1e-6, decay=0.0):
    def rule(w, g, s, n, lr):
        s["m"] = b1 * zeros(s, "m", w) + (1 - b1) * g
        s["v"] = b2 * zeros(s, "v", w) + (1 - b2) * g * g
        r = (s["m"] / (1 - b1 ** n)) / ((s["v"] / (1 - b2 ** n)).sqrt() + eps) + decay * w
        a, b = w.norm(), r.norm()
        w -= lr * (a / b if a > 0 and b > 0 else 1.0) * r
    return rule


def lars(momentum=0.9, trust=1e-3, decay=0.0):
    def rule(w, g, s, n, lr):
        a, b = w.norm(), g.norm()
        local = trust * a / (b + decay * a + 1e-8) if a > 0 else 1.0
        s["v"] = momentum * zeros(s, "v", w) + lr * local * (g + decay * w)
        w -= s["v"]
    return rule


O = torch.optim
OPTIMIZERS = [
    ("sgd(0.1)", lambda p: O.SGD(p, 0.1)),
    ("sgd(0.1, momentum = 0.9)", lambda p: O.SGD(p, 0.1, momentum=0.9)),
    ("sgd(0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01)",
     lambda p: O.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    ("sgd(0.1, clip = 0.5)", lambda p: O.SGD(p, 0.1)),
    ("sgd(0.1, clip_value = 0.3)", lambda p: O.SGD(p, 0.1)),
    ("sgd(0.1, momentum = 0.5, clip = 0.5, clip_value = 0.3)", lambda p: O.SGD(p, 0.1, momentum=0.5)),
    ("adam(0.01)", lambda p: O.Adam(p, 0.01)),
    ("adam(0.01, betas = (0.5, 0.9), eps = 1e-3, weight_decay = 0.1)",
     lambda p: O.Adam(p, 0.01, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1)),
    ("adam(0.1, betas = (0.5, 0.6), amsgrad = true)", lambda p: O.Adam(p, 0.1, betas=(0.5, 0.6), amsgrad=True)),
    ("adamw(0.01)", lambda p: O.AdamW(p, 0.01)),
    ("adamw(0.01, weight_decay = 0.2, clip = 1.0)", lambda p: O.AdamW(p, 0.01, weight_decay=0.2)),
    ("adamw(0.01, betas = (0.5, 0.6), eps = 1e-2, clip_value = 0.3)",
     lambda p: O.AdamW(p, 0.01, betas=(0.5, 0.6), eps=1e-2)),
    ("nadam(0.01)", lambda p: O.NAdam(p, 0.01)),
    ("nadam(0.05, betas = (0.8, 0.9), weight_decay = 0.1, momentum_decay = 0.1)",
     lambda p: O.NAdam(p, 0.05, betas=(0.8, 0.9), weight_decay=0.1, momentum_decay=0.1)),
    ("nadam(0.05, eps = 1e-2, clip = 0.5)", lambda p: O.NAdam(p, 0.05, eps=1e-2)),
    ("rmsprop(0.01)", lambda p: O.RMSprop(p, 0.01)),
    ("rmsprop(0.01, alpha = 0.9, momentum = 0.5)", lambda p: O.RMSprop(p, 0.01, alpha=0.9, momentum=0.5)),
    ("rmsprop(0.01, alpha = 0.9, centered = true, weight_decay = 0.1)",
     lambda p: O.RMSprop(p, 0.01, alpha=0.9, centered=True, weight_decay=0.1)),
    ("rmsprop(0.01, eps = 1e-2, clip = 1.0, clip_value = 0.3)", lambda p: O.RMSprop(p, 0.01, eps=1e-2)),
    ("adagrad(0.01)", lambda p: O.Adagrad(p, 0.01)),
    ("adagrad(0.1, lr_decay = 0.2, initial = 0.5, weight_decay = 0.1)",
     lambda p: O.Adagrad(p, 0.1, lr_decay=0.2, initial_accumulator_value=0.5, weight_decay=0.1)),
    ("adagrad(0.1, eps = 1e-2, clip = 0.5)", lambda p: O.Adagrad(p, 0.1, eps=1e-2)),
    ("adadelta()", lambda p: O.Adadelta(p)),
    ("adadelta(0.5, rho = 0.8, weight_decay = 0.1)", lambda p: O.Adadelta(p, 0.5, rho=0.8, weight_decay=0.1)),
    ("adadelta(eps = 1e-2, clip = 0.5)", lambda p: O.Adadelta(p, eps=1e-2)),
    ("lion(0.01)", lambda p: Paper(p, lion(), 0.01)),
    ("lion(0.01, betas = (0.5, 0.6), weight_decay = 0.1)", lambda p: Paper(p, lion(0.5, 0.6, 0.1), 0.01)),
    ("lion(0.01, betas = (0.5, 0.6), clip = 0.5)", lambda p: Paper(p, lion(0.5, 0.6), 0.01)),
    ("lamb(0.01)", lambda p: Paper(p, lamb(), 0.01)),
    ("lamb(0.1, betas = (0.5, 0.6), weight_decay = 0.2)", lambda p: Paper(p, lamb(0.5, 0.6, decay=0.2), 0.1)),
    ("lamb(0.1, eps = 1e-2, clip = 0.5)", lambda p: Paper(p, lamb(eps=1e-2), 0.1)),
    ("lars(1.0)", lambda p: Paper(p, lars(), 1.0)),
    ("lars(2.0, momentum = 0.5, trust = 0.02, weight_decay = 0.1)", lambda p: Paper(p, lars(0.5, 0.02, 0.1), 2.0)),
    ("lars(2.0, trust = 0.02, clip_value = 0.3)", lambda p: Paper(p, lars(trust=0.02), 2.0)),
    ("adam(0.01, clip = 0.5)", lambda p: O.Adam(p, 0.01)),
]
CLIPS = {"clip = 0.5": 0.5, "clip = 1.0": 1.0}


def warm_cosine(o):
    return S.SequentialLR(o, [S.LinearLR(o, 0.25, 1.0, 3), S.CosineAnnealingLR(o, TOTAL - 4, 0.01)], [4])


def warm_line(o):
    return S.SequentialLR(o, [S.LinearLR(o, 0.25, 1.0, 3), S.LinearLR(o, 1.0, 0.2, TOTAL - 4)], [4])


SCHEDULES = [
    ("0.1", lambda o: S.ConstantLR(o, 1.0)),
    ("constant(0.1)", lambda o: S.ConstantLR(o, 1.0)),
    ("step_decay(0.1, every = 3, factor = 0.5)", lambda o: S.StepLR(o, 3, 0.5)),
    ("exponential(0.1, factor = 0.9)", lambda o: S.ExponentialLR(o, 0.9)),
    ("exponential(0.1, every = 3, factor = 0.5)", lambda o: S.ExponentialLR(o, 0.5 ** (1 / 3))),
    ("cosine(0.1)", lambda o: S.CosineAnnealingLR(o, TOTAL)),
    ("cosine(0.1, warmup = 4, final = 0.01)", warm_cosine),
    ("linear(0.1, final = 0.02)", lambda o: S.LinearLR(o, 1.0, 0.2, TOTAL)),
    ("linear(0.1, warmup = 4, final = 0.02)", warm_line),
    ("polynomial(0.1)", lambda o: S.PolynomialLR(o, TOTAL)),
    ("polynomial(0.1, power = 2.0)", lambda o: S.PolynomialLR(o, TOTAL, power=2.0)),
    ("polynomial(0.1, power = 2.0, warmup = 4, final = 0.02)",
     lambda o: S.LambdaLR(o, lambda t: (t + 1) / 4 if t < 4 else 0.2 + 0.8 * (1 - (t - 4) / (TOTAL - 4)) ** 2)),
    ("one_cycle(0.1)", lambda o: S.OneCycleLR(o, 0.1, TOTAL)),
    ("one_cycle(0.1, rise = 0.5, start = 0.1, final = 0.001)",
     lambda o: S.OneCycleLR(o, 0.1, TOTAL, pct_start=0.5, div_factor=10, final_div_factor=100)),
    ("warmup(0.1, steps = 5)", lambda o: S.LinearLR(o, 0.2, 1.0, 4)),
    ("warmup(exponential(0.1, factor = 0.9), steps = 5)",
     lambda o: S.ChainedScheduler([S.LinearLR(o, 0.2, 1.0, 4), S.ExponentialLR(o, 0.9)])),
    ("piecewise([0.1, 0.05, 0.01], at = [4, 9])",
     lambda o: S.LambdaLR(o, lambda t: 1.0 if t < 4 else 0.5 if t < 9 else 0.1)),
    ("piecewise([exponential(0.1, factor = 0.9), step_decay(0.1, every = 4)], at = [7])",
     lambda o: S.SequentialLR(o, [S.ExponentialLR(o, 0.9), S.StepLR(o, 4, 0.1)], [7])),
]


def trial(expression, make):
    w = torch.tensor([[0.3, -0.2]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([0.1], dtype=torch.float64, requires_grad=True)
    o = make([w, b])
    out = []
    for _ in range(STEPS):
        o.zero_grad()
        ((X @ w.T + b - Y) ** 2).mean().backward()
        for text, most in CLIPS.items():
            if text in expression:
                torch.nn.utils.clip_grad_norm_([w, b], most)
        if "clip_value = 0.3" in expression:
            torch.nn.utils.clip_grad_value_([w, b], 0.3)
        o.step()
        out += [*w.flatten().tolist(), b.item()]
    return out


def rates(make):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    s, out = make(o), []
    for _ in range(TOTAL):
        out.append(o.param_groups[0]["lr"])
        o.step()
        s.step()
    return out


# What a metric did over the validations, and the settings of plateau beside ReduceLROnPlateau's.
STAYS = [1.0, 0.8, 0.8, 0.81, 0.79999, 0.7, 0.7, 0.71, 0.72, 0.7, 0.7, 0.69, 0.69, 0.69, 0.69, 0.69, 0.5, 0.5, 0.5, 0.5]
JUMPS = [-1.0, -1.2, float("nan"), -1.1, -1.19, -1.21, -3.0, -2.0, -2.5, -2.9, -3.0, -3.0, -3.1, -2.0, 0.0, 1.0, 2.0, 3.0]
RISES = [0.5, 0.50004, 0.50008, 0.6, 0.65, 0.67, 0.72, 0.71, 0.73, 0.80002, 0.80003, 0.9, 1.2, 1.25, 1.4]
PLATEAUS = [
    (STAYS, "patience = 0", dict(patience=0)),
    (STAYS, "patience = 1, factor = 0.5", dict(patience=1, factor=0.5)),
    (STAYS, "patience = 2, factor = 0.5, threshold = 0.1", dict(patience=2, factor=0.5, threshold=0.1)),
    (STAYS, "patience = 0, factor = 0.5, cooldown = 3", dict(patience=0, factor=0.5, cooldown=3)),
    (STAYS, "patience = 1, factor = 0.2, cooldown = 1, final = 0.01", dict(patience=1, factor=0.2, cooldown=1, min_lr=0.01)),
    (RISES, "patience = 0, factor = 0.8", dict(patience=0, factor=0.8)),
    (RISES, "patience = 1, factor = 0.8, threshold = 0.1", dict(patience=1, factor=0.8, threshold=0.1)),
    (JUMPS, "patience = 0, factor = 0.9", dict(patience=0, factor=0.9)),
    (JUMPS, "patience = 2, factor = 0.9, cooldown = 2", dict(patience=2, factor=0.9, cooldown=2)),
    (JUMPS, "patience = 1, factor = 0.9, threshold = 0.0", dict(patience=1, factor=0.9, threshold=0.0)),
]


def falling(values, mode, settings):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    s, out = S.ReduceLROnPlateau(o, mode, eps=0, **settings), []
    for v in values:
        s.step(v)
        out += [v, o.param_groups[0]["lr"]]
    return out


def write(name, rows):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as f:
        f.write(f"# PyTorch {torch.__version__}, made by make_optimizers.py\n")
        for expression, numbers in rows:
            f.write(expression + " | " + " ".join(f"{v:.10g}" for v in numbers) + "\n")


write("optimizers.txt", [(e, trial(e, make)) for e, make in OPTIMIZERS])
write("schedules.txt", [(e, rates(make)) for e, make in SCHEDULES])
write("plateaus.txt", [(f"plateau(0.1, {text}) {mode}", falling(values, mode, settings))
                       for values, text, settings in PLATEAUS for mode in ("min", "max")])
