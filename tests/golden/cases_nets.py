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


def affine(p, name):
    return p[f"{name}.weight"], p[f"{name}.b"]


def norm(p, name, x, training):
    """batch_norm: in the first training steps the running statistics are not read."""
    if training:
        return F.batch_norm(x, None, None, p[f"{name}.scale"], p[f"{name}.shift"], True)
    return F.batch_norm(x, p[f"{name}.mean"].detach(), p[f"{name}.var"].detach(), p[f"{name}.scale"], p[f"{name}.shift"])


def cnn(p, x, training=False):
    h = F.max_pool2d(F.relu(norm(p, "batch_norm", F.conv2d(x, p["conv.weight"], None, padding=1), training)), 2)
    h = h + F.conv2d(h, *affine(p, "residual.conv"), padding=1)
    return F.linear(h.mean((2, 3)), *affine(p, "head"))


ones = lambda *shape: lambda g: torch.ones(shape, dtype=torch.float64)
zeros = lambda *shape: lambda g: torch.zeros(shape, dtype=torch.float64)
family.net("cnn_momentum", '''x |> conv(4, 3, pad = 1, bias = false) |> batch_norm |> relu |> max_pool(2)
    |> residual(conv(4, 3, pad = "same")) |> global_avg_pool |> dense(3) as head''',
           cnn, "cross_entropy({out}, label, smoothing = 0.1)", "sgd(0.05, momentum = 0.9, nesterov = true)",
           {"conv.weight": (4, 2, 3, 3), "batch_norm.scale": ones(4), "batch_norm.shift": zeros(4),
            "batch_norm.mean": zeros(4), "batch_norm.var": ones(4), "residual.conv.weight": (4, 4, 3, 3),
            "residual.conv.b": (4,), "head.weight": (3, 4), "head.b": (3,)},
           lambda y, x, label: F.cross_entropy(y, label.long(), label_smoothing=0.1),
           lambda ps: torch.optim.SGD([w for w in ps], 0.05, 0.9, nesterov=True),
           train=lambda p, x: cnn(p, x, True), x=f(4, 2, 6, 6), label=ints(3, 4))


def lstm(p, x):
    m = torch.nn.LSTM(3, 4, batch_first=True).double()
    weights = {"weight_ih_l0": p["lstm.W"], "weight_hh_l0": p["lstm.R"], "bias_ih_l0": p["lstm.b"],
               "bias_hh_l0": torch.zeros(16, dtype=torch.float64)}
    return F.linear(torch.func.functional_call(m, weights, (x,))[0][:, -1], *affine(p, "dense"))


family.net("lstm_adam", "x |> lstm(4, last = true) |> dense(2)", lstm, "mse({out}, y0)", "adam(0.02)",
           {"lstm.W": (16, 3), "lstm.R": (16, 4), "lstm.b": (16,), "dense.weight": (2, 4), "dense.b": (2,)},
           lambda y, x, y0: F.mse_loss(y, y0.detach()), lambda ps: torch.optim.Adam(ps, 0.02), x=f(3, 4, 3),
           y0=f(3, 2))


def gpt(p, tok):
    m = torch.nn.TransformerEncoderLayer(4, 2, 16, 0.0, F.gelu, batch_first=True, norm_first=True).double()
    b = "transformer_block"
    weights = {"self_attn.in_proj_weight": p[f"{b}.attn.qkv.weight"], "self_attn.in_proj_bias": p[f"{b}.attn.qkv.b"],
               "self_attn.out_proj.weight": p[f"{b}.attn.out.weight"], "self_attn.out_proj.bias": p[f"{b}.attn.out.b"]}
    for theirs, ours in (("linear1", "up"), ("linear2", "down")):
        weights |= {f"{theirs}.weight": p[f"{b}.{ours}.weight"], f"{theirs}.bias": p[f"{b}.{ours}.b"]}
    for n in ("norm1", "norm2"):
        weights |= {f"{n}.weight": p[f"{b}.{n}.scale"], f"{n}.bias": p[f"{b}.{n}.shift"]}
    h = F.embedding(tok, p["wte"]) + p["wpe"][:tok.shape[1]]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(tok.shape[1], dtype=torch.float64)
    h = torch.func.functional_call(m, weights, (h,), {"src_mask": mask})
    return F.layer_norm(h, (4,), p["layer_norm.scale"], p["layer_norm.shift"]) @ p["wte"].T


block = {"attn.qkv.weight": (12, 4), "attn.qkv.b": (12,), "attn.out.weight": (4, 4), "attn.out.b": (4,), "up.weight": (16, 4),
         "up.b": (16,), "down.weight": (4, 16), "down.b": (4,), "norm1.scale": ones(4), "norm1.shift": (4,),
         "norm2.scale": ones(4), "norm2.shift": (4,)}
family.net("gpt_adamw", '''param wte: f32[6, 4] = normal(0.02)
  param wpe: f32[8, 4] = normal(0.02)
  (wte[tok] + wpe[0..5] |> transformer_block(2, causal = true) |> layer_norm) @ transpose(wte)''',
           gpt, "cross_entropy({out}, next)", "adamw(0.01, weight_decay = 0.1)",
           {"wte": (6, 4), "wpe": (8, 4), "layer_norm.scale": ones(4), "layer_norm.shift": (4,)} |
           {f"transformer_block.{k}": v for k, v in block.items()},
           lambda y, tok, next: F.cross_entropy(y.flatten(0, 1), next.flatten().long()),
           lambda ps: torch.optim.AdamW(ps, 0.01, weight_decay=0.1), tok=ints(6, 2, 5), next=ints(6, 2, 5))


# Running statistics that forget faster, of numbers that are not small beside eps.
normed = torch.nn.BatchNorm1d(3, eps=0.3, momentum=0.4).double()


def faster(p, x, training=False):
    weights = {"weight": p["batch_norm.scale"], "bias": p["batch_norm.shift"]}
    kept = {"running_mean": p["batch_norm.mean"].detach(), "running_var": p["batch_norm.var"].detach()}
    normed.train(training)
    h = torch.func.functional_call(normed, weights if training else weights | kept, (x,))
    return F.linear(h, p["dense.weight"], p["dense.b"])


family.net("batch_norm_decay", "x |> batch_norm(eps = 0.3, decay = 0.6) |> dense(2)", faster, "mse({out}, y0)", "sgd(0.1)",
           {"batch_norm.scale": ones(3), "batch_norm.shift": (3,), "batch_norm.mean": zeros(3), "batch_norm.var": ones(3),
            "dense.weight": (2, 3), "dense.b": (2,)},
           lambda y, x, y0: F.mse_loss(y, y0.detach()), lambda ps: torch.optim.SGD(ps, 0.1),
           train=lambda p, x: faster(p, x, True), device=False,
           states={"batch_norm.mean": normed.running_mean, "batch_norm.var": normed.running_var}, x=f(5, 3), y0=f(5, 2))
