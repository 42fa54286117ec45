#include "data/loader.h"
#include <stdlib.h>
#include <string.h>
#include "base/thread.h"
#include "data/rand.h"
#include "data/split.h"

// Batches since the last seek have sequence numbers from 0 on; number s lives in slot s % slots.
//
//   taken - keep … taken - 1    with the caller
//   taken … claimed - 1         being gathered, or ready
//
// A slot may be claimed for s when the batch before in it, s - slots, is no longer with the caller.
typedef struct {
  int64_t ready;             // sequence number that it holds, -1 while it is none or being made
  NcBatch batch;
  int64_t *index;            // [batch]
  void **field;              // [fields]
} Slot;

struct NcLoader {
  const NcDataset *data;
  int64_t n, batch, batches; // batches in an epoch
  int64_t *index, *order;    // the examples; the same, shuffled for order_epoch
  int64_t order_epoch;
  int64_t stride, last, shift; // windows; shift: of order_epoch
  uint64_t seed;
  bool train;
  int *field, fields;
  int64_t groups, *group;    // balanced: index lies class by class, class k from group[k] to group[k + 1]; else 0
  int64_t *scratch;
  int keep, slots, threads;
  Slot *slot;
  pthread_t *thread;
  pthread_mutex_t lock;
  pthread_cond_t work, done; // a slot may be claimed; a batch is ready
  int64_t start;             // position of sequence number 0: epoch × batches + number
  int64_t claimed, taken;
  int busy;                  // threads that are gathering
  bool pause, quit;
};

int64_t nc_loader_batches(const NcLoader *l) { return l->batches; }

// An epoch that has as many examples of each class, in no order yet: whole rounds of a class, and a few more by chance. What
// does not divide evenly goes to other classes in other epochs.
static void balanced(NcLoader *l, int64_t epoch) {
  int64_t at = 0;
  for (int64_t k = 0; k < l->groups; k++) {
    const int64_t *from = l->index + l->group[k];
    int64_t n = l->group[k + 1] - l->group[k], quota = l->n / l->groups + ((k + epoch) % l->groups < l->n % l->groups);
    for (; quota >= n; quota -= n, at += n) memcpy(l->order + at, from, (size_t)n * sizeof *from);
    memcpy(l->scratch, from, (size_t)n * sizeof *from);
    nc_shuffle(l->scratch, n, l->seed, (uint64_t)epoch ^ (uint64_t)(k + 1) << 40);
    memcpy(l->order + at, l->scratch, (size_t)quota * sizeof *from);
    at += quota;
  }
}

// Lays down which examples batch s has. Under the lock: the order is shared.
static Slot *claim(NcLoader *l) {
  int64_t s = l->claimed++, at = l->start + s;
  Slot *slot = &l->slot[s % l->slots];
  slot->ready = -1;
  slot->batch =
    (NcBatch){.epoch = at / l->batches, .number = at % l->batches, .index = slot->index, .field = slot->field};
  if (l->train && l->order_epoch != slot->batch.epoch) {
    if (l->groups) balanced(l, slot->batch.epoch);
    else memcpy(l->order, l->index, (size_t)l->n * sizeof *l->order);
    nc_shuffle(l->order, l->n, l->seed, (uint64_t)slot->batch.epoch);
    l->order_epoch = slot->batch.epoch;
    NcRand r = nc_rand(l->seed, NC_RAND_WINDOWS, (uint64_t)slot->batch.epoch);
    l->shift = l->stride > 1 ? nc_rand_below(&r, (uint32_t)l->stride) : 0;
  }
  const int64_t *from = (l->train ? l->order : l->index) + slot->batch.number * l->batch;
  int64_t left = l->n - slot->batch.number * l->batch;
  slot->batch.count = left < l->batch ? left : l->batch;
  for (int64_t i = 0; i < l->batch; i++) {
    int64_t k = from[i < slot->batch.count ? i : slot->batch.count - 1] + l->shift;
    slot->index[i] = l->shift && k > l->last ? l->last : k;
  }
  return slot;
}

static void gather(const NcLoader *l, Slot *slot) {
  for (int k = 0; k < l->fields; k++) {
    size_t bytes = nc_field_bytes(&l->data->field[l->field[k]]);
    char *to = slot->field[k];
    for (int64_t i = 0; i < l->batch; i++)
      memcpy(to + (size_t)i * bytes, nc_field_at(l->data, l->field[k], slot->index[i]), bytes);
  }
}

static bool claimable(const NcLoader *l) {
  return !l->pause && (l->claimed < l->slots || l->claimed - l->slots < l->taken - l->keep);
}

static void *worker(void *p) {
  NcLoader *l = p;
  pthread_mutex_lock(&l->lock);
  for (;;) {
    while (!l->quit && !claimable(l)) pthread_cond_wait(&l->work, &l->lock);
    if (l->quit) break;
    int64_t s = l->claimed;
    Slot *slot = claim(l);
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    gather(l, slot);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    slot->ready = s;
    pthread_cond_broadcast(&l->done);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

void nc_loader_next(NcLoader *l, NcBatch *out) {
  pthread_mutex_lock(&l->lock);
  int64_t s = l->taken++;
  Slot *slot = &l->slot[s % l->slots];
  if (l->threads) {
    pthread_cond_broadcast(&l->work);
    while (slot->ready != s) pthread_cond_wait(&l->done, &l->lock);
  } else {
    gather(l, claim(l));
  }
  *out = slot->batch;
  pthread_mutex_unlock(&l->lock);
}

void nc_loader_seek(NcLoader *l, int64_t epoch, int64_t batch) {
  pthread_mutex_lock(&l->lock);
  l->pause = true;
  while (l->busy) pthread_cond_wait(&l->done, &l->lock);
  for (int i = 0; i < l->slots; i++) l->slot[i].ready = -1;
  l->start = epoch * l->batches + batch;
  l->claimed = l->taken = 0;
  l->pause = false;
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
}

void nc_loader_free(NcLoader *l) {
  if (!l) return;
  pthread_mutex_lock(&l->lock);
  l->quit = true;
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
  for (int i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
  pthread_cond_destroy(&l->work);
  pthread_cond_destroy(&l->done);
  pthread_mutex_destroy(&l->lock);
  for (int i = 0; l->slot && i < l->slots; i++) {
    for (int k = 0; l->slot[i].field && k < l->fields; k++) free(l->slot[i].field[k]);
    free(l->slot[i].field);
    free(l->slot[i].index);
  }
  free(l->slot);
  free(l->thread);
  free(l->field);
  free(l->index);
  free(l->order);
  free(l->group);
  free(l->scratch);
  free(l);
}

// Memory of the slots; false when there is none.
static bool slots(NcLoader *l) {
  l->slot = calloc((size_t)l->slots, sizeof *l->slot);
  if (!l->slot) return false;
  for (int i = 0; i < l->slots; i++) {
    Slot *s = &l->slot[i];
    s->ready = -1;
    s->index = calloc((size_t)l->batch, sizeof *s->index);
    s->field = calloc((size_t)l->fields + 1, sizeof *s->field);
    if (!s->index || !s->field) return false;
    for (int k = 0; k < l->fields; k++) {
      size_t each = nc_field_bytes(&l->data->field[l->field[k]]);
      if (each && (size_t)l->batch > (SIZE_MAX / 2) / each) return false;
      s->field[k] = aligned_alloc(64, (each * (size_t)l->batch + 64) / 64 * 64);
      if (!s->field[k]) return false;
    }
  }
  return true;
}

static bool lists(NcLoader *l, const NcLoaderOptions *o) {
  l->field = calloc((size_t)l->fields + 1, sizeof *l->field);
  l->index = calloc((size_t)l->n, sizeof *l->index);
  l->order = l->train ? calloc((size_t)l->n, sizeof *l->order) : NULL;
  if (!l->field || !l->index || (l->train && !l->order)) return false;
  for (int k = 0; k < l->fields; k++) l->field[k] = o->field ? o->field[k] : k;
  for (int64_t i = 0; i < l->n; i++) l->index[i] = o->index ? o->index[i] : i;
  return true;
}

// Puts the examples class by class, in their order. Classes without examples are passed over.
static bool groups(NcLoader *l, const int32_t *label, int64_t classes) {
  if (!label || !l->train) return true;
  l->group = calloc((size_t)classes + 2, sizeof *l->group);
  l->scratch = calloc((size_t)l->n, sizeof *l->scratch);
  if (!l->group || !l->scratch) return false;
  int64_t *next = l->group + 1;            // while they are put: where the next one of class c lies
  for (int64_t i = 0; i < l->n; i++) next[label[l->index[i]]]++;
  for (int64_t c = 0, at = 0; c < classes; c++) {
    int64_t many = next[c];
    next[c] = at;
    at += many;
  }
  memcpy(l->order, l->index, (size_t)l->n * sizeof *l->order);
  for (int64_t i = 0; i < l->n; i++) l->index[next[label[l->order[i]]]++] = l->order[i];
  for (int64_t c = 0; c < classes; c++)    // now where it ends
    if (next[c] > l->group[l->groups]) l->group[++l->groups] = next[c];
  return true;
}

static bool threads(NcLoader *l, int wanted) {
  if (!wanted) return true;
  l->thread = calloc((size_t)wanted, sizeof *l->thread);
  if (!l->thread) return false;
  l->threads = nc_threads_start(l->thread, wanted, worker, l);
  return true;
}

static bool enough(NcDiag *d, const NcLoaderOptions *o, int64_t n) {
  if (o->batch > 0 && o->batch <= UINT32_MAX && n > 0 && n <= UINT32_MAX && (!o->train || n >= o->batch)) return true;
  if (n > UINT32_MAX) {
    nc_error(d, NC_E0404, o->at, "%lld examples are more than a data set can have (2^32 - 1)", (long long)n);
  } else if (o->batch <= 0) {
    nc_error(d, NC_E0312, o->at, "a batch must hold at least one example");
  } else if (o->batch > UINT32_MAX) {
    nc_error(d, NC_E0312, o->at, "a batch of %lld examples is more than a data set can have (2^32 - 1)",
             (long long)o->batch);
  } else {
    NcMessage *m = nc_error(d, NC_E0406, o->at, "there are %lld examples, which do not fill one batch of %lld",
                            (long long)n, (long long)o->batch);
    if (n > 0) nc_help(d, m, "`batch = %lld` would work, or give training more examples", (long long)n);
  }
  return false;
}

NcLoader *nc_loader_new(NcDiag *d, const NcLoaderOptions *o) {
  int64_t n = o->index ? o->n : o->data->n;
  if (!enough(d, o, n)) return NULL;
  NcLoader *l = calloc(1, sizeof *l);
  if (l) {
    *l = (NcLoader){.data = o->data, .n = n, .batch = o->batch, .seed = o->seed, .train = o->train, .order_epoch = -1,
                    .stride = o->stride, .last = o->last};
    l->batches = o->train ? n / o->batch : (n + o->batch - 1) / o->batch;
    l->fields = o->field ? o->fields : o->data->fields;
    l->keep = o->keep > 0 ? o->keep : 2;
    l->slots = l->keep + (o->ahead > 0 ? o->ahead : 2);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    if (lists(l, o) && groups(l, o->label, o->classes) && slots(l) && threads(l, o->threads < 0 ? 0 : o->threads ? o->threads : 1)) return l;
    nc_loader_free(l);
  }
  nc_error(d, NC_E0606, o->at, "out of memory for batches of %lld examples", (long long)o->batch);
  return NULL;
}
