/** Made by hack/build/browser_scripts.ts from lib/kubelet/ui/browser/kubelet_page.ts. */
export const KUBELET_PAGE_SCRIPT =
  "\"use strict\";\n\
(() => {\n\
  // lib/component/ui/browser/draw.ts\n\
  var drawn = /* @__PURE__ */ new WeakMap();\n\
  function draw(target, data, children) {\n\
    let text = JSON.stringify(data);\n\
    if (drawn.get(target) === text) return;\n\
    drawn.set(target, text);\n\
    let scrolled = [...target.querySelectorAll(\".scroll\")].map((part) => part.scrollTop), closed = new Set(\n\
      [...target.querySelectorAll(\"details:not([open]) > summary\")].map((summary) => summary.textContent)\n\
    ), focused = target.contains(document.activeElement) ? document.activeElement?.textContent : void 0;\n\
    target.replaceChildren(...children());\n\
    for (let [i, part] of [...target.querySelectorAll(\".scroll\")].entries())\n\
      part.scrollTop = scrolled[i] ?? 0;\n\
    for (let part of target.querySelectorAll(\"details\"))\n\
      closed.has(part.firstElementChild?.textContent ?? \"\") && (part.open = !1);\n\
    focused !== void 0 && [...target.querySelectorAll(\"button\")].find((b) => b.textContent === focused)?.focus({ preventScroll: !0 });\n\
  }\n\
  function age(ms) {\n\
    let seconds = Math.max(0, Math.round(ms / 1e3));\n\
    return seconds < 120 ? `${seconds} s ago` : seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;\n\
  }\n\
  function problem(err) {\n\
    let told = document.createElement(\"p\");\n\
    return told.className = \"bad\", told.textContent = err instanceof Error ? err.message : String(err), told;\n\
  }\n\
\n\
  // lib/component/ui/browser/elements.ts\n\
  function element(tag, attributes = {}, ...children) {\n\
    let made = document.createElement(tag);\n\
    for (let [name, value] of Object.entries(attributes))\n\
      typeof value == \"function\" ? made.addEventListener(name.slice(2), value) : value !== void 0 && made.setAttribute(name, String(value));\n\
    return made.append(...children.map((c) => typeof c == \"number\" ? String(c) : c)), made;\n\
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
  // lib/kubelet/ui/browser/kubelet_page.ts\n\
  var KINDS = {\n\
    pods: (row) => row.state !== \"Gone\",\n\
    waiting: (row) => row.waitsFor !== \"\",\n\
    running: (row) => row.state === \"Running\",\n\
    pending: (row) => row.state === \"Pending\",\n\
    terminating: (row) => row.state === \"Terminating\",\n\
    ended: (row) => row.state === \"Succeeded\" || row.state === \"Failed\",\n\
    restarted: (row) => row.restarts > 0,\n\
    gone: (row) => row.state === \"Gone\"\n\
  }, LOOKS = { waiting: \"warn\" }, main = document.getElementById(\"main\") ?? document.body, problems = element(\"div\", { id: \"problems\", \"aria-live\": \"polite\" }), tiles = element(\"div\", { class: \"tiles\" }), detail = element(\"div\", { id: \"detail\", \"aria-live\": \"polite\" }), pods = element(\"div\", { id: \"pods\", class: \"long\" }), search = element(\"input\", {\n\
    type: \"search\",\n\
    placeholder: \"Part of a name, a state or a reason\",\n\
    \"aria-label\": \"Search pods\"\n\
  }), podsSection = section(\"Pods\", \"those that wait first\", search, pods);\n\
  main.replaceChildren(problems, tiles, detail, podsSection);\n\
  var shown, kind = \"pods\";\n\
  function showOverview(data) {\n\
    shown = data, draw(\n\
      problems,\n\
      data.problems,\n\
      () => data.problems.length === 0 ? [] : [section(\"The node\", \"\", ...data.problems.map((text) => element(\"p\", { class: \"bad\" }, text)))]\n\
    );\n\
    let counts = Object.entries(KINDS).map(\n\
      ([name, belongs]) => [name, data.pods.filter(belongs).length]\n\
    );\n\
    draw(tiles, [counts, data.node, data.maxPods, data.problems.length], () => [\n\
      ...counts.map(([name, count]) => {\n\
        let made = tile(\"\", count, count > 0 ? LOOKS[name] ?? \"\" : \"\");\n\
        return made.lastElementChild?.replaceChildren(link(name, () => choose(name))), made;\n\
      }),\n\
      tile(data.maxPods === \"\" ? \"node\" : `node, takes ${data.maxPods} pods`, data.node, \"word\"),\n\
      tile(\n\
        \"node condition\",\n\
        data.problems.length === 0 ? \"good\" : \"not good\",\n\
        data.problems.length === 0 ? \"word good\" : \"word bad\"\n\
      )\n\
    ]), showPods();\n\
  }\n\
  function choose(name) {\n\
    kind = name, showPods(), podsSection.scrollIntoView({ behavior: \"smooth\" });\n\
  }\n\
  function showPods() {\n\
    if (shown === void 0) return;\n\
    let { now } = shown, wanted = search.value.trim().toLowerCase().split(/\\s+/), rows = shown.pods.filter((row) => {\n\
      let text = `${row.pod} ${row.state} ${row.waitsFor}`.toLowerCase();\n\
      return (KINDS[kind]?.(row) ?? !0) && wanted.every((part) => text.includes(part));\n\
    });\n\
    draw(pods, [rows, kind, Math.floor(now / 1e4)], () => [\n\
      element(\n\
        \"p\",\n\
        { class: \"dim\" },\n\
        `${rows.length} ${rows.length === 1 ? \"pod\" : \"pods\"}${kind === \"pods\" ? \"\" : `: ${kind}`}`\n\
      ),\n\
      ...rows.length === 0 ? [] : [\n\
        table(\n\
          [\"Pod\", \"What goes on\"],\n\
          rows.map((row) => podCells(row, now))\n\
        )\n\
      ]\n\
    ]);\n\
  }\n\
  function podCells(row, now) {\n\
    return [\n\
      element(\n\
        \"div\",\n\
        {},\n\
        link(row.pod, () => {\n\
          location.hash = `pod=${encodeURIComponent(row.pod)}`;\n\
        }),\n\
        element(\"div\", { class: \"dim\" }, stateOf(row))\n\
      ),\n\
      element(\n\
        \"div\",\n\
        {},\n\
        element(\"div\", { class: lookOf(row) }, row.waitsFor),\n\
        element(\n\
          \"div\",\n\
          { class: \"dim\" },\n\
          row.lastAt === 0 ? \"\" : `${brief(row.last, 140)}, ${age(now - row.lastAt)}`\n\
        )\n\
      )\n\
    ];\n\
  }\n\
  function stateOf({ state, readyContainers, containers, restarts }) {\n\
    if (state === \"Gone\") return state;\n\
    let again = restarts === 0 ? \"\" : `, ${restarts} restart${restarts === 1 ? \"\" : \"s\"}`;\n\
    return `${state}, ${readyContainers}/${containers} ready${again}`;\n\
  }\n\
  function lookOf({ waitsFor }) {\n\
    return /BackOff|Err[A-Z]|Error|Failed|Invalid/.test(waitsFor) ? \"bad\" : \"warn\";\n\
  }\n\
  function brief(text, length) {\n\
    return text.length > length ? `${text.slice(0, length)}…` : text;\n\
  }\n\
  var asked = \"\";\n\
  async function showDetail() {\n\
    let pod = decodeURIComponent(/^#pod=(.+)$/.exec(location.hash)?.[1] ?? \"\"), isNew = pod !== asked;\n\
    if (asked = pod, pod === \"\") {\n\
      draw(detail, \"\", () => []);\n\
      return;\n\
    }\n\
    let close = link(\"close\", () => {\n\
      location.hash = \"\";\n\
    });\n\
    try {\n\
      let told = podOf(await fetchJson(`/ui/pod/${pod.split(\"/\").map(encodeURIComponent).join(\"/\")}`));\n\
      asked === pod && draw(detail, told, () => [section(pod, stateOf(told.row), close, ...about(told))]);\n\
    } catch (err) {\n\
      asked === pod && draw(detail, String(err), () => [section(pod, \"\", close, problem(err))]);\n\
    }\n\
    isNew && detail.scrollIntoView({ behavior: \"smooth\" });\n\
  }\n\
  function about(pod) {\n\
    let facts = [\n\
      `uid ${pod.uid}`,\n\
      ...pod.ip === \"\" ? [] : [`address ${pod.ip}`],\n\
      ...pod.qosClass === \"\" ? [] : [pod.qosClass]\n\
    ], waits = pod.row.waitsFor === \"\" ? element(\"p\", {}, \"It waits for nothing.\") : element(\n\
      \"p\",\n\
      {},\n\
      \"It waits for: \",\n\
      element(\"b\", { class: lookOf(pod.row), id: \"waits\" }, pod.row.waitsFor)\n\
    ), parts = [element(\"p\", { class: \"dim\" }, facts.join(\", \")), waits];\n\
    return pod.message !== \"\" && parts.push(element(\"p\", { class: \"bad\" }, pod.message)), parts.push(\n\
      element(\"h2\", {}, \"Timeline \", element(\"small\", {}, \"what the kubelet did and why, the newest first\")),\n\
      pod.entries.length === 0 ? element(\"p\", { class: \"dim\" }, \"Nothing is recorded.\") : table([\"Time\", \"What\", \"Why\"], pod.entries.toReversed().map(entryCells))\n\
    ), pod.containers.length > 0 && parts.push(\n\
      element(\"h2\", {}, \"Containers\"),\n\
      table(\n\
        [\"Container\", \"State\", \"Before\"],\n\
        pod.containers.map((c) => [\n\
          element(\n\
            \"div\",\n\
            {},\n\
            c.name,\n\
            element(\n\
              \"div\",\n\
              { class: \"dim\" },\n\
              [c.kind, c.ready ? \"ready\" : \"not ready\", c.restarts === 0 ? \"\" : `${c.restarts} restarts`].filter((text) => text !== \"\").join(\", \")\n\
            )\n\
          ),\n\
          c.state,\n\
          c.last\n\
        ])\n\
      )\n\
    ), pod.conditions.length > 0 && parts.push(\n\
      element(\"h2\", {}, \"Conditions\"),\n\
      table(\n\
        [\"Condition\", \"Since\", \"Why\"],\n\
        pod.conditions.map((c) => [\n\
          element(\"div\", {}, c.type, \" \", element(\"b\", {}, c.status)),\n\
          timeOf(c.since),\n\
          c.why\n\
        ])\n\
      )\n\
    ), parts;\n\
  }\n\
  function entryCells(entry) {\n\
    let { at, what, why, container, durationMs, error, times, lastAt } = entry, notes = [\n\
      container ?? \"\",\n\
      durationMs === void 0 ? \"\" : `${durationMs} ms`,\n\
      times === void 0 ? \"\" : `${times} times, last ${timeOf(lastAt ?? at)}`\n\
    ].filter((text) => text !== \"\");\n\
    return [\n\
      timeOf(at),\n\
      element(\"div\", {}, what, element(\"div\", { class: \"dim\" }, notes.join(\", \"))),\n\
      error === void 0 ? why ?? \"\" : element(\"span\", { class: \"bad\" }, why === void 0 ? error : `${why}: ${error}`)\n\
    ];\n\
  }\n\
  function timeOf(at) {\n\
    return at === \"\" ? \"\" : new Date(at).toLocaleTimeString([], { hour12: !1 });\n\
  }\n\
  var overviewOf = (value) => value, podOf = (value) => value;\n\
  search.addEventListener(\"input\", showPods);\n\
  window.addEventListener(\"hashchange\", () => {\n\
    showDetail();\n\
  });\n\
  live(\"/ui/data\", 2e3, (data) => {\n\
    showOverview(overviewOf(data)), showDetail();\n\
  });\n\
})();\n\
";
