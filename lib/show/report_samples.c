// What a generative network makes: the tasks of the file that need nothing handed in, run once; and texts, gone on with.
#include <string.h>
#include "show/report.h"
#include "train/tokens.h"

// Every hyperparameter has a default, and what else it takes is at most one text to go on with.
static bool runs_alone(const NcTask *t, bool *prompt) {
  const NcDecl *d = t->decl;
  for (int i = 0; i < d->hyper.n; i++)
    if (!d->hyper.at[i].value) return false;
  *prompt = d->tensor.n == 1 && t->decode.n == 1;
  return d->tensor.n == 0 || *prompt;
}

static void put_text(NcReport *r, const char *text) {
  nc_put(r->b, "<pre class=\"sample\">");
  nc_html(r->b, text);
  nc_put(r->b, "</pre>\n");
}

static bool run_one(NcReport *r, const NcTask *t, bool prompt) {
  NacreModel *m = r->m;
  NacreArgument start = {prompt ? t->decl->tensor.at[0].name.s : NULL, "\n"};
  int n;
  const NacreOutput *out;
  if (!nc_task_run(m, t->name, &(NacreRun){.args = prompt, .arg = &start}, &n, &out)) return false;
  size_t before = r->b->n;
  for (int i = 0; i < n; i++) {
    const char *text = nc_tokens_text(m, &out[i]);
    if (!text && !nc_output_is_images(&out[i])) continue;
    if (r->b->n == before) {
      nc_put(r->b, "<h3>");
      nc_html(r->b, t->name);
      nc_put(r->b, "</h3>\n");
      if (t->decl->doc) nc_put(r->b, "<p>"), nc_html(r->b, t->decl->doc), nc_put(r->b, "</p>\n");
    }
    if (text) put_text(r, text);
    else nc_report_put_mosaic(r, &out[i], "mosaic", t->name);
  }
  return true;
}

bool nc_report_samples(NcReport *r) {
  for (int i = 0; i < r->m->program->task.n; i++) {
    const NcTask *t = &r->m->program->task.at[i];
    bool prompt;
    if (!runs_alone(t, &prompt)) continue;
    int messages = r->m->diag->messages.n, errors = r->m->diag->errors;
    if (!run_one(r, t, prompt)) nc_diag_forget(r->m->diag, messages, errors);      // a task may need what only its user knows
  }
  return true;
}
