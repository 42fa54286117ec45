// The launches of a plan as a picture: each step with the operations that were fused into it, its cost and its place in the
// source; an arrow is a value that one writes and another reads.
#include <string.h>
#include "show/picture.h"

typedef struct {
  NcPicture *p;
  const NcPlan *plan;
  NcItem **writer;           // [buffer] the step that wrote it
  int *mentions;             // [buffer] steps that named it so far
  int *pack;                 // [buffer] of a piece that was read with a pack: that one, and 1
} Draw;

static bool within(const NcPlanBuf *inner, const NcPlanBuf *outer) {
  return inner->parent >= 0 && inner->parent == outer->parent && inner->offset >= outer->offset &&
         inner->offset + inner->bytes <= outer->offset + outer->bytes;
}

// A value that lives in an arena is written by the first step that names it. But the packs of an optimizer are written in
// pieces, which nobody names again: a buffer that is new and has such pieces inside is read. Once they were, their memory may be
// taken by others, who have nothing to do with them.
static bool is_pack(const Draw *d, int buffer, NcItem *reader) {
  bool any = false;
  const NcPlanBuf *b = d->plan->buf.at;
  for (int i = 0; i < d->plan->buf.n; i++) {
    if (i == buffer || d->mentions[i] != 1 || !d->writer[i] || !within(&b[i], &b[buffer])) continue;
    const NcPlanBuf *read = d->pack[i] ? &b[d->pack[i] - 1] : &b[buffer];
    if (!within(read, &b[buffer]) || !within(&b[buffer], read)) continue;
    d->pack[i] = buffer + 1;
    nc_picture_arrow(d->p, d->writer[i], reader);
    any = true;
  }
  return any;
}

static void touch(Draw *d, int buffer, NcItem *step) {
  if (buffer < 0 || buffer >= d->plan->buf.n) return;
  const NcPlanBuf *b = &d->plan->buf.at[buffer];
  if (b->kind == NC_BUF_INPUT) nc_picture_arrow(d->p, d->writer[buffer], step);
  if (b->kind != NC_BUF_TEMP) return;
  if (d->writer[buffer]) nc_picture_arrow(d->p, d->writer[buffer], step);
  else if (!is_pack(d, buffer, step)) d->writer[buffer] = step;
  d->mentions[buffer]++;
}

const char *nc_amount(NcArena *a, double v, const char *unit, double base) {
  static const char *const prefix[] = {"", "k", "M", "G", "T"}, *const binary[] = {"", "Ki", "Mi", "Gi", "Ti"};
  int i = 0;
  for (; v >= base && i < 4; i++) v /= base;
  return nc_sprintf(a, v < 10 && i ? "%.1f %s%s" : "%.0f %s%s", v, (base > 1000 ? binary : prefix)[i], unit);
}

// "gather+add+sum" → "gather, add, sum"
static const char *operations(NcArena *a, const char *label) {
  NcBuf b = NC_BUF(a);
  for (; label && *label; label++) nc_put(&b, *label == '+' ? ", " : (char[]){*label, 0});
  return nc_buf_str(&b);
}

static NcItem *add_step(Draw *d, NcItem *up, const NcStep *s) {
  static const char *const what[] = {"kernel", "product by CLBlast", "fill", "copy"};
  static const struct { const char *anchor, *family; } kinds[] = {
    {"conv", "conv"}, {"dot", "dense"}, {"attention", "attention"}, {"pool", "pool"}, {"row", "norm"}, {"update", "recurrent"},
    {"reduce", "activations"},
  };
  NcArena *a = d->p->arena;
  const char *family = s->kind == NC_STEP_GEMM ? "dense" : "part";
  for (size_t i = 0; s->kernel && i < sizeof kinds / sizeof *kinds; i++)
    if (strncmp(s->kernel, kinds[i].anchor, strlen(kinds[i].anchor)) == 0) family = kinds[i].family;
  NcItem *i = nc_picture_item(d->p, up, s->label && *s->label ? operations(a, s->label) : what[s->kind], family, false);
  i->step = s;
  if (s->kind == NC_STEP_KERNEL) nc_picture_line(d->p, i, s->kernel);
  const char *flops = s->flops > 0 ? nc_sprintf(a, "%s, ", nc_amount(a, s->flops, "flop", 1000)) : "";
  double bytes = s->bytes > 0 ? s->bytes : (double)s->fill_bytes;
  nc_picture_line(d->p, i, nc_sprintf(a, "%s%s%s%s", flops, nc_amount(a, bytes, "B", 1024), s->at && *s->at ? ", " : "", s->at ? s->at : ""));
  return i;
}

static NcPicture *launches(NcArena *a, const NcPlan *plan, const char *title) {
  Draw d = {nc_picture_new(a, title), plan, NC_NEW_N(a, NcItem *, plan->buf.n + 1), NC_NEW_N(a, int, plan->buf.n + 1),
            NC_NEW_N(a, int, plan->buf.n + 1)};
  NcItem *frame = d.p->root;
  for (int i = 0; i < plan->buf.n; i++) {
    const NcPlanBuf *b = &plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT) continue;
    d.writer[i] = nc_picture_item(d.p, d.p->root, b->name, "input", false);
    d.writer[i]->round = true;
    nc_picture_line(d.p, d.writer[i], nc_shape_text(a, b->type, -1));
  }
  for (int i = 0; i < plan->step.n; i++) {
    const NcStep *s = &plan->step.at[i];
    if (s->kind == NC_STEP_LOOP) {
      frame = nc_picture_item(d.p, frame, nc_sprintf(a, "loop of %lld turns", (long long)s->turns), NULL, true);
      continue;
    }
    if (s->kind == NC_STEP_END) { frame = frame->up; continue; }
    NcItem *item = add_step(&d, frame, s);
    for (int k = 0; k < s->nargs; k++)
      if (s->args[k].kind == NC_ARG_BUF) touch(&d, (int)s->args[k].i, item);
    if (s->kind == NC_STEP_GEMM || s->kind == NC_STEP_COPY) touch(&d, s->a, item);
    if (s->kind == NC_STEP_GEMM) touch(&d, s->b, item);
    if (s->kind != NC_STEP_KERNEL) touch(&d, s->c, item);
  }
  for (int i = 0; i < plan->output.n; i++) {
    NcItem *item = nc_picture_item(d.p, d.p->root, plan->output.at[i].name, "input", false);
    item->round = true;
    nc_picture_arrow(d.p, d.writer[plan->output.at[i].buffer], item);
  }
  double flops = 0;
  for (NcSteps w = {.plan = plan}; nc_steps_next(&w);) flops += plan->step.at[w.step].flops;
  d.p->caption = nc_sprintf(a, "%s: %lld launches, %s, %s of device memory", title, (long long)nc_plan_launches(plan),
                            nc_amount(a, flops, "flop", 1000), nc_amount(a, (double)nc_plan_bytes(plan), "B", 1024));
  return d.p;
}

// Of arrows that are aside only that from the last box stays, and none where others lead to a box: they would hide those others.
static void leave_out_aside(NcPicture *p) {
  int left_out = 0;
  for (int k = 0; k < p->arrow.n; k++) {
    NcArrow *x = &p->arrow.at[k];
    bool better = false;
    for (int j = 0; j < p->arrow.n && x->kind != NC_ARROW && !x->dropped && !better; j++) {
      const NcArrow *y = &p->arrow.at[j];
      better = y != x && !y->dropped && y->to == x->to && (y->kind == NC_ARROW || y->from->first > x->from->first);
    }
    if (better) x->dropped = true, left_out++;
  }
  p->arrows -= left_out;
  if (left_out) p->caption = nc_sprintf(p->arena, "%s; left out: arrows to updates, and from the way forward to gradients", p->caption);
}

NcPicture *nc_picture_plan(NcArena *a, const NcPlan *plan, const char *title, int depth) {
  enum { LEGIBLE = 80 };
  int deepest = nc_picture_layers_deep(plan), at = depth ? depth : deepest + 1;
  NcPicture *all = launches(a, plan, title);
  if (at > deepest) {
    NcPicture *p = launches(a, plan, title);
    nc_picture_fold(p);
    if (depth || p->boxes <= LEGIBLE || !deepest) return p;
    at = deepest;
  }
  for (;; at--) {
    NcPicture *p = nc_picture_layers(all, plan, at);
    nc_picture_fold(p);
    leave_out_aside(p);
    if (depth || p->boxes <= LEGIBLE || at == 1) return p;
  }
}
