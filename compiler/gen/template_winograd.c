// Winograd's convolution and its gradient toward the weights, for CPU devices: whether it is the better way, its blocks,
// and the launches.
#include "gen/template_conv.h"
#include <string.h>
#include "base/map.h"

enum { POINTS = 36, TILE = 4, ITEMS_PER_CORE = 4 };

bool nc_conv_winograd_possible(const NcConvTemplate *c) {
  if (c->groups != 1 || c->in[0] != 1 || c->out[0] != 1 || c->kernel[0] != 1 || c->lo[0] != 0) return false;
  for (int i = 1; i < 3; i++)
    if (c->kernel[i] != 3 || c->stride[i] != 1 || c->dilation[i] != 1 || c->lo[i] < 0 || c->lo[i] > 2 ||
        c->lo[i] + (c->in[i] - 1) * c->dilate_x[i] + 1 > c->out[i] + 2)
      return false;
  return c->way != NC_CONV_DIRECT;
}

static int64_t tile_rows(const NcConvTemplate *c) { return nc_ceil_div(c->out[1], TILE); }
static int64_t tile_columns(const NcConvTemplate *c) { return nc_ceil_div(c->out[2], TILE); }
static int64_t tiles_of(const NcConvTemplate *c) { return c->batch * tile_rows(c) * tile_columns(c); }
static int64_t room(const NcTarget *t) { return (int64_t)(t->local_bytes / sizeof(float)); }
static int64_t panel(const NcTarget *t) { return nc_register_tile(t, 1).nv * t->vector; }

// Processor cycles as measured on AVX2 on a busy machine: how much longer a product takes than in a direct convolution,
// whose operands come from nearer caches; per tile and W channels of x and W outputs; per pair of channels, W of them, and
// part of the tiles for which weights are transformed.
typedef struct { double product, in, out, pair; } Cost;
static const Cost forward_cost = {1.3, 500, 120, 60}, weight_cost = {1.9, 500, 500, 200};

// Tiles that hang over the edge are made whole.
static bool pays(const NcTarget *t, const NcConvTemplate *c, const Cost *k, double parts) {
  enum { LEAST_CHANNELS = 16 };     // with 8 the two ways take the same time
  if (c->way == NC_CONV_WINOGRAD) return true;
  if (c->in_channels < LEAST_CHANNELS || c->out_channels < LEAST_CHANNELS) return false;
  const double lanes = 2 * 0.8 * t->vector, in = (double)c->in_channels, out = (double)c->out_channels;
  const double direct = (double)c->batch * (double)(c->out[1] * c->out[2]) * 9 * in * out / lanes;
  const double tiles = (double)tiles_of(c), products = tiles * POINTS * in * out / lanes;
  const double rest = (tiles * (k->in * in + k->out * out) + parts * k->pair * in * out) / t->vector;
  return products * k->product + rest < 0.9 * direct;
}

// ---- Planes to points

// What of a convolution is taken so: x, or dy.
typedef struct {
  char operand;                    // A or B
  int role, takes;
  int64_t channels, block, height, width, from[2], apart[2];
} Planes;

static Planes planes_of_x(const NcConvTemplate *c, int64_t block) {
  return (Planes){'A', NC_TARG_A, 6, c->in_channels, block, c->in[1], c->in[2], {c->lo[1], c->lo[2]},
                  {c->dilate_x[1], c->dilate_x[2]}};
}

static Planes planes_of_dy(const NcConvTemplate *c, int64_t block) {
  return (Planes){'B', NC_TARG_B, 4, c->out_channels, block, c->out[1], c->out[2], {0, 0}, {1, 1}};
}

static int64_t lanes(const NcTarget *t, const NcConvTemplate *c, const Planes *p, int64_t rows) {
  return ((rows * TILE + 2) * (tile_columns(c) * TILE + 2) + t->vector * p->apart[1]) * t->vector + 64;
}

// Rows of tiles to an item; 0: scratch holds not even one.
static int64_t rows_at_once(const NcTarget *t, const NcConvTemplate *c, const Planes *p) {
  enum { MOST_LANES = 16384 };
  const int64_t most = nc_least(MOST_LANES, room(t));
  int64_t rows = tile_rows(c);
  while (lanes(t, c, p, rows) > most && rows > 1) rows = nc_even_block(tile_rows(c), rows / 2, 1);
  return lanes(t, c, p, rows) <= room(t) ? rows : 0;
}

static int64_t points(const NcConvTemplate *c, const Planes *p) {
  return nc_ceil_div(p->channels, p->block) * POINTS * (tiles_of(c) | 1) * p->block;
}

static bool planes_fit(const NcTarget *t, const NcConvTemplate *c, const Planes *p) {
  return rows_at_once(t, c, p) > 0 && nc_conv_reaches(c, points(c, p));
}

static void points_text(NcBuf *to, const char *name, const NcTarget *t, const NcConvTemplate *c, const Planes *p) {
  NcTemplateText read = {0};
  if (p->operand == 'A') read.a = c->text.a;
  else read.b = c->text.b;
  NcTemplateFrame f = nc_frame_begin(to, t, name, &read);
  nc_frame_define(&f, "IDX", "%s", nc_conv_index(c));
  nc_frame_define(&f, "OPERAND", "%c", p->operand);
  nc_frame_define(&f, "O_TYPE", "%c_TYPE", p->operand);
  nc_frame_define(&f, "O_LOAD(i)", "LOAD_%c(i)", p->operand);
  nc_frame_define(&f, "O_LOAD_V(i)", "LOAD_%c_V(i)", p->operand);
  nc_frame_sizes(&f, (NcTemplateSize[]){
    {"MR", 1}, {"NV", 1}, {"BATCH", c->batch}, {"OH", c->out[1]}, {"OW", c->out[2]}, {"RI", rows_at_once(t, c, p)},
    {"TAKES", p->takes}, {"CHANNELS", p->channels}, {"BLOCK", p->block}, {"HEIGHT", p->height}, {"WIDTH", p->width},
    {"FROM_H", p->from[0]}, {"FROM_W", p->from[1]}, {"APART_H", p->apart[0]}, {"APART_W", p->apart[1]}, {NULL, 0}});
  nc_frame_file(&f, "begin.cl");
  nc_frame_file(&f, "tile_cpu.cl");
  nc_frame_file(&f, "winograd_cpu.cl");
  nc_frame_file(&f, "winograd_points_cpu.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);
}

// The kernel stands in the program once for all convolutions that take planes of these sizes: its name follows from its
// text.
static void put_points(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, const Planes *p, NcTemplateUse *use) {
  NcBuf text = NC_BUF(program->arena);
  points_text(&text, "nc_points", t, c, p);
  const char *name = nc_sprintf(program->arena, "points_%016llx", (unsigned long long)nc_hash64(0, text.at, text.n));
  if (!strstr(nc_buf_str(program), name)) points_text(program, name, t, c, p);
  const int64_t blocks = nc_ceil_div(p->channels, p->block);
  const int64_t items = c->batch * nc_ceil_div(tile_rows(c), rows_at_once(t, c, p));
  const int work = NC_TARG_WORK + use->nwork;
  use->work[use->nwork++] = (size_t)points(c, p) * sizeof(float);
  NcTemplateLaunch *l = nc_use_launch(use, name, (size_t)items, (size_t)blocks, 1, 2, (int[]){p->role, work});
  l->form = NC_FORM_GROUP;
  l->shared = true;
}

// ---- The convolution

typedef struct { int64_t ib, ob, rt; NcTile r; } Blocks;

static int64_t scratch(const NcTarget *t, const NcConvTemplate *c, const Blocks *b) {
  const int64_t nr = panel(t), tiles = nc_ceil_div(b->rt * tile_columns(c), b->r.mr) * b->r.mr;
  const int64_t planes = t->vector * (nc_least(b->rt, tile_rows(c)) * TILE * c->out[2] + 9 * t->vector);
  return POINTS * ((b->ib + tiles) * b->ob + 2 * nr) + planes + 64;
}

// Weights and sums of an item stay in the second-level cache. The more tiles, the fewer times weights are transformed.
static bool choose_blocks(const NcTarget *t, const NcConvTemplate *c, Blocks *b) {
  enum { IB = 32, OB = 32, MOST_TILES = 48 };
  const int64_t nr = panel(t), rows = c->batch * tile_rows(c), wanted = (int64_t)ITEMS_PER_CORE * t->compute_units;
  *b = (Blocks){.ib = nc_even_block(c->in_channels, IB, t->vector), .ob = nc_even_block(c->out_channels, OB, nr),
                .rt = nc_even_block(rows, MOST_TILES / tile_columns(c), 1), .r = {6, 2}};
  if (nc_ceil_div(rows, b->rt) * nc_ceil_div(c->out_channels, b->ob) < wanted) b->ob = nr;
  while (scratch(t, c, b) > room(t) && b->rt > 1) b->rt = nc_even_block(rows, b->rt / 2, 1);
  while (scratch(t, c, b) > room(t) && b->ib > t->vector) b->ib = nc_even_block(c->in_channels, b->ib / 2, t->vector);
  if (scratch(t, c, b) > room(t)) b->ob = nr;
  b->r = nc_register_tile(t, b->rt * tile_columns(c));
  return scratch(t, c, b) <= room(t);
}

static void put_files(NcTemplateFrame *f, const NcConvTemplate *c, const NcTemplateSize *sizes) {
  nc_conv_define(f, c);
  nc_frame_sizes(f, sizes);
  nc_frame_file(f, "begin.cl");
  nc_frame_file(f, "tile_cpu.cl");
  nc_frame_file(f, "run_cpu.cl");
  nc_frame_file(f, "winograd_cpu.cl");
}

bool nc_conv_winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  Blocks b;
  if (!nc_conv_winograd_possible(c) || !choose_blocks(t, c, &b)) return false;
  const int64_t parts = nc_ceil_div(c->batch * tile_rows(c), b.rt);
  const Planes x = planes_of_x(c, b.ib);
  if (!planes_fit(t, c, &x) || !pays(t, c, &forward_cost, (double)parts)) return false;
  *use = (NcTemplateUse){0};
  put_points(program, t, c, &x, use);
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  put_files(&f, c, (NcTemplateSize[]){{"MR", b.r.mr}, {"NV", b.r.nv}, {"IB", b.ib}, {"OB", b.ob}, {"RT", b.rt},
                                      {"PLAIN_W", nc_conv_plain_weights(c)}, {NULL, 0}});
  nc_frame_file(&f, "winograd_conv_cpu.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);
  nc_use_launch(use, c->name, (size_t)parts, (size_t)nc_ceil_div(c->out_channels, b.ob), 1, 3,
                (int[]){NC_TARG_WORK, NC_TARG_B, NC_TARG_C})->form = NC_FORM_GROUP;
  return true;
}

// ---- Its gradient toward the weights

typedef struct { int64_t ib, ob, chunk, tb; NcTile r; } WeightBlocks;

static int64_t weight_scratch(const NcTarget *t, const WeightBlocks *b) {
  const int64_t rows = nc_ceil_div(b->ib, b->r.mr) * b->r.mr;
  return POINTS * (rows * b->ob + panel(t)) + b->tb * b->ob + b->ib * 9 * (t->vector + 1) + 128;
}

// Sums of an item in the second-level cache, both operands of a point and TB tiles in the first.
static bool choose_weight_blocks(const NcTarget *t, const NcConvTemplate *c, WeightBlocks *b) {
  enum { IB = 64, OB = 32, TB = 32 };
  const int64_t nr = panel(t), tiles = tiles_of(c), wanted = (int64_t)ITEMS_PER_CORE * t->compute_units;
  *b = (WeightBlocks){.ib = nc_even_block(c->in_channels, IB, t->vector), .ob = nc_even_block(c->out_channels, OB, nr),
                      .tb = nc_even_block(tiles, TB, 1), .r = {6, 2}};
  if (weight_scratch(t, b) > room(t)) b->ob = nr;
  while (weight_scratch(t, b) > room(t) && b->ib > t->vector) b->ib = nc_even_block(c->in_channels, b->ib / 2, t->vector);
  const int64_t iblocks = nc_ceil_div(c->in_channels, b->ib), last = c->in_channels - (iblocks - 1) * b->ib;
  const int64_t items = iblocks * nc_ceil_div(c->out_channels, b->ob);
  b->r = nc_register_tile(t, last < b->ib ? nc_least(last, 6) : b->ib);
  b->chunk = nc_even_block(tiles, nc_ceil_div(tiles, nc_ceil_div(wanted, items)), b->tb);
  return weight_scratch(t, b) <= room(t);
}

bool nc_conv_weight_winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  WeightBlocks b;
  if (!nc_conv_winograd_possible(c) || !choose_weight_blocks(t, c, &b)) return false;
  const int64_t split = nc_ceil_div(tiles_of(c), b.chunk), count = c->out_channels * c->in_channels * 9;
  const Planes x = planes_of_x(c, b.ib), dy = planes_of_dy(c, b.ob);
  if (!planes_fit(t, c, &x) || !planes_fit(t, c, &dy) || !nc_conv_reaches(c, split * count)) return false;
  if (!pays(t, c, &weight_cost, (double)split)) return false;
  *use = (NcTemplateUse){0};
  put_points(program, t, c, &x, use);
  put_points(program, t, c, &dy, use);
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  put_files(&f, c, (NcTemplateSize[]){{"MR", b.r.mr}, {"NV", b.r.nv}, {"IB", b.ib}, {"OB", b.ob}, {"CHUNK", b.chunk},
                                      {"TB", b.tb}, {"SPLIT", split}, {NULL, 0}});
  nc_frame_file(&f, "winograd_weight_cpu.cl");
  if (split > 1) nc_frame_reduce(&f, t, count, "(int)((o) / (IG * 9))", c->in_channels * 9 % t->vector == 0);
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);
  const int64_t blocks = nc_ceil_div(c->out_channels, b.ob) * nc_ceil_div(c->in_channels, b.ib);
  nc_use_launch(use, c->name, (size_t)split, (size_t)blocks, 1, 3,
                (int[]){NC_TARG_WORK, NC_TARG_WORK + 1, split > 1 ? NC_TARG_WORK + 2 : NC_TARG_C})->form = NC_FORM_GROUP;
  if (split > 1) nc_use_reduce(use, program->arena, t, c->name, count, split);
  return true;
}
