#!/usr/bin/env python3
"""Tiny tokenizers of the kinds in use, trained here, and what Hugging Face's library makes of hard texts with them:
tests/golden/tokenizers/KIND.json and encodings.json, which tests/check_tokenizers reads.

  python3 tests/golden/tokenizers_files.py
"""
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
              r"|\s*[\r\n]|\s+(?!\S)|\s+")
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEXT = ["The sea was calm, and the old captain's ship didn't move; he'd seen 1000 such mornings since 1987.",
        "  Where there's a will,\n\n\tthere's a way!  They'LL say: WE'VE tried 12345 times.\r\n",
        "Déjà vu in São Paulo, naïve façade, 日本語のテキスト and 😀 emoji.", "the theatre then they there other mother"] * 8
HARD = ["", " ", "  ", "a", "hello", " hello", "  hello  world ", "Hello, world!", "it's I'll WE'VE don'T O'Neill 'quoted'",
        "12 123 1234 12345678", "3.14 1,000,000", "a\nb\n\nc\r\n\r\n d", "\n\n  x", "tabs\t\tand  \t mixed   ", "trailing   ",
        "Déjà vu naïve e\u0301 ÀÉÎ ß ſ 'ſ K", "日本語 中文字 한국어 ไทย עברית العربية हिन्दी", "😀 👨‍👩‍👧 🇨🇭!! ☃︎",
        "x\u00a0y\u2003z\u3000w\u200b!", "²³½ ⅷ ٣٤٥ 一二三 Ⅻ", "<s>hello</s>", "a<|end|>b <|end|> c", "<|end", "<s><s> x</s>\n",
        "foo_bar->baz(x)[3] = {\"k\": 1.5e-3}; // ok", "____ ---- ==== ....", "http://a.b/c?d=e&f#g", "▁x ▁ y", "\u0001\u007f\u0085~",
        "the the\u00adatre", "  the  there\n\t the", "ʰʲ ǅ ⁂ ℵ ∑ ₣ ¤ ©", "a\u0300\u0301b", "ﬁ ﬂ Ａ１", "𝔘𝔫𝔦 𐍈 𠀀", "HelloWorld iPhone's XMLHttpRequest ǅungla ABCdef", "x²+y³=½ ①Ⓐ🄰 a_b‿c a\u200db 10%",
        "Å Å Å ự ự ạ̈ 각 각 क़ ﬁ", "a\u0323\u0307 \u0307\u0323a ẛ̣ \u0344 דּ", "$5+6 <a|b> ~x^y `q` ¿qué? «so»"]


def train(tokenizer, size=300, byte_level=True):
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else []
    tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    return json.loads(tokenizer.to_str())


def with_added(data, *names, **more):
    """Puts added tokens behind the vocabulary; in front of it would renumber it."""
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.add_special_tokens([AddedToken(n, special=True, normalized=False, **more) for n in names])
    return tokenizer


def gpt2():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    return with_added(train(t), "<|end|>")


def roberta():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    return with_added(train(t), "<s>", "</s>", "<|end|>", lstrip=True)


def split(pattern, ignore_merges):
    t = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    data = train(t)
    if ignore_merges:           # words that no merge makes
        for word in ("hello", "Ġhello", "Ġvu"):
            data["model"]["vocab"][word] = len(data["model"]["vocab"])
    return with_added(data, "<|end|>", "<s>", rstrip=ignore_merges)


def deepseek():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex("[\r\n]"), "isolated"), pre_tokenizers.Split(Regex(r"\s?\p{L}+"), "isolated"),
        pre_tokenizers.Split(Regex(r"\s?\p{P}+"), "isolated"), pre_tokenizers.Split(Regex("[一-龥]+"), "isolated"),
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    return with_added(train(t), "<|end|>")


def pieces(set_up, size=260):
    """A SentencePiece-like model: few characters and their merges as trained, the rest by bytes."""
    t = Tokenizer(models.BPE())
    set_up(t)
    data = train(t, size, byte_level=False)
    words = [w for w in sorted(data["model"]["vocab"], key=data["model"]["vocab"].get) if all(c < "\x7f" or c in "▁é日" for c in w)]
    vocab = {w: i for i, w in enumerate(["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)] + words)}
    data["model"]["vocab"] = vocab
    data["model"]["merges"] = [m for m in data["model"]["merges"] if m[0] in vocab and m[1] in vocab and m[0] + m[1] in vocab]
    data["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return data


def spaces_back():
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def llama2():
    def set_up(t):
        t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        t.decoder = spaces_back()
    return with_added(pieces(set_up), "<unk>", "<s>", "</s>")


def metaspace(scheme, whole):
    def set_up(t):
        t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=not whole)
        t.decoder = spaces_back()
    return with_added(pieces(set_up), "<s>", "</s>")


def unknowns():
    data = json.loads(metaspace("always", True).to_str())
    data["model"]["byte_fallback"] = False
    return Tokenizer.from_str(json.dumps(data))


def gemma():
    def set_up(t):
        t.normalizer = normalizers.Replace(" ", "▁")
        t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return with_added(pieces(set_up), "<s>", "</s>")


def behaviours():
    """Every behaviour of a Split, one after the other."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\n+"), "contiguous"), pre_tokenizers.Split(",", "merged_with_previous"),
        pre_tokenizers.Split(Regex(r"\s"), "merged_with_next"), pre_tokenizers.Split("_", "removed"),
        pre_tokenizers.Split(Regex(r"[\p{L}\p{M}\s]+"), "isolated", invert=True), pre_tokenizers.Digits(),
        pre_tokenizers.ByteLevel(add_prefix_space=True)])
    t.decoder = decoders.ByteLevel()
    return with_added(train(t), "<|end|>")


def normal(form, pattern):
    """A normal form before the cut, as Qwen has it."""
    t = Tokenizer(models.BPE())
    t.normalizer = form
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    return with_added(train(t), "<|end|>")


def cut(*stages):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([*stages, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    return with_added(train(t), "<|end|>")


KINDS = {"gpt2": gpt2, "roberta": roberta, "llama3": lambda: split(CL100K, True), "cl100k": lambda: split(POSSESSIVE, False),
         "qwen": lambda: split(QWEN, False), "deepseek": deepseek, "llama2": llama2, "metaspace": lambda: metaspace("first", True),
         "t5": lambda: metaspace("always", False), "unknowns": unknowns, "gemma": gemma, "behaviours": behaviours,
         "qwen2": lambda: normal(normalizers.NFC(), QWEN),
         "decomposed": lambda: normal(normalizers.Sequence([normalizers.NFD(), normalizers.Replace("ö", "oe")]), r"\w+|\W"),
         "o200k": lambda: split(O200K, False),
         "words": lambda: cut(pre_tokenizers.Whitespace()),
         "marks": lambda: cut(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(),
                              pre_tokenizers.Split(Regex(r"\d|(?i:[a-c\p{Lu}])|\p{^L}|[\P{Ll}\D]"), "merged_with_next"))}

if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "tokenizers"
    folder.mkdir(exist_ok=True)
    rows = []
    for kind, make in KINDS.items():
        tokenizer = make()
        (folder / f"{kind}.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")))
        for text in HARD:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            rows.append({"kind": kind, "text": text, "ids": ids, "back": tokenizer.decode(ids, skip_special_tokens=False)})
    (folder / "encodings.json").write_text(
        "[" + ",\n".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in rows) + "]\n")
