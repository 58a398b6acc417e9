"""Small programs with a known fault, and healthy ones: what the search for causes and the linter are measured by."""
