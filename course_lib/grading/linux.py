"""Numbers of the Linux kernel that Python has no names for, with the headers that have them."""

NS_GET_USERNS = 0xB701                                                  # linux/nsfs.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096  # its mount.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22            # linux/prctl.h
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION_3, CAP_SYS_ADMIN = 0x20080522, 1 << 21               # linux/capability.h
KEYCTL_JOIN_SESSION_KEYRING = 1                                         # linux/keyctl.h
CLONE_NEW, CLONE_FILES, CLONE_THREAD = 0x7E020000, 0x400, 0x10000   # linux/sched.h; all CLONE_NEW…
MAP_HUGETLB = 0x40000                                                   # asm-generic/mman.h
SECCOMP_MODE_FILTER = 2                                                 # linux/seccomp.h
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
DATA_NR, DATA_ARCH, DATA_ARGS = 0, 4, 16                                # of its struct seccomp_data
LOAD, AND, RETURN = 0x20, 0x54, 0x06            # linux/bpf_common.h: LD + W + ABS, ALU + K, RET + K
JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_OF = 0x15, 0x35, 0x45               # JMP + JEQ, JGE, JSET, + K

MACHINES = ("x86_64", "aarch64")
AUDIT_ARCH = (0xC000003E, 0xC00000B7)                                   # linux/audit.h
LAST_CALL = 450                                 # of those that are judged here
# System calls' numbers on these machines (asm/unistd.h).
CALLS = {"mmap": (9, 222), "clone": (56, 220), "clone3": (435, 435), "prctl": (157, 167),
         "socket": (41, 198), "socketpair": (53, 199), "setsockopt": (54, 208),
         "keyctl": (250, 219)}
FORBIDDEN = {
    # They hold memory that is on nobody's account, or what all users of the machine share.
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "io_setup": (206, 0),
    "io_uring_setup": (425, 425), "splice": (275, 76), "tee": (276, 77), "vmsplice": (278, 75),
    "inotify_init": (253, 26), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444), "userfaultfd": (323, 282), "bpf": (321, 280),
    "perf_event_open": (298, 241), "sync": (162, 81), "syncfs": (306, 267),
    # They leave the sandbox, outlive it, look out of it, or undo what the watch has done.
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "syslog": (103, 116),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "ptrace": (101, 117),
    "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "sched_setaffinity": (203, 122),
}
