#!/usr/bin/env python3
"""Writes tests/elab/resize.nn: adaptive pools, interpolation, transposed convolutions, order and picking, beside PyTorch.

    python3 tests/golden/make_resize.py > tests/elab/resize.nn
"""
import torch
import torch.nn.functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)


def text(t):
    if t.dim() == 0:
        v = t.item()
        return str(v) if isinstance(v, int) else repr(round(v, 9))
    return "[" + ", ".join(text(x) for x in t) + "]"


def tensor(t):
    return f"tensor({text(t)})"


def drawn(*shape):
    return (torch.randn(*shape) * 8).round() / 8


def folded(line):
    """A long line as several, broken behind the last of those commas that stand in the fewest brackets."""
    lines = []
    while len(line) > 120:
        depth, best = 0, None
        for i, c in enumerate(line[:118]):
            depth += (c in "([") - (c in ")]")
            if i > 55 and line[i - 1:i + 1] == ", " and (best is None or depth <= best[0]):
                best = depth, i
        lines.append(line[:best[1]])
        line = 6 * " " + line[best[1] + 1:]
    return "\n".join(lines + [line])


cases = []


def case(name, x, word, f):
    shape = ", ".join(str(n) for n in x.shape)
    cases.append(f'test "{name}" {{\n  expect near({word}({tensor(x)}), {tensor(f(x))})\n'
                 f'  gradcheck {word} on f32[{shape}]\n}}')


a = drawn(1, 2, 5, 4)
case("adaptive_avg_pool, unequal windows", a, "adaptive_avg_pool((3, 3))", lambda x: F.adaptive_avg_pool2d(x, (3, 3)))
case("adaptive_avg_pool, equal and larger", a, "adaptive_avg_pool((7, 2))", lambda x: F.adaptive_avg_pool2d(x, (7, 2)))
case("adaptive_avg_pool, 1-d", drawn(2, 1, 7), "adaptive_avg_pool(3)", lambda x: F.adaptive_avg_pool1d(x, 3))
case("adaptive_avg_pool, 3-d", drawn(1, 1, 2, 3, 4), "adaptive_avg_pool((1, 2, 3))",
     lambda x: F.adaptive_avg_pool3d(x, (1, 2, 3)))
case("adaptive_max_pool, equal elements", torch.relu(a), "adaptive_max_pool((3, 3))",
     lambda x: F.adaptive_max_pool2d(x, (3, 3)))
case("adaptive_max_pool, equal and larger", a, "adaptive_max_pool((7, 2))", lambda x: F.adaptive_max_pool2d(x, (7, 2)))
case("adaptive_max_pool, 3-d", drawn(1, 1, 2, 3, 4), "adaptive_max_pool((1, 2, 3))",
     lambda x: F.adaptive_max_pool3d(x, (1, 2, 3)))
case("resize, nearest", a, "resize((3, 7))", lambda x: F.interpolate(x, size=(3, 7)))
case("resize, nearest, twice", a, "resize((10, 8))", lambda x: F.interpolate(x, scale_factor=2))
case("resize, linear, larger", a, "resize((10, 7), mode = \"linear\")",
     lambda x: F.interpolate(x, size=(10, 7), mode="bilinear"))
case("resize, linear, smaller", a, "resize((2, 3), mode = \"linear\")",
     lambda x: F.interpolate(x, size=(2, 3), mode="bilinear"))
case("resize, linear, corners", a, "resize((8, 1), mode = \"linear\", corners = true)",
     lambda x: F.interpolate(x, size=(8, 1), mode="bilinear", align_corners=True))
case("resize, linear, 1-d", drawn(1, 2, 5), "resize(9, mode = \"linear\")", lambda x: F.interpolate(x, size=9, mode="linear"))
case("resize, linear, 3-d", drawn(1, 1, 2, 3, 2), "resize((3, 2, 4), mode = \"linear\", corners = true)",
     lambda x: F.interpolate(x, size=(3, 2, 4), mode="trilinear", align_corners=True))
case("pixel_unshuffle", drawn(1, 2, 4, 6), "pixel_unshuffle(2)", lambda x: F.pixel_unshuffle(x, 2))
b = drawn(3, 5) + torch.arange(5) * 0.01
case("sort", b, "sorted(1)", lambda x: x.sort(stable=True, dim=1).values)
case("sort along the first axis", b, "sorted(0)", lambda x: x.sort(stable=True, dim=0).values)
case("the three largest", b, "three", lambda x: x.topk(3, 1).values)
case("gather", b, "picked", lambda x: x.gather(1, torch.tensor([[0, 0], [4, 1], [2, 3]])))
case("scatter_add", b, "added", lambda x: torch.zeros(3, 4).scatter_add(1, torch.tensor([[0, 0, 3, 1, 2]] * 3), x))
case("running product", b, "running", lambda x: x.cumprod(1))
case("running product with zeros", b * (b > 0), "running", lambda x: x.cumprod(1))

c = drawn(1, 4, 3, 2)


def spread(name, shape, word, **how):
    w = torch.arange(shape.numel()).reshape(shape) * 0.1 - 0.5
    f = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][len(shape) - 3]
    x = c if len(shape) == 4 else drawn(1, 4, 3) if len(shape) == 3 else drawn(1, 2, 2, 2, 2)
    sizes = ", ".join(str(n) for n in shape)
    cases.append(f'fn {word}(x: f32[S...]) -> f32[O...] {{\n  convolve_transpose(x, ramp(zeros[{sizes}]), '
                 + ", ".join(f"{NAMES[k]} = {v}" for k, v in how.items()) + ")\n}")
    case(name, x, word, lambda t: f(t, w, **how))


NAMES = {"stride": "stride", "padding": "pad", "dilation": "dilation", "groups": "groups", "output_padding": "more"}
spread("transposed convolution, everything", torch.Size((4, 3, 3, 2)), "spread_2d", stride=(3, 2), padding=(1, 0),
       dilation=(2, 1), groups=2, output_padding=(2, 1))
spread("transposed convolution, every channel by itself", torch.Size((4, 1, 2, 2)), "spread_each", stride=2, groups=4)
spread("transposed convolution, 1-d, stride beyond the window", torch.Size((4, 2, 2)), "spread_1d", stride=3, padding=1,
       output_padding=1)
spread("transposed convolution, 3-d", torch.Size((2, 1, 2, 1, 2)), "spread_3d", stride=(1, 2, 1), padding=(1, 0, 0))

print("""nn 1
# Adaptive pools, interpolation, order, picking and transposed convolutions, with the numbers of PyTorch
# in double precision. Written by tests/golden/make_resize.py.

const tolerance = 1e-7   # in single precision: nacre test --set tolerance=1e-5

fn near(a: f32[S...], b: f32[S...]) -> bool[] { all(abs(a - b) <= tolerance * (1 + abs(b))) }
fn ramp(w: f32[S...]) -> f32[S...] { (f32(range(size(w))) |> reshape[S...]) * 0.1 - 0.5 }

fn sorted(axis: int)(x: f32[S...]) -> f32[S...] { sort(x, axis = axis) }
fn three(x: f32[N, M]) -> f32[N, 3] { largest(x, 3)[0] }
fn picked(x: f32[3, M]) -> f32[3, 2] { gather(x, tensor([[0, 0], [4, 1], [2, 3]])) }
fn added(x: f32[3, 5]) -> f32[3, 4] { scatter_add(x, tensor([[0, 0, 3, 1, 2], [0, 0, 3, 1, 2], [0, 0, 3, 1, 2]]), 4) }
fn running(x: f32[S...]) -> f32[S...] { cumprod(x) }
""")
print("\n".join(folded(line) for line in "\n".join(cases).split("\n")))
