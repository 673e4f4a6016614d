"""The fields of a transcription request, without the file."""

from __future__ import annotations

from transcribe_cli.backends.openai.models import Server, Times
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
    hotwords = [word.strip() for word in (spec.hotwords or "").split(",") if word.strip()]
    if model.takes_hints:
        fields += [("keywords[]", word) for word in hotwords]
    prompt = ["" if model.takes_hints else ", ".join(hotwords), spec.initial_prompt or ""]
    if model.takes_prompt and any(prompt):
        fields.append(("prompt", " ".join(filter(None, prompt))))
    if model.takes_temperature and spec.temperature[0]:  # at 0 servers use a temperature fallback of their own
        fields.append(("temperature", f"{spec.temperature[0]:g}"))
    return fields
