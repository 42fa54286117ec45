"""Networks of examples/, as narrow as they go, for cases_nets.py. Not on devices: they are many kernels."""
import torch
import torch.nn.functional as F
from golden import between, f, ints


def scaled(*shape):     # so that numbers keep their size from layer to layer
    fan = shape[1] * shape[2] * shape[3]
    return f(*shape, scale=(2 / fan) ** 0.5)


def norm(name, channels):
    return {f"{name}.scale": between(0.5, 1.5, channels), f"{name}.shift": f(channels, scale=0.3),
            f"{name}.mean": f(channels, scale=0.3), f"{name}.var": between(0.5, 1.5, channels)}


def batch_norm(p, name, x, training):
    scale, shift = p[f"{name}.scale"], p[f"{name}.shift"]
    if training:
        return F.batch_norm(x, None, None, scale, shift, True)
    mean, var = (p[f"{name}.{k}"][:, None, None] for k in ("mean", "var"))      # PyTorch's gives them no gradients
    return (x - mean) / torch.sqrt(var + 1e-5) * scale[:, None, None] + shift[:, None, None]


# Blocks of a residual network: path, channels in and out, stride; `inner` channels of a bottleneck, or 0.
def blocks(width, counts, bottleneck):
    at = width
    for s, count in enumerate(counts):
        for b in range(count):
            inner, stride = width * 2 ** s, 2 if s and not b else 1
            out = inner * (4 if bottleneck else 1)
            yield f"net.stage{s + 1}.block{'' if b == 0 else f'_{b + 1}'}", at, inner, out, stride
            at = out


def resnet_weights(width, counts, bottleneck, classes):
    p = {"net.conv1.weight": scaled(width, 3, 7, 7), **norm("net.norm1", width)}
    for path, i, c, o, stride in blocks(width, counts, bottleneck):
        convs = [(c, i, 1), (c, c, 3), (o, c, 1)] if bottleneck else [(c, i, 3), (c, c, 3)]
        for k, (a, b, size) in enumerate(convs):
            p |= {f"{path}.conv{k + 1}.weight": scaled(a, b, size, size), **norm(f"{path}.norm{k + 1}", a)}
        if i != o or stride > 1:
            p |= {f"{path}.project.weight": scaled(o, i, 1, 1), **norm(f"{path}.norm", o)}
    return p | {"net.fc.weight": f(classes, o, scale=0.5), "net.fc.b": f(classes)}


def resnet(width, counts, bottleneck, training=False):
    def conv(p, path, k, x, stride=1):
        w = p[f"{path}.conv{k}.weight"]
        x = F.conv2d(x, w, stride=stride, padding=w.shape[2] // 2)
        return batch_norm(p, f"{path}.norm{k}", x, training)

    def net(p, x):
        h = F.max_pool2d(F.relu(conv(p, "net", 1, x, 2)), 3, 2, 1)
        for path, i, c, o, stride in blocks(width, counts, bottleneck):
            first, second = (1, stride) if bottleneck else (stride, 1)
            y = conv(p, path, 2, F.relu(conv(p, path, 1, h, first)), second)
            y = conv(p, path, 3, F.relu(y)) if bottleneck else y
            if f"{path}.project.weight" in p:
                h = batch_norm(p, f"{path}.norm", F.conv2d(h, p[f"{path}.project.weight"], stride=stride), training)
            h = F.relu(h + y)
        return F.linear(h.mean((2, 3)), p["net.fc.weight"], p["net.fc.b"])
    return net


def unet_weights(w, inputs, classes):
    p = {}
    def pair(path, i, o):
        return {f"{path}.conv.weight": scaled(o, i, 3, 3), f"{path}.conv.b": f(o, scale=0.2),
                f"{path}.conv_2.weight": scaled(o, o, 3, 3), f"{path}.conv_2.b": f(o, scale=0.2)}
    for k, path in enumerate(["down1", "down2", "down3", "down4", "bottom"]):
        p |= pair(f"net.{path}", w * 2 ** (k - 1) if k else inputs, w * 2 ** k)
    for k in (3, 2, 1, 0):
        c, path = w * 2 ** k, f"net.up{k + 1}"
        p |= {f"{path}.grow.weight": scaled(2 * c, c, 2, 2), f"{path}.grow.b": f(c, scale=0.2)}
        p |= pair(f"{path}.pair", 2 * c, c)
    return p | {"net.out.weight": scaled(classes, w, 1, 1), "net.out.b": f(classes)}


def unet(p, x):
    def pair(path, x):
        for k in ("conv", "conv_2"):
            x = F.relu(F.conv2d(x, p[f"{path}.{k}.weight"], p[f"{path}.{k}.b"], padding=1))
        return x
    seen = []
    for path in ("down1", "down2", "down3", "down4"):
        seen.append(pair(f"net.{path}", x))
        x = F.max_pool2d(seen[-1], 2)
    x = pair("net.bottom", x)
    for k in (3, 2, 1, 0):
        path = f"net.up{k + 1}"
        x = F.conv_transpose2d(x, p[f"{path}.grow.weight"], p[f"{path}.grow.b"], stride=2)
        x = pair(f"{path}.pair", torch.cat([seen[k], x], 1))
    return F.conv2d(x, p["net.out.weight"], p["net.out.b"]).permute(0, 2, 3, 1)


def add(family):
    family.net("resnet18", "x |> resnet18_file.resnet18(width = 1, classes = 3) as net", resnet(1, (2, 2, 2, 2), False),
               "cross_entropy({out}, label)", "sgd(0.01, momentum = 0.9)", resnet_weights(1, (2, 2, 2, 2), False, 3),
               lambda y, x, label: F.cross_entropy(y, label.long()), lambda ps: torch.optim.SGD(ps, 0.01, 0.9),
               decl='import "examples/resnet18.nn" as resnet18_file\n', train=resnet(1, (2, 2, 2, 2), False, True),
               device=False, x=f(4, 3, 40, 40), label=ints(3, 4))
    family.net("unet", "x |> unet_file.unet(width = 1) as net", unet, "cross_entropy({out}, ink)", "sgd(0.05)",
               unet_weights(1, 1, 2), lambda y, x, ink: F.cross_entropy(y.permute(0, 3, 1, 2), ink.long()),
               lambda ps: torch.optim.SGD(ps, 0.05), decl='import "examples/unet.nn" as unet_file\n', device=False,
               x=f(2, 1, 16, 16), ink=ints(2, 2, 16, 16))
