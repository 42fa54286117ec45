"""Attention, transformers, positions: against PyTorch's own modules, whose weights are ours."""
import math

import torch
import torch.nn.functional as F
from golden import Family, f, given
from torch import nn

family = Family("attention", "attention, positions, transformers")
case = family.case


def with_weights(module, p, mapping, *x, **more):
    """What a PyTorch module gives with the weights of p; `mapping` gives its names for ours."""
    weights = {name: ours(p) if callable(ours) else p[ours] for name, ours in mapping.items()}
    return torch.func.functional_call(module.double(), weights, x, more)


qkv = dict(q=f(2, 2, 3, 4), k=f(2, 2, 5, 4), v=f(2, 2, 5, 3))
case("attention", "attention(q, k, v)", lambda p, q, k, v: F.scaled_dot_product_attention(q, k, v), **qkv)
case("attention_causal", "attention(q, k, v, causal = true)",
     lambda p, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), q=f(1, 2, 4, 4), k=f(1, 2, 4, 4),
     v=f(1, 2, 4, 4))
case("attention_causal_later", "attention(q, k, v, causal = true)",
     lambda p, q, k, v: F.scaled_dot_product_attention(q, k, v, torch.ones(3, 5).tril(2).bool()), **qkv)
case("attention_mask", "attention(q, k, v, mask = m > 0.5)",
     lambda p, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m > 0.5),
     m=given([1.0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 1]), **qkv)


def mha(layer, bias, **names):
    mapping = {"in_proj_weight": names.get("w", f"{layer}.qkv.weight"), "out_proj.weight": f"{layer}.out.weight"}
    if bias:
        mapping |= {"in_proj_bias": names.get("b", f"{layer}.qkv.b"), "out_proj.bias": f"{layer}.out.b"}
    return mapping


def attend(layer, heads, bias, causal, p, x):
    m = nn.MultiheadAttention(4, heads, bias=bias, batch_first=True)
    hidden = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=torch.float64) if causal else None
    return with_weights(m, p, mha(layer, bias), x, x, x, need_weights=False, attn_mask=hidden)[0]


weights = {"self_attention.qkv.weight": (12, 4), "self_attention.out.weight": (4, 4)}
biases = {"self_attention.qkv.b": (12,), "self_attention.out.b": (4,)}
case("self_attention", "x |> self_attention(2)", lambda p, x: attend("self_attention", 2, False, False, p, x), weights,
     x=f(2, 3, 4))
case("self_attention_causal", "x |> self_attention(2, causal = true, bias = true)",
     lambda p, x: attend("self_attention", 2, True, True, p, x), weights | biases, x=f(2, 3, 4))

cross = {"cross_attention.q.weight": (4, 4), "cross_attention.kv.weight": (8, 6), "cross_attention.out.weight": (4, 4)}
case("cross_attention", "cross_attention(2)(x, m)",
     lambda p, x, m: with_weights(nn.MultiheadAttention(4, 2, bias=False, batch_first=True, kdim=6, vdim=6), p,
                                  {"q_proj_weight": "cross_attention.q.weight",
                                   "k_proj_weight": lambda p: p["cross_attention.kv.weight"][:4],
                                   "v_proj_weight": lambda p: p["cross_attention.kv.weight"][4:],
                                   "out_proj.weight": "cross_attention.out.weight"}, x, m, m, need_weights=False)[0],
     cross, x=f(2, 3, 4), m=f(2, 5, 6))


both = {k: lambda p, k=k: torch.cat([p[f"cross_attention.q.{k}"], p[f"cross_attention.kv.{k}"]])
        for k in ("weight", "b")}
case("cross_attention_bias", "cross_attention(2, bias = true)(x, m)",
     lambda p, x, m: with_weights(nn.MultiheadAttention(4, 2, batch_first=True), p,
                                  mha("cross_attention", True, w=both["weight"], b=both["b"]), x, m, m,
                                  need_weights=False)[0],
     {"cross_attention.q.weight": (4, 4), "cross_attention.q.b": (4,), "cross_attention.kv.weight": (8, 4),
      "cross_attention.kv.b": (8,), "cross_attention.out.weight": (4, 4), "cross_attention.out.b": (4,)}, device=False,
     x=f(2, 3, 4), m=f(2, 5, 4))


def rope(x, base=10000.0, offset=0):
    T, e = x.shape[-2:]
    angle = (torch.arange(T).double() + offset)[:, None] * base ** (-torch.arange(0, e, 2).double() / e)
    turn = torch.polar(torch.ones_like(angle), angle)
    z = torch.complex(*x.split(e // 2, -1)) * turn
    return torch.cat([z.real, z.imag], -1)


def rope_pairs(x):
    T, e = x.shape[-2:]
    angle = torch.arange(T).double()[:, None] * 10000.0 ** (-torch.arange(0, e, 2).double() / e)
    z = torch.view_as_complex(x.reshape(*x.shape[:-1], e // 2, 2)) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(z).flatten(-2)


case("rope", "x |> rope", lambda p, x: rope(x), x=f(2, 2, 5, 6))   # grouped_query_attention has it
case("rope_offset", "x |> rope(base = 500.0, offset = 7)", lambda p, x: rope(x, 500.0, 7), x=f(1, 2, 3, 4))
case("rope_interleaved", "x |> rope(interleaved = true)", lambda p, x: rope_pairs(x), x=f(2, 5, 6))


def waves(n, width, base=10000.0):
    angle = n[..., None].double() * base ** (-torch.arange(0, width, 2).double() / width)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


case("sinusoid", "x + sinusoid(6)(range(5))", lambda p, x: x + waves(torch.arange(5), 6), x=f(2, 5, 6))
case("sinusoid_base", "sinusoid(6, base = 50.0)(k)", lambda p, k: waves(k, 6, 50.0), device=False, k=given(1, 2, 30))
case("sinusoid_steps", "sinusoid(8)(k)", lambda p, k: waves(k, 8), k=given(0, 3, 999))


def grouped(p, x, causal=True, turn=rope):
    layer = lambda t, n: F.linear(t, p[f"grouped_query_attention.{n}.weight"], p.get(f"grouped_query_attention.{n}.b"))
    q, k, v = (layer(x, n).unflatten(-1, (h, -1)).transpose(1, 2) for n, h in (("q", 4), ("k", 2), ("v", 2)))
    y = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=causal, enable_gqa=True)
    return layer(y.transpose(1, 2).flatten(2), "out")


widths = {"q": 16, "k": 8, "v": 8, "out": 16}
shared = {f"grouped_query_attention.{n}.weight": (width, 16) for n, width in widths.items()}
case("grouped_query_attention", "x |> grouped_query_attention(4, 2)", grouped, shared, x=f(1, 3, 16))
case("grouped_query_attention_bias", "x |> grouped_query_attention(4, 2, causal = false, base = 50.0, bias = true)",
     lambda p, x: grouped(p, x, False, lambda t: rope(t, 50.0)),
     shared | {f"grouped_query_attention.{n}.b": (width,) for n, width in widths.items()}, device=False, x=f(1, 3, 16))
case("grouped_query_attention_plain", "x |> grouped_query_attention(4, 2, base = 0)",
     lambda p, x: grouped(p, x, True, lambda t: t), shared, device=False, x=f(1, 3, 16))


def block(layer, parts, D=4, bias=True):
    """Without biases PyTorch's norms have no shift either; here it is 0 then."""
    shapes = {}
    for part, (out, inp) in parts.items():
        shapes |= {f"{layer}.{part}.weight": (out, inp)} | ({f"{layer}.{part}.b": (out,)} if bias else {})
    for k in range(1, 4 if "cross.q" in parts else 3):
        shapes |= {f"{layer}.norm{k}.scale": (D,),
                   f"{layer}.norm{k}.shift": (D,) if bias else lambda g: torch.zeros(D).double()}
    return shapes


def mapped(layer, bias, **names):
    m = {}
    for theirs, ours in names.items():
        norm = "norm" in theirs
        m |= {f"{theirs}.weight": f"{layer}.{ours}.{'scale' if norm else 'weight'}"}
        m |= {f"{theirs}.bias": f"{layer}.{ours}.{'shift' if norm else 'b'}"} if bias else {}
    return m


def encoder(p, x, norm_first, causal, activation, bias=True):
    m = nn.TransformerEncoderLayer(4, 2, 6, 0.0, activation, batch_first=True, norm_first=norm_first, bias=bias)
    names = mapped("transformer_block", bias, linear1="up", linear2="down", norm1="norm1", norm2="norm2")
    names |= {f"self_attn.{k}": v for k, v in mha("transformer_block.attn", bias).items()}
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=torch.float64) if causal else None
    return with_weights(m.train(), p, names, x, src_mask=mask)


parts = {"attn.qkv": (12, 4), "attn.out": (4, 4), "up": (6, 4), "down": (4, 6)}
case("transformer_block", "x |> transformer_block(2, hidden = 6, causal = true)",
     lambda p, x: encoder(p, x, True, True, F.gelu), block("transformer_block", parts), x=f(2, 3, 4))
case("transformer_block_norm_last", "x |> transformer_block(2, hidden = 6, norm_first = false, activation = relu)",
     lambda p, x: encoder(p, x, False, False, F.relu), block("transformer_block", parts), x=f(2, 3, 4))


case("transformer_block_plain", "x |> transformer_block(2, hidden = 6, bias = false, activation = silu)",
     lambda p, x: encoder(p, x, True, False, F.silu, False), block("transformer_block", parts, bias=False), device=False,
     x=f(2, 3, 4))


def decoder(p, x, m, norm_first, activation=F.gelu, bias=True):
    d = nn.TransformerDecoderLayer(4, 2, 6, 0.0, activation, batch_first=True, norm_first=norm_first, bias=bias)
    l = "transformer_decoder_block"
    names = mapped(l, bias, linear1="up", linear2="down", norm1="norm1", norm2="norm2", norm3="norm3")
    names |= {f"self_attn.{k}": v for k, v in mha(f"{l}.attn", bias).items()}
    both = {k: lambda p, k=k: torch.cat([p[f"{l}.cross.q.{k}"], p[f"{l}.cross.kv.{k}"]]) for k in ("weight", "b")}
    names |= {f"multihead_attn.{k}": v for k, v in mha(f"{l}.cross", bias, w=both["weight"], b=both["b"]).items()}
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=torch.float64)
    return with_weights(d.train(), p, names, x, m, tgt_mask=mask)


parts |= {"cross.q": (4, 4), "cross.kv": (8, 4), "cross.out": (4, 4)}
for first in (True, False):
    case(f"transformer_decoder_block{'' if first else '_norm_last'}",
         f"transformer_decoder_block(2, hidden = 6{'' if first else ', norm_first = false'})(x, m)",
         lambda p, x, m, first=first: decoder(p, x, m, first), block("transformer_decoder_block", parts), x=f(2, 3, 4),
         m=f(2, 5, 4))
case("transformer_decoder_block_plain", "transformer_decoder_block(2, hidden = 6, bias = false, activation = relu)(x, m)",
     lambda p, x, m: decoder(p, x, m, True, F.relu, False), block("transformer_decoder_block", parts, bias=False),
     device=False, x=f(2, 3, 4), m=f(2, 5, 4))
