/** How the pages of the daemons look: light and dark, wide and narrow, without anything from elsewhere. */
export const STYLES = `
:root { color-scheme: light dark; --bg: #fbfbfa; --panel: #ffffff; --line: #dcdcd8; --text: #1d1d1b; --dim: #6b6b66;
  --accent: #1f5fbf; --good: #2d7d46; --warn: #b26a00; --bad: #b3261e; --track: #ececea; --before: #7d95b8; --after: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --bg: #161618; --panel: #1e1e21; --line: #35353a; --text: #e9e9e6; --dim: #9a9a95;
  --accent: #7fb0ff; --good: #7fce97; --warn: #f0b45a; --bad: #ff8a80; --track: #2b2b30; --before: #4c638a; --after: #7fb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; padding: 12px 20px; border-bottom: 1px solid var(--line);
  background: var(--panel); }
header h1 { font-size: 17px; margin: 0; }
header .state { color: var(--dim); margin-left: auto; }
main { padding: 16px 20px 40px; max-width: 1500px; margin: 0 auto; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; margin: 0 0 16px; min-width: 0; }
h2 { font-size: 14px; margin: 0 0 8px; }
h2 small, .dim { color: var(--dim); font-weight: normal; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(110px, 1fr)); gap: 12px; margin: 0 0 16px; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; overflow-wrap: anywhere; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; line-height: 1.2; }
.tile b.word { font-size: 17px; line-height: 26px; }
.tile span { color: var(--dim); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
.columns > section { margin: 0; }
.scroll { overflow: auto; max-height: 460px; }
.long > .scroll { max-height: none; }
.scroll + h2 { margin-top: 16px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 4px 10px 4px 0; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 600; position: sticky; top: 0; background: var(--panel); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.wrap { overflow-wrap: anywhere; min-width: 80px; }
tr:last-child td { border-bottom: 0; }
code, .mono { font-family: ui-monospace, monospace; font-size: 13px; }
a { color: var(--accent); }
button, input, select { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 5px 10px; }
input { width: 100%; max-width: 420px; }
form { display: flex; flex-wrap: wrap; gap: 8px; margin: 0 0 8px; }
form input { flex: 1 1 200px; min-width: 0; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, monospace; }
summary { cursor: pointer; color: var(--dim); padding: 6px 0; }
button.link { border: 0; padding: 0; background: none; color: var(--accent); cursor: pointer; text-align: left; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg text.dim { fill: var(--dim); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; color: var(--dim); margin: 6px 0 0; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
@media (max-width: 600px) { main { padding: 12px 10px 30px; } header { padding: 10px; } section { padding: 10px; } }
`;
