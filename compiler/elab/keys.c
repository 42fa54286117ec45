// The settings of a train block, of its stages and of its steps: which there are, where each may stand, and what is
// missing.
#include "elab/recipe.h"
#include <string.h>

enum { IN_TRAIN = 1, IN_STAGE = 2, IN_STEP = 4 };
enum { NOT_HERE = -1 };
typedef struct { const char *name; int where; long train, part; } KeyRow;   // where in NcTrainKeys, in NcTrainPart
#define TRAIN(k) {#k, IN_TRAIN, offsetof(NcTrainKeys, k), NOT_HERE}
#define BOTH(k, where) {#k, IN_TRAIN | (where), offsetof(NcTrainKeys, k), offsetof(NcTrainPart, k)}
static const KeyRow key_rows[] = {
  BOTH(loss, IN_STEP), BOTH(optimizer, IN_STAGE | IN_STEP), BOTH(only, IN_STAGE | IN_STEP), BOTH(epochs, IN_STAGE),
  BOTH(steps, IN_STAGE), BOTH(patience, IN_STAGE), TRAIN(metrics), TRAIN(log), TRAIN(keep), TRAIN(batch), TRAIN(accumulate),
  TRAIN(recompute), TRAIN(ema), TRAIN(checkpoint), TRAIN(seed),
};
enum { KEYS = sizeof key_rows / sizeof *key_rows };
static const char *const later[] = {"precision"};

// Settings that people look for in `train` although they belong elsewhere. set: for --set, what stands before the value.
static const struct { const char *name, *help, *set; } elsewhere[] = {
  {"learning_rate", "it belongs to the optimizer: `optimizer = adam(1e-3)`", "adam("},
  {"lr", "it belongs to the optimizer: `optimizer = adam(1e-3)`", "adam("},
  {"momentum", "it belongs to the optimizer: `optimizer = sgd(0.1, momentum = 0.9)`", "sgd(0.1, momentum = "},
  {"weight_decay", "it belongs to the optimizer: `optimizer = adamw(1e-3, weight_decay = 0.01)`",
   "adamw(1e-3, weight_decay = "},
  {"betas", "they belong to the optimizer: `optimizer = adam(1e-3, betas = (0.9, 0.999))`", "adam(1e-3, betas = "},
  {"clip", "it belongs to the optimizer: `optimizer = adam(1e-3, clip = 1.0)`", "adam(1e-3, clip = "},
  {"split", "it belongs to `data`: `split = (train = 0.9, valid = 0.1)`", NULL},
  {"source", "it belongs to `data`", NULL},
  {"metric", "did you mean `metrics = […]`?", NULL},
};

const char *nc_train_set_help(NcElab *e, const NcSet *s) {
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (elsewhere[i].set && strncmp(s->path, "train.", 6) == 0 && strcmp(s->path + 6, elsewhere[i].name) == 0)
      return nc_sprintf(e->arena, "it belongs to the optimizer: `--set 'train.optimizer=%s%s)'`", elsewhere[i].set, s->value);
  return NULL;
}

static const char *block_word(int where) { return where == IN_TRAIN ? "train" : where == IN_STAGE ? "stage" : "step"; }

static bool unknown_key(NcElab *e, const NcStmt *s, int where) {
  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    if (strcmp(later[i], s->name.s) == 0) {
      nc_elab_error(e, NC_E0110, s->name.at, "the setting `%s` is not supported yet", s->name.s);
      return false;
    }
  NcMessage *m = nc_elab_error(e, NC_E0311, s->name.at, "`%s` has no setting `%s`", block_word(where), s->name.s);
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (strcmp(elsewhere[i].name, s->name.s) == 0) {
      nc_help(e->diag, m, "%s", elsewhere[i].help);
      return false;
    }
  const char *names[KEYS];
  int n = 0;
  for (int i = 0; i < KEYS; i++) {
    if (key_rows[i].where & where) names[n++] = key_rows[i].name;
    else if (strcmp(key_rows[i].name, s->name.s) == 0) {
      nc_help(e->diag, m, "it stands in `train` itself, for all its %ss", block_word(where));
      return false;
    }
  }
  nc_suggest(e, m, s->name.s, names, n);
  return false;
}

// Where the value of a setting is kept; NULL when the block has no such setting.
static const NcExpr **slot(NcTrainKeys *k, NcTrainPart *part, const char *name, int where) {
  for (int i = 0; i < KEYS; i++) {
    if (!(key_rows[i].where & where) || strcmp(key_rows[i].name, name) != 0) continue;
    return (const NcExpr **)(part ? (char *)part + key_rows[i].part : (char *)k + key_rows[i].train);
  }
  return NULL;
}

static bool key(NcElab *e, NcTrainKeys *k, NcTrainPart *part, const NcStmt *s, int where) {
  const NcExpr **p = slot(k, part, s->name.s, where);
  if (!p) return unknown_key(e, s, where);
  if (*p) return nc_elab_error(e, NC_E0302, s->name.at, "`%s` is set twice", s->name.s) == NULL;
  *p = s->e;
  return true;
}

// --set train.batch=32, --set train.warm.epochs=3
static void take_sets(NcElab *e, NcTrainKeys *k, NcTrainPart *part, int where) {
  for (int i = 0; i < KEYS; i++) {
    const KeyRow *r = &key_rows[i];
    if (!(r->where & where)) continue;
    const char *path = nc_sprintf(e->arena, "train.%s%s%s", part ? part->name : "", part ? "." : "", r->name);
    *NC_PUSH(e->arena, e->set_known) = path;
    const NcExpr *set = nc_set_for(e, path, false);
    if (set) *slot(k, part, r->name, where) = set;
  }
}

static bool part(NcElab *e, NcTrainKeys *k, const NcStmt *s) {
  int where = s->kind == NC_S_STAGE ? IN_STAGE : IN_STEP;
  NcTrainPart p = {.at = s, .name = s->name.s};
  bool ok = s->body && s->name.s;
  for (int i = 0; i < k->part.n; i++) {
    const NcTrainPart *old = &k->part.at[i];
    if (old->at->kind != s->kind) {
      NcMessage *m = nc_elab_error(e, NC_E0306, s->at, "a `train` has stages or steps, not both");
      nc_elab_label(e, m, old->at->name.at, "here is the first one");
      nc_help(e->diag, m, "stages follow one another; steps are taken in turn, on every batch");
      return false;
    }
    if (ok && strcmp(old->name, p.name) == 0)
      return nc_elab_error(e, NC_E0302, s->name.at, "there are two called `%s`", p.name) == NULL;
  }
  for (int i = 0; ok && i < s->body->stmt.n; i++) {
    const NcStmt *t = s->body->stmt.at[i];
    if (t->kind == NC_S_KEY) ok = key(e, k, &p, t, where) && ok;
    else if (t->kind == NC_S_LET && where == IN_STAGE) {
      nc_help(e->diag, nc_elab_error(e, NC_E0306, t->at, "`let` stands in `train` itself, or in a step"),
              "all stages have one loss, and it stands in `train`");
      ok = false;
    } else if (t->kind != NC_S_LET) ok = false;   // told by the parser
  }
  if (!s->name.s) return false;
  p.broken = !ok;
  take_sets(e, k, &p, where);
  k->stages = where == IN_STAGE;
  k->steps_in_turn = where == IN_STEP;
  *NC_PUSH(e->arena, k->part) = p;
  return ok;
}

// ---- what is missing, or does not go together

static bool missing(NcElab *e, NcRange at, const char *of, const char *what, const char *help) {
  nc_help(e->diag, nc_elab_error(e, NC_E0310, at, "%s %s", of, what), "%s", help);
  return false;
}

static bool misplaced(NcElab *e, const NcExpr *x, const char *name, const char *word) {
  NcMessage *m = nc_elab_error(e, NC_E0306, x->at, "`%s` stands in each %s here, not in `train`", name, word);
  nc_help(e->diag, m, "a `train` with stages is as long as they are together");
  return false;
}

static bool complete_part(NcElab *e, const NcTrainKeys *k, const NcTrainPart *p) {
  NcRange at = p->at ? p->at->name.at : k->decl->at;
  const char *of = p->at ? nc_sprintf(e->arena, "the %s `%s`", nc_stmt_word(p->at->kind), p->name)
                         : nc_sprintf(e->arena, "`train %s`", k->decl->name.s);
  bool ok = true;
  if (!p->loss)
    ok = missing(e, at, of, "has no loss", nc_sprintf(e->arena, "for example `loss = cross_entropy(%s(x), label)`",
                                                      k->decl->name.s));
  if (!p->optimizer) ok = missing(e, at, of, "has no optimizer", "for example `optimizer = adam(1e-3)`");
  if (!p->epochs && !p->steps)
    ok = missing(e, at, of, "does not say how long", "for example `epochs = 10`, or `steps = 5000`");
  return ok;
}

static void inherit(const NcExpr **own, const NcExpr *outer) {
  if (!*own) *own = outer;
}

bool nc_train_keys(NcElab *e, const NcDecl *d, NcTrainKeys *out) {
  *out = (NcTrainKeys){.decl = d};
  bool ok = true;
  for (int i = 0; i < d->body->stmt.n; i++) {
    const NcStmt *s = d->body->stmt.at[i];
    if (s->kind == NC_S_KEY) ok = key(e, out, NULL, s, IN_TRAIN) && ok;
    else if (s->kind == NC_S_STAGE || s->kind == NC_S_STEP) ok = part(e, out, s) && ok;
    else if (s->kind != NC_S_LET) ok = false;
  }
  take_sets(e, out, NULL, IN_TRAIN);
  if (out->stages && out->epochs) ok = misplaced(e, out->epochs, "epochs", "stage");
  if (out->stages && out->steps) ok = misplaced(e, out->steps, "steps", "stage");
  if (!out->part.n) *NC_PUSH(e->arena, out->part) = (NcTrainPart){0};
  for (int i = 0; i < out->part.n; i++) {
    NcTrainPart *p = &out->part.at[i];
    inherit(&p->loss, out->loss);
    inherit(&p->optimizer, out->optimizer);
    inherit(&p->only, out->only);
    inherit(&p->patience, out->patience);
    if (!out->stages) p->epochs = out->epochs, p->steps = out->steps;
    if (!p->broken) ok = complete_part(e, out, p) && ok;
  }
  return ok;
}
