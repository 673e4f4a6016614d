"""The network: Whisper's architecture, small, with parameter names as in transformers so that weights carry over.

Two of the four decoder layers can return the share of their attention on a given span of the audio. Training uses it to guide the
attention of the decoder, and word times come from the same heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

POSITIONS = 1500  # of the encoder, 0.02 s each
DECODER_POSITIONS = 448
MELS = 80
WIDTH, HEADS = 128, 4
ENCODER_LAYERS, DECODER_LAYERS = 3, 4
GUIDED_LAYERS = (1, 2)
GUIDED_HEADS = 2  # the first ones of each guided layer
ALIGNMENT_HEADS = [[layer, head] for layer in GUIDED_LAYERS for head in range(GUIDED_HEADS)]

_STAMP_SCALE = 0.15
_LONG = 1000  # positions from which the fused attention is faster in bfloat16 than in float32


class Attention(nn.Module):
    """Multi-head attention; keys have no bias, as in Whisper."""

    def __init__(self) -> None:
        super().__init__()
        self.k_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.v_proj = nn.Linear(WIDTH, WIDTH)
        self.q_proj = nn.Linear(WIDTH, WIDTH)
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, causal: bool = False, listen: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from x (batch, steps, width) to `memory`, or to x itself.

        With `listen` (batch, steps, positions), true where a step should look, also return the share of attention
        that falls there (batch, guided heads, steps).
        """
        source = x if memory is None else memory
        q, k, v = self._split(self.q_proj(x)), self._split(self.k_proj(source)), self._split(self.v_proj(source))
        share = None
        if memory is None and not causal:
            if q.shape[2] < _LONG:
                q, k, v = q.float(), k.float(), v.float()
            mixed = functional.scaled_dot_product_attention(q, k, v)
        else:  # few queries: on CPU plain products beat the fused kernel's backward pass
            scores = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).float()
            if causal:
                later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
                scores = scores.masked_fill(later, float("-inf"))
            weights = scores.softmax(-1)
            if listen is not None:
                share = (weights[:, :GUIDED_HEADS] * listen[:, None]).sum(-1)
            mixed = weights.to(v.dtype) @ v
        return self.out_proj(mixed.transpose(1, 2).flatten(2)), share

    @staticmethod
    def _split(x: Tensor) -> Tensor:
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each after a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = Attention()
        self.self_attn_layer_norm = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)
        self.final_layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, positions, width) to the same."""
        x = x + self.self_attn(self.self_attn_layer_norm(x))[0]
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))


class DecoderLayer(EncoderLayer):
    """A layer with causal self-attention, attention to the encoder, and a feed-forward part."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_attn = Attention()
        self.encoder_attn_layer_norm = nn.LayerNorm(WIDTH)

    def decode(self, x: Tensor, memory: Tensor, listen: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(batch, steps, width) to the same, and the share of attention on `listen`."""
        x = x + self.self_attn(self.self_attn_layer_norm(x), causal=True)[0]
        attended, share = self.encoder_attn(self.encoder_attn_layer_norm(x), memory, listen=listen)
        x = x + attended
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x)))), share


class Encoder(nn.Module):
    """Log-mel frames to states, at positions that may start anywhere in the 30 s window."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(POSITIONS, WIDTH)
        self.embed_positions.weight = nn.Parameter(sinusoids(), requires_grad=False)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(ENCODER_LAYERS))
        self.layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, mel: Tensor, offset: int = 0) -> Tensor:
        """(batch, mels, frames) to (batch, frames / 2, width)."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.embed_positions.weight[offset : offset + x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class Decoder(nn.Module):
    """Tokens and encoder states to states."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, WIDTH)
        self.embed_positions = nn.Embedding(DECODER_POSITIONS, WIDTH)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(DECODER_LAYERS))
        self.layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, ids: Tensor, memory: Tensor, listen: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(batch, steps) to (batch, steps, width), and the shares of the guided layers."""
        x = self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]]
        shares = []
        for position, layer in enumerate(self.layers):
            x, share = layer.decode(x, memory, listen if position in GUIDED_LAYERS else None)
            if share is not None:
                shares.append(share)
        return self.layer_norm(x), shares


class Recognizer(nn.Module):
    """Encoder, decoder, and logits by the embedding of the tokens."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder(vocabulary)
        for name, parameter in self.named_parameters():
            if "embed" in name and parameter.requires_grad:
                nn.init.normal_(parameter, std=0.02)

    def order_stamps(self, first: int, count: int) -> None:
        """Initialize the timestamp tokens from `first` on with sinusoids of their time, like the positions of the encoder.

        Adjacent timestamps are then similar, so what is learned for one applies to the others. With random initialization each of
        the 1,501 must be learned separately; after half an hour none was.
        """
        with torch.no_grad():
            rows = self.decoder.embed_tokens.weight[first : first + count]
            waves = sinusoids(count)
            rows.copy_(rows.mean(0) + _STAMP_SCALE * (waves - waves.mean(0)))

    def logits(self, states: Tensor) -> Tensor:
        """(..., width) to (..., vocabulary)."""
        return functional.linear(states, self.decoder.embed_tokens.weight)


def sinusoids(count: int = POSITIONS) -> Tensor:
    """Whisper's fixed positions: sines then cosines, (count, width)."""
    rates = torch.exp(-torch.log(torch.tensor(10000.0)) / (WIDTH // 2 - 1) * torch.arange(WIDTH // 2))
    angles = torch.arange(count)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
