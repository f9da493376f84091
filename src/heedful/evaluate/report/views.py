"""A diagnosis as tables and pictures, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Sequence

from heedful.evaluate.diagnosis import TOP, Delivery, Diagnosis, Estimate, SystemDiagnosis, VariantResult
from heedful.evaluate.following import PMRR
from heedful.evaluate.report.figures import Dots, Panel, Point, bars, dots, flows, tradeoff
from heedful.evaluate.report.tables import Cell, Column, Table


def finished(diagnosis: Diagnosis) -> list[SystemDiagnosis]:
    """The systems that ranked everything."""
    return [system for system in diagnosis.systems if system.results]


def headline(diagnosis: Diagnosis) -> str:
    """One sentence over all systems."""
    by_kind: dict[str, list[str]] = {}
    for system in diagnosis.systems:
        by_kind.setdefault(system.kind, []).append(system.name)
    parts = [f"{kind}: {', '.join(names)}" for kind, names in by_kind.items()]
    return "; ".join(parts)


def net_of(found: PMRR) -> Estimate:
    """Net p-MRR with its interval."""
    return Estimate(found.net, found.net_low, found.net_high)


def summary_table(diagnosis: Diagnosis) -> Table:
    """A row a system, under base."""
    rows: list[tuple[Cell, ...]] = []
    for system in diagnosis.systems:
        if not system.results:
            rows.append((system.name, None, None, None, None, None, system.kind))
            continue
        base = system.results["base"]
        rows.append(
            (
                system.name,
                base.relevance["all"],
                *_following(base.following),
                arrived(base.pairs or base.topics),
                system.kind,
            )
        )
    return Table(
        "summary",
        f"{diagnosis.benchmark}, split {diagnosis.split}: relevance and following",
        (
            Column("system"),
            Column(diagnosis.measure, "percent"),
            Column("p-MRR", "points"),
            Column("null", "points"),
            Column("net p-MRR", "points"),
            Column("delivered", "figure"),
            Column("verdict"),
        ),
        tuple(rows),
        f"{diagnosis.measure} x100 and p-MRR with 95 % intervals, bootstrapped over clusters of topics; the null with "
        "its 2.5 and 97.5 percentiles. Net is p-MRR minus the null's mean. Convention " + diagnosis.convention + ".",
    )


def _following(found: PMRR | None) -> tuple[Cell, Cell, Cell]:
    if found is None:
        return None, None, None
    null = Estimate(found.null.mean, found.null.low, found.null.high)
    return Estimate(found.value, found.low, found.high), null, net_of(found)


def arrived(delivery: Delivery | None) -> str | None:
    """`30 of 30`; None where unknown."""
    return f"{delivery.delivered} of {delivery.of}" if delivery else None


def variant_table(diagnosis: Diagnosis, system: SystemDiagnosis, every: bool = False) -> Table:
    """A row a variant in its first wording; a row a wording where every one is asked for."""
    paired = any(result.following for result in system.results.values())
    empty = any(result.from_empty for result in system.results.values())
    against = "no instruction" if empty else "base"

    def row(result: VariantResult) -> tuple[Cell, ...]:
        moved = result.from_empty if empty else result.from_base
        cells: list[Cell] = [result.label, result.relevance["all"].value]
        if paired:
            found = result.following
            cells += [found.value if found else None, net_of(found) if found else None]
        cells += [moved.rbo, moved.tau, moved.turnover] if moved else [None, None, None]
        if paired:
            cells.append(arrived(result.pairs))
        return (*cells, arrived(result.topics))

    columns = [Column("told"), Column(diagnosis.measure, "percent")]
    if paired:
        columns += [Column("p-MRR", "points"), Column("net p-MRR", "points")]
    columns += [Column("overlap", "share"), Column("tau", "share"), Column(f"new in top {TOP}", "percent")]
    columns += [Column("pairs delivered", "figure")] * paired + [Column("topics delivered", "figure")]
    return Table(
        f"variants-{system.name}",
        f"{system.name}: what each {'wording' if every else 'variant'} does",
        tuple(columns),
        tuple(row(result) for result in system.results.values() if every or not result.wording),
        f"Overlap (rank-biased, p = .9), Kendall's tau, share of new documents in the top {TOP}: against {against}. "
        "Delivered: pairs whose two instructions, and topics whose instruction and none, reached the model as "
        "different inputs; – where there is no record or nothing to compare.",
    )


def wordings_table(diagnosis: Diagnosis, systems: Sequence[SystemDiagnosis]) -> Table | None:
    """Mean and spread over the wordings of a variant; None where no variant has several."""
    rows: list[tuple[Cell, ...]] = [
        (
            system.name,
            spread.variant,
            spread.wordings,
            spread.relevance,
            spread.relevance_deviation,
            spread.net,
            spread.net_deviation,
            spread.rbo,
        )
        for system in systems
        for spread in system.spreads
    ]
    if not rows:
        return None
    return Table(
        "wordings",
        "The same said in other words",
        (
            Column("system"),
            Column("told"),
            Column("wordings", "count"),
            Column(diagnosis.measure, "percent"),
            Column("±", "percent"),
            Column("net p-MRR", "points"),
            Column("± net", "size"),
            Column("overlap", "share"),
        ),
        tuple(rows),
        "Mean and standard deviation over wordings; overlap of the other wordings' rankings with those of the first.",
    )


def group_table(diagnosis: Diagnosis, systems: Sequence[SystemDiagnosis]) -> Table | None:
    """Relevance and net p-MRR an aspect (or side); None where there is one group only."""
    if len(diagnosis.groups) < 2:
        return None
    columns = [Column("system"), *(Column(f"{diagnosis.measure} {g}", "percent") for g in diagnosis.groups)]
    asked = [g for g in diagnosis.groups if any(g in s.results["base"].following_by for s in systems)]
    asked = asked if len(asked) > 1 else []
    columns += [Column(f"net p-MRR {g}", "points") for g in asked]
    rows: list[tuple[Cell, ...]] = []
    for system in systems:
        base = system.results["base"]
        rows.append(
            (
                system.name,
                *(base.relevance.get(g) for g in diagnosis.groups),
                *(base.following_by.get(g) for g in asked),
            )
        )
    word = diagnosis.word if diagnosis.word == "aspect" else "side"
    return Table(
        "groups",
        f"Difficulty by {word}",
        tuple(columns),
        tuple(rows),
        f"Net p-MRR by the {word} that the changed instruction asks for. 95 % intervals over clusters of topics.",
    )


def split_table(diagnosis: Diagnosis) -> Table | None:
    """Base on every split; None where there is one."""
    if len(diagnosis.splits) < 2:
        return None
    rows: list[tuple[Cell, ...]] = []
    for split, systems in diagnosis.splits.items():
        for name, found in systems.items():
            pmrr = found["p-MRR"]
            cells: list[Cell] = [None, None, None, None]
            if pmrr:
                cells = [
                    Estimate(pmrr["value"], pmrr["low"], pmrr["high"]),
                    Estimate(pmrr["null"]["mean"], pmrr["null"]["low"], pmrr["null"]["high"]),
                    Estimate(pmrr["net"], pmrr["net_low"], pmrr["net_high"]),
                    pmrr["pairs"],
                ]
            rows.append((split, name, Estimate(**found["relevance"]["all"]), *cells))
    columns = ("p-MRR", "points"), ("null", "points"), ("net p-MRR", "points"), ("pairs that count", "count")
    return Table(
        "splits",
        "Every split",
        (
            Column("split"),
            Column("system"),
            Column(diagnosis.measure, "percent"),
            *(Column(name, kind) for name, kind in columns),  # type: ignore[arg-type]
        ),
        tuple(rows),
        "Pairs in which something changed. dev is where settings are chosen; test contains dev and is for comparison "
        "with published figures; clean shares no topic with dev."
        if "clean" in diagnosis.splits
        else "",
    )


def comparison_table(diagnosis: Diagnosis) -> Table | None:
    """Who beats whom; None for one system."""
    rows: list[tuple[Cell, ...]] = []
    for what, found in diagnosis.comparisons.items():
        factor = 100 if what == "relevance" else 1
        for row in found:
            low, high = row["low"], row["high"]
            bounds = (None, None) if low is None else (factor * low, factor * high)
            rows.append(
                (
                    diagnosis.measure if what == "relevance" else what,
                    f"{row['a']} − {row['b']}",
                    Estimate(factor * row["difference"], *bounds),
                    row["p_holm"],
                    None if row["detectable"] is None else factor * row["detectable"],
                    row["winner"] or "not shown",
                )
            )
    if not rows:
        return None
    return Table(
        "comparisons",
        "Who beats whom",
        (
            Column("of"),
            Column("pair"),
            Column("difference", "points"),
            Column("p (Holm)", "p"),
            Column("detectable", "size"),
            Column("better"),
        ),
        tuple(rows),
        "Paired randomisation test that flips whole clusters, Holm over all pairs; detectable: the smallest true "
        "difference that such a test shows four times of five.",
    )


def tables_of(diagnosis: Diagnosis) -> list[Table]:
    """Every table of the report."""
    systems = finished(diagnosis)
    found = [
        summary_table(diagnosis),
        split_table(diagnosis),
        comparison_table(diagnosis),
        *(variant_table(diagnosis, system) for system in systems),
        wordings_table(diagnosis, systems),
        group_table(diagnosis, systems),
    ]
    return [table for table in found if table]


def tradeoff_picture(diagnosis: Diagnosis) -> str | None:
    """Relevance against following; None where nothing is paired."""
    points = [
        Point(
            system.name,
            base.relevance["all"],
            net_of(found),
            (found.null.low - found.null.mean, found.null.high - found.null.mean),
        )
        for system in finished(diagnosis)
        if (found := (base := system.results["base"]).following)
    ]
    return tradeoff(points, diagnosis.measure) if points else None


def group_picture(diagnosis: Diagnosis) -> str | None:
    """Bars by aspect; None where there is one group only."""
    systems = finished(diagnosis)
    if len(diagnosis.groups) < 2 or not systems:
        return None
    relevance = {s.name: {g: s.results["base"].relevance[g] for g in diagnosis.groups} for s in systems}
    following = {s.name: s.results["base"].following_by for s in systems}
    panels = [Panel(f"relevance: {diagnosis.measure} ×100", relevance, 100)]
    if any(len(values) > 1 for values in following.values()):
        panels.append(Panel("net p-MRR, by what is asked for", following))
    return bars(panels, [system.name for system in systems])


def variant_picture(diagnosis: Diagnosis) -> str | None:
    """Every wording of every variant."""
    systems = finished(diagnosis)
    variants = list(dict.fromkeys(r.variant for s in systems for r in s.results.values()))
    if len(variants) < 2:
        return None
    relevance: dict[str, dict[str, list[float]]] = {}
    nets: dict[str, dict[str, list[float]]] = {}
    for system in systems:
        for result in system.results.values():
            relevance.setdefault(system.name, {}).setdefault(result.variant, []).append(result.relevance["all"].value)
            if result.following:
                nets.setdefault(system.name, {}).setdefault(result.variant, []).append(result.following.net)
    panels = [Dots(f"relevance: {diagnosis.measure} ×100", relevance, 100)]
    panels.append(Dots("following: net p-MRR", nets, zero=True))
    return dots(panels, [system.name for system in systems], variants)


def flow_pictures(diagnosis: Diagnosis) -> list[tuple[str, str, str]]:
    """(topic before, topic after, picture) for each topic chosen."""
    systems = [system for system in finished(diagnosis) if system.flows]
    if not systems:
        return []
    return [
        (chosen.og, chosen.changed, flows({s.name: s.flows[i] for s in systems}, f"flow{i}"))
        for i, chosen in enumerate(systems[0].flows)
    ]
