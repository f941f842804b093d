"""Answers to exercise 00.1 that attack the grader or do not end; all but the forgers would be right if let through."""

RIGHT = """
import math

def guess_bound(epsilon, delta):
    {inside}
    return (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))
"""
WRONG = RIGHT.replace("return (", "return 0 * (")


def inside(*lines, body=RIGHT, before=""):
    """The code of the right answer (or a wrong one) that first does something else."""
    return before + "\n" + body.format(inside="\n    ".join(lines))


# name → (code, pattern of the verdict and message). {victim} is a file of the teacher's, {folder} that of the hand-ins.
HOSTILE = {
    # What does not end
    "endless loop": (inside("while True: pass"), "stopped: time"),
    "endless import": ("while True: pass\n" + RIGHT.format(inside=""), "stopped: time"),
    "sleeps": (inside("import time; time.sleep(10**6)"), "stopped: time"),
    "catches interrupts": (
        inside("while True:", "    try:", "        while True: pass", "    except BaseException: pass"),
        "stopped: time",
    ),
    "regular expression": (inside("import re; re.match('(a+)+$', 'a' * 64 + 'b')"), "stopped: time"),
    "prints gigabytes": (inside("while True: print('x' * 10**6)"), "stopped: time"),
    "threads without end": (
        inside(
            "import threading",
            "def spin():",
            "    while True: pass",
            "t = [threading.Thread(target=spin) for _ in range(4)]",
            "[one.start() for one in t]; t[0].join()",
        ),
        "stopped: time|wrong: your function raised RuntimeError",
    ),
    "huge power": (inside("9 ** 9 ** 9"), "stopped: (time|memory)"),
    # What takes too much
    "memory bomb": (inside("x = []", "while True: x.append(bytearray(10**8))"), "stopped: memory"),
    "NumPy bomb": (inside("import numpy as np; np.ones(10**11)"), "stopped: memory"),
    "torch bomb": (inside("import torch; torch.ones(10**11)"), "stopped: memory"),
    "recursion": (inside("guess_bound(epsilon, delta)"), "wrong: your function raised RecursionError"),
    "deep recursion": (
        inside("import sys; sys.setrecursionlimit(10**9); f = lambda g: g(g); f(f)"),
        "stopped: (its process ended|memory|time)",
    ),
    "fills the disk": (
        inside("with open('big', 'wb') as f:", "    while True: f.write(bytes(10**6))"),
        "wrong: your function raised OSError|stopped",
    ),
    "opens files without end": (
        inside("f = [open('/dev/null') for _ in range(10**4)]"),
        "wrong: your function raised OSError",
    ),
    "huge integer": (
        "def guess_bound(epsilon, delta): return 1 << 10**7",
        "wrong: your function raised ValueError: a whole",
    ),
    "huge answer": ("def guess_bound(epsilon, delta): return bytes(10**8)", "wrong|stopped: memory"),
    "nested answer": (
        "def guess_bound(epsilon, delta):\n    x = []\n    x.append(x)\n    return x",
        "wrong: your function raised ValueError",
    ),
    # What reaches outside
    "fork bomb": (inside("import os", "while True: os.fork()"), "stopped: forbidden: os.fork"),
    "os.system": (inside("import os; os.system('touch {victim}.new')"), "stopped: forbidden: os.system"),
    "subprocess": (inside("import subprocess; subprocess.run(['ls'])"), "stopped: forbidden: imports subprocess"),
    "subprocess by another name": (
        inside("import sys; sys.modules['subprocess'].Popen(['ls'])"),
        "stopped: forbidden: subprocess",
    ),
    "fork_exec": (
        inside("import sys; sys.modules['_posixsubprocess'].fork_exec()"),
        "wrong: your function raised TypeError",
    ),
    "multiprocessing": (
        inside("import importlib; importlib.import_module('multiprocessing').Process(target=print).start()"),
        "stopped: forbidden: os.fork",
    ),
    "execs": (inside("import os; os.execv('/bin/true', ['true'])"), "stopped: forbidden: os.exec"),
    "socket": (inside("import socket; socket.socket()"), "stopped: forbidden: imports socket"),
    "socket by another name": (inside("__import__('sys').modules['socket'].socket()"), "stopped: forbidden: socket"),
    "ctypes": (inside("import ctypes; ctypes.CDLL(None)"), "stopped: forbidden: imports ctypes"),
    "ctypes by another name": (
        inside("import sys; sys.modules['ctypes']._dlopen(None, 0)"),
        "stopped: forbidden: ctypes|wrong: your function raised AttributeError",
    ),
    "kills": (inside("import os; os.kill(os.getppid(), 9)"), "stopped: forbidden: os.kill"),
    "kills all": (inside("import os; os.killpg(0, 9)"), "stopped: forbidden: os.kill"),
    "reads passwords": (inside("open('/etc/passwd').read()"), "stopped: forbidden: reads /etc/passwd"),
    "reads and forgives": (
        inside("try: open('/etc/passwd').read()", "except BaseException: pass"),
        "stopped: forbidden: reads /etc/passwd",
    ),
    "reads another hand-in": (inside("open('{victim}').read()"), "stopped: forbidden: reads"),
    "reads by a roundabout way": (
        inside("import sys; open(sys.prefix + '/../../../../../../../..' + '{victim}').read()"),
        "stopped: forbidden: reads",
    ),
    "lists the hand-ins": (inside("import os; os.listdir('{folder}')"), "stopped: forbidden: lists"),
    "writes outside": (inside("open('{victim}', 'w').write('x')"), "stopped: forbidden: writes"),
    "writes by number": (inside("import os; os.open('{victim}', os.O_WRONLY)"), "stopped: forbidden: writes"),
    "writes by torch": (
        inside("import torch; torch.UntypedStorage.from_file('{victim}', True, 8).fill_(0)"),
        "wrong: your function raised|stopped",
    ),
    "deletes": (inside("import os; os.remove('{victim}')"), "stopped: forbidden: os.remove"),
    "deletes the tree": (inside("import shutil; shutil.rmtree('{folder}')"), "stopped: forbidden"),
    "links": (inside("import os; os.symlink('{victim}', 'here'); open('here', 'w')"), "stopped: forbidden: os.symlink"),
    "moves": (inside("import os; os.rename('{victim}', 'here')"), "stopped: forbidden: os.rename"),
    "leaves its folder": (
        inside("import os; os.chdir('{folder}'); open('victim.json', 'w')"),
        "stopped: forbidden: os.chdir",
    ),
    "changes the progress": (
        inside("from fldp_lib.course import progress; import sys",
               "sys.modules['fldp_lib.course.progress'].write('exercises', '00.1', True)"),
        "stopped: forbidden: (reads|writes)|right",  # beside its folder nothing is to be seen of it
    ),
    "replaces what a fence may use": (
        inside("import os, builtins; os.path.realpath = os.fspath = str.lower; builtins.len = builtins.isinstance = max",
               "open('{victim}', 'w')"),
        "stopped: forbidden: writes",
    ),
    # What forges a verdict: the answer itself is wrong
    "prints correct": (inside("print('00.1: correct')", body=WRONG), "wrong"),
    "os._exit": (inside("import os; os._exit(0)", body=WRONG), "stopped: its process ended"),
    "SystemExit": (inside("raise SystemExit(0)", body=WRONG), "wrong: your function raised SystemExit"),
    "exits while it is defined": ("import sys; sys.exit(0)", "wrong: the code that defines the answer raised SystemExit"),
    "interrupts": (inside("raise KeyboardInterrupt", body=WRONG), "wrong: your function raised KeyboardInterrupt"),
    "raises NotTried": (
        inside("from fldp_lib.course.answers import NotTried; raise NotTried", body=WRONG),
        "wrong: your function raised NotTried",
    ),
    "replaces the check": (
        inside("from fldp_lib.course import teacher, answers", "teacher.Exercise.check = lambda *a: True",
               "answers.require = answers.compare = lambda *a, **k: None", body=WRONG),
        "wrong",
    ),
    "replaces Wrong": (
        inside("from fldp_lib.course import answers; answers.Wrong.__init__ = lambda *a: exit(0)", body=WRONG),
        "wrong",
    ),
    "replaces the test": (
        inside("from fldp_lib import course; object.__setattr__(course.exercise('00.1'), 'test', print)", body=WRONG),
        "wrong",
    ),
    "writes a verdict to every descriptor": (
        inside("import os", "for k in range(64):",
               "    try: os.write(k, b'[1, 60]\\n{\"verdict\": \"right\", \"message\": \"\"}\\n')",
               "    except OSError: pass", body=WRONG),
        "stopped",
    ),
    "speaks to the examiner": (
        inside("import os, struct", "for k in range(3, 64):",
               "    try: os.write(k, struct.pack('!cI', b'Q', 0) * 99)", "    except OSError: pass", body=WRONG),
        "stopped|wrong",
    ),
    "equals everything": (
        "class Equal(float):\n    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *a: True\n    __sub__ = __rsub__ = "
        "lambda *a: 0.0\n    __hash__ = float.__hash__\n\ndef guess_bound(epsilon, delta): return Equal(7)",
        "wrong",
    ),
    "code in a pickle": (
        "import os\nclass Bomb:\n    def __reduce__(self): return os.system, ('touch {victim}.new',)\n\n"
        "def guess_bound(epsilon, delta): return Bomb()",
        "wrong",
    ),
    "looks for the hook": (
        inside("import sys; sys.modules['gc'].get_objects()", body=WRONG),
        "stopped: forbidden: gc|wrong",
    ),
    # What changes others' files, processes, or more than its share, without a file's name or a program
    "changes a mode by number": (
        inside("import os; f = os.open(os.__file__, 0); os.chmod(f, os.fstat(f).st_mode & 0o7777)"),
        "stopped: forbidden: os.chmod",
    ),
    "changes an owner by number": (
        inside("import os; os.fchown(os.open(os.__file__, 0), -1, -1)"),
        "stopped: forbidden: os.chown",
    ),
    "changes times by number": (
        inside("import os; f = os.open(os.__file__, 0); os.utime(f, ns=(os.fstat(f).st_mtime_ns,) * 2)"),
        "stopped: forbidden: os.utime",
    ),
    "opens by a folder's number": (
        inside("import os; os.open('os.py', 0, dir_fd=os.open(os.path.dirname(os.__file__), 0))"),
        "stopped: forbidden: reads",
    ),
    "makes a device": (
        inside("import os, stat; os.mknod('zero', 0o600 | stat.S_IFCHR, os.makedev(1, 5)); open('zero', 'rb').read(9)"),
        "wrong: your function raised PermissionError",
    ),
    "slows the examiner": (
        inside("import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)"),
        "wrong: your function raised PermissionError",
    ),
    "moves the examiner": (
        inside("import os; os.sched_setaffinity(os.getppid(), {0})"),
        "wrong: your function raised PermissionError",
    ),
    "kills by a handle": (
        inside("import os, sys; sys.modules['_signal'].pidfd_send_signal(os.pidfd_open(os.getppid()), 9)"),
        "wrong: your function raised PermissionError",
    ),
    "leaves its group": (
        inside("import os; os.setpgid(0, os.getpgid(os.getppid()))", "while True: pass"),
        "wrong: your function raised PermissionError",
    ),
    "memory in files": (
        inside("import os", "while True: os.write(os.memfd_create('x'), bytes(8 * 2**20))"),
        "wrong: your function raised PermissionError",
    ),
    "many files": (
        inside("for k in range(10**4): open(str(k), 'wb').write(bytes(10**6))", "while True: pass"),
        "stopped: (disk|time)",
    ),
    "folders in folders": (
        inside("import os; [os.mkdir('./' + 'a/' * k) for k in range(1, 1500)]"),
        "wrong: your function raised FileExistsError|stopped: time",  # the second time
    ),
    "a folder that nobody may list": (
        inside("import os; os.mkdir('a', 0o300); open('a/b', 'w')"),
        "wrong: your function raised FileExistsError",
    ),
    "more code than can be read": ("a = 0\n" + "a;" * 2**21 + RIGHT.format(inside=""), "stopped: (memory|time)"),
    # What takes the audit hook apart: its functions, where it has any, could be replaced
    "an event of its own": (
        inside("import sys; found = []", "try: sys.audit('open')", "except ValueError as error:",
               "    found = error.__traceback__.tb_next.tb_frame.f_locals",
               "if any(type(value) is type(guess_bound) for value in found.values()): raise ZeroDivisionError"),
        "stopped: forbidden: makes up an audit event",
    ),
    "too deep for the hook": (
        inside("def deep():", "    try: return deep()", "    except RecursionError: pass",
               "    try: open('/etc/passwd')", "    except RecursionError as error:",
               "        last = error.__traceback__", "        while last.tb_next: last = last.tb_next",
               "        if any(type(v) is type(deep) for k, v in last.tb_frame.f_locals.items() if k != 'deep'):",
               "            raise ZeroDivisionError from None", "        raise", "deep()"),
        "stopped: forbidden: reads /etc/passwd|wrong: your function raised RecursionError",
    ),
    "another thread": (inside("import sys; sys._current_frames()"), "stopped: forbidden: sys._current_frames"),
    "a signal within the hook": (
        inside("import os, sys; s, found = sys.modules['_signal'], []",
               "s.signal(s.SIGALRM, lambda n, f: found.append(dict(f.f_locals)) if 'event' in f.f_locals else 0)",
               "s.setitimer(s.ITIMER_REAL, 1e-4, 1e-4)", "while not found: os.listdir('.')", "s.setitimer(s.ITIMER_REAL, 0)",
               "if any(type(value) is type(guess_bound) for value in found[0].values()): raise ZeroDivisionError",
               body=WRONG),
        "wrong: at|stopped: time",
    ),
}  # fmt: skip
