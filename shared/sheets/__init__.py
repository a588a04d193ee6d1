"""Tables that people keep, as files: what is read of them is rows of cells, whatever they are about."""
