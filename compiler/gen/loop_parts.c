// A loop in one launch: a work-item takes one slice of what the loop works on (passes/slices.c) through all turns, and in each
// turn runs the body's kernels for it, one after the other, as functions. Nothing waits for other work-items: slices have
// nothing to do with each other.
//
//   void NAME_part(int part_, scratch, p0, p1, …) {        p0 …: the buffers around the loop; the part's slice of each is
//     b0_ = p0 + part_ * …; …                              so many bytes in, its own arena in the loop's workspace too
//     NAME_dot_0_ahead(scratch, a0_, …);                   weights in panels, behind that arena: they stay as they are
//     for (turn_ …) {
//       for (y_ …) for (x_ …) NAME_dot_0_at(x_, y_, 0, scratch, b2_, a0_, …, turn_);
//       for (x_ …) NAME_map_1_item(x_, b0_, …, turn_);
//     }
//   }
#include <string.h>
#include "gen/loop.h"
#include "passes/place.h"

// ---- Whether it can be done

static NcKernelForm form_of(const NcGen *g, const NcStep *s) {
  const NcKernelForm *f = nc_map_get(&g->form, s->kernel);
  return f ? *f : NC_FORM_KERNEL;
}

// A kernel that is a function of its item's or group's number, or a copy.
static bool callable(const NcGen *g, const NcStep *s) {
  if (s->kind == NC_STEP_COPY) return s->fill_bytes % sizeof(float) == 0;
  if (s->kind != NC_STEP_KERNEL || s->local[0] * s->local[1] * s->local[2] != 1) return false;
  for (int i = 0; i < s->nargs; i++)
    if (s->args[i].kind != NC_ARG_BUF && s->args[i].kind != NC_ARG_TURN) return false;
  return form_of(g, s) == NC_FORM_PLACED || (form_of(g, s) == NC_FORM_ITEM && s->global[1] * s->global[2] == 1);
}

// The body's kernels, under names that begin with the place of the name of the one around them.
static NcGen inside(NcPlacement *p, NcDiag *d, const NcCompileOptions *o, NcArena *a) {
  NcGen g = nc_gen_begin(p, d, o, a);
  g.prefix = "$_";
  return g;
}

// Bytes of the weights that a step's kernel wants packed ahead.
static size_t ahead_of(const NcGen *g, const NcStep *s, size_t align) {
  const size_t *floats = s->kind == NC_STEP_KERNEL ? nc_map_get(&g->ahead, s->kernel) : NULL;
  return floats ? nc_round_up(*floats * sizeof(float), align) : 0;
}

bool nc_loop_in_one(NcPlacement *p, const NcCompileOptions *o, NcTurnCost *cost) {
  NcArena *a = p->plan->arena;
  for (int i = 0; i < p->regions->region.n; i++)
    if (p->regions->region.at[i]->kind == NC_REGION_LOOP) return false;
  int steps = p->plan->step.n, buffers = p->plan->buf.n;
  NcGen g = inside(p, nc_diag_new(a), o, a);       // for trial: what is wrong comes again when it is not
  bool ok = nc_gen_allowed(&g, "loop_parts") && nc_gen_regions(&g);
  *cost = (NcTurnCost){0};
  for (int i = steps; ok && i < p->plan->step.n; i++) {
    ok = callable(&g, &p->plan->step.at[i]);
    cost->launches++;
    cost->flops += p->plan->step.at[i].flops;
    cost->ahead += ahead_of(&g, &p->plan->step.at[i], p->plan->align);
  }
  p->plan->step.n = steps;
  p->plan->buf.n = buffers;
  return ok;
}

// ---- Where things lie

typedef struct {
  NcMove m;
  NcGen inner;             // of the body's kernels
  int64_t parts;
  size_t *arena;           // by the body's buffer: of arenas, where it begins in a slice's part of the workspace
  bool *named;             // by the body's buffer
  int work;                // the buffer outside with the arenas of all slices, -1 before it is made
  NC_VEC(int) given;       // by argument: buffer outside
} Parts;

static int argument(Parts *x, int buffer) {
  for (int i = 0; i < x->given.n; i++)
    if (x->given.at[i] == buffer) return i;
  *NC_PUSH(x->m.g->arena, x->given) = buffer;
  return x->given.n - 1;
}

static int workspace(Parts *x) {
  size_t bytes = x->m.b->arenas * (size_t)x->parts;
  if (x->work < 0) x->work = nc_move_work(&x->m, "slices of a loop", (NcType){NC_U8, NC_SHAPE((int64_t)bytes)}, 0, bytes);
  return x->work;
}

// Bytes of what a leaf of the body may be a slice of.
static size_t whole_bytes(const Parts *x, const NcPlanBuf *b) {
  const NcGraph *body = x->m.b->l.body;
  const NcNode *n = b->kind == NC_BUF_VAR ? nc_graph_find_output(body, b->name) : NULL;
  for (int i = 0; i < body->node.n && b->kind == NC_BUF_INPUT && !n; i++) {
    const NcNode *in = body->node.at[i];
    if (in->op == nc_op("input") && strcmp(nc_attr_str(in, "name"), b->name) == 0) n = in;
  }
  return n ? nc_type_bytes(n->type) : b->bytes;
}

// Says once where a buffer of the body lies: "b3_".
static void name_buffer(Parts *x, NcBuf *out, int i) {
  const NcPlanBuf *b = &x->m.in->buf.at[i];
  bool temp = b->kind == NC_BUF_TEMP;
  if (x->named[i]) return;
  x->named[i] = true;
  size_t offset = temp ? x->arena[b->parent] + b->offset : 0;
  size_t step = temp ? x->m.b->arenas : whole_bytes(x, b) != b->bytes ? b->bytes : 0;
  nc_putf(out, "  __global uchar *const b%d_ = p%d", i, argument(x, temp ? workspace(x) : nc_move_leaf(&x->m, b)));
  if (offset) nc_putf(out, " + %zu", offset);
  if (step && x->parts > 1) nc_putf(out, " + part_ * (size_t)%zu", step);
  nc_put(out, ";\n");
}

// Where packed weights lie, behind the arenas.
static void name_packed(Parts *x, NcBuf *out) {
  const NcPlan *p = x->m.in;
  size_t at = x->m.b->arenas - x->m.b->ahead;
  for (int i = 0; i < p->step.n; i++) {
    size_t bytes = ahead_of(&x->inner, &p->step.at[i], x->m.out->align);
    if (!bytes) continue;
    nc_putf(out, "  __global uchar *const a%d_ = p%d + %zu + part_ * (size_t)%zu;\n", i, argument(x, workspace(x)), at, x->m.b->arenas);
    at += bytes;
  }
}

static void name_buffers(Parts *x, NcBuf *out) {
  const NcPlan *p = x->m.in;
  size_t at = 0;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_ROOT_ARENA) {
      x->arena[i] = at;
      at += nc_round_up(p->buf.at[i].bytes, x->m.out->align);
    }
  for (int i = 0; i < p->step.n; i++) {
    const NcStep *s = &p->step.at[i];
    if (s->kind == NC_STEP_COPY) name_buffer(x, out, s->a), name_buffer(x, out, s->c);
    for (int k = 0; k < s->nargs; k++)
      if (s->args[k].kind == NC_ARG_BUF) name_buffer(x, out, (int)s->args[k].i);
  }
}

// ---- What a turn does

// The second argument of a product is B. turn: its name, or before the first turn any number.
static void put_arguments(NcBuf *out, const NcStep *s, int packed, const char *turn) {
  for (int i = 0; i < s->nargs; i++) {
    if (s->args[i].kind == NC_ARG_TURN) nc_putf(out, ", %s", turn);
    else if (i == 1 && packed >= 0) nc_putf(out, ", (__global void *)a%d_", packed);
    else nc_putf(out, ", (__global void *)b%d_", (int)s->args[i].i);
  }
  nc_put(out, ");\n");
}

static void put_loop(NcBuf *out, char name, size_t n) {
  nc_putf(out, "#pragma nounroll\n    for (int %c_ = 0; %c_ < %zu; %c_++)\n", name, name, n, name);
}

static void put_packing(const Parts *x, NcBuf *out) {
  for (int i = 0; i < x->m.in->step.n; i++) {
    const NcStep *s = &x->m.in->step.at[i];
    if (!ahead_of(&x->inner, s, 1)) continue;
    nc_putf(out, "  %s_ahead(scratch_, (__global void *)a%d_", s->kernel, i);
    put_arguments(out, s, -1, "0");
  }
}

static void put_step(const Parts *x, NcBuf *out, int i) {
  const NcStep *s = &x->m.in->step.at[i];
  if (s->kind == NC_STEP_COPY) {
    put_loop(out, 'x', s->fill_bytes / sizeof(float));
    nc_putf(out, "      ((__global float *)b%d_)[x_] = ((__global const float *)b%d_)[x_];\n", s->c, s->a);
  } else if (form_of(&x->inner, s) == NC_FORM_ITEM) {
    put_loop(out, 'x', s->global[0]);
    nc_putf(out, "      %s_item(x_", s->kernel);
    put_arguments(out, s, -1, "turn_");
  } else {
    for (int d = 2; d >= 0; d--) put_loop(out, "xyz"[d], s->global[d]);
    nc_putf(out, "      %s_at(x_, y_, z_, scratch_", s->kernel);
    put_arguments(out, s, ahead_of(&x->inner, s, 1) ? i : -1, "turn_");
  }
}

// An enum with as many floats of scratch as the kernel that needs most.
static void put_scratch(const Parts *x, NcBuf *out) {
  const char *most = "1";
  for (int i = 0; i < x->m.in->step.n; i++) {
    const NcStep *s = &x->m.in->step.at[i];
    if (s->kind != NC_STEP_KERNEL || form_of(&x->inner, s) != NC_FORM_PLACED) continue;
    nc_putf(out, "enum { $_most_%d = %s_scratch > %s ? %s_scratch : %s };\n", i, s->kernel, most, s->kernel, most);
    most = nc_sprintf(x->m.g->arena, "$_most_%d", i);
  }
  nc_putf(out, "enum { $_scratch = %s };\n", most);
}

static const char *declared(const Parts *x) {
  NcBuf b = NC_BUF(x->m.g->arena);
  for (int i = 0; i < x->given.n; i++) nc_putf(&b, ", __global uchar *p%d", i);
  return nc_buf_str(&b);
}

static const char *passed(const Parts *x) {
  NcBuf b = NC_BUF(x->m.g->arena);
  for (int i = 0; i < x->given.n; i++) nc_putf(&b, ", p%d", i);
  return nc_buf_str(&b);
}

// The body's kernels are there as functions only, whatever becomes of others.
static const char *text_of(Parts *x) {
  NcArena *a = x->m.g->arena;
  NcBuf names = NC_BUF(a), b = NC_BUF(a);
  name_buffers(x, &names);
  name_packed(x, &names);
  put_packing(x, &names);
  nc_putf(&b, "#ifndef NC_BANKS\n#define NC_BANKS\n#define NC_NO_BANKS\n#endif\n%s"
              "#ifdef NC_NO_BANKS\n#undef NC_BANKS\n#undef NC_NO_BANKS\n#endif\n", nc_buf_str(&x->inner.program));
  put_scratch(x, &b);
  nc_putf(&b, "__attribute__((noinline)) void $_part(int part_, __local float *scratch_%s) {\n%s", declared(x), nc_buf_str(&names));
  nc_putf(&b, "#pragma nounroll\n  for (int turn_ = 0; turn_ < %lld; turn_++) {\n", (long long)x->m.b->l.trips);
  for (int i = 0; i < x->m.in->step.n; i++) put_step(x, &b, i);
  nc_put(&b, "  }\n}\n");
  nc_putf(&b, "static inline __attribute__((always_inline)) void $_group(int x_, int y_, int z_, __local float *scratch_%s) {\n"
              "  $_part(x_, scratch_%s);\n}\n", declared(x), passed(x));
  nc_putf(&b, "#ifndef NC_BANKS\n__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\nvoid $(%s) {\n"
              "  __local float scratch_[$_scratch] __attribute__((aligned(64)));\n  $_group((int)get_group_id(0), 0, 0, scratch_%s);\n}\n#endif\n",
          declared(x) + 2, passed(x));
  return nc_buf_str(&b);
}

static void add_step(Parts *x, const char *kernel) {
  NcPlan *p = x->m.out;
  NcStep *s = nc_gen_step(x->m.g, x->m.r, NC_STEP_KERNEL);
  s->kernel = kernel;
  s->label = nc_sprintf(p->arena, "loop of %lld turns", (long long)x->m.b->l.trips);
  s->global[0] = (size_t)x->parts;
  s->global[1] = s->global[2] = s->local[0] = s->local[1] = s->local[2] = 1;
  s->nargs = x->given.n;
  s->args = NC_NEW_N(p->arena, NcPlanArg, s->nargs + 1);
  for (int i = 0; i < s->nargs; i++) {
    s->args[i] = (NcPlanArg){.kind = NC_ARG_BUF, .i = x->given.at[i]};
    s->bytes += (double)p->buf.at[x->given.at[i]].bytes;
  }
  for (int i = 0; i < x->m.in->step.n; i++)
    s->flops += x->m.in->step.at[i].flops * (double)x->parts * (double)x->m.b->l.trips;
}

bool nc_gen_loop_parts(NcGen *g, const NcRegion *r) {
  Parts x = {.m = nc_move_begin(g, r), .parts = r->body->parts, .work = -1};
  x.inner = inside(r->body->placement, g->d, g->o, g->arena);
  if (!nc_gen_regions(&x.inner)) return false;
  x.arena = NC_NEW_N(g->arena, size_t, x.m.in->buf.n + 1);
  x.named = NC_NEW_N(g->arena, bool, x.m.in->buf.n + 1);
  const char *text = text_of(&x);
  nc_move_first(&x.m);
  const char *kernel = nc_gen_share(g, r, "turns_of", text, NC_FORM_GROUP);
  add_step(&x, kernel);
  return true;
}
