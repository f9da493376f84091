"""HTTP, pages and MCP over one index."""
