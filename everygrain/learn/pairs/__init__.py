"""Where training pairs come from: one file per source, each a value with a name."""
