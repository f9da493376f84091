"""The command line: one thin file a verb; each parses, calls the library, prints."""
