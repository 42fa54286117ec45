// nacre_report: the page around the sections.
#include "show/report.h"
#include <math.h>
#include <string.h>
#include "train/run.h"

static const char style[] =
  ":root{color-scheme:light dark;--paper:#fff;--back:#fafaf9;--card:#fff;--ink:#1c1917;--soft:#78716c;--line:#e7e5e4;--s0:#2563eb;--s1:#ea580c;"
  "--s2:#16a34a;--s3:#9333ea;--s4:#ca8a04;--s5:#0891b2;--s6:#db2777;--s7:#65a30d;--s8:#4f46e5;--s9:#78716c;--right:22 163 74;--wrong:220 38 38}\n"
  "@media(prefers-color-scheme:dark){:root{--paper:#d6d3d1;--back:#171615;--card:#211f1e;--ink:#ece9e6;--soft:#a8a29e;--line:#3b3836;--s0:#60a5fa;"
  "--s1:#fb923c;--s2:#4ade80;--s3:#c084fc;--s4:#facc15;--s5:#22d3ee;--s6:#f472b6;--s7:#a3e635;--s8:#818cf8;--s9:#a8a29e;"
  "--right:34 150 80;--wrong:210 60 60}}\n"
  "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,\"DejaVu Sans\",sans-serif}\n"
  "main{max-width:1000px;margin:0 auto;padding:24px 16px 64px}h1{margin:0;font-size:28px}h2{margin:0 0 12px;font-size:19px}\n"
  "h3{margin:20px 0 8px;font-size:15px}h4,h5,h6{margin:12px 0 6px}p{margin:8px 0}header p{color:var(--soft);margin:4px 0 16px}\n"
  "section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:16px 0}\n"
  "nav{margin:8px 0 4px;display:flex;flex-wrap:wrap;gap:4px 14px}a{color:var(--s0);text-decoration:none}a:hover{text-decoration:underline}\n"
  ".tiles{display:flex;flex-wrap:wrap;gap:10px}.tiles div{background:var(--card);border:1px solid var(--line);border-radius:10px;"
  "padding:10px 16px;min-width:110px}.tiles b{display:block;font-size:20px;font-variant-numeric:tabular-nums}"
  ".tiles span,.quiet{color:var(--soft);font-size:13px}\n"
  "table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums}th,td{padding:4px 10px;text-align:left;"
  "border-bottom:1px solid var(--line)}th{font-weight:600}.number{text-align:right;white-space:nowrap}.wide{overflow-x:auto}\n"
  ".confusion td,.confusion th{text-align:center;padding:5px 8px;border:1px solid var(--card)}.confusion td.right{background:rgb(var(--right)/var(--a))}"
  ".confusion td.wrong{background:rgb(var(--wrong)/var(--a))}.confusion .sum,.corner{color:var(--soft);font-weight:400}\n"
  ".weights td{vertical-align:middle}.weights td.number{font-size:12px;color:var(--soft)}.facts th{color:var(--soft);font-weight:400;"
  "white-space:nowrap}.facts td{overflow-wrap:anywhere}\n"
  ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:14px}.chart{width:100%;height:auto;max-width:560px}\n"
  ".chart text,.bars text{fill:var(--soft);font-size:11px}.chart .name{fill:var(--ink);font-size:13px;font-weight:600}.chart .axis{font-size:11.5px}\n"
  ".grid{stroke:var(--line);stroke-width:1}.diagonal{stroke:var(--soft);stroke-dasharray:4 4}.line{fill:none;stroke-width:1.8;"
  "stroke-linejoin:round}.bars{width:180px;height:56px}.plane{width:100%;max-width:480px;border-radius:8px}.spot{stroke:#fff;stroke-width:.5}\n"
  ".figures{display:flex;flex-wrap:wrap;gap:12px}figure{margin:0;width:104px}figcaption{font-size:12.5px;margin-top:3px}\n"
  ".pixels{width:104px;height:auto;image-rendering:pixelated;border-radius:4px;background:#888}.mosaic{image-rendering:pixelated;"
  "width:auto;min-width:320px;max-width:100%;height:auto;border-radius:6px}.filters{min-width:220px}\n"
  ".network{background:var(--paper);border-radius:8px;padding:8px;overflow:auto;max-height:1500px;text-align:center}.network svg>g>polygon:first-of-type{fill:none}.network svg{max-width:100%;height:auto}\n"
  "pre{background:var(--back);border:1px solid var(--line);border-radius:8px;padding:10px 12px;overflow:auto;font-size:12.5px;line-height:1.45}\n"
  ".line.c0{stroke:var(--s0)}.line.c1{stroke:var(--s1)}.c0{fill:var(--s0)}.c1{fill:var(--s1)}.c2{fill:var(--s2)}.c3{fill:var(--s3)}"
  ".c4{fill:var(--s4)}.c5{fill:var(--s5)}.c6{fill:var(--s6)}.c7{fill:var(--s7)}.c8{fill:var(--s8)}.c9{fill:var(--s9)}.line{fill:none!important}\n"
  "code{font-size:.93em}summary{cursor:pointer}.bad{color:rgb(var(--wrong))}.missing{color:var(--soft);font-style:italic}\n";

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
  nc_put(r->b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>");
  nc_html(r->b, title_of(r));
  nc_put(r->b, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
  nc_put(r->b, style);
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
