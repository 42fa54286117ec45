// GEMM and convolutions for GPU devices: choosing a tile, and the launches. One tiled kernel, three
// descriptions of matrices.
#include "gen/template_gpu.h"
#include "plan/tuned.h"

typedef struct { int bm, bn, tm, tn; } GpuTile;

// From large to small; a tile has bm·bn / (tm·tn) work-items.
static const GpuTile tiles[] = {
  {128, 128, 8, 8}, {128, 64, 8, 4}, {64, 128, 4, 8}, {64, 64, 4, 4}, {128, 32, 8, 4}, {32, 128, 4, 8}, {64, 32, 4, 4},
  {32, 64, 4, 4},   {32, 32, 4, 4},  {64, 16, 4, 2},  {16, 64, 2, 4}, {16, 16, 2, 2},  {16, 16, 4, 4},  {8, 8, 8, 8}};
enum { BK = 16, GROUPS_PER_UNIT = 4, LEAST_STEPS = 128, MOST_SLICES = 64 };

static int group_of(const GpuTile *g) { return g->bm * g->bn / (g->tm * g->tn); }

static bool fits(const NcTarget *t, const GpuTile *g) {
  const size_t local = (size_t)(BK * (g->bm + 1 + g->bn + 1)) * sizeof(float);
  return group_of(g) <= t->max_group && local <= t->local_bytes;
}

// Rounds of groups over the device, each as long as its tile's arithmetic or, for small tiles, its loads.
static double cost(const NcTarget *t, const NcGpuShape *s, const GpuTile *g) {
  const double groups = (double)(s->planes * nc_ceil_div(s->rows, g->bm) * nc_ceil_div(s->cols, g->bn));
  const double rounds = groups < t->compute_units ? 1 : groups / t->compute_units;
  return rounds * (g->bm * g->bn + 16.0 * (g->bm + g->bn)) * (group_of(g) < 64 ? 2 : 1);
}

static const GpuTile *choose_tile(const NcTarget *t, const NcGpuShape *s) {
  const GpuTile *best = NULL;
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
    if (fits(t, &tiles[i]) && (!best || cost(t, s, &tiles[i]) < cost(t, s, best))) best = &tiles[i];
  return best;
}

// About so many slices of the contraction, equally long but for the last.
static int64_t even_slices(const NcGpuShape *s, int64_t wanted) {
  const int64_t slices = nc_most(1, nc_least(nc_least(wanted, MOST_SLICES), s->steps));
  return nc_ceil_div(s->steps, nc_ceil_div(s->steps, slices));
}

// Slices, so that few tiles still fill the device.
static int64_t choose_split(const NcTarget *t, const NcGpuShape *s, const GpuTile *g) {
  const int64_t groups = s->planes * nc_ceil_div(s->rows, g->bm) * nc_ceil_div(s->cols, g->bn);
  const int64_t wanted = (int64_t)GROUPS_PER_UNIT * t->compute_units;
  return groups >= wanted ? 1 : even_slices(s, nc_least(nc_ceil_div(wanted, groups), s->steps / LEAST_STEPS));
}

// The tile and its split: as measured, where that was done and fits.
static const GpuTile *choose(const NcTarget *t, const NcGpuShape *s, int64_t *split) {
  const GpuTile *g = choose_tile(t, s);
  *split = choose_split(t, s, g);
  int64_t c[] = {g->bm, g->bn, *split};
  if (nc_tuned_choice(t, s->kind, s->sizes, s->size, 3, c))
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
      if (tiles[i].bm == c[0] && tiles[i].bn == c[1] && fits(t, &tiles[i])) {
        g = &tiles[i];
        *split = even_slices(s, c[2]);
        break;
      }
  nc_tuned_took(t, s->kind, s->sizes, s->size, 3, (int64_t[]){g->bm, g->bn, *split});
  return g;
}

void nc_template_gpu(NcTemplateFrame *f, const NcTarget *t, const char *name, const NcGpuShape *s, NcTemplateUse *use) {
  int64_t split;
  const GpuTile *g = choose(t, s, &split);
  const int64_t count = s->planes * s->rows * s->cols;
  nc_frame_sizes(f, (NcTemplateSize[]){{"BM", g->bm}, {"BN", g->bn}, {"BK", BK}, {"TM", g->tm}, {"TN", g->tn},
                                       {"SPLIT", split}, {"COUNT", count}, {NULL, 0}});
  nc_frame_file(f, "begin.cl");
  for (int i = 0; i < 2 && s->file[i]; i++) nc_frame_file(f, s->file[i]);
  nc_frame_file(f, "tile_gpu.cl");
  if (split > 1) nc_frame_reduce(f, t, count, s->column, false);
  nc_frame_file(f, "end.cl");
  nc_frame_end(f);

  *use = (NcTemplateUse){0};
  const size_t nx = (size_t)(g->bn / g->tn), ny = (size_t)(g->bm / g->tm);
  const size_t across = (size_t)nc_ceil_div(s->cols, g->bn), down = (size_t)nc_ceil_div(s->rows, g->bm);
  NcTemplateLaunch *l = nc_use_launch(use, name, across * nx, down * ny, (size_t)(s->planes * split), 3,
                                      (int[]){NC_TARG_A, NC_TARG_B, split > 1 ? NC_TARG_WORK : NC_TARG_C});
  l->local[0] = nx;
  l->local[1] = ny;
  if (split > 1) nc_use_reduce(use, f->out->arena, t, name, count, split);
}

bool nc_template_gpu_fits(const NcTarget *t, const NcGpuShape *s) {
  return choose_tile(t, s) && s->steps < 1 << 30 && s->rows < 1 << 30 && s->cols < 1 << 30 && s->planes < 1 << 20;
}
