#include "elab/words.h"
#include "elab/builtin.h"
#include <string.h>

// Values and settings. What they do stands where their names are looked up: module.c, train.c, data.c.
static const NcWord plain[] = {
  {"training", "training", "true in the compilation for training, false for evaluation and prediction"},
  {"inf", "inf", "infinity"},
  {"nan", "nan", "not a number"},
  {"pi", "pi", "3.14159…"},
  {"iteration", "iteration", "in optimizers and schedules: updates done so far, as i32"},
  {"gradient_norm", "gradient_norm", "in optimizers: the norm of all gradients together"},
  {"total_steps", "total_steps", "updates of the whole training: `steps`, or `epochs` times the batches of an epoch"},
  {"loss", "loss = cross_entropy(net(x), label)",
   "setting of train: the number that training makes small; it must be a scalar"},
  {"metrics", "metrics = [accuracy(net(x), label)]",
   "setting of train: scalars reported beside the loss; names stand in parentheses: (top5 = top_k(…), …)"},
  {"log", "log = [mean(kl)]", "setting of train: more scalars to report"},
  {"optimizer", "optimizer = adam(1e-3)",
   "setting of train: a layer of weight and gradient, such as sgd adam adamw nadam rmsprop adagrad adadelta lion lamb lars"},
  {"keep", "keep = accuracy",
   "setting of train: which value picks the best checkpoint (loss); losses and errors are best small, the rest large; "
   "min(error) and max(score) say it"},
  {"patience", "patience = 5",
   "setting of train and stage: ends it after so many validations in a row without a better value of what is kept"},
  {"batch", "batch = 32", "setting of train: examples in one step (32)"},
  {"epochs", "epochs = 10", "setting of train: passes over the data"},
  {"steps", "steps = 5000", "setting of train: updates, instead of epochs"},
  {"seed", "seed = 1", "setting of train: decides starting values, dropout and the order of examples (1)"},
  {"only", "only = [head, body.block_2]", "setting of train, stage and step: the layers whose parameters are trained"},
  {"accumulate", "accumulate = 4", "setting of train: batches to an update, whose gradients are averaged (1)"},
  {"recompute", "recompute = 4",
   "setting of train: keeps less in memory; what gradients read is computed again for them, stretch by stretch (1: all is kept)"},
  {"ema", "ema = 0.999",
   "setting of train: keeps averages of the weights, with this decay; evaluation and prediction use them"},
  {"checkpoint", "checkpoint = every(500)",
   "setting of train: validates and saves after so many steps too, not only at the ends of epochs"},
  {"stage", "stage warm { only = [head]; optimizer = adam(1e-3); epochs = 3 }",
   "in train: a stretch of the training with an optimizer of its own; stages follow one another"},
  {"weights", "weights w = safetensors(\"file.safetensors\", names = \"torchvision\")",
   "declaration: where layers start: `dense(10) as head from w`; run(\"runs/x\") names a training"},
  {"task", "task sample(n: int = 16)() -> f32[n, 1, 28, 28] { sigmoid(vae.dec(randn[n, vae.Z])) }",
   "declaration: something to compute with what was trained; `nacre run RUN sample --n 64 -o x.png`"},
  {"for", "for i < M, j < N { sum for k < K { a[i, k] * b[k, j] } }",
   "index notation: the tensor of the numbers in the block; sum, prod, max, min, mean, any or all before it reduces them"},
  {"grad", "grad(sum(u), x)",
   "the gradient of a scalar by the tensor that a name stands for; it can be differentiated again"},
  {"frozen", "x |> dense(3) as d frozen", "this layer is not trained and works as in inference, unless `only` names it"},
  {"source", "source = csv(\"iris.csv\", label = \"species\")", "setting of data: where the fields come from"},
  {"split", "split = (train = 0.8, valid = 0.1, test = 0.1)", "setting of data: fractions of the examples, or whole numbers of them"},
  {"split_by", "split_by = label",
   "setting of data: each part gets its share of every class; of a number, such as a time, its parts follow one another; "
   "`order`: as the source has them"},
  {"balance", "balance = label", "setting of data: training draws as many examples from each class"},
  {"where", "where = label < 5", "setting of data: which examples count; elsewhere where(c, a, b) chooses element by element"},
};
enum { PLAIN = sizeof plain / sizeof *plain };

static const char *usage(NcArena *a, const NcBuiltin *b) {
  NcBuf s = NC_BUF(a);
  nc_put(&s, b->name);
  if (b->shape == NC_NEEDS_SHAPE) nc_put(&s, "[…]");
  if (b->shape == NC_NEEDS_SHAPE && !*b->params) return nc_buf_str(&s);
  nc_putc(&s, '(');
  for (const char *p = b->params; *p;) {
    size_t n = strcspn(p, " ?*");
    if (p != b->params) nc_put(&s, ", ");
    nc_putn(&s, p, n);
    p += n;
    if (*p == '?') nc_put(&s, " = …");
    if (*p == '*') nc_put(&s, "…");
    p += strspn(p, "?* ");
  }
  nc_putc(&s, ')');
  return nc_buf_str(&s);
}

bool nc_word_at(NcArena *a, int i, NcWord *out) {
  if (i < PLAIN) { *out = plain[i]; return true; }
  i -= PLAIN;
  for (int t = 0; nc_builtin_tables[t]; t++)
    for (const NcBuiltin *b = nc_builtin_tables[t]; b->name; b++)
      if (i-- == 0) { *out = (NcWord){b->name, usage(a, b), b->doc}; return true; }
  const NcOp *op;
  for (int k = 0; (op = nc_op_at(k)); k++)
    if (nc_pointwise_function(op) && i-- == 0) {
      *out = (NcWord){op->name, nc_sprintf(a, "%s(a)", op->name), op->doc};
      return true;
    }
  return false;
}
