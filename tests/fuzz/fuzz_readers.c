// The readers of foreign bytes under libFuzzer: plans, graphs, safetensors, idx, npy, npz, csv, images, maps of names,
// tokenizers. One program; FUZZ_READER in the environment says which. `make fuzz` runs them in turn. What is printed must
// read back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/tokens.h"
#include "graph/graph.h"
#include "io/csv.h"
#include "io/idx.h"
#include "io/image.h"
#include "io/names.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/safetensors.h"
#include "plan/plan.h"

typedef void Reader(NcArena *a, NcDiag *d, const char *text, size_t n);

static NcBytes bytes_of(const char *text, size_t n) {
  return (NcBytes){.path = "fuzz", .data = (const unsigned char *)text, .n = n, .size = n};
}

static void same(const char *a, const char *b) {
  if (strcmp(a, b)) abort();   // the fuzzer keeps the input
}

static void plan(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcPlan *p = nc_plan_read(a, d, "fuzz.plan", text, n), *again;
  if (!p || !nc_plan_verify(p, d)) return;
  NcBuf one = NC_BUF(a), two = NC_BUF(a);
  nc_plan_print(p, &one, true);
  if (!(again = nc_plan_read(a, d, "again.plan", nc_buf_str(&one), one.n))) abort();
  nc_plan_print(again, &two, true);
  same(nc_buf_str(&one), nc_buf_str(&two));
}

static void graph(NcArena *a, NcDiag *d, const char *text, size_t n) {
  (void)n;
  NcGraph *g = nc_graph_read(a, d, "fuzz.graph", text), *again;
  if (!g || d->errors || !nc_graph_verify(g, d, "read")) return;
  NcBuf one = NC_BUF(a), two = NC_BUF(a);
  nc_graph_print(g, &one);
  if (!(again = nc_graph_read(a, d, "again.graph", nc_buf_str(&one)))) abort();
  nc_graph_print(again, &two);
  same(nc_buf_str(&one), nc_buf_str(&two));
}

static void safetensors(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcTensors t;
  NcBytes b = bytes_of(text, n);
  nc_safetensors_parse(a, d, &b, &t);
}

static void idx(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcArray x;
  NcBytes b = bytes_of(text, n);
  nc_idx_parse(a, d, &b, &x);
}

static void npy(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcArray x;
  NcBytes b = bytes_of(text, n);
  nc_npy_parse(a, d, &b, &x);
}

static void csv(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcCsv t;
  NcBytes b = bytes_of(text, n);
  double v;
  if (!nc_csv_parse(a, d, &b, n % 2 ? ',' : ';', n % 3, &t)) return;
  for (int64_t r = 0; r < t.rows; r++)
    for (int c = 0; c < t.columns; c++) nc_csv_number(nc_csv_cell(&t, r, c), &v);
}

static void npz(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcBytes b = bytes_of(text, n);
  NcNpz z;
  NcArray x;
  if (!nc_npz_parse(a, d, &b, &z)) return;
  for (int i = 0; i < z.n && i < 8; i++)
    if (z.at[i].size < 1 << 20) nc_npz_array(a, d, &z, i, n % 2, &x);
}

static void image(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcImage m;
  NcBytes b = bytes_of(text, n);
  unsigned char out[3 * 7 * 5];
  if (nc_image_parse(a, d, &b, &m) && m.width * (int64_t)m.height < 1 << 20)
    nc_image_fit(a, &m, n % 2 ? NC_FIT_CROP : NC_FIT_STRETCH, n % 4 < 2 ? 1 : 3, 7, 5, out);
}

static void names(NcArena *a, NcDiag *d, const char *text, size_t n) { nc_names_parse(a, d, "fuzz.map", text, n); }

static void bpe(NcArena *a, NcDiag *d, const char *text, size_t n) {
  NcTokenList list = {0};
  NcBuf back = NC_BUF(a);
  NcTokens *t = nc_tokens_bpe(a, d, NC_NOWHERE, "fuzz.json", text, n);
  if (t && nc_tokens_encode(t, d, NC_NOWHERE, "the text", text, n, &list)) nc_tokens_decode(t, list.at, list.n, true, &back);
}

static const struct { const char *name; Reader *read; } readers[] = {
  {"plan", plan}, {"graph", graph}, {"safetensors", safetensors}, {"idx", idx},
  {"npy", npy},   {"npz", npz},     {"csv", csv},     {"names", names},             {"bpe", bpe},
  {"image", image}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Reader *read;
  for (size_t i = 0; !read && i < sizeof readers / sizeof *readers; i++)
    if (getenv("FUZZ_READER") && strcmp(getenv("FUZZ_READER"), readers[i].name) == 0) read = readers[i].read;
  if (!read) {
    fputs("FUZZ_READER: plan graph safetensors idx npy npz csv names bpe image\n", stderr);
    exit(2);
  }
  NcArena *a = nc_arena_new();
  if (a && !NC_ON_OOM(a)) {
    NcDiag *d = nc_diag_new(a);
    NcBuf messages = NC_BUF(a);
    char *text = nc_alloc(a, size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    read(a, d, text, size);
    nc_diag_render(d, &messages, true);
  }
  nc_arena_free(a);
  return 0;
}
