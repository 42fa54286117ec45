// Trains the spiral and asks the trained network about points: the whole of nacre.h that a program needs.
//   cc train_and_predict.c $(pkg-config --cflags --libs nacre) -o train_and_predict
//   ./train_and_predict spiral.nn
#include <nacre.h>
#include <stdio.h>

static void show(void *ctx, const NacreProgress *p) {
  (void)ctx;
  if (p->phase[0] == 'v' && p->epoch % 10 == 0)
    printf("epoch %lld: validation loss %.4f\n", (long long)p->epoch, p->metric[0].value);
}

// A letter for each point of the plane: which spiral does the network think it belongs to?
static NacreStatus draw(NacreModel *m) {
  enum { W = 48, H = 24 };
  static float points[W * H][2];
  for (int i = 0; i < W * H; i++) {
    points[i][0] = (float)(i % W) / (W - 1) * 2 - 1;
    points[i][1] = 1 - (float)(i / W) / (H - 1) * 2;
  }
  const void *data[] = {points};
  const NacreTensor *shape;
  const float *out;   // [W * H][2]: one score per class
  NacreStatus s = nacre_predict(m, W * H, data, &shape, &out);
  for (int i = 0; s == NACRE_OK && i < W * H; i++) {
    putchar(out[2 * i + 1] > out[2 * i] ? '#' : '.');
    if (i % W == W - 1) putchar('\n');
  }
  return s;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s spiral.nn [RUN-DIRECTORY]\n", argv[0]);
    return NACRE_USAGE;
  }
  NacreModel *m;
  NacreStatus s = nacre_open(argv[1], NULL, &m);
  NacreTrainOptions options = {.out = argc > 2 ? argv[2] : "spiral-run", .force = true, .progress = show};
  if (s == NACRE_OK) s = nacre_train(m, &options);
  NacreScores scores;
  if (s == NACRE_OK) s = nacre_eval(m, "test", &scores);
  if (s == NACRE_OK) {
    printf("\n%lld points it has not seen:", (long long)scores.examples);
    for (int i = 0; i < scores.metrics; i++) printf(" %s %.4f", scores.metric[i].name, scores.metric[i].value);
    printf("\n\n");
    s = draw(m);
  }
  if (m) fputs(nacre_message(m), stderr);
  nacre_close(m);
  return (int)s;
}
