#include "gen_run.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool gen_open(GenDevice *d) {
  static const char *const classes[] = {[NC_CLASS_CPU] = "cpu", [NC_CLASS_GPU] = "gpu"};
  *d = (GenDevice){.arena = nc_arena_new()};
  d->diag = nc_diag_new(d->arena);
  d->all = nc_devices_open(d->arena, d->diag);
  for (int i = 0; i < 2; i++) {
    NcDeviceOptions o = {.choice = getenv("NACRE_TEST_DEVICE"), .cls = classes[i], .no_cache = true};
    if (d->all) d->dev[i] = nc_device_open(d->all, d->diag, &o);
  }
  if (d->dev[0] && d->dev[1]) return true;
  gen_close(d);
  return false;
}

void gen_need(GenDevice *d, const char *else_said) {
  if (gen_open(d)) return;
  fprintf(stderr, "no OpenCL device: %s\n", else_said);
  exit(77);
}

void gen_close(GenDevice *d) {
  nc_device_close(d->dev[0]);
  nc_device_close(d->dev[1]);
  nc_devices_close(d->all);
  nc_arena_free(d->arena);
}

// ---- Element types

static float half_to_float(uint16_t h) {
  int e = h >> 10 & 31, m = h & 1023;
  float v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexpf((float)(m + 1024), e - 25) : ldexpf((float)m, -24);
  return h & 0x8000 ? -v : v;
}

static uint16_t float_to_half(float f) {       // nearest, by search among neighbours: slow and plain
  uint16_t sign = signbit(f) ? 0x8000 : 0;
  if (isnan(f)) return 0x7e00;
  f = fabsf(f);
  uint16_t lo = 0, hi = 0x7c00;
  while (hi - lo > 1) {
    uint16_t mid = (uint16_t)((lo + hi) / 2);
    if (half_to_float(mid) <= f) lo = mid;
    else hi = mid;
  }
  double a = f - half_to_float(lo), b = (hi == 0x7c00 ? 65536.0 : half_to_float(hi)) - f;
  return sign | (a < b || (a == b && !(lo & 1)) ? lo : hi);
}

static uint16_t float_to_bf16(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  if (isnan(f)) return 0x7fc0;
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

void gen_pack(void *to, NcDtype t, int64_t n, const double *v) {
  for (int64_t i = 0; i < n; i++)
    switch (t) {
    case NC_F32: ((float *)to)[i] = (float)v[i]; break;
    case NC_F16: ((uint16_t *)to)[i] = float_to_half((float)v[i]); break;
    case NC_BF16: ((uint16_t *)to)[i] = float_to_bf16((float)v[i]); break;
    case NC_I32: ((int32_t *)to)[i] = (int32_t)v[i]; break;
    case NC_I64: ((int64_t *)to)[i] = (int64_t)v[i]; break;
    default: ((uint8_t *)to)[i] = (uint8_t)v[i];
    }
}

void gen_unpack(double *v, NcDtype t, int64_t n, const void *from) {
  for (int64_t i = 0; i < n; i++)
    switch (t) {
    case NC_F32: v[i] = (double)((const float *)from)[i]; break;
    case NC_F16: v[i] = (double)half_to_float(((const uint16_t *)from)[i]); break;
    case NC_BF16: {
      uint32_t u = (uint32_t)((const uint16_t *)from)[i] << 16;
      float f;
      memcpy(&f, &u, 4);
      v[i] = (double)f;
      break;
    }
    case NC_I32: v[i] = ((const int32_t *)from)[i]; break;
    case NC_I64: v[i] = (double)((const int64_t *)from)[i]; break;
    default: v[i] = ((const uint8_t *)from)[i];
    }
}

// ---- Comparison

typedef struct {
  NcArena *a;
  const NcGraph *g;
  const NcPlan *plan;
  NcExec *x;
  NcLoaded *l;
  NcDiag *diag;
  double **value;
  const GenOptions *o;
} Run;

static const char *failure(NcArena *a, NcDiag *d, const char *what) {
  NcBuf b = NC_BUF(a);
  nc_putf(&b, "%s: ", what);
  nc_diag_render(d, &b, false);
  return nc_buf_str(&b);
}

static bool is_leaf(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

static const double *drawn(NcArena *a, const NcNode *n) {
  int64_t count = nc_count(n->type.shape);
  double *v = NC_NEW_N(a, double, count);
  const char *name = nc_attr_str(n, "name");
  uint64_t s = nc_hash64(7, name, strlen(name));
  for (int64_t i = 0; i < count; i++) {
    s = s * 6364136223846793005u + 1442695040888963407u;
    double unit = (double)(s >> 40) * 0x1p-24;
    v[i] = n->type.dtype == NC_BOOL ? unit < 0.5 : nc_dtype_float(n->type.dtype) ? (double)(float)(unit * 2 - 1) : floor(unit * 4);
  }
  return v;
}

// What the type can hold of the values.
static const double *held(NcArena *a, const NcNode *n, const double *v) {
  int64_t count = nc_count(n->type.shape);
  double *w = NC_NEW_N(a, double, count);
  void *stored = nc_alloc(a, nc_type_bytes(n->type));
  gen_pack(stored, n->type.dtype, count, v);
  gen_unpack(w, n->type.dtype, count, stored);
  return w;
}

static void mark(const NcNode *n, bool *on_way) {
  if (on_way[n->id]) return;
  on_way[n->id] = true;
  for (int i = 0; i < n->nin; i++) mark(n->in[i], on_way);
}

// What one rounding to the type may do, as a part of the value. Generated code keeps an f16 or bf16 that it does not store in a
// float register, so whether such a value on the way is rounded depends on what was fused; the reference always rounds.
static double rounding(NcDtype t) { return t == NC_F16 ? 0x1p-11 : t == NC_BF16 ? 0x1p-8 : 6e-7; }

// The largest error that rounding a number on the way to the result may make.
static double on_the_way(const Run *r, const NcNode *to) {
  double m = 0;
  bool *on_way = NC_NEW_N(r->a, bool, r->g->node.n);
  mark(to, on_way);
  for (int i = 0; i < r->g->node.n; i++) {
    const NcNode *n = r->g->node.at[i];
    if (!on_way[i] || !r->value[i] || !nc_dtype_float(n->type.dtype)) continue;
    double part = n == to ? rounding(NC_F32) : rounding(n->type.dtype);   // that of the result itself is allowed for apart
    for (int64_t k = 0; k < nc_count(n->type.shape); k++) {
      double v = fabs(r->value[i][k]);
      if (isfinite(v) && v < 1e6 && part * v > m) m = part * v;
    }
  }
  return m;
}

static const char *differs(Run *r, const char *name, const NcNode *n, const void *got, const double *want) {
  NcType t = n->type;
  int64_t count = nc_count(t.shape);
  double *v = NC_NEW_N(r->a, double, count), *w = NC_NEW_N(r->a, double, count), part = 4e-6, m = on_the_way(r, n);
  void *stored = nc_alloc(r->a, nc_type_bytes(t));
  gen_unpack(v, t.dtype, count, got);
  gen_pack(stored, t.dtype, count, want);
  gen_unpack(w, t.dtype, count, stored);
  if (t.dtype == NC_F16) part = 2e-3;
  if (t.dtype == NC_BF16) part = 1.6e-2;
  double loose = r->o->loose ? r->o->loose : 1, tiny = t.dtype == NC_F16 ? 6e-8 : 1e-38;
  for (int64_t i = 0; i < count; i++) {
    if (v[i] == w[i] || (isnan(v[i]) && isnan(w[i]))) continue;
    double most = loose * (part * fabs(w[i]) + m + tiny);
    if (nc_dtype_float(t.dtype) && fabs(v[i] - w[i]) <= most) continue;
    if (getenv("NACRE_TEST_PRINT")) fputs(r->plan->program, stderr);
    return nc_sprintf(r->a, "%s, %s, element %lld: got %.9g, expected %.9g (%.2g allowed)", name, nc_type_str(r->a, t), (long long)i,
                      v[i], w[i], most);
  }
  return NULL;
}

static const char *check_outputs(Run *r) {
  for (int i = 0; i < r->g->output.n; i++) {
    NcNode *n = r->g->output.at[i].node;
    void *got = nc_alloc(r->a, nc_type_bytes(n->type));
    int b = nc_plan_output(r->plan, r->g->output.at[i].name);
    if (b < 0) return nc_sprintf(r->a, "output %s is not in the plan", r->g->output.at[i].name);
    if (!nc_exec_read(r->l, r->diag, b, got, nc_type_bytes(n->type), true)) return failure(r->a, r->diag, "read");
    const char *why = differs(r, r->g->output.at[i].name, n, got, r->value[n->id]);
    if (why) return why;
  }
  for (int i = 0; i < r->g->effect.n; i++) {
    NcNode *e = r->g->effect.at[i], *var = e->in[0];
    void *got = nc_alloc(r->a, nc_type_bytes(var->type));
    int v = nc_exec_find_var(r->x, nc_attr_str(var, "name"));
    if (v < 0) return nc_sprintf(r->a, "var %s is not there", nc_attr_str(var, "name"));
    if (!nc_exec_var_read(r->x, r->diag, v, got, nc_type_bytes(var->type))) return failure(r->a, r->diag, "read var");
    const char *why = differs(r, nc_attr_str(var, "name"), e, got, r->value[e->id]);
    if (why) return why;
  }
  return NULL;
}

static const char *write_leaves(Run *r, int nbind, const NcBinding *bind) {
  for (int i = 0; i < r->g->node.n; i++) {
    NcNode *n = r->g->node.at[i];
    if (!is_leaf(n, "input") && !is_leaf(n, "var")) continue;
    const double *v = NULL;
    for (int k = 0; k < nbind; k++)
      if (strcmp(bind[k].name, nc_attr_str(n, "name")) == 0) v = bind[k].value;
    size_t bytes = nc_type_bytes(n->type);
    void *raw = nc_alloc(r->a, bytes);
    gen_pack(raw, n->type.dtype, nc_count(n->type.shape), v);
    if (is_leaf(n, "var")) {
      int var = nc_exec_find_var(r->x, nc_attr_str(n, "name"));
      if (var >= 0 && !nc_exec_var_write(r->x, r->diag, var, raw, bytes)) return failure(r->a, r->diag, "write var");
    } else {
      int b = nc_plan_find(r->plan, NC_BUF_INPUT, nc_attr_str(n, "name"));
      if (b >= 0 && !nc_exec_write(r->l, r->diag, b, raw, bytes)) return failure(r->a, r->diag, "write");
    }
  }
  int seed = nc_plan_find(r->plan, NC_BUF_INPUT, "seed");
  static const uint64_t value = 0x0123456789abcdefu;
  if (seed >= 0 && !nc_exec_write(r->l, r->diag, seed, &value, sizeof value)) return failure(r->a, r->diag, "write seed");
  return NULL;
}

static const char *run(GenDevice *d, Run *r, int nbind, const NcBinding *bind) {
  r->x = nc_exec_new(r->a, r->diag, d->dev[r->o->cls]);
  if (!r->x) return failure(r->a, r->diag, "session");
  nc_exec_seams(r->x, (NcExecSeams){.poison = true, .guard = true});
  const char *why = NULL;
  if (!(r->l = nc_exec_load(r->x, r->diag, r->plan))) why = failure(r->a, r->diag, "load");
  if (!why) why = write_leaves(r, nbind, bind);
  if (!why && (!nc_exec_run(r->l, r->diag) || !nc_exec_finish(r->x, r->diag))) why = failure(r->a, r->diag, "run");
  if (!why) why = check_outputs(r);
  nc_exec_free(r->x);
  return why;
}

const char *gen_compare(GenDevice *d, NcArena *a, const NcGraph *g, int nbind, const NcBinding *bind, const GenOptions *o) {
  NcDiag *diag = nc_diag_new(a);
  NC_VEC(NcBinding) all = {0};
  for (int i = 0; i < nbind; i++) *NC_PUSH(a, all) = bind[i];
  for (int i = 0; i < g->node.n; i++) {
    NcNode *n = g->node.at[i];
    if (!is_leaf(n, "input") && !is_leaf(n, "var")) continue;
    int k = 0;
    while (k < all.n && strcmp(all.at[k].name, nc_attr_str(n, "name")) != 0) k++;
    if (k == all.n) *NC_PUSH(a, all) = (NcBinding){nc_attr_str(n, "name"), drawn(a, n)};
    all.at[k].value = held(a, n, all.at[k].value);
  }
  Run r = {.a = a, .g = g, .diag = diag, .o = o, .value = NC_NEW_N(a, double *, g->node.n)};
  NcEvalOptions eo = {.arena = a, .nbind = all.n, .bind = all.at, .seed = 0x0123456789abcdefu, .keep = true};
  if (!nc_eval(g, diag, &eo, r.value)) return failure(a, diag, "evaluate");
  NcTarget t = *nc_device_target(d->dev[o->cls]);
  NcTarget like = nc_target_default(o->cls);
  t.cls = o->cls;
  t.vector = like.vector;
  t.cache = o->no_fuse || o->no_fast ? 0 : 1;      // what is fused goes around a cache that holds nothing
  if (t.max_group > like.max_group) t.max_group = like.max_group;
  NcCompileOptions co = {.name = "test", .verify = true, .no_fuse = o->no_fuse, .no_fast = o->no_fast};
  NcPlan *p = nc_compile(a, diag, g, &t, &co);
  if (!p) return failure(a, diag, "compile");
  r.plan = p;
  if (!o->optimize && !getenv("NACRE_TEST_OPTIMIZED"))
    p->options = nc_sprintf(a, "%s -cl-opt-disable", p->options);
  if (o->print || getenv("NACRE_TEST_PRINT")) {
    NcBuf b = NC_BUF(a);
    nc_plan_print(r.plan, &b, true);
    fputs(nc_buf_str(&b), stderr);
  }
  if (o->steps && r.plan->step.n != o->steps)
    return nc_sprintf(a, "%d steps, expected %d", r.plan->step.n, o->steps);
  return run(d, &r, all.n, all.at);
}
