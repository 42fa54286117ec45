// What banks are told of a plan's steps (banks.h): a row for each of function and grid, then the arguments of all of them. Buffers
// stand there by their address in the device, which a bank tells of those that it is given; temps lie in arenas.
#include "device/exec_internal.h"
#include <string.h>

typedef struct {
  NcLoaded *l;
  NcDiag *d;
  cl_kernel bank;            // one that can be asked
  int n, *number;            // buffers to be found
  cl_ulong *address;         // by buffer number
} Finder;

static int groups_most(const NcLoaded *l) { return l->x->dev->info.target.compute_units; }

// Not counted with what the session holds, which is the plan's own bytes to the last one: "does it fit" is about these.
static bool make_aside(NcLoaded *l, NcDiag *d, size_t bytes, const char *what, NcMemory *out) {
  if (!nc_make_memory(l->x, d, bytes, NULL, what, out)) return false;
  l->x->held -= bytes;
  out->bytes = 0;
  return true;
}

void nc_table_drop(NcLoaded *l) {
  nc_drop_memory(l->x, &l->table);
  nc_drop_memory(l->x, &l->marks);
}

static bool failed(Finder *f, const char *function, cl_int err) {
  if (err) nc_note(f->d, nc_cl_error(f->d, function, err), "for the table of a plan's steps, on %s", f->l->x->dev->info.name);
  return err != 0;
}

// Temps are found by their arenas.
static void want(Finder *f, int buffer) {
  const NcPlanBuf *b = &f->l->plan->buf.at[buffer];
  if (b->kind == NC_BUF_TEMP) buffer = b->parent;
  if (f->address[buffer]) return;
  f->address[buffer] = 1;
  f->number[f->n++] = buffer;
}

// Asks for up to NC_BANK_FINDS buffers from the i-th on; the answers go into the table at that place.
static bool ask(Finder *f, int i) {
  static const size_t one[3] = {1, 1, 1};
  NcCl *cl = f->l->x->cl;
  cl_int first = -1 - i, none = 0, err = NC_CALL(cl, clSetKernelArg, (f->bank, NC_BANK_FIRST, sizeof first, &first));
  for (cl_uint k = NC_BANK_END; !err && k <= NC_BANK_TURN; k++) err = NC_CALL(cl, clSetKernelArg, (f->bank, k, sizeof none, &none));
  for (int k = 0; !err && k < NC_BANK_FINDS; k++)
    err = NC_CALL(cl, clSetKernelArg, (f->bank, (cl_uint)(NC_BANK_FOUND + k), sizeof(cl_mem),
                                       i + k < f->n ? &f->l->mem[f->number[i + k]] : NULL));
  if (failed(f, "clSetKernelArg", err)) return false;
  return !failed(f, "clEnqueueNDRangeKernel",
                 NC_CALL(cl, clEnqueueNDRangeKernel, (f->l->x->queue, f->bank, 3, NULL, one, one, 0, NULL, NULL)));
}

static bool find(Finder *f, cl_ulong *table) {
  NcCl *cl = f->l->x->cl;
  for (int i = 0; i < f->n; i += NC_BANK_FINDS)
    if (!ask(f, i)) return false;
  size_t bytes = (size_t)f->n * sizeof *table;
  cl_int err = !f->n ? 0 : NC_CALL(cl, clEnqueueReadBuffer, (f->l->x->queue, f->l->table.mem, CL_TRUE, 0, bytes, table, 0, NULL, NULL));
  if (failed(f, "clEnqueueReadBuffer", err)) return false;
  for (int i = 0; i < f->n; i++) f->address[f->number[i]] = table[i];
  return true;
}

static cl_ulong value_of(const Finder *f, const NcPlanArg *a) {
  if (a->kind != NC_ARG_BUF) return a->kind == NC_ARG_INT ? (cl_ulong)a->i : 0;
  const NcPlanBuf *b = &f->l->plan->buf.at[a->i];
  return b->kind == NC_BUF_TEMP ? f->address[b->parent] + b->offset : f->address[a->i];
}

static void fill_table(const Finder *f, cl_ulong *table) {
  const NcPlan *p = f->l->plan;
  int at = p->step.n * NC_BANK_ROW;
  for (int i = 0; i < p->step.n; i++) {
    const NcStep *s = &p->step.at[i];
    cl_ulong *row = table + i * NC_BANK_ROW;
    if (s->kind != NC_STEP_KERNEL || f->l->op[i].entry.which < 0) continue;
    row[0] = (cl_ulong)f->l->op[i].entry.which;
    for (int d = 0; d < 3; d++) row[1 + d] = s->global[d];
    row[4] = (cl_ulong)at;
    for (int k = 0; k < s->nargs; k++) table[at++] = value_of(f, &s->args[k]);
  }
}

// Every bank takes the same table and marks.
static bool hand_out(Finder *f) {
  NcLoaded *l = f->l;
  cl_int err = 0;
  for (int i = 0; !err && i < l->programs; i++) {
    if (!l->bank[i]) continue;
    err = NC_CALL(l->x->cl, clSetKernelArg, (l->bank[i], NC_BANK_TABLE, sizeof(cl_mem), &l->table.mem));
    if (!err) err = NC_CALL(l->x->cl, clSetKernelArg, (l->bank[i], NC_BANK_MARKS, sizeof(cl_mem), &l->marks.mem));
    for (cl_uint k = 0; !err && k < NC_BANK_FINDS; k++)
      err = NC_CALL(l->x->cl, clSetKernelArg, (l->bank[i], NC_BANK_FOUND + k, sizeof(cl_mem), NULL));
    f->bank = l->bank[i];
  }
  return !failed(f, "clSetKernelArg", err);
}

static int count_arguments(Finder *f) {
  int n = 0;
  for (int i = 0; i < f->l->plan->step.n; i++) {
    const NcStep *s = &f->l->plan->step.at[i];
    if (s->kind != NC_STEP_KERNEL || f->l->op[i].entry.which < 0) continue;
    n += s->nargs;
    for (int k = 0; k < s->nargs; k++)
      if (s->args[k].kind == NC_ARG_BUF) want(f, (int)s->args[k].i);
  }
  return n;
}

bool nc_table_make(NcLoaded *l, NcDiag *d) {
  const NcPlan *p = l->plan;
  Finder f = {.l = l, .d = d, .number = NC_NEW_N(d->arena, int, p->buf.n + 1), .address = NC_NEW_N(d->arena, cl_ulong, p->buf.n + 1)};
  bool any = false;
  for (int i = 0; i < l->programs; i++) any |= l->bank[i] != NULL;
  if (!any) return true;
  int numbers = p->step.n * NC_BANK_ROW + count_arguments(&f), room = numbers + f.n + NC_BANK_FINDS;
  cl_ulong *table = NC_NEW_N(d->arena, cl_ulong, room);
  size_t bytes = (size_t)room * sizeof *table, marks = (1 + (size_t)p->step.n * ((size_t)groups_most(l) + 1)) * NC_BANK_LINE;
  if (!make_aside(l, d, bytes, "the table of steps", &l->table) || !make_aside(l, d, marks, "the marks of steps", &l->marks) ||
      !nc_fill(l->x, d, l->marks.mem, 0, marks) || !hand_out(&f) || !find(&f, table) || !hand_out(&f))
    return false;
  fill_table(&f, table);
  return !failed(&f, "clEnqueueWriteBuffer", NC_CALL(l->x->cl, clEnqueueWriteBuffer, (l->x->queue, l->table.mem, CL_TRUE, 0,
                                                     (size_t)numbers * sizeof *table, table, 0, NULL, NULL)));
}

bool nc_launch_bank(NcLoaded *l, NcDiag *d, cl_command_queue queue, int first, int end, int32_t turn, cl_event *event) {
  NcCl *cl = l->x->cl;
  const cl_kernel bank = l->bank[l->op[first].entry.part];
  const size_t one[3] = {1, 1, 1};
  size_t groups[3] = {1, 1, 1}, most = (size_t)groups_most(l);
  const cl_int told[] = {[NC_BANK_FIRST] = first, [NC_BANK_END] = end, [NC_BANK_TURN] = turn};
  for (int i = first; i < end; i++) {
    const size_t *g = l->plan->step.at[i].global, items = g[0] * g[1] * g[2];
    if (items > groups[0]) groups[0] = items < most ? items : most;
  }
  cl_int err = 0;
  for (cl_uint i = 0; !err && i <= NC_BANK_TURN; i++) err = NC_CALL(cl, clSetKernelArg, (bank, i, sizeof *told, &told[i]));
  if (err) return nc_step_failed(l, d, first, "clSetKernelArg", err);
  err = NC_CALL(cl, clEnqueueNDRangeKernel, (queue, bank, 3, NULL, groups, one, 0, NULL, event));
  return !err || nc_step_failed(l, d, first, "clEnqueueNDRangeKernel", err);
}
