// Models for one column over time: what comes next, as a change from what is the better guess, now or a season ago.
#include <math.h>
#include <string.h>
#include "train/new.h"

// Rows in a season, by how the times are written.
static int season(const NcCsv *t, int time) {
  const char *s = time < 0 ? "" : nc_csv_cell(t, 0, time);
  if (strchr(s, ':')) return 24;
  size_t n = strlen(s);
  return n == 7 && (s[4] == '-' || s[4] == '/') ? 12 : n == 10 ? 7 : 12;
}

bool nc_new_series(NcNew *w, const NcCsv *t, char delimiter, bool header, int time, int column) {
  int64_t n = t->rows, window = season(t, time);
  while (window > 2 && window * 8 > n) window /= 2;      // each part of the split must hold windows
  double *v = NC_NEW_N(w->a, double, n), least = INFINITY, most = 0, now = 0, ago = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!nc_csv_number(nc_csv_cell(t, i, column), &v[i])) {
      nc_csv_error(w->d, NC_E0404, t, i, column, "`%s` is not a number", nc_csv_cell(t, i, column));
      return false;
    }
    least = fmin(least, v[i]);
    most = fmax(most, v[i]);
    if (i < window) continue;
    now += fabs(v[i] - v[i - 1]);
    ago += fabs(v[i] - v[i - window]);
  }
  bool grows = least > 0 && most > 3 * least, seasons = ago < now;
  int64_t batch = nc_new_batch(n * 7 / 10 - window, 32);
  NcBuf *b = &w->out;
  const char *m = w->name;
  nc_new_head(w, nc_sprintf(w->a, "values of `%s`, one after the other in time", t->name[column]), n);
  nc_putf(b, "data %s_data(path: str = ", m);
  nc_print_text(b, w->path);
  nc_put(b, ") {\nsource = series(\npath,\ncolumns = ");
  nc_print_text(b, t->name[column]);
  nc_putf(b, ",\nwindow = %lld%s", (long long)window, grows ? ",\nlog = true  # what grows by a factor is a straight line in logarithms" : "");
  if (delimiter != ',') nc_putf(b, ",\ndelimiter = \"%s\"", delimiter == '\t' ? "\\t" : ";");
  if (!header) nc_put(b, ",\nheader = false");
  nc_put(b, "\n)\n");
  if (seasons) nc_putf(b, "guess = x[:, 0]  # %lld rows before the one that is wanted, which is nearer to it than the last one\n", (long long)window);
  else nc_putf(b, "guess = x[:, %lld]  # the last value, before the one that is wanted\n", (long long)window - 1);
  nc_putf(b, "split = (train = 0.7, valid = 0.15, test = 0.15)  # in the order of time: the test is on what came last\n}\n\n"
             "# A recurrent network: it reads the values one after the other.\n"
             "model %s_net(units: int = 16)(x: f32[B, T, C]) -> f32[B, 1] {\nx |> rnn(units, last = true) |> dense(1)\n}\n\n"
             "train %s_net on %s_data {\n# What is to be found out is how far the guess is off, in units of the values' spread.\n"
             "let found = guess + %s_data.std * %s_net((x - guess[:, new]) / %s_data.std)\nloss = mse(found, target)\n"
             "metrics = (error = mae(found, target), naive = mae(guess, target))  # naive: the error of the guess alone\n"
             "optimizer = adam(cosine(5e-3))\nbatch = %lld\nepochs = %lld\nseed = 1\n}\n",
          m, m, m, m, m, m, (long long)batch, (long long)nc_new_epochs(n * 7 / 10, batch, 600));
  return true;
}
