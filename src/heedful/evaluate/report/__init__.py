"""Values to what people read: HTML, LaTeX, Markdown, CSV, pictures."""
