"""Times one workload of bench/workloads in another framework, in the lines that bench/step prints.

usage: peer.py FRAMEWORK KIND NAME BATCH      FRAMEWORK: torch, compile, onnx, tinygrad
Exit status 4: this framework does not do this workload. Environment: ROUNDS (0: the first step alone), SECONDS, OMP_NUM_THREADS.
"""
import math
import os
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
framework, kind, name, batch = sys.argv[1], sys.argv[2], sys.argv[3].split("_")[0], int(sys.argv[4])
rounds, seconds = int(os.environ.get("ROUNDS", 3)), float(os.environ.get("SECONDS", 1))
threads = int(os.environ.get("OMP_NUM_THREADS", 2))
began = time.perf_counter()


def none_of_it():
    sys.exit(4)


# ---- the networks, in PyTorch: each returns (network, inputs of a batch, loss of output and inputs)

def classify(images, classes=10):
    import torch
    from torch.nn import functional as F
    labels = torch.randint(0, min(classes, 10), (batch,))
    return (images,), lambda y: F.cross_entropy(y, labels)


def mlp():
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), *classify(grey(28))


def cnn():
    from torch import nn
    return nn.Sequential(
        nn.Unflatten(1, (1, 28)), nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10)), *classify(grey(28))


def grey(size):
    import torch
    return torch.randint(0, 256, (batch, size, size), dtype=torch.uint8).float() / 255


def resnet18():
    import torch
    import torchvision
    return torchvision.models.resnet18(), *classify(torch.rand(batch, 3, 224, 224), 1000)


def efficientnet():
    import torch
    import torchvision
    return torchvision.models.efficientnet_b0(), *classify(torch.rand(batch, 3, 224, 224), 1000)


def lstm():
    import torch
    from torch import nn

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)
            self.lstm.bias_hh_l0.requires_grad_(False)       # two biases where one does

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    return Reader(), *classify(torch.rand(batch, 50, 64))


def gpt(T=64, D=128, layers=4, heads=4, V=37):      # the characters of the generated text
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.n1, self.n2 = nn.LayerNorm(D), nn.LayerNorm(D)
            self.qkv, self.out = nn.Linear(D, 3 * D, bias=False), nn.Linear(D, D, bias=False)
            self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

        def forward(self, x, kept=None):
            b, t, _ = x.shape
            q, k, v = self.qkv(self.n1(x)).view(b, t, 3, heads, D // heads).permute(2, 0, 3, 1, 4)
            if kept is not None:
                k, v = kept[0], kept[1] = torch.cat((kept[0], k), 2), torch.cat((kept[1], v), 2)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=kept is None)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, D))
            return x + self.down(F.gelu(self.up(self.n2(x))))

    class Gpt(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(V, D), nn.Parameter(torch.randn(T, D) * 0.02)
            self.blocks, self.norm = nn.ModuleList(Block() for _ in range(layers)), nn.LayerNorm(D)

        def forward(self, tok, at=0, kept=None):
            x = self.wte(tok) + self.wpe[at:at + tok.shape[1]]
            for i, b in enumerate(self.blocks):
                x = b(x, kept and kept[i])
            return self.norm(x) @ self.wte.weight.T

        def write(self, tokens):
            """As `decode` does it: what is kept is thrown away when the window is full, and its later half read again."""
            text, begin, kept = [0], 0, None
            for t in range(tokens):
                if kept is None or t - begin == T:
                    begin = t - T // 2 if kept else t
                    empty = torch.zeros(1, heads, 0, D // heads)
                    kept = [[empty, empty] for _ in range(layers)]
                    for k in range(begin, t):
                        self(torch.tensor([[text[k]]]), k - begin, kept)
                y = self(torch.tensor([[text[t]]]), t - begin, kept)[0, 0]
                top, which = torch.topk(y / 0.8, min(50, V))
                text.append(int(which[torch.multinomial(torch.softmax(top, -1), 1)]))
            return text

    tok = torch.randint(0, V, (batch, T + 1))
    return Gpt(), (tok[:, :T],), lambda y: F.cross_entropy(y.reshape(-1, V), tok[:, 1:].reshape(-1))


def encoder(D=512, heads=8, layers=6):
    import torch
    from torch import nn
    layer = nn.TransformerEncoderLayer(D, heads, 4 * D, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    net = nn.Sequential(nn.Embedding(256, D), nn.TransformerEncoder(layer, layers, enable_nested_tensor=False))
    return net, (torch.randint(0, 256, (batch, 128)),), lambda y: (y ** 2).mean()


def unet(C=64):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            self.tell, self.n1, self.n2 = nn.Linear(64, o), nn.GroupNorm(4, i), nn.GroupNorm(4, o)
            self.c1, self.c2 = nn.Conv2d(i, o, 3, padding=1), nn.Conv2d(o, o, 3, padding=1)
            self.project = nn.Identity() if i == o else nn.Conv2d(i, o, 1)

        def forward(self, x, step):
            y = self.c1(F.silu(self.n1(x))) + self.tell(step)[:, :, None, None]
            return self.c2(F.silu(self.n2(y))) + self.project(x)

    class Unet(nn.Module):
        def __init__(self):
            super().__init__()
            self.e1, self.e2 = nn.Linear(32, 64), nn.Linear(64, 64)
            self.first, self.down1 = nn.Conv2d(1, C, 3, padding=1), Block(C, C)
            self.half1, self.down2 = nn.Conv2d(C, C, 3, stride=2, padding=1), Block(C, 2 * C)
            self.half2, self.bottom = nn.Conv2d(2 * C, 2 * C, 3, stride=2, padding=1), Block(2 * C, 4 * C)
            self.up2, self.up1 = Block(6 * C, 2 * C), Block(3 * C, C)
            self.norm, self.last = nn.GroupNorm(4, C), nn.Conv2d(C, 1, 3, padding=1)
            self.register_buffer("waves", torch.exp(-math.log(1000.0) * torch.linspace(0, 1, 16)))

        def forward(self, x, k):
            angle = k[:, None] * self.waves
            step = F.silu(self.e2(F.silu(self.e1(torch.cat((angle.sin(), angle.cos()), 1)))))
            a = self.down1(self.first(x), step)
            b = self.down2(self.half1(a), step)
            c = self.bottom(self.half2(b), step)
            d = self.up2(torch.cat((b, F.interpolate(c, scale_factor=2)), 1), step)
            e = self.up1(torch.cat((a, F.interpolate(d, scale_factor=2)), 1), step)
            return self.last(F.silu(self.norm(e)))

    noise = torch.randn(batch, 1, 32, 32)
    x = 0.7 * torch.rand(batch, 1, 32, 32) + 0.7 * noise
    return Unet(), (x, torch.randint(0, 200, (batch,)).float()), lambda y: F.mse_loss(y, noise)


# ---- measuring

def report(once, parameters):
    def ready():
        once()
        return time.perf_counter() - began
    print(f"parameters {parameters}\nfirst_s {ready():.4f}", flush=True)
    for r in range(rounds + 1 if rounds else 0):
        start, used, n = time.perf_counter(), time.process_time(), 0
        while n < 2 or time.perf_counter() - start < (seconds if r else seconds / 2):
            count = once() or 1
            n += 1
        if r:
            each = 1e3 / (n * count)
            print(f"ms {(time.perf_counter() - start) * each:.4f}\ncpu_ms {(time.process_time() - used) * each:.4f}", flush=True)
    with open("/proc/self/status") as f:
        print("peak_kb", next(line.split()[1] for line in f if line.startswith("VmHWM")))


def torch_step(net, inputs, loss_of):
    import torch
    net.train()
    optimizer = (torch.optim.AdamW if name == "gpt" else torch.optim.Adam)(net.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(call(*inputs))
        loss.backward()
        if name == "gpt":
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        loss.item()
    call = torch.compile(net) if framework == "compile" else net
    return step


def torch_predict(net, inputs):
    import torch
    net.eval()
    call = torch.compile(net) if framework == "compile" else net

    def predict():
        with torch.inference_mode():
            call(*inputs).numpy()
    return predict


def onnx_predict(net, inputs):
    import onnxruntime
    import torch
    net.eval()
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "net.onnx")
        torch.onnx.export(net, inputs, path, dynamo=False, opset_version=17)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {i.name: x.numpy() for i, x in zip(session.get_inputs(), inputs)}
    return lambda: session.run(None, feed) and None


def with_torch():
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net, inputs, loss_of = globals()[name]()
    parameters = sum(p.numel() for p in net.parameters() if p.requires_grad)
    if kind.startswith("run:"):
        if framework != "torch":
            none_of_it()
        net.eval()

        def write():
            with torch.inference_mode():
                net.write(200)
            return 200
        return report(write, 0)
    if kind == "train" and framework == "onnx":
        none_of_it()
    once = (torch_step(net, inputs, loss_of) if kind == "train" else
            onnx_predict(net, inputs) if framework == "onnx" else torch_predict(net, inputs))
    report(once, parameters)


def with_tinygrad():
    """The two small networks alone: it is here for what else drives the same OpenCL device."""
    if name not in ("mlp", "cnn"):
        none_of_it()
    os.environ.setdefault("DEV", "CL")
    from tinygrad import Context, Tensor, TinyJit, nn
    if name == "mlp":
        layers = [lambda x: x.flatten(1), nn.Linear(784, 128), Tensor.relu, nn.Linear(128, 10)]
    else:
        layers = [lambda x: x.unsqueeze(1), nn.Conv2d(1, 32, 3, padding=1), Tensor.relu, Tensor.max_pool2d,
                  nn.Conv2d(32, 64, 3, padding=1), Tensor.relu, Tensor.max_pool2d,
                  lambda x: x.flatten(1), nn.Linear(3136, 128), Tensor.relu, nn.Linear(128, 10)]
    weights = [w for l in layers for w in nn.state.get_parameters(l)]
    optimizer = nn.optim.Adam(weights, lr=1e-3)
    x, label = Tensor.rand(batch, 28, 28).realize(), Tensor.randint(batch, low=0, high=10).realize()

    @TinyJit
    def step():
        optimizer.zero_grad()
        loss = x.sequential(layers).sparse_categorical_crossentropy(label).backward()
        optimizer.step()
        return loss.realize()

    def once():
        with Context(TRAINING=1):
            step().item()
    for _ in range(3):
        once()
    report(once, sum(w.numel() for w in weights))


with_tinygrad() if framework == "tinygrad" else with_torch()
