// Device memory: what a session allocates, and the arenas that all its plans share.
//
// Only one plan runs at a time on the one in-order queue and an arena's contents are undefined between runs, so plans
// share arenas: the i-th arena of each plan lies in pool i, as large as the largest. A plan that needs more moves the
// pool; the other plans bind to it again before their next run.
#include "device/exec_internal.h"
#include <string.h>

bool nc_make_memory(NcExec *x, NcDiag *d, size_t bytes, const void *data, const char *what, NcMemory *out) {
  cl_int err = 0;
  size_t tail = x->seams.guard && !data ? NC_GUARD_BYTES : 0;
  cl_mem_flags flags = data ? CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR : CL_MEM_READ_WRITE;
  cl_mem mem = NC_MAKE(x->cl, &err, clCreateBuffer, (x->dev->context, flags, bytes + tail, (void *)data, &err));
  if (err) {
    nc_note(d, nc_cl_error(d, "clCreateBuffer", err), "for %s: %zu bytes, beside %zu that this session holds already",
            what, bytes, x->held);
    return false;
  }
  *out = (NcMemory){mem, bytes};
  x->held += bytes;
  return true;
}

void nc_drop_memory(NcExec *x, NcMemory *m) {
  if (!m->mem) return;
  x->cl->clReleaseMemObject(m->mem);
  x->held -= m->bytes;
  *m = (NcMemory){NULL, 0};
}

cl_mem nc_make_part(NcExec *x, NcDiag *d, cl_mem parent, size_t offset, size_t bytes, const char *what) {
  cl_int err = 0;
  cl_buffer_region region = {offset, bytes};
  cl_mem mem =
      NC_MAKE(x->cl, &err, clCreateSubBuffer, (parent, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &err));
  if (err) nc_note(d, nc_cl_error(d, "clCreateSubBuffer", err), "for %s: %zu bytes at %zu", what, bytes, offset);
  return err ? NULL : mem;
}

bool nc_fill(NcExec *x, NcDiag *d, cl_mem mem, uint8_t byte, size_t bytes) {
  uint32_t pattern = byte * 0x01010101u;
  cl_int err =
      NC_CALL(x->cl, clEnqueueFillBuffer, (x->queue, mem, &pattern, bytes % 4 ? 1 : 4, 0, bytes, 0, NULL, NULL));
  if (err) nc_note(d, nc_cl_error(d, "clEnqueueFillBuffer", err), "of %zu bytes", bytes);
  return !err;
}

// The three largest allocations of the plan, for a person who wonders what to make smaller.
static void largest(NcDiag *d, NcMessage *m, const NcPlan *p) {
  size_t below = SIZE_MAX;
  for (int shown = 0; shown < 3; shown++) {
    size_t most = 0;
    for (int i = 0; i < p->buf.n; i++)
      if (p->buf.at[i].parent < 0 && p->buf.at[i].bytes < below && p->buf.at[i].bytes > most) most = p->buf.at[i].bytes;
    if (!most) return;
    for (int i = 0; i < p->buf.n; i++)
      if (p->buf.at[i].parent < 0 && p->buf.at[i].bytes == most) {
        nc_note(d, m, "\"%s\" takes %s", p->buf.at[i].name, nc_bytes_str(d->arena, most));
        break;
      }
    below = most;
  }
}

// Bytes that loading would add to the session: arenas grow, variables that are there already cost nothing.
static size_t added(const NcExec *x, const NcPlan *p) {
  size_t sum = 0;
  int arena = 0;
  for (int i = 0; i < p->buf.n; i++) {
    const NcPlanBuf *b = &p->buf.at[i];
    if (b->parent >= 0) continue;
    if (b->kind == NC_BUF_ROOT_ARENA) {
      size_t have = arena < x->pool.n ? x->pool.at[arena].bytes : 0;
      arena++;
      sum += b->bytes > have ? b->bytes - have : 0;
    } else if (b->kind == NC_BUF_VAR) {
      sum += nc_map_get(&x->var_by_name, b->name) ? 0 : b->bytes;
    } else if (b->kind == NC_BUF_ROOT_VAR) {
      bool there = false;
      for (int r = 0; r < x->root.n; r++) there |= strcmp(x->root.at[r].name, b->name) == 0;
      sum += there ? 0 : b->bytes;
    } else {
      sum += b->bytes;
    }
  }
  return sum;
}

bool nc_fits(NcExec *x, NcDiag *d, const NcPlan *p) {
  const NcTarget *t = &x->dev->info.target;
  NcMessage *m = NULL;
  for (int i = 0; i < p->buf.n && !m; i++) {
    const NcPlanBuf *b = &p->buf.at[i];
    if (b->parent < 0 && b->bytes > t->max_alloc)
      m = nc_error(d, NC_E0504, NC_NOWHERE, "\"%s\" takes %s (%zu bytes); %s allocates at most %s (%zu bytes) at once",
                   b->name, nc_bytes_str(d->arena, b->bytes), b->bytes, x->dev->info.name, nc_bytes_str(d->arena, t->max_alloc),
                   t->max_alloc);
    else if (b->offset % t->align)
      m = nc_error(d, NC_E0504, NC_NOWHERE,
                   "\"%s\" lies at offset %zu, which %s does not allow: it wants multiples of %zu", b->name, b->offset,
                   x->dev->info.name, t->align);
    if (m && b->offset % t->align) {
      nc_help(d, m, "compile the plan for this device");
      return false;
    }
  }
  size_t need = added(x, p);
  if (!m && (need > t->memory || x->held > t->memory - need)) {
    m = nc_error(d, NC_E0504, NC_NOWHERE, "the plan needs %s (%zu bytes) and %s has %s (%zu bytes)",
                 nc_bytes_str(d->arena, need), need, x->dev->info.name, nc_bytes_str(d->arena, t->memory), t->memory);
    if (x->held) nc_note(d, m, "other plans of this session hold %s", nc_bytes_str(d->arena, x->held));
  }
  if (!m) return true;
  largest(d, m, p);
  nc_help(d, m, "make the batch smaller, or choose another device with --device (`nacre devices` lists them)");
  return false;
}

static bool resize(NcExec *x, NcDiag *d, NcMemory *m, size_t bytes, const char *what) {
  if (m->mem) {
    if (!nc_exec_finish(x, d)) return false;
    for (NcLoaded *l = x->loaded; l; l = l->next) nc_unbind(l);
    nc_drop_memory(x, m);
  }
  return nc_make_memory(x, d, bytes, NULL, what, m);
}

bool nc_pools(NcExec *x, NcDiag *d, const NcPlan *p) {
  int arena = 0;
  for (int i = 0; i < p->buf.n; i++) {
    if (p->buf.at[i].kind != NC_BUF_ROOT_ARENA) continue;
    if (arena == x->pool.n) *NC_PUSH(x->arena, x->pool) = (NcMemory){NULL, 0};
    NcMemory *pool = &x->pool.at[arena++];
    if (pool->bytes < p->buf.at[i].bytes && !resize(x, d, pool, p->buf.at[i].bytes, "the arena")) return false;
  }
  return true;
}

bool nc_workspace(NcExec *x, NcDiag *d, size_t bytes) {
  return x->workspace.bytes >= bytes || resize(x, d, &x->workspace, bytes, "the workspace of matrix products");
}
