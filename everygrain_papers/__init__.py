"""The reading room: research papers on your own machine, on top of everygrain's public names."""
