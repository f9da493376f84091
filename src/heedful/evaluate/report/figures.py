"""Pictures as SVG text: `themed` for a page that knows light and dark, `plain` for a file of its own.

They are drawn in stand-in colours, which either function exchanges; no text of others is read as markup or mathematics.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heedful.errors import Missing
from heedful.evaluate.diagnosis import Estimate, Flow

INK, MUTED, GRID, PAPER, SINK, RISE = "#010101", "#020202", "#030303", "#040404", "#060601", "#060602"
_NAMES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper", SINK: "sink", RISE: "rise"}
_LIGHT = {
    "ink": "#1c2326",
    "muted": "#5c686d",
    "grid": "#dfe4e6",
    "paper": "#ffffff",
    "sink": "#c4511d",
    "rise": "#0b7a75",
}
SERIES = ("#0b7a75", "#c4511d", "#5a4fa2", "#b0851a", "#2f6fb3", "#a83268", "#5d7a2c", "#6b6f73")
_MARKERS = "osD^vPX*"
_STAND_IN = re.compile(r"#0(?:[1-4]0[1-4]0[1-4]|50[0-9a-f]{3}|6060[12])\b")


def series(i: int) -> str:
    """The stand-in colour of the i-th system."""
    return f"#0501{i % len(SERIES):02x}"


def themed(svg: str) -> str:
    """Colours as custom properties (--ink, --s0, ...), sizes left to the page, for inlining in HTML."""

    def variable(match: re.Match[str]) -> str:
        name = _NAMES.get(match[0]) or f"s{int(match[0][-2:], 16)}"
        return f"var(--{name})"

    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="([0-9.]+)pt"', r'\1 style="width:\2pt"', svg, count=1)
    return _STAND_IN.sub(variable, svg)


def plain(svg: str) -> str:
    """Colours as they are in print."""
    return _STAND_IN.sub(
        lambda match: _LIGHT[_NAMES[match[0]]] if match[0] in _NAMES else SERIES[int(match[0][-2:], 16)], svg
    )


@dataclass(frozen=True, slots=True)
class Point:
    """One system in the relevance-versus-following plot. null: its ends, relative to its mean."""

    name: str
    relevance: Estimate
    net: Estimate
    null: tuple[float, float]


def tradeoff(points: Sequence[Point], measure: str) -> str:
    """Relevance (x) against net p-MRR (y), each with its interval, over the band in which the null lies."""
    figure, (axes,) = _figure(8.2, 4.1)
    axes.axhline(0, color=MUTED, linewidth=1)
    for i, point in enumerate(points):
        x, y, colour = 100 * point.relevance.value, point.net.value, series(i)
        axes.plot([x, x], point.null, color=colour, alpha=0.22, linewidth=11, solid_capstyle="butt", zorder=1)
        _cross(axes, x, y, point.relevance, point.net, colour)
        marker = _MARKERS[i % len(_MARKERS)]
        axes.plot(x, y, marker, color=colour, markersize=8, markeredgecolor=PAPER, label=_safe(point.name), zorder=4)
    axes.set_xlabel(f"relevance: {measure} ×100", parse_math=False)
    axes.set_ylabel("following: p-MRR above its null")
    axes.margins(x=0.08, y=0.12)
    _grid(axes, "both")
    _legend(figure, axes)
    return _svg(figure, "tradeoff")


def _cross(axes: Any, x: float, y: float, relevance: Estimate, net: Estimate, colour: str) -> None:
    if relevance.low is not None and relevance.high is not None:
        axes.plot([100 * relevance.low, 100 * relevance.high], [y, y], color=colour, linewidth=1.4, zorder=3)
    if net.low is not None and net.high is not None:
        axes.plot([x, x], [net.low, net.high], color=colour, linewidth=1.4, zorder=3)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of grouped values. values: system -> group -> estimate. factor: what values are multiplied by."""

    title: str
    values: Mapping[str, Mapping[str, Estimate]]
    factor: float = 1.0


def bars(panels: Sequence[Panel], systems: Sequence[str], name: str = "bars") -> str:
    """Grouped bars with intervals, a panel beside the other; a system keeps its colour over all panels."""
    panels = [panel for panel in panels if any(panel.values.values())]
    figure, row = _figure(4.1 * len(panels), 3.1, len(panels))
    for axes, panel in zip(row, panels, strict=True):
        groups = list(dict.fromkeys(group for values in panel.values.values() for group in values))
        width = 0.82 / max(1, len(systems))
        for i, system in enumerate(systems):
            for at, group in enumerate(groups):
                found = panel.values.get(system, {}).get(group)
                if found is None:
                    continue
                x = at + (i - (len(systems) - 1) / 2) * width
                label = _safe(system) if not at else None
                axes.bar(x, panel.factor * found.value, width * 0.9, color=series(i), alpha=0.85, label=label, zorder=2)
                if found.low is not None and found.high is not None:
                    ends = [panel.factor * found.low, panel.factor * found.high]
                    axes.plot([x, x], ends, color=INK, linewidth=1.1, zorder=3)
        axes.set_xticks(range(len(groups)), [_safe(group) for group in groups], parse_math=False)
        axes.tick_params(axis="x", length=0)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.set_title(_safe(panel.title), parse_math=False)
        _grid(axes, "y")
    _legend(figure, row[0])
    return _svg(figure, name)


@dataclass(frozen=True, slots=True)
class Dots:
    """One panel of wordings. values: system -> variant -> one value a wording."""

    title: str
    values: Mapping[str, Mapping[str, Sequence[float]]]
    factor: float = 1.0
    zero: bool = False


def dots(panels: Sequence[Dots], systems: Sequence[str], variants: Sequence[str], name: str = "variants") -> str:
    """Every wording a dot, their mean a bar; variants from left to right; systems side by side."""
    panels = [panel for panel in panels if any(panel.values.values())]
    figure, rows = _figure(8.2, 2.5 * len(panels), 1, len(panels))
    for axes, panel in zip(rows, panels, strict=True):
        width = 0.78 / max(1, len(systems))
        for i, system in enumerate(systems):
            colour, marker = series(i), _MARKERS[i % len(_MARKERS)]
            for at, variant in enumerate(variants):
                values = [panel.factor * value for value in panel.values.get(system, {}).get(variant, ())]
                if not values:
                    continue
                x = at + (i - (len(systems) - 1) / 2) * width
                mean = sum(values) / len(values)
                axes.plot([x - width * 0.38, x + width * 0.38], [mean, mean], color=colour, linewidth=2, zorder=2)
                label = _safe(system) if not at else None
                axes.plot([x] * len(values), values, marker, color=colour, markersize=4, alpha=0.75, label=label)
        for at in range(1, len(variants)):
            axes.axvline(at - 0.5, color=GRID, linewidth=0.8)
        if panel.zero:
            axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-0.5, len(variants) - 0.5)
        axes.set_xticks(range(len(variants)), [_safe(variant) for variant in variants], parse_math=False)
        axes.tick_params(axis="x", length=0)
        axes.set_title(_safe(panel.title), parse_math=False)
        _grid(axes, "y")
    _legend(figure, rows[0])
    return _svg(figure, name)


def flows(rows: Mapping[str, Flow], name: str = "flow") -> str:
    """One topic in every system: ranks before (left) and after (right) on a logarithmic scale, as p-MRR weighs them."""
    figure, panels = _figure(2.35 * len(rows) + 0.6, 3.5, len(rows), share=True)
    deepest = max((max(row[1], row[2]) for flow in rows.values() for row in flow.rows), default=1)
    for axes, (system, flow) in zip(panels, rows.items(), strict=True):
        for _, before, after, asked in sorted(flow.rows, key=lambda row: bool(row[3])):
            colour = {"sink": SINK, "rise": RISE}.get(asked, MUTED)
            axes.plot(
                [0, 1],
                [before, after],
                color=colour,
                linewidth=1.7 if asked else 0.8,
                alpha=0.95 if asked else 0.3,
                linestyle="--" if asked == "rise" else "-",
                marker="o" if asked else None,
                markersize=3,
            )
        axes.set_yscale("log")
        axes.set_ylim(deepest * 1.15, 0.87)
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if tick <= deepest]
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.set_xlim(-0.08, 1.08)
        axes.set_xticks([0, 1], ["before", "after"])
        axes.tick_params(axis="both", length=0)
        axes.set_title(_safe(system, 30), parse_math=False, fontsize=9)
        _grid(axes, "y")
    panels[0].set_ylabel("rank")
    return _svg(figure, name)


def _figure(width: float, height: float, columns: int = 1, rows: int = 1, share: bool = False) -> tuple[Any, list[Any]]:
    """A figure and its axes, row by row."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Missing("pictures need matplotlib; pip install 'heedful[report]'") from error
    matplotlib.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    engine: Any = figure.get_layout_engine()
    engine.set(hspace=0.08, wspace=0.06)
    found = figure.subplots(rows, columns, squeeze=False, sharey=share)
    flat = [axes for line in found for axes in line]
    for axes in flat:
        axes.set_facecolor("none")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(MUTED)
        axes.tick_params(colors=INK, labelsize=9)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        axes.title.set_color(INK)
        axes.title.set_fontsize(10)
    return figure, flat


def _grid(axes: Any, which: str) -> None:
    axes.grid(True, axis=which, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _legend(figure: Any, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    legend = figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(4, len(labels)),
        frameon=False,
        labelcolor=INK,
        fontsize=9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _safe(text: str, most: int = 48) -> str:
    """One line that a picture can show: no control characters, no mathematics, not too long."""
    text = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    text = text.lstrip("_") or text  # matplotlib hides labels that start with an underscore
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(figure: Any, name: str) -> str:
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = out.getvalue()
    return re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)


def require_pictures() -> None:
    """Raises Missing, before anything long is done, where the extra `report` is not installed."""
    from importlib.util import find_spec

    for package in ("matplotlib", "jinja2"):
        if find_spec(package) is None:
            raise Missing(f"the report needs {package}; pip install 'heedful[report]'")
