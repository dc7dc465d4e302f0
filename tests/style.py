#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Style as a test. Needs Python 3.9 and its own library only; nm for --library.

usage: style.py [--library libmmsim.so] [TREE]     prints FILE:LINE: WHAT, ends with 1 if any
       style.py --self-test                        each rule fires on a bad sample, once

There is no list of exceptions: a rule that needs one is wrong and is to be changed here.
"""
import os
import re
import subprocess
import sys
import tempfile

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
TAB = 8

# A file calls its own folder and the floors to the left of it.
FLOORS = ("base", "machine", "trace", "lock", "mem", "rmap", "reclaim", "mm", "binder", "sim")

C_FILES = (".c", ".h")
SCRIPT_FILES = (".py", ".sh", ".cmake", ".supp")
SKIP_DIRECTORIES = re.compile(r"^(\.git|build|build-.*|__pycache__)$")

# Time, waiting, randomness, threads and the compiler's atomics come through the machine.
MACHINE_HEADERS = re.compile(
    r'^\s*#\s*include\s*[<"]((?:pthread|time|sys/time|stdatomic|threads|sched|ucontext|'
    r'semaphore|sys/random|linux/futex)\.h|urcu[^>"]*)[>"]')
MACHINE_WORDS = re.compile(
    r"\b(clock_gettime|clock_nanosleep|gettimeofday|nanosleep|usleep|sleep|time|sched_yield|"
    r"s?rand|rand_r|s?random|[del]rand48|getrandom|pthread_\w+)\s*\(|"
    r"\b(__atomic_\w+|__sync_\w+|_Atomic|__rdtsc\w*|__builtin_ia32_\w+)\b")

# Written so that this file does not hold what it looks for.
FORBIDDEN = (
    (re.compile(r"(?<![\w.])/wor[k]/"), "a path of somebody's workplace"),
    (re.compile(r"\bthis[ ]session\b", re.I), "a session is mentioned"),
    (re.compile(r"\b(issue|ticket|pull request)s?\s+#?\d", re.I), "an issue's number"),
)
# In prose only: code has colours and preprocessor operators.
FORBIDDEN_IN_PROSE = ((re.compile(r"(?:^|[\s(])#\d+\b"), "an issue's number"),)


class Source:
    """A file, as lines, and for C also without comments and strings."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        self.lines = self.text.splitlines()
        self.name = os.path.basename(path)
        self.kind = kind_of(self.name, self.lines)
        if self.kind == "c":
            code, prose = split_c(self.text)
            self.code, self.prose = code.split("\n"), prose.split("\n")
        else:
            self.code, self.prose = self.lines, self.lines


def kind_of(name, lines):
    if name.endswith(C_FILES):
        return "c"
    if name == "CMakeLists.txt" or name.endswith(".cmake"):
        return "cmake"
    if name.endswith(".md"):
        return "text"
    if name.endswith(".py") or (lines and re.match(r"#!.*python", lines[0])):
        return "python"
    if name.endswith(SCRIPT_FILES) or (lines and lines[0].startswith("#!")):
        return "script"
    return None


C_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def split_c(text):
    """The code with comments and strings blanked, and the comments alone; lines stay."""
    code, prose, at = [], [], 0
    for token in C_TOKEN.finditer(text):
        between, found = text[at:token.start()], token.group()
        is_comment = found.startswith("/")
        # An included file's name is code.
        is_include = re.search(r"#\s*include\s*$", between) is not None
        code += [between, found if is_include else blank(found)]
        prose += [blank(between), found if is_comment else blank(found)]
        at = token.end()
    return "".join(code) + text[at:], "".join(prose) + blank(text[at:])


def tree_files(root):
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not SKIP_DIRECTORIES.match(f))
        for name in sorted(files):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                if b"\0" in file.read(4096):
                    continue  # data
            found.append(Source(root, os.path.relpath(path, root)))
    return [source for source in found if source.kind]


# ---- sizes and the first line ----

def check_sizes(source):
    if source.kind == "text":
        return
    if len(source.lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, f"file of {len(source.lines)} lines, {FILE_LINES_MAX} at most"
    for number, line in enumerate(source.lines, 1):
        columns = len(line.expandtabs(TAB))
        if columns > COLUMNS_MAX:
            yield number, f"line of {columns} columns, {COLUMNS_MAX} at most"


def check_spdx(source):
    if source.kind == "text":
        return
    first = 1 if source.lines and source.lines[0].startswith("#!") else 0
    if len(source.lines) <= first or "SPDX-License-Identifier: MIT" not in source.lines[first]:
        yield first + 1, "no SPDX-License-Identifier in the first line"


# ---- functions ----

def c_functions(source):
    """(first line, last line, name) of each function: a {} block after a ), outside any other."""
    code = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m.group()),
                  "\n".join(source.code))
    head, inside = 0, []  # inside: what each open brace belongs to
    for mark in re.finditer(r"[{};]", code):
        at, what = mark.start(), mark.group()
        outside = all(kind == "extern" for kind in inside)
        if what == "{":
            inside.append(c_function_head(code, head, at) if outside else None)
        elif what == "}" and inside:
            kind = inside.pop()
            if isinstance(kind, tuple):
                yield kind[0], code.count("\n", 0, at) + 1, kind[1]
        if all(kind == "extern" for kind in inside):
            head = at + 1


def c_function_head(code, head, brace):
    text = code[head:brace]
    if re.search(r"\bextern\s+$", text):
        return "extern"
    name = re.search(r"(\w+)\s*\(", text)
    if not name or not text.rstrip().endswith(")") or "=" in text:
        return None
    skipped = len(text) - len(text.lstrip())
    return code.count("\n", 0, head + skipped) + 1, name.group(1)


def block_functions(source, begin, end):
    first, name = 0, ""
    for number, line in enumerate(source.lines, 1):
        match = begin.match(line)
        if match:
            first, name = number, match.group(1)
        elif first and end.match(line):
            yield first, number, name
            first = 0


def python_functions(source):
    first, name, last = 0, "", 0
    for number, line in enumerate(source.lines + ["end"], 1):
        match = re.match(r"\s*def (\w+)", line)
        if first and (match or re.match(r"\S", line)) and not line.startswith(")"):
            yield first, last, name
            first = 0
        if match:
            first, name = number, match.group(1)
        if line.strip():
            last = number


def check_functions(source):
    functions = ()
    if source.kind == "c":
        functions = c_functions(source)
    elif source.kind == "script":
        functions = block_functions(source, re.compile(r"(\w+)\s*\(\)"), re.compile(r"[})]"))
    elif source.kind == "cmake":
        functions = block_functions(source, re.compile(r"function\((\w+)"),
                                    re.compile(r"endfunction"))
    elif source.kind == "python":
        functions = python_functions(source)
    for first, last, name in functions:
        lines = last - first + 1
        if lines > FUNCTION_LINES_MAX:
            yield first, f"{name}() of {lines} lines, {FUNCTION_LINES_MAX} at most"


# ---- floors ----

def floor_of(path):
    parts = path.split("/")
    if parts[0] == "sim":
        return FLOORS.index("sim")
    if parts[0] == "src" and parts[1] in FLOORS:
        return FLOORS.index(parts[1])
    return None


def included_path(source, name):
    """Where an #include "name" of a file in src/ leads."""
    if name.startswith("mmsim/"):
        return "include/" + name
    if "/" in name and not name.startswith("."):
        return "src/" + name
    return os.path.normpath(os.path.join(os.path.dirname(source.path), name))


def check_floors(source):
    if source.kind != "c" or not source.path.startswith("src/"):
        return
    mine = floor_of(source.path)
    if mine is None:
        yield 1, "a folder of src/ that is no floor"
        return
    for number, line in enumerate(source.code, 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        path = included_path(source, match.group(1))
        floor = floor_of(path)
        if path.startswith("include/mmsim/"):
            continue
        if floor is None or floor > mine:
            yield number, f"floor {FLOORS[mine]} includes {match.group(1)} of a higher floor"


def check_machine(source):
    if source.kind != "c" or source.path.startswith("src/machine/"):
        return
    if not source.path.startswith(("src/", "sim/", "include/")):
        return
    for number, line in enumerate(source.code, 1):
        header = MACHINE_HEADERS.match(line)
        if header:
            yield number, f"<{header.group(1)}> outside src/machine/"
        for word in MACHINE_WORDS.finditer(line):
            yield number, f"{word.group(1) or word.group(2)} outside src/machine/"


def check_words(source):
    for number, (line, prose) in enumerate(zip(source.lines, source.prose), 1):
        for pattern, what in FORBIDDEN:
            if pattern.search(line):
                yield number, what
        for pattern, what in FORBIDDEN_IN_PROSE:
            if pattern.search(prose):
                yield number, what


# ---- the public API ----

def public_functions(source):
    """(line, name) of each function declared with MMSIM_API."""
    code = "\n".join("" if line.lstrip().startswith("#") else line for line in source.code)
    for match in re.finditer(r"(?m)^\s*MMSIM_API\b([^;]*);", code):
        name = re.search(r"(\w+)\s*\(", match.group(1))
        if name:
            yield code.count("\n", 0, match.start(1)) + 1, name.group(1)


def is_documented(source, line):
    """A comment stands above, with nothing but declarations and no empty line between."""
    for number in range(line - 1, 0, -1):
        if source.lines[number - 1].rstrip().endswith("*/"):
            return True
        if not source.lines[number - 1].strip():
            return False
    return False


def check_documented(source):
    if source.kind != "c" or not source.path.startswith("include/"):
        return
    for line, name in public_functions(source):
        if not is_documented(source, line):
            yield line, f"{name}() has no comment above it"


def check_exports(sources, library, exported):
    """Exactly what include/ declares with MMSIM_API is exported."""
    declared = {}
    for source in sources:
        if source.kind == "c" and source.path.startswith("include/"):
            for line, name in public_functions(source):
                declared[name] = (source.path, line)
    for name, (path, line) in sorted(declared.items()):
        if name not in exported:
            yield path, line, f"{name}() is not exported by {library}"
    for name in sorted(exported - set(declared)):
        yield library, 0, f"exports {name}, which no public header declares with MMSIM_API"


def exported_by(library):
    out = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                         check=True, capture_output=True, text=True).stdout
    return {line.split()[0].split("@")[0] for line in out.splitlines()}


CHECKS = (check_sizes, check_spdx, check_functions, check_floors, check_machine, check_words,
          check_documented)


def findings(root, library=None, exported=None):
    sources = tree_files(root)
    found = [(source.path, line, what)
             for source in sources for check in CHECKS for line, what in check(source)]
    if library:
        found += check_exports(sources, library, exported)
    return sorted(found)


# ---- self test ----

MIT = "SPDX-License-Identifier: MIT"
C_MIT = f"/* {MIT} */\n"
LONG_BODY = "\tx++;\n" * FUNCTION_LINES_MAX
HEADER = C_MIT + "/** good - it is */\nMMSIM_API int good(void);\n"

# What a tree without findings looks like; each rule's sample changes or adds one file.
CLEAN = {
    "include/mmsim/good.h": HEADER,
    "src/base/a.c": C_MIT + '#include <string.h>\n#include "mmsim/good.h"\n'
                    "struct s {\n" + LONG_BODY.replace("x++", "int x") + "};\n"
                    'const char *s = "time(0) __atomic_x /* ";\n/* time(0) */\n'
                    "int short_one(int x)\n{\n\tif (x) {\n\t\tx++;\n\t}\n\treturn x;\n}\n",
    "src/machine/host/a.c": C_MIT + "#include <pthread.h>\n#include <urcu/urcu-memb.h>\n",
    "src/mm/a.c": C_MIT + '#include "base/a.h"\n#include "mm/b.h"\n#include "b.h"\n',
    "sim/a.c": C_MIT + '#include "../src/mm/b.h"\nint next_time(int x);\n',
    "tests/a.c": C_MIT + "#include <pthread.h>\n",
    "tests/run": f"#!/bin/bash\n# {MIT}\nfold()\n{{\n\ttrue\n}}\n",
    "CMakeLists.txt": f"# {MIT}\n",
    "data.json": "{}\n",
    "README.md": "long line " * 50 + "\n",
}

# (file, its text, line and piece of the only finding)
BAD = (
    ("src/base/b.c", C_MIT + "\n" * 600, 601, "file of 601 lines"),
    ("src/base/b.c", C_MIT + "int f(int x)\n{\n" + LONG_BODY + "}\n", 2, "f() of 73 lines"),
    ("include/mmsim/b.h", C_MIT + 'extern "C" {\nstatic inline int f(\n\tint x)\n{\n'
     + LONG_BODY + "}\n}\n", 3, "f() of 74 lines"),
    ("tests/b.sh", f"# {MIT}\nf() {{\n" + LONG_BODY + "}\n", 2, "f() of 72 lines"),
    ("tests/b.py", f"# {MIT}\ndef f(x):\n" + LONG_BODY + "\n\ny = 1\n", 2, "f() of 71 lines"),
    ("sim/b.cmake", f"# {MIT}\nfunction(f x)\n" + LONG_BODY + "endfunction()\n", 2,
     "f() of 72 lines"),
    ("tests/b.c", C_MIT + "\t" * 12 + "/* on */\n", 2, "line of 104 columns"),
    ("tests/b.c", "int x;\n" + C_MIT, 1, "no SPDX"),
    ("sim/quickstart", "#!/bin/bash\ntrue\n", 2, "no SPDX"),
    ("CMakeLists.txt", "project(x)\n", 1, "no SPDX"),
    ("src/mem/b.c", C_MIT + '#include "mm/mm.h"\n', 2, "floor mem includes mm/mm.h"),
    ("src/base/b.c", C_MIT + '#include "../lock/rwsem.h"\n', 2, "floor base includes"),
    ("src/mm/b.c", C_MIT + '#include "../../sim/a.h"\n', 2, "floor mm includes"),
    ("src/attic/b.c", C_MIT, 1, "no floor"),
    ("src/lock/b.c", C_MIT + "#include <pthread.h>\n", 2, "<pthread.h> outside"),
    ("sim/b.c", C_MIT + "# include <time.h>\n", 2, "<time.h> outside"),
    ("src/mem/b.c", C_MIT + "#include <urcu/list.h>\n", 2, "<urcu/list.h> outside"),
    ("src/mem/b.c", C_MIT + "#include <stdatomic.h>\n", 2, "<stdatomic.h> outside"),
    ("src/mem/b.c", C_MIT + "#include <threads.h>\n", 2, "<threads.h> outside"),
    ("src/mem/b.c", C_MIT + "#include <sched.h>\n", 2, "<sched.h> outside"),
    ("src/mem/b.c", C_MIT + "int x = clock_gettime(0, 0);\n", 2, "clock_gettime outside"),
    ("src/mem/b.c", C_MIT + "int x = nanosleep(0, 0);\n", 2, "nanosleep outside"),
    ("src/mem/b.c", C_MIT + "int x = usleep(0);\n", 2, "usleep outside"),
    ("src/mem/b.c", C_MIT + "int x = rand ();\n", 2, "rand outside"),
    ("src/trace/b.c", C_MIT + "int x = __atomic_load_n(&y, 0);\n", 2, "__atomic_load_n outside"),
    ("src/trace/b.c", C_MIT + "int x = __sync_synchronize;\n", 2, "__sync_synchronize outside"),
    ("include/mmsim/good.h", C_MIT + "/* far */\n\nMMSIM_API int good(void);\n", 4, "no comment"),
    ("include/mmsim/good.h", HEADER + "MMSIM_API int *lost(\n\tint x);\n", 4, "not exported"),
    ("include/mmsim/good.h", HEADER.replace("MMSIM_API ", ""), 0, "exports good"),
    ("README.md", "see /wor" + "k/main\n", 1, "workplace"),
    ("src/mm/b.c", C_MIT + "/* In this" + " session */\n", 2, "session"),
    ("tests/b.c", C_MIT + "/* issue" + " 12 */\n", 2, "issue's number"),
    ("tests/b.c", C_MIT + "/* see (#" + "12) */\n", 2, "issue's number"),
)


def sample_findings(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return findings(root, "lib.so", {"good"})


def self_test():
    failed = 0
    clean = sample_findings(CLEAN)
    for finding in clean:
        failed += 1
        print("clean sample:", finding)
    for path, text, line, piece in BAD:
        found = sample_findings({**CLEAN, path: text})
        if len(found) != 1 or found[0][1] != line or piece not in found[0][2]:
            failed += 1
            print(f"{path}: expected only line {line}: {piece}; found {found}")
    print(f"{len(BAD) + 1} samples, {failed} failed")
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    library = None
    if arguments[:1] == ["--library"] and len(arguments) > 1:
        library, arguments = arguments[1], arguments[2:]
    if len(arguments) > 1 or any(a.startswith("-") for a in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = findings(arguments[0] if arguments else here, library,
                     exported_by(library) if library else None)
    for path, line, what in found:
        print(f"{path}:{line}: {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
