"""Networks of examples/ that draw."""
import math

import torch
import torch.nn.functional as F
from network import Adam, Network, Part

IMAGES = {"image": "u8[4,28,28] below 256"}


def unit(f):
    return f["image"] / 255


def signed(f):
    return f["image"][:, None] / 127.5 - 1


# ---- autoencoders

def layers(n, x, *widths):
    for w in widths[:-1]:
        x = F.relu(n.dense(x, w))
    return n.dense(x, widths[-1])


def autoencoder(n, f):
    with n.layer("autoencoder"):
        with n.layer("enc"):
            z = layers(n, unit(f).flatten(1), 256, 64, 16)
        with n.layer("dec"):
            return torch.sigmoid(layers(n, z, 64, 256, 784)).unflatten(1, (28, 28))


def vae(n, f, Z=4, width=2):
    with n.layer("vae"):
        h = unit(f)[:, None]
        for c in (width, 2 * width):
            h = F.relu(n.conv(h, c, 3, 2, 1))
        mu, logvar = (n.dense(h.flatten(1), Z, name=name) for name in ("mu", "logvar"))
        z = mu + torch.exp(0.5 * logvar) * n.random("normal", 4, Z, label="cloud")
        with n.layer("dec"):
            y = F.relu(n.dense(z, 2 * width * 49)).unflatten(1, (2 * width, 7, 7))
            y = n.conv_transpose(F.relu(n.conv_transpose(y, width, 4, 2, 1)), 1, 4, 2, 1)
    return {"recon": y, "mu": mu, "logvar": logvar}


def bound(n, f):
    o = vae(n, f)
    written = F.binary_cross_entropy_with_logits(o["recon"], unit(f)[:, None], reduction="none").sum((1, 2, 3))
    code = -0.5 * (1 + o["logvar"] - o["mu"] ** 2 - o["logvar"].exp()).sum(1)
    return (written + code).mean()


# ---- two networks against each other: what is drawn is the same in both updates, and so are a layer's first calls

def generator(n, Z=4, width=2):
    with n.layer("generator"):
        z = n.random("normal", 4, Z, label="noise")
        y = F.relu(n.batch_norm(n.dense(z, 2 * width * 49, bias=False))).unflatten(1, (2 * width, 7, 7))
        y = F.relu(n.batch_norm(n.conv_transpose(y, width, 4, 2, 1, bias=False)))
        return torch.tanh(n.conv_transpose(y, 1, 4, 2, 1))


def critic(n, x, call, width=2):
    with n.layer("critic", again=True):
        n.count.clear()
        x = F.leaky_relu(n.conv(x, width, 4, 2, 1), 0.2)
        x = F.leaky_relu(n.conv(x, 2 * width, 4, 2, 1), 0.2)
        with n.layer("dropout"):
            x = torch.where(n.random("uniform", *x.shape, label=f"dropout {call}") >= 0.3, x / 0.7, 0)
        return n.dense(x.flatten(1), 1)[:, 0]


def critic_loss(n, f):
    drawn = generator(n)
    return F.softplus(-critic(n, signed(f), 1)).mean() + F.softplus(critic(n, drawn, 2)).mean()


def maker_loss(n, f):
    return F.softplus(-critic(n, generator(n), 1)).mean()


# ---- diffusion

def waves(a, width):
    turns = a[:, None] * torch.exp(torch.linspace(0, math.log(100), width // 2, dtype=torch.float64))
    return torch.cat([turns.sin(), turns.cos()], 1)


def block(n, name, c, x, told):
    with n.layer(name):
        hint = n.dense(told, c, name="hint")[:, :, None, None]
        y = n.conv(F.silu(n.group_norm(x, 4)), c, 3, pad=1)
        z = n.conv(F.silu(n.group_norm(y + hint, 4)), c, 3, pad=1)
        return z + (x if x.shape[1] == c else n.conv(x, c, 1, name="project"))


def look(n, x):
    with n.layer("look"):
        y = n.attention(n.group_norm(x, 4).flatten(2).transpose(1, 2), 4, bias=False)
        return x + y.transpose(1, 2).unflatten(2, x.shape[2:])


def on_the_way(n, f):
    a = 1.5707963 * n.random("uniform", 4, label="angle")
    noise = n.random("normal", 4, 1, 28, 28, label="noise")
    c, s = (t[:, None, None, None] for t in (a.cos(), a.sin()))
    return a, c * signed(f) + s * noise, c * noise - s * signed(f)


def diffusion(n, f, w=4):
    a, x, _ = on_the_way(n, f)
    with n.layer("unet"):
        told = n.dense(waves(a, 32), 64)
        told = F.silu(n.dense(F.silu(told + n.embedding(f["label"], 10, 64)), 64))
        p = block(n, "down1", w, n.conv(x, w, 4, 2, 1, name="first"), told)
        q = block(n, "down2", w, p, told)
        r = block(n, "down3", 2 * w, n.conv(q, 2 * w, 3, 2, 1, name="half"), told)
        s = block(n, "bottom", 2 * w, look(n, r), told)
        t = block(n, "up", w, q + n.conv_transpose(s, w, 2, 2, name="grow"), told)
        return n.conv_transpose(F.silu(n.group_norm(p + t, 4)), 1, 4, 2, 1, name="last")


networks = [
    Network("autoencoder", IMAGES, autoencoder, {"step": Part(lambda n, f: F.mse_loss(autoencoder(n, f), unit(f)), Adam(0.002))}),
    Network("vae", IMAGES, vae, {"step": Part(bound, Adam(0.01))}, sets={"vae.Z": 4, "vae.width": 2}),
    Network("gan", IMAGES, None,
            {"step.critic": Part(critic_loss, Adam(2e-4, at="adam.critic.", betas=(0.5, 0.999)), ["critic."], own=True),
             "step.maker": Part(maker_loss, Adam(2e-4, at="adam.maker.", betas=(0.5, 0.999)), ["generator."], own=True)},
            sets={"generator.Z": 4, "generator.width": 2, "critic.width": 2}),
    # What is compared after training are the averages.
    Network("diffusion", IMAGES | {"label": "i32[4] below 10"}, diffusion,
            {"step": Part(lambda n, f: F.mse_loss(diffusion(n, f), on_the_way(n, f)[2]), Adam(0.002, clip=1.0, decay=0.01))},
            sets={"unet.width": 4, "train.ema": 0.8}, ema=0.8),
]
