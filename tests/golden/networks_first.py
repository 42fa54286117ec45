"""Networks of examples/ on points and tables, and the first ones on digits."""
import torch
import torch.nn.functional as F
from network import Adam, Network, Part, Sgd


def classifier(name, net, features, classes, optimizer, model=None, sets={}):
    """A network that tells points apart: name, file, and what it does to x."""
    def predict(n, f):
        with n.layer(model or name):
            return net(n, f["x"])
    loss = lambda n, f: F.cross_entropy(predict(n, f), f["label"])
    return Network(name, {"x": f"f32[8,{features}] between -2 2", "label": f"i32[8] below {classes}"}, predict,
                   {"step": Part(loss, optimizer)}, sets=sets)


def bent(hidden, classes, times=1, bend=torch.tanh, norm=False):
    """Hidden layers, all alike, and what reads them."""
    def net(n, x):
        x = n.batch_norm(x) if norm else x
        for _ in range(times):
            x = bend(n.dense(x, hidden))
        return n.dense(x, classes)
    return net


def book(n, f):
    x = (f["image"] / 255).flatten(1)
    with n.layer("book"):
        for units in (30, 10):
            with n.layer("neurons"):
                w, b = n.param("weight", units, x.shape[1]), n.param("bias", units)
                x = n.near(torch.sigmoid(F.linear(x, w, b)))
        return x


def quadratic(n, f):
    return 0.5 * F.mse_loss(book(n, f), F.one_hot(f["label"], 10).double(), reduction="sum") / len(f["label"])


networks = [
    classifier("perceptron", lambda n, x: n.dense(x, 2), 2, 2, Sgd(0.1, 0.9)),
    classifier("xor", bent(8, 2), 2, 2, Adam(0.02), "xor_net"),
    classifier("spiral", bent(16, 2, times=2), 2, 2, Adam(0.01), "playground"),
    classifier("iris", bent(16, 3, norm=True), 4, 3, Adam(0.01), "flowers"),
    classifier("penguins", bent(16, 3, bend=F.relu, norm=True), 4, 3, Adam(0.01), "birds"),
    Network("nielsen", {"image": "u8[4,28,28] below 256", "label": "i32[4] below 10"}, book,
            {"step": Part(quadratic, Sgd(3.0, 0.5))}),
]
