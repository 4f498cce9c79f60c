"""The explorer: techniques at several strengths, of which the reader moves one."""
