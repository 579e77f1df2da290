"""Draw a small graph with its numbers, forward and backward, as an SVG: `python docs/draw_graph.py`.

The drawing is read off the engine's own graph: which operation made a value, from which values, and, for every edge,
the contribution that the operation's rule sends back along it. It writes docs/images/first-gradient.svg.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import minidl
from minidl.functional import vjp

HERE = Path(__file__).parent
WIDTH, HEIGHT = 190, 84  # of a box
ACROSS, DOWN = 330, 150  # from box to box
MARGIN = 28
VALUE, GRADIENT = "#1f4e8c", "#b34700"  # blue and orange: told apart by every kind of eye

STYLE = f"""
  text {{ font: 15px ui-sans-serif, system-ui, sans-serif; fill: #222; text-anchor: middle; }}
  .name {{ font-size: 17px; font-weight: 600; }}
  .value {{ fill: {VALUE}; }}
  .gradient {{ fill: {GRADIENT}; }}
  .halo {{ stroke: #fff; stroke-width: 6px; paint-order: stroke; }}
  rect {{ fill: #fff; stroke: #888; stroke-width: 1.2px; }}
  .paper {{ stroke: none; }}
  path {{ fill: none; stroke-width: 1.6px; }}
"""


def number(x: float) -> str:
    """Four decimals at most, with a real minus sign."""
    return f"{x:.4f}".rstrip("0").rstrip(".").replace("-", "−")


def draw(tensors: dict[str, minidl.Tensor], formulas: dict[str, str]) -> str:
    """The graph over scalar `tensors` (name → tensor, leaves first, the result last) as the text of an SVG."""
    names = list(tensors)
    made_by = {id(t.edge[0]) if t.edge else id(t): name for name, t in tensors.items()}
    parents = {n: [made_by[id(e[0])] for e in t.edge[0].edges] if t.edge else [] for n, t in tensors.items()}

    column: dict[str, int] = {}
    for name in names:  # a value comes after what it is made from
        column[name] = 1 + max((column[p] for p in parents[name]), default=-1)
    rows = [[n for n in names if column[n] == c] for c in range(max(column.values()) + 1)]
    tallest = max(map(len, rows))
    place = {
        name: (MARGIN + c * ACROSS, MARGIN + 34 + int((i + (tallest - len(row)) / 2) * DOWN))
        for c, row in enumerate(rows)
        for i, name in enumerate(row)
    }

    cotangent = {names[-1]: 1.0}  # arriving at each value, summed over the paths
    arrived: dict[str, list[float]] = {names[-1]: [1.0]}
    edges, labels = [], []
    for name in reversed(names):
        node = tensors[name].grad_fn
        if node is None:
            continue
        values = tuple(tensors[p].data for p in parents[name])
        _, sent = vjp(node.operation, values, minidl.tensor(cotangent[name], dtype=minidl.float64))
        for parent, contribution in zip(parents[name], sent, strict=True):
            g = contribution.item()
            cotangent[parent] = cotangent.get(parent, 0.0) + g
            arrived.setdefault(parent, []).append(g)
            edges.append(_edge(place[parent], place[name]))
            labels.append(_label(place[parent], place[name], number(g)))

    boxes = []
    for name, (x, y) in place.items():
        title = f"{name} = {formulas[name]}" if name in formulas else name
        sums = " + ".join(map(number, sorted(arrived[name], reverse=True)))
        total = number(cotangent[name])
        lines = [("name", title), ("value", number(tensors[name].item()))]
        lines.append(("gradient", f"d{name} = {sums} = {total}" if len(arrived[name]) > 1 else f"d{name} = {total}"))
        boxes.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="9"/>')
        boxes += [_text(x + WIDTH // 2, y + 25 + 23 * i, *line) for i, line in enumerate(lines)]

    width = 2 * MARGIN + (len(rows) - 1) * ACROSS + WIDTH
    height = 2 * MARGIN + 34 + (tallest - 1) * DOWN + HEIGHT
    arrows = "".join(
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M1 1 L7 4 L1 7" style="stroke: {colour}"/></marker>'
        for kind, colour in (("forward", VALUE), ("backward", GRADIENT))
    )
    legend = [_text(MARGIN + 96, MARGIN + 8, "value", "forward: values →")]
    legend.append(_text(width - MARGIN - 150, MARGIN + 8, "gradient", "← backward: contributions, added"))
    paper = f'<rect class="paper" width="{width}" height="{height}" rx="12"/>'
    body = "\n".join([f"<defs>{arrows}</defs>", paper, *legend, *edges, *boxes, *labels])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{escape(names[-1])} = {escape(formulas[names[-1]])}, and its gradients</title>\n"
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def _ends(start: tuple[int, int], end: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where an edge leaves its box and reaches the next; slanting edges keep clear of level ones."""
    slant = 18 * ((end[1] > start[1]) - (end[1] < start[1]))
    middle = HEIGHT // 2
    return start[0] + WIDTH, start[1] + middle + slant, end[0], end[1] + middle - slant


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    """An arrow there and, below it, an arrow back."""
    x1, y1, x2, y2 = _ends(start, end)
    there = f'<path d="M{x1 + 3} {y1 - 5} L{x2 - 3} {y2 - 5}" style="stroke: {VALUE}" marker-end="url(#forward)"/>'
    back = f'<path d="M{x2 - 3} {y2 + 5} L{x1 + 3} {y1 + 5}" style="stroke: {GRADIENT}" marker-end="url(#backward)"/>'
    return there + "\n" + back


def _label(start: tuple[int, int], end: tuple[int, int], text: str) -> str:
    x1, y1, x2, y2 = _ends(start, end)
    steep = abs(y2 - y1) / (x2 - x1)
    return _text((x1 + x2) // 2 + int(12 * steep), (y1 + y2) // 2 + 24 + int(8 * steep), "gradient halo", text)


def _text(x: int, y: int, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def first_gradient() -> str:
    """z = x·y + tanh x at x = 0.5, y = 3."""
    y = minidl.tensor(3.0, dtype=minidl.float64, requires_grad=True)
    x = minidl.tensor(0.5, dtype=minidl.float64, requires_grad=True)
    a = x * y
    t = x.tanh()
    z = a + t
    return draw({"y": y, "x": x, "a": a, "t": t, "z": z}, {"a": "x · y", "t": "tanh x", "z": "a + t"})


if __name__ == "__main__":
    (HERE / "images" / "first-gradient.svg").write_text(first_gradient(), encoding="utf-8")
