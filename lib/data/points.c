// Generated points in the plane: small tasks on which a network's work can be seen.
#include <string.h>
#include "data/rand.h"
#include "data/source.h"

static const double TURN = 6.283185307179586;

// Example i of n. Writes its place to x; returns its class, or for the plane the number to predict.
typedef struct { double noise, turns; int classes; } Shape;
typedef double Point(NcRand *r, const Shape *s, int64_t i, double x[2]);

static void blur(NcRand *r, double noise, double x[2]) {
  x[0] += noise * nc_rand_normal(r);
  x[1] += noise * nc_rand_normal(r);
}

// Arms from radius 0.2 to 3, one for each class.
static double spiral(NcRand *r, const Shape *s, int64_t i, double x[2]) {
  int c = (int)(i % s->classes);
  double t = nc_rand_unit(r), radius = 0.2 + 2.8 * t, angle = TURN * (s->turns * t + (double)c / s->classes);
  x[0] = radius * cos(angle);
  x[1] = radius * sin(angle);
  blur(r, s->noise, x);
  return c;
}

// Class 0 is a disc, the others are rings around it.
static double circle(NcRand *r, const Shape *s, int64_t i, double x[2]) {
  int c = (int)(i % s->classes);
  double width = 3.0 / (s->classes * 2 - 1), inner = 2 * c * width, u = nc_rand_unit(r);
  double radius = sqrt(inner * inner + u * ((inner + width) * (inner + width) - inner * inner)),
         angle = TURN * nc_rand_unit(r);
  x[0] = radius * cos(angle);
  x[1] = radius * sin(angle);
  blur(r, s->noise, x);
  return c;
}

static double xor(NcRand *r, const Shape *s, int64_t i, double x[2]) {
  int quarter = (int)(i % 4), right = quarter & 1, up = quarter >> 1;
  x[0] = nc_rand_between(r, 0.15, 2.5) * (right ? 1 : -1);
  x[1] = nc_rand_between(r, 0.15, 2.5) * (up ? 1 : -1);
  blur(r, s->noise, x);
  return right ^ up;
}

static double gauss(NcRand *r, const Shape *s, int64_t i, double x[2]) {
  int c = (int)(i % s->classes);
  x[0] = 2 * cos(TURN * (0.125 + (double)c / s->classes));
  x[1] = 2 * sin(TURN * (0.125 + (double)c / s->classes));
  blur(r, s->noise, x);
  return c;
}

static double moons(NcRand *r, const Shape *s, int64_t i, double x[2]) {
  int c = (int)(i % 2);
  double angle = TURN / 2 * nc_rand_unit(r);
  x[0] = 1.5 * ((c ? 1 - cos(angle) : cos(angle)) - 0.5);
  x[1] = 1.5 * ((c ? 0.5 - sin(angle) : sin(angle)) - 0.25);
  blur(r, s->noise, x);
  return c;
}

static double plane(NcRand *r, const Shape *s, int64_t i, double x[2]) {
  (void)i;
  x[0] = nc_rand_between(r, -3, 3);
  x[1] = nc_rand_between(r, -3, 3);
  return 0.5 * x[0] - 0.25 * x[1] + 0.1 + s->noise * nc_rand_normal(r);
}

static bool has(const NcArgs *g, const char *name) {
  for (int i = 0; i < g->info->settings; i++)
    if (!strcmp(g->info->setting[i].name, name)) return true;
  return false;
}

static int classes(const NcArgs *g) { return has(g, "classes") ? (int)nc_arg(g, "classes")->i : 2; }

static bool describe(const NcArgs *g, NcFields *out) {
  static const char *const axes[] = {"x1", "x2"};
  bool number = g->info == &nc_plane_kind.info;
  *out = (NcFields){NC_NEW_N(g->a, NcField, 2), 2, nc_arg(g, "n")->i};
  out->at[0] = (NcField){.name = "x", .dtype = NC_F32, .shape = NC_SHAPE(2), .column = axes};
  out->at[1] = number ? (NcField){.name = "target", .dtype = NC_F32}
                      : (NcField){.name = "label", .dtype = NC_I32, .classes = classes(g)};
  return true;
}

static NcDataset *generate(const NcArgs *g, Point *point) {
  NcFields f;
  describe(g, &f);
  NcDataset *set = nc_dataset_new(g, &f, f.examples);
  Shape s = {nc_arg(g, "noise")->f, has(g, "turns") ? nc_arg(g, "turns")->f : 0, classes(g)};
  for (int64_t i = 0; i < set->n; i++) {
    NcRand r = nc_rand((uint64_t)nc_arg(g, "seed")->i, NC_RAND_POINTS, (uint64_t)i);
    double x[2], y = point(&r, &s, i, x);
    for (int k = 0; k < 2; k++) ((float *)set->data[0])[2 * i + k] = (float)x[k];
    if (f.at[1].dtype == NC_I32) ((int32_t *)set->data[1])[i] = (int32_t)y;
    else ((float *)set->data[1])[i] = (float)y;
  }
  return set;
}

#define NOISE(fallback) \
  {"noise", NC_SET_FLOAT, fallback, "standard deviation of what is added", .least = 0, .most = 1e6}
#define CLASSES {"classes", NC_SET_INT, "2", "how many classes", .least = 2, .most = 100}
#define LABELLED "x: f32[2], label: i32"
#define KIND(id, doc, fields, list) \
  static NcDataset *id##_open(const NcArgs *g) { return generate(g, id); } \
  const NcSourceKind nc_##id##_kind = { \
    {#id, doc, fields, #id "(n = 2000, noise = 0.1)", NC_SETTINGS(list)}, describe, id##_open};

static const NcSettingInfo spiral_settings[] = {
  NC_SET_N("2000"), NOISE("0.1"), CLASSES,
  {"turns", NC_SET_FLOAT, "1.0", "how often an arm winds around the middle", .least = 0, .most = 100}, NC_SET_SEED,
};
static const NcSettingInfo class_settings[] = {NC_SET_N("2000"), NOISE("0.1"), CLASSES, NC_SET_SEED};
static const NcSettingInfo gauss_settings[] = {NC_SET_N("2000"), NOISE("0.5"), CLASSES, NC_SET_SEED};
static const NcSettingInfo pair_settings[] = {NC_SET_N("2000"), NOISE("0.1"), NC_SET_SEED};

KIND(spiral, "generated: the arms of a spiral, one for each class", LABELLED, spiral_settings)
KIND(circle, "generated: a disc and rings around it", LABELLED, class_settings)
KIND(xor, "generated: four quarters, opposite ones of the same class", LABELLED, pair_settings)
KIND(gauss, "generated: a cloud for each class", LABELLED, gauss_settings)
KIND(moons, "generated: two half moons, each reaching into the other", LABELLED, pair_settings)
KIND(plane, "generated: target = 0.5 x1 - 0.25 x2 + 0.1 and noise", "x: f32[2], target: f32", pair_settings)
