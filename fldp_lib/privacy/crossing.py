"""Where a δ that falls with ε (or rises with ε₀) meets its goal. Not for direct use: nothing here is checked."""

import math


def crossing(at, low, high, goal):
    """Both ends of a short stretch in which a monotone δ crosses the goal, by regula falsi of ln δ (Illinois)."""
    ends = [[x, math.log(max(at(x), 1e-300) / goal)] for x in (low, high)]
    ends = [[x, max(min(y, 50.0), -50.0)] for x, y in ends]
    for turn in range(60):
        (a, ya), (b, yb) = ends
        if b - a <= 1e-6 * b + 1e-9:
            break
        x = (a * yb - b * ya) / (yb - ya) if turn % 3 < 2 else (a + b) / 2
        x = min(max(x, a + (b - a) / 100), b - (b - a) / 100)
        y = max(min(math.log(max(at(x), 1e-300) / goal), 50.0), -50.0)
        side = int((y > 0) != (ya > 0))  # which end it takes the place of
        ends[side] = [x, y]
        ends[1 - side][1] *= 0.5 if turn % 3 < 2 else 1.0
    return ends[0][0], ends[1][0]
