"""The sequence models of examples/, at a small size, against the same networks written with PyTorch's functions."""
import os
import re

import torch
import torch.nn.functional as F
from cases_attention import rope
from golden import Family, f, ints
from torch import nn

family = Family("sequences", "the sequence models of examples/")
examples = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


def declared(example, model, name):
    """An example's layers and its model, under names of their own."""
    with open(os.path.join(examples, example + ".nn")) as file:
        text = file.read()
    parts = [m.group(0) for m in re.finditer(r"^(layer|model) .*?^}\n", text, re.M | re.S)]
    text = "\n".join(parts).replace("model ", "layer ")
    return re.sub(rf"\b{model}\(", name + "(", re.sub(r"(?<!_)\bblock\(", f"{name}_block(", text)) + "\n"


def heads(x, n):
    return x.unflatten(-1, (n, -1)).transpose(-3, -2)


def joined(x):
    return x.transpose(-3, -2).flatten(-2)


def norm(p, at, x):
    return F.layer_norm(x, x.shape[-1:], p[f"{at}.scale"], p[f"{at}.shift"], 1e-5)


def rms(p, at, x):
    return F.rms_norm(x, x.shape[-1:], p[f"{at}.scale"], 1e-6)


def linear(p, at, x):
    return F.linear(x, p[f"{at}.weight"], p.get(f"{at}.b"))


def attend(p, at, x, n, causal):
    q, k, v = (heads(t, n) for t in linear(p, f"{at}.qkv", x).chunk(3, -1))
    return linear(p, f"{at}.out", joined(F.scaled_dot_product_attention(q, k, v, is_causal=causal)))


def gpt(p, tok):
    x = p["gpt.wte"][tok.long()] + p["gpt.wpe"][:tok.shape[1]]
    for b in ("gpt.gpt_block",):
        x = x + attend(p, f"{b}.attn", norm(p, f"{b}.layer_norm", x), 2, True)
        x = x + linear(p, f"{b}.down", F.gelu(linear(p, f"{b}.up", norm(p, f"{b}.layer_norm_2", x))))
    return norm(p, "gpt.layer_norm", x) @ p["gpt.wte"].T


def llama(p, tok):
    x = p["llama.embedding.weight"][tok.long()]
    b = "llama.llama_block"
    h = rms(p, f"{b}.rms_norm", x)
    q, k, v = (heads(linear(p, f"{b}.attn.{t}", h), n) for t, n in (("q", 4), ("k", 2), ("v", 2)))
    y = F.scaled_dot_product_attention(rope(q), rope(k), v, is_causal=True, enable_gqa=True)
    x = x + linear(p, f"{b}.attn.out", joined(y))
    h = rms(p, f"{b}.rms_norm_2", x)
    x = x + linear(p, f"{b}.mlp.down", F.silu(linear(p, f"{b}.mlp.gate", h)) * linear(p, f"{b}.mlp.up", h))
    return linear(p, "llama.head", rms(p, "llama.rms_norm", x))


def encoder(p, x):
    e = "encoder"
    first = p[f"{e}.first"].expand(x.shape[0], 1, -1)
    h = torch.cat([first, linear(p, f"{e}.rows", x)], 1) + p[f"{e}.place"]
    b = f"{e}.transformer_block"
    h = h + attend(p, f"{b}.attn", norm(p, f"{b}.norm1", h), 2, False)
    h = h + linear(p, f"{b}.down", F.gelu(linear(p, f"{b}.up", norm(p, f"{b}.norm2", h))))
    return linear(p, f"{e}.head", norm(p, f"{e}.layer_norm", h[:, 0]))


def recurrent(kind, p, at, x):
    units = p[f"{at}.R"].shape[1]
    m = kind(x.shape[-1], units, batch_first=True).double()
    rb = p.get(f"{at}.rb", torch.zeros_like(p[f"{at}.b"]))
    weights = {"weight_ih_l0": p[f"{at}.W"], "weight_hh_l0": p[f"{at}.R"], "bias_ih_l0": p[f"{at}.b"], "bias_hh_l0": rb}
    return torch.func.functional_call(m, weights, (x,))[0]


def dense(at, n, m, bias=True):
    return {f"{at}.weight": (m, n), **({f"{at}.b": (m,)} if bias else {})}


def scale(at, n, shift=True):
    return {f"{at}.scale": f(n, scale=0.2, shift=1.0), **({f"{at}.shift": (n,)} if shift else {})}


def gpt_block(b, d):
    return (scale(f"{b}.layer_norm", d) | dense(f"{b}.attn.qkv", d, 3 * d, False) | dense(f"{b}.attn.out", d, d, False)
            | scale(f"{b}.layer_norm_2", d) | dense(f"{b}.up", d, 4 * d) | dense(f"{b}.down", 4 * d, d))


def sequence_loss(y, tok, label):
    return F.cross_entropy(y.flatten(0, 1), label.flatten().long())


text = dict(tok=ints(7, 2, 5), label=ints(7, 2, 5))
family.net("gpt", "tok |> gpt(7, D = 4, L = 1, heads = 2, context = 6)", gpt, "cross_entropy({out}, label)",
           "adamw(1e-2, betas = (0.9, 0.99), weight_decay = 0.1)",
           {"gpt.wte": (7, 4), "gpt.wpe": (6, 4)} | gpt_block("gpt.gpt_block", 4)
           | scale("gpt.layer_norm", 4), sequence_loss,
           lambda ps: torch.optim.AdamW(ps, 1e-2, (0.9, 0.99), weight_decay=0.1), decl=declared("gpt", "gpt", "gpt"), **text)

b = "llama.llama_block"
family.net("llama", "tok |> llama(7, D = 8, L = 1, heads = 4, groups = 2)", llama, "cross_entropy({out}, label)",
           "sgd(0.1, momentum = 0.9)",
           {"llama.embedding.weight": (7, 8)} | scale(f"{b}.rms_norm", 8, False) | dense(f"{b}.attn.q", 8, 8, False)
           | dense(f"{b}.attn.k", 8, 4, False) | dense(f"{b}.attn.v", 8, 4, False) | dense(f"{b}.attn.out", 8, 8, False)
           | scale(f"{b}.rms_norm_2", 8, False) | dense(f"{b}.mlp.gate", 8, 21, False) | dense(f"{b}.mlp.up", 8, 21, False)
           | dense(f"{b}.mlp.down", 21, 8, False) | scale("llama.rms_norm", 8, False) | dense("llama.head", 8, 7, False),
           sequence_loss, lambda ps: torch.optim.SGD(ps, 0.1, 0.9), decl=declared("llama", "llama", "llama"), device=False, **text)

b = "encoder.transformer_block"
family.net("encoder", "x |> encoder(D = 4, L = 1, heads = 2)", encoder, "cross_entropy({out}, label)",
           "sgd(0.1, momentum = 0.9)",
           {"encoder.first": (4,), "encoder.place": (6, 4)} | dense("encoder.rows", 3, 4) | scale(f"{b}.norm1", 4)
           | dense(f"{b}.attn.qkv", 4, 12) | dense(f"{b}.attn.out", 4, 4) | scale(f"{b}.norm2", 4) | dense(f"{b}.up", 4, 16)
           | dense(f"{b}.down", 16, 4) | scale("encoder.layer_norm", 4) | dense("encoder.head", 4, 10),
           lambda y, x, label: F.cross_entropy(y, label.long()), lambda ps: torch.optim.SGD(ps, 0.1, 0.9),
           decl=declared("encoder", "encoder", "encoder"), device=False, x=f(3, 5, 3), label=ints(10, 3))

family.net("lstm", "tok |> writer(7, units = 4)",
           lambda p, tok: linear(p, "writer.head", recurrent(nn.LSTM, p, "writer.lstm",
                                                             p["writer.embedding.weight"][tok.long()])),
           "cross_entropy({out}, label)", "sgd(0.5)",
           {"writer.embedding.weight": (7, 64), "writer.lstm.W": (16, 64), "writer.lstm.R": (16, 4), "writer.lstm.b": (16,)}
           | dense("writer.head", 4, 7), sequence_loss, lambda ps: torch.optim.SGD(ps, 0.5),
           decl=declared("lstm", "writer", "writer"), device=False, **text)

for kind, module, gates, out in (("rnn", nn.RNN, 1, 1), ("gru", nn.GRU, 3, 6)):
    at = f"{kind}_forecast"
    family.net(kind, f"x |> {at}(4)",
               lambda p, x, k=kind, m=module, at=at: linear(p, f"{at}.dense", recurrent(m, p, f"{at}.{k}", x)[:, -1]),
               "mse({out}, goal)", "sgd(0.1)",
               {f"{at}.{kind}.W": (gates * 4, 1), f"{at}.{kind}.R": (gates * 4, 4), f"{at}.{kind}.b": (gates * 4,)}
               | ({f"{at}.{kind}.rb": (gates * 4,)} if kind == "gru" else {}) | dense(f"{at}.dense", 4, out),
               lambda y, **fields: F.mse_loss(y, fields["goal"]), lambda ps: torch.optim.SGD(ps, 0.1),
               decl=declared(kind, "forecast", at), device=False, x=f(3, 5, 1), goal=f(3, out))
