"""Networks of examples/zoo/ that look at images."""
import torch
import torch.nn.functional as F
from network import Adam, Network, Part, Sgd

IMAGES = {"image": "u8[4,28,28] below 256"}
DIGITS = IMAGES | {"label": "i32[4] below 10"}


def grey(f):
    return f["image"] / 255


def zoo(name, fields, predict, loss, optimizer=Adam(0.01), only=("",), sets={}):
    return Network(name, fields, predict, {"step": Part(loss, optimizer, only)}, sets=sets, file=f"zoo/{name}.nn")


def classifier(name, model, net, optimizer=Adam(0.01), only=("",), sets={}):
    """A network that tells ten digits apart."""
    def predict(n, f):
        with n.layer(model):
            return net(n, grey(f))
    return zoo(name, DIGITS, predict, lambda n, f: F.cross_entropy(predict(n, f), f["label"]), optimizer, only, sets)


def attention_network(n, x):
    pieces = F.unfold(x[:, None], 7, stride=7).transpose(1, 2)      # [B, 16, 49]
    h = n.dense(pieces, 8) + n.param("place", 16, 8)
    with n.layer("block"):
        h = h + n.attention(n.layer_norm(h), 2, bias=False)
        h = h + n.dense(F.gelu(n.dense(n.layer_norm(h), 16)), 8)
    return n.dense(n.layer_norm(h).mean(1), 10)


def bidirectional(n, x, units=4):
    def last(name, x):
        with n.layer(name):
            with n.layer("inward"):
                w, b = n.param("weight", units, x.shape[-1]), n.param("b", units)
            weights = {"weight_ih_l0": w, "weight_hh_l0": n.param("around", units, units), "bias_ih_l0": b,
                       "bias_hh_l0": torch.zeros_like(b)}
            m = torch.nn.RNN(x.shape[-1], units, batch_first=True).double()
            return n.near(torch.func.functional_call(m, weights, (x,))[1][0])
    return n.dense(torch.cat([last("down", x), last("up", x.flip(1))], 1), 10)


def extreme_learning(n, x):
    return n.dense(torch.tanh(n.dense(x.flatten(1), 16, name="drawn")), 10, name="learnt")


def highway(n, x):
    x = n.dense(x.flatten(1), 8)
    for _ in range(3):
        with n.layer("highway"):
            gate = torch.sigmoid(n.dense(x, 8, name="gate") - 2)
            x = torch.lerp(x, F.relu(n.dense(x, 8, name="change")), gate)
    return n.dense(x, 10)


# ---- capsules

def squash(x):
    square = x.square().sum(-1, keepdim=True)
    return x * torch.sqrt(square + 1e-8) / (1 + square)


def capsules(n, f, width=4):
    with n.layer("capsules"):
        x = n.conv(F.relu(n.conv(grey(f)[:, None], 16, 9, 2)), 32, 5, 2)
        u = squash(x.unflatten(1, (4, 8)).movedim(2, -1).flatten(1, 3))        # [B, N, 8]
        with n.layer("agree"):
            told = n.near(torch.einsum("cnwe,bne->bcnw", n.param("weight", 10, u.shape[1], width, 8), u))
        trust = torch.zeros(told.shape[:3], dtype=torch.float64)
        for turn in range(3):
            v = squash((trust.softmax(1)[..., None] * told).sum(2))
            trust = trust + (told * v[:, :, None]).sum(-1)
        return torch.sqrt(v.square().sum(2) + 1e-8)


def margin(n, f):
    length, right = capsules(n, f), F.one_hot(f["label"], 10)
    missed, wrong = F.relu(0.9 - length).square(), F.relu(length - 0.1).square()
    return (right * missed + 0.5 * (1 - right) * wrong).sum(1).mean()


# ---- images out of codes

def drawer(n, f, width=2):
    with n.layer("drawer"):
        y = F.relu(n.dense(F.one_hot(f["label"], 10).double(), 2 * width * 49)).unflatten(1, (2 * width, 7, 7))
        y = F.relu(n.conv_transpose(y, width, 4, 2, 1))
        return torch.sigmoid(n.conv_transpose(y, 1, 4, 2, 1)).squeeze(1)


def denoiser(n, f, hidden=8):
    x = grey(f)
    with n.layer("denoiser"):
        with n.layer("spoiled"):
            hit, white = n.random("uniform", *x.shape) < 0.4, n.random("uniform", *x.shape) < 0.5
        x = x.masked_fill(hit & white, 1).masked_fill(hit & ~white, 0).flatten(1)
        for _ in range(2):
            x = F.relu(n.dense(x, hidden))
        return torch.sigmoid(n.dense(x, 784)).unflatten(1, (28, 28))


def sparse(n, f, width=16):
    with n.layer("sparse"):
        code = torch.sigmoid(n.dense(grey(f).flatten(1), width, name="enc"))
        return {"recon": torch.sigmoid(n.dense(code, 784, name="dec")).unflatten(1, (28, 28)), "code": code}


def few(n, f):
    y = sparse(n, f)
    on = torch.distributions.Bernoulli(y["code"].mean(0).clamp(1e-4, 1 - 1e-4))
    seldom = torch.distributions.Bernoulli(torch.tensor(0.05).double())
    return F.mse_loss(y["recon"], grey(f), reduction="sum") / 4 + 0.3 * torch.distributions.kl_divergence(seldom, on).sum()


# ---- machines that fall into what they remember

def energies(n, f, hidden=6):
    v = (f["image"] > 127).double().flatten(1)
    with n.layer("machine"):
        w, visible, latent = n.param("weight", hidden, v.shape[1]), n.param("visible", v.shape[1]), n.param("latent", hidden)

        def flip(logits):
            return (n.random("uniform", *logits.shape) < torch.sigmoid(logits)).double()

        def energy(v):
            return n.near(-(v @ visible) - F.softplus(F.linear(v, w, latent)).sum(1))
        dream = v
        for _ in range(3):
            with torch.no_grad():
                dream = flip(F.linear(flip(F.linear(dream, w, latent)), w.T, visible))
        return {"seen": energy(v), "dreamt": energy(dream), "dream": dream}


def contrast(n, f):
    y = energies(n, f)
    return (y["seen"] - y["dreamt"]).mean()


def patterns(f):
    return (F.max_pool2d(grey(f)[:, None], 2) > 0.5).double().flatten(1) * 2 - 1


def hopfield(n, f):
    x = patterns(f)
    x = x * torch.where(n.random("uniform", *x.shape, label="shaken") < 0.15, -1, 1)
    with n.layer("hopfield"):
        w, threshold = n.param("weight", x.shape[1], x.shape[1]), n.param("threshold", x.shape[1])
        alone = (w + w.T).fill_diagonal_(0)
        for _ in range(8):
            x = n.near(torch.tanh(x @ alone - threshold))
        return x


networks = [
    classifier("attention_network", "looker", attention_network, sets={"looker.width": 8, "looker.heads": 2, "looker.blocks": 1}),
    classifier("bidirectional", "rows", bidirectional, sets={"rows.units": 4}),
    classifier("extreme_learning", "machine", extreme_learning, only=["machine.learnt."], sets={"machine.hidden": 16}),
    classifier("highway", "road", highway, Adam(0.005), sets={"road.width": 8, "road.layers": 3}),
    zoo("capsule", DIGITS, capsules, margin, sets={"capsules.width": 4}),
    zoo("deconvolution", DIGITS, drawer, lambda n, f: F.mse_loss(drawer(n, f), grey(f)), sets={"drawer.width": 2}),
    zoo("denoising_autoencoder", IMAGES, denoiser, lambda n, f: F.mse_loss(denoiser(n, f), grey(f)), sets={"denoiser.hidden": 8}),
    zoo("sparse_autoencoder", IMAGES, sparse, few, Adam(0.001), sets={"sparse.code": 16}),
    zoo("boltzmann", {"image": "u8[8,6,6] below 256"}, energies, contrast, Sgd(0.05, 0.5), sets={"machine.hidden": 6}),
    zoo("hopfield", {"image": "u8[4,8,8] below 160"}, hopfield, lambda n, f: F.mse_loss(hopfield(n, f), patterns(f)), Adam(0.002)),
]
