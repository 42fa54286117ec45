// The readers of foreign bytes under libFuzzer: plans, graphs, safetensors, idx, npy, npz, csv, dates, CIFAR, images, maps of
// names, tokenizers. One program; FUZZ_READER in the environment says which. `make fuzz` runs them in turn. What is printed must
// read back.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "data/split.h"
#include "data/tokens.h"
#include "graph/graph.h"
#include "io/csv.h"
#include "io/date.h"
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

// ---- sources that open files themselves: what is read is written to a folder first

enum { MOST_SETTINGS = 4 };
typedef struct { NcSetting set[MOST_SETTINGS]; NcSourceSpec spec; } Source;

static void source(Source *s, const char *kind, const char *path) {
  *s = (Source){.set = {{.kind = NC_SET_STR, .s = path}}};
  s->spec = (NcSourceSpec){.kind = kind, .setting = s->set, .settings = 1};
}
static void text_setting(Source *s, const char *name, const char *value) {
  s->set[s->spec.settings++] = (NcSetting){.name = name, .kind = NC_SET_STR, .s = value};
}

static void put(const char *path, const char *before, const char *text, size_t n) {
  FILE *f = fopen(path, "wb");
  if (!f || fputs(before, f) < 0 || fwrite(text, 1, n, f) != n || fclose(f) != 0) abort();
}

// What describes itself opens, and has the fields that it said.
static const NcDataset *opened(NcArena *a, NcDiag *d, const Source *s) {
  NcFields f;
  if (!nc_source_describe(a, d, &s->spec, &f)) return NULL;
  const NcDataset *set = nc_source_open(a, d, &s->spec);
  if (!set) return d->errors ? NULL : (abort(), NULL);
  if (set->fields != f.n || set->n != f.examples) abort();
  nc_data_check(d, set);
  return set;
}

// Each line alone; then all of them as the column of a table, in whose order it is split.
static void dates(NcArena *a, NcDiag *d, const char *text, size_t n) {
  for (const char *line = text; line < text + n; line += strcspn(line, "\n") + 1) {
    double days;
    if (!nc_date(nc_strndup(a, line, strcspn(line, "\n")), &days)) continue;
    if (!(fabs(days) < 4e6)) abort();
    for (int k = 0; k < NC_DATE_PARTS; k++)
      if (!isfinite(nc_date_part(days, k))) abort();
  }
  const char *when = "when";
  Source s;
  put("dates.csv", "when,y\n", text, n);
  source(&s, "csv", "dates.csv");
  text_setting(&s, "time", "when");
  text_setting(&s, "missing", n % 2 ? "mean" : "drop");
  s.set[s.spec.settings++] = (NcSetting){.name = "dates", .kind = NC_SET_STRS, .strs = &when, .n = 1};
  const NcDataset *set = opened(a, d, &s);
  NcSplit part[2];
  if (!set || !nc_split_by(a, d, set, "time", 1, NC_NOWHERE, (NcSplitPart[]){{"train", 0.5, {0}}, {"test", 0.5, {0}}}, 2, part)) return;
  for (int64_t i = 1; i < set->n; i++)
    if (!(set->time[part[0].index[i - 1]] <= set->time[part[0].index[i]])) abort();
}

// Two bytes say which file of which folder it is, what is asked for, and how long the list of names is; most files are filled
// up to whole records, or they would all be refused at once.
static void cifar(NcArena *a, NcDiag *d, const char *text, size_t n) {
  static const char *const files[] = {"data_batch_1.bin", "test_batch.bin", "train.bin", "test.bin"};
  static const char *const lists[] = {"batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"};
  static const char *const parts[] = {"all", "train", "test", "none"};
  enum { MOST = 3074 * 3 };
  if (n < 2) return;
  int how = (unsigned char)text[0];
  size_t names = (unsigned char)text[1] * 8u < n - 2 ? (unsigned char)text[1] * 8u : n - 2, data = n - 2 - names;
  const char *file = files[how & 3];
  int record = (how & 2) ? 3074 : 3073;
  char *records = nc_alloc(a, MOST), *path = nc_sprintf(a, "cifar-files/%s", file);
  if (data > MOST) data = MOST;
  memcpy(records, text + 2 + names, data);
  if (how & 12) data = data ? (data + (size_t)record - 1) / (size_t)record * (size_t)record : (size_t)record;
  mkdir("cifar-files", 0777);
  for (int i = 0; i < 4; i++) remove(nc_sprintf(a, "cifar-files/%s", files[i]));
  put(path, "", records, data > MOST ? MOST : data);
  for (int i = 0; i < 3; i++) put(nc_sprintf(a, "cifar-files/%s", lists[i]), "", text + 2, names);
  Source s;
  source(&s, "cifar", (how & 16) ? path : "cifar-files");
  if (how & 32) text_setting(&s, "labels", (how & 2) ? "coarse" : "fine");
  text_setting(&s, "part", parts[how >> 6]);
  opened(a, d, &s);
}

static const struct { const char *name; Reader *read; } readers[] = {
  {"plan", plan}, {"graph", graph}, {"safetensors", safetensors}, {"idx", idx},
  {"npy", npy},   {"npz", npz},     {"csv", csv},     {"names", names},             {"bpe", bpe},
  {"image", image}, {"dates", dates}, {"cifar", cifar}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Reader *read;
  for (size_t i = 0; !read && i < sizeof readers / sizeof *readers; i++)
    if (getenv("FUZZ_READER") && strcmp(getenv("FUZZ_READER"), readers[i].name) == 0) read = readers[i].read;
  if (!read) {
    fputs("FUZZ_READER: plan graph safetensors idx npy npz csv names bpe image dates cifar\n", stderr);
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
