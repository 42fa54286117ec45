// A folded picture as DOT, Graphviz's language, and as JSON.
#include <string.h>
#include "show/html.h"
#include "show/picture.h"

// Fill and outline by what a layer is for. Pale, so that black text stands on them in light and dark pages alike.
typedef struct { const char *family, *fill, *line; } Colour;
static const Colour colours[] = {
  {"conv", "#d6e6fb", "#5b8bc9"},        {"dense", "#d9efdb", "#5f9e68"},       {"attention", "#e9dcf6", "#8d68b8"},
  {"norm", "#fbf1cd", "#bf9d3c"},        {"activations", "#fde3dc", "#cf7d66"}, {"pool", "#fbe2c8", "#c98a45"},
  {"resize", "#fbe2c8", "#c98a45"},      {"recurrent", "#d3efee", "#4f9c99"},   {"blocks", "#e9dcf6", "#8d68b8"},
  {"regularise", "#eeeeee", "#8f8f8f"},  {"input", "#ffffff", "#6b6b6b"},       {"part", "#f4f4f4", "#a0a0a0"},
};
static const Colour own = {NULL, "#e8ebf7", "#6f7cb5"};

static const Colour *colour_of(const char *family) {
  for (size_t i = 0; family && i < sizeof colours / sizeof *colours; i++)
    if (strcmp(colours[i].family, family) == 0) return &colours[i];
  return &own;
}

// DOT's own quoted text, which knows no escape but that of the quote.
static void put_quoted(NcBuf *b, const char *s) {
  nc_putc(b, '"');
  for (; *s; s++) {
    if (*s == '"') nc_putc(b, '\\');
    nc_putc(b, *s == '\\' || (unsigned char)*s < ' ' ? ' ' : *s);
  }
  nc_putc(b, '"');
}

static void put_name(NcBuf *b, const NcItem *i, bool bold) {
  if (*i->name) {
    nc_put(b, bold ? "<b>" : "");
    nc_html(b, i->name);
    nc_put(b, bold ? "</b>" : "");
  }
  if (i->kind) {
    nc_put(b, " <font color=\"#555555\">");
    nc_html(b, i->kind);
    nc_put(b, "</font>");
  }
  if (i->times > 1) nc_putf(b, "%s<b><font color=\"#b3261e\">× %d</font></b>", *i->name ? "  " : "", i->times);
}

static void put_label(NcBuf *b, const NcItem *i) {
  const char *end = i->frame ? "<br align=\"left\"/>" : "<br/>";
  nc_put(b, "<");
  put_name(b, i, !i->part);
  for (int k = 0; k < i->line.n; k++) {
    nc_putf(b, "%s<font point-size=\"9.5\" color=\"#444444\">", end);
    nc_html(b, i->line.at[k]);
    nc_put(b, "</font>");
  }
  nc_putf(b, "%s>", i->frame ? end : "");
}

static void put_item(NcBuf *b, const NcItem *i, int depth) {
  const Colour *c = colour_of(i->family);
  nc_put_repeat(b, ' ', 2 * depth);
  if (!i->frame) {
    nc_putf(b, "b%d [label=", i->first);
    put_label(b, i);
    nc_putf(b, ", fillcolor=\"%s\", color=\"%s\"", c->fill, c->line);
    if (i->round) nc_put(b, ", shape=ellipse, style=\"filled\"");
    if (i->part) nc_put(b, ", fontsize=9");
    nc_put(b, "];\n");
    return;
  }
  nc_putf(b, "subgraph cluster_%d_%d {\n", i->first, depth);
  nc_put_repeat(b, ' ', 2 * depth + 2);
  nc_put(b, "label=");
  put_label(b, i);
  nc_putf(b, "; margin=12; color=\"%s\";\n", i->times > 1 ? "#b3261e" : "#9aa0a6");
  for (int k = 0; k < i->child.n; k++) put_item(b, i->child.at[k], depth + 1);
  nc_put_repeat(b, ' ', 2 * depth);
  nc_put(b, "}\n");
}

void nc_picture_dot(const NcPicture *p, NcBuf *b) {
  nc_put(b, "digraph ");
  put_quoted(b, p->title);
  nc_put(b, " {\n"
            "  graph [rankdir=TB, nodesep=0.25, ranksep=0.28, fontname=\"Helvetica\", fontsize=11, bgcolor=\"white\", pad=0.2,\n"
            "         style=\"rounded\", labeljust=l, newrank=true];\n"
            "  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontsize=11, margin=\"0.14,0.06\", height=0.3];\n"
            "  edge [color=\"#5f6368\", arrowsize=0.6, penwidth=0.9];\n");
  if (p->arrows > 150) nc_put(b, "  nslimit=1; nslimit1=1; mclimit=0.2;\n");      // good enough, and in seconds instead of minutes
  if (p->caption) {
    nc_put(b, "  label=<");
    nc_html(b, p->caption);
    nc_put(b, ">; labelloc=t; labeljust=c;\n");
  }
  for (int i = 0; i < p->root->child.n; i++) put_item(b, p->root->child.at[i], 1);
  for (int k = 0; k < p->arrow.n; k++)
    if (!p->arrow.at[k].dropped) nc_putf(b, "  b%d -> b%d;\n", p->arrow.at[k].from->first, p->arrow.at[k].to->first);
  nc_put(b, "}\n");
}

static void json_item(const NcItem *i, NcBuf *b, const char *frame, bool *any, NcArena *a) {
  const char *inside = *i->name ? *frame ? nc_sprintf(a, "%s.%s", frame, i->name) : i->name : frame;
  for (int k = 0; k < i->child.n; k++) json_item(i->child.at[k], b, inside, any, a);
  if (i->frame) return;
  nc_putf(b, "%s{\"box\":%d,\"name\":", *any ? "," : "", i->first);
  *any = true;
  nc_put_json(b, i->name);
  nc_put(b, ",\"layer\":");
  if (i->kind) nc_put_json(b, i->kind);
  else nc_put(b, "null");
  nc_put(b, ",\"inside\":");
  nc_put_json(b, frame);
  int times = i->times;
  for (const NcItem *up = i->up; up; up = up->up) times *= up->times;
  nc_putf(b, ",\"times\":%d,\"text\":[", times);
  for (int k = 0; k < i->line.n; k++) {
    nc_put(b, k ? "," : "");
    nc_put_json(b, i->line.at[k]);
  }
  nc_put(b, "]}");
}

void nc_picture_json(const NcPicture *p, NcBuf *b) {
  bool any = false;
  nc_put(b, "\"boxes\":[");
  json_item(p->root, b, "", &any, p->arena);
  nc_put(b, "],\"arrows\":[");
  any = false;
  for (int k = 0; k < p->arrow.n; k++) {
    const NcArrow *x = &p->arrow.at[k];
    if (!x->dropped) nc_putf(b, "%s{\"from\":%d,\"to\":%d}", any ? "," : "", x->from->first, x->to->first);
    any = any || !x->dropped;
  }
  nc_put(b, "]");
}
