"""The main workloads of a run as one picture for the README: requests a second, longest bar first."""

from html import escape

SHOWN = ["hello", "flask", "django", "sleep", "sleep-2000", "database", "asgi-hello",
         "asgi-fastapi"]
MOST_BARS = 7
WIDTH, NAME, BAR, LINE, HEAD, GAP = 720, 150, 440, 18, 28, 14

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 }
.head { font-weight: 600 }
.ours { fill: #b7410e }
.other { fill: #9aa5b1 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .other { fill: #5c6670 } }
"""


def svg(medians, workloads):
    """`medians`: for each workload the figures of each server."""
    parts, y = [], 0
    for workload in workloads:
        if workload.name in SHOWN:
            drawn, height = panel(workload, medians[workload.name], y)
            parts += drawn
            y += height + GAP
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        'aria-label="Requests a second of each server">',
        f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def panel(workload, figures, y):
    rates = {name: each.get("requests_per_second") for name, each in figures.items()}
    rows = sorted(((rate, name) for name, rate in rates.items() if rate), reverse=True)[:MOST_BARS]
    title = f"{workload.name}, {workload.connections} connections: {workload.about.replace('`', '')}"
    parts = [f'<text class="head" x="0" y="{y + 16}">{escape(title)}</text>']
    for number, (rate, name) in enumerate(rows):
        top = y + HEAD + number * LINE
        kind = "ours" if name.startswith("unicoro") else "other"
        length = max(1, round(BAR * rate / rows[0][0]))
        parts += [
            f'<text x="{NAME - 8}" y="{top + 11}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{NAME}" y="{top}" width="{length}" height="{LINE - 5}" rx="2"/>',
            f'<text x="{NAME + length + 6}" y="{top + 11}">{rate:,.0f}/s</text>',
        ]
    return parts, HEAD + len(rows) * LINE
