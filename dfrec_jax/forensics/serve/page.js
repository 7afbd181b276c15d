// The page of `dfrec serve`: sends a picture, asks how far it is, shows what came of it. It asks this server alone.
"use strict";

const POLL_MS = 100;
const byId = (id) => document.getElementById(id);
const state = { job: null, input: null, target: null, map: null, generated: [], side: 0 };

async function asked(path, options) {
  const answer = await fetch(path, options);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error || `status ${answer.status}`);
  return said;
}

async function followReadiness() {
  for (;;) {
    const { readiness } = await asked("state");
    byId("readiness").textContent = readiness === "ready" ? "The network is ready." : `The network is ${readiness}.`;
    if (readiness === "ready" || readiness.startsWith("cannot")) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function send(event) {
  event.preventDefault();
  const file = byId("file").files[0];
  if (!file) return;
  const query = new URLSearchParams({ name: file.name });
  for (const field of document.querySelectorAll(".fields input")) query.set(field.name, field.value);
  byId("outcome").hidden = true;
  busy(true, "sending the picture");
  try {
    const { job } = await asked(`pictures?${query}`, { method: "POST", body: file });
    state.job = job;
    await follow(job);
  } catch (error) {
    busy(false);
    refuse(error.message);
  }
}

async function follow(job) {
  const began = Date.now();
  for (;;) {
    const said = await asked(`jobs/${job}`);
    if (said.state === "done") {
      busy(false);
      await show(job, said);
      return;
    }
    if (said.state === "refused") throw new Error(said.words);
    const seconds = Math.round((Date.now() - began) / 1000);
    busy(true, said.words, seconds);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function busy(isBusy, words, seconds) {
  byId("progress").hidden = !isBusy;
  document.querySelector("#form button").disabled = isBusy;
  const text = words ? words[0].toUpperCase() + words.slice(1) + "." : "";
  if (byId("words").dataset.said !== text) byId("words").textContent = text;  // read out once, not each second
  byId("words").dataset.said = text;
  byId("bar").setAttribute("aria-valuetext", seconds ? `${seconds} seconds` : "begun");
}

function refuse(words) {
  byId("outcome").hidden = false;
  byId("recovered").hidden = true;
  byId("lineups").hidden = true;
  byId("warnings").hidden = true;
  document.querySelector(".links").hidden = true;
  byId("report-title").hidden = true;
  byId("forget").hidden = true;
  say(`Refused: ${words}`);
  byId("outcome").focus();
}

function say(words) {
  byId("status").hidden = !words;
  byId("status").textContent = words;
}

async function show(job, said) {
  const result = said.result;
  const at = (name) => `jobs/${job}/${name.split("/").map(encodeURIComponent).join("/")}`;
  say(result.status === "recovered" ? "" : `${result.status}: ${result.reason}`);
  const warnings = byId("warnings");
  warnings.replaceChildren(...result.warnings.map((words) => element("li", words)));
  warnings.hidden = result.warnings.length === 0;
  document.querySelector(".links").hidden = false;
  byId("report-title").hidden = false;
  byId("forget").hidden = false;
  byId("zip").href = at("report.zip");
  byId("html").href = at("report.html");
  byId("pdf").href = at("report.pdf");
  byId("recovered").hidden = result.status !== "recovered";
  if (result.status === "recovered") {
    byId("panel").src = at("panel.png");
    byId("panel").alt = "Panel: the exhibit's face, the map, the masked input, the recovered source and the recovered target";
    const load = (name) => picture(at(name));
    [state.input, state.target, state.map] = await Promise.all([load("input.png"), load("target.png"), load("map.png")]);
    state.generated = result.generated_patches;
    state.side = Math.round(Math.sqrt(result.num_patches));
    const count = `${result.generated_patches.length} of ${result.num_patches} patches of the recovered target were generated`;
    const beyond = result.share_beyond ? " or lie beyond its border" : "";
    byId("counts").textContent = `${count}; the others are the exhibit's own${beyond}.`;
    const evidence = said.files.find((name) => /^evidence[^/]*\.png$/.test(name) && !name.includes("mask"));
    byId("evidence-file").hidden = !evidence;
    if (evidence) byId("evidence-picture").src = at(evidence);
    draw();
  }
  const sheets = said.files.filter((name) => name.startsWith("trace/lineups/"));
  byId("lineups").hidden = sheets.length === 0;
  byId("sheets").replaceChildren(...sheets.map((name) => {
    const [role, ...route] = name.split("/").pop().replace(".png", "").split("_");
    const words = `Sought: the ${role}, by ${route.join(" ")}`;
    const sheet = document.createElement("figure");
    const shown = document.createElement("img");
    shown.src = at(name);
    shown.alt = `Line-up without names. ${words}`;
    sheet.append(element("figcaption", words), shown);
    return sheet;
  }));
  byId("outcome").hidden = false;
  byId("outcome").focus();
}

function element(kind, words) {
  const made = document.createElement(kind);
  made.textContent = words;
  return made;
}

function picture(address) {
  return new Promise((resolve, reject) => {
    const shown = new Image();
    shown.onload = () => resolve(shown);
    shown.onerror = () => reject(new Error("a picture of the result cannot be shown"));
    shown.src = address;
  });
}

// The exhibit's face, and over it, as strongly as the slider says, what is chosen; beneath them a strip that says what
// it is, so that a copy of the drawing says it too. A generated picture is higher than the face by its own label.
function draw() {
  const canvas = byId("evidence");
  const context = canvas.getContext("2d");
  const strength = Number(byId("strength").value) / 100;
  const layer = document.querySelector("input[name=layer]:checked").value;
  const side = canvas.width;
  const size = state.input.naturalWidth;
  context.imageSmoothingEnabled = false;
  context.globalAlpha = 1;
  context.drawImage(state.input, 0, 0, side, side);
  context.globalAlpha = strength;
  if (layer === "generated") {
    const patch = side / state.side;
    context.fillStyle = "#d0261e";
    for (const index of state.generated) {
      context.fillRect((index % state.side) * patch, Math.floor(index / state.side) * patch, patch, patch);
    }
  } else {
    context.drawImage(state[layer], 0, 0, size, size, 0, 0, side, side);
  }
  context.globalAlpha = 1;
  const isGenerated = layer === "target" && strength > 0;
  const strip = isGenerated ? "generated: not an identification" : "the exhibit; marked, not generated";
  context.fillStyle = isGenerated ? "#961e1e" : "#596273";
  context.fillRect(0, side, side, canvas.height - side);
  context.fillStyle = "#fff";
  context.font = "18px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(strip, side / 2, (side + canvas.height) / 2);
  const words = { generated: "generated patches in red", target: "the recovered target, generated in part", map: "the map" };
  canvas.setAttribute("aria-label", `The exhibit's face; over it, at ${Math.round(strength * 100)} percent, ${words[layer]}. ${byId("counts").textContent}`);
}

async function forget() {
  try {
    await asked(`jobs/${state.job}`, { method: "DELETE" });
    byId("outcome").hidden = true;
    byId("form").reset();
    byId("file").focus();
  } catch (error) {
    say(`Not forgotten: ${error.message}`);
  }
}

const drop = byId("drop");
for (const kind of ["dragover", "dragenter"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) {
    byId("file").files = event.dataTransfer.files;
    byId("form").requestSubmit();
  }
});
byId("form").addEventListener("submit", send);
byId("forget").addEventListener("click", forget);
byId("strength").addEventListener("input", draw);
for (const choice of document.querySelectorAll("input[name=layer]")) choice.addEventListener("change", draw);
followReadiness().catch((error) => { byId("readiness").textContent = `The program does not answer: ${error.message}.`; });
