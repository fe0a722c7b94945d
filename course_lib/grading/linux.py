"""Numbers of the Linux kernel that Python has no names for, with the headers that have them."""
from typing import NamedTuple

NS_GET_USERNS = 0xB701                                                  # linux/nsfs.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22            # linux/prctl.h
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION_3 = 0x20080522                                       # linux/capability.h
KEYCTL_JOIN_SESSION_KEYRING = 1                                         # linux/keyctl.h
SECCOMP_MODE_FILTER = 2                                                 # linux/seccomp.h
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
DATA_NR, DATA_ARCH, DATA_ARGS = 0, 4, 16                                # of its struct seccomp_data
LOAD, RETURN = 0x20, 0x06                       # linux/bpf_common.h: LD + W + ABS, RET + K
JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_OF = 0x15, 0x35, 0x45               # JMP + JEQ, JGE, JSET, + K
X32_SYSCALL_BIT = 1 << 30                                               # asm/unistd.h


class Machine(NamedTuple):
    """A kind of machine: its number in linux/audit.h (AUDIT_ARCH_…), and system calls' numbers."""

    arch: int
    mmap: int
    keyctl: int
    forbidden: dict[str, int]


MACHINES = {
    "x86_64": Machine(0xC000003E, mmap=9, keyctl=250, forbidden={
        "shmget": 29, "memfd_create": 319, "memfd_secret": 447, "add_key": 248,
        "request_key": 249, "keyctl": 250, "sched_setaffinity": 203}),
    "aarch64": Machine(0xC00000B7, mmap=222, keyctl=219, forbidden={
        "shmget": 194, "memfd_create": 279, "memfd_secret": 447, "add_key": 217,
        "request_key": 218, "keyctl": 219, "sched_setaffinity": 122}),
}
