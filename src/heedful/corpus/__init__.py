"""Files to documents: readers, sentence splitting, sentence aspects."""

from heedful.corpus.aspects import SCIENCE, Aspect, AspectScheme
from heedful.corpus.reading import ReadReport, read_documents
from heedful.corpus.sentences import split_sentences

__all__ = ["SCIENCE", "Aspect", "AspectScheme", "ReadReport", "read_documents", "split_sentences"]
