"""Every format, byte by byte and read by others."""
