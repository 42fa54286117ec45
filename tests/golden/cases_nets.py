"""Small networks and their first training steps."""
import torch
import torch.nn.functional as F
from golden import Family, f, ints

family = Family("nets", "networks and the losses of their first training steps")

family.net("mlp_sgd", "x |> dense(6) |> tanh |> dense(3)",
           lambda p, x: F.linear(torch.tanh(F.linear(x, p["dense.weight"], p["dense.b"])), p["dense_2.weight"],
                                 p["dense_2.b"]),
           "cross_entropy({out}, label)", "sgd(0.1, momentum = 0.9)",
           {"dense.weight": (6, 4), "dense.b": (6,), "dense_2.weight": (3, 6), "dense_2.b": (3,)},
           lambda y, x, label: F.cross_entropy(y, label.long()), lambda ps: torch.optim.SGD(ps, 0.1, 0.9),
           x=f(8, 4), label=ints(3, 8))
