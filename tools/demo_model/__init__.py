"""The parts that make the demo model: sentences, voices, tokens, windows, network, training, export, evaluation."""
