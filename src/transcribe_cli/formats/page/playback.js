"use strict";
// Word marking, seeking and scrolling. Words are spans in the order of the text; a word's number is its index in `words` and in the
// lists of times, which are in milliseconds.
// Nothing iterates over all words during playback: a timer fires at the next word, which a binary search finds.
const $ = (id) => document.getElementById(id);
const root = document.documentElement, media = $("media"), transcript = $("transcript"), seek = $("seek");
const { starts, ends } = JSON.parse($("times").textContent);
const words = transcript.querySelectorAll(".said > span");
const sections = transcript.querySelectorAll("section");
// People may speak simultaneously, so the order of words in time can differ from their order in the text.
const byTime = Uint32Array.from(starts.keys()).sort((a, b) => starts[a] - starts[b] || a - b);
const rank = new Uint32Array(byTime.length);
byTime.forEach((word, index) => { rank[word] = index; });

const HOLD_MS = 600;  // how long a word stays marked after its end
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
let spoken = -1, current = null, following = true, timer = 0, dragging = false;

function clock(seconds) {
  const whole = Math.floor(seconds), twoDigits = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
}
function wordNumber(span) {
  return Number(span.closest("section").dataset.first) + Array.prototype.indexOf.call(span.parentNode.children, span);
}
// Index of the first value in the ascending list that is greater than the limit.
function upperBound(length, valueAt, limit) {
  let low = 0, high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) <= limit) low = middle + 1; else high = middle;
  }
  return low;
}
// Index in `byTime` of the last word that started by this time; -1 before the first word.
function indexAt(time) {
  return upperBound(byTime.length, (index) => starts[byTime[index]], time) - 1;
}

// Marking the spoken word.

function markSpoken(word, section) {
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
  const time = media.currentTime * 1000 + 1, index = indexAt(time), word = index < 0 ? -1 : byTime[index];
  const until = word < 0 ? 0 : Math.max(ends[word], starts[word]) + HOLD_MS;
  markSpoken(word >= 0 && time < until ? word : -1, word < 0 ? null : words[word].closest("section"));
  if (!media.paused) {
    const next = index + 1 < byTime.length ? starts[byTime[index + 1]] : Infinity;
    const delay = Math.min(next, time < until ? until : Infinity) - time;
    timer = setTimeout(update, Math.min(Math.max(delay / media.playbackRate, 15), 1000));
  }
}
function showPosition() {
  const time = media.currentTime;
  $("position").textContent = clock(time);
  if (!dragging) seek.value = time;
  seek.setAttribute("aria-valuetext", `${clock(time)} of ${$("length").textContent}`);
}
function goToTime(seconds) {
  media.currentTime = Math.min(Math.max(seconds, 0), media.duration || Number(seek.max));
  setFollowing(true);
  update();
  showPosition();
}
const goToWord = (word) => goToTime(starts[word] / 1000);
function togglePlay() {
  if (media.paused) media.play().catch(() => {}); else media.pause();
}

// Scrolling with the spoken word, until the user scrolls away.

function reveal(element) {
  const top = $("top").getBoundingClientRect().bottom + 24, bottom = innerHeight - 140;
  const box = element.getBoundingClientRect();
  if (box.height === 0 || (box.top >= top && box.bottom <= bottom)) return;
  const distance = box.top - (top + (bottom - top) * 0.3), near = Math.abs(distance) < innerHeight * 1.5;
  scrollBy({ top: distance, behavior: near && !reducedMotion.matches ? "smooth" : "instant" });
  if (!near) requestAnimationFrame(() => settle(element, 3));  // estimated heights have been replaced by real ones
}
function settle(element, tries) {
  const box = element.getBoundingClientRect(), top = $("top").getBoundingClientRect().bottom + 24;
  if (tries && (box.top < top || box.bottom > innerHeight - 140)) {
    scrollBy({ top: box.top - (top + (innerHeight - 140 - top) * 0.3), behavior: "instant" });
    requestAnimationFrame(() => settle(element, tries - 1));
  }
}
function setFollowing(yes) {
  following = yes;
  $("follow").hidden = yes;
}
function stopFollowing() {
  if (!media.paused) setFollowing(false);
}
function resumeFollowing() {
  setFollowing(true);
  const target = spoken >= 0 ? words[spoken] : current;
  if (target) reveal(target);
}
