/* Makes system calls that change files fail, in a real process: loaded with LD_PRELOAD, it asks the kernel (seccomp) to hand every
 * such call to it first, whoever makes it, with the C library or without.
 *
 * Only files below FAULTS_FOLDER count. The call number FAULTS_AT (from 1) fails with the error FAULTS_ERRNO. With FAULTS_WHILE,
 * the path of a file, so does every later call that needs space or writes, for as long as that file exists. With FAULTS_LOG, every
 * call that counts is written there: its number, its name and its path. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* A sixth argument that none of these calls has: the call is the handler's own, and goes to the kernel. */
#define OURS 0x484f4e45464c5453ul

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define ARGUMENT(context, n) ((long)(context)->uc_mcontext.gregs[(const int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8}[n]])
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
static long ask(long call, long a, long b, long c, long d, long e) {
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = OURS;
    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define ARGUMENT(context, n) ((long)(context)->uc_mcontext.regs[n])
#define RESULT(context) ((context)->uc_mcontext.regs[0])
static long ask(long call, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = call, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = OURS;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#endif

/* Where a call says which file it changes. */
enum place { FILE_NUMBER, PATH, FOLDER_AND_PATH, OPEN_PATH, OPEN_FOLDER_AND_PATH };

/* `argument` is the number of the one that says it; `frees` is set for calls that a full disk still allows. */
static const struct call { int number; const char *name; enum place place; int argument, frees; } CALLS[] = {
    {SYS_write, "write", FILE_NUMBER, 0, 0},         {SYS_pwrite64, "pwrite", FILE_NUMBER, 0, 0},
    {SYS_writev, "writev", FILE_NUMBER, 0, 0},       {SYS_pwritev, "pwritev", FILE_NUMBER, 0, 0},
    {SYS_fsync, "fsync", FILE_NUMBER, 0, 0},         {SYS_fdatasync, "fdatasync", FILE_NUMBER, 0, 0},
    {SYS_ftruncate, "ftruncate", FILE_NUMBER, 0, 0}, {SYS_fallocate, "fallocate", FILE_NUMBER, 0, 0},
    {SYS_fchmod, "fchmod", FILE_NUMBER, 0, 1},       {SYS_openat, "open", OPEN_FOLDER_AND_PATH, 0, 0},
    {SYS_mkdirat, "mkdir", FOLDER_AND_PATH, 0, 0},   {SYS_unlinkat, "unlink", FOLDER_AND_PATH, 0, 1},
    {SYS_linkat, "link", FOLDER_AND_PATH, 2, 0},     {SYS_renameat2, "rename", FOLDER_AND_PATH, 2, 0},
#ifdef SYS_renameat
    {SYS_renameat, "rename", FOLDER_AND_PATH, 2, 0},
#endif
#ifdef SYS_rename
    {SYS_open, "open", OPEN_PATH, 0, 0},             {SYS_mkdir, "mkdir", PATH, 0, 0},
    {SYS_unlink, "unlink", PATH, 0, 1},              {SYS_rmdir, "rmdir", PATH, 0, 1},
    {SYS_link, "link", PATH, 1, 0},                  {SYS_rename, "rename", PATH, 1, 0},
#endif
};
#define COUNT ((int)(sizeof CALLS / sizeof *CALLS))

static const char *folder, *as_long_as, *journal;
static long at, error;
static long calls = 0;

/* Writes the absolute path of `name` in an open folder, or of the open file itself if there is no name. */
static int find(char path[2 * PATH_MAX], int open, const char *name) {
    char link[64];
    long length = 0;
    if (!name || name[0] != '/') {
        if (open == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", open);
        length = ask(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, PATH_MAX - 1, 0);
        if (length < 0) return 0;
        path[length] = 0;
    }
    if (name) snprintf(path + length, PATH_MAX, "%s%s", length ? "/" : "", name);
    return 1;
}

/* Whether the call is to fail. */
static int fails(const struct call *call, const ucontext_t *context) {
    char path[2 * PATH_MAX];
    long first = ARGUMENT(context, call->argument), second = ARGUMENT(context, call->argument + 1);
    int has_folder = call->place == FOLDER_AND_PATH || call->place == OPEN_FOLDER_AND_PATH;
    int is_found = call->place == FILE_NUMBER ? find(path, (int)first, NULL)
                   : has_folder               ? find(path, (int)first, (const char *)second)
                                              : find(path, AT_FDCWD, (const char *)first);
    if (!is_found || strncmp(path, folder, strlen(folder)) != 0) return 0;
    long number = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (journal) {
        char line[2 * PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", number, call->name, path);
        long file = ask(SYS_openat, AT_FDCWD, (long)journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644, 0);
        ask(SYS_write, file, (long)line, length, 0, 0);
        ask(SYS_close, file, 0, 0, 0, 0);
    }
    int still = number > at && at > 0 && as_long_as && !call->frees;
    return number == at || (still && ask(SYS_faccessat, AT_FDCWD, (long)as_long_as, F_OK, 0, 0) == 0);
}

static void handle(int signal, siginfo_t *info, void *untyped) {
    (void)signal;
    ucontext_t *context = untyped;
    const struct call *call = CALLS;
    while (call < CALLS + COUNT && call->number != info->si_syscall) call++;
    if (call < CALLS + COUNT && fails(call, context)) {
        RESULT(context) = -error;
        return;
    }
    RESULT(context) = ask(info->si_syscall, ARGUMENT(context, 0), ARGUMENT(context, 1), ARGUMENT(context, 2),
                          ARGUMENT(context, 3), ARGUMENT(context, 4));
}

/* Reads a number of the call into the filter. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(offsetof(struct seccomp_data, field)))
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, skipped)
#define IF_ANY(bits, skipped) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (unsigned)(bits), 0, skipped)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define ADD(...) filter[length++] = (struct sock_filter)__VA_ARGS__

__attribute__((constructor)) static void begin(void) {
    folder = getenv("FAULTS_FOLDER");
    as_long_as = getenv("FAULTS_WHILE");
    journal = getenv("FAULTS_LOG");
    if (!folder || !getenv("FAULTS_AT") || !getenv("FAULTS_ERRNO")) return;
    at = atol(getenv("FAULTS_AT"));
    error = atol(getenv("FAULTS_ERRNO"));
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSYS, &action, NULL);
    struct sock_filter filter[10 + 5 * COUNT];
    unsigned short length = 0;
    ADD(LOAD(arch));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    ADD(ANSWER(SECCOMP_RET_ALLOW));
    ADD(LOAD(args[5])); /* the lower half: the machines above are little-endian */
    ADD(UNLESS(OURS & 0xffffffff, 3));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(offsetof(struct seccomp_data, args[5]) + 4)));
    ADD(UNLESS(OURS >> 32, 1));
    ADD(ANSWER(SECCOMP_RET_ALLOW));
    ADD(LOAD(nr));
    for (const struct call *call = CALLS; call < CALLS + COUNT; call++) {
        int is_open = call->place == OPEN_PATH || call->place == OPEN_FOLDER_AND_PATH;
        ADD(UNLESS(call->number, is_open ? 4 : 1));
        if (is_open) {
            /* To open a file for reading must not be handed over: the C library does so in a thread that ends, whose signals are
             * blocked, and the kernel would end the process. */
            if (call->place == OPEN_PATH) ADD(LOAD(args[1]));
            else ADD(LOAD(args[2]));
            ADD(IF_ANY(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 1));
            ADD(ANSWER(SECCOMP_RET_TRAP));
            ADD(ANSWER(SECCOMP_RET_ALLOW));
        } else {
            ADD(ANSWER(SECCOMP_RET_TRAP));
        }
    }
    ADD(ANSWER(SECCOMP_RET_ALLOW));
    struct sock_fprog program = {.len = length, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        fprintf(stderr, "The faults could not be set up: %s\n", strerror(errno));
        _exit(99);
    }
}
