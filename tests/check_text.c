// Text and series as data: tokens, windows over time, and what a run remembers of them.
#include <math.h>
#include <stdint.h>
#include "base/map.h"
#include "data/loader.h"
#include "data/split.h"
#include "data/tokens.h"
#include "tempdir.h"

#define INT(id, v) {.name = id, .kind = NC_SET_INT, .i = (v)}
#define BOOL(id, v) {.name = id, .kind = NC_SET_BOOL, .b = (v)}
#define STR(id, v) {.name = id, .kind = NC_SET_STR, .s = (v)}
#define SPEC(id, ...)                                                  \
  (NcSourceSpec) {                                                     \
    .kind = id, .setting = (NcSetting[]){__VA_ARGS__},                 \
    .settings = sizeof((NcSetting[]){__VA_ARGS__}) / sizeof(NcSetting) \
  }

static NcDataset *open_good(NcSourceSpec spec) {
  NcDataset *set = nc_source_open(arena, diag, &spec);
  ck_assert_msg(set != NULL, "%s", diag->messages.n ? diag->messages.at[0]->text : "?");
  return set;
}

static const char *file_of(const char *bytes, size_t n) {   // each of its own name
  static int made;
  return nc_strdup(arena, temp_write(nc_sprintf(arena, "t%d", made++), bytes, n));
}
static const char *file(const char *text) { return file_of(text, strlen(text)); }

// ---- tokens

// A tokenizer.json of the 256 bytes, the merges given, and one added token.
static const char *tokenizer(const char *const *merge, int n, const char *extra) {
  NcBuf b = NC_BUF(arena);
  nc_putf(&b, "{\"added_tokens\": [{\"id\": %d, \"content\": \"<end>\", \"special\": true}], \"normalizer\": null, "
              "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}, \"decoder\": {\"type\": "
              "\"ByteLevel\"}, \"model\": {\"type\": \"BPE\", %s \"vocab\": {", 256 + n, extra);
  unsigned next = 256;
  for (int i = 0; i < 256; i++) {
    bool prints = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
    nc_putf(&b, "\"\\u%04x\": %d, ", prints ? (unsigned)i : next, i);
    next += !prints;
  }
  for (int i = 0; i < n; i++) {
    const char *space = strchr(merge[i], ' ');
    nc_putf(&b, "%s\"%.*s%s\": %d", i ? ", " : "", (int)(space - merge[i]), merge[i], space + 1, 256 + i);
  }
  nc_put(&b, "}, \"merges\": [");
  for (int i = 0; i < n; i++) nc_putf(&b, "%s\"%s\"", i ? ", " : "", merge[i]);
  nc_put(&b, "]}}");
  return nc_buf_str(&b);
}

static NcTokens *read_bpe(const char *json) {
  return nc_tokens_bpe(arena, diag, NC_NOWHERE, "tokenizer.json", json, strlen(json));
}

static NcTokenList encoded(const NcTokens *t, const char *text) {
  NcTokenList l = {0};
  ck_assert_msg(nc_tokens_encode(t, diag, NC_NOWHERE, "the text", text, strlen(text), &l), "%s",
                diag->messages.n ? diag->messages.at[0]->text : "?");
  return l;
}

static void expect_tokens(const NcTokens *t, const char *text, int n, const int32_t *want) {
  NcTokenList l = encoded(t, text);
  ck_assert_msg(l.n == n, "`%s` has %d tokens, not %d", text, l.n, n);
  for (int i = 0; i < n; i++) ck_assert_msg(l.at[i] == want[i], "`%s`, token %d: %d, not %d", text, i, l.at[i], want[i]);
}
#define EXPECT(t, text, ...) \
  expect_tokens(t, text, (int)(sizeof((int32_t[]){__VA_ARGS__}) / 4), (int32_t[]){__VA_ARGS__})

START_TEST(test_bpe) {
  static const char *const merge[] = {"l l", "h e", "he ll", "hell o", "\xc4\xa0 w", "o o"};   // Ġ is the space
  NcTokens *t = read_bpe(tokenizer(merge, 6, ""));
  ck_assert_ptr_nonnull(t);
  ck_assert_int_eq(nc_tokens_vocabulary(t), 263);
  EXPECT(t, "hello", 259);
  EXPECT(t, "hell", 258);
  EXPECT(t, "ll", 256);
  EXPECT(t, "lll", 256, 'l');                          // the leftmost pair first
  EXPECT(t, "ooo", 261, 'o');
  EXPECT(t, "oooo", 261, 261);
  EXPECT(t, "hello w", 259, 260);
  EXPECT(t, "hel lo", 257, 'l', ' ', 'l', 'o');        // no merge goes over the border of two words
  EXPECT(t, "h'll", 'h', '\'', 256);
  EXPECT(t, "a<end>b", 'a', 262, 'b');
  EXPECT(t, "<en", '<', 'e', 'n');
  static const char *const any[] = {"", " ", "   x", "a\n\n b ", "d\xc3\xa9j\xc3\xa0 \xe6\x97\xa5\xf0\x9f\x98\x80", "12a 3.5!?",
                                    "x\xff\x80y", "<end><end>", "\t'd 's"};
  for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
    NcTokenList l = encoded(t, any[i]);
    NcBuf b = NC_BUF(arena);
    nc_tokens_decode(t, l.at, l.n, &b);
    ck_assert_str_eq(nc_buf_str(&b), any[i]);
  }
}
END_TEST

START_TEST(test_bpe_refused) {
  static const char *const good[] = {"a b"};
  static const struct { const char *json; NcCode code; const char *part; } bad[] = {
    {"", NC_E0402, "is no JSON: line 1"},
    {"[", NC_E0402, "is no JSON"},
    {"3", NC_E0402, "is no JSON"},
    {"{}", NC_E0402, "it has no `model`"},
    {"{\"model\": {\"type\": \"Unigram\"}}", NC_E0410, "of the kind Unigram"},
    {"{\"model\": {\"type\": \"BPE\"}}", NC_E0402, "no `vocab` and `merges`"},
    {"{\"model\": {\"vocab\": {}, \"merges\": []}}", NC_E0410, "cuts its text by `nothing`"},
    {"{\"model\": {\"vocab\": {}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Metaspace\"}}", NC_E0410, "`Metaspace`"},
    {"{\"model\": {\"vocab\": {}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"use_regex\": false}}",
     NC_E0410, "without GPT-2's pattern"},
    {"{\"model\": {\"vocab\": {}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"normalizer\": {}}",
     NC_E0410, "normalizer"},
    {"{\"model\": {\"vocab\": {}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}", NC_E0402, "no tokens"},
    {"{\"model\": {\"vocab\": {\"a\": 1e9}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}", NC_E0402,
     "without a number that fits"},
    {"{\"model\": {\"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}",
     NC_E0402, "the number 0 to two tokens"},
    {"{\"model\": {\"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": [\"a b\"]}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}",
     NC_E0402, "merges `a` and `b`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"ab\"]}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}", NC_E0402,
     "no pair as merge 1"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(read_bpe(bad[i].json));
    expect_error(bad[i].code, bad[i].part);
  }
  ck_assert_ptr_null(read_bpe(tokenizer(good, 1, "\"byte_fallback\": true,")));
  expect_error(NC_E0410, "`byte_fallback`");
  const char *whole = tokenizer(good, 1, "");
  for (size_t n = 0; n < strlen(whole); n += 97) {     // cut anywhere, it is refused
    ck_assert_ptr_null(nc_tokens_bpe(arena, diag, NC_NOWHERE, "tokenizer.json", whole, n));
    expect_error(NC_E0402, "tokenizer.json");
  }
  NcTokens *few = read_bpe("{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}");
  NcTokenList l = {0};
  ck_assert(!nc_tokens_encode(few, diag, NC_NOWHERE, "the prompt", "ab", 2, &l));
  expect_error(NC_E0409, "the prompt has a byte that the tokenizer has no token for");
}
END_TEST

START_TEST(test_chars) {
  NcDataset *s = open_good(SPEC("text", STR(NULL, file("b\xc3\xa4" "a\nab")), INT("window", 3)));
  NcTokens *t = nc_tokens_of(arena, diag, NC_NOWHERE, &s->field[0]);
  EXPECT(t, "ab\xc3\xa4\n", 1, 2, 3, 0);
  NcBuf b = NC_BUF(arena);
  nc_tokens_decode(t, (int32_t[]){3, -1, 0, 99, 1}, 5, &b);
  ck_assert_str_eq(nc_buf_str(&b), "\xc3\xa4\na");
  NcTokenList l = {0};
  ck_assert(!nc_tokens_encode(t, diag, NC_NOWHERE, "the prompt", "abc", 3, &l));
  expect_error(NC_E0409, "the prompt has the character `c` at byte 2, which is not in the vocabulary");
  ck_assert(!nc_tokens_encode(t, diag, NC_NOWHERE, "the prompt", "a\xff", 2, &l));
  expect_error(NC_E0409, "no UTF-8 text: byte 1 is ff");
  ck_assert(!nc_tokens_encode(t, diag, NC_NOWHERE, "the prompt", "a\0b", 3, &l));
  expect_error(NC_E0409, "not in the vocabulary");
  s = open_good(SPEC("text", STR(NULL, file("The dog's dog, \xc3\xa9t\xc3\xa9!")), INT("window", 2), STR("tokens", "words")));
  static const int32_t words[] = {4, 3, 2, 1, 5, 0};    // of ! , dog dog's the été
  ck_assert_int_eq(s->field[0].classes, 6);
  t = nc_tokens_of(arena, diag, NC_NOWHERE, &s->field[0]);
  EXPECT(t, "the DOG", 4, 2);
  ck_assert(!nc_tokens_encode(t, diag, NC_NOWHERE, "the prompt", "dig", 3, &l));
  expect_error(NC_E0409, "training saw `dog`");
  ck_assert_mem_eq(s->data[0], words, sizeof words);
  NcField plain = {.name = "x"};
  ck_assert_ptr_null(nc_tokens_of(arena, diag, NC_NOWHERE, &plain));
  expect_error(NC_E0409, "`x` is not made of text");
}
END_TEST

START_TEST(test_text_source) {
  static const char *const merge[] = {"a b"};
  const char *json = tokenizer(merge, 1, ""), *path = file(json);
  NcDataset *s = open_good(SPEC("text", STR(NULL, file("abab a")), INT("window", 2),
                                STR("tokens", nc_sprintf(arena, "bpe:%s", path))));
  ck_assert_int_eq(s->windows.positions, 4);
  ck_assert_int_eq(s->field[0].classes, 258);
  ck_assert_str_eq(s->field[0].tokens, "bpe");
  ck_assert_str_eq(s->field[0].tokenizer, json);
  ck_assert(nc_data_check(diag, s));
  NcDataset *made = open_good(SPEC("text", INT("window", 65))), *again = open_good(SPEC("text", INT("window", 65)));
  ck_assert_int_gt(made->windows.positions, 10000);
  ck_assert_int_lt(made->windows.positions, 30000);
  ck_assert_uint_eq(nc_data_hash(made), nc_data_hash(again));
  ck_assert_uint_ne(nc_data_hash(made), nc_data_hash(open_good(SPEC("text", INT("window", 65), INT("seed", 1)))));
  const struct { NcSourceSpec spec; NcCode code; const char *part; } bad[] = {
    {SPEC("text", STR(NULL, file("")), INT("window", 2)), NC_E0406, "is empty"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 4)), NC_E0406, "`window = 3` would work"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 2), STR("tokens", "syllables")), NC_E0312, "chars, words, bytes, bpe"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 2), STR("tokens", "bpe:")), NC_E0312, "chars, words, bytes, bpe"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 2), STR("tokens", "bpe:/none")), NC_E0401, "/none"},
    {SPEC("text", STR(NULL, "/none"), INT("window", 2)), NC_E0401, "/none"},
    {SPEC("text", STR(NULL, file_of("a\0b", 3)), INT("window", 2)), NC_E0402, "byte 1 is 00"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(nc_source_open(arena, diag, &bad[i].spec));
    expect_error(bad[i].code, bad[i].part);
  }
}
END_TEST

// ---- windows over time

START_TEST(test_split_of_time) {
  static const NcSplitPart part[] = {{.name = "train", .fraction = 0.7}, {.name = "valid", .fraction = 0.2},
                                     {.name = "test", .fraction = 0.1}};
  for (int64_t positions = 40; positions < 60; positions++) {
    for (int64_t stride = 1; stride < 6; stride++) {
      NcWindows w = {positions, 4, stride};
      NcSplit out[3];
      ck_assert(nc_split_windows(arena, diag, &w, NC_NOWHERE, part, 3, out));
      int64_t end = 0;
      for (int k = 0; k < 3; k++) {
        int64_t from = nc_cut(positions, (double[]){0, 0.7, 0.9}[k]), to = nc_cut(positions, (double[]){0.7, 0.9, 1}[k]);
        ck_assert_int_eq(from, end);
        ck_assert_int_eq(out[k].n, nc_windows_in(&w, to - from));
        ck_assert_int_eq(out[k].index[0], from);
        ck_assert_int_eq(out[k].last, to - 4);
        for (int64_t i = 0; i < out[k].n; i++) {       // no window reaches over the border of its part
          ck_assert_int_eq(out[k].index[i], from + i * stride);
          ck_assert_int_le(out[k].index[i] + w.span, to);
        }
        end = to;
      }
    }
  }
  NcSplit out[3];
  NcWindows w = {30, 4, 1};
  ck_assert(!nc_split_windows(arena, diag, &w, NC_NOWHERE, part, 3, out));
  expect_error(NC_E0406, "`test` has 3 of the 30 positions, fewer than one window of 4");
}
END_TEST

// Training meets every position once in an epoch, at another offset in the next one, and never leaves its part.
START_TEST(test_windows_loaded) {
  NcBuf b = NC_BUF(arena);
  for (int i = 0; i < 500; i++) nc_putc(&b, (char)('a' + i * 7 % 26));
  NcDataset *s = open_good(SPEC("text", STR(NULL, file(nc_buf_str(&b))), INT("window", 9), STR("tokens", "bytes")));
  static const NcSplitPart part[] = {{.name = "train", .fraction = 0.8}, {.name = "valid", .fraction = 0.2}};
  NcSplit out[2];
  ck_assert(nc_split_windows(arena, diag, &s->windows, NC_NOWHERE, part, 2, out));
  NcLoaderOptions o = {.data = s, .index = out[0].index, .n = out[0].n, .batch = 7, .seed = 3, .train = true,
                       .stride = out[0].stride, .last = out[0].last};
  NcLoader *l = nc_loader_new(diag, &o), *other = nc_loader_new(diag, &o);
  int64_t offset[4] = {0}, batches = nc_loader_batches(l);
  for (int64_t k = 0; k < 4 * batches; k++) {
    NcBatch got;
    nc_loader_next(l, &got);
    offset[got.epoch] = got.index[0] % 8;
    for (int i = 0; i < 7; i++) {
      ck_assert_int_le(got.index[i], out[0].last);
      ck_assert(got.index[i] % 8 == offset[got.epoch] || got.index[i] == out[0].last);
      for (int j = 0; j < 9; j++)
        ck_assert_int_eq(((int32_t *)got.field[0])[i * 9 + j], (unsigned char)b.at[got.index[i] + j]);
    }
  }
  ck_assert(offset[0] != offset[1] || offset[1] != offset[2] || offset[2] != offset[3]);
  NcBatch far, again;
  nc_loader_seek(l, 2, 3);
  nc_loader_next(l, &far);
  for (int64_t k = 0; k <= 2 * batches + 3; k++) nc_loader_next(other, &again);
  ck_assert_mem_eq(far.index, again.index, 7 * sizeof *far.index);
  nc_loader_free(l);
  nc_loader_free(other);
  o = (NcLoaderOptions){.data = s, .index = out[1].index, .n = out[1].n, .batch = 5};
  l = nc_loader_new(diag, &o);
  nc_loader_next(l, &far);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(far.index[i], 400 + 8 * i);
  nc_loader_free(l);
}
END_TEST

// ---- series

START_TEST(test_series) {
  const char *path = file("month,a,b\nx,1,10\ny,2,20\nz,3,30\nu,4,40\nv,50,500\n");
  NcSourceSpec spec = SPEC("series", STR(NULL, path), INT("window", 2), STR("target", "b"));
  spec.train[1] = 0.8;
  NcDataset *s = open_good(spec);
  ck_assert_int_eq(s->n, 3);
  ck_assert_int_eq(s->field[0].shape.dim[1], 2);       // `month` holds no numbers
  const float *x = nc_field_at(s, 0, 1), *y = nc_field_at(s, 1, 1);
  static const float want[4] = {2, 20, 3, 30};
  ck_assert_mem_eq(x, want, sizeof want);
  ck_assert(y[0] == 40);
  ck_assert_int_eq(nc_field_values(s, 0), 8);
  ck_assert_int_eq(nc_field_values(s, 1), 3);
  ck_assert(fabs(s->field[0].mean[1] - 25) < 1e-12 && fabs(s->field[0].std[0] - sqrt(1.25)) < 1e-12);   // without the last
  ck_assert(nc_data_check(diag, s));
  s = open_good(SPEC("series", STR(NULL, path), STR("columns", "a"), INT("window", 1), INT("horizon", 2), BOOL("log", true)));
  ck_assert_int_eq(s->n, 3);
  ck_assert_mem_eq(nc_field_at(s, 1, 0), ((float[]){logf(2), logf(3)}), 8);
  s = open_good(SPEC("series", INT("window", 12)));
  ck_assert_int_eq(s->n, 132);
  const struct { NcSourceSpec spec; NcCode code; const char *part; } bad[] = {
    {SPEC("series", STR(NULL, path), INT("window", 5)), NC_E0406, "has 5 rows, fewer than one window of 5 and 1 to predict"},
    {SPEC("series", STR(NULL, path), INT("window", 2), STR("columns", "c")), NC_E0407, "has no column `c`"},
    {SPEC("series", STR(NULL, path), INT("window", 2), STR("columns", "month")), NC_E0404, "`x` is not a number"},
    {SPEC("series", STR(NULL, file("a\n1\n\n\"\"\n")), INT("window", 1)), NC_E0404, "the value is missing"},
    {SPEC("series", STR(NULL, file("a\n1\n0\n3\n")), INT("window", 1), BOOL("log", true)), NC_E0404, "row 2: a value of x is 0"},
    {SPEC("series", STR(NULL, file("a,b\nx,y\n")), INT("window", 1)), NC_E0406, "no column of numbers"},
    {SPEC("series", STR(NULL, file("a,b\n1,2\n")), INT("window", 1), STR("delimiter", "")), NC_E0312, "one character"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(nc_source_open(arena, diag, &bad[i].spec));
    expect_error(bad[i].code, bad[i].part);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("text");
  TCase *c = suite_case(s, "text", temp_open, temp_close);
  tcase_add_test(c, test_bpe);
  tcase_add_test(c, test_bpe_refused);
  tcase_add_test(c, test_chars);
  tcase_add_test(c, test_text_source);
  tcase_add_test(c, test_split_of_time);
  tcase_add_test(c, test_windows_loaded);
  tcase_add_test(c, test_series);
  return suite_run(s, CK_FORK_GETENV);
}
