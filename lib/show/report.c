// nacre_report: the page around the sections.
#include "show/report.h"
#include <math.h>
#include <string.h>
#include "base/embed.h"
#include "train/run.h"

void nc_report_section(NcReport *r, const char *id, const char *title, bool (*f)(NcReport *r)) {
  NcBuf *page = r->b, own = NC_BUF(r->m->arena);
  NcDiag *d = r->m->diag;
  int messages = d->messages.n, errors = d->errors;
  r->b = &own;
  bool good = f(r);
  r->b = page;
  const char *why = !good && d->messages.n > messages ? d->messages.at[messages]->text : "it could not be made";
  if (own.n || !good) nc_putf(r->b, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
  if (!good) {
    nc_put(r->b, "<p class=\"missing\">Not shown: ");
    nc_html(r->b, why);
    nc_put(r->b, ".</p>\n");
  } else if (own.n) nc_putn(r->b, own.at, own.n);
  if (own.n || !good) nc_put(r->b, "</section>\n");
  nc_diag_forget(d, messages, errors);
}

static const struct { const char *id, *title; bool (*f)(NcReport *r); } sections[] = {
  {"curves", "Training", nc_report_curves},
  {"plane", "What it says where", nc_report_plane},
  {"classes", "Classes", nc_report_classes},
  {"values", "Predicted against true", nc_report_regression},
  {"samples", "What it makes", nc_report_samples},
  {"network", "Network", nc_report_network},
  {"filters", "Filters of the first convolution", nc_report_filters},
  {"weights", "Weights and gradients", nc_report_weights},
  {"environment", "Environment", nc_report_environment},
  {"card", "Model card", nc_report_card},
  {"source", "Source", nc_report_source},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void tile(NcReport *r, const char *name, const json_t *v) {
  if (!v) return;
  nc_put(r->b, "<div><b>");
  if (json_is_integer(v)) nc_put(r->b, nc_thousands(r->m->arena, json_integer_value(v)));
  else if (json_is_number(v)) nc_html_number(r->b, json_number_value(v));
  else nc_html(r->b, json_is_string(v) ? json_string_value(v) : "–");
  nc_put(r->b, "</b><span>");
  nc_html(r->b, name);
  nc_put(r->b, "</span></div>\n");
}

static const char *title_of(const NcReport *r) {
  const char *model = json_string_value(json_object_get(r->run, "model"));
  return model ? model : "run";
}

static void head(NcReport *r) {
  const char *split = json_string_value(json_object_get(r->run, "split")), *key;
  json_t *v;
  nc_put(r->b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
  nc_html(r->b, title_of(r));
  nc_put(r->b, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
  nc_put(r->b, nc_report_style[0].text);
  nc_put(r->b, "</style></head><body><main>\n<header><h1>");
  nc_html(r->b, title_of(r));
  nc_put(r->b, "</h1><p>");
  nc_html(r->b, r->dir);
  nc_put(r->b, "</p></header>\n<div class=\"tiles\">\n");
  json_object_foreach(json_object_get(r->run, "metrics"), key, v)
    tile(r, nc_sprintf(r->m->arena, "%s (%s)", key, split ? split : "train"), v);
  tile(r, "parameters", json_object_get(r->run, "parameters"));
  tile(r, "steps", json_object_get(r->run, "steps"));
  tile(r, "seconds", json_object_get(r->run, "seconds"));
  tile(r, "state", json_object_get(r->run, "state"));
  nc_put(r->b, "</div>\n");
}

// The part that nothing was fitted to, where there is one.
static void choose_part(NcReport *r) {
  static const char *const names[] = {"test", "valid", "train"};
  NacreModel *m = r->m;
  int messages = m->diag->messages.n, errors = m->diag->errors;
  bool good = m->program->recipe && nc_feed_data(m);
  for (int n = 0; good && n < 3 && !r->part; n++)
    for (int i = 0; i < m->splits; i++)
      if (strcmp(m->split[i].name, names[n]) == 0 && m->split[i].n) { r->part = &m->split[i]; break; }
  if (good && !r->part) r->part = nc_feed_split(m, "all");
  nc_put(r->b, "<p class=\"quiet\">");
  if (r->part) nc_putf(r->b, "Looked at: the part <b>%s</b> of the data, %lld examples.", r->part->name, (long long)r->part->n);
  else if (m->diag->messages.n > messages) {
    nc_put(r->b, "The data cannot be looked at: ");
    nc_html(r->b, m->diag->messages.at[messages]->text);
    nc_putc(r->b, '.');
  }
  nc_put(r->b, "</p>\n");
  nc_diag_forget(m->diag, messages, errors);
}

typedef struct { NacreWrite *write; void *ctx; } Page;

static bool report(NacreModel *m, void *arg) {
  const Page *q = arg;
  NcBuf page = NC_BUF(m->arena), body = NC_BUF(m->arena);
  NcReport r = {.m = m, .b = &page, .dir = m->run};
  if (!m->run) {
    nc_help(m->diag, nc_error(m->diag, NC_E0604, NC_NOWHERE, "a report is of a run directory, and `%s` is none", m->name),
            "`nacre train FILE --out DIR` makes one");
    return false;
  }
  json_t *run = r.run = nc_run_read(m->arena, m->diag, m->run);
  if (!run) return false;
  NcBuf text = NC_BUF(m->arena);
  r.b = &text;
  head(&r);
  choose_part(&r);
  r.b = &body;
  NcBuf links = NC_BUF(m->arena);
  for (int i = 0; i < SECTIONS; i++) {
    size_t before = body.n;
    nc_report_section(&r, sections[i].id, sections[i].title, sections[i].f);
    if (body.n > before) nc_putf(&links, "<a href=\"#%s\">%s</a>\n", sections[i].id, sections[i].title);
  }
  json_decref(run);
  nc_putf(&page, "%s<nav>%s</nav>\n", nc_buf_str(&text), nc_buf_str(&links));
  nc_putn(&page, body.n ? body.at : "", body.n);
  nc_putf(&page, "<p class=\"quiet\">Made by Nacre %s.</p>\n</main></body></html>\n", nacre_version());
  q->write(q->ctx, nc_buf_str(&page), page.n);
  return true;
}

NacreStatus nacre_report(NacreModel *m, NacreWrite *write, void *ctx) { return nc_guard_given(m, write, report, &(Page){write, ctx}); }
