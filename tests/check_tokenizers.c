// Text as tokens and back: characters, words, and tokenizer.json of the kinds in use, against Hugging Face's library.
#include <jansson.h>
#include "data/pattern.h"
#include "data/tokens.h"
#include "golden.h"
#include "sources.h"

// A tokenizer.json of the 256 bytes, the merges given, and one added token.
static const char *tokenizer(const char *const *merge, int n) {
  NcBuf b = NC_BUF(arena);
  nc_putf(&b, "{\"added_tokens\": [{\"id\": %d, \"content\": \"<end>\", \"special\": true}], \"normalizer\": null, "
              "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}, \"decoder\": {\"type\": "
              "\"ByteLevel\"}, \"model\": {\"type\": \"BPE\", \"vocab\": {", 256 + n);
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
  NcTokens *t = read_bpe(tokenizer(merge, 6));
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
    nc_tokens_decode(t, l.at, l.n, true, &b);
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
    {"{\"model\": {\"type\": \"Unigram\"}}", NC_E0410, "has the `model` of type `Unigram`"},
    {"{\"model\": {\"type\": \"BPE\"}}", NC_E0402, "no `vocab` and `merges`"},
    {"{\"model\": {\"vocab\": {}, \"merges\": []}}",
     NC_E0402, "no tokens"},
    {"{\"model\": {\"vocab\": {\"a\": 1e9}, \"merges\": []}}",
     NC_E0402, "without a number that fits"},
    {"{\"model\": {\"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}}",
     NC_E0402, "the number 0 to two tokens"},
    {"{\"model\": {\"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": [\"a b\"]}}",
     NC_E0402, "merges `a` and `b`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"ab\"]}}",
     NC_E0402, "no pair as merge 1"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [], \"unk_token\": \"?\"}}",
     NC_E0402, "no token `?`, its `unk_token`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [], \"dropout\": 0.1}}",
     NC_E0410, "`dropout` in its `model`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [], \"continuing_subword_prefix\": \"##\"}}",
     NC_E0410, "`continuing_subword_prefix`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"decoder\": {\"type\": \"WordPiece\"}}",
     NC_E0410, "has the `decoder` `WordPiece`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"normalizer\": {}}",
     NC_E0402, "`normalizer` has no type"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"normalizer\": {\"type\": \"Sequence\", "
        "\"normalizers\": [{\"type\": \"NFKC\"}]}}",
     NC_E0410, "`normalizer` is `NFKC`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"normalizer\": {\"type\": \"Sequence\"}}",
     NC_E0402, "a Sequence without `normalizers`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"UnicodeScripts\"}}",
     NC_E0410, "`pre_tokenizer` is `UnicodeScripts`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Sequence\", "
        "\"pretokenizers\": [{\"type\": \"ByteLevel\"}, {\"type\": \"Digits\"}]}}",
     NC_E0410, "goes on after `ByteLevel`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"prepend_scheme\": \"often\"}}",
     NC_E0410, "the prepend_scheme `often`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Split\"}}",
     NC_E0402, "has no `pattern`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Split\", "
        "\"pattern\": {\"String\": \"a\"}, \"behavior\": \"Odd\"}}",
     NC_E0410, "the behavior `Odd`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Split\", "
        "\"pattern\": {\"Regex\": \"\\\\p{Han}+\"}}}",
     NC_E0410, "cuts by a pattern that has `\\p{Han}`"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"added_tokens\": [{\"id\": 1, \"content\": \"<s>\", \"single_word\": true}]}",
     NC_E0410, "`single_word` in `added_tokens` (`<s>`)"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"normalizer\": {\"type\": \"Prepend\", "
        "\"prepend\": \"_\"}, \"added_tokens\": [{\"id\": 1, \"content\": \"<s>\", \"normalized\": true}]}",
     NC_E0410, "`normalized` in `added_tokens` (`<s>`)"},
    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"added_tokens\": [{\"id\": 1}]}",
     NC_E0402, "an added token without a text"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(read_bpe(bad[i].json));
    expect_error(bad[i].code, bad[i].part);
  }
  const char *whole = tokenizer(good, 1);
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
  nc_tokens_decode(t, (int32_t[]){3, -1, 0, 99, 1}, 5, true, &b);
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

// ---- as Hugging Face's library does it (tests/golden/tokenizers_files.py)

static const json_t *member(const json_t *o, const char *key) { return json_object_get(o, key); }

static void one_encoding(const NcTokens *t, const char *kind, const json_t *row) {
  const json_t *ids = member(row, "ids");
  const char *text = json_string_value(member(row, "text")), *back = json_string_value(member(row, "back"));
  NcTokenList l = encoded(t, text);
  NcBuf mine = NC_BUF(arena), theirs = NC_BUF(arena), b = NC_BUF(arena);
  for (int i = 0; i < l.n; i++) nc_putf(&mine, " %d", l.at[i]);
  for (size_t i = 0; i < json_array_size(ids); i++) nc_putf(&theirs, " %d", (int)json_integer_value(json_array_get(ids, i)));
  ck_assert_msg(strcmp(nc_buf_str(&mine), nc_buf_str(&theirs)) == 0, "%s, `%s`:%s\nbut theirs are%s", kind, text,
                nc_buf_str(&mine), nc_buf_str(&theirs));
  nc_tokens_decode(t, l.at, l.n, true, &b);
  ck_assert_msg(strcmp(nc_buf_str(&b), back) == 0, "%s: `%s` becomes `%s`, theirs `%s`", kind, text, nc_buf_str(&b), back);
}

START_TEST(as_the_library) {
  json_t *rows = json_load_file(in_source(arena, "tests/golden/tokenizers/encodings.json"), 0, NULL), *row;
  const char *before = "";
  NcTokens *t = NULL;
  size_t i;
  ck_assert(json_array_size(rows) > 300);
  json_array_foreach(rows, i, row) {
    const char *kind = json_string_value(member(row, "kind"));
    if (strcmp(kind, before)) {
      const char *path = in_source(arena, nc_sprintf(arena, "tests/golden/tokenizers/%s.json", kind));
      t = read_bpe(golden_read(arena, path, NULL));
      ck_assert_msg(t != NULL, "%s", messages(diag));
      before = kind;
    }
    one_encoding(t, kind, row);
  }
  json_decref(rows);
}
END_TEST

// ---- patterns

static const struct { const char *pattern, *text; size_t end; } matches[] = {
  {"a|ab", "ab", 1},                                   // the first that goes, not the longest
  {"(?:a|ab)c", "abc", 3},
  {"a?a", "a", 1},
  {"a?+a", "a", NC_NO_MATCH},                          // gives nothing back
  {"a*ab", "aaab", 4},
  {"a{2}", "aaa", 2},
  {"a{2,}", "aaa", 3},
  {"a{,2}b", "aab", 3},
  {"(?i:k)", "\xe2\x84\xaa", 3},                       // the sign of the Kelvin
  {"(?i:AB)c", "aBc", 3},
  {"(?i:AB)c", "abC", NC_NO_MATCH},
  {"a(?=b)", "ab", 1},
  {"a(?!b)", "ab", NC_NO_MATCH},
  {"(?:ab)?c", "abc", 3},
  {"(?:ab)?c", "c", 1},
  {"[^\\s\\p{L}]+", "1!\xc3\xa9", 2},
  {"[\\S]", " ", NC_NO_MATCH},
  {"\\P{L}", "a", NC_NO_MATCH},
  {"\\p{^L}", "a", NC_NO_MATCH},
  {"\\P{^L}", "a", 1},
  {"\\p{Lu}+", "A\xc3\x89\xc4\x80\xc4\x82\xc4\x83", 7},             // upper and lower case in turn
  {"\\p{Ll}", "\xc4\x81", 2},
  {"(?i:\\p{Lu})", "a", NC_NO_MATCH},                  // a class means what it says
  {"(?i:[a-c]+)", "aBd", 2},
  {"\\w+", "a_1\xc3\xa9\xcc\x81\xe2\x92\xb6-", 10},
  {"\\W+", "-- a", 3},
  {"[\\D]+", "ab1", 2},
  {"[a\\-c]+", "a-cb", 3},
  {"[]a]+", "a]", 2},
  {"[a-]+", "a-b", 2},
  {".", "\n", NC_NO_MATCH},
  {"\\p{N}{1,3}", "12345", 3},
  {"", "x", 0},
  {"(((((a?)b?)c?)d?)e?)", "abcde", 5},
  {"a*a*a*a*a*a*b", NULL, NC_TOO_LONG},                // of a long row of a
};

START_TEST(patterns_match) {
  NcBuf row = NC_BUF(arena);
  nc_put_repeat(&row, 'a', 3000);
  for (int i = 0; i < LENGTH(matches); i++) {
    const char *why = "", *text = matches[i].text ? matches[i].text : nc_buf_str(&row);
    NcPattern *p = nc_pattern_parse(arena, matches[i].pattern, &why);
    ck_assert_msg(p != NULL, "%s %s", matches[i].pattern, why);
    size_t end = nc_pattern_match(p, text, strlen(text), 0);
    ck_assert_msg(end == matches[i].end, "%s ends at %zu of `%s`", matches[i].pattern, end, text);
  }
}
END_TEST

// ---- normal forms

static const struct { const char *text, *composed, *apart; } forms[] = {
  {"", "", ""},
  {"plain", "plain", "plain"},
  {"a\u0301", "\u00e1", "a\u0301"},
  {"\u00e1", "\u00e1", "a\u0301"},
  {"\u212b", "\u00c5", "A\u030a"},                            // the sign of the Angstrom is the letter
  {"\u0958", "\u0915\u093c", "\u0915\u093c"},                // stays apart
  {"\u0301a", "\u0301a", "\u0301a"},                          // nothing to stand on
  {"a\u0307\u0323", "\u1ea1\u0307", "a\u0323\u0307"},        // below comes before above
  {"a\u0315\u0301", "\u00e1\u0315", "a\u0301\u0315"},        // past one that does not stand in the way
  {"a\u0300\u0301", "\u00e0\u0301", "a\u0300\u0301"},        // two of one class: the second stays
  {"\u1e9b\u0323", "\u1e9b\u0323", "\u017f\u0323\u0307"},
  {"\u1112\u1161\u11ab", "\ud55c", "\u1112\u1161\u11ab"},
  {"\ud558\u11ab", "\ud55c", "\u1112\u1161\u11ab"},
  {"\uac01\u11a8", "\uac01\u11a8", "\u1100\u1161\u11a8\u11a8"},
  {"\u1161\u11a8", "\u1161\u11a8", "\u1161\u11a8"},
  {"\u09c7\u09be", "\u09cb", "\u09c7\u09be"},                // two starters
  {"a\xff\u0301", "a\xff\u0301", "a\xff\u0301"},             // a stray byte is nothing to stand on
  {"\xc3", "\xc3", "\xc3"},
  {"\U0001d15e", "\U0001d157\U0001d165", "\U0001d157\U0001d165"},
};

static const char *normal(const char *text, size_t n, bool composed) {
  NcBuf b = NC_BUF(arena);
  nc_unicode_normal(text, n, composed, &b);
  return nc_buf_str(&b);
}

START_TEST(normal_forms) {
  for (int i = 0; i < LENGTH(forms); i++) {
    const char *s = forms[i].text;
    ck_assert_msg(!strcmp(normal(s, strlen(s), true), forms[i].composed), "`%s` (%d), composed", s, i);
    ck_assert_msg(!strcmp(normal(s, strlen(s), false), forms[i].apart), "`%s` (%d), apart", s, i);
  }
  NcBuf row = NC_BUF(arena), sorted = NC_BUF(arena);           // many marks on one letter take no longer than elsewhere
  for (int i = 0; i < 50000; i++) nc_put(&row, "\u0301\u0323");
  for (int i = 0; i < 100000; i++) nc_put(&sorted, i < 50000 ? "\u0323" : "\u0301");
  ck_assert_str_eq(normal(row.at, row.n, false), nc_buf_str(&sorted));
}
END_TEST

START_TEST(patterns_are_refused) {
  static const char *const bad[] = {"(", ")", "[", "[a", "[^", "a)", "a**", "a{2", "a{3,2}", "a{1,2}+", "a+?", "(?:ab)*", "(?<!a)b",
                                    "(?P<n>a)", "\\", "\\h", "\\b", "\\p{Han}", "\\p{Lx}", "\\p{}", "\\p{^}",
                                        "\\p{Lu", "\\p", "\\1", "^a", "a$", "[b-a]", "[[a]]", "[a&&b]", "*",
                                    "[a-\\s]", "\xff"};
  for (int i = 0; i < LENGTH(bad); i++) {
    const char *why = NULL;
    ck_assert_msg(!nc_pattern_parse(arena, bad[i], &why) && why && *why, "`%s` was taken", bad[i]);
  }
  NcBuf deep = NC_BUF(arena);
  nc_put_repeat(&deep, '(', 1000);
  const char *why = NULL;
  ck_assert(!nc_pattern_parse(arena, nc_buf_str(&deep), &why) && strstr(why, "groups within groups"));
}
END_TEST

int main(void) {
  Suite *s = suite_create("tokenizers");
  TCase *c = suite_case(s, "tokenizers", temp_open, temp_close);
  tcase_add_test(c, test_bpe);
  tcase_add_test(c, test_bpe_refused);
  tcase_add_test(c, as_the_library);
  tcase_add_test(c, patterns_match);
  tcase_add_test(c, patterns_are_refused);
  tcase_add_test(c, normal_forms);
  tcase_add_test(c, test_chars);
  return suite_run(s, CK_FORK_GETENV);
}
