/* A journal of all that a process does to one folder, for cutting the power afterwards.
 *
 *     gcc -shared -fPIC -O1 -o power.so power.c
 *     LD_PRELOAD=power.so POWER_ROOT=/folder POWER_JOURNAL=/elsewhere/journal command
 *
 * Stands before the functions of libc by which names and bytes are changed and made durable. Each
 * call that succeeded and concerns the folder is appended to the journal as one record, in the
 * order in which the calls happened: calls of the same process take turns, and a process that waits
 * for another finds the other's records before its own. `power.py` reads the journal and makes of it
 * what a power cut after any record may leave.
 *
 * A record: operation (1 byte), inode, offset, length (8 bytes each), lengths of two paths (4 bytes
 * each), the paths, and `length` bytes for a write. Numbers are those of this machine. A call that
 * cannot be journaled (a file mapped for writing, apart from SQLite's -shm, which no restart reads)
 * is recorded as '!', and fails the laboratory instead of being overlooked.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static const char *root;
static size_t root_length;
static int journal = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("POWER_JOURNAL");

    root = getenv("POWER_ROOT");
    if (root == NULL || path == NULL)
        return;
    root_length = strlen(root);
    journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0)
        abort();
}

static int is_ours(const char *path)
{
    return journal >= 0 && strncmp(path, root, root_length) == 0 &&
           (path[root_length] == '/' || path[root_length] == 0);
}

/* The absolute path of a name beside an open folder. */
static void full(int folder, const char *name, char *path)
{
    char link[64];
    ssize_t length = 0;

    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (folder == AT_FDCWD) {
        if (getcwd(path, PATH_MAX) != NULL)
            length = (ssize_t)strlen(path);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        length = readlink(link, path, PATH_MAX - 1);
    }
    if (length < 0)
        length = 0;
    snprintf(path + length, (size_t)(PATH_MAX - length), "/%s", name);
}

static int path_of(int file, char *path)
{
    char link[64];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_ours(path);
}

/* In one call: a run may have several processes, and the records of all are in one journal. */
static void record(char what, uint64_t inode, uint64_t offset, uint64_t length, const char *path,
                   const char *other, const void *data)
{
    char head[33];
    uint32_t one = (uint32_t)strlen(path), two = (uint32_t)strlen(other);
    size_t content = data == NULL ? 0 : length;
    struct iovec parts[] = {{head, sizeof head},
                            {(void *)path, one},
                            {(void *)other, two},
                            {(void *)data, content}};

    head[0] = what;
    memcpy(head + 1, &inode, 8);
    memcpy(head + 9, &offset, 8);
    memcpy(head + 17, &length, 8);
    memcpy(head + 25, &one, 4);
    memcpy(head + 29, &two, 4);
    if (syscall(SYS_writev, journal, parts, 4) != (ssize_t)(sizeof head + one + two + content))
        abort();
}

static uint64_t inode_of(int file)
{
    struct stat facts;

    return fstat(file, &facts) == 0 ? facts.st_ino : 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static int opened(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat facts;
    int file, was_there, before;

    full(folder, name, path);
    if (!is_ours(path) || (flags & (O_CREAT | O_TRUNC)) == 0)
        return (int)syscall(SYS_openat, folder, name, flags, mode);
    pthread_mutex_lock(&turn);
    was_there = lstat(path, &facts) == 0;
    file = (int)syscall(SYS_openat, folder, name, flags, mode);
    before = errno;
    if (file >= 0 && (flags & O_TMPFILE) == O_TMPFILE)
        record('!', 0, 0, 0, path, "O_TMPFILE", NULL);
    else if (file >= 0 && !was_there)
        record('C', inode_of(file), 0, 0, path, "", NULL);
    else if (file >= 0 && (flags & O_TRUNC) != 0)
        record('Z', inode_of(file), 0, 0, path, "", NULL);
    pthread_mutex_unlock(&turn);
    errno = before;
    return file;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list more;                                                                              \
        mode_t mode;                                                                               \
        va_start(more, flags);                                                                     \
        mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;                                  \
        va_end(more);                                                                              \
        return opened(AT_FDCWD, path, flags, mode);                                                \
    }
#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        va_list more;                                                                              \
        mode_t mode;                                                                               \
        va_start(more, flags);                                                                     \
        mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;                                  \
        va_end(more);                                                                              \
        return opened(folder, path, flags, mode);                                                  \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int creat(const char *path, mode_t mode)
{
    return opened(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* A call about one or two names, journaled when it succeeded. */
static int named(char what, int result, const char *path, const char *other)
{
    int before = errno;

    if (result == 0 && (is_ours(path) || is_ours(other)))
        record(what, 0, 0, 0, path, other, NULL);
    pthread_mutex_unlock(&turn);
    errno = before;
    return result;
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    char path[PATH_MAX], other[PATH_MAX];

    full(from, old, path);
    full(to, new, other);
    pthread_mutex_lock(&turn);
    return named('L', (int)syscall(SYS_linkat, from, old, to, new, flags), path, other);
}

int link(const char *old, const char *new)
{
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned int flags)
{
    char path[PATH_MAX], other[PATH_MAX];

    full(from, old, path);
    full(to, new, other);
    pthread_mutex_lock(&turn);
    return named('R', (int)syscall(SYS_renameat2, from, old, to, new, flags), path, other);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new)
{
    return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];

    full(folder, name, path);
    pthread_mutex_lock(&turn);
    return named('U', (int)syscall(SYS_unlinkat, folder, name, flags), path, "");
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    char path[PATH_MAX];

    full(folder, name, path);
    pthread_mutex_lock(&turn);
    return named('M', (int)syscall(SYS_mkdirat, folder, name, mode), path, "");
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void wrote(int file, const void *data, ssize_t count, off_t offset)
{
    char path[PATH_MAX];
    int before = errno;

    if (count > 0 && path_of(file, path))
        record('W', inode_of(file), (uint64_t)offset, (uint64_t)count, path, "", data);
    errno = before;
}

ssize_t write(int file, const void *data, size_t length)
{
    char path[PATH_MAX];
    ssize_t count;

    if (journal < 0 || !path_of(file, path))
        return syscall(SYS_write, file, data, length);
    pthread_mutex_lock(&turn);
    count = syscall(SYS_write, file, data, length);
    wrote(file, data, count, lseek(file, 0, SEEK_CUR) - count);
    pthread_mutex_unlock(&turn);
    return count;
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    ssize_t count;

    pthread_mutex_lock(&turn);
    count = syscall(SYS_pwrite64, file, data, length, offset);
    wrote(file, data, count, offset);
    pthread_mutex_unlock(&turn);
    return count;
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset)
{
    return pwrite(file, data, length, offset);
}

int ftruncate(int file, off_t length)
{
    char path[PATH_MAX];
    int result, before;

    pthread_mutex_lock(&turn);
    result = (int)syscall(SYS_ftruncate, file, length);
    before = errno;
    if (result == 0 && path_of(file, path))
        record('Z', inode_of(file), (uint64_t)length, 0, path, "", NULL);
    pthread_mutex_unlock(&turn);
    errno = before;
    return result;
}

int ftruncate64(int file, off64_t length)
{
    return ftruncate(file, length);
}

/* --- syncs ------------------------------------------------------------------------------------ */

static int synced(char what, int file, int result)
{
    char path[PATH_MAX];
    int before = errno;

    if (result == 0 && path_of(file, path))
        record(what, inode_of(file), 0, 0, path, "", NULL);
    pthread_mutex_unlock(&turn);
    errno = before;
    return result;
}

/* What is asked for counts, not what the disk does: so nothing is really synced. */
int fsync(int file)
{
    pthread_mutex_lock(&turn);
    return synced('S', file, fcntl(file, F_GETFD) < 0 ? -1 : 0);
}

int fdatasync(int file)
{
    pthread_mutex_lock(&turn);
    return synced('S', file, fcntl(file, F_GETFD) < 0 ? -1 : 0);
}

int syncfs(int file)
{
    pthread_mutex_lock(&turn);
    return synced('A', file, fcntl(file, F_GETFD) < 0 ? -1 : 0);
}

/* --- what the journal does not understand ----------------------------------------------------- */

static void unknown(int file, const char *what)
{
    char path[PATH_MAX];
    int before = errno;

    pthread_mutex_lock(&turn);
    if (path_of(file, path))
        record('!', 0, 0, 0, path, what, NULL);
    pthread_mutex_unlock(&turn);
    errno = before;
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    ssize_t result = syscall(SYS_writev, file, parts, count);

    if (journal >= 0)
        unknown(file, "writev");
    return result;
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset)
{
    unknown(file, "pwritev");
    return syscall(SYS_pwritev, file, parts, count, offset, 0);
}

ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *end, size_t length, unsigned flags)
{
    unknown(to, "copy_file_range");
    return syscall(SYS_copy_file_range, from, start, to, end, length, flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t length)
{
    unknown(to, "sendfile");
    return syscall(SYS_sendfile, to, from, offset, length);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t length)
{
    return sendfile(to, from, offset, length);
}

int fallocate(int file, int mode, off_t offset, off_t length)
{
    unknown(file, "fallocate");
    return (int)syscall(SYS_fallocate, file, mode, offset, length);
}

int posix_fallocate(int file, off_t offset, off_t length)
{
    unknown(file, "posix_fallocate");
    return syscall(SYS_fallocate, file, 0, offset, length) == 0 ? 0 : errno;
}

int truncate(const char *name, off_t length)
{
    char path[PATH_MAX];

    full(AT_FDCWD, name, path);
    pthread_mutex_lock(&turn);
    return named('!', (int)syscall(SYS_truncate, name, length), path, "truncate");
}

int symlink(const char *target, const char *name)
{
    char path[PATH_MAX];

    full(AT_FDCWD, name, path);
    pthread_mutex_lock(&turn);
    return named('!', (int)syscall(SYS_symlinkat, target, AT_FDCWD, name), path, "symlink");
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    char path[PATH_MAX];

    if (file >= 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0 &&
        path_of(file, path)) {
        size_t size = strlen(path);
        if (size < 4 || strcmp(path + size - 4, "-shm") != 0)
            unknown(file, "mmap");
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}
