/** Made by hack/build/browser_scripts.ts from lib/proxy/ui/browser/proxy_page.ts. */
export const PROXY_PAGE_SCRIPT =
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
  // lib/proxy/ui/browser/proxy_page.ts\n\
  var main = document.getElementById(\"main\") ?? document.body, tiles = element(\"div\", { class: \"tiles\" }), packet = element(\"div\", { id: \"packet\", \"aria-live\": \"polite\" }), detail = element(\"div\", { id: \"detail\", \"aria-live\": \"polite\" }), services = element(\"div\", { id: \"services\" }), below = element(\"div\", { class: \"columns\" }), search = element(\"input\", {\n\
    type: \"search\",\n\
    placeholder: \"Name, address, port, protocol\",\n\
    \"aria-label\": \"Search Services\"\n\
  }), destination = field(\"Destination, as 10.96.0.1:80\", \"Destination\"), source = field(\"Source address, or none\", \"Source\"), protocol = element(\n\
    \"select\",\n\
    { \"aria-label\": \"Protocol\" },\n\
    ...[\"tcp\", \"udp\", \"sctp\"].map((name) => element(\"option\", { value: name }, name))\n\
  ), form = element(\"form\", {}, destination, protocol, source, element(\"button\", {}, \"Explain\"));\n\
  main.replaceChildren(\n\
    tiles,\n\
    section(\"A packet\", \"what becomes of it on this node\", form, packet),\n\
    detail,\n\
    section(\"Services\", \"\", search, services),\n\
    below\n\
  );\n\
  var nodeAddresses = /* @__PURE__ */ new Map();\n\
  function field(placeholder, label) {\n\
    return element(\"input\", { placeholder, \"aria-label\": label, autocomplete: \"off\", spellcheck: \"false\" });\n\
  }\n\
  function showOverview({ now, mode, node, totals, families, syncs }) {\n\
    nodeAddresses = new Map(families.map((f) => [f.family, f.nodeAddress]));\n\
    let [last] = syncs, ago = last === void 0 ? \"\" : age(now - last.at);\n\
    tiles.replaceChildren(\n\
      tile(\"Services\", totals.services),\n\
      tile(\"Service ports\", totals.ports),\n\
      tile(\"endpoints\", totals.endpoints),\n\
      tile(\"ports without endpoints\", totals.withoutEndpoints, totals.withoutEndpoints > 0 ? \"warn\" : \"\"),\n\
      tile(\"back end\", mode, \"word\"),\n\
      tile(\"node\", node, \"word\"),\n\
      tile(\n\
        \"last sync\",\n\
        last === void 0 ? \"none yet\" : last.failed ? `failed ${ago}` : ago,\n\
        last?.failed === !0 ? \"word bad\" : \"word\"\n\
      )\n\
    ), draw(below, [families, syncs], () => [\n\
      section(\n\
        \"Last syncs\",\n\
        \"how changes came into force\",\n\
        syncs.length === 0 ? element(\"p\", { class: \"dim\" }, \"Nothing has been brought into force yet.\") : table([\"Time\", \"Family\", \"#Took\", \"What\", \"#Rules sent\", \"Notes\"], syncs.map(syncRow))\n\
      ),\n\
      section(\n\
        \"Rules in force\",\n\
        \"by table\",\n\
        table(\n\
          [\"Family\", \"Table\", \"#Rules\"],\n\
          families.flatMap((f) => Object.entries(f.rules).map(([name, count]) => [f.family, name, count]))\n\
        )\n\
      )\n\
    ]);\n\
  }\n\
  function syncRow(sync) {\n\
    let look = sync.failed || sync.refused.length > 0 ? \"bad\" : sync.note === \"\" ? \"\" : \"warn\";\n\
    return [\n\
      new Date(sync.at).toLocaleTimeString([], { hour12: !1 }),\n\
      sync.family,\n\
      `${sync.milliseconds >= 100 ? Math.round(sync.milliseconds) : sync.milliseconds.toFixed(1)} ms`,\n\
      sync.failed ? \"failed\" : sync.full ? \"all rules\" : \"changes\",\n\
      sync.sent,\n\
      element(\"span\", { class: look }, sync.note)\n\
    ];\n\
  }\n\
  async function showServices() {\n\
    let asked2 = search.value, list;\n\
    try {\n\
      list = servicesOf(await fetchJson(`/ui/services?${new URLSearchParams({ search: asked2 })}`));\n\
    } catch {\n\
      return;\n\
    }\n\
    asked2 === search.value && draw(services, list, () => {\n\
      let shown = list.rows.length < list.found ? `, the first ${list.rows.length} are shown` : \"\", note = element(\"p\", { class: \"dim\" }, `${list.found} Service ports${shown}`);\n\
      return list.rows.length === 0 ? [note] : [note, table([\"Service\", \"Answers at\", \"#Endpoints\", \"Notes\"], list.rows.map(serviceRow))];\n\
    });\n\
  }\n\
  function serviceRow(row) {\n\
    let here = row.local > 0 ? `, ${row.local} here` : \"\";\n\
    return [\n\
      element(\n\
        \"div\",\n\
        {},\n\
        link(row.service, () => {\n\
          location.hash = `service=${encodeURIComponent(row.service)}`;\n\
        }),\n\
        element(\"div\", { class: \"dim\" }, `${row.port} ${row.protocol} ${row.family}`)\n\
      ),\n\
      element(\"div\", {}, ...row.places.map((place) => element(\"div\", {}, place))),\n\
      `${row.endpoints}${here}`,\n\
      element(\"span\", { class: row.endpoints === 0 ? \"bad\" : \"warn\" }, row.note)\n\
    ];\n\
  }\n\
  function asked() {\n\
    return new URLSearchParams(location.hash.slice(1));\n\
  }\n\
  async function showDetail() {\n\
    let service = asked().get(\"service\");\n\
    if (service === null) return draw(detail, null, () => []);\n\
    let path = service.split(\"/\").map(encodeURIComponent).join(\"/\"), close = link(\"close\", () => location.hash = \"\");\n\
    try {\n\
      let explanation = serviceOf(await fetchJson(`/ui/service/${path}`));\n\
      draw(detail, explanation, () => [\n\
        section(\n\
          service,\n\
          \"\",\n\
          close,\n\
          ...explanation.verdict === void 0 ? [] : [element(\"p\", {}, explanation.verdict)],\n\
          ...(explanation.ports ?? []).flatMap(portParts)\n\
        )\n\
      ]);\n\
    } catch (err) {\n\
      draw(detail, String(err), () => [section(service, \"\", close, problem(err))]);\n\
    }\n\
  }\n\
  var WORDS = {\n\
    cluster: \"all endpoints\",\n\
    local: \"endpoints of this node\",\n\
    reject: \"refused: no endpoint anywhere\",\n\
    drop: \"dropped: no endpoint on this node\"\n\
  };\n\
  function portParts(port) {\n\
    let places = (port.frontends ?? []).map((place) => [\n\
      placeText(place),\n\
      WORDS[(place.kind === \"cluster\" ? port.internal : port.external) ?? \"\"] ?? \"\",\n\
      explainLink(place, port)\n\
    ]), taken = port.contested.map(({ frontend, owner }) => [\n\
      placeText(frontend),\n\
      element(\"span\", { class: \"bad\" }, `belongs to ${owner}`),\n\
      \"\"\n\
    ]), used = port.endpoints.map((e) => [\n\
      e.endpoint,\n\
      e.onThisNode ? `${e.node} (this node)` : e.node,\n\
      e.state\n\
    ]), unused = port.leftOut.map((e) => [\n\
      e.endpoint,\n\
      e.node ?? \"\",\n\
      element(\"span\", { class: \"warn\" }, `left out: ${e.reason}`)\n\
    ]);\n\
    return [\n\
      element(\"h2\", {}, `${port.servicePort} `, element(\"small\", {}, `${port.protocol} ${port.family}`)),\n\
      ...port.affinitySeconds > 0 ? [element(\"p\", {}, `A client keeps its endpoint for ${port.affinitySeconds} s.`)] : [],\n\
      table([\"Place\", \"Packets go to\", \"\"], [...places, ...taken]),\n\
      used.length + unused.length === 0 ? element(\"p\", { class: \"dim\" }, \"No endpoints.\") : table([\"Endpoint\", \"Node\", \"State\"], [...used, ...unused]),\n\
      rules(\"Rules of\", port)\n\
    ];\n\
  }\n\
  function placeText(place) {\n\
    return place.ip === void 0 ? `node port ${place.port}` : `${hostPort(place.ip, place.port)} (${place.kind === \"loadBalancer\" ? \"load balancer\" : place.kind})`;\n\
  }\n\
  function hostPort(ip, port) {\n\
    return `${ip.includes(\":\") ? `[${ip}]` : ip}:${port}`;\n\
  }\n\
  function explainLink(place, port) {\n\
    let ip = place.ip ?? nodeAddresses.get(port.family) ?? \"\";\n\
    return ip === \"\" ? \"\" : link(\"a packet\", () => {\n\
      let wanted = asked();\n\
      wanted.set(\"destination\", hostPort(ip, place.port)), wanted.set(\"protocol\", port.protocol.toLowerCase()), wanted.set(\"source\", source.value), location.hash = wanted.toString(), form.scrollIntoView({ behavior: \"smooth\" });\n\
    });\n\
  }\n\
  function rules(what, port) {\n\
    let { dispatch, chains } = port.rules, lines = [\n\
      ...dispatch,\n\
      ...Object.entries(chains).flatMap(([chain, body]) => [\n\
        \"\",\n\
        `${chain}:`,\n\
        ...body.map((rule) => `  ${rule}`)\n\
      ])\n\
    ], summary = `${what} ${port.servicePort} ${port.protocol} ${port.family}`;\n\
    return element(\n\
      \"details\",\n\
      { open: \"\" },\n\
      element(\"summary\", {}, summary),\n\
      element(\"div\", { class: \"scroll\", tabindex: 0 }, element(\"pre\", {}, lines.join(`\n\
`)))\n\
    );\n\
  }\n\
  async function showPacket() {\n\
    let wanted = asked(), where = wanted.get(\"destination\");\n\
    if (where === null) return draw(packet, null, () => []);\n\
    let query = new URLSearchParams({\n\
      destination: where,\n\
      protocol: wanted.get(\"protocol\") ?? \"tcp\",\n\
      source: wanted.get(\"source\") ?? \"\"\n\
    });\n\
    try {\n\
      let answer = packetOf(await fetchJson(`/ui/packet?${query}`));\n\
      draw(\n\
        packet,\n\
        answer,\n\
        () => \"problem\" in answer ? [element(\"p\", { class: \"bad\" }, answer.problem)] : packetParts(answer.explanation)\n\
      );\n\
    } catch (err) {\n\
      draw(packet, String(err), () => [problem(err)]);\n\
    }\n\
  }\n\
  function packetParts(e) {\n\
    let { servicePort, matched, path, rules: own } = e;\n\
    if (servicePort === void 0 || matched === void 0 || own === void 0)\n\
      return [element(\"p\", {}, `${hostPort(e.destination.ip, e.destination.port)}: ${e.verdict}.`)];\n\
    let end = path?.verdict ?? WORDS[e.verdict] ?? e.verdict, bad = end === \"rejected\" || end === \"dropped\" || e.verdict === \"reject\" || e.verdict === \"drop\", service = servicePort.split(\":\")[0] ?? \"\";\n\
    return [\n\
      element(\n\
        \"p\",\n\
        {},\n\
        `${placeText(matched)} is of `,\n\
        link(servicePort, () => {\n\
          let wanted = asked();\n\
          wanted.set(\"service\", service), location.hash = wanted.toString();\n\
        }),\n\
        \": \",\n\
        element(\"b\", { class: bad ? \"bad\" : \"good\" }, end),\n\
        path === void 0 ? \". With a source it is said what becomes of its packets in particular.\" : \".\"\n\
      ),\n\
      ...path === void 0 ? [] : [\n\
        table(\n\
          [\"Decision\", \"Outcome\", \"Why\"],\n\
          path.steps.map((s) => [s.step, s.outcome, s.why])\n\
        )\n\
      ],\n\
      rules(\"Rules that it meets, of\", {\n\
        servicePort,\n\
        rules: own,\n\
        protocol: e.protocol ?? \"\",\n\
        family: e.family ?? \"\"\n\
      })\n\
    ];\n\
  }\n\
  var overviewOf = (value) => value, servicesOf = (value) => value, serviceOf = (value) => value, packetOf = (value) => value;\n\
  async function followAddress() {\n\
    let wanted = asked();\n\
    wanted.has(\"destination\") && (destination.value = wanted.get(\"destination\") ?? \"\", protocol.value = wanted.get(\"protocol\") ?? \"tcp\", source.value = wanted.get(\"source\") ?? \"\"), await Promise.all([showPacket(), showDetail()]), wanted.has(\"service\") && !wanted.has(\"destination\") && detail.scrollIntoView({ behavior: \"smooth\" });\n\
  }\n\
  form.addEventListener(\"submit\", (event) => {\n\
    event.preventDefault();\n\
    let wanted = asked();\n\
    for (let [name, value] of [\n\
      [\"destination\", destination.value.trim()],\n\
      [\"protocol\", protocol.value],\n\
      [\"source\", source.value.trim()]\n\
    ])\n\
      wanted.set(name, value);\n\
    location.hash = wanted.toString();\n\
  });\n\
  search.addEventListener(\"input\", () => {\n\
    showServices();\n\
  });\n\
  window.addEventListener(\"hashchange\", () => {\n\
    followAddress();\n\
  });\n\
  live(\"/ui/data\", 2e3, (data) => {\n\
    showOverview(overviewOf(data)), showServices(), showPacket(), showDetail();\n\
  });\n\
  followAddress();\n\
})();\n\
";
