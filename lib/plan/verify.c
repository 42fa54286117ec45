// What must hold of every plan, whoever wrote it: an executor may rely on all of this.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "plan/names.h"

typedef struct {
  const NcPlan *plan;
  NcDiag *diag;
  NcCode code;
  NcRange at;
  bool ok;
  int depth;               // of loops
} Check;

__attribute__((format(printf, 2, 3))) static void bad(Check *c, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  nc_error(c->diag, c->code, c->at, "%s", nc_vsprintf(c->diag->arena, fmt, ap));
  va_end(ap);
  c->ok = false;
}

static bool is_root(const NcPlanBuf *b) { return b->kind == NC_BUF_ROOT_ARENA || b->kind == NC_BUF_ROOT_VAR; }

// What owns memory, by the kind of what lies in it; -1: it lies in nothing.
static int root_of(NcBufKind k) {
  return k == NC_BUF_TEMP ? (int)NC_BUF_ROOT_ARENA : k == NC_BUF_VAR ? (int)NC_BUF_ROOT_VAR : -1;
}

static void place(Check *c, int i, const NcPlanBuf *b) {
  const NcPlan *p = c->plan;
  if (b->parent < 0) {
    if (b->kind == NC_BUF_TEMP) bad(c, "buffer %d is a temp outside an arena", i);
    return;
  }
  if (b->parent >= p->buf.n || (int)p->buf.at[b->parent].kind != root_of(b->kind)) {
    bad(c, "buffer %d lies in buffer %d, which is not a root for it", i, b->parent);
    return;
  }
  size_t room = p->buf.at[b->parent].bytes;
  if (b->offset > room || b->bytes > room - b->offset) bad(c, "buffer %d does not fit in buffer %d", i, b->parent);
  if (b->offset % p->align) bad(c, "buffer %d has offset %zu, not a multiple of %zu", i, b->offset, p->align);
}

static void buffers(Check *c) {
  NcMap seen = NC_MAP(c->diag->arena);
  for (int i = 0; i < c->plan->buf.n; i++) {
    const NcPlanBuf *b = &c->plan->buf.at[i];
    if (!b->bytes) bad(c, "buffer %d has no bytes", i);
    if (!is_root(b) && nc_type_bytes(b->type) > b->bytes) bad(c, "buffer %d is smaller than its type", i);
    if ((b->kind == NC_BUF_CONST) != (b->data != NULL)) bad(c, "buffer %d: constants, and they alone, have data", i);
    place(c, i, b);
    if (b->kind == NC_BUF_TEMP || b->kind == NC_BUF_CONST) continue;
    // Names bind: a root may be called as a variable in it, but nothing else may share a name.
    const char *key = nc_sprintf(c->diag->arena, "%d:%s", (int)b->kind, b->name);
    if (nc_map_has(&seen, key)) bad(c, "two buffers are called \"%s\"", b->name);
    nc_map_set(&seen, key, NULL);
  }
}

static int by_place(const void *x, const void *y) {
  const NcPlanBuf *a = *(NcPlanBuf *const *)x, *b = *(NcPlanBuf *const *)y;
  if (a->parent != b->parent) return a->parent < b->parent ? -1 : 1;
  return a->offset < b->offset ? -1 : a->offset > b->offset;
}

// Variables live for ever, so none may share a byte with another. (Temps may: they live at different times.)
static void overlaps(Check *c) {
  const NcPlan *p = c->plan;
  const NcPlanBuf **var = NC_NEW_N(c->diag->arena, const NcPlanBuf *, p->buf.n + 1);
  int n = 0;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_VAR && p->buf.at[i].parent >= 0) var[n++] = &p->buf.at[i];
  qsort(var, (size_t)n, sizeof *var, by_place);
  for (int i = 1; i < n; i++)
    if (var[i]->parent == var[i - 1]->parent && var[i]->offset - var[i - 1]->offset < var[i - 1]->bytes)
      bad(c, "variables \"%s\" and \"%s\" overlap", var[i - 1]->name, var[i]->name);
}

static bool is_buffer(Check *c, int step, int64_t b) {
  if (b >= 0 && b < c->plan->buf.n) return true;
  bad(c, "step %d names buffer %lld, which does not exist", step, (long long)b);
  return false;
}

static bool identifier(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') return false;
  for (; *s; s++)
    if (!isalnum((unsigned char)*s) && *s != '_') return false;
  return true;
}

static void kernel(Check *c, int i, const NcStep *s) {
  if (!identifier(s->kernel)) bad(c, "step %d: \"%s\" is not the name of a kernel", i, s->kernel);
  size_t group = 1;
  for (int k = 0; k < 3; k++) {
    if (!s->global[k] || !s->local[k] || s->global[k] % s->local[k])
      bad(c, "step %d: the global size is not a multiple of the local one", i);
    if (s->local[k] > 1 << 16 || (group *= s->local[k]) > 1 << 16) {
      bad(c, "step %d: its groups are too large", i);
      break;
    }
  }
  for (int k = 0; k < s->nargs; k++) {
    const NcPlanArg *a = &s->args[k];
    if (a->kind == NC_ARG_BUF) is_buffer(c, i, a->i);
    if (a->kind == NC_ARG_INT && (a->i < INT32_MIN || a->i > INT32_MAX)) bad(c, "step %d: argument %d is no int", i, k);
    if (a->kind == NC_ARG_TURN && !c->depth) bad(c, "step %d: argument %d is a turn, but there is no loop", i, k);
    if (a->kind == NC_ARG_LOCAL && a->i <= 0) bad(c, "step %d: argument %d has no bytes", i, k);
  }
}

// Elements from the first to behind the last one of `batch` matrices.
static bool extent(int64_t rows, int64_t cols, int64_t ld, int64_t batch, int64_t stride, int64_t *out) {
  int64_t one, all;
  if (rows < 1 || cols < 1 || batch < 1 || ld < cols || stride < 0) return false;
  if (__builtin_mul_overflow(rows - 1, ld, &one) || __builtin_add_overflow(one, cols, &one)) return false;
  if (__builtin_mul_overflow(batch - 1, stride, &all) || __builtin_add_overflow(all, one, &all)) return false;
  *out = all;
  return true;
}

static void gemm(Check *c, int i, const NcStep *s) {
  const struct { const char *name; int buffer; int64_t rows, cols, ld, stride; } matrix[] = {
    {"a", s->a, s->ta ? s->k : s->m, s->ta ? s->m : s->k, s->lda, s->stride_a},
    {"b", s->b, s->tb ? s->n : s->k, s->tb ? s->k : s->n, s->ldb, s->stride_b},
    {"c", s->c, s->m, s->n, s->ldc, s->stride_c},
  };
  for (int k = 0; k < 3; k++) {
    int64_t n = 0;
    if (!is_buffer(c, i, matrix[k].buffer)) continue;
    const NcPlanBuf *b = &c->plan->buf.at[matrix[k].buffer];
    if (!extent(matrix[k].rows, matrix[k].cols, matrix[k].ld, s->batch, matrix[k].stride, &n))
      bad(c, "step %d: the sizes of matrix %s do not fit together", i, matrix[k].name);
    else if ((uint64_t)n > b->bytes / sizeof(float))
      bad(c, "step %d: matrix %s is larger than its buffer", i, matrix[k].name);
  }
  if (s->workspace != -1) is_buffer(c, i, s->workspace);
}

static void transfer(Check *c, int i, const NcStep *s) {
  int buffer[2] = {s->c, s->kind == NC_STEP_COPY ? s->a : s->c};
  for (int k = 0; k < 2; k++)
    if (is_buffer(c, i, buffer[k]) && s->fill_bytes > c->plan->buf.at[buffer[k]].bytes)
      bad(c, "step %d goes past the end of buffer %d", i, buffer[k]);
  if (!s->fill_bytes) bad(c, "step %d moves no bytes", i);
}

static void loop(Check *c, int i, const NcStep *s) {
  if (s->turns < 1 || s->turns > INT32_MAX) bad(c, "step %d runs %lld times", i, (long long)s->turns);
  if (++c->depth > NC_MAX_LOOPS) bad(c, "step %d: loops are nested too deeply", i);
}

static void end(Check *c, int i, const NcStep *s) {
  (void)s;
  if (c->depth-- == 0) bad(c, "step %d ends no loop", i);
  if (c->depth < 0) c->depth = 0;
}

bool nc_plan_check(const NcPlan *p, NcDiag *d, NcCode code, NcRange at) {
  Check c = {.plan = p, .diag = d, .code = code, .at = at, .ok = true};
  if (!p->align || p->align & (p->align - 1)) {
    bad(&c, "the alignment, %zu, is not a power of two", p->align);
    return false;
  }
  buffers(&c);
  overlaps(&c);
  static void (*const steps[])(Check *, int, const NcStep *) = {kernel, gemm, transfer, transfer, loop, end};
  for (int i = 0; i < p->step.n; i++) steps[p->step.at[i].kind](&c, i, &p->step.at[i]);
  if (c.depth) bad(&c, "a loop does not end");
  for (int i = 0; i < p->output.n; i++) {
    const NcPlanOutput *o = &p->output.at[i];
    if (o->buffer < 0 || o->buffer >= p->buf.n) bad(&c, "output \"%s\" has no buffer", o->name);
    for (int k = 0; k < i; k++)
      if (strcmp(p->output.at[k].name, o->name) == 0) bad(&c, "two outputs are called \"%s\"", o->name);
  }
  return c.ok;
}

bool nc_plan_verify(const NcPlan *p, NcDiag *d) { return nc_plan_check(p, d, NC_E0901, NC_NOWHERE); }
