"""The course as a web site: Markdown pages for Sphinx to render (`make site`), and the checks of what it rendered."""
