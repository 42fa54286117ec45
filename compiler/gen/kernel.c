#include "gen/kernel.h"
#include <string.h>

// ---- Names, labels and estimates

static bool visible(const NcNode *n) {
  return n->op->kind != NC_LEAF && n->op->kind != NC_MOVEMENT && n->op->kind != NC_EFFECT && strcmp(n->op->name, "loop_out") != 0;
}

static const char *word(const NcNode *n) {
  return n->op->kind == NC_REDUCE || n->op->kind == NC_CUMULATIVE ? nc_attr_str(n, "op") : n->op->name;
}

// "dot+add+relu", at most `most` operations.
static const char *operations(NcArena *a, const NcRegion *r, const char *between, int most) {
  NcBuf b = NC_BUF(a);
  int n = 0, last = -1;
  for (int i = 0; i < r->node.n; i++)
    if (visible(r->node.at[i])) last = i;
  for (int i = 0; i <= last && n < most; i++)
    if (visible(r->node.at[i])) nc_putf(&b, "%s%s", n++ ? between : "", word(r->node.at[i]));
  if (!n) nc_put(&b, r->node.n ? r->node.at[r->node.n - 1]->op->name : "copy");
  return nc_buf_str(&b);
}

const char *nc_gen_kernel_name(NcGen *g, const NcRegion *r, const char *stem) {
  return nc_sprintf(g->arena, "%s%s_%s_%d", g->prefix, stem, operations(g->arena, r, "_", 3), g->kernels++);
}

static double node_flops(const NcNode *n) {
  double out = (double)nc_count(n->type.shape), in = n->nin ? (double)nc_count(n->in[0]->type.shape) : 0;
  switch (n->op->kind) {
  case NC_POINTWISE: return out * n->op->flops;
  case NC_REDUCE:
  case NC_CUMULATIVE: return in;
  case NC_POOL: {
    int k;
    const int64_t *w = nc_attr_ints(n, "window", &k);
    for (int i = 0; i < k; i++) out *= (double)w[i];
    return out;
  }
  case NC_DOT: {
    int k;
    const int64_t *con = nc_attr_ints(n, "acon", &k);
    for (int i = 0; i < k; i++) out *= (double)n->in[0]->type.shape.dim[con[i]];
    return 2 * out;
  }
  case NC_ATTENTION: {                 // two or three products of [T, U] with a width
    NcShape q = n->in[0]->type.shape, k = n->in[1]->type.shape, v = n->in[2]->type.shape;
    double pairs = 2 * (double)(q.dim[0] * q.dim[1] * q.dim[2] * k.dim[2]);
    bool grad = strcmp(n->op->name, "attention_grad") == 0;
    return pairs * (double)(grad ? 2 * q.dim[3] + v.dim[3] : q.dim[3] + v.dim[3]);
  }
  case NC_CONV: {
    bool weight = strcmp(n->op->name, "conv_weight") == 0;
    NcShape w = weight ? n->type.shape : n->in[1]->type.shape, y = weight ? n->in[1]->type.shape : n->type.shape;
    double f = 2 * (double)nc_count(y);
    for (int i = 1; i < w.rank; i++) f *= (double)w.dim[i];
    return f;
  }
  default: return 0;
  }
}

double nc_gen_flops(const NcRegion *r) {
  double f = 0;
  for (int i = 0; i < r->node.n; i++) f += node_flops(r->node.at[i]);
  return f * (r->kind == NC_REGION_UPDATE && r->node.n ? (double)r->pack_count / (double)nc_count(r->output.at[0]->type.shape) : 1);
}

static const NcNode *place_of(const NcRegion *r) {
  if (r->anchor) return r->anchor;
  for (int i = 0; i < r->node.n; i++)
    if (visible(r->node.at[i])) return r->node.at[i];
  return r->node.n ? r->node.at[0] : r->output.n ? r->output.at[0] : NULL;
}

NcStep *nc_gen_step(NcGen *g, const NcRegion *r, NcStepKind kind) {
  NcStep *s = NC_PUSH(g->p->plan->arena, g->p->plan->step);
  const NcNode *n = place_of(r);
  *s = (NcStep){.kind = kind, .workspace = -1};
  s->label = operations(g->p->plan->arena, r, "+", 6);
  s->at = n ? nc_place(g->d, g->p->plan->arena, n->at) : "";
  s->layer = n ? nc_layer(g->d, n->at) : "";
  return s;
}

bool nc_gen_allowed(const NcGen *g, const char *form) {
  size_t n = strlen(form);
  for (const char *p = g->o->no_fast; p && *p;) {
    size_t k = strcspn(p, ",");
    if (k == n && strncmp(p, form, n) == 0) return false;
    p += k + (p[k] == ',');
  }
  return true;
}

// ---- Kernels

static int root(const NcPlan *p, int b, size_t *begin) {
  *begin = 0;
  while (p->buf.at[b].parent >= 0) {
    *begin += p->buf.at[b].offset;
    b = p->buf.at[b].parent;
  }
  return b;
}

static bool overlap(const NcPlan *p, int a, int b) {
  size_t x, y;
  if (root(p, a, &x) != root(p, b, &y)) return false;
  return x < y + p->buf.at[b].bytes && y < x + p->buf.at[a].bytes;
}

// Nobody else reaches what this argument points to while someone writes there.
static bool exclusive(const NcGen *g, const NcEmit *e, int i) {
  for (int k = 0; k < e->use.n; k++)
    if (k != i && (e->use.at[k].written || e->use.at[i].written) && overlap(g->p->plan, e->use.at[i].buffer, e->use.at[k].buffer))
      return false;
  return true;
}

// The arguments as declarations, or their names.
static void arguments(NcGen *g, NcEmit *e, NcBuf *b, bool names) {
  for (int i = 0; i < e->use.n; i++) {
    const NcUse *u = &e->use.at[i];
    if (i) nc_put(b, ", ");
    if (!names)
      nc_putf(b, "__global %s%s *%s", u->written ? "" : "const ", u->type, exclusive(g, e, i) ? "restrict " : "");
    nc_putf(b, "p%d", i);
  }
  if (e->turn) nc_putf(b, "%s%sturn_", e->use.n ? ", " : "", names ? "" : "int ");
}

// A kernel around what was emitted. Where a work-item is a group, what it does stands in a function of its own: see BODY in
// kernels/begin.cl.
static void wrap(NcGen *g, NcEmit *e, NcBuf *b, size_t local) {
  const char *text = nc_buf_str(&e->scope[0]->text), *comma = e->use.n || e->turn ? ", " : "";
  bool apart = local == 1;
  if (apart) {
    nc_putf(b, "__attribute__((noinline)) void $_item(size_t item_%s", comma);
    arguments(g, e, b, false);
    nc_putf(b, ") {\n%s}\n", text);
  }
  if (apart) nc_put(b, "#ifndef NC_BANKS\n");
  nc_putf(b, "__kernel __attribute__((reqd_work_group_size(%zu, 1, 1)))\nvoid $(", local);
  arguments(g, e, b, false);
  nc_put(b, ") {\n");
  if (apart) {
    nc_putf(b, "  $_item(get_global_id(0)%s", comma);
    arguments(g, e, b, true);
    nc_put(b, ");\n");
  } else {
    nc_putf(b, "%s%s", strstr(text, "item_") ? "  const size_t item_ = get_global_id(0);\n" : "", text);
  }
  nc_put(b, apart ? "}\n#endif\n" : "}\n");
}

void nc_gen_made(NcGen *g, const char *kernel, NcKernelForm form) {
  static const char *const words[] = {[NC_FORM_KERNEL] = "kernel", [NC_FORM_ITEM] = "item", [NC_FORM_GROUP] = "group",
                                      [NC_FORM_PLACED] = "group"};
  const char *said = nc_sprintf(g->arena, NC_PLAN_MADE "%s", kernel);
  if (nc_map_get(&g->kernel, said)) return;      // one that several templates call stands where the first one is
  nc_map_set(&g->kernel, said, (void *)said);
  NcKernelForm *at = NC_NEW(g->arena, NcKernelForm);
  *at = form;
  nc_map_set(&g->form, kernel, at);
  if (!*g->prefix) nc_putf(&g->program, NC_PLAN_MADE "%s %s\n", kernel, words[form]);
}

const char *nc_gen_share(NcGen *g, const NcRegion *r, const char *stem, const char *text, NcKernelForm form) {
  char *name = nc_map_get(&g->kernel, text);
  if (name) return name;
  name = (char *)nc_gen_kernel_name(g, r, stem);
  nc_map_set(&g->kernel, text, name);
  for (const char *gap; (gap = strchr(text, '$')); text = gap + 1) {
    nc_putn(&g->program, text, (size_t)(gap - text));
    nc_put(&g->program, name);
  }
  nc_putf(&g->program, "%s", text);
  nc_gen_made(g, name, form);
  return name;
}

void nc_gen_kernel(NcGen *g, NcEmit *e, const char *stem, size_t items, size_t local) {
  const NcRegion *r = e->region;
  if (e->unknown)
    nc_error(g->d, NC_E0901, e->unknown->at, "`%s` has no OpenCL form", e->unknown->op->name);
  NcBuf b = NC_BUF(g->arena);
  wrap(g, e, &b, local);
  NcStep *s = nc_gen_step(g, r, NC_STEP_KERNEL);
  s->kernel = nc_gen_share(g, r, stem, nc_buf_str(&b), local == 1 ? NC_FORM_ITEM : NC_FORM_KERNEL);
  s->global[0] = (items + local - 1) / local * local;
  s->local[0] = local;
  s->global[1] = s->global[2] = s->local[1] = s->local[2] = 1;
  s->nargs = e->use.n;
  s->args = NC_NEW_N(g->p->plan->arena, NcPlanArg, e->use.n + 1);
  if (e->turn) s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_TURN};
  s->flops = nc_gen_flops(r);
  for (int i = 0; i < e->use.n; i++) {
    const NcUse *u = &e->use.at[i];
    s->args[i] = (NcPlanArg){.kind = NC_ARG_BUF, .i = u->buffer};
    s->bytes += (double)g->p->plan->buf.at[u->buffer].bytes * ((u->read ? 1 : 0) + (u->written ? 1 : 0));
  }
}

const char *nc_gen_index_type(const NcGen *g, const NcRegion *r) {
  const int64_t most = INT32_MAX / 2;      // sums of two indices must not overflow either
  bool wide = nc_count(r->space) > most || r->pack_count > most;
  for (int i = 0; i < r->input.n; i++) wide |= nc_count(r->input.at[i]->type.shape) > most;
  for (int i = 0; i < r->node.n; i++) wide |= nc_count(r->node.at[i]->type.shape) > most;
  const NcRegions *rs = g->p->regions;
  for (int i = 0; rs->loop && i < r->input.n; i++) wide |= nc_turn_stride(rs, r->input.at[i]) > most / rs->loop->trips;
  for (int i = 0; rs->loop && i < r->output.n; i++)
    wide |= r->assign.at[i] && nc_turn_stride(rs, r->assign.at[i]) > most / rs->loop->trips;
  return wide ? "long" : "int";
}

NcOutVals nc_gen_values(NcEmit *e, NcIx *flat, int64_t count) {
  const NcRegion *r = e->region;
  NcOutVals v = {r->output.n, NC_NEW_N(e->arena, NcVal, r->output.n ? r->output.n : 1)};
  for (int i = 0; i < r->output.n; i++)
    if (r->kind == NC_REGION_UPDATE || nc_count(r->output.at[i]->type.shape) == count)
      v.val[i] = nc_emit_flat(e, r->output.at[i], flat);
  return v;
}

void nc_gen_store(NcEmit *e, int level, NcIx *flat, NcOutVals v) {
  const NcRegion *r = e->region;
  for (int i = 0; i < v.n; i++) {
    if (!v.val[i].s) continue;
    NcNode *out = r->output.at[i], *var = r->assign.at[i];
    int buffer = r->kind == NC_REGION_UPDATE ? r->pack_assign[i] : nc_emit_buffer(e, var ? var : out);
    nc_emit_store(e, level, buffer, out->type.dtype, var ? nc_emit_place(e, var, flat) : flat, v.val[i]);
  }
}

void nc_gen_outputs(NcEmit *e, NcIx *flat, int64_t count) {
  NcOutVals v = nc_gen_values(e, flat, count);
  nc_gen_store(e, e->depth, flat, v);
}
