// README.md of a run: a model card as model hubs read them, a head in YAML and prose below. Numbers are filled in, judgement
// is left to people as visible TODOs.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "train/run.h"

// YAML takes a JSON text as it is; of numbers it wants a point before an exponent.
static void put_number(NcBuf *b, double v) {
  char s[40];
  snprintf(s, sizeof s, "%.6g", v);
  char *e = strchr(s, 'e');
  if (!isfinite(v)) nc_put(b, v > 0 ? ".inf" : v < 0 ? "-.inf" : ".nan");
  else if (e && !strchr(s, '.')) nc_putf(b, "%.*s.0%s", (int)(e - s), s, e);
  else nc_put(b, s);
}

static const char *part(const NacreProgress *p) { return strcmp(p->phase, "train") == 0 ? "training" : "validation"; }

static void head(NacreModel *m, NcBuf *b, const NacreProgress *p) {
  const NcRecipe *c = m->program->recipe;
  nc_put(b, "---\nlibrary_name: nacre\ntags:\n- nacre\nmodel-index:\n- name: ");
  nc_put_json(b, c->name);
  nc_put(b, "\n  results:\n  - task:\n      type: other\n    dataset:\n      name: ");
  nc_put_json(b, c->data);
  nc_put(b, "\n      type: ");
  nc_put_json(b, c->source->kind);
  nc_putf(b, "\n      split: %s\n    metrics:\n", part(p));
  for (int i = 0; i < p->metrics; i++) {
    nc_put(b, "    - type: ");
    nc_put_json(b, p->metric[i].name);
    nc_put(b, "\n      value: ");
    put_number(b, p->metric[i].value);
    nc_putc(b, '\n');
  }
  nc_put(b, "---\n\n");
}

static void numbers(NacreModel *m, const NcRun *r, NcBuf *b, const NacreProgress *p) {
  const NcRecipe *c = m->program->recipe;
  const NcDeviceInfo *d = nc_device_info(m->device);
  int64_t params = 0;
  for (int i = 0; i < m->program->variable.n; i++)
    if (strcmp(m->program->variable.at[i].kind, "param") == 0) params += nc_count(m->program->variable.at[i].type.shape);
  nc_putf(b, "| metric (%s) | value |\n|---|---|\n", part(p));
  for (int i = 0; i < p->metrics; i++) nc_putf(b, "| %s | %.6g |\n", p->metric[i].name, p->metric[i].value);
  nc_putf(b, "\n## Training\n\n| | |\n|---|---|\n| parameters | %lld |\n| steps | %lld of %lld |\n| batch | %lld |\n| seed | %llu |\n",
          (long long)params, (long long)p->step, (long long)p->steps, (long long)(m->program->batch * (m->parts ? m->parts : 1)), (unsigned long long)c->seed);
  for (int i = 0; i < m->o.sets; i++) nc_putf(b, "| set | `%s` |\n", m->o.set[i]);
  nc_putf(b, "| device | %s, %s |\n| time | %.1f s |\n| begun | %s |\n", d->name, d->driver, r->before + nc_now() - r->started, r->created);
  nc_putf(b, "\n## Data\n\n%lld examples of `%s`", (long long)m->data->n, c->source->kind);
  for (int i = 0; i < c->split.n; i++) {
    const NcSplitPart *s = &c->split.at[i];
    nc_putf(b, s->count ? "%s %s %.0f" : "%s %s %g %%", i ? "," : ":", s->name, s->count ? (double)s->count : 100 * s->fraction);
  }
  nc_put(b, ".\n");
  for (int i = 0; i < r->files; i++)
    nc_putf(b, "%s| `%s` | %lld bytes | sha256 `%s` |\n", i ? "" : "\n| file | size | check sum |\n|---|---|---|\n", r->file[i].path,
            (long long)r->file[i].bytes, r->file[i].sha256);
}

bool nc_run_card(NacreModel *m, const NcRun *r, const NacreProgress *p) {
  NcBuf b = NC_BUF(m->arena);
  head(m, &b, p);
  nc_putf(&b, "# %s\n\nTrained by Nacre %s from `model.nn`.\n\n", m->program->recipe->name, nacre_version());
  numbers(m, r, &b, p);
  nc_put(&b, "\n## Use\n\n    nacre eval .\n    nacre predict . INPUT\n\n## Intended use\n\nTODO: who should use this, and for what?\n\n"
             "## Limits\n\nTODO: on what data does it fail?\n");
  return nc_write_file(m->diag, nc_run_path(m, r, "README.md"), nc_buf_str(&b), b.n);
}
