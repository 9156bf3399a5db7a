#pragma once

namespace callisto::bench {

inline constexpr const char* kPageStyle = R"(
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1c1d21; --faint: #6a6d76;
  --line: #dedfe3; --card: #ffffff; --shade: #f1eeea; --callisto: #2458d3; --sqlite: #d9822b;
  --lmdb: #1a9b76; --rocksdb: #a04fb5; --good: #15803d; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --ink: #e8e9ed; --faint: #9aa0ab;
  --line: #30343c; --card: #1c1f25; --shade: #23211f; --callisto: #6d9bff; --sqlite: #f0a458;
  --lmdb: #45c79f; --rocksdb: #cd86de; --good: #4ade80; --bad: #ff8a7a; } }
body { background: var(--paper); color: var(--ink); margin: 0;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 0 0 2px; }
p { margin: 0 0 14px; color: var(--faint); max-width: 78ch; }
section { margin-top: 44px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 20px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 16px; min-width: 118px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--faint); font-size: 13px; }
.legend { display: flex; gap: 18px; margin-bottom: 8px; font-size: 13px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 6px;
  margin-right: 6px; }
.figures { display: flex; flex-wrap: wrap; gap: 14px; align-items: flex-start; }
figure { margin: 0; flex: 1 1 540px; } figcaption { font-weight: 600; }
svg { background: var(--card); border: 1px solid var(--line); border-radius: 10px; width: 100%; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .tick { fill: var(--faint); font-size: 11px; } svg .id { font-weight: 600; }
svg .heading { font-weight: 600; font-size: 13px; } svg .value { font-size: 12px; }
.grid, .row { stroke: var(--line); stroke-width: 1; } .row { stroke-opacity: 0.6; }
.even { stroke: var(--ink); stroke-width: 1.5; } .slower { fill: var(--shade); }
.middle { fill: var(--ink); }
.tail { stroke-width: 1; } .curve { stroke-width: 2; }
.callisto { fill: var(--callisto); background: var(--callisto); stroke: var(--callisto); }
.sqlite { fill: var(--sqlite); background: var(--sqlite); stroke: var(--sqlite); }
.lmdb { fill: var(--lmdb); background: var(--lmdb); stroke: var(--lmdb); }
.rocksdb { fill: var(--rocksdb); background: var(--rocksdb); stroke: var(--rocksdb); }
rect.callisto, rect.sqlite, rect.lmdb, rect.rocksdb { stroke: none; }
circle { stroke: var(--card) !important; stroke-width: 1; }
table { border-collapse: collapse; font-size: 13.5px; background: var(--card); }
th, td { text-align: left; padding: 5px 10px; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--faint); font-weight: 600; } .n { text-align: right; }
td { font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
.mark { font-weight: 600; white-space: nowrap; } .mark.holds { color: var(--good); }
.mark.misses { color: var(--bad); } .mark.unknown { color: var(--faint); }
.facts td:first-child { color: var(--faint); } summary { cursor: pointer; margin: 14px 0; }
)";

}  // namespace callisto::bench
