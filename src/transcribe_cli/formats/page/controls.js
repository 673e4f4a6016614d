// Navigation, loading the recording, and all event listeners.

function stepWords(count) {
  const index = Math.min(Math.max(indexAt(media.currentTime * 1000 + 1) + count, 0), byTime.length - 1);
  if (index >= 0) goToWord(byTime[index]);
}
function stepParagraph(direction) {
  let section = current || (direction > 0 ? null : sections[0]);
  do {
    section = section ? (direction > 0 ? section.nextElementSibling : section.previousElementSibling) : sections[0];
  } while (section && section.hidden);
  if (section && section.dataset.first) goToWord(Number(section.dataset.first));
}
function nextUncertain() {
  const spans = [...transcript.querySelectorAll("section:not([hidden]) span.low")];
  const uncertain = spans.map(wordNumber).sort((a, b) => rank[a] - rank[b]);
  const index = indexAt(media.currentTime * 1000 + 1), next = uncertain.find((word) => rank[word] > index) ?? uncertain[0];
  if (next !== undefined) goToWord(next);
}
function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen(); else if (media.requestFullscreen) media.requestFullscreen();
}
function stepSpeed(count) {
  const rate = $("rate"), index = Math.min(Math.max(rate.selectedIndex + count, 0), rate.options.length - 1);
  rate.selectedIndex = index;
  media.playbackRate = Number(rate.value);
}

// The recording: from its link, or from a file that the user selects.

function showMissing(reason) {
  $("missing-reason").textContent = reason;
  $("missing").hidden = false;
  $("stage").classList.add("silent");
}
function checkMissing() {
  if (media.error && media.error.code !== MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) showMissing("The recording cannot be played.");
  else if (media.error || media.networkState === HTMLMediaElement.NETWORK_NO_SOURCE)
    showMissing("The recording was moved, or this browser cannot play it.");
}
function openFile(file) {
  const position = media.currentTime;
  for (const source of media.querySelectorAll("source")) source.remove();
  media.src = URL.createObjectURL(file);
  media.currentTime = position;
  $("missing").hidden = true;
  $("stage").classList.remove("silent");
}
function goToHash() {
  const match = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (match) goToTime(Number(match[1]));
}

const back = () => goToTime(media.currentTime - 5), forward = () => goToTime(media.currentTime + 5);
const KEYS = {
  " ": togglePlay, k: togglePlay, ArrowLeft: back, ArrowRight: forward,
  ",": () => stepWords(-1), ".": () => stepWords(1), "[": () => stepParagraph(-1), "]": () => stepParagraph(1),
  "-": () => stepSpeed(-1), "+": () => stepSpeed(1), "=": () => stepSpeed(1), f: resumeFollowing, u: nextUncertain,
  "/": () => { $("query").focus(); $("query").select(); }, "?": () => $("help").showModal(), Escape: clearSearch,
};
const SCROLL_KEYS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
  if (event.target === $("query")) {
    if (event.key === "Enter") { event.preventDefault(); selectMatch(selected + (event.shiftKey ? -1 : 1)); }
    if (event.key === "Escape") clearSearch();
    return;
  }
  if (SCROLL_KEYS.has(event.key) && event.target !== seek) stopFollowing();
  const control = event.target.closest("button, a, select, input, video, audio");  // keeps its own keys
  if (control && (event.key === " " || event.key.startsWith("Arrow") || event.target.matches("select"))) return;
  const action = KEYS[event.key] || KEYS[event.key.toLowerCase()];
  if (action) { event.preventDefault(); action(); }
});
transcript.addEventListener("click", (event) => {
  const link = event.target.closest(".who a"), span = event.target.closest(".said > span");
  if (link) {
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    goToHash();
  } else if (span && getSelection().isCollapsed) goToWord(wordNumber(span));
});
for (const link of document.querySelectorAll(".doubt a")) link.addEventListener("click", (event) => {
  event.preventDefault();
  history.replaceState(null, "", link.getAttribute("href"));
  goToHash();
  resumeFollowing();
  if (!current && sections[0]) reveal(sections[0]);
});
document.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (chip) toggleSpeaker(chip);
});
for (const [id, action] of Object.entries({
  play: togglePlay, back, forward, follow: resumeFollowing, uncertain: nextUncertain, "full-screen": toggleFullScreen,
  previous: () => selectMatch(selected - 1), next: () => selectMatch(selected + 1), "help-open": () => $("help").showModal(),
})) if ($(id)) $(id).addEventListener("click", action);
$("query").addEventListener("input", () => { clearTimeout(searchTimer); searchTimer = setTimeout(search, 150); });
$("rate").addEventListener("change", () => { media.playbackRate = Number($("rate").value); });
$("file").addEventListener("change", (event) => { if (event.target.files[0]) openFile(event.target.files[0]); });
seek.addEventListener("input", () => { dragging = true; goToTime(Number(seek.value)); });
seek.addEventListener("change", () => { dragging = false; });
addEventListener("wheel", stopFollowing, { passive: true });
addEventListener("touchmove", (event) => { if (!event.target.closest(".player, .speakers")) stopFollowing(); }, { passive: true });
addEventListener("mousedown", (event) => { if (event.target === root) stopFollowing(); });  // the scroll bar
addEventListener("hashchange", goToHash);
media.addEventListener("error", checkMissing, true);  // errors of its sources do not bubble
for (const name of ["play", "pause", "ended"]) media.addEventListener(name, () => {
  root.classList.toggle("playing", !media.paused);
  $("play").setAttribute("aria-label", media.paused ? "Play" : "Pause");
  update();
});
for (const name of ["seeked", "ratechange", "playing"]) media.addEventListener(name, update);
media.addEventListener("timeupdate", showPosition);
media.addEventListener("loadedmetadata", () => {
  $("missing").hidden = true;
  if (Number.isFinite(media.duration)) { seek.max = media.duration; $("length").textContent = clock(media.duration); }
  $("stage").classList.toggle("silent", !media.videoWidth);
  if ($("full-screen")) $("full-screen").hidden = !media.videoWidth;
  showPosition();
});

root.classList.add("js");
media.controls = false;
if (media.tagName === "VIDEO") {
  media.addEventListener("click", togglePlay);
  media.addEventListener("dblclick", toggleFullScreen);
}
new ResizeObserver(() => root.style.setProperty("--top", `${$("top").offsetHeight}px`)).observe($("top"));
showPosition();
setTimeout(checkMissing, 1000);  // its sources may have failed before the listeners were added
goToHash();
