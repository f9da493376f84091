"""Files to documents: readers, sentence splitting, sentence aspects."""

from heedful.corpus.aspects import SCIENCE, Aspect, AspectScheme
from heedful.corpus.sentences import split_sentences

__all__ = ["SCIENCE", "Aspect", "AspectScheme", "split_sentences"]
