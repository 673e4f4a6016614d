"use strict";
// Words are spans in the order of the text; their number is their place in `words`, and in the lists of times, in milliseconds.
// Nothing here looks at all words while the recording plays: a timer wakes at the next word, which a binary search finds.
const $ = (id) => document.getElementById(id);
const root = document.documentElement, media = $("media"), transcript = $("transcript"), seek = $("seek");
const { starts, ends } = JSON.parse($("times").textContent);
const words = transcript.querySelectorAll(".said > span");
const sections = transcript.querySelectorAll("section");
// People may speak at once: the words in the order of time are not always those of the text.
const byTime = Uint32Array.from(starts.keys()).sort((a, b) => starts[a] - starts[b] || a - b);
const rank = new Uint32Array(byTime.length);
byTime.forEach((word, place) => { rank[word] = place; });

const LINGER = 600;  // how long a word stays marked after it ended, in milliseconds
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let spoken = -1, current = null, following = true, timer = 0, dragging = false;

function clock(seconds) {
  const whole = Math.floor(seconds), two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
function numberOf(span) {
  return Number(span.closest("section").dataset.first) + Array.prototype.indexOf.call(span.parentNode.children, span);
}
// The place in `byTime` of the last word that has begun at this time; -1 before the first.
function placeAt(time) {
  let low = 0, high = byTime.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[byTime[middle]] <= time) low = middle + 1; else high = middle;
  }
  return low - 1;
}

// The word that is spoken.

function show(word, section) {
  if (word !== spoken) {
    if (spoken >= 0) words[spoken].classList.remove("spoken");
    if (word >= 0) words[word].classList.add("spoken");
    spoken = word;
    if (following && word >= 0) reveal(words[word]);
  }
  if (section !== current) {
    if (current) { current.classList.remove("current"); current.removeAttribute("aria-current"); }
    if (section) { section.classList.add("current"); section.setAttribute("aria-current", "time"); }
    current = section;
  }
}
function update() {
  clearTimeout(timer);
  const time = media.currentTime * 1000 + 1, place = placeAt(time), word = place < 0 ? -1 : byTime[place];
  const until = word < 0 ? 0 : Math.max(ends[word], starts[word]) + LINGER;
  show(word >= 0 && time < until ? word : -1, word < 0 ? null : words[word].closest("section"));
  if (!media.paused) {
    const next = place + 1 < byTime.length ? starts[byTime[place + 1]] : Infinity;
    const wake = Math.min(next, time < until ? until : Infinity) - time;
    timer = setTimeout(update, Math.min(Math.max(wake / media.playbackRate, 15), 1000));
  }
}
function tell() {
  const time = media.currentTime;
  $("now").textContent = clock(time);
  if (!dragging) seek.value = time;
  seek.setAttribute("aria-valuetext", `${clock(time)} of ${$("length").textContent}`);
}
function go(seconds) {
  media.currentTime = Math.min(Math.max(seconds, 0), media.duration || Number(seek.max));
  follow(true);
  update();
  tell();
}
const goTo = (word) => go(starts[word] / 1000);
function toggle() {
  if (media.paused) media.play().catch(() => {}); else media.pause();
}

// Scrolling along, until somebody scrolls away.

function reveal(element) {
  const top = $("top").getBoundingClientRect().bottom + 24, bottom = innerHeight - 140;
  const box = element.getBoundingClientRect();
  if (box.height === 0 || (box.top >= top && box.bottom <= bottom)) return;
  const way = box.top - (top + (bottom - top) * 0.3), near = Math.abs(way) < innerHeight * 1.5;
  scrollBy({ top: way, behavior: near && !calm.matches ? "smooth" : "instant" });
  if (!near) requestAnimationFrame(() => settle(element, 3));  // what had an estimated height has its own now
}
function settle(element, tries) {
  const box = element.getBoundingClientRect(), top = $("top").getBoundingClientRect().bottom + 24;
  if (tries && (box.top < top || box.bottom > innerHeight - 140)) {
    scrollBy({ top: box.top - (top + (innerHeight - 140 - top) * 0.3), behavior: "instant" });
    requestAnimationFrame(() => settle(element, tries - 1));
  }
}
function follow(yes) {
  following = yes;
  $("follow").hidden = yes;
}
function away() {
  if (!media.paused) follow(false);
}
function back() {
  follow(true);
  const target = spoken >= 0 ? words[spoken] : current;
  if (target) reveal(target);
}

// Search: without accents and capitals, also across words.

let text = null, offsets = null, found = [], chosen = -1, waiting = 0;
const plain = (part) => part.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function prepare() {
  const pieces = [];
  let length = 0;
  offsets = new Uint32Array(words.length + 1);
  words.forEach((span, number) => {
    const gap = span.nextSibling ? (span.nextSibling.nodeType === Node.TEXT_NODE ? " " : "") : "\n";
    const piece = plain(span.textContent) + gap;
    offsets[number] = length;
    length += piece.length;
    pieces.push(piece);
  });
  offsets[words.length] = length;
  text = pieces.join("");
}
function wordOf(offset) {
  let low = 0, high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle] <= offset) low = middle + 1; else high = middle;
  }
  return low - 1;
}
function mark(match, name, yes) {
  for (let word = match[0]; word <= match[1]; word++) words[word].classList.toggle(name, yes);
}
function search() {
  clearTimeout(waiting);
  if (chosen >= 0) mark(found[chosen], "match-now", false);
  for (const match of found) mark(match, "match", false);
  found = [];
  chosen = -1;
  const query = plain($("query").value).trim().replace(/\s+/g, " ");
  if (query) {
    if (text === null) prepare();
    for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length)) {
      const match = [wordOf(at), wordOf(at + query.length - 1)];
      if (!words[match[0]].closest("section").hidden) { found.push(match); mark(match, "match", true); }
    }
  }
  $("previous").disabled = $("next").disabled = !found.length;
  if (found.length) {
    const from = spoken >= 0 ? spoken : 0, first = found.findIndex((match) => match[1] >= from);
    choose(first < 0 ? 0 : first);
  } else $("count").textContent = query ? "No match" : "";
}
function choose(number) {
  if (!found.length) return;
  if (chosen >= 0) mark(found[chosen], "match-now", false);
  chosen = (number + found.length) % found.length;
  mark(found[chosen], "match-now", true);
  $("count").textContent = `${chosen + 1} of ${found.length}`;
  away();
  reveal(words[found[chosen][0]]);
}
function leave() {
  $("query").value = "";
  $("query").blur();
  search();
}

// One or some of the speakers.

const only = new Set();
function filter(chip) {
  const voice = chip.dataset.voice, yes = !only.has(voice);
  if (yes) only.add(voice); else only.delete(voice);
  chip.setAttribute("aria-pressed", yes);
  const limit = $("top").getBoundingClientRect().bottom, shown = (section) => !only.size || only.has(section.dataset.voice);
  const kept = [...sections].find((section) => shown(section) && !section.hidden && section.getBoundingClientRect().bottom > limit);
  const before = kept ? kept.getBoundingClientRect().top : 0;
  for (const section of sections) section.hidden = !shown(section);
  if (kept) scrollBy({ top: kept.getBoundingClientRect().top - before, behavior: "instant" });
  if ($("query").value) search();
}

// By words, by paragraphs, by doubt.

function step(by) {
  const place = Math.min(Math.max(placeAt(media.currentTime * 1000 + 1) + by, 0), byTime.length - 1);
  if (place >= 0) goTo(byTime[place]);
}
function paragraph(by) {
  let section = current || (by > 0 ? null : sections[0]);
  do {
    section = section ? (by > 0 ? section.nextElementSibling : section.previousElementSibling) : sections[0];
  } while (section && section.hidden);
  if (section && section.dataset.first) goTo(Number(section.dataset.first));
}
function doubt() {
  const low = [...transcript.querySelectorAll("section:not([hidden]) span.low")].map(numberOf).sort((a, b) => rank[a] - rank[b]);
  const place = placeAt(media.currentTime * 1000 + 1), next = low.find((word) => rank[word] > place) ?? low[0];
  if (next !== undefined) goTo(next);
}
function full() {
  if (document.fullscreenElement) document.exitFullscreen(); else if (media.requestFullscreen) media.requestFullscreen();
}
function faster(by) {
  const rate = $("rate"), index = Math.min(Math.max(rate.selectedIndex + by, 0), rate.options.length - 1);
  rate.selectedIndex = index;
  media.playbackRate = Number(rate.value);
}

// The recording: where it should be, or else where its owner says.

function lost(why) {
  $("why").textContent = why;
  $("lost").hidden = false;
  $("stage").classList.add("silent");
}
function checkLost() {
  if (media.error && media.error.code !== MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) lost("The recording cannot be played.");
  else if (media.error || media.networkState === HTMLMediaElement.NETWORK_NO_SOURCE)
    lost("The recording is not where it was, or this browser cannot play it.");
}
function play(file) {
  const at = media.currentTime;
  for (const source of media.querySelectorAll("source")) source.remove();
  media.src = URL.createObjectURL(file);
  media.currentTime = at;
  $("lost").hidden = true;
  $("stage").classList.remove("silent");
}
function moment() {
  const wanted = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (wanted) go(Number(wanted[1]));
}

const KEYS = {
  " ": toggle, k: toggle, ArrowLeft: () => go(media.currentTime - 5), ArrowRight: () => go(media.currentTime + 5),
  ",": () => step(-1), ".": () => step(1), "[": () => paragraph(-1), "]": () => paragraph(1),
  "-": () => faster(-1), "+": () => faster(1), "=": () => faster(1), f: back, u: doubt,
  "/": () => { $("query").focus(); $("query").select(); }, "?": () => $("help").showModal(), Escape: leave,
};
const SCROLLING = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
  if (event.target === $("query")) {
    if (event.key === "Enter") { event.preventDefault(); choose(chosen + (event.shiftKey ? -1 : 1)); }
    if (event.key === "Escape") leave();
    return;
  }
  if (SCROLLING.has(event.key) && event.target !== seek) away();
  const own = event.target.closest("button, a, select, input, video, audio");  // which keys of theirs stay theirs
  if (own && (event.key === " " || event.key.startsWith("Arrow") || event.target.matches("select"))) return;
  const act = KEYS[event.key] || KEYS[event.key.toLowerCase()];
  if (act) { event.preventDefault(); act(); }
});
transcript.addEventListener("click", (event) => {
  const link = event.target.closest(".who a"), span = event.target.closest(".said > span");
  if (link) {
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    moment();
  } else if (span && getSelection().isCollapsed) goTo(numberOf(span));
});
document.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (chip) filter(chip);
});
for (const [id, act] of Object.entries({
  play: toggle, back: () => go(media.currentTime - 5), on: () => go(media.currentTime + 5), follow: back, doubtful: doubt, full,
  previous: () => choose(chosen - 1), next: () => choose(chosen + 1), "help-open": () => $("help").showModal(),
})) if ($(id)) $(id).addEventListener("click", act);
$("query").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 150); });
$("rate").addEventListener("change", () => { media.playbackRate = Number($("rate").value); });
$("file").addEventListener("change", (event) => { if (event.target.files[0]) play(event.target.files[0]); });
seek.addEventListener("input", () => { dragging = true; go(Number(seek.value)); });
seek.addEventListener("change", () => { dragging = false; });
addEventListener("wheel", away, { passive: true });
addEventListener("touchmove", (event) => { if (!event.target.closest(".player, .voices")) away(); }, { passive: true });
addEventListener("mousedown", (event) => { if (event.target === root) away(); });  // the scroll bar
addEventListener("hashchange", moment);
media.addEventListener("error", checkLost, true);  // of its sources, too, which do not bubble
for (const name of ["play", "pause", "ended"]) media.addEventListener(name, () => {
  root.classList.toggle("playing", !media.paused);
  $("play").setAttribute("aria-label", media.paused ? "Play" : "Pause");
  update();
});
for (const name of ["seeked", "ratechange", "playing"]) media.addEventListener(name, update);
media.addEventListener("timeupdate", tell);
media.addEventListener("loadedmetadata", () => {
  $("lost").hidden = true;
  if (Number.isFinite(media.duration)) { seek.max = media.duration; $("length").textContent = clock(media.duration); }
  $("stage").classList.toggle("silent", !media.videoWidth);
  if ($("full")) $("full").hidden = !media.videoWidth;
  tell();
});

root.classList.add("js");
media.controls = false;
if (media.tagName === "VIDEO") {
  media.addEventListener("click", toggle);
  media.addEventListener("dblclick", full);
}
new ResizeObserver(() => root.style.setProperty("--top", `${$("top").offsetHeight}px`)).observe($("top"));
tell();
setTimeout(checkLost, 1000);  // if its sources failed before anybody listened
moment();
