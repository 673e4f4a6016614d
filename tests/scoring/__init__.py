"""Error rates against values worked out by hand, and every kind of file that is scored."""
