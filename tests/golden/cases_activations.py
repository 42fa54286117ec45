"""Activation functions. One row each: the language's expression and PyTorch's function."""
import torch
import torch.nn.functional as F
from golden import Family, f

family = Family("activations", "activation functions")


def row(name, nn, fn, **more):
    family.case(name, f"x |> {nn}", lambda p, x: fn(x), x=f(2, 3, 4, scale=2.5), **more)


row("relu", "relu", F.relu)
row("leaky_relu", "leaky_relu", F.leaky_relu)
row("leaky_relu_slope", "leaky_relu(slope = 0.2)", lambda x: F.leaky_relu(x, 0.2))
row("elu", "elu", F.elu)
row("elu_alpha", "elu(alpha = 0.7)", lambda x: F.elu(x, 0.7))
row("selu", "selu", F.selu)
row("celu", "celu", F.celu)
row("celu_alpha", "celu(alpha = 1.3)", lambda x: F.celu(x, 1.3))
row("gelu", "gelu", F.gelu)
row("gelu_tanh", "gelu(approximate = true)", lambda x: F.gelu(x, approximate="tanh"))
row("silu", "silu", F.silu)
row("mish", "mish", F.mish)
row("softplus", "softplus", F.softplus)
row("softsign", "softsign", F.softsign)
row("sigmoid", "sigmoid", torch.sigmoid)
row("hard_sigmoid", "hard_sigmoid", F.hardsigmoid)
row("hard_swish", "hard_swish", F.hardswish)
row("tanh", "tanh", torch.tanh)
row("softmax", "softmax", lambda x: F.softmax(x, -1))
row("softmax_axis", "softmax(axis = 1)", lambda x: F.softmax(x, 1))
row("log_softmax", "log_softmax", lambda x: F.log_softmax(x, -1))
row("step", "step", lambda x: (x >= 0).double(), smooth=False)
family.case("prelu", "x |> prelu", lambda p, x: F.prelu(x, p["prelu.slope"]), {"prelu.slope": (3,)}, x=f(2, 3, 4))
