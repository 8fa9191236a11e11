"""The report as one page for a browser (`report.html`), which opens from disk and asks no network.

`write` puts it together: a template for what is told in words (`page.html`), the data for what is
drawn and filtered (`data`), and `page.css` and `page.js` as they are.
"""
