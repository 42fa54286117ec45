// Contractions, convolutions and windows through the hand-written templates: the region's epilogue becomes the text that
// a template runs where it would store an element, or a vector of them.
#include <string.h>
#include "gen/kernel.h"
#include "gen/templates.h"
#include "passes/rules.h"

// ---- Products that strides cannot describe: read as if the operands lay in the order batch, free, contracted

static bool listed(const int64_t *axes, int n, int64_t axis) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) return true;
  return false;
}

// An operand's axes in that order.
static void axes_in_order(const NcNode *n, int k, int64_t *order, int64_t size[3]) {
  static const char *const keys[2][2] = {{"abatch", "acon"}, {"bbatch", "bcon"}};
  NcShape s = n->in[k]->type.shape;
  int nb, nc, at = 0;
  const int64_t *batch = nc_attr_ints(n, keys[k][0], &nb), *con = nc_attr_ints(n, keys[k][1], &nc);
  size[0] = size[1] = size[2] = 1;
  for (int i = 0; i < nb; i++) size[0] *= s.dim[order[at++] = batch[i]];
  for (int i = 0; i < s.rank; i++)
    if (!listed(batch, nb, i) && !listed(con, nc, i)) size[1] *= s.dim[order[at++] = i];
  for (int i = 0; i < nc; i++) size[2] *= s.dim[order[at++] = con[i]];
}

static NcDotForm dense_form(const NcNode *n) {
  int64_t order[NC_MAX_RANK], a[3], b[3];
  axes_in_order(n, 0, order, a);
  axes_in_order(n, 1, order, b);
  return (NcDotForm){.batch = {1, a[0]}, .m = a[1], .n = b[1], .k = a[2], .a_batch = {0, a[1] * a[2]}, .a_m = a[2], .a_k = 1,
                     .b_batch = {0, b[1] * b[2]}, .b_k = 1, .b_n = b[2]};
}

// Where element i of that order lies.
static const char *dense_index(NcArena *arena, const NcNode *n, int k) {
  int64_t order[NC_MAX_RANK], size[3];
  axes_in_order(n, k, order, size);
  NcShape s = n->in[k]->type.shape, turned = s;
  for (int i = 0; i < s.rank; i++) turned.dim[i] = s.dim[order[i]];
  NcIxs ix;
  nc_ixs_init(&ix, arena);
  NcIx *at[NC_MAX_RANK], *to[NC_MAX_RANK];
  nc_ix_split(&ix, turned, nc_ix_var(&ix, "(i)", NULL, true, 0, nc_count(s) - 1, 0), at);
  for (int i = 0; i < s.rank; i++) to[order[i]] = at[i];
  return nc_ix_text(&ix, nc_ix_linear(&ix, s, to), false);
}

// ---- Sizes, in the templates' words

typedef bool Call(NcBuf *program, const NcTarget *t, const NcNode *n, const char *name, const NcTemplateText *text, NcTemplateUse *use);

static bool call_dot(NcBuf *program, const NcTarget *t, const NcNode *n, const char *name, const NcTemplateText *text, NcTemplateUse *use) {
  NcDotForm f;
  if (!nc_dtype_float(n->type.dtype)) return false;
  if (!nc_dot_form(n, &f)) f = dense_form(n);
  NcGemm g = {.name = name, .batch = {f.batch[0], f.batch[1]}, .m = f.m, .n = f.n, .k = f.k,
              .a_batch = {f.a_batch[0], f.a_batch[1]}, .a_m = f.a_m, .a_k = f.a_k,
              .b_batch = {f.b_batch[0], f.b_batch[1]}, .b_k = f.b_k, .b_n = f.b_n, .text = *text};
  return nc_template_gemm(program, t, &g, use);
}

// Missing spatial axes come first, with size 1.
static NcConvTemplate conv_sizes(const NcNode *n, NcShape x, NcShape w, NcShape y) {
  NcConv c;
  nc_conv_of(n, &c);
  NcConvTemplate t = {.batch = x.dim[0], .in_channels = x.dim[1], .out_channels = w.dim[0], .groups = c.groups, .w_i = 1};
  for (int i = 2; i >= 0; i--) {
    int from = i - (3 - c.spatial);
    bool real = from >= 0;
    t.in[i] = real ? x.dim[2 + from] : 1;
    t.kernel[i] = real ? w.dim[2 + from] : 1;
    t.out[i] = real ? y.dim[2 + from] : 1;
    t.stride[i] = real ? c.stride[from] : 1;
    t.lo[i] = real ? c.lo[from] : 0;
    t.dilation[i] = real ? c.dilation[from] : 1;
    t.dilate_x[i] = real ? c.dilate_x[from] : 1;
    t.w_k[i] = t.w_i;
    t.w_i *= t.kernel[i];
  }
  t.w_o = t.w_i * w.dim[1];
  return t;
}

static bool call_conv(NcBuf *program, const NcTarget *t, const NcNode *n, const char *name, const NcTemplateText *text,
                      NcTemplateUse *use) {
  NcConvTemplate c = conv_sizes(n, n->in[0]->type.shape, n->in[1]->type.shape, n->type.shape);
  c.name = name;
  c.text = *text;
  return nc_template_conv(program, t, &c, use);
}

static bool call_conv_weight(NcBuf *program, const NcTarget *t, const NcNode *n, const char *name, const NcTemplateText *text,
                             NcTemplateUse *use) {
  NcConvTemplate c = conv_sizes(n, n->in[0]->type.shape, n->type.shape, n->in[1]->type.shape);
  c.name = name;
  c.text = *text;
  return nc_template_conv_weight(program, t, &c, use);
}

static NcPoolTemplate pool_sizes(const NcNode *n, const NcPool *p, NcShape x, NcShape y) {
  NcPoolTemplate t = {.kind = nc_attr_str(n, "op"), .planes = 1};
  for (int i = 0; i < x.rank - p->spatial; i++) t.planes *= x.dim[i];
  for (int i = 0; i < 3; i++) {
    int from = i - (3 - p->spatial), axis = x.rank - p->spatial + from;
    bool real = from >= 0;
    t.in[i] = real ? x.dim[axis] : 1;
    t.out[i] = real ? y.dim[axis] : 1;
    t.window[i] = real ? p->window[from] : 1;
    t.stride[i] = real ? p->stride[from] : 1;
    t.lo[i] = real ? p->lo[from] : 0;
  }
  return t;
}

static NcPoolTemplate pool_of(const NcNode *n, bool *grad) {
  NcPool p;
  *grad = nc_pool_grad_of(n, &p);
  if (!*grad) nc_pool_of(n, &p);
  return pool_sizes(n, &p, (*grad ? n : n->in[0])->type.shape, (*grad ? n->in[n->nin - 1] : n)->type.shape);
}

bool nc_template_by_planes(const NcGen *g, const NcRegion *r) {
  bool grad;
  NcPoolTemplate c = pool_of(r->anchor, &grad);
  return nc_pool_by_planes(g->p->target, &c, grad);
}

static bool call_pool(NcBuf *program, const NcTarget *t, const NcNode *n, const char *name, const NcTemplateText *text,
                      NcTemplateUse *use) {
  bool grad;
  NcPoolTemplate c = pool_of(n, &grad);
  c.name = name;
  c.text = *text;
  return (grad ? nc_template_pool_grad : nc_template_pool)(program, t, &c, use);
}

static Call *const calls[NC_REGION_COUNT] = {
  [NC_REGION_DOT] = call_dot, [NC_REGION_CONV] = call_conv, [NC_REGION_CONV_WEIGHT] = call_conv_weight,
  [NC_REGION_POOL] = call_pool, [NC_REGION_POOL_GRAD] = call_pool};

// The template's letter of an operand.
static int role_of(const NcNode *n, int operand) {
  return strcmp(n->op->name, "pool_grad") == 0 && operand == n->nin - 1 ? NC_TARG_D : NC_TARG_A + operand;
}

// ---- Texts

static NcSplice indexed(NcArena *a, char letter, NcDtype t, const char *at) {
  if (t == NC_F16) return (NcSplice){"half", nc_sprintf(a, "vload_half(%s, %c)", at, letter), NULL};
  const char *x = nc_sprintf(a, "%c[%s]", letter, at);
  return (NcSplice){nc_dtype_store(t), t == NC_BF16 ? nc_sprintf(a, "as_float((uint)%s << 16)", x) : x, NULL};
}

static NcSplice splice(NcArena *a, char letter, NcDtype t, int w) {
  switch (t) {
  case NC_F16:
    return (NcSplice){"half", nc_sprintf(a, "vload_half(i, %c)", letter), nc_sprintf(a, "vload_half%d(0, %c + i)", w, letter)};
  case NC_BF16:
    return (NcSplice){"ushort", nc_sprintf(a, "as_float((uint)%c[i] << 16)", letter),
                      nc_sprintf(a, "as_float%d(convert_uint%d(vload%d(0, %c + i)) << 16)", w, w, w, letter)};
  default: return (NcSplice){0};
  }
}

static NcTemplateText operands(NcArena *a, const NcNode *n, const NcTarget *t) {
  NcTemplateText text = {0};
  NcDotForm f;
  bool dense = n->op->kind == NC_DOT && !nc_dot_form(n, &f);
  for (int i = 0; i < n->nin; i++) {
    int role = role_of(n, i);
    NcSplice *to = role == NC_TARG_A ? &text.a : role == NC_TARG_B ? &text.b : &text.d;
    if (dense) *to = indexed(a, "AB"[i], n->in[i]->type.dtype, dense_index(a, n, i));
    else *to = splice(a, "ABD"[role], n->in[i]->type.dtype, t->vector);
  }
  return text;
}

// o as the emitter's index. dot: rows × columns; conv: planes × channels × pixels, so that what depends on
// a row or a channel alone is seen to be alike in all lanes.
static NcIx *element(NcEmit *e, const NcNode *n, int64_t columns, bool channel) {
  NcIxs *s = &e->ix;
  int64_t count = nc_count(n->type.shape), run = columns;     // of neighbouring elements that vectors stay within
  NcBuf lanes = NC_BUF(e->arena);
  for (int i = 0; i < e->lanes; i++) nc_putf(&lanes, "%s%d", i ? ", " : "", i);
  const char *iota = nc_sprintf(e->arena, "(%s%d)(%s)", e->idx, e->lanes, nc_buf_str(&lanes));
  NcIx *flat;
  if (channel) {
    int64_t channels = n->type.shape.dim[1];
    const int64_t image = channels * run;
    NcIx *plane = nc_ix_var(s, nc_sprintf(e->arena, "(o / %lld)", (long long)image), NULL, true, 0, count / image - 1, 0);
    NcIx *c = nc_ix_var(s, "c", NULL, true, 0, channels - 1, 0);
    const char *pixel = nc_sprintf(e->arena, "(o %% %lld)", (long long)run);
    NcIx *p = nc_ix_var(s, pixel, e->lanes > 1 ? nc_sprintf(e->arena, "(%s + %s)", pixel, iota) : NULL, true, 0, run - 1, 0);
    flat = nc_ix_add(s, nc_ix_scale(s, nc_ix_add(s, nc_ix_scale(s, plane, channels), c), run), p);
  } else if (columns > 1) {
    NcIx *row = nc_ix_var(s, nc_sprintf(e->arena, "((o - c) / %lld)", (long long)run), NULL, true, 0, count / run - 1, 0);
    NcIx *c = nc_ix_var(s, "c", e->lanes > 1 ? nc_sprintf(e->arena, "(c + %s)", iota) : NULL, true, 0, run - 1, 0);
    flat = nc_ix_add(s, nc_ix_scale(s, row, run), c);
  } else {
    return nc_ix_var(s, "o", e->lanes > 1 ? nc_sprintf(e->arena, "(o + %s)", iota) : NULL, true, 0, count - 1, 0);
  }
  nc_ix_call(flat, "o", nc_sprintf(e->arena, "(o + %s)", iota));
  return flat;
}

// The statements that finish and store the element or vector `v`.
static const char *epilogue(NcGen *g, const NcRegion *r, NcEmit **out, int lanes, int64_t columns) {
  NcEmit *e = nc_emit_new(g->p, r, g->arena);
  if (*out) e->use = (*out)->use;           // the same arguments in the same order
  bool turns = *out && (*out)->turn;
  *out = e;
  e->idx = nc_gen_index_type(g, r);
  e->prefix = "e_";
  e->lanes = lanes;
  NcNode *n = r->anchor;
  NcIx *o = element(e, n, columns, r->kind == NC_REGION_CONV), *coord[NC_MAX_RANK];
  nc_ix_split(&e->ix, n->type.shape, o, coord);
  nc_emit_bind(e, 0, n, coord, (NcVal){"v", n->type.dtype, lanes > 1, 0});
  nc_gen_outputs(e, o, nc_count(n->type.shape));
  if (turns && !e->turn) e->turn = nc_ix_const(&e->ix, 0);
  return nc_buf_str(&e->scope[0]->text);
}

const char *nc_gen_extra(NcEmit *e) {
  NcBuf b = NC_BUF(e->arena);
  for (int i = 0; i < e->use.n; i++)
    nc_putf(&b, ", __global %s%s *p%d", e->use.at[i].written ? "" : "const ", e->use.at[i].type, i);
  if (e->turn) nc_put(&b, ", int turn_");
  return nc_buf_str(&b);
}

static bool plain(const NcGen *g, const NcRegion *r) {
  if (r->output.n && r->assign.at[0] && nc_turns_with(g->p->regions, r->assign.at[0])) return false;
  if (r->output.n != 1 || r->output.at[0]->type.dtype != NC_F32) return false;
  const NcNode *n = r->output.at[0];
  while (n != r->anchor && strcmp(n->op->name, "reshape") == 0) n = n->in[0];
  return n == r->anchor;
}

static NcNode *home(const NcRegion *r, int i) { return r->assign.at[i] ? r->assign.at[i] : r->output.at[i]; }

// ---- Steps

enum { WORK_ALIGN = 256 };
static size_t round_up(size_t n) { return (n + WORK_ALIGN - 1) / WORK_ALIGN * WORK_ALIGN; }

static void workspaces(NcGen *g, const NcRegion *r, const NcTemplateUse *use, int *work) {
  NcPlan *p = g->p->plan;
  int whole = g->p->workspace[r->id];
  size_t at = 0;
  for (int i = 0; i < use->nwork; i++) {
    work[i] = whole;
    if (use->nwork > 1) {
      NcPlanBuf b = p->buf.at[whole];
      b.offset += at;
      b.bytes = use->work[i];
      b.type = (NcType){NC_U8, NC_SHAPE((int64_t)b.bytes)};
      b.name = nc_sprintf(p->arena, "%s_%d", p->buf.at[whole].name, i);
      work[i] = p->buf.n;
      *NC_PUSH(p->arena, p->buf) = b;
    }
    at += round_up(use->work[i]);
  }
}

// Equal texts but for the name are one set of kernels: the text under a name of no meaning is the key.
typedef struct { NcTemplateUse use; const char *name; } Known;

// What the epilogue reads and writes besides: the last launch has it.
static void count_epilogue(NcStep *s, const NcPlan *p, const NcEmit *e, int given) {
  for (int k = 0; k < e->use.n; k++) {
    int buffer = e->use.at[k].buffer, i = 0;
    while (i < given && s->args[i].i != buffer) i++;
    if (i == given) s->bytes += (double)p->buf.at[buffer].bytes;
  }
}

static void steps(NcGen *g, const NcRegion *r, const NcEmit *e, const Known *known) {
  const NcTemplateUse *use = &known->use;
  NcPlan *p = g->p->plan;
  const NcNode *n = r->anchor;
  int work[NC_WORK_MAX], role[4] = {-1, -1, -1, -1};
  workspaces(g, r, use, work);
  for (int i = 0; i < n->nin; i++) role[role_of(n, i)] = g->p->place[n->in[i]->id].buffer;
  role[NC_TARG_C] = g->p->place[home(r, 0)->id].buffer;
  for (int i = 0; i < use->nlaunch; i++) {
    const NcTemplateLaunch *l = &use->launch[i];
    NcStep *s = nc_gen_step(g, r, NC_STEP_KERNEL);
    s->kernel = l->kernel;
    memcpy(s->global, l->global, sizeof s->global);
    memcpy(s->local, l->local, sizeof s->local);
    const NcEmit *extra = l->shared ? NULL : e;
    s->args = NC_NEW_N(p->arena, NcPlanArg, l->nargs + (extra ? extra->use.n : 0) + 2);
    for (int k = 0; k < l->nargs; k++) {
      int buffer = l->arg[k] >= NC_TARG_WORK ? work[l->arg[k] - NC_TARG_WORK] : role[l->arg[k]];
      s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_BUF, .i = buffer};
      s->bytes += (double)p->buf.at[buffer].bytes;
    }
    for (int k = 0; extra && k < extra->use.n; k++)
      s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_BUF, .i = extra->use.at[k].buffer};
    if (extra && i + 1 == use->nlaunch) count_epilogue(s, p, extra, l->nargs);
    if (extra && extra->turn) s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_TURN};
    if (strcmp(l->kernel, known->name) == 0) s->flops = nc_gen_flops(r);
  }
}

static int64_t columns_of(const NcRegion *r) {
  NcDotForm f;
  NcShape s = r->anchor->type.shape;
  if (r->kind == NC_REGION_DOT) return (nc_dot_form(r->anchor, &f) ? f : dense_form(r->anchor)).n;
  int64_t pixels = 1;
  for (int i = 2; i < s.rank; i++) pixels *= s.dim[i];
  return r->kind == NC_REGION_CONV ? pixels : 1;
}

// In a loop that is one launch: a right operand that no turn changes is packed before the first one.
static bool stays(const NcGen *g, const NcRegion *r) {
  enum { FEW_TURNS = 4, MOST = 1 << 22 };
  const NcNode *b = *g->prefix && r->kind == NC_REGION_DOT ? nc_alias(g->p->regions, r->anchor->in[1]) : NULL;
  return b && strcmp(b->op->name, "input") == 0 && nc_attr_str(b, "name")[0] == 'w' && nc_count(b->type.shape) <= MOST &&
         g->p->regions->loop->trips >= FEW_TURNS;
}

bool nc_gen_template(NcGen *g, const NcRegion *r) {
  static const char *const key_name = "nc_template";
  const NcTarget *t = g->p->target;
  NcTemplateText text = operands(g->arena, r->anchor, t);
  NcEmit *e = NULL;
  text.ahead = stays(g, r);
  if (!plain(g, r)) {
    text.store = epilogue(g, r, &e, 1, columns_of(r));
    text.store_v = epilogue(g, r, &e, t->vector, columns_of(r));
    text.extra = nc_gen_extra(e);
    text.c_type = nc_dtype_store(home(r, 0)->type.dtype);
  }
  NcBuf key = NC_BUF(g->arena);
  NcTemplateUse use;
  if (!calls[r->kind](&key, t, r->anchor, key_name, &text, &use)) return false;
  Known *known = nc_map_get(&g->kernel, nc_buf_str(&key));
  if (!known) {
    known = NC_NEW(g->arena, Known);
    known->name = nc_gen_kernel_name(g, r, nc_region_name(r->kind));
    calls[r->kind](&g->program, t, r->anchor, known->name, &text, &known->use);
    for (int i = 0; i < known->use.nlaunch; i++) nc_gen_made(g, known->use.launch[i].kernel, known->use.launch[i].form);
    nc_map_set(&g->kernel, nc_buf_str(&key), known);
    if (known->use.ahead) nc_map_set(&g->ahead, known->name, &known->use.ahead);
  }
  steps(g, r, e, known);
  return true;
}

// The text is made for its sizes and thrown away.
size_t nc_template_workspace(NcArena *outer, const NcRegion *r, const NcTarget *t) {
  NcArena *a = nc_arena_new();
  if (!a) longjmp(*nc_arena_oom(outer), 1);
  if (NC_ON_OOM(a)) {
    nc_arena_free(a);
    longjmp(*nc_arena_oom(outer), 1);
  }
  NcTemplateText text = operands(a, r->anchor, t);
  NcBuf scratch = NC_BUF(a);
  NcTemplateUse use;
  size_t bytes = 0;
  if (calls[r->kind](&scratch, t, r->anchor, "nc_template", &text, &use))
    for (int i = 0; i < use.nwork; i++) bytes += round_up(use.work[i]);
  nc_arena_free(a);
  return bytes;
}
