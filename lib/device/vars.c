// Variables live across runs and plans and are found by name. The plan that first names a variable decides where it
// lies (the training plan packs parameters so that the optimizer is one launch); later plans bind to what is there.
//
// A later plan's root of variables is the session's root of that name when every variable agrees on its place in it. If
// it does not agree, that matters only when a step takes the whole root as an argument: then it is E0506.
// Else the root is only the later plan's idea of a layout, and memory is made only for variables that are new.
#include "device/exec_internal.h"
#include <string.h>

int nc_exec_vars(const NcExec *x) { return x->var.n; }
const NcVarInfo *nc_exec_var(const NcExec *x, int i) { return i >= 0 && i < x->var.n ? &x->var.at[i].info : NULL; }
int nc_exec_find_var(const NcExec *x, const char *name) { return (int)(intptr_t)nc_map_get(&x->var_by_name, name) - 1; }

void nc_drop_vars(NcExec *x, int vars, int roots) {
  while (x->var.n > vars) {
    NcVar *v = &x->var.at[--x->var.n];
    if (nc_map_has(&x->var_by_name, v->info.name)) nc_map_set(&x->var_by_name, v->info.name, NULL);
    if (v->mem && v->root >= 0) x->cl->clReleaseMemObject(v->mem);
    else nc_drop_memory(x, &(NcMemory){v->mem, v->info.bytes});
  }
  while (x->root.n > roots) nc_drop_memory(x, &x->root.at[--x->root.n].memory);
}

static int find_root(const NcExec *x, const char *name) {
  for (int i = 0; i < x->root.n; i++)
    if (strcmp(x->root.at[i].name, name) == 0) return i;
  return -1;
}

static bool is_used(const NcPlan *p, int buffer) {
  for (int i = 0; i < p->step.n; i++) {
    const NcStep *s = &p->step.at[i];
    if (s->kind == NC_STEP_LOOP || s->kind == NC_STEP_END) continue;
    if (s->kind != NC_STEP_KERNEL && (s->c == buffer || (s->kind != NC_STEP_FILL && s->a == buffer) ||
                                      (s->kind == NC_STEP_GEMM && (s->b == buffer || s->workspace == buffer))))
      return true;
    if (s->kind != NC_STEP_KERNEL) continue;
    for (int k = 0; k < s->nargs; k++)
      if (s->args[k].kind == NC_ARG_BUF && s->args[k].i == buffer) return true;
  }
  return false;
}

static bool mismatch(NcDiag *d, const char *fmt, const char *name, const char *detail) {
  NcMessage *m = nc_error(d, NC_E0506, NC_NOWHERE, fmt, name);
  nc_note(d, m, "%s", detail);
  nc_help(d, m, "load the plan in a session of its own, or compile it together with the plan that made the variables");
  return false;
}

// Whether the plan's root `b` can be the session's root `r`: as large, and nobody in it lies elsewhere.
static bool same_layout(const NcExec *x, const NcPlan *p, int b, int r) {
  if (x->root.at[r].memory.bytes != p->buf.at[b].bytes) return false;
  for (int i = 0; i < p->buf.n; i++) {
    const NcPlanBuf *v = &p->buf.at[i];
    if (v->kind != NC_BUF_VAR || v->parent != b) continue;
    int have = nc_exec_find_var(x, v->name);
    if (have >= 0 && (x->var.at[have].root != r || x->var.at[have].offset != v->offset)) return false;
  }
  // A variable that is new must not be laid over one that is there.
  for (int i = 0; i < p->buf.n; i++) {
    const NcPlanBuf *v = &p->buf.at[i];
    if (v->kind != NC_BUF_VAR || v->parent != b || nc_exec_find_var(x, v->name) >= 0) continue;
    for (int k = 0; k < x->var.n; k++) {
      const NcVar *other = &x->var.at[k];
      if (other->root == r && v->offset < other->offset + other->info.bytes && other->offset < v->offset + v->bytes)
        return false;
    }
  }
  return true;
}

// Whether some variable of the plan's root is there (or is not there).
static bool any_var(const NcExec *x, const NcPlan *p, int b, bool there) {
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_VAR && p->buf.at[i].parent == b &&
        (nc_exec_find_var(x, p->buf.at[i].name) >= 0) == there)
      return true;
  return false;
}

static bool new_root(NcExec *x, NcDiag *d, const NcPlanBuf *b) {
  NcVarRoot *root =
      NC_PUSH(x->arena, x->root); // in the list before it owns anything: then nothing is lost when host memory runs out
  *root = (NcVarRoot){.name = b->name};
  root->name = nc_strdup(x->arena, b->name);
  return nc_make_memory(x, d, b->bytes, NULL, b->name, &root->memory) && nc_fill(x, d, root->memory.mem, 0, b->bytes);
}

// Finds or makes the session's root for root `b`; *root is -1 when none is needed.
static bool bind_root(NcLoaded *l, NcDiag *d, int b, int *root) {
  NcExec *x = l->x;
  const NcPlan *p = l->plan;
  bool used = is_used(p, b), old = any_var(x, p, b, true), fresh = any_var(x, p, b, false);
  int r = find_root(x, p->buf.at[b].name);
  bool fits = r >= 0 && same_layout(x, p, b, r);
  *root = -1;
  if (fits) {
    *root = r;
  } else if (used && (r >= 0 || old)) {
    return mismatch(d, "the variables in \"%s\" lie elsewhere in this session", p->buf.at[b].name,
                    "a step of the plan works on all of them at once");
  } else if (used || fresh) {
    if (!new_root(x, d, &p->buf.at[b])) return false;
    *root = x->root.n - 1;
  }
  if (*root >= 0) l->mem[b] = x->root.at[*root].memory.mem;
  return true;
}

static bool check_type(const NcVar *v, NcDiag *d, const NcPlanBuf *b) {
  if (nc_type_eq(v->info.type, b->type) && v->info.bytes >= b->bytes) return true;
  return mismatch(d, "the variable \"%s\" has another type or size in this session", b->name,
                  nc_sprintf(d->arena, "here it is %s in %zu bytes, in the plan %s in %zu bytes",
                             nc_type_str(d->arena, v->info.type), v->info.bytes, nc_type_str(d->arena, b->type),
                             b->bytes));
}

static bool new_var(NcExec *x, NcDiag *d, const NcPlanBuf *b, int root) {
  const char *name = nc_strdup(x->arena, b->name), *role = nc_strdup(x->arena, b->role ? b->role : "");
  NcVar *v = NC_PUSH(x->arena, x->var);
  *v = (NcVar){{name, role, b->type, b->bytes}, NULL, root, root >= 0 ? b->offset : 0};
  if (root >= 0) {
    v->mem = nc_make_part(x, d, x->root.at[root].memory.mem, b->offset, b->bytes, b->name);
  } else {
    NcMemory own = {NULL, 0};
    if (nc_make_memory(x, d, b->bytes, NULL, b->name, &own) && !nc_fill(x, d, own.mem, 0, b->bytes))
      nc_drop_memory(x, &own);
    v->mem = own.mem;
  }
  if (v->mem) nc_map_set(&x->var_by_name, name, (void *)(intptr_t)x->var.n);
  return v->mem != NULL;
}

bool nc_exec_reserve(NcExec *x, NcDiag *d, const NcPlan *p) {
  for (int b = 0; b < p->buf.n; b++) {
    bool wanted = p->buf.at[b].kind == NC_BUF_ROOT_VAR && is_used(p, b) && !any_var(x, p, b, true);
    if (!wanted || find_root(x, p->buf.at[b].name) >= 0) continue;
    if (!new_root(x, d, &p->buf.at[b])) return false;
    int root = x->root.n - 1;
    for (int i = 0; i < p->buf.n; i++)
      if (p->buf.at[i].kind == NC_BUF_VAR && p->buf.at[i].parent == b && !new_var(x, d, &p->buf.at[i], root)) return false;
  }
  return true;
}

bool nc_bind_vars(NcLoaded *l, NcDiag *d) {
  NcExec *x = l->x;
  const NcPlan *p = l->plan;
  int *root = NC_NEW_N(d->arena, int, p->buf.n);
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_ROOT_VAR && !bind_root(l, d, i, &root[i])) return false;
  for (int i = 0; i < p->buf.n; i++) {
    const NcPlanBuf *b = &p->buf.at[i];
    if (b->kind != NC_BUF_VAR) continue;
    int v = nc_exec_find_var(x, b->name);
    if (v >= 0 && !check_type(&x->var.at[v], d, b)) return false;
    if (v < 0) {
      if (!new_var(x, d, b, b->parent < 0 ? -1 : root[b->parent])) return false;
      v = x->var.n - 1;
    }
    l->mem[i] = x->var.at[v].mem;
  }
  return true;
}
