"""One exchange, tunnel or connection in full: facts, the steps of its way, a page, a filter."""
