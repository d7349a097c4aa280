"""What a trainer minimises: one file per published loss, each a value with a name."""
