"""Networks of examples/ that read sequences, tables of sequences, or points."""
import math

import torch
import torch.nn.functional as F
from cases_attention import rope
from network import Adam, Network, Part, Sgd, joined, split_heads


# ---- text: each token's successor is the label

TEXT = {"tok": "i32[2,65] below 7"}


def writer(name, net, model=None, **more):
    def predict(n, f):
        with n.layer(model or name):
            return net(n, f["tok"][:, :64])
    loss = lambda n, f: F.cross_entropy(predict(n, f).flatten(0, 1), f["tok"][:, 1:].flatten())
    return Network(name, TEXT, predict, {"step": Part(loss, more.pop("optimizer"))}, **more)


def gpt(n, tok):
    wte, wpe = n.param("wte", 7, 8), n.param("wpe", 64, 8)
    x = wte[tok] + wpe[:tok.shape[1]]
    for _ in range(2):
        with n.layer("block"):
            x = x + n.attention(n.layer_norm(x), 2, True, False, "attn")
            x = x + n.dense(F.gelu(n.dense(n.layer_norm(x), 32, name="up")), 8, name="down")
    return n.layer_norm(x) @ wte.T


def llama(n, tok):
    x = n.embedding(tok, 7, 16)
    with n.layer("block"):
        h = n.rms_norm(x)
        with n.layer("attn"):
            q, k, v = (split_heads(n.dense(h, 4 * heads, False, name), heads) for name, heads in (("q", 4), ("k", 2), ("v", 2)))
            y = F.scaled_dot_product_attention(rope(q), rope(k), v, is_causal=True, enable_gqa=True)
            x = x + n.dense(joined(y), 16, False, "out")
        h = n.rms_norm(x)
        with n.layer("mlp"):
            x = x + n.dense(F.silu(n.dense(h, 42, False, "gate")) * n.dense(h, 42, False, "up"), 16, False, "down")
    return n.dense(n.rms_norm(x), 7, False, "head")


def lstm(n, tok):
    return n.dense(n.recurrent(torch.nn.LSTM, n.embedding(tok, 7, 64), 4, "lstm"), 7, name="head")


# ---- series

def forecast(name, kind, ahead, window, origin):
    mean, std = 5.5, 0.4

    def predict(n, f):
        x = f["x"]
        with n.layer("forecast"):
            return n.dense(n.recurrent(kind, (x - origin(x)[:, None]) / std, 4, name)[:, -1], ahead)

    def loss(n, f):
        year = f["x"][:, 0] if ahead == 1 else f["x"][:, 12:18, 0]
        return F.mse_loss(year + std * predict(n, f), f["target"])
    return Network(name, {"x": f"f32[4,{window},1] between 4.7 6.3", "target": f"f32[4,{ahead}] between 4.7 6.3"}, predict,
                   {"step": Part(loss, Adam(0.01))}, sets={"forecast.units": 4}, more={"mean": str(mean), "std": str(std)})


# ---- others

def encoder(n, f):
    with n.layer("encoder"):
        first, place = n.param("first", 8), n.param("place", 29, 8)
        h = torch.cat([first.expand(4, 1, -1), n.dense(f["image"] / 255, 8, name="rows")], 1) + place
        with n.layer("transformer_block"):
            h = h + n.attention(n.layer_norm(h, "norm1"), 2, name="attn")
            h = h + n.dense(F.gelu(n.dense(n.layer_norm(h, "norm2"), 32, name="up")), 8, name="down")
        return n.dense(n.layer_norm(h[:, 0]), 10, name="head")


def skipgram_pair(n, center, other):
    with n.layer("skipgram", again=True):
        with n.layer("words", again=True):
            words = F.embedding(center, n.param("weight", 12, 8))
        return torch.einsum("bd,bnd->bn", words, n.param("around", 12, 8)[other])


def skipgram(n, f):
    tok = f["tok"]
    return skipgram_pair(n, tok[:, 2], torch.cat([tok[:, 0:2], tok[:, 3:5]], 1))


def neighbours(n, f):
    no = skipgram_pair(n, f["tok"][:, 2], n.random(12, 6, 10, label="drawn words"))
    return (F.softplus(-skipgram(n, f)).sum(1) + F.softplus(no).sum(1)).mean()


def oscillator(n, f):
    t = ((f["x"][:, 0:1] + 3) * 2 / 3).detach().requires_grad_()
    with n.layer("oscillator"):
        x = t - 2
        for _ in range(2):
            x = torch.tanh(n.dense(x, 8))
        u = 1 + torch.tanh(t) ** 2 * n.dense(x, 1)
    velocity, = torch.autograd.grad(u.sum(), t, create_graph=True)
    acceleration, = torch.autograd.grad(velocity.sum(), t, create_graph=True)
    return {"u": u, "residual": acceleration + 0.4 * velocity + 4.0 * u}


# The Evoformer. Tables are [B, S, T, D]: sequences, places; or pairs of places.

ROWS, LENGTH, WIDTH, HEADS = 3, 6, 8, 2


def attend(n, name, x, bias):
    def of_heads(t):
        return t.unflatten(-1, (HEADS, -1)).transpose(-3, -2)
    with n.layer(name):
        h, d = n.layer_norm(x), x.shape[-1]
        q, k, v = (of_heads(t) for t in n.dense(h, 3 * d, False, "qkv").chunk(3, -1))
        s = q @ k.transpose(-2, -1) / math.sqrt(d / HEADS) + bias[:, None]
        y = (torch.softmax(s, -1) @ v).transpose(-3, -2).flatten(-2)
        return n.dense(y * torch.sigmoid(n.dense(h, d, name="gate")), d, name="out")


def triangle(n, name, z, way):
    with n.layer(name):
        h = n.layer_norm(z)
        dense = lambda x, name: n.dense(x, WIDTH, name=name)
        a = torch.sigmoid(dense(h, "gate_a")) * dense(h, "a")
        b = torch.sigmoid(dense(h, "gate_b")) * dense(h, "b")
        y = torch.einsum(way, a, b)
        return torch.sigmoid(dense(h, "gate")) * dense(n.layer_norm(y), "out")


def pair_bias(n, z):
    return n.dense(n.layer_norm(z), HEADS, False).permute(0, 3, 1, 2)


def triangle_attention(n, name, z, ending):
    with n.layer(name):
        x = z.transpose(1, 2) if ending else z
        y = attend(n, "attend", x, pair_bias(n, x))
        return y.transpose(1, 2) if ending else y


def transition(n, name, x):
    with n.layer(name):
        return n.dense(F.relu(n.dense(n.layer_norm(x), 2 * x.shape[-1])), x.shape[-1])


def outer_product_mean(n, m):
    with n.layer("outer_product_mean"):
        h = n.layer_norm(m)
        a, b = n.dense(h, 8, name="left"), n.dense(h, 8, name="right")
        return n.dense((torch.einsum("bsic,bsjd->bijcd", a, b) / m.shape[1]).flatten(-2), WIDTH)


def families(n, f):
    """The data of the example: pairs of places that touch, and letters that fit."""
    fold = n.random(7, 2, label="fold") + LENGTH - 4
    drawn = n.random(4, 2, ROWS, LENGTH, label="letters")
    i, j = torch.arange(LENGTH)[:, None], torch.arange(LENGTH)[None]
    contact = ((i + j == fold[:, None, None]) & ((i - j).abs() > 3)).double()
    later = torch.where(i > j, contact, 0)
    fits = torch.einsum("bij,brj->bri", later, (3 - drawn).double())
    clean = torch.where(later.sum(2)[:, None] > 0, fits.long(), drawn)
    wrong = n.random("uniform", 2, ROWS, LENGTH, label="wrong") < 0.05
    return torch.where(wrong, n.random(4, 2, ROWS, LENGTH, label="wrong letters"), clean), contact


def evoformer_of(n, rna):
    with n.layer("evoformer"):
        i = torch.arange(LENGTH)
        z = n.embedding((i[:, None] - i).clamp(-8, 8) + 8, 17, WIDTH, "distance").expand(2, -1, -1, -1)
        m = n.embedding(rna, 4, WIDTH, "letter")
        with n.layer("evoformer_block"):
            m = m + attend(n, "rows", m, pair_bias(n, z))
            m = m + attend(n, "columns", m.transpose(1, 2), torch.zeros(2, HEADS, ROWS, ROWS).double()).transpose(1, 2)
            m = m + transition(n, "msa_transition", m)
            z = z + outer_product_mean(n, m)
            z = z + triangle(n, "outgoing", z, "bikc,bjkc->bijc")
            z = z + triangle(n, "incoming", z, "bkic,bkjc->bijc")
            z = z + triangle_attention(n, "starting", z, False)
            z = z + triangle_attention(n, "ending", z, True)
            z = z + transition(n, "pair_transition", z)
        y = n.dense(n.layer_norm(z), 1)
        return (y + y.transpose(1, 2))[..., 0] / 2


def evoformer(n, f):
    return evoformer_of(n, families(n, f)[0])


def contacts_loss(n, f):
    rna, contact = families(n, f)
    return F.binary_cross_entropy_with_logits(evoformer_of(n, rna), contact)


networks = [
    writer("gpt", gpt, optimizer=Adam(0.01, clip=1.0, decay=0.1, betas=(0.9, 0.99)), sets={"gpt.D": 8, "gpt.L": 2, "gpt.heads": 2}),
    writer("llama", llama, optimizer=Sgd(0.1, 0.9), sets={"llama.D": 16, "llama.L": 1}),
    writer("lstm", lstm, "writer", optimizer=Sgd(0.5, 0.9), sets={"writer.units": 4}),
    forecast("rnn", torch.nn.RNN, 1, 12, lambda x: x[:, 0]),
    forecast("gru", torch.nn.GRU, 6, 24, lambda x: x[:, -1]),
    Network("encoder", {"image": "u8[4,28,28] below 256", "label": "i32[4] below 10"}, encoder,
            {"step": Part(lambda n, f: F.cross_entropy(encoder(n, f), f["label"]), Sgd(0.1, 0.9))},
            sets={"encoder.D": 8, "encoder.L": 1, "encoder.heads": 2}),
    Network("skipgram", {"tok": "i32[6,5] below 12"}, skipgram, {"step": Part(neighbours, Adam(0.05))}, sets={"skipgram.D": 8}),
    Network("pinn", {"x": "f32[16,2] between -3 3"}, oscillator,
            {"step": Part(lambda n, f: (oscillator(n, f)["residual"] ** 2).mean(), Adam(0.01))}, sets={"oscillator.hidden": 8}),
    Network("evoformer", {"x": "f32[2,2] between -1 1"}, evoformer, {"step": Part(contacts_loss, Sgd(0.05, 0.9, clip=1.0))},
            sets={"evoformer.width": WIDTH, "families.rows": ROWS, "families.length": LENGTH}),
]
