"""The fields of a transcription request, without the file."""

from __future__ import annotations

from dataclasses import replace

from transcribe_cli.backends.openai.models import Model, Server, Times
from transcribe_cli.spec import JobSpec


def form_fields(server: Server, spec: JobSpec, language: str | None) -> list[tuple[str, str]]:
    """Name and value of each field, as far as the model accepts it; `language` is None where the server detects it."""
    model = server.model(spec.model)
    fields = [("model", server.api_name(spec.model)), ("response_format", model.response_format), *model.extra_fields]
    if model.response_format == "verbose_json":
        granularities = ("word", "segment") if model.times is Times.WORD and spec.word_timestamps else ("segment",)
        fields += [("timestamp_granularities[]", name) for name in granularities]
    if language and spec.task != "translate":
        fields.append(("languages[]" if model.takes_hints else "language", language))
    elif model.takes_hints:
        fields += [("languages[]", code) for code in spec.languages]
    if model.takes_hints:
        fields += [("keywords[]", word) for word in _hotwords(spec)]
    if model.takes_prompt and (prompt := " ".join(filter(None, _prompt(model, spec)))):
        fields.append(("prompt", prompt))
    if model.takes_temperature and spec.temperature[0]:  # at 0 servers use a temperature fallback of their own
        fields.append(("temperature", f"{spec.temperature[0]:g}"))
    return fields


def shortening(server: Server, spec: JobSpec) -> str:
    """One sentence that says how much of the spec's prompt and hotwords is not sent; "" if all is."""
    model = server.model(spec.model)
    if not model.takes_prompt:
        return ""
    given = _prompt(replace(model, max_prompt_characters=None), spec)
    sent = _prompt(model, spec)
    parts = [
        f"the {end} {len(short)} of {len(long)} characters of {name}"
        for end, name, short, long in zip(("first", "last"), ("hotwords", "initial_prompt"), sent, given, strict=True)
        if len(short) < len(long)
    ]
    if not parts:
        return ""
    room = (
        f"The model {server.api_name(spec.model)} has room for {model.max_prompt_characters} characters of prompt and hotwords."
    )
    return f"{room} It gets only {' and '.join(parts)}."


def _hotwords(spec: JobSpec) -> list[str]:
    return [word.strip() for word in (spec.hotwords or "").split(",") if word.strip()]


def _prompt(model: Model, spec: JobSpec) -> tuple[str, str]:
    """Hotwords and prompt as they are sent: whole words, and of each at least half of the model's room, if it needs so much."""
    hotwords, prompt = "" if model.takes_hints else ", ".join(_hotwords(spec)), (spec.initial_prompt or "").strip()
    room = model.max_prompt_characters
    if room is None or len(hotwords) + 1 + len(prompt) <= room:
        return hotwords, prompt
    limit = max(room // 2, room - 1 - len(prompt))
    if len(hotwords) > limit:
        hotwords = (hotwords[: limit + 1].rpartition(" ")[0] or hotwords[:limit]).rstrip(", ")
    left = room - 1 - len(hotwords)
    if len(prompt) > left:
        prompt = prompt[-left - 1 :].partition(" ")[2] or prompt[-left:]
    return hotwords, prompt
