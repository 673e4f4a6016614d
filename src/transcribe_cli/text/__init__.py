"""Text as such: languages, sentences, printable text, encodings of files."""
