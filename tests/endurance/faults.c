/* Makes one call that changes files fail, or kills the process at it: preloaded by test_calls.py.

   FAULT_FOLDER: only calls on files below it count. FAULT_AT: the number of the call, from 1; 0
   counts alone. FAULT_KIND: an errno as a number, or "die". FAULT_LOG: each call's name is written
   there, a line each. Calls count once the file FAULT_FOLDER/../armed is there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

static int below(const char *path) {
    const char *folder = getenv("FAULT_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return folder && path && !strncmp(path, folder, length) && path[length] == '/';
}

static int below_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return below(path);
}

/* Whether this call is the one that fails. */
static int fails(const char *name, int counts) {
    if (!counts) return 0;
    char armed[4096];
    snprintf(armed, sizeof armed, "%s.armed", getenv("FAULT_FOLDER"));
    if (syscall(SYS_access, armed, F_OK)) return 0;
    int mine = atomic_fetch_add(&calls, 1) + 1;
    const char *log = getenv("FAULT_LOG");
    if (log) {
        char line[128];
        int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0600);
        int n = snprintf(line, sizeof line, "%s\n", name);
        if (fd >= 0) {
            syscall(SYS_write, fd, line, n);
            syscall(SYS_close, fd);
        }
    }
    const char *at = getenv("FAULT_AT"), *kind = getenv("FAULT_KIND");
    if (!at || !kind || atoi(at) != mine) return 0;
    if (!strcmp(kind, "die")) syscall(SYS_kill, getpid(), SIGKILL);
    errno = atoi(kind);
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *from, size_t n) {
    return fails("write", fd > 2 && below_fd(fd)) ? -1 : REAL(write)(fd, from, n);
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
    return fails("pwrite", below_fd(fd)) ? -1 : REAL(pwrite)(fd, from, n, at);
}
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
    return fails("pwrite", below_fd(fd)) ? -1 : REAL(pwrite64)(fd, from, n, at);
}
int fsync(int fd) { return fails("fsync", below_fd(fd)) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails("fdatasync", below_fd(fd)) ? -1 : REAL(fdatasync)(fd); }
int ftruncate(int fd, off_t to) {
    return fails("ftruncate", below_fd(fd)) ? -1 : REAL(ftruncate)(fd, to);
}
int ftruncate64(int fd, off64_t to) {
    return fails("ftruncate", below_fd(fd)) ? -1 : REAL(ftruncate64)(fd, to);
}
int rename(const char *from, const char *to) {
    return fails("rename", below(to)) ? -1 : REAL(rename)(from, to);
}
int link(const char *from, const char *to) {
    return fails("link", below(to)) ? -1 : REAL(link)(from, to);
}
int unlink(const char *path) { return fails("unlink", below(path)) ? -1 : REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) {
    return fails("mkdir", below(path)) ? -1 : REAL(mkdir)(path, mode);
}
int chmod(const char *path, mode_t mode) {
    return fails("chmod", below(path)) ? -1 : REAL(chmod)(path, mode);
}

#define OPENS(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        va_list rest;                                                                \
        va_start(rest, flags);                                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;      \
        va_end(rest);                                                                \
        int counts = flags & (O_CREAT | O_WRONLY | O_RDWR) && below(path);           \
        return fails("open", counts) ? -1 : REAL(name)(path, flags, mode);           \
    }
OPENS(open)
OPENS(open64)
