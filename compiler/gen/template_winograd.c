// Winograd's convolution for CPU devices: whether it is the better way, its blocks, and the launches.
#include "gen/template_conv.h"

enum { POINTS = 36, TILE = 4 };

typedef struct { int64_t ib, ob, ri, rt, ty, tx; NcTile r; } Blocks;

static bool possible(const NcConvTemplate *c) {
  if (c->groups != 1 || c->in[0] != 1 || c->out[0] != 1 || c->kernel[0] != 1 || c->lo[0] != 0) return false;
  for (int i = 1; i < 3; i++)
    if (c->kernel[i] != 3 || c->stride[i] != 1 || c->dilation[i] != 1 || c->lo[i] < 0 || c->lo[i] > 2 ||
        c->lo[i] + (c->in[i] - 1) * c->dilate_x[i] + 1 > c->out[i] + 2)
      return false;
  return true;
}

// Processor cycles of both ways, by what was measured on AVX2, per lane: of products at 80 % of the peak, and of the three
// transforms. A transformed weight serves the tiles of an item, tiles that hang over the edge are made whole.
static bool pays(const NcTarget *t, const NcConvTemplate *c, const Blocks *b) {
  enum { LEAST_CHANNELS = 16 };     // with 8 the two ways take the same time
  if (c->in_channels < LEAST_CHANNELS || c->out_channels < LEAST_CHANNELS) return false;
  const double lanes = 2 * 0.8 * t->vector, in = (double)c->in_channels, out = (double)c->out_channels;
  const double pixels = (double)c->batch * (double)(c->out[1] * c->out[2]), tiles = (double)c->batch * (double)(b->ty * b->tx);
  const double blocks = (double)nc_ceil_div(c->batch * b->ty, b->rt);
  const double direct = pixels * 9 * in * out / lanes;
  const double transforms = (tiles * (150 * in + 120 * out) + blocks * 60 * in * out) / t->vector;
  return tiles * POINTS * in * out / lanes + transforms < 0.9 * direct;
}

static int64_t sums(const Blocks *b) {
  return POINTS * (nc_ceil_div(b->rt * b->tx, b->r.mr) * b->r.mr * b->ob + b->r.nv * 16);
}

static int64_t scratch(const NcTarget *t, const NcConvTemplate *c, const Blocks *b) {
  const int64_t planes = t->vector * (nc_least(b->rt, b->ty) * TILE * c->out[2] + 9 * t->vector);
  return POINTS * (b->ib * b->ob + b->r.nv * t->vector) + sums(b) + planes + 64;
}

static int64_t lanes(const NcTarget *t, const NcConvTemplate *c, const Blocks *b) {
  return ((b->ri * TILE + 2) * (b->tx * TILE + 2) + t->vector * c->dilate_x[2]) * t->vector + 64;
}

// Weights and sums of an item stay in the second-level cache. The more tiles, the fewer times weights are transformed.
static bool choose_blocks(const NcTarget *t, const NcConvTemplate *c, Blocks *b) {
  enum { IB = 32, OB = 32, MOST_TILES = 48, ITEMS_PER_CORE = 4, MOST_LANES = 16384 };
  const int64_t room = (int64_t)(t->local_bytes / sizeof(float)), nr = nc_register_tile(t, 1).nv * t->vector;
  *b = (Blocks){.ty = nc_ceil_div(c->out[1], TILE), .tx = nc_ceil_div(c->out[2], TILE)};
  const int64_t rows = c->batch * b->ty, wanted = (int64_t)ITEMS_PER_CORE * t->compute_units;
  b->ib = nc_even_block(c->in_channels, IB, t->vector);
  b->ob = nc_even_block(c->out_channels, OB, nr);
  b->rt = nc_even_block(rows, MOST_TILES / b->tx, 1);
  b->r = nc_register_tile(t, nc_least(b->rt, rows) * b->tx);
  if (nc_ceil_div(rows, b->rt) * nc_ceil_div(c->out_channels, b->ob) < wanted) b->ob = nr;
  while (scratch(t, c, b) > room && b->rt > 1) b->rt = nc_even_block(rows, b->rt / 2, 1);
  while (scratch(t, c, b) > room && b->ib > t->vector) b->ib = nc_even_block(c->in_channels, b->ib / 2, t->vector);
  if (scratch(t, c, b) > room && b->ob > nr) b->ob = nr;
  b->r = nc_register_tile(t, b->rt * b->tx);
  b->ri = b->ty;
  while (lanes(t, c, b) > MOST_LANES && b->ri > 1) b->ri = nc_even_block(b->ty, b->ri / 2, 1);
  return scratch(t, c, b) <= room && lanes(t, c, b) <= room;
}

bool nc_conv_winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  Blocks b;
  if (c->way == NC_CONV_DIRECT || !possible(c) || !choose_blocks(t, c, &b)) return false;
  if (c->way != NC_CONV_WINOGRAD && !pays(t, c, &b)) return false;
  const int64_t tiles = c->batch * b.ty * b.tx, iblocks = nc_ceil_div(c->in_channels, b.ib);
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  nc_conv_define(&f, c);
  nc_frame_sizes(&f, (NcTemplateSize[]){{"MR", b.r.mr}, {"NV", b.r.nv}, {"IB", b.ib}, {"OB", b.ob}, {"RI", b.ri}, {"RT", b.rt},
                                        {"PLAIN_W", nc_conv_plain_weights(c)}, {NULL, 0}});
  nc_frame_file(&f, "begin.cl");
  nc_frame_file(&f, "tile_cpu.cl");
  nc_frame_file(&f, "run_cpu.cl");
  nc_frame_file(&f, "winograd_cpu.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);

  *use = (NcTemplateUse){.nwork = 1, .work = {(size_t)(iblocks * POINTS * (tiles | 1) * b.ib) * sizeof(float)}};
  nc_use_launch(use, nc_sprintf(program->arena, "%s_in", c->name), (size_t)(c->batch * nc_ceil_div(b.ty, b.ri)), (size_t)iblocks,
                1, 2, (int[]){NC_TARG_A, NC_TARG_WORK});
  nc_use_launch(use, c->name, (size_t)nc_ceil_div(c->batch * b.ty, b.rt), (size_t)nc_ceil_div(c->out_channels, b.ob), 1, 3,
                (int[]){NC_TARG_WORK, NC_TARG_B, NC_TARG_C});
  return true;
}
