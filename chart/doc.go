// Package chart draws pictures of finished results as SVG and PNG: stacked bars,
// lines, ranked lists and horizontal bars, and small lines beside a number. The
// same data gives the same bytes, and both formats show the same.
//
// A picture stands alone as a file or an <img>, following the light or dark
// theme of whoever looks, or is placed inside a page that carries [CSS]
// itself. Its colours are custom properties the page may set on any element
// around it: --chart-1 to --chart-10 for series, --chart-other, --chart-ground,
// --chart-text, --chart-muted, --chart-line, --chart-up and --chart-down.
package chart
