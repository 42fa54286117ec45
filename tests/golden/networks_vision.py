"""Networks of examples/ that look at images."""
import torch
import torch.nn.functional as F
from network import Adam, Network, Part, Sgd

IMAGES = {"image": "u8[4,28,28] below 256"}
TWO = {"image": "u8[2,28,28] below 256"}       # for networks whose width no setting tells


def classifier(name, net, inputs, optimizer=Adam(0.01), sets={}, model=None, fields=IMAGES | {"label": "i32[4] below 10"}):
    """A network that tells ten digits apart."""
    def predict(n, f):
        with n.layer(model or name):
            return net(n, inputs(f))
    loss = lambda n, f: F.cross_entropy(predict(n, f), f["label"])
    return Network(name, fields, predict, {"step": Part(loss, optimizer)}, sets=sets)


def grey(f):
    return f["image"] / 255


def coloured(scale):
    return lambda f: F.interpolate(grey(f)[:, None], scale_factor=scale).repeat(1, 3, 1, 1)


def lenet(n, x):
    x = F.avg_pool2d(torch.tanh(n.conv(x[:, None], 6, 5, pad=2)), 2)
    x = F.avg_pool2d(torch.tanh(n.conv(x, 16, 5)), 2)
    return n.dense(torch.tanh(n.dense(torch.tanh(n.dense(x.flatten(1), 120)), 84)), 10)


def mlp(n, f):
    with n.layer("mlp"):
        return n.dense(n.dropout(F.relu(n.dense(grey(f).flatten(1), 8)), 0.2), 10)


def mlp_loss(n, f):
    return F.cross_entropy(mlp(n, f), f["label"])


def cnn(n, x, width=16):         # so that a convolution goes Winograd's way
    x = x[:, None]
    for c in (width, 2 * width):
        x = F.max_pool2d(F.relu(n.conv(x, c, 3, pad=1)), 2)
    return n.dense(n.dropout(F.relu(n.dense(n.dropout(x.flatten(1), 0.25), 4 * width)), 0.5), 10)


def alexnet(n, x):
    x = F.max_pool2d(F.relu(n.conv(x, 1, 11, 4, 2)), 3, 2)
    x = F.max_pool2d(F.relu(n.conv(x, 3, 5, pad=2)), 3, 2)
    for c in (6, 4, 4):
        x = F.relu(n.conv(x, c, 3, pad=1))
    x = F.max_pool2d(x, 3, 2).flatten(1)
    for _ in range(2):
        x = F.relu(n.dense(n.dropout(x, 0.5), 64))
    return n.dense(x, 10)


def vgg11(n, x):
    for c, convs in ((1, 1), (2, 1), (4, 2), (8, 2), (8, 2)):
        for _ in range(convs):
            x = F.relu(n.conv(x, c, 3, pad=1))
        x = F.max_pool2d(x, 2)
    x = x.flatten(1)
    for _ in range(2):
        x = n.dropout(F.relu(n.dense(x, 64)), 0.5)
    return n.dense(x, 10)


def resnet(width, blocks, bottleneck):
    def block(n, x, c, stride):
        convs = [(c, 1, 1), (c, 3, stride), (4 * c, 1, 1)] if bottleneck else [(c, 3, stride), (c, 3, 1)]
        y = x
        for i, (out, k, s) in enumerate(convs):
            y = n.batch_norm(n.conv(y, out, k, s, k // 2, bias=False, name=f"conv{i + 1}"), f"norm{i + 1}")
            y = F.relu(y) if i + 1 < len(convs) else y
        if y.shape != x.shape:
            x = n.batch_norm(n.conv(x, y.shape[1], 1, stride, bias=False, name="project"), "norm")
        return F.relu(x + y)

    def net(n, x):
        x = F.relu(n.batch_norm(n.conv(x, width, 7, 2, 3, bias=False, name="conv1"), "norm1"))
        x = F.max_pool2d(x, 3, 2, 1)
        for s, count in enumerate(blocks):
            with n.layer(f"stage{s + 1}"):
                for i in range(count):
                    with n.layer("block"):
                        x = block(n, x, width * 2 ** s, 2 if s and not i else 1)
        return n.dense(x.mean((2, 3)), 10, name="fc")
    return net


def inverted(n, x, c, k, widen, stride, act, excite=False, drop=0.0):
    """The block of MobileNet v2 and, with more in it, of EfficientNet."""
    inner = widen * x.shape[1]
    y = x if widen == 1 else act(n.batch_norm(n.conv(x, inner, 1, bias=False, name="expand"), "norm1"))
    y = act(n.batch_norm(n.depthwise(y, k, stride, k // 2, bias=False, name="depthwise"), "norm2"))
    if excite:
        with n.layer("excite"):
            s = F.silu(n.conv(y.mean((2, 3), keepdim=True), max(x.shape[1] // 4, 1), 1, name="down"))
            y = y * torch.sigmoid(n.conv(s, inner, 1, name="up"))
    y = n.batch_norm(n.conv(y, c, 1, bias=False, name="project"), "norm3")
    if y.shape != x.shape:
        return y
    if drop and n.training:
        with n.layer("drop_path"):
            y = y * ((n.random("uniform", len(x), 1, 1, 1) >= drop).double() / (1 - drop))
    return x + y


def head(n, x, act, channels):
    x = act(n.batch_norm(n.conv(x, channels, 1, bias=False)))
    return n.dense(n.dropout(x.mean((2, 3)), 0.2), 10)


def mobilenet(n, x, part=8):
    x = F.relu6(n.batch_norm(n.conv(x, 32 // part, 3, 2, 1, bias=False)))
    for widen, c, blocks, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                     (6, 320, 1, 1)]:
        for i in range(blocks):
            with n.layer("block"):
                x = inverted(n, x, c // part, 3, widen, 1 if i else stride, F.relu6)
    return head(n, x, F.relu6, 1280 // part)


def efficientnet(n, x, part=8):
    x = F.silu(n.batch_norm(n.conv(x, 32 // part, 3, 2, 1, bias=False)))
    before = 0
    for s, (c, blocks, k, widen, stride) in enumerate([
            (16, 1, 3, 1, 1), (24, 2, 3, 6, 2), (40, 2, 5, 6, 2), (80, 3, 3, 6, 2), (112, 3, 5, 6, 1), (192, 4, 5, 6, 2),
            (320, 1, 3, 6, 1)]):
        with n.layer(f"stage{s + 1}"):
            for i in range(blocks):
                with n.layer("block"):
                    x = inverted(n, x, c // part, k, widen, 1 if i else stride, F.silu, True, 0.2 * before / 16)
                before += 1
    return head(n, x, F.silu, 1280 // part)


def unet_pair(n, x, c, name):
    with n.layer(name):
        for _ in range(2):
            x = F.relu(n.conv(x, c, 3, pad=1))
        return x


def unet(n, f):
    framed = F.pad(grey(f)[:, None], (2, 2, 2, 2))
    x = framed + 0.7 * n.random("normal", *framed.shape, label="heavy noise")
    with n.layer("unet"):
        seen = []
        for i, name in enumerate(["down1", "down2", "down3", "down4", "bottom"]):
            x = unet_pair(n, F.max_pool2d(x, 2) if i else x, 2 ** i, name)
            seen.append(x)
        for i in (3, 2, 1, 0):
            with n.layer(f"up{i + 1}"):
                x = unet_pair(n, torch.cat([seen[i], n.conv_transpose(x, 2 ** i, 2, 2, name="grow")], 1), 2 ** i, "pair")
        return n.conv(x, 2, 1, name="out").permute(0, 2, 3, 1)


def ink_loss(n, f):
    ink = F.pad(grey(f), (2, 2, 2, 2)) > 0.5
    return F.cross_entropy(unet(n, f).permute(0, 3, 1, 2), ink.long())


def siamese(n, f):
    def twin(x, again):
        with n.layer("twin", again):
            x = F.max_pool2d(F.relu(n.conv(x[:, None], 8, 3, pad=1)), 2)
            x = F.max_pool2d(F.relu(n.conv(x, 16, 3, pad=1)), 2)
            return n.dense(F.relu(n.dense(x.flatten(1), 64)), 8)
    with n.layer("siamese"):
        return {"a": twin(grey(f), False), "b": twin(grey(f).roll(-1, 0), True)}


def contrast(n, f):
    y = siamese(n, f)
    square = ((y["a"] - y["b"]) ** 2).sum(1)
    same = f["label"] == f["label"].roll(-1, 0)
    return torch.where(same, 9 * square, F.relu(1 - torch.sqrt(square + 1e-6)) ** 2).mean()


def features(n, x, width=4):
    x = x[:, None]
    for c in (width, 2 * width):
        x = F.max_pool2d(F.relu(n.batch_norm(n.conv(x, c, 3, pad=1))), 2)
    return F.relu(n.dense(n.dropout(x.flatten(1), 0.25), 4 * width))


def low(n, f):
    with n.layer("low"):
        with n.layer("body"):
            x = features(n, grey(f))
        return n.dense(n.dropout(x, 0.5), 5, name="head")


def transfer(n, f):
    with n.layer("high"):
        with n.layer("body"):
            n.frozen = True
            x = features(n, grey(f))
            n.frozen = False
        return n.dense(x, 5, name="head")


def high_loss(n, f):
    return F.cross_entropy(transfer(n, f), f["label"] - 5)


# What stands before a batch_norm may be shifted or scaled for nothing: its gradient is 0 but for rounding. Adam would make
# steps of full size of that, so these train with momentum, as in torchvision.
def deep(name, net, sets, lr=0.01):
    return classifier(name, net, coloured(2), Sgd(lr, 0.9, clip=1.0), sets)


networks = [
    Network("digits_mlp", IMAGES | {"label": "i32[4] below 10"}, mlp,
            {"gather": Part(mlp_loss, None), "step": Part(mlp_loss, Adam(0.01))}, accumulate=2,
            turns=[t for i in range(5) for t in (("gather", i, i, 0), ("step", i, i, 1))],
            sets={"mlp.hidden": 8, "train.accumulate": 2}),
    classifier("lenet", lenet, grey),
    classifier("digits_cnn", cnn, grey, Sgd(3e-4, 0.9), {"cnn.width": 16}, "cnn", TWO | {"label": "i32[2] below 10"}),
    classifier("alexnet", alexnet, coloured(3), sets={"alexnet.width": 1}),
    classifier("vgg11", vgg11, coloured(2), sets={"vgg11.width": 1}),
    deep("resnet18", resnet(1, (2, 2, 2, 2), False), {"resnet18.width": 1, "digits.scale": 2}),
    deep("resnet50", resnet(3, (3, 4, 6, 3), True), {"resnet50.width": 3, "digits.scale": 2}),
    deep("mobilenet_v2", mobilenet, {"mobilenet_v2.part": 8}, 0.003),
    deep("efficientnet_b0", efficientnet, {"efficientnet_b0.part": 8}),
    Network("unet", IMAGES, unet, {"step": Part(ink_loss, Adam(0.01))}, sets={"unet.width": 1}),
    Network("siamese", {"image": "u8[8,28,28] below 256", "label": "i32[8] below 3"}, siamese,
            {"step": Part(contrast, Sgd(0.01, 0.9))}),
    Network("low_digits", TWO | {"label": "i32[2] below 5"}, low,
            {"step": Part(lambda n, f: F.cross_entropy(low(n, f), f["label"]), Sgd(1e-3, 0.9, clip=10.0))},
            sets={"low.width": 4}),
    # Two stages: a head, then also the last layer of the frozen body.
    Network("transfer", {"image": "u8[6,28,28] below 256", "label": "i32[6] below 10 from 5"}, transfer,
            {"step.warm": Part(high_loss, Adam(3e-3, at="adam.warm."), only=["high.head."], own=True),
             "step.tune": Part(high_loss, Adam(3e-4, at="adam.tune."), only=["high.head.", "high.body.dense."], own=True)},
            turns=[("step.warm", i, i, 0) for i in range(3)] + [("step.tune", i + 3, i, 0) for i in range(2)], sets={"high.width": 4}),
]
