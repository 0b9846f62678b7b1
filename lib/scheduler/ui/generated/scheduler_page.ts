/** Made by hack/build/browser_scripts.ts from lib/scheduler/ui/browser/scheduler_page.ts. */
export const SCHEDULER_PAGE_SCRIPT =
  "\"use strict\";\n\
(() => {\n\
  // lib/component/ui/browser/elements.ts\n\
  function element(tag, attributes = {}, ...children) {\n\
    let made = document.createElement(tag);\n\
    for (let [name, value] of Object.entries(attributes))\n\
      typeof value == \"function\" ? made.addEventListener(name.slice(2), value) : value !== void 0 && made.setAttribute(name, String(value));\n\
    return made.append(...children.map((c) => typeof c == \"number\" ? String(c) : c)), made;\n\
  }\n\
  function drawing(tag, attributes, ...children) {\n\
    let made = document.createElementNS(\"http://www.w3.org/2000/svg\", tag);\n\
    for (let [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));\n\
    return made.append(...children), made;\n\
  }\n\
  function section(title, note, ...children) {\n\
    return element(\"section\", {}, element(\"h2\", {}, title, \" \", element(\"small\", {}, note)), ...children);\n\
  }\n\
  function tile(name, value, look = \"\") {\n\
    return element(\"div\", { class: \"tile\" }, element(\"b\", { class: look }, value), element(\"span\", {}, name));\n\
  }\n\
  function table(headings, rows) {\n\
    let isNumber = headings.map((h) => h.startsWith(\"#\")), head = headings.map(\n\
      (h, i) => element(\"th\", isNumber[i] === !0 ? { class: \"number\" } : {}, h.replace(/^#/, \"\"))\n\
    ), body = rows.map(\n\
      (row) => element(\n\
        \"tr\",\n\
        {},\n\
        ...row.map((cell, i) => element(\"td\", { class: isNumber[i] === !0 ? \"number\" : \"wrap\" }, cell))\n\
      )\n\
    );\n\
    return element(\n\
      \"div\",\n\
      { class: \"scroll\", tabindex: 0 },\n\
      element(\"table\", {}, element(\"thead\", {}, element(\"tr\", {}, ...head)), element(\"tbody\", {}, ...body))\n\
    );\n\
  }\n\
  function link(text, onclick) {\n\
    return element(\"button\", { class: \"link\", type: \"button\", onclick }, text);\n\
  }\n\
\n\
  // lib/component/ui/browser/live.ts\n\
  async function fetchJson(path) {\n\
    let answer = await fetch(path, { headers: { accept: \"application/json\" } });\n\
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);\n\
    return await answer.json();\n\
  }\n\
  function live(path, everyMs, show) {\n\
    let state = document.getElementById(\"state\"), say = (text, look) => {\n\
      state !== null && (state.textContent = text, state.className = `state ${look}`);\n\
    }, wait = everyMs, ask = async () => {\n\
      try {\n\
        document.hidden || (show(await fetchJson(path)), say(`live, ${(/* @__PURE__ */ new Date()).toLocaleTimeString()}`, \"\")), wait = everyMs;\n\
      } catch (err) {\n\
        wait = Math.min(3e4, wait * 2), say(`no answer (${err instanceof Error ? err.message : String(err)}), asking again`, \"bad\");\n\
      }\n\
      setTimeout(() => {\n\
        ask();\n\
      }, wait);\n\
    };\n\
    document.addEventListener(\"visibilitychange\", () => {\n\
      document.hidden || (wait = everyMs);\n\
    }), ask();\n\
  }\n\
\n\
  // lib/component/ui/browser/plot.ts\n\
  var WIDTH = 640, HEIGHT = 170, LEFT = 52, BOTTOM = 20;\n\
  function plot(times, lines, unit) {\n\
    let highest = Math.max(...lines.flatMap((line) => line.values.map((v) => v ?? 0)), 0), top = roundUp(highest), [first = 0] = times, last = times.at(-1) ?? first + 1, x = (time) => LEFT + (WIDTH - LEFT - 8) * (time - first) / Math.max(1, last - first), y = (value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 12) * value / top, grid = [0, 0.5, 1].flatMap((part) => {\n\
      let at = y(top * part);\n\
      return [\n\
        drawing(\"line\", { x1: LEFT, x2: WIDTH - 8, y1: at, y2: at, stroke: \"var(--line)\" }),\n\
        drawing(\n\
          \"text\",\n\
          { x: LEFT - 8, y: at + 4, \"text-anchor\": \"end\", class: \"dim\" },\n\
          shortNumber(top * part)\n\
        )\n\
      ];\n\
    }), clock = (time) => new Date(time).toLocaleTimeString([], { hour: \"2-digit\", minute: \"2-digit\" }), ends = [\n\
      drawing(\"text\", { x: LEFT, y: HEIGHT - 4, class: \"dim\" }, times.length > 0 ? clock(first) : \"\"),\n\
      drawing(\n\
        \"text\",\n\
        { x: WIDTH - 8, y: HEIGHT - 4, \"text-anchor\": \"end\", class: \"dim\" },\n\
        times.length > 0 ? clock(last) : \"\"\n\
      )\n\
    ], paths = lines.flatMap((line) => {\n\
      let path = \"\", pen = \"M\", alone = [];\n\
      for (let [i, value] of line.values.entries()) {\n\
        if (value === null) {\n\
          pen = \"M\";\n\
          continue;\n\
        }\n\
        let [px, py] = [x(times[i] ?? 0).toFixed(1), y(value).toFixed(1)];\n\
        path += `${pen}${px} ${py}`, pen === \"M\" && (line.values[i + 1] ?? null) === null && alone.push(drawing(\"circle\", { cx: px, cy: py, r: 2, fill: line.colour })), pen = \"L\";\n\
      }\n\
      return [drawing(\"path\", { d: path, fill: \"none\", stroke: line.colour, \"stroke-width\": 1.6 }), ...alone];\n\
    }), picture = drawing(\n\
      \"svg\",\n\
      {\n\
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,\n\
        width: WIDTH,\n\
        role: \"img\",\n\
        \"aria-label\": lines.map((l) => l.name).join(\", \")\n\
      },\n\
      ...grid,\n\
      ...ends,\n\
      ...paths\n\
    ), legend = lines.map((line) => {\n\
      let mark = element(\"i\");\n\
      mark.style.background = line.colour;\n\
      let latest = line.values.findLast((v) => v !== null) ?? null;\n\
      return element(\n\
        \"span\",\n\
        {},\n\
        mark,\n\
        `${line.name}${latest === null ? \"\" : ` ${shortNumber(latest)} ${unit}`}`\n\
      );\n\
    });\n\
    return element(\"div\", {}, picture, element(\"div\", { class: \"legend\" }, ...legend));\n\
  }\n\
  function roundUp(value) {\n\
    if (value <= 0) return 1;\n\
    let power = 10 ** Math.floor(Math.log10(value));\n\
    return [1, 2, 5, 10].map((f) => f * power).find((limit) => limit >= value) ?? value;\n\
  }\n\
  function shortNumber(value) {\n\
    return value >= 1e4 ? `${Math.round(value / 1e3)}k` : String(value >= 100 ? Math.round(value) : Math.round(value * 100) / 100);\n\
  }\n\
\n\
  // lib/scheduler/ui/browser/scheduler_page.ts\n\
  var main = document.getElementById(\"main\") ?? document.body, tiles = element(\"div\", { class: \"tiles\" }), plots = element(\"div\", { class: \"columns\" }), detail = element(\"div\", { id: \"detail\", \"aria-live\": \"polite\" }), groups = element(\"div\", { id: \"groups\" }), pods = element(\"div\", { id: \"pods\" }), search = element(\"input\", {\n\
    type: \"search\",\n\
    placeholder: \"Part of namespace/name\",\n\
    \"aria-label\": \"Search pending pods\"\n\
  }), chosen = { place: \"\", reason: \"\" }, podsSection = section(\"Pending pods\", \"\", search, pods);\n\
  main.replaceChildren(tiles, detail, groups, podsSection, element(\"p\"), plots);\n\
  function showOverview(data) {\n\
    let { queue } = data, place = (name, count, look = \"\") => {\n\
      let made = tile(\"\", count, count > 0 ? look : \"\");\n\
      return made.lastElementChild?.replaceChildren(link(name, () => choose({ place: name, reason: \"\" }))), made;\n\
    };\n\
    tiles.replaceChildren(\n\
      place(\"active\", queue.active),\n\
      place(\"backoff\", queue.backoff, \"warn\"),\n\
      place(\"unschedulable\", queue.unschedulable, \"bad\"),\n\
      place(\"gated\", queue.gated),\n\
      place(\"in flight\", queue.inFlight),\n\
      tile(\"nodes\", data.nodes),\n\
      tile(\"pods on nodes\", data.pods),\n\
      tile(\"this scheduler\", data.scheduling ? \"active\" : \"standby\")\n\
    );\n\
    let times = data.history.map((s) => s.at), lines = data.history;\n\
    plots.replaceChildren(\n\
      section(\n\
        \"Throughput\",\n\
        \"pods a second, last ten minutes\",\n\
        plot(\n\
          times,\n\
          [\n\
            { name: \"scheduled\", colour: \"var(--good)\", values: lines.map((s) => s.scheduled) },\n\
            { name: \"failed attempts\", colour: \"var(--bad)\", values: lines.map((s) => s.failed) }\n\
          ],\n\
          \"/s\"\n\
        )\n\
      ),\n\
      section(\n\
        \"Decision\",\n\
        \"milliseconds to choose a node\",\n\
        plot(\n\
          times,\n\
          [\n\
            { name: \"median\", colour: \"var(--accent)\", values: lines.map((s) => s.decisionP50) },\n\
            { name: \"99th percentile\", colour: \"var(--warn)\", values: lines.map((s) => s.decisionP99) }\n\
          ],\n\
          \"ms\"\n\
        )\n\
      ),\n\
      section(\n\
        \"From first seen to bound\",\n\
        \"milliseconds\",\n\
        plot(\n\
          times,\n\
          [\n\
            { name: \"median\", colour: \"var(--accent)\", values: lines.map((s) => s.boundP50) },\n\
            { name: \"99th percentile\", colour: \"var(--warn)\", values: lines.map((s) => s.boundP99) }\n\
          ],\n\
          \"ms\"\n\
        )\n\
      )\n\
    );\n\
    let waiting = queue.backoff + queue.unschedulable + queue.gated + queue.active, list = data.groups.length === 0 ? element(\"p\", { class: \"dim\" }, \"No pod waits.\") : table(\n\
      [\"#Pods\", \"Reason\", \"For example\"],\n\
      data.groups.map((g) => [\n\
        g.count,\n\
        link(\n\
          g.message === \"\" ? \"no reason told yet\" : g.message,\n\
          () => choose({ place: \"\", reason: g.message })\n\
        ),\n\
        link(g.example, () => open(g.example))\n\
      ])\n\
    ), more = data.moreGroups > 0 ? `, ${data.moreGroups} more reasons` : \"\";\n\
    replaceKeepingScroll(groups, section(\"Why pods wait\", `${waiting} pods${more}`, list));\n\
  }\n\
  function choose(next) {\n\
    Object.assign(chosen, next), showPods(), podsSection.scrollIntoView({ behavior: \"smooth\" });\n\
  }\n\
  async function showPods() {\n\
    let query = new URLSearchParams({ ...chosen, search: search.value }), list;\n\
    try {\n\
      list = podListOf(await fetchJson(`/ui/pods?${query}`));\n\
    } catch {\n\
      return;\n\
    }\n\
    let filter = [chosen.place, chosen.reason].filter((f) => f !== \"\").join(\": \"), shown = list.pods.length < list.total ? `, the first ${list.pods.length} are shown` : \"\", clear = filter === \"\" ? \"\" : link(\"show all\", () => choose({ place: \"\", reason: \"\" })), note = element(\n\
      \"p\",\n\
      { class: \"dim\" },\n\
      `${list.total} pods${shown}${filter === \"\" ? \"\" : `, only ${filter} `}`,\n\
      clear\n\
    ), rows = list.pods.map((p) => [\n\
      link(p.pod, () => open(p.pod)),\n\
      p.message,\n\
      p.place,\n\
      p.priority,\n\
      p.attempts,\n\
      p.retryInSeconds === null ? \"\" : `${p.retryInSeconds} s`\n\
    ]);\n\
    replaceKeepingScroll(\n\
      pods,\n\
      note,\n\
      ...rows.length === 0 ? [] : [table([\"Pod\", \"Why\", \"Queue\", \"#Priority\", \"#Attempts\", \"#Next try\"], rows)]\n\
    );\n\
  }\n\
  function replaceKeepingScroll(target, ...children) {\n\
    let before = target.querySelector(\".scroll\")?.scrollTop ?? 0, hadFocus = target.contains(document.activeElement) ? document.activeElement?.textContent : void 0;\n\
    target.replaceChildren(...children);\n\
    let now = target.querySelector(\".scroll\");\n\
    now !== null && (now.scrollTop = before), hadFocus !== void 0 && [...target.querySelectorAll(\"button\")].find((b) => b.textContent === hadFocus)?.focus({ preventScroll: !0 });\n\
  }\n\
  function open(pod) {\n\
    location.hash = `pod=${encodeURIComponent(pod)}`;\n\
  }\n\
  async function showPod() {\n\
    let match = /^#pod=(.+)$/.exec(location.hash);\n\
    if (match?.[1] === void 0) {\n\
      detail.replaceChildren();\n\
      return;\n\
    }\n\
    let pod = decodeURIComponent(match[1]), path = pod.split(\"/\").map(encodeURIComponent).join(\"/\"), close = link(\"close\", () => location.hash = \"\");\n\
    try {\n\
      let explanation = explanationOf(await fetchJson(`/ui/pod/${path}`)), remedies = element(\"div\", { id: \"remedies\" }, \"Looking for what would help…\");\n\
      detail.replaceChildren(\n\
        section(\n\
          pod,\n\
          \"\",\n\
          close,\n\
          ...about(explanation),\n\
          ...explanation.queue === void 0 ? [] : [remedies],\n\
          ...nodesOf(explanation)\n\
        )\n\
      ), detail.scrollIntoView({ behavior: \"smooth\" }), explanation.queue !== void 0 && remedies.replaceChildren(...helps(remediesOf(await fetchJson(`/ui/remedies/${path}`))));\n\
    } catch (err) {\n\
      detail.replaceChildren(\n\
        section(\n\
          pod,\n\
          \"\",\n\
          close,\n\
          element(\"p\", { class: \"bad\" }, err instanceof Error ? err.message : String(err))\n\
        )\n\
      );\n\
    }\n\
  }\n\
  function about(e) {\n\
    let lines = [], line = (...parts) => {\n\
      lines.push(element(\"p\", {}, ...parts));\n\
    };\n\
    if (e.node !== void 0 && line(\"On node \", element(\"b\", {}, e.node), \".\"), e.nominatedNode !== void 0 && line(\"Waits for room on \", element(\"b\", {}, e.nominatedNode), \".\"), e.queue !== void 0) {\n\
      let retry = e.queue.retryInSeconds === void 0 ? \"\" : `, next try within ${e.queue.retryInSeconds} s`;\n\
      line(`Queue: ${e.queue.place}, attempts: ${e.queue.attempts}${retry}.`), e.queue.gatedBy !== void 0 && line(`Kept out by ${e.queue.gatedBy.plugin}: ${e.queue.gatedBy.reasons.join(\", \")}.`);\n\
    }\n\
    return e.lastDecision !== void 0 ? line(e.lastDecision.message) : line(\"This scheduler has no record of a decision.\"), lines;\n\
  }\n\
  function helps({ remedies }) {\n\
    return remedies.length === 0 ? [element(\"p\", { class: \"dim\" }, \"No small change was found after which it could be placed.\")] : [\n\
      element(\"h2\", {}, \"What would help \", element(\"small\", {}, \"each tried out on the cluster as it is now\")),\n\
      element(\n\
        \"ol\",\n\
        {},\n\
        ...remedies.map(\n\
          (r) => element(\n\
            \"li\",\n\
            {},\n\
            r.steps.join(\"; and \"),\n\
            \" \",\n\
            element(\n\
              \"span\",\n\
              { class: \"dim\" },\n\
              r.nodes === 1 ? `(then ${r.example})` : `(then ${r.nodes} nodes, ${r.example} for one)`\n\
            )\n\
          )\n\
        )\n\
      )\n\
    ];\n\
  }\n\
  function nodesOf({ lastDecision }) {\n\
    if (lastDecision === void 0) return [];\n\
    let made = [], { scores, refused, nodesConsidered } = lastDecision;\n\
    if (scores.length > 0) {\n\
      let plugins = [...new Set(scores.flatMap((s) => Object.keys(s.byPlugin)))];\n\
      made.push(\n\
        element(\"h2\", {}, \"Best nodes by score\"),\n\
        table(\n\
          [\"Node\", \"#Total\", ...plugins.map((p) => `#${p}`)],\n\
          scores.map((s) => [\n\
            s.node,\n\
            round(s.total),\n\
            ...plugins.map((p) => s.byPlugin[p] === void 0 ? \"\" : round(s.byPlugin[p]))\n\
          ])\n\
        )\n\
      );\n\
    }\n\
    let entries = Object.entries(refused);\n\
    if (entries.length > 0) {\n\
      let shown = entries.length < nodesConsidered ? `the first ${entries.length} of ${nodesConsidered} nodes` : `${entries.length} nodes`;\n\
      made.push(\n\
        element(\"h2\", {}, \"Nodes that refused it \", element(\"small\", {}, shown)),\n\
        table(\n\
          [\"Node\", \"Plugin\", \"Reason\"],\n\
          entries.map(([node, r]) => [node, r.plugin, r.reasons.join(\", \")])\n\
        )\n\
      );\n\
    }\n\
    return made;\n\
  }\n\
  function round(value) {\n\
    return String(Math.round(value * 10) / 10);\n\
  }\n\
  var overviewOf = (value) => value, podListOf = (value) => value, remediesOf = (value) => value, explanationOf = (value) => value;\n\
  search.addEventListener(\"input\", () => {\n\
    showPods();\n\
  });\n\
  window.addEventListener(\"hashchange\", () => {\n\
    showPod();\n\
  });\n\
  live(\"/ui/data\", 2e3, (data) => {\n\
    showOverview(overviewOf(data)), showPods();\n\
  });\n\
  showPod();\n\
})();\n\
";
