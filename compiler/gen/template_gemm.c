// GEMM: choosing block sizes, and the launches.
#include "gen/template_gpu.h"
#include "plan/tuned.h"
#include <limits.h>
#include <math.h>
#include <string.h>

typedef struct { int64_t mb, nb, kb, split; bool panels; } Blocks;
enum { MOST_SPLIT = 64 };

// Rows of A go through scratch when they cannot be read along K as they lie; then several panels share the trouble.
static bool packs_a(const NcGemm *g) { return g->a_k != 1 || g->text.a.load; }

static int64_t items_of(const NcGemm *g, const Blocks *b) {
  return g->batch[0] * g->batch[1] * nc_ceil_div(g->n, b->nb) * nc_ceil_div(g->m, b->mb);
}

// Floats of columns that an item packs for each step of K: one panel at a time, or all of a block where rows are packed.
static int64_t panel_width(const NcGemm *g, const Blocks *b, int64_t nr) { return b->panels ? 0 : packs_a(g) ? b->nb : nr; }

// Enough equal work-items for every core, each packing little compared to what it multiplies, and all it holds (panels
// of B, rows of A, sums of unfinished blocks) within half of the scratch memory. Several panels share the rows of A: these
// would come from the third-level cache for each, or from memory.
static Blocks choose_blocks(const NcTarget *t, const NcGemm *g, NcTile r) {
  enum { ITEMS_PER_CORE = 4, LEAST_K = 256, MOST_K = 512, PANELS = 8, PANELS_PACKED = 4 };
  const int64_t nr = r.nv * t->vector, wanted = (int64_t)ITEMS_PER_CORE * t->compute_units;
  const int64_t scratch = (int64_t)t->local_bytes / 2 / (int64_t)sizeof(float);
  Blocks b = {.mb = nc_even_block(g->m, 32 * r.mr, r.mr), .split = 1};
  b.nb = nc_even_block(g->n, (packs_a(g) ? PANELS_PACKED : PANELS) * nr, nr);
  while (items_of(g, &b) < wanted && b.nb > nr) b.nb = nc_even_block(g->n, b.nb / 2, nr);
  while (items_of(g, &b) < wanted && b.mb > 8 * r.mr) b.mb = nc_even_block(g->m, b.mb / 2, r.mr);
  if (items_of(g, &b) < wanted) {
    const int64_t slices = nc_least(nc_least(nc_ceil_div(wanted, items_of(g, &b)), g->k / LEAST_K), MOST_SPLIT);
    if (slices > 1) b.split = nc_ceil_div(g->k, nc_ceil_div(g->k, slices));
  }
  const int64_t slice = nc_ceil_div(g->k, b.split);
  const int64_t most_k = scratch / 2 / (panel_width(g, &b, nr) + 2 * t->vector);
  b.kb = nc_even_block(slice, nc_most(1, nc_least(MOST_K, most_k)), 1);
  while (b.kb < slice && b.mb > r.mr && b.mb * b.nb > scratch / 2) b.mb = nc_even_block(g->m, b.mb / 2, r.mr);
  return b;
}

// Blocks of panels cost nothing to begin, as everyone reads them as they lie: rows of A × steps take three eighths of the cache
// that scratch memory is in, and columns are so many that reading those rows for the first time is little beside the rest. Then
// enough items: the driver hands out half of what is left at a time, so that many small ones end together.
static Blocks panel_blocks(const NcTarget *t, const NcGemm *g, NcTile r) {
  enum { MOST_K = 1024 };
  static const struct { int panels, tiles, items_per_core; } least[] = {{8, 8, 64}, {2, 4, 8}};
  const int64_t nr = r.nv * t->vector, held = (int64_t)t->local_bytes * 3 / 8 / (int64_t)sizeof(float);
  Blocks b = {.kb = nc_even_block(g->k, MOST_K, 1), .split = 1, .panels = true};
  b.mb = nc_even_block(g->m, held / b.kb, r.mr);
  b.nb = nc_even_block(g->n, 16 * nr, nr);
  for (int i = 0; i < 2; i++) {
    const int64_t wanted = (int64_t)least[i].items_per_core * t->compute_units;
    while (items_of(g, &b) < wanted && b.nb > least[i].panels * nr) b.nb = nc_even_block(g->n, b.nb / 2, nr);
    while (items_of(g, &b) < wanted && b.mb > least[i].tiles * r.mr) b.mb = nc_even_block(g->m, b.mb / 2, r.mr);
  }
  return b;
}

// Whether packing each operand once, by two launches more, takes less than packing in every block. It takes some 22·(1/M + 1/N)
// of the product's time; what it saves was measured (docs/performance.md): most where rows of A must be packed.
static bool pays(const NcGemm *g) {
  const double flops = 2.0 * (double)(g->batch[0] * g->batch[1]) * (double)g->m * (double)g->n * (double)g->k;
  const double least = packs_a(g) ? 100 : 480;
  return flops >= 1.2e8 && 1 / (1.0 / (double)g->m + 1.0 / (double)g->n) >= least;
}

static bool by_panels(const NcGemm *g) {
  if (g->text.ahead || g->way == NC_GEMM_BLOCKS) return false;
  return g->way == NC_GEMM_PANELS || pays(g);
}

static bool sizes_fit(const NcGemm *g) {
  const int64_t dims[] = {g->batch[0], g->batch[1], g->m, g->n, g->k};
  for (int i = 0; i < 5; i++)
    if (dims[i] < 1 || dims[i] > INT_MAX / 64) return false;
  const int64_t batch = g->batch[0] * g->batch[1];
  return batch <= INT_MAX / 64 && (double)batch * (double)(g->m * g->n) < 1e15;
}

// How far indices reach.
static double span(const int64_t *size, const int64_t *stride, int n) {
  double total = 0;
  for (int i = 0; i < n; i++) total += ((double)size[i] - 1) * fabs((double)stride[i]);
  return total;
}

// Linear indices fit an int unless a tensor, or an operand's panels, are very large.
static const char *index_type(const NcGemm *g) {
  enum { MOST_PAD = 64 };
  const double a = span((int64_t[]){g->batch[0], g->batch[1], g->m, g->k},
                         (int64_t[]){g->a_batch[0], g->a_batch[1], g->a_m, g->a_k}, 4);
  const double b = span((int64_t[]){g->batch[0], g->batch[1], g->k, g->n},
                         (int64_t[]){g->b_batch[0], g->b_batch[1], g->b_k, g->b_n}, 4);
  const double c = (double)(g->batch[0] * g->batch[1]) * (double)(g->m * g->n) * MOST_SPLIT;
  const double panels = (double)(g->batch[0] * g->batch[1]) * ((double)nc_most(g->m, g->n) + MOST_PAD) * (double)g->k;
  return fmax(fmax(a, panels), fmax(b, c)) < INT_MAX - 4096 ? "int" : "long";
}

static void define_shape(NcTemplateFrame *f, const NcGemm *g) {
  nc_frame_sizes(f, (NcTemplateSize[]){
    {"M", g->m}, {"N", g->n}, {"K", g->k}, {"Z0", g->batch[0]}, {"Z1", g->batch[1]},
    {"A_Z0", g->a_batch[0]}, {"A_Z1", g->a_batch[1]}, {"A_M", g->a_m}, {"A_K", g->a_k},
    {"B_Z0", g->b_batch[0]}, {"B_Z1", g->b_batch[1]}, {"B_K", g->b_k}, {"B_N", g->b_n}, {NULL, 0}});
}

// Panels, packed rows and kept sums, as gemm_cpu.cl declares them.
static bool scratch_fits(const NcTarget *t, const NcGemm *g, const Blocks *b, NcTile r) {
  const int64_t nr = r.nv * t->vector, a_mr = nc_ceil_div(r.mr, t->vector) * t->vector;
  const int64_t sums = nc_ceil_div(g->k, b->split) > b->kb ? b->mb * b->nb : r.mr * nr;
  return (b->kb * (panel_width(g, b, nr) + a_mr) + sums + 64) * (int64_t)sizeof(float) <= (int64_t)t->local_bytes;
}

// The sizes by which measured choices are found: of the batch, m, n, k, and how A and B lie.
enum { SIZES = 6 };
static void sizes_of(const NcGemm *g, int64_t *size) {
  memcpy(size, (int64_t[SIZES]){g->batch[0] * g->batch[1], g->m, g->n, g->k, packs_a(g), g->b_n == 1}, SIZES * sizeof *size);
}

static Blocks blocks(const NcTarget *t, const NcGemm *g, NcTile r) {
  const Blocks panels = panel_blocks(t, g, r);
  const Blocks usual = by_panels(g) && scratch_fits(t, g, &panels, r) ? panels : choose_blocks(t, g, r);
  const int64_t nr = r.nv * t->vector;
  int64_t size[SIZES], c[] = {usual.mb, usual.nb, usual.kb, usual.split};
  Blocks b = usual;
  sizes_of(g, size);
  if (nc_tuned_choice(t, "gemm_cpu", SIZES, size, 4, c)) {
    b.mb = nc_even_block(g->m, nc_most(c[0], r.mr), r.mr);
    b.nb = nc_even_block(g->n, nc_most(c[1], nr), nr);
    b.split = nc_most(1, nc_least(nc_least(c[3], MOST_SPLIT), g->k));
    b.split = nc_ceil_div(g->k, nc_ceil_div(g->k, b.split));
    b.kb = nc_even_block(nc_ceil_div(g->k, b.split), nc_most(c[2], 1), 1);
    if (!scratch_fits(t, g, &b, r)) b = usual;
  }
  nc_tuned_took(t, "gemm_cpu", SIZES, size, 4, (int64_t[]){b.mb, b.nb, b.kb, b.split});
  return b;
}

// Floats of B in whole panels; 0 where the kernel must pack B itself.
static int64_t packed_ahead(const NcGemm *g, const Blocks *b, int64_t nr) {
  bool able = g->text.ahead && !packs_a(g) && !g->text.b.load && b->split == 1 && g->batch[0] * g->batch[1] == 1;
  return able ? nc_ceil_div(g->n, nr) * nr * g->k : 0;
}

// ---- Both operands as panels, by two launches of their own (panels_cpu.cl)

typedef struct {
  char letter;
  int role;
  int64_t count, width, steps, batch[2], along, across;      // strides of the batch, of steps, of places
  bool whole;
} Operand;

static size_t panel_floats(const NcGemm *g, const Operand *o) {
  return (size_t)(g->batch[0] * g->batch[1] * nc_ceil_div(o->count, o->width) * o->width * o->steps);
}

// About so many floats to an item, of whole rows as they lie.
static void pack_panels(NcTemplateFrame *f, const NcGemm *g, const Operand *o, NcTemplateUse *use) {
  enum { FLOATS = 16384 };
  const int64_t panels = nc_ceil_div(o->count, o->width);
  int64_t run = panels, steps = nc_most(o->width, FLOATS / o->count);
  if (o->across != 1) {
    steps = nc_even_block(o->steps, 2048, 1);
    run = nc_most(1, FLOATS / (o->width * steps));
  }
  steps = nc_least(steps, o->steps);
  const char *kernel = nc_sprintf(f->out->arena, "%s_panels_%c", g->name, o->letter - 'A' + 'a');
  nc_frame_define(f, "KERNEL", "%s", kernel);
  nc_frame_define(f, "X", "%c", o->letter);
  nc_frame_define(f, "X_TYPE", "%c_TYPE", o->letter);
  nc_frame_define(f, "LOAD_X", "LOAD_%c", o->letter);
  nc_frame_define(f, "LOAD_X_V", "LOAD_%c_V", o->letter);
  nc_frame_sizes(f, (NcTemplateSize[]){
    {"COUNT", o->count}, {"WIDTH", o->width}, {"X_Z0", o->batch[0]}, {"X_Z1", o->batch[1]}, {"X_K", o->along}, {"X_N", o->across},
    {"WHOLE", o->whole}, {"RUN", run}, {"STEPS", steps}, {NULL, 0}});
  nc_frame_file(f, "panels_cpu.cl");
  const int64_t items = g->batch[0] * g->batch[1] * nc_ceil_div(o->steps, steps) * nc_ceil_div(panels, run);
  NcTemplateLaunch *l = nc_use_launch(use, kernel, (size_t)items, 1, 1, 2, (int[]){o->role, NC_TARG_WORK + use->nwork});
  l->form = NC_FORM_ITEM;
  l->shared = true;
  use->work[use->nwork++] = panel_floats(g, o) * sizeof(float);
}

// The product as one of panels: how these lie, which two launches make from A and B.
static NcGemm of_panels(NcTemplateFrame *f, const NcGemm *g, NcTile r, int64_t nr, NcTemplateUse *use) {
  const Operand o[] = {
    {'A', NC_TARG_A, g->m, r.mr, g->k, {g->a_batch[0], g->a_batch[1]}, g->a_k, g->a_m, true},
    {'B', NC_TARG_B, g->n, nr, g->k, {g->b_batch[0], g->b_batch[1]}, g->b_k, g->b_n, false}};
  NcGemm p = *g;
  nc_frame_sizes(f, (NcTemplateSize[]){{"K", g->k}, {"Z1", g->batch[1]}, {NULL, 0}});
  for (int i = 0; i < 2; i++) pack_panels(f, g, &o[i], use);
  nc_put(f->out, "#undef K\n#undef Z1\n#undef A_TYPE\n#undef B_TYPE\n#define A_TYPE float\n#define B_TYPE float\n");
  const int64_t a = nc_ceil_div(g->m, r.mr) * r.mr * g->k, b = nc_ceil_div(g->n, nr) * nr * g->k;
  p.a_batch[0] = a * g->batch[1], p.a_batch[1] = a;
  p.b_batch[0] = b * g->batch[1], p.b_batch[1] = b;
  return p;
}

static bool gemm_cpu(NcBuf *program, const NcTarget *t, const NcGemm *g, NcTemplateUse *use) {
  const NcTile r = nc_register_tile(t, g->m);
  const Blocks b = blocks(t, g, r);
  if (!scratch_fits(t, g, &b, r)) return false;
  const int64_t batch = g->batch[0] * g->batch[1], nr = r.nv * t->vector, ahead = packed_ahead(g, &b, nr);
  *use = (NcTemplateUse){.ahead = (size_t)ahead};
  NcTemplateFrame f = nc_frame_begin(program, t, g->name, &g->text);
  nc_frame_define(&f, "IDX", "%s", index_type(g));
  nc_frame_sizes(&f, (NcTemplateSize[]){{"MR", r.mr}, {"NV", r.nv}, {NULL, 0}});
  if (ahead || b.panels) nc_frame_define(&f, "AHEAD", "1");
  nc_frame_file(&f, "begin.cl");
  nc_frame_file(&f, "tile_cpu.cl");
  const NcGemm read = b.panels ? of_panels(&f, g, r, nr, use) : *g;
  define_shape(&f, &read);
  const bool pack_a = !b.panels && packs_a(g);
  nc_frame_sizes(&f, (NcTemplateSize[]){
    {"PANELS_A", b.panels}, {"PACK_A", pack_a}, {"A_MR", nc_ceil_div(r.mr, t->vector) * t->vector},
    {"MB", b.mb}, {"NB", b.nb}, {"KB", b.kb}, {"SPLIT", b.split}, {NULL, 0}});
  nc_frame_file(&f, "gemm_cpu.cl");
  if (b.split > 1) nc_frame_reduce(&f, t, batch * g->m * g->n, "(int)((o) % N)", g->n % t->vector == 0);
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);

  const int a_from = b.panels ? NC_TARG_WORK : NC_TARG_A, b_from = b.panels ? NC_TARG_WORK + 1 : NC_TARG_B;
  nc_use_launch(use, g->name, (size_t)nc_ceil_div(g->m, b.mb), (size_t)nc_ceil_div(g->n, b.nb), (size_t)(batch * b.split), 3,
                (int[]){a_from, b_from, b.split > 1 ? NC_TARG_WORK + use->nwork : NC_TARG_C})->form = NC_FORM_PLACED;
  if (b.split > 1) nc_use_reduce(use, program->arena, t, g->name, batch * g->m * g->n, b.split);
  return true;
}

static bool gemm_gpu(NcBuf *program, const NcTarget *t, const NcGemm *g, NcTemplateUse *use) {
  int64_t size[SIZES];
  const NcGpuShape s = {.rows = g->m, .cols = g->n, .steps = g->k, .planes = g->batch[0] * g->batch[1],
                        .file = {"gemm_gpu.cl"}, .column = "(int)((o) % N)", .kind = "gemm_gpu", .sizes = SIZES, .size = size};
  sizes_of(g, size);
  if (!nc_template_gpu_fits(t, &s)) return false;
  NcTemplateFrame f = nc_frame_begin(program, t, g->name, &g->text);
  nc_frame_define(&f, "IDX", "%s", index_type(g));
  define_shape(&f, g);
  nc_template_gpu(&f, t, g->name, &s, use);
  return true;
}

bool nc_template_gemm(NcBuf *program, const NcTarget *t, const NcGemm *g, NcTemplateUse *use) {
  if (!sizes_fit(g)) return false;
  if (t->cls == NC_CLASS_CPU && gemm_cpu(program, t, g, use)) return true;
  return gemm_gpu(program, t, g, use);    // also for a CPU with too little scratch
}
