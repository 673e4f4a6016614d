"""Text utilities: languages, sentences, printable text, file encodings."""
