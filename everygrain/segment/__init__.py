"""Text to spans: sentences and passages that point into the text they were found in."""
