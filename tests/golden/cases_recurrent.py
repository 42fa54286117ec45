"""Recurrent layers against PyTorch's modules with the same weights."""
import torch
from golden import Family, f
from torch import nn

family = Family("recurrent", "recurrent layers")
case = family.case
I, U = 3, 4
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
MODULES = {"rnn": (nn.RNN, nn.RNNCell), "lstm": (nn.LSTM, nn.LSTMCell), "gru": (nn.GRU, nn.GRUCell)}


def shapes(kind, at):
    n = GATES[kind] * U
    return {f"{at}.W": (n, I), f"{at}.R": (n, U), f"{at}.b": (n,), **({f"{at}.rb": (n,)} if kind == "gru" else {})}


def names(kind, at, p, suffix):
    """PyTorch has a second bias, which is zero but in a GRU."""
    rb = p[f"{at}.rb"] if kind == "gru" else torch.zeros_like(p[f"{at}.b"])
    return {f"weight_ih{suffix}": p[f"{at}.W"], f"weight_hh{suffix}": p[f"{at}.R"], f"bias_ih{suffix}": p[f"{at}.b"],
            f"bias_hh{suffix}": rb}


def forward(kind, p, x, at):
    m = MODULES[kind][0](I, U, batch_first=True).double()
    return torch.func.functional_call(m, names(kind, at, p, "_l0"), (x,))[0]


def both(kind, p, x):
    m = MODULES[kind][0](I, U, batch_first=True, bidirectional=True).double()
    weights = names(kind, "bidirectional.forward", p, "_l0") | names(kind, "bidirectional.backward", p, "_l0_reverse")
    return torch.func.functional_call(m, weights, (x,))


def cell(kind, p, *states):
    m = MODULES[kind][1](I, U).double()
    x, *h = states
    y = torch.func.functional_call(m, names(kind, f"{kind}_cell", p, ""), (x, tuple(h) if len(h) > 1 else h[0]))
    return {"h": y[0], "c": y[1]} if kind == "lstm" else y


for kind in GATES:
    case(kind, f"x |> {kind}({U})", lambda p, x, k=kind: forward(k, p, x, k), shapes(kind, kind), x=f(2, 3, I))
    case(f"{kind}_backward_last", f"x |> {kind}({U}, backward = true, last = true)",
         lambda p, x, k=kind: forward(k, p, x.flip(1), k)[:, -1], shapes(kind, kind), x=f(2, 5, I))
    wide = shapes(kind, "bidirectional.forward") | shapes(kind, "bidirectional.backward")
    case(f"{kind}_bidirectional", f"x |> bidirectional({kind}({U}))", lambda p, x, k=kind: both(k, p, x)[0], wide,
         x=f(2, 4, I))
    states = {"x": f(2, I), "h": f(2, U), **({"c": f(2, U)} if kind == "lstm" else {})}
    case(f"{kind}_cell", f"{kind}_cell({U})({', '.join(states)})",
         lambda p, k=kind, **s: cell(k, p, *s.values()), shapes(kind, f"{kind}_cell"), **states)
case("lstm_bidirectional_last", f"x |> bidirectional(lstm({U}, last = true))",
     lambda p, x: torch.cat(list(both("lstm", p, x)[1][0]), -1),
     shapes("lstm", "bidirectional.forward") | shapes("lstm", "bidirectional.backward"), x=f(2, 4, I))
