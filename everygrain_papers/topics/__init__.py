"""Topics that are found, and tags from the user's own labels."""

from everygrain_papers.topics.model import NO_TOPIC, Topic, TopicModel
from everygrain_papers.topics.tagger import Tag, Tagger
from everygrain_papers.topics.verbalizer import Verbalizer

__all__ = ["NO_TOPIC", "Tag", "Tagger", "Topic", "TopicModel", "Verbalizer"]
