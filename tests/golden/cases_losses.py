"""Losses and metrics."""
import torch
import torch.nn.functional as F
from golden import Family, f, ints, probabilities

family = Family("losses", "losses and metrics")


def row(name, nn, fn, **inputs):
    family.case(name, nn, lambda p, **x: fn(**x), **inputs)


pair = dict(x=f(3, 4), t=f(3, 4))
row("mse", "mse(x, t)", lambda x, t: F.mse_loss(x, t), **pair)
row("mae", "mae(x, t)", lambda x, t: F.l1_loss(x, t), **pair)
row("huber", "huber(x, t)", lambda x, t: F.huber_loss(x, t), **pair)
row("huber_delta", "huber(x, t, delta = 0.4)", lambda x, t: F.huber_loss(x, t, delta=0.4), **pair)
row("bce_logits", "mean(bce_logits(x, t))", lambda x, t: F.binary_cross_entropy_with_logits(x, t), **pair)

labels = dict(x=f(6, 5), t=ints(5, 6))
row("cross_entropy", "cross_entropy(x, t)", lambda x, t: F.cross_entropy(x, t.long()), **labels)
row("cross_entropy_smoothing", "cross_entropy(x, t, smoothing = 0.1)",
    lambda x, t: F.cross_entropy(x, t.long(), label_smoothing=0.1), **labels)
row("cross_entropy_probabilities", "cross_entropy(x, t)", lambda x, t: F.cross_entropy(x, t), x=f(6, 5),
    t=probabilities(6, 5))
