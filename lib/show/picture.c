// The tree of items and the arrows between them; runs of equal items become one.
#include "show/picture.h"
#include <string.h>
#include "base/map.h"

NcPicture *nc_picture_new(NcArena *a, const char *title) {
  NcPicture *p = NC_NEW(a, NcPicture);
  *p = (NcPicture){.arena = a, .title = title, .seen = NC_MAP(a)};
  p->root = nc_picture_item(p, NULL, "", NULL, true);
  return p;
}

NcItem *nc_picture_item(NcPicture *p, NcItem *up, const char *name, const char *family, bool frame) {
  NcItem *i = NC_NEW(p->arena, NcItem);
  *i = (NcItem){.up = up, .name = name, .family = family, .frame = frame, .times = 1, .parts = 1};
  if (up) *NC_PUSH(p->arena, up->child) = i;
  return i;
}

void nc_picture_line(NcPicture *p, NcItem *i, const char *text) {
  if (text && *text) *NC_PUSH(p->arena, i->line) = text;
}

void nc_picture_arrow(NcPicture *p, NcItem *from, NcItem *to) {
  if (!from || !to || from == to) return;
  const char *key = nc_sprintf(p->arena, "%p %p", (void *)from, (void *)to);
  if (nc_map_get(&p->seen, key)) return;
  nc_map_set(&p->seen, key, p);
  *NC_PUSH(p->arena, p->arrow) = (NcArrow){.from = from, .to = to};
}

const char *nc_shape_text(NcArena *a, NcType t, int64_t batch) {
  NcBuf b = NC_BUF(a);
  if (t.dtype != NC_F32) nc_put(&b, nc_dtype_name(t.dtype));
  nc_putc(&b, '[');
  for (int i = 0; i < t.shape.rank; i++) {
    if (i) nc_put(&b, ", ");
    if (i == 0 && t.shape.dim[0] == batch) nc_putc(&b, 'B');
    else nc_putf(&b, "%lld", (long long)t.shape.dim[i]);
  }
  nc_putc(&b, ']');
  return nc_buf_str(&b);
}

// ---- bare operations that follow each other are one box

static int arrows_from(const NcPicture *p, const NcItem *i, const NcItem **to) {
  int n = 0;
  for (int k = 0; k < p->arrow.n; k++)
    if (p->arrow.at[k].from == i && !p->arrow.at[k].dropped) *to = p->arrow.at[k].to, n++;
  return n;
}

static void join(NcPicture *p, NcItem *a, NcItem *b) {
  enum { NAMED = 4 };
  b->parts += a->parts;
  b->name = b->parts <= NAMED ? nc_sprintf(p->arena, "%s, %s", a->name, b->name)
                              : nc_sprintf(p->arena, "%d operations", b->parts);
  a->into = b;
  for (int k = 0; k < p->arrow.n; k++) {
    NcArrow *x = &p->arrow.at[k];
    if (x->to == a) x->to = b;
    if (x->from == a) x->dropped = true;
  }
}

static void join_parts(NcPicture *p, NcItem *frame) {
  int n = 0;
  for (int i = 0; i < frame->child.n; i++) {
    NcItem *c = frame->child.at[i], *next = i + 1 < frame->child.n ? frame->child.at[i + 1] : NULL;
    const NcItem *to = NULL;
    if (c->frame) join_parts(p, c);
    if (c->part && next && next->part && arrows_from(p, c, &to) == 1 && to == next) join(p, c, next);
    else frame->child.at[n++] = c;
  }
  frame->child.n = n;
}

// ---- runs

static int number(NcPicture *p, NcItem *i, int n) {
  i->first = n;
  if (!i->frame) p->box[n++] = i;
  for (int k = 0; k < i->child.n; k++) n = number(p, i->child.at[k], n);
  return i->last = n;
}

static int count(const NcItem *i) {
  int n = !i->frame;
  for (int k = 0; k < i->child.n; k++) n += count(i->child.at[k]);
  return n;
}

static uint64_t hash_text(uint64_t h, const char *s) { return s ? nc_hash64(h, s, strlen(s) + 1) : nc_hash64(h, "", 1); }

static void hash(NcItem *i) {
  uint64_t h = hash_text(hash_text(hash_text((uint64_t)i->times, i->name), i->kind), i->family);
  for (int k = 0; k < i->line.n; k++) h = hash_text(h, i->line.at[k]);
  for (int k = 0; k < i->child.n; k++) h = nc_hash64(h, &i->child.at[k]->hash, sizeof(uint64_t));
  i->hash = h;
}

typedef struct { NcItem **at; int period, turns; } Run;

static int begin_of(const Run *r, int turn) { return r->at[turn * r->period]->first; }
static int end_of(const Run *r, int turn) { return r->at[(turn + 1) * r->period - 1]->last; }
static int turn_of(const Run *r, const NcItem *box) {
  for (int t = 0; t < r->turns; t++)
    if (box->first >= begin_of(r, t) && box->first < end_of(r, t)) return t;
  return -1;
}

static bool feeds_each_turn(const NcPicture *p, const Run *r, const NcItem *from) {
  unsigned long long fed = 0;
  for (int k = 0; k < p->arrow.n; k++) {
    const NcArrow *x = &p->arrow.at[k];
    int t = x->from == from && !x->dropped ? turn_of(r, x->to) : -1;
    if (t >= 0 && t < 64) fed |= 1ull << t;
  }
  return r->turns <= 64 && fed == (r->turns == 64 ? ~0ull : (1ull << r->turns) - 1);
}

// Each turn feeds the next one, only the last one what comes after, and what comes from elsewhere goes to all but the first.
static bool is_chain(const NcPicture *p, const Run *r) {
  int linked = 0, next = 0;
  for (int k = 0; k < p->arrow.n; k++) {
    const NcArrow *x = &p->arrow.at[k];
    bool aside = x->dropped || x->kind != NC_ARROW;
    int a = aside ? -1 : turn_of(r, x->from), b = aside ? -1 : turn_of(r, x->to);
    if (a >= 0 && b >= 0 && b != a && b != a + 1) return false;
    if (a >= 0 && b < 0 && a != r->turns - 1) return false;
    if (a < 0 && b > 0 && !feeds_each_turn(p, r, x->from)) return false;
  }
  for (next = 0; next + 1 < r->turns; next++)
    for (int k = 0; k < p->arrow.n; k++) {
      const NcArrow *x = &p->arrow.at[k];
      if (x->dropped || turn_of(r, x->from) != next || turn_of(r, x->to) != next + 1) continue;
      linked++;
      break;
    }
  return linked == r->turns - 1;
}

// The boxes of later turns are shown by those of the first, which has as many, in the same order.
static NcItem *fold_run(NcPicture *p, NcItem *frame, const Run *r) {
  int begin = begin_of(r, 0), end = end_of(r, r->turns - 1);
  for (int k = 0; k < p->arrow.n; k++) {
    NcArrow *x = &p->arrow.at[k];
    int a = turn_of(r, x->from), b = turn_of(r, x->to);
    x->dropped = x->dropped || (a >= 0 && b >= 0 && a != b);
  }
  for (int t = 1; t < r->turns; t++)
    for (int i = begin_of(r, t); i < end_of(r, t); i++) p->drawn[i] = p->box[begin + i - begin_of(r, t)];
  NcItem *shown = r->at[0];
  if (r->period > 1 || shown->times > 1) {
    shown = nc_picture_item(p, NULL, "", NULL, true);
    shown->up = frame;
    for (int i = 0; i < r->period; i++) {
      r->at[i]->up = shown;
      *NC_PUSH(p->arena, shown->child) = r->at[i];
    }
  }
  shown->times = r->turns;
  shown->first = begin;
  shown->last = end;
  hash(shown);
  return shown;
}

// The run that saves most boxes of those that begin at child i.
static Run best_run(const NcPicture *p, const NcItem *f, int i) {
  enum { LONGEST = 24 };
  Run best = {.turns = 1};
  int saved = 0;
  for (int period = 1; period <= LONGEST && i + 2 * period <= f->child.n; period++) {
    Run r = {.at = &f->child.at[i], .period = period, .turns = 1};
    for (int k = i + period; k + period <= f->child.n; k += period) {
      bool same = true;
      for (int j = 0; same && j < period; j++) same = f->child.at[k + j]->hash == f->child.at[i + j]->hash;
      if (!same) break;
      r.turns++;
    }
    int boxes = 0;
    for (int j = 0; j < period; j++) boxes += count(f->child.at[i + j]);
    const NcItem *one = f->child.at[i];
    bool named = period == 1 && !one->part && !one->family;      // a layer of the user's own
    int saves = (r.turns - 1) * boxes;
    if (r.turns > 1 && saves > saved && (saves > 2 || named) && is_chain(p, &r)) best = r, saved = saves;
  }
  return best;
}

static void fold(NcPicture *p, NcItem *f) {
  for (int i = 0; i < f->child.n; i++) {
    if (f->child.at[i]->frame) fold(p, f->child.at[i]);
    hash(f->child.at[i]);
  }
  NC_VEC(NcItem *) kept = {0};
  for (int i = 0; i < f->child.n;) {
    Run r = best_run(p, f, i);
    *NC_PUSH(p->arena, kept) = r.turns > 1 ? fold_run(p, f, &r) : f->child.at[i];
    i += r.turns > 1 ? r.turns * r.period : 1;
  }
  for (int i = 0; i < kept.n; i++) f->child.at[i] = kept.at[i];
  f->child.n = kept.n;
}

static NcItem *shows(const NcPicture *p, NcItem *i) {
  while (p->drawn[i->first] != i) i = p->drawn[i->first];
  return i;
}

void nc_picture_fold(NcPicture *p) {
  join_parts(p, p->root);
  int n = count(p->root);
  p->box = NC_NEW_N(p->arena, NcItem *, n + 1);
  p->drawn = NC_NEW_N(p->arena, NcItem *, n + 1);
  number(p, p->root, 0);
  for (int i = 0; i < n; i++) p->drawn[i] = p->box[i];
  fold(p, p->root);
  p->boxes = count(p->root);
  NcMap seen = NC_MAP(p->arena);
  for (int k = 0; k < p->arrow.n; k++) {      // arrows that became equal are one
    NcArrow *x = &p->arrow.at[k];
    if (x->dropped) continue;
    x->from = shows(p, x->from);
    x->to = shows(p, x->to);
    const char *key = nc_sprintf(p->arena, "%d %d", x->from->first, x->to->first);
    x->dropped = x->from == x->to || nc_map_get(&seen, key);
    nc_map_set(&seen, key, p);
    p->arrows += !x->dropped;
  }
}
