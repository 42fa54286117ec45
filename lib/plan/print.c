// A plan as text; the format is shown in plan.h.
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include "plan/names.h"

const char *const nc_buf_words[] = {"root arena", "root var", "input", "var", "const", "temp"};
const char *const nc_class_words[] = {"cpu", "gpu"};
const char *const nc_step_words[] = {"kernel", "gemm", "fill", "copy", "loop", "end"};

#define FIELD(name, kind, usual) {#name, NC_FIELD_##kind, offsetof(NcStep, name), usual}
const NcGemmField nc_gemm_fields[] = {
  FIELD(a, BUFFER, NC_REQUIRED), FIELD(b, BUFFER, NC_REQUIRED), FIELD(c, BUFFER, NC_REQUIRED),
  FIELD(workspace, BUFFER, -1), FIELD(ta, BOOL, 0), FIELD(tb, BOOL, 0),
  FIELD(m, SIZE, NC_REQUIRED), FIELD(n, SIZE, NC_REQUIRED), FIELD(k, SIZE, NC_REQUIRED),
  FIELD(lda, SIZE, NC_REQUIRED), FIELD(ldb, SIZE, NC_REQUIRED), FIELD(ldc, SIZE, NC_REQUIRED),
  FIELD(batch, SIZE, 1), FIELD(stride_a, SIZE, 0), FIELD(stride_b, SIZE, 0), FIELD(stride_c, SIZE, 0),
  FIELD(beta, DOUBLE, 0),
};
const int nc_gemm_field_count = sizeof nc_gemm_fields / sizeof *nc_gemm_fields;

static void quoted(NcBuf *out, const char *key, const char *s) {
  if (!s || !*s) return;
  nc_putf(out, " %s ", key);
  nc_put_json(out, s);
}

static void buffer(NcBuf *out, int i, const NcPlanBuf *b) {
  bool root = b->kind == NC_BUF_ROOT_ARENA || b->kind == NC_BUF_ROOT_VAR;
  nc_putf(out, "buffer %d %s ", i, nc_buf_words[b->kind]);
  nc_put_json(out, b->name);
  if (!root) {
    nc_putc(out, ' ');
    nc_put_type(out, b->type);
  }
  if (b->parent >= 0) nc_putf(out, " in %d offset %zu", b->parent, b->offset);
  if (root || b->bytes != nc_type_bytes(b->type)) nc_putf(out, " bytes %zu", b->bytes);
  quoted(out, "role", b->role);
  if (b->data) {
    nc_put(out, " data ");
    for (size_t k = 0; k < b->bytes; k++) nc_putf(out, "%02x", ((const unsigned char *)b->data)[k]);
  }
  quoted(out, "at", b->at);
  nc_putc(out, '\n');
}

static void arg(NcBuf *out, const NcPlanArg *a) {
  if (a->kind == NC_ARG_TURN) nc_put(out, " t");
  else if (a->kind == NC_ARG_FLOAT) {
    nc_put(out, " f");
    nc_put_double(out, a->f);
  } else {
    nc_putf(out, " %c%" PRId64, a->kind == NC_ARG_BUF ? 'b' : a->kind == NC_ARG_INT ? 'i' : 'l', a->i);
  }
}

static void kernel(NcBuf *out, const NcStep *s) {
  nc_putc(out, ' ');
  nc_put_json(out, s->kernel);
  nc_putf(out, " global %zu %zu %zu local %zu %zu %zu args", s->global[0], s->global[1], s->global[2], s->local[0],
          s->local[1], s->local[2]);
  for (int i = 0; i < s->nargs; i++) arg(out, &s->args[i]);
}

static void gemm(NcBuf *out, const NcStep *s) {
  for (int i = 0; i < nc_gemm_field_count; i++) {
    const NcGemmField *f = &nc_gemm_fields[i];
    const char *p = (const char *)s + f->offset;
    if (f->kind == NC_FIELD_DOUBLE) {
      if (*(const double *)p == (double)f->usual) continue;
      nc_putf(out, " %s ", f->name);
      nc_put_double(out, *(const double *)p);
      continue;
    }
    int64_t v = f->kind == NC_FIELD_BUFFER ? *(const int *)p : f->kind == NC_FIELD_BOOL ? *(const bool *)p
                : *(const int64_t *)p;
    if (v != f->usual) nc_putf(out, " %s %s%" PRId64, f->name, f->kind == NC_FIELD_BUFFER ? "b" : "", v);
  }
}

static void step(NcBuf *out, int i, const NcStep *s) {
  nc_putf(out, "step %d %s", i, nc_step_words[s->kind]);
  if (s->kind == NC_STEP_KERNEL) kernel(out, s);
  if (s->kind == NC_STEP_GEMM) gemm(out, s);
  if (s->kind == NC_STEP_FILL) nc_putf(out, " b%d bytes %zu", s->c, s->fill_bytes);
  if (s->kind == NC_STEP_COPY) nc_putf(out, " b%d b%d bytes %zu", s->a, s->c, s->fill_bytes);
  if (s->kind == NC_STEP_LOOP) nc_putf(out, " turns %" PRId64, s->turns);
  if (s->flops != 0) {
    nc_put(out, " flops ");
    nc_put_double(out, s->flops);
  }
  if (s->bytes != 0) {
    nc_put(out, " bytes ");
    nc_put_double(out, s->bytes);
  }
  quoted(out, "label", s->label);
  quoted(out, "at", s->at);
  quoted(out, "layer", s->layer);
  nc_putc(out, '\n');
}

void nc_plan_print(const NcPlan *p, NcBuf *out, bool with_program) {
  nc_putf(out, "nacre-plan 1\nclass %s\nalign %zu\noptions ", nc_class_words[p->cls], p->align);
  nc_put_json(out, p->options);
  nc_putc(out, '\n');
  for (int i = 0; i < p->buf.n; i++) buffer(out, i, &p->buf.at[i]);
  for (int i = 0; i < p->step.n; i++) step(out, i, &p->step.at[i]);
  for (int i = 0; i < p->output.n; i++) {
    nc_put(out, "output ");
    nc_put_json(out, p->output.at[i].name);
    nc_putf(out, " b%d\n", p->output.at[i].buffer);
  }
  if (!with_program) return;
  size_t n = strlen(p->program);
  nc_putf(out, "program %zu\n", n);
  nc_putn(out, p->program, n);
}
