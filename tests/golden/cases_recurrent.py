"""Recurrent layers against PyTorch's modules with the same weights."""
import torch
import torch.nn.functional as F
from golden import Family, f, ints
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
case("rnn_relu", f"x |> rnn({U}, activation = relu)",
     lambda p, x: torch.func.functional_call(nn.RNN(I, U, nonlinearity="relu", batch_first=True).double(),
                                             names("rnn", "rnn", p, "_l0"), (x,))[0],
     shapes("rnn", "rnn"), device=False, x=f(2, 3, I))
case("rnn_cell_relu", f"rnn_cell({U}, activation = relu)(x, h)",
     lambda p, x, h: torch.func.functional_call(nn.RNNCell(I, U, nonlinearity="relu").double(),
                                                names("rnn", "rnn_cell", p, ""), (x, h)),
     shapes("rnn", "rnn_cell"), device=False, x=f(2, I), h=f(2, U))
case("lstm_bidirectional_last", f"x |> bidirectional(lstm({U}, last = true))",
     lambda p, x: torch.cat(list(both("lstm", p, x)[1][0]), -1),
     shapes("lstm", "bidirectional.forward") | shapes("lstm", "bidirectional.backward"), x=f(2, 4, I))


# Batch normalisation within a recurrent cell: its running statistics move with every turn, forward and then backward in time.
ones = lambda *shape: lambda g: torch.ones(shape, dtype=torch.float64)
zeros = lambda *shape: lambda g: torch.zeros(shape, dtype=torch.float64)
norm = nn.BatchNorm1d(U).double()


def turns(p, x, at, order, h, norm):
    for t in order:
        a = F.linear(x[:, t], p["cell.up.weight"], p["cell.up.b"]) + F.linear(h, p["cell.back.weight"])
        h = torch.tanh(torch.func.functional_call(norm, at(p), (a,)))
    return h


def normed(p, x, training=False):
    affine = {"weight": p["cell.batch_norm.scale"], "bias": p["cell.batch_norm.shift"]}
    statistics = {"running_mean": p["cell.batch_norm.mean"].detach(), "running_var": p["cell.batch_norm.var"].detach()}
    norm.train(training)
    at = lambda p: affine if training else affine | statistics
    h = turns(p, x, at, range(6), x.new_zeros(len(x), U), norm)
    return F.linear(turns(p, x, at, reversed(range(6)), h, norm), p["head.weight"], p["head.b"])


family.net("batch_norm_in_turns", """let cell = normed(4)
  let h = scan xt in x axis 1 with h = zeros[B, 4] { next cell(xt, h) }
  scan xt in x axis 1 reverse true with g = h { next cell(xt, g) } |> dense(2) as head""",
           normed, "cross_entropy({out}, label)", "sgd(0.2)",
           {"cell.up.weight": (U, I), "cell.up.b": (U,), "cell.back.weight": (U, U), "cell.batch_norm.scale": ones(U),
            "cell.batch_norm.shift": zeros(U), "cell.batch_norm.mean": zeros(U), "cell.batch_norm.var": ones(U),
            "head.weight": (2, U), "head.b": (2,)},
           lambda y, x, label: F.cross_entropy(y, label.long()), lambda ps: torch.optim.SGD(ps, 0.2),
           train=lambda p, x: normed(p, x, True),
           states={"cell.batch_norm.mean": norm.running_mean, "cell.batch_norm.var": norm.running_var},
           x=f(5, 6, I), label=ints(2, 5))
family.text.append("""layer normed(U: int)(x: f32[B, I], h: f32[B, U]) -> f32[B, U] {
  (x |> dense(U) as up) + (h |> dense(U, bias = false) as back) |> batch_norm |> tanh
}
""")
