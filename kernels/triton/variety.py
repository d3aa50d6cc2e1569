"""More kinds of log than anyone has collected: real ones with their names and numbers exchanged, and invented ones.

    python3 variety.py --data DIR [DIR ...] --words DIR [DIR ...] --out DIR [--megabytes 10] [--invented 150] [--seed 1]

Log archives repeat themselves, and a model that learns them by heart is lost on any other log. What carries over is the
skill of learning from the context: a name, a number or a whole template that stood there before will come again. So

- exchange() cuts a log into passages and replaces, within a passage, each identifier (number, hexadecimal, UUID, address)
  and a part of the words by something of the same form: the same thing by the same thing throughout the passage, and by
  another one in the next. Only copying predicts it.
- Invented systems have a line format, names, templates and workflows of their own, all drawn from a seeded generator;
  several entities are in work at a time, so that what the lines of one entity share must be found between other lines.

Every source of --data gives NAME-exchanged.txt, --invented gives invented.txt. One seed, one result.
"""
import argparse
import collections
import multiprocessing
import pathlib
import random
import re

from data import read_files

TOKEN = re.compile(
    rb"(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"
    rb"|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)"
    rb"|(?P<hex>\b(?:0x)?(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{6,}\b)"
    rb"|(?P<number>\d{3,})"
    rb"|(?P<word>[A-Z]?[a-z]{2,}|[A-Z]{3,})")
HEX = "0123456789abcdef"
LEVELS = {b"info", b"warn", b"error", b"debug", b"trace", b"warning", b"fatal", b"notice"}


class Lexicon:
    """Words to put in place of others: those of real text, each as likely as any other, and some that do not exist."""

    def __init__(self, files):
        counts = collections.Counter()
        for _, text in files:
            counts.update(re.findall(rb"[a-z]{3,13}", text[:6_000_000].lower()))
        self.words = sorted(w.decode() for w, n in counts.items() if n >= 5)

    def word(self, r):
        if r.random() < 0.8:
            return r.choice(self.words)
        return "".join(r.choice("bcdfghklmnprstvz") + r.choice("aeiou") + r.choice(["", "", "n", "r", "s"])
                       for _ in range(r.randint(1, 4)))


def digits(r, n):
    return str(r.randint(1, 9)) + "".join(r.choice("0123456789") for _ in range(n - 1)) if n else ""


def hexadecimal(r, n):
    return "".join(r.choice(HEX) for _ in range(n))


def exchange(text, r, lexicon):
    """The passage with what identifies things exchanged. Of a number of three digits and more the last two stay, so
    that what is counted up still is; years stay years."""
    identifiers = r.random() < 0.8
    words = r.choice((0.0, 0.0, 0.1, 0.3, 0.7))
    known = {}

    def number(s):
        if len(s) == 4 and s[:2] in ("19", "20"):
            return known.setdefault(("year", s[:3]), str(r.randint(199, 203))) + s[3]
        head, tail = s[:-2], s[-2:]
        zeros = len(head) - len(head.lstrip("0"))
        return known.setdefault(("number", head), head[:zeros] + digits(r, len(head) - zeros)) + tail

    def replace(match):
        kind, s = match.lastgroup, match.group().decode("latin-1")
        if kind == "word":
            if not words:
                return match.group()
            lower = s.lower()
            if lower not in known:
                swap = r.random() < (words / 3 if lower.encode() in LEVELS else words)
                known[lower] = lexicon.word(r) if swap else lower
            w = known[lower]
            return (w if s.islower() else w.upper() if s.isupper() else w.capitalize()).encode("latin-1")
        if not identifiers:
            return match.group()
        if kind == "number":
            return number(s).encode()
        if kind == "ip":
            head, tail = s.rsplit(".", 1)
            if head not in known:
                known[head] = r.choice(("10.%d.%d", "192.168.%d", "172.%d.%d", "%d.%d.%d"))
                known[head] %= tuple(r.randint(1, 254) for _ in range(known[head].count("%")))
            return (known[head] + "." + tail).encode()
        if s not in known:
            if kind == "uuid":
                known[s] = "-".join(hexadecimal(r, n) for n in (8, 4, 4, 4, 12))
            else:
                stays = 2 if s.startswith("0x") else 0
                while stays < len(s) - 4 and s[stays] in "fF0":     # kernel addresses and padding
                    stays += 1
                known[s] = s[:stays] + hexadecimal(r, len(s) - stays)
            known[s] = known[s].upper() if s.isupper() else known[s]
        return known[s].encode()

    return TOKEN.sub(replace, text)


def passage(text, r):
    """A random run of whole lines, 6 to 60 KB."""
    size = int(6_000 * 10 ** r.random())
    start = text.find(b"\n", r.randrange(max(1, len(text) - size))) + 1
    end = text.find(b"\n", min(len(text) - 1, start + size)) + 1
    return text[start:end or len(text)]


MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
NOUNS = ("connection session request response file directory block packet job task thread process worker node cluster "
         "leader replica partition message queue topic user account password key token certificate handshake socket port "
         "interface device disk volume snapshot backup table index row query transaction lock cache buffer memory page "
         "heap cpu core kernel module driver service server client agent proxy gateway route rule policy order cart "
         "payment invoice item event alarm sensor reading sample batch stream offset segment checkpoint log config "
         "setting version update upgrade package image container pod deployment health check status timeout retry "
         "error exception warning failure signal interrupt link channel frame header body chunk object record entry "
         "ticket train seat station sequence state machine counter metric limit quota rate window").split()
VERBS = ("received sent opened closed created deleted removed added updated started stopped failed completed finished "
         "accepted rejected refused dropped expired registered unregistered loaded stored saved flushed committed aborted "
         "rolled retried scheduled allocated released acquired waiting connecting connected disconnected reading writing "
         "starting stopping initializing checking verifying verified detected corrected ignored skipped moved copied "
         "renamed resolved timed processed handled forwarded queued served cached evicted authenticated authorized denied "
         "granted assigned elected joined left synchronized replicated generated").split()
LINKS = "to from for of on in at by with after before during because and while via into".split()


class System:
    """An invented program: its line format, its names, its templates, its workflows."""

    def __init__(self, r, lexicon):
        self.r, self.lexicon = r, lexicon
        self.own = [lexicon.word(r) for _ in range(r.randint(15, 120))]
        self.clock = r.uniform(9.5e8, 1.8e9)
        self.gap = 10 ** r.uniform(-3.5, 1.5)
        self.pools = [self.pool() for _ in range(r.randint(2, 9))]
        self.names = [self.name() for _ in range(r.randint(1, 14))]
        self.hosts = [self.host() for _ in range(r.choice((1, 1, 2, 5, 20)))]
        self.threads = [r.choice((self.name(), "main", str(r.randint(1, 65000)), f"{r.choice(self.own)}-{i}"))
                        for i in range(r.randint(1, 12))]
        self.levels = r.choice((["INFO"] * 8 + ["WARN", "ERROR", "DEBUG"], ["info"] * 6 + ["debug"] * 3 + ["warn", "error"],
                                ["I"] * 8 + ["W", "E"], ["notice"] * 5 + ["err", "warning"], ["Information"] * 4 + ["Error"],
                                [str(i) for i in (6, 6, 6, 4, 3)]))
        self.layout = self.line_format()
        self.templates = [self.template() for _ in range(int(2 * 30 ** r.random()))]
        self.flows = [[r.choice(self.templates) for _ in range(int(10 ** r.uniform(0, 1.1)))]
                      for _ in range(r.randint(1, 14))]
        self.weights = [1 / (i + 1) ** r.choice((0.5, 1.0, 1.5)) for i in range(len(self.flows))]

    def name(self):
        r = self.r
        parts = [r.choice(self.own) if r.random() < 0.5 else r.choice(NOUNS) for _ in range(r.choice((1, 2, 2, 3, 4)))]
        style = r.randrange(7)
        return (".".join(parts), "".join(p.capitalize() for p in parts), "_".join(parts), "-".join(parts),
                parts[0] + "".join(p.capitalize() for p in parts[1:]), "/".join(parts) + r.choice((".c", ".go", ".py", "")),
                "::".join(parts).upper())[style]

    def host(self):
        r = self.r
        return r.choice((f"{r.choice(self.own)}{r.randint(1, 40)}", f"{r.choice(self.own)}-{hexadecimal(r, 5)}",
                         f"{r.choice(self.own)}.{r.choice(self.own)}.example", f"ip-10-{r.randint(0, 255)}-{r.randint(0, 255)}"))

    def pool(self):
        """A kind of identifier: how it is made, how often a new one comes, and those in use."""
        r, prefix = self.r, self.r.choice(("", "", self.r.choice(self.own) + self.r.choice("-_#:")))
        n, size = r.randint(2, 20), r.randint(1, 12)
        few = [r.choice(self.own) for _ in range(r.randint(2, 8))]
        base = f"/{r.choice(self.own)}/{r.choice(self.own)}"
        net = f"{r.randint(1, 223)}.{r.randint(0, 255)}"
        counter = [r.randint(0, 10 ** r.randint(1, 9))]

        def count():
            counter[0] += r.choice((1, 1, 1, 2, r.randint(1, 50)))
            return str(counter[0])

        make = r.choice((
            lambda: prefix + digits(r, n), lambda: prefix + digits(r, size), lambda: prefix + hexadecimal(r, n + 4),
            lambda: "-".join(hexadecimal(r, k) for k in (8, 4, 4, 4, 12)), lambda: "0x" + hexadecimal(r, 8),
            lambda: f"{net}.{r.randint(0, 255)}.{r.randint(1, 254)}",
            lambda: f"{net}.{r.randint(0, 3)}.{r.randint(1, 254)}:{r.randint(1024, 65535)}",
            lambda: prefix + r.choice(few), lambda: r.choice(few) + str(r.randint(1, 99)),
            lambda: f"{base}/{r.choice(few)}/{r.choice(few)}{r.randint(0, 999)}.{few[0][:3]}",
            lambda: f"{r.choice(few)}@{few[0]}.example", count, lambda: str(r.randint(0, 100)), lambda: prefix + count(),
            lambda: f"{r.expovariate(0.1):.{size % 5}f}"))
        return {"make": make, "new": r.choice((0.01, 0.05, 0.2, 0.5, 1.0)), "used": [make() for _ in range(r.randint(1, 12))]}

    def identifier(self, pool):
        if self.r.random() < pool["new"]:
            pool["used"][self.r.randrange(len(pool["used"]))] = value = pool["make"]()
            return value
        return self.r.choice(pool["used"])

    def template(self):
        """A list of words and slots; a slot is (pool, fixed in the workflow or not)."""
        r = self.r
        slot = lambda: (r.randrange(len(self.pools)), r.random() < 0.5)
        out, words = [], r.choice((0.0, 0.3, 0.7))
        word = lambda common: r.choice(self.own) if r.random() < words else r.choice(common)
        style = r.randrange(12)
        if style > 9:                                                           # columns, as of access logs
            gap = r.choice((" ", " ", "/", ",", "\t", " | ", ";"))
            for i in range(r.randint(2, 12)):
                shape = r.choice(("{}", "{}", "{}", '"{}"', "[{}]", "{} " + r.choice(self.own), "-"))
                before, _, after = shape.partition("{}")
                out += [gap if i else "", before] + ([slot(), after] if after or shape != before else [])
        elif style < 6:
            for _ in range(r.randint(1, 4)):
                out += [word(VERBS), " "] if r.random() < 0.7 else []
                out += [word(NOUNS), " "] + ([slot(), " "] if r.random() < 0.6 else [])
                out += [word(LINKS), " "] if r.random() < 0.6 else []
            if r.random() < 0.5 and out:
                out[0] = out[0].capitalize() if isinstance(out[0], str) else out[0]
        elif style < 9:
            equals, comma = r.choice(("=", ": ", ":", " = ")), r.choice((", ", " ", "; ", ","))
            out += [word(NOUNS), r.choice((": ", " ", " - "))] if r.random() < 0.7 else []
            opening = r.choice(("", "", "(", "[", "{"))
            out += [opening]
            for i in range(r.randint(1, 7)):
                out += [comma if i else "", word(NOUNS), equals, slot()]
            out += [{"(": ")", "[": "]", "{": "}"}.get(opening, "")]
        else:
            out += [self.name(), "Exception: " if r.random() < 0.5 else ": ", word(NOUNS), " ", slot(), "\n"]
            for _ in range(r.randint(1, 6)):
                out += [f"    at {self.name()}({self.name()}:{r.randint(1, 900)})\n"]
        tail = "".join(s for s in out[-1:] if isinstance(s, str))
        return out[:-1] if tail in (" ", "\n") else out

    def time_format(self):
        r = self.r
        fraction, sep = r.choice((0, 0, 3, 3, 6, 9)), r.choice((".", ",", ":"))
        zone, t, dash = r.choice(("", "", "Z", " +0000", "+01:00", " UTC")), r.choice(("T", " ")), r.choice(("-", "/", ".", ""))
        colon = r.choice((":", ":", ":", "", "."))
        kind = r.randrange(9)

        def text(now):
            days, seconds = divmod(int(now), 86400)
            day, month, year = days % 28 + 1, days // 28 % 12 + 1, 1970 + days // 365
            clock = f"{seconds // 3600:02d}{colon}{seconds // 60 % 60:02d}{colon}{seconds % 60:02d}"
            part = sep + str(int(now % 1 * 10 ** fraction)).zfill(fraction) if fraction else ""
            if kind < 3:
                return f"{year}{dash}{month:02d}{dash}{day:02d}{t}{clock}{part}{zone}"
            return (f"{clock}{part}", f"{MONTHS[month - 1]} {day:2d} {clock}", str(int(now)), f"{now:.{fraction or 3}f}",
                    f"{day:02d}/{MONTHS[month - 1]}/{year}:{clock}{zone}",
                    f"{year % 100:02d}{month:02d}{day:02d} {clock}{part}")[kind - 3]
        return text

    def line_format(self):
        r = self.r
        stamp = self.time_format()
        level, thread, name, host, pid = (lambda: r.choice(self.levels), lambda: r.choice(self.threads),
                                          lambda: r.choice(self.names), lambda: r.choice(self.hosts), lambda: str(r.randint(2, 32000)))
        fields = [("time", lambda: stamp(self.clock))] if r.random() < 0.92 else []
        extra = [("level", level), ("thread", thread), ("logger", name), ("host", host), ("pid", pid)]
        r.shuffle(extra)
        fields += extra[:r.randint(0, 4)]
        if r.random() < 0.15:
            r.shuffle(fields)
        kind = r.randrange(10)
        if kind == 0:                                                           # JSON
            space = r.choice(("", " "))
            message = r.choice(("msg", "message", "event", "log"))
            keys = {"time": r.choice(("ts", "time", "@timestamp"))}
            return lambda m: "{" + f",{space}".join(f'"{keys.get(k, k)}":{space}"{f()}"' for k, f in fields) + \
                (f",{space}" if fields else "") + f'"{message}":{space}"' + m.replace('"', "'").replace("\n", "\\n") + '"}'
        if kind == 1:                                                           # key=value
            return lambda m: " ".join(f"{k}={f()}" for k, f in fields) + f' msg="{m}"'.replace("\n", " ")
        gap, end = r.choice((" ", " ", " ", "  ", "|", "\t", " | ", ",")), r.choice((": ", " ", " - ", " | ", "] "))
        shapes = {k: r.choice(("{}", "{}", "{}", "[{}]", "({})", "<{}>", "{}:", "{:<6}")) for k, _ in fields}
        return lambda m: gap.join(shapes[k].format(f()) for k, f in fields) + (end if fields else "") + m

    def write(self, size):
        """About size bytes of the log."""
        r, out, total = self.r, [], 0
        active = []
        while total < size:
            while not active or (len(active) < 6 and r.random() < 0.3):
                active.append([r.choices(self.flows, self.weights)[0], 0, {}])
            flow = r.choice(active)
            template, bound = flow[0][flow[1]], flow[2]
            flow[1] += 1
            if flow[1] == len(flow[0]):
                active.remove(flow)
            message = "".join(part if isinstance(part, str) else
                              bound.setdefault(part[0], self.identifier(self.pools[part[0]])) if part[1] else
                              self.identifier(self.pools[part[0]]) for part in template)
            self.clock += r.expovariate(1 / self.gap) if r.random() < 0.7 else 0
            out.append(self.layout(message))
            total += len(out[-1]) + 1
        return "\n".join(out) + "\n"


def piece(task):
    """One unit of work, the same whatever process does it."""
    kind, index, seed, size = task
    r = random.Random(f"{seed} {kind} {index}")
    out, total = [], 0
    while total < size:
        out.append(System(r, LEXICON).write(int(8_000 * 10 ** r.random())).encode() if kind is None
                   else exchange(passage(FILES[kind], r), r, LEXICON))
        total += len(out[-1])
    return b"".join(out)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--data", nargs="+", required=True, help="folders of logs to exchange")
    a.add_argument("--words", nargs="+", required=True, help="folders of text whose words are used")
    a.add_argument("--out", required=True)
    a.add_argument("--megabytes", type=float, default=10, help="at most so much of each source, and three times its size")
    a.add_argument("--invented", type=float, default=150, help="megabytes of invented systems")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    args = a.parse_args()
    global FILES, LEXICON
    FILES = dict(read_files(args.data))
    LEXICON = Lexicon(sorted(FILES.items()) + read_files(args.words))
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    unit = 1_000_000
    jobs = [(None, i, args.seed, unit) for i in range(int(args.invented))]
    for name, text in FILES.items():
        size = min(args.megabytes * 1e6, 3 * len(text))
        jobs += [(name, i, args.seed, min(unit, size)) for i in range(max(1, int(size / unit)))]
    parts = collections.defaultdict(list)
    with multiprocessing.get_context("fork").Pool(args.processes) as pool:
        for job, text in zip(jobs, pool.imap(piece, jobs)):
            parts[f"{job[0]}-exchanged" if job[0] else "invented"].append(text)
    for name, texts in parts.items():
        (out / f"{name}.txt").write_bytes(b"".join(texts))
        print(f"{name}: {sum(map(len, texts))} bytes", flush=True)


if __name__ == "__main__":
    main()
