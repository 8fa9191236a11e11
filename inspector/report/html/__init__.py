"""The report as one page for a browser (`report.html`), which opens from disk and asks no network.

`write` gives a template what is told in words (`page.html`), and the data for what is drawn and
filtered (`data`); `page.css` and `page.js` are in it as they are.  `frame` puts a page together,
and has what is common to all: `frame.css` and `frame.js`.
"""
