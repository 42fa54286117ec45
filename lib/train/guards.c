// What a person should know before waiting for a training: of the data, and of the loss that it begins with.
#include <math.h>
#include <string.h>
#include "train/walk.h"

// Warnings are told at once, while they still help; without anybody to tell, they stay for nacre_message.
static void tell(NcWalk *l) {
  NacreModel *m = l->m;
  if (!m->diag->messages.n || m->diag->errors || !l->o->progress) return;
  NcBuf b = NC_BUF(m->arena);
  if (m->o.json) nc_diag_json(m->diag, &b);
  else nc_diag_render(m->diag, &b, m->o.color);
  NacreProgress p = {.phase = "warning", .text = nc_buf_str(&b), .falls = -1};
  nc_diag_forget(m->diag, 0, 0);
  nc_walk_tell(l, &p);
}

bool nc_guard_data(NcWalk *l) {
  NacreModel *m = l->m;
  if (l->o->resume) return true;           // it was told when the run began
  NcUse *use = NC_NEW_N(m->arena, NcUse, m->data->fields);
  nc_field_uses(m, use);
  if (!nc_data_guard(m->diag, m->data, m->split, m->splits, use, l->recipe->balance != NULL)) return false;
  tell(l);
  return true;
}

// The loss of a network that knows nothing, and what makes it so; 0 where it is not known.
static double ignorant(const NacreModel *m, const char **why) {
  const char *loss = m->program->recipe->loss;
  if (loss && strcmp(loss, "bce_logits") == 0) {
    *why = "ln 2";
    return log(2);
  }
  const NcNode *out = m->program->predict ? nc_graph_find_output(m->program->predict, "output") : NULL;
  int rank = out ? out->type.shape.rank : 0;
  if (!loss || strcmp(loss, "cross_entropy") != 0 || rank < 2) return 0;
  long long classes = out->type.shape.dim[rank - 1];
  *why = nc_sprintf(m->arena, "ln %lld", classes);
  return log((double)classes);
}

void nc_guard_loss(NcWalk *l, double loss) {
  NacreModel *m = l->m;
  const char *why = "";
  double expected = ignorant(m, &why);
  bool loaded = false;                     // what was trained before may well know something
  for (int i = 0; i < m->program->variable.n; i++) loaded = loaded || m->program->variable.at[i].from;
  bool high = loss > 3 * expected, low = loss < expected / 4;
  if (l->o->resume || expected <= 0 || loaded || (!high && !low)) return;
  NcMessage *w = nc_warn(m->diag, NC_E0607, NC_NOWHERE, "the first loss is %.3g; a network that knows nothing has %s = %.3g", loss, why,
                         expected);
  nc_help(m->diag, w, high ? "it begins by being sure of what is wrong: scale the inputs (bytes by 255, columns to deviations of about 1), or "
                             "start the last layer smaller"
                           : "it knows too much: is the answer among the inputs, or the loss averaged over places that do not count?");
  tell(l);
}
