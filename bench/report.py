#!/usr/bin/env python3
"""Makes bench/RESULTS.md and bench/share.svg of the records in bench/records, newest first.

A record is a JSON file. `kind` says what it holds: "compare" (bench/compare.sh), "split" (bench/split -o json), or "text", a section written by
hand. Usage: report.py [--check]; with --check nothing is written, and the exit status is 1 where a file is not what the records give.
"""
import json
import pathlib
import statistics
import sys
from xml.sax.saxutils import escape

BENCH = pathlib.Path(__file__).resolve().parent

HEAD = """# Results

What was measured, where, and how to measure it again. Rates are tokens a second; a ratio compares two programs on the same
device and driver that ran in turn, by the medians of the readings. Machines' loads differ from one day to the next, so that
only the ratios carry over. Written by `bench/report.py` from `bench/records`; of a change to this page nothing remains.
"""


def figure(value):
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 0.1 else f"{value:.3f}"


def readings(values):
    return ", ".join(figure(value) for value in values)


def ratio(ours, theirs):
    return f"{statistics.median(ours) / statistics.median(theirs):.1f}"


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def compare_section(record):
    rows = []
    for row in record["rows"]:
        share = row.get("limit_share", 0)
        rows.append([row["model"], row["test"], readings(row["motley"]), readings(row["plain"]),
                     ratio(row["motley"], row["plain"]), readings(row["best"]), ratio(row["motley"], row["best"]),
                     f"{100 * share:.0f} %" if share > 0 else ""])
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    commands = "\n".join(f"- {name}: `{command}`" for name, command in record["commands"].items())
    return f"""{record["device"]}, {record["driver"]}; {record["cores"]} cores. {versions}.

{commands}
- llama.cpp at its best: the same with `GGML_VK_DISABLE_COOPMAT=1 GGML_VK_DISABLE_F16=1`

""" + table(["model", "test", "Motley", "llama.cpp as it comes", "ratio", "at its best", "ratio", "of the limit"], rows)


def split_section(record):
    def both(cut, what):
        predicted, measured = cut[f"predicted_{what}_tokens_per_second"], cut[f"{what}_tokens_per_second"]
        return [figure(predicted), figure(measured), f"{100 * (predicted / measured - 1):+.1f} %"]

    rows = [[cut["layers"], str(cut["chunk_tokens"])] + both(cut, "decode") + both(cut, "prefill") for cut in record["cuts"]]
    columns = ["layers", "chunk", "decode predicted", "measured", "error", "prompt predicted", "measured", "error"]
    devices = "\n".join(f"- {device}" for device in record["devices"])
    summary = "\n".join(f"- {line}" for line in record["summary"])
    return f"{record['model']}, `{record['command']}`.\n\n{devices}\n\n{table(columns, rows)}\n\n{summary}"


def text_section(record):
    return "\n".join(record["text"])


SECTIONS = {"compare": compare_section, "split": split_section, "text": text_section}


def section(record):
    body = SECTIONS[record["kind"]](record)
    notes = "\n\n" + record["note"] if record.get("note") else ""
    return f"## {record['date']}: {record['title']}\n\n{body}{notes}\n"


def share_plot(records):
    """The share of the memory limit that decoding reaches, a bar a model, the newest comparison of each driver."""
    newest = {}
    for record in records:
        if record["kind"] == "compare":
            newest.setdefault((record["device"], record["driver"]), record)
    bars = []
    for (device, driver), record in newest.items():
        for row in record["rows"]:
            if row["test"] == "decode" and row.get("limit_share", 0) > 0:
                bars.append((f"{row['model']}, {driver}", row["limit_share"]))
    height = 40 + 24 * len(bars)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="10" y="20">Decoding: weights and cache read a second, as a share of the measured bandwidth</text>']
    for i, (label, share) in enumerate(bars):
        y = 34 + 24 * i
        parts.append(f'<rect x="400" y="{y}" width="300" height="16" fill="#eee"/>')
        parts.append(f'<rect x="400" y="{y}" width="{300 * min(share, 1):.1f}" height="16" fill="#3a6ea5"/>')
        parts.append(f'<text x="392" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<text x="706" y="{y + 12}">{100 * share:.0f} %</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def main():
    paths = sorted((BENCH / "records").glob("*.json"), reverse=True)
    records = sorted((json.loads(path.read_text()) for path in paths), key=lambda record: record["date"], reverse=True)
    files = {"RESULTS.md": "\n".join([HEAD] + [section(record) for record in records]), "share.svg": share_plot(records)}
    stale = [name for name, text in files.items()
             if not (BENCH / name).exists() or (BENCH / name).read_text() != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"bench/{name} is not what bench/records gives: run bench/report.py", file=sys.stderr)
        return 1 if stale else 0
    for name, text in files.items():
        (BENCH / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
