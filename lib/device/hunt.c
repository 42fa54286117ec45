// Hunting the first NaN: after each step its float buffers are read and looked at. What was there before the step is no
// concern: inputs and variables are looked at first, and everything else was some earlier step's result.
#include "device/exec_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  NcLoaded *l;
  NcDiag *d;
  NcBad *bad;
  int step;
  int32_t turn;            // of the loop around it; -1: there is none
  bool ok;
  void *host;
  size_t room;
} Hunt;

// Exponent and fraction bits of a 16-bit float tell all that is asked here.
static float widened(uint16_t v, uint16_t exponent, uint16_t fraction) {
  if ((v & exponent) != exponent) return 0;
  return v & fraction ? NAN : INFINITY;
}

static float value(NcDtype t, const void *p, size_t i) {
  if (t == NC_F32) return ((const float *)p)[i];
  uint16_t v = ((const uint16_t *)p)[i];
  return t == NC_F16 ? widened(v, 0x7C00, 0x03FF) : widened(v, 0x7F80, 0x007F);
}

static void look(Hunt *h, int buffer, NcDtype t, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float v = value(t, h->host, i);
    if (isnan(v)) {
      h->bad->found = true;
      h->bad->step = h->step;
      h->bad->turn = h->turn;
      h->bad->buffer = buffer;
      h->bad->index = i;
      return;
    }
    if (isinf(v) && h->bad->inf_buffer < 0) {
      h->bad->inf_step = h->step;
      h->bad->inf_buffer = buffer;
    }
  }
}

static bool visit(void *user, int buffer) {
  Hunt *h = user;
  const NcPlanBuf *b = &h->l->plan->buf.at[buffer];
  size_t bytes = nc_type_bytes(b->type);
  if (b->kind == NC_BUF_ROOT_ARENA || b->kind == NC_BUF_ROOT_VAR || !nc_dtype_float(b->type.dtype)) return true;
  if (bytes > h->room) {
    void *more = realloc(h->host, bytes);
    if (!more) nc_error(h->d, NC_E0606, NC_NOWHERE, "no memory to look at \"%s\", %zu bytes", b->name, bytes);
    if (!more) return h->ok = false;
    h->host = more;
    h->room = bytes;
  }
  h->ok = nc_exec_read(h->l, h->d, buffer, h->host, bytes, true);
  if (h->ok) look(h, buffer, b->type.dtype, bytes / nc_dtype_bytes(b->type.dtype));
  return h->ok && !h->bad->found;
}

static bool walk(Hunt *h) {
  const NcPlan *p = h->l->plan;
  for (int i = 0; i < p->buf.n; i++) {
    bool given = p->buf.at[i].kind == NC_BUF_INPUT || p->buf.at[i].kind == NC_BUF_VAR;
    if (given && !visit(h, i)) return h->ok;
  }
  for (NcSteps w = {.plan = p}; nc_steps_next(&w);) {
    h->step = w.step;
    h->turn = w.depth ? w.turn : -1;
    if (!nc_launch(h->l, h->d, h->l->x->queue, &w, NULL)) return false;
    if (!nc_each_buffer(&p->step.at[w.step], visit, h)) return h->ok;
  }
  return true;
}

bool nc_exec_find_nan(NcLoaded *l, NcDiag *d, NcBad *bad) {
  NcExec *x = l->x;
  *bad = (NcBad){.turn = -1, .step = -2, .buffer = -1, .inf_step = -2, .inf_buffer = -1};
  if (!nc_ready(l, d)) return false;
  for (int i = 0; i < x->pool.n; i++)
    if (x->pool.at[i].mem && !nc_fill(x, d, x->pool.at[i].mem, 0, x->pool.at[i].bytes)) return false;
  Hunt h = {.l = l, .d = d, .bad = bad, .step = -1, .turn = -1, .ok = true};
  bool ok = walk(&h);
  free(h.host);
  return ok;
}

static const char *kind_word(NcBufKind k) {
  return k == NC_BUF_INPUT ? "the input" : k == NC_BUF_VAR ? "the variable" : "the value";
}

// The buffer's range, when `d` has the sources that it was compiled from.
static NcRange range_of(NcDiag *d, const NcPlanBuf *b) {
  bool known = b->at && *b->at && strcmp(b->at, nc_place(d, d->arena, b->range)) == 0;
  return known ? b->range : NC_NOWHERE;
}

static void infinity_note(NcLoaded *l, NcDiag *d, NcMessage *m, const NcBad *bad) {
  const NcPlanBuf *b = &l->plan->buf.at[bad->inf_buffer];
  const NcStep *s = bad->inf_step >= 0 ? &l->plan->step.at[bad->inf_step] : NULL;
  const char *label = s ? s->label : NULL, *at = b->at && *b->at ? b->at : s ? s->at : NULL;
  nc_note(d, m, "the first infinite value was in \"%s\"%s%s%s%s%s", b->name, label ? ", computed by `" : "",
          label ? label : "", label ? "`" : "", at && *at ? " at " : "", at ? at : "");
}

NcMessage *nc_exec_report_bad(NcLoaded *l, NcDiag *d, const NcBad *bad) {
  if (!bad->found && bad->inf_buffer < 0) return NULL;
  int buffer = bad->found ? bad->buffer : bad->inf_buffer, step = bad->found ? bad->step : bad->inf_step;
  const NcPlanBuf *b = &l->plan->buf.at[buffer];
  const char *type = nc_type_str(d->arena, b->type);
  NcMessage *m = bad->found ? nc_error(d, NC_E0603, range_of(d, b), "the first NaN is in %s \"%s\" %s, element %zu",
                                       kind_word(b->kind), b->name, type, bad->index)
                            : nc_error(d, NC_E0603, range_of(d, b), "the first infinite number is in %s \"%s\" %s",
                                       kind_word(b->kind), b->name, type);
  if (step < 0) nc_note(d, m, "it was there before the first step ran");
  else nc_step_notes(l, d, m, step);
  if (bad->found && bad->turn >= 0) nc_note(d, m, "in turn %d of its loop, counted from 0", (int)bad->turn);
  if (bad->found && bad->inf_buffer >= 0) infinity_note(l, d, m, bad);
  nc_help(d, m, step < 0 && b->kind == NC_BUF_INPUT ? "look for missing values in the data"
               : "a smaller learning rate, gradient clipping, or a guarded log or division usually mends it");
  return m;
}
