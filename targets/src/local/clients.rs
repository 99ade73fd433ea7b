//! Client threads: the sans-IO client of the reference store over HTTP.
