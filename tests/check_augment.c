// Augmentations of images: what each one makes of images whose every number is known, by the reference evaluator; that they
// are absent from inference, and that equal counters draw equal bits; and both classes of code.
#include <math.h>
#include <stdlib.h>
#include "elab/recipe.h"
#include "elab_run.h"
#include "gen_run.h"
#include "suite.h"

enum { B = 8, C = 3, H = 6, W = 5, POINTS = H * W, ALL = B * C * POINTS };
static const char text[] =
  "nn 1\n"
  "model flip(x: f32[B, 3, 6, 5]) -> f32[B, 3, 6, 5] { x |> random_flip }\n"
  "model turn(x: f32[B, 3, 6, 5]) -> f32[B, 3, 6, 5] { x |> random_flip(rate = 1.0, axis = -2) }\n"
  "model crop(x: f32[B, 3, 6, 5]) -> f32[B, 3, 6, 5] { x |> random_crop(2) }\n"
  "model rotate(x: f32[B, 3, 6, 5]) -> f32[B, 3, 6, 5] { x |> random_rotate(40) }\n"
  "model colour(x: f32[B, 3, 6, 5]) -> f32[B, 3, 6, 5] { x |> colour_jitter(0.5, 0.5, 0.5) }\n"
  "model cut(x: f32[B, 3, 6, 5]) -> f32[B, 3, 6, 5] { x |> cutout(3) }\n"
  "model mix(x: f32[B, 3, 6, 5], label: i32[B]) -> (image: f32[B, 3, 6, 5], share: f32[B, 4]) {\n"
  "  let (a, b) = mixup(classes = 4)(x, label)\n  (image = a, share = b)\n}\n"
  "model both(x: f32[B, 3, 6, 5], g: f32[B, 6, 5], label: i32[B]) -> (a: f32[B, 3, 6, 5], b: f32[B, 6, 5], c: f32[B, 3, 6, 5],"
  " d: f32[B, 6, 5], e: f32[B, 6, 5], image: f32[B, 3, 6, 5], share: f32[B, 4]) {\n"
  "  let (m, s) = mixup(classes = 4, alpha = 1)(x, label)\n"
  "  (a = x |> random_flip |> random_crop(2), b = g |> random_crop(1) |> random_flip, c = x |> colour_jitter,\n"
  "   d = g |> random_rotate(30), e = g |> cutout(2), image = m, share = s)\n}\n";

static double image[ALL];      // number i is i + 1: none is 0, and each place is known by it
static double label[B] = {0, 1, 2, 3, 0, 1, 2, 3};

static NcGraph *graph_of(const char *model, bool training) {
  NcFrame top;
  NcProgramOptions *o = NC_NEW(arena, NcProgramOptions);
  *o = (NcProgramOptions){.name = "augment.nn", .text = text, .size = sizeof text - 1, .batch = B};
  NcElab *e = nc_elab_open(arena, diag, o, &top);
  ck_assert_msg(e != NULL, "%s", messages(diag));
  NcGraph *g = nc_model_graph(e, nc_map_get(&e->user->decl, model), training);
  ck_assert_msg(g != NULL, "%s", messages(diag));
  return g;
}

typedef struct { const double *y, *share; const double *drawn[8]; int draws; } Made;

static Made made(const char *model, bool training, uint64_t seed) {
  const NcGraph *g = graph_of(model, training);
  double **v = NC_NEW_N(arena, double *, g->node.n + 1);
  for (int i = 0; i < ALL; i++) image[i] = strcmp(model, "colour") ? i + 1 : (i + 1.0) / ALL;
  NcBinding bind[] = {{"x", image}, {"label", label}};
  ck_assert_msg(nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .nbind = 2, .bind = bind, .seed = seed,
      .keep = true}, v), "%s", messages(diag));
  Made m = {.y = v[g->output.at[0].node->id], .share = g->output.n > 1 ? v[g->output.at[1].node->id] : NULL};
  for (int i = 0; i < g->node.n; i++)
    if (!strcmp(g->node.at[i]->op->name, "random") && v[i] && m.draws < 8) m.drawn[m.draws++] = v[i];
  return m;
}

static double at(const double *x, int b, int c, int i, int j) {
  return i >= 0 && i < H && j >= 0 && j < W ? x[((b * C + c) * H + i) * W + j] : 0;
}

START_TEST(test_draws) {
  static const char *const model[] = {"flip", "crop", "rotate", "colour", "cut", "mix"};
  const char *name = model[_i];
  Made plain = made(name, false, 3), one = made(name, true, 3), again = made(name, true, 3), next = made(name, true, 4);
  ck_assert_mem_eq(plain.y, image, sizeof image);          // nothing of it outside of training
  ck_assert_mem_eq(one.y, again.y, sizeof image);
  ck_assert(memcmp(one.y, next.y, sizeof image) != 0);
  ck_assert(memcmp(one.y, plain.y, sizeof image) != 0);
}
END_TEST

START_TEST(test_flip) {
  Made m = made("flip", true, 1), up = made("turn", true, 1);
  int mirrored = 0;
  for (int b = 0; b < B; b++) {
    bool now = at(m.y, b, 0, 0, 0) != at(image, b, 0, 0, 0);
    mirrored += now;
    for (int k = 0; k < C * POINTS; k++) {
      int c = k / POINTS, i = k / W % H, j = k % W;
      ck_assert_double_eq(at(m.y, b, c, i, j), at(image, b, c, i, now ? W - 1 - j : j));
      ck_assert_double_eq(at(up.y, b, c, i, j), at(image, b, c, H - 1 - i, j));
    }
  }
  ck_assert(mirrored > 0 && mirrored < B);
}
END_TEST

START_TEST(test_crop) {
  int seen[5][5] = {{0}}, kinds = 0;
  for (uint64_t seed = 0; seed < 12; seed++) {
    Made m = made("crop", true, seed);
    for (int b = 0; b < B; b++) {
      int dy = 0, dx = 0;
      double middle = at(m.y, b, 0, 2, 2) - 1 - b * C * POINTS;         // its place in its image
      dy = (int)middle / W - 2, dx = (int)middle % W - 2;
      ck_assert(abs(dy) <= 2 && abs(dx) <= 2);
      kinds += !seen[dy + 2][dx + 2]++;
      for (int k = 0; k < C * POINTS; k++) {
        int c = k / POINTS, i = k / W % H, j = k % W;
        ck_assert_double_eq(at(m.y, b, c, i, j), at(image, b, c, i + dy, j + dx));
      }
    }
  }
  ck_assert_int_gt(kinds, 18);                                          // of 25, in 96 draws
}
END_TEST

START_TEST(test_rotate) {
  Made m = made("rotate", true, 2);
  ck_assert_int_eq(m.draws, 1);
  for (int b = 0; b < B; b++) {
    double angle = (2 * m.drawn[0][b] - 1) * 40 * 3.141592653589793 / 180;
    for (int k = 0; k < C * POINTS; k++) {
      int c = k / POINTS, i = k / W % H, j = k % W;
      double y = i - (H - 1) / 2.0, x = j - (W - 1) / 2.0;
      double fy = cos(angle) * y - sin(angle) * x + (H - 1) / 2.0, fx = sin(angle) * y + cos(angle) * x + (W - 1) / 2.0;
      int top = (int)floor(fy), left = (int)floor(fx);
      double wy = fy - top, wx = fx - left;
      double want = (1 - wy) * ((1 - wx) * at(image, b, c, top, left) + wx * at(image, b, c, top, left + 1)) +
                    wy * ((1 - wx) * at(image, b, c, top + 1, left) + wx * at(image, b, c, top + 1, left + 1));
      ck_assert_double_eq_tol(at(m.y, b, c, i, j), want, 1e-9 * ALL);
    }
  }
}
END_TEST

START_TEST(test_cutout) {
  Made m = made("cut", true, 5);
  for (int b = 0; b < B; b++) {
    int low = H, high = -1, left = W, right = -1;
    for (int k = 0; k < POINTS; k++)
      if (at(m.y, b, 0, k / W, k % W) == 0) {
        low = k / W < low ? k / W : low, high = k / W > high ? k / W : high;
        left = k % W < left ? k % W : left, right = k % W > right ? k % W : right;
      }
    ck_assert(high >= low && high - low < 3 && right - left < 3);
    ck_assert(high - low == 2 || low == 0 || high == H - 1);            // whole, but where it leaves the image
    for (int k = 0; k < C * POINTS; k++) {
      int c = k / POINTS, i = k / W % H, j = k % W;
      bool hidden = i >= low && i <= high && j >= left && j <= right;
      ck_assert_double_eq(at(m.y, b, c, i, j), hidden ? 0 : at(image, b, c, i, j));
    }
  }
}
END_TEST

START_TEST(test_colour) {
  const NcGraph *g = graph_of("colour", true);
  double grey[ALL], **v = NC_NEW_N(arena, double *, g->node.n + 1);
  for (int i = 0; i < ALL; i++) image[i] = (i % 97) / 96.0, grey[i] = 0.25;
  for (int k = 0; k < 2; k++) {
    NcBinding bind[] = {{"x", k ? grey : image}};
    ck_assert(nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .nbind = 1, .bind = bind, .seed = 7}, v));
    const double *y = v[g->output.at[0].node->id];
    for (int i = 0; i < ALL; i++) ck_assert(y[i] >= 0 && y[i] <= 1);
    for (int i = 0; k && i < ALL; i++) {                                // one grey has no contrast and no colour: light is left
      ck_assert(y[i] >= 0.125 - 1e-9 && y[i] <= 0.375 + 1e-9);
      ck_assert_double_eq_tol(y[i], y[i / (C * POINTS) * (C * POINTS)], 1e-9);
    }
  }
}
END_TEST

START_TEST(test_mixup) {
  int pure = 0;
  for (uint64_t seed = 0; seed < 20; seed++) {
    Made m = made("mix", true, seed);
    for (int b = 0; b < B; b++) {
      int other = B - 1 - b, mine = (int)label[b], its = (int)label[other];
      double l = (at(m.y, b, 0, 0, 0) - at(image, other, 0, 0, 0)) / (at(image, b, 0, 0, 0) - at(image, other, 0, 0, 0));
      ck_assert(l >= 0 && l <= 1);
      pure += l < 0.1 || l > 0.9;
      for (int k = 0; k < C * POINTS; k++)
        ck_assert_double_eq_tol(m.y[b * C * POINTS + k],
            l * image[b * C * POINTS + k] + (1 - l) * image[other * C * POINTS + k], 1e-6 * ALL);
      for (int c = 0; c < 4; c++)
        ck_assert_double_eq_tol(m.share[b * 4 + c], l * (c == mine) + (1 - l) * (c == its), 1e-6);
    }
  }
  ck_assert_int_gt(pure, 80);                                           // Beta(0.2, 0.2) lies near its ends: 68 %
}
END_TEST

// ---- devices

static GenDevice device;
static void open_device(void) { gen_need(&device, "only the reference was checked"); }
static void close_device(void) { gen_close(&device); }

START_TEST(test_device) {
  suite_open();
  const NcGraph *g = graph_of("both", true);
  const char *why = gen_compare(&device, arena, g, 0, NULL, &(GenOptions){.cls = _i ? NC_CLASS_GPU : NC_CLASS_CPU});
  ck_assert_msg(!why, "%s", why);
  suite_close();
}
END_TEST

int main(void) {
  Suite *s = suite_create("augment");
  TCase *c = suite_case(s, "reference", suite_open, suite_close);
  tcase_add_loop_test(c, test_draws, 0, 6);
  tcase_add_test(c, test_flip);
  tcase_add_test(c, test_crop);
  tcase_add_test(c, test_rotate);
  tcase_add_test(c, test_cutout);
  tcase_add_test(c, test_colour);
  tcase_add_test(c, test_mixup);
  c = suite_case(s, "devices", NULL, NULL);
  tcase_add_unchecked_fixture(c, open_device, close_device);
  tcase_add_loop_test(c, test_device, 0, 2);
  return suite_run(s, CK_NOFORK);
}
