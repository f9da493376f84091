"""The web page: a template, style sheets and JavaScript modules that need no build step and nothing from outside."""
