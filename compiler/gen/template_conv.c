// Convolution: choosing blocks, and the launches.
#include "gen/template_conv.h"
#include "gen/template_gpu.h"
#include "plan/tuned.h"
#include <limits.h>
#include <math.h>

static int64_t product(const int64_t *d) { return d[0] * d[1] * d[2]; }

static double volume(const int64_t *d) { return (double)d[0] * (double)d[1] * (double)d[2]; }

// Elements of x, of y and of w, the most of them.
static double most_elements(const NcConvTemplate *c) {
  const double x = (double)c->batch * (double)c->in_channels * volume(c->in);
  const double y = (double)c->batch * (double)c->out_channels * volume(c->out);
  const double w = (double)c->out_channels * (double)c->in_channels * volume(c->kernel);
  return fmax(x, fmax(y, w));
}

// What the kernels count in an int: places of a plane, steps of a result, and how far a row reaches over x.
static bool counts_fit(const NcConvTemplate *c) {
  double reach = 0;
  for (int i = 0; i < 3; i++)
    reach = fmax(reach, (double)c->out[i] * (double)c->stride[i] + (double)c->kernel[i] * (double)c->dilation[i] +
                            (double)c->in[i] * (double)c->dilate_x[i]);
  const double steps = (double)c->in_channels * volume(c->kernel), slices = (double)c->batch * volume(c->out);
  return most_elements(c) < 1e15 && fmax(volume(c->in), fmax(volume(c->out), fmax(steps, slices))) < INT_MAX / 2 &&
         (double)c->in_channels * volume(c->in) < INT_MAX && (double)c->out_channels * volume(c->out) < INT_MAX &&
         reach < INT_MAX / 64;
}

static bool sizes_fit(const NcConvTemplate *c) {
  const int64_t one[] = {c->batch, c->in_channels, c->out_channels, c->groups};
  for (int i = 0; i < 4; i++)
    if (one[i] < 1 || one[i] > INT_MAX / 64) return false;
  for (int i = 0; i < 3; i++) {
    const int64_t d[] = {c->in[i], c->kernel[i], c->out[i], c->stride[i], c->dilation[i], c->dilate_x[i]};
    for (int j = 0; j < 6; j++)
      if (d[j] < 1 || d[j] > INT_MAX / 64) return false;
    if (c->lo[i] < -(INT_MAX / 64) || c->lo[i] > INT_MAX / 64) return false;
  }
  return c->in_channels % c->groups == 0 && c->out_channels % c->groups == 0 && counts_fit(c);
}

static bool by_int(double elements) { return elements < INT_MAX - 4096; }

const char *nc_conv_index(const NcConvTemplate *c) { return by_int(most_elements(c)) ? "int" : "long"; }
bool nc_conv_reaches(const NcConvTemplate *c, int64_t elements) { return by_int((double)elements) || !by_int(most_elements(c)); }

// Floats of scratch memory, less what the kernels need to align their parts and to read whole vectors.
static int64_t room(const NcTarget *t) { return (int64_t)(t->local_bytes / sizeof(float)) - 96; }

typedef struct { int64_t ib, ob, rb; } Blocks;

static int64_t half(int64_t n, int64_t block, int64_t unit) { return nc_even_block(n, block / 2, unit); }

// How far `out` places of an axis reach over x.
static int64_t reach(const NcConvTemplate *c, int axis, int64_t out) {
  return (out - 1) * c->stride[axis] + (c->kernel[axis] - 1) * c->dilation[axis] + 1;
}

// One tap at every place of x: pixels are read as they lie.
static bool pointwise(const NcConvTemplate *c) {
  for (int i = 0; i < 3; i++)
    if (c->kernel[i] != 1 || c->stride[i] != 1 || c->lo[i] != 0 || c->dilate_x[i] != 1 || c->out[i] != c->in[i]) return false;
  return true;
}

static int64_t slab(const NcConvTemplate *c, const Blocks *b) {
  return b->ib * c->kernel[0] * reach(c, 1, b->rb) * reach(c, 2, c->out[2]);
}

static int64_t copied(const NcConvTemplate *c, const Blocks *b) { return pointwise(c) ? 0 : slab(c, b); }

static int64_t sums(const NcConvTemplate *c, const Blocks *b, int64_t nr) {
  return b->ib * c->groups < c->in_channels ? b->ob * nc_ceil_div(b->rb * c->out[2], nr) * nr : 0;
}

// Panels at once: as many as the first-level cache holds, where there is no slab for neighbouring pixels to be read from.
static int64_t panels(const NcConvTemplate *c, const Blocks *b) {
  enum { MOST_STEPS = 400, MOST_PANELS = 8 };
  return pointwise(c) ? nc_most(1, nc_least(MOST_STEPS / b->ib, MOST_PANELS)) : 1;
}

static int64_t scratch(const NcConvTemplate *c, const Blocks *b, int mr, int64_t nr) {
  return copied(c, b) + panels(c, b) * b->ib * product(c->kernel) * nr + nc_most(sums(c, b, nr), 2 * mr * nr);
}

// Whether the last of an item's panels, of a few, has so few pixels that half a panel holds them.
static bool narrow(const NcTarget *t, const NcConvTemplate *c, const Blocks *b, NcTile r) {
  enum { MOST_PANELS = 16 };
  const int64_t rest = c->out[1] % b->rb, nr = r.nv * t->vector, rows[] = {b->rb, rest ? rest : b->rb};
  for (int i = 0; i < 2; i++) {
    const int64_t pixels = rows[i] * c->out[2], over = pixels % nr;
    if (over && over <= t->vector && pixels <= MOST_PANELS * nr) return r.nv == 2 && c->out_channels / c->groups > r.mr;
  }
  return false;
}

static int64_t items(const NcConvTemplate *c, const Blocks *b) {
  return c->batch * c->out[0] * nc_ceil_div(c->out[1], b->rb) *
         c->groups * nc_ceil_div(c->out_channels / c->groups, b->ob);
}

// A panel of MOST_STEPS steps stays in the first-level cache; up to ONE_PANEL steps go in one, which saves
// keeping sums. Slab and sums get at most a third of scratch each. Then enough work-items, first by fewer rows (a slab
// costs little), then by fewer channels (every block packs again).
static bool choose_blocks(const NcTarget *t, const NcConvTemplate *c, NcTile r, Blocks *b) {
  enum { ONE_PANEL = 640, MOST_STEPS = 400, ITEMS_PER_CORE = 8, LEAST_PIXELS = 128 };
  const int64_t taps = product(c->kernel), ig = c->in_channels / c->groups, og = c->out_channels / c->groups;
  const int64_t most = room(t), nr = r.nv * t->vector;
  *b = (Blocks){.ib = ig * taps <= ONE_PANEL ? ig : nc_even_block(ig, MOST_STEPS / taps, 1),
                .ob = nc_even_block(og, og, r.mr), .rb = c->out[1]};
  while (sums(c, b, nr) > most / 3 && b->ob >= 128) b->ob = half(og, b->ob, r.mr);
  while (copied(c, b) > most / 3 && b->ib > 1 && b->rb <= 4) b->ib = half(ig, b->ib, 1);
  while (nc_most(copied(c, b), sums(c, b, nr)) > most / 3 && b->rb > 1) b->rb = half(c->out[1], b->rb, 1);
  while (copied(c, b) > most / 3 && b->ib > 1) b->ib = half(ig, b->ib, 1);
  while (sums(c, b, nr) > most / 3 && b->ob > r.mr) b->ob = half(og, b->ob, r.mr);
  const int64_t wanted = (int64_t)ITEMS_PER_CORE * t->compute_units;
  while (items(c, b) < wanted && b->rb > 1 && b->rb * c->out[2] > 2 * LEAST_PIXELS) b->rb = half(c->out[1], b->rb, 1);
  while (items(c, b) < wanted && b->ob > 4 * r.mr) b->ob = half(og, b->ob, r.mr);
  while (scratch(c, b, r.mr, nr) > most && b->ib > 1) b->ib = half(ig, b->ib, 1);
  return scratch(c, b, r.mr, nr) <= most;
}

bool nc_conv_plain_weights(const NcConvTemplate *c) {
  const int64_t *k = c->kernel, ig = c->in_channels / c->groups;
  return !c->text.b.load && !((k[2] > 1 && c->w_k[2] != 1) || (k[1] > 1 && c->w_k[1] != k[2]) ||
         (k[0] > 1 && c->w_k[0] != k[1] * k[2]) || (ig > 1 && c->w_i != product(k)) ||
         (c->out_channels > 1 && c->w_o != ig * product(k)));
}

void nc_conv_define(NcTemplateFrame *f, const NcConvTemplate *c) {
  nc_frame_define(f, "IDX", "%s", nc_conv_index(c));
  nc_frame_sizes(f, (NcTemplateSize[]){
    {"BATCH", c->batch}, {"G", c->groups}, {"IG", c->in_channels / c->groups}, {"OG", c->out_channels / c->groups},
    {"ID", c->in[0]}, {"IH", c->in[1]}, {"IW", c->in[2]}, {"OD", c->out[0]}, {"OH", c->out[1]}, {"OW", c->out[2]},
    {"KD", c->kernel[0]}, {"KH", c->kernel[1]}, {"KW", c->kernel[2]},
    {"SD", c->stride[0]}, {"SH", c->stride[1]}, {"SW", c->stride[2]},
    {"LO_D", c->lo[0]}, {"LO_H", c->lo[1]}, {"LO_W", c->lo[2]},
    {"DD", c->dilation[0]}, {"DH", c->dilation[1]}, {"DW", c->dilation[2]},
    {"XD", c->dilate_x[0]}, {"XH", c->dilate_x[1]}, {"XW", c->dilate_x[2]},
    {"W_O", c->w_o}, {"W_I", c->w_i}, {"W_D", c->w_k[0]}, {"W_H", c->w_k[1]}, {"W_W", c->w_k[2]}, {NULL, 0}});
}

// Each group one channel of x, and windows whose neighbours vectors can read.
static bool depthwise(const NcConvTemplate *c) {
  return c->groups > 1 && c->groups == c->in_channels && c->stride[2] <= 2;
}

// Columns of x that an output row reaches, and how long a line of them is in scratch: as depthwise_cpu.cl has it.
static int64_t taken(const NcConvTemplate *c) {
  const int64_t last = reach(c, 2, c->out[2]) - 1 - c->lo[2];
  return last < 0 ? 0 : nc_least(c->in[2], last / c->dilate_x[2] + 1);
}

static int64_t pitch(const NcTarget *t, const NcConvTemplate *c) {
  const int64_t vectors = nc_ceil_div(taken(c), c->stride[2] * t->vector);
  return nc_most(nc_ceil_div(reach(c, 2, c->out[2]), c->stride[2]), nc_ceil_div(c->lo[2], c->stride[2]) + vectors * t->vector);
}

static int64_t lines(const NcTarget *t, const NcConvTemplate *c, const Blocks *b) {
  return c->kernel[0] * reach(c, 1, b->rb) * c->stride[2] * pitch(t, c);
}

// A plane's lines stay in the first-level cache; planes are small, so an item makes several.
static bool choose_planes(const NcTarget *t, const NcConvTemplate *c, Blocks *b) {
  enum { LEAST_WORK = 32768, ITEMS_PER_CORE = 8, MOST_LINES = 4096 };
  const int64_t taps = product(c->kernel), multiple = c->out_channels / c->groups;
  const int64_t wanted = (int64_t)ITEMS_PER_CORE * t->compute_units;
  *b = (Blocks){.ib = 1, .ob = 1, .rb = c->out[1]};
  while (lines(t, c, b) > MOST_LINES && b->rb > 4) b->rb = half(c->out[1], b->rb, 4);
  b->ob = nc_most(1, nc_least(c->groups, LEAST_WORK / (b->rb * c->out[2] * taps * multiple)));
  while (b->ob > 1 && c->batch * c->out[0] * nc_ceil_div(c->out[1], b->rb) * nc_ceil_div(c->groups, b->ob) < wanted) b->ob /= 2;
  return lines(t, c, b) + b->rb * c->out[2] + 8 * t->vector <= room(t);
}

static void pack_weights(NcBuf *program, const NcConvTemplate *c, NcTemplateUse *use) {
  const int64_t weights = c->out_channels * (c->in_channels / c->groups) * product(c->kernel);
  use->work[use->nwork++] = (size_t)weights * sizeof(float);
  nc_use_launch(use, nc_sprintf(program->arena, "%s_pack_w", c->name), (size_t)c->out_channels, 1, 1, 2,
                (int[]){NC_TARG_B, NC_TARG_WORK})->form = NC_FORM_ITEM;
}

static bool depthwise_cpu(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  Blocks b;
  if (!choose_planes(t, c, &b)) return false;
  const bool pack = !nc_conv_plain_weights(c);
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  nc_conv_define(&f, c);
  nc_frame_sizes(&f, (NcTemplateSize[]){{"GB", b.ob}, {"RB", b.rb}, {"PACK_W", pack}, {"PITCH", pitch(t, c)},
                                       {"TAKEN", taken(c)}, {NULL, 0}});
  nc_frame_define(&f, "SCRATCH", "__local");
  nc_frame_file(&f, "begin.cl");
  nc_frame_file(&f, "slab_cpu.cl");
  nc_frame_file(&f, "weights_cpu.cl");
  nc_frame_file(&f, "run_cpu.cl");
  nc_frame_file(&f, "depthwise_cpu.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);
  *use = (NcTemplateUse){0};
  if (pack) pack_weights(program, c, use);
  nc_use_launch(use, c->name, (size_t)(c->out[0] * nc_ceil_div(c->out[1], b.rb)), (size_t)nc_ceil_div(c->groups, b.ob),
                (size_t)c->batch, 3, (int[]){NC_TARG_A, pack ? NC_TARG_WORK : NC_TARG_B, NC_TARG_C})->form = NC_FORM_GROUP;
  return true;
}

// The sizes by which measured choices are found; weights that are not plain are packed first.
enum { SIZES = 26 };
static void sizes_of(const NcConvTemplate *c, int64_t *size) {
  const int64_t *axes[] = {c->in, c->kernel, c->out, c->stride, c->lo, c->dilation, c->dilate_x};
  *size++ = c->batch, *size++ = c->in_channels, *size++ = c->out_channels, *size++ = c->groups;
  for (int i = 0; i < 7; i++)
    for (int k = 0; k < 3; k++) *size++ = axes[i][k];
  *size = !nc_conv_plain_weights(c);
}

// Winograd's way or the direct one: as it reckons, unless that was measured.
typedef bool Winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use);
static bool winograd(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, const char *kind, Winograd *make, NcTemplateUse *use) {
  int64_t size[SIZES], way;
  NcConvTemplate w = *c;
  sizes_of(c, size);
  const bool asked = c->way == NC_CONV_BEST && nc_conv_winograd_possible(c);
  if (asked && nc_tuned_choice(t, kind, SIZES, size, 1, &way)) w.way = way ? NC_CONV_WINOGRAD : NC_CONV_DIRECT;
  bool made = make(program, t, &w, use);
  if (asked) nc_tuned_took(t, kind, SIZES, size, 1, (int64_t[]){made});
  return made;
}

static bool blocks(const NcTarget *t, const NcConvTemplate *c, NcTile r, Blocks *b) {
  if (!choose_blocks(t, c, r, b)) return false;
  const int64_t nr = r.nv * t->vector;
  const int64_t ig = c->in_channels / c->groups, og = c->out_channels / c->groups;
  int64_t size[SIZES], n[] = {b->ib, b->ob, b->rb};
  sizes_of(c, size);
  if (nc_tuned_choice(t, "conv_cpu", SIZES, size, 3, n)) {
    Blocks m = {nc_even_block(ig, nc_most(n[0], 1), 1), nc_even_block(og, nc_most(n[1], r.mr), r.mr),
                nc_even_block(c->out[1], nc_most(n[2], 1), 1)};
    if (scratch(c, &m, r.mr, nr) <= room(t)) *b = m;
  }
  nc_tuned_took(t, "conv_cpu", SIZES, size, 3, (int64_t[]){b->ib, b->ob, b->rb});
  return true;
}

static bool conv_cpu(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  const NcTile r = nc_register_tile(t, c->out_channels / c->groups);
  Blocks b;
  if (depthwise(c) && depthwise_cpu(program, t, c, use)) return true;
  if (winograd(program, t, c, "conv_way", nc_conv_winograd, use)) return true;
  if (!blocks(t, c, r, &b)) return false;
  const int64_t og = c->out_channels / c->groups;
  const bool pack = !nc_conv_plain_weights(c);
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  nc_conv_define(&f, c);
  nc_frame_sizes(&f, (NcTemplateSize[]){
    {"MR", r.mr}, {"NV", r.nv}, {"IB", b.ib}, {"OB", b.ob}, {"RB", b.rb},
    {"PACK_W", pack}, {"RUNS", c->stride[2] <= 2 && c->out[2] >= t->vector},
    {"POINTWISE", pointwise(c)}, {"PB", panels(c, &b)},
    {"NARROW", narrow(t, c, &b, r)}, {NULL, 0}});
  nc_frame_file(&f, "begin.cl");
  nc_frame_file(&f, "tile_cpu.cl");
  nc_frame_file(&f, "slab_cpu.cl");
  nc_frame_file(&f, "weights_cpu.cl");
  nc_frame_file(&f, "conv_cpu.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);

  *use = (NcTemplateUse){0};
  if (pack) pack_weights(program, c, use);
  nc_use_launch(use, c->name, (size_t)(c->out[0] * nc_ceil_div(c->out[1], b.rb)),
                (size_t)(c->groups * nc_ceil_div(og, b.ob)), (size_t)c->batch, 3,
                (int[]){NC_TARG_A, pack ? NC_TARG_WORK : NC_TARG_B, NC_TARG_C})->form = NC_FORM_GROUP;
  return true;
}

static int64_t divisor_below(int64_t n, int64_t cap) {
  int64_t d = nc_most(1, nc_least(n, cap));
  while (n % d) d--;
  return d;
}

typedef struct { Blocks b; int64_t split; } WeightBlocks;

static int64_t weight_scratch(const NcTarget *t, const NcConvTemplate *c, int64_t nr, const Blocks *b) {
  return slab(c, b) + b->rb * c->out[2] * nr + (b->ob + 1) * (b->ib * product(c->kernel) + t->vector);
}

// About so many chunks of the batch's slices, equally large; one where the sums of several are too many to be counted.
static int64_t split_of(const NcConvTemplate *c, const Blocks *b, int64_t wanted) {
  const int64_t slices = c->batch * c->out[0] * nc_ceil_div(c->out[1], b->rb);
  const int64_t split = nc_ceil_div(slices, nc_ceil_div(slices, nc_most(1, nc_least(wanted, slices))));
  const int64_t count = c->out_channels * (c->in_channels / c->groups) * product(c->kernel);
  return nc_conv_reaches(c, split * count) ? split : 1;
}

// A panel of about MOST_PIXELS stays in the first-level cache; slab and sums within a third of scratch each; then
// chunks of the batch, for enough work-items.
static bool choose_weight_blocks(const NcTarget *t, const NcConvTemplate *c, int64_t nr, WeightBlocks *w) {
  enum { MOST_PIXELS = 400, ITEMS_PER_CORE = 8 };
  const int64_t taps = product(c->kernel), ig = c->in_channels / c->groups, og = c->out_channels / c->groups;
  const int64_t most = room(t);
  Blocks *b = &w->b;
  *b = (Blocks){.ib = ig, .ob = nc_even_block(og, og, nr), .rb = nc_even_block(c->out[1], MOST_PIXELS / c->out[2], 1)};
  while (b->ob * b->ib * taps > most / 3 && b->ob > 4 * nr) b->ob = half(og, b->ob, nr);
  while (b->ob * b->ib * taps > most / 3 && b->ib > 1) b->ib = divisor_below(ig, b->ib - 1);
  while (slab(c, b) > most / 3 && b->rb > 4) b->rb = half(c->out[1], b->rb, 1);
  while (slab(c, b) > most / 3 && b->ib > 1) b->ib = divisor_below(ig, b->ib - 1);
  while (slab(c, b) > most / 3 && b->rb > 1) b->rb = half(c->out[1], b->rb, 1);
  while (b->ob * b->ib * taps > most / 3 && b->ob > nr) b->ob = half(og, b->ob, nr);
  const int64_t blocks = c->groups * nc_ceil_div(og, b->ob) * (ig / b->ib);
  w->split = split_of(c, b, (int64_t)ITEMS_PER_CORE * t->compute_units / blocks);
  return weight_scratch(t, c, nr, b) <= most;
}

static bool weight_blocks(const NcTarget *t, const NcConvTemplate *c, int64_t nr, WeightBlocks *w) {
  if (!choose_weight_blocks(t, c, nr, w)) return false;
  const int64_t ig = c->in_channels / c->groups, og = c->out_channels / c->groups;
  int64_t size[SIZES], n[] = {w->b.ib, w->b.ob, w->b.rb, w->split};
  sizes_of(c, size);
  if (nc_tuned_choice(t, "conv_weight_cpu", SIZES, size, 4, n)) {
    const Blocks m = {divisor_below(ig, n[0]), nc_even_block(og, nc_most(n[1], nr), nr),
                      nc_even_block(c->out[1], nc_most(n[2], 1), 1)};
    if (weight_scratch(t, c, nr, &m) <= room(t)) *w = (WeightBlocks){m, split_of(c, &m, n[3])};
  }
  nc_tuned_took(t, "conv_weight_cpu", SIZES, size, 4, (int64_t[]){w->b.ib, w->b.ob, w->b.rb, w->split});
  return true;
}

static bool conv_weight_cpu(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  WeightBlocks w;
  if (winograd(program, t, c, "conv_weight_way", nc_conv_weight_winograd, use)) return true;
  if (!weight_blocks(t, c, nc_register_tile(t, 1).nv * t->vector, &w)) return false;
  const int64_t ig = c->in_channels / c->groups, og = c->out_channels / c->groups, steps = ig * product(c->kernel);
  const int64_t count = c->out_channels * steps;
  const NcTile r = nc_register_tile(t, w.b.ib * product(c->kernel));
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  nc_conv_define(&f, c);
  nc_frame_sizes(&f, (NcTemplateSize[]){
    {"MR", r.mr}, {"NV", r.nv}, {"IB", w.b.ib}, {"OB", w.b.ob},
    {"RB", w.b.rb}, {"SPLIT", w.split}, {NULL, 0}});
  nc_frame_file(&f, "begin.cl");
  nc_frame_file(&f, "tile_cpu.cl");
  nc_frame_file(&f, "slab_cpu.cl");
  nc_frame_file(&f, "conv_weight_cpu.cl");
  if (w.split > 1) nc_frame_reduce(&f, t, count, "(int)((o) / STEPS)", steps % t->vector == 0);
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);

  *use = (NcTemplateUse){0};
  nc_use_launch(use, c->name, (size_t)w.split, (size_t)(c->groups * nc_ceil_div(og, w.b.ob) * (ig / w.b.ib)), 1, 3,
                (int[]){NC_TARG_A, NC_TARG_B, w.split > 1 ? NC_TARG_WORK : NC_TARG_C})->form = NC_FORM_GROUP;
  if (w.split > 1) nc_use_reduce(use, program->arena, t, c->name, count, w.split);
  return true;
}

// Also for a CPU device whose scratch holds no slab of these sizes.
static bool conv_gpu(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcGpuShape *s, NcTemplateUse *use) {
  int64_t size[SIZES];
  sizes_of(c, size);
  s->sizes = SIZES;
  s->size = size;
  if (!nc_template_gpu_fits(t, s)) return false;
  NcTemplateFrame f = nc_frame_begin(program, t, c->name, &c->text);
  nc_conv_define(&f, c);
  nc_template_gpu(&f, t, c->name, s, use);
  return true;
}

bool nc_template_conv(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  if (!sizes_fit(c)) return false;
  if (t->cls == NC_CLASS_CPU && conv_cpu(program, t, c, use)) return true;
  NcGpuShape s = {.kind = "conv_gpu", .rows = c->out_channels / c->groups, .cols = c->batch * product(c->out),
                        .steps = c->in_channels / c->groups * product(c->kernel), .planes = c->groups,
                        .file = {"taps_gpu.cl", "conv_gpu.cl"}, .column = "(int)((o) / PIXELS % (G * OG))"};
  return conv_gpu(program, t, c, &s, use);
}

bool nc_template_conv_weight(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use) {
  if (!sizes_fit(c)) return false;
  if (t->cls == NC_CLASS_CPU && conv_weight_cpu(program, t, c, use)) return true;
  NcGpuShape s = {.kind = "conv_weight_gpu", .rows = c->out_channels / c->groups, .cols = c->in_channels / c->groups * product(c->kernel),
                        .steps = c->batch * product(c->out), .planes = c->groups,
                        .file = {"taps_gpu.cl", "conv_weight_gpu.cl"}, .column = "(int)((o) / (IG * TAPS))"};
  return conv_gpu(program, t, c, &s, use);
}
