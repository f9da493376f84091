"""Files to documents: readers, sentence splitting, sentence aspects."""

from heedful.corpus.aspects import SCIENCE, Aspect, AspectScheme
from heedful.corpus.reading import CorpusFiles, ReadReport, read_documents
from heedful.corpus.sentences import split_sentences

__all__ = ["SCIENCE", "Aspect", "AspectScheme", "CorpusFiles", "ReadReport", "read_documents", "split_sentences"]
