// Search, which ignores accents and case and matches across words, and the filter by speaker.

let text = null, offsets = null, matches = [], selected = -1, searchTimer = 0;
const normalize = (part) => part.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function buildIndex() {
  const pieces = [];
  let length = 0;
  offsets = new Uint32Array(words.length + 1);
  words.forEach((span, number) => {
    const gap = span.nextSibling ? (span.nextSibling.nodeType === Node.TEXT_NODE ? " " : "") : "\n";
    const piece = normalize(span.textContent) + gap;
    offsets[number] = length;
    length += piece.length;
    pieces.push(piece);
  });
  offsets[words.length] = length;
  text = pieces.join("");
}
function wordAt(offset) {
  return upperBound(words.length, (index) => offsets[index], offset) - 1;
}
function mark(match, name, yes) {
  for (let word = match[0]; word <= match[1]; word++) words[word].classList.toggle(name, yes);
}
function search() {
  clearTimeout(searchTimer);
  if (selected >= 0) mark(matches[selected], "selected-match", false);
  for (const match of matches) mark(match, "match", false);
  matches = [];
  selected = -1;
  const query = normalize($("query").value).trim().replace(/\s+/g, " ");
  if (query) {
    if (text === null) buildIndex();
    for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length)) {
      const match = [wordAt(at), wordAt(at + query.length - 1)];
      if (!words[match[0]].closest("section").hidden) { matches.push(match); mark(match, "match", true); }
    }
  }
  $("previous").disabled = $("next").disabled = !matches.length;
  if (matches.length) {
    const from = spoken >= 0 ? spoken : 0, first = matches.findIndex((match) => match[1] >= from);
    selectMatch(first < 0 ? 0 : first);
  } else $("count").textContent = query ? "No match" : "";
}
function selectMatch(number) {
  if (!matches.length) return;
  if (selected >= 0) mark(matches[selected], "selected-match", false);
  selected = (number + matches.length) % matches.length;
  mark(matches[selected], "selected-match", true);
  $("count").textContent = `${selected + 1} of ${matches.length}`;
  stopFollowing();
  reveal(words[matches[selected][0]]);
}
function clearSearch() {
  $("query").value = "";
  $("query").blur();
  search();
}

const shownSpeakers = new Set();  // empty: all
function toggleSpeaker(chip) {
  const speaker = chip.dataset.speaker, yes = !shownSpeakers.has(speaker);
  if (yes) shownSpeakers.add(speaker); else shownSpeakers.delete(speaker);
  chip.setAttribute("aria-pressed", yes);
  const isShown = (section) => !shownSpeakers.size || shownSpeakers.has(section.dataset.speaker);
  const limit = $("top").getBoundingClientRect().bottom;
  const anchor = [...sections].find((one) => isShown(one) && !one.hidden && one.getBoundingClientRect().bottom > limit);
  const before = anchor ? anchor.getBoundingClientRect().top : 0;
  for (const section of sections) section.hidden = !isShown(section);
  if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  if ($("query").value) search();
}
