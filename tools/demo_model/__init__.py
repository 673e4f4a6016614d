"""The parts of the training of the demo model: sentences, voices, tokens, windows, network, training, export, evaluation."""
