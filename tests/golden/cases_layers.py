"""Layers."""
import torch
import torch.nn.functional as F
from golden import Family, between, f, ints

family = Family("layers", "layers")
case = family.case


def affine(p, name):
    return p[f"{name}.weight"], p.get(f"{name}.b")


case("dense", "x |> dense(5)", lambda p, x: F.linear(x, *affine(p, "dense")), {"dense.weight": (5, 4), "dense.b": (5,)},
     x=f(2, 3, 4))
case("dense_no_bias", "x |> dense(3, bias = false)", lambda p, x: F.linear(x, p["dense.weight"]), {"dense.weight": (3, 4)},
     x=f(6, 4))
case("embedding", "x |> embedding(7, 3)", lambda p, x: F.embedding(x, p["embedding.weight"]), {"embedding.weight": (7, 3)},
     x=ints(7, 2, 5))


def conv(name, nn, weight, bias, x, layer="conv", fn=None, **more):
    fn = fn or [F.conv1d, F.conv2d, F.conv3d][len(weight) - 3]
    params = {f"{layer}.weight": weight, **({f"{layer}.b": (bias,)} if bias else {})}
    case(name, f"x |> {nn}", lambda p, x: fn(x, *affine(p, layer), **more), params, x=x)


conv("conv_1d", "conv(4, 3)", (4, 2, 3), 4, f(2, 2, 7))
conv("conv", "conv(3, 3, pad = 1)", (3, 2, 3, 3), 3, f(2, 2, 5, 4), padding=1)
conv("conv_3d", "conv(2, 2, stride = 2, bias = false)", (2, 2, 2, 2, 2), 0, f(1, 2, 4, 3, 4), stride=2)
conv("conv_stride", "conv(3, 3, stride = 2, pad = 1)", (3, 2, 3, 3), 3, f(2, 2, 5, 6), stride=2, padding=1)
conv("conv_dilation", "conv(2, (1, 3), dilation = (1, 2), pad = (0, 2))", (2, 2, 1, 3), 2, f(1, 2, 3, 6),
     dilation=(1, 2), padding=(0, 2))
conv("conv_groups", "conv(6, 3, groups = 3)", (6, 2, 3, 3), 6, f(2, 6, 4, 4), groups=3)
conv("conv_same", "conv(3, 3, pad = \"same\")", (3, 2, 3, 3), 3, f(2, 2, 4, 5), padding="same")
conv("depthwise_conv", "depthwise_conv(3, multiplier = 2, pad = 1)", (6, 1, 3, 3), 6, f(2, 3, 4, 4), "depthwise_conv",
     groups=3, padding=1)
conv("depthwise_conv_dilated", "depthwise_conv(2, stride = 2, dilation = 2, pad = 1, bias = false)", (3, 1, 2, 2), 0,
     f(2, 3, 5, 4), "depthwise_conv", groups=3, stride=2, dilation=2, padding=1)
conv("conv_transpose", "conv_transpose(3, 4, stride = 2, pad = 1)", (2, 3, 4, 4), 3, f(2, 2, 3, 4), "conv_transpose",
     F.conv_transpose2d, stride=2, padding=1)
conv("conv_transpose_groups", "conv_transpose(4, 3, stride = 2, pad = 1, groups = 2, more = 1)", (4, 2, 3), 4,
     f(2, 4, 5), "conv_transpose", F.conv_transpose1d, stride=2, padding=1, groups=2, output_padding=1)
conv("conv_transpose_dilation", "conv_transpose(2, 2, dilation = 2, stride = 3, bias = false)", (2, 2, 2, 2), 0,
     f(1, 2, 3, 2), "conv_transpose", F.conv_transpose2d, stride=3, dilation=2)
case("upsample", "x |> upsample(2)", lambda p, x: F.interpolate(x, scale_factor=2), x=f(2, 2, 3, 2))
case("pixel_shuffle", "x |> pixel_shuffle(2)", lambda p, x: F.pixel_shuffle(x, 2), x=f(1, 8, 2, 3))

case("max_pool", "x |> max_pool(2)", lambda p, x: F.max_pool2d(x, 2), x=f(2, 2, 4, 6))
case("max_pool_pad", "x |> max_pool(3, stride = 2, pad = 1)", lambda p, x: F.max_pool2d(x, 3, 2, 1), x=f(1, 2, 5, 6))
case("max_pool_1d", "x |> max_pool(3, stride = 1)", lambda p, x: F.max_pool1d(x, 3, 1), x=f(2, 2, 6))
case("avg_pool", "x |> avg_pool(2)", lambda p, x: F.avg_pool2d(x, 2), x=f(2, 2, 4, 6))
case("avg_pool_pad", "x |> avg_pool(3, stride = 2, pad = 1)",
     lambda p, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x=f(1, 2, 5, 6))
case("avg_pool_3d", "x |> avg_pool(2)", lambda p, x: F.avg_pool3d(x, 2), x=f(1, 2, 2, 4, 2))
case("global_avg_pool", "x |> global_avg_pool", lambda p, x: x.mean((2, 3)), x=f(2, 3, 4, 2))
case("global_max_pool", "x |> global_max_pool", lambda p, x: x.amax((2, 3)), x=f(2, 3, 4, 2))

for shape in [(6, 3), (3, 3, 2, 2)]:
    rank = len(shape)
    norm = {"batch_norm.scale": (3,), "batch_norm.shift": (3,), "batch_norm.mean": (3,),
            "batch_norm.var": between(0.5, 2, 3)}
    case(f"batch_norm_{rank}", "x |> batch_norm",
         lambda p, x: F.batch_norm(x, p["batch_norm.mean"].detach(), p["batch_norm.var"].detach(), p["batch_norm.scale"],
                                   p["batch_norm.shift"]), norm, x=f(*shape))
    case(f"batch_norm_training_{rank}", "x |> batch_norm",
         lambda p, x: F.batch_norm(x, None, None, p["batch_norm.scale"], p["batch_norm.shift"], True), norm,
         training=True, x=f(*shape))
case("layer_norm", "x |> layer_norm", lambda p, x: F.layer_norm(x, (5,), p["layer_norm.scale"], p["layer_norm.shift"]),
     {"layer_norm.scale": (5,), "layer_norm.shift": (5,)}, x=f(2, 3, 5))
case("layer_norm_eps", "x |> layer_norm(eps = 0.3)",
     lambda p, x: F.layer_norm(x, (5,), p["layer_norm.scale"], p["layer_norm.shift"], 0.3),
     {"layer_norm.scale": (5,), "layer_norm.shift": (5,)}, device=False, x=f(2, 3, 5))
case("rms_norm_eps", "x |> rms_norm(eps = 0.3)", lambda p, x: F.rms_norm(x, (5,), p["rms_norm.scale"], 0.3),
     {"rms_norm.scale": (5,)}, device=False, x=f(2, 3, 5))
case("group_norm_eps", "x |> group_norm(2, eps = 0.3)",
     lambda p, x: F.group_norm(x, 2, p["group_norm.scale"], p["group_norm.shift"], 0.3),
     {"group_norm.scale": (4,), "group_norm.shift": (4,)}, device=False, x=f(2, 4, 3))
case("instance_norm_eps", "x |> instance_norm(eps = 0.3)",
     lambda p, x: F.instance_norm(x, None, None, p["instance_norm.scale"], p["instance_norm.shift"], eps=0.3),
     {"instance_norm.scale": (3,), "instance_norm.shift": (3,)}, device=False, x=f(2, 3, 4))
case("rms_norm", "x |> rms_norm", lambda p, x: F.rms_norm(x, (5,), p["rms_norm.scale"], 1e-6), {"rms_norm.scale": (5,)},
     x=f(2, 3, 5))
case("group_norm", "x |> group_norm(2)",
     lambda p, x: F.group_norm(x, 2, p["group_norm.scale"], p["group_norm.shift"]),
     {"group_norm.scale": (4,), "group_norm.shift": (4,)}, x=f(2, 4, 3, 2))
case("instance_norm", "x |> instance_norm",
     lambda p, x: F.instance_norm(x, None, None, p["instance_norm.scale"], p["instance_norm.shift"]),
     {"instance_norm.scale": (3,), "instance_norm.shift": (3,)}, x=f(2, 3, 2, 3))


for scale, mode, shape in [(2, "nearest", (2, 2, 5)), (3, "linear", (2, 2, 4)), (2, "bilinear", (1, 2, 3, 4)),
                           (2, "nearest", (1, 2, 2, 3, 2)), (2, "trilinear", (1, 1, 2, 3, 2))]:
    ours = "nearest" if mode == "nearest" else "linear"
    case(f"upsample_{mode}_{len(shape)}", f'x |> upsample({scale}, mode = "{ours}")',
         lambda p, x, scale=scale, mode=mode: F.interpolate(x, scale_factor=scale, mode=mode), x=f(*shape))
case("resize_nearest", "x |> resize([3, 7])", lambda p, x: F.interpolate(x, (3, 7)), x=f(1, 2, 4, 5))
case("resize_linear", 'x |> resize([3, 7], mode = "linear")', lambda p, x: F.interpolate(x, (3, 7), mode="bilinear"),
     x=f(1, 2, 4, 5))
case("resize_corners", 'x |> resize([6, 3], mode = "linear", corners = true)',
     lambda p, x: F.interpolate(x, (6, 3), mode="bilinear", align_corners=True), x=f(1, 2, 4, 5))
case("adaptive_avg_pool", "x |> adaptive_avg_pool([3, 2])", lambda p, x: F.adaptive_avg_pool2d(x, (3, 2)), x=f(1, 2, 7, 4))
case("adaptive_max_pool", "x |> adaptive_max_pool([3, 2])", lambda p, x: F.adaptive_max_pool2d(x, (3, 2)), x=f(1, 2, 7, 4))
case("pixel_unshuffle", "x |> pixel_unshuffle(2)", lambda p, x: F.pixel_unshuffle(x, 2), x=f(1, 2, 4, 6))
case("max_pool_same", 'x |> max_pool(3, stride = 2, pad = "same")',
     lambda p, x: F.max_pool2d(F.pad(x, (0, 1, 1, 1), value=-1e9), 3, 2), x=f(1, 2, 5, 6))
case("flatten", "x |> flatten", lambda p, x: x.flatten(1), x=f(2, 3, 2, 2))
case("concat", "concat(x, y0, x, axis = 1)", lambda p, x, y0: torch.cat([x, y0, x], 1), x=f(2, 3, 2), y0=f(2, 1, 2))
case("split", "let (a, b) = split(x, (1, 3), axis = 1)\n  (a = a * 2, b = exp(b))",
     lambda p, x: dict(zip("ab", [x[:, :1] * 2, x[:, 1:].exp()])), x=f(2, 4, 2))
case("pad", "pad(x, 2, 1, axis = 1, value = 0.5)", lambda p, x: F.pad(x, (0, 0, 2, 1), value=0.5), x=f(2, 3, 2))

# ---- regularisers do nothing in inference; blocks
case("dropout", "x |> dropout(0.5) |> spatial_dropout |> drop_path(0.3)", lambda p, x: x, x=f(2, 3, 4))
case("residual", "x |> residual(dense(4))", lambda p, x: x + F.linear(x, *affine(p, "residual.dense")),
     {"residual.dense.weight": (4, 4), "residual.dense.b": (4,)}, x=f(3, 4))


def squeeze_excite(p, x):
    s = torch.sigmoid(F.linear(F.relu(F.linear(x.mean((2, 3)), *affine(p, "squeeze_excite.dense"))),
                               *affine(p, "squeeze_excite.dense_2")))
    return x * s[:, :, None, None]


case("squeeze_excite", "x |> squeeze_excite(2)", squeeze_excite,
     {"squeeze_excite.dense.weight": (2, 4), "squeeze_excite.dense.b": (2,), "squeeze_excite.dense_2.weight": (4, 2),
      "squeeze_excite.dense_2.b": (4,)}, x=f(2, 4, 3, 2))
case("swiglu", "x |> swiglu(6)",
     lambda p, x: F.linear(F.silu(F.linear(x, p["swiglu.gate.weight"])) * F.linear(x, p["swiglu.up.weight"]),
                           p["swiglu.down.weight"]),
     {"swiglu.gate.weight": (6, 4), "swiglu.up.weight": (6, 4), "swiglu.down.weight": (4, 6)}, x=f(2, 3, 4))
