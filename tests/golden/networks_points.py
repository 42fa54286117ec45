"""Networks of examples/zoo/ on points, and on what their data draws."""
import torch
import torch.nn.functional as F
from network import Adam, Network, Part, Sgd
from networks_zoo import zoo

POINTS = {"x": "f32[8,2] between -2 2", "label": "i32[8] below 2"}
COUNTED = {"x": "f32[4,2] between -1 1"}       # examples that are only counted


def classifier(name, model, net, sets):
    def predict(n, f):
        with n.layer(model):
            return net(n, f["x"])
    return zoo(name, POINTS, predict, lambda n, f: F.cross_entropy(predict(n, f), f["label"]), sets=sets)


def deep(n, x):
    x = n.dense(x, 8)
    for _ in range(4):
        with n.layer("block"):
            x = x + n.dense(F.relu(n.dense(x, 8)), 8)
    return n.dense(x, 2)


def radial(n, x):
    with n.layer("bumps"):
        centre, width = n.param("centre", 6, 2), n.param("width", 6)
        x = n.near(torch.exp(-0.5 * (torch.cdist(x, centre) / width.exp()) ** 2))
    return n.dense(x, 2)


def cut(n, f, count=8):
    with n.layer("machine"):
        with n.layer("waves"):
            direction = n.param("direction", count, 2, trained=False)
            x = n.near(torch.cos(F.linear(f["x"], direction, n.param("phase", count, trained=False))) * (2 / count) ** 0.5)
        return n.dense(x, 1, name="cut").squeeze(1)


def hinge(n, f):
    return F.relu(1 - cut(n, f) * (2 * f["label"] - 1)).mean()


# ---- a wave foretold

def waves(n):
    t = torch.arange(61, dtype=torch.float64)
    slow, fast, p, q = (n.random("uniform", 4, 1, label=k) for k in ("slow", "fast", "phase of slow", "phase of fast"))
    return torch.sin((0.2 + 0.3 * slow) * t + 6.28 * p) + 0.5 * torch.sin((0.5 + 0.5 * fast) * t + 6.28 * q)


def echo(n, f, units=8):
    x = waves(n)[:, :60]
    with n.layer("echo"):
        with n.layer("pool"):
            inward, around = n.param("inward", units, trained=False), n.param("around", units, units, trained=False)
            h, seen = torch.zeros(4, units, dtype=torch.float64), []
            for t in range(60):
                h = n.near(torch.tanh(torch.outer(x[:, t], inward) + F.linear(h, around)))
                seen.append(h)
        return n.dense(torch.stack(seen, 1), 1, name="reader").squeeze(2)


def foretold(n, f):
    return F.mse_loss(echo(n, f)[:, 20:], waves(n)[:, 21:])


# ---- discs

def discs(n, side=8):
    changes = F.one_hot(n.random(3, 1, label="what changes"), 3)
    own, shared = n.random("uniform", 4, 3, label="of each"), n.random("uniform", 1, 3, label="of all")
    truth = torch.where(changes.bool(), own, shared)
    across, down, size = (t[:, None, None] for t in truth.T)
    i, j = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.sigmoid(2 * (2 + 3 * size - torch.hypot(i - 4 - 7 * down, j - 4 - 7 * across))), changes


def graphics(n, f):
    x, changes = discs(n)
    with n.layer("graphics"):
        code = n.dense(F.relu(n.dense(x.flatten(1), 64)), 3)
        held = torch.where(changes.bool(), code, code.mean(0))
        image = torch.sigmoid(n.dense(F.relu(n.dense(held, 64)), 64)).unflatten(1, (8, 8))
    return {"image": image, "code": code}


# ---- a memory

def pairs(n, count=4, bits=3):
    words = torch.where(n.random("uniform", 4, 2, count, bits, label="words") < 0.5, 1.0, -1.0).double()
    asked = n.random(count, 4, label="asked")
    of = torch.arange(4)
    shown = torch.zeros(4, count + 1, 2 * bits + 1, dtype=torch.float64)
    shown[:, :count, :bits], shown[:, :count, bits:-1], shown[:, :count, -1] = words[:, 0], words[:, 1], 1
    shown[:, count, :bits] = words[of, 0, asked]
    return shown, (words[of, 1, asked] + 1) / 2


def memory(n, f, places=4, width=4, bits=3):
    def alike(key, m):
        return torch.softmax(torch.bmm(m, key[:, :, None])[..., 0], 1)
    shown, _ = pairs(n, bits=bits)
    with n.layer("machine"):
        m = n.param("start", places, width).expand(4, -1, -1)
        asked = [n.dense(shown, out, name=name).unbind(1) for name, out in (
            ("reader", width), ("writer", width), ("eraser", width), ("adder", width), ("pointer", places))]
        for k, w, e, a, p in zip(*asked):
            at = torch.softmax(p + 4 * torch.log(alike(w, m) + 1e-6), 1)
            m = n.near(m * (1 - torch.einsum("bn,bd->bnd", at, torch.sigmoid(e))) + torch.einsum("bn,bd->bnd", at, a))
        read = torch.bmm(alike(k, m)[:, None], m)[:, 0]
        return n.dense(F.relu(n.dense(read, 64)), bits)


def answered(n, f):
    return F.binary_cross_entropy_with_logits(memory(n, f), pairs(n)[1])


networks = [
    classifier("deep_residual", "deep", deep, {"deep.width": 8, "deep.blocks": 4}),
    classifier("radial_basis", "radial", radial, {"radial.count": 6}),
    zoo("support_vector", POINTS, cut, hinge, Sgd(0.2, 0.9, decay=1e-4), sets={"machine.count": 8}),
    zoo("echo_state", COUNTED, echo, foretold, sets={"echo.units": 8}),
    zoo("inverse_graphics", COUNTED, graphics, lambda n, f: F.mse_loss(graphics(n, f)["image"], discs(n)[0]), sets={"side": 8}),
    zoo("neural_memory", COUNTED, memory, answered, sets={"pairs.bits": 3, "machine.bits": 3, "machine.places": 4, "machine.width": 4}),
]
