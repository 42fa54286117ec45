// Attention regions: kernels/attention_cpu.cl and attention_gpu.cl. A region computes the value, its stat or both; the
// gradient toward q; or those toward k, v or both.
#include <string.h>
#include "gen/kernel.h"
#include "gen/templates.h"
#include "ops/attention.h"

typedef enum { VALUE, GRAD_Q, GRAD_KV } Kind;

typedef struct {
  NcGen *g;
  const NcRegion *r;
  NcAttention a;
  Kind kind;
  NcNode *result[2];         // as the kernel's R0 and R1: value and stat, dq, dk and dv; NULL: not wanted
  int64_t tile;              // rows that one item or group treats
  NcEmit *bias;              // its arguments; NULL: none
} Call;

static int result_of(const NcNode *n) {
  const char *word = n->attr[0].s;           // what, or toward
  return strcmp(word, "stat") == 0 || strcmp(word, "v") == 0;
}

static Call call_of(NcGen *g, const NcRegion *r) {
  Call c = {.g = g, .r = r};
  nc_attention_of(r->anchor, &c.a);
  bool grad = strcmp(r->anchor->op->name, "attention_grad") == 0;
  c.kind = !grad ? VALUE : *nc_attr_str(r->anchor, "toward") == 'q' ? GRAD_Q : GRAD_KV;
  for (int i = 0; i < r->output.n; i++)
    c.result[result_of(r->output.at[i])] = r->assign.at[i] ? r->assign.at[i] : r->output.at[i];
  return c;
}

// The largest tile whose parts lie in local memory together: four tiles of rows and two of scores (attention_gpu.cl).
static int64_t gpu_tile(const NcTarget *t, const NcAttention *a) {
  int64_t tile = 32;
  while (tile > 1 && (2 * tile > t->max_group ||
                      tile * (2 * (a->width + 1) + 2 * (a->values + 1) + 2 * (tile + 1)) * 4 > (int64_t)t->local_bytes))
    tile /= 2;
  return tile;
}

// A function that gives what is added to the score of query t and key u.
static void bias_function(Call *c, NcBuf *out) {
  NcEmit *e = c->bias = nc_emit_new(c->g->p, c->r, c->g->arena);
  e->idx = nc_gen_index_type(c->g, c->r);
  NcShape s = c->a.bias->type.shape;
  static const char *const names[] = {"b", "h", "t", "u"};
  NcIx *coord[4];
  for (int i = 0; i < 4; i++) coord[i] = nc_ix_var(&e->ix, names[i], NULL, true, 0, s.dim[i] - 1, 0);
  NcVal v = nc_emit(e, c->a.bias, coord);
  nc_put(out, "INLINE float FN(_bias)(int b, int h, int t, int u EXTRA) {\n");
  nc_put(out, nc_buf_str(&e->scope[0]->text));
  nc_putf(out, c->a.bias->type.dtype == NC_BOOL ? "  return %s ? 0.0f : -INFINITY;\n}\n" : "  return %s;\n}\n", v.s);
}

static void write(Call *c, NcBuf *out, const char *name, const char *bias) {
  const NcTarget *t = c->g->p->target;
  const NcAttention *a = &c->a;
  bool cpu = t->cls == NC_CLASS_CPU;
  NcTemplateText text = {.extra = c->bias ? nc_gen_extra(c->bias) : NULL};
  NcTemplateFrame f = nc_frame_begin(out, t, name, &text);
  nc_frame_sizes(&f, (NcTemplateSize[]){
    {"BATCH", a->batch}, {"HEADS", a->heads}, {"GROUPS", a->groups}, {"T", a->queries}, {"U", a->keys}, {"E", a->width},
    {"F", a->values}, {"KIND", c->kind}, {"CAUSAL", a->causal}, {"BIAS", c->bias != NULL}, {"HAS_0", c->result[0] != NULL},
    {"HAS_1", c->result[1] != NULL}, {NULL, 0}});
  nc_frame_define(&f, "SCALE", "%af", a->scale);
  if (cpu) {
    nc_frame_sizes(&f, (NcTemplateSize[]){{"NV", c->tile / t->vector}, {"BLOCK", 64}, {NULL, 0}});
  } else {
    nc_frame_sizes(&f, (NcTemplateSize[]){{"TILE", c->tile}, {NULL, 0}});
  }
  nc_frame_file(&f, "begin.cl");
  nc_put(out, bias);
  nc_frame_file(&f, "attention.cl");
  nc_frame_file(&f, cpu ? "attention_cpu.cl" : "attention_gpu.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);
}

static const char *kernel(Call *c) {
  NcGen *g = c->g;
  NcBuf bias = NC_BUF(g->arena), key = NC_BUF(g->arena);
  if (c->a.bias) bias_function(c, &bias);
  write(c, &key, "nc_attention", nc_buf_str(&bias));
  const char *name = nc_map_get(&g->kernel, nc_buf_str(&key));
  if (name) return name;
  name = nc_gen_kernel_name(g, c->r, "attention");
  write(c, &g->program, name, nc_buf_str(&bias));
  nc_gen_made(g, name, g->p->target->cls == NC_CLASS_CPU ? NC_FORM_ITEM : NC_FORM_KERNEL);
  nc_map_set(&g->kernel, nc_buf_str(&key), (void *)name);
  return name;
}

void nc_gen_attention(NcGen *g, const NcRegion *r) {
  const NcTarget *t = g->p->target;
  Call c = call_of(g, r);
  const NcAttention *a = &c.a;
  bool cpu = t->cls == NC_CLASS_CPU;
  int64_t still = c.kind == GRAD_KV ? a->keys : a->queries, heads = a->batch * (c.kind == GRAD_KV ? a->groups : a->heads);
  c.tile = cpu ? (still > t->vector ? 2 : 1) * t->vector : gpu_tile(t, a);
  const char *name = kernel(&c);
  NcStep *s = nc_gen_step(g, r, NC_STEP_KERNEL);
  s->kernel = name;
  s->local[0] = cpu ? 1 : (size_t)(2 * c.tile);
  s->global[0] = s->local[0] * (size_t)(heads * nc_ceil_div(still, c.tile));
  s->global[1] = s->global[2] = s->local[1] = s->local[2] = 1;
  s->flops = nc_gen_flops(r);
  int operands = c.kind == VALUE ? 3 : 6, buffers = c.bias ? c.bias->use.n : 0;
  s->args = NC_NEW_N(g->p->plan->arena, NcPlanArg, operands + 3 + buffers);
  for (int i = 0; i < operands; i++)
    s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_BUF, .i = g->p->place[r->anchor->in[i]->id].buffer};
  for (int i = 0; i < 2; i++)
    if (c.result[i]) s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_BUF, .i = g->p->place[c.result[i]->id].buffer};
  for (int i = 0; i < buffers; i++) s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_BUF, .i = c.bias->use.at[i].buffer};
  for (int i = 0; i < s->nargs; i++) s->bytes += (double)g->p->plan->buf.at[s->args[i].i].bytes;
  if (c.bias && c.bias->turn) s->args[s->nargs++] = (NcPlanArg){.kind = NC_ARG_TURN};
}
