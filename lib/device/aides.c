#include "config.h"
#include "device/aides.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { AIDES = NC_PARTS_MOST - 1, SEND_SECONDS = 5, ABOVE = 10 };   // ABOVE: files of ours get numbers no aide expects

typedef struct { pid_t pid; int fd; bool idle; } Aide;      // fd -1: there is none

struct NcAides {
  const char *program;
  int most;
  Aide at[AIDES];
  int pipe[2];               // of the numbers of parts; -1: there is none
  uint32_t done, failed;     // parts, a bit each
};

extern char **environ;

// --- may there be aides, and where is their program ---

// A program that another user could have put there is not run.
static bool trusted(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISREG(s.st_mode) && (s.st_uid == 0 || s.st_uid == geteuid()) && !(s.st_mode & S_IWOTH) &&
         access(path, X_OK) == 0;
}

// Beside the running program, or in the folder above where libtool keeps what is not installed yet.
static const char *beside(NcArena *a) {
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return NULL;
  self[n] = 0;
  char *name = strrchr(self, '/');
  if (!name) return NULL;
  *name = 0;
  size_t length = strlen(self);
  if (length > 6 && strcmp(self + length - 6, "/.libs") == 0) self[length - 6] = 0;
  return nc_sprintf(a, "%s/nacre-compile", self);
}

// $NACRE_COMPILE names the program; empty: there are no aides.
static const char *find_program(NcArena *a) {
  const char *named = getenv("NACRE_COMPILE"), *near = NULL;
  if (named) return *named && access(named, X_OK) == 0 ? named : NULL;
  if ((near = beside(a)) && trusted(near)) return near;
  return trusted(NC_LIBEXECDIR "/nacre-compile") ? NC_LIBEXECDIR "/nacre-compile" : NULL;
}

static bool driver_keeps(void) {
  const char *s = getenv("POCL_KERNEL_CACHE");
  return !s || strcmp(s, "0") != 0;
}

NcAides *nc_aides_new(NcDevice *dev) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN), units = dev->info.target.compute_units;
  if (units < cores) cores = units;
  const char *program = cores > 1 && driver_keeps() ? find_program(dev->all->arena) : NULL;
  if (!program) return NULL;
  NcAides *h = NC_NEW(dev->all->arena, NcAides);
  *h = (NcAides){.program = program, .most = cores - 1 < AIDES ? (int)cores - 1 : AIDES, .pipe = {-1, -1}};
  for (int i = 0; i < AIDES; i++) h->at[i].fd = -1;
  return h;
}

int nc_aides_count(const NcAides *h) {
  int n = 0;
  for (int i = 0; h && i < AIDES; i++) n += h->at[i].fd >= 0;
  return n;
}

// --- starting and ending ---

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

// The same file under a number that is out of the way, which no program started from here inherits.
static int moved(int fd) {
  int to = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);
  if (fd >= 0) close(fd);
  return to;
}

static bool move_pair(int fd[2]) {
  fd[0] = moved(fd[0]);
  fd[1] = moved(fd[1]);
  if (fd[0] >= 0 && fd[1] >= 0) return true;
  close_fd(&fd[0]);
  close_fd(&fd[1]);
  return false;
}

// An aide begins with every signal as by default, whatever this program does with them: Ctrl-C ends it.
static bool spawn(const char *program, int fd, int numbers, pid_t *pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, ours;
  char *const words[] = {(char *)program, NULL};
  sigemptyset(&none);
  sigemptyset(&ours);
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(&ours, signals[i]);
  if (posix_spawn_file_actions_init(&files)) return false;
  bool ok = !posix_spawnattr_init(&attributes);
  if (ok) {
    ok = !posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) &&
         !posix_spawnattr_setsigmask(&attributes, &none) && !posix_spawnattr_setsigdefault(&attributes, &ours) &&
         !posix_spawn_file_actions_adddup2(&files, fd, NC_AIDE_SOCKET) &&
         !posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) &&
         !posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) &&
         !posix_spawn_file_actions_adddup2(&files, numbers, NC_AIDE_PIPE) &&
         !posix_spawn(pid, program, &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&files);
  return ok;
}

static bool start(NcAides *h, Aide *one) {
  int fd[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) || !move_pair(fd)) return false;
#ifdef SO_NOSIGPIPE
  setsockopt(fd[0], SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
  struct timeval most = {.tv_sec = SEND_SECONDS};     // one that does not listen is given up
  setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  bool ok = spawn(h->program, fd[1], h->pipe[0], &one->pid);
  close_fd(&fd[1]);
  one->fd = fd[0];
  if (!ok) close_fd(&one->fd);
  return ok;
}

// The program that uses this library may have waited for all its children: then there is nobody to kill.
static void end(Aide *one) {
  if (one->fd < 0) return;
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)one->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) kill(one->pid, SIGKILL);
  while (waitpid(one->pid, NULL, 0) < 0 && errno == EINTR) {}
  close_fd(&one->fd);
}

void nc_aides_end(NcAides *h) {
  for (int i = 0; h && i < AIDES; i++) end(&h->at[i]);
  for (int i = 0; h && i < 2; i++) close_fd(&h->pipe[i]);
}

// --- the work ---

static void tell(NcBuf *b, const char *s) { nc_putn(b, s, strlen(s) + 1); }
static void tell_number(NcBuf *b, int n) { tell(b, nc_sprintf(b->arena, "%d", n)); }

void nc_aides_tell(NcBuf *b, const NcDevice *dev, const NcParts *p, const char *options) {
  tell(b, NC_AIDE_HELLO);
  tell_number(b, dev->info.number);
  tell(b, dev->info.name);
  tell(b, dev->info.platform);
  tell(b, options);
  tell_number(b, p->parts);
  for (int i = 0; i < p->parts; i++) {
    tell(b, p->text[i]);
    tell_number(b, p->bank[i]);
  }
}

static bool send_all(int fd, const void *p, size_t n) {
  for (const char *s = p; n;) {
    ssize_t k = send(fd, s, n, MSG_NOSIGNAL);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    s += k;
    n -= (size_t)k;
  }
  return true;
}

static bool open_pipe(NcAides *h) {
  if (h->pipe[0] >= 0) return true;
  if (pipe(h->pipe)) h->pipe[0] = h->pipe[1] = -1;
  return h->pipe[0] >= 0 && move_pair(h->pipe) && !fcntl(h->pipe[0], F_SETFL, O_NONBLOCK);
}

int nc_aides_claim(NcAides *h) {
  unsigned char i;
  ssize_t n;
  do n = read(h->pipe[0], &i, 1);
  while (n < 0 && errno == EINTR);
  return n == 1 ? i : 0;
}

void nc_aides_offer(NcAides *h, const NcBuf *message, int parts) {
  uint64_t size = message->n;
  h->done = h->failed = 0;
  if (!open_pipe(h)) return;
  while (nc_aides_claim(h)) {}       // what is left of other parts, whose aides died
  unsigned char number[NC_PARTS_MOST];
  for (int i = 1; i < parts; i++) number[i - 1] = (unsigned char)i;
  if (write(h->pipe[1], number, (size_t)(parts - 1)) != parts - 1) return;   // far less than a pipe holds: never in part
  for (int i = 0; i < h->most && i < parts - 1; i++) {
    Aide *one = &h->at[i];
    one->idle = false;
    if (one->fd < 0 && !start(h, one)) return;
    if (!send_all(one->fd, &size, sizeof size) || !send_all(one->fd, message->at, message->n)) end(one);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void hear(NcAides *h, Aide *one) {
  unsigned char said[64];
  ssize_t n = recv(one->fd, said, sizeof said, MSG_DONTWAIT);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) end(one);
  for (ssize_t i = 0; i < n; i++) {
    if (said[i] == NC_AIDE_IDLE) one->idle = true;
    else if (said[i] % NC_AIDE_FAILED < NC_PARTS_MOST)
      *(said[i] < NC_AIDE_FAILED ? &h->done : &h->failed) |= 1u << said[i] % NC_AIDE_FAILED;
  }
}

// Hears who has something to say within that time; false: nobody had, or nobody is at work any more.
static bool hear_all(NcAides *h, double seconds) {
  struct pollfd f[AIDES];
  Aide *who[AIDES];
  nfds_t n = 0;
  for (int i = 0; i < AIDES; i++) {
    if (h->at[i].fd < 0 || h->at[i].idle) continue;
    f[n] = (struct pollfd){.fd = h->at[i].fd, .events = POLLIN};
    who[n++] = &h->at[i];
  }
  int ready = 0;
  for (double until = now() + seconds, left = seconds; n && left > 0; left = until - now())
    if ((ready = poll(f, n, (int)(left * 1000) + 1)) >= 0 || errno != EINTR) break;
  for (nfds_t i = 0; ready > 0 && i < n; i++)
    if (f[i].revents) hear(h, who[i]);
  return ready > 0;
}

int nc_aides_collect(NcAides *h, int parts, double seconds) {
  while (__builtin_popcount(h->done | h->failed) < parts && hear_all(h, seconds)) {}
  if (h->done) hear_all(h, 0.02);      // that it is through
  // One that is still at it would take numbers of the next parts for those of these.
  for (int i = 0; i < AIDES; i++)
    if (!h->at[i].idle) end(&h->at[i]);
  return __builtin_popcount(h->done);
}
