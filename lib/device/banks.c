#include "device/banks.h"
#include "base/embed.h"
#include "base/map.h"
#include <string.h>

enum { ITEMS_MOST = 1 << 30 };       // of a step, which a bank counts as int

typedef struct {
  const char *name;
  bool hidden;             // with NC_BANKS it is there as a function only
  bool function, scratch;  // which a bank can call; and is given scratch memory
  const NcStep *step;      // one that runs it; NULL: none does
  NcEntry entry;
} Kernel;

typedef struct { const char *text; size_t n; int first, kernels; } Piece;

typedef struct {
  NcArena *arena;
  const NcPlan *plan;
  NC_VEC(Kernel) kernel;
  NC_VEC(Piece) piece;
  NcMap number;            // name → number of the kernel + 1
  const char *head;
  size_t head_size;
} Cut;

static bool is_made(const char *line) { return strncmp(line, NC_PLAN_MADE, strlen(NC_PLAN_MADE)) == 0; }

static const char *next_line(const char *s) {
  s += strcspn(s, "\n");
  return *s ? s + 1 : s;
}

static void add_kernel(Cut *c, const char *line) {
  const char *name = line + strlen(NC_PLAN_MADE);
  size_t n = strcspn(name, " \n");
  const char *form = name[n] == ' ' ? name + n + 1 : "";
  bool group = strncmp(form, "group", 5) == 0;
  Kernel *k = NC_PUSH(c->arena, c->kernel);
  *k = (Kernel){.name = nc_strndup(c->arena, name, n), .scratch = group, .entry = {.kernel = nc_strndup(c->arena, name, n), .which = -1}};
  k->hidden = k->function = group || strncmp(form, "item", 4) == 0;
  nc_map_set(&c->number, k->name, (void *)(uintptr_t)c->kernel.n);
}

// Head and pieces; a piece ends with the lines that say what it made. Text behind the last of them belongs to no kernel.
static bool read_pieces(Cut *c) {
  const char *s = c->plan->program, *kernels = s ? strstr(s, NC_PLAN_KERNELS "\n") : NULL;
  if (!kernels) return false;
  c->head = s;
  c->head_size = (size_t)(kernels - s);
  for (const char *begin = next_line(kernels); *begin;) {
    const char *end = begin;
    while (*end && !is_made(end)) end = next_line(end);
    if (!*end) break;
    Piece *p = NC_PUSH(c->arena, c->piece);
    *p = (Piece){.text = begin, .first = c->kernel.n};
    for (; is_made(end); end = next_line(end), p->kernels++) add_kernel(c, end);
    p->n = (size_t)(end - begin);
    begin = end;
  }
  return c->piece.n > 0;
}

static Kernel *find(const Cut *c, const NcStep *s) {
  uintptr_t i = s->kernel ? (uintptr_t)nc_map_get(&c->number, s->kernel) : 0;
  return i ? &c->kernel.at[i - 1] : NULL;
}

// What the steps say of the kernels that they run. False where one is not in the text.
static bool read_steps(Cut *c) {
  for (int i = 0; i < c->plan->step.n; i++) {
    const NcStep *s = &c->plan->step.at[i];
    Kernel *k = find(c, s);
    if (s->kind != NC_STEP_KERNEL) continue;
    if (!k) return false;
    k->function = k->function && (!k->step || k->step->nargs == s->nargs);
    size_t items = 1;
    for (int d = 0; d < 3; d++) {
      k->function = k->function && s->local[d] == 1 && s->global[d] <= ITEMS_MOST / items;
      items *= s->global[d];
    }
    for (int j = 0; j < s->nargs; j++) {
      NcArgKind kind = s->args[j].kind;
      k->function = k->function && kind != NC_ARG_LOCAL && kind != NC_ARG_FLOAT &&
                    (!k->step || (k->step->args[j].kind == NC_ARG_BUF) == (kind == NC_ARG_BUF));
    }
    k->step = s;
  }
  return true;
}

static void write_call(NcBuf *b, const Kernel *k) {
  nc_putf(b, "          case %d: %s_%s(%s", k->entry.which, k->name, k->scratch ? "group" : "item",
          k->scratch ? "x_, y_, z_, (__local float *)&scratch_" : "x_");
  for (int i = 0; i < k->step->nargs; i++) {
    switch (k->step->args[i].kind) {
    case NC_ARG_BUF: nc_putf(b, ", (__global void *)a_[%d]", i); break;
    case NC_ARG_TURN: nc_put(b, ", turn_"); break;
    default: nc_putf(b, ", (int)a_[%d]", i);
    }
  }
  nc_put(b, "); break;\n");
}

// Their scratch memory lies in one place, as only one of them runs in a group.
static void write_scratch(NcBuf *b, Kernel *const *k, int n) {
  bool any = false;
  for (int i = 0; i < n; i++) {
    if (!k[i]->scratch) continue;
    if (!any) nc_put(b, "  __local union {\n");
    any = true;
    nc_putf(b, "    float s%d[%s_scratch];\n", i, k[i]->name);
  }
  if (any) nc_put(b, "  } __attribute__((aligned(64))) scratch_;\n");
}

static const char *bank_text(void) {
  for (const NcEmbedded *f = nc_kernel_files; f->name; f++)
    if (strcmp(f->name, "bank.cl") == 0) return f->text;
  return "";
}

// The text up to the line that says `mark`; *text is what follows that line.
static void write_until(NcBuf *b, const char **text, const char *mark) {
  const char *at = strstr(*text, mark);
  while (at > *text && at[-1] != '\n') at--;
  nc_putn(b, *text, (size_t)(at - *text));
  *text = next_line(at);
}

static void write_bank(NcBuf *b, Kernel *const *k, int n) {
  const char *text = bank_text();
  nc_putf(b, "#define NC_BANK_ROW %d\n", NC_BANK_ROW);
  write_until(b, &text, "// SCRATCH");
  write_scratch(b, k, n);
  write_until(b, &text, "// CASES");
  for (int i = 0; i < n; i++) {
    k[i]->entry = (NcEntry){NC_BANK_NAME, k[i]->entry.part, i};
    write_call(b, k[i]);
  }
  nc_put(b, text);
}

// The text of a part: pieces from `from` to before `to`, and the banks of their kernels.
static const char *write_part(Cut *c, int part, int from, int to, bool banks, bool *bank) {
  NcBuf b = NC_BUF(c->arena);
  NC_VEC(Kernel *) in = {0};
  if (banks) nc_put(&b, "#define NC_BANKS\n");
  nc_putn(&b, c->head, c->head_size);
  for (int i = from; i < to; i++) {
    const Piece *p = &c->piece.at[i];
    nc_putn(&b, p->text, p->n);
    for (int j = p->first; j < p->first + p->kernels; j++) {
      Kernel *k = &c->kernel.at[j];
      k->entry.part = part;
      if (banks && k->function && k->step) *NC_PUSH(c->arena, in) = k;
    }
  }
  *bank = in.n > 0;
  if (in.n) write_bank(&b, in.at, in.n);
  return nc_buf_str(&b);
}

// A kernel that the text leaves out though no bank can call it: the compiler makes no such plan, so those run as they are.
static bool all_callable(const Cut *c) {
  for (int i = 0; i < c->kernel.n; i++)
    if (c->kernel.at[i].step && c->kernel.at[i].hidden && !c->kernel.at[i].function) return false;
  return true;
}

static NcParts *whole(NcArena *a, const NcPlan *p) {
  NcParts *x = NC_NEW(a, NcParts);
  *x = (NcParts){.arena = a, .parts = 1, .text = NC_NEW_N(a, const char *, 1), .bank = NC_NEW_N(a, bool, 1),
                  .entry = NC_NEW_N(a, NcEntry, p->step.n + 1)};
  x->text[0] = p->program;
  for (int i = 0; i < p->step.n; i++) x->entry[i] = (NcEntry){.kernel = p->step.at[i].kernel, .which = -1};
  return x;
}

NcParts *nc_parts_cut(NcArena *a, const NcPlan *p, int parts, bool banks) {
  Cut c = {.arena = a, .plan = p, .number = NC_MAP(a)};
  if ((parts <= 1 && !banks) || !read_pieces(&c) || !read_steps(&c) || (banks && !all_callable(&c))) return whole(a, p);
  size_t left = 0;
  for (int i = 0; i < c.piece.n; i++) left += c.piece.at[i].n;
  if (parts > c.piece.n) parts = c.piece.n;
  NcParts *x = NC_NEW(a, NcParts);
  *x = (NcParts){.arena = a, .parts = parts, .text = NC_NEW_N(a, const char *, parts), .bank = NC_NEW_N(a, bool, parts),
                  .entry = NC_NEW_N(a, NcEntry, p->step.n + 1)};
  for (int i = 0, from = 0; i < parts; i++) {
    size_t size = 0, share = left / (size_t)(parts - i);
    int to = from;
    const int most = c.piece.n - (parts - 1 - i);      // one at least for each of the others
    while (to < most && (to == from || i == parts - 1 || size + c.piece.at[to].n / 2 < share)) size += c.piece.at[to++].n;
    x->text[i] = write_part(&c, i, from, to, banks, &x->bank[i]);
    left -= size;
    from = to;
  }
  for (int i = 0; i < p->step.n; i++)
    if (p->step.at[i].kind == NC_STEP_KERNEL) x->entry[i] = find(&c, &p->step.at[i])->entry;
  return x;
}
