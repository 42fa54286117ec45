"""Losses and metrics."""
import torch
import torch.nn.functional as F
from golden import Family, f, given, ints, probabilities

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
row("cross_entropy_weights", "cross_entropy(x, t, weights = [1.0, 2.0, 0.5, 3, 0])",
    lambda x, t: F.cross_entropy(x, t.long(), torch.tensor([1, 2, 0.5, 3, 0]).double()), **labels)
row("cross_entropy_ignore", "cross_entropy(x, t, ignore = -100)",
    lambda x, t: F.cross_entropy(x, t.long()), x=f(4, 5), t=given(3, -100, 0, 3))
row("cross_entropy_sequences", "cross_entropy(x, t, ignore = 2, smoothing = 0.2, weights = [1.0, 2.0, 0.5, 3, 0.1])",
    lambda x, t: F.cross_entropy(x.flatten(0, 1), t.flatten().long(), torch.tensor([1, 2, 0.5, 3, 0.1]).double(),
                                 ignore_index=2, label_smoothing=0.2), x=f(3, 4, 5), t=ints(5, 3, 4))
row("cross_entropy_probabilities_weights", "cross_entropy(x, t, smoothing = 0.1, weights = [1.0, 2.0, 0.5, 3, 0.1])",
    lambda x, t: F.cross_entropy(x, t, torch.tensor([1, 2, 0.5, 3, 0.1]).double(), label_smoothing=0.1), x=f(6, 5),
    t=probabilities(6, 5))
row("nll", "nll(log_softmax(x), t)", lambda x, t: F.nll_loss(F.log_softmax(x, -1), t.long()), **labels)
row("nll_weights", "nll(x, t, weights = [1.0, 2, 0.5, 3, 0.1], ignore = 4)",
    lambda x, t: F.nll_loss(x, t.long(), torch.tensor([1, 2, 0.5, 3, 0.1]).double(), ignore_index=4), **labels)
row("bce_logits_elements", "bce_logits(x, t)",
    lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"), x=f(3, 4, scale=5), t=probabilities(3, 4))
row("bce_logits_positive", "mean(bce_logits(x, t, positive = 3.0))",
    lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor(3.0).double()), **pair)
row("kl", "kl(log_softmax(x), t)", lambda x, t: F.kl_div(F.log_softmax(x, -1), t, reduction="batchmean"), x=f(4, 5),
    t=probabilities(4, 5))
row("hinge", "hinge(x, t)", lambda x, t: (1 - x * t).clamp(min=0).mean(), x=f(2, 4),
    t=given([1.0, -1, 1, -1], [-1, -1, 1, 1]))
row("cosine_similarity", "cosine_similarity(x, t)", lambda x, t: F.cosine_similarity(x, t, -1), **pair)
row("cosine_loss", "cosine_loss(x, t, s, margin = 0.1)",
    lambda x, t, s: F.cosine_embedding_loss(x, t, s.detach(), 0.1), s=given(1.0, -1, -1), **pair)
row("triplet", "triplet(x, t, n)", lambda x, t, n: F.triplet_margin_loss(x, t, n), n=f(3, 4), **pair)
row("triplet_margin", "triplet(x, t, n, margin = 2.5)", lambda x, t, n: F.triplet_margin_loss(x, t, n, 2.5),
    n=f(3, 4), **pair)


def ctc(x, t, frames, lengths, blank=0):
    return F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), t.long(), frames.long(), lengths.long(), blank)


letters = given([1, 2, 2, 0], [3, 1, 0, 0], [2, 1, 3, 1])
row("ctc", "ctc(x, t)", lambda x, t: ctc(x, t, torch.tensor([7, 7, 7]), (t > 0).sum(1)), x=f(3, 7, 4), t=letters)
row("ctc_frames", "ctc(x, t, blank = 3, frames = n, lengths = m)", lambda x, t, n, m: ctc(x, t, n, m, 3), x=f(3, 7, 4),
    t=given([1, 2, 2, 0], [0, 1, 0, 0], [2, 2, 0, 1]), n=given(7, 5, 6), m=given(4, 2, 3))

# ---- metrics, by counting


def metric(name, nn, fn, **inputs):
    family.case(name, nn, lambda p, **x: torch.as_tensor(fn(**{k: t.detach() for k, t in x.items()})).double(),
                smooth=False, **inputs)


def scores(x, t):
    """For each class: how many are rightly found, found, wanted."""
    found, wanted = (x.argmax(-1), t.long()) if not t.is_floating_point() else ((x > 0).long(), (t > 0.5).long())
    classes = range(x.shape[-1]) if not t.is_floating_point() else [1]
    return [(((found == c) & (wanted == c)).sum().item(), (found == c).sum().item(), (wanted == c).sum().item())
            for c in classes]


def macro(fn):
    def over(x, t):
        parts = [fn(r, f, w) for r, f, w in scores(x, t) if f + w]
        return sum(parts) / len(parts)
    return over


def auc(x, t):
    yes, no = x.flatten()[t.flatten() > 0.5], x.flatten()[t.flatten() <= 0.5]
    return ((yes[:, None] > no).double() + (yes[:, None] == no).double() / 2).mean()


def confusion(x, t):
    m = torch.zeros(x.shape[-1], x.shape[-1])
    for want, got in zip(t.flatten(), x.argmax(-1).flatten()):
        m[want, got] += 1
    return m


many = dict(x=f(12, 5), t=ints(4, 12))
answers = dict(x=f(4, 5), t=lambda g: torch.randint(0, 2, (4, 5), generator=g).double())
metric("accuracy", "accuracy(x, t)", lambda x, t: (x.argmax(-1) == t).double().mean(), **many)
metric("top_k", "top_k(x, t, k = 2)", lambda x, t: (x.topk(2).indices == t[:, None]).any(-1).double().mean(), **many)
metric("binary_accuracy", "binary_accuracy(x, t)", lambda x, t: ((x > 0) == (t > 0.5)).double().mean(), **answers)
for kind, data in (("classes", many), ("answers", answers)):
    metric(f"precision_{kind}", "precision(x, t)", macro(lambda r, f, w: r / f if f else 0.0), **data)
    metric(f"recall_{kind}", "recall(x, t)", macro(lambda r, f, w: r / w if w else 0.0), **data)
    metric(f"f1_{kind}", "f1(x, t)", macro(lambda r, f, w: 2 * r / (f + w)), **data)
metric("auc", "auc(x, t)", auc, **answers)
metric("confusion", "confusion(x, t)", confusion, **many)
metric("rmse", "rmse(x, t)", lambda x, t: ((x - t) ** 2).mean().sqrt(), **pair)
metric("r2", "r2(x, t)", lambda x, t: (1 - ((x - t) ** 2).sum(0) / ((t - t.mean(0)) ** 2).sum(0)).mean(), **pair)
metric("perplexity", "perplexity(x, t)", lambda x, t: F.cross_entropy(x, t.long()).exp(), **labels)
