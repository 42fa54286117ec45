// nacre-compile: a process beside the one that trains, which compiles parts of its program (aides.h). It is not called
// by people: it finds its work on a socket where its input would be, and prints nothing.
#include "config.h"
#include "device/aides.h"
#include "base/thread.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 28, FILES = 1024 };

typedef struct { NcDevices *all; NcDevice *dev; cl_command_queue queue; } Device;
typedef struct { const char *at, *end; bool bad; } Message;

// Nobody is left to compile for: whatever this process is at, it ends.
static void *watch(void *unused) {
  for (;;) {
    struct pollfd f = {.fd = NC_AIDE_SOCKET};
    if (poll(&f, 1, -1) > 0) _exit(0);
  }
  return unused;
}

static bool receive(void *to, size_t n) {
  for (char *s = to; n;) {
    ssize_t k = recv(NC_AIDE_SOCKET, s, n, 0);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    s += k;
    n -= (size_t)k;
  }
  return true;
}

static bool say(int what) {
  unsigned char c = (unsigned char)what;
  return send(NC_AIDE_SOCKET, &c, 1, 0) == 1;
}

// --- the message: strings, each with its end ---

static const char *word(Message *m) {
  const char *s = m->at, *end = s < m->end ? memchr(s, 0, (size_t)(m->end - s)) : NULL;
  if (end) m->at = end + 1;
  else m->bad = true;
  return end ? s : "";
}

static int number(Message *m, int most) {
  const char *s = word(m);
  char *end;
  long n = strtol(s, &end, 10);
  if (end == s || *end || n < 0 || n > most) m->bad = true;
  return m->bad ? 0 : (int)n;
}

static NcParts *read_parts(NcArena *a, Message *m) {
  NcParts *p = NC_NEW(a, NcParts);
  p->arena = a;
  p->parts = number(m, NC_PARTS_MOST);
  p->text = NC_NEW_N(a, const char *, p->parts + 1);
  p->bank = NC_NEW_N(a, bool, p->parts + 1);
  for (int i = 0; i < p->parts; i++) {
    p->text[i] = word(m);
    p->bank[i] = number(m, 1);
  }
  return m->bad ? NULL : p;
}

// --- compiling ---

// The device of that number, if it is the one that is meant.
static bool open_device(Device *x, NcArena *a, int choice, const char *name, const char *platform) {
  if (x->queue) return true;
  NcDiag *d = nc_diag_new(a);
  const NcDeviceInfo *info = (x->all = nc_devices_open(a, d)) ? nc_devices_info(x->all, choice) : NULL;
  if (!info || strcmp(info->name, name) || strcmp(info->platform, platform)) return false;
  NcDeviceOptions o = {.choice = nc_sprintf(a, "%d", choice), .no_probes = true, .no_cache = true};
  cl_int err = 0;
  if (!(x->dev = nc_device_open(x->all, d, &o))) return false;
  x->queue = x->dev->cl->clCreateCommandQueue(x->dev->context, x->dev->id, 0, &err);
  return !err;
}

static bool compile(Device *x, NcArena *a, const NcParts *p, int part, const char *options) {
  cl_program program = nc_program_build(x->dev, nc_diag_new(a), p->text[part], options);
  bool ok = program && (!p->bank[part] || nc_bank_ready(x->dev, x->queue, program));
  if (program) x->dev->cl->clReleaseProgram(program);
  return ok;
}

static bool work(Device *x, NcArena *a, Message *m) {
  if (strcmp(word(m), NC_AIDE_HELLO)) return false;
  int choice = number(m, FILES);
  const char *name = word(m), *platform = word(m), *options = word(m);
  NcParts *p = read_parts(a, m);
  if (!p || !open_device(x, a, choice, name, platform)) return false;
  for (unsigned char i;;) {
    ssize_t n = read(NC_AIDE_PIPE, &i, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n != 1) return say(NC_AIDE_IDLE);
    if (i >= p->parts || !say(compile(x, a, p, i, options) ? i : i + NC_AIDE_FAILED)) return false;
  }
}

static bool serve(NcArena *a) {
  Device device = {0};
  pthread_t thread;
  uint64_t size;
  if (!nc_threads_start(&thread, 1, watch, NULL)) return false;
  while (receive(&size, sizeof size) && size && size < MOST_BYTES) {
    char *text = nc_alloc(a, size);
    Message m = {.at = text, .end = text + size};
    if (!receive(text, size) || !work(&device, a, &m)) return false;
  }
  return true;
}

int main(void) {
  for (int i = NC_AIDE_PIPE + 1; i < FILES; i++) close(i);     // what the other process left open is not ours
  NcArena *a = nc_arena_new();
  bool ok = a && !NC_ON_OOM(a) && serve(a);
  _exit(!ok);      // no driver's farewell: somebody is waiting
}
