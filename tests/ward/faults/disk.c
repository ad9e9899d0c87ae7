/* Stands between SQLite and the disk: at the Nth write or sync of a ward's files the machine dies, or the disk is full.
 *
 * mode 1: killed before the Nth write. mode 2: killed after half of it. mode 3: the disk is full for that one.
 * mode 4: the disk is full from it on. Everything else, and every other file, goes through untouched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int mode, at, seen;

void disk_arm(int how, int number) { mode = how; at = number; seen = 0; }
int disk_seen(void) { return seen; }

static int ours(int file) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, "ward.db") != NULL && strstr(path, "-shm") == NULL;
}

static int strikes(int file) {
    if (!mode || !ours(file)) return 0;
    seen++;
    return seen == at || (mode == 4 && seen > at);
}

static int die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

#define WRITE(name, offset_type)                                                            \
    ssize_t name(int file, const void *from, size_t size, offset_type offset) {             \
        static ssize_t (*real)(int, const void *, size_t, offset_type);                     \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                          \
        if (strikes(file)) {                                                                \
            if (mode == 1) die();                                                           \
            if (mode == 2) { real(file, from, size / 2, offset); die(); }                   \
            errno = ENOSPC;                                                                 \
            return -1;                                                                      \
        }                                                                                   \
        return real(file, from, size, offset);                                              \
    }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)

ssize_t write(int file, const void *from, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (strikes(file)) {
        if (mode == 1) die();
        if (mode == 2) { real(file, from, size / 2); die(); }
        errno = ENOSPC;
        return -1;
    }
    return real(file, from, size);
}

#define SYNC(name)                                                                          \
    int name(int file) {                                                                    \
        static int (*real)(int);                                                            \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                          \
        if (strikes(file)) {                                                                \
            if (mode <= 2) die();                                                           \
            errno = ENOSPC;                                                                 \
            return -1;                                                                      \
        }                                                                                   \
        return real(file);                                                                  \
    }
SYNC(fsync)
SYNC(fdatasync)
