#include "CLinuxIPC.h"

#include <linux/openat2.h>
#include <sys/syscall.h>

int linuxipc_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int linuxipc_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

int linuxipc_pipe(int *ret_read_end, int *ret_write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    *ret_read_end = ends[0];
    *ret_write_end = ends[1];
    return 0;
}

int linuxipc_set_nonblocking(int descriptor, int on) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0)
        return -1;
    return fcntl(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int linuxipc_access_mode(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? -1 : flags & O_ACCMODE;
}

int linuxipc_open_beneath(int directory, const char *path, int flags, mode_t mode) {
    struct open_how how = {
        .flags = (uint64_t)flags,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int32_t kind_of_mode(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return LINUXIPC_KIND_REGULAR;
    case S_IFDIR: return LINUXIPC_KIND_DIRECTORY;
    case S_IFLNK: return LINUXIPC_KIND_LINK;
    case S_IFSOCK: return LINUXIPC_KIND_SOCKET;
    default: return LINUXIPC_KIND_OTHER;
    }
}

static void fill_status(const struct stat *status, struct linuxipc_status *ret_status) {
    *ret_status = (struct linuxipc_status){
        .byte_count = (uint64_t)status->st_size,
        .inode = status->st_ino,
        .device = status->st_dev,
        .owner = status->st_uid,
        .group = status->st_gid,
        .mode = status->st_mode & 07777,
        .kind = kind_of_mode(status->st_mode),
    };
}

int linuxipc_status(int descriptor, struct linuxipc_status *ret_status) {
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return -1;
    fill_status(&status, ret_status);
    return 0;
}

int linuxipc_status_at(int directory, const char *path, struct linuxipc_status *ret_status) {
    struct stat status;
    if (fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    fill_status(&status, ret_status);
    return 0;
}

void *linuxipc_open_entries(int directory) {
    /* A duplicate would share its position with the caller's descriptor. */
    int fresh = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fresh < 0)
        return NULL;
    DIR *entries = fdopendir(fresh);
    if (entries == NULL) {
        int error = errno;
        (void)close(fresh);
        errno = error;
    }
    return entries;
}

int linuxipc_next_entry(void *entries, struct linuxipc_entry *ret_entry) {
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(entries);
        if (entry == NULL)
            return errno == 0 ? 0 : -1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int32_t kind;
        switch (entry->d_type) {
        case DT_REG: kind = LINUXIPC_KIND_REGULAR; break;
        case DT_DIR: kind = LINUXIPC_KIND_DIRECTORY; break;
        case DT_LNK: kind = LINUXIPC_KIND_LINK; break;
        case DT_SOCK: kind = LINUXIPC_KIND_SOCKET; break;
        case DT_UNKNOWN: {
            struct stat status;
            if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno == ENOENT)
                    continue;
                return -1;
            }
            kind = kind_of_mode(status.st_mode);
            break;
        }
        default: kind = LINUXIPC_KIND_OTHER; break;
        }
        *ret_entry = (struct linuxipc_entry){
            .name = entry->d_name, .name_length = strlen(entry->d_name), .kind = kind};
        return 1;
    }
}

void linuxipc_close_entries(void *entries) { (void)closedir(entries); }
