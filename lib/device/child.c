// Work in a child process, so that a driver may crash or hang without taking the program along.
//
// The child answers through a pipe: first its messages, then whether it succeeded, then its output. Every piece is a
// length and that many bytes; an answer that ends early is a child that died. A child whose parent dies goes too, even one
// that hangs in the driver.
#include "device/check.h"
#include "base/thread.h"
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// --- the child's side ---

static bool send_all(int fd, const void *p, size_t n) {
  for (const char *s = p; n;) {
    ssize_t k = write(fd, s, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    s += k;
    n -= (size_t)k;
  }
  return true;
}

static bool send_piece(int fd, const void *p, size_t n) {
  uint64_t length = n;
  return send_all(fd, &length, sizeof length) && send_all(fd, p, n);
}

static bool send_text(int fd, const char *s) { return send_piece(fd, s ? s : "", s ? strlen(s) : 0); }

static bool send_message(int fd, const NcMessage *m) {
  int32_t head[3] = {(int32_t)m->severity, (int32_t)m->code, m->notes.n};
  bool ok = send_piece(fd, head, sizeof head) && send_text(fd, m->text) && send_text(fd, m->help);
  for (int i = 0; ok && i < m->notes.n; i++) ok = send_text(fd, m->notes.at[i]);
  return ok;
}

// The program's own handlers are not for this process.
static void default_signals(void) {
  static const int signals[] = {SIGALRM, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGINT, SIGTERM};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
}

// Where nobody can read from a pipe any more its other end is in error, which is told without being asked for.
static void *watch(void *arg) {
  struct pollfd f = {.fd = *(const int *)arg};
  while (poll(&f, 1, -1) <= 0) {}
  _exit(1);
}

static int answer(int fd, NcChildWork work, void *user) {
  pthread_t watcher;
  NcArena *a = nc_threads_start(&watcher, 1, watch, &fd) ? nc_arena_new() : NULL;
  if (!a || NC_ON_OOM(a)) return 1;
  NcDiag *d = nc_diag_new(a);
  NcBuf out = NC_BUF(a);
  unsigned char ok = work(user, a, d, &out);
  uint64_t count = (uint64_t)d->messages.n;
  if (!send_all(fd, &count, sizeof count)) return 1;
  for (int i = 0; i < d->messages.n; i++)
    if (!send_message(fd, d->messages.at[i])) return 1;
  return !(send_piece(fd, &ok, 1) && send_piece(fd, out.at, out.n));
}

// --- the parent's side ---

typedef struct { int fd; double until; bool late; NcArena *arena; } Pipe;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool receive(Pipe *p, void *to, size_t n) {
  for (char *s = to; n;) {
    double left = p->until > 0 ? p->until - now() : 1;
    if (left <= 0) p->late = true;
    if (left <= 0) return false;
    struct pollfd f = {.fd = p->fd, .events = POLLIN};
    int ready = poll(&f, 1, p->until > 0 ? (int)(left * 1000) + 1 : -1);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    ssize_t k = ready < 0 ? -1 : read(p->fd, s, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    s += k;
    n -= (size_t)k;
  }
  return true;
}

static char *receive_piece(Pipe *p, size_t *n) {
  uint64_t length;
  if (!receive(p, &length, sizeof length) || length > SIZE_MAX / 4) return NULL;
  char *s = nc_alloc(p->arena, (size_t)length + 1);
  *n = (size_t)length;
  return receive(p, s, *n) ? s : NULL;
}

static bool receive_message(Pipe *p, NcDiag *d) {
  size_t n;
  char *piece = receive_piece(p, &n);
  int32_t head[3];
  if (!piece || n != sizeof head) return false;
  memcpy(head, piece, sizeof head);
  const char *text = receive_piece(p, &n), *help = text ? receive_piece(p, &n) : NULL;
  if (!help || head[1] < 0 || head[1] >= NC_ERROR_COUNT) return false;
  NcMessage *m = head[0] == NC_ERROR ? nc_error(d, (NcCode)head[1], NC_NOWHERE, "%s", text)
                                     : nc_warn(d, (NcCode)head[1], NC_NOWHERE, "%s", text);
  m->severity = (NcSeverity)head[0];
  if (*help) nc_help(d, m, "%s", help);
  for (int i = 0; i < head[2]; i++) {
    const char *note = receive_piece(p, &n);
    if (!note) return false;
    nc_note(d, m, "%s", note);
  }
  return true;
}

static bool receive_answer(Pipe *p, NcDiag *d, NcBuf *out, bool *ok) {
  uint64_t count;
  size_t n;
  if (!receive(p, &count, sizeof count)) return false;
  for (uint64_t i = 0; i < count; i++)
    if (!receive_message(p, d)) return false;
  const char *flag = receive_piece(p, &n);
  if (!flag || n != 1) return false;
  *ok = *flag != 0;
  const char *bytes = receive_piece(p, &n);
  if (bytes) nc_putn(out, bytes, n);
  return bytes != NULL;
}

static bool loader_in_use(void) {
  static const char *const names[] = {"libOpenCL.so.1", "libOpenCL.so",
                                      "/System/Library/Frameworks/OpenCL.framework/OpenCL"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *library = dlopen(names[i], RTLD_NOLOAD | RTLD_LAZY);
    if (library) dlclose(library);
    if (library) return true;
  }
  return false;
}

static bool failed(NcDiag *d, const char *help, const char *fmt, const char *detail) {
  NcMessage *m = nc_error(d, NC_E0502, NC_NOWHERE, fmt, detail);
  nc_help(d, m, "%s", help);
  return false;
}

#define DRIVER "the driver is at fault: update it, or choose another device with --device"

bool nc_run_in_child(NcArena *a, NcDiag *d, double seconds, NcChildWork work, void *user, NcBuf *out) {
  int fd[2];
  if (loader_in_use())
    return failed(d, "check devices before opening one",
                  "OpenCL is in use in this process and does not survive a fork%s", "");
  if (pipe(fd)) return failed(d, "close other programs", "no pipe to a child process: %s", strerror(errno));
  pid_t pid = fork();
  if (pid == 0) {
    close(fd[0]);
    default_signals();
    _exit(answer(fd[1], work, user));
  }
  close(fd[1]);
  Pipe p = {.fd = fd[0], .until = seconds > 0 ? now() + seconds : 0, .arena = a};
  bool ok = false, whole = pid > 0 && receive_answer(&p, d, out, &ok);
  close(fd[0]);
  if (pid < 0) return failed(d, "close other programs", "no child process: %s", strerror(errno));
  if (!whole) kill(pid, SIGKILL);      // it has died already, or it will not answer
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (whole) return ok;
  if (p.late)
    return failed(d, DRIVER, "the device did not answer within %s seconds", nc_sprintf(d->arena, "%g", seconds));
  return failed(d, DRIVER, "the driver crashed%s",
                WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL
                    ? nc_sprintf(d->arena, " (%s)", strsignal(WTERMSIG(status)))
                    : "");
}
