"""The look of the report's page, as CSS."""

STYLE = """
:root { --ink: #1a1a1a; --soft: #5f6368; --line: #d9dce0; --pale: #f6f7f8; --mark: #b45309; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { margin: 0 0 4px; font-size: 30px; line-height: 1.2; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 0 0 12px; font-size: 19px; font-weight: 650; }
section { margin-top: 44px; }
.simulation { margin: 0 0 10px; color: var(--mark); font-size: 12px; font-weight: 650;
  letter-spacing: 0.08em; text-transform: uppercase; }
.subtitle { margin: 0; color: var(--soft); }
.conclusion { margin: 18px 0 22px; font-size: 17px; max-width: 62em; }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); margin: 0;
  border-top: 2px solid var(--ink); border-bottom: 1px solid var(--line); }
.key div { padding: 12px 16px 12px 0; }
.key dt { color: var(--soft); font-size: 13px; }
.key dd { margin: 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; font-size: 13px; vertical-align: bottom;
  border-bottom: 1px solid var(--ink); }
th, td { padding: 6px 10px; }
.facts td:last-child { overflow-wrap: anywhere; }
.more { color: var(--soft); font-size: 13px; }
th:first-child, td:first-child { padding-left: 0; }
td { border-bottom: 1px solid var(--line); vertical-align: top; }
td.r, th.r { text-align: right; }
td.r { white-space: nowrap; }
td.l, th.l { text-align: left; }
tr.total td { font-weight: 650; border-top: 1px solid var(--ink); border-bottom: 0; }
.note, figcaption { margin: 8px 0 0; color: var(--soft); font-size: 13px; max-width: 75em; }
figure { margin: 24px 0 0; }
.plot { width: 100%; }
.warnings { margin-top: 28px; padding: 14px 18px; background: #fdf6ec; border-left: 4px solid var(--mark); }
.warnings h2 { font-size: 15px; margin: 0 0 4px; }
.warnings ul { margin: 0; padding-left: 18px; }
footer { margin-top: 48px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; }
@media print { main { max-width: none; padding: 0; } section, figure, tr { break-inside: avoid; } }
"""
