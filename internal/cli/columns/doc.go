// Package columns prints tables for people. Columns are as wide as their cells, within the width of the terminal. The
// colour of a cell follows from its style, never from its text.
//
//	w := columns.New(os.Stdout, columns.Options{Width: 80, Colour: true})
//	row := columns.Cell(nil, columns.Plain, path)
//	row = columns.Cell(row, columns.Good, "0x00120089")
//	_, err := w.Write(columns.End(row))
//	err = w.Flush()
//
// The writer buffers the first rows to measure them and prints the others at once (ADR 33). A [Writer] belongs to one
// goroutine. Any goroutine may build rows.
package columns
