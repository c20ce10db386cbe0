"""The genetic algorithm in plain Python: lists of floats, one candidate and one gene at a time."""

import math

from chimera.builtin.evolution.kernels import portable

MASK = 2**64 - 1
REAL, INTEGER, CATEGORICAL, BIT, PERMUTATION = range(5)
INFEASIBLE = 1e300
PAIRS, STEPS = 256, 256
BLOCK = 2 * PAIRS


def philox(counter, key):
    """Philox4x32-10 on Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


class Stream:
    """The draws of one key."""

    def __init__(self, key):
        self.key = key

    def bits(self, j):
        z = (self.key + j * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def unit(self, j):
        return (self.bits(j) >> 12) / 2**52

    def open_unit(self, j):
        return ((self.bits(j) >> 12) + 0.5) / 2**52

    def below(self, j, count):
        return (self.bits(j) >> 32) * count >> 32


class Reference:
    """Makes one generation after another of an island that has a fitness of its own."""

    def __init__(self, problem, operators, elites, fitness):
        self.problem, self.operators, self.fitness = problem, operators, fitness
        self.elites, self.count, self.genes = elites, problem.population, problem.genes
        self.width = len(problem.lower)
        self.low, self.high = problem.lower.tolist(), problem.upper.tolist()
        self.segments = problem.segments.tolist()
        self.types = [t for t, first, last in self.segments for _ in range(last - first)]
        self.loose = [j for j, t in enumerate(self.types) if t != PERMUTATION]
        self.generation, self.champion = 0, [0.0] * self.genes
        self.parents, self.history = [[0.0] * self.genes] * 2, []
        self.population = []
        for block in range(0, self.count, BLOCK):
            rows = range(min(BLOCK, self.count - block))
            stream = self.stream(block // BLOCK, 0)
            self.population += [self.first(stream, row * self.genes) for row in rows]
        self.origins = [[-1, -1]] * self.count
        self.costs = [fitness(candidate) for candidate in self.population]
        self.record([])

    def stream(self, block, phase):
        counter = (self.generation, block, phase, self.problem.island)
        words = philox(counter, (self.problem.seed % 2**32, self.problem.seed >> 32))
        return Stream(words[1] << 32 | words[0])

    def first(self, stream, position):
        row = [self.anew(j, stream, position + j) for j in range(self.genes)]
        for type_, first, last in self.segments:
            if type_ == PERMUTATION:
                row[first:last] = [float(i) for i in range(last - first)]
                for i in range(last - first - 1, 0, -1):
                    j = stream.below(position + first + i, i + 1)
                    row[first + i], row[first + j] = row[first + j], row[first + i]
        return row

    def anew(self, j, stream, position):
        low, high = self.low[j], self.high[j]
        if self.types[j] != REAL:
            return low + stream.below(position, int(high - low) + 1)
        return min(max(low + stream.unit(position) * (high - low), low), high)

    def step(self):
        before, order = self.population, self.order()
        kept = order[: self.elites]
        children = [list(before[row]) for row in kept]
        self.origins = [[row, -1] for row in kept]
        self.generation += 1
        for block, first in enumerate(range(self.elites, self.count, BLOCK)):
            rows = min(BLOCK, self.count - first)
            chosen = self.choose(self.stream(block, 1), rows + rows % 2, order)
            children += self.block(block, rows, chosen)
            self.origins += [chosen[row // 2 * 2 : row // 2 * 2 + 2] for row in range(rows)]
        self.population = children
        told = [self.fitness(candidate) for candidate in children[self.elites :]]
        self.costs = [self.costs[row] for row in kept] + told
        self.record(before)

    def order(self):
        return sorted(range(self.count), key=lambda row: (self.costs[row], row))

    def choose(self, stream, count, order):
        selection = self.operators.selection
        if selection.type == "tournament":
            size = selection.size
            drawn = [stream.below(i, self.count) for i in range(count * size)]
            return [
                min(drawn[i * size : i * size + size], key=lambda row: self.costs[row])
                for i in range(count)
            ]
        if selection.type == "truncation":
            best = order[: max(1, round(selection.share * self.count))]
            return [best[stream.below(i, len(best))] for i in range(count)]
        units = [stream.unit(i) for i in range(count)]
        if selection.type == "rank":
            return [order[self.rank(u, selection.pressure)] for u in units]
        sums = self.running_shares()
        return [next(row for row in range(self.count) if sums[row] > u * sums[-1]) for u in units]

    def rank(self, u, pressure):
        if pressure > 1:
            root = math.sqrt(pressure * pressure - 4 * (pressure - 1) * u)
            u = (pressure - root) / (2 * (pressure - 1))
        return min(int(u * self.count), self.count - 1)

    def running_shares(self):
        feasible = [cost for cost in self.costs if cost < INFEASIBLE]
        sums, total = [], 0.0
        for cost in self.costs:
            if not feasible:
                total += 1.0
            elif cost < INFEASIBLE:
                span = max(feasible) - min(feasible)
                total += (max(feasible) - cost) / span if span > 0 else 1.0
            sums.append(total)
        return sums

    def block(self, block, rows, chosen):
        stream, pairs = self.stream(block, 2), len(chosen) // 2
        self.pairs = pairs
        mates = []
        for pair in range(pairs):
            a, b = (self.population[row] for row in chosen[2 * pair : 2 * pair + 2])
            p, q = self.crossed(pair, a, b, stream)
            for segment, (type_, first, last) in enumerate(self.segments):
                if type_ == PERMUTATION:
                    at = 3 * PAIRS + BLOCK * self.width + 3 * (pair * len(self.segments) + segment)
                    runs = self.permuted(a[first:last], b[first:last], stream, at)
                    p[first:last], q[first:last] = runs
            mates += [p, q]
        mates = mates[:rows]
        self.mutate(mates, self.stream(block, 3))
        for row, mate in enumerate(mates):
            for segment, (type_, first, last) in enumerate(self.segments):
                if type_ == PERMUTATION:
                    at = 3 * (row * len(self.segments) + segment)
                    mate[first:last] = self.moved(mate[first:last], self.stream(block, 6), at)
        bounds = list(zip(self.low, self.high, strict=True))
        return [
            [min(max(g, low), high) for g, (low, high) in zip(mate, bounds, strict=False)]
            for mate in mates
        ]

    def crossed(self, pair, a, b, stream):
        crossover = self.operators.crossover
        p, q = list(a), list(b)
        if stream.unit(pair) >= crossover.probability:
            return p, q
        between = max(len(self.loose) - 1, 1)
        at = PAIRS + BLOCK * self.width + 2 * pair
        cuts = [stream.below(at, between) + 1, len(self.loose)]
        if crossover.type == "two-point":
            cuts[1] = stream.below(at + 1, between) + 1
        for place, j in enumerate(self.loose):
            if not crossover.type.endswith("-point"):
                p[j], q[j] = self.crossed_gene(a[j], b[j], pair, j, stream)
            elif min(cuts) <= place < max(cuts):
                p[j], q[j] = b[j], a[j]
        return p, q

    def crossed_gene(self, x, y, pair, j, stream):
        crossover, position = self.operators.crossover, PAIRS + pair * self.width + j
        bits, u = stream.bits(position), stream.unit(position)
        if crossover.type == "uniform" or self.types[j] > INTEGER:
            return (y, x) if bits & 2 else (x, y)
        if crossover.type == "sbx":
            p, q = self.sbx(x, y, self.half_a_draw(pair, j, stream), crossover.eta)
        else:
            widened, other = 1 + 2 * crossover.alpha, stream.unit(position + PAIRS * self.width)
            p = x + (u * widened - crossover.alpha) * (y - x)
            q = x + (other * widened - crossover.alpha) * (y - x)
        if self.types[j] == INTEGER:
            return math.floor(p + 0.5), math.floor(q + 0.5)
        return p, q

    def half_a_draw(self, pair, j, stream):
        """The 32 bits of a gene, whose draw serves one in the other half of its run, too."""
        ((type_, first, last),) = [s for s in self.segments if s[1] <= j < s[2]]
        alone = len(self.segments) == 1
        if type_ == REAL and last == self.genes:
            last = self.width  # reals at the end take in what pads the row
        start = first if alone else pair * self.width + first
        stop = (self.pairs - 1 if alone else pair) * self.width + last
        half, place = (stop - start) // 2, pair * self.width + j - start
        if place < half or place == 2 * half:
            return stream.bits(PAIRS + start + min(place, half)) & 0xFFFFFFFF
        return stream.bits(PAIRS + start + place - half) >> 32

    def sbx(self, x, y, bits, eta):
        u, index = (bits >> 3) / 2**29 + 2**-30, 1 / (eta + 1)
        beta = portable.unit_power(u, -index if bits & 4 else index)
        t = 0.5 - 0.5 * beta if bits & 1 else 0.0
        if bits & 2:
            x, y = y, x
        return x + t * (y - x), y - t * (y - x)

    def permuted(self, a, b, stream, at):
        operators, n = self.operators.permutation, len(a)
        if stream.unit(at) >= operators.probability:
            return a, b
        low, high = sorted((stream.below(at + 1, n + 1), stream.below(at + 2, n + 1)))
        cross = pmx if operators.crossover == "pmx" else order_crossover
        return cross(a, b, low, high), cross(b, a, low, high)

    def moved(self, places, stream, at):
        operators, n = self.operators.permutation, len(places)
        if stream.unit(at) >= operators.rate:
            return places
        i = stream.below(at + 1, n)
        i, j = sorted((i, (i + 1 + stream.below(at + 2, n - 1)) % n))
        if operators.mutation == "swap":
            places[i], places[j] = places[j], places[i]
        else:
            places[i : j + 1] = places[i : j + 1][::-1]
        return places

    def mutate(self, mates, stream):
        mutation = self.operators.mutation
        rate = 1 / max(len(self.loose), 1) if mutation.rate is None else mutation.rate
        if not self.loose or 1 - rate == 1:
            return
        gap = 0.0 if rate == 1 else math.log(2) / portable.log(1 - rate)
        firsts_first = mates[::2] + mates[1::2]
        places = [(mate, j) for mate in firsts_first for j in range(self.width)]
        position = step = 0
        while True:
            position += int(min(portable.unit_log2(stream.open_unit(3 * step)) * gap, 2.0**51))
            if position >= len(places):
                return
            mate, j = places[position]
            if j < self.genes and self.types[j] != PERMUTATION:
                mate[j] = self.changed(mate[j], j, stream, step)
            position, step = position + 1, step + 1

    def changed(self, value, j, stream, step):
        mutation, type_ = self.operators.mutation, self.types[j]
        if type_ == BIT:
            return 1 - value
        if type_ == CATEGORICAL or mutation.type == "reset":
            return self.anew(j, stream, 3 * step + 2)
        sigma = mutation.sigma if mutation.type == "gaussian" else 1.0
        change = self.deviate(stream, step) * (sigma * (self.high[j] - self.low[j]))
        if type_ == INTEGER:
            change = math.ceil(change) if change > 0 else math.floor(change)
        return value + change

    def deviate(self, stream, step):
        if self.operators.mutation.type == "polynomial":
            index = 1 / (self.operators.mutation.eta + 1)
            delta = 1 - portable.unit_power(stream.open_unit(3 * step + 1), index)
            return delta if stream.bits(3 * step + 1) & 1 else -delta
        half = STEPS // 2
        is_second = step % STEPS >= half
        first = step - half if is_second else step
        u = portable.unit_log2(stream.open_unit(3 * first + 1))
        angle = portable.turn(stream.unit(3 * (first + half) + 1))
        return math.sqrt(-1.3862943611198906 * u) * angle[is_second]

    def record(self, before):
        best = self.order()[0]
        least = self.history[-1][0] if self.history else math.inf
        if self.costs[best] < least:
            self.champion = list(self.population[best])
            known = [list(before[row]) for row in self.origins[best] if row >= 0]
            self.parents = (known + [[0.0] * self.genes] * 2)[:2]
        feasible, mean = [cost for cost in self.costs if cost < INFEASIBLE], 0.0
        for cost in feasible:
            mean += cost
        mean = mean / len(feasible) if feasible else math.inf
        self.history.append([min(least, self.costs[best]), mean])


def order_crossover(a, b, low, high):
    """Return a child with the run of `a` from `low` to `high`, and the rest as `b` has it."""
    n, run = len(a), a[low:high]
    rest = [place for place in b[high:] + b[:high] if place not in run]
    child = [None] * n
    child[low:high] = run
    for k, place in enumerate(rest):
        child[(high + k) % n] = place
    return child


def pmx(a, b, low, high):
    """Return a child with the run of `a` from `low` to `high`, elsewhere what `b` has if it can."""
    child = list(b)
    child[low:high] = a[low:high]
    for i in (*range(low), *range(high, len(a))):
        while child[i] in a[low:high]:
            child[i] = b[a.index(child[i])]
    return child
