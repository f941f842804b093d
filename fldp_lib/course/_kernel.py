"""Linux's own sandbox around an answer's process, without a privilege: Landlock for files, a seccomp filter for calls.

Both hold for native code and for Python's alike. The filter refuses by number, for two kinds of processors.
"""

import contextlib
import ctypes
import os
import platform
import struct

# Refused calls, "name:x86_64:aarch64", one number where both agree, "-" where there is none. In this order: processes and
# programs; the network, other processes' memory; signals; other processes' priorities, and limits; nodes, owners, modes
# and times of files, which Landlock lets through, and memory outside of the limits; what lives on after its process; and,
# where the grader is root, all that root may.
REFUSED = """
fork:57:- vfork:58:- execve:59:221 execveat:322:281 setpgid:109:154 setsid:112:157
socket:41:198 connect:42:203 bind:49:200 socketpair:53:199 ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271
userfaultfd:323:282 perf_event_open:298:241 bpf:321:280 io_uring_setup:425 process_madvise:440 process_mrelease:448
kill:62:129 tkill:200:130 rt_sigqueueinfo:129:138 rt_tgsigqueueinfo:297:240 pidfd_open:434 pidfd_send_signal:424
pidfd_getfd:438 setpriority:141:140 ioprio_set:251:30 sched_setaffinity:203:122 sched_setscheduler:144:119
sched_setparam:142:118 sched_setattr:314:274 setrlimit:160:164
mknod:133:- mknodat:259:33 chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452 chown:92:- fchown:93:55 lchown:94:-
fchownat:260:54 utime:132:- utimes:235:- futimesat:261:- utimensat:280:88 setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7
removexattr:197:14 lremovexattr:198:15 fremovexattr:199:16 open_by_handle_at:304:265 memfd_create:319:279
shmget:29:194 semget:64:190 msgget:68:186 mq_open:240:180 add_key:248:217 request_key:249:218 keyctl:250:219
setuid:105:146 setgid:106:144 setreuid:113:145 setregid:114:143 setresuid:117:147 setresgid:119:149 setgroups:116:159
capset:126:91 mount:165:40 umount2:166:39 pivot_root:155:41 chroot:161:51 open_tree:428 move_mount:429 fsopen:430 fsmount:432
mount_setattr:442 unshare:272:97 setns:308:268 swapon:167:224 swapoff:168:225 reboot:169:142 sethostname:170:161
setdomainname:171:162 init_module:175:105 finit_module:313:273 delete_module:176:106 kexec_load:246:104
kexec_file_load:320:294 quotactl:179:60 settimeofday:164:170 clock_settime:227:112 clock_adjtime:305:266 adjtimex:159:171
syslog:103:116 acct:163:89 iopl:172:- ioperm:173:-
"""
KINDS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # the filter's word for a processor, the column of it
ALLOW, DENY = (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)  # refused: EPERM
READ = 1 << 2 | 1 << 3  # Landlock's rights: to read a file, to list a folder
OWN = READ | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14  # and to write, remove, make files and folders


def shut(scratch, readable):
    """Shut both fences around this process; return the names of those that the kernel has.

    Args:
        scratch: the one folder that may be written to; no device, socket, pipe or link can be made there, either.
        readable: files and folders that may be read.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG: killed with the examiner
    if libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS
        return ()
    fences = {"landlock": _landlock(libc, scratch, readable), "seccomp": _seccomp(libc)}
    return tuple(name for name, held in fences.items() if held)


def _landlock(libc, scratch, readable):
    abi = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    files = (1 << (13 + (abi >= 2) + (abi >= 3))) - 1
    handled = struct.pack("QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)  # files, TCP, signals and sockets
    handled = handled[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    rules = libc.syscall(444, handled, ctypes.c_size_t(len(handled)), 0)
    if rules < 0:
        return False
    for path, rights in [*((name, READ) for name in readable), (scratch, OWN & files), ("/dev/null", 1 << 1 | 1 << 2)]:
        with contextlib.suppress(OSError):
            handle = os.open(path, getattr(os, "O_PATH", os.O_RDONLY))
            rights &= files if os.path.isdir(path) else 1 | 2 | 4
            libc.syscall(445, rules, 1, struct.pack("=Qi", rights, handle), 0)
            os.close(handle)
    done = libc.syscall(446, rules, 0) == 0
    os.close(rules)
    return done


def numbers(column):
    """The refused calls' numbers on one kind of processor: 0 for x86_64, 1 for aarch64."""
    each = (entry.split(":")[1:] for entry in REFUSED.split())
    return [int(number) for number in (found[min(column, len(found) - 1)] for found in each) if number != "-"]


def _seccomp(libc):
    """Refuse system calls by number: a filter in the kernel's own small language (BPF)."""
    if platform.machine() not in KINDS:
        return False
    arch, column = KINDS[platform.machine()]
    clone, prlimit, tgkill = ((56, 302, 234), (220, 261, 131))[column]
    number = (0x20, 0, 0, 0)  # load the call's number; (0x20, 0, 0, 16 + 8 k) loads the low half of its argument k
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, 0x80000000), number]  # another processor's: end the process
    if column == 0:
        code += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, 0x00050026)]  # the x32 calls: ENOSYS
    code += [(0x15, 0, 1, 435), (0x06, 0, 0, 0x00050026)]  # clone3 hides its flags: ENOSYS, and clone is taken
    for refused in numbers(column):
        code += [(0x15, 0, 1, refused), DENY]
    code += [(0x15, 0, 3, clone), (0x20, 0, 0, 16), (0x45, 1, 0, 0x10000), DENY]  # a thread may begin
    code += [number, (0x15, 0, 3, tgkill), (0x20, 0, 0, 16), (0x15, 1, 0, os.getpid()), DENY]  # a signal to itself
    code += [number, (0x15, 0, 5, prlimit), (0x20, 0, 0, 32), (0x15, 0, 2, 0), (0x20, 0, 0, 36), (0x15, 1, 0, 0), DENY]
    code.append(ALLOW)  # (of limits, the old ones may be read)
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(packed))
    return libc.prctl(22, 2, program, 0, 0) == 0
