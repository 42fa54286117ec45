// Reads a plan back from its text. Nothing in the text is trusted: every number is checked against what
// it counts, and the finished plan passes the verifier before anyone sees it.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "plan/names.h"

typedef struct {
  NcArena *arena;
  NcDiag *diag;
  uint32_t file;
  const char *text, *p, *end;
  bool failed;             // the first error is reported, the rest would follow from it
  NcPlan *plan;
} In;

static bool fail(In *in, const char *what) {
  if (!in->failed) {
    uint32_t at = (uint32_t)(in->p - in->text), next = at + (in->p < in->end);
    NcMessage *m = nc_error(in->diag, NC_E0802, (NcRange){in->file, at, next}, "expected %s", what);
    nc_help(in->diag, m, "write plans with `nacre emit --plan`");
  }
  in->failed = true;
  return false;
}

static void blanks(In *in) {
  while (in->p < in->end && *in->p == ' ') in->p++;
}

static bool word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

// The next word of this line when it is `w`; else nothing is consumed.
static bool accept(In *in, const char *w) {
  blanks(in);
  size_t n = strlen(w);
  if ((size_t)(in->end - in->p) < n || memcmp(in->p, w, n) != 0) return false;
  if (in->p + n < in->end && word_char(w[n - 1]) && word_char(in->p[n])) return false;
  in->p += n;
  return true;
}

static bool expect(In *in, const char *w) { return accept(in, w) || fail(in, nc_sprintf(in->arena, "`%s`", w)); }

static bool line_end(In *in) {
  blanks(in);
  if (in->p == in->end) return true;
  if (*in->p != '\n') return fail(in, "the end of the line");
  in->p++;
  return true;
}

// One of the words of a table; -1 after an error.
static int choice(In *in, const char *const *words, int n, const char *what) {
  for (int i = 0; i < n; i++)
    if (accept(in, words[i])) return i;
  fail(in, what);
  return -1;
}

static int64_t integer(In *in, int64_t lo, int64_t hi) {
  blanks(in);
  errno = 0;
  char *stop = NULL;
  bool digit = in->p < in->end && ((*in->p >= '0' && *in->p <= '9') || *in->p == '-');
  long long v = digit ? strtoll(in->p, &stop, 10) : 0;
  if (!digit || stop == in->p || errno || v < lo || v > hi) {
    fail(in, nc_sprintf(in->arena, "a whole number from %lld to %lld", (long long)lo, (long long)hi));
    return lo;
  }
  in->p = stop;
  return v;
}

enum { MANY = 1 << 24 };                      // buffers, steps, arguments
static const int64_t HUGE_SIZE = (int64_t)1 << 56;
static size_t size(In *in) { return (size_t)integer(in, 0, HUGE_SIZE); }

static double real(In *in) {
  blanks(in);
  char *stop = NULL;
  bool space = in->p >= in->end || strchr(" \t\n\v\f\r", *in->p);
  double v = space ? 0 : strtod(in->p, &stop);
  if (space || stop == in->p) fail(in, "a number");
  else in->p = stop;
  return v;
}

static int buffer_number(In *in) {
  blanks(in);
  if (in->p >= in->end || *in->p != 'b') {
    fail(in, "a buffer: `b` and its number");
    return 0;
  }
  in->p++;
  return (int)integer(in, 0, MANY);
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// \uXXXX, without surrogates and NUL, as nc_put_json writes it.
static bool unicode(In *in, NcBuf *b) {
  unsigned v = 0;
  for (int i = 0; i < 4; i++) {
    int h = in->p < in->end ? hex(*in->p) : -1;
    if (h < 0) return fail(in, "four hexadecimal digits");
    v = v * 16 + (unsigned)h;
    in->p++;
  }
  if (v == 0 || (v >= 0xd800 && v < 0xe000)) return fail(in, "a character");
  if (v >= 0x800) {
    nc_putc(b, (char)(0xe0 | v >> 12));
    nc_putc(b, (char)(0x80 | (v >> 6 & 63)));
  } else if (v >= 0x80) nc_putc(b, (char)(0xc0 | v >> 6));
  nc_putc(b, v < 0x80 ? (char)v : (char)(0x80 | (v & 63)));
  return true;
}

static const char *string(In *in) {
  NcBuf b = NC_BUF(in->arena);
  if (!expect(in, "\"")) return "";
  while (in->p < in->end && *in->p != '"') {
    char c = *in->p++;
    if (c == '\n' || c == 0) break;
    if (c != '\\') {
      int bytes = nc_utf8(in->p - 1);
      if (!bytes) { fail(in, "valid UTF-8"); return ""; }
      nc_putn(&b, in->p - 1, (size_t)bytes);
      in->p += bytes - 1;
      continue;
    }
    char e = in->p < in->end ? *in->p++ : 0;
    if (e == 'n' || e == 't') nc_putc(&b, e == 'n' ? '\n' : '\t');
    else if (e == '"' || e == '\\') nc_putc(&b, e);
    else if (e != 'u' || !unicode(in, &b)) { fail(in, "an escape: \\n \\t \\\" \\\\ \\uXXXX"); return ""; }
  }
  if (in->p >= in->end || *in->p != '"') fail(in, "a closing quotation mark");
  else in->p++;
  return nc_buf_str(&b);
}

static NcType type(In *in) {
  NcType t = {0};
  const char *names[NC_DTYPE_COUNT];
  for (int i = 0; i < NC_DTYPE_COUNT; i++) names[i] = nc_dtype_name((NcDtype)i);
  int k = choice(in, names, NC_DTYPE_COUNT, "an element type");
  if (k < 0 || !expect(in, "[")) return t;
  t.dtype = (NcDtype)k;
  int64_t count = 8;   // the largest element, in bytes
  while (!accept(in, "]")) {
    if (t.shape.rank == NC_MAX_RANK || (t.shape.rank && !expect(in, ","))) {
      fail(in, "`]`");
      return (NcType){0};
    }
    int64_t dim = integer(in, 1, HUGE_SIZE);
    if (in->failed || __builtin_mul_overflow(count, dim, &count) || count > HUGE_SIZE) {
      fail(in, "a smaller tensor");
      return (NcType){0};
    }
    t.shape.dim[t.shape.rank++] = dim;
  }
  return t;
}

static const void *bytes_of(In *in, size_t n) {
  blanks(in);
  if (n > (size_t)(in->end - in->p) / 2) return fail(in, "the bytes of the constant, two digits each"), NULL;
  unsigned char *at = nc_alloc(in->arena, n);
  for (size_t i = 0; i < n; i++, in->p += 2) {
    int hi = hex(in->p[0]), lo = hex(in->p[1]);
    if (hi < 0 || lo < 0) return fail(in, "the bytes of the constant, two digits each"), NULL;
    at[i] = (unsigned char)(hi * 16 + lo);
  }
  return at;
}

static void buffer(In *in) {
  NcPlanBuf b = {.parent = -1};
  if (integer(in, 0, MANY) != in->plan->buf.n) { fail(in, "the next buffer's number before it"); return; }
  int kind = choice(in, nc_buf_words, NC_BUF_KINDS, "a kind of buffer");
  if (kind < 0) return;
  b.kind = (NcBufKind)kind;
  b.name = string(in);
  bool root = b.kind == NC_BUF_ROOT_ARENA || b.kind == NC_BUF_ROOT_VAR;
  if (!root) b.type = type(in);
  if (in->failed) return;
  if (accept(in, "in")) {
    b.parent = (int)integer(in, 0, MANY);
    if (expect(in, "offset")) b.offset = size(in);
  }
  if (accept(in, "bytes")) b.bytes = size(in);
  else if (root) fail(in, "`bytes`");
  else b.bytes = nc_type_bytes(b.type);
  if (root) b.type = (NcType){NC_U8, {1, {(int64_t)b.bytes}}};
  if (accept(in, "role")) b.role = string(in);
  if (!in->failed && accept(in, "data")) b.data = bytes_of(in, b.bytes);
  if (!in->failed && accept(in, "at")) b.at = string(in);
  line_end(in);
  *NC_PUSH(in->arena, in->plan->buf) = b;
}

static void kernel(In *in, NcStep *s) {
  NC_VEC(NcPlanArg) args = {0};
  s->kernel = string(in);
  expect(in, "global");
  for (int i = 0; i < 3; i++) s->global[i] = size(in);
  expect(in, "local");
  for (int i = 0; i < 3; i++) s->local[i] = size(in);
  expect(in, "args");
  while (!in->failed) {
    blanks(in);
    char k = in->p < in->end ? *in->p : 0;
    // An argument is a letter and a number: `label` and `flops` are not.
    bool number = k && in->p + 1 < in->end && strchr("0123456789-", in->p[1]);
    if (accept(in, "t")) {
      *NC_PUSH(in->arena, args) = (NcPlanArg){.kind = NC_ARG_TURN};
      continue;
    }
    bool special = k == 'f' && (strncmp(in->p, "fnan", 4) == 0 || strncmp(in->p, "finf", 4) == 0);
    if (!(number || special) || !strchr("bifl", k)) break;
    NcPlanArg a = {0};
    in->p++;
    if (k == 'f') {
      a.kind = NC_ARG_FLOAT;
      a.f = real(in);
    } else {
      a.kind = k == 'b' ? NC_ARG_BUF : k == 'i' ? NC_ARG_INT : NC_ARG_LOCAL;
      a.i = integer(in, k == 'i' ? INT32_MIN : 0, INT32_MAX);
    }
    *NC_PUSH(in->arena, args) = a;
  }
  s->nargs = args.n;
  s->args = args.at;
}

static void gemm(In *in, NcStep *s) {
  for (int i = 0; i < nc_gemm_field_count && !in->failed; i++) {
    const NcGemmField *f = &nc_gemm_fields[i];
    char *p = (char *)s + f->offset;
    bool there = accept(in, f->name);
    if (!there && f->usual == NC_REQUIRED) fail(in, nc_sprintf(in->arena, "`%s`", f->name));
    else if (f->kind == NC_FIELD_BUFFER) *(int *)p = there ? buffer_number(in) : (int)f->usual;
    else if (f->kind == NC_FIELD_BOOL) *(bool *)p = there ? integer(in, 0, 1) != 0 : f->usual != 0;
    else if (f->kind == NC_FIELD_DOUBLE) *(double *)p = there ? real(in) : (double)f->usual;
    else *(int64_t *)p = there ? integer(in, 0, HUGE_SIZE) : f->usual;
  }
}

static void step(In *in) {
  NcStep s = {.a = -1, .b = -1, .c = -1, .workspace = -1, .kernel = "", .label = "", .at = "", .layer = ""};
  if (integer(in, 0, MANY) != in->plan->step.n) { fail(in, "the next step's number before it"); return; }
  int kind = choice(in, nc_step_words, NC_STEP_KINDS, "a kind of step");
  if (kind < 0) return;
  s.kind = (NcStepKind)kind;
  if (s.kind == NC_STEP_KERNEL) kernel(in, &s);
  else if (s.kind == NC_STEP_GEMM) gemm(in, &s);
  else if (s.kind == NC_STEP_LOOP) s.turns = expect(in, "turns") ? integer(in, 1, INT32_MAX) : 0;
  else if (s.kind == NC_STEP_END) {}
  else {
    if (s.kind == NC_STEP_COPY) s.a = buffer_number(in);
    s.c = buffer_number(in);
    if (expect(in, "bytes")) s.fill_bytes = size(in);
  }
  if (accept(in, "flops")) s.flops = real(in);
  if (accept(in, "bytes")) s.bytes = real(in);
  if (accept(in, "label")) s.label = string(in);
  if (accept(in, "at")) s.at = string(in);
  if (accept(in, "layer")) s.layer = string(in);
  line_end(in);
  *NC_PUSH(in->arena, in->plan->step) = s;
}

static void output(In *in) {
  NcPlanOutput o = {.name = string(in)};
  o.buffer = buffer_number(in);
  line_end(in);
  *NC_PUSH(in->arena, in->plan->output) = o;
}

static void program(In *in) {
  size_t n = size(in);
  if (!line_end(in)) return;
  if (n != (size_t)(in->end - in->p)) { fail(in, nc_sprintf(in->arena, "%zu bytes of OpenCL C from here", n)); return; }
  if (memchr(in->p, 0, n)) { fail(in, "OpenCL C without zero bytes"); return; }
  in->plan->program = nc_strndup(in->arena, in->p, n);
  in->p = in->end;
}

static void header(In *in) {
  if (!expect(in, "nacre-plan")) return;
  integer(in, 1, 1);
  line_end(in);
  if (!expect(in, "class")) return;
  int cls = choice(in, nc_class_words, NC_CLASSES, "`cpu` or `gpu`");
  line_end(in);
  if (!expect(in, "align")) return;
  size_t align = (size_t)integer(in, 1, 1 << 30);
  line_end(in);
  if (in->failed) return;
  in->plan = nc_plan_new(in->arena, (NcClass)cls, align);
  if (expect(in, "options")) in->plan->options = string(in);
  line_end(in);
}

static const struct { const char *word; void (*read)(In *); } lines[] = {
  {"buffer", buffer}, {"step", step}, {"output", output}, {"program", program},
};

static void line(In *in) {
  if (in->p < in->end && *in->p == '\n') { in->p++; return; }
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (accept(in, lines[i].word)) { lines[i].read(in); return; }
  fail(in, "`buffer`, `step`, `output` or `program`");
}

NcPlan *nc_plan_read(NcArena *a, NcDiag *d, const char *name, const char *text, size_t n) {
  In in = {.arena = a, .diag = d, .file = nc_diag_source(d, name, text, n)};
  in.text = in.p = nc_diag_file(d, in.file)->text;   // its copy ends in NUL, so that numbers stop there
  in.end = in.text + n;
  header(&in);
  while (!in.failed && in.p < in.end) line(&in);
  if (in.failed || !nc_plan_check(in.plan, d, NC_E0802, (NcRange){in.file, 0, 0})) return NULL;
  return in.plan;
}
