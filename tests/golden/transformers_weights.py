"""Weights of Hugging Face's GPT-2 and Llama in examples/gpt.nn and examples/llama.nn: the same numbers go in, so the same
logits must come out. Small random configurations, saved as transformers saves them.

    python3 tests/golden/transformers_weights.py build/nacre
    python3 tests/golden/transformers_weights.py --names >tests/golden/transformers_names.txt     # for check_maps

Needs transformers, safetensors and numpy."""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
V, D, L, HEADS, T = 65, 32, 3, 4, 24


def gpt2():
    return GPT2LMHeadModel(GPT2Config(vocab_size=V, n_positions=T, n_embd=D, n_layer=L, n_head=HEADS, initializer_range=0.2,
                                      bos_token_id=0, eos_token_id=0))


def llama():
    return LlamaForCausalLM(LlamaConfig(vocab_size=V, hidden_size=D, intermediate_size=8 * D // 3, num_hidden_layers=L,
                                        num_attention_heads=HEADS, num_key_value_heads=2, max_position_embeddings=T,
                                        initializer_range=0.2, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0))


NETS = {"gpt2": (gpt2, f"gpt(V = {V}, D = {D}, L = {L}, heads = {HEADS}, context = {T}, bias = true, gelu_tanh = true)"),
        "llama": (llama, f"llama(V = {V}, D = {D}, L = {L}, heads = {HEADS}, groups = 2, context = {T})")}


def compare(nacre, name, folder):
    make, call = NETS[name]
    torch.manual_seed(1)
    net = make().eval()
    for p in net.parameters():      # biases and scales too: a fresh network has zeros and ones
        if p.dim() == 1:
            torch.nn.init.uniform_(p, -0.5, 1.5)
    net.save_pretrained(folder, safe_serialization=True)
    tok = torch.randint(0, V, (2, T), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        want = net(tok).logits.numpy()
    np.save(f"{folder}/tok.npy", tok.to(torch.int32).numpy())
    with open(f"{folder}/{name}.nn", "w") as f:
        f.write(f"""nn 1
import "{EXAMPLES}/{call.split('(')[0]}.nn" as zoo
weights theirs = safetensors("{folder}/model.safetensors", names = "{name}")
model whole(tok: i32[B, T]) -> f32[B, T, {V}] {{ tok |> zoo.{call} as net from theirs }}
task logits(tok: i32[N, T]) -> f32[N, T, {V}] {{ whole(tok) }}
""")
    subprocess.run([nacre, "run", f"{folder}/{name}.nn", "logits", "--tok", f"{folder}/tok.npy", "-o", f"{folder}/y.npy",
                    "--quiet"], check=True)
    got = np.load(f"{folder}/y.npy")
    most, apart = np.abs(want).max(), np.abs(got - want).max()
    print(f"{name:8} largest logit {most:8.4f}, largest difference {apart:.2e}, relative {apart / most:.2e}", flush=True)
    return apart <= 1e-3 * max(1, most)


def names():
    for name, (make, _) in NETS.items():
        print(f"network {name}")
        for k, v in make().state_dict().items():
            if k != "lm_head.weight" or name == "llama":      # GPT-2's is the table of words again, and not saved
                print(k, "x".join(map(str, v.shape)))


if __name__ == "__main__":
    if sys.argv[1] == "--names":
        sys.exit(names())
    good = []
    for name in NETS:
        with tempfile.TemporaryDirectory() as folder:
            good.append(compare(sys.argv[1], name, folder))
    sys.exit(0 if all(good) else 1)
